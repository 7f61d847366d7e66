"""The parts of an Application that count here, and what Argo CD (the API server before it) takes for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.yamldoc import Document

    Path = tuple[str | int, ...]


class Text(NamedTuple):
    """A string."""


class List(NamedTuple):
    """A list of one shape."""

    items: Shape


class Map(NamedTuple):
    """A map: the shapes of known keys (`*`: of all), and those that an Application must have."""

    keys: Mapping[str, Shape]
    required: tuple[str, ...] = ()


if TYPE_CHECKING:
    Shape = Text | List | Map

TEXT = Text()
ENV = List(Map({"name": TEXT, "value": TEXT}, ("name", "value")))
PARAMETERS = List(Map({"name": TEXT, "string": TEXT, "array": List(TEXT), "map": Map({"*": TEXT})}))
SOURCE = Map(
    {
        **dict.fromkeys(("repoURL", "path", "targetRevision", "chart"), TEXT),
        **dict.fromkeys(("helm", "kustomize", "directory"), Map({})),
        "plugin": Map({"name": TEXT, "env": ENV, "parameters": PARAMETERS}),
    },
    ("repoURL",),
)
SPEC = Map(
    {"project": TEXT, "destination": Map({"namespace": TEXT}), "source": SOURCE, "sources": List(SOURCE)},
    ("project", "destination"),
)
APPLICATION = Map({"metadata": Map({"name": TEXT, "namespace": TEXT}, ("name",)), "spec": SPEC}, ("metadata", "spec"))


class Spot(NamedTuple):
    """A node of a document in a file, for messages; its path are the keys and indexes that lead to it.

    Messages leave out the first `above` of them, which lead to an Application in a list.
    """

    file: str
    document: Document
    path: Path = ()
    above: int = 0

    def inner(self, *path: str | int) -> Spot:
        """Return a node below."""
        return self._replace(path=(*self.path, *path))

    @property
    def line(self) -> int:
        """The line of the node, or of the nearest one above it that is written there."""
        lines = yamldoc.lines(self.document)
        above = (self.path[:length] for length in range(len(self.path), 0, -1))
        return next((lines[path] for path in above if path in lines), min(lines.values(), default=self.document.line))

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"

    def problem(self, message: str) -> Problem:
        """Say what is wrong with the node."""
        path = self.path[self.above :]
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
        return Problem(self.file, self.line, 0, f"{name or 'the document'} {message}")


def problems(value: object, shape: Shape, spot: Spot, *, is_patch: bool = False) -> Iterator[Problem]:
    """Yield what is wrong with a value; in a patch, any key may be missing or null."""
    if isinstance(shape, Text):
        if not isinstance(value, str):
            yield spot.problem(f"must be a string{'; put it in quotes' if isinstance(value, int | float) else ''}")
    elif isinstance(shape, List):
        if not isinstance(value, list):
            yield spot.problem("must be a list")
            return
        for index, item in enumerate(value):
            yield from problems(item, shape.items, spot.inner(index), is_patch=is_patch)
    elif isinstance(value, dict):
        yield from _of_keys(value, shape, spot, is_patch=is_patch)
    else:
        yield spot.problem("must be a map")


def _of_keys(value: dict[str, object], shape: Map, spot: Spot, *, is_patch: bool) -> Iterator[Problem]:
    if not is_patch:
        yield from (spot.problem(f"has no {key}") for key in shape.required if key not in value)
    for key, item in value.items():
        inner = shape.keys.get(key, shape.keys.get("*"))
        if inner is not None and not (is_patch and item is None):
            yield from problems(item, inner, spot.inner(key), is_patch=is_patch)
