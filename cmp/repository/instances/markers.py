"""The files of engines: what in a folder chooses an engine, before a configuration says which one is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.engines.registry import ENGINES, KUSTOMIZE, HelmfileOptions, PlainOptions
from cmp.errors import ConfigError
from cmp.repository import layout
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.model import EngineTraits
    from cmp.repository.config import Layout
    from cmp.repository.layout import Captures
    from cmp.system.tree import Entry, Tree

COMPONENT = b"Component"  # the kind of a kustomization


def matches_any(patterns: tuple[str, ...], name: str) -> bool:
    """Say whether a file has a name that one of the patterns matches."""
    return any(layout.match_name(layout.parse(text).segments[0], name, {}) is not None for text in patterns)


def may_be_object(data: bytes) -> bool:
    """Say whether a file may hold an object of Kubernetes."""
    return b"apiVersion" in data and b"kind" in data


def may_be_entered(entry: Entry) -> bool:
    """Say whether manifests may lie below an entry: a folder that is neither hidden nor a link."""
    return entry.kind == "folder" and not entry.is_link and not entry.name.startswith(".")


def has_engine_file(
    tree: Tree, folder: str, engines: Mapping[str, EngineTraits], options: Mapping[str, Mapping[str, object]]
) -> bool:
    """Say whether a folder has the file of an engine; for plain manifests one that may be an object.

    `options` are those of all applications: a helmfile may have another name, and manifests may lie deeper.
    """
    marks = tuple(text for traits in engines.values() if not traits.is_fallback for text in traits.markers)
    marks += tuple(filter(None, [HelmfileOptions(options).file]))
    if any(matches_any(marks, entry.name) for entry in tree.entries(folder)):
        return True
    plain = tuple(text for traits in engines.values() if traits.is_fallback for text in traits.markers)
    return _has_object(tree, folder, plain, is_deep=PlainOptions(options).recurse)


def _has_object(tree: Tree, folder: str, marks: tuple[str, ...], *, is_deep: bool) -> bool:
    entries = tree.entries(folder)
    files = (join(folder, entry.name) for entry in entries if entry.kind == "file" and matches_any(marks, entry.name))
    if any(_holds_object(tree, path) for path in files):
        return True
    below = (join(folder, entry.name) for entry in entries if is_deep and may_be_entered(entry))
    return any(_has_object(tree, path, marks, is_deep=True) for path in below)


def _holds_object(tree: Tree, path: str) -> bool:
    try:
        return may_be_object(tree.read(path))
    except ConfigError:  # too large or unreadable: its render says so
        return True


def has_values(tree: Tree, written: Layout, known: Captures, folders: Iterable[str]) -> bool:
    """Say whether a values file of an application, for any cluster, lies in one of its folders."""
    own = tuple(f"{folder}/" for folder in folders)
    patterns = (layout.parse(values.pattern, values.place) for values in written.values)
    matches = (match for pattern in patterns for match in layout.expand(tree, pattern, known))
    return any(match.path.startswith(own) for match in matches)


def is_component(tree: Tree, folder: str) -> bool:
    """Say whether the kustomization in a folder is a component, which others include."""
    names = ENGINES[KUSTOMIZE].markers
    for path in (join(folder, one.name) for one in tree.entries(folder) if one.name in names and one.kind == "file"):
        if COMPONENT in (data := tree.read(path)):
            try:
                documents = yamldoc.load_all(data)
            except yamldoc.YamlError:  # kustomize says why
                return False
            return any(isinstance(one, dict) and one.get("kind") == COMPONENT.decode() for one in documents)
    return False
