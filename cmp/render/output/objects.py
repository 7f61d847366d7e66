"""What one document must be to reach Argo CD: an object with a name, whole, and without ciphertext."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.render.output.rendered import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.render.output.stream import Piece
    from cmp.yamldoc import Document

CIPHERTEXT = b"ENC[AES256_GCM,"

_FIELD = re.compile(r"[a-z][A-Za-z0-9_-]*")
_LOG_WORDS = frozenset(
    ("debug", "deprecated", "digest", "error", "fatal", "info", "level", "notice", "pulled", "time", "warn", "warning")
)
_QUOTABLE = re.compile(r"[A-Za-z0-9_./-]{1,60}")
_KIND_LINE = re.compile(rb"^kind: *(\w+)", re.MULTILINE)
_NAME_LINE = re.compile(rb"^metadata:\r?\n(?:  .*\n)*?  name: *([\w.-]+)", re.MULTILINE)
_TYPES = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a map", str: "text"}


class Candidate(NamedTuple):
    """A value that may be an object, and where it was printed; the items of a List share its place."""

    value: object
    line: int
    source: str

    def finding(self, message: str, lifted_by: str = "", line: int = 0) -> Finding:
        """Say what is wrong with it."""
        return Finding(line or self.line, subject(self.value), self.source, message, lifted_by)


def subject(value: object) -> str:
    """Name an object for a message by as much of kind, namespace and name as it has."""
    if not isinstance(value, dict):
        return "a document"
    metadata = value.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    names = (fields.get("namespace"), fields.get("name") or fields.get("generateName"))
    path = "/".join(part for part in names if isinstance(part, str) and part)
    kind = value.get("kind")
    return " ".join(part for part in (kind if isinstance(kind, str) and kind else "an object", path) if part)


def guessed_subject(text: bytes) -> str:
    """Name the object in a text that no parser accepts."""
    kind, name = _KIND_LINE.search(text), _NAME_LINE.search(text)
    words = [found[1].decode() for found in (kind, name) if found]
    return " ".join(words if kind else ["an object", *words]) if words else "a document"


def guesses_kind(text: bytes) -> bool:
    """Say whether a text that no parser accepts was meant to be an object."""
    return _KIND_LINE.search(text) is not None


def mistakes_of_document(document: Document, candidate: Candidate, piece: Piece) -> Iterator[Finding]:
    """Yield what is wrong with a document whose value is a map, whatever kind of object it is."""
    yield from _repetitions(document, candidate, piece)
    at = piece.text.find(CIPHERTEXT)
    if at >= 0:
        line = piece.line + piece.text.count(b"\n", 0, at)
        yield candidate.finding("SOPS ciphertext, still encrypted", "allowCiphertext", line)
    for key, value in candidate.value.items() if isinstance(candidate.value, dict) else ():
        if key == "sops":
            yield candidate.finding("a top-level key `sops`: this is an encrypted file", "allowCiphertext")
        elif not isinstance(value, dict | list) and (not _FIELD.fullmatch(key) or key.lower() in _LOG_WORDS):
            yield candidate.finding(f"the key {_path((key,))} looks like a line of a log that ran into the object")


def _repetitions(document: Document, candidate: Candidate, piece: Piece) -> Iterator[Finding]:
    lines = {repeated.path: piece.line + repeated.line - 1 for repeated in document.duplicates}
    if ("apiVersion",) in lines and ("kind",) in lines:  # Go drops the first object in silence
        message = "two objects in one document: the `---` between them is missing, or the line break before it"
        yield candidate.finding(message, line=min(lines[("apiVersion",)], lines[("kind",)]))
        return
    for path, line in lines.items():
        yield candidate.finding(f"the key {_path(path)} stands twice", "allowDuplicateKeys", line)


def mistakes_of_object(candidate: Candidate) -> Iterator[Finding]:
    """Yield what keeps a value from being an object that Kubernetes could take."""
    value = candidate.value
    if not isinstance(value, dict):
        yield candidate.finding(f"{_type(value)}, not an object")
        return
    yield from (candidate.finding(message) for message in _identity_mistakes(value))
    if value.get("kind") == "Secret":
        yield from (candidate.finding(message, "allowCiphertext") for message in _encoded_ciphertext(value))


def _identity_mistakes(value: Mapping[str, object]) -> Iterator[str]:
    for key in ("apiVersion", "kind"):
        yield from _text_mistakes(value, key, key, is_required=True)
    metadata = value.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        yield f"metadata is {_type(metadata)}, not a map"
        return
    fields = metadata or {}
    key = "generateName" if fields.get("name") in (None, "") and fields.get("generateName") else "name"
    yield from _text_mistakes(fields, key, f"metadata.{key}", is_required=True)
    yield from _text_mistakes(fields, "namespace", "metadata.namespace", is_required=False)


def _text_mistakes(fields: Mapping[str, object], key: str, path: str, *, is_required: bool) -> Iterator[str]:
    field = fields.get(key)
    if field is None or field == "":
        if is_required:
            yield f"no {path}"
    elif not isinstance(field, str):
        yield f"{path} is {_type(field)}, not text: quote it"


def _encoded_ciphertext(secret: Mapping[str, object]) -> Iterator[str]:
    data = secret.get("data")
    forms = _base64_forms()
    for key, value in data.items() if isinstance(data, dict) else ():
        text = "".join(value.split()) if isinstance(value, str) else ""
        if any(form in text for form in forms):
            yield f"{_path(('data', key))} holds SOPS ciphertext, encoded in base64"


def _base64_forms() -> tuple[str, ...]:
    """Return what base64 makes of the ciphertext's mark, whatever stands before it: three ways to be aligned."""
    import binascii  # noqa: PLC0415  # for Secrets only

    aligned = (CIPHERTEXT[skipped:] for skipped in range(3))
    return tuple(binascii.b2a_base64(mark[: len(mark) // 3 * 3], newline=False).decode() for mark in aligned)


def _type(value: object) -> str:
    return "nothing" if value is None else _TYPES[type(value)]


def _path(path: tuple[str | int, ...]) -> str:
    """Write a path as people do, without keys that may be a piece of somebody's text."""
    return f"`{'.'.join(str(part) if _QUOTABLE.fullmatch(str(part)) else '…' for part in path)}`"
