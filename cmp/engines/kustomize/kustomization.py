"""One kustomization: the files, folders, addresses and YAML that its keys name, and the plugins that it configures.

KSOPS is read here; other generators, transformers and validators that are programs are refused.  kustomize itself runs
only plugins with `apiVersion: builtin`; its message about the others does not help their author.
Source of the KSOPS format: viaduct-ai/kustomize-sops.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from cmp import yamldoc
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp.system.tree import Tree
    from cmp.yamldoc.access import Map

Path = tuple[str | int, ...]

PLUGINS = ("generators", "transformers", "validators")
# Lists of paths; an entry may also be a folder, an address or, for some, inline YAML.
PATHS = ("resources", "bases", "components", "crds", "configurations", *PLUGINS, "patchesStrategicMerge")
PATCHES = ("patches", "patchesJson6902", "replacements")  # lists of maps that may have a `path`
GENERATORS = ("configMapGenerator", "secretGenerator")
CHART_VALUES = {
    "helmCharts": ("valuesFile", "additionalValuesFiles"),
    "helmChartInflationGenerator": ("values",),
}
CHART_KEYS = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
BUILTIN = "builtin"
KSOPS = ("viaduct.ai/v1", "ksops")
CHART_GENERATOR = "HelmChartInflationGenerator"
KSOPS_FILE = "the files of ksops"  # the key of a reference
_KEYS = (*PATHS, *PATCHES, *GENERATORS, *CHART_KEYS, "openapi", "generatorOptions")
_REMOTE = re.compile(
    r"[a-z][a-z0-9+.-]*::?//|[a-z][a-z0-9+.-]*::|[\w.-]+@[\w.-]+:|(?:github\.com|gitlab\.com|bitbucket\.org)[/:]|[^?]*\?(?:\w+=[^&]*&)*ref=",
    re.IGNORECASE,
)


class Reference(NamedTuple):
    """A path, an address or inline YAML in a kustomization, the key that it stands under, and its line.

    `path` (relative to the root) and `kind` say where it leads: to a `file`, `folder`, `other`, `missing` or `remote`;
    both are empty for inline YAML.
    """

    text: str
    key: str
    place: str
    path: str = ""
    kind: str = ""


def is_inline(text: str) -> bool:
    """Say whether a text is inline YAML and no path."""
    return "\n" in text or text.lstrip().startswith("{")


def is_remote(text: str) -> bool:
    """Say whether kustomize would take a text for an address."""
    return _REMOTE.match(text) is not None


def references_in(value: Map, file: str, lines: Mapping[Path, int]) -> Iterator[Reference]:
    """Yield every reference of a kustomization, with the line of the entry."""
    for path, text in (*_in_lists(value), *_in_patches_and_charts(value), *_in_generators(value)):
        if isinstance(text, str) and text:
            yield Reference(text, str(path[0]), place(path, file, lines))


def require_exact_keys(value: Map, file: str, lines: Mapping[Path, int]) -> None:
    """ConfigError for `Resources`: kustomize takes it for `resources` (encoding/json does); a reader may not."""
    known = {key.casefold(): key for key in _KEYS}
    for key in value:
        exact = known.get(key.casefold(), key)
        if exact != key:
            raise ConfigError(
                f"the key {key} of this kustomization is written {exact}", file=place((key,), file, lines)
            )


def place(path: Path, file: str, lines: Mapping[Path, int]) -> str:
    """Return `file:line` of an entry, or of the nearest list or map around it that has a line."""
    line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 0)
    return f"{file}:{line}" if line else file


def items(value: Map, key: str) -> Iterator[tuple[Path, Any]]:
    """Yield the items of a list, each with its path."""
    entries = value.get(key)
    yield from (((key, index), item) for index, item in enumerate(entries if isinstance(entries, list) else ()))


def field(item: Map, name: str) -> object:
    """Return a field as Go reads it: in upper or lower case, and the last one of several."""
    return next((item[key] for key in reversed(item) if key.casefold() == name.casefold()), None)


def texts(value: object) -> Iterator[str]:
    """Yield the texts of a list, or a single text."""
    yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))


def generator_files(item: Map) -> Iterator[str]:
    """Yield the files of an entry of `configMapGenerator` or `secretGenerator`."""
    yield from (text.rpartition("=")[2] for text in texts(field(item, "files")))
    yield from (text for name in ("envs", "env") for text in texts(field(item, name)))


def _in_lists(value: Map) -> Iterator[tuple[Path, object]]:
    for key in PATHS:
        yield from items(value, key)
    openapi = value.get("openapi")
    yield ("openapi",), field(openapi, "path") if isinstance(openapi, dict) else None


def _in_patches_and_charts(value: Map) -> Iterator[tuple[Path, object]]:
    for key in PATCHES:
        yield from ((path, field(item, "path")) for path, item in items(value, key) if isinstance(item, dict))
    for key, names in CHART_VALUES.items():
        for path, item in items(value, key):
            for name in names if isinstance(item, dict) else ():
                yield from ((path, text) for text in texts(field(item, name)))


def _in_generators(value: Map) -> Iterator[tuple[Path, object]]:
    for key in GENERATORS:
        for path, item in items(value, key):
            yield from ((path, text) for text in generator_files(item)) if isinstance(item, dict) else ()


class Plugin(NamedTuple):
    """The configuration of a generator, transformer or validator, and the reference that brings it in."""

    value: Map
    reference: Reference

    @property
    def place(self) -> str:
        """The file of the configuration, or the line of the kustomization that holds it."""
        return self.reference.path or self.reference.place

    @property
    def is_ksops(self) -> bool:
        """Say whether this is KSOPS, which decrypts `files` and prints them as objects."""
        return (self.value.get("apiVersion"), str(self.value.get("kind")).lower()) == KSOPS

    def references(self) -> Iterator[Reference]:
        """Yield references to the files that it names, from the kustomization's folder."""
        if self.is_ksops:
            yield from (Reference(text, KSOPS_FILE, self.reference.place) for text in texts(self.value.get("files")))
            return
        names = ("path", "paths", *(CHART_VALUES["helmCharts"] if self.value.get("kind") == CHART_GENERATOR else ()))
        files = [*generator_files(self.value), *(text for name in names for text in texts(field(self.value, name)))]
        files += [text for _, item in items(self.value, "replacements") for text in texts(field(item, "path"))]
        yield from (Reference(text, self.reference.key, self.reference.place) for text in files)


