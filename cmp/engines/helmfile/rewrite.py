"""The states that helmfile renders: those that it built, with charts from the cache and secrets as values.

They lie beside the states that they come from, so that the paths in them mean the same.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.features import SKIP_SCHEMA_VALIDATION, require, without_schemas
from cmp.engines.helmfile.releases import Charts
from cmp.engines.protocol import WHOLE, SchemaCheck
from cmp.engines.registry import HELM
from cmp.errors import ConfigError
from cmp.yamldoc.access import mapping, maps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.engines.helmfile.options import FilledOptions
    from cmp.engines.helmfile.releases import BuiltState
    from cmp.engines.protocol import Work
    from cmp.model import ChartRef, Instance
    from cmp.yamldoc.access import Map

NAME = "cmp-state-{}.yaml"
ALL = "cmp-states.yaml"
SELECTED = "cmp-selected"  # a label for the selectors: those of the options may name a chart, which has changed

# Keys that are left out: helmfile has used them already, or must not use them.
_DROPPED = frozenset(
    (
        *("chartPath", "secrets", "version", "valuesTemplate", "setTemplate", "inherit", "verify", "keyring"),
        *("devel", "kubeContext", "plainHttp", "insecureSkipTLSVerify"),
    )
)
_OF_STATE = ("helmDefaults", "hooks", "namespace", "missingFileHandler", "missingFileHandlerConfig")


class WrittenStates(NamedTuple):
    """The file for helmfile, and the names in the repository of the states that were written."""

    path: str
    names: Mapping[str, str]


def write(states: list[BuiltState], instance: Instance, work: Work, options: FilledOptions) -> WrittenStates:
    """Obtain the charts and write the states; raises ChartError, and ConfigError for a file that may not be read."""
    rewriter = _Rewriter(instance, work, options, states)
    charts = [rewriter.charts_of(state) for state in states]
    rewriter.charts.obtain()
    rewriter.check_schemas(states, charts)
    names: dict[str, str] = {}
    for number, (state, charts_of_state) in enumerate(zip(states, charts, strict=True)):
        path = os.path.join(state.folder, NAME.format(number))
        _write(path, rewriter.parts(state, charts_of_state))
        names[path] = os.path.relpath(state.path, work.root)
    if len(names) == 1:
        return WrittenStates(next(iter(names)), names)
    path = os.path.join(work.folder, ALL)
    _write(path, [{"helmfiles": [{"path": name} for name in names]}])
    return WrittenStates(path, names)


def _write(path: str, parts: list[Map]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(yamldoc.dump_all(parts))


class _Rewriter:
    def __init__(self, instance: Instance, work: Work, options: FilledOptions, states: list[BuiltState]) -> None:
        self._instance = instance
        self._work = work
        self._options = options
        self._stub = stub(work)
        self._is_filtered = any(
            entry.get("selectors") for state in states for entry in maps(state.value.get("helmfiles"))
        )
        self.charts = Charts(work)

    def charts_of(self, state: BuiltState) -> list[ChartRef | str]:
        """Return the chart of each release, to be obtained or local, and an empty one where it is not rendered."""
        self._require_private(state.folder, "", os.path.relpath(state.path, self._work.root))
        return [
            self.charts.add(state, release) if state.is_rendered(release) else self._stub for release in state.releases
        ]

    def check_schemas(self, states: list[BuiltState], charts: list[list[ChartRef | str]]) -> None:
        """Put the remote schemas of all charts in place, but those of releases whose values are not checked."""
        helm = self._work.tools[HELM]
        hint = without_schemas(helm, "`skipSchemaValidation: true` of the release")
        checks: dict[str, SchemaCheck] = {}
        for state, charts_of_state in zip(states, charts, strict=True):
            defaults = mapping(state.value.get("helmDefaults"))
            for release, chart in zip(state.releases, charts_of_state, strict=True):
                is_checked = not release.get("skipSchemaValidation", defaults.get("skipSchemaValidation"))
                if is_checked and chart != self._stub:
                    path = self.charts.path(chart)
                    is_local = isinstance(chart, str)
                    checks[path] = SchemaCheck(
                        path=path,
                        label=os.path.relpath(path, self._work.root) if is_local else os.path.basename(path),
                        helm=helm,
                        hint=hint,
                        third_party=() if is_local else WHOLE,
                    )
        for check in checks.values():
            self._work.provider.schemas(check)

    def parts(self, state: BuiltState, charts: list[ChartRef | str]) -> list[Map]:
        """Return the YAML documents of the new state: its values are those that helmfile has computed."""
        values = mapping(state.value.get("renderedvalues"))
        names = {release.get("name") for release in state.releases}
        releases = [
            self._release(state, release, self.charts.path(chart), names)
            for release, chart in zip(state.releases, charts, strict=True)
        ]
        kept = {key: state.value[key] for key in _OF_STATE if state.value.get(key)}
        return [{"environments": {self._options.environment: {"values": [values]}}}, {**kept, "releases": releases}]

    def _release(self, state: BuiltState, release: Map, chart: str, names: set[object]) -> Map:
        if release.get("skipSchemaValidation"):
            require(self._work.tools[HELM], SKIP_SCHEMA_VALIDATION)
        values = [*_list(release.get("values")), *_list(release.get("secrets"))]
        place = self.charts.place(state, release)
        for path in [*values, *(item.get("file") for item in maps(release.get("set")))]:
            if isinstance(path, str):
                prefix = str(release.get("valuesPathPrefix") or "")
                self._require_private(state.folder, prefix + path, place)
        instance = self._instance
        api_versions = [str(version) for version in _list(release.get("apiVersions"))]
        return {
            **{key: value for key, value in release.items() if key not in _DROPPED},
            "chart": chart,
            "labels": {**mapping(release.get("labels")), SELECTED: str(state.is_selected(release)).lower()},
            "values": values,
            "needs": self._needs(release, names),
            "namespace": release.get("namespace") or instance.namespace,
            "apiVersions": [*dict.fromkeys((*api_versions, *instance.api_versions))],
        }

    def _needs(self, release: Map, names: set[object]) -> list[object]:
        """Return the releases that come first; the selectors of a `helmfiles` entry leave no trace of the others."""
        needs = _list(release.get("needs"))
        return [need for need in needs if not self._is_filtered or str(need).rpartition("/")[2] in names]

    def _require_private(self, folder: str, path: str, place: str) -> None:
        """ConfigError for a path outside the private copies: helmfile must not see it."""
        root = os.path.realpath(self._work.root)
        absolute = os.path.normpath(os.path.join(folder, path))
        if f"{os.path.realpath(absolute)}/".startswith(f"{root}/"):
            return
        shown = path or os.path.relpath(folder, self._work.root)
        if not f"{absolute}/".startswith(f"{self._work.root}/"):
            raise ConfigError(
                f"the helmfile names {shown}, which leads outside the source tree",
                file=place,
                hint="everything an application uses must lie in its repository",
            )
        raise ConfigError(
            f"the helmfile names {shown}, a path outside its folder that is made up while rendering",
            file=place,
            hint="name such a file, with at most {{ .Environment.Name }} in its path, or put it below the folder",
        )


def stub(work: Work) -> str:
    """Make an empty chart for releases whose chart does not matter, and return its folder."""
    folder = os.path.join(work.scratch, "stub")
    os.makedirs(folder, 0o700, exist_ok=True)
    with open(os.path.join(folder, "Chart.yaml"), "w", encoding="utf-8") as file:
        file.write("apiVersion: v2\nname: stub\nversion: 0.0.0\n")
    return folder


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
