"""What is asked for: which application, which cluster, and in which folders they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError, UsageError, suggestion
from cmp.model import BuildEnv, Cluster, Parameters
from cmp.repository import layout

if TYPE_CHECKING:
    from cmp.repository.instances.repository import Repository
    from cmp.repository.layout import Captures, Found

NO_CLUSTER = "without a cluster"


class Request(NamedTuple):
    """What is asked for by the command line, the folder somebody stands in (or the source path), and Argo CD.

    `app`, `cluster` and `flags` are the command line's; `folder` is relative to the root; `parameters` and `build_env`
    are Argo CD's; `locked_cluster` is the only cluster that this sidecar serves (`CMP_CLUSTER`).
    """

    app: str = ""
    cluster: str = ""
    folder: str = ""
    parameters: Parameters = Parameters()
    flags: Parameters = Parameters()
    build_env: BuildEnv = BuildEnv()
    locked_cluster: str = ""
    in_sidecar: bool = False


class Target(NamedTuple):
    """One application on one cluster and its folders; `known` is what patterns are filled from.

    Without a cluster its name is empty; `instance_folder` is empty where there is none.
    """

    app: str
    cluster: Cluster
    app_folder: str
    instance_folder: str
    known: Captures

    @property
    def whose(self) -> str:
        """Complete the sentence "… is not known"."""
        return f"of cluster {self.cluster.name}" if self.cluster.name else NO_CLUSTER


def named(repository: Repository, request: Request) -> Request:
    """Return the request with `app` and `cluster` (empty: nobody names one) from whatever names them.

    ConfigError when two sources disagree, or the source path is no application's folder; UsageError when nothing names
    an application.
    """
    place = repository.place(request.folder, is_exact=request.in_sidecar)
    folder = f"the {'source path' if request.in_sidecar else 'folder'} {request.folder or '.'}"
    if not request.app and not place.app:
        request = _named_by_namespace(repository, request, folder)
    return request._replace(
        app=_agreed("applications", (request.app, "the command line"), (place.app, folder)),
        cluster=_agreed(
            "clusters",
            (request.cluster, "the command line"),
            (request.parameters.cluster, "the parameter cluster"),
            (place.cluster, folder),
            (request.locked_cluster, "CMP_CLUSTER"),
        ),
    )


def _named_by_namespace(repository: Repository, request: Request, folder: str) -> Request:
    """Take `--namespace` for the application: the habit of those who called `helm upgrade` by hand."""
    if request.in_sidecar:
        raise ConfigError(
            f"{folder} is no application's folder",
            hint="the layout has them in "
            + " and ".join(pattern.text for pattern in (repository.apps, repository.instances) if pattern.text),
        )
    if not request.flags.namespace:
        raise UsageError(
            "which application?", hint="name it, as in `cmp render APP --cluster CLUSTER`, or go into its folder"
        )
    return request._replace(app=request.flags.namespace, flags=request.flags._replace(namespace=""))


def _agreed(kind: str, *said: tuple[str, str]) -> str:
    named = [(name, source) for name, source in said if name]
    for name, source in named[1:]:
        if name != named[0][0]:
            raise ConfigError(
                f"two {kind} are asked for: {layout.shown(named[0][0])} by {named[0][1]}, "
                f"{layout.shown(name)} by {source}",
                hint=f"they must agree; only one of the {kind} can be rendered",
            )
    return named[0][0] if named else ""


def locate(repository: Repository, request: Request) -> Target:
    """Find the folders of a named application on a named cluster.

    ConfigError when either is unknown, when the application does not run on the cluster, or when no cluster is named
    and one is needed.
    """
    cluster = repository.cluster(request.cluster) if request.cluster else Cluster("")
    known = {**cluster.facts, **({"cluster": cluster.name} if cluster.name else {}), "app": request.app}
    if not cluster.name and "cluster" in repository.apps.names:
        raise _which_cluster(repository, request.app)
    app = repository.app_folder(request.app, known)
    choice = repository.app_config(app.path).clusters
    if not cluster.name:
        if not repository.is_without_clusters(request.app):
            raise _which_cluster(repository, request.app)
        return Target(request.app, cluster, app.path, "", app.captures)
    instance = repository.instance_folder(app.captures)
    if instance:
        return Target(request.app, cluster, app.path, instance.path, instance.captures)
    # Neither folders nor cmp-app.yaml need to say where an application runs that lies in its cluster's own folder.
    runs_anyway = "cluster" in repository.apps.names or repository.is_without_clusters(request.app)
    if not (choice.covers(cluster) if choice else runs_anyway):
        raise _runs_elsewhere(repository, request, app)
    return Target(request.app, cluster, app.path, "", app.captures)


def _runs_elsewhere(repository: Repository, request: Request, app: Found) -> ConfigError:
    clusters = repository.clusters_of(request.app)
    is_misspelt = request.cluster not in repository.config.clusters
    return ConfigError(
        f"application {request.app} does not run on cluster {request.cluster}: " + _why_not(repository, app.captures),
        hint=suggestion(request.cluster, clusters) if is_misspelt else f"it runs on {', '.join(clusters) or 'none'}",
    )


def _which_cluster(repository: Repository, app: str) -> ConfigError:
    clusters = ", ".join(repository.clusters_of(app))
    telling = (pattern.text for pattern in (repository.instances, repository.apps) if "cluster" in pattern.names)
    path = next((f"a source path such as {text}, " for text in telling), "")
    runs = clusters or f"none: {_why_not(repository, {'app': app})}"
    return ConfigError(
        f"which cluster? application {layout.shown(app)} runs on {runs}",
        hint=f"name it by --cluster; in Argo CD by the parameter cluster, {path}or CMP_CLUSTER in the sidecar",
    )


def _why_not(repository: Repository, known: Captures) -> str:
    if not repository.instances.text:
        return "no `clusters` of its cmp-app.yaml says so"
    return f"there is no folder {layout.sketch(repository.instances, known)}"
