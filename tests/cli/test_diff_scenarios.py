"""Changes as they happen to people, and the reports that reviewers get: tests/data/changes/<story>/.

A story (tests/support/diff_scenarios) is a repository before and after a change.  The real cmp compares the two commits
with the real tools, in one run and in two shares; its Markdown and its text are golden files.  `--update-golden`
writes them, to be read before they are committed; a missing one is a failure.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from cmp.report import FORMATS, jsonview
from tests.support import diff_scenarios  # noqa: F401  # its modules tell their stories when they are imported
from tests.support.changes import STORIES, Monorepo, World
from tests.support.harness import CHECKOUT
from tests.support.servers.charts import ChartRepository
from tests.support.shares import KEY, Shares, of_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.harness import Sandbox

GOLDENS = CHECKOUT / "tests" / "data" / "changes"


@pytest.fixture(scope="module")
def charts(archives: Path) -> Iterator[str]:
    """Return the address of a chart repository."""
    with ChartRepository(archives) as repository:
        yield repository.url


@pytest.fixture(scope="module")
def report_schema() -> Draft202012Validator:
    """Return the schema of reports, read once."""
    return Draft202012Validator(jsonview.schema())


@pytest.mark.parametrize("name", STORIES)
def test_story(
    name: str, charts: str, sandbox: Sandbox, report_schema: Draft202012Validator, request: pytest.FixtureRequest
) -> None:
    told = STORIES[name]
    repo = Monorepo(World(sandbox, charts))
    commits = repo.tell(told)
    whole, merged = ({kind: sandbox.folder / f"{run}.{kind}" for kind in FORMATS} for run in ("whole", "merged"))

    ran = repo.run("diff", "--format", "markdown", *_outputs(whole), *told.options)

    assert ran.code == told.code, ran.stderr
    shares = Shares(partial(repo.run, "diff"), sandbox.folder, shards=2)
    shares.parts(*of_plan(told.options), CMP_REPORT_KEY=KEY)
    again = shares.merge(*_outputs(merged), *told.options, CMP_REPORT_KEY=KEY)
    assert again.code == told.code, again.stderr
    reports = {kind: path.read_text() for kind, path in whole.items()}
    assert {kind: path.read_text() for kind, path in merged.items()} == reports, "the same, in one run and in shares"
    report_schema.validate(json.loads(reports["json"]))
    got = {
        "report.md": _golden(reports["markdown"], commits, charts),
        "report.txt": _golden(reports["text"], commits, charts),
    }
    folder = GOLDENS / name
    if request.config.getoption("--update-golden"):
        folder.mkdir(exist_ok=True)
        for file, content in got.items():
            (folder / file).write_text(content)
    assert {file: (folder / file).read_text() for file in got} == got


def _outputs(files: Mapping[str, Path]) -> list[str]:
    return [part for kind, path in files.items() for part in ("--output", f"{kind}={path}")]


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
