"""A first cmp.yaml, drafted for `cmp init` from the folders and files of a tree.

proposal.py  a cmp.yaml before it is text, found from Applications or from folders
wanted.py    the pairs that Argo CD has today, as Applications say them
layouts.py   the folders with applications, and the layout that covers most of them
values.py    the names of values files, as patterns
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository.config.model import PINS, SUFFIXES
from cmp.repository.scaffold import layouts, values
from cmp.versions import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.model import EngineTraits
    from cmp.repository.config import ValuesPattern
    from cmp.repository.scaffold.layouts import Folder, LayoutGuess
    from cmp.system.tree import Tree

_PLAIN = re.compile(r"(?=.*[^\W\d_])[\w./][\w./{}*-]*")
_NOT_TEXT = re.compile(r"(?i:true|false|null|yes|no|on|off|y|n)|[\d.]+e\d+|0[xo][\da-fA-F]+")


class Draft(NamedTuple):
    """The text of a cmp.yaml, and notes on folders and files that it leaves out."""

    content: str
    notes: list[str]


def draft(tree: Tree, engines: Mapping[str, EngineTraits], installed: Callable[[str], list[str]]) -> Draft:
    """Draft a cmp.yaml for a tree; ConfigError when it holds no application, or none that a pattern can name.

    `installed` returns the versions of a tool on this machine, oldest first: a pin is the package's default where that
    is installed, or nothing is; else the newest installed.
    """
    folders = layouts.walk(tree, engines)
    marked = [folder for folder in folders if folder.engines]
    if not marked:
        markers = ", ".join(text for traits in engines.values() if not traits.is_fallback for text in traits.markers)
        raise ConfigError("there is nothing to render here", hint=f"an application's folder has one of {markers}")
    guess = layouts.choose(folders)
    if guess is None:
        raise ConfigError(
            "no pattern with {app} tells the applications apart: " + ", ".join(folder.path or "." for folder in marked),
            hint="each needs a folder of its own, as namespaces/{app}; describe others in a cmp.yaml by hand",
        )
    suffixes = values.secret_suffixes(folders)
    by_folder = guess.clusters(folders)
    clusters = by_folder or values.clusters(folders, guess, engines)
    layers = values.patterns(folders, guess, clusters, suffixes or list(SUFFIXES), engines)
    tools = {name: _version(name, installed(name)) for name in _tools(folders, guess)}
    lines = _lines(guess, layers.patterns, clusters, tools, suffixes)
    notes = [
        f"{folder.path or '.'} is no application in this layout" for folder in marked if not guess.owner(folder.path)
    ]
    notes += [f"{path} is no layer in this layout: which clusters is it for?" for path in layers.left_out]
    if clusters and not by_folder:
        notes.append("no folder says where an application runs: write `clusters: all`, or names, into its cmp-app.yaml")
    return Draft("".join(f"{line}\n" for line in lines), notes)


def _tools(folders: list[Folder], guess: LayoutGuess) -> list[str]:
    used = {engine for folder in folders if guess.owner(folder.path) for engine in folder.engines}
    has_secrets = any(folder.encrypted for folder in folders)
    return [name for name in PINS if name in used or (name == "sops" and has_secrets)]


def _version(tool: str, installed: list[str]) -> str:
    default = PINS[tool].version
    return default if default in installed or not installed else newest(installed)


def _lines(
    guess: LayoutGuess,
    patterns: list[ValuesPattern],
    clusters: list[str],
    tools: Mapping[str, str],
    suffixes: list[str],
) -> Iterator[str]:
    """Yield the file's lines: every key with a comment; no clusters, tools or suffixes leave their key out."""
    yield "# How this repository is laid out, which clusters it serves, and which tools render it."
    yield "# `cmp init` wrote it from what lies here: read it through. `cmp schema` prints every key there is."
    yield "version: 1"
    yield "layout:"
    yield "  # The folders of the applications: each holds a chart, a kustomization or the like."
    yield f"  apps: {_text(guess.apps)}"
    yield "  # The folders that say that an application runs on a cluster; empty: there are none."
    yield f"  instances: {_text(guess.instances)}"
    yield "  # The values files, weakest first. {app} and {cluster} are filled, * is any text in one name."
    yield from _values(patterns)
    yield "  # The release name. Without this key it is the Application's name in Argo CD, unknown to a checkout."
    yield '  # release: "{app}"'
    yield from _clusters(clusters)
    if tools:
        yield "# The versions that render. An application's cmp-app.yaml, which `cmp pin --app` writes, may pin others."
        yield "tools:"
        yield from (f"  {name}: {version}" for name, version in tools.items())
    if suffixes:
        yield "# Files with these ends must be encrypted by sops: one that is not is an error."
        yield "secrets:"
        yield f"  suffixes: [{', '.join(json.dumps(suffix) for suffix in suffixes)}]"


def _values(patterns: list[ValuesPattern]) -> Iterator[str]:
    if not patterns:
        yield "  values: []"
        return
    yield "  values:"
    for layer in patterns:
        quoted = json.dumps(layer.pattern, ensure_ascii=False)
        yield f"    - {{path: {quoted}, optional: true}}" if layer.optional else f"    - {_text(layer.pattern)}"


def _clusters(names: list[str]) -> Iterator[str]:
    if not names:
        return
    yield '# Every cluster, with what charts and patterns may know of it, such as {kubeVersion: "1.33", env: prod}.'
    yield "clusters:"
    yield from (f"  {_text(name)}: {{}}" for name in names)


def _text(text: str) -> str:
    """Write a text so that YAML reads it as that text, in quotes only where it needs them."""
    is_plain = _PLAIN.fullmatch(text) and not _NOT_TEXT.fullmatch(text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)
