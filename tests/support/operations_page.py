"""docs/operations.md as data: its sections, the first lines of errors that each explains, and its commands."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from tests.support.harness import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FILE = CHECKOUT / "docs" / "operations.md"
POINTER = re.compile(r"see operations\.md#([\w-]+)")
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text() -> str:
    """Return the whole page."""
    return FILE.read_text("utf-8")


def sections() -> dict[str, str]:
    """Return each section of any level by its anchor, without those below it; code is no heading."""
    pieces = re.split(
        r"^#+ (.+)$", _FENCE.sub(lambda block: block[0].replace("\n#", "\n #"), text()), flags=re.MULTILINE
    )
    return {anchor(heading): body for heading, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def anchor(heading: str) -> str:
    """Return what a link to a heading ends in, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def blocks(body: str, kind: str) -> list[str]:
    """Return the code blocks of a kind (`sh`, `text`) in a section."""
    return [block for found, block in _FENCE.findall(body) if found == kind]


def symptoms(body: str) -> list[str]:
    """Return the first lines of errors that a section explains; `…` stands for what differs."""
    return [line for block in blocks(body, "text") for line in block.splitlines() if line.startswith("cmp: ")]


def matches(symptom: str, line: str) -> bool:
    """Return whether a line is what a symptom describes."""
    return re.fullmatch(".+".join(map(re.escape, symptom.split("…"))), line) is not None


def find_unexplained(said: Sequence[str]) -> str:
    """Return what is missing for the reader of an error, given by its lines: nothing when its section explains it."""
    pointer = POINTER.search(said[-1])
    if not pointer:
        return f"there is no pointer to a section in {said[-1]!r}"
    section = sections().get(pointer[1])
    if section is None:
        return f"there is no section {pointer[1]}"
    if not any(matches(symptom, said[0]) for symptom in symptoms(section)):
        return f"the section {pointer[1]} does not mention {said[0]!r}"
    return ""


def commands(program: str) -> Iterator[list[str]]:
    """Yield the argv of each command of the page that a program runs, also behind `kubectl exec … --`."""
    for block in blocks(text(), "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"\s(?:\||&&|--)\s", line):
                words = shlex.split(part, comments=True)
                if program in words[:1]:
                    yield words
