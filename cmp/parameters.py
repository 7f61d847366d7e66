"""What an Argo CD Application sets for one render: read by name, never handed on as variables.

`ARGOCD_APP_PARAMETERS` holds `spec.source.plugin.parameters` as JSON.  Only without it are its copies `PARAM_*` read,
whose names are mangled.  For what neither sets, `ARGOCD_ENV_*` (`spec.source.plugin.env`) is looked at by name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.errors import ConfigError, suggestion
from cmp.model import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    Value = str | list[str] | dict[str, str]
    Values = dict[str, Value]

VARIABLE = "ARGOCD_APP_PARAMETERS"
TEXT, ARRAY, MAP = "string", "array", "map"


class Parameter(NamedTuple):
    """What an Application may set; `title` and `help` are for the form in Argo CD's UI."""

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
        "Paths or patterns from the repository's root, inside the application's own folders, such as "
        "namespaces/shop/canary.yaml; the last one wins, and all win over the layout's.",
    ),
    Parameter("values-yaml", TEXT, "Values as YAML", "Values as a YAML text, stronger than all files."),
    Parameter(
        "set",
        MAP,
        "Set values",
        "As helm --set: a key such as image.tag and its value, which may use {cluster}, {app}, {namespace}, {release} "
        "and the cluster's facts; stronger than files and YAML.",
    ),
    Parameter("set-string", MAP, "Set text values", "As helm --set-string: 1.10 and true stay texts."),
    Parameter("release", TEXT, "Release name", "The name of the Helm release."),
    Parameter("helm-version", TEXT, "Helm version", "An exact version such as 3.18.6 that the sidecar has."),
    Parameter(
        "kustomize-version",
        TEXT,
        "Kustomize version",
        "An exact version such as 5.7.1 that the sidecar has, for an application that kustomize builds.",
    ),
)
KINDS: Mapping[str, str] = {parameter.name: parameter.kind for parameter in ALL}
NOUNS = {TEXT: "a string", ARRAY: "an array of strings", MAP: "a map of strings"}


def read(env: Mapping[str, str]) -> Parameters:
    """Return what the Application sets; ConfigError for what it cannot set, or sets in the wrong shape."""
    text = env.get(VARIABLE, "").strip()
    given = _copies(env) if text in ("", "null") else _announced(text)
    fallback = _variables(env)
    one, other = given.get("cluster"), fallback.get("cluster")
    if one and other and one != other:
        raise ConfigError(f"two clusters are asked for: {one} by the parameter cluster, {other} by ARGOCD_ENV_CLUSTER")
    return _parameters({**fallback, **{name: value for name, value in given.items() if value}})


def merge(weaker: Parameters, stronger: Parameters) -> Parameters:
    """Lay the stronger over the weaker: texts replace, `values` append, maps merge (the stronger keys come last)."""
    return Parameters(
        cluster=stronger.cluster or weaker.cluster,
        release=stronger.release or weaker.release,
        namespace=stronger.namespace or weaker.namespace,
        values=(*weaker.values, *stronger.values),
        values_yaml=stronger.values_yaml or weaker.values_yaml,
        set=_over(weaker.set, stronger.set),
        set_string=_over(weaker.set_string, stronger.set_string),
        pins={**weaker.pins, **stronger.pins},
        kube_version=stronger.kube_version or weaker.kube_version,
        api_versions=stronger.api_versions or weaker.api_versions,
    )


def expand(parameters: Parameters, known: Mapping[str, str], facts: Collection[str], whose: str) -> Parameters:
    """Fill `{name}` in the values of `set` and `set-string`.

    Braces around anything else stay: `{a}` is Helm's list.  ConfigError for one of the `facts` (those of any cluster)
    that is not known of this one.
    """

    def fill(name: str, key: str, value: str) -> str:
        def replace(found: re.Match[str]) -> str:
            if found[1] in known:
                return known[found[1]]
            if found[1] in facts:
                raise ConfigError(f"{{{found[1]}}} in the value of {name} {key} is not known {whose}")
            return found[0]

        return re.sub(r"\{(\w+)\}", replace, value) if "{" in value else value

    return parameters._replace(
        set=tuple((key, fill("set", key, value)) for key, value in parameters.set),
        set_string=tuple((key, fill("set-string", key, value)) for key, value in parameters.set_string),
    )


