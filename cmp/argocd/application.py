"""An Application: the parts of it that count for a render, and the mistakes that the API server would refuse.

Any other key may stand beside these.  Source: argoproj/argo-cd 3.6, pkg/apis/application/v1alpha1/types.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.shapes import MANIFEST, TEXT
from cmp.argocd.source import SOURCE, LocatedSource, Source, located
from cmp.errors import ConfigError
from cmp.schema.json_node import Json, JsonNode
from cmp.schema.spec import Converted, Items, Keys, check
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from cmp.schema.json_node import SourceLocation

    Values = dict[str, object]

CONTROL_PLANE = "argocd"  # Argo CD's own namespace, which no checkout knows: this is that of its manifests
DEFAULT_PROJECT = "default"
IN_CLUSTER, IN_CLUSTER_SERVER = "in-cluster", "https://kubernetes.default.svc"  # the cluster that Argo CD runs in


class Destination(NamedTuple):
    """The namespace that an Application's objects go to, and the name or the address of their cluster."""

    namespace: str = ""
    name: str = ""
    server: str = ""


class Application(NamedTuple):
    """An Application, as the repo-server is asked for one of its sources: `source`, with its JSON and its place.

    `sources` are all that it has, in order, `source` among them.  `place` is that of its spec.
    """

    name: str
    namespace: str
    project: str
    destination: Destination
    source: Source
    source_values: Values
    location: SourceLocation
    sources: tuple[LocatedSource, ...] = ()
    place: str = ""

    @property
    def instance_name(self) -> str:
        """The name that Argo CD tells plugins: `<namespace>_<name>` outside its own namespace."""
        return self.name if self.namespace in ("", CONTROL_PLANE) else f"{self.namespace}_{self.name}"

    def of(self, one: LocatedSource) -> Application:
        """Return the Application as the repo-server is asked for another one of its sources."""
        return self._replace(source=one.source, source_values=one.values, location=one.location)


class _Metadata(NamedTuple):
    name: str
    namespace: str = ""


class _Spec(NamedTuple):
    """The spec of an Application; the sources are JSON, which `sources_of` reads."""

    project: str
    destination: Destination
    source: object = None
    sources: object = None
    source_hydrator: object = None


class _Manifest(NamedTuple):
    metadata: _Metadata
    spec: _Spec


_AS_TEXT = Converted(Json(), lambda value, _: str(value or ""))  # the API server checks these, and cmp does not

SPEC = {
    "project": TEXT,
    "destination": Keys({"namespace": TEXT, "name": _AS_TEXT, "server": _AS_TEXT}, Destination, is_open=True),
    "source": Json(SOURCE),
    "sources": Items("a list", Json(SOURCE)),
    "sourceHydrator": Json(Keys({"drySource": Json(SOURCE)}, dict[str, object], is_open=True)),
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
    """Return an object as the Application that it is, asked for its first source.

    ConfigError with all that the API server would refuse about it, or when it has no source.
    """
    node = JsonNode(value, location)
    if problems := check(_APPLICATION, node, MANIFEST):
        raise ConfigError.of(problems, hint="the API server would refuse this Application")
    metadata, spec = _APPLICATION.build(node)
    at = location.inner("spec")
    sources = tuple(located(source, at.inner(*keys)) for source, keys in sources_of(mapping(value["spec"])))
    if not sources:
        raise ConfigError("this Application has no source", file=at.place)
    first = sources[0]
    return Application(
        name=metadata.name,
        namespace=metadata.namespace,
        project=spec.project or DEFAULT_PROJECT,
        destination=spec.destination,
        source=first.source,
        source_values=first.values,
        location=first.location,
        sources=sources,
        place=at.place,
    )


def sources_of(spec: Values) -> list[tuple[Values, tuple[str | int, ...]]]:
    """Return the sources that Argo CD renders, and the keys that lead to each.

    These are `sources`, else `source`; with a source hydrator it is the dry source, which has a plugin since Argo CD
    3.3: what Argo CD applies then comes from a branch with rendered manifests.
    """
    if spec.get("sourceHydrator"):
        found: list[tuple[object, tuple[str | int, ...]]] = [
            (mapping(spec["sourceHydrator"]).get("drySource"), ("sourceHydrator", "drySource"))
        ]
    elif isinstance(several := spec.get("sources"), list) and several:
        found = [(source, ("sources", index)) for index, source in enumerate(several)]
    else:
        found = [(spec.get("source"), ("source",))]
    return [(source, keys) for source, keys in found if isinstance(source, dict)]


def for_plugin(application: Application) -> Application:
    """Return the Application asked for the source that a plugin renders; the only source may get its plugin from Git.

    ConfigError when it has no such source, or several, and for a source that no plugin can render.
    """
    place = application.place
    with_plugin = [one for one in application.sources if one.source.plugin is not None]
    if len(with_plugin) > 1:
        raise ConfigError("several sources of this Application have a plugin", file=place, hint="cmp renders one")
    if not with_plugin and len(application.sources) != 1:
        raise without_plugin(place)
    chosen = application.of((with_plugin or application.sources)[0])
    require_folder(chosen)
    return chosen


def require_folder(application: Application) -> None:
    """ConfigError for a source that no plugin can render."""
    source, at = application.source, application.location
    if source.chart or not source.path:
        what = "a chart of a Helm repository" if source.chart else "no path"
        raise ConfigError(f"the source has {what}: a plugin renders a folder of a Git repository", file=at.place)


def without_plugin(place: str) -> ConfigError:
    """Return the error for an Application that no plugin renders."""
    return ConfigError(
        "no source of this Application has a plugin",
        file=place,
        hint="cmp renders a source with `plugin: {name: cmp}`",
    )
