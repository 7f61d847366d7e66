"""Hidden characters made visible: whoever reads a report sees what is there, in the order in which it is there."""

from __future__ import annotations

import re
import unicodedata

# Controls, what has no width or turns the writing direction, halves of a pair, the line breaks of Unicode.
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_PERHAPS = re.compile(r"[^ -~]")


def visible(text: str) -> str:
    r"""Return the text with its hidden characters, line breaks and tabs included, as escapes such as `\u202e`."""
    return text if text.isprintable() else _PERHAPS.sub(_shown, text)


def json_visible(text: str) -> str:
    """Return JSON without line breaks, its hidden characters as escapes: it reads back as the same values."""
    return text if text.isprintable() else _PERHAPS.sub(_json_shown, text)


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN


def _shown(match: re.Match[str]) -> str:
    char = match[0]
    return ascii(char)[1:-1] if _is_hidden(char) else char


def _json_shown(match: re.Match[str]) -> str:
    char = match[0]
    if not _is_hidden(char):
        return char
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
