"""The values of the configuration files, and those that hold without any: the reference layout and the shipped pins."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from cmp.model import ToolPin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Never

    from cmp.changes import Rule
    from cmp.model import Cluster

    Options = Mapping[str, object]

FILE = "cmp.yaml"
APP_FILE = "cmp-app.yaml"
EMPTY: Mapping[str, Never] = MappingProxyType({})


class ValuesPattern(NamedTuple):
    """A pattern of values files, and the place that names it (`cmp.yaml:8:7`).

    `optional` allows a literal path to be missing; a pattern with a wildcard may always match nothing.
    """

    pattern: str
    optional: bool = False
    place: str = ""


class ValuesChart(NamedTuple):
    """The chart of applications that are values alone: a folder of the tree, or else a chart of a repository.

    The folder may hold placeholders; version is an exact one or a range.  `place` is the line that names the chart.
    """

    folder: str = ""
    repository: str = ""
    name: str = ""
    version: str = ""
    place: str = ""


class Layout(NamedTuple):
    """The places of applications, instances and values, as patterns relative to the root; values weakest first.

    A folder belongs to the first pattern of `apps` or `instances` that matches it; without any there are no instances.
    `release` and `namespace` are texts with placeholders; empty: the layout does not fix them.  `shared` are patterns
    of files that an application may name, though they lie outside of its folders.  `chart` is rendered for an
    application without a file of an engine.  `name` names applications; without it the
    name is what `{app}` captures.
    """

    apps: tuple[str, ...]
    instances: tuple[str, ...]
    values: tuple[ValuesPattern, ...]
    release: str = ""
    namespace: str = ""
    ignore: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    chart: ValuesChart | None = None
    name: str = ""


class ClusterChoice(NamedTuple):
    """The clusters that an application runs on where no instance folder says so: all, some by name, or some by fact."""

    is_all: bool = False
    names: tuple[str, ...] = ()
    selector: Mapping[str, str] = EMPTY
    place: str = ""

    def covers(self, cluster: Cluster) -> bool:
        """Say whether the application runs on this cluster."""
        if self.selector:
            return all(cluster.facts.get(name) == value for name, value in self.selector.items())
        return self.is_all or cluster.name in self.names


class AppConfig(NamedTuple):
    """The configuration of an application, from one file or from several, merged; an empty field says nothing.

    `options` maps an engine to its options (`skipCrds` -> True, or a text, or a tuple of texts).  `output` maps the
    keys of the file to booleans, and `apiVersions` to a dict.  `places` maps keys to the places that say them.
    """

    engines: tuple[str, ...] = ()
    tools: Mapping[str, ToolPin] = EMPTY
    release: str = ""
    namespace: str = ""
    clusters: ClusterChoice | None = None
    values: tuple[ValuesPattern, ...] = ()
    options: Mapping[str, Options] = EMPTY
    output: Options = EMPTY
    secret_files: tuple[str, ...] = ()
    kept_secrets: tuple[str, ...] = ()
    replace: bool = False
    chart: ValuesChart | None = None
    places: Mapping[str, str] = EMPTY

    def file_of(self, key: str) -> str:
        """Return the file that says a key, without folders, as messages name it: cmp-app.yaml or cmp.yaml."""
        return self.places.get(key, APP_FILE).partition(":")[0].rpartition("/")[2]


class NamePattern(NamedTuple):
    """A pattern of applications' names, in which `*` is any text, and the place that says it."""

    text: str
    place: str

    @property
    def is_exact(self) -> bool:
        """Tell whether it can be only one name."""
        return "*" not in self.text


class CentralSettings(NamedTuple):
    """An entry of `applications` in cmp.yaml: settings of some applications, on all clusters or `where` they hold."""

    apps: tuple[NamePattern, ...]
    settings: AppConfig
    where: ClusterChoice | None = None


class ArgoCD(NamedTuple):
    """One of several Argo CDs: its name, patterns of the files that it reads, and the cluster that it runs in."""

    name: str
    applications: tuple[str, ...]
    in_cluster: str = ""


class NamedPair(NamedTuple):
    """A pair by its names, and the place that names it; the cluster is empty where the layout knows none."""

    app: str
    cluster: str = ""
    place: str = ""


class ArgoCDChoice(NamedTuple):
    """The block `preview.argocd`: what the repository says of its Argo CD; empty and None say nothing."""

    version: str = ""
    build_options: str | None = None
    values_file_schemes: tuple[str, ...] | None = None
    helm: ToolPin | None = None
    kustomize: ToolPin | None = None
    place: str = ""