def plugins_of(tree: Tree, file: str, references: Iterable[Reference]) -> tuple[Plugin, ...]:
    """Return the plugins that a kustomization configures; ConfigError for one that would run a program."""
    plugins = [
        Plugin(value, reference)
        for reference in references
        if reference.key in PLUGINS and (reference.kind == "file" or is_inline(reference.text))
        for value in _configurations(tree, reference)
    ]
    for plugin in plugins:
        _require_no_program(plugin, file)
    return tuple(plugins)


def _configurations(tree: Tree, reference: Reference) -> list[Map]:
    data = tree.read(reference.path) if reference.kind == "file" else reference.text.encode()
    return yamldoc.load_maps(data)  # mistakes kustomize tells itself


def _require_no_program(plugin: Plugin, file: str) -> None:
    value, where = plugin.value, plugin.place or file
    if plugin.is_ksops:
        if value.get("secretFrom"):
            raise ConfigError(
                "ksops with secretFrom is not supported",
                file=where,
                hint="secretGenerator of kustomize does the same: name the encrypted files there, cmp decrypts them",
            )
        return
    if value.get("apiVersion") != BUILTIN and value.get("kind"):
        raise ConfigError(
            f"the {plugin.reference.key[:-1]} {value.get('kind')} runs a program of its own, which no render does",
            file=where,
            hint="use what kustomize has built in, or commit what the program prints as a resource",
        )
