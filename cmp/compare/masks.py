"""Masked secrets (`‹secret 0a1b›`) inside texts: what is between the signs differs from run to run.

Nothing that a reader sees may depend on it, and none may be cut in two, because what numbers them would miss it then.
"""

from __future__ import annotations

import re

_OPEN, _CLOSE = "‹›"
_MASK = re.compile(f"{_OPEN}[^{_OPEN}{_CLOSE}\n]*{_CLOSE}")
_LONGEST = 200  # characters


def blank(text: str) -> str:
    """Return the text with nothing in its masks."""
    return _MASK.sub(_OPEN + _CLOSE, text)


def outside(text: str, at: int) -> int:
    """Return the position, or that before the mask which it is in the middle of."""
    opened = text.rfind(_OPEN, max(at - _LONGEST, 0), at)
    found = _MASK.match(text, opened) if opened >= 0 else None
    return opened if found and found.end() > at else at
