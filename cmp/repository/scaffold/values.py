"""The names of values files, as patterns; and the ends of the names of encrypted ones."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from cmp.repository import layout
from cmp.repository.config import APP_FILE
from cmp.repository.config.reference import SUFFIXES
from cmp.repository.scaffold.folders import YAML
from cmp.repository.scaffold.shapes import CLUSTER, WORD_OF_CLUSTER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.model import EngineTraits
    from cmp.repository.layout import Captures
    from cmp.repository.scaffold.folders import Folder
    from cmp.repository.scaffold.shapes import Shape

SHORTEST = 3  # letters that names must begin with in common, to be a pattern


class Written(NamedTuple):
    """A pattern of values files; `is_optional` says that it is literal, and not every folder has such a file."""

    pattern: str
    is_optional: bool


class Named(NamedTuple):
    """A values file, by its folder and name, with what the folder captures."""

    folder: str
    name: str
    captures: Captures


class Found(NamedTuple):
    """The patterns of values files, weakest first, and the files that are named after a stage and belong to nobody."""

    patterns: list[Written]
    left_out: list[str]


def secret_suffixes(folders: list[Folder]) -> list[str]:
    """Return the ends, such as `.secret.yaml`, of names that encrypted files have and no file in clear has.

    An empty file of the end that is the default has it for a reason, too.
    """
    encrypted = {_suffix(name) for folder in folders for name in folder.encrypted}
    empty = {_suffix(name) for folder in folders for name in folder.empty}
    plain = {_suffix(name) for folder in folders for name in {*folder.files} - folder.encrypted - folder.empty}
    return sorted((encrypted | (empty & {*SUFFIXES})) - plain - {""})


def _suffix(name: str) -> str:
    parts = name.split(".")
    return f".{parts[-2]}.{parts[-1]}" if len(parts) > 2 else ""  # noqa: PLR2004  # name.secret.yaml


def find(
    folders: list[Folder], shape: Shape, clusters: list[str], suffixes: list[str], engines: Mapping[str, EngineTraits]
) -> Found:
    """Look for values files in the folders of applications and of their clusters."""
    found: list[Written] = []
    left_out: list[str] = []
    for pattern in filter(None, (shape.apps, shape.instances)):
        named, taken = _files(folders, pattern, engines)
        # A wildcard would make it a layer of every cluster.
        lost = [one for one in named if "cluster" not in one.captures and _is_of_another(one.name, clusters)]
        left_out += [f"{one.folder}/{one.name}" for one in lost]
        for end in (*YAML, *suffixes):
            group = [one for one in named if one not in lost and _end(one.name, suffixes) == end]
            names = _general(group, clusters, end, taken)
            found += [Written(f"{pattern}/{name}", is_optional="*" not in name) for name in names]
    return Found(found, left_out)


def clusters(folders: list[Folder], shape: Shape, engines: Mapping[str, EngineTraits]) -> list[str]:
    """Return the clusters that values files in the applications' folders are named after, as values-dev.yaml."""
    named, _ = _files(folders, shape.apps, engines)
    return sorted({found[0] for one in named if (found := WORD_OF_CLUSTER.search(one.name))})


def _files(folders: list[Folder], pattern: str, engines: Mapping[str, EngineTraits]) -> tuple[list[Named], set[str]]:
    """Return the files that may hold values, and the names of others beside them."""
    parsed = layout.parse(pattern)
    places = [(folder, layout.match(parsed, folder.path)) for folder in folders]
    readers = [(folder, place) for folder, place in places if place is not None and _reads(folder, engines)]
    taken = {name for folder, _ in readers for name in folder.files if _is_claimed(name, folder, engines)}
    named = [Named(folder.path, name, place) for folder, place in readers for name in folder.files if name not in taken]
    return named, taken


def _reads(folder: Folder, engines: Mapping[str, EngineTraits]) -> bool:
    return not folder.engines or any(engines[name].reads_values for name in folder.engines)


def _is_claimed(name: str, folder: Folder, engines: Mapping[str, EngineTraits]) -> bool:
    claims = {claim for engine in folder.engines for claim in engines[engine].claims}
    return name == APP_FILE or any(fnmatchcase(name, claim) for claim in claims)


def _end(name: str, suffixes: list[str]) -> str:
    return next((end for end in (*suffixes, *YAML) if name.endswith(end)), "")


def _general(named: list[Named], clusters: list[str], end: str, taken: set[str]) -> list[str]:
    """Return one pattern for names with this end, or the names themselves where none fits them and nothing else."""
    stems = {one.name.removesuffix(end) for one in named}
    filled = sorted({_with_placeholders(one, clusters).removesuffix(end) for one in named})
    if len(filled) < 2 or all(CLUSTER in stem for stem in filled):  # noqa: PLR2004  # one name is a pattern by itself
        return [stem + end for stem in filled]
    common = os.path.commonprefix(sorted(stems))  # noqa: RUF071  # of letters, not of folders
    wildcards = [f"{common}*"] if len(common) >= SHORTEST else []
    wildcards += [middle for middle in ("*-values*", "*values*") if all(fnmatchcase(stem, middle) for stem in stems)]
    fitting = [one + end for one in wildcards if not any(fnmatchcase(name, one + end) for name in taken)]
    return fitting[:1] or [stem + end for stem in filled]


def _with_placeholders(one: Named, clusters: list[str]) -> str:
    """Put {app} and {cluster} for words of a name."""
    name = one.name
    known = {**dict.fromkeys(clusters, CLUSTER), **{value: f"{{{key}}}" for key, value in one.captures.items()}}
    for value in sorted(known, key=len, reverse=True):
        name = re.sub(rf"(?<![^-_.]){re.escape(value)}(?![^-_.])", known[value], name)
    return name


def _is_of_another(name: str, clusters: list[str]) -> bool:
    found = WORD_OF_CLUSTER.search(name)
    return found is not None and found[0] not in clusters