def _over(weaker: tuple[tuple[str, str], ...], stronger: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    replaced = {key for key, _ in stronger}
    return (*((key, value) for key, value in weaker if key not in replaced), *stronger)


def _parameters(found: Values) -> Parameters:
    def text(name: str) -> str:
        value = found.get(name)
        return value if isinstance(value, str) else ""

    def pairs(name: str) -> tuple[tuple[str, str], ...]:
        value = found.get(name)
        return tuple(value.items()) if isinstance(value, dict) else ()

    values = found.get("values")
    return Parameters(
        cluster=text("cluster"),
        release=text("release"),
        values=tuple(values) if isinstance(values, list) else (),
        values_yaml=text("values-yaml"),
        set=pairs("set"),
        set_string=pairs("set-string"),
        pins={tool: text(f"{tool}-version") for tool in ("helm", "kustomize") if text(f"{tool}-version")},
    )


def _announced(text: str) -> Values:
    """Read the JSON: an array of `{"name": …}` with one of `string`, `array` and `map`."""
    import json  # noqa: PLC0415  # 5 ms, and most Applications set nothing

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError(f"{VARIABLE} is not JSON") from None
    if not isinstance(document, list) or not all(isinstance(element, dict) for element in document):
        raise ConfigError(f"{VARIABLE} is not an array of objects")
    names = [element.get("name") for element in document]
    if not all(isinstance(name, str) for name in names):
        raise ConfigError(f"a parameter in {VARIABLE} has no name")
    if unknown := [name for name in names if name not in KINDS]:
        raise ConfigError("; ".join(_unknown(name) for name in unknown))
    found: Values = {}
    for name, element in zip(names, document, strict=True):
        if name in found:
            raise ConfigError(f"the parameter {name} is given twice")
        value = _value(name, element)
        if value is not None:
            found[name] = value
    return found


def _unknown(name: str) -> str:
    return f"unknown parameter `{name.encode('unicode_escape').decode()}`; {suggestion(name, KINDS)}"


def _value(name: str, element: Mapping[str, object]) -> Value | None:
    """Return the value of the parameter's own kind.

    One of another kind may stand beside it: repo-server lays the entries of `.argocd-source*.yaml` over those of the
    Application by position, whatever their names are.
    """
    kind = KINDS[name]
    value = element.get(kind)
    others = [other for other in NOUNS if other != kind and element.get(other) is not None]
    if value is None and others:
        raise ConfigError(f"the parameter {name} must be {NOUNS[kind]}, not {NOUNS[others[0]]}")
    if value is not None and not _is_a(kind, value):
        raise ConfigError(f"the parameter {name} must be {NOUNS[kind]}")
    return cast("Value | None", value)


def _is_a(kind: str, value: object) -> bool:
    if kind == TEXT:
        return isinstance(value, str)
    if kind == ARRAY:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _copies(env: Mapping[str, str]) -> Values:
    """Read `PARAM_<NAME>` and `PARAM_<NAME>_<index>`; ConfigError for a map, whose keys these names do not tell."""
    if any(name.startswith("PARAM_SET_") for name in env):
        raise ConfigError(f"PARAM_SET_* does not tell the keys of set and set-string, and {VARIABLE} is not set")
    texts = {name: env.get(f"PARAM_{_mangled(name)}", "") for name, kind in KINDS.items() if kind == TEXT}
    return {**texts, "values": _numbered(env, "PARAM_VALUES_")}


def _numbered(env: Mapping[str, str], prefix: str) -> list[str]:
    numbers = [name.removeprefix(prefix) for name in env if name.startswith(prefix)]
    return [env[f"{prefix}{number}"] for number in sorted((n for n in numbers if n.isdecimal()), key=int)]


def _variables(env: Mapping[str, str]) -> Values:
    """Read `ARGOCD_ENV_<NAME>`; an array has one element a line, a map one `key=value` a line."""
    found: Values = {}
    for name, kind in KINDS.items():
        text = env.get(f"ARGOCD_ENV_{_mangled(name)}", "")
        if text.strip():
            found[name] = _READERS[kind](f"ARGOCD_ENV_{_mangled(name)}", text)
    return found


def _lines(_: str, text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _map(variable: str, text: str) -> dict[str, str]:
    found = {}
    for line in _lines(variable, text):
        key, equals, value = line.partition("=")
        if not key or not equals:
            raise ConfigError(f"{variable} must have one key=value a line")
        found[key] = value
    return found


_READERS: Mapping[str, Callable[[str, str], Value]] = {TEXT: lambda _, text: text, ARRAY: _lines, MAP: _map}


def _mangled(name: str) -> str:
    return name.upper().replace("-", "_")
