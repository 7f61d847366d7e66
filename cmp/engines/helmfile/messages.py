"""What helmfile says on stderr, in terms of the repository's files.

The texts are those of helmfile 1.1.7; others stay as they are.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from cmp.engines.helm import place as place_in_chart
from cmp.engines.stderr import indented, unexplained
from cmp.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.engines.protocol import Work

VALUES = "its values"  # what helmfile has written for a release

_IN = re.compile(r"^in (?:\./)?(\S+?): (?:in \.helmfiles\[\d+\]: )?")
_HELM_FAILED = re.compile(
    r'command "[^"]*/helm" exited with non-zero status:.*?\nSTDERR:\n(.*?)\n\nCOMBINED', re.DOTALL
)
_BYTES = r" \(\d+ bytes\)\n"
_RELEASE = re.compile(rf"^  1: template{_BYTES}  2: (.*){_BYTES}  3: (.*){_BYTES}", re.MULTILINE)
_PART = re.compile(r"error during (\S+)\.part\.(\d+) parsing: template: stringTemplate:(\d+)(?::\d+)?:")
_VALUES = re.compile(r"failed to render \[([^\]]+)\], because of template: stringTemplate:(\d+)(?::\d+)?:")
_LINE_OF_STATE = re.compile(r"failed to read \S+: reading document at index 1\..*?\bline (\d+):", re.DOTALL)
_NOISE = re.compile(
    r'executing "stringTemplate" at |<fail ".*?">: error calling fail: |'
    r"Started seeing this since Helmfile v1\? Add the \.gotmpl[^:]*: "
)
_NO_ENVIRONMENT = re.compile(r"no releases found that matches specified selector\((.*?)\) and environment\((.*?)\)")
_HINTS = (
    ("HELMFILE_DISABLE_INSECURE_FEATURES", "write functions and names of files literally, so that they can be seen"),
    ("permission denied", "helmfile sees its folder, and the files outside of it that its texts name literally"),
    ("map has no entry for key", "give the key a default under `values` or `environments` of the helmfile"),
    ("set attribute chart", "remove `chart` at the top of the helmfile, and name the chart of each release"),
    ("missing in charts/ directory", "name the folder of the chart literally in the helmfile, so that cmp finds it"),
)


class Words:
    """The stderr of one run; `names` are the repository's names of files that were written for it."""

    def __init__(self, stderr: bytes, work: Work, folder: str, names: Mapping[str, str]) -> None:
        said = stderr.decode(errors="replace")
        for path, name in names.items():
            said = said.replace(path, name).replace(os.path.basename(path), os.path.basename(name))
        for name, path in work.layer_files:
            said = said.replace(path, name)
        said = re.sub(rf"{re.escape(work.scratch)}/\S+-values-\w+", VALUES, said.partition("\n\nOffending YAML:")[0])
        self._said = said.replace(f"{work.folder}/", "").replace(f"{work.root}/", "").strip()
        self._root = work.root
        self._folder = folder

    def warnings(self) -> list[str]:
        """Return each line once."""
        return list(dict.fromkeys(f"helmfile: {line}" for line in self._said.splitlines() if line.strip()))

    def refusal(self, status: int, version: str, helm: str) -> EngineError:
        """Return the error of a run that ended with another status than 0."""
        name = f"helmfile {version}"
        if silent := unexplained(name, status, self._said):
            return silent
        if found := _NO_ENVIRONMENT.search(self._said):
            return self._nothing(name, found)
        if failed := _HELM_FAILED.search(self._said):
            return self._of_helm(name, helm, failed[1])
        state, said = self._state()
        return EngineError(f"{name}: {indented(_NOISE.sub('', said))}", file=self._place(said, state), hint=_hint(said))

    def _state(self) -> tuple[str, str]:
        """Return the file of the innermost state, relative to the root, and what is said of it."""
        lines = [line for line in self._said.splitlines() if not line.startswith(("WARNING", "warn:"))]
        said = "\n".join(lines)
        state = ""
        while found := _IN.match(said):
            state = self._path(found[1], os.path.dirname(state) or self._folder)
            said = said[found.end() :]
        return state, said.removeprefix("err: ")

    def _of_helm(self, name: str, helm: str, stderr: str) -> EngineError:
        said = "\n".join(line.removeprefix("  ") for line in stderr.splitlines() if line.strip())
        said = said.removeprefix("Error: ").partition("\nUse --debug flag")[0]
        release = _RELEASE.search(self._said)
        of, chart = (f"release {release[1]}: ", release[2]) if release else ("", "")
        place = "" if VALUES in said else self._in_chart(said, chart)
        return EngineError(
            f"{name}: {of}helm {helm}: {indented(said)}", file=place or self._state()[0], hint=_hint(said)
        )

    def _in_chart(self, said: str, chart: str) -> str:
        """Return the place in a chart of the tree; none for one of a repository."""
        folder = self._path(chart, self._folder)
        is_here = os.path.isdir(os.path.join(self._root, folder))
        return place_in_chart(said, folder) if is_here else ""

    def _nothing(self, name: str, found: re.Match[str]) -> EngineError:
        selectors = f"the selectors {found[1]} and " if found[1] else ""
        return EngineError(
            f"{name} finds no release for {selectors}the environment {found[2]}",
            file=self._folder,
            hint="`helmfile: {environment: …, selectors: […]}` in cmp-app.yaml chooses; `environments` of the helmfile "
            "must have the environment",
        )

    def _place(self, said: str, state: str) -> str:
        if part := _PART.search(said):
            return f"{state}:{int(part[3]) + self._lines_before(state, int(part[2]))}"
        line = _LINE_OF_STATE.search(said)
        if line and not state.endswith(".gotmpl") and not self._lines_before(state, 1):
            return f"{state}:{line[1]}"
        if values := _VALUES.search(said):
            return f"{self._path(values[1], os.path.dirname(state) or self._folder)}:{values[2]}"
        return state or self._folder

    def _lines_before(self, state: str, part: int) -> int:
        """Return how many lines of a state come before one of its parts, cut at `---`; 0 where it has no such part."""
        with open(os.path.join(self._root, state), encoding="utf-8", errors="replace") as file:
            parts = file.read().split("\n---\n")
        return sum(text.count("\n") + 2 for text in parts[:part]) if part < len(parts) else 0

    def _path(self, name: str, folder: str) -> str:
        path = os.path.normpath(os.path.join(folder, name))
        return path if os.path.exists(os.path.join(self._root, path)) else name


def _hint(said: str) -> str:
    return next((hint for text, hint in _HINTS if text in said), "")
