"""`requires` and `version` of cmp.yaml: whether this cmp may read the file at all.

They are looked at before everything else, so that an older cmp says so instead of stumbling over keys it does not know.
"""

from __future__ import annotations

from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING

from cmp import __version__
from cmp.errors import ConfigError
from cmp.model import Problem
from cmp.repository.config.keys import VERSION
from cmp.repository.config.rules import REQUIREMENT, quoted
from cmp.repository.config.scalars import meaning
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.yamldoc.nodes import Node

_OPERATORS: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": ge, "<=": le, "==": eq, "!=": ne, ">": gt, "<": lt,
}  # fmt: skip
_HINT = "run a cmp of a version that this repository was written for"


def refuse_foreign(root: Node, file: str, own: str = __version__) -> None:
    """Raise ConfigError when the file says that it is for another cmp; what is badly written is left to the check."""
    version, required = root.fields.get("version"), root.fields.get("requires")
    if required is not None and not _is_fulfilled(required.value.text, own):
        raise _refusal(
            required.value, file, f"this repository requires cmp {required.value.text.strip()}, this is {own}"
        )
    if version is not None and _is_other_version(version.value):
        text = quoted(version.value.text)
        raise _refusal(
            version.value, file, f"version {text} of this file is unknown to cmp {own}, which reads {VERSION}"
        )


def _refusal(node: Node, file: str, message: str) -> ConfigError:
    return ConfigError.of([Problem(file, node.line, node.column, message)], hint=_HINT)


def _is_other_version(node: Node) -> bool:
    return meaning(node) == "a number" and node.text.isdecimal() and int(node.text) != VERSION


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
