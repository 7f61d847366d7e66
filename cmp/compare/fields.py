"""Two values of YAML -> their differences, the smallest that a reader would name.

Maps are compared by key.  The items of two lists are matched by a merge key such as `name`, else by content.
"""

from __future__ import annotations

from collections import defaultdict
from json import dumps
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Field
from cmp.compare.sequences import blank_masks, blocks, common, outside_mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Path = tuple[str, ...]
    Matches = list[tuple[int, int]]  # positions of items on both sides

# Kubernetes's own merge keys first, then those of usual custom resources; the first that fits all items is taken.
MERGE_KEYS = (
    ("name",),
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("key",),
    ("mountPath",),
    ("devicePath",),
    ("host",),
    ("path",),
    ("topologyKey",),
    ("secretName",),
    ("ip",),
    ("alert",),
    ("record",),
    ("job_name",),
)
_DEFAULTS = {"protocol": "TCP"}  # as the API server fills it in
_MAX_BLOCK = 2_500  # combinations of unequal items that may be compared


def differences(before: object, after: object, path: Path = ()) -> tuple[Field, ...]:
    """Return the differences, in the order of the printed YAML; nothing for values that print alike.

    Maps are compared by key, lists item by item as `align` matches them.  A text is one field, however long.
    """
    return tuple(_differences(before, after, path))


def same(before: object, after: object) -> bool:
    """Say whether two values print alike, whatever the order of their keys.

    In Python `1 == 1.0 == True`; for the reader of a manifest they differ.
    """
    return repr(before) == repr(after) or (before == after and _token(before) == _token(after))


class Row(NamedTuple):
    """An item's positions on both sides (None: not there), and its part of a path: `[web]`, `[80/TCP]`, `[0]`."""

    label: str
    before: int | None
    after: int | None


class Alignment(NamedTuple):
    """The items of two lists in the order of a diff; `is_reordered` says that both sides order them differently."""

    rows: tuple[Row, ...]
    is_reordered: bool


def align(before: Sequence[object], after: Sequence[object]) -> Alignment:
    """Match the items of two lists; the result is symmetric: swapping the sides swaps it and nothing else."""
    for keys in MERGE_KEYS:
        old, new = _labels(before, keys), _labels(after, keys)
        if old is not None and new is not None:
            return _by_label(old, new)
    return _by_content(before, after)


