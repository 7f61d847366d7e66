"""Which lines of values files changed, and which of them are behind a changed object."""

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


class Keeper(Redactor):
    """A redactor that can tell what a file was decrypted to."""

    def __init__(self) -> None:
        super().__init__()
        self._opened: dict[bytes, bytes] = {}

    def learn(self, encrypted: bytes, plain: bytes) -> None:
        """Take a file before and after decryption."""
        self._opened[encrypted] = plain
        super().learn(encrypted, plain)

    def opened(self, data: bytes) -> bytes | None:
        """Return the plaintext of a file; None where it was not decrypted."""
        return self._opened.get(data)


class Opened:
    """Encrypted files as a comparison sees them: their plaintext, or, without the key, placeholders of it."""

    def __init__(self, keeper: Keeper, label: Label, *, is_keyless: bool) -> None:
        self._keeper = keeper
        self._label = label
        self._is_keyless = is_keyless

    def text(self, path: str, data: bytes) -> bytes | None:
        """Return what is in a file of values; None for one that is not encrypted, or not decrypted."""
        if self._is_keyless and sops.is_encrypted(path, data):
            return placeholders.with_placeholders(sops.format_of(path, data), data, lambda _: None)
        return self._keeper.opened(data)

    def shown(self, value: object) -> str:
        """Return what stands for a value of such a file; a truth value has no label, which would say it."""
        if value is None or isinstance(value, bool | dict | list):
            return ENCRYPTED
        text = (value if isinstance(value, str) else yamldoc.to_json(value)).strip()
        return self._label(self._keeper.secret_of(text) or Secret(text))


def causes(base: tuple[Tree, Instance], head: tuple[Tree, Instance], opened: Opened | None = None) -> tuple[Cause, ...]:
    """Compare the values layers of one pair on both sides, file by file; sorted by place.

    An encrypted value that is another one has its label, or `‹encrypted›` where nothing was `opened`: then it is only
    its ciphertext that is another one.
    """
    try:
        old, new = (_contents(*side) for side in (base, head))
        merged = values.provenance([*new.items()])
        changed = [file for file in sorted(old.keys() | new.keys()) if old.get(file) != new.get(file)]
        ranks = _Ranks([*old], [*new], merged)
        return tuple(
            cause
            for file in changed
            for cause in _of_file(file, _leaves(file, old, opened), _leaves(file, new, opened), ranks)
        )
    except CmpError:  # the render says so
        return ()


class _Leaf(NamedTuple):
    """A value of one layer: where it stands, what tells it from others, and what a reader sees."""

    place: Place
    value: object
    shown: object


class _Ranks(NamedTuple):
    """The layers of both sides, weakest first, and the origins of the newer ones laid over each other."""

    before: list[str]
    after: list[str]
    merged: Mapping[Path, Origin]

    def stronger(self, file: str, path: Path) -> Place | None:
        """Return where another layer sets a value that is stronger than the file is on either side."""
        winner = self.merged.get(path)
        own = max(files.index(file) for files in (self.before, self.after) if file in files)
        return winner.place if winner and self.after.index(winner.place.file) > own else None


def _contents(tree: Tree, instance: Instance) -> dict[str, bytes]:
    return {layer.path: tree.read(layer.path) for layer in instance.layers}


def _of_file(file: str, old: Leaves, new: Leaves, ranks: _Ranks) -> Iterator[Cause]:
    for path in sorted(old.keys() | new.keys(), key=str):
        was, now = old.get(path), new.get(path)
        stands = now or was
        if stands is None or (was and now and was.value == now.value):
            continue
        winner = ranks.stronger(file, path)
        keys = tuple(f"[{part}]" if isinstance(part, int) else part for part in path)
        yield Cause(stands.place.text, keys, was and was.shown, now and now.shown, winner.text if winner else "")


def _leaves(file: str, contents: Mapping[str, bytes], opened: Opened | None) -> Leaves:
    if file not in contents:
        return {}
    data = contents[file]
    origins = values.provenance([(file, data)])
    text = opened.text(file, data) if opened else None
    plain = values.provenance([(file, text)]) if text is not None else {}
    return {
        path: _leaf(origin, plain.get(path), opened)
        for path, origin in origins.items()
        if not (isinstance(origin.value, dict | list) and origin.value)
    }


def _leaf(origin: Origin, plain: Origin | None, opened: Opened | None) -> _Leaf:
    if not origin.is_encrypted:
        return _Leaf(origin.place, origin.value, origin.value)
    if plain is None or opened is None:
        return _Leaf(origin.place, origin.value, ENCRYPTED)
    return _Leaf(origin.place, plain.value, opened.shown(plain.value))


SHORTEST = 2  # characters of a value that is looked for inside a longer text


def seen(change: Change, causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """Return the causes whose value is seen in the change."""
    fields = (*change.fields, *_folded(change))
    return tuple(cause for cause in _effective(causes) if any(_shows(field, cause) for field in fields))


def completed(changes: Sequence[Change], causes: Sequence[Cause]) -> tuple[Change, ...]:
    """Return changes whose seen causes are known with what else may be behind them, where none is seen.

    That are the values that show in no other change, or else all.  They may also be why an object comes or goes:
    switches show nowhere.  What templates make up in each render has no cause.
    """
    effective = [*_effective(causes)]
    rest = [cause for cause in effective if not any(cause in change.causes for change in changes)]
    return tuple(_completed(change, rest, rest or effective) for change in changes)


def _completed(change: Change, rest: Sequence[Cause], guess: Sequence[Cause]) -> Change:
    if change.fields and len(change.unstable) == len(change.fields):
        return change
    if not change.causes:
        return change._replace(causes=tuple(guess))
    more = rest if change.what in ("added", "removed") else ()
    return change._replace(causes=(*change.causes, *more))


def _effective(causes: Sequence[Cause]) -> Iterator[Cause]:
    yield from (cause for cause in causes if not cause.overridden_by)


def _folded(change: Change) -> Iterator[Field]:
    yield from (folded.field for folded in change.folded)


def _shows(field: Field, cause: Cause) -> bool:
    """Whether the field went the way of the value: the old one is in what was, the new one in what is."""
    sides = [(cause.before, field.before), (cause.after, field.after)]
    told = [(_text(value), _text(shown)) for value, shown in sides if value is not None]
    return bool(told) and all(value == shown or (len(value) >= SHORTEST and value in shown) for value, shown in told)


def _text(value: object) -> str:
    return value if isinstance(value, str) else yamldoc.to_json(value)
