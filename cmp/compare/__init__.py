"""Two sets of rendered objects -> what changed, as a reader wants to see it: pure functions over values.

pairing.py      which object is which
fields.py       what differs between two values, and when they are the same
sequences.py    what two lists or texts have in common
hunks.py        differences -> YAML for a reader; hunk_lines.py, printing.py: its parts
definitions.py  one line instead of the schema of a CustomResourceDefinition
noise.py        what need not be shown
dangers/        what to look at twice
pods.py         where objects hold pods, and whose pods are replaced
bumps.py        images and charts that have another version
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Change, Field
from cmp.compare import dangers, definitions, noise, pods
from cmp.compare.fields import differences, same
from cmp.compare.hunks import hunks
from cmp.compare.pairing import pair

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from cmp.changes import Object, Rule, Subject
    from cmp.compare.pairing import Matched

__all__ = ["compare"]


def compare(
    subject: Subject, base: Sequence[Object], head: Sequence[Object], rules: Sequence[Rule] = ()
) -> tuple[Change, ...]:
    """Return what happens to the objects of one application on one cluster, ordered by identity.

    An object that is added or removed has one field, its whole value at the path `()`.  An object all of whose
    differences are folded is a change too, without fields and hunks, so that they are counted.
    """
    changed = [matched for matched in pair(base, head) if not _is_unchanged(matched)]
    return tuple(_change(subject, matched, changed, rules) for matched in changed)


def _is_unchanged(matched: Matched) -> bool:
    before, after = matched
    return bool(before and after and before.identity == after.identity and same(before.value, after.value))


def _change(subject: Subject, matched: Matched, changed: Sequence[Matched], rules: Sequence[Rule]) -> Change:

    before, after = matched
    found = _fields(matched)
    kept, folded = noise.fold(matched, found, changed, rules)
    summary = definitions.summary(matched, kept)
    return Change(
        subject=subject,
        what=_what(matched),
        identity=matched.newest.identity,
        was=before.identity if before and after and before.identity != after.identity else None,
        api_versions=(before.api_version if before else "", after.api_version if after else ""),
        source=matched.newest.source,
        fields=kept,
        folded=folded,
        hunks=() if summary else hunks(matched, kept),
        dangers=dangers.find(matched, found),
        is_restart=pods.is_restart(matched, found),
        summary=summary,
    )


def _fields(matched: Matched) -> tuple[Field, ...]:
    before, after = matched
    if before is None:
        return (Field((), "added", None, matched.newest.value),)
    if after is None:
        return (Field((), "removed", before.value, None),)
    return differences(before.value, after.value)


def _what(matched: Matched) -> Literal["added", "removed", "changed", "renamed"]:
    before, after = matched
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "changed" if before.identity == after.identity else "renamed"
