"""What one kustomization names: the keys under which it has paths, addresses and YAML, and how kustomize reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Map = dict[str, object]
Path = tuple[str | int, ...]

PLUGINS = ("generators", "transformers", "validators")
# Lists of paths; an entry may also be a folder, an address or, for some, the YAML itself.
PATHS = ("resources", "bases", "components", "crds", "configurations", *PLUGINS, "patchesStrategicMerge")
RECORDS = ("patches", "patchesJson6902", "replacements")  # lists of maps that may have a `path`
GENERATORS = ("configMapGenerator", "secretGenerator")
VALUES_OF_CHARTS = {
    "helmCharts": ("valuesFile", "additionalValuesFiles"),
    "helmChartInflationGenerator": ("values",),
}
CHARTS = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
_KEYS = (*PATHS, *RECORDS, *GENERATORS, *CHARTS, "openapi", "generatorOptions")
_REMOTE = re.compile(
    r"[a-z][a-z0-9+.-]*::?//|[a-z][a-z0-9+.-]*::|[\w.-]+@[\w.-]+:|(?:github\.com|gitlab\.com|bitbucket\.org)[/:]|[^?]*\?(?:\w+=[^&]*&)*ref=",
    re.IGNORECASE,
)


class Use(NamedTuple):
    """A path, an address or YAML as a kustomization has it, the key it stands under, and its line.

    `path` (relative to the root) and `kind` say what it leads to: `file`, `folder`, `other`, `missing` or `remote`;
    both are empty for YAML that stands there itself.
    """

    text: str
    key: str
    place: str
    path: str = ""
    kind: str = ""


def is_inline(text: str) -> bool:
    """Say whether a text is YAML and no path."""
    return "\n" in text or text.lstrip().startswith("{")


def is_remote(text: str) -> bool:
    """Say whether kustomize would take a text for an address."""
    return _REMOTE.match(text) is not None


def of(value: Map, file: str, lines: Mapping[Path, int]) -> Iterator[Use]:
    """Yield everything that a kustomization names, with the line of the entry that names it."""
    for path, text in (*_listed(value), *_of_records(value), *_of_generators(value)):
        if isinstance(text, str) and text:
            yield Use(text, str(path[0]), place(path, file, lines))


def require_exact_keys(value: Map, file: str, lines: Mapping[Path, int]) -> None:
    """ConfigError for `Resources`: kustomize takes it for `resources` (encoding/json does), hardly a reader does."""
    known = {key.casefold(): key for key in _KEYS}
    for key in value:
        meant = known.get(key.casefold(), key)
        if meant != key:
            raise ConfigError(
                f"the key {key} of this kustomization is written {meant}", file=place((key,), file, lines)
            )


def place(path: Path, file: str, lines: Mapping[Path, int]) -> str:
    """Return `file:line` of an entry, or of what it stands in."""
    line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 0)
    return f"{file}:{line}" if line else file


def items(value: Map, key: str) -> Iterator[tuple[Path, Any]]:
    """Yield the items of a list, each with its path."""
    found = value.get(key)
    yield from (((key, index), item) for index, item in enumerate(found if isinstance(found, list) else ()))


def field(item: Map, name: str) -> object:
    """Return a field as Go reads it: whatever the case of its name, and the last one of several."""
    return next((item[key] for key in reversed(item) if key.casefold() == name.casefold()), None)


def texts(value: object) -> Iterator[str]:
    """Yield the texts of a list, or the one that stands in its place."""
    yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))


def of_generator(item: Map) -> Iterator[str]:
    """Yield the files of an entry of `configMapGenerator` or `secretGenerator`."""
    yield from (text.rpartition("=")[2] for text in texts(field(item, "files")))
    yield from (text for name in ("envs", "env") for text in texts(field(item, name)))


def _listed(value: Map) -> Iterator[tuple[Path, object]]:
    for key in PATHS:
        yield from items(value, key)
    openapi = value.get("openapi")
    yield ("openapi",), field(openapi, "path") if isinstance(openapi, dict) else None


def _of_records(value: Map) -> Iterator[tuple[Path, object]]:
    for key in RECORDS:
        yield from ((path, field(item, "path")) for path, item in items(value, key) if isinstance(item, dict))
    for key, names in VALUES_OF_CHARTS.items():
        for path, item in items(value, key):
            for name in names if isinstance(item, dict) else ():
                yield from ((path, text) for text in texts(field(item, name)))


def _of_generators(value: Map) -> Iterator[tuple[Path, object]]:
    for key in GENERATORS:
        for path, item in items(value, key):
            yield from ((path, text) for text in of_generator(item)) if isinstance(item, dict) else ()
