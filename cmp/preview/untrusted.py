"""The bounds of a change that is not trusted: how many Applications it may bring that only its own pairs print."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.preview.identity import of_application

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from cmp.argocd.document import Manifest
    from cmp.preview.declarations import ApplicationSources, Declaration, Declared, Parent
    from cmp.preview.identity import PairId

LEVELS = 1  # beyond the base


class LeftOut(NamedTuple):
    """The numbers of Applications that are left out: those beyond the limit, and those printed too deep."""

    limit: int = 0
    beyond: int = 0
    deep: int = 0

    @property
    def total(self) -> int:
        return self.beyond + self.deep

    @property
    def notes(self) -> Iterator[str]:
        """Sentences about them."""
        if self.beyond:
            yield (
                f"{self.beyond} Applications that only this change prints are not compared: "
                f"it is not trusted, and {self.limit} are the limit (--max-applications)"
            )
        if self.deep:
            yield (
                f"{self.deep} Applications are not compared: only Applications that this change brings print them, "
                "and it is not trusted"
            )


def identities(declared: Declared, sources: ApplicationSources) -> Iterator[PairId]:
    """Yield the identities of all Applications of one side."""
    for manifest, parent in declared.applications:
        argocd = sources.reader_of(manifest.location.file)
        yield _printed_id(manifest, parent) if parent else _id(manifest, argocd.name if argocd else "")


def admitted(
    printed: Sequence[Declaration], known: Collection[PairId], limit: int
) -> tuple[tuple[Declaration, ...], LeftOut]:
    """Return what an untrusted side prints, less the Applications that it may not bring.

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
    return tuple(kept), LeftOut(limit, len(beyond), len(deep))


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