class Preview(NamedTuple):
    """The settings of a comparison of two revisions: patterns of files, and rules for differences that are hidden.

    `applications` are patterns of files with Applications, `printers` the pairs that are named as printing some.
    `urls` are those under which Applications name this repository.  `argocd` describes the Argo CD that renders sources
    without a plugin.
    """

    applications: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    noise: tuple[Rule, ...] = ()
    argocds: tuple[ArgoCD, ...] = ()
    urls: tuple[str, ...] = ()
    argocd: ArgoCDChoice | None = None
    printers: tuple[NamedPair, ...] = ()

    @property
    def application_files(self) -> tuple[str, ...]:
        """The patterns of all files with Applications."""
        return tuple(dict.fromkeys((*self.applications, *(text for one in self.argocds for text in one.applications))))


class SkippedFinding(NamedTuple):
    """Findings of `cmp check` that are expected: those of a rule on some objects (empty: any), with the reason.

    `rule`, `kind` and `object` are patterns in which `*` stands for any text.  `place` is the entry's `file:line`.
    """

    reason: str
    rule: str = ""
    kind: str = ""
    object: str = ""
    place: str = ""


class Checks(NamedTuple):
    """The settings of `cmp check`: folders with CRDs and with policies, and findings to pass over.

    `is_given` says that cmp.yaml has the block, perhaps an empty one: then `cmp diff` judges, too.
    """

    schemas: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    skip: tuple[SkippedFinding, ...] = ()
    is_given: bool = False


class Config(NamedTuple):
    """The repository's configuration; `source` is `cmp.yaml`, or empty for the built-in reference layout.

    `clusters` have all that they inherit, `entries` are they as written, without it.  `inventory` is their file, where
    it is one of its own.  With `is_set_literal` the repository is known
    to be written for a cmp that fills no placeholders in `set`.  `kept_secrets` are kinds, and patterns of files.
    """

    layout: Layout
    clusters: Mapping[str, Cluster]
    secret_suffixes: tuple[str, ...]
    defaults: AppConfig
    source: str
    inventory: str = ""
    preview: Preview = Preview()
    checks: Checks = Checks()
    is_set_literal: bool = False
    kept_secrets: tuple[str, ...] = ()
    entries: Mapping[str, Cluster] = EMPTY
    applications: tuple[CentralSettings, ...] = ()


_REFERENCE = "the reference layout"
_VERSIONS = {
    "helm": "4.3.2",
    "kustomize": "5.8.2",
    "sops": "3.13.3",
    "helmfile": "1.8.0",
    "cue": "0.17.1",
    "gator": "3.23.1",
}

LAYOUT = Layout(
    apps=("namespaces/{app}",),
    instances=("clusters/{cluster}/{app}",),
    values=(
        ValuesPattern("namespaces/{app}/common-values*.yaml", place=_REFERENCE),
        ValuesPattern("namespaces/{app}/common-values*.secret.yaml", place=_REFERENCE),
        ValuesPattern("clusters/{cluster}/{app}/*-values*.yaml", place=_REFERENCE),
        ValuesPattern("clusters/{cluster}/{app}/*-values*.secret.yaml", place=_REFERENCE),
    ),
)
UNPINNED = "the defaults of cmp"  # the source of a pin that no file declares
PINS = {name: ToolPin(name, version, UNPINNED) for name, version in _VERSIONS.items()}
SUFFIXES = (".secret.yaml",)
CONFIG = Config(LAYOUT, clusters={}, secret_suffixes=SUFFIXES, defaults=AppConfig(tools=PINS), source="")


def merge(weaker: AppConfig, stronger: AppConfig) -> AppConfig:
    """Lay one configuration over another: maps merge, scalars and lists replace, `values` appends."""
    return AppConfig(
        engines=stronger.engines or weaker.engines,
        tools={**weaker.tools, **stronger.tools},
        release=stronger.release or weaker.release,
        namespace=stronger.namespace or weaker.namespace,
        clusters=stronger.clusters or weaker.clusters,
        values=(*weaker.values, *stronger.values),
        options=overlaid(weaker.options, stronger.options),
        output=overlaid(weaker.output, stronger.output),
        secret_files=stronger.secret_files or weaker.secret_files,
        kept_secrets=stronger.kept_secrets or weaker.kept_secrets,
        replace=stronger.replace or weaker.replace,
        chart=stronger.chart or weaker.chart,
        places={**weaker.places, **stronger.places},
    )


def overlaid(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one map over another: maps in it merge, all else replaces."""
    merged = dict(weaker)
    for name, value in stronger.items():
        below = merged.get(name)
        merged[name] = overlaid(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
