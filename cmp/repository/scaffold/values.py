"""The names of values files, as patterns; and the suffixes of encrypted ones."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from cmp.repository import layout
from cmp.repository.config import APP_FILE, ValuesPattern
from cmp.repository.config.model import SUFFIXES
from cmp.repository.scaffold.layouts import CLUSTER, WORD_OF_CLUSTER, YAML

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.model import EngineTraits
    from cmp.repository.layout import Captures
    from cmp.repository.scaffold.layouts import Folder, LayoutGuess

SHORTEST = 3  # letters that names must begin with in common, to be a pattern


class ValuesFile(NamedTuple):
    """A values file by its folder and name, with the captures of the folder's path."""

    folder: str
    name: str
    captures: Captures


class ValuesPatterns(NamedTuple):
    """The patterns of values files, weakest first, and the files named after a stage that is no cluster."""

    patterns: list[ValuesPattern]
    left_out: list[str]


def secret_suffixes(folders: list[Folder]) -> list[str]:
    """Return the suffixes, such as `.secret.yaml`, that encrypted files have and no file in clear has.

    An empty file with the default suffix counts as encrypted: its name is chosen for later content.
    """
    encrypted = {_suffix(name) for folder in folders for name in folder.encrypted}
    empty = {_suffix(name) for folder in folders for name in folder.empty}
    plain = {_suffix(name) for folder in folders for name in {*folder.files} - folder.encrypted - folder.empty}
    return sorted((encrypted | (empty & {*SUFFIXES})) - plain - {""})


def _suffix(name: str) -> str:
    parts = name.split(".")
    return f".{parts[-2]}.{parts[-1]}" if len(parts) > 2 else ""  # noqa: PLR2004  # name.secret.yaml


def patterns(
    folders: list[Folder],
    guess: LayoutGuess,
    clusters: list[str],
    suffixes: list[str],
    engines: Mapping[str, EngineTraits],
) -> ValuesPatterns:
    """Return the patterns of the values files in the folders of applications and of their clusters.

    A pattern without a wildcard is optional: not every folder has such a file.
    """
    layers: list[ValuesPattern] = []
    left_out: list[str] = []
    for pattern in filter(None, (guess.apps, guess.instances)):
        files, taken = _files(folders, pattern, engines)
        # A wildcard would make it a layer of every cluster.
        lost = [file for file in files if "cluster" not in file.captures and _is_of_another(file.name, clusters)]
        left_out += [f"{file.folder}/{file.name}" for file in lost]
        for suffix in (*YAML, *suffixes):
            group = [file for file in files if file not in lost and _suffix_in(file.name, suffixes) == suffix]
            names = _general(group, clusters, suffix, taken)
            layers += [ValuesPattern(f"{pattern}/{name}", optional="*" not in name) for name in names]
    return ValuesPatterns(layers, left_out)


def clusters(folders: list[Folder], guess: LayoutGuess, engines: Mapping[str, EngineTraits]) -> list[str]:
    """Return the clusters that values files in the applications' folders are named after, as values-dev.yaml."""
    files, _ = _files(folders, guess.apps, engines)
    return sorted({stage[0] for file in files if (stage := WORD_OF_CLUSTER.search(file.name))})


def _files(
    folders: list[Folder], pattern: str, engines: Mapping[str, EngineTraits]
) -> tuple[list[ValuesFile], set[str]]:
    """Return the files that may hold values, and the names of other files in the same folders."""
    parsed = layout.parse(pattern)
    owners = [(folder, layout.match(parsed, folder.path)) for folder in folders]
    readers = [(folder, owner) for folder, owner in owners if owner is not None and _reads_values(folder, engines)]
    taken = {name for folder, _ in readers for name in folder.files if _is_claimed(name, folder, engines)}
    files = [
        ValuesFile(folder.path, name, owner) for folder, owner in readers for name in folder.files if name not in taken
    ]
    return files, taken


def _reads_values(folder: Folder, engines: Mapping[str, EngineTraits]) -> bool:
    return not folder.engines or any(engines[name].reads_values for name in folder.engines)


def _is_claimed(name: str, folder: Folder, engines: Mapping[str, EngineTraits]) -> bool:
    claims = {claim for engine in folder.engines for claim in engines[engine].claims}
    return name == APP_FILE or any(fnmatchcase(name, claim) for claim in claims)


def _suffix_in(name: str, suffixes: list[str]) -> str:
    return next((suffix for suffix in (*suffixes, *YAML) if name.endswith(suffix)), "")


def _general(files: list[ValuesFile], clusters: list[str], suffix: str, taken: set[str]) -> list[str]:
    """Return one pattern for the files with this suffix; the names themselves where no pattern fits these alone."""
    stems = {file.name.removesuffix(suffix) for file in files}
    filled = sorted({_with_placeholders(file, clusters).removesuffix(suffix) for file in files})
    if len(filled) < 2 or all(CLUSTER in stem for stem in filled):  # noqa: PLR2004  # one name is a pattern by itself
        return [stem + suffix for stem in filled]
    common = os.path.commonprefix(sorted(stems))  # noqa: RUF071  # of letters, not of folders
    wildcards = [f"{common}*"] if len(common) >= SHORTEST else []
    wildcards += [middle for middle in ("*-values*", "*values*") if all(fnmatchcase(stem, middle) for stem in stems)]
    candidates = [wildcard + suffix for wildcard in wildcards]
    fitting = [text for text in candidates if not any(fnmatchcase(name, text) for name in taken)]
    return fitting[:1] or [stem + suffix for stem in filled]


def _with_placeholders(file: ValuesFile, clusters: list[str]) -> str:
    """Put {app} and {cluster} for words of a name."""
    name = file.name
    known = {**dict.fromkeys(clusters, CLUSTER), **{value: f"{{{key}}}" for key, value in file.captures.items()}}
    for value in sorted(known, key=len, reverse=True):
        name = re.sub(rf"(?<![^-_.]){re.escape(value)}(?![^-_.])", known[value], name)
    return name


def _is_of_another(name: str, clusters: list[str]) -> bool:
    stage = WORD_OF_CLUSTER.search(name)
    return stage is not None and stage[0] not in clusters
