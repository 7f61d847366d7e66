"""The folders of a tree that hold applications or values, and the layout that covers most of them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.registry import KUSTOMIZE
from cmp.errors import ConfigError
from cmp.repository import layout
from cmp.repository.instances.markers import is_component
from cmp.secrets import sops
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import EngineTraits
    from cmp.repository.layout import Captures
    from cmp.system.tree import Tree

MAX_DEPTH = 8  # segments of a path: no usual layout is deeper
YAML = (".yaml", ".yml")
APP, CLUSTER = "{app}", "{cluster}"
BASES = ("base", "chart")  # the part of an application's folder that all its clusters share
OVERLAYS = ("overlays", "clusters", "environments", "envs", "instances")  # usual names of a folder of clusters
_STAGES = "(?:local|lab|sandbox|dev|develop|development|test|tst|qa|uat|stg|stage|staging|preprod|prd|prod|production)"
WORD_OF_CLUSTER = re.compile(rf"(?<![^-_.]){_STAGES}\d*(?:-cluster)?(?![^-_.])")
_CLUSTER_LIKE = re.compile(rf"(?:.*[-_.])?(?:{_STAGES}\d*|cluster)(?:[-_.].*)?")


class Folder(NamedTuple):
    """A folder with the names of its YAML files; `engines` are those whose file it holds.

    `encrypted` are the files that sops encrypted, `empty` those without a value that it could encrypt.
    """

    path: str
    engines: tuple[str, ...]
    files: tuple[str, ...]
    encrypted: frozenset[str]
    empty: frozenset[str]

    @property
    def segments(self) -> tuple[str, ...]:
        """The names on the way from the root."""
        return tuple(self.path.split("/")) if self.path else ()


def walk(tree: Tree, engines: Mapping[str, EngineTraits]) -> list[Folder]:
    """Return every folder with a YAML file or an engine's file, by path; links and hidden ones are not entered.

    Where no folder has the file of an engine, those with Kubernetes objects are the plain engine's.
    """
    folders = list(_walk(tree, "", {name: traits for name, traits in engines.items() if not traits.is_fallback}))
    if any(folder.engines for folder in folders):
        return folders
    plain = tuple(name for name, traits in engines.items() if traits.is_fallback)
    return [folder._replace(engines=plain) if _has_objects(tree, folder) else folder for folder in folders]


def _walk(tree: Tree, path: str, engines: Mapping[str, EngineTraits]) -> Iterator[Folder]:
    entries = [entry for entry in tree.entries(path) if not entry.name.startswith(".") and not entry.is_link]
    names = [entry.name for entry in entries]
    marked = tuple(name for name, traits in engines.items() if _has_any(names, traits.markers))
    if KUSTOMIZE in marked and is_component(tree, path):
        marked = tuple(name for name in marked if name != KUSTOMIZE)
    files = tuple(entry.name for entry in entries if entry.kind == "file" and entry.name.endswith(YAML))
    if marked or files:
        contents = {name: _content(tree, join(path, name)) for name in files}
        yield Folder(
            path=path,
            engines=marked,
            files=files,
            encrypted=frozenset(name for name, data in contents.items() if sops.is_encrypted(name, data)),
            empty=frozenset(name for name, data in contents.items() if sops.holds_nothing(data)),
        )
    claimed = {claim.removesuffix("/**") for name in marked for claim in engines[name].claims}
    for entry in entries:
        is_claimed = entry.name in claimed  # the chart's templates and subcharts, for one
        if entry.kind == "folder" and not is_claimed and path.count("/") < MAX_DEPTH - 1:
            yield from _walk(tree, join(path, entry.name), engines)


def _has_objects(tree: Tree, folder: Folder) -> bool:
    contents = [_content(tree, join(folder.path, name)) for name in folder.files]
    return any(b"\nkind:" in b"\n" + data and b"\napiVersion:" in b"\n" + data for data in contents)


def _has_any(names: list[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _content(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path)
    except ConfigError:  # too large or unreadable: the command that uses the file reports it
        return b""


class LayoutGuess(NamedTuple):
    """The patterns of a possible layout, and the names of the applications that it finds.

    `instances` is empty where the layout has no instance folders.
    """

    apps: str
    app_names: frozenset[str]
    instances: str = ""

    def owner(self, path: str) -> Captures | None:
        """Return application and cluster of a folder; None for a folder of neither."""
        captures = layout.match(layout.parse(self.apps), path)
        if captures is not None or not self.instances:
            return captures
        captures = layout.match(layout.parse(self.instances), path)
        return captures if captures is not None and captures["app"] in self.app_names else None

    def clusters(self, folders: list[Folder]) -> list[str]:
        """Return the clusters that the folders are named after, sorted."""
        owners = (self.owner(folder.path) for folder in folders)
        return sorted({owner["cluster"] for owner in owners if owner and "cluster" in owner})


def is_cluster_like(name: str) -> bool:
    """Say whether the name may be a cluster's: dev, prod-2, tokyo-cluster."""
    return _CLUSTER_LIKE.fullmatch(name) is not None


