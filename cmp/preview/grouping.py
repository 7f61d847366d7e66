"""The same change in many pairs, shown once.

1. What is equal word for word, or but for a cluster's own name or domain, is one class.  Of a text of many lines only
   those count that came or went.
2. Classes that differ only in values (the same object, the same paths) are one group with a table of these values;
   but where one class has more than half of the pairs, it stands alone: then the others are what is remarkable.

Each object has groups of its own.  Objects of one application that change in the same pairs stand together, and count
together for the order: most pairs first, then dangers, then the number of differences.  Nothing depends on the order
of the outcomes, nor on which label a secret has in this run.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from string import ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Group, Member
from cmp.compare.noise import without_hash
from cmp.preview.columns import columns, shape
from cmp.preview.labels import alike, mapped, order, replaced, replaced_in_json, unlabelled
from cmp.preview.outliers import Draft, explained

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from cmp.changes import Change, Field, Outcome

    Tokens = Mapping[str, Mapping[str, str]]


class _Entry(NamedTuple):
    """A change and its key; `position` is the change's place in its outcome."""

    change: Change
    position: int
    key: str


class _Class(NamedTuple):
    """Changes that are equal but for what is a cluster's own; `facts` is their common key, read back."""

    entries: tuple[_Entry, ...]
    facts: list[object]
    is_verbatim: bool

    @property
    def rank(self) -> tuple[object, ...]:
        first = self.entries[0]
        return (-len(self.entries), order(first.change.subject), first.position)


def groups(outcomes: Sequence[Outcome], tokens: Tokens) -> tuple[Group, ...]:
    """Return every change that has something to show, in exactly one group, with letters in the order of reading.

    `tokens` has for each cluster its own texts and the placeholders that stand for them.  Where the members of a group
    differ in these, its `change` has the placeholders, otherwise it is that of the first member as it is.
    """
    families: dict[Hashable, list[_Class]] = defaultdict(list)
    for one in _classes(_entries(outcomes), tokens):
        families[shape(one.facts)].append(one)
    drafts = [_draft(table, tokens) for family in families.values() for table in _tables(family)]
    return explained([draft._replace(group=group) for draft, group in _lettered(drafts)], outcomes, tokens)


def _entries(outcomes: Sequence[Outcome]) -> list[_Entry]:
    return [
        _Entry(change, position, _key(change))
        for outcome in sorted(outcomes, key=lambda outcome: order(outcome.subject))
        for position, change in enumerate(outcome.changes)
        if change.fields or (change.what != "changed" and not change.folded)
    ]


def _key(change: Change) -> str:
    """Return what has to be equal for two changes to be the same one."""
    identity, was = (
        (one._replace(name=without_hash(one.name)) if one else None) for one in (change.identity, change.was)
    )
    what = (change.what, change.api_versions, was if was != identity else None, change.is_restart)
    facts = (change.subject.app, identity, [_told(field) for field in change.fields], what, change.dangers)
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, default=repr)


def _told(field: Field) -> Field:
    """Return a field with only those lines of a text that came and went: the others may differ among clusters."""
    before, after = field.before, field.after
    if not isinstance(before, str) or not isinstance(after, str) or "\n" not in before + after:
        return field
    old, new = Counter(before.splitlines()), Counter(after.splitlines())
    gone, came = ("\n".join(lines.elements()) if lines else None for lines in (old - new, new - old))
    return field if gone == came else field._replace(before=gone, after=came)


def _classes(entries: list[_Entry], tokens: Tokens) -> Iterable[_Class]:
    common = alike([(entry.change.subject.cluster, entry.key) for entry in entries], tokens, replaced_in_json)
    found: dict[str, list[_Entry]] = defaultdict(list)
    for key, entry in zip(common, entries, strict=True):
        found[key].append(entry)
    for key, same in found.items():
        yield _Class(tuple(same), json.loads(key), is_verbatim=len({entry.key for entry in same}) == 1)


def _tables(family: list[_Class]) -> list[list[_Class]]:
    first, *rest = ordered = sorted(family, key=lambda one: one.rank)
    is_usual = len(first.entries) > sum(len(one.entries) for one in rest)
    return [[first], rest] if rest and is_usual else [ordered]


def _draft(table: list[_Class], tokens: Tokens) -> Draft:
    names, rows, left_out = columns([one.facts for one in table], [_shown(one) for one in table])
    changes = [(entry.change, row) for one, row in zip(table, rows, strict=True) for entry in one.entries]
    first = changes[0][0]
    shown = first if all(_body(change) == _body(first) for change, _ in changes) else _neutral(first, tokens)
    members = tuple(Member(change.subject, row) for change, row in changes)
    more = (f"{left_out} more fields have other values in each: `--format json` has them all.",) if left_out else ()
    group = Group("", first.subject.app, shown, members, names, why=more)
    about = json.dumps(table[0].facts[:2], ensure_ascii=False)
    return Draft(group, about, first, table[0].facts, table[0].entries[0].position)


def _body(change: Change) -> tuple[object, ...]:
    return (change.identity, change.fields, change.hunks)


def _shown(one: _Class) -> list[object]:
    """Return the facts as a table shows them: with placeholders only where its members differ."""
    facts: list[object] = json.loads(one.entries[0].key) if one.is_verbatim else one.facts
    return facts


def _neutral(change: Change, tokens: Tokens) -> Change:
    own = tokens.get(change.subject.cluster, {})
    return mapped(change, lambda text: replaced(text, own))._replace(subject=change.subject)


def _lettered(drafts: list[Draft]) -> Iterable[tuple[Draft, Group]]:
    bundles: dict[Hashable, list[Draft]] = defaultdict(list)
    for draft in drafts:
        bundles[frozenset(member.subject for member in draft.group.members)].append(draft)
    together = sorted(bundles.values(), key=_weight)
    drafts = [draft for bundle in together for draft in sorted(bundle, key=lambda one: _weight([one]))]
    return [(draft, draft.group._replace(letter=letter(at))) for at, draft in enumerate(drafts)]


def _weight(bundle: list[Draft]) -> tuple[object, ...]:
    """Return by what groups with the same members are ordered: the greatest first, ties by what they are about."""
    changes = [draft.group.change for draft in bundle]
    dangers, fields = (sum(len(change.dangers) for change in changes), sum(len(change.fields) for change in changes))
    first = min(unlabelled(draft.about) for draft in bundle)
    subjects = sorted(order(member.subject) for member in bundle[0].group.members)
    return (-len(subjects), -dangers, -fields, subjects, first, min(draft.position for draft in bundle))


def letter(index: int) -> str:
    """Return A for 0, B for 1, and so on; AA after Z."""
    index, last = divmod(index, len(ascii_uppercase))
    return (letter(index - 1) if index else "") + ascii_uppercase[last]
