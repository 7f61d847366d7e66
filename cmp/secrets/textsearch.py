"""The search for many texts in another one, in one pass over that one however many they are.

Each text is indexed by its first characters, so that each place costs one look into a dictionary.  A regular expression
with as many alternatives would try each of them at every place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 6  # characters by which a text is indexed, and length of the blocks by which its parts are
LEAST = 2 * WIDTH  # length of the shortest part that is found: each part of that length holds a whole block
MAX_PLACES = 16  # of one block: a block with more places is common to many texts, or repeats itself


class Part(NamedTuple):
    """A part of a text, or all of it, in another one: start and end there, the text, and the offset in the text."""

    start: int
    end: int
    text: str
    offset: int = 0

    @property
    def own(self) -> str:
        """Return the characters of the part."""
        return self.text[self.offset : self.offset + self.end - self.start]


class _Candidates(NamedTuple):
    """The texts that begin with some characters, and the blocks, with their offsets, that are equal to them."""

    texts: list[str]
    blocks: list[tuple[str, int]]


class TextIndex:
    """An index of texts that are searched as a whole, and of texts of which each long enough part is searched."""

    def __init__(self) -> None:
        self._by_width: dict[int, dict[str, _Candidates]] = {}

    def add(self, text: str) -> None:
        """Add a text, which is not empty, to be found as a whole; each text only once."""
        self._candidates(text[:WIDTH]).texts.append(text)

    def add_parts(self, text: str) -> None:
        """Add a text of which each part of at least `LEAST` characters is found; each text only once."""
        for at in range(0, len(text) - WIDTH + 1, WIDTH):
            blocks = self._candidates(text[at : at + WIDTH]).blocks
            if len(blocks) < MAX_PLACES:
                blocks.append((text, at))

    def _candidates(self, characters: str) -> _Candidates:
        return self._by_width.setdefault(len(characters), {}).setdefault(characters, _Candidates([], []))

    def occurrences(self, text: str) -> tuple[list[Part], list[Part]]:
        """Return the places of whole texts, and of parts, none of which could be longer; they may overlap."""
        wholes: list[Part] = []
        blocks: list[tuple[int, str, int]] = []
        for width, indexed in self._by_width.items():
            for at in [at for at in range(len(text) - width + 1) if text[at : at + width] in indexed]:
                candidates = indexed[text[at : at + width]]
                wholes += [Part(at, at + len(whole), whole) for whole in candidates.texts if text.startswith(whole, at)]
                blocks += [(at, *block) for block in candidates.blocks]
        return wholes, list(_parts(text, blocks))


def _parts(text: str, blocks: list[tuple[int, str, int]]) -> Iterator[Part]:
    """Yield the parts around blocks; a block is its place in the text, its source, and its offset in the source."""
    reached: dict[tuple[str, int], int] = {}  # the end of the last part with the same source and alignment
    for at, source, offset in blocks:
        if at >= reached.get((source, at - offset), 0):
            part = _longest(text, at, source=source, offset=offset)
            reached[source, at - offset] = part.end
            if part.end - part.start >= LEAST:
                yield part


def _longest(text: str, at: int, source: str, offset: int) -> Part:
    """Return the longest part around the block at `at` in the text and at `offset` in its source."""
    before = after = 0
    while before < min(at, offset) and text[at - before - 1] == source[offset - before - 1]:
        before += 1
    room = min(len(text) - at, len(source) - offset)
    while after < room and text[at + after] == source[offset + after]:
        after += 1
    return Part(start=at - before, end=at + after, text=source, offset=offset - before)
