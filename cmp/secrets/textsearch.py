"""Search of many texts in another one, in one pass over that however many there are.

Each text is known by its first characters, so that a place costs one look into a dictionary.  A regular expression with
as many alternatives would try each of them at every place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 6  # characters by which a text is known, and length of the blocks that a part is known by
LEAST = 2 * WIDTH  # the length of the shortest part that is found: each that long holds a whole block
MAX_PLACES = 16  # of one block: what is in more of them than that is common to many texts, or repeats itself


class Part(NamedTuple):
    """A part of a text, or all of it, in another one: start and end there, the text, and the start in that."""

    start: int
    end: int
    text: str
    offset: int = 0

    @property
    def own(self) -> str:
        """The characters of the part."""
        return self.text[self.offset : self.offset + self.end - self.start]


class _Known(NamedTuple):
    """What some characters may be: the start of texts, and blocks of texts at some offset."""

    texts: list[str]
    blocks: list[tuple[str, int]]


class Texts:
    """Texts that are found where they occur as a whole, and texts of which any long enough part is found."""

    def __init__(self) -> None:
        self._by_width: dict[int, dict[str, _Known]] = {}

    def add(self, text: str) -> None:
        """Add a text that is not empty, to be found as a whole; each only once."""
        self._known(text[:WIDTH]).texts.append(text)

    def add_parts(self, text: str) -> None:
        """Add a text of which all parts are to be found that are at least `LEAST` characters long; each only once."""
        for at in range(0, len(text) - WIDTH + 1, WIDTH):
            blocks = self._known(text[at : at + WIDTH]).blocks
            if len(blocks) < MAX_PLACES:
                blocks.append((text, at))

    def _known(self, characters: str) -> _Known:
        return self._by_width.setdefault(len(characters), {}).setdefault(characters, _Known([], []))

    def occurrences(self, text: str) -> tuple[list[Part], list[Part]]:
        """Return where texts occur as a whole, and where parts do, none of which could be longer; they may overlap."""
        wholes: list[Part] = []
        blocks: list[tuple[int, str, int]] = []
        for width, known in self._by_width.items():
            for at in [at for at in range(len(text) - width + 1) if text[at : at + width] in known]:
                found = known[text[at : at + width]]
                wholes += [Part(at, at + len(one), one) for one in found.texts if text.startswith(one, at)]
                blocks += [(at, *block) for block in found.blocks]
        return wholes, list(_parts(text, blocks))


def _parts(text: str, blocks: list[tuple[int, str, int]]) -> Iterator[Part]:
    """Yield the parts around blocks: each is a place in the text, and what is there at which offset."""
    reached: dict[tuple[str, int], int] = {}  # the end of the last part with the same source and alignment
    for at, source, offset in blocks:
        if at >= reached.get((source, at - offset), 0):
            part = _longest(text, at, source, offset)
            reached[source, at - offset] = part.end
            if part.end - part.start >= LEAST:
                yield part


def _longest(text: str, at: int, source: str, offset: int) -> Part:
    """Return the part around a block that is at `at` in the text and at `offset` in its source."""
    before = after = 0
    while before < min(at, offset) and text[at - before - 1] == source[offset - before - 1]:
        before += 1
    room = min(len(text) - at, len(source) - offset)
    while after < room and text[at + after] == source[offset + after]:
        after += 1
    return Part(at - before, at + after, source, offset - before)
