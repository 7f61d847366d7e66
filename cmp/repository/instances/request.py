"""Requests: the application, cluster and parameters that the command line, the folder and Argo CD ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd import parameters
from cmp.errors import ConfigError, UsageError
from cmp.model import BuildEnv, Parameters
from cmp.repository import layout
from cmp.repository.instances.root import open_sidecar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.repository.instances.repository import Owner, Repository
    from cmp.system.tree import WorkTree


class Request(NamedTuple):
    """A request for one render, from the command line, the folder that it is made in, and Argo CD.

    `app`, `cluster` and `flags` are the command line's; `folder` is the working directory or Argo CD's source path,
    relative to the root; `parameters` and `build_env` are Argo CD's; `locked_cluster` is the only cluster that this
    sidecar serves (`CMP_CLUSTER`).
    """

    app: str = ""
    cluster: str = ""
    folder: str = ""
    parameters: Parameters = Parameters()
    flags: Parameters = Parameters()
    build_env: BuildEnv = BuildEnv()
    locked_cluster: str = ""
    in_sidecar: bool = False


def sidecar_request(
    cwd: str, build_env: BuildEnv, plugin_env: Mapping[str, str], locked_cluster: str
) -> tuple[WorkTree, Request]:
    """Return the tree that Argo CD sent, and its request; ConfigError as `open_sidecar` and `parameters.read`."""
    tree, folder = open_sidecar(cwd, build_env)
    request = Request(
        folder=folder,
        parameters=parameters.read(plugin_env),
        build_env=build_env,
        locked_cluster=locked_cluster,
        in_sidecar=True,
    )
    return tree, request


def with_names(repository: Repository, request: Request) -> Request:
    """Return the request with its `app` and `cluster` filled in; the cluster stays empty where no source names one.

    ConfigError when two sources disagree, or the source path is no application's folder; UsageError when no source
    names an application.
    """
    owner = repository.owner(request.folder, is_exact=request.in_sidecar)
    folder = f"the {'source path' if request.in_sidecar else 'folder'} {request.folder or '.'}"
    if owner.others and (request.app in owner.others or not request.app):
        owner = _one_of(owner, request.app, folder)
    if not request.app and not owner.app:
        request = _with_namespace_as_app(repository, request, folder)
    return request._replace(
        app=_agreed("applications", (request.app, "the command line"), (owner.app, folder)),
        cluster=_agreed(
            "clusters",
            (request.cluster, "the command line"),
            (request.parameters.cluster, "the parameter cluster"),
            (owner.cluster, folder),
            (request.locked_cluster, "CMP_CLUSTER"),
        ),
    )


def _one_of(owner: Owner, app: str, folder: str) -> Owner:
    """Return the owner of a folder that several applications share, as the one that is named."""
    if not app:
        raise ConfigError(
            f"which application? {folder} is of {' and '.join((owner.app, *owner.others))}",
            hint="name one; in Argo CD by a source path that is the application's own folder",
        )
    return owner._replace(app=app, others=())


def _with_namespace_as_app(repository: Repository, request: Request, folder: str) -> Request:
    """Take `--namespace` for the application: the habit of those who called `helm upgrade` by hand."""
    if request.in_sidecar:
        raise ConfigError(
            f"{folder} is no application's folder",
            hint="the layout has them in "
            + " and ".join(pattern.text for pattern in (*repository.places.apps, *repository.places.instances)),
        )
    if not request.flags.namespace:
        raise UsageError(
            "which application?", hint="name it, as in `cmp render APP --cluster CLUSTER`, or go into its folder"
        )
    return request._replace(app=request.flags.namespace, flags=request.flags._replace(namespace=""))


def _agreed(kind: str, *names: tuple[str, str]) -> str:
    """Return the one name that all sources give; empty where none gives one."""
    given = [(name, source) for name, source in names if name]
    for name, source in given[1:]:
        if name != given[0][0]:
            raise ConfigError(
                f"two {kind} are asked for: {layout.shown(given[0][0])} by {given[0][1]}, "
                f"{layout.shown(name)} by {source}",
                hint=f"they must agree; only one of the {kind} can be rendered",
            )
    return given[0][0] if given else ""
