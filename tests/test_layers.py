"""Imports point down: a module may import only what stands below it, and never a neighbour."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "cmp"

# Highest first.  Packages count as one module; what is in one row does not import each other.
LAYERS = (
    ("__main__",),
    ("leader",),
    ("cli",),
    ("commands",),
    ("preview",),
    ("render", "diagnosis"),
    ("supply", "usage", "fingerprint", "cleartext"),
    ("schemas",),
    ("layers", "instances", "policy", "scaffold", "masking"),
    (
        "environ",
        "config",
        "layout",
        "parameters",
        "application",
        "values",
        "engines",
        "toolchain",
        "charts",
        "remotes",
        "sops",
        "manifests",
        "edit",
        "keyless",
        "compare",
        "report",
    ),
    ("chartcache", "toolstore", "lockfile", "facts", "capabilities", "gpg", "turns", "unpack", "revision"),
    ("context",),
    ("workers", "conversation", "download"),
    ("tree", "yamldoc", "proc", "workspace", "locks", "redact", "log", "phases", "globs"),
    ("signals", "digest", "confine", "visible", "disguises", "textsearch", "retries", "urls", "files", "versions"),
    ("changes",),
    ("model", "errors"),
)
ALLOWED = {
    ("workspace", "tree"): "a private copy is read through the tree",
    ("redact", "yamldoc"): "it reads what was decrypted to know what is secret",
    ("errors", "model"): "the type of what an error reports",
}
RANK = {module: rank for rank, row in enumerate(LAYERS) for module in row}


def _modules() -> list[tuple[str, Path]]:
    return [(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path) for path in sorted(PACKAGE.rglob("*.py"))]


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "cmp":
            rest = node.module.split(".")[1:]
            names |= {rest[0]} if rest else {alias.name for alias in node.names}
    return names - {"__version__"}


def test_every_module_has_a_layer() -> None:
    assert {name for name, _ in _modules()} - {"__init__"} == set(RANK)


def test_imports_point_down() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {imported}"
        for name, path in _modules()
        if name != "__init__"
        for imported in _imported(path)
        if imported != name and RANK[imported] <= RANK[name] and (name, imported) not in ALLOWED
    ]
    assert wrong == []
