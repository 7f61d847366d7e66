"""The bounds of a change that is not trusted: how many Applications it may bring that only its own pairs print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import LeftOut
from cmp.preview.identity import of_application

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from cmp.argocd.document import Manifest
    from cmp.preview.declarations import ApplicationSources, Declaration, Declared, Parent
    from cmp.preview.identity import PairId

LEVELS = 1  # beyond the base


def identities(declared: Declared, sources: ApplicationSources) -> Iterator[PairId]:
    """Yield the identities of all Applications of one side."""
    for manifest, parent in declared.applications:
        argocd = sources.reader_of(manifest.location.file)
        yield _printed_id(manifest, parent) if parent else _id(manifest, argocd.name if argocd else "")


def admitted(
    printed: Sequence[Declaration], known: Collection[PairId], limit: int
) -> tuple[tuple[Declaration, ...], tuple[LeftOut, ...]]:
    """Return what an untrusted side prints, less the Applications that it may not bring, and these.

    `known` are those that the base has, or that a file of the change declares.
    """
    parents = {
        _printed_id(manifest, declaration.parent): declaration.parent.id._replace(file="")
        for declaration in printed
        for manifest in declaration.applications
        if declaration.parent
    }
    taken: set[PairId] = set()
    beyond: set[PairId] = set()
    deep: set[PairId] = set()

    def may_stay(manifest: Manifest, parent: Parent) -> bool:
        key = _printed_id(manifest, parent)
        if key in known or key in taken:
            return True
        if _level(key, parents, known) > LEVELS:
            deep.add(key)
            return False
        if len(taken) >= limit:
            beyond.add(key)
            return False
        taken.add(key)
        return True

    kept = []
    for declaration in printed:
        parent = declaration.parent
        if parent is None:
            continue
        stay = tuple(manifest for manifest in declaration.applications if may_stay(manifest, parent))
        if stay or not declaration.applications:
            kept.append(declaration._replace(applications=stay))
    return tuple(kept), tuple(_left_out(beyond, deep, limit))


def _left_out(beyond: set[PairId], deep: set[PairId], limit: int) -> Iterator[LeftOut]:
    """Yield the Applications beyond the limit, and those printed too deep."""
    for keys, why in (
        (beyond, f"only this change prints such, it is not trusted, and {limit} are the limit (--max-applications)"),
        (deep, "only Applications that this change brings print such, and it is not trusted"),
    ):
        if keys:
            names = tuple(sorted(key.text for key in keys))
            several = "1 Application is" if len(keys) == 1 else f"{len(keys)} Applications are"
            yield LeftOut("Application", names, names, f"{several} not compared: {why}")


def _level(key: PairId, parents: dict[PairId, PairId], known: Collection[PairId]) -> int:
    """Return how many levels beyond what is known an Application is printed."""
    seen: set[PairId] = set()
    while key in parents and key not in known and key not in seen:
        seen.add(key)
        key = parents[key]
    return len(seen)


def _printed_id(manifest: Manifest, parent: Parent) -> PairId:
    return _id(manifest, parent.argocd, parent.namespace)


def _id(manifest: Manifest, argocd: str, namespace: str = "") -> PairId:
    return of_application(argocd, str(manifest.metadata.get("namespace") or "") or namespace, manifest.names[0])
