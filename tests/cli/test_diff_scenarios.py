"""Changes as they happen to people, and the reports that reviewers get: tests/data/changes/<story>/.

A story (tests/changestories) is a repository before and after a change.  The real cmp compares the two commits with
the real tools; its Markdown and its text are golden files.  `--update-golden` writes them, to be read before they are
committed; a missing one is a failure.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import jsonschema  # type: ignore[import-untyped]
import pytest

from cmp.report import jsonview
from tests.support import diff_scenarios  # noqa: F401  # its modules tell their stories when they are imported
from tests.support.changes import STORIES, Monorepo, World
from tests.support.harness import CHECKOUT
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Sandbox

GOLDENS = CHECKOUT / "tests" / "data" / "changes"
TWICE = {*list(STORIES)[::4]}  # the golden files hold the bytes of the others, from one run to the next


@pytest.fixture(scope="module")
def charts(archives: Path) -> Iterator[str]:
    """Return the address of a chart repository."""
    with ChartRepository(archives) as repository:
        yield repository.url


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str, charts: str, sandbox: Sandbox, request: pytest.FixtureRequest) -> None:
    told = STORIES[name]
    repo = Monorepo(World(sandbox, charts))
    commits = repo.tell(told)
    text, again, data = (sandbox.folder / f"report.{end}" for end in ("txt", "md", "json"))

    ran = repo.run(
        "diff", "--format", "markdown", "--output", f"text={text}", "--output", f"json={data}", *told.options
    )

    assert ran.code == told.code, ran.stderr
    if name in TWICE:
        repo.run("diff", "--jobs", "1", "--output", f"markdown={again}", *told.options)
        assert again.read_text() == ran.stdout, "the same comment twice, whatever the number of processes"
    jsonschema.validate(json.loads(data.read_text()), jsonview.schema())
    got = {"report.md": _golden(ran.stdout, commits, charts), "report.txt": _golden(text.read_text(), commits, charts)}
    folder = GOLDENS / name
    if request.config.getoption("--update-golden"):
        folder.mkdir(exist_ok=True)
        for file, content in got.items():
            (folder / file).write_text(content)
    assert {file: (folder / file).read_text() for file in got} == got


def _golden(report: str, commits: tuple[str, str], charts: str) -> str:
    """Return a report without what no two runs of a story share: commits, ciphertext and the port of a server."""
    for side, commit in zip(("base", "head"), commits, strict=True):
        report = report.replace(commit[:12], f"‹{side}›")
    labels = list(dict.fromkeys(re.findall(r"‹sops \S+ ([0-9a-f]{8})›", report)))
    for number, label in enumerate(labels, start=1):
        report = report.replace(f" {label}›", f" {number:08x}›")
    return report.replace(charts, "http://charts.example")


def test_every_golden_file_has_its_story_and_there_are_enough() -> None:
    assert {folder.name for folder in GOLDENS.iterdir()} == set(STORIES)
    assert len(STORIES) >= 30
    assert all(story.proves.endswith(".") for story in STORIES.values())
