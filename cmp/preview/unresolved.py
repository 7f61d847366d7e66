"""The changed files that pairs without an instance would read, as far as their requests say.

A pair that cannot be resolved has no inputs, so that its files would count as those of no pair.  Its own folders, what
its Application names, and the values files that the layout's patterns give it may be read all the same once somebody
mends the mistake, and before that nobody can tell what the change does to it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

from cmp.preview.sides import BuiltinSource
from cmp.repository import layout

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from cmp.preview.identity import PairId
    from cmp.preview.sides import Side
    from cmp.repository.instances import Repository, Request


def unresolved_inputs(
    changed: Sequence[str], keys: Collection[PairId], *sides: Side
) -> Mapping[PairId, tuple[str, ...]]:
    """Return the changed files of each of some pairs that can be resolved on no side, sorted."""
    found: dict[PairId, set[str]] = defaultdict(set)
    listed = [{key: side.pairs[key] for key in keys if key in side.pairs} for side in sides]
    resolved = {key for of_side in listed for key, pair in of_side.items() if not pair.error}
    for side, of_side in zip(sides, listed, strict=True):
        broken = {key: pair.request.sources for key, pair in of_side.items() if key not in resolved}
        if not broken:
            continue
        owners = {path: side.repository.owner(os.path.dirname(path), is_exact=False) for path in changed}
        for key, sources in broken.items():
            for source in sources:
                if isinstance(source, BuiltinSource):
                    found[key].update(_named(source, changed))
                else:
                    clusters = {"", source.cluster}
                    found[key].update(
                        path for path, owner in owners.items() if owner.app == source.app and owner.cluster in clusters
                    )
                    found[key].update(_values_of_layout(source, side.repository, changed))
    return {key: tuple(sorted(paths)) for key, paths in found.items()}


def _named(source: BuiltinSource, changed: Sequence[str]) -> Iterator[str]:
    """Yield the changed files in the folder of a source, and its values files."""
    asked = source.source.source
    is_elsewhere = bool(source.home or asked.chart)
    folder = os.path.normpath(asked.path or ".")
    named = asked.helm.value_files if asked.helm else ()
    # A chart or a folder of another repository may have values files here, which it names by a reference.
    values = {_values_file(folder, name) for name in named if not is_elsewhere or "$" in name}
    for path in changed:
        if path in values or (not is_elsewhere and (folder == "." or path.startswith(f"{folder}/"))):
            yield path


def _values_of_layout(request: Request, repository: Repository, changed: Sequence[str]) -> Iterator[str]:
    """Yield the changed values files that the layout, or the Application itself, names for a pair."""
    config = repository.config
    facts = config.clusters[request.cluster].facts if request.cluster in config.clusters else {}
    known = {name: text for name, text in {**facts, "app": request.app, "cluster": request.cluster}.items() if text}
    patterns = [layout.parse(values.pattern, values.place) for values in config.layout.values]
    named = {*request.parameters.values_files, *request.flags.values_files}
    for path in changed:
        if path in named or any(layout.match(pattern, path, known) is not None for pattern in patterns):
            yield path


def _values_file(folder: str, name: str) -> str:
    """Return the path of a values file; a scheme of a plugin of helm stands before one, as in `secrets://a.yaml`."""
    path = name.rpartition("://")[2]
    if path.startswith("$"):
        return os.path.normpath(path.partition("/")[2])
    return os.path.normpath(path.lstrip("/") if path.startswith("/") else os.path.join(folder, path))
