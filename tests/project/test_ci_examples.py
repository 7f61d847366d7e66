"""The workflows and jobs of examples/ci: their files are right, and what they run works on the example repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from tests.support.ci_runner import BASH, load
from tests.support.harness import CHECKOUT
from tests.support.released_monorepo import released_monorepo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.harness import Sandbox

ACTIONLINT = "actionlint/1.7.7/actionlint"
ACTIONS = ("action.yml", "ci/comment/action.yml", "ci/install/action.yml")
WORKFLOWS = [
    *sorted(str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / ".github/workflows").glob("*.yml")),
    *sorted(str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "examples/ci").glob("github-*.yml")),
]
SHOWN = re.findall(
    r"^```yaml\n(# \.github/workflows/.*?)^```$", (CHECKOUT / "docs/preview.md").read_text(), re.MULTILINE | re.DOTALL
)
BASE = "main"


def lint(test_tools_dir: str, folder: Path, text: str) -> str:
    """Return what actionlint says of a workflow."""
    (folder / ".git").mkdir(exist_ok=True)
    workflow = folder / ".github/workflows/made.yml"
    workflow.parent.mkdir(parents=True, exist_ok=True)
    workflow.write_text(text)
    program = Path(test_tools_dir, ACTIONLINT)
    done = subprocess.run([program, "-no-color", workflow], cwd=folder, env={}, capture_output=True, check=False)
    return (done.stdout + done.stderr).decode()


def steps_as_workflow(path: str) -> str:
    """Return a workflow that has an action's inputs and runs its steps."""
    action = load(path)
    inputs = {name: {"type": "string", "default": "x"} for name in action["inputs"]}
    job = {"runs-on": "ubuntu-24.04", "steps": action["runs"]["steps"]}
    outputs = {name: {"value": f"${{{{ jobs.made.outputs.{name} }}}}"} for name in action.get("outputs", {})}
    if outputs:
        job["outputs"] = {name: each["value"] for name, each in action["outputs"].items()}
    return yaml.safe_dump({"on": {"workflow_call": {"inputs": inputs, "outputs": outputs}}, "jobs": {"made": job}})


@pytest.mark.parametrize("path", WORKFLOWS)
def test_actionlint_finds_nothing_in_a_workflow(path: str, test_tools_dir: str, tmp_path: Path) -> None:
    assert lint(test_tools_dir, tmp_path, (CHECKOUT / path).read_text()) == ""


def test_actionlint_finds_nothing_in_the_workflows_of_the_documentation(test_tools_dir: str, tmp_path: Path) -> None:
    assert len(SHOWN) == 2
    assert [lint(test_tools_dir, tmp_path, text) for text in SHOWN] == ["", ""]


@pytest.mark.parametrize("path", ACTIONS)
def test_actionlint_finds_nothing_in_an_action(path: str, test_tools_dir: str, tmp_path: Path) -> None:
    (tmp_path / "action.yml").write_text((CHECKOUT / path).read_text())
    user = {"on": "push", "jobs": {"made": {"runs-on": "ubuntu-24.04", "steps": [{"uses": "./"}]}}}
    assert lint(test_tools_dir, tmp_path, yaml.safe_dump(user)) == ""
    assert lint(test_tools_dir, tmp_path, steps_as_workflow(path)) == ""


def test_actionlint_finds_a_mistake_in_the_steps_of_an_action(test_tools_dir: str, tmp_path: Path) -> None:
    text = steps_as_workflow("ci/install/action.yml").replace("inputs.base", "inputs.bas")
    assert 'property "bas" is not defined' in lint(test_tools_dir, tmp_path, text)


