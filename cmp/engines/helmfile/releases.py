"""The releases of the states that helmfile has built, and their charts: of a repository, or folders of the tree.

`helmfile build` and the log of `helmfile list` print states, all their templates executed.  Charts of repositories come
through the chart cache.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.helmfile.state import documents, is_state
from cmp.engines.helmfile.template import PLACEHOLDER, with_environment
from cmp.errors import ConfigError
from cmp.model import ChartRef
from cmp.yamldoc.access import mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.engines.protocol import RemoteProvider, Work
    from cmp.system.tree import Tree
    from cmp.yamldoc.access import Map

NEWEST, NEWEST_OF_ALL = ">0.0.0", ">0.0.0-0"  # as helm takes no version, and none with `devel`

_SOURCE = re.compile(rb"^---\n#  Source: (.*)\n", re.MULTILINE)
_FOLDER = re.compile(r'changing working directory (?:back )?to "(.*)"')
_RESULT = re.compile(r'rendering result of "(.*)\.part\.\d+":')


class BuiltState(NamedTuple):
    """One state: the absolute path of its file in the private copy, its value, and the selected releases.

    Releases are named by namespace and name; without selectors, `selected` is None.
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

    def is_rendered(self, release: Map) -> bool:
        """Say whether helmfile would render a release: selected, its `condition` holds, and not `installed: false`."""
        if release.get("installed") is False or not self.is_selected(release):
            return False
        values: object = self.value.get("renderedvalues")
        condition = str(release.get("condition") or "")
        if condition.lower() in ("true", "false"):  # what helmfile 1.8 makes of `conditionTemplate`
            return condition.lower() == "true"
        for key in condition.split(".") if condition else ():
            values = mapping(values).get(key)
        return not condition or values is True

    def is_selected(self, release: Map) -> bool:
        """Say whether the selectors take a release."""
        return self.selected is None or _identity(release) in self.selected


def built_states(printed: bytes) -> list[BuiltState]:
    """Return the states that `helmfile build` printed, in their order.

    Of the states in a folder helmfile 1.8.0 names the source with its folder twice, and the path itself in the state.
    """
    parts = _SOURCE.split(printed)[1:]
    states = []
    for source, text in zip(parts[::2], parts[1::2], strict=True):
        value = mapping(next(iter(yamldoc.load_all(text)), None))
        path = str(value.get("filepath") or "")
        states.append(BuiltState(path if os.path.isabs(path) else os.fsdecode(source), value))
    return states


def select(all_states: list[BuiltState], selected_states: list[BuiltState]) -> list[BuiltState]:
    """Return all states, with the releases that are in both lists as selected."""
    selected = {state.path: frozenset(_identity(release) for release in state.releases) for state in selected_states}
    return [state._replace(selected=selected.get(state.path, frozenset())) for state in all_states]


def _identity(release: Map) -> tuple[object, object]:
    return release.get("namespace"), release.get("name")


