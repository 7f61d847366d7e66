"""The options that name one application on one cluster, shared by `render` and `values`."""

from __future__ import annotations

import os
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp import application, instances, parameters
from cmp.engines import FACTS
from cmp.errors import ConfigError, ToolError, UsageError
from cmp.instances import Request
from cmp.model import Instance, Parameters
from cmp.proc import Command, run
from cmp.tree import WorkTree

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.commands import Invocation, Output


class Target(NamedTuple):
    """What the command line says about the application and the cluster; `file` holds Argo CD's Applications."""

    app: str
    flags: Parameters
    file: str = ""
    name: str = ""

    def resolve(self, invocation: Invocation) -> tuple[WorkTree, Instance]:
        """Find the repository around the working directory and the instance in it."""
        if self.file:
            return self._resolve_application(invocation)
        if self.name:
            raise UsageError("--name chooses an Application of a file, and there is no --application")
        tree, folder = instances.open_repository(invocation.cwd)
        request = Request(
            app=self.app,
            cluster="",
            folder=folder,
            parameters=parameters.read(invocation.plugin_env),
            flags=self.flags,
            build_env=invocation.build_env,
            locked_cluster=invocation.context.settings.cluster,
            in_sidecar=False,
        )
        return tree, instances.resolve(tree, request, FACTS)

    def _resolve_application(self, invocation: Invocation) -> tuple[WorkTree, Instance]:
        """Resolve as the sidecar would, in the checkout around the working directory."""
        around, _ = instances.open_repository(invocation.cwd)
        path = os.path.join(invocation.cwd, self.file)
        try:
            with open(path, "rb") as file:
                found = application.find(file.read(), self.file, self.name)
        except OSError as error:
            raise UsageError(f"cannot read the file of --application: {error.strerror}", file=self.file) from None
        checkout = WorkTree(around.repository)
        if checkout.kind(found.path) != "folder":
            what = f"the source path {found.path} is no folder of this checkout"
            raise ConfigError(what, file=found.place, hint="check out the revision that the Application names")
        found = application.overridden(found, lambda name: checkout.read(name) if _is_file(checkout, name) else None)
        revision = _head(checkout.root, invocation) if application.asks_for_revision(found) else ""
        build_env = application.build_env(found, revision)
        tree, folder = instances.open_sidecar(os.path.join(checkout.root, found.path), build_env)
        try:
            given = parameters.read(application.plugin_env(found, build_env))
        except ConfigError as error:
            error.file = error.file or found.place
            raise
        request = Request(
            app=self.app,
            cluster="",
            folder=folder,
            parameters=given,
            flags=self.flags,
            build_env=build_env,
            locked_cluster=invocation.context.settings.cluster,
            in_sidecar=True,
            is_by_file=True,
        )
        return tree, instances.resolve(tree, request, FACTS)


def _is_file(tree: WorkTree, name: str) -> bool:
    return tree.kind(name) == "file"


def _head(folder: str, invocation: Invocation) -> str:
    """Return the commit of a checkout."""
    context = invocation.context
    command = Command("git rev-parse", ("git", "rev-parse", "HEAD"), context.settings.env.plain, cwd=folder)
    result = run(command, context.deadline)
    if result.returncode != 0:
        said = result.stderr.decode(errors="replace").strip()
        raise ToolError(f"the commit of this checkout, which plugin.env uses, is not known: {said}", file=folder)
    return result.stdout.decode().strip()


OPTIONS = (
    click.argument("app", required=False, default=""),
    click.option("--application", default="", metavar="FILE", help="Render what Argo CD would for an Application."),
    click.option("--name", default="", help="Which Application, where FILE holds several."),
    click.option("--cluster", default="", help="The cluster, by its name in the repository."),
    click.option("--namespace", default="", help="The destination namespace; without APP also the application."),
    click.option("--release", default="", help="The release name."),
    click.option("--kube-version", default="", help="The Kubernetes version that charts see."),
    click.option("--api-versions", multiple=True, help="API versions that charts see; repeat, or separate by commas."),
    click.option("--values", multiple=True, metavar="PATTERN", help="More values files of the application's folders."),
    click.option("--set", "set_", multiple=True, metavar="KEY=VALUE", help="Set one value, as helm --set."),
    click.option("--set-string", multiple=True, metavar="KEY=VALUE", help="Set one text value, as helm --set-string."),
    click.option("--helm-version", default="", help="Another installed helm than the pinned one."),
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
    *("values", "set_", "set_string", "helm_version"),
)


def _target(app: str, given: dict[str, object]) -> Target:
    def texts(name: str) -> tuple[str, ...]:
        value = given[name]
        return value if isinstance(value, tuple) else ()

    flags = Parameters(
        cluster=str(given["cluster"]),
        release=str(given["release"]),
        namespace=str(given["namespace"]),
        values=texts("values"),
        set=_pairs("--set", texts("set_")),
        set_string=_pairs("--set-string", texts("set_string")),
        pins={"helm": str(given["helm_version"])} if given["helm_version"] else {},
        kube_version=str(given["kube_version"]),
        api_versions=tuple(version for text in texts("api_versions") for version in text.split(",") if version),
    )
    return Target(app, flags, str(given["application"]), str(given["name"]))


def _pairs(option: str, texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    for text in texts:
        if not text.partition("=")[1] or text.startswith("="):
            raise UsageError(f"{option} {text}: expected KEY=VALUE")
    return tuple((key, value) for key, _, value in (text.partition("=") for text in texts))
