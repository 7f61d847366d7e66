"""The engines by name.  A new one is a module of the shape in `cmp.engines.protocol` and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.engines import helm
from cmp.model import EngineFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.engines.protocol import Engine

ENGINES: Mapping[str, Engine] = {helm.NAME: helm}

FACTS: Mapping[str, EngineFacts] = {
    name: EngineFacts(engine.MARKERS, engine.CLAIMS, engine.OPTIONS) for name, engine in ENGINES.items()
}
