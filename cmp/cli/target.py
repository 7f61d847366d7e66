"""The options that name one application on one cluster, or an Argo CD Application, for `render` and `values`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp import environ
from cmp.argocd import parameters
from cmp.argocd.application import for_plugin
from cmp.argocd.document import find
from cmp.argocd.reposerver import overridden, references, variables
from cmp.cli import candidates
from cmp.cli.io import content_or_stdin
from cmp.engines import ENGINES
from cmp.errors import CmpError, ConfigError, ToolError, UsageError
from cmp.model import NEUTRAL_REVISION, Instance, Parameters
from cmp.repository import git, instances
from cmp.repository.instances import Request
from cmp.system.process import run
from cmp.system.tree import WorkTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from cmp.argocd.application import Application
    from cmp.cli import Invocation, Output

REVISION = "ARGOCD_APP_REVISION"
ONLY_ARGOCD = {"KUBE_VERSION": "--kube-version", "KUBE_API_VERSIONS": "--api-versions"}


class Target(NamedTuple):
    """The options' values; `file` holds Applications of Argo CD, and `name` chooses one of them."""

    app: str
    cluster: str
    flags: Parameters
    file: str = ""
    name: str = ""

    def resolve(self, invocation: Invocation) -> tuple[WorkTree, Instance]:
        """Find the repository around the working directory and the instance in it."""
        return self._resolved(*self._request(invocation))

    def resolve_plugin(self, application: Application, invocation: Invocation) -> tuple[WorkTree, Instance]:
        """Find the instance that a source with a plugin asks for."""
        return self._resolved(*self.plugin_request(application, invocation))

    def _resolved(self, tree: WorkTree, request: Request, place: str) -> tuple[WorkTree, Instance]:
        request = request._replace(app=self.app, cluster=self.cluster, flags=self.flags)
        with _located_at(place):
            return tree, instances.resolve(tree, request, ENGINES)

    def application(self, invocation: Invocation) -> Application:
        """Return the Application of the file; UsageError for a file that cannot be read."""
        return find(*content_or_stdin(self.file, invocation.cwd, "the file of --application"), self.name)

    def _request(self, invocation: Invocation) -> tuple[WorkTree, Request, str]:
        """Return the tree, the request without the options, and its place for messages."""
        if self.file:
            return self._application_request(invocation)
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

    def _application_request(self, invocation: Invocation) -> tuple[WorkTree, Request, str]:
        """Return the tree of the checkout around the working directory and the request as if Argo CD had sent it.

        ConfigError, with the place in the file, for an Application that cannot be rendered here; UsageError for a file
        that cannot be read; ToolError when `plugin.env` uses the commit and git does not tell it.
        """
        return self.plugin_request(for_plugin(self.application(invocation)), invocation)

    def plugin_request(self, application: Application, invocation: Invocation) -> tuple[WorkTree, Request, str]:
        """Return the tree and the request for the source of an Application that a plugin renders, likewise."""
        checkout = WorkTree(instances.checkout(invocation.cwd))
        _require_folder(application, checkout)
        application = overridden(application, lambda path: _read_if_file(checkout, path))
        env = variables(application, self._external_variables(application, checkout.root, invocation))
        with _located_at(application.location.place):
            tree, request = instances.sidecar_request(
                os.path.join(checkout.root, application.source.path),
                environ.build_env(env),
                environ.plugin_env(env),
                invocation.context.settings.cluster,
            )
        return tree, request, application.location.place

    def _external_variables(self, application: Application, checkout: str, invocation: Invocation) -> dict[str, str]:
        """Return the variables that no Application sets; in `plugin.env` a substitute must not be a guess."""
        used = references(application)
        values = {"KUBE_VERSION": self.flags.kube_version, "KUBE_API_VERSIONS": ",".join(self.flags.api_versions)}
        for name, flag in ONLY_ARGOCD.items():
            if name in used and not values[name]:
                raise UsageError(
                    f"plugin.env uses {name}, which only Argo CD knows",
                    file=application.location.inner("plugin", "env").place,
                    hint=f"say it by {flag}",
                )
        try:
            values[REVISION] = head(checkout, invocation)
        except ToolError:
            if any(name.startswith(REVISION) for name in used):
                raise
            values[REVISION] = NEUTRAL_REVISION
        return values


@contextmanager
def _located_at(place: str) -> Iterator[None]:
    """Give errors without a file this place."""
    try:
        yield
    except CmpError as error:
        error.file = error.file or place
        raise


