"""`cmp doctor`: checks of everything that a render needs, made before one fails.

installation.py  the interpreter, folders, the policy, keys, and every application of the repository
protection.py    what the system keeps apart, and what is weaker where it is not Linux
pins.py          pinned tools that are not installed, that nothing runs, or that are behind
sidecar.py       pinned tools that a sidecar does not have
hosts.py         hosts to which chart repositories lead, and whether the policy allows them
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from cmp.errors import CmpError

State = Literal["ok", "warning", "problem"]


class Check(NamedTuple):
    """A subject that was examined: its state, the finding, and the remedy. JSON has these fields by their names."""

    subject: str
    state: State
    found: str
    hint: str = ""


def failed(subject: str, error: CmpError) -> Check:
    """Return an error as a problem."""
    return Check(subject, "problem", f"{error.file}: {error.what}" if error.file else error.what, error.hint)
