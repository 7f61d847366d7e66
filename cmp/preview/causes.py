"""Which lines of values files changed, and whether a stronger file keeps each of them from having an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import values
from cmp.changes import Cause
from cmp.errors import CmpError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import Instance
    from cmp.tree import Tree
    from cmp.values.provenance import Origin, Path

ENCRYPTED = "‹encrypted›"


def causes(base: tuple[Tree, Instance], head: tuple[Tree, Instance]) -> tuple[Cause, ...]:
    """Compare the values layers of one pair on both sides, file by file; sorted by place."""
    before, after = _laid(*base), _laid(*head)
    if before is None or after is None:
        return ()
    files = sorted(before.alone.keys() | after.alone.keys())
    return tuple(cause for file in files for cause in _of_file(file, before, after))


class _Laid(NamedTuple):
    """The leaves of each layer by its path, weakest first, and the origins of all laid over each other."""

    alone: Mapping[str, Mapping[Path, Origin]]
    merged: Mapping[Path, Origin]

    def rank(self, file: str) -> int:
        """Return how strong a layer is; -1 where it is none."""
        return list(self.alone).index(file) if file in self.alone else -1


def _laid(tree: Tree, instance: Instance) -> _Laid | None:
    try:
        layers = [(layer.path, tree.read(layer.path)) for layer in instance.layers]
        alone = {path: _leaves(values.provenance([(path, data)])) for path, data in layers}
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
        yield Cause(stands.place.text, keys, _shown(was), _shown(now), overridden)


def _leaves(origins: Mapping[Path, Origin]) -> dict[Path, Origin]:
    return {
        path: origin for path, origin in origins.items() if not (isinstance(origin.value, dict | list) and origin.value)
    }


def _shown(origin: Origin | None) -> object:
    if origin is None:
        return None
    return ENCRYPTED if origin.is_encrypted else origin.value