def _differences(before: object, after: object, path: Path) -> Iterator[Field]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_maps(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        if not same(before, after):
            yield from _of_lists(before, after, path)
    elif repr(before) != repr(after):
        yield Field(path=path, kind="changed", before=before, after=after)


def _of_maps(before: Mapping[str, object], after: Mapping[str, object], path: Path) -> Iterator[Field]:
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            yield Field(path=(*path, key), kind="added", before=None, after=after[key])
        elif key not in after:
            yield Field(path=(*path, key), kind="removed", before=before[key], after=None)
        else:
            yield from _differences(before[key], after[key], (*path, key))


def _of_lists(before: Sequence[object], after: Sequence[object], path: Path) -> Iterator[Field]:
    rows, is_reordered = align(before, after)
    if is_reordered:
        yield Field(path=path, kind="moved", before=before, after=after)
    for label, old, new in rows:
        if old is None and new is not None:
            yield Field(path=(*path, label), kind="added", before=None, after=after[new])
        elif old is not None and new is None:
            yield Field(path=(*path, label), kind="removed", before=before[old], after=None)
        elif old is not None and new is not None:
            yield from _differences(before[old], after[new], (*path, label))


def _labels(items: Sequence[object], keys: tuple[str, ...]) -> list[str] | None:
    """Return a label for each item, from its values of these keys; None where two items would get the same or none."""
    labels: list[str] = []
    for item in items:
        if not isinstance(item, dict) or keys[0] not in item:
            return None
        values = [item.get(key, _DEFAULTS.get(key)) for key in keys]
        if not all(isinstance(value, str | int) and not isinstance(value, bool) for value in values):
            return None
        labels.append("/".join(map(str, values)))
    return labels if len(set(labels)) == len(labels) else None


def _by_label(before: list[str], after: list[str]) -> Alignment:
    old, new = ({label: at for at, label in enumerate(side)} for side in (before, after))
    rows: list[Row] = []
    for block in blocks(before, after):
        gone = before[block.low : block.high]
        rows += [Row(f"[{label}]", old[label], None) for label in gone if label not in new]
        rows += [Row(f"[{label}]", old.get(label), new[label]) for label in after[block.start : block.stop]]
    positions = [row.before for row in rows if row.before is not None and row.after is not None]
    return Alignment(tuple(rows), positions != sorted(positions))


def _by_content(before: Sequence[object], after: Sequence[object]) -> Alignment:
    old, new = [_token(item) for item in before], [_token(item) for item in after]
    if old != new and sorted(old) == sorted(new):
        return Alignment(tuple(_permuted(old, new)), is_reordered=True)
    if blank_masks("".join(old)) <= blank_masks("".join(new)):
        matches = _matches(before, after, old, new)
    else:  # the same work whichever side is which, so that both ways give the same answer
        matches = [(low, high) for high, low in _matches(after, before, new, old)]
    return Alignment(tuple(_rows(matches, len(before), len(after))), is_reordered=False)


def _token(value: object) -> str:
    """Return a text that is equal for equal values only."""
    return dumps(value, ensure_ascii=False, sort_keys=True)


def _permuted(before: list[str], after: list[str]) -> Iterable[Row]:
    positions: dict[str, list[int]] = defaultdict(list)
    for at in reversed(range(len(before))):
        positions[before[at]].append(at)
    return (Row(f"[{at}]", positions[element].pop(), at) for at, element in enumerate(after))


def _matches(before: Sequence[object], after: Sequence[object], old: list[str], new: list[str]) -> Matches:
    matches: Matches = []
    for block in blocks(old, new):
        if block.is_equal:
            matches += zip(range(block.low, block.high), range(block.start, block.stop), strict=True)
        else:
            similar = _similar(before[block.low : block.high], after[block.start : block.stop])
            matches += [(block.low + low, block.start + start) for low, start in similar]
    return matches


def _rows(matches: Matches, before: int, after: int) -> Iterable[Row]:
    at, to = 0, 0
    for low, start in [*matches, (before, after)]:
        yield from (Row(f"[{index}]", index, None) for index in range(at, low))
        yield from (Row(f"[{index}]", None, index) for index in range(to, start))
        if low < before:
            yield Row(f"[{start}]", low, start)
        at, to = low + 1, start + 1


def _similar(before: Sequence[object], after: Sequence[object]) -> Matches:
    """Match the most similar items, in order, where no two items are equal."""
    if len(before) * len(after) > _MAX_BLOCK:
        return []
    best = [[0.0] * (len(after) + 1) for _ in range(len(before) + 1)]
    scores = [[_similarity(old, new) for new in after] for old in before]
    for low in reversed(range(len(before))):
        for start in reversed(range(len(after))):
            matched = best[low + 1][start + 1] + scores[low][start]
            best[low][start] = max(matched, best[low + 1][start], best[low][start + 1])
    matches: Matches = []
    low = start = 0
    while low < len(before) and start < len(after):
        if scores[low][start] and best[low][start] == best[low + 1][start + 1] + scores[low][start]:
            matches.append((low, start))
            low, start = low + 1, start + 1
        elif best[low][start] == best[low + 1][start]:
            low += 1
        else:
            start += 1
    return matches


def _similarity(before: object, after: object) -> float:
    """Return the similarity of two unequal items, below 1; 0 for a pair that no reader would take for one item."""
    if isinstance(before, dict) and isinstance(after, dict):
        shared = before.keys() & after.keys()
        equal = sum(same(before[key], after[key]) for key in shared)
        return (len(shared) + equal) / (2 * len(before.keys() | after.keys()) or 1)
    if isinstance(before, list) and isinstance(after, list):
        return 0.5
    if isinstance(before, dict | list) or isinstance(after, dict | list):
        return 0
    old, new = str(before), str(after)
    return (outside_mask(old, common(old, new)) + 1) / (max(len(old), len(new)) + 2)
