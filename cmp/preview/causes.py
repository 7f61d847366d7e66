"""Which lines of values files changed, and whether a stronger file keeps each of them from having an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import values
from cmp.changes import Cause
from cmp.errors import CmpError
from cmp.preview.opened import ENCRYPTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import Instance
    from cmp.preview.opened import Opened
    from cmp.tree import Tree
    from cmp.values.provenance import Origin, Path, Place

    Leaves = Mapping[Path, "_Leaf"]


def causes(base: tuple[Tree, Instance], head: tuple[Tree, Instance], opened: Opened | None = None) -> tuple[Cause, ...]:
    """Compare the values layers of one pair on both sides, file by file; sorted by place.

    An encrypted value that is another one has its label, or `‹encrypted›` where nothing was `opened`: then it is only
    its ciphertext that is another one.
    """
    before, after = _laid(*base, opened), _laid(*head, opened)
    if before is None or after is None:
        return ()
    files = sorted(before.alone.keys() | after.alone.keys())
    return tuple(cause for file in files for cause in _of_file(file, before, after))


class _Leaf(NamedTuple):
    """A value of one layer: where it stands, what tells it from others, and what a reader sees."""

    place: Place
    value: object
    shown: object


class _Laid(NamedTuple):
    """The leaves of each layer by its path, weakest first, and the origins of all laid over each other."""

    alone: Mapping[str, Leaves]
    merged: Mapping[Path, Origin]

    def rank(self, file: str) -> int:
        """Return how strong a layer is; -1 where it is none."""
        return list(self.alone).index(file) if file in self.alone else -1


def _laid(tree: Tree, instance: Instance, opened: Opened | None) -> _Laid | None:
    try:
        layers = [(layer.path, tree.read(layer.path)) for layer in instance.layers]
        alone = {path: _leaves(path, data, opened) for path, data in layers}
        return _Laid(alone, values.provenance(layers))
    except CmpError:  # the render says so
        return None


def _of_file(file: str, before: _Laid, after: _Laid) -> Iterator[Cause]:
    old, new = before.alone.get(file, {}), after.alone.get(file, {})
    for path in sorted(old.keys() | new.keys(), key=str):
        was, now = old.get(path), new.get(path)
        stands = now or was
        if stands is None or (was and now and was.value == now.value):
            continue
        winner = after.merged.get(path)
        is_lost = winner is not None and after.rank(winner.place.file) > max(after.rank(file), before.rank(file))
        keys = tuple(f"[{part}]" if isinstance(part, int) else part for part in path)
        overridden = winner.place.text if winner and is_lost else ""
        yield Cause(stands.place.text, keys, was and was.shown, now and now.shown, overridden)


def _leaves(file: str, data: bytes, opened: Opened | None) -> Leaves:
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
