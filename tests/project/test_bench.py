"""The measurements of comparisons run: with small repositories, as their figures are not looked at."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bigrepo, growth, preview
from bench.growth import Case
from tests.support.git_repository import IDENTITY, Repo

if TYPE_CHECKING:
    import pytest


def test_the_growth_of_a_change_is_printed_with_its_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    growth.measure(tmp_path, 1, (Case("a note", "docs/notes.md", apps=10, clusters=4, goal=0.5),))
    seconds = r"[\d.]+ s"
    line = rf"  cmp affected, a note, 20 pairs: {seconds} \(goal 0.5 s on an idle machine\), 10 times .*\n"
    assert re.fullmatch(line, capsys.readouterr().out)


def test_a_comparison_in_shares_is_timed_from_plan_to_report(
    tmp_path: Path, tools_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repo = Repo(tmp_path / "repo")
    repo.write(dict(bigrepo.files_of(2, 4)))
    repo.commit()
    path, old, new = preview.CHANGES[preview.COMMON]
    repo.git("checkout", "--quiet", "-b", preview.COMMON)
    repo.commit({path: (repo.folder / path).read_text().replace(old, new)})
    git = shutil.which("git")
    assert git
    state = {name: str(tmp_path / name) for name in ("CMP_CACHE_DIR", "CMP_STATE_DIR")}
    env = {**IDENTITY, **state, "PATH": str(Path(git).parent), "HOME": str(tmp_path), "CMP_TOOLS_DIR": tools_dir}
    stage = preview.Stage(repo, env, helm="", sides=(tmp_path, tmp_path))
    assert stage.shares(2) > 0
    assert {path.name for path in tmp_path.glob("part-*.json")} == {"part-0.json", "part-1.json"}
