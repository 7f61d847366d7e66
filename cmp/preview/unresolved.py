"""The changed files that pairs without an instance would read, as far as their requests say: their own folders.

A pair that cannot be resolved has no inputs, so that its files would count as those of no pair.  What its Application
names, or what the layout gives it, may be read all the same once somebody mends the mistake, and before that nobody can
tell what the change does to it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

from cmp.preview.sides import BuiltinSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.preview.identity import PairId
    from cmp.preview.sides import Side


def unresolved_inputs(changed: Sequence[str], *sides: Side) -> Mapping[PairId, tuple[str, ...]]:
    """Return the changed files of each pair that can be resolved on no side, sorted."""
    found: dict[PairId, set[str]] = defaultdict(set)
    resolved = {key for side in sides for key, pair in side.pairs.items() if not pair.error}
    for side in sides:
        broken = {key: pair.request.sources for key, pair in side.pairs.items() if key not in resolved}
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
    return {key: tuple(sorted(paths)) for key, paths in found.items()}


def _named(source: BuiltinSource, changed: Sequence[str]) -> Iterator[str]:
    """Yield the changed files in the folder of a source, and its values files."""
    asked = source.source.source
    if source.home or asked.chart:
        return
    folder = os.path.normpath(asked.path or ".")
    values = {_values_file(folder, name) for name in (asked.helm.value_files if asked.helm else ())}
    yield from (path for path in changed if folder == "." or path.startswith(f"{folder}/") or path in values)


def _values_file(folder: str, name: str) -> str:
    """Return the path of a values file; a scheme of a plugin of helm stands before one, as in `secrets://a.yaml`."""
    path = name.rpartition("://")[2]
    if path.startswith("$"):
        return os.path.normpath(path.partition("/")[2])
    return os.path.normpath(path.lstrip("/") if path.startswith("/") else os.path.join(folder, path))
