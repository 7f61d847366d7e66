"""The context that a run passes from the command line to the last function: made once in `cli`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cmp.model import Settings
    from cmp.secrets.redact import Redactor
    from cmp.system.log import Log, Phases
    from cmp.system.process import Deadline


class Context(NamedTuple):
    """Settings, deadline, masking, log and clock of one run; `is_terminal` allows progress bars on stderr."""

    settings: Settings
    deadline: Deadline
    redactor: Redactor
    log: Log
    phases: Phases
    is_terminal: bool = False
