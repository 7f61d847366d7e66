"""Two lists of rendered objects -> the changes that a reader sees: pure functions over values.

pairing.py      the objects of both sides, matched
fields.py       two values -> their differences; when two values are the same
sequences.py    the common elements of two lists or texts
hunks.py        differences -> YAML for a reader; hunk_lines.py: one difference; printing.py: the lines of a value
definitions.py  one line in place of the schema of a CustomResourceDefinition
noise.py        rules that fold differences without news
dangers/        rules for changes that deserve a second look
pods.py         the pods of an object, and whether they are replaced
bumps.py        images and charts with another version
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Change, Field
from cmp.compare import dangers, definitions, noise, pods
from cmp.compare.fields import differences, same
from cmp.compare.hunks import hunks
from cmp.compare.pairing import match_objects

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from cmp.changes import Object, Rule, Subject
    from cmp.compare.pairing import MatchedObject

__all__ = ["compare"]


def compare(
    subject: Subject, base: Sequence[Object], head: Sequence[Object], rules: Sequence[Rule] = ()
) -> tuple[Change, ...]:
    """Return the changes to the objects of one application on one cluster, ordered by identity.

    An object that is added or removed has one field, its whole value at the path `()`.  An object whose differences
    are all folded is a change too, without fields and hunks, so that they are counted.
    """
    changed = [matched for matched in match_objects(base, head) if not _is_unchanged(matched)]
    return tuple(_change(subject, matched, changed, rules) for matched in changed)


def _is_unchanged(matched: MatchedObject) -> bool:
    before, after = matched
    return bool(before and after and before.identity == after.identity and same(before.value, after.value))


def _change(
    subject: Subject, matched: MatchedObject, changed: Sequence[MatchedObject], rules: Sequence[Rule]
) -> Change:
    before, after = matched
    fields = _fields(matched)
    kept, folded = noise.fold(matched, fields, changed, rules)
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
        dangers=dangers.find(matched, fields),
        is_restart=pods.is_restart(matched, fields),
        summary=summary,
    )


def _fields(matched: MatchedObject) -> tuple[Field, ...]:
    before, after = matched
    if before is None:
        return (Field(path=(), kind="added", before=None, after=matched.newest.value),)
    if after is None:
        return (Field(path=(), kind="removed", before=before.value, after=None),)
    return differences(before.value, after.value)


def _what(matched: MatchedObject) -> Literal["added", "removed", "changed", "renamed"]:
    before, after = matched
    if before is None:
        return "added"
    if after is None:
        return "removed"
    return "changed" if before.identity == after.identity else "renamed"
