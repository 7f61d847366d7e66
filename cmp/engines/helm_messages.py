"""The stderr of helm, in terms of the repository's files: warnings, and the error with its place.

An error begins at the line `Error: …`, which cobra prints (cmd/helm/helm.go); all that stands before it are warnings:

    Helm 3   WARNING: This chart is deprecated
             coalesce.go:298: warning: cannot overwrite table with non table for app.m (map[a:1])
    Helm 4   level=WARN msg="this chart is deprecated"
    both     W1130 10:00:00.000000       7 warnings.go:70] …, Flag --x has been deprecated, …

Kustomize and helmfile quote the stderr of the helm that they run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.stderr import indented, unexplained
from cmp.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.engines.protocol import Work

ERROR = "Error: "

# At a signal helm says so, and goes on; the release has its name, or that of the chart (pkg/cmd/install.go).
_CANCELLED = re.compile(rb"^Release \S+ has been cancelled\.\r?$", re.MULTILINE)

# The begin of a warning, without which it reads better.
_FRAME = re.compile(
    r"WARNING: |\w+\.go:\d+: (?:warning: )?|(?:time=\S+ )?level=\w+ msg=|[IWE]\d{4} [\d:.]+\s+\d+ \S+\] "
    r"|(?=Flag --?\S+ has been deprecated)"
)
_TEXT = re.compile(r'"(?:warning: )?((?:[^"\\]|\\.)*)"(?: (.*))?')  # of a log of Helm 4, and what it knows beside it
_TABLE = re.compile(r"\w+\.go:\d+: warning: .*\(")  # a value in brackets follows, which may have several lines
_ADVICE = "Use --debug flag to render out invalid YAML"  # of no use to the reader of a status in Argo CD

# Of Helm 4 the steps to a template's error, three lines each (pkg/engine/engine.go, reformatExecErrorMsg), and its
# words about YAML (pkg/chart/v2/loader/load.go): both are made to what Helm 3 says.
_STEP = re.compile(r'^([^\s:]+:\d+(?::\d+)?)\n\s*(executing ".*" at <.*>:)\n\s*', re.MULTILINE)
_CALLS = re.compile(r":\n(?=template: )")
_UNMARSHAL = "cannot unmarshal yaml document: "

_VALUES_ERROR = re.compile(r"failed to parse (.+?): .*yaml: line (\d+)")
_CHART_ERROR = re.compile(r"cannot load (Chart\.yaml|values\.yaml): .*yaml: line (\d+)")
_DANGLING = re.compile(r"error evaluating symlink (.+?): lstat ")
_OUTPUT_ERROR = re.compile(r"YAML parse error on ([^\s:]+):")
_LIBRARY = "library charts are not installable"
# As `(FILE:4)` and `template: FILE:4:11:`.
_TEMPLATE = re.compile(r"(?:\(|template: )([^\s():]+/templates/[^\s():]+):(\d+)(?::\d+)?(?=[):])")


class Parted(NamedTuple):
    """The lines of stderr: warnings, and the error without its mark."""

    warnings: tuple[str, ...]
    error: tuple[str, ...]


def part(lines: Sequence[str], mark: str = ERROR) -> Parted:
    """Part the lines of a helm that failed; `mark` is the begin of its error.

    Where nothing is marked, as in a crash, the error is all that has not the shape of a warning; or all there is.
    """
    start = _start_of_error(lines, mark)
    if start is not None:
        error = "\n".join((lines[start].removeprefix(mark), *lines[start + 1 :]))
        return Parted(tuple(map(unframed, lines[:start])), tuple(_as_of_helm_3(error).split("\n")))
    if others := tuple(line for line in lines if not _FRAME.match(line)):
        return Parted(tuple(unframed(line) for line in lines if _FRAME.match(line)), others)
    return Parted((), tuple(lines))


def _as_of_helm_3(error: str) -> str:
    """Return an error in the words of Helm 3, whose first line has the reason: that of Helm 4 is a place alone."""
    if _STEP.match(error):
        error = _CALLS.sub(": ", _STEP.sub(r"template: \1: \2 ", error))
    return error.replace(_UNMARSHAL, "", 1)


def _start_of_error(lines: Sequence[str], mark: str) -> int | None:
    marked = [index for index, line in enumerate(lines) if line.startswith(mark)]
    is_in_table = False
    for index, line in enumerate(lines):
        if index in marked and not is_in_table:
            return index
        is_in_table = (is_in_table or _TABLE.match(line) is not None) and not line.endswith(")")
    return marked[-1] if marked else None


def unframed(line: str) -> str:
    """Return a line of a log without its frame; escapes in it stay, as the redactor knows them."""
    frame = _FRAME.match(line)
    text = line[frame.end() :] if frame else line
    if frame and frame[0].endswith("msg=") and (quoted := _TEXT.fullmatch(text)):
        return f"{quoted[1]} ({quoted[2]})" if quoted[2] else quoted[1]
    return text


def require_whole(stdout: bytes, program: str) -> None:
    """EngineError where helm was to end while it rendered: it prints that among the manifests, and ends well."""
    if _CANCELLED.search(stdout):
        raise EngineError(
            f"{program} got a signal from outside, and says that its release has been cancelled",
            hint="nothing is wrong with the repository: a Pod that stops sends it, or a command such as `pkill helm`",
            is_external=True,
        )


class StderrParser:
    """The stderr of one run, with the repository's names of layers and files, for the chart in `folder`."""

    def __init__(self, stderr: bytes, work: Work, folder: str) -> None:
        message = stderr.decode(errors="replace")
        for name, memory_file in (*work.layers, *work.value_texts):
            message = re.sub(rf"{re.escape(memory_file.path)}\b", lambda _, name=name: name, message)  # type: ignore[misc]
        message = message.replace(f"{work.chart_folder}/", "").replace(work.chart_folder, ".")
        self._lines = [line for line in message.splitlines() if line.strip() and line.strip() != _ADVICE]
        self._folder = folder

    def warnings(self) -> tuple[str, ...]:
        """Return each line of a run that succeeded."""
        return tuple(f"helm: {unframed(line)}" for line in self._lines)

    def error(self, status: int, version: str) -> EngineError:
        """Return the error of a run that ended with another status than 0."""
        program = f"helm {version}"
        parted = part(self._lines)
        message = "\n".join(parted.error)
        error = unexplained(program, status, message) or EngineError(
            f"{program}: {indented(message)}", file=place(message, self._folder), hint=_hint(message)
        )
        error.warnings = tuple(f"helm: {text}" for text in parted.warnings)
        return error


def _hint(message: str) -> str:
    if message.endswith(_LIBRARY):
        return "name a chart of type application, which may have the library among its dependencies"
    return ""


def place(message: str, folder: str) -> str:
    """Return `file` or `file:line` of helm's error about the chart in `folder`; empty where it names no file.

    Values layers have the repository's names in the message.
    """
    if values := _VALUES_ERROR.match(message):
        return f"{values[1]}:{values[2]}"
    if file := _CHART_ERROR.match(message):
        return f"{folder}/{file[1]}:{file[2]}"
    if link := _DANGLING.match(message):
        return f"{folder}/{link[1]}"
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
