"""Lines on stderr are masked, then shortened, and a failure to write them is no reason to fail."""

from __future__ import annotations

import errno
import io

from cmp.secrets.redact import Redactor
from cmp.system.log import MAX_WARNING, Log


def test_a_long_warning_is_masked_before_it_is_cut() -> None:
    redactor, stream = Redactor(), io.StringIO()
    redactor.add("unique-secret")
    text = "x" * (MAX_WARNING - 4) + "unique-secret and more"
    Log(stream, redactor.mask).warning(text)
    assert stream.getvalue() == f"cmp: warning: {'x' * (MAX_WARNING - 4)}‹sec […]\n"


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, f"no room for {text!r}")


def test_a_stream_that_takes_nothing_does_not_matter() -> None:
    log = Log(Full(), str)
    log.line("a")
    log.warning("b")
    log.plain("c")
