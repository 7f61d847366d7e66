"""docs/preview.md: its commands work in the example monorepo, what it shows is what they print, and it names all."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cmp.compare import noise
from cmp.preview.diff import RULES
from cmp.report.judgement import FINDINGS, LEVELS
from tests.support.ci_runner import load
from tests.support.harness import CHECKOUT
from tests.support.operations_page import anchor
from tests.support.released_monorepo import expected, released_monorepo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Sandbox

PAGE = (CHECKOUT / "docs/preview.md").read_text("utf-8")
_FENCE = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    """Return the code blocks of a kind."""
    return [text for found, text in _FENCE.findall(PAGE) if found == kind]


def commands() -> list[str]:
    """Return the lines that run cmp, in their order."""
    lines = [line.strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("cmp ")]


def tables(heading: str) -> set[str]:
    """Return the codes in the first column of the tables of a section."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section
    return set(re.findall(r"^\| `([^`]+)` \|", section[1], re.MULTILINE))


@pytest.fixture(scope="module")
def monorepo(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Sandbox]]:
    """Return the monorepo with the change of the page on a branch."""
    with released_monorepo(tmp_path_factory.mktemp("page"), tools_dir) as made:
        yield made


def test_the_commands_work_one_after_the_other(monorepo: tuple[Path, Sandbox]) -> None:
    root, sandbox = monorepo
    assert len(commands()) > 15
    for line in commands():
        ran = sandbox.run(*shlex.split(line)[1:], cwd=root)
        assert ran.code == expected(line), f"{line}\n{ran.stderr}"
    assert {path.name for path in root.iterdir()} >= {"golden", "rendered", "report.html", "report.json"}


@pytest.mark.parametrize(
    ("number", "line"), [(0, "cmp affected"), (1, "cmp diff --keyless"), (5, "cmp paths payments")]
)
def test_what_is_shown_is_what_is_printed(number: int, line: str, monorepo: tuple[Path, Sandbox]) -> None:
    assert line in commands()
    root, sandbox = monorepo
    printed = sandbox.run(*shlex.split(line)[1:], cwd=root).stdout
    assert without_commits(blocks("text")[number]) == without_commits(printed)


def without_commits(text: str) -> str:
    """Replace commits, which depend on where the charts are served."""
    return re.sub(r"\b[0-9a-f]{12}\b", "c" * 12, text).rstrip("\n")


def test_every_rule_is_explained_in_the_order_of_reports() -> None:
    assert re.findall(r"^\| `([\w-]+)` \| ", PAGE.partition("## Dangers")[2], re.MULTILINE)[: len(RULES)] == [*RULES]
    assert tables("Noise") == {noise.CHART_LABELS, noise.CHECKSUM, noise.HASH_NAME}


def test_every_rule_of_findings_is_explained() -> None:
    assert tables("Findings") == {*FINDINGS} - {*LEVELS}


def test_the_findings_shown_are_those_of_a_report() -> None:
    (block,) = [text for text in blocks("text") if "New findings" in text]
    shown = [line for line in block.splitlines() if line.startswith("  - ")]
    report = (CHECKOUT / "tests/data/changes/field-misspelled/report.txt").read_text("utf-8").splitlines()
    assert len(shown) == 2
    assert set(shown) <= {*report}


def test_the_settings_shown_are_settings(sandbox: Sandbox, tmp_path: Path) -> None:
    shown = [block for block in blocks("yaml") if block.startswith("preview:")]
    keys = [key for block in shown for key in yaml.safe_load(block)["preview"]]
    assert keys == ["ignore", "noise", "applications", "urls", "argocds", "applications"]
    (tmp_path / "clusters/dev/shop").mkdir(parents=True)
    (tmp_path / "namespaces/shop").mkdir(parents=True)
    (tmp_path / "namespaces/shop/map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n")
    for block in shown:
        (tmp_path / "cmp.yaml").write_text(f"version: 1\n{block}", "utf-8")
        ran = sandbox.run("apps", cwd=tmp_path)
        assert ran.code == 0, ran.stderr


def test_inputs_outputs_and_variables_are_listed() -> None:
    action, job = load("action.yml"), load("ci/gitlab.yml")["cmp-diff"]
    assert tables("In GitHub") == {*action["inputs"], *action["outputs"]}
    own = {name for name in job["variables"] if name.startswith("CMP_") and name != "CMP_CACHE_DIR"}
    assert tables("In GitLab") == {*own, "CMP_IMAGE", "CMP_GITLAB_TOKEN"}
    for name, each in action["inputs"].items():
        if each["default"] and not each["default"].startswith("$"):
            row = re.search(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
            assert row
            assert f"`{each['default']}`" in row[0]


def workflows() -> list[dict[Any, Any]]:
    """Return the workflows for GitHub; YAML takes their key `on` for true."""
    return [yaml.safe_load(block) for block in blocks("yaml") if block.startswith("# .github/")]


def test_a_workflow_on_code_of_others_may_write_nothing_but_comments() -> None:
    first, second = workflows()
    assert first[True] == "pull_request"
    assert second[True] == {"workflow_run": {"workflows": [first["name"]], "types": ["completed"]}}
    assert first["permissions"] == second["permissions"] == {}
    assert first["jobs"]["diff"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert second["jobs"]["comment"]["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert [step["uses"].partition("@")[0] for step in second["jobs"]["comment"]["steps"]] == [
        "platform/argocd-cmp/ci/comment"
    ]
    for workflow in (first, second):
        assert [step for job in workflow["jobs"].values() for step in job["steps"] if "run" in step] == []


def test_the_inputs_of_the_example_exist() -> None:
    given = workflows()[0]["jobs"]["diff"]["steps"][-1]["with"]
    assert given.keys() <= load("action.yml")["inputs"].keys()
    assert set(given["fail-on"].split(",")) <= set(RULES)


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, section = link.partition("#")
        page = CHECKOUT / "docs" / (file or "preview.md")
        assert page.exists()
        text = page.read_text("utf-8") if section else ""
        headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        assert section in headings or not section, link
