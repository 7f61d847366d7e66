"""The plugin parameters that an Application sets for one render: read by name, never handed on as variables.

`ARGOCD_APP_PARAMETERS` holds `spec.source.plugin.parameters` as JSON.  Only without it are its copies `PARAM_*` read,
whose names are mangled.  For what neither sets, `ARGOCD_ENV_*` (`spec.source.plugin.env`) is looked at by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError, suggestion
from cmp.model import Parameters

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    Value = str | list[str] | dict[str, str]
    Values = dict[str, Value]

VARIABLE = "ARGOCD_APP_PARAMETERS"
TEXT, ARRAY, MAP = "string", "array", "map"


class Parameter(NamedTuple):
    """A parameter that an Application may set; `title` and `help` are for the form in Argo CD's UI."""

    name: str
    kind: str
    title: str
    help: str


ALL = (
    Parameter("cluster", TEXT, "Cluster", "The cluster by its name in the repository, such as dev-cluster."),
    Parameter(
        "values",
        ARRAY,
        "More values files",
        "Paths or patterns from the repository's root, inside the application's own folders or of layout.shared, "
        "such as namespaces/shop/canary.yaml; the last one wins, and all win over the layout's.",
    ),
    Parameter(
        "values-yaml",
        TEXT,
        "Values as YAML, on one line",  # the form has no field of several lines, and would join what is changed in it
        "Values as a YAML text, stronger than all files, such as {image: {tag: 1.4.2}, replicas: 3}.",
    ),
    Parameter(
        "set",
        MAP,
        "Set values",
        "As helm --set: a key such as image.tag and its value, in which $ARGOCD_APP_REVISION and the like are "
        "replaced; stronger than files and YAML.",
    ),
    Parameter(
        "set-string",
        MAP,
        "Set text values",
        "As helm --set-string, for texts that look like something else, such as image.tag and 1.10.",
    ),
    Parameter(
        "set-template",
        MAP,
        "Set values with placeholders",
        "As set, with {cluster}, {app}, {namespace}, {release} and the cluster's facts filled in, such as host and "
        "{app}.{cluster}.example.com; {{name}} stays.",
    ),
    Parameter(
        "release", TEXT, "Release name", "The name of the Helm release, such as shop; another one makes other objects."
    ),
    Parameter("helm-version", TEXT, "Helm version", "An exact version such as 3.18.6 that the sidecar has."),
    Parameter(
        "kustomize-version",
        TEXT,
        "Kustomize version",
        "An exact version such as 5.8.2 that the sidecar has, for an application that kustomize builds.",
    ),
    Parameter(
        "cue-version",
        TEXT,
        "CUE version",
        "An exact version such as 0.17.1 that the sidecar has, for an application that cue exports.",
    ),
    Parameter(
        "helmfile-version",
        TEXT,
        "Helmfile version",
        "An exact version such as 1.8.0 that the sidecar has, for an application that helmfile renders.",
    ),
    Parameter(
        "environment",
        TEXT,
        "Helmfile environment",
        "The environment of the helmfile, such as prod, for an application that helmfile renders.",
    ),
    Parameter(
        "images",
        ARRAY,
        "Kustomize images",
        "Other images, as `kustomize edit set image` takes them, such as shop=registry.example/shop:1.4.2, for an "
        "application that kustomize builds.",
    ),
)
KINDS: Mapping[str, str] = {parameter.name: parameter.kind for parameter in ALL}
PINNED = tuple(name.removesuffix("-version") for name in KINDS if name.endswith("-version"))
NOUNS = {TEXT: "a string", ARRAY: "an array of strings", MAP: "a map of strings"}


def read(env: Mapping[str, str]) -> Parameters:
    """Return the parameters; ConfigError for those that there are not, or that have the wrong shape, all at once."""
    parameters, mistakes = sift(env)
    if mistakes:
        raise ConfigError("; ".join(mistakes))
    return parameters


def sift(env: Mapping[str, str]) -> tuple[Parameters, list[str]]:
    """Return the parameters that are right, and sentences about the others."""
    mistakes: list[str] = []
    text = env.get(VARIABLE, "").strip()
    given = _copies(env, mistakes) if text in ("", "null") else _announced(text, mistakes)
    fallback = _variables(env, mistakes)
    cluster, other = given.get("cluster"), fallback.get("cluster")
    if cluster and other and cluster != other:
        mistakes.append(
            f"two clusters are asked for: {cluster} by the parameter cluster, {other} by ARGOCD_ENV_CLUSTER"
        )
    return _parameters({**fallback, **{name: value for name, value in given.items() if value}}), mistakes


def merge(weaker: Parameters, stronger: Parameters) -> Parameters:
    """Lay the stronger over the weaker: texts replace, lists append, maps merge (the stronger keys come last).

    A key of the stronger one replaces that key in all three maps: helm takes `--set-string` for stronger than `--set`.
    """
    keys = {key for key, _ in stronger.set_pairs}
    return Parameters(
        cluster=stronger.cluster or weaker.cluster,
        release=stronger.release or weaker.release,
        namespace=stronger.namespace or weaker.namespace,
        values_files=(*weaker.values_files, *stronger.values_files),
        values_yaml=stronger.values_yaml or weaker.values_yaml,
        set_values=(*_without(keys, weaker.set_values), *stronger.set_values),
        set_strings=(*_without(keys, weaker.set_strings), *stronger.set_strings),
        set_templates=(*_without(keys, weaker.set_templates), *stronger.set_templates),
        tool_versions={**weaker.tool_versions, **stronger.tool_versions},
        kube_version=stronger.kube_version or weaker.kube_version,
        api_versions=stronger.api_versions or weaker.api_versions,
        images=(*weaker.images, *stronger.images),
        environment=stronger.environment or weaker.environment,
    )


