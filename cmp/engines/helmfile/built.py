"""What `helmfile build` and the log of `helmfile list` print: states, with all templates of theirs executed."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.yamldoc.access import mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.engines.helmfile.state import Map

_SOURCE = re.compile(rb"^---\n#  Source: (.*)\n", re.MULTILINE)
_FOLDER = re.compile(r'changing working directory (?:back )?to "(.*)"')
_RESULT = re.compile(r'rendering result of "(.*)\.part\.\d+":')


class State(NamedTuple):
    """One state: the absolute path of its file in the private copy, its value, and which releases are selected.

    Releases are named by namespace and name; where nothing is selected, `selected` is None.
    """

    path: str
    value: Map
    selected: frozenset[tuple[object, object]] | None = None

    @property
    def folder(self) -> str:
        return os.path.dirname(self.path)

    @property
    def releases(self) -> list[Map]:
        """The releases, those that are not installed too."""
        return maps(self.value.get("releases"))

    def is_wanted(self, release: Map) -> bool:
        """Say whether helmfile would render a release: selected, its `condition` holds, and not `installed: false`."""
        if release.get("installed") is False or not self.is_selected(release):
            return False
        values: object = self.value.get("renderedvalues")
        condition = str(release.get("condition") or "")
        for key in condition.split(".") if condition else ():
            values = mapping(values).get(key)
        return not condition or values is True

    def is_selected(self, release: Map) -> bool:
        """Say whether the selectors take a release."""
        return self.selected is None or _identity(release) in self.selected


def select(all_states: list[State], selected: list[State]) -> list[State]:
    """Return all states, with the releases that are in both lists as selected."""
    found = {one.path: frozenset(_identity(release) for release in one.releases) for one in selected}
    return [one._replace(selected=found.get(one.path, frozenset())) for one in all_states]


def _identity(release: Map) -> tuple[object, object]:
    return release.get("namespace"), release.get("name")


def states(printed: bytes) -> list[State]:
    """Return the states that `helmfile build` printed, in their order."""
    parts = _SOURCE.split(printed)[1:]
    return [
        State(os.fsdecode(path), mapping(next(iter(yamldoc.load_all(text)), None)))
        for path, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def rendered(log: str, folder: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each state that helmfile's log of level debug says it has rendered.

    `folder` is where it was started.  It numbers the lines of such a text: nothing in it can end it before its end.
    """
    lines = log.split("\n")
    for start, line in enumerate(lines, 1):
        if moved := _FOLDER.fullmatch(line):
            folder = moved[1]
        if found := _RESULT.fullmatch(line):
            text: list[str] = []
            while start + len(text) < len(lines) and lines[start + len(text)].startswith(f"{len(text):2d}: "):
                text.append(lines[start + len(text)].partition(": ")[2])
            yield os.path.normpath(os.path.join(folder, found[1])), "\n".join(text)
