"""Applications that are values alone, rendered by the one chart of the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.registry import HELM
from cmp.model import EngineTraits
from cmp.repository.scaffold.folders.words import HEADS, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.repository.scaffold.folders.walk import Folder

VALUES = "values"  # stands for an engine in folders that have values alone
ENOUGH = 2  # applications of one chart


class Shared(NamedTuple):
    """A tree in which folders with values alone are the applications of one chart, whose folder `chart` is."""

    folders: list[Folder]
    engines: Mapping[str, EngineTraits]
    chart: str


def shared(folders: Sequence[Folder], engines: Mapping[str, EngineTraits]) -> Shared | None:
    """Return the tree with the chart as no application; None where it has several charts, or other applications."""
    marked = [folder for folder in folders if folder.engines and not folder.is_foreign]
    if len(marked) != 1 or marked[0].engines != (HELM,) or not marked[0].path:
        return None
    chart = marked[0]
    name = chart.segments[-1]
    alone = {folder.path for folder in _of_values(folders) if not f"{folder.path}/".startswith(f"{chart.path}/")}
    if len({path.rpartition("/")[2] for path in alone}) < ENOUGH or any(name in path.split("/") for path in alone):
        return None
    changed = [
        folder._replace(engines=(VALUES,))
        if folder.path in alone
        else folder._replace(engines=() if folder is chart else folder.engines)
        for folder in folders
    ]
    return Shared(changed, {**engines, VALUES: EngineTraits(markers=(), claims=(), options=())}, chart.path)


def _of_values(folders: Sequence[Folder]) -> Iterator[Folder]:
    for folder in folders:
        values = [name for name in folder.files if not HEADS.isdisjoint(pieces(name.partition(".")[0])[::2])]
        if folder.path and values and not folder.objects and not folder.engines and not folder.is_foreign:
            yield folder
