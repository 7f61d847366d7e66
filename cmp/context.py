"""What one run carries from the command line to the last function: made once in `cli`, passed down."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cmp.model import Settings
    from cmp.secrets.redact import Redactor
    from cmp.system.log import Log
    from cmp.system.phases import Phases
    from cmp.system.process import Deadline


class Context(NamedTuple):
    """Settings, time, masking, voice and clock of one run; `is_terminal` allows progress bars on stderr.

    With `is_keyless` nothing is decrypted: secrets have stand-ins.  `known_repositories` are the only ones that charts
    come from (their URLs, as `urls.normal` has them), whatever a policy allows; None: any.  `loose` are files of a
    revision that no engine is known to read: a program that would see the whole of a work folder gets them, too.
    """

    settings: Settings
    deadline: Deadline
    redactor: Redactor
    log: Log
    phases: Phases
    is_terminal: bool = False
    is_keyless: bool = False
    known_repositories: frozenset[str] | None = None
    loose: tuple[str, ...] = ()
