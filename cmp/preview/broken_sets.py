"""ApplicationSets that cannot be evaluated on a side: Argo CD leaves their Applications as they are.

So the Applications of such a set are those of the other side, where it can be evaluated; a set that the change itself
breaks is a failure of the change.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Failure, Subject
from cmp.preview.declarations import SET
from cmp.preview.identity import of_application

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.errors import ConfigError
    from cmp.preview.declarations import ApplicationSources, Declaration, Declared
    from cmp.preview.identity import PairId


class Repaired(NamedTuple):
    """Both sides with the Applications of all sets that can be evaluated on one of them.

    `failures` are those of sets that cannot be evaluated on the newer side, `notes` sentences about the older one.
    """

    base: Declared
    head: Declared
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def repaired(base: Declared, head: Declared, sources: ApplicationSources) -> Repaired:
    """Give a set that cannot be evaluated on one side the Applications that it has on the other."""
    before, after = (_sets(side, sources) for side in (base, head))
    failures = [
        _failure(one.error, one, before.get(key))
        for key, one in after.items()
        # What only Argo CD knows is no fault of the set, unless the change asks it anew.
        if one.error and (not one.error.is_external or (key in before and not before[key].error))
    ]
    notes = [
        f"the ApplicationSet {one.manifest.names[0]} could not be evaluated before this change: its Applications are "
        "taken to be those that it has now"
        for key, one in before.items()
        if one.error and key in after and not after[key].error
    ]
    told = (one for side in (before, after) for one in side.values() if one.error and not one.error.is_external)
    said = {id(one) for one in told}
    return Repaired(
        base=_completed(base, before, after, said),
        head=_completed(head, after, before, said),
        failures=tuple(failures),
        notes=tuple(notes),
    )


def _sets(side: Declared, sources: ApplicationSources) -> Mapping[PairId, Declaration]:
    """Return the sets of a side by Argo CD, namespace and name; none of those that only their files tell apart."""
    found: dict[PairId, list[Declaration]] = defaultdict(list)
    for declaration in side.declarations:
        if declaration.key[0] == SET:
            found[_key(declaration, sources)].append(declaration)
    return {key: of_key[0] for key, of_key in found.items() if len(of_key) == 1}


def _key(declaration: Declaration, sources: ApplicationSources) -> PairId:
    """Return the identity of a set, which is made as that of an Application."""
    parent = declaration.parent
    argocd = sources.reader_of(declaration.manifest.location.file) if parent is None else None
    name = parent.argocd if parent else argocd.name if argocd else ""
    namespace = declaration.namespace or (parent.namespace if parent else "")
    return of_application(name, namespace, declaration.manifest.names[0])


def _completed(
    side: Declared, own: Mapping[PairId, Declaration], other: Mapping[PairId, Declaration], said: set[int]
) -> Declared:
    """Return a side whose broken sets have the Applications of the other side; what is `said` is no note any more."""
    twins = {id(one): other.get(key) for key, one in own.items()}

    def completed(declaration: Declaration) -> Declaration:
        if declaration.error is None:
            return declaration
        error = None if id(declaration) in said else declaration.error
        twin = twins.get(id(declaration))
        if twin is None or twin.error:
            return declaration._replace(error=error)
        return declaration._replace(error=error, applications=twin.applications, parameters=twin.parameters)

    return side._replace(declarations=tuple(map(completed, side.declarations)))


def _failure(error: ConfigError, broken: Declaration, before: Declaration | None) -> Failure:
    """Return the failure of a set on the newer side, new where the older one does not have it, or can evaluate it."""
    return Failure(
        subject=Subject(f"ApplicationSet {broken.manifest.names[0]}", ""),
        lines=tuple(error.lines(with_pair=False)),
        is_new=before is None or before.error is None,
        exit_code=error.exit_code,
    )
