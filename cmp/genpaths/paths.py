"""The paths of a repository that the render of an application reads, as items of the annotation.

A path that is missing counts too, where a render would read it: a values file that one of the layout's patterns finds,
the folder of an instance, cmp.lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile
from cmp.engines import ENGINES
from cmp.genpaths.annotation import item_of_path, item_of_pattern, without_covered
from cmp.model import NOTHING
from cmp.render.fingerprint import FingerprintIndex
from cmp.render.unread import needs_of
from cmp.repository import config, instances, layout
from cmp.repository.instances import Repository, Request
from cmp.repository.instances.places import is_of_files
from cmp.system.tree import join, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.model import Instance
    from cmp.repository.config import ValuesPattern
    from cmp.repository.instances import Pair
    from cmp.repository.layout import Pattern
    from cmp.system.tree import Tree


class PairPaths(NamedTuple):
    """An instance, and the root-relative files and folders that its render reads beside the configuration."""

    instance: Instance
    paths: tuple[str, ...]


class RenderPaths:
    """The paths that the renders of one tree read."""

    def __init__(self, tree: Tree) -> None:
        self.repository = Repository(tree, ENGINES)
        self._tree = self.repository.tree
        self._fingerprints = FingerprintIndex(self._tree)
        self._links = _Links(self._tree)
        self._files: dict[str, tuple[str, ...]] = {}
        self._pairs: dict[Pair, PairPaths] = {}
        self._configuration = tuple(filter(None, (config.FILE, lockfile.FILE, self.repository.config.inventory)))

    def of(self, pair: Pair) -> PairPaths:
        """Return the paths that the render of one pair reads; raises the error that keeps it from being rendered."""
        if pair not in self._pairs:
            self._pairs[pair] = self._resolved(pair)
        return self._pairs[pair]

    def _resolved(self, pair: Pair) -> PairPaths:
        return self.of_instance(instances.resolve_in(self.repository, Request(pair.app, pair.cluster)))

    def of_instance(self, instance: Instance) -> PairPaths:
        """Return the paths that the render of an instance reads."""
        inputs = self._fingerprints.inputs(instance, needs_of(self._tree, instance))
        own = filter(None, _places_of(instance))
        paths = dict.fromkeys((*own, *inputs.layers, *inputs.files, *inputs.folders))
        links = (link for path in paths for link in self._links.of(path))
        return PairPaths(instance, tuple(dict.fromkeys((*paths, *links))))

    def files(self, pair: PairPaths) -> tuple[str, ...]:
        """Return every existing file that a render reads, the configuration included, from the root of Git."""
        files = {file for path in (*self._configuration, *pair.paths) for file in self._below(path)}
        return tuple(sorted(join(self._tree.prefix, file) for file in files))

    def _below(self, path: str) -> tuple[str, ...]:
        if path not in self._files:
            kind = self._tree.kind(path)
            self._files[path] = tuple(walk(self._tree, path)) if kind == "folder" else (path,) if kind == "file" else ()
        return self._files[path]

    def items_of_sources(self, sources: Sequence[PairPaths]) -> tuple[str, ...]:
        """Return the items of an annotation for an Application without a plugin, which no file of cmp configures."""
        return without_covered([self._item(path) for source in sources for path in source.paths])

    def files_of_sources(self, sources: Sequence[PairPaths]) -> tuple[str, ...]:
        """Return every existing file that its renders read, from the root of Git."""
        files = {file for source in sources for path in source.paths for file in self._below(path)}
        return tuple(sorted(join(self._tree.prefix, file) for file in files))

    def items(self, pairs: Sequence[PairPaths], names: Mapping[str, str] = NOTHING) -> tuple[str, ...]:
        """Return the items of an annotation that serves all of these renders.

        A text that differs between the clusters of an application is a star, so that a new cluster is covered already.
        `names` replace the layout's names: in a template, `app` may be `{{.app}}`.
        """
        items = [self._item(path) for path in self._configuration]
        if self._tree.prefix:
            # With reposerver.plugin.use.manifest.generate.paths the sidecar gets the folder that all items share, and
            # that must be the root of the Git repository.
            items.append(item_of_path(config.FILE, ""))
        for app in {pair.instance.app for pair in pairs}:
            items += self._items_of_app([pair for pair in pairs if pair.instance.app == app], names)
        return without_covered(items)

    def _item(self, path: str) -> str:
        return item_of_path(path, self._tree.prefix)

    def _items_of_app(self, pairs: Sequence[PairPaths], names: Mapping[str, str]) -> Iterator[str]:
        common = _common([pair.instance.placeholders for pair in pairs])
        named = self.repository.places.name
        made = {"name": layout.fill(named, names)} if named and named.names <= names.keys() else {}
        known = {**common, **made, **names}
        patterns = tuple(self._values_patterns(pairs))
        for pattern in patterns:
            yield item_of_pattern(pattern, known, self._tree.prefix)
        layers = {layer.path for pair in pairs for layer in pair.instance.layers}
        found = {path for path in layers if any(layout.match(one, path, common) is not None for one in patterns)}
        own: tuple[str, ...] = ()
        for pattern, folders in self._own_folders(pairs):
            own += tuple(f"{folder}/" for folder in folders)
            item = item_of_pattern(pattern, known, self._tree.prefix)
            if is_of_files(pattern) or (pattern.names <= known.keys() and not pattern.has_wildcard):
                yield item
            elif len(folders) == 1 and all(folders[0] in _places_of(pair.instance) for pair in pairs):
                yield self._item(*folders)
            else:
                yield from (f"{item}{level}" for level in self._levels(folders))
        for path in dict.fromkeys(path for pair in pairs for path in pair.paths):
            if path not in found and not f"{path}/".startswith(own):
                yield self._item(path)

    def _values_patterns(self, pairs: Sequence[PairPaths]) -> Iterator[Pattern]:
        """Yield the patterns of values files; parameters may name others, of its own folders or shared ones."""
        yield from (layout.parse(values.pattern, values.place) for values in self.repository.config.layout.values)
        own: dict[ValuesPattern, None] = {}
        for one in (pair.instance for pair in pairs):
            cluster = self.repository.places.cluster(one.cluster)
            settings = self.repository.settings(one.app, cluster, one.app_folder, one.instance_folder)
            own.update(dict.fromkeys(settings.values))
        yield from (layout.parse(values.pattern, values.place) for values in own)

    def _own_folders(self, pairs: Sequence[PairPaths]) -> Iterator[tuple[Pattern, tuple[str, ...]]]:
        """Yield the patterns of an application's folders and of the files that say where it runs, with what exists."""
        places = self.repository.places
        yield from _by_pattern(places.apps, (pair.instance.app_folder for pair in pairs))
        instances = (pair.instance for pair in pairs)
        yield from _by_pattern(places.instances, (one.instance_folder or one.instance_file for one in instances))

    def _levels(self, folders: Sequence[str]) -> Iterator[str]:
        """Yield `/*`, `/*/*` and so on, down to the deepest file: a star crosses no `/`."""
        depths = (file.removeprefix(folder).count("/") for folder in folders for file in self._below(folder))
        for depth in range(1, max(depths, default=1) + 1):
            yield "/*" * depth


