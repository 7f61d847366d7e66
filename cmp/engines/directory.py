"""The files of a folder as Argo CD's directory source reads them: what counts, what is passed over, what is a mistake.

Source: argoproj/argo-cd 3.6, reposerver/repository/repository.go (`getObjsFromYAMLOrJSON`, `splitYAMLOrJSON`).
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKS = (b"apiVersion:", b"kind:", b"metadata:")  # a file that cannot be read and has all of them was meant to be one
_SEPARATOR = re.compile(rb"^---", re.MULTILINE)


def manifests(path: str, data: bytes) -> bytes:
    """Return the text of a file if it has manifests, as YAML; nothing for a file that Argo CD passes over.

    EngineError for one that it refuses.
    """
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    if path.endswith(".json"):
        _require_object(path, data)
        return data
    objects = _json_objects(data)
    if objects is not None:
        data = b"".join(b"---\n" + json.dumps(value).encode() + b"\n" for value in objects)
    return data if _is_wanted(path, data) else b""


def _is_wanted(path: str, data: bytes) -> bool:
    count = 0
    for piece in _pieces(data):
        mistake = _mistake(piece)
        if mistake is None:
            continue
        count += not mistake
        if mistake and (count or all(mark in data for mark in MARKS)):
            raise EngineError(
                f"Argo CD cannot read this file: {mistake}",
                file=path,
                hint="correct it, or leave it out by `directory: {exclude: …}` of the Application",
            )
        if mistake:
            return False
    return True


def _pieces(data: bytes) -> Iterator[bytes]:
    starts = [match.start() for match in _SEPARATOR.finditer(data)]
    for start, end in zip([0, *starts], [*starts, len(data)], strict=True):
        yield data[start:end]


def _mistake(piece: bytes) -> str | None:
    """Return what is wrong with a document; empty for an object, None for an empty document."""
    try:
        values = yamldoc.load_all(piece)
    except yamldoc.YamlError as error:
        return f"{error.problem}"
    if not values or values[0] is None:
        return None
    return "" if isinstance(values[0], dict) and values[0].get("kind") else "a document is no object with a kind"


def _json_objects(data: bytes) -> list[object] | None:
    """Return the values of a stream of JSON; None for any other text."""
    if not data.lstrip().startswith(b"{"):
        return None
    decoder, values = json.JSONDecoder(), []
    try:
        text = data.decode().strip()
        at = 0
        while at < len(text):
            value, at = decoder.raw_decode(text, at)
            values.append(value)
            at += len(text[at:]) - len(text[at:].lstrip())
    except (ValueError, RecursionError):
        return None
    return values


def _require_object(path: str, data: bytes) -> None:
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        value = None
    if not (isinstance(value, dict) and value.get("kind")):
        raise EngineError(
            "this JSON is no single object with a kind, which Argo CD refuses",
            file=path,
            hint="leave it out by `directory: {exclude: …}` of the Application",
        )
