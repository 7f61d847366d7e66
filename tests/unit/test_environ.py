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


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ({}, {"GOGC": "400"}),
        ({"GOGC": "50", "GOMEMLIMIT": "1GiB", "GOMAXPROCS": "1"}, None),
        ({"GOAMD64": "v3", "GOEXPERIMENT": "x"}, {"GOGC": "400"}),  # these would build another program
    ],
)
def test_the_compiler_may_use_more_memory_unless_somebody_says_how_much(
    given: dict[str, str], used: dict[str, str] | None
) -> None:
    assert environ.read(given, default_deadline=1).settings.env.build == (given if used is None else used)


def test_the_key_of_a_report_is_in_no_child_and_in_no_setting() -> None:
    key = "5f" * 32
    found = environ.read({"HOME": "/nonexistent", environ.REPORT_KEY: key}, default_deadline=60)
    assert key not in repr(found)


@pytest.mark.parametrize("text", ["5f" * 32, "X19fX19fX19fX19fX19fX19fX19fX19fX19fX19fX18=", f"{'5F' * 32}\n"])
def test_the_key_of_a_report_is_of_32_bytes(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(environ.REPORT_KEY, text)
    assert environ.report_key() == b"_" * 32
