"""Findings of both sides of a pair -> those of one side alone; and the same finding in several pairs as one line.

A finding is old where the older side has it, too: by rule, level, object, path and message.  What only moves one makes
none new: another name of its object, an item that comes before another one in its list, another version of the cluster
in its message.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cmp.changes import FindingLine, Findings
from cmp.findings import Finding, Unjudged
from cmp.model import Identity
from cmp.preview.labels import common_texts, generalized_json, pair_order, without_tokens
from cmp.report.judgement import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from cmp.changes import Change, Outcome, Subject
    from cmp.preview.labels import OwnTexts

    Placed = tuple[Subject, Finding]

_T = TypeVar("_T")
_VERSION = "‹version›"
_ITEM = "[]"


class NewFindings(NamedTuple):
    """The findings that one side alone has: the newer one, or the older one (`fixed`)."""

    new: tuple[Finding, ...]
    fixed: tuple[Finding, ...]


def compared(
    before: Iterable[Finding], after: Iterable[Finding], changes: Iterable[Change], versions: Sequence[str] = ()
) -> NewFindings:
    """Return the findings of each side that the other has not.

    `changes` tell the objects with another name, `versions` are those of the cluster on both sides.
    """
    names = {change.was: change.identity for change in changes if change.was}
    old = [one._replace(identity=names.get(one.identity, one.identity)) for one in before]

    def in_place(one: Finding) -> Hashable:
        return _key(one, versions)

    def anywhere(one: Finding) -> Hashable:
        path = tuple(_ITEM if part.startswith("[") else part for part in one.path)
        return _key(one._replace(path=path), versions)

    old, new = _apart(old, [*after], in_place)
    old, new = _apart(old, new, anywhere)
    still = {(one.rule, one.identity, one.path) for one in new}  # a warning that becomes an error is not mended
    return NewFindings(tuple(new), tuple(one for one in old if (one.rule, one.identity, one.path) not in still))


def _key(finding: Finding, versions: Sequence[str] = ()) -> Hashable:
    message = finding.message
    for version in filter(None, versions):
        message = message.replace(version, _VERSION)
    return finding.rule, finding.level, finding.identity, finding.path, message


def _apart(old: Sequence[_T], new: Sequence[_T], key: Callable[[_T], Hashable | None]) -> tuple[list[_T], list[_T]]:
    """Return both lists without what they have in common by its key, as often as both have it; never by None."""
    common = Counter(map(key, old)) & Counter(map(key, new))
    del common[None]
    return _without(old, key, common), _without(new, key, common)


def _without(items: Iterable[_T], key: Callable[[_T], Hashable | None], common: Counter[Hashable | None]) -> list[_T]:
    left = common.copy()
    kept = []
    for item in items:
        if left[key(item)] > 0:
            left[key(item)] -= 1
        else:
            kept.append(item)
    return kept


# The report


def findings(outcomes: Sequence[Outcome], own: OwnTexts, unjudged: Sequence[Unjudged] = ()) -> Findings:
    """Return the findings of all pairs, each once, errors first; `own` are the clusters' own texts.

    `unjudged` is what nothing judges and belongs to no pair.
    An object that moves from one application to another takes its findings along.
    """
    moved = {
        (outcome.subject.cluster, change.identity)
        for outcome in outcomes
        for change in outcome.changes
        if change.what == "moved"
    }

    def moving(placed: Placed) -> Hashable | None:
        subject, one = placed
        return (subject.cluster, _key(one)) if (subject.cluster, one.identity) in moved else None

    fixed, new = _apart(
        [(outcome.subject, one) for outcome in outcomes for one in outcome.fixed],
        [(outcome.subject, one) for outcome in outcomes for one in outcome.findings],
        moving,
    )
    counts: Counter[str] = Counter()
    for one in (*(one for outcome in outcomes for one in outcome.unjudged), *unjudged):
        counts[one.what] += one.times
    return Findings(
        new=_lines(new, own),
        fixed=_lines(fixed, own),
        unjudged=tuple(Unjudged(what, counts[what]) for what in sorted(counts)),
    )


def _lines(placed: Sequence[Placed], own: OwnTexts) -> tuple[FindingLine, ...]:
    """Return each finding with its pairs; those that differ in their cluster's own texts alone are one.

    Their causes are no part of them: where pairs have different ones, the line has none.
    """
    texts = [(subject.cluster, _text(one)) for subject, one in placed]
    alike: dict[str, list[tuple[Placed, str]]] = defaultdict(list)
    for key, one, (_, text) in zip(common_texts(texts, own, generalized_json), placed, texts, strict=True):
        alike[key].append((one, text))
    return tuple(sorted((_line(key, of_key) for key, of_key in alike.items()), key=_order))


def _text(finding: Finding) -> str:
    return json.dumps(finding._replace(file="", line=0), ensure_ascii=False, sort_keys=True)


def _line(common: str, alike: Sequence[tuple[Placed, str]]) -> FindingLine:
    different = {text for _, text in alike}
    rule, level, api_version, identity, path, message, source, _, _ = json.loads(
        common if len(different) > 1 else different.pop()
    )
    places = {(one.file, one.line) for (_, one), _ in alike}
    file, line = places.pop() if len(places) == 1 else ("", 0)
    found = Finding(rule, level, api_version, Identity(*identity), tuple(path), message, source, file, line)
    return FindingLine(found, tuple(dict.fromkeys(subject for (subject, _), _ in alike)))


def _order(line: FindingLine) -> tuple[object, ...]:
    one, subjects = line.finding, [pair_order(subject) for subject in line.subjects]
    texts = (one.rule, one.identity, one.path, one.message)
    return (LEVELS.index(one.level), -len(subjects), subjects, without_tokens(json.dumps(texts)))
