"""The objects of one application on two clusters compared: what is not the same but for the clusters' own texts.

A name of the cluster, a domain or another fact of it has its general term on both sides: `shop.‹cluster›.example`.  A
text that both have to the letter is nobody's own, and stays.  Secrets differ between clusters as a rule, and are
counted; values that templates make up are no difference.  A checksum and a hash in a name are folded as in any
comparison, also where own texts alone are behind them.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import ObjectDifference
from cmp.compare import noise
from cmp.compare.fields import differences
from cmp.compare.pairing import MatchedObject, match_objects
from cmp.preview.labels import CLUSTER, generalized, map_texts, texts_with
from cmp.secrets.redact import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.changes import Field, Object, Rule
    from cmp.model import Identity

    General = Callable[[str], str]
    Place = tuple[Identity, tuple[str, ...]]  # an object, and the path of a field

_SECRET = re.compile("‹secret [^›]*›")  # a worker's label of a secret
_CIPHERTEXT = re.compile("‹sops [^›]*›")  # the label of one whose ciphertext alone is known


class ClusterObjects(NamedTuple):
    """The objects of an application on a cluster, masked, and the texts that are the cluster's own (`own_texts`)."""

    objects: Sequence[Object]
    texts: Mapping[str, str]


class Differences(NamedTuple):
    """All that differs: objects, secrets, and secrets of which the ciphertext differs and nobody knows more.

    `mentions` are objects here that name the other cluster, and not their own: they may have been copied.  `same` are
    the objects here that are as there, where others are not.
    """

    objects: tuple[ObjectDifference, ...] = ()
    secrets: int = 0
    ciphertexts: int = 0
    mentions: tuple[Identity, ...] = ()
    same: tuple[Identity, ...] = ()

    @property
    def is_any(self) -> bool:
        """Tell whether anything differs."""
        return bool(self.objects or self.secrets or self.ciphertexts)


def compared(
    there: ClusterObjects, here: ClusterObjects, rules: Sequence[Rule] = (), again: Sequence[Object] | None = None
) -> Differences:
    """Return the differences of the objects `here` from those `there`, in general terms, ordered by identity.

    `again` are the objects of a second render of what is here: what differs between the two renders is made up.
    """
    common = {*texts_with(there.objects, "")} & {*texts_with(here.objects, "")}
    general = [partial(_general, common=common, own=side.texts) for side in (there, here)]
    before, after = (
        [(_mapped(one, of_side), one) for one in side.objects]
        for side, of_side in zip((there, here), general, strict=True)
    )
    made_up = {*_places([_mapped(one, general[1]) for one in again], [one for one, _ in after])} if again else set()
    raw = {id(one): original for one, original in (*before, *after)}
    matched = match_objects([one for one, _ in before], [one for one, _ in after])
    whole = [
        MatchedObject(*(side and side._replace(value=raw[id(side)].value, source="") for side in one))
        for one in matched
    ]
    objects: list[ObjectDifference] = []
    same: list[Identity] = []
    secrets = ciphertexts = 0
    for one in matched:
        identity = one.newest.identity
        if one.before is None or one.after is None:
            objects.append(ObjectDifference(identity, "added" if one.before is None else "removed"))
            continue
        kept, _ = noise.fold(one, differences(one.before.value, one.after.value), whole, rules)
        fields: list[Field] = []
        for field in kept:
            if (identity, field.path) in made_up or _is_own(field, there.texts, here.texts):
                continue
            if not _differs_in_secrets(field):
                fields.append(field)
            elif _CIPHERTEXT.search(f"{field.before}{field.after}"):
                ciphertexts += 1
            else:
                secrets += 1
        if fields:
            objects.append(ObjectDifference(identity, "changed", tuple(fields)))
        else:
            same.append(raw[id(one.after)].identity)
    mentions = tuple(sorted(one.identity for one in here.objects if _mentions(one, there.texts, here.texts)))
    return Differences(tuple(objects), secrets, ciphertexts, mentions, tuple(sorted(same)) if objects else ())


def _general(text: str, *, common: set[str], own: Mapping[str, str]) -> str:
    return text if text in common else generalized(text, own)


def _mapped(one: Object, general: General) -> Object:
    """Return an object with general terms in its texts, its name and its namespace."""
    identity = one.identity
    return one._replace(
        identity=identity._replace(namespace=general(identity.namespace), name=general(identity.name)),
        value=map_texts(one.value, general),
    )


def _mentions(one: Object, there: Mapping[str, str], here: Mapping[str, str]) -> bool:
    """Tell whether an object here names the other cluster and never its own.

    An own text of this cluster does not count for the other: `prod` in `prod-2`, or as a fact of both.
    """
    texts = {*texts_with(one.value, "")}
    names = {name: "" for name, term in there.items() if term == CLUSTER}
    general = {text: generalized(text, here) for text in texts}
    if any(CLUSTER in own and CLUSTER not in text for text, own in general.items()):
        return False
    return any(generalized(own, names) != own for own in general.values())


def _places(before: Sequence[Object], after: Sequence[Object]) -> Iterator[Place]:
    """Yield the places in which two renders of the same differ."""
    for one in match_objects(before, after):
        if one.before and one.after:
            for field in differences(one.before.value, one.after.value):
                yield one.newest.identity, field.path


def _is_own(field: Field, there: Mapping[str, str], here: Mapping[str, str]) -> bool:
    """Tell whether a field differs in own texts alone: one that both clusters also have elsewhere to the letter."""
    before = map_texts(field.before, partial(generalized, own=there))
    return field.kind == "changed" and before == map_texts(field.after, partial(generalized, own=here))


def _differs_in_secrets(field: Field) -> bool:
    """Tell whether both values are the same text around other secrets."""
    before, after = (
        _CIPHERTEXT.sub(MASK, _SECRET.sub(MASK, value)) if isinstance(value, str) else value
        for value in (field.before, field.after)
    )
    return isinstance(before, str) and before == after