def _require_folder(application: Application, checkout: WorkTree) -> None:
    path = os.path.normpath(application.source.path)
    is_outside = path.startswith(("/", "../")) or path == ".."
    if is_outside or checkout.kind(path) != "folder":
        raise ConfigError(
            f"there is no folder {application.source.path} in this checkout",
            file=application.location.inner("path").place,
            hint="go into a checkout of the repository and revision that the Application names",
        )


def _read_if_file(tree: WorkTree, path: str) -> bytes | None:
    return tree.read(path) if tree.kind(path) == "file" else None


def head(checkout: str, invocation: Invocation) -> str:
    """Return the commit that is checked out."""
    context = invocation.context
    unknown = "the commit of this checkout, which the Application uses, is not known"
    try:
        command = git.command(checkout, context, "rev-parse", "HEAD")
    except ToolError as error:
        raise ToolError(f"{unknown}: {error.what}", file=error.file, hint=error.hint) from error
    result = run(command, context.deadline)
    if result.returncode != 0:
        raise ToolError(f"{unknown}: {result.stderr.decode(errors='replace').strip()}", file=checkout)
    return result.stdout.decode().strip()


OPTIONS = (
    click.argument("app", required=False, default="", shell_complete=candidates.apps),
    click.option(
        "--application",
        default="",
        metavar="FILE",
        shell_complete=candidates.files,
        help="Take all from an Argo CD Application; - is stdin.",
    ),
    click.option(
        "--name",
        default="",
        metavar="[NAMESPACE/]NAME",
        shell_complete=candidates.applications,
        help="Which Application, where FILE has several.",
    ),
    click.option(
        "--cluster",
        default="",
        metavar="CLUSTER",
        shell_complete=candidates.clusters,
        help="The cluster, by its name in the repository.",
    ),
    click.option(
        "--namespace",
        default="",
        metavar="NAMESPACE",
        shell_complete=candidates.namespaces,
        help="The destination namespace; without APP also the application.",
    ),
    click.option("--release", default="", metavar="RELEASE", help="The release name."),
    click.option("--kube-version", default="", metavar="VERSION", help="The Kubernetes version that charts see."),
    click.option(
        "--api-versions",
        multiple=True,
        metavar="VERSION,…",
        help="API versions that charts see; repeat, or separate by commas.",
    ),
    click.option("--values", multiple=True, metavar="PATTERN", help="More values files of the application's folders."),
    click.option("--set", "set_", multiple=True, metavar="KEY=VALUE", help="Set one value, as helm --set."),
    click.option("--set-string", multiple=True, metavar="KEY=VALUE", help="Set one text value, as helm --set-string."),
    click.option(
        "--set-template", multiple=True, metavar="KEY=VALUE", help="As --set, with placeholders as {cluster}."
    ),
    *(
        click.option(
            f"--{tool}-version",
            default="",
            metavar="VERSION",
            shell_complete=candidates.installed,
            help=f"Another installed {tool} than the pinned one.",
        )
        for tool in parameters.PINNED
    ),
)


def target_options(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command the options above, folded into one `target` argument."""

    @wraps(function)
    def folded(
        *,
        app: str,
        application: str,
        name: str,
        cluster: str,
        namespace: str,
        release: str,
        kube_version: str,
        api_versions: tuple[str, ...],
        values: tuple[str, ...],
        set_: tuple[str, ...],
        set_string: tuple[str, ...],
        set_template: tuple[str, ...],
        **others: Any,  # noqa: ANN401  # the version of each tool, and the command's own options
    ) -> Output:
        versions: dict[str, str] = {tool: others.pop(f"{tool}_version") for tool in parameters.PINNED}
        flags = Parameters(
            release=release,
            namespace=namespace,
            values_files=values,
            set_values=_pairs("--set", set_),
            set_strings=_pairs("--set-string", set_string),
            set_templates=_pairs("--set-template", set_template),
            tool_versions={tool: version for tool, version in versions.items() if version},
            kube_version=kube_version,
            api_versions=tuple(version for text in api_versions for version in text.split(",") if version),
        )
        return function(target=Target(app, cluster, flags, file=application, name=name), **others)

    for option in reversed(OPTIONS):
        folded = option(folded)
    return folded


def _pairs(option: str, texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    for text in texts:
        if not text.partition("=")[1] or text.startswith("="):
            raise UsageError(f"{option} {text}: expected KEY=VALUE")
    return tuple((key, value) for key, _, value in (text.partition("=") for text in texts))
