"""`cmp render --all --check` and `cmp golden --check` judge what they render, beside their own work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

pytestmark = pytest.mark.no_tools
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}], selectr: {app: web}}
"""
FOUND = "error    v1 Service web/web: spec.selectr is not a known field: did you mean `selector`?  [unknown-field]"
RENDER = ("render", "--all", "--output-dir", "out")
GOLDEN = ("golden", "web", "--cluster", "dev", "--update")


class World:
    """A repository with an application of plain files whose Service has a misspelled field."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self._sandbox = folder, sandbox
        self.write(SERVICE)

    def write(self, service: str, more: str = "") -> None:
        text = f'version: 1\nclusters: {{dev: {{kubeVersion: "1.33"}}}}\n{more}'
        plant(
            self.folder,
            {"cmp.yaml": text, "clusters/dev/web/.keep": "", "namespaces/web/service.yaml": service},
        )

    def run(self, *words: str) -> Ran:
        return self._sandbox.run(*words, cwd=self.folder)


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> World:
    return World(tmp_path / "repo", sandbox)


@pytest.mark.parametrize("words", [RENDER, GOLDEN])
def test_findings_stand_on_stderr_and_an_error_ends_with_1(words: tuple[str, ...], world: World) -> None:
    plain = world.run(*words)
    assert (plain.code, FOUND in plain.stderr) == (0, False)
    ran = world.run(*words, "--check")
    assert (ran.code, FOUND in ran.stderr) == (1, True)
    assert ran.stdout == plain.stdout
    world.write(SERVICE.replace("selectr", "selector"))
    ran = world.run(*words, "--check")
    assert (ran.code, "nothing found in 1 object of 1 pair" in ran.stderr) == (0, True)


def test_golden_files_that_are_as_they_were_are_judged(world: World) -> None:
    world.run(*GOLDEN)
    assert world.run("golden").code == 0
    ran = world.run("golden", "--check")
    assert (ran.code, ran.stdout, FOUND in ran.stderr) == (1, "", True)


@pytest.mark.parametrize("words", [RENDER, GOLDEN])
def test_a_pair_that_fails_keeps_its_own_code(words: tuple[str, ...], world: World) -> None:
    world.write("apiVersion: v1\nkind: [\n")
    ran = world.run(*words, "--check")
    assert ran.code == world.run(*words).code != 1


def test_what_is_expected_is_passed_over(world: World) -> None:
    world.write(SERVICE, "checks: {skip: [{rule: unknown-field, reason: on purpose}]}\n")
    assert world.run(*RENDER, "--check").code == 0


def test_one_application_is_judged_by_another_command(world: World) -> None:
    ran = world.run("render", "web", "--cluster", "dev", "--check")
    assert (ran.code, "--check goes with --all" in ran.stderr) == (2, True)
