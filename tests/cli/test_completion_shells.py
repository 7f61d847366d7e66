"""The scripts of `cmp completion` in the real bash, zsh and fish, at a terminal where keys are typed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.terminal import EVERY, TAB, Terminal
from tests.support.trees import CHART, REFERENCE, plant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.harness import Sandbox

pytestmark = [pytest.mark.tools, pytest.mark.no_tools]  # shells of Debian, and no program of the store

HOSTILE = ("$(touch harm)", "`touch harm`", "a b", "a;touch harm", "a'b", "*")
TREE = {
    **REFERENCE,
    **{f"namespaces/{name}/Chart.yaml": CHART for name in HOSTILE},
    **{f"clusters/prod/{name}/x": "" for name in HOSTILE},
    **{f"clusters/{name}/shop/x": "" for name in HOSTILE},
    "namespaces/tools/Chart.yaml": CHART,
    "clusters/arn:aws:eks/tools/values.yaml": "",
    "clusters/admin@dev/tools/values.yaml": "",
    "argo cd/apps.yaml": "",
    "cmp.yaml": "tools: {helm: 3.14.4}\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    plant(tmp_path / "repo", TREE)
    return tmp_path / "repo"


@pytest.fixture
def environment(sandbox: Sandbox) -> dict[str, str]:
    """Return an environment in whose PATH cmp is."""
    env = sandbox.env()
    return {**env, "PATH": f"{os.path.dirname(sys.executable)}:{env['PATH']}"}


@pytest.fixture(params=["bash", "zsh"])
def terminal(request: pytest.FixtureRequest, tree: Path, environment: dict[str, str]) -> Terminal:
    return Terminal(request.param, tree, environment)


@pytest.fixture
def fish(tree: Path, environment: dict[str, str]) -> Callable[[str], list[str]]:
    """Return the candidates that fish has for a line; it escapes what it puts there itself."""

    def candidates(line: str) -> list[str]:
        script = f"cmp completion fish | source; complete -C {shlex.quote(line)}"
        ran = subprocess.run(
            ["fish", "--no-config", "-c", script],
            cwd=tree,
            env=environment,
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert ran.stderr == b""
        return ran.stdout.decode().splitlines()

    return candidates


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("cmp rend", ["render"]),
        ("cmp render sh", ["render", "shop"]),
        ("cmp render 'sh", ["render", "shop"]),
        ("cmp render shop --cluster=de", ["render", "shop", "--cluster=dev"]),
        ("cmp render tools --cluster arn:aws:e", ["render", "tools", "--cluster", "arn:aws:eks"]),
        ("cmp render tools --cluster admin@", ["render", "tools", "--cluster", "admin@dev"]),
        ("cmp tools install helm@3.14.", ["tools", "install", "helm@3.14.4"]),
        ("cmp diff --output html=cm", ["diff", "--output", "html=cmp.yaml"]),
        ("cmp tools install --from=cm", ["tools", "install", "--from=cmp.yaml"]),
        ("cmp render --application arg", ["render", "--application", "argo cd/"]),
        ("cmp render --output-dir name", ["render", "--output-dir", "namespaces"]),
        ("cmp render nothing-like-it", ["render", "nothing-like-it"]),
    ],
)
def test_a_tab_completes_the_word(line: str, want: list[str], terminal: Terminal) -> None:
    words = terminal.words(line, TAB)
    assert [word.rstrip("/") for word in words] == [word.rstrip("/") for word in want], terminal.screen


def test_only_the_command_around_the_cursor_counts(terminal: Terminal) -> None:
    terminal.words("true cmp render; cmp render tools --cluster ar")
    assert "cmp render tools --cluster arn:aws:eks" in terminal.screen


def test_names_are_offered_and_hostile_ones_are_not(terminal: Terminal, tree: Path) -> None:
    assert terminal.words("cmp render ", EVERY) == ["render", "shop", "tools"]
    clusters = ["admin@dev", "arn:aws:eks", "dev", "prod"]
    assert terminal.words("cmp render --cluster ", EVERY) == ["render", "--cluster", *clusters]
    assert not (tree / "harm").exists()


def test_a_line_with_a_substitution_is_not_run(terminal: Terminal, tree: Path) -> None:
    terminal.words("cmp render '$(touch harm)' --cluster ", TAB)
    terminal.words("cmp render '`touch harm`", f"{TAB}'")
    assert not (tree / "harm").exists()


def test_a_broken_cmp_yaml_leaves_the_line_alone(terminal: Terminal, tree: Path) -> None:
    (tree / "cmp.yaml").write_text("layout: [")
    assert terminal.words("cmp render sh", TAB) == ["render", "sh"]
    assert "Traceback" not in terminal.screen
    assert "cmp:" not in terminal.screen


def test_fish_offers_the_same(fish: Callable[[str], list[str]], tree: Path) -> None:
    assert fish("cmp rend") == ["render\tRender one application on one cluster."]
    assert fish("cmp render ") == ["shop", "tools"]
    assert fish("cmp render shop --cluster=de") == ["--cluster=dev"]
    assert fish("cmp render tools --cluster ") == ["admin@dev", "arn:aws:eks"]
    assert fish("cmp tools install helm@3.14.") == ["helm@3.14.4"]
    assert fish("cmp diff --output html=cm") == ["html=cmp.yaml"]
    assert fish("cmp tools install --from=cm") == ["--from=cmp.yaml"]
    assert fish("cmp render --application arg") == ["argo cd/"]
    assert fish("cmp render --output-dir name") == ["namespaces/"]
    assert fish("cmp render '$(touch harm)' --cluster ") == ["prod"]
    (tree / "cmp.yaml").write_text("layout: [")
    assert fish("cmp render ") == []
    assert not (tree / "harm").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_under_its_other_name_it_is_completed_too(shell: str, sandbox: Sandbox, tree: Path) -> None:
    other = sandbox.folder / "argocd-cmp"
    other.parent.mkdir(parents=True, exist_ok=True)
    other.symlink_to(f"{os.path.dirname(sys.executable)}/cmp")
    ran = subprocess.run([other, "completion", shell], cwd=tree, env=sandbox.env(), capture_output=True, check=True)
    assert b"argocd-cmp" in ran.stdout
    assert b"PROGRAM" not in ran.stdout
    checked = subprocess.run([shell, "-n"], input=ran.stdout, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b"")