def _by_pattern(patterns: Sequence[Pattern], folders: Iterable[str]) -> Iterator[tuple[Pattern, tuple[str, ...]]]:
    """Yield each pattern with the folders and files that belong to it: to the first that matches them."""
    existing = tuple(dict.fromkeys(filter(None, folders)))
    for pattern in patterns:
        own = tuple(folder for folder in existing if layout.match(pattern, folder) is not None)
        existing = tuple(folder for folder in existing if folder not in own)
        yield pattern, own


def _places_of(instance: Instance) -> tuple[str, ...]:
    return instance.app_folder, instance.instance_folder, instance.instance_file


def _common(known: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the names that have the same text for every instance."""
    return {name: text for name, text in known[0].items() if all(other.get(name) == text for other in known)}


class _Links:
    """The symbolic links of one tree.

    To Git a link and its target are two paths, and a change of either one changes the content that a render reads.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._of: dict[str, tuple[str, ...]] = {}

    def of(self, path: str) -> tuple[str, ...]:
        """Return every symlink, and every symlink's target, that reading a file or folder depends on."""
        if path not in self._of:
            self._of[path] = ()  # a cycle of links ends here
            self._of[path] = tuple(dict.fromkeys(self._followed(path)))
        return self._of[path]

    def _followed(self, path: str) -> Iterator[str]:
        if self._tree.kind(path) == "missing":
            return
        real = self._tree.resolve(path)
        if real != path:
            yield from self._on_the_way(path)
            yield real
        for entry in self._tree.entries(real):
            inner = join(real, entry.name)
            if entry.is_link or entry.kind == "folder":
                yield from self.of(inner)

    def _on_the_way(self, path: str) -> Iterator[str]:
        """Yield the links among a path and the folders above it."""
        above = ""
        for name in path.split("/"):
            below = join(self._tree.resolve(above), name)
            if self._tree.resolve(below) != below:
                yield below
            above = join(above, name)
