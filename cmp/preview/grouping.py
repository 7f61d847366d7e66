"""The same change in many pairs, shown once: outcomes -> groups, in eight passes.

An example: a values line raises the replicas of a Deployment from 3 to 5 in `prod-1`, `prod-2` and `prod-3`.  In
`prod-4` a stronger line changes as well, and it goes to 12; in `dev-1` a stronger line keeps it at 1.

1. Key (keys.py).  Each change gets a text of everything that a reader sees of it: application, object, changed paths
   with their values, dangers.  The texts of `prod-1`, `prod-2` and `prod-3` are equal, that of `prod-4` has a 12.
2. Class.  Changes with equal keys are one class, also where the keys differ in the cluster's own name or domain alone:
   {prod-1, prod-2, prod-3} and {prod-4}.
3. Table.  Classes that differ in values alone (the same object, the same paths) are one table, with a column for each
   path whose values differ.  But a class with more than half of the pairs stands alone: here {prod-1, prod-2, prod-3},
   so that the others stand out.
4. Draft.  Each table becomes a group that shows the change of its first member, with general terms where the
   members differ in their clusters' own texts: `‹cluster›` for the name.
5. Lot (lots.py).  The groups of all objects of pairs that come or go together become the parts of one group, and so do
   those of objects that move unchanged between two applications.  Passes 2 to 4 see these apart from all others.
6. Application (alike.py).  Groups of several applications that look the same become one, with `‹app›` for the name.
7. Letter.  Groups get letters in the order of reading.  Objects of one application that change in the same pairs stand
   together, and count together for the order: most pairs first, then dangers, then the number of differences.
   A is {prod-1, prod-2, prod-3}, B is {prod-4}.
8. Outliers (outliers.py).  Group B gets "As A, but with another value of `spec.replicas`.", and group A gets "No change
   on `dev-1`: `clusters/dev-1/web.yaml:4` sets `replicas` itself."

Nothing depends on the order of the outcomes, nor on the tokens that secrets have in this run.
"""

from __future__ import annotations

from collections import defaultdict
from os.path import commonprefix
from string import ascii_uppercase
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Group, Member
from cmp.compare.sequences import outside_mask
from cmp.preview import alike, lots
from cmp.preview.keys import key_text, read_key
from cmp.preview.labels import (
    common_texts,
    generalized,
    generalized_json,
    map_texts,
    pair_order,
    without_tokens,
)
from cmp.preview.outliers import GroupDraft, explain
from cmp.preview.shared_causes import shared_causes
from cmp.report.names import path_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from cmp.changes import Change, Outcome
    from cmp.preview.keys import Key, Leaf
    from cmp.preview.labels import OwnTexts
    from cmp.preview.lots import Population

    Row = tuple[str, ...]

MAX_COLUMNS = 5  # no comment is wide enough for more
_WIDE = 40  # characters of a value in a column
_CONTEXT = 8  # characters that are kept of the common beginning of wide values


class _KeyedChange(NamedTuple):
    """A change with its key; `position` is its place in its outcome."""

    change: Change
    position: int
    text: str


class _SameChange(NamedTuple):
    """Changes with equal keys; `is_verbatim` where these are equal without general terms, too."""

    members: tuple[_KeyedChange, ...]
    key: Key
    is_verbatim: bool

    @property
    def shown_key(self) -> Key:
        """The key as a table shows it: with general terms only where the members differ."""
        return read_key(self.members[0].text) if self.is_verbatim else self.key

    @property
    def rank(self) -> tuple[object, ...]:
        first = self.members[0]
        return (-len(self.members), pair_order(first.change.subject), first.position)


