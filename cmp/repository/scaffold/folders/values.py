"""The names of values files: which are layers of every cluster, which are alternatives, one for each cluster.

Siblings whose names differ in one part (`values-oslo.yaml`, `values-lyon.yaml`) are alternatives: they are one pattern
with a placeholder there, or none at all, and never layers of one render.
"""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import and_more
from cmp.repository.config import APP_FILE, ValuesPattern
from cmp.repository.scaffold.folders.shapes import APP, ENV, PLACE, Spot
from cmp.repository.scaffold.folders.walk import YAML
from cmp.repository.scaffold.folders.words import (
    HEADS,
    NEUTRAL,
    OVERLAYS,
    VALUES_FOLDERS,
    is_cluster_like,
    pieces,
    replaced,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from cmp.model import EngineTraits
    from cmp.repository.scaffold.folders.places import Places
    from cmp.repository.scaffold.folders.roles import Roles
    from cmp.repository.scaffold.folders.shapes import Clusters, Shape, Spots
    from cmp.repository.scaffold.folders.walk import Folder

MAX_LISTED = 10
SECRETS = ("secret", "secrets")
HOLE = "\0"  # stands in a name for the part that may be a cluster's


class Name(NamedTuple):
    """The name of a values file, without its suffix: with placeholders, and with a hole where `part` stands."""

    text: str
    part: str = ""


class Found(NamedTuple):
    """The layers for all clusters by shape, the families of alternatives, and files that are neither.

    `elsewhere` are the parts of such families in folders of no application.
    """

    layers: dict[Shape, dict[tuple[str, str], list[Spot]]]  # by name and suffix
    families: dict[Shape, list[tuple[str, Spot]]]  # the part, and the path with its application
    doubtful: list[str]
    elsewhere: dict[str, set[str]]


def find(
    folders: Iterable[Folder],
    places: Places,
    *,
    roles: Roles,
    engines: Mapping[str, EngineTraits],
    suffixes: Sequence[str],
) -> Found:
    """Sort the values files in the folders of applications and of their clusters."""
    return _Finder(places, roles, engines, (*suffixes, *YAML)).find(folders)


class _Finder:
    def __init__(
        self, places: Places, roles: Roles, engines: Mapping[str, EngineTraits], suffixes: tuple[str, ...]
    ) -> None:
        self._engines, self._suffixes, self._roles = engines, suffixes, roles
        self._owned: dict[str, tuple[Shape, Spot]] = {
            spot.path: (shape, spot)
            for found in (places.instances, places.apps)
            for shape, spots in found.items()
            for spot in spots
        }
        self._readers = {
            spot.app
            for path, spot in places.folders.items()
            if path not in roles.marked or any(engines[name].reads_values for name in roles.marked[path].engines)
        }
        self._found = Found(defaultdict(dict), defaultdict(list), [], defaultdict(set))

    def find(self, folders: Iterable[Folder]) -> Found:
        for folder in folders:
            owner = self._owner(folder)
            if owner is not None:
                shape, spot = owner
                for name in folder.files:
                    if name not in folder.objects and not self._is_claimed(name, folder):
                        is_open = name not in folder.encrypted | folder.empty
                        self._take(name, shape, spot._replace(path=f"{folder.path}/{name}"), is_open=is_open)
            elif not folder.is_foreign:
                for name in folder.files:
                    read = _with_part(name.rpartition(".")[0])
                    if read.part:
                        self._found.elsewhere[read.text].add(read.part)
        return self._found

    def _owner(self, folder: Folder) -> tuple[Shape, Spot] | None:
        """Return the shape of a folder of values; None where no application reads values there."""
        if folder.is_foreign or any(not self._engines[name].reads_values for name in folder.engines):
            return None
        segments = folder.segments
        for depth in range(len(segments), 0, -1):
            found = self._owned.get("/".join(segments[:depth]))
            if found is not None:
                rest = segments[depth:]
                is_values = all(name in VALUES_FOLDERS | OVERLAYS for name in rest)
                return ((*found[0], *rest), found[1]) if is_values and found[1].app in self._readers else None
        return None

    def _is_claimed(self, name: str, folder: Folder) -> bool:
        claims = {claim for engine in folder.engines for claim in self._engines[engine].claims}
        return name == APP_FILE or any(fnmatchcase(name, claim) for claim in claims)

    def _take(self, file: str, shape: Shape, spot: Spot, *, is_open: bool) -> None:
        suffix = next((one for one in self._suffixes if file.endswith(one)), "")
        name = read_name(file.removesuffix(suffix), spot)
        words = {*pieces(file.removesuffix(suffix))[::2]}
        is_other = is_open and not words.isdisjoint(SECRETS) and words.isdisjoint(("values", "value", "vals"))
        if name is None or is_other:  # secrets in clear are read by another program
            self._found.doubtful.append(spot.path)
        elif name.part:
            self._found.families[(*shape, name.text + suffix)].append((name.part, spot))
        else:
            self._found.layers[shape].setdefault((name.text, suffix), []).append(spot)


def read_name(stem: str, spot: Spot) -> Name | None:
    """Read the name of a values file without its suffix; None where it differs from others in several parts.

    The names of the folder stand in it as placeholders: `{app}`, and `{0}` for the first of `spot.places`.
    """
    text = stem
    known = {place: f"{{{at}}}" for at, place in enumerate(spot.places)} | {spot.app: APP}
    for word in sorted(known, key=len, reverse=True):
        text = replaced(text, word, known[word])
    parts = pieces(text)
    unknown = [at for at in range(0, len(parts), 2) if not _is_known(parts[at])]
    if not unknown:
        return Name(text)
    if all(_is_of_folder(parts[at], spot) for at in unknown):
        for at in unknown:
            parts[at] = "*"
            if at:
                parts[at - 1] = ""
        return Name(_without_double("".join(parts)))
    first, last = unknown[0], unknown[-1]
    if len(unknown) < (last - first) // 2 + 1:
        return None
    part = "".join(parts[first : last + 1])
    return Name("".join((*parts[:first], HOLE, *parts[last + 1 :])), part)


def _with_part(stem: str) -> Name:
    """Read the name of a file in a folder of no application: a word such as base is a part here."""
    parts = pieces(stem)
    unknown = [at for at in range(0, len(parts), 2) if parts[at].lower() not in HEADS]
    if not unknown or len(unknown) == len(parts[::2]) or unknown[-1] - unknown[0] != 2 * (len(unknown) - 1):
        return Name(stem)
    first, last = unknown[0], unknown[-1]
    return Name("".join((*parts[:first], HOLE, *parts[last + 1 :])), "".join(parts[first : last + 1]))


def _is_of_folder(word: str, spot: Spot) -> bool:
    """Say whether a word of a file's name is the end of the application's, or begins or ends a cluster's."""
    ends = (pieces(spot.app)[-1], *(pieces(place)[at] for place in spot.places for at in (0, -1)))
    return word in ends


def _is_known(word: str) -> bool:
    return not word or "{" in word or word.lower() in HEADS | NEUTRAL


def _without_double(text: str) -> str:
    while "**" in text:
        text = text.replace("**", "*")
    return text


def sort_families(found: Found, known: frozenset[str], places: Places) -> tuple[Spots, list[str]]:
    """Return the families of which each file is for one cluster, as shapes, and notes on those where that is a guess.

    `known` are the names of clusters, and of groups of them, that folders have.  Without any, names that look like
    clusters' decide, or that recur over applications, or that stand beside each other.
    """
    accepted: Spots = {}
    notes: list[str] = []
    neutral = dict(_part_neutral(found))
    _drop_wide(found)
    if not known:
        _drop_exceptions(found, places)
    ordered = sorted(found.families.items(), key=lambda item: (-len(item[1]), item[0]))
    names = set(known)
    for shape, members in ordered:
        taken, is_guess = _of_clusters(shape, members, frozenset(names))
        if not known:
            names |= taken
        found.doubtful.extend(spot.path for part, spot in members if part not in taken)
        spots = [spot._replace(places=(*spot.places, part)) for part, spot in members if part in taken]
        if spots:
            accepted[(*shape[:-1], shape[-1].replace(HOLE, PLACE))] = spots
        if is_guess:
            notes.append(guess(taken, f"as in {spots[0].path}"))
        elif neutral.get(shape) in taken:
            path = next(spot.path for part, spot in members if part == neutral[shape])
            notes.append(guess({neutral[shape]}, f"as in {path}"))
    return accepted, notes


def _part_neutral(found: Found) -> Iterator[tuple[Shape, str]]:
    """Take a layer such as values-base.yaml for an alternative where few applications have it, or other places say so.

    Beside files of clusters, base may be one of these: it must then not be a layer of the others.  Each family that
    gets a part more is yielded with that.
    """
    for shape, names in found.layers.items():
        for (stem, suffix), spots in [*names.items()]:
            words = [word for word in pieces(stem)[::2] if word in NEUTRAL]
            if len(words) != 1:
                continue
            text = replaced(stem, words[0], HOLE)
            siblings = found.families.get((*shape, text + suffix), [])
            with_siblings = {spot.app for _, spot in siblings}
            is_rare = len({spot.app for spot in spots}) * 2 < len(with_siblings)
            parts = {part for part, _ in siblings}
            is_elsewhere = words[0] in found.elsewhere[text] and len(parts & found.elsewhere[text]) > 1
            if siblings and (is_rare or is_elsewhere):
                del names[stem, suffix]
                siblings += ((words[0], spot) for spot in spots)
                yield (*shape, text + suffix), words[0]


def _drop_wide(found: Found) -> None:
    """Leave out names with a `*` that other files of these folders have, too."""
    for shape, names in found.layers.items():
        others = [
            f"{text[-1].replace(HOLE, part)}"
            for text, members in found.families.items()
            if text[:-1] == shape
            for part, _ in members
        ]
        others += [path.rpartition("/")[2] for path in found.doubtful]
        for (stem, suffix), spots in [*names.items()]:
            if "*" in stem and any(fnmatchcase(other, stem + suffix) for other in others):
                del names[stem, suffix]
                found.doubtful.extend(spot.path for spot in spots)


def guess(names: Collection[str], why: str) -> str:
    """Return the sentence that asks for a look at what is taken for clusters."""
    are = "are taken for clusters" if len(names) > 1 else "is taken for a cluster"
    return f"{and_more(sorted(names), MAX_LISTED)} {are}, {why}: right? If not, take them out of `clusters`"


def _drop_exceptions(found: Found, places: Places) -> None:
    """Leave out the families of few applications: one chart's values-production.yaml makes no cluster of the others."""
    for owner, spots in places.apps.items():
        own = {shape: members for shape, members in found.families.items() if shape[: len(owner)] == owner}
        apps = {spot.app for members in own.values() for _, spot in members}
        every = {spot.app for spot in spots}
        is_like = any(is_cluster_like(part) for members in own.values() for part, _ in members)
        if len(apps) * 2 < len(every) or (len(apps) == 1 < len(every) and not is_like):
            for shape, members in own.items():
                found.doubtful.extend(spot.path for _, spot in members)
                del found.families[shape]


def _of_clusters(shape: Shape, members: list[tuple[str, Spot]], known: frozenset[str]) -> tuple[set[str], bool]:
    """Return the parts that are names of clusters, and whether that is a guess."""
    parts = {part for part, _ in members}
    if known & parts:
        return parts & known, False
    if known:
        return set(), False
    like = {part for part in parts if is_cluster_like(part)}
    is_bare = HOLE in (shape[-1].partition(".")[0], shape[-1]) and shape[-2] not in VALUES_FOLDERS | OVERLAYS
    if is_bare:  # a file named prod.yaml; dashboards.yaml is another thing
        return like, False
    apps: dict[str, set[str]] = defaultdict(set)
    for part, spot in members:
        apps[part].add(spot.app)
    recurring = {part for part, names in apps.items() if len(names) > 1}
    every = {spot.app for _, spot in members}
    if len(every) > 1 and (like or len(recurring) > 1):
        return like | (recurring if len(parts) > 1 else set()), False
    if PLACE in shape:
        return like, False
    return parts, not like


def patterns(
    layers: Mapping[Shape, Iterable[tuple[str, str]]],
    families: Spots,
    *,
    clusters: Clusters,
    places: Places,
    suffixes: Sequence[str],
) -> Iterator[ValuesPattern]:
    """Yield the patterns of values files, weakest first; a file without a wildcard in its name may be missing."""
    spots = {**places.instances, **places.apps}
    rows: list[tuple[tuple[object, ...], str]] = []
    for shape, names in layers.items():
        depth = next((depth for depth in range(len(shape), 0, -1) if shape[:depth] in spots), 0)
        if not depth:  # of applications that run nowhere, and are left out
            continue
        owner = shape[:depth]
        folder = "/".join((clusters.spell(owner, spots[owner]), *shape[depth:]))
        levels = clusters.levels_of(owner, spots[owner])
        for name in _without_covered(names):
            text = name
            for at, level in enumerate(levels):
                text = text.replace(f"{{{at}}}", f"{{{level}}}")
            rank = (owner not in places.apps, levels != (ENV,), False, _rank(name, suffixes))
            rows.append((rank, f"{folder}/{text}"))
    for shape, found in families.items():
        is_outside = not any(shape[:depth] in places.apps for depth in range(len(shape)))
        levels = clusters.levels_of(shape, found)
        rank = (is_outside, levels != (ENV,), True, _rank(shape[-1], suffixes))
        text = clusters.spell(shape, found)
        for at, level in enumerate(levels):
            text = text.replace(f"{{{at}}}", f"{{{level}}}")
        rows.append((rank, text))
    for _, text in sorted(rows):
        yield ValuesPattern(text, optional="*" not in text)


def _without_covered(names: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the names without those that a pattern among them matches."""
    every = list(names)
    wild = [(stem, suffix) for stem, suffix in every if "*" in stem]
    for stem, suffix in every:
        others = (one for one, end in wild if end == suffix and one != stem)
        if not any(fnmatchcase(stem.replace("*", "x"), other) for other in others):
            yield stem + suffix


def _rank(name: str, suffixes: Sequence[str]) -> tuple[int, int, str]:
    words = {*pieces(name)[::2]}
    strength = 0 if words & NEUTRAL else 2 if words & {"override", "overrides"} else 1
    is_secret = name.endswith(tuple(suffixes)) or bool(words & {"secret", "secrets"})
    return int(is_secret), strength, name
