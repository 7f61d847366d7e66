"""The pairs that may print Applications or ApplicationSets, known by their inputs: only these are rendered for that."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from cmp.argocd.document import GROUP, chart_of_template
from cmp.repository.instances import Request
from cmp.system.globs import whole_match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.model import Instance
    from cmp.preview.identity import PairId
    from cmp.preview.sides import ResolvedPair, ResolvedSource, Side
    from cmp.repository.config.model import NamedPair
    from cmp.repository.git import GitTree

KIND = "Application"  # an ApplicationSet has it in its name
REPOSITORY = "repoURL"  # in the values of a chart that makes Applications, such as argocd-apps
ARCHIVE = ".tgz"
_OWN_GROUP = re.compile(rb"(?<![\w.-])" + re.escape(GROUP.encode()))  # and not that of `argocd.argoproj.io/sync-wave`


class Printers:
    """Tells of the pairs of a tree whether they may print Applications; `named` are those that do, as is configured."""

    def __init__(self, tree: GitTree, named: Sequence[NamedPair]) -> None:
        self._tree = tree
        self._named = {(pair.app, pair.cluster) for pair in named}

    def candidates(self, side: Side) -> list[PairId]:
        """Return the pairs that files may make printers, in their order, and others of which that is not known."""
        requests = side.pairs.requests
        by_files = side.reach.of([*self._with_applications, *self._with_repositories])
        if by_files is None:
            return [*requests]
        known = side.reach.known
        return [key for key in requests if key not in known or key in by_files or (key.app, key.cluster) in self._named]

    def holds(self, pair: ResolvedPair) -> bool:
        """Tell whether a pair is named, or an input of its renders looks like an Application."""
        if pair.error:  # its inputs are not known
            folders = tuple(f"{folder}/" for folder in _folders(pair))
            return bool(self.names(pair)) or any(path.startswith(folders) for path in self._with_applications)
        return bool(self.names(pair)) or any(map(self._may_print, pair.sources))

    def names(self, pair: ResolvedPair) -> set[tuple[str, str]]:
        """Return the names of a pair that the configuration has."""
        identity, subject = pair.request.id, pair.request.subject
        own = {(instance.app, instance.cluster) for instance in pair.instances}
        own |= {(identity.app, identity.cluster), (identity.name, subject.cluster), (subject.app, subject.cluster)}
        return own & self._named

    def unread_charts(self, side: Side, patterns: Sequence[str]) -> set[str]:
        """Return the charts with Applications in templates that match a pattern, and that no pair renders."""
        of_path = {path: chart_of_template(self._tree, path) for path in self._with_applications}
        templates = [
            path
            for path, chart in of_path.items()
            if chart is not None and any(whole_match(pattern, path) for pattern in patterns)
        ]
        by_files = side.reach.of(templates)
        known = side.reach.known if by_files is not None else ()
        keys = [key for key in side.pairs if key not in known or key in (by_files or ())] if templates else ()
        read = {path for key in keys for path in side.pairs[key].reads(templates)}
        return {of_path[path] or "." for path in templates if path not in read}

    @cached_property
    def _with_applications(self) -> list[str]:
        paths = self._tree.holding(GROUP, KIND)
        return [path for path in paths if _OWN_GROUP.search(self._tree.read(path))]

    @cached_property
    def _with_repositories(self) -> list[str]:
        return self._tree.holding(REPOSITORY)

    @cached_property
    def _archives(self) -> list[str]:
        return sorted(path for path in self._tree.blobs if path.endswith(ARCHIVE))

    def _may_print(self, source: ResolvedSource) -> bool:
        texts = [*_texts(source.instance)]
        if source.inputs.select(self._with_applications):
            return True
        if any(_OWN_GROUP.search(text) and KIND.encode() in text for text in texts):
            return True
        # The templates of such a chart are not in the tree.
        is_packed = source.instance.chart or source.repositories or source.inputs.select(self._archives)
        if not is_packed:
            return False
        has_url = any(REPOSITORY.encode() in text for text in texts)
        return has_url or bool(source.inputs.select(self._with_repositories))


def _folders(pair: ResolvedPair) -> Iterator[str]:
    """Yield the folders that an Application names."""
    for source in pair.request.sources:
        folder = source.folder if isinstance(source, Request) else source.source.source.path.strip("/")
        if folder:
            yield folder


def _texts(instance: Instance) -> Iterator[bytes]:
    """Yield the inputs of an instance that are no files."""
    layers = (*instance.layers, *(layer for _, layer in instance.value_texts))
    yield from (layer.data for layer in layers if layer.data is not None)
    parameters = instance.parameters
    yield parameters.values_yaml.encode()
    yield from (text.encode() for pair in (*parameters.set_values, *parameters.set_strings) for text in pair)
