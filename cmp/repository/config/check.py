"""Checks of cmp.yaml beyond the specification: the right cmp for the file, and placeholders that something fills."""

from __future__ import annotations

import re
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING

from cmp import __version__
from cmp.errors import ConfigError, suggestion
from cmp.model import Problem
from cmp.repository.config.keys import VERSION
from cmp.repository.config.model import LAYOUT
from cmp.repository.config.rules import CAPTURE, REQUIREMENT
from cmp.schema.spec import quoted
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.yamldoc.nodes import Node

LAST_THAT_FILLS_SET = "0.1.999999"

_OPERATORS: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": ge, "<=": le, "==": eq, "!=": ne, ">": gt, "<": lt,
}  # fmt: skip


def refuse_foreign(root: Node, own: str = __version__) -> None:
    """Raise ConfigError when `requires` or `version` of the file asks for another cmp than this one.

    They are looked at before everything else, so that an older cmp says so instead of stumbling over keys that it does
    not know.  What is badly written is left to the check.
    """
    version, required = root.at("version"), root.at("requires")
    if required is not None and not _is_fulfilled(required.text, own):
        raise _refusal(required, f"this repository requires cmp {required.text.strip()}, this is {own}")
    if version is not None and _is_other_version(version):
        what = f"version {quoted(version.text)} of this file is unknown to cmp {own}, which reads {VERSION}"
        raise _refusal(version, what)


def is_set_literal(root: Node) -> bool:
    """Return whether `requires` excludes each cmp that fills placeholders in the parameter `set`."""
    required = root.at("requires")
    return required is not None and not _is_fulfilled(required.text, LAST_THAT_FILLS_SET)


def _refusal(node: Node, message: str) -> ConfigError:
    problem = Problem(node.file, node.line, node.column, message)
    return ConfigError.of([problem], hint="run a cmp of a version that this repository was written for")


def _is_other_version(node: Node) -> bool:
    return node.meaning == "a number" and node.text.isdecimal() and int(node.text) != VERSION


def _is_fulfilled(required: str, own: str) -> bool:
    if not REQUIREMENT.accepts(required):
        return True
    return all(_holds(comparison.strip(), own) for comparison in required.split(","))


def _holds(comparison: str, own: str) -> bool:
    operator = comparison.rstrip("0123456789. ")
    # A development build (0.3.0.dev1) counts as its release, so that it may be tried.
    wanted, mine = numbers(comparison.removeprefix(operator)), numbers(own)
    length = max(len(wanted), len(mine))
    return _OPERATORS[operator](_padded(mine, length), _padded(wanted, length))


def _padded(version: tuple[int, ...], length: int) -> tuple[int, ...]:
    return version + (0,) * (length - len(version))


def unfilled(root: Node, inventory: Node | None) -> list[Problem]:
    """Report placeholders of the layout that are neither captured by it nor a fact of any cluster.

    A fact that only some clusters have is no mistake here: the clusters that have it must not fail with the others.
    Asked only of a configuration whose parts are each right.
    """
    known = _known(root, inventory)
    return [
        Problem(
            node.file,
            node.line,
            node.column,
            f"nothing fills `{{{name}}}`: no cluster has such a fact; {suggestion(name, known)}",
        )
        for node in _with_placeholders(root)
        for name in _names(node.text)
        if name not in known
    ]


def _names(text: str) -> list[str]:
    return [capture[1:-1] for capture in re.findall(CAPTURE, text)]


def _known(root: Node, inventory: Node | None) -> set[str]:
    captured = [*_captured(root, "apps", LAYOUT.apps), *_captured(root, "instances", LAYOUT.instances)]
    clusters = inventory.fields.values() if inventory else ()
    return {"app", "cluster", *captured, *(fact for cluster in clusters for fact in cluster.value.fields)}


def _captured(root: Node, key: str, without: tuple[str, ...]) -> Iterator[str]:
    node = root.at("layout", key)
    for text in without if node is None else (item.text for item in node.items or (node,)):
        yield from _names(text)


def _with_placeholders(root: Node) -> Iterator[Node]:
    for name in ("values", "ignore", "shared"):
        patterns = root.at("layout", name)
        for item in patterns.items if patterns else ():
            yield item.at("path") or item
    for name in ("release", "namespace", "chart"):
        if (text := root.at("layout", name)) and text.kind == "scalar":
            yield text
