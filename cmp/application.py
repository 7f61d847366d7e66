"""An Argo CD Application as a file: what Argo CD would tell the plugin that renders it.

Source: argoproj/argo-cd, reposerver/repository/repository.go (`newEnv`, `getPluginParamEnvs`, `mergeSourceParameters`)
and `Env.Envsubst`.  repo-server merges the files `.argocd-source*.yaml` of the source path into the source before it
calls a plugin, so that only who reads an Application has to do that.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple, cast

from cmp import yamldoc
from cmp.errors import ConfigError, suggestion
from cmp.model import BuildEnv
from cmp.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Values = dict[str, object]

CONTROL_PLANE = "argocd"  # Applications elsewhere are called `<namespace>_<name>`
DEFAULT_PROJECT = "default"
OVERRIDES = ".argocd-source.yaml"
OVERRIDES_OF_ONE = ".argocd-source-{name}.yaml"
_KEPT = ("chart", "path", "repoURL", "targetRevision")  # no file of the repository overrides these
# As Go's os.Expand: `${` without an end is eaten, and `$` before anything else stays.
_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|(\{)|([*#$@!?0-9-])|([A-Za-z_][A-Za-z0-9_]*))")


class Application(NamedTuple):
    """One Application of a file; `place` is the file, with the line where the Application begins."""

    place: str
    name: str
    namespace: str
    project: str
    source: Values
    destination: str

    @property
    def instance_name(self) -> str:
        """What Argo CD calls it towards plugins."""
        return self.name if self.namespace in ("", CONTROL_PLANE) else f"{self.namespace}_{self.name}"

    @property
    def path(self) -> str:
        """The source path, from the root of the repository."""
        return cast("str", self.source["path"])


def find(data: bytes, file: str, name: str) -> Application:
    """Return the Application of this name, or the only one (no name), of a file with documents and lists of any kind.

    ConfigError, with the file's line, when there is none, when there are several, or for one that no plugin renders.
    """
    found = list(_applications(data, file))
    chosen = [one for one in found if name in ("", one[1])]
    if len(chosen) == 1:
        return _application(*chosen[0])
    names = sorted(one[1] for one in found)
    if not names:
        raise ConfigError("there is no Application in this file", file=file, hint=_hint(data))
    if not chosen:
        raise ConfigError(f"there is no Application {name} in this file", file=file, hint=suggestion(name, names))
    if name:
        raise ConfigError(f"there are {len(chosen)} Applications {name} in this file", file=file)
    raise ConfigError(
        f"there are {len(names)} Applications in this file", file=file, hint=f"choose by --name: {', '.join(names)}"
    )


def overridden(application: Application, read: Callable[[str], bytes | None]) -> Application:
    """Merge the files `.argocd-source*.yaml` beside the application into its source, as repo-server does.

    That is a merge patch, decoded over what was there before: null removes nothing, and the entries of a list are laid
    over the earlier ones in the same place.  `read` returns the content of a file of the repository, or None.
    ConfigError for one that cannot be merged.
    """
    merged: object = application.source
    for name in (OVERRIDES, OVERRIDES_OF_ONE.format(name=application.instance_name)):
        file = join("" if application.path == "." else application.path, name)
        data = read(file)
        if data is not None:
            merged = _decoded_over(merged, merge_patch(merged, _patch(data, file)))
            if not isinstance(merged, dict) or not isinstance(merged.get("plugin"), dict):
                raise ConfigError("merged into the Application's source, this leaves it without a plugin", file=file)
    assert isinstance(merged, dict)  # noqa: S101  # it began as one
    kept = {key: application.source[key] for key in _KEPT if key in application.source}
    source = {**{key: value for key, value in merged.items() if key not in _KEPT}, **kept}
    return application._replace(source=source)


def build_env(application: Application, revision: str) -> BuildEnv:
    """Return what Argo CD would say; the Kubernetes version is not known to a file.  ConfigError names a wrong type."""
    source = application.source
    return BuildEnv(
        app_name=application.instance_name,
        app_namespace=application.destination,
        project=application.project or DEFAULT_PROJECT,
        revision=revision,
        repo_url=_text(source, "repoURL", application.place),
        source_path=application.path,
        target_revision=_text(source, "targetRevision", application.place),
    )


def plugin_env(application: Application, env: BuildEnv) -> dict[str, str]:
    """Return the variables that carry `plugin.env` and `plugin.parameters`; ConfigError names a wrong type."""
    plugin = cast("Values", application.source["plugin"])
    parameters = _maps(plugin.get("parameters"), "parameters", application.place)
    known = _variables(env)
    found = {"ARGOCD_APP_PARAMETERS": json.dumps(parameters) if parameters else "null"}
    for entry in _maps(plugin.get("env"), "env", application.place):
        name, value = _text(entry, "name", application.place), _text(entry, "value", application.place)
        found[f"ARGOCD_ENV_{name}"] = substitute(value, known)
    return found


def asks_for_revision(application: Application) -> bool:
    """Whether a value of `plugin.env` uses the commit, which costs a look into the repository."""
    plugin = cast("Values", application.source["plugin"])
    entries = _maps(plugin.get("env"), "env", application.place)
    return any("ARGOCD_APP_REVISION" in str(entry.get("value", "")) for entry in entries)


def substitute(text: str, known: Mapping[str, str]) -> str:
    """Replace `$NAME` and `${NAME}`, unknown ones by nothing, and `$$` by `$`, as Argo CD does."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[3] or found[4] or ""
        return "$" if name == "$" else known.get(name, "")

    return _VARIABLE.sub(value, text)


