"""Every folder in tests/fixtures/<engine>/ is a miniature repository and what cmp says about it.

A case has a README.md (one sentence: what it proves), a case.toml (`argv`, and where needed `cwd`, `env`), the
repository in `repo/` and either `want.yaml` (stdout) with `want-stderr.txt`, or `want-error.txt` (exit code, then
stderr).  Stderr is compared whole: a warning more than the one line of a success is a difference.  A missing golden
file is a failure; `--update-golden` writes them, to be read before they are committed.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from typing import TYPE_CHECKING

import pytest

from cmp.errors import InternalError
from tests.support.harness import FIXTURES, Ran, Sandbox, snapshot, without_times

if TYPE_CHECKING:
    from pathlib import Path

CASES = sorted(f"{path.parent.name}/{path.name}" for path in FIXTURES.glob("*/*"))


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, sandbox: Sandbox, request: pytest.FixtureRequest) -> None:
    case = FIXTURES / name
    wanted = tomllib.loads((case / "case.toml").read_text())
    repository = sandbox.folder / "repo"
    shutil.copytree(case / "repo", repository, symlinks=True)
    (repository / ".git").mkdir()  # the root of a checkout
    before = snapshot(repository)

    ran = sandbox.run(*wanted["argv"], cwd=repository / wanted.get("cwd", "."), **wanted.get("env", {}))

    assert snapshot(repository) == before, "the source tree was written to"
    got = _golden(ran, sandbox)
    if request.config.getoption("--update-golden"):
        _write(case, got)
    assert {path.name for path in case.glob("want*")} == set(got)
    for file, text in got.items():
        assert text == (case / file).read_text()


def _golden(ran: Ran, sandbox: Sandbox) -> dict[str, str]:
    said = without_times(ran.stderr).replace(str(sandbox.folder), "‹sandbox›").replace(sandbox.tools_dir, "‹tools›")
    said = re.sub(r"\blinux/\w+", "‹platform›", said)
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
