"""Which lines of values files changed, and whether a stronger file keeps each of them from having an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Cause
from cmp.errors import CmpError
from cmp.preview.opened import ENCRYPTED
from cmp.repository import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import Instance
    from cmp.preview.opened import Opened
    from cmp.repository.values.provenance import Origin, Path, Place
    from cmp.system.tree import Tree

    Leaves = Mapping[Path, "_Leaf"]


def causes(base: tuple[Tree, Instance], head: tuple[Tree, Instance], opened: Opened | None = None) -> tuple[Cause, ...]:
    """Compare the values layers of one pair on both sides, file by file; sorted by place.

    An encrypted value that is another one has its label, or `‹encrypted›` where nothing was `opened`: then it is only
    its ciphertext that is another one.
    """
    try:
        old, new = (_contents(*side) for side in (base, head))
        merged = values.provenance([*new.items()])
        changed = [file for file in sorted(old.keys() | new.keys()) if old.get(file) != new.get(file)]
        ranks = _Ranks([*old], [*new], merged)
        return tuple(
            cause
            for file in changed
            for cause in _of_file(file, _leaves(file, old, opened), _leaves(file, new, opened), ranks)
        )
    except CmpError:  # the render says so
        return ()


class _Leaf(NamedTuple):
    """A value of one layer: where it stands, what tells it from others, and what a reader sees."""

    place: Place
    value: object
    shown: object


class _Ranks(NamedTuple):
    """The layers of both sides, weakest first, and the origins of the newer ones laid over each other."""

    before: list[str]
    after: list[str]
    merged: Mapping[Path, Origin]

    def stronger(self, file: str, path: Path) -> Place | None:
        """Return where another layer sets a value that is stronger than the file is on either side."""
        winner = self.merged.get(path)
        own = max(files.index(file) for files in (self.before, self.after) if file in files)
        return winner.place if winner and self.after.index(winner.place.file) > own else None


def _contents(tree: Tree, instance: Instance) -> dict[str, bytes]:
    return {layer.path: tree.read(layer.path) for layer in instance.layers}


def _of_file(file: str, old: Leaves, new: Leaves, ranks: _Ranks) -> Iterator[Cause]:
    for path in sorted(old.keys() | new.keys(), key=str):
        was, now = old.get(path), new.get(path)
        stands = now or was
        if stands is None or (was and now and was.value == now.value):
            continue
        winner = ranks.stronger(file, path)
        keys = tuple(f"[{part}]" if isinstance(part, int) else part for part in path)
        yield Cause(stands.place.text, keys, was and was.shown, now and now.shown, winner.text if winner else "")


def _leaves(file: str, contents: Mapping[str, bytes], opened: Opened | None) -> Leaves:
    if file not in contents:
        return {}
    data = contents[file]
    origins = values.provenance([(file, data)])
    text = opened.text(file, data) if opened else None
    plain = values.provenance([(file, text)]) if text is not None else {}
    return {
        path: _leaf(origin, plain.get(path), opened)
        for path, origin in origins.items()
        if not (isinstance(origin.value, dict | list) and origin.value)
    }


def _leaf(origin: Origin, plain: Origin | None, opened: Opened | None) -> _Leaf:
    if not origin.is_encrypted:
        return _Leaf(origin.place, origin.value, origin.value)
    if plain is None or opened is None:
        return _Leaf(origin.place, origin.value, ENCRYPTED)
    return _Leaf(origin.place, plain.value, opened.shown(plain.value))
