"""The bumps of all pairs as lines of the report: each once, with its pairs and what is known of both charts."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar, cast

from cmp.changes import BumpLine, ChartBumpDetails, ChartDefault
from cmp.preview.bumps.explained import bounded
from cmp.preview.labels import pair_order
from cmp.report.names import natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.changes import Bump, Outcome, Subject
    from cmp.preview.bumps.explained import Explained

    _T = TypeVar("_T")

KINDS = ("image", "chart", "tool")  # the order of bumps
_LABEL = "‹secret "  # its beginning


class Explanations:
    """The details of the bumps of all pairs, put together; the order of the pairs makes no difference."""

    def __init__(self, explained: Iterable[Explained] = ()) -> None:
        self._details: dict[Bump, dict[tuple[str, str], ChartBumpDetails]] = defaultdict(dict)
        for one in explained:
            known = self._details[_common(one.bump)]
            before = known.get(one.charts)
            known[one.charts] = _merged(before, one.details) if before else one.details

    def of(self, bump: Bump) -> tuple[ChartBumpDetails, ...]:
        """Return the details of a bump, one for each two charts that have its name and versions."""
        of_bump = self._details.get(_common(bump), {})
        return tuple(of_bump[charts] for charts in sorted(of_bump))


def bump_lines(outcomes: Sequence[Outcome], explanations: Explanations) -> tuple[BumpLine, ...]:
    """Return each bump once, with its pairs; a bump without effect apart from the same one with an effect.

    Its details stand on the first of both.
    """
    lines: dict[tuple[Bump, bool], dict[Subject, None]] = defaultdict(dict)
    for outcome in outcomes:
        for bump in outcome.bumps:
            lines[_common(bump), outcome.status == "equal"][outcome.subject] = None
    bumps = [
        BumpLine(
            bump._replace(subject=next(iter(subjects))),
            tuple(subjects),
            is_without_effect,
            () if is_without_effect and (bump, False) in lines else explanations.of(bump),
        )
        for (bump, is_without_effect), subjects in lines.items()
    ]
    return tuple(sorted(bumps, key=_importance))


def _common(bump: Bump) -> Bump:
    return bump._replace(subject=bump.subject._replace(app="", cluster="", environment=""))


def _importance(line: BumpLine) -> tuple[object, ...]:
    bump = line.bump
    return (KINDS.index(bump.kind), bump.name, bump.before, bump.after, line.is_without_effect)


def _merged(one: ChartBumpDetails, other: ChartBumpDetails) -> ChartBumpDetails:
    """Return the details of the same two charts in several pairs."""
    defaults = {default.path: default for default in one.defaults}
    for default in other.defaults:
        known = defaults.get(default.path)
        defaults[default.path] = _merged_default(known, default) if known else default
    rendered = {definition.name: definition.is_rendered for definition in other.definitions}
    most = max(len(side.defaults) + side.more_defaults for side in (one, other))
    return bounded(
        one._replace(
            notes=_most_masked(one.notes, other.notes),
            unmet=_subjects(one.unmet, other.unmet),
            definitions=tuple(
                definition._replace(is_rendered=definition.is_rendered and rendered.get(definition.name, True))
                for definition in one.definitions
            ),
            defaults=tuple(defaults.values()),
            more_defaults=max(most - len(defaults), 0),
            keys=max(one.keys, other.keys),
            disabled=_subjects(one.disabled, other.disabled),
            remarks=tuple(sorted({*one.remarks, *other.remarks})),
        )
    )


def _merged_default(one: ChartDefault, other: ChartDefault) -> ChartDefault:
    return one._replace(
        before=_most_masked(one.before, other.before),
        after=_most_masked(one.after, other.after),
        overrides=_places(one.overrides, other.overrides),
        misfits=_places(one.misfits, other.misfits),
    )


def _places(*places: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({place for of_pair in places for place in of_pair}, key=natural))


def _subjects(*subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
    return tuple(sorted({subject for of_pair in subjects for subject in of_pair}, key=pair_order))


def _most_masked(one: _T, other: _T) -> _T:
    """Return the value of two that are equal but for labels of secrets, which each pair puts for its own."""
    if isinstance(one, str) and isinstance(other, str):
        return cast("_T", max(one, other, key=lambda text: (_LABEL in text, text)))
    if isinstance(one, tuple) and isinstance(other, tuple):
        items = [_most_masked(*both) for both in zip(one, other, strict=False)]
        return cast("_T", getattr(one, "_make", tuple)(items))
    return one
