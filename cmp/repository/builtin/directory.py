"""The block `directory`: the manifests of a folder, as Argo CD chooses them.

Source: argoproj/argo-cd 3.6, reposerver/repository/repository.go (`getPotentiallyValidManifests`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.argocd.settings import EXTENSION_FILTER
from cmp.argocd.source import Directory
from cmp.engines.registry import PLAIN
from cmp.errors import ConfigError
from cmp.repository.builtin.patterns import gobwas
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import Instance
    from cmp.repository.builtin.sources import SourceContext
    from cmp.system.tree import Tree

SUFFIXES = (".yaml", ".yml", ".json")
JSONNET = ".jsonnet"


def resolve(context: SourceContext, instance: Instance) -> Instance:
    """Complete an Instance; ConfigError for Jsonnet, which Argo CD evaluates and cmp does not."""
    block = context.application.source.directory or Directory()
    if not context.settings.is_from(EXTENSION_FILTER):
        block = block._replace(disable_extension_filter=False)
    files = [*_files(context.tree, context.folder, block, "")]
    if jsonnet := next((path for path in files if path.endswith(JSONNET)), ""):
        raise ConfigError(
            f"Argo CD evaluates {jsonnet}, and cmp evaluates no Jsonnet: this Application is not compared",
            file=context.application.location.place,
            hint="commit what it prints, or leave the file out by `directory: {exclude: …}`",
        )
    return instance._replace(engines=(PLAIN,), manifest_files=tuple(files))


def _files(tree: Tree, folder: str, block: Directory, inside: str) -> Iterator[str]:
    """Yield the files that Argo CD reads, in its order: hidden ones too, but no links to folders."""
    for entry in tree.entries(join(folder, inside)):
        path = join(inside, entry.name)
        if entry.kind == "folder" and not entry.is_link:
            if block.recurse:
                yield from _files(tree, folder, block, path)
            continue
        is_manifest = block.disable_extension_filter or entry.name.endswith((*SUFFIXES, JSONNET))
        if is_manifest and entry.kind == "file" and _is_wanted(block, path):
            yield join(folder, path)


def _is_wanted(block: Directory, path: str) -> bool:
    is_excluded = bool(block.exclude) and gobwas(block.exclude, path)
    return not is_excluded and (not block.include or gobwas(block.include, path))
