"""An encrypted file without its key: every secret gets a stable stand-in, so that forks and CI can render all the same.

A stand-in says the path of the leaf and a part of the ciphertext's digest (public: it is in Git), as in
`‹sops db.password 3fa2c1d0›`: another ciphertext, another stand-in.  Charts compare and convert values, so it keeps the
type that sops wrote beside the ciphertext; numbers stand for themselves only in what is rendered, labels in reports.
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
    # Makes what stands in the place of a leaf, of its type (sops' name for it), its path and its ciphertext.
    Put = Callable[[str, str, str], object]

CIPHERTEXT = re.compile(r"ENC\[AES256_GCM,(?:data:([^,\]]*),)?[^\]]*?(?:type:(\w+))?\]")
METADATA = "sops"
DIGITS = 8
LEAST, RANGE = 20_000, 30_000  # of the numbers: a port may be wanted


class Leaf(NamedTuple):
    """An encrypted leaf: its path, its type (sops' name for it), and the length of its plaintext in bytes.

    The cipher (AES in Galois/Counter Mode) keeps the length.
    """

    path: str
    kind: str
    length: int


def leaves(kind: str, data: bytes) -> list[Leaf]:
    """Return the encrypted leaves of a file of a format, in its order."""
    found: list[Leaf] = []

    def note(of_type: str, path: str, ciphertext: str) -> str:
        parts = CIPHERTEXT.fullmatch(ciphertext)
        found.append(Leaf(path, of_type, len(a2b_base64(parts[1] or "")) if parts else 0))
        return ""

    _with_plain(kind, data, note)
    return found


def stand_in(kind: str, data: bytes, learn: Learn) -> bytes:
    """Return an encrypted file of a format (sops' name for it) with stand-ins, and tell `learn` of each."""
    return _with_plain(kind, data, partial(_typed, learn=learn))


def _with_plain(kind: str, data: bytes, put: Put) -> bytes:
    if kind in ("yaml", "json", "binary"):
        documents = [_replaced(document, "", put) for document in yamldoc.load_all(data)]
        documents = [_without_metadata(document) for document in documents]
        if kind == "yaml":
            return yamldoc.dump_all(documents)
        only = documents[0] if documents else {}
        if kind == "binary":
            return str(only.get("data", "")).encode() if isinstance(only, dict) else b""
        return json.dumps(only, ensure_ascii=False, indent=2).encode()
    return "".join(_lines(kind, data.decode("utf-8", "surrogateescape"), put)).encode("utf-8", "surrogateescape")


def _without_metadata(document: object) -> object:
    if not isinstance(document, dict):
        return document
    return {key: item for key, item in document.items() if key != METADATA}


def _replaced(value: object, path: str, put: Put) -> object:
    if isinstance(value, dict):
        return {
            key: item if not path and key == METADATA else _replaced(item, f"{path}.{key}" if path else key, put)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_replaced(item, f"{path}[{index}]", put) for index, item in enumerate(value)]
    if isinstance(value, str) and (found := CIPHERTEXT.fullmatch(value)):
        return put(found[2] or "str", path, value)
    return value


def _typed(kind: str, path: str, ciphertext: str, learn: Learn) -> object:
    digest = hashlib.sha256(ciphertext.encode()).hexdigest()
    label = f"‹sops {path} {digest[:DIGITS]}›"
    if kind == "bool":
        return True
    number = LEAST + int(digest, 16) % RANGE
    # Every number in JSON is a float to sops, also a port: a whole number serves where a fraction would not.
    values: dict[str, object] = {"int": number, "float": number}
    value = values.get(kind, label)
    learn(Secret(str(value), path, label))
    return value


def _lines(kind: str, text: str, put: Put) -> list[str]:
    """Replace the values of a dotenv or INI file, and leave out what sops added."""
    lines, section = [], ""
    for line in text.splitlines(keepends=True):
        if kind == "ini" and line.startswith("["):
            section = line.strip()
        if section == f"[{METADATA}]" or (kind == "dotenv" and line.startswith(f"{METADATA}_")):
            continue
        name, equals, value = line.partition("=")
        if equals and (found := CIPHERTEXT.fullmatch(value.strip())):
            path = f"{section.strip('[]')}.{name.strip()}".strip(".")
            line = f"{name}={put('str', path, found[0])}\n"  # noqa: PLW2901
        lines.append(line)
    return lines
