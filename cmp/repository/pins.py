"""The pins of tools in the files of a repository: where one stands or belongs, and the file with another version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.errors import ConfigError, UsageError, suggestion
from cmp.repository import edit, layout
from cmp.repository.config import APP_FILE, FILE
from cmp.repository.config.keys import RENDERERS, TOOLS
from cmp.repository.config.rules import VERSION
from cmp.repository.instances.places import CLUSTER, NO_CLUSTER, is_of_files
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.model import ToolPin
    from cmp.repository.instances import Repository
    from cmp.repository.instances.places import Place
    from cmp.system.tree import Tree


def require_pinnable(tool: str, version: str, app: str = "") -> None:
    """UsageError unless this is a tool that can be pinned, for an application where one is named, and exactly so."""
    if tool not in TOOLS:
        raise UsageError(f"there is no tool {layout.shown(tool)} to pin", hint=suggestion(tool, TOOLS))
    if app and tool not in RENDERERS:
        raise UsageError(
            f"{tool} is pinned for the whole repository: it judges all applications of a cluster in one run",
            hint="leave the application out",
        )
    if not VERSION.accepts(version):
        raise UsageError(VERSION.explain(version))


def file_for(repository: Repository, app: str, cluster: str) -> str:
    """Return the file for a pin of the repository, an application or one instance; it may be missing.

    ConfigError where its folder is missing.
    """
    if not app:
        return FILE
    places = repository.places
    if not cluster and any(places.choosing(folder.pattern) for folder in places.app_folders(app)):
        raise UsageError(f"application {layout.shown(app)} has a folder for each cluster", hint="name one by --cluster")
    known = repository.cluster(cluster) if cluster else NO_CLUSTER
    folder = repository.app_folder(app, known)
    if not cluster or CLUSTER in folder.pattern.names:
        return join(folder.path, APP_FILE)
    instance = repository.instance(folder, known)
    own: Place | None = instance if instance and not instance.is_file else None
    if own is None and places.choosing(folder.pattern):
        own = folder
    if own and len(clusters := places.clusters_of(own)) > 1:
        raise ConfigError(
            f"the folder of application {app} for cluster {cluster}, {own.path}, is that of {', '.join(clusters)}",
            hint=f"a pin counts on all of them: write it into {join(own.path, APP_FILE)} by hand",
        )
    if own:
        return join(own.path, APP_FILE)
    filled = {**places.with_name(folder), **places.of_cluster(known)}
    missing = [layout.sketch(pattern, filled) for pattern in places.instances if not is_of_files(pattern)]
    make_folder = f"make {' or '.join(missing)}, or " if missing else ""
    raise ConfigError(
        f"application {app} has no folder for cluster {cluster}",
        hint=f"{make_folder}pin it on all clusters: leave --cluster out",
    )


def declared_in(repository: Repository, file: str) -> Mapping[str, ToolPin]:
    """Return the pins that this very file declares."""
    folder = file.rpartition("/")[0]
    config = repository.config.defaults if file == FILE else repository.app_config(folder)
    return {name: pin for name, pin in config.tools.items() if pin.source.startswith(f"{file}:")}


def with_pin(tree: Tree, file: str, tool: str, version: str) -> bytes:
    """Return the content of a file, which may be missing, with a pin; ConfigError where it cannot be edited."""
    data = tree.read(file) if tree.kind(file) != "missing" else b""
    return edit.set_text(data, ("tools", tool), version, file)
