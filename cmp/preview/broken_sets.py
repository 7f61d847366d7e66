"""ApplicationSets that cannot be evaluated on a side: Argo CD leaves their Applications as they are.

So the Applications of such a set are those of the other side, where it can be evaluated; a set that the change itself
breaks is a failure of the change.  The same holds for single Applications that the controller refuses.
Source: argoproj/argo-cd 3.6, `Reconcile` and `validateGeneratedApplications`: what is refused is not deleted either.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import ApplicationChange, Failure, Subject
from cmp.errors import ConfigError
from cmp.preview import staying
from cmp.preview.declarations import SET, identity_of
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.preview.declarations import ApplicationSources, Declaration, Declared
    from cmp.preview.identity import PairId

_UNKNOWN = "(which ones is not known here)"


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
    before, after = sets_of(base, sources), sets_of(head, sources)
    failures = [
        _failure(one.error, one, before.get(key))
        for key, one in after.items()
        # What only Argo CD knows is no fault of the set, unless the change asks it anew.
        if one.error and (not one.error.is_external or (key in before and not before[key].error))
    ]
    failures += [failure for key, one in after.items() for failure in _refusals(one, before.get(key))]
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
        head=staying.of_sets(_with_refused(_completed(head, after, before, said), after, before), after, before),
        failures=tuple(failures),
        notes=tuple(notes),
    )


def gone(base: Declared, head: Declared, sources: ApplicationSources) -> Iterator[ApplicationChange]:
    """Yield the sets that go and could not be evaluated: their Applications go with them, whichever these are."""
    after = sets_of(head, sources)
    for key, one in sets_of(base, sources).items():
        if one.error is None or key in after:
            continue
        spec = mapping(one.manifest.value.get("spec"))
        finalizers = dig(spec, "template", "metadata", "finalizers")
        is_preserved = dig(spec, "syncPolicy", "preserveResourcesOnDeletion") is True and not finalizers
        objects = "whose objects stay, and nobody manages them" if is_preserved else "and all objects of these"
        asked = "" if one.parent else " where its file is applied with pruning"
        yield ApplicationChange(
            subject=Subject(f"ApplicationSet {key.name}", ""),
            application=f"ApplicationSet {key.name}",
            what="removed",
            text=f"will be deleted{asked}, with all Applications that it made {_UNKNOWN}, {objects}",
            danger="application-removed",
        )


def sets_of(side: Declared, sources: ApplicationSources) -> Mapping[PairId, Declaration]:
    """Return the sets of a side by Argo CD, namespace and name; none of those that only their files tell apart."""
    found: dict[PairId, list[Declaration]] = defaultdict(list)
    for declaration in side.declarations:
        if declaration.key[0] == SET:
            found[identity_of(declaration, sources)].append(declaration)
    return {key: of_key[0] for key, of_key in found.items() if len(of_key) == 1}


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


def _refusals(declaration: Declaration, before: Declaration | None) -> Iterator[Failure]:
    """Yield a failure for each Application of a set that the controller refuses on the newer side."""
    for name, problem in declaration.refused.items():
        error = ConfigError(
            f"the Application {name} is neither created nor changed: {problem}",
            file=declaration.manifest.location.place,
            hint="where it exists, it stays as it is",
        )
        yield _failure(error, declaration, before)._replace(is_new=before is None or name not in before.refused)


def _with_refused(side: Declared, own: Mapping[PairId, Declaration], older: Mapping[PairId, Declaration]) -> Declared:
    """Return the newer side, in which the Applications that are refused there are those of the older side."""
    twins = {id(one.manifest): older.get(key) for key, one in own.items() if one.refused}

    def completed(declaration: Declaration) -> Declaration:
        if (twin := twins.get(id(declaration.manifest), declaration)) is declaration:
            return declaration
        kept = [one for one in twin.generated if one[0].names[0] in declaration.refused] if twin else []
        return declaration.with_generated([*declaration.generated, *kept])._replace(refused={})

    return side._replace(declarations=tuple(map(completed, side.declarations)))


def _failure(error: ConfigError, broken: Declaration, before: Declaration | None) -> Failure:
    """Return the failure of a set on the newer side, new where the older one does not have it, or can evaluate it."""
    return Failure(
        subject=Subject(f"ApplicationSet {broken.manifest.names[0]}", ""),
        lines=tuple(error.lines(with_pair=False)),
        is_new=before is None or before.error is None,
        exit_code=error.exit_code,
    )
