"""The engines by name.  A new one is a module of the shape in `cmp.engines.protocol` and a row in registry.py."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from cmp.engines.registry import ENGINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.engines.protocol import Engine

__all__ = ["ENGINES", "engine_of"]


def engine_of(names: Sequence[str]) -> Engine:
    """Return the engine that renders an instance: the last of a chain, which runs those before it.

    Only this one is imported: a render pays for no other.
    """
    return cast("Engine", import_module(f"cmp.engines.{names[-1]}"))
