"""Secrets that are too short to be masked inside a longer text, told from the ciphertext: nothing is decrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.doctor.check import Check
from cmp.errors import CmpError
from cmp.secrets import placeholders, sops
from cmp.secrets.redact import SHORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.render.tool_usage import Usage
    from cmp.system.tree import Tree

MAX_NAMED = 5
HINT = "inside a longer text a message may show them: only where it is a whole value, a secret so short is masked"


def examine(tree: Tree, found: Usage) -> Iterator[Check]:
    """Yield a check for each file that has such secrets, of those that some render decrypts."""
    for path in sorted({path for use in found.uses for path in use.encrypted}):
        if short := _short(tree, path):
            more = f" and {len(short) - MAX_NAMED} more" if len(short) > MAX_NAMED else ""
            named = f"{', '.join(short[:MAX_NAMED])}{more}"
            yield Check(path, "warning", f"secrets of fewer than {SHORT} characters: {named}", HINT)


def _short(tree: Tree, path: str) -> list[str]:
    """Return the paths of the short secrets of a file; a truth value is no secret, as either guess may be right."""
    try:
        data = tree.read(path)
        kind = sops.format_of(path, data)
        leaves = placeholders.leaves(kind, data) if kind else []
    except (CmpError, yamldoc.YamlError, ValueError):  # the render tells what is wrong with the file
        return []
    return [leaf.path for leaf in leaves if leaf.length < SHORT and leaf.kind not in ("bool", "comment")]
