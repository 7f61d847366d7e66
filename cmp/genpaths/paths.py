"""Everything of the repository that the render of an application can read, as Argo CD's annotation names it.

What is not there yet counts too, where it would be read: a values file that one of the layout's patterns finds, the
folder of an instance, cmp.lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile
from cmp.engines import ENGINES, engine_of
from cmp.genpaths.annotation import of_path, of_pattern, reduced
from cmp.model import NOTHING
from cmp.render.fingerprint import FingerprintIndex
from cmp.repository import config, instances, layout
from cmp.repository.instances import Repository, Request
from cmp.system.tree import join, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.model import Instance
    from cmp.repository.instances import Pair
    from cmp.repository.layout import Pattern
    from cmp.system.tree import Tree


class Reader(NamedTuple):
    """An instance, and the root-relative files and folders that its render reads beside the configuration."""

    instance: Instance
    paths: tuple[str, ...]


class Paths:
    """What the renders of one tree read."""

    def __init__(self, tree: Tree) -> None:
        self.repository = Repository(tree, ENGINES)
        self._tree = self.repository.tree
        self._fingerprints = FingerprintIndex(self._tree)
        self._links = Links(self._tree)
        self._files: dict[str, tuple[str, ...]] = {}
        self._readers: dict[Pair, Reader] = {}
        self._configuration = tuple(filter(None, (config.FILE, lockfile.FILE, self.repository.config.inventory)))

    def reader(self, pair: Pair) -> Reader:
        """Return what one pair reads; raises what keeps it from being rendered."""
        if pair not in self._readers:
            self._readers[pair] = self._read(pair)
        return self._readers[pair]

    def _read(self, pair: Pair) -> Reader:
        instance = instances.resolve_in(self.repository, Request(pair.app, pair.cluster))
        inputs = self._fingerprints.inputs(instance, engine_of(instance.engines).needs(self._tree, instance))
        own = filter(None, (instance.app_folder, instance.instance_folder))
        found = dict.fromkeys((*own, *inputs.layers, *inputs.files, *inputs.folders))
        return Reader(
            instance, tuple(dict.fromkeys((*found, *(link for path in found for link in self._links.of(path)))))
        )

    def files(self, reader: Reader) -> tuple[str, ...]:
        """Return every file that is there and that the render reads, the configuration too, from the Git root."""
        files = {file for path in (*self._configuration, *reader.paths) for file in self._below(path)}
        return tuple(sorted(join(self._tree.prefix, file) for file in files))

    def _below(self, path: str) -> tuple[str, ...]:
        if path not in self._files:
            kind = self._tree.kind(path)
            self._files[path] = tuple(walk(self._tree, path)) if kind == "folder" else (path,) if kind == "file" else ()
        return self._files[path]

    def items(self, readers: Sequence[Reader], names: Mapping[str, str] = NOTHING) -> tuple[str, ...]:
        """Return the items of an annotation that serves all of these renders.

        What differs between the clusters of an application is a star, so that one more cluster is meant already.
        `names` stand for what the layout calls so: in a template, `app` may be `{{.app}}`.
        """
        found = [self._item(path) for path in self._configuration]
        if self._tree.prefix:
            # With reposerver.plugin.use.manifest.generate.paths the sidecar gets the folder that all items share, and
            # that must be the root of the Git repository.
            found.append(of_path(config.FILE, ""))
        for app in {reader.instance.app for reader in readers}:
            found += self._of_app([reader for reader in readers if reader.instance.app == app], names)
        return reduced(found)

    def _item(self, path: str) -> str:
        return of_path(path, self._tree.prefix)

    def _of_app(self, readers: Sequence[Reader], names: Mapping[str, str]) -> Iterator[str]:
        known = {**_shared([reader.instance.known for reader in readers]), **names}
        for pattern in self._values(readers):
            yield of_pattern(pattern, known, self._tree.prefix)
        covered = {layer.path for reader in readers for layer in reader.instance.layers}
        own: tuple[str, ...] = ()
        for pattern, folders in self._own(readers):
            own += tuple(f"{folder}/" for folder in folders)
            item = of_pattern(pattern, known, self._tree.prefix)
            if pattern.names <= known.keys() and not pattern.has_wildcard:
                yield item
            elif len(folders) == 1:
                yield self._item(*folders)
            else:
                yield from (f"{item}{level}" for level in self._levels(folders))
        for path in dict.fromkeys(path for reader in readers for path in reader.paths):
            if path not in covered and not f"{path}/".startswith(own):
                yield self._item(path)

    def _values(self, readers: Sequence[Reader]) -> Iterator[Pattern]:
        """Yield the patterns of values files; what else an application may name lies in its own folders."""
        yield from (layout.parse(one.pattern, one.place) for one in self.repository.config.layout.values)
        folders = {
            folder for reader in readers for folder in (reader.instance.app_folder, reader.instance.instance_folder)
        }
        for folder in sorted(folders):
            yield from (layout.parse(one.pattern, one.place) for one in self.repository.app_config(folder).values)

    def _own(self, readers: Sequence[Reader]) -> Iterator[tuple[Pattern, tuple[str, ...]]]:
        """Yield the patterns of the folders of an application, each with those that there are."""
        yield self.repository.apps, tuple(dict.fromkeys(reader.instance.app_folder for reader in readers))
        if self.repository.instances.text:
            found = (reader.instance.instance_folder for reader in readers)
            yield self.repository.instances, tuple(dict.fromkeys(filter(None, found)))

    def _levels(self, folders: Sequence[str]) -> Iterator[str]:
        """Yield `/*`, `/*/*` and so on, as deep as there are files: a star crosses no `/`."""
        depths = (file.removeprefix(folder).count("/") for folder in folders for file in self._below(folder))
        for depth in range(1, max(depths, default=1) + 1):
            yield "/*" * depth


def _shared(known: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return what is the same everywhere."""
    return {name: text for name, text in known[0].items() if all(one.get(name) == text for one in known)}


class Links:
    """The links of one tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, path: str) -> tuple[str, ...]:
        """Return what else counts for a file or folder: links on the way to it and in it, and where they lead."""
        if path not in self._known:
            self._known[path] = ()  # until it is known: a cycle ends here
            self._known[path] = tuple(dict.fromkeys(self._found(path)))
        return self._known[path]

    def _found(self, path: str) -> Iterator[str]:
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
        above = ""
        for name in path.split("/"):
            below = join(self._tree.resolve(above), name)
            if self._tree.resolve(below) != below:
                yield below
            above = join(above, name)
