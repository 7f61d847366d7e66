"""Outcomes of all pairs -> the Report: everything once, in the order in which a reader asks."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import BumpLine, Counts, Danger, DangerLine, Delivery, Noise, Report, Revision, Unowned
from cmp.compare.dangers import RULES
from cmp.preview.grouping import groups
from cmp.preview.labels import alike, number, replaced_in_json, unlabelled
from cmp.preview.wording import listed, object_name, order, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.changes import Bump, Failure, Outcome, Subject

    Tokens = Mapping[str, Mapping[str, str]]

_KINDS = ("image", "chart", "tool")


class Frame(NamedTuple):
    """What a report says beside the outcomes; `notes` are sentences for its footer."""

    base: Revision
    head: Revision
    counts: Counts
    deliveries: tuple[Delivery, ...] = ()
    unowned: tuple[Unowned, ...] = ()
    notes: tuple[str, ...] = ()


def report(frame: Frame, outcomes: Iterable[Outcome], tokens: Tokens) -> Report:
    """Return the report, its secrets numbered; the same whatever the order of outcomes, deliveries and files.

    `tokens` are as in `grouping.groups`.  Notes that are added here come after those of the frame.
    """
    ordered = tuple(sorted(outcomes, key=lambda outcome: order(outcome.subject)))
    changes = [change for outcome in ordered for change in outcome.changes]
    return number(
        Report(
            base=frame.base,
            head=frame.head,
            counts=frame.counts,
            outcomes=ordered,
            groups=groups(ordered, tokens),
            failures=_failures(ordered),
            dangers=_dangers(ordered, tokens),
            bumps=_bumps(ordered),
            noise=_noise(ordered),
            deliveries=tuple(sorted(frame.deliveries, key=lambda one: (order(one.subject), one.application))),
            unowned=tuple(sorted(frame.unowned)),
            restarts=sum(change.is_restart for change in changes),
            notes=(*frame.notes, *_unseen_restarts(ordered)),
        )
    )


def _failures(outcomes: Sequence[Outcome]) -> tuple[Failure, ...]:
    """Return the failures: new ones first, and of each kind those that a key would mend last."""
    found = [failure for outcome in outcomes for failure in outcome.failures]
    return tuple(sorted(found, key=lambda one: (not one.is_new, one.needs_key, order(one.subject))))


def _dangers(outcomes: Sequence[Outcome], tokens: Tokens) -> tuple[DangerLine, ...]:
    found = [
        (change.subject, json.dumps([*danger, object_name(change.identity)], ensure_ascii=False, sort_keys=True))
        for outcome in outcomes
        for change in outcome.changes
        for danger in change.dangers
    ]
    lines: dict[str, dict[Subject, str]] = defaultdict(dict)
    for key, (subject, text) in zip(
        alike([(one.cluster, text) for one, text in found], tokens, replaced_in_json), found, strict=True
    ):
        lines[key][subject] = text
    return tuple(sorted((_danger(key, subjects) for key, subjects in lines.items()), key=_severity))


def _danger(common: str, subjects: Mapping[Subject, str]) -> DangerLine:
    texts = set(subjects.values())
    rule, text, name = json.loads(texts.pop() if len(texts) == 1 else common)
    return DangerLine(Danger(rule, text), name, tuple(subjects))


def _severity(line: DangerLine) -> tuple[object, ...]:
    subjects = [order(subject) for subject in line.subjects]
    return (RULES.index(line.danger.rule), -len(subjects), line.where, subjects, unlabelled(line.danger.text))


def _bumps(outcomes: Sequence[Outcome]) -> tuple[BumpLine, ...]:
    lines: dict[tuple[Bump, bool], dict[Subject, None]] = defaultdict(dict)
    for outcome in outcomes:
        for bump in outcome.bumps:
            common = bump._replace(subject=outcome.subject._replace(cluster="", environment="", app=""))
            lines[common, outcome.status == "equal"][outcome.subject] = None
    found = [
        BumpLine(bump._replace(subject=next(iter(subjects))), tuple(subjects), is_without_effect)
        for (bump, is_without_effect), subjects in lines.items()
    ]
    return tuple(sorted(found, key=_importance))


def _importance(line: BumpLine) -> tuple[object, ...]:
    bump = line.bump
    return (_KINDS.index(bump.kind), bump.name, bump.before, bump.after, line.is_without_effect)


def _noise(outcomes: Sequence[Outcome]) -> tuple[Noise, ...]:
    folded = Counter(one.rule for outcome in outcomes for change in outcome.changes for one in change.folded)
    return tuple(Noise(rule, count) for rule, count in sorted(folded.items(), key=lambda item: (-item[1], item[0])))


def _unseen_restarts(outcomes: Sequence[Outcome]) -> list[str]:
    """Say which workloads restart although no group shows them: all that changes in their pod template is folded."""
    found: dict[tuple[str, str], list[Subject]] = defaultdict(list)
    rules: dict[tuple[str, str], set[str]] = defaultdict(set)
    for outcome in outcomes:
        for change in outcome.changes:
            if change.is_restart and not change.fields:
                about = (outcome.subject.app, object_name(change.identity))
                found[about].append(outcome.subject)
                rules[about] |= {folded.rule for folded in change.folded}
    return [
        f"`{name}` of {app} restarts on {listed([where(one) for one in subjects])}: what changes in it is folded "
        f"({', '.join(sorted(rules[app, name]))})."
        for (app, name), subjects in sorted(found.items())
    ]
