"""Wrong configurations, each with all that is said about it: tests/data/invalid/config/*.txt, and others below.

A file there holds cases: a line `==== what is wrong`, the files of a small tree (`-- path --`), and `-- error --`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.support.harness import DATA

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = DATA / "invalid" / "config"
OWN_VERSION = "‹own version›"


class Wrong(NamedTuple):
    """A tree by path and content, and the error's whole text."""

    name: str
    files: dict[str, bytes]
    error: str


def _case(topic: str, text: str) -> Wrong:
    title, *sections = text.rstrip("\n").split("\n-- ")
    files = dict(section.split(" --\n", 1) for section in sections)
    error = files.pop("error")
    return Wrong(f"{topic}: {title}", {path: f"{content}\n".encode() for path, content in files.items()}, error)


def read(path: Path) -> list[Wrong]:
    """Return the cases of one file."""
    _, *cases = path.read_text().split("\n==== ")
    return [_case(path.stem, text) for text in cases]


def _binary(title: str, content: bytes, message: str, place: str) -> Wrong:
    return Wrong(f"syntax: {title}", {"cmp.yaml": content}, f"cmp: {message}\n  where: cmp.yaml:{place}")


_NOT_TEXT = [
    _binary("Latin-1", b"version: 1 # caf\xe9\n", "this is not UTF-8 text", "1:17"),
    _binary("UTF-16", "version: 1\n".encode("utf-16-le"), "a control character stands here", "1:2"),
    _binary("UTF-16 with its mark", b"\xff\xfev\0e\0", "this is not UTF-8 text", "1:1"),
    _binary("a program", b"\x7fELF\x02\x01\x01\x00", "a control character stands here", "1:1"),
    _binary("a control character", b"version: 1\ntools: {helm: \x01}\n", "a control character stands here", "2:15"),
]
WRONG = [*(case for path in sorted(FOLDER.glob("*.txt")) for case in read(path)), *_NOT_TEXT]
