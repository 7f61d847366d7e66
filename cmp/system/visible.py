"""Hidden characters made visible: a reader sees every character of a text, in its order.

Names in a tree and messages of programs may hold anything: sequences that command a terminal, marks that turn the
writing direction, letters without a picture.  Every text for a person goes through this module, also where it is not
written to a terminal: a log or a pipe may end at one.  Manifests, JSON and the like are data, and stay as they are.
"""

from __future__ import annotations

IDEOGRAPHIC_SPACE = "\u3000"
AS_EMOJI = "\ufe0f"  # asks for the coloured form of the symbol before it

# Characters that Unicode counts as printable and that show nothing: joiners, fillers and variation selectors.
_WITHOUT_PICTURE = frozenset(
    map(
        chr,
        (
            *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)


def visible(text: str) -> str:
    r"""Return the text with its hidden characters, line breaks and tabs included, as escapes such as `\u202e`."""
    return text if _is_plain(text) else "".join(map(_shown, text, f" {text}"))


def visible_line(line: str) -> str:
    """Return a line with its hidden characters visible; tabs stay."""
    return line if _is_plain(line) else "\t".join(map(visible, line.split("\t")))


def visible_text(text: str) -> str:
    """Return lines with their hidden characters visible; tabs and newlines stay."""
    return "\n".join(map(visible_line, text.split("\n")))


def json_visible(text: str) -> str:
    """Return JSON without line breaks, its hidden characters as escapes: it reads back as the same values."""
    return text if _is_plain(text) else "".join(map(_json_shown, text, f" {text}"))


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _is_hidden(char: str, before: str) -> bool:
    if char == AS_EMOJI:
        return before.isascii() or before.isalnum() or before in _WITHOUT_PICTURE
    return char in _WITHOUT_PICTURE or not (char.isprintable() or char == IDEOGRAPHIC_SPACE)


def _shown(char: str, before: str) -> str:
    return ascii(char)[1:-1] if _is_hidden(char, before) else char


def _json_shown(char: str, before: str) -> str:
    if not _is_hidden(char, before):
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
