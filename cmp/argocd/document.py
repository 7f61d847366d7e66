"""The Applications of a file, and the one that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from cmp import yamldoc
from cmp.argocd.shape import APPLICATION, Spot, problems
from cmp.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    Values = dict[str, object]

GROUP = "argoproj.io/"
CONTROL_PLANE = "argocd"  # Argo CD's own namespace, which no checkout knows: this is that of its manifests
DEFAULT_PROJECT = "default"
OTHERS = ("helm", "kustomize", "directory")  # blocks of a source that exclude a plugin


class Application(NamedTuple):
    """An Application and the one source of it that a plugin renders, which is at `spot`."""

    name: str
    namespace: str
    project: str
    destination: str
    source: Values
    spot: Spot

    @property
    def instance_name(self) -> str:
        """What Argo CD calls it in front of plugins: `<namespace>_<name>` outside its own namespace."""
        return self.name if self.namespace in ("", CONTROL_PLANE) else f"{self.namespace}_{self.name}"

    @property
    def path(self) -> str:
        """The source path."""
        return str(self.source["path"])


class Found(NamedTuple):
    """An object in a file, and where it is."""

    value: Values
    spot: Spot

    @property
    def metadata(self) -> Values:
        metadata = self.value.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def names(self) -> tuple[str, str]:
        """The name, and that with the namespace in front."""
        name = str(self.metadata.get("name") or "")
        return name, f"{self.metadata.get('namespace') or CONTROL_PLANE}/{name}"


def find(data: bytes, file: str, name: str) -> Application:
    """Return the Application `NAME` or `NAMESPACE/NAME` of a file of documents and lists, or its only one (no name).

    ConfigError when that is none or several, and with all that the API server would refuse about it.
    """
    held = list(objects(data, file))
    found = [each for each in held if is_a("Application", each.value) or _is_bare(each.value)]
    if not found:
        has_set = any(is_a("ApplicationSet", each.value) for each in held)
        hint = "`argocd appset generate FILE -o yaml` prints the Applications of an ApplicationSet" if has_set else ""
        raise ConfigError("there is no Application in this file", file=file, hint=hint)
    chosen = [each for each in found if not name or name in each.names]
    if len(chosen) != 1:
        raise _ambiguous(found, chosen, file, name)
    return _application(*chosen[0])


def of(found: Found) -> Application:
    """Return an object as the Application that it is; ConfigError as for `find`."""
    return _application(*found)


def objects(data: bytes, file: str) -> Iterator[Found]:
    """Yield every object: documents, and items of lists as kubectl (`kind: List`) and argocd (no kind) print them."""
    for document in yamldoc.parse_file(data, file):
        value, spot = document.value, Spot(file, document)
        items = value.get("items") if isinstance(value, dict) and str(value.get("kind", "")).endswith("List") else value
        if isinstance(items, list):
            path = ("items",) if isinstance(value, dict) else ()
            inner = ((item, spot.inner(*path, index)) for index, item in enumerate(items))
            yield from (Found(item, at._replace(above=len(at.path))) for item, at in inner if isinstance(item, dict))
        elif isinstance(value, dict):
            yield Found(value, spot)


def is_a(kind: str, value: Values) -> bool:
    """Whether an object is an Argo CD object of that kind."""
    return str(value.get("apiVersion", "")).startswith(GROUP) and value.get("kind") == kind


def _is_bare(value: Values) -> bool:
    """Whether this is an Application of `argocd app get`, which leaves `apiVersion` and `kind` out."""
    spec = value.get("spec")
    return "kind" not in value and isinstance(spec, dict) and "destination" in spec


def _ambiguous(found: list[Found], chosen: list[Found], file: str, name: str) -> ConfigError:
    if not chosen:
        what = f"there is no Application {name} in this file"
        return ConfigError(what, file=file, hint=suggestion(name, (each.names[0] for each in found)))
    names = [each.names[0] for each in chosen]
    listed = sorted(each.names[names.count(each.names[0]) > 1] for each in chosen)
    what = f"there are {len(chosen)} Applications{name and f' {name}'} in this file"
    hint = f"choose by --name: {', '.join(listed)}" if len({*listed}) > 1 else "remove all but one of them"
    return ConfigError(what, file=file, hint=hint)


def _application(value: Values, spot: Spot) -> Application:
    if wrong := list(problems(value, APPLICATION, spot)):
        raise ConfigError.of(wrong, hint="the API server would refuse this Application")
    metadata, spec = cast("Values", value["metadata"]), cast("Values", value["spec"])
    destination = cast("Values", spec["destination"])
    source, at = _source(spec, spot.inner("spec"))
    if source.get("chart") or not source.get("path"):
        what = "a chart of a Helm repository" if source.get("chart") else "no path"
        raise ConfigError(f"the source has {what}: a plugin renders a folder of a Git repository", file=at.place)
    return Application(
        name=str(metadata["name"]),
        namespace=str(metadata.get("namespace", "")),
        project=str(spec["project"]) or DEFAULT_PROJECT,
        destination=str(destination.get("namespace", "")),
        source=source,
        spot=at,
    )


def _source(spec: Values, spot: Spot) -> tuple[Values, Spot]:
    """Choose the source with a plugin; the only source may get its plugin from Git yet."""
    several = cast("list[Values]", spec.get("sources") or [])
    sources = [(source, spot.inner("sources", index)) for index, source in enumerate(several)]
    if not sources and "source" in spec:
        sources = [(cast("Values", spec["source"]), spot.inner("source"))]
    found = [each for each in sources if "plugin" in each[0]]
    if len(found) > 1:
        raise ConfigError("several sources of this Application have a plugin", file=spot.place, hint="cmp renders one")
    if not found and len(sources) != 1:
        raise without_plugin(spot)
    return (found or sources)[0]


def without_plugin(spot: Spot) -> ConfigError:
    """Say that no plugin renders an Application."""
    return ConfigError(
        "no source of this Application has a plugin",
        file=spot.place,
        hint="cmp renders a source with `plugin: {name: cmp}`",
    )
