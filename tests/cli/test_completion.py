"""`cmp completion`, and the candidates that a shell gets from the tree at hand: names of it, silently, or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import pytest

from cmp.cli.commands import COMMANDS, SIDECAR_COMMANDS, cmp
from cmp.report import FORMATS
from cmp.repository.config.model import PINS
from tests.support.git_repository import Repo
from tests.support.harness import snapshot
from tests.support.trees import CHART, REFERENCE, plant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

pytestmark = pytest.mark.no_tools

TILL = {"namespaces/till/Chart.yaml": CHART, "clusters/dev/till/dev-values-till.yaml": "a: 1\n"}
SHOP_AND_TILL = {**REFERENCE, **TILL}
APPLICATIONS = """\
apiVersion: v1
kind: List
items:
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: till, namespace: argocd}}
  - {apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: till, namespace: other}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: no-application}}
"""


def ask(sandbox: Sandbox, cwd: Path, line: str, replaced: str = "", **env: str) -> Ran:
    """Ask as the script of a shell does."""
    asked = {"_CMP_COMPLETE": "bash_complete", "_CMP_LINE": line, "_CMP_REPLACED": replaced}
    return replace(sandbox, extra={**asked, **env}).run(cwd=cwd)


def candidates(sandbox: Sandbox, cwd: Path, line: str, **env: str) -> list[str]:
    """Return the candidates for a command line, those that are no plain words with their kind before them."""
    ran = ask(sandbox, cwd, line, **env)
    assert (ran.code, ran.stderr) == (0, "")
    parts = [text.split("\t") for text in ran.stdout.splitlines()]
    return [value if kind == "plain" else f"{kind} {value}" for kind, value, _ in parts]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    plant(tmp_path / "repo", SHOP_AND_TILL)
    return tmp_path / "repo"


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ("cmp render ", ["shop", "till"]),
        ("cmp render t", ["till"]),
        ("cmp render --cluster prod ", ["shop"]),
        ("cmp render --cluster=prod ", ["shop"]),
        ("cmp render till --explain --cluster ", ["dev"]),
        ("cmp paths --cluster ", ["dev", "prod"]),
        ("cmp values --cluster dev ", ["shop", "till"]),
        ("cmp render --cluster ", ["dev", "prod"]),
        ("cmp render till --cluster ", ["dev"]),
        ("cmp render --namespace till --cluster ", ["dev"]),
        ("cmp render --namespace ", ["shop", "till"]),
        ("cmp render till --namespace ", []),
        ("cmp render shop --cluster=p", ["--cluster=prod"]),
        ("cmp render 'sh", ["shop"]),
        ("cmp render nothing-like-it", []),
        ("cmp golden shop ", ["till"]),
        ("cmp golden till --cluster ", ["dev"]),
        ("cmp golden --dir ", ["dir "]),
        ("cmp paths --cluster prod ", ["shop"]),
        ("cmp paths --check ", ["file "]),
        ("cmp pin helm 4.3.2 --app ", ["shop", "till"]),
        ("cmp pin helm 4.3.2 --app till --cluster ", ["dev"]),
        ("cmp pin k", ["kustomize"]),
        ("cmp apps --format ", ["text", "json"]),
        ("cmp affected --format m", ["matrix"]),
        ("cmp diff --output ", [f"part {one}=" for one in (*FORMATS, "plan", "part")]),
        ("cmp diff --output html=", ["file html="]),
        ("cmp diff --output=html=", ["file --output=html="]),
        ("cmp diff --fail-on data-removed,sync-", ["data-removed,sync-force", "data-removed,sync-replace"]),
        ("cmp diff --fail-on application-ren", ["application-renamed"]),
        ("cmp diff --repository https://git.example/x.git", []),
        ("cmp diff --repository https://git.example/x.git=", ["dir https://git.example/x.git="]),
        ("cmp render --output-dir ", ["dir "]),
        ("cmp render --application ", ["file "]),
        ("cmp render --set ", []),
        ("cmp cache warm --lock=", ["file --lock="]),
        ("cmp completion ", ["bash", "zsh", "fish"]),
        ("cmp schema cmp", ["cmp.yaml", "cmp-app.yaml"]),
        ("cmp cache ", ["list", "prune", "refresh", "verify", "warm"]),
        ("cmp render --keyl", ["--keyless"]),
        ("cmp --ver", ["--version"]),
        ("cmp nonsense ", []),
        ("cmp render shop till ", []),
        ("cmp", []),
    ],
)
def test_candidates_are_names_of_the_tree(line: str, want: list[str], tree: Path, sandbox: Sandbox) -> None:
    assert candidates(sandbox, tree / "namespaces", line) == want


def test_commands_come_with_their_sentences_and_without_those_of_the_sidecar(tree: Path, sandbox: Sandbox) -> None:
    lines = ask(sandbox, tree, "cmp ").stdout.splitlines()
    assert lines == [
        f"plain\t{name}\t{text}" for name, text in sorted(COMMANDS.items()) if name not in SIDECAR_COMMANDS
    ]


def test_the_end_of_a_word_is_what_a_shell_replaces(tree: Path, sandbox: Sandbox) -> None:
    line = "cmp render shop --cluster=p"
    assert ask(sandbox, tree, line, replaced="p").stdout == "plain\tprod\t\n"
    assert ask(sandbox, tree, line, replaced=line.rpartition(" ")[2]).stdout == "plain\t--cluster=prod\t\n"


def test_versions_are_those_pinned_here_and_installed(tmp_path: Path, sandbox: Sandbox) -> None:
    pins = {"cmp.yaml": "tools: {helm: 3.14.4}\n", "namespaces/till/cmp-app.yaml": "tools: {helm: 3.9.0}\n"}
    plant(tmp_path / "repo", {**SHOP_AND_TILL, **pins})
    program = tmp_path / "tools/helm_3_12_0"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    known = ["3.9.0", "3.12.0", "3.14.4", PINS["helm"].version]
    custom = str(program.parent)

    def asked(line: str) -> list[str]:
        return candidates(sandbox, tmp_path / "repo", line, CMP_CUSTOM_TOOLS=custom)

    assert asked("cmp pin helm ") == known
    assert asked("cmp tools install helm@") == [f"helm@{version}" for version in known]
    assert asked("cmp tools install helm@3.9.0 helm@3.") == ["helm@3.12.0", "helm@3.14.4"]
    assert asked("cmp render shop --helm-version ") == ["3.12.0"]
    assert candidates(sandbox, tmp_path, "cmp pin helm ", CMP_CUSTOM_TOOLS=custom) == ["3.12.0", PINS["helm"].version]


def test_revisions_are_branches_and_tags(tmp_path: Path, sandbox: Sandbox) -> None:
    repo = Repo(tmp_path / "repo")
    repo.commit({"namespaces/a": "", "clusters/a": ""})
    repo.branch("topic/shop")
    repo.git("tag", "v1.0.0")
    assert candidates(sandbox, repo.folder, "cmp diff --base ") == ["main", "topic/shop", "v1.0.0"]
    assert candidates(sandbox, repo.folder, "cmp affected --head t") == ["topic/shop"]
    assert candidates(sandbox, tmp_path, "cmp affected --head ") == []


def test_applications_are_those_of_the_file(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "apps.yaml").write_text(APPLICATIONS)
    line = "cmp render --application {} --name "
    assert candidates(sandbox, tmp_path, line.format("apps.yaml")) == ["shop", "argocd/till", "other/till"]
    assert candidates(sandbox, tmp_path, line.format("-")) == []
    assert candidates(sandbox, tmp_path, line.format("missing.yaml")) == []


def test_a_name_that_a_shell_would_run_or_split_is_no_candidate(tmp_path: Path, sandbox: Sandbox) -> None:
    hostile = ["$(id)", "`id`", "a b", "a;b", "a'b", 'a"b', "a\\b", "*", "~", "a\u202eb", "a|b", "a&b", "a>b"]
    names = (*hostile, "till", "größe")
    plant(tmp_path, {f"namespaces/{name}/Chart.yaml": CHART for name in names})
    plant(tmp_path, {f"clusters/dev/{name}/x": "" for name in names})
    plant(tmp_path, {f"clusters/{name}/till/x": "" for name in hostile})
    assert candidates(sandbox, tmp_path, "cmp render ") == ["größe", "till"]
    assert candidates(sandbox, tmp_path, "cmp render --cluster ") == ["dev"]
    assert candidates(sandbox, tmp_path, "cmp render $(") == []
    plant(tmp_path, {"namespaces/a\nplain\tb/x": ""})  # a tree that no command reads
    assert candidates(sandbox, tmp_path, "cmp render ") == []


def test_clusters_are_those_of_the_inventory_where_no_application_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    inventory = "version: 1\nclusters: {dev: {}, spare: {}}\n"
    plant(tmp_path, {"cmp.yaml": inventory, "namespaces/till/Chart.yaml": CHART, "clusters/dev/till/x": ""})
    assert candidates(sandbox, tmp_path, "cmp render --cluster ") == ["dev", "spare"]
    assert candidates(sandbox, tmp_path, "cmp render till --cluster ") == ["dev"]


@pytest.mark.parametrize(
    "line", ["cmp render ", "cmp render --cluster ", "cmp golden ", "cmp paths ", "cmp apps nothing "]
)
@pytest.mark.parametrize(
    "config", ["layout: [", "no-such-key: 1\n", "layout: {apps: 'a/{b}'}\n", "\x00", "a: &a [*a]\n", "{{" * 5000]
)
def test_with_a_broken_cmp_yaml_there_are_none(line: str, config: str, tree: Path, sandbox: Sandbox) -> None:
    (tree / "cmp.yaml").write_text(config)
    assert candidates(sandbox, tree, line) == []


@pytest.mark.parametrize("env", [{"CMP_DEADLINE": "soon"}, {"CMP_CHILD_MEMORY": "much"}])
def test_with_a_wrong_setting_there_are_none(env: dict[str, str], tree: Path, sandbox: Sandbox) -> None:
    assert candidates(sandbox, tree, "cmp render --helm-version ", **env) == []


def test_without_a_repository_there_are_none(tmp_path: Path, sandbox: Sandbox) -> None:
    assert candidates(sandbox, tmp_path, "cmp render ") == []


def test_a_file_that_never_answers_is_given_up(tmp_path: Path, sandbox: Sandbox) -> None:
    os.mkfifo(tmp_path / "apps.yaml")
    assert candidates(sandbox, tmp_path, "cmp render --application apps.yaml --name ") == []


def test_nothing_is_written_or_tidied_up(tree: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.env()  # makes its folders
    left_behind = sandbox.tmp / "argocd-cmp-left"
    left_behind.mkdir()
    (left_behind / "owner").touch()
    before = snapshot(tmp_path)
    for line in ("cmp render ", "cmp tools install ", "cmp cache refresh ", "cmp diff --base ", "cmp pin helm "):
        candidates(sandbox, tree, line)
    assert snapshot(tmp_path) == before
    sandbox.run("apps", cwd=tree)
    assert not left_behind.exists(), "a command sweeps it"


def test_the_sidecar_completes_nothing(tree: Path, sandbox: Sandbox) -> None:
    ran = sandbox.run("generate", cwd=tree, _CMP_COMPLETE="bash_complete", _CMP_LINE="cmp render ")
    assert (ran.code, ran.stdout) == (3, "")


def test_the_names_of_commands_cost_the_import_of_none(sandbox: Sandbox, tree: Path) -> None:
    code = (
        "import sys; from cmp.cli.completion import answer; from cmp.environ import CompletionRequest\n"
        "assert b'render' in answer(CompletionRequest('cmp ', ''))\n"
        "print(*sorted(name for name in sys.modules if name.startswith('cmp.cli.')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tree, env=sandbox.env(), capture_output=True, check=True)
    assert ran.stdout.decode().split() == ["cmp.cli.commands", "cmp.cli.completion", "cmp.cli.io", "cmp.cli.shells"]


def parameters(command: click.Command, path: str) -> Iterator[tuple[str, click.Parameter]]:
    """Yield every parameter of a command and those below it."""
    context = click.Context(command)
    for parameter in command.params:
        yield f"{path} {parameter.human_readable_name}", parameter
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if inner := command.get_command(context, name):
                yield from parameters(inner, f"{path} {name}")


def test_every_parameter_that_names_something_here_has_candidates() -> None:
    named = {"app", "apps", "cluster", "tool", "version", "base", "head", "specs", "names"}
    metavars = ("FILE", "FOLDER", "DIR", "PROGRAM", "REV", "NAME")
    without = [
        place
        for place, parameter in parameters(cmp, "cmp")
        if (parameter.name in named or (parameter.metavar or "").endswith(metavars))
        and not getattr(parameter, "is_flag", False)
        and not parameter._custom_shell_complete  # noqa: SLF001  # click says it nowhere else
    ]
    assert without == []


def test_without_a_shell_it_says_which_there_are(sandbox: Sandbox, tmp_path: Path) -> None:
    ran = sandbox.run("completion", cwd=tmp_path)
    assert ran.code == 2
    assert ran.stderr.splitlines() == [
        "cmp: Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish",
        "  hint: see `cmp completion --help`",
    ]
