"""An Application: the parts of it that count for a render, and the mistakes that the API server would refuse.

Any other key may stand beside these.  Source: argoproj/argo-cd 3.2, pkg/apis/application/v1alpha1/types.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cmp.errors import ConfigError
from cmp.schema.json_node import Json, JsonNode
from cmp.schema.spec import Converted, Dialect, Items, Keys, Map, Text, check

if TYPE_CHECKING:
    from cmp.schema.json_node import SourceLocation
    from cmp.schema.spec import Spec

    Values = dict[str, object]

CONTROL_PLANE = "argocd"  # Argo CD's own namespace, which no checkout knows: this is that of its manifests
DEFAULT_PROJECT = "default"
IN_CLUSTER, IN_CLUSTER_SERVER = "in-cluster", "https://kubernetes.default.svc"  # the cluster that Argo CD runs in


class EnvEntry(NamedTuple):
    """An entry of `plugin.env`."""

    name: str = ""
    value: str = ""


class Plugin(NamedTuple):
    """The block `plugin` of a source; `parameters` are JSON, None when absent."""

    name: str = ""
    env: tuple[EnvEntry, ...] = ()
    parameters: list[object] | None = None


class Source(NamedTuple):
    """A source of an Application; `helm`, `kustomize` and `directory`, which exclude a plugin, are JSON."""

    repo_url: str = ""
    path: str = ""
    target_revision: str = ""
    chart: str = ""
    helm: Values | None = None
    kustomize: Values | None = None
    directory: Values | None = None
    plugin: Plugin | None = None


class Destination(NamedTuple):
    """The namespace that an Application's objects go to, and the name or the address of their cluster."""

    namespace: str = ""
    name: str = ""
    server: str = ""


class Application(NamedTuple):
    """An Application and the one source of it that a plugin renders, which is at `location`.

    `source_values` is that source as JSON: files may override it.
    """

    name: str
    namespace: str
    project: str
    destination: Destination
    source: Source
    source_values: Values
    location: SourceLocation

    @property
    def instance_name(self) -> str:
        """The name that Argo CD tells plugins: `<namespace>_<name>` outside its own namespace."""
        return self.name if self.namespace in ("", CONTROL_PLANE) else f"{self.namespace}_{self.name}"


class _Metadata(NamedTuple):
    name: str
    namespace: str = ""


class _Spec(NamedTuple):
    """The spec of an Application; the sources are JSON."""

    project: str
    destination: Destination
    source: Values | None = None
    sources: tuple[Values, ...] = ()


class _Manifest(NamedTuple):
    metadata: _Metadata
    spec: _Spec


def _unexpected(spec: Spec[Any], node: JsonNode) -> str:
    is_unquoted = isinstance(spec, Text) and node.meaning in ("a number", "true or false")
    return f"{_name(node)} must be {spec.noun}{'; put it in quotes' if is_unquoted else ''}"


def _name(node: JsonNode) -> str:
    return node.location.name or "the document"


MANIFEST = Dialect(_unexpected, lambda node, key: f"{_name(node)} has no {key}", null="value")
PATCH = MANIFEST._replace(null="key")  # of something laid over a manifest, or that Argo CD fills in

TEXT = Text("a string", is_strict=True)
TEXTS = Items("a list", TEXT)
TEXT_MAP = Map(TEXT)
JSON_MAP = Json(Keys({}, dict[str, object], is_open=True))
_AS_TEXT = Converted(Json(), lambda value, _: str(value or ""))  # the API server checks these, and cmp does not

_ENV = Items("a list", Keys({"name": TEXT, "value": TEXT}, EnvEntry, required=("name", "value"), is_open=True))
_PARAMETER = Keys({"name": TEXT, "string": TEXT, "array": TEXTS, "map": TEXT_MAP}, dict[str, object], is_open=True)
SOURCE = Keys(
    {
        **dict.fromkeys(("repoURL", "path", "targetRevision", "chart"), TEXT),
        **dict.fromkeys(("helm", "kustomize", "directory"), JSON_MAP),
        "plugin": Keys(
            {"name": TEXT, "env": _ENV, "parameters": Json(Items("a list", _PARAMETER))}, Plugin, is_open=True
        ),
    },
    Source,
    required=("repoURL",),
    is_open=True,
)
SPEC = {
    "project": TEXT,
    "destination": Keys({"namespace": TEXT, "name": _AS_TEXT, "server": _AS_TEXT}, Destination, is_open=True),
    "source": Json(SOURCE),
    "sources": Items("a list", Json(SOURCE)),
}
_APPLICATION = Keys(
    {
        "metadata": Keys({"name": TEXT, "namespace": TEXT}, _Metadata, required=("name",), is_open=True),
        "spec": Keys(SPEC, _Spec, required=("project", "destination"), is_open=True),
    },
    _Manifest,
    required=("metadata", "spec"),
    is_open=True,
)


def read(value: Values, location: SourceLocation) -> Application:
    """Return an object as the Application that it is, with the source that a plugin renders.

    ConfigError with all that the API server would refuse about it, or when it has no such source, or several.
    """
    node = JsonNode(value, location)
    if problems := check(_APPLICATION, node, MANIFEST):
        raise ConfigError.of(problems, hint="the API server would refuse this Application")
    metadata, spec = _APPLICATION.build(node)
    source_values, at = _source(spec, location.inner("spec"))
    source = SOURCE.build(JsonNode(source_values, at))
    if source.chart or not source.path:
        what = "a chart of a Helm repository" if source.chart else "no path"
        raise ConfigError(f"the source has {what}: a plugin renders a folder of a Git repository", file=at.place)
    return Application(
        name=metadata.name,
        namespace=metadata.namespace,
        project=spec.project or DEFAULT_PROJECT,
        destination=spec.destination,
        source=source,
        source_values=source_values,
        location=at,
    )


def _source(spec: _Spec, location: SourceLocation) -> tuple[Values, SourceLocation]:
    """Choose the source with a plugin; the only source may get its plugin from Git yet."""
    sources = [(source, location.inner("sources", index)) for index, source in enumerate(spec.sources)]
    if not sources and spec.source is not None:
        sources = [(spec.source, location.inner("source"))]
    with_plugin = [(source, at) for source, at in sources if "plugin" in source]
    if len(with_plugin) > 1:
        raise ConfigError(
            "several sources of this Application have a plugin", file=location.place, hint="cmp renders one"
        )
    if not with_plugin and len(sources) != 1:
        raise without_plugin(location)
    return (with_plugin or sources)[0]


def without_plugin(location: SourceLocation) -> ConfigError:
    """Return the error for an Application that no plugin renders."""
    return ConfigError(
        "no source of this Application has a plugin",
        file=location.place,
        hint="cmp renders a source with `plugin: {name: cmp}`",
    )