class Place(NamedTuple):
    """The example repository on the branch of a change, and an environment in which `cmp` is on PATH."""

    root: Path
    folder: Path
    env: Mapping[str, str]

    def run(self, script: str, **env: str) -> str:
        """Run the lines of a step or of a script as the runner does, and return what they print."""
        done = subprocess.run(
            [*BASH, script], cwd=self.root, env={**self.env, **env}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def outputs(self, script: str, **env: str) -> dict[str, str]:
        """Run a step, and return the outputs that it sets."""
        file = self.folder / "output"
        file.write_text("")
        self.run(script, GITHUB_OUTPUT=str(file), **env)
        return dict(line.split("=", 1) for line in file.read_text().splitlines())


@pytest.fixture
def place(tools_dir: str, tmp_path: Path) -> Iterator[Place]:
    with released_monorepo(tmp_path / "page", tools_dir) as (root, sandbox):
        yield place_of(root, sandbox, tmp_path)


def place_of(root: Path, sandbox: Sandbox, folder: Path) -> Place:
    """Put `cmp` on PATH."""
    program = folder / "bin/cmp"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cmp "$@"\n')
    program.chmod(0o755)
    env = sandbox.env()
    temp = folder / "temp"
    temp.mkdir()
    return Place(
        root, folder, {**env, "PATH": f"{program.parent}:{env['PATH']}", "BASE": BASE, "RUNNER_TEMP": str(temp)}
    )


def scripts(path: str, job: str) -> list[str]:
    """Return the lines that the steps of a job run."""
    return [step["run"] for step in load(path)["jobs"][job]["steps"] if "run" in step]


def test_every_pair_has_its_job_in_github(place: Place) -> None:
    path = "examples/ci/github-pairs.yml"
    (affected,), (pairs,) = scripts(path, "affected"), scripts(path, "pairs")
    matrix = json.loads(place.outputs(affected)["matrix"])["include"]
    assert [job["name"] for job in matrix] == [
        f"payments on {name}" for name in ("dev-cluster", "prod-cluster", "staging-cluster")
    ]
    every = "\n".join(job["pairs"] for job in matrix)
    printed = [place.run(pairs, PAIRS=lines) for lines in (*(job["pairs"] for job in matrix), every)]
    assert [text.count("::group::payments on ") for text in printed] == [1, 1, 1, 3]


def test_a_change_that_reaches_nothing_has_no_jobs_in_github(place: Place) -> None:
    (affected,) = scripts("examples/ci/github-pairs.yml", "affected")
    assert place.outputs(affected, BASE="HEAD") == {"matrix": '{"include": []}'}
    jobs = load("examples/ci/github-pairs.yml")["jobs"]
    assert jobs["affected"]["outputs"]["any"] == "${{ fromJSON(steps.affected.outputs.matrix).include[0] != null }}"
    assert jobs["pairs"]["if"] == "needs.affected.outputs.any == 'true'"


def without_times(text: str) -> str:
    """Leave out the line with the times of a report."""
    return re.sub(r"^.*\bin \d.*seconds?\b.*$", "", text, flags=re.MULTILINE)


def whole(place: Place) -> str:
    """Return the report of one run."""
    place.run('cmp diff --keyless --base "$BASE" --exit-zero --output markdown="$RUNNER_TEMP/whole.md"')
    return (place.folder / "temp/whole.md").read_text()


@pytest.mark.parametrize("base", [BASE, "HEAD"])
def test_the_jobs_of_github_make_the_report_of_one_run(place: Place, base: str) -> None:
    path = "examples/ci/github-shares.yml"
    place = place._replace(env={**place.env, "BASE": base})
    (plan,), (share,), (report,) = (scripts(path, job) for job in ("plan", "share", "report"))
    shards = json.loads(place.outputs(plan)["matrix"])["shard"]
    assert shards
    for shard in shards:
        place.run(share, SHARD=str(shard))
    summary = place.folder / "summary"
    place.run(report, GITHUB_STEP_SUMMARY=str(summary))
    assert without_times(summary.read_text()) == without_times(whole(place))


def test_the_jobs_of_gitlab_make_the_report_of_one_run(place: Place) -> None:
    jobs: dict[str, Any] = load("examples/ci/gitlab-shares.yml")
    plan, share, report = (jobs[name] for name in ("cmp-plan", "cmp-share", "cmp-report"))
    assert [jobs["stages"].index(job["stage"]) for job in (plan, share, report)] == [0, 1, 2]
    assert f"--plan {share['parallel']} " in plan["script"][0]
    place.run("\n".join(plan["script"]))
    for index in range(1, share["parallel"] + 1):
        place.run("\n".join(share["script"]), CI_NODE_INDEX=str(index))
    place.run("\n".join(report["script"]))
    for path in ("/opt/cmp/ci/fetch-base.sh", "/opt/cmp/ci/tools.sh"):
        assert any(path in line for line in jobs[".cmp"]["before_script"])
        assert (CHECKOUT / "ci" / os.path.basename(path)).is_file()
    assert without_times((place.root / "cmp-report.md").read_text()) == without_times(whole(place))


def test_the_indexed_job_makes_the_parts_of_the_report(place: Place) -> None:
    spec = load("examples/ci/kubernetes-shares.yaml")["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    work = place.folder / "temp"
    place.run(f'cmp diff --plan {spec["completions"]} --keyless --base "$BASE" --output plan="$RUNNER_TEMP/plan.json"')
    for index in range(spec["completions"]):
        argv = [
            text.replace("$(JOB_COMPLETION_INDEX)", str(index)).replace("/shares/", f"{work}/")
            for text in container["command"]
        ]
        subprocess.run(argv, cwd=place.root, env=place.env, check=True, capture_output=True)
    place.run('cmp diff --merge "$RUNNER_TEMP"/part-*.json --exit-zero --output markdown="$RUNNER_TEMP/report.md"')
    assert without_times((work / "report.md").read_text()) == without_times(whole(place))
