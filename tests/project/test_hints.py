"""The line `hint:` of an error is of our own words: it is never masked, so nothing secret may get into it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from cmp.errors import OutputError
from cmp.secrets.redact import MASK, Redactor
from tests.support.harness import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

# The names of what a program said, of plaintext, and of texts that may have been rendered: `what` may quote them.
QUOTED = frozenset(
    (
        "said",
        "told",
        "stderr",
        "stdout",
        "plain",
        "plaintext",
        "secret",
        "rendered",
        "piece",
        "message",
        "reason",
        "cause",
    )
)


def test_what_and_where_are_masked_and_the_hint_is_not() -> None:
    redactor = Redactor()
    for secret in ("choose another name", "hunter2-hunter2"):
        redactor.add(secret)
    error = OutputError(
        "`hunter2-hunter2` stands twice", file="templates/hunter2-hunter2.yaml", hint="choose another name"
    )
    assert error.lines(mask=redactor.mask) == [
        f"cmp: `{MASK}` stands twice",
        f"  where: templates/{MASK}.yaml",
        "  hint: choose another name",
    ]


def test_no_hint_quotes_what_a_program_said() -> None:
    hints = [(path, node) for path, node in _hints() if isinstance(node, ast.JoinedStr)]
    assert len(hints) > 30
    assert [f"{path}: {ast.unparse(node)}" for path, node in hints if QUOTED & set(_names(node))] == []


@pytest.mark.parametrize("source", ['f"{said}"', 'f"it says {result.stderr.strip()}"', 'f"{x.message}"'])
def test_the_search_finds_such_a_hint(source: str) -> None:
    assert QUOTED & set(_names(ast.parse(source)))


def _hints() -> Iterator[tuple[str, ast.expr]]:
    """Yield what is given, or assigned, as `hint` anywhere."""
    for path in sorted((CHECKOUT / "cmp").rglob("*.py")):
        source = path.read_text("utf-8")
        for node in ast.walk(ast.parse(source)) if "hint" in source else ():
            if isinstance(node, ast.keyword) and node.arg == "hint":
                yield path.name, node.value
            if isinstance(node, ast.Assign) and any(
                isinstance(to, ast.Name) and to.id == "hint" for to in node.targets
            ):
                yield path.name, node.value


def _names(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