def groups(outcomes: Sequence[Outcome], own_texts: OwnTexts, population: Population | None = None) -> tuple[Group, ...]:
    """Return every change that has something to show, in exactly one group, with letters in the order of reading.

    Where the members of a group differ in their clusters' own texts, its `change` has general terms for them, otherwise
    it is that of the first member as it is.  Without a population there are neither lots nor groups of several
    applications.
    """
    units = lots.units(population, own_texts) if population else {}
    by_unit: dict[Hashable, tuple[lots.Unit | None, list[_KeyedChange]]] = {}
    for entry in _keyed(outcomes):
        unit = lots.unit_of(entry.change, units, own_texts)
        by_unit.setdefault(unit and unit[:3], (unit, []))[1].append(entry)  # a hash of its pairs would take long
    drafts: list[GroupDraft] = []
    for unit, entries in by_unit.values():
        of_unit = _drafts(entries, own_texts)
        drafts += [lots.lot_of(unit, of_unit)] if unit and len(of_unit) > 1 else of_unit
    return explain(_lettered(alike.merged(drafts) if population else drafts), outcomes, own_texts)


def _drafts(keyed: list[_KeyedChange], own_texts: OwnTexts) -> list[GroupDraft]:
    """Return the groups of changes by passes 2 to 4."""
    families: dict[str, list[_SameChange]] = defaultdict(list)
    for same in _classes(keyed, own_texts):
        families[same.key.shape].append(same)
    tables = [table for family in families.values() for table in _tables(family)]
    return [_draft(table, own_texts) for table in tables]


def _keyed(outcomes: Sequence[Outcome]) -> list[_KeyedChange]:
    """Pass 1: key every change that is not folded as a whole."""
    return [
        _KeyedChange(change, position, key_text(change))
        for outcome in sorted(outcomes, key=lambda outcome: pair_order(outcome.subject))
        for position, change in enumerate(outcome.changes)
        if change.fields or (change.what != "changed" and not change.folded)
    ]


def _classes(keyed: list[_KeyedChange], own_texts: OwnTexts) -> Iterator[_SameChange]:
    """Pass 2: collect changes whose keys are equal, or equal but for texts that are their cluster's own."""
    texts = [(entry.change.subject.cluster, entry.text) for entry in keyed]
    members: dict[str, list[_KeyedChange]] = defaultdict(list)
    for common, entry in zip(common_texts(texts, own_texts, generalized_json), keyed, strict=True):
        members[common].append(entry)
    for common, entries in members.items():
        is_verbatim = len({entry.text for entry in entries}) == 1
        yield _SameChange(tuple(entries), read_key(common), is_verbatim)


def _tables(family: list[_SameChange]) -> list[list[_SameChange]]:
    """Pass 3: put classes of one shape into one table, unless the first of them has more than half of the pairs."""
    first, *others = ordered = sorted(family, key=lambda same: same.rank)
    is_majority = len(first.members) > sum(len(other.members) for other in others)
    return [[first], others] if others and is_majority else [ordered]


def _draft(table: list[_SameChange], own_texts: OwnTexts) -> GroupDraft:
    """Pass 4: make a group of a table."""
    columns, rows, left_out = _columns([same.key for same in table], [same.shown_key for same in table])
    members = [(member.change, row) for same, row in zip(table, rows, strict=True) for member in same.members]
    first = table[0].members[0]
    look_equal = all(_shown(change) == _shown(first.change) for change, _ in members)
    more = (f"{left_out} more fields have other values in each: `--format json` has them all.",) if left_out else ()
    shown = first.change if look_equal else _generalized(first.change, own_texts)
    shared = shared_causes([change for change, _ in members], own_texts)
    group = Group(
        letter="",
        app=table[0].shown_key.app if first.change.move else first.change.subject.app,
        change=shown._replace(causes=shared.causes, touched=shared.touched),
        members=tuple(Member(change.subject, row) for change, row in members),
        columns=columns,
        why=more,
        partial_causes=shared.partial,
    )
    causes = tuple({repr(cause): cause for change, _ in members for cause in change.causes}.values())
    return GroupDraft(
        group=group, change=first.change._replace(causes=causes), key=table[0].key, position=first.position
    )


def _shown(change: Change) -> tuple[object, ...]:
    """Return the parts of a change that a group shows for all its members."""
    return (change.identity, change.fields, change.hunks)


