"""Objects that one application loses and another one on the same cluster gets: the same objects, which move.

What becomes of such an object depends on who syncs first.  Argo CD knows by an annotation (`tracking-id`) which
Application an object belongs to, and each sync writes its own: where the new one syncs first, it takes the object
over, and the old one has nothing to prune any more.  Where the old one comes first and prunes, the object is deleted,
and made anew later.  Source: argoproj/argo-cd 3.x, controller/state.go (SharedResourceWarning), controller/sync.go
(FailOnSharedResource), docs/user-guide/sync-options.md, docs/user-guide/resource_tracking.md.

An object that several applications lose, or several get, is not linked: nobody can tell which of them it is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Change, Danger, Move, Object
from cmp.compare import compare, dangers
from cmp.compare.dangers.syncing import PRUNE_CONFIRM, PRUNE_FALSE, has_option, is_hook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.changes import Outcome, Rule, Subject
    from cmp.model import Identity
    from cmp.preview.comparison import Comparison

    Place = tuple[str, str, Identity]  # Argo CD, cluster, object

OBJECT_MOVED, ORPHANED = "object-moved", "orphaned"
RULES = (OBJECT_MOVED, *dangers.RULES)  # the most severe first
_PRUNE_LAST, _FAIL_ON_SHARED, _DELETE_FALSE = "PruneLast=true", "FailOnSharedResource=true", "Delete=false"


class Home(NamedTuple):
    """The cluster of an application, and its syncs as far as its Application says them (`is_known`).

    `ends` says that it goes, `keeps` that its objects stay on the cluster then.  `at_merge` is that of `Delivery`.
    """

    argocd: str
    cluster: str
    is_known: bool = False
    prunes: bool = False
    at_merge: bool | None = None
    options: tuple[str, ...] = ()
    ends: bool = False
    keeps: bool = False


class Homes(NamedTuple):
    """The homes of all pairs of both sides, and the pairs of an Application's old name and its new one."""

    of: Mapping[Subject, Home]
    renamed: frozenset[tuple[Subject, Subject]] = frozenset()


def homes(comparison: Comparison) -> Homes:
    """Return the homes of a comparison; a pair whose cluster changes has none."""
    base, head, found = comparison.base.pairs.requests, comparison.head.pairs.requests, comparison.applications
    of: dict[Subject, Home] = {}
    for key, request in {**base, **head}.items():
        state, delivery = found.states.get(key), request.delivery
        if key in found.elsewhere:
            continue
        of[request.subject] = Home(
            argocd=key.argocd,
            cluster=state.cluster if state else request.subject.cluster,
            is_known=state is not None,
            prunes=state is not None and state.prune,
            at_merge=delivery.at_merge if delivery else None,
            options=state.sync_options if state else (),
            ends=key not in head,
            keeps=key in found.kept,
        )
    renamed = found.renamed.items()
    pairs = ((base[old].subject, head[new].subject) for new, old in renamed if old in base and new in head)
    return Homes(of, frozenset(pairs))


def linked(outcomes: Iterable[Outcome], known: Homes, rules: Sequence[Rule] = ()) -> list[Outcome]:
    """Return the outcomes with one change for each object that moves, in both of its applications.

    What is removed and added elsewhere; it has the differences of the two objects, and the dangers of the removal
    unless it is certain that nobody deletes the object.
    """
    listed = [*outcomes]
    lost, got = (_objects(listed, known, what) for what in ("removed", "added"))
    moves: dict[tuple[Subject, int], Change] = {}
    for place in lost.keys() & got.keys():
        if len(lost[place]) == len(got[place]) == 1:
            (removed,), (added,) = lost[place], got[place]
            if removed.subject != added.subject:
                change = _moved(removed, added, known, rules)
                moves[removed.subject, id(removed)] = change._replace(subject=removed.subject, folded=())
                moves[added.subject, id(added)] = change
    return [
        outcome._replace(changes=tuple(moves.get((outcome.subject, id(change)), change) for change in outcome.changes))
        for outcome in listed
    ]


def _objects(outcomes: Sequence[Outcome], known: Homes, what: str) -> dict[Place, list[Change]]:
    """Return the objects that pairs lose, or get, without hooks: Argo CD keeps none of these."""
    found: dict[Place, list[Change]] = defaultdict(list)
    for outcome in outcomes:
        home = known.of.get(outcome.subject)
        if home is None or not home.cluster or outcome.status == "failed":
            continue
        for change in outcome.changes:
            if (
                change.what == what
                and len(change.fields) == 1
                and change.identity.name
                and not is_hook(_object(change))
            ):
                found[home.argocd, home.cluster, change.identity].append(change)
    return found


