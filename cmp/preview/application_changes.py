"""Changes of Applications themselves, by which a cluster changes though no manifest differs, or beside those that do.

gone, come, renamed     an Application on one side alone; one of each for the same pair is a new name
moved                   another cluster or namespace
changed                 another revision, sync policy, project, or other ignored differences
stays                   as it is, though nothing declares it any more, or otherwise (staying.py)
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import ApplicationChange, Danger, Subject
from cmp.compare.dangers.syncing import FORCE, REPLACE
from cmp.preview.children import name_of
from cmp.preview.labels import few_names
from cmp.preview.sides import BuiltinSource

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from cmp.preview.application_states import ApplicationState
    from cmp.preview.identity import PairId
    from cmp.preview.sides import RenderRequest, Side

    States = Mapping[PairId, ApplicationState]

# The most severe first; `--fail-on` takes them.
RULES = ("application-removed", "application-renamed", "destination-moved", "destination-differs", "revision-moved")
_OPTIONS = {
    REPLACE: ("sync-replace", "will replace each object as a whole: what others set in it on the cluster is lost"),
    FORCE: ("sync-force", "will delete an object and create it again where it cannot be patched"),
}


class ApplicationChanges(NamedTuple):
    """The changes, sorted, and the pairs that go while their objects stay on the cluster.

    `states` are those of all Applications, of the newer side where that has them.  `renamed` has the old identity of
    each Application with a new name, `elsewhere` are those that go to another cluster.
    """

    changes: tuple[ApplicationChange, ...] = ()
    kept: frozenset[PairId] = frozenset()
    states: Mapping[PairId, ApplicationState] = {}
    renamed: Mapping[PairId, PairId] = {}
    elsewhere: frozenset[PairId] = frozenset()


class _Ending(NamedTuple):
    """The end of an Application: what follows for its objects, and whether they stay on the cluster."""

    text: str
    keeps: bool


def find(states: tuple[States, States], sides: tuple[Side, Side]) -> ApplicationChanges:
    """Return all changes of Applications."""
    before, after = states
    endings = {key: _ending(before[key], sides[0]) for key in before.keys() - after.keys()}
    renamed = _renamed(endings, after.keys() - before.keys(), states, sides)
    changes: list[ApplicationChange] = []
    for key, old in renamed.items():
        changes.append(_rename(before[old], after[key], _subject(after[key], key, sides[1]), endings[old]))
    for key in endings.keys() - set(renamed.values()):
        one, ending = before[key], endings[key]
        subject = _subject(one, key, sides[0])
        changes.append(ApplicationChange(subject, one.name, "removed", ending.text, danger="application-removed"))
    for key in after.keys() - before.keys() - renamed.keys():
        subject = _subject(after[key], key, sides[1])
        changes.append(ApplicationChange(subject, after[key].name, "added", "will be created, and its objects with it"))
    for key in before.keys() & after.keys():
        request = sides[1].pairs.requests.get(key)
        is_compared = request is not None and (request.is_promoted or _is_of_clones(request))
        subject = _subject(after[key], key, sides[1])
        if stays := after[key].stays:
            changes.append(ApplicationChange(subject, after[key].name, "stays", stays))
            continue
        changes += _differences(before[key], after[key], subject, is_compared=is_compared)
    known, found = (set(_differing(of_side, side)) for of_side, side in zip(states, sides, strict=True))
    changes += found - known
    kept = frozenset(key for key, one in endings.items() if one.keeps)
    elsewhere = frozenset(key for key in before.keys() & after.keys() if before[key].cluster != after[key].cluster)
    return ApplicationChanges(tuple(sorted(changes)), kept, {**before, **after}, renamed, elsewhere)


def _subject(one: ApplicationState, key: PairId, side: Side) -> Subject:
    """Return the pair of an Application; one that is not compared is known by its name."""
    request = side.pairs.requests.get(key)
    return request.subject if request else Subject(one.name, one.cluster)


def _ending(one: ApplicationState, side: Side) -> _Ending:
    # Nobody here knows whether somebody prunes what a file alone declares.
    asked = "" if one.set_name or one.parent else " where its file is applied with pruning"
    parent = side.pairs.requests.get(one.parent) if one.parent else None
    if parent and parent.delivery and not parent.delivery.prune:
        asked = f" once somebody prunes it (`{name_of(parent.id)}`, which printed it, does not by itself)"
    if one.cascades:
        return _Ending(f"will be deleted{asked}, and all its objects on the cluster with it", keeps=False)
    return _Ending(f"will be deleted{asked}, without its objects: they stay, and nobody manages them", keeps=True)


def _renamed(
    gone: Collection[PairId], come: Collection[PairId], states: tuple[States, States], sides: tuple[Side, Side]
) -> dict[PairId, PairId]:
    """Return each new Application that in the place of one that goes: each is the only one there."""
    places: dict[tuple[str, ...], tuple[list[PairId], list[PairId]]] = defaultdict(lambda: ([], []))
    for at, keys in enumerate((gone, come)):
        for key in keys:
            places[_place(key, states[at][key], sides[at])][at].append(key)
    return {new[0]: old[0] for old, new in places.values() if len(old) == len(new) == 1}


def _place(key: PairId, one: ApplicationState, side: Side) -> tuple[str, ...]:
    """Return the place of an Application's objects: its Argo CD, its destination, and the folders that it renders."""
    pair = side.pairs.get(key)
    folders = (source.instance.folder for source in pair.sources) if pair else ()
    apps = (source.instance.app_folder for source in pair.sources) if pair else ()
    where = (key.argocd, one.cluster, one.destination.namespace)
    return (*where, *folders, *apps) if pair and pair.sources else (*where, one.name)


