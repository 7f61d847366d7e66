"""Files that one run of a comparison leaves for another one: a plan, and parts of a report.

Such a file is one JSON document in a line.  Its first keys say its kind and which cmp wrote it, the last one is a seal
over all that stands before: an HMAC under the key of the runs (CMP_REPORT_KEY), else a digest.  A file that was
cut off or changed is refused, and so is that of another version, whose words may mean something else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import stat
from typing import TypeVar

from cmp import __version__
from cmp.environ import REPORT_KEY
from cmp.errors import UsageError
from cmp.preview.records import RecordError, loaded, record
from cmp.system import files

FORMAT = 1
HEAD = ("kind", "format", "cmp")
MODE = 0o600
HMAC, DIGEST = "hmac-sha256", "sha256"
_SEAL = re.compile(rb', "seal": "(hmac-sha256|sha256):([0-9a-f]{64})"\}\n')
_SEAL_LENGTH = len(f', "seal": "{HMAC}:{"0" * 64}"}}\n')
_T = TypeVar("_T")


def require_writable(path: str, kind: str) -> None:
    """UsageError for a path to which no file of a kind can be written: another file, or a link, is there."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise UsageError(f"cannot write the {kind}: there is no folder {folder}", file=path)
    if not os.path.lexists(path):
        return
    if not (stat.S_ISREG(os.lstat(path).st_mode) and _starts_as(_bytes(path, kind), kind)):
        raise UsageError(f"cannot write the {kind}: what is there is none", file=path, hint="name another file")


def write(path: str, kind: str, value: object, key: bytes | None = None) -> None:
    """Write a value, whole or not at all; UsageError where another file is there, or it cannot be written."""
    require_writable(path, kind)
    try:
        files.replace(path, sealed(kind, value, key), MODE)
    except OSError as error:
        raise UsageError(f"cannot write the {kind}: {error.strerror}", file=path) from None


def sealed(kind: str, value: object, key: bytes | None = None) -> bytes:
    """Return the content of a file."""
    head = dict(zip(HEAD, (_words(kind), FORMAT, __version__), strict=True))
    body = json.dumps({**head, **record(value)}).encode()[:-1]
    name, digits = _seal(body, key)
    return body + f', "seal": "{name}:{digits}"}}\n'.encode()


def digest(kind: str, value: object) -> str:
    """Return the digest that the seal of a value is without a key."""
    return sealed(kind, value)[-_SEAL_LENGTH:].rpartition(b":")[2][:64].decode()


def read(path: str, kind: str, of: type[_T], key: bytes | None = None) -> _T:
    """Return the value of a file; UsageError for one that this run must not take."""
    data = content(path, kind)
    _require_version(data, path, kind)
    match = _SEAL.search(data, max(0, len(data) - _SEAL_LENGTH))
    if match is None or match.end() != len(data):
        raise UsageError(f"the {kind} is not whole: its end is missing", file=path, hint=_again(kind))
    body, name = data[: match.start()], match[1].decode()
    if name == HMAC and key is None:
        raise UsageError(f"the {kind} was written under a key, and {REPORT_KEY} is not set", file=path)
    if name == DIGEST and key is not None:
        raise UsageError(
            f"the {kind} was written without {REPORT_KEY}, which is set here", file=path, hint=_again(kind)
        )
    if not hmac.compare_digest(_seal(body, key)[1], match[2].decode()):
        if key:
            what = f"the {kind} was written under another {REPORT_KEY}, or was changed since it was written"
        else:
            what = f"the {kind} was changed since it was written"
        raise UsageError(what, file=path, hint=_again(kind))
    try:
        value = json.loads(body + b"}")
        return loaded(of, {name: item for name, item in value.items() if name not in HEAD})
    except (ValueError, RecursionError, RecordError):
        raise UsageError(f"the {kind} cannot be read", file=path, hint=_again(kind)) from None


def content(path: str, kind: str) -> bytes:
    """Return the bytes of a file of a kind, whichever cmp wrote it; UsageError for another file."""
    data = _bytes(path, kind)
    if not _starts_as(data, kind):
        raise UsageError(f"this is no {kind} of a comparison", file=path)
    return data


def _require_version(data: bytes, path: str, kind: str) -> None:
    """UsageError for the file of another version of cmp."""
    about = re.match(rb'\{"kind": "[^"]*", "format": (\d+), "cmp": "([\w.+-]*)", ', data)
    if about is None:
        raise UsageError(f"the {kind} is not whole: its end is missing", file=path, hint=_again(kind))
    if (int(about[1]), about[2].decode()) != (FORMAT, __version__):
        raise UsageError(
            f"the {kind} was written by cmp {about[2].decode()}, this is {__version__}",
            file=path,
            hint="all runs of one comparison need the same version",
        )


def _words(kind: str) -> str:
    return f"cmp diff {kind}"


def _starts_as(data: bytes, kind: str) -> bool:
    return data.startswith(f'{{"kind": "{_words(kind)}", '.encode())


def _bytes(path: str, kind: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"cannot read the {kind}: {error.strerror}", file=path) from None


def _seal(body: bytes, key: bytes | None) -> tuple[str, str]:
    """Return the name and the digits of a seal."""
    if key is None:
        return DIGEST, hashlib.sha256(body).hexdigest()
    return HMAC, hmac.new(key, body, hashlib.sha256).hexdigest()


def _again(kind: str) -> str:
    return f"write the {kind} again"
