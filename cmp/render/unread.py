"""The needs of a render, with the checks that it loses no file that an instance claims.

A values file that the layout's patterns match, and an application's folder that an instance folder takes the place of,
are meant to have an effect.  Whether an engine reads them is known once it has read its own files.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from cmp.engines import ENGINES, engine_of
from cmp.engines.registry import CHAINS, HELM, KUSTOMIZE
from cmp.errors import ConfigError
from cmp.repository import layout
from cmp.repository.config import APP_FILE
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.engines.protocol import Needs
    from cmp.model import Instance
    from cmp.system.tree import Tree


def needs_of(tree: Tree, instance: Instance) -> Needs:
    """Return the needs of an instance's engine.

    ConfigError for a mistake that the engine can see, and for an instance folder that is rendered in place of the
    application's and names nothing of it.
    """
    needs = engine_of(instance.engines).needs(tree, instance)
    if instance.displaced and not _is_stray(instance) and not _names(tree, instance, needs):
        raise _displaced(instance)
    return needs


def _is_stray(instance: Instance) -> bool:
    """Say whether the displaced file is a manifest in a folder around the instance folders of another engine.

    In apps/{app}/{cluster} that folder holds them, and often an Application or the like, which is no part of it.
    """
    is_manifest = _is_manifest(instance.displaced)
    is_around = instance.instance_folder.startswith(f"{instance.app_folder}/")
    return is_manifest and is_around and not ENGINES[instance.engines[-1]].is_fallback


def _is_manifest(path: str) -> bool:
    """Say whether a file chooses no engine by its name."""
    patterns = (layout.parse(text) for traits in ENGINES.values() if not traits.is_fallback for text in traits.markers)
    return all(layout.match(pattern, posixpath.basename(path)) is None for pattern in patterns)


def unread(instance: Instance, needs: Needs) -> Iterator[str]:
    """Yield warnings on what the engine does not get as values and does not name, and on manifests around a folder."""
    if instance.displaced and _is_stray(instance) and not _reads(instance, needs):
        path = layout.shown(instance.displaced)
        yield f"nothing reads {path} here: {instance.folder} is rendered, and does not name it"
    read = {*needs.read_paths, *needs.encryptable_files}
    if paths := [layout.shown(path) for path in instance.unread_layers if path not in read]:
        files = f"values file{'s' if len(paths) > 1 else ''} {', '.join(paths)}"
        takers = "plain manifests take" if ENGINES[instance.engines[-1]].is_fallback else "a kustomization takes"
        yield f"nothing reads the {files}: {takers} no values"


def _names(tree: Tree, instance: Instance, needs: Needs) -> bool:
    """Say whether the rendered files name the chart of the application's folder, or else anything in that folder."""
    folder = instance.app_folder
    if posixpath.basename(instance.displaced) in ENGINES[HELM].markers:
        return folder in needs.chart_folders or folder in local_charts(tree, needs.chart_folders)
    return _reads(instance, needs)


def _reads(instance: Instance, needs: Needs) -> bool:
    """Say whether the rendered files name anything in the application's folder but their own folders."""
    folder = instance.app_folder
    own = {instance.folder, instance.chart_folder} - {""}
    paths = {*needs.read_paths, *needs.private_copies, *needs.encryptable_files} - own
    inner = [path for path in paths if f"{path}/".startswith(f"{folder}/")]
    return any(not path.startswith(f"{instance.folder}/") for path in inner)


def local_charts(tree: Tree, folders: tuple[str, ...]) -> set[str]:
    """Return the folders of the charts that some charts take from the same tree by `file://`, nested ones too."""
    from cmp.artifacts.charts.dependencies import local_folders  # noqa: PLC0415  # few renders ask

    return {local for folder in folders for local in local_folders(tree, folder)}


def _displaced(instance: Instance) -> ConfigError:
    app, folder, last = instance.app_folder, instance.folder, instance.engines[-1]
    own, relative = join(instance.instance_folder, APP_FILE), posixpath.relpath(app, folder)
    is_chart = posixpath.basename(instance.displaced) in ENGINES[HELM].markers
    if last == KUSTOMIZE and is_chart:
        way = f"`engine: [{', '.join(CHAINS[0])}]` in {own} makes the rendered chart one of its resources"
    elif last == KUSTOMIZE and _is_manifest(instance.displaced):
        way = f"give {app} a kustomization and name {relative} under `resources`"
    elif last == KUSTOMIZE:
        way = f"name {relative} under `resources` of its kustomization"
    elif last == HELM and is_chart:
        way = f"make the chart a dependency: `repository: file://{relative}`"
    else:
        way = f"put its files into {app}" if ENGINES[last].is_fallback else f"name what it uses of {relative}"
    return ConfigError(
        f"{folder} is rendered in place of {app}, and does not name {layout.shown(instance.displaced)}",
        file=folder,
        hint=f"{way}; `replace: true` in {own} says that nothing of {app} is meant here; "
        f"without the files of {last} in {folder}, {app} is rendered",
    )
