"""Layers -> the origin of every key, by Helm's rules for layers: maps merge; any other stronger value replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.secrets.redact import CIPHERTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Path = tuple[str | int, ...]


class Place(NamedTuple):
    """A line (from 1) of a file; 0 where the value did not come from a file."""

    file: str
    line: int

    @property
    def text(self) -> str:
        """`file:line`, as terminals link it."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Origin(NamedTuple):
    """The place that set a value, the value there, and the places that it overrides, the strongest first."""

    place: Place
    overridden: tuple[Place, ...]
    value: object

    @property
    def is_encrypted(self) -> bool:
        """Return whether the file holds ciphertext in the value's place."""
        return isinstance(self.value, str) and self.value.startswith(CIPHERTEXT)


def provenance(layers: Sequence[tuple[str, bytes]]) -> Mapping[Path, Origin]:
    """Return the origin of every key and list item that the merged layers have; the weakest layer comes first.

    A layer is its name for messages and its YAML.  An encrypted file serves as it is: sops keeps keys and their order.
    Raises ConfigError for a layer that cannot be read.
    """
    root: dict[str, _Node] = {}
    for file, data in layers:
        value, lines = _read(file, data)
        root = _Layer(file, lines).merged(root, value, (), ())
    return dict(_flat(root, ()))


class _Node:
    """A key of the merged values: the places that set it, the strongest first, and its children or its value."""

    __slots__ = ("children", "layer", "places", "value")

    def __init__(self, layer: _Layer, places: tuple[Place, ...], value: object) -> None:
        self.layer = layer
        self.places = places
        self.value = value
        self.children: dict[str, _Node] | None = None


class _Layer:
    """One layer, as it is laid over the weaker ones."""

    def __init__(self, file: str, lines: Mapping[Path, int]) -> None:
        self._file = file
        self._lines = lines

    def place(self, path: Path) -> Place:
        """Return the place of a key; a key that an alias brings in has the place of the alias."""
        while path not in self._lines and len(path) > 1:
            path = path[:-1]
        return Place(self._file, self._lines.get(path, 0))

    def merged(
        self, weaker: Mapping[str, _Node], value: Mapping[str, object], path: Path, lost: tuple[Place, ...]
    ) -> dict[str, _Node]:
        """Lay a map over a weaker one; `lost` are the places of a weaker value that is no map, and is replaced."""
        nodes = dict(weaker)
        for key, item in value.items():
            nodes[key] = self._node(nodes.get(key), item, (*path, key), lost)
        return nodes

    def _node(self, weaker: _Node | None, value: object, path: Path, lost: tuple[Place, ...]) -> _Node:
        below = weaker.places if weaker else lost
        node = _Node(self, (self.place(path), *below), value)
        if isinstance(value, dict):
            is_map = weaker is not None and weaker.children is not None
            children = weaker.children if weaker and weaker.children else {}
            node.children = self.merged(children, value, path, () if is_map else below)
        return node


def _read(file: str, data: bytes) -> tuple[Mapping[str, object], Mapping[Path, int]]:
    documents = yamldoc.parse_file(data, file, what="")[:1]  # Helm reads the first one, too
    value = documents[0].value if documents else {}
    if not isinstance(value, dict):
        return {}, {}
    metadata = value.get("sops")
    if isinstance(metadata, dict) and "mac" in metadata:
        value = {key: item for key, item in value.items() if key != "sops"}
    return value, yamldoc.lines(documents[0]) if documents else {}


def _flat(nodes: Mapping[str, _Node], path: Path) -> Iterator[tuple[Path, Origin]]:
    for key, node in nodes.items():
        here = (*path, key)
        yield here, Origin(node.places[0], node.places[1:], node.value)
        if node.children is not None:
            yield from _flat(node.children, here)
        else:
            yield from _items(node, node.value, here)


def _items(node: _Node, value: object, path: Path) -> Iterator[tuple[Path, Origin]]:
    """Yield the items of a list: it replaces a weaker list as a whole, so that every item overrides all of that."""
    inner: Iterator[tuple[str | int, object]] = iter(())
    if isinstance(value, list):
        inner = iter(enumerate(value))
    elif isinstance(value, dict):
        inner = iter(value.items())
    for key, item in inner:
        here = (*path, key)
        yield here, Origin(node.layer.place(here), node.places[1:], item)
        yield from _items(node, item, here)