def _rename(old: ApplicationState, new: ApplicationState, subject: Subject, ending: _Ending) -> ApplicationChange:
    if ending.keeps:
        text = "will get another name: what has the old one ends without its objects, and these are taken over"
    else:
        text = (
            "will get another name: what has the old one is deleted with all its objects, and they are made anew, "
            "claims without their data and load balancers with other addresses"
        )
    return ApplicationChange(subject, new.name, "renamed", text, was=old.name, danger="application-renamed")


def _differences(
    old: ApplicationState, new: ApplicationState, subject: Subject, *, is_compared: bool
) -> Iterator[ApplicationChange]:
    """Yield the differences of an Application that both sides have; `is_compared` says that of its revisions."""

    def change(text: str, rule: str = "") -> ApplicationChange:
        return ApplicationChange(subject, new.name, "changed", text, danger=rule)

    if old.cluster != new.cluster:
        yield ApplicationChange(
            subject,
            new.name,
            "moved",
            f"will go to cluster `{new.cluster}`: its objects on `{old.cluster}` stay there, and nobody manages them",
            was=old.cluster,
            danger="destination-moved",
        )
    if old.destination.namespace != new.destination.namespace:
        was, now = (one.destination.namespace or "(none)" for one in (old, new))
        end = "and deletes those in" if new.prune else "and leaves those in"
        yield ApplicationChange(
            subject,
            new.name,
            "moved",
            f"will create its objects without a namespace of their own in `{now}`, {end} `{was}`",
            was=was,
            danger="destination-moved",
        )
    if len(old.revisions) == len(new.revisions):
        for was, now in dict.fromkeys(zip(old.revisions, new.revisions, strict=True)):
            if was != now:
                end = (
                    "these two are compared" if is_compared else "what that brings to the cluster is not in this report"
                )
                yield change(f"will follow `{now}` instead of `{was}`: {end}", "" if is_compared else "revision-moved")
    for name, before, after in (
        ("sync automatically", old.automated, new.automated),
        ("prune", old.prune, new.prune),
        ("undo what others change (self-heal)", old.self_heal, new.self_heal),
    ):
        if before != after:
            yield change(f"will {name} from now on" if after else f"will no longer {name}")
    for option in sorted({*new.sync_options} - {*old.sync_options}):
        rule, text = _OPTIONS.get(option, ("", "will be synced in another way"))
        yield change(f"{text} (`{option}`)", rule)
    for option in sorted({*old.sync_options} - {*new.sync_options}):
        yield change(f"will be synced without `{option}`")
    if old.project != new.project:
        yield change(f"will belong to the project `{new.project}` instead of `{old.project}`")
    if old.ignored != new.ignored:
        yield change("will ignore other differences (`ignoreDifferences`)")
    if old.cascades != new.cascades:
        yield change(f"would be deleted {'with' if new.cascades else 'without'} its objects, should it ever go")


def _is_of_clones(request: RenderRequest) -> bool:
    """Tell whether every source is read at its own revision: in a clone of another repository, or a packed chart."""
    sources = request.sources
    return bool(sources) and all(
        isinstance(one, BuiltinSource) and (one.home or one.source.source.chart) for one in sources
    )


def _differing(states: States, side: Side) -> Iterator[ApplicationChange]:
    """Yield Applications that bring the manifests of one cluster of the inventory to another one."""
    known = side.repository.config.clusters
    for key, one in states.items():
        subject = _subject(one, key, side)
        if one.cluster in known and subject.cluster in known and one.cluster != subject.cluster:
            text = f"will bring the manifests of `{subject.cluster}` to the cluster `{one.cluster}`"
            yield ApplicationChange(subject, one.name, "moved", text, danger="destination-differs")


def sentences(changes: Collection[ApplicationChange]) -> Iterator[str]:
    """Yield the changes as sentences, the same for several Applications once; one that comes is a pair that comes."""
    same: dict[str, list[str]] = defaultdict(list)
    for one in changes:
        if one.what != "added":
            same[one.text].append(one.application)
    yield from (f"{few_names(names)} {text}" for text, names in same.items())


def dangers(changes: Collection[ApplicationChange]) -> dict[Danger, list[ApplicationChange]]:
    """Return the dangers of Applications, each with the changes that it is the same for."""
    found: dict[Danger, list[ApplicationChange]] = defaultdict(list)
    for one in changes:
        if one.danger:
            found[Danger(one.danger, one.text)].append(one)
    return found
