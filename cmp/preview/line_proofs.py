"""Which of several changed lines of values files is behind a difference: the newer side without some of them.

Two services get the tag 1.1 in one file, and each Deployment shows `1.0 -> 1.1`: the text tells nothing.  A few lines
are taken back one by one.  Of many, halves are: each line has a number, and a difference that goes without the lines of
one half, and never without those of the other, has the line whose number the halves spell.  So thirty lines take ten
renders, and one that takes two lines is not told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.preview.causes import effective, file_of, seen_in, stable_fields
from cmp.secrets import sops

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.changes import Cause, Change
    from cmp.model import Identity
    from cmp.system.tree import Tree

    Place = tuple[Identity, tuple[str, ...]]  # an object, and the path of a field; no path for the object itself
    Shown = Mapping[Place, str]  # the newer value of each difference, as text

LABEL = "‹"  # with which the label of a secret begins
TELLING = 4  # characters of a text that does not stand somewhere by chance
FEW = 4  # lines that are taken back one by one


class Value(NamedTuple):
    """A value of a file that is taken back: a leaf, or the outermost list or value of another kind that it is in."""

    file: str
    path: tuple[str, ...]


def is_triable(cause: Cause) -> bool:
    """Tell whether a cause is a line that can be taken back: not that of a secret, which its label tells apart."""
    texts = [value for value in (cause.before, cause.after) if isinstance(value, str)]
    return bool(cause.path) and not any(text.startswith(LABEL) for text in texts)


def is_open(change: Change, causes: Sequence[Cause]) -> bool:
    """Tell whether the text of a change does not tell which of its lines are behind it; `causes` are all of the pair.

    The only line of a pair is not mistaken for another one, nor is a long text that one line alone changes.
    """
    lines = [cause for cause in change.causes if is_triable(cause)]
    if not lines or len([*filter(is_triable, effective(causes))]) == 1:
        return False
    if change.what != "changed":
        return True
    seen = [seen_in(field, lines) for field in stable_fields(change)]
    is_clear = all(len(one) == 1 and _is_telling(one[0]) for one in seen)
    return not (is_clear and {repr(one[0]) for one in seen} == {*map(repr, lines)})


def _is_telling(cause: Cause) -> bool:
    """Tell whether a value is no text that stands anywhere by chance, as `3` and `true` do."""
    return all(isinstance(value, str) and len(value) >= TELLING for value in (cause.before, cause.after))


def values_of(causes: Sequence[Cause], base: Tree, head: Tree) -> dict[Value, list[Cause]]:
    """Return the values that lines change and that can be taken back, each with its lines; no encrypted file's."""
    found: dict[Value, list[Cause]] = {}
    lines = [*filter(is_triable, effective(causes))]
    contents = {file: (_mapping(base, file), _mapping(head, file)) for file in {*map(file_of, lines)}}
    for cause in lines:
        before, after = contents[file_of(cause)]
        if before is not None and after is not None:
            value = Value(file_of(cause), _outermost(cause.path, before, after))
            found.setdefault(value, []).append(cause)
    return found


def trials(count: int) -> list[frozenset[int]]:
    """Return the sets of numbers below `count` that are taken back together, one after the other."""
    if count <= FEW:
        return [frozenset({number}) for number in range(count)]
    bits = range((count - 1).bit_length())
    return [
        frozenset(number for number in range(count) if (number >> bit) & 1 == half) for bit in bits for half in (0, 1)
    ]


def behind(place: Place, shown: Shown, tried: Sequence[Shown | None], count: int) -> frozenset[int]:
    """Return the numbers of the values behind a difference; empty where that is not established.

    `shown` are the differences of the whole change, `tried` those without the values of each trial, or None where it
    cannot be rendered.
    """
    changes = [after is not None and after.get(place) != shown.get(place) for after in tried]
    if count <= FEW:
        return frozenset(number for number, is_cause in enumerate(changes) if is_cause)
    number = 0
    for bit, (low, high) in enumerate(zip(changes[::2], changes[1::2], strict=True)):
        if low == high:
            return frozenset()
        number |= high << bit
    return frozenset({number}) if number < count else frozenset()


def taken_back(values: Sequence[Value], base: Tree, head: Tree) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the newer side in which some values are as on the older one."""
    for file in dict.fromkeys(value.file for value in values):
        before, after = _mapping(base, file), _mapping(head, file)
        if before is None or after is None:
            raise ValueError(f"{file} has no values that can be taken back")
        for value in values:
            if value.file == file:
                _take_back(value.path, before, after)
        yield file, yamldoc.to_json(after).encode()


def places(change: Change) -> list[Place]:
    """Return the places of a change that its causes are behind: stable fields, or the object that comes or goes."""
    if change.what in ("added", "removed"):
        return [(change.identity, ())]
    return [(change.identity, field.path) for field in stable_fields(change)]


def shown_in(changes: Sequence[Change]) -> dict[Place, str]:
    """Return the newer value of each difference; an object that comes or goes does so whatever is in it."""
    found: dict[Place, str] = {}
    for change in changes:
        if change.what in ("added", "removed"):
            found[change.identity, ()] = change.what
        else:
            found |= {(change.identity, field.path): repr((field.kind, field.after)) for field in change.fields}
    return found


def _mapping(tree: Tree, file: str) -> dict[str, object] | None:
    """Return the values in a file; none for a missing one, None for one whose values cannot be written again."""
    if tree.kind(file) != "file":
        return {}
    data = tree.read(file)
    documents = yamldoc.load_all(data)
    value = documents[0] if documents else {}
    return value if isinstance(value, dict) and not sops.is_encrypted(file, data) else None


def _outermost(path: tuple[str, ...], *values: object) -> tuple[str, ...]:
    """Return the beginning of a path up to where one of the values is no mapping."""
    inner = values
    for depth, key in enumerate(path, 1):
        inner = tuple(value[key] for value in inner if isinstance(value, dict) and key in value)
        if not all(isinstance(value, dict) for value in inner):
            return path[:depth]
    return path


def _take_back(path: tuple[str, ...], before: dict[str, object], after: dict[str, object]) -> None:
    *above, last = path
    was: object = before
    now: object = after
    for key in above:
        was = was.get(key) if isinstance(was, dict) else None
        now = now.setdefault(key, {}) if isinstance(now, dict) else None
    if not isinstance(now, dict):
        return
    if isinstance(was, dict) and last in was:
        now[last] = was[last]
    else:
        now.pop(last, None)
