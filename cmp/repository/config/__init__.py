"""cmp.yaml and cmp-app.yaml: read, checked as a whole, and typed.

keys.py         the specification: every key, and the constructor of its value
rules.py        rules for texts: patterns, versions, names
check.py        the cmp that a file is for, and placeholders that something fills
inheritance.py  clusters that are like another one
model.py        the values, the order of their strength, and the reference layout
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.errors import ConfigError
from cmp.model import Problem
from cmp.repository.config import inheritance, keys
from cmp.repository.config.check import central_mistakes, is_set_literal, refuse_foreign, unfilled
from cmp.repository.config.model import (
    APP_FILE,
    CONFIG,
    FILE,
    AppConfig,
    ArgoCD,
    ClusterChoice,
    Config,
    Layout,
    ValuesChart,
    ValuesPattern,
    merge,
)
from cmp.repository.config.rules import PATH
from cmp.schema.spec import check, quoted
from cmp.system.tree import join

if TYPE_CHECKING:
    from cmp.repository.config.keys import Engines
    from cmp.system.tree import Tree
    from cmp.yamldoc.nodes import Node

__all__ = [
    "APP_FILE",
    "FILE",
    "AppConfig",
    "ArgoCD",
    "ClusterChoice",
    "Config",
    "Layout",
    "ValuesChart",
    "ValuesPattern",
    "load",
    "load_app",
    "merge",
    "read",
]


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
    refuse_foreign(root)
    specification = keys.repository(engines)
    problems += check(specification, root)
    inventory, its_problems = _inventory(tree, root.at("clusters"))
    problems = problems + its_problems or [
        *inheritance.mistakes(inventory),
        *unfilled(root, inventory),
        *central_mistakes(root, inventory),
    ]
    if problems:
        raise ConfigError.of(problems)
    config = specification.build(root)._replace(source=FILE, is_set_literal=is_set_literal(root))
    if defaults := root.at("defaults"):
        config = config._replace(defaults=config.defaults._replace(places=keys.places(defaults)))
    entries = keys.INVENTORY.build(inventory) if inventory and config.inventory else config.entries
    return config._replace(entries=entries, clusters=inheritance.inherited(entries))


def load_app(tree: Tree, folder: str, engines: Engines) -> AppConfig:
    """Return the configuration in a folder's cmp-app.yaml; empty without one.  ConfigError lists its mistakes."""
    file = join(folder, APP_FILE)
    if tree.kind(file) == "missing":
        return AppConfig()
    specification = keys.application(engines)
    root, problems = read(tree, file)
    if root is not None:
        problems += check(specification, root)
    if root is None or problems:
        raise ConfigError.of(problems)
    return specification.build(root)._replace(places=keys.places(root))


def read(tree: Tree, file: str) -> tuple[Node | None, list[Problem]]:
    """Return the file's document and the mistakes of its YAML; no document when it is not YAML at all."""
    yamldoc.preload()
    from cmp.yamldoc.nodes import Node, compose  # noqa: PLC0415  # PyYAML costs more than a bare interpreter's start

    try:
        root, mistakes = compose(tree.read(file), file)
    except yamldoc.YamlError as error:
        return None, [Problem(file, error.line, error.column, error.problem)]
    problems = [Problem(file, mistake.line, mistake.column, mistake.problem) for mistake in mistakes]
    return root or Node("map", 1, 1, file=file), problems


def _inventory(tree: Tree, clusters: Node | None) -> tuple[Node | None, list[Problem]]:
    """Return the map of clusters, which stands below `clusters`, or in the file that it names."""
    named = clusters.at("file") if clusters else None
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
    return root, problems + (check(keys.INVENTORY, root) if root is not None else [])
