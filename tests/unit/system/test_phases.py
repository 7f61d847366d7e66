"""The time of a render is told apart by phases, and errors carry the phase they come from."""

from __future__ import annotations

import pytest

from cmp.errors import EngineError
from cmp.system.log import Phases


def test_a_phase_inside_another_does_not_count_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("cmp.system.log.time.monotonic", lambda: float(next(clock)))
    phases = Phases()  # 0
    with phases.phase("helm"):  # 1
        with phases.phase("charts"):  # 2 to 3
            pass
        with phases.phase("secrets"):  # 4 to 5
            pass
    assert phases.seconds == {"charts": 1.0, "secrets": 1.0, "helm": 3.0}  # 6


def test_an_error_carries_the_innermost_phase() -> None:
    phases = Phases()
    with pytest.raises(EngineError) as raised, phases.phase("outer"), phases.phase("inner"):
        raise EngineError("no")
    assert raised.value.phase == "inner"
