"""The lines of values files that changed, and the changed objects that each of them is behind.

    changed_values    both sides' layers -> a cause for each value that changed, overridden or not
    visible_causes    the causes whose old and new value can be seen in the old and new text of a changed field

A value is found by its text, as no engine tells which value a template used; `proofs` establishes what cannot be seen.
A cause that another layer overrides explains no object: it is reported for what it does not do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.changes import Cause
from cmp.errors import CmpError
from cmp.repository import values
from cmp.secrets import placeholders, sops
from cmp.secrets.redact import Redactor, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.changes import Change, Field
    from cmp.model import Instance
    from cmp.render.masking import Label
    from cmp.repository.values.provenance import Origin, Path, Place
    from cmp.system.tree import Tree

    Leaves = Mapping[Path, "_Leaf"]

ENCRYPTED = "‹encrypted›"
SHORTEST = 2  # characters of a value that is looked for inside a longer text
SUREST = 4  # characters of a value that nothing else is by accident


# Encrypted values


class RecordingRedactor(Redactor):
    """A redactor that also returns the plaintext of each file that was decrypted."""

    def __init__(self) -> None:
        super().__init__()
        self._plaintexts: dict[bytes, bytes] = {}

    def learn(self, encrypted: bytes, plain: bytes) -> None:
        """Take a file before and after decryption."""
        self._plaintexts[encrypted] = plain
        super().learn(encrypted, plain)

    def plaintext(self, encrypted: bytes) -> bytes | None:
        """Return the plaintext of a file; None where it was not decrypted."""
        return self._plaintexts.get(encrypted)


class DecryptedFiles:
    """The plaintexts of encrypted values files, or without the key placeholders; their values are shown as labels."""

    def __init__(self, redactor: RecordingRedactor, label: Label, *, is_keyless: bool) -> None:
        self._redactor = redactor
        self._label = label
        self._is_keyless = is_keyless

    def plaintext(self, path: str, data: bytes) -> bytes | None:
        """Return the plaintext of a values file; None for one that is not encrypted, or was not decrypted."""
        if self._is_keyless and sops.is_encrypted(path, data):
            return placeholders.with_placeholders(sops.format_of(path, data), data, lambda _: None)
        return self._redactor.plaintext(data)

    def shown(self, value: object) -> str:
        """Return the label of a value; a truth value has none, because a label would tell it."""
        if value is None or isinstance(value, bool | dict | list):
            return ENCRYPTED
        text = _text(value).strip()
        return self._label(self._redactor.secret_of(text) or Secret(text))


# Changed values


def changed_values(
    base: tuple[Tree, Sequence[Instance]],
    head: tuple[Tree, Sequence[Instance]],
    decrypted: DecryptedFiles | None = None,
) -> tuple[Cause, ...]:
    """Compare the values layers of one pair on both sides, source by source and file by file; sorted by place.

    A changed encrypted value is shown as its label.  Where its file is not among the `decrypted` ones, only its
    ciphertext is compared, and `‹encrypted›` is shown.  A value that several sources read is told once.
    """
    causes: list[Cause] = []
    for old, new in zip(base[1], head[1], strict=False):
        causes += (
            cause
            for cause in _changed_values((base[0], old), (head[0], new), decrypted)
            if cause not in causes  # a set takes no value that is a list
        )
    return tuple(causes)


def _changed_values(
    base: tuple[Tree, Instance], head: tuple[Tree, Instance], decrypted: DecryptedFiles | None
) -> list[Cause]:
    try:
        old, new = (_contents(*side) for side in (base, head))
        changed = [file for file in sorted(old.keys() | new.keys()) if old.get(file) != new.get(file)]
        layers = _Layers(before=[*old], after=[*new], origins=values.provenance([*new.items()]))
        return [
            cause
            for file in changed
            for cause in _of_file(file, _leaves(file, old, decrypted), _leaves(file, new, decrypted), layers)
        ]
    except CmpError:  # the render reports it
        return []


class _Leaf(NamedTuple):
    """A value of one layer: its place, the value by which it is compared, and the one that a reader sees."""

    place: Place
    value: object
    shown: object


class _Layers(NamedTuple):
    """The layers of both sides, weakest first, and the origins of the merged values on the newer side."""

    before: list[str]
    after: list[str]
    origins: Mapping[Path, Origin]

    def overriding(self, file: str, path: Path) -> Place | None:
        """Return the place where a layer sets a value that is stronger than a file is on either side."""
        winner = self.origins.get(path)
        rank = max(files.index(file) for files in (self.before, self.after) if file in files)
        return winner.place if winner and self.after.index(winner.place.file) > rank else None


def _contents(tree: Tree, instance: Instance) -> dict[str, bytes]:
    return {
        layer.path: tree.read(layer.path) if layer.data is None else layer.data
        for layer in instance.layers
        if layer.is_in_tree or layer.data is not None
    }


def _of_file(file: str, old: Leaves, new: Leaves, layers: _Layers) -> Iterator[Cause]:
    for path in sorted(old.keys() | new.keys(), key=str):
        before, after = old.get(path), new.get(path)
        leaf = after or before
        if leaf is None or (before and after and before.value == after.value):
            continue
        overriding = layers.overriding(file, path)
        yield Cause(
            place=leaf.place.text,
            path=tuple(f"[{part}]" if isinstance(part, int) else part for part in path),
            before=before and before.shown,
            after=after and after.shown,
            overridden_by=overriding.text if overriding else "",
        )


def _leaves(file: str, contents: Mapping[str, bytes], decrypted: DecryptedFiles | None) -> Leaves:
    if file not in contents:
        return {}
    data = contents[file]
    plaintext = decrypted.plaintext(file, data) if decrypted else None
    plain = values.provenance([(file, plaintext)]) if plaintext is not None else {}
    return {
        path: _leaf(origin, plain.get(path), decrypted)
        for path, origin in values.provenance([(file, data)]).items()
        if not (isinstance(origin.value, dict | list) and origin.value)
    }


def _leaf(origin: Origin, plain: Origin | None, decrypted: DecryptedFiles | None) -> _Leaf:
    if not origin.is_encrypted:
        return _Leaf(origin.place, value=origin.value, shown=origin.value)
    if plain is None or decrypted is None:
        return _Leaf(origin.place, value=origin.value, shown=ENCRYPTED)
    return _Leaf(origin.place, value=plain.value, shown=decrypted.shown(plain.value))


# Causes of changed objects


def visible_causes(change: Change, causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Return the causes whose value can be seen in a field of the change, folded fields included."""
    fields = (*change.fields, *(folded.field for folded in change.folded))
    return tuple(cause for cause in effective(causes) if any(_is_visible(cause, field) for field in fields))


