"""The files of the repository that a helmfile can read, as its own files name them: before anything runs.

These are all files of its folder, and the targets of paths with `../`, which become private copies: helmfile sees
nothing else.  It does not find a file whose name is made up while rendering, and tells that itself.
"""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.helmfile.template import with_environment
from cmp.errors import ConfigError
from cmp.system.tree import join, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.system.tree import Tree

STATES = "helmfile.d"
TEXTS = (".yaml", ".yml", ".gotmpl", ".tpl", ".json", ".hcl")  # files that helmfile reads; others by readFile alone
CHART = "Chart.yaml"
CHART_FOLDERS = ("templates", "charts", "crds")  # they are helm's and may hold any text

_OUTSIDE = re.compile(r"(?<![\w./])(?:\./)?(?:\.\./)+(?:\{\{.*?\}\}|[^\s\"'`,;#(){}\[\]]|\[[^\]\s]*\](?=[\w*?.]))*")
_WILD = re.compile(r"[*?\[]")


class Sources(NamedTuple):
    """Files that helmfile may read, files and folders outside of its folder, and folders of charts."""

    files: tuple[str, ...]
    outside: tuple[str, ...]
    charts: tuple[str, ...]


def read(tree: Tree, folder: str, environment: str) -> Sources:
    """Find the files; ConfigError for a path outside of the folder that is known only while rendering."""
    finder = _Finder(tree, folder, environment)
    finder.find()
    mentioned = tuple(chart for chart in sorted(finder.charts) if finder.mentions(chart))
    return Sources(tuple(sorted(finder.files)), tuple(sorted(finder.outside)), mentioned)


class _Finder:
    def __init__(self, tree: Tree, folder: str, environment: str) -> None:
        self._tree = tree
        self._folder = folder
        self._environment = environment
        self._texts: list[str] = []
        self.files: set[str] = set()
        self.outside: set[str] = set()
        self.charts: set[str] = set()

    def find(self) -> None:
        waiting = [self._folder]
        while waiting:
            for file in self._new_files(waiting.pop(0)):
                if file.endswith(TEXTS):
                    outside = [*self._paths_outside(file)]
                    self.outside.update(outside)
                    waiting += outside

    def mentions(self, chart: str) -> bool:
        """Say whether a text has the name of a chart's folder; a name that is made up counts for any."""
        name = posixpath.basename(chart)
        pattern = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])|chart:.*\{{\{{")
        return chart == self._folder or any(pattern.search(text) for text in self._texts)

    def _new_files(self, path: str) -> list[str]:
        files = [path] if self._tree.kind(path) == "file" else [*walk(self._tree, path)]
        charts = {posixpath.dirname(file) for file in files if posixpath.basename(file) == CHART}
        self.charts |= {chart for chart in charts if not _is_inside_chart(chart, charts)}
        new = [file for file in files if file not in self.files and not _is_inside_chart(file, charts)]
        self.files.update(new)
        return new

    def _paths_outside(self, file: str) -> Iterator[str]:
        text = with_environment(self._tree.read(file).decode(errors="replace"), self._environment)
        self._texts.append(text)
        for match in _OUTSIDE.finditer(text):
            if "{{" in match[0]:
                if self._is_template(file):
                    raise ConfigError(
                        f"{match[0]} leads outside the folder {self._folder}, and where to is known only while "
                        "rendering",
                        file=f"{file}:{1 + text.count(chr(10), 0, match.start())}",
                        hint="name such a file, with at most {{ .Environment.Name }} in its path, or put it below the "
                        "folder",
                    )
                continue
            for start in sorted({posixpath.dirname(file), self._folder, join(self._folder, STATES)}):
                path = posixpath.normpath(posixpath.join(start, match[0]))
                if not path.startswith("..") and not self._is_around(path):
                    yield from _matching(self._tree, path)

    def _is_around(self, path: str) -> bool:
        """Say whether a path is in the folder, or is one of the folders around it, which no text means as a whole."""
        return f"{path}/".startswith(f"{self._folder}/") or f"{self._folder}/".startswith(f"{path}/") or path == "."

    def _is_template(self, file: str) -> bool:
        own = (self._folder, join(self._folder, STATES))
        return file.endswith((".gotmpl", ".tpl")) or posixpath.dirname(file) in own


def _is_inside_chart(path: str, charts: set[str]) -> bool:
    return any(path.startswith(tuple(f"{join(chart, name)}/" for name in CHART_FOLDERS)) for chart in charts)


def _matching(tree: Tree, path: str) -> Iterator[str]:
    """Yield the path if it exists, or the files that match it as a pattern."""
    if not _WILD.search(path):
        if tree.kind(path) in ("file", "folder"):
            yield path
        return
    base = posixpath.dirname(_WILD.split(path)[0])
    depth = path.count("/")
    for file in walk(tree, base):
        if file.count("/") == depth and fnmatchcase(file, path):
            yield file
