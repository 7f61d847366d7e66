"""The stderr of helm, in terms of the repository's files: warnings, and the error with its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.engines.stderr import indented, unexplained
from cmp.errors import EngineError

if TYPE_CHECKING:
    from cmp.engines.protocol import Work

_LOG = re.compile(r'^(?:\w+\.go:\d+: |level=\w+ msg="?)(?:warning: )?')  # the begin of a log line, Helm 3 and 4
_ADVICE = "Use --debug flag to render out invalid YAML"  # of no use to the reader of a status in Argo CD

_VALUES_ERROR = re.compile(r"failed to parse (.+?): .*yaml: line (\d+)")
_CHART_ERROR = re.compile(r"cannot load (Chart\.yaml|values\.yaml): .*yaml: line (\d+)")
_OUTPUT_ERROR = re.compile(r"YAML parse error on ([^\s:]+):")
# As `(FILE:4)`, `template: FILE:4:11:` and, with Helm 4, on a line of its own.
_TEMPLATE = re.compile(r"(?:^|\(|template: )([^\s():]+/templates/[^\s():]+):(\d+)(?::\d+)?(?=[):]|$)", re.MULTILINE)


class StderrParser:
    """The stderr of one run, with the repository's names of layers and files, for the chart in `folder`."""

    def __init__(self, stderr: bytes, work: Work, folder: str) -> None:
        message = stderr.decode(errors="replace")
        for name, memory_file in work.layers:
            message = re.sub(rf"{re.escape(memory_file.path)}\b", lambda _, name=name: name, message)  # type: ignore[misc]
        message = message.replace(f"{work.folder}/", "").replace(work.folder, ".")
        lines = (line for line in message.splitlines() if line.strip() and line.strip() != _ADVICE)
        self._message = "\n".join(lines)
        self._folder = folder

    def warnings(self) -> tuple[str, ...]:
        """Return each line, without the frame of its log."""
        return tuple("helm: " + _LOG.sub("", line).rstrip('"') for line in self._message.splitlines())

    def error(self, status: int, version: str) -> EngineError:
        """Return the error of a run that ended with another status than 0."""
        program = f"helm {version}"
        message = self._message.removeprefix("Error: ")
        return unexplained(program, status, self._message) or EngineError(
            f"{program}: {indented(message)}", file=place(message, self._folder)
        )


def place(message: str, folder: str) -> str:
    """Return `file` or `file:line` of helm's error about the chart in `folder`; empty where it names no file.

    Values layers have the repository's names in the message.
    """
    if values := _VALUES_ERROR.match(message):
        return f"{values[1]}:{values[2]}"
    if file := _CHART_ERROR.match(message):
        return f"{folder}/{file[1]}:{file[2]}"
    if message.startswith("validation: chart.metadata"):
        return f"{folder}/Chart.yaml"
    if output := _OUTPUT_ERROR.match(message):
        return _template_path(output[1], folder)
    if templates := _TEMPLATE.findall(message):
        # Of templates that include each other the last is the innermost; but `fail` quotes its author behind the first.
        template, line = templates[0] if message.startswith("execution error") else templates[-1]
        return f"{_template_path(template, folder)}:{line}"
    return ""


def _template_path(template: str, folder: str) -> str:
    """Translate Helm's name, which begins with the chart's, when the template is the application's own."""
    inside_chart = template.partition("/")[2]
    return f"{folder}/{inside_chart}" if inside_chart.startswith("templates/") else template
