"""Ask the real Go parser (tests/support/goyaml, built by the set-up) what it makes of a text."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import NamedTuple


class Answer(NamedTuple):
    """The result of Argo CD's parser for a text: JSON with keys sorted, or an error; main.go explains each field."""

    document: str
    error: str
    rest: bool
    ambiguous: bool
    stream: list[str] | None
    streamError: str  # noqa: N815  # as in the answer of the Go program
    streamRest: bool  # noqa: N815
    streamAmbiguous: bool  # noqa: N815


class GoYaml:
    """One process that answers any number of texts."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, text: bytes) -> Answer:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(base64.b64encode(text) + b"\n")
        stdin.flush()
        line = stdout.readline()
        assert line, "the Go program has ended"
        return Answer(**json.loads(line))

    def close(self) -> None:
        self._process.communicate(timeout=10)
