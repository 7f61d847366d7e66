r"""The options of an instance for helmfile: its environment, selectors and state values, placeholders filled.

State values become a values file: helmfile's flag `--state-values-set` cuts a value at its commas.  Keys and types are
those of helmfile 1.1.7 (pkg/maputil): `a.b[0]` is an element of a list, `a\.b` one key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from cmp.engines import placeholders
from cmp.engines.registry import HELM, HELMFILE, HelmfileOptions
from cmp.errors import ConfigError
from cmp.model import ToolPin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.model import Instance
    from cmp.yamldoc.access import Map

MAX_INDEX = 1000

_SEGMENT = re.compile(r"((?:\\.|[^.\\])+)(?:\.|$)")
_INDEXED = re.compile(r"([^\[\]]+)\[(\d+)\]")
_CONSTANTS = {"true": True, "false": False, "null": None}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})")


class FilledOptions(NamedTuple):
    """The options of one instance; `state_values` and `env` are texts by their keys and names.

    `file` is the name of the helmfile; empty where helmfile finds it by itself.
    """

    file: str
    environment: str
    selectors: tuple[str, ...]
    state_values: Mapping[str, str]
    env: Mapping[str, str]
    skip_crds: bool
    skip_tests: bool


def options_of(instance: Instance) -> FilledOptions:
    """Return the options; ConfigError for a placeholder that nothing fills."""
    written = HelmfileOptions(instance.options)
    environment = instance.parameters.environment or written.environment
    values, env = written.state_values, written.env
    return FilledOptions(
        file=_filled(written.file, "file", instance),
        environment=_filled(environment, "environment", instance),
        selectors=tuple(_filled(selector, "selectors", instance) for selector in written.selectors),
        state_values={key: _filled(value, f"stateValues: {key}", instance) for key, value in values.items()},
        env={name: _filled(text, f"env: {name}", instance) for name, text in env.items()},
        skip_crds=written.skip_crds,
        skip_tests=written.skip_tests,
    )


def _filled(text: str, option: str, instance: Instance) -> str:
    return placeholders.filled(text, f"`{HELMFILE}: {{{option}}}`", instance)


def helm_pin(instance: Instance) -> ToolPin:
    """Return the pin of the helm that helmfile runs."""
    version = HelmfileOptions(instance.options).helm_version
    return ToolPin(HELM, version, f"{HELMFILE}.helmVersion") if version else instance.pins[HELM]


def state_values(options: FilledOptions, instance: Instance) -> list[Map]:
    """Return the state values of the options, and those of parameters, which are stronger."""
    parameters = instance.parameters
    return [nested((), options.state_values.items()), nested(parameters.typed_pairs, parameters.set_strings)]


def nested(typed: Iterable[tuple[str, str]], texts: Iterable[tuple[str, str]]) -> Map:
    """Return values that are set by keys as nested maps and lists; ConfigError for keys that exclude each other."""
    values: Map = {}
    for key, text in typed:
        _set(values, key, _typed(text))
    for key, text in texts:
        _set(values, key, text)
    return values


def _typed(text: str) -> object:
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    return int(text) if _NUMBER.fullmatch(text) else text


def _set(values: Map, key: str, value: object) -> None:
    *parents, last = [re.sub(r"\\(.)", r"\1", segment[1]) for segment in _SEGMENT.finditer(key)] or [key]
    for parent in parents:
        container, index = _entry(values, parent, key)
        if container[index] is None:
            container[index] = {}
        values = container[index]
        if not isinstance(values, dict):
            raise _mismatch(key)
    container, index = _entry(values, last, key)
    container[index] = value


def _entry(values: Map, name: str, key: str) -> tuple[Any, str | int]:
    """Return the map or list in which a segment of a key has its value, and the value's index there, which exists."""
    element = _INDEXED.fullmatch(name)
    if not element:
        values.setdefault(name, None)
        return values, name
    items, index = values.setdefault(element[1], []), int(element[2])
    if not isinstance(items, list) or index > MAX_INDEX:
        raise _mismatch(key)
    items.extend([None] * (index + 1 - len(items)))
    return items, index


def _mismatch(key: str) -> ConfigError:
    return ConfigError(f"the key {key} of a state value does not fit the values that other keys set")
