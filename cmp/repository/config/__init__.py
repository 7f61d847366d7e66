"""cmp.yaml and cmp-app.yaml: read, checked as a whole, and typed.

spec.py         the language of the specification        keys.py       the specification: every key
rules.py        what texts must look like                scalars.py    what a plain scalar means
check.py        a file against the specification         schema.py     the specification as a JSON Schema
requires.py     is this cmp the right one at all?        placeholders.py   can the patterns be filled?
build.py        nodes -> values                          values.py     the values, and the strength of layers
reference.py    what holds without configuration
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.errors import ConfigError
from cmp.model import Problem
from cmp.repository.config import build, keys
from cmp.repository.config.check import check
from cmp.repository.config.placeholders import unfilled
from cmp.repository.config.reference import CONFIG
from cmp.repository.config.requires import refuse_foreign
from cmp.repository.config.rules import PATH, quoted
from cmp.repository.config.values import AppConfig, ClusterChoice, Config, Layout, ValuesPattern, merge
from cmp.system.tree import join

if TYPE_CHECKING:
    from cmp.repository.config.keys import Engines
    from cmp.system.tree import Tree
    from cmp.yamldoc.nodes import Node

__all__ = [
    "APP_FILE",
    "FILE",
    "AppConfig",
    "ClusterChoice",
    "Config",
    "Layout",
    "ValuesPattern",
    "load",
    "load_app",
    "merge",
    "read",
]

FILE = "cmp.yaml"
APP_FILE = "cmp-app.yaml"


def load(tree: Tree, engines: Engines) -> Config:
    """Return the repository's configuration, its inventory included; without cmp.yaml that of the reference layout.

    ConfigError lists every mistake of cmp.yaml and of the inventory's file.  A cmp.yaml that requires another cmp is
    refused for that alone: it may hold keys that are unknown here.
    """
    if tree.kind(FILE) == "missing":
        return CONFIG
    root, problems = read(tree, FILE)
    if root is None:
        raise ConfigError.of(problems)
    refuse_foreign(root, FILE)
    problems += check(keys.repository(engines), root, FILE)
    inventory, more = _inventory(tree, build.at(root, "clusters"))
    problems += more
    problems = problems or unfilled(root, inventory, FILE)
    if problems:
        raise ConfigError.of(problems)
    return build.config(root, inventory, FILE, engines)


def load_app(tree: Tree, folder: str, engines: Engines) -> AppConfig:
    """Return what the cmp-app.yaml of a folder says; nothing when there is none.  ConfigError lists its mistakes."""
    file = join(folder, APP_FILE)
    if tree.kind(file) == "missing":
        return AppConfig()
    root, problems = read(tree, file)
    if root is not None:
        problems += check(keys.application(engines), root, file)
    if root is None or problems:
        raise ConfigError.of(problems)
    return build.app_config(root, file, engines)


def read(tree: Tree, file: str) -> tuple[Node | None, list[Problem]]:
    """Return the file's document and the mistakes of its YAML; no document when it is not YAML at all."""
    yamldoc.preload()
    from cmp.yamldoc.nodes import Node, compose  # noqa: PLC0415  # PyYAML costs more than a bare interpreter's start

    try:
        root, mistakes = compose(tree.read(file))
    except yamldoc.YamlError as error:
        return None, [Problem(file, error.line, error.column, error.problem)]
    problems = [Problem(file, mistake.line, mistake.column, mistake.problem) for mistake in mistakes]
    return root or Node("map", 1, 1), problems


def _inventory(tree: Tree, clusters: Node | None) -> tuple[Node | None, list[Problem]]:
    """Return the map of clusters: what `clusters` holds, or what lies in the file that it names."""
    named = build.at(clusters, "file")
    if named is None:
        return clusters, []
    if named.kind != "scalar" or not PATH.accepts(named.text):
        return None, []  # the check of cmp.yaml has said so

    def problem(message: str) -> list[Problem]:
        return [Problem(FILE, named.line, named.column, message)]

    try:
        if tree.kind(named.text) != "file":
            return None, problem(f"the inventory {quoted(named.text)} is not there")
        root, problems = read(tree, named.text)
    except ConfigError as error:
        return None, problem(f"the inventory {quoted(named.text)}: {error.what}")
    return root, problems + (check(keys.INVENTORY, root, named.text) if root is not None else [])
