"""Outliers: pairs in which an object changes differently from the majority, and the values lines that explain it.

The pattern of an object is the group that has more than half of its pairs.  Every other group of the object is compared
with it; pairs in which the object does not change at all are told with the pattern itself.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.preview.labels import common_texts, few_names, generalized, pair_name, pair_order
from cmp.report.names import path_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Cause, Change, Group, Outcome, Subject
    from cmp.preview.keys import Key
    from cmp.preview.labels import OwnTexts

    Statements = list[tuple[Subject, str]]  # sentences, each about one pair

_MOST = 3  # sentences about values files
_PAIRS = "\0"  # the place in a sentence for the names of its pairs, once they are known
_NO_EFFECT = f"so the common change does not take effect {_PAIRS}."


class GroupDraft(NamedTuple):
    """A group before its outliers are explained.

    `change` is that of the first member, with the causes of all of them, `position` its place there, and `key` its key.
    `parts` are the groups of each application where it stands for several.
    """

    group: Group
    change: Change
    key: Key
    position: int
    parts: tuple[GroupDraft, ...] = ()


def patterns(drafts: Sequence[GroupDraft]) -> dict[str, GroupDraft | None]:
    """Return for each object its pattern, if it has one."""
    return {text: _pattern(same) for text, same in _by_object(drafts).items()}


def unlike_most(drafts: Sequence[GroupDraft]) -> list[tuple[str, ...]]:
    """Return for each group of a lot in which paths it differs from most pairs with the same object."""
    usual = patterns(drafts)
    pairs = [(draft, usual[draft.key.object_text]) for draft in drafts]
    return [
        tuple(_difference(draft, pattern, "on most clusters") if pattern and pattern is not draft else ())
        for draft, pattern in pairs
    ]


def explain(drafts: Sequence[GroupDraft], outcomes: Iterable[Outcome], own_texts: OwnTexts) -> tuple[Group, ...]:
    """Return the groups in their order, each with sentences on its difference from the pattern of its object."""
    parts = [
        [part._replace(group=part.group._replace(letter=draft.group.letter)) for part in draft.parts] or [draft]
        for draft in drafts
    ]
    by_object = _by_object([part for of_draft in parts for part in of_draft])
    by_subject = {
        outcome.subject: outcome for outcome in sorted(outcomes, key=lambda outcome: pair_order(outcome.subject))
    }
    explainer = _Explainer(by_object, by_subject, own_texts)
    explained = [[explainer.explained(part) for part in of_draft] for of_draft in parts]
    return tuple(_together(draft.group, of_draft) for draft, of_draft in zip(drafts, explained, strict=True))


def _by_object(drafts: Sequence[GroupDraft]) -> dict[str, list[GroupDraft]]:
    """Return the groups of single changes by their objects."""
    found: dict[str, list[GroupDraft]] = defaultdict(list)
    for draft in drafts:
        if not draft.group.lot:
            found[draft.key.object_text].append(draft)
    return found


def _together(group: Group, parts: Sequence[Group]) -> Group:
    """Return a group with the explanations of its parts; what holds for some applications alone names them."""
    if len(parts) == 1:
        return parts[0]
    apps: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        for sentence in part.why:
            apps[sentence].append(part.app)
    why = (
        sentence if len(names) == len(parts) else f"{few_names(names)}: {sentence}" for sentence, names in apps.items()
    )
    return group._replace(differs_from=parts[0].differs_from, why=tuple(why))


class _Explainer:
    """The groups by object and the outcomes in order; a sentence on unchanged pairs is told only once."""

    def __init__(
        self,
        by_object: Mapping[str, Sequence[GroupDraft]],
        by_subject: Mapping[Subject, Outcome],
        own_texts: OwnTexts,
    ) -> None:
        self._by_object = by_object
        self._by_subject = by_subject
        self._by_app: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in by_subject.values():
            self._by_app[outcome.subject.app].append(outcome)
        self._own_texts = own_texts
        self._told: set[str] = set()

    def explained(self, draft: GroupDraft) -> Group:
        group, same_object = draft.group, self._by_object.get(draft.key.object_text, ())
        pattern = None if group.lot else _pattern(same_object)
        if pattern is None:
            return group
        if pattern is draft:
            changed = {member.subject for other in same_object for member in other.group.members}
            unchanged = [one for one in self._by_app.get(group.app, ()) if one.subject not in changed]
            sentences = self._sentences(_silent(pattern, unchanged))
            untold = [sentence for sentence in sentences if sentence not in self._told]
            self._told.update(untold)
            return group._replace(why=(*untold, *group.why))
        members = [self._by_subject[member.subject] for member in group.members]
        overridden = self._sentences(_overridden(members, pattern), members=len(members))
        why = (*_difference(draft, pattern, pattern.group.letter), *overridden, *group.why)
        return group._replace(differs_from=pattern.group.letter, why=why)

    def _sentences(self, statements: Statements, members: int = 0) -> list[str]:
        """Return each sentence once, with the names of its pairs: `here` where these are all `members` of a group."""
        pairs: dict[str, dict[Subject, str]] = defaultdict(dict)
        texts = [(subject.cluster, text) for subject, text in statements]
        for common, (subject, text) in zip(common_texts(texts, self._own_texts, generalized), statements, strict=True):
            pairs[common][subject] = text
        sentences = [_sentence(common, subjects, members) for common, subjects in pairs.items()]
        more = len(sentences) - _MOST
        return sentences[:_MOST] + ([f"{more} more values files say so of other values."] if more > 0 else [])


def _pattern(same_object: Sequence[GroupDraft]) -> GroupDraft | None:
    pairs = sum(len(draft.group.members) for draft in same_object)
    return next((draft for draft in same_object if 2 * len(draft.group.members) > pairs), None)


def _difference(draft: GroupDraft, pattern: GroupDraft, name: str) -> Iterator[str]:
    """Yield a sentence on the paths in which a group differs from the pattern, if both do the same to the object."""
    if draft.group.change.what != pattern.group.change.what:
        return
    own, usual = ({path_text(leaf.path): leaf for leaf in key.leaves()} for key in (draft.key, pattern.key))
    common = [path for path in own if path in usual and path not in pattern.group.columns]
    parts = (
        ("without {}", [path for path in usual if path not in own]),
        ("with {} as well", [path for path in own if path not in usual]),
        ("with another value of {}", [path for path in common if own[path] != usual[path]]),
    )
    differences = [text.format(few_names(paths)) for text, paths in parts if paths]
    if differences:
        yield f"As {name}, but {', '.join(differences)}."


def _causes(pattern: GroupDraft) -> set[tuple[str, tuple[str, ...]]]:
    return {(cause.place, cause.path) for cause in pattern.change.causes}


def _overridden(members: Iterable[Outcome], pattern: GroupDraft) -> Statements:
    """Return the values that outliers override; all of them where the usual change has no known cause."""
    known = _causes(pattern)
    return [
        (outcome.subject, f"`{cause.overridden_by}` sets `{path_text(cause.path)}`, {_NO_EFFECT}")
        for outcome in members
        for cause in outcome.causes
        if cause.overridden_by and (not known or (cause.place, cause.path) in known)
    ]


def _silent(pattern: GroupDraft, unchanged: Iterable[Outcome]) -> Statements:
    """Return the pairs that the cause of the usual change reaches too, and in which the object does not change."""
    known = _causes(pattern)
    return [
        (outcome.subject, f"No change on {_PAIRS}{_reason(cause)}")
        for outcome in unchanged
        for cause in outcome.causes
        if (cause.place, cause.path) in known and outcome.status in ("equal", "changed")
    ]


def _reason(cause: Cause) -> str:
    if cause.overridden_by:
        return f": `{cause.overridden_by}` sets `{path_text(cause.path)}` itself."
    return f", which `{cause.place}` reaches as well."


def _sentence(common: str, subjects: Mapping[Subject, str], members: int) -> str:
    texts = set(subjects.values())
    names = few_names([pair_name(subject) for subject in subjects])
    if members:
        names = "here" if len(subjects) == members else f"on {names}"
    return (texts.pop() if len(texts) == 1 else common).replace(_PAIRS, names)
