"""Where the chart of each release comes from: a repository, through the chart cache, or a folder of the tree."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.engines.helmfile.state import documents, is_state
from cmp.engines.helmfile.template import STAND_IN, settled
from cmp.errors import ConfigError
from cmp.model import ChartRef
from cmp.yamldoc.access import maps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.engines.helmfile.built import State
    from cmp.engines.helmfile.state import Map
    from cmp.engines.protocol import RemoteProvider, Work
    from cmp.system.tree import Tree

NEWEST, NEWEST_OF_ALL = ">0.0.0", ">0.0.0-0"  # what helm takes without a version, and with `devel`


class Charts:
    """The charts of all releases: named one by one, obtained together."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._wanted: dict[ChartRef, str] = {}

    def name(self, state: State, release: Map) -> ChartRef | str:
        """Return what to obtain, or the absolute path of a folder or an archive in the tree; ConfigError for others."""
        chart, place = str(release.get("chart")), self.place(state, release)
        if ref := reference(release, maps(state.value.get("repositories")), place):
            self._wanted.setdefault(ref, "")
            return ref
        if "://" in chart or "::" in chart:
            raise ConfigError(
                f"the release {release.get('name')} has the chart {chart}, which helmfile would fetch by itself",
                file=place,
                hint="name it by a repository of the helmfile, or as oci://…",
            )
        return self._local(state, chart, release, place)

    def obtain(self) -> None:
        """Get all charts that were named; raises ChartError."""
        wanted = list(self._wanted)
        for ref, file in zip(wanted, self._work.provider.charts(wanted) if wanted else (), strict=True):
            self._wanted[ref] = file.path

    def path(self, chart: ChartRef | str) -> str:
        """Return the absolute path of a chart, once it is obtained."""
        return chart if isinstance(chart, str) else self._wanted[chart]

    def place(self, state: State, release: Map) -> str:
        """Return the file of the state, with the line that names the release if there is one."""
        file = os.path.relpath(state.path, self._work.root)
        try:
            with open(state.path, encoding="utf-8", errors="replace") as source:
                text = source.read()
        except OSError:
            return file
        found = re.search(rf"(?<![\w.])name:\s*[\"']?{re.escape(str(release.get('name')))}(?![\w-])", text)
        return f"{file}:{1 + text.count(chr(10), 0, found.start())}" if found else file

    def _local(self, state: State, chart: str, release: Map, place: str) -> str:
        path = os.path.normpath(os.path.join(state.folder, chart))
        root = os.path.realpath(self._work.root)
        name = f"the release {release.get('name')} has the chart {chart}"
        if os.path.isabs(chart) or not f"{os.path.realpath(path)}/".startswith(f"{root}/"):
            raise ConfigError(
                f"{name}, which leads outside the source tree",
                file=place,
                hint="everything an application uses must lie in its repository",
            )
        if not os.path.exists(path):
            raise ConfigError(
                f"{name}, and there is no such folder and no such repository",
                file=place,
                hint="name the repository under `repositories`, or correct the path",
            )
        if os.path.isdir(path) and not os.path.isfile(os.path.join(path, "Chart.yaml")):
            raise ConfigError(
                f"{name}, a folder without Chart.yaml: helmfile would make a chart of it with kustomize",
                file=place,
                hint="give it a Chart.yaml, or make it an application of its own for the engine plain or kustomize",
            )
        if os.path.isfile(path):
            self._work.provider.inspect(os.path.relpath(path, self._work.root))
        return path


def reference(release: Map, repositories: list[Map], place: str) -> ChartRef | None:
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


def literal(tree: Tree, files: Iterable[str], environment: str, _: RemoteProvider) -> list[ChartRef]:
    """Return the charts that states name without templates, all of them, for whoever fills a cache or writes a lock."""
    found = []
    for file in files:
        text = settled(tree.read(file).decode(errors="replace"), environment)
        if is_state(file, text):
            found += [
                (file, document, value) for document, value in documents(text, is_template=file.endswith(".gotmpl"))
            ]
    repositories = [one for _, _, value in found for one in maps(value.get("repositories"))]
    refs = []
    for file, document, value in found:
        for index, release in enumerate(maps(value.get("releases"))):
            ref = reference(release, repositories, f"{file}:{yamldoc.lines(document).get(('releases', index), 1)}")
            if ref and not any(STAND_IN in part for part in ref):
                refs.append(ref)
    return refs
