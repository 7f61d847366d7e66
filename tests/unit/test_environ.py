"""The environment of children: what a program of a container must be told because the wall hides it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp import environ

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("limit", "processors"),
    [
        ("150000 100000\n", {"GOMAXPROCS": "2"}),
        ("250000 100000\n", {"GOMAXPROCS": "3"}),
        ("50000 100000\n", {"GOMAXPROCS": "2"}),  # Go never uses fewer than two for a limit
        ("800000 100000\n", {}),  # as many as there are
        ("max 100000\n", {}),
        ("", {}),
        (None, {}),
    ],
)
def test_go_programs_are_told_the_processors_of_their_container(
    limit: str | None, processors: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpu.max"
    if limit is not None:
        file.write_text(limit)
    monkeypatch.setattr(environ, "_CPU_LIMIT", str(file))
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    plain = environ.read({}, default_deadline=1).settings.env.plain
    assert {name: value for name, value in plain.items() if name == "GOMAXPROCS"} == processors
    own = environ.read({"GOMAXPROCS": "7"}, default_deadline=1).settings.env.plain
    assert own["GOMAXPROCS"] == "7"
