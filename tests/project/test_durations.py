"""The table of times at the end of a long run."""

from __future__ import annotations

import pytest

from tests.support import durations


def report(nodeid: str, duration: float) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid, location=("", 0, ""), keywords={}, outcome="passed", longrepr=None, when="call", duration=duration
    )


def test_groups_are_folders_and_engines_longest_first() -> None:
    reports = [
        report("tests/unit/report/test_text.py::test_a", 30),
        report("tests/engines/test_helmfile_leaks.py::test_a[1]", 40),
        report("tests/engines/test_helmfile.py::TestX::test_b", 20),
        report("tests/cli/test_diff.py::test_c", 1),
    ]
    assert durations.lines(reports) == [
        "     91 s  all",
        "     60 s  tests/engines/helmfile",
        "     30 s  tests/unit/report",
        "      1 s  tests/cli",
    ]


def test_a_short_run_has_no_table() -> None:
    assert durations.lines([report("tests/cli/test_diff.py::test_c", 59)]) == []