def choose(folders: list[Folder]) -> LayoutGuess | None:
    """Return the layout that covers most folders with an engine's file, then most folders of clusters."""
    marked = [folder for folder in folders if folder.engines]
    guesses = [guess for apps in _without_instances(marked) for guess in _with_instances(apps, folders)]

    def covered(guess: LayoutGuess) -> tuple[int, int, int]:
        owned = [(folder, owner) for folder in folders if (owner := guess.owner(folder.path)) is not None]
        with_engine = sum(bool(folder.engines) for folder, _ in owned)
        with_cluster = sum("cluster" in owner for _, owner in owned)
        return with_engine, with_cluster, -guesses.index(guess)

    return max(guesses, key=covered, default=None)


def _without_instances(marked: list[Folder]) -> list[LayoutGuess]:
    """Return a layout for each plausible pattern that the folder of some application matches."""
    patterns = dict.fromkeys(pattern for folder in marked for pattern in _patterns_of(folder.segments))
    guesses = []
    for pattern in patterns:
        parsed = layout.parse(pattern)
        owners = [owner for folder in marked if (owner := layout.match(parsed, folder.path)) is not None]
        if _is_plausible(pattern, owners):
            guesses.append(LayoutGuess(pattern, frozenset(owner["app"] for owner in owners)))
    return guesses


def _patterns_of(segments: tuple[str, ...]) -> Iterator[str]:
    if segments and segments[-1] not in BASES:
        yield "/".join((*segments[:-1], APP))
    if len(segments) > 1:
        *above, _, last = segments
        if last in BASES:
            yield "/".join((*above, APP, last))
        yield "/".join((*above, CLUSTER, APP))
        yield "/".join((*above, APP, CLUSTER))


def _is_plausible(pattern: str, owners: list[Captures]) -> bool:
    """Say whether the captured clusters have names of clusters, and the captured applications have not."""
    above = pattern.split("/{", 1)[0].rpartition("/")[2]
    names = {owner["app"] for owner in owners}
    if CLUSTER not in pattern:
        return above not in OVERLAYS and not all(is_cluster_like(name) for name in names)
    is_named = above in OVERLAYS and pattern.endswith(APP)
    return not names & {*OVERLAYS} and (is_named or all(is_cluster_like(owner["cluster"]) for owner in owners))


def _with_instances(guess: LayoutGuess, folders: list[Folder]) -> Iterator[LayoutGuess]:
    """Yield the layout as it is, and with each pattern of instance folders that some folder matches."""
    yield guess
    if CLUSTER in guess.apps:
        return
    below = layout.parse(f"{guess.apps}/**")
    patterns = (
        pattern
        for folder in folders
        if guess.owner(folder.path) is None
        for pattern in _instances_of(
            folder.segments, guess.app_names, is_below=layout.match(below, folder.path) is not None
        )
    )
    yield from (guess._replace(instances=pattern) for pattern in dict.fromkeys(patterns))


def _instances_of(segments: tuple[str, ...], apps: frozenset[str], *, is_below: bool) -> Iterator[str]:
    """Yield the patterns that a folder matches if it is the instance folder of one of the applications."""
    if len(segments) < 2:  # noqa: PLR2004  # an application's and a cluster's name
        return
    *above, outer, last = segments
    if last in apps and not is_below:
        yield "/".join((*above, CLUSTER, APP))
    if outer in apps and (is_cluster_like(last) or {*above[-1:]} & {*OVERLAYS}):
        yield "/".join((*above, APP, CLUSTER))
    if above and above[-1] in apps and outer in OVERLAYS:
        yield "/".join((*above[:-1], APP, outer, CLUSTER))