def merge_patch(target: object, patch: object) -> object:
    """Apply a JSON merge patch (RFC 7386): maps merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _decoded_over(before: object, value: object) -> object:
    """Lay a value over an earlier one as Go decodes JSON into what already has values."""
    if isinstance(before, dict) and isinstance(value, dict):
        return {**before, **{key: _decoded_over(before.get(key), item) for key, item in value.items()}}
    if isinstance(before, list) and isinstance(value, list):
        places = [*before, *([None] * len(value))]
        return [_decoded_over(one, other) for one, other in zip(places, value, strict=False)]
    return value


def _applications(data: bytes, file: str) -> Iterator[tuple[Values, str, str]]:
    """Yield each Application with its name and its place."""
    for document in _documents(data, file):
        for value in _expanded(document.value):
            if str(value.get("apiVersion", "")).startswith("argoproj.io/") and value.get("kind") == "Application":
                metadata = value.get("metadata")
                name = metadata.get("name") if isinstance(metadata, dict) else None
                yield value, str(name or ""), f"{file}:{document.line}"


def _expanded(value: object) -> Iterator[Values]:
    """Yield a map, or what a list of the kind that kubectl prints holds."""
    if isinstance(value, dict):
        items = value.get("items")
        if str(value.get("kind", "")).endswith("List") and isinstance(items, list):
            yield from (item for item in items if isinstance(item, dict))
        else:
            yield value


def _hint(data: bytes) -> str:
    if re.search(rb"(?m)^kind: *ApplicationSet\b", data):
        return "an ApplicationSet makes Applications: `argocd appset generate FILE --output yaml` prints them"
    return ""


def _application(value: Values, name: str, place: str) -> Application:
    spec = value.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    metadata = cast("Values", value["metadata"]) if name else {}
    destination = spec.get("destination")
    return Application(
        place=place,
        name=name,
        namespace=_text(metadata, "namespace", place),
        project=_text(spec, "project", place),
        source=_source(spec, place),
        destination=_text(destination if isinstance(destination, dict) else {}, "namespace", place),
    )


def _source(spec: Values, place: str) -> Values:
    several = spec.get("sources")
    sources = several if isinstance(several, list) and several else [spec.get("source")]
    found = [one for one in sources if isinstance(one, dict) and one.get("plugin") is not None]
    if len(found) != 1:
        what = f"{len(found)} sources with a plugin" if found else "no source with a plugin"
        raise ConfigError(f"this Application has {what}", file=place, hint="cmp renders a source that has one")
    source = found[0]
    if not isinstance(source["plugin"], dict):
        raise ConfigError("plugin must be a map", file=place)
    if not _text(source, "path", place):
        raise ConfigError("this Application's source has no path in a Git repository", file=place)
    return source


def _variables(env: BuildEnv) -> dict[str, str]:
    return {
        "ARGOCD_APP_NAME": env.app_name,
        "ARGOCD_APP_NAMESPACE": env.app_namespace,
        "ARGOCD_APP_PROJECT_NAME": env.project,
        "ARGOCD_APP_REVISION": env.revision,
        "ARGOCD_APP_REVISION_SHORT": env.revision[:7],
        "ARGOCD_APP_REVISION_SHORT_8": env.revision[:8],
        "ARGOCD_APP_SOURCE_REPO_URL": env.repo_url,
        "ARGOCD_APP_SOURCE_PATH": env.source_path,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": env.target_revision,
        "KUBE_VERSION": env.kube_version,
        "KUBE_API_VERSIONS": ",".join(env.api_versions),
    }


def _patch(data: bytes, file: str) -> object:
    documents = _documents(data, file)
    return documents[0].value if documents else None


def _documents(data: bytes, file: str) -> list[yamldoc.Document]:
    try:
        return yamldoc.parse(data)
    except yamldoc.YamlError as error:
        raise ConfigError(f"this is not YAML: {error.problem}", file=f"{file}:{error.line}:{error.column}") from None


def _text(values: Values, key: str, place: str) -> str:
    value = values.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{key} must be a string; put it in quotes", file=place)
    return value or ""


def _maps(value: object, key: str, place: str) -> list[Values]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ConfigError(f"plugin.{key} must be a list of maps", file=place)
    return value