def seen_in(field: Field, causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Return the causes whose value can be seen in a field."""
    return tuple(cause for cause in effective(causes) if _is_visible(cause, field))


def stable_fields(change: Change) -> tuple[Field, ...]:
    """Return the fields of a change but those that templates make up anew."""
    return tuple(field for index, field in enumerate(change.fields) if index not in change.unstable)


def file_of(cause: Cause) -> str:
    """Return the file that a cause is in, or is."""
    return cause.place.rpartition(":")[0] if cause.path else cause.place


def is_only_replaced(change: Change, causes: Sequence[Cause]) -> bool:
    """Return whether each field, folded ones included, is its old text with changed values in place of their old ones.

    Then nothing in it was made up anew: that would be another text, of which no value of a file knows.
    """
    fields = (*change.fields, *(folded.field for folded in change.folded))
    values = [
        (_text(cause.before), _text(cause.after))
        for cause in effective(causes)
        if cause.before is not None and cause.after is not None
    ]
    long = [(old, new) for old, new in values if min(len(old), len(new)) >= SUREST]
    return all(
        field.kind == "changed"
        and any(
            old in (text := _text(field.before)) and text.replace(old, new) == _text(field.after) for old, new in long
        )
        for field in fields
    )


def effective(causes: Sequence[Cause]) -> list[Cause]:
    """Return the causes that no stronger layer overrides."""
    return [cause for cause in causes if not cause.overridden_by]


def _is_visible(cause: Cause, field: Field) -> bool:
    """Return whether the old value is in the field's old text, and the new value in its new one."""
    sides = [(cause.before, field.before), (cause.after, field.after)]
    texts = [(_text(value), _text(rendered)) for value, rendered in sides if value is not None]
    return bool(texts) and all(
        value == rendered or (len(value) >= SHORTEST and value in rendered) for value, rendered in texts
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else yamldoc.to_json(value)