def _generalized(change: Change, own_texts: OwnTexts) -> Change:
    own = own_texts.get(change.subject.cluster, {})
    return map_texts(change, lambda text: generalized(text, own))._replace(subject=change.subject)


def _columns(keys: Sequence[Key], shown: Sequence[Key]) -> tuple[Row, list[Row], int]:
    """Return the paths in which keys of one shape differ, a row of values for each, and the number of paths left out.

    The keys decide which paths differ; the values are those of the `shown` ones.
    """
    compared = zip(*(key.leaves() for key in keys), strict=True)
    printed = zip(*(key.leaves() for key in shown), strict=True)
    different = [(leaves, column) for leaves, column in zip(compared, printed, strict=True) if len(set(leaves)) > 1]
    names = tuple(path_text(leaves[0].path) for leaves, _ in different[:MAX_COLUMNS])
    cells = [_cells(column) for _, column in different[:MAX_COLUMNS]]
    rows = [tuple(column[at] for column in cells) for at in range(len(keys))]
    return names, rows, len(different) - len(names)


def _cells(column: Sequence[Leaf]) -> list[str]:
    texts = _shortened([*(leaf.before for leaf in column), *(leaf.after for leaf in column)])
    values = zip(column, texts[: len(column)], texts[len(column) :], strict=True)
    return [{"added": after, "removed": before}.get(leaf.kind, f"{before} → {after}") for leaf, before, after in values]


def _shortened(texts: list[str]) -> list[str]:
    """Return wide texts without their common beginning, and cut; no secret's label is cut in two."""
    if max(len(without_tokens(text)) for text in texts) <= _WIDE:
        return texts
    start = len(commonprefix([text for text in texts if text]))  # noqa: RUF071  # of texts, not of paths: that is what is wanted
    longest = max(texts, key=len)
    start = outside_mask(longest, max(outside_mask(longest, start) - _CONTEXT, 0))
    return [("…" if start and text else "") + _cut(text[start:]) for text in texts]


def _cut(text: str) -> str:
    limit = _WIDE + len(text) - len(without_tokens(text))  # the label of a secret will be short
    return text if len(text) <= limit else text[: outside_mask(text, limit) or limit] + "…"


def _lettered(drafts: list[GroupDraft]) -> list[GroupDraft]:
    """Pass 7: sort the groups as they are read, those with the same members together, and give them letters."""
    bundles: dict[Hashable, list[GroupDraft]] = defaultdict(list)
    for draft in drafts:
        bundles[frozenset(member.subject for member in draft.group.members)].append(draft)
    ordered = [
        draft
        for bundle in sorted(bundles.values(), key=_weight)
        for draft in sorted(bundle, key=lambda draft: _weight([draft]))
    ]
    return [draft._replace(group=draft.group._replace(letter=letter(at))) for at, draft in enumerate(ordered)]


def _weight(bundle: list[GroupDraft]) -> tuple[object, ...]:
    """Return the sort key of groups with the same members: the heaviest first, equal ones by their objects."""
    changes = [change for draft in bundle for change in shown_changes(draft.group)]
    dangers, fields = (sum(len(change.dangers) for change in changes), sum(len(change.fields) for change in changes))
    first_object = min(without_tokens(draft.key.object_text) for draft in bundle)
    subjects = sorted(pair_order(member.subject) for member in bundle[0].group.members)
    first_position = min(draft.position for draft in bundle)
    return (-len(subjects), -dangers, -fields, subjects, first_object, first_position)


def shown_changes(group: Group) -> list[Change]:
    """Return the changes that a group shows: its own, or those of its parts."""
    return [part.change for part in group.lot.parts] if group.lot else [group.change]


def letter(index: int) -> str:
    """Return A for 0, B for 1, and so on; AA after Z."""
    index, last = divmod(index, len(ascii_uppercase))
    return (letter(index - 1) if index else "") + ascii_uppercase[last]