def _object(change: Change) -> Object:
    """Return the object that comes or goes."""
    (field,) = change.fields
    value = field.after if change.what == "added" else field.before
    version = change.api_versions[1 if change.what == "added" else 0]
    return Object(version, change.identity, value if isinstance(value, dict) else {}, change.source)


def _moved(removed: Change, added: Change, known: Homes, rules: Sequence[Rule]) -> Change:
    before, after = _object(removed), _object(added)
    is_renaming = (removed.subject, added.subject) in known.renamed
    different = compare(added.subject, [before], [after], rules)
    change = different[0] if different else added._replace(fields=(), folded=(), hunks=(), dangers=(), summary="")
    source, target = known.of[removed.subject], known.of[added.subject]
    found = {*change.dangers}
    if not _stays(source, before):
        found |= {danger for danger in removed.dangers if danger.rule != ORPHANED}
    if not is_renaming:
        names = f"`{removed.subject.app}`", f"`{added.subject.app}`"
        text = f"moves from {names[0]} to {names[1]}: {_effect(names, (source, target), before)}"
        found.add(Danger(OBJECT_MOVED, text))
    return change._replace(
        what="moved",
        api_versions=(before.api_version, after.api_version),
        dangers=tuple(sorted(found, key=lambda danger: (RULES.index(danger.rule), danger.text))),
        causes=(*removed.causes, *(cause for cause in added.causes if cause not in removed.causes)),
        touched=tuple(dict.fromkeys((*removed.touched, *added.touched))),
        move=Move(removed.subject, added.subject, is_renaming),
    )


def _stays(source: Home, before: Object) -> bool:
    """Tell whether no sync and no end of the old application deletes the object."""
    if source.ends:
        return source.keeps or has_option(before, _DELETE_FALSE)
    return has_option(before, PRUNE_FALSE)


def _effect(names: tuple[str, str], at: tuple[Home, Home], before: Object) -> str:
    """Return what Argo CD does with an object that moves."""
    (old, new), (source, target) = names, at
    refuses = _FAIL_ON_SHARED in target.options
    if _stays(source, before):
        why = "ends without it" if source.ends else f"does not prune it (`{PRUNE_FALSE}`)"
        if refuses:
            return f"{old} {why}, and the sync of {new} fails for that (`{_FAIL_ON_SHARED}`)"
        return f"{old} {why}, and {new} takes it over"
    if not source.is_known:
        return f"where {old} prunes it before {new} syncs, it is deleted and made anew, else {new} takes it over"
    if source.ends:
        first = f"{old} is deleted with its objects"
    elif has_option(before, PRUNE_CONFIRM):
        first = f"{old} prunes it once somebody confirms"
    elif not source.prunes:
        first = f"{old} prunes it where somebody syncs it so"
    else:
        first = f"{old} prunes it by itself{_last(source, before)}"
    if refuses:
        return f"{first}, and the sync of {new} fails until then (`{_FAIL_ON_SHARED}`): it is deleted and made anew"
    if (
        target.is_known
        and not target.at_merge
        and (source.ends or source.prunes)
        and not has_option(before, PRUNE_CONFIRM)
    ):
        return f"{first}, and {new} does not sync at the merge: until it does, the object is missing"
    return f"{first}: where that comes before the sync of {new}, it is deleted and made anew, else {new} takes it over"


def _last(source: Home, before: Object) -> str:
    is_last = _PRUNE_LAST in source.options or has_option(before, _PRUNE_LAST)
    return f", after its other objects (`{_PRUNE_LAST}`), which waits for nobody else" if is_last else ""


def is_other_half(change: Change) -> bool:
    """Tell whether a change is that of the application which loses an object: it counts where it comes."""
    return change.move is not None and change.move.source == change.subject


def is_told(change: Change, danger: Danger) -> bool:
    """Tell whether a danger is that of this application, of the two that have an object which moves."""
    is_of_both = change.move is None or danger.rule == OBJECT_MOVED
    return is_of_both or danger.rule.endswith("-removed") == is_other_half(change)
