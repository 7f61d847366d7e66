"""Docstrings have nouns: the mechanical part of the rule in CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tests.support.harness import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDERS = ("cmp", "tests", "scripts", "bench", "examples", "ci")
BEGINNINGS = re.compile(r"(What|Whatever|Who|Whoever|Nobody|How|Whether)\b")
RIDDLES = re.compile(r"\b(is none|are none|comes? to (?!an end|rest)|what it is|what they are|what stands)\b")

# Only a module with such a text is parsed: a docstring is as it is written but for its indentation.
SUSPECT = re.compile(rf'"""\s*{BEGINNINGS.pattern}|{RIDDLES.pattern}')


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    source = path.read_text("utf-8")
    for node in ast.walk(ast.parse(source)) if SUSPECT.search(source) else ():
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield f"{path.relative_to(CHECKOUT)}, {getattr(node, 'name', 'module')}", text


def test_a_docstring_says_what_by_a_noun() -> None:
    wrong = [
        f"{place}: {text.splitlines()[0]}"
        for folder in FOLDERS
        for path in sorted((CHECKOUT / folder).rglob("*.py"))
        for place, text in _docstrings(path)
        if BEGINNINGS.match(text) or RIDDLES.search(text)
    ]
    assert wrong == []
