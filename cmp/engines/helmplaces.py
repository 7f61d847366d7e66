"""Where helm says that a mistake is, as a place in the repository."""

from __future__ import annotations

import re

_VALUES = re.compile(r"failed to parse (.+?): .*yaml: line (\d+)")
_OWN_FILE = re.compile(r"cannot load (Chart\.yaml|values\.yaml): .*yaml: line (\d+)")
_OUTPUT = re.compile(r"YAML parse error on ([^\s:]+):")
# As `(FILE:4)`, `template: FILE:4:11:` and, with Helm 4, on a line of its own.
_TEMPLATE = re.compile(r"(?:^|\(|template: )([^\s():]+/templates/[^\s():]+):(\d+)(?::\d+)?(?=[):]|$)", re.MULTILINE)


def place(said: str, folder: str) -> str:
    """Return `file` or `file:line` for helm's complaint about the chart in `folder`; empty where it names no file.

    Values layers are called in the complaint as in the repository.
    """
    if found := _VALUES.match(said):
        return f"{found[1]}:{found[2]}"
    if found := _OWN_FILE.match(said):
        return f"{folder}/{found[1]}:{found[2]}"
    if said.startswith("validation: chart.metadata"):
        return f"{folder}/Chart.yaml"
    if found := _OUTPUT.match(said):
        return _path(found[1], folder)
    if templates := _TEMPLATE.findall(said):
        # Of templates that include each other the last is the innermost; but `fail` quotes its author behind the first.
        file, line = templates[0] if said.startswith("execution error") else templates[-1]
        return f"{_path(file, folder)}:{line}"
    return ""


def _path(template: str, folder: str) -> str:
    """Translate Helm's name, which begins with the chart's, when the template is the application's own."""
    inside = template.partition("/")[2]
    return f"{folder}/{inside}" if inside.startswith("templates/") else template
