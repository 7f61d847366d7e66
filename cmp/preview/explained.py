"""Which changed values are behind a changed object, as far as the texts can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import yamldoc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.changes import Cause, Change, Field

SHORTEST = 2  # characters of a value that is looked for inside a longer text


def seen(change: Change, causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Return the causes whose value is seen in the change."""
    fields = (*change.fields, *_folded(change))
    return tuple(cause for cause in _effective(causes) if any(_shows(field, cause) for field in fields))


def completed(changes: Sequence[Change], causes: Sequence[Cause]) -> tuple[Change, ...]:
    """Return changes whose seen causes are known with what else may be behind them, where none is seen.

    That are the values that show in no other change, or else all.  They may also be why an object comes or goes:
    switches show nowhere.  What templates make up in each render has no cause.
    """
    effective = [*_effective(causes)]
    rest = [cause for cause in effective if not any(cause in change.causes for change in changes)]
    return tuple(_completed(change, rest, rest or effective) for change in changes)


def _completed(change: Change, rest: Sequence[Cause], guess: Sequence[Cause]) -> Change:
    if change.fields and len(change.unstable) == len(change.fields):
        return change
    if not change.causes:
        return change._replace(causes=tuple(guess))
    more = rest if change.what in ("added", "removed") else ()
    return change._replace(causes=(*change.causes, *more))


def _effective(causes: Sequence[Cause]) -> Iterator[Cause]:
    yield from (cause for cause in causes if not cause.overridden_by)


def _folded(change: Change) -> Iterator[Field]:
    yield from (folded.field for folded in change.folded)


def _shows(field: Field, cause: Cause) -> bool:
    """Whether the field went the way of the value: the old one is in what was, the new one in what is."""
    sides = [(cause.before, field.before), (cause.after, field.after)]
    told = [(_text(value), _text(shown)) for value, shown in sides if value is not None]
    return bool(told) and all(value == shown or (len(value) >= SHORTEST and value in shown) for value, shown in told)


def _text(value: object) -> str:
    return value if isinstance(value, str) else yamldoc.to_json(value)
