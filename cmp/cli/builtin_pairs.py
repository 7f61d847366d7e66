"""The Applications without a plugin in the files of a checkout, as pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.preview import applications
from cmp.preview.sides import BuiltinSource
from cmp.repository import builtin
from cmp.repository.git import Git
from cmp.system.tree import git_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.argocd.settings import ArgoCDSettings
    from cmp.cli import Invocation
    from cmp.model import Instance
    from cmp.preview.sides import RenderRequest
    from cmp.repository.instances import Repository
    from cmp.system.tree import WorkTree


class BuiltinPair(NamedTuple):
    """An Application whose sources have no plugin, and all that they are resolved with."""

    request: RenderRequest
    sources: tuple[BuiltinSource, ...]
    repository: Repository
    settings: ArgoCDSettings

    def instances(self) -> tuple[Instance, ...]:
        """Resolve its sources; ConfigError for one that cannot be rendered."""
        return tuple(source.instance(self.repository, self.settings) for source in self.sources)


def builtin_pairs(
    tree: WorkTree, repository: Repository, invocation: Invocation, *, has_warnings: bool = True
) -> Iterator[BuiltinPair]:
    """Yield the Applications of the files that the configuration names, without one of all; the others as warnings."""
    if repository.config.source and not repository.config.preview.application_files:
        return
    urls = _remotes(tree, invocation) if git_root(tree.repository) else ()
    found = applications.of_tree(tree, repository, urls, invocation.context)
    for note in found.notes if has_warnings else ():
        invocation.context.log.warning(note)
    if not found.has_builtins:
        return
    settings = builtin.settings_of(repository)
    for request in found.requests:
        sources = tuple(source for source in request.sources if isinstance(source, BuiltinSource))
        if len(sources) == len(request.sources):
            yield BuiltinPair(request, sources, repository, settings)


def _remotes(tree: WorkTree, invocation: Invocation) -> tuple[str, ...]:
    git = Git(tree.repository, invocation.context)
    try:
        return git.remotes()
    finally:
        git.close()