def _without(keys: Collection[str], pairs: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    return (pair for pair in pairs if pair[0] not in keys)


def _parameters(given: Values) -> Parameters:
    """Leave out empty rows: the form saves one for every row that somebody added and did not fill."""

    def text(name: str) -> str:
        value = given.get(name)
        return value if isinstance(value, str) else ""

    def pairs(name: str) -> tuple[tuple[str, str], ...]:
        value = given.get(name)
        return tuple((key, item) for key, item in value.items() if key) if isinstance(value, dict) else ()

    def texts(name: str) -> tuple[str, ...]:
        value = given.get(name)
        return tuple(text for text in value if text.strip()) if isinstance(value, list) else ()

    return Parameters(
        cluster=text("cluster"),
        release=text("release"),
        values_files=texts("values"),
        values_yaml=text("values-yaml"),
        set_values=pairs("set"),
        set_strings=pairs("set-string"),
        set_templates=pairs("set-template"),
        tool_versions={tool: text(f"{tool}-version") for tool in PINNED if text(f"{tool}-version")},
        images=texts("images"),
        environment=text("environment"),
    )


def _announced(text: str, mistakes: list[str]) -> Values:
    """Read the JSON: an array of `{"name": …}` with one of `string`, `array` and `map`."""
    given: Values = {}
    for element in _elements(text, mistakes):
        name = element.get("name")
        if isinstance(name, str) and name in given:
            mistakes.append(f"the parameter {name} is given twice")
        elif mistake := _mistake(name, element):
            mistakes.append(mistake)
        elif isinstance(name, str) and (value := _of_kind(KINDS[name], element.get(KINDS[name]))) is not None:
            given[name] = value
    return given


def _elements(text: str, mistakes: list[str]) -> list[dict[str, object]]:
    import json  # noqa: PLC0415  # 5 ms, and most Applications set nothing

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        mistakes.append(f"{VARIABLE} is not JSON")
        return []
    if not isinstance(document, list) or not all(isinstance(element, dict) for element in document):
        mistakes.append(f"{VARIABLE} is not an array of objects")
        return []
    return document


def _mistake(name: object, element: Mapping[str, object]) -> str:
    """Describe the mistake of an element, if it has one.

    A value of another kind may stand beside that of the parameter's own: repo-server lays the entries of
    `.argocd-source*.yaml` over those of the Application by position, whatever their names are.
    """
    if not isinstance(name, str):
        return f"a parameter in {VARIABLE} has no name"
    if name not in KINDS:
        return f"unknown parameter `{name.encode('unicode_escape').decode()}`; {suggestion(name, KINDS)}"
    kind = KINDS[name]
    value = element.get(kind)
    others = [other for other in NOUNS if other != kind and element.get(other) is not None]
    if value is None:
        return f"the parameter {name} must be {NOUNS[kind]}, not {NOUNS[others[0]]}" if others else ""
    if _of_kind(kind, value) is None:
        return f"the parameter {name} must be {NOUNS[kind]}"
    return f"the parameter {name} has a value without a key" if isinstance(value, dict) and value.get("") else ""


def _of_kind(kind: str, value: object) -> Value | None:
    """Return a value as one of this kind; None when it is of another."""
    if kind == TEXT:
        return value if isinstance(value, str) else None
    if kind == ARRAY:
        return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else None
    return value if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()) else None


def _copies(env: Mapping[str, str], mistakes: list[str]) -> Values:
    """Read `PARAM_<NAME>` and `PARAM_<NAME>_<index>`; not a map, whose keys these names do not tell."""
    if any(name.startswith("PARAM_SET_") for name in env):
        maps = "set, set-string and set-template"
        mistakes.append(f"PARAM_SET_* does not tell the keys of {maps}, and {VARIABLE} is not set")
    texts = {name: env.get(f"PARAM_{_mangled(name)}", "") for name, kind in KINDS.items() if kind == TEXT}
    lists = {name: _numbered(env, f"PARAM_{_mangled(name)}_") for name, kind in KINDS.items() if kind == ARRAY}
    return {**texts, **lists}


def _numbered(env: Mapping[str, str], prefix: str) -> list[str]:
    numbers = [name.removeprefix(prefix) for name in env if name.startswith(prefix)]
    return [env[f"{prefix}{number}"] for number in sorted((n for n in numbers if n.isdecimal()), key=int)]


def _variables(env: Mapping[str, str], mistakes: list[str]) -> Values:
    """Read `ARGOCD_ENV_<NAME>`; an array has one element a line, a map one `key=value` a line."""
    given: Values = {}
    for name, kind in KINDS.items():
        variable = f"ARGOCD_ENV_{_mangled(name)}"
        text = env.get(variable, "")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if kind == MAP and any(line.find("=") < 1 for line in lines):
            mistakes.append(f"{variable} must have one key=value a line")
        elif lines:
            given[name] = _of_lines(kind, text, lines)
    return given


def _of_lines(kind: str, text: str, lines: list[str]) -> Value:
    if kind == MAP:
        return {key: value for key, _, value in (line.partition("=") for line in lines)}
    return lines if kind == ARRAY else text


def _mangled(name: str) -> str:
    return name.upper().replace("-", "_")
