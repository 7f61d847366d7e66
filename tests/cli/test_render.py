"""Every folder in tests/fixtures/<engine>/ is a miniature repository and what cmp says about it.

A case has a README.md (one sentence: what it proves), a case.toml (`argv`, and where needed `cwd`, `env`, `each`), the
repository in `repo/` and either `want.yaml` (stdout) with `want-stderr.txt`, or `want-error.txt` (exit code, then
stderr).  Stderr is compared whole: a warning more than the one line of a success is a difference.  A missing golden
file is a failure; `--update-golden` writes them, to be read before they are committed.

`each = {helm = ["3", "4"]}` runs a case with each tested version of these lines, whose words are to be the same; the
golden files have `‹helm›` in place of the version.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from cmp.errors import InternalError
from tests.support.harness import FIXTURES, Ran, Sandbox, snapshot, without_times
from tests.support.versions import TESTED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CASES = sorted(f"{path.parent.name}/{path.name}" for path in FIXTURES.glob("*/*"))


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FIXTURES / name / "case.toml").read_text())


def _runs() -> Iterator[object]:
    """Yield each case with the tool and the version that it runs with, which are empty for those that it pins."""
    for name in CASES:
        each = _read(name).get("each")
        if not each:
            yield pytest.param(name, "", "", id=name)
            continue
        ((tool, lines),) = each.items()
        versions = [version for version in TESTED[tool] if any(f"{version}.".startswith(f"{line}.") for line in lines)]
        assert len(versions) > 1, f"{name}: each runs a case several times"
        yield from (pytest.param(name, tool, version, id=f"{name}-{version}") for version in versions)


@pytest.mark.parametrize(("name", "tool", "version"), [*_runs()])
def test_case(name: str, tool: str, version: str, sandbox: Sandbox, request: pytest.FixtureRequest) -> None:
    case = FIXTURES / name
    wanted = _read(name)
    argv = [*wanted["argv"], *([f"--{tool}-version", version] if tool else [])]
    repository = sandbox.folder / "repo"
    shutil.copytree(case / "repo", repository, symlinks=True)
    (repository / ".git").mkdir()  # the root of a checkout
    before = snapshot(repository)

    ran = sandbox.run(*argv, cwd=repository / wanted.get("cwd", "."), **wanted.get("env", {}))

    assert snapshot(repository) == before, "the source tree was written to"
    got = _golden(ran, sandbox)
    if tool:
        got = {file: text.replace(f"{tool} {version}", f"{tool} ‹{tool}›") for file, text in got.items()}
    if request.config.getoption("--update-golden"):
        _write(case, got)
    assert {path.name for path in case.glob("want*")} == set(got)
    for file, text in got.items():
        assert text == (case / file).read_text()


def _golden(ran: Ran, sandbox: Sandbox) -> dict[str, str]:
    said = without_times(ran.stderr).replace(str(sandbox.folder), "‹sandbox›").replace(sandbox.tools_dir, "‹tools›")
    said = re.sub(r"\blinux/\w+", "‹platform›", said)
    said = re.sub(r"(?<=; installed: )\d[\w., ]+", "‹versions›", said)
    if ran.code == 0:
        return {"want.yaml": ran.stdout, "want-stderr.txt": said}
    assert ran.code != InternalError.exit_code, said  # no golden file can want a bug
    assert ran.stdout == "", "an error must leave stdout empty"
    return {"want-error.txt": f"exit {ran.code}\n{said}"}


def _write(case: Path, got: dict[str, str]) -> None:
    for stale in case.glob("want*"):
        stale.unlink()
    for file, text in got.items():
        (case / file).write_text(text)


def test_there_are_enough_cases_and_half_of_them_are_errors() -> None:
    errors = sum((FIXTURES / name / "want-error.txt").exists() for name in CASES)
    assert len(CASES) >= 60
    assert errors * 2 >= len(CASES) - 1
    assert all((FIXTURES / name / "README.md").read_text().count("\n") == 1 for name in CASES)
