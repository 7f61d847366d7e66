"""Configurations of generators, transformers and validators: KSOPS is read here, other programs are refused.

kustomize itself runs only plugins with `apiVersion: builtin`; what it says about the others does not help their author.
Source of the KSOPS format: viaduct-ai/kustomize-sops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.kustomize.uses import PLUGINS, VALUES_OF_CHARTS, Map, Use, field, is_inline, items, of_generator, texts
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.system.tree import Tree

BUILTIN = "builtin"
KSOPS = ("viaduct.ai/v1", "ksops")
CHART = "HelmChartInflationGenerator"
KSOPS_FILE = "the files of ksops"  # the key of a use


class Plugin(NamedTuple):
    """One configuration: its content, and the use that brings it in."""

    value: Map
    use: Use

    @property
    def is_ksops(self) -> bool:
        """Whether this is KSOPS, which decrypts `files` and prints them as objects."""
        return (self.value.get("apiVersion"), str(self.value.get("kind")).lower()) == KSOPS

    def uses(self) -> Iterator[Use]:
        """Yield the files that it names; they are named from the kustomization's folder."""
        if self.is_ksops:
            yield from (Use(text, KSOPS_FILE, self.use.place) for text in texts(self.value.get("files")))
            return
        for text in (*of_generator(self.value), *texts(field(self.value, "path")), *texts(field(self.value, "paths"))):
            yield Use(text, self.use.key, self.use.place)
        for name in VALUES_OF_CHARTS["helmCharts"] if self.value.get("kind") == CHART else ():
            yield from (Use(text, self.use.key, self.use.place) for text in texts(field(self.value, name)))
        for _, item in items(self.value, "replacements"):
            yield from (Use(text, self.use.key, self.use.place) for text in texts(field(item, "path")))


def plugins(tree: Tree, file: str, named: Iterable[Use]) -> tuple[Plugin, ...]:
    """Return the configurations among what a kustomization names; ConfigError for one that would run a program."""
    found = [
        Plugin(value, use)
        for use in named
        if use.key in PLUGINS and (use.kind == "file" or is_inline(use.text))
        for value in _values(tree, use)
    ]
    for plugin in found:
        _require_harmless(plugin, file)
    return tuple(found)


def _values(tree: Tree, use: Use) -> list[Map]:
    return yamldoc.load_maps(tree.read(use.path) if use.kind == "file" else use.text.encode())


def _require_harmless(plugin: Plugin, file: str) -> None:
    value, place = plugin.value, plugin.use.path or plugin.use.place or file
    if plugin.is_ksops:
        if value.get("secretFrom"):
            raise ConfigError(
                "ksops with secretFrom is not supported",
                file=place,
                hint="secretGenerator of kustomize does the same: name the encrypted files there, cmp decrypts them",
            )
        return
    if value.get("apiVersion") != BUILTIN and value.get("kind"):
        raise ConfigError(
            f"the {plugin.use.key[:-1]} {value.get('kind')} runs a program of its own, which no render does",
            file=place,
            hint="use what kustomize has built in, or commit what the program prints as a resource",
        )
