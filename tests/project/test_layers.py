"""Imports point down: a folder stands above all that it imports, rows do not import each other, no circles."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "cmp"

# Highest first, as in ARCHITECTURE.md: the folders of cmp/, and the modules beside them.
LAYERS = (
    ("__main__",),
    ("supervisor",),
    ("cli",),
    ("live",),
    ("preview", "genpaths", "batch", "doctor"),
    ("checks",),
    ("render",),
    ("policy",),
    ("repository",),
    ("artifacts", "argocd", "engines"),
    ("context",),
    ("secrets", "compare", "report", "schema"),
    ("system", "yamldoc"),
    ("environ", "changes"),
    ("findings", "lifecycle"),
    ("errors",),
    ("model", "versions"),
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}


def _module(path: Path) -> str:
    return ".".join(("cmp", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {_module(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def _top(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@cache
def _imported(path: Path) -> set[str]:
    """Return the modules that a module imports, wherever in it: for types alone, or inside a function, too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    inner = {name for name in names if name in MODULES}
    return {name for name in inner if not any(other.startswith(f"{name}.") for other in inner)} - {_module(path), "cmp"}


def test_every_folder_has_a_layer() -> None:
    assert {_top(module) for module in MODULES} - {""} == set(RANK)


def test_imports_point_down() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, path in MODULES.items()
        for imported in _imported(path)
        if _top(module) != _top(imported) and RANK[_top(imported)] <= RANK[_top(module)]
    ]
    assert wrong == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module: _imported(path) for module, path in MODULES.items()}
    try:
        order = [*TopologicalSorter(graph).static_order()]
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))
    assert set(order) >= set(MODULES)


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_the_paths_that_a_page_names_exist(page: str) -> None:
    named = re.findall(r"`((?:cmp|tests)/[\w/.*<>-]+)`", (PACKAGE.parent / page).read_text())
    assert len(named) > 10
    assert [name for name in named if not [*PACKAGE.parent.glob(re.sub(r"<\w+>\*?", "*", name))]] == []
