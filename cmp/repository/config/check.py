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
from cmp.repository.config.rules import CAPTURE, FACT, REQUIREMENT
from cmp.schema.spec import quoted
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cmp.yamldoc.nodes import Field, Node

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
    clusters = inventory.fields.values() if inventory else ()
    facts = {fact: field for one in clusters for fact, field in one.value.fields.items() if FACT.accepts(fact)}
    known = _known(root, facts)
    return [
        *_names_of_applications(root, facts),
        *_without_clusters(root, facts),
        *(
            _problem(node, f"nothing fills `{{{name}}}`: {_why_unfilled(name, known)}")
            for node in _with_placeholders(root)
            for name in _names(node.text)
            if name not in known
        ),
    ]


def _why_unfilled(name: str, known: set[str]) -> str:
    if name == "name":
        return "there is no `layout.name`; the name of an application is `{app}`"
    return f"no cluster has such a fact; {suggestion(name, known)}"


def _problem(node: Node, message: str) -> Problem:
    return Problem(node.file, node.line, node.column, message)


def _names_of_applications(root: Node, facts: Mapping[str, Field]) -> Iterator[Problem]:
    """Report what keeps `layout.name` from giving an application one name on all clusters."""
    name = root.at("layout", "name")
    if name is None:
        return
    apps = [*_patterns(root, "apps")]
    for used in _names(name.text):
        lacking = [pattern for pattern in apps or LAYOUT.apps if used not in _names(_text(pattern))]
        if used == "cluster" or used in facts:
            yield _problem(name, f"`{{{used}}}` belongs to clusters, and an application has one name on all of them")
        elif lacking:
            yield _problem(
                name, f"nothing fills `{{{used}}}`: the pattern {_text(lacking[0])} of `apps` does not have it"
            )
    for pattern in apps:
        if "name" in _names(pattern.text):
            yield _problem(pattern, "`{name}` is what `layout.name` gives: a pattern of `apps` cannot capture it")
    if fact := facts.get("name"):
        yield Problem(
            fact.value.file, fact.line, fact.column, "`name` cannot be a fact: `{name}` is what `layout.name` gives"
        )


def _without_clusters(root: Node, facts: Mapping[str, Field]) -> Iterator[Problem]:
    """Report patterns of instances that say nothing of clusters, or use the name where the layout gives none."""
    has_name = root.at("layout", "name") is not None
    for pattern in _patterns(root, "instances"):
        names = _names(pattern.text)
        if not {"cluster", *facts}.intersection(names):
            others = " or ".join(f"`{name}`" for name in names if name not in {"app", "name"})
            yield _problem(
                pattern,
                f"{quoted(pattern.text)} does not tell clusters apart: it needs `{{cluster}}` or a fact, and no "
                f"cluster has the fact {others}",
            )
        if "app" not in names and not has_name:
            yield _problem(
                pattern, "nothing fills `{name}`: write `{app}`, or give applications names by `layout.name`"
            )


def central_mistakes(root: Node, inventory: Node | None) -> Iterator[Problem]:
    """Report entries of `applications` that contradict themselves, or are for clusters that cannot be there.

    Asked only of a configuration whose parts are each right.
    """
    clusters = inventory.fields if inventory else {}
    facts = {fact for one in clusters.values() for fact in one.value.fields if FACT.accepts(fact)}
    central = root.at("applications")
    for entry in central.items if central else ():
        where, choice = entry.at("where"), entry.at("clusters")
        if where is None:
            continue
        if choice is not None:
            yield _problem(
                choice,
                "`clusters` says where applications run, and `where` on which clusters an entry holds: give `clusters` "
                "an entry without `where`",
            )
        for name in where.items if clusters else ():
            if name.text not in clusters:
                known = suggestion(name.text, clusters)
                yield _problem(name, f"{quoted(name.text)} is no cluster of the inventory; {known}")
        for fact, field in where.fields.items():
            if fact not in facts:
                known = suggestion(fact, facts) if facts else "the inventory has none at all"
                message = f"no cluster has the fact {quoted(fact)}; {known}"
                yield Problem(where.file, field.line, field.column, message)


def _names(text: str) -> list[str]:
    return [capture[1:-1] for capture in re.findall(CAPTURE, text)]


def _known(root: Node, facts: Iterable[str]) -> set[str]:
    written = [pattern.text for key in ("apps", "instances") for pattern in _patterns(root, key)]
    captured = {name for text in (*LAYOUT.apps, *LAYOUT.instances, *written) for name in _names(text)}
    return {*captured, *facts, *(("name",) if root.at("layout", "name") else ())}


def _patterns(root: Node, key: str) -> Iterator[Node]:
    """Yield the patterns of a key that may hold one or a list of them."""
    if node := root.at("layout", key):
        yield from (pattern for pattern in node.items or (node,) if pattern.text)


def _text(pattern: Node | str) -> str:
    return pattern if isinstance(pattern, str) else pattern.text


def _with_placeholders(root: Node) -> Iterator[Node]:
    for name in ("values", "ignore", "shared"):
        patterns = root.at("layout", name)
        for item in patterns.items if patterns else ():
            yield item.at("path") or item
    central = root.at("applications")
    entries = central.items if central else ()
    for entry in entries:
        patterns = entry.at("values")
        for item in patterns.items if patterns else ():
            yield item.at("path") or item
    for block in filter(None, (root.at("layout"), *entries)):
        for name in ("release", "namespace", "chart"):
            if (text := block.at(name)) and text.kind == "scalar":
                yield text
