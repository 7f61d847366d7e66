"""What Argo CD would ask the sidecar for an Application that a person has as a file."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cmp import environ
from cmp.argocd.document import find
from cmp.argocd.environment import references, variables
from cmp.argocd.overrides import overridden
from cmp.cli.io import content_or_stdin
from cmp.errors import CmpError, ConfigError, ToolError, UsageError
from cmp.repository import git, instances
from cmp.system.process import run
from cmp.system.tree import WorkTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.argocd.document import Application
    from cmp.cli import Invocation
    from cmp.model import Parameters
    from cmp.repository.instances import Request

REVISION = "ARGOCD_APP_REVISION"
FLAGS = {"KUBE_VERSION": "--kube-version", "KUBE_API_VERSIONS": "--api-versions"}


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Give errors without a file this place."""
    try:
        yield
    except CmpError as error:
        error.file = error.file or place
        raise


def requested(file: str, name: str, flags: Parameters, invocation: Invocation) -> tuple[WorkTree, Request, str]:
    """Return the tree of the checkout around the working directory, the request as if Argo CD had sent it, its place.

    ConfigError, with the place in the file, for an Application that cannot be rendered here; UsageError for a file that
    cannot be read; ToolError when `plugin.env` uses the commit and git does not tell it.
    """
    found = find(*content_or_stdin(file, invocation.cwd, "the file of --application"), name)
    checkout = WorkTree(instances.checkout(invocation.cwd))
    _require_folder(found, checkout)
    found = overridden(found, lambda path: checkout.read(path) if checkout.kind(path) == "file" else None)
    given = variables(found, _outside(found, flags, checkout.root, invocation))
    with placed(found.spot.place):
        tree, request = instances.sidecar_request(
            os.path.join(checkout.root, found.path),
            environ.build_env(given),
            environ.plugin_env(given),
            invocation.context.settings.cluster,
        )
    return tree, request, found.spot.place


def _require_folder(found: Application, checkout: WorkTree) -> None:
    path = os.path.normpath(found.path)
    is_outside = path.startswith(("/", "../")) or path == ".."
    if is_outside or checkout.kind(path) != "folder":
        raise ConfigError(
            f"there is no folder {found.path} in this checkout",
            file=found.spot.inner("path").place,
            hint="go into a checkout of the repository and revision that the Application names",
        )


def _outside(found: Application, flags: Parameters, checkout: str, invocation: Invocation) -> dict[str, str]:
    """Return what no Application tells and its `plugin.env` uses: what stands in for it must not be a guess."""
    used = references(found)
    given = {"KUBE_VERSION": flags.kube_version, "KUBE_API_VERSIONS": ",".join(flags.api_versions)}
    for name, flag in FLAGS.items():
        if name in used and not given[name]:
            raise UsageError(
                f"plugin.env uses {name}, which only Argo CD knows",
                file=found.spot.inner("plugin", "env").place,
                hint=f"say it by {flag}",
            )
    if any(name.startswith(REVISION) for name in used):
        given[REVISION] = _head(checkout, invocation)
    return given


def _head(checkout: str, invocation: Invocation) -> str:
    """Return the commit that is checked out."""
    context = invocation.context
    unknown = "the commit of this checkout, which plugin.env uses, is not known"
    try:
        command = git.command(checkout, context, "rev-parse", "HEAD")
    except ToolError as error:
        raise ToolError(f"{unknown}: {error.what}", file=error.file, hint=error.hint) from error
    result = run(command, context.deadline)
    if result.returncode != 0:
        said = result.stderr.decode(errors="replace").strip()
        raise ToolError(f"{unknown}: {said}", file=checkout)
    return result.stdout.decode().strip()
