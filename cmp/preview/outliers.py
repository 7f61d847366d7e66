"""Who differs from the pattern, and why: the values files know.

The pattern of an object is the group that has more than half of its pairs.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.preview.columns import leaves
from cmp.preview.labels import alike, listed, order, replaced, where
from cmp.report.names import path_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Cause, Change, Group, Outcome, Subject

    Tokens = Mapping[str, Mapping[str, str]]
    Said = list[tuple[Subject, str]]

_MOST = 3  # sentences about values files
_WHERE = "\0"  # where in a sentence its pairs are named, once they are known
_NO_EFFECT = f"so the common change does not take effect {_WHERE}."


class Draft(NamedTuple):
    """A group on its way: `about` tells its object from others, `change` is that of the first member as it is.

    `facts` are what the key of its first members is made of (`columns.shape`); `position` is the change's place among
    those of its pair.
    """

    group: Group
    about: str
    change: Change
    facts: list[object]
    position: int


def explained(drafts: Sequence[Draft], outcomes: Iterable[Outcome], tokens: Tokens) -> tuple[Group, ...]:
    """Return the groups in their order, with what sets outliers apart, and with the pairs that do not change at all."""
    same: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        same[draft.about].append(draft)
    pairs: dict[str, dict[Subject, Outcome]] = defaultdict(dict)
    for outcome in sorted(outcomes, key=lambda outcome: order(outcome.subject)):
        pairs[outcome.subject.app][outcome.subject] = outcome
    explain = _Explanation(same, pairs, tokens, set())
    return tuple(explain.group(draft) for draft in drafts)


class _Explanation(NamedTuple):
    """The groups by their objects, the outcomes by application, and what was said already."""

    same: Mapping[str, Sequence[Draft]]
    pairs: Mapping[str, Mapping[Subject, Outcome]]
    tokens: Tokens
    said: set[str]

    def group(self, draft: Draft) -> Group:
        group, same = draft.group, self.same[draft.about]
        pairs = self.pairs[group.app]
        pattern = _pattern(same)
        if pattern is None:
            return group
        if pattern is draft:
            changed = {member.subject for one in same for member in one.group.members}
            rest = [outcome for subject, outcome in pairs.items() if subject not in changed]
            news = [
                sentence for sentence in _sentences(_silent(pattern, rest), self.tokens) if sentence not in self.said
            ]
            self.said.update(news)
            return group._replace(why=(*news, *group.why))
        members = [pairs[member.subject] for member in group.members]
        swallowed = _sentences(_swallowed(members, pattern), self.tokens, len(members))
        why = (*_except(draft, pattern), *swallowed, *group.why)
        return group._replace(differs_from=pattern.group.letter, why=why)


def _pattern(same: Sequence[Draft]) -> Draft | None:
    pairs = sum(len(one.group.members) for one in same)
    return next((one for one in same if 2 * len(one.group.members) > pairs), None)


def _except(draft: Draft, pattern: Draft) -> Iterator[str]:
    if draft.group.change.what != pattern.group.change.what:
        return
    mine, usual = ({path_text(leaf.path): leaf for leaf in leaves(one.facts)} for one in (draft, pattern))
    common = [path for path in mine if path in usual and path not in pattern.group.columns]
    parts = (
        ("without {}", [path for path in usual if path not in mine]),
        ("with {} as well", [path for path in mine if path not in usual]),
        ("with another value of {}", [path for path in common if mine[path] != usual[path]]),
    )
    said = [text.format(listed(paths)) for text, paths in parts if paths]
    if said:
        yield f"As {pattern.group.letter}, but {', '.join(said)}."


def _causes(pattern: Draft) -> set[tuple[str, tuple[str, ...]]]:
    return {(cause.place, cause.path) for cause in pattern.change.causes}


def _swallowed(members: Iterable[Outcome], pattern: Draft) -> Said:
    """Return the values that outliers set themselves; all, where nobody knows what caused the usual change."""
    known = _causes(pattern)
    return [
        (outcome.subject, f"`{cause.overridden_by}` sets `{path_text(cause.path)}`, {_NO_EFFECT}")
        for outcome in members
        for cause in outcome.causes
        if cause.overridden_by and (not known or (cause.place, cause.path) in known)
    ]


def _silent(pattern: Draft, unchanged: Iterable[Outcome]) -> Said:
    """Return which pairs the cause of the usual change reaches as well, and nothing of the object changes there."""
    known = _causes(pattern)
    return [
        (outcome.subject, f"No change on {_WHERE}{_reason(cause)}")
        for outcome in unchanged
        for cause in outcome.causes
        if (cause.place, cause.path) in known and outcome.status in ("equal", "changed")
    ]


def _reason(cause: Cause) -> str:
    if cause.overridden_by:
        return f": `{cause.overridden_by}` sets `{path_text(cause.path)}` itself."
    return f", which `{cause.place}` reaches as well."


def _sentences(said: Said, tokens: Tokens, everyone: int = 0) -> list[str]:
    """Return each sentence once, with the pairs it is about: `here`, where these are all (`everyone`) of a group."""
    about: dict[str, dict[Subject, str]] = defaultdict(dict)
    merged = alike([(subject.cluster, text) for subject, text in said], tokens, replaced)
    for common, (subject, text) in zip(merged, said, strict=True):
        about[common][subject] = text
    found = [_sentence(common, subjects, everyone) for common, subjects in about.items()]
    more = len(found) - _MOST
    return found[:_MOST] + ([f"{more} more values files say so of other values."] if more > 0 else [])


def _sentence(common: str, subjects: Mapping[Subject, str], everyone: int) -> str:
    texts = set(subjects.values())
    names = listed([where(subject) for subject in subjects])
    if everyone:
        names = "here" if len(subjects) == everyone else f"on {names}"
    return (texts.pop() if len(texts) == 1 else common).replace(_WHERE, names)
