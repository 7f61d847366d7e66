"""The options that name one application on one cluster, shared by `render` and `values`."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.argocd import parameters
from cmp.cli.argocd import placed, requested
from cmp.engines import ENGINES
from cmp.errors import UsageError
from cmp.model import Instance, Parameters
from cmp.repository import instances
from cmp.repository.instances import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.cli import Invocation, Output
    from cmp.system.tree import WorkTree


class Target(NamedTuple):
    """What the command line says; `file` holds Applications of Argo CD, and `name` chooses one of them."""

    app: str
    cluster: str
    flags: Parameters
    file: str = ""
    name: str = ""

    def resolve(self, invocation: Invocation) -> tuple[WorkTree, Instance]:
        """Find the repository around the working directory and the instance in it."""
        tree, request, place = self._requested(invocation)
        request = request._replace(app=self.app, cluster=self.cluster, flags=self.flags)
        with placed(place):
            return tree, instances.resolve(tree, request, ENGINES)

    def _requested(self, invocation: Invocation) -> tuple[WorkTree, Request, str]:
        if self.file:
            return requested(self.file, self.name, self.flags, invocation)
        if self.name:
            raise UsageError("--name chooses an Application of a file, and there is no --application")
        tree, folder = instances.open_repository(invocation.cwd)
        request = Request(
            folder=folder,
            parameters=parameters.read(invocation.plugin_env),
            build_env=invocation.build_env,
            locked_cluster=invocation.context.settings.cluster,
        )
        return tree, request, ""


OPTIONS = (
    click.argument("app", required=False, default=""),
    click.option("--application", default="", metavar="FILE", help="Take all from an Argo CD Application; - is stdin."),
    click.option("--name", default="", metavar="[NAMESPACE/]NAME", help="Which Application, where FILE has several."),
    click.option("--cluster", default="", help="The cluster, by its name in the repository."),
    click.option("--namespace", default="", help="The destination namespace; without APP also the application."),
    click.option("--release", default="", help="The release name."),
    click.option("--kube-version", default="", help="The Kubernetes version that charts see."),
    click.option("--api-versions", multiple=True, help="API versions that charts see; repeat, or separate by commas."),
    click.option("--values", multiple=True, metavar="PATTERN", help="More values files of the application's folders."),
    click.option("--set", "set_", multiple=True, metavar="KEY=VALUE", help="Set one value, as helm --set."),
    click.option("--set-string", multiple=True, metavar="KEY=VALUE", help="Set one text value, as helm --set-string."),
    *(
        click.option(f"--{tool}-version", default="", help=f"Another installed {tool} than the pinned one.")
        for tool in parameters.PINNED
    ),
)


def target_options(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command the options above, folded into one `target` argument."""

    @wraps(function)
    def folded(app: str, **rest: object) -> Output:
        given = {name: rest.pop(name) for name in _NAMES}
        return function(target=_target(app, given), **rest)

    for option in reversed(OPTIONS):
        folded = option(folded)
    return folded


_NAMES = (
    *("application", "name", "cluster", "namespace", "release", "kube_version", "api_versions"),
    *("values", "set_", "set_string", *(f"{tool}_version" for tool in parameters.PINNED)),
)


def _target(app: str, given: dict[str, object]) -> Target:
    def texts(name: str) -> tuple[str, ...]:
        value = given[name]
        return value if isinstance(value, tuple) else ()

    flags = Parameters(
        release=str(given["release"]),
        namespace=str(given["namespace"]),
        values_files=texts("values"),
        set_values=_pairs("--set", texts("set_")),
        set_strings=_pairs("--set-string", texts("set_string")),
        tool_versions={tool: str(given[f"{tool}_version"]) for tool in parameters.PINNED if given[f"{tool}_version"]},
        kube_version=str(given["kube_version"]),
        api_versions=tuple(version for text in texts("api_versions") for version in text.split(",") if version),
    )
    return Target(app, str(given["cluster"]), flags, str(given["application"]), str(given["name"]))


def _pairs(option: str, texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    for text in texts:
        if not text.partition("=")[1] or text.startswith("="):
            raise UsageError(f"{option} {text}: expected KEY=VALUE")
    return tuple((key, value) for key, _, value in (text.partition("=") for text in texts))