def rendered_texts(log: str, folder: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each state that helmfile rendered, from its log of level debug.

    `folder` is where it was started.  It numbers the lines of such a text: nothing in it can end it before its end.
    """
    lines = log.split("\n")
    for start, line in enumerate(lines, 1):
        if moved := _FOLDER.fullmatch(line):
            folder = moved[1]
        if result := _RESULT.fullmatch(line):
            text: list[str] = []
            while start + len(text) < len(lines) and lines[start + len(text)].startswith(f"{len(text):2d}: "):
                text.append(lines[start + len(text)].partition(": ")[2])
            yield os.path.normpath(os.path.join(folder, result[1])), "\n".join(text)


class Charts:
    """The charts of all releases: added one by one, obtained together."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._archives: dict[ChartRef, str] = {}

    def add(self, state: BuiltState, release: Map) -> ChartRef | str:
        """Add the chart of a release: one to obtain, or the absolute path of a folder or an archive in the tree.

        ConfigError for others.
        """
        chart, place = str(release.get("chart")), self.place(state, release)
        if ref := chart_ref(release, maps(state.value.get("repositories")), place):
            self._archives.setdefault(ref, "")
            return ref
        if "://" in chart or "::" in chart:
            raise ConfigError(
                f"the release {release.get('name')} has the chart {chart}, which helmfile would fetch by itself",
                file=place,
                hint="name it by a repository of the helmfile, or as oci://…",
            )
        return self._local_path(state, chart, release, place)

    def obtain(self) -> None:
        """Obtain all charts that were added; raises ChartError."""
        refs = list(self._archives)
        for ref, file in zip(refs, self._work.provider.charts(refs) if refs else (), strict=True):
            self._archives[ref] = file.path

    def path(self, chart: ChartRef | str) -> str:
        """Return the absolute path of a chart, once it is obtained."""
        return chart if isinstance(chart, str) else self._archives[chart]

    def place(self, state: BuiltState, release: Map) -> str:
        """Return the file of the state, with the line that names the release if there is one."""
        file = os.path.relpath(state.path, self._work.root)
        try:
            with open(state.path, encoding="utf-8", errors="replace") as source:
                text = source.read()
        except OSError:
            return file
        name = re.search(rf"(?<![\w.])name:\s*[\"']?{re.escape(str(release.get('name')))}(?![\w-])", text)
        return f"{file}:{1 + text.count(chr(10), 0, name.start())}" if name else file

    def _local_path(self, state: BuiltState, chart: str, release: Map, place: str) -> str:
        path = os.path.normpath(os.path.join(state.folder, chart))
        root = os.path.realpath(self._work.root)
        subject = f"the release {release.get('name')} has the chart {chart}"
        if os.path.isabs(chart) or not f"{os.path.realpath(path)}/".startswith(f"{root}/"):
            raise ConfigError(
                f"{subject}, which leads outside the source tree",
                file=place,
                hint="everything an application uses must lie in its repository",
            )
        if not os.path.exists(path):
            raise ConfigError(
                f"{subject}, and there is no such folder and no such repository",
                file=place,
                hint="name the repository under `repositories`, or correct the path",
            )
        if os.path.isdir(path) and not os.path.isfile(os.path.join(path, "Chart.yaml")):
            raise ConfigError(
                f"{subject}, a folder without Chart.yaml: helmfile would make a chart of it with kustomize",
                file=place,
                hint="give it a Chart.yaml, or make it an application of its own for the engine plain or kustomize",
            )
        if os.path.isfile(path):
            self._work.provider.inspect(os.path.relpath(path, self._work.root))
        return path


def chart_ref(release: Map, repositories: list[Map], place: str) -> ChartRef | None:
    """Return the chart of a release when it is one of a repository or a registry."""
    chart = str(release.get("chart"))
    version = str(release.get("version") or (NEWEST_OF_ALL if release.get("devel") else NEWEST))
    if chart.startswith("oci://"):
        registry, _, name = chart.rpartition("/")
        return ChartRef(registry, name, version, place)
    for repository in repositories:
        alias, _, name = chart.partition("/")
        if name and alias == repository.get("name"):
            url = str(repository.get("url") or "")
            if not repository.get("oci"):
                return ChartRef(url, name, version, place)
            registry, _, name = f"{url.removeprefix('oci://').rstrip('/')}/{name}".rpartition("/")
            return ChartRef(f"oci://{registry}", name, version, place)
    return None


def literal_chart_refs(tree: Tree, files: Iterable[str], environment: str, _: RemoteProvider) -> list[ChartRef]:
    """Return the charts that states name without templates, all of them: to fill a cache or to write a lock."""
    states = []
    for file in files:
        text = with_environment(tree.read(file).decode(errors="replace"), environment)
        if is_state(file, text):
            states += [
                (file, document, value) for document, value in documents(text, is_template=file.endswith(".gotmpl"))
            ]
    repositories = [repository for _, _, value in states for repository in maps(value.get("repositories"))]
    refs = []
    for file, document, value in states:
        for index, release in enumerate(maps(value.get("releases"))):
            place = f"{file}:{yamldoc.lines(document).get(('releases', index), 1)}"
            ref = chart_ref(release, repositories, place)
            if ref and not any(PLACEHOLDER in part for part in (ref.repository, ref.name, ref.version)):
                refs.append(ref)
    return refs
