"""What a pair's encrypted values files hold, for as long as the pair is compared, and the labels that stand for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.secrets import placeholders, sops
from cmp.secrets.redact import Redactor, Secret

if TYPE_CHECKING:
    from cmp.render.masking import Label

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
    """Encrypted files as a comparison sees them: their plaintext, or, without the key, stand-ins of it."""

    def __init__(self, keeper: Keeper, label: Label, *, is_keyless: bool) -> None:
        self._keeper = keeper
        self._label = label
        self._is_keyless = is_keyless

    def text(self, path: str, data: bytes) -> bytes | None:
        """Return what is in a file of values; None for one that is not encrypted, or not decrypted."""
        if self._is_keyless and sops.is_encrypted(path, data):
            return placeholders.stand_in(sops.format_of(path, data), data, lambda _: None)
        return self._keeper.opened(data)

    def shown(self, value: object) -> str:
        """Return what stands for a value of such a file; a truth value has no label, which would say it."""
        if value is None or isinstance(value, bool | dict | list):
            return ENCRYPTED
        text = (value if isinstance(value, str) else yamldoc.to_json(value)).strip()
        return self._label(self._keeper.whole(text) or Secret(text))
