"""Encrypted files without their key: each secret gets a stable placeholder, so that forks and CI can render them.

A placeholder (stand-in in the documentation) is the path of the leaf and a part of the ciphertext's digest (public: it
is in Git), as in `‹sops db.password 3fa2c1d0›`; it changes with the ciphertext.  Charts compare and convert values, so
it has the type that sops wrote beside the ciphertext: a number is rendered as a number, and is a label in reports.
"""

from __future__ import annotations

import hashlib
import json
import re
from binascii import a2b_base64
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.secrets.redact import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    Learn = Callable[[Secret], object]
    # Makes the placeholder of a leaf from its type (sops' name for it), its path and its ciphertext.
    MakePlaceholder = Callable[[str, str, str], object]

CIPHERTEXT = re.compile(r"ENC\[AES256_GCM,(?:data:([^,\]]*),)?[^\]]*?(?:type:(\w+))?\]")
METADATA = "sops"
DIGITS = 8
LEAST, RANGE = 20_000, 30_000  # of numbers: a chart may want a port


class Leaf(NamedTuple):
    """An encrypted leaf: its path, its type (sops' name for it), and the length of its plaintext in bytes.

    The cipher (AES in Galois/Counter Mode) keeps the length.
    """

    path: str
    kind: str
    length: int


def leaves(kind: str, data: bytes) -> list[Leaf]:
    """Return the encrypted leaves of a file of a format (sops' name for it), in their order."""
    collected: list[Leaf] = []

    def note(of_type: str, path: str, ciphertext: str) -> str:
        parts = CIPHERTEXT.fullmatch(ciphertext)
        collected.append(Leaf(path, of_type, len(a2b_base64(parts[1] or "")) if parts else 0))
        return ""

    _replaced_file(kind, data, note)
    return collected


def with_placeholders(kind: str, data: bytes, learn: Learn) -> bytes:
    """Return an encrypted file of a format (sops' name for it) with placeholders, and call `learn` for each."""
    return _replaced_file(kind, data, partial(_placeholder, learn=learn))


def shown(document: dict[str, object]) -> dict[str, object]:
    """Return an object that stays encrypted, for readers: with the label of each ciphertext, also of the metadata."""

    def make(_: str, path: str, ciphertext: str) -> str:
        return _label(path, ciphertext)

    return {key: _replaced(item, key, make) for key, item in document.items()}


def _replaced_file(kind: str, data: bytes, make: MakePlaceholder) -> bytes:
    if kind in ("yaml", "json", "binary"):
        documents = [_replaced(document, "", make) for document in yamldoc.load_all(data)]
        documents = [_without_metadata(document) for document in documents]
        if kind == "yaml":
            return yamldoc.dump_all(documents)
        only = documents[0] if documents else {}
        if kind == "binary":
            return str(only.get("data", "")).encode() if isinstance(only, dict) else b""
        return json.dumps(only, ensure_ascii=False, indent=2).encode()
    return "".join(_lines(kind, data.decode("utf-8", "surrogateescape"), make)).encode("utf-8", "surrogateescape")


def _without_metadata(document: object) -> object:
    if not isinstance(document, dict):
        return document
    return {key: item for key, item in document.items() if key != METADATA}


def _replaced(value: object, path: str, make: MakePlaceholder) -> object:
    if isinstance(value, dict):
        return {
            key: item if not path and key == METADATA else _replaced(item, f"{path}.{key}" if path else key, make)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_replaced(item, f"{path}[{index}]", make) for index, item in enumerate(value)]
    if isinstance(value, str) and (match := CIPHERTEXT.fullmatch(value)):
        return make(match[2] or "str", path, value)
    return value


def _placeholder(kind: str, path: str, ciphertext: str, learn: Learn) -> object:
    digest, label = _digest(ciphertext), _label(path, ciphertext)
    if kind == "bool":
        return True
    number = LEAST + int(digest, 16) % RANGE
    # Each number in JSON is a float to sops, also a port, in whose place a fraction would fail.
    values: dict[str, object] = {"int": number, "float": number}
    value = values.get(kind, label)
    learn(Secret(str(value), path, label))
    return value


def _digest(ciphertext: str) -> str:
    return hashlib.sha256(ciphertext.encode()).hexdigest()


def _label(path: str, ciphertext: str) -> str:
    return f"‹sops {path} {_digest(ciphertext)[:DIGITS]}›"


def _lines(kind: str, text: str, make: MakePlaceholder) -> list[str]:
    """Replace the values of a dotenv or INI file, and leave out the metadata of sops."""
    lines, section = [], ""
    for line in text.splitlines(keepends=True):
        if kind == "ini" and line.startswith("["):
            section = line.strip()
        if section == f"[{METADATA}]" or (kind == "dotenv" and line.startswith(f"{METADATA}_")):
            continue
        name, equals, value = line.partition("=")
        if equals and (match := CIPHERTEXT.fullmatch(value.strip())):
            path = f"{section.strip('[]')}.{name.strip()}".strip(".")
            line = f"{name}={make('str', path, match[0])}\n"  # noqa: PLW2901
        lines.append(line)
    return lines
