"""A file against its specification: every mistake, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.errors import suggestion
from cmp.model import Problem
from cmp.repository.config.rules import quoted
from cmp.repository.config.scalars import is_number, meaning
from cmp.repository.config.spec import Choice, Either, Exactly, Flag, Items, Keys, Switch, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from cmp.repository.config.spec import Rule, Spec
    from cmp.yamldoc.nodes import Field, Node

    Found = tuple[int, int, str]  # line, column, message


def check(spec: Spec, node: Node, file: str) -> list[Problem]:
    """Return what is wrong with the structure of a document; none means that it has exactly the specified shape."""
    return [Problem(file, *found) for found in _check(spec, node)]


def _check(spec: Spec, node: Node) -> Iterator[Found]:
    return _CHECKS[type(spec)](spec, node)


def _text(spec: Text, node: Node) -> Iterator[Found]:
    if node.kind != "scalar" or node.is_nothing:
        yield _unexpected(spec, node)
    elif spec.rule is not None:
        if not spec.rule.accepts(node.text):
            yield node.line, node.column, spec.rule.explain(node.text)
        elif (what := meaning(node)) != "text":
            yield node.line, node.column, f"{quoted(node.text)} is {what} here; put it in quotes"


def _flag(spec: Flag, node: Node) -> Iterator[Found]:
    if node.kind != "scalar" or meaning(node) != "true or false":
        yield _unexpected(spec, node)


def _exactly(spec: Exactly, node: Node) -> Iterator[Found]:
    if node.kind != "scalar" or not is_number(node, spec.number):
        yield _unexpected(spec, node)


def _choice(spec: Choice, node: Node) -> Iterator[Found]:
    if node.kind != "scalar" or node.is_nothing:
        yield _unexpected(spec, node)
    elif node.text not in spec.words:
        yield node.line, node.column, _unknown(spec.what, node.text, spec.words)


def _items(spec: Items, node: Node) -> Iterator[Found]:
    if node.kind != "list":
        yield _unexpected(spec, node)
        return
    for item in node.items:
        yield from _check(spec.item, item)
    if spec.is_set:
        yield from _set(node)


def _set(node: Node) -> Iterator[Found]:
    if not node.items:
        yield node.line, node.column, "this list is empty"
    seen: set[str] = set()
    for item in node.items:
        if item.kind == "scalar" and item.text in seen:
            yield item.line, item.column, f"{quoted(item.text)} stands twice in this list"
        seen.add(item.text)


def _keys(spec: Keys, node: Node) -> Iterator[Found]:
    if node.kind != "map":
        if not (node.is_nothing and spec.may_be_nothing):
            yield _unexpected(spec, node)
        return
    for name, field in node.fields.items():
        yield from _field(spec, name, field)
    for name in spec.required:
        if name not in node.fields:
            yield node.line, node.column, f"`{name}` is missing here"
    if spec.is_filled and not node.fields:
        yield node.line, node.column, "this map is empty"


def _field(spec: Keys, name: str, field: Field) -> Iterator[Found]:
    known = spec.known.get(name)
    if known is not None:
        yield from _check(known, field.value)
    elif spec.others is None:
        yield field.line, field.column, _unknown(spec.what, name, tuple(spec.known))
    else:
        rule: Rule = spec.others.name
        if not rule.accepts(name):
            yield field.line, field.column, rule.explain(name)
        else:
            yield from _check(spec.others.value, field.value)


def _either(spec: Either, node: Node) -> Iterator[Found]:
    for shape in spec.shapes:
        if _KINDS[type(shape)] == node.kind and not node.is_nothing:
            return _check(shape, node)
    return iter([_unexpected(spec, node)])


def _switch(spec: Switch, node: Node) -> Iterator[Found]:
    return _check(spec.present if spec.key in node.fields else spec.absent, node)


_CHECKS: dict[type, Callable[[Any, Node], Iterator[Found]]] = {
    Text: _text,
    Flag: _flag,
    Exactly: _exactly,
    Choice: _choice,
    Items: _items,
    Keys: _keys,
    Either: _either,
    Switch: _switch,
}
_KINDS = {Text: "scalar", Choice: "scalar", Items: "list", Keys: "map"}


def _unexpected(spec: Spec, node: Node) -> Found:
    found = meaning(node) if node.kind == "scalar" else f"a {node.kind}"
    # `release: {app}` is a map to YAML.
    is_bare = bool(node.fields) and all(field.value.is_nothing for field in node.fields.values())
    advice = "; a text that begins with `{` needs quotes" if is_bare and isinstance(spec, Text) else ""
    return node.line, node.column, f"expected {spec.noun}, found {found}{advice}"


def _unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    return f"unknown {what} {quoted(name)}; {suggestion(name, known)}"
