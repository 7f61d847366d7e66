"""The files of a folder that are manifests where no engine's file says what they are: what `plain` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.errors import ConfigError
from cmp.repository import layout
from cmp.repository.instances.claims import OWN
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.repository.layout import Captures, Pattern
    from cmp.system.tree import Entry, Tree


class Offer(NamedTuple):
    """What may be a manifest: a file whose name one of the patterns `names` matches, and that has no other use.

    `is_taken` says of a path that it is a values file or ignored; `is_other` says of a folder that it belongs to
    another application or instance.  The folders below one are looked into where it `is_deep`.
    """

    names: tuple[str, ...]
    is_taken: Callable[[str], bool]
    is_other: Callable[[str], bool]
    is_deep: bool

    def within(self, tree: Tree, folder: str) -> Iterator[str]:
        """Yield the paths of the manifests of a folder, in the order of the names in each folder; no folder has none.

        Hidden folders and links to folders are left out.
        """
        for entry in tree.entries(folder) if folder else ():
            path = join(folder, entry.name)
            if self._has(folder, entry):
                yield path
            elif self.is_deep and _is_open(entry) and not self.is_other(path):
                yield from self.within(tree, path)

    def _has(self, folder: str, entry: Entry) -> bool:
        return (
            entry.kind != "folder"
            and any(_matches(pattern, entry.name) for pattern in self.names)
            and layout.match_name(OWN, entry.name, {}) is None
            and not self.is_taken(join(folder, entry.name))
        )


def _is_open(entry: Entry) -> bool:
    return entry.kind == "folder" and not entry.is_link and not entry.name.startswith(".")


def _matches(pattern: str, name: str) -> bool:
    return layout.match_name(layout.parse(pattern).segments[0], name, {}) is not None


class Choice(NamedTuple):
    """The options of `plain` for a folder, and what their patterns are filled from."""

    folder: str
    options: Mapping[str, object]
    known: Captures
    whose: str

    def of(self, offered: list[str]) -> tuple[str, ...]:
        """Return what `include` and `exclude` leave of the offered paths, in their order.

        Both are patterns from the folder, and may use what is known of the cluster.  ConfigError for a pattern that is
        none, and for one that names a single file which is not there.
        """
        included, excluded = self._named("include", offered), self._named("exclude", offered)
        is_limited = bool(self.options.get("include"))
        return tuple(path for path in offered if (path in included or not is_limited) and path not in excluded)

    def _named(self, key: str, offered: list[str]) -> set[str]:
        """Return the files that the patterns of one option match."""
        found: set[str] = set()
        for text in cast("tuple[str, ...]", self.options.get(key, ())):
            pattern = layout.parse(text, f"plain.{key}")
            layout.require(pattern, self.known, self.whose)
            hits = {path for path in offered if self._matches(pattern, path)}
            if not (hits or pattern.has_wildcard):
                raise self._missing(key, layout.fill(pattern, self.known))
            found |= hits
        return found

    def _matches(self, pattern: Pattern, path: str) -> bool:
        return layout.match(pattern, path.removeprefix(f"{self.folder}/"), self.known) is not None

    def _missing(self, key: str, name: str) -> ConfigError:
        deeper = "" if self.options.get("recurse") else "; files of folders below it are read with `recurse: true`"
        return ConfigError(
            f"plain.{key} names {layout.shown(name)}, but there is no manifest {layout.shown(join(self.folder, name))}",
            hint=f"its paths start in the folder that is rendered, {self.folder}{deeper}",
        )
