"""The tags, imports and embedded files of a CUE package, read from its files before cue runs.

Nothing is evaluated here: a tag or file too many costs a little, and mistakes cue tells itself.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.system.tree import join, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.system.tree import Tree

MODULE = "cue.mod"
MODULE_FILE = "module.cue"
LOCAL_MODULE_FILE = "local-module.cue"  # read by cue 0.17.1, not by 0.14.1; its one purpose is `replaceWith`

_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)  # a `//` behind something else may stand in a text
_TAG = re.compile(r"@tag\(\s*([\w$#]+)")
_EMBED = re.compile(r"""@embed\(\s*(file|glob)\s*=\s*(?:"([^"]+)"|([^,)\s]+))""")
_NAME = re.compile(r"""^\s*module:\s*"([^"@]+)""", re.MULTILINE)
_IMPORT = re.compile(r"""^\s*import\s*(?:\([^)]*\)|(?:\w+\s+)?"[^"]+")""", re.MULTILINE)
_TEXT = re.compile(r"""\"([^"]+)\"""")


class Sources(NamedTuple):
    """The tags that the files declare; the files that they embed, each with the files that must be copied for it."""

    tags: frozenset[str]
    embedded: dict[str, tuple[str, ...]]


def read(tree: Tree, folder: str) -> Sources:
    """Look through the CUE files of a folder, of those below it, and of those above it, which add to its package."""
    tags: set[str] = set()
    embedded: dict[str, tuple[str, ...]] = {}
    for path in _files(tree, folder):
        text = _COMMENT.sub("", tree.read(path).decode(errors="replace"))
        tags.update(_TAG.findall(text))
        for embed in _EMBED.finditer(text):
            name = embed[2] or embed[3]
            for file in _embedded(tree, os.path.dirname(path), name, is_pattern=embed[1] == "glob"):
                embedded[file] = () if file.startswith(f"{folder}/") else (file,)
    return Sources(frozenset(tags), embedded)


def package(tree: Tree, folder: str) -> tuple[str, ...]:
    """Return the CUE files of a package and of the packages that it imports from its module, and the folder cue.mod.

    ConfigError for a module that takes others from any folder.
    """
    root = _module(tree, folder)
    if root is None:
        return tuple(_files(tree, folder))
    module_folder = join(root, MODULE)
    if tree.kind(local := join(module_folder, LOCAL_MODULE_FILE)) != "missing":
        raise ConfigError(
            "this file takes modules from other folders, which no render follows",
            file=local,
            hint=f"copy their packages to {MODULE}/pkg, or into the module, and remove the file from Git",
        )
    module_file = join(module_folder, MODULE_FILE)
    content = tree.read(module_file).decode(errors="replace") if tree.kind(module_file) == "file" else ""
    name = _NAME.search(content)
    files: dict[str, None] = {}
    waiting, seen = [folder], {folder}
    while waiting:
        for path in _files(tree, waiting.pop(0)):
            files[path] = None
            text = tree.read(path).decode(errors="replace")
            for imported in _imports(text, name[1] if name else ""):
                if (target := join(root, imported)) not in seen:
                    seen.add(target)
                    waiting.append(target)
    return (module_folder, *files)


def _module(tree: Tree, folder: str) -> str | None:
    """Return the root of the module that a folder is in."""
    while tree.kind(join(folder, MODULE)) != "folder":
        if not folder:
            return None
        folder = os.path.dirname(folder)
    return folder


def _imports(text: str, module: str) -> Iterator[str]:
    """Yield the folders, from the module's, of packages of the same module."""
    for declaration in _IMPORT.finditer(text):
        for path in _TEXT.findall(declaration[0]):
            inside = path.partition(":")[0].partition("@")[0]
            if module and (inside == module or inside.startswith(f"{module}/")):
                yield inside.removeprefix(module).strip("/")


def _files(tree: Tree, folder: str) -> Iterator[str]:
    for path in walk(tree, folder):
        if path.endswith(".cue") and f"/{MODULE}/" not in path:
            yield path
    while folder:
        if tree.kind(join(folder, MODULE)) == "folder":
            return  # the module ends here
        folder = os.path.dirname(folder)
        for entry in tree.entries(folder):
            if entry.kind == "file" and entry.name.endswith(".cue"):
                yield join(folder, entry.name)


def _embedded(tree: Tree, folder: str, name: str, *, is_pattern: bool) -> Iterator[str]:
    """Yield the files that an `@embed` names; its paths start in the folder of its file, and never leave it."""
    parts = name.split("/")
    if ".." in parts or not parts[0]:
        return
    if not is_pattern:
        path = join(folder, *(part for part in parts if part != "."))
        if tree.kind(path) == "file":
            yield path
        return
    for entry in tree.entries(folder):
        if fnmatchcase(entry.name, parts[0]):
            path = join(folder, entry.name)
            if parts[1:]:
                yield from _embedded(tree, path, "/".join(parts[1:]), is_pattern=True)
            elif entry.kind == "file":
                yield path
