"""`cmp diff` as a command: what it compares, what it writes, how it ends.  What reports say has tests of its own."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.compared_repository import ComparedRepository
from tests.support.harness import snapshot
from tests.support.keys import encrypt, make_key, sops_tool
from tests.support.leaks import find_plaintext, processes_of, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

pytestmark = pytest.mark.no_tools

CONFIG = """\
version: 1
layout:
  apps: apps/{app}
  instances: clusters/{cluster}/{app}
  values: ['clusters/{cluster}/{app}/*.secret.yaml']
  release: "{app}"
  namespace: "{app}"
  ignore: ["clusters/*/*/here.yaml"]
clusters:
  dev: {kubeVersion: "1.33", apiVersions: [v1], server: "https://dev.example.test:6443", env: dev}
  prod: {kubeVersion: "1.33", apiVersions: [v1], server: "https://prod.example.test:6443", env: prod}
tools: {helm: 3.18.6, sops: 3.10.2}
preview: {applications: [argocd/*.yaml]}
"""
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata: {{a: {0}}}\n"
CLAIM = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {}\n"
FILES: dict[str, str | bytes | None] = {
    "cmp.yaml": CONFIG,
    "apps/web/map.yaml": MAP.format("one"),
    "apps/web/claim.yaml": CLAIM,
    "clusters/dev/web/here.yaml": "",
    "clusters/prod/web/here.yaml": "",
}
SHOP: dict[str, str | bytes | None] = {
    "apps/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "apps/shop/templates/a.yaml": MAP.format("'{{ .Values.x }}'"),
    "clusters/dev/shop/here.yaml": "",
}
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: argocd}}
spec:
  project: default
  destination: {{name: {cluster}, namespace: web}}
  source: {{repoURL: https://git.example.test/x.git, targetRevision: {revision}, path: clusters/{cluster}/web, plugin: {{name: cmp}}}}
{more}
---
"""  # noqa: E501


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> ComparedRepository:
    return ComparedRepository(tmp_path / "repo", FILES, sandbox)


def test_no_difference_is_0_and_a_difference_1(world: ComparedRepository) -> None:
    assert world.diff().code == 0
    world.repo.commit({"apps/web/map.yaml": MAP.format("two")})
    assert world.diff().code == 1
    assert world.diff("--exit-zero").code == 0


def test_a_pair_that_fails_newly_has_the_code_of_its_error_and_the_others_are_whole(world: ComparedRepository) -> None:
    world.repo.commit(
        {"apps/web/map.yaml": MAP.format("two"), "apps/other/bad.yaml": "a: [", "clusters/dev/other/here.yaml": ""}
    )
    ran = world.diff("--exit-zero")
    assert ran.code == 8
    report = world.report()
    assert [one["subject"]["app"] for one in report["failures"]] == ["other"]
    assert [len(group["members"]) for group in report["groups"]] == [2]


def test_a_pair_that_failed_before_is_told_and_not_counted(world: ComparedRepository) -> None:
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"apps/other/bad.yaml": "a: [", "clusters/dev/other/here.yaml": ""})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"apps/other/bad.yaml": "b: ["})
    assert world.diff().code == 0
    assert [one["is_new"] for one in world.report()["failures"]] == [False]


def test_a_pair_whose_older_side_lacks_a_tool_of_this_run_is_not_judged(world: ComparedRepository) -> None:
    """The effect of the change is not known: it is no difference, and no earlier failure either."""
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit(SHOP)
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({**dict.fromkeys(SHOP), "clusters/dev/shop/here.yaml": "", "apps/shop/map.yaml": MAP.format("x")})
    ran = world.diff("--exit-zero")
    verdict = "Manifest diff: no manifest that was compared changes, 1 pair not rendered in this run"
    assert (ran.code, ran.stdout.splitlines()[0]) == (4, verdict)
    assert "cmp: could not be rendered in this run: shop on dev" in ran.stderr.splitlines()
    assert "shop on dev · not rendered in this run" in ran.stdout
    assert "with nothing to compare" in ran.stdout


def test_a_pair_that_both_sides_lack_a_tool_for_is_not_called_an_earlier_failure(world: ComparedRepository) -> None:
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit(SHOP)
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"apps/shop/templates/a.yaml": MAP.format("'{{ .Values.y }}'")})
    ran = world.diff("--exit-zero")
    verdict = "Manifest diff: no manifest that was compared changes, 1 pair not rendered in this run"
    assert (ran.code, ran.stdout.splitlines()[0]) == (4, verdict)


def test_a_change_of_what_the_guard_refuses_is_told_beside_the_refusal(world: ComparedRepository) -> None:
    twice = "metadata: {name: odd}\nmetadata: {name: even}"
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"apps/web/map.yaml": MAP.format("one").replace("metadata: {name: web}", twice)})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"apps/web/map.yaml": MAP.format("two").replace("metadata: {name: web}", twice)})
    ran = world.diff()
    assert ran.code == 0, "what failed before, too, does not count against the change"
    assert ran.stdout.splitlines()[0] == "Manifest diff: 2 of 2 clusters, 1 app, 1 distinct change, 2 earlier failures"
    report = world.report()
    assert {outcome["status"] for outcome in report["outcomes"]} == {"failed"}
    (group,) = report["groups"]
    assert [(field["path"], field["after"]) for field in group["change"]["fields"]] == [(["data", "a"], "two")]


def test_no_change_is_not_told_of_what_cannot_be_read(world: ComparedRepository) -> None:
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"apps/web/bad.yaml": "a: ["})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"apps/web/map.yaml": MAP.format("two")})
    assert "nothing that is known changes, and 2 pairs could not be compared" in world.diff().stdout


def test_gates(world: ComparedRepository) -> None:
    world.repo.commit({"apps/web/claim.yaml": None})
    assert world.diff("--exit-zero").code == 0
    gate = "cmp: --fail-on data-removed: PersistentVolumeClaim data (web on dev, prod)"
    for rules in ("data-removed", "privileged,any"):
        ran = world.diff("--exit-zero", "--fail-on", rules)
        assert (ran.code, ran.stderr.splitlines()[-2:-1]) == (1, [gate])
        assert (
            "  Not allowed:      --fail-on data-removed: PersistentVolumeClaim data (web on dev, prod)\n" in ran.stdout
        )
    ran = world.diff("--exit-zero", "--fail-on", "privileged")
    assert (ran.code, "--fail-on" in ran.stderr + ran.stdout) == (0, False)
    ran = world.diff("--exit-zero", "--max-clusters", "1")
    assert (ran.code, ran.stderr.splitlines()[-2:-1]) == (1, ["cmp: --max-clusters 1: 2 change: dev, prod"])
    assert world.diff("--exit-zero", "--max-clusters", "2").code == 0


def test_a_gate_asks_for_what_is_not_compared_where_the_change_may_reach_it(world: ComparedRepository) -> None:
    far = APPLICATION.format(name="far", cluster="dev", revision="main", more="").replace("/x.git", "/y.git")
    near = APPLICATION.format(name="near", cluster="dev", revision="main", more="")
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"argocd/apps.yaml": near + far, "docs/a.md": ""})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"docs/a.md": "new"})
    asked = ("--repository-url", "https://git.example.test/x.git", "--fail-on", "not-compared")
    ran = world.diff(*asked)
    verdict = "Manifest diff: no manifest that was compared changes, 1 Application not compared"
    assert (ran.code, ran.stdout.splitlines()[0]) == (0, verdict)
    assert "At merge:         nothing changes" in ran.stdout, "nothing in this repository is part of it"
    world.repo.commit(
        {"argocd/apps.yaml": near + far.replace("revision: main", "revision: v2").replace("n: main", "n: v2")}
    )
    ran = world.diff(*asked, "--exit-zero")
    assert (ran.code, ran.stderr.splitlines()[-2]) == (1, "cmp: --fail-on not-compared: 1 Application: far")
    assert world.diff(*asked[:2], "--exit-zero").code == 0


def test_a_gate_asks_for_pairs_that_fail_on_both_sides(world: ComparedRepository) -> None:
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"apps/other/bad.yaml": "a: [", "clusters/dev/other/here.yaml": ""})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"apps/other/bad.yaml": "b: ["})
    ran = world.diff("--fail-on", "not-compared")
    text = "cmp: --fail-on not-compared: cannot be rendered on either side, or not without the key: other on dev"
    assert (ran.code, ran.stderr.splitlines()[-2]) == (1, text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fail-on", "data-remove"), "cmp: --fail-on: there is no rule data-remove"),
        (("--output", "pdf=x"), "cmp: --output pdf=x: expected FORMAT=FILE"),
        (("--output", "html"), "cmp: --output html: expected FORMAT=FILE"),
        (
            ("--format", "pdf"),
            "cmp: Invalid value for '--format': 'pdf' is not one of 'text', 'markdown', 'html', 'json', 'matrix'.",
        ),
    ],
)
def test_wrong_command_lines(world: ComparedRepository, arguments: tuple[str, ...], said: str) -> None:
    ran = world.diff(*arguments)
    assert (ran.code, ran.stdout, ran.first_line) == (2, "", said)


def test_several_views_of_one_comparison(world: ComparedRepository, tmp_path: Path) -> None:
    world.repo.commit({"apps/web/map.yaml": MAP.format("two")})
    outputs = [f"{kind}={tmp_path / kind}" for kind in ("markdown", "html", "json")]
    ran = world.diff(*(part for text in outputs for part in ("--output", text)))
    assert "apps/web/map.yaml" in ran.stdout
    assert (tmp_path / "markdown").read_text().startswith("<!-- cmp-diff:default -->\n")
    assert (tmp_path / "html").read_text().startswith("<!DOCTYPE html>")
    assert json.loads((tmp_path / "json").read_text())["version"] == 1


def test_a_comment_is_the_same_as_long_as_the_change_is(world: ComparedRepository) -> None:
    world.repo.commit({"apps/web/map.yaml": MAP.format("two")})
    first, second = world.diff("--format", "markdown").stdout, world.diff("--format", "markdown", "--jobs", "1").stdout
    assert first == second


def test_the_checkout_is_not_touched(world: ComparedRepository) -> None:
    world.repo.commit({"apps/web/map.yaml": MAP.format("two")})
    before = snapshot(world.repo.folder)
    world.diff()
    assert snapshot(world.repo.folder) == before


def test_who_changes_at_the_merge(world: ComparedRepository) -> None:
    automated = "  syncPolicy: {automated: {prune: true, selfHeal: true}}"
    text = APPLICATION.format(name="web-dev", cluster="dev", revision="main", more=automated)
    text += APPLICATION.format(name="web-prod", cluster="prod", revision="v1.0", more=automated)
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"argocd/apps.yaml": text})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"apps/web/map.yaml": MAP.format("two")})
    found = world.report()["deliveries"]
    assert [(one["application"], one["at_merge"], one["prune"]) for one in found] == [
        ("web-dev", True, True),
        ("web-prod", False, True),
    ]


def test_differences_that_an_application_ignores_are_folded(world: ComparedRepository) -> None:
    more = "  ignoreDifferences: [{kind: ConfigMap, jsonPointers: [/data/a]}]"
    text = APPLICATION.format(name="web-dev", cluster="dev", revision="main", more=more)
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"argocd/apps.yaml": text})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"apps/web/map.yaml": MAP.format("two")})
    report = world.report()
    assert report["noise"] == [{"rule": "ignoreDifferences of web-dev", "folded": 1}]
    assert [[member["subject"]["cluster"] for member in group["members"]] for group in report["groups"]] == [["prod"]]


@pytest.mark.tools
def test_an_application_renders_with_its_parameters_and_a_change_of_them_is_a_change(world: ComparedRepository) -> None:
    def application(value: str) -> str:
        text = APPLICATION.format(name="shop", cluster="dev", revision="main", more="").replace("dev/web", "dev/shop")
        return text.replace("{name: cmp}", f"{{name: cmp, parameters: [{{name: set, map: {{x: {value}}}}}]}}")

    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({**SHOP, "argocd/apps.yaml": application("one")})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"argocd/apps.yaml": application("two")})
    (group,) = world.report()["groups"]
    assert group["change"]["fields"] == [{"path": ["data", "a"], "kind": "changed", "before": "one", "after": "two"}]


def test_applications_of_a_live_argo_cd(world: ComparedRepository) -> None:
    item = {
        "metadata": {"name": "live", "namespace": "argocd"},
        "spec": {
            "project": "default",
            "destination": {"server": "https://prod.example.test:6443", "namespace": "web"},
            "source": {"repoURL": "x", "path": "clusters/prod/web", "plugin": {"name": "cmp"}},
            "syncPolicy": {"automated": {}},
        },
        "status": {"sync": {"status": "Synced"}},
    }
    kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
    (world.sandbox.folder / "live.json").parent.mkdir(parents=True, exist_ok=True)
    (world.sandbox.folder / "live.json").write_text(json.dumps([{**kind, **item}]))
    world.repo.commit({"apps/web/map.yaml": MAP.format("two")})
    found = world.report("--applications", str(world.sandbox.folder / "live.json"))["deliveries"]
    assert [(one["application"], one["subject"]["cluster"], one["at_merge"]) for one in found] == [
        ("live", "prod", True)
    ]


def test_an_application_that_goes_takes_its_objects_along_though_the_folder_stays(world: ComparedRepository) -> None:
    text = APPLICATION.format(name="web-dev", cluster="dev", revision="main", more="")
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"argocd/apps.yaml": text})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"argocd/apps.yaml": None})
    (outcome,) = world.report()["outcomes"]
    assert (outcome["subject"]["cluster"], outcome["status"]) == ("dev", "removed")


@pytest.mark.tools
def test_a_set_that_cannot_be_expanded_is_told(world: ComparedRepository) -> None:
    spec = "spec: {generators: [{pullRequest: {}}], template: {}}"
    text = f"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: prs}}\n{spec}\n"
    world.repo.commit({"argocd/set.yaml": text, "apps/web/map.yaml": MAP.format("two")})
    (left,) = world.report()["left_out"]
    assert (left["names"], left["reached"]) == (["prs"], ["prs"])
    assert left["text"].startswith("one ApplicationSet is not read here: the generator pullRequest cannot be expanded")


FAR = "https://elsewhere.example.test"
CHART_OF_FAR = f"""\
apiVersion: v2
name: far
version: 1.0.0
dependencies: [{{name: x, version: 1.0.0, repository: {FAR}}}]
"""


@pytest.mark.tools
def test_an_untrusted_change_brings_no_repository_of_its_own(world: ComparedRepository) -> None:
    world.repo.commit({"apps/far/Chart.yaml": CHART_OF_FAR, "clusters/dev/far/here.yaml": ""})
    (failure,) = world.report("--untrusted")["failures"]
    what, where, hint = failure["lines"]
    assert what == (
        f"cmp: chart x 1.0.0 of {FAR} may not be fetched: nothing in the base revision comes from this repository"
    )
    assert where == "  where: phase policy, apps/far/Chart.yaml:4"
    assert hint == (
        "  hint: an untrusted change gets charts from repositories that the base uses: review it, then compare it "
        "without --untrusted"
    )


def test_an_untrusted_change_brings_no_rules_and_no_applications_of_its_own(world: ComparedRepository) -> None:
    rule = "preview: {applications: [mine/*.yaml], noise: [{name: all}]}\n"
    text = APPLICATION.format(name="mine", cluster="dev", revision="main", more="")
    changed = CONFIG.replace("preview: {applications: [argocd/*.yaml]}\n", rule)
    world.repo.commit({"cmp.yaml": changed, "mine/a.yaml": text, "apps/web/map.yaml": MAP.format("two")})
    report = world.report("--untrusted")
    assert (report["noise"], report["deliveries"]) == ([], [])
    assert len(report["groups"]) == 1


@pytest.mark.tools
def test_without_keys_nothing_is_decrypted_and_sops_is_not_needed(
    world: ComparedRepository, tmp_path: Path, tools_dir: str, test_tools_dir: str
) -> None:
    key = make_key(tmp_path, test_tools_dir)

    def secret(text: str) -> bytes:
        return encrypt(sops_tool(tools_dir), tmp_path / "x.secret.yaml", f"password: {text}\n", "--age", key.recipient)

    template = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {p: '{{ .Values.password | b64enc }}'}\n"
    world.repo.git("checkout", "--quiet", "main")
    chart = {
        "apps/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "apps/shop/templates/s.yaml": template,
    }
    world.repo.commit({**chart, "clusters/dev/shop/a.secret.yaml": secret("unique-plain-1")})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"clusters/dev/shop/a.secret.yaml": secret("unique-plain-2")})
    (tmp_path / "store").mkdir()
    os.symlink(f"{tools_dir}/helm", tmp_path / "store" / "helm")
    ran = world.diff("--keyless", CMP_TOOLS_DIR=str(tmp_path / "store"), SOPS_AGE_KEY_FILE="/nonexistent")
    assert (ran.code, ran.stdout.count("‹sops password ")) == (1, 4)  # of the value, and in the object
    with_key = world.diff(SOPS_AGE_KEY_FILE=str(key.file)).stdout
    assert (with_key.count("‹secret 1›"), with_key.count("‹secret 2›"), "unique-plain" in with_key) == (2, 2, False)


@pytest.mark.tools
def test_a_signal_leaves_nothing_behind(world: ComparedRepository) -> None:
    slow = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}\n"
    chart = {"apps/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "apps/shop/templates/s.yaml": slow}
    world.repo.commit({**chart, "clusters/dev/shop/here.yaml": "", "clusters/prod/shop/here.yaml": ""})
    with world.started() as process:
        wait_until(lambda: sum("template" in one for one in processes_of(str(world.sandbox.folder)).values()) == 2)
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (143, b"")
    assert stderr.startswith(b"cmp: stopped by SIGTERM")
    wait_until(lambda: not processes_of(str(world.sandbox.folder)))
    assert not find_plaintext([world.sandbox.tmp], ["apiVersion"])
    assert list(world.sandbox.tmp.iterdir()) == []


@pytest.mark.tools
@pytest.mark.parametrize(
    ("depth", "code", "verdict"),
    [
        (50, 0, "Manifest diff: no manifest changes"),
        (51, 3, "Manifest diff: no manifest that was compared changes, 1 new failure"),
    ],
)
def test_what_no_render_can_copy_is_a_failure_of_the_change(
    world: ComparedRepository, depth: int, code: int, verdict: str
) -> None:
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit(SHOP)
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"apps/shop/" + "d/" * depth + "notes": "no template"})
    ran = world.diff()
    assert (ran.stdout.partition("\n")[0], ran.code) == (verdict, code)


def test_another_commit_of_a_submodule_is_not_called_a_change_without_effect(world: ComparedRepository) -> None:
    (world.repo.folder / "apps/web/vendored").mkdir()
    world.bump_submodule("apps/web/vendored")
    ran = world.diff()
    assert (ran.stdout.partition("\n")[0], ran.code) == (
        "Manifest diff: no manifest that was compared changes, 2 new failures",
        3,
    )
    assert (
        "cmp: a submodule changes, and its clone does not hold the files of both commits: what they do is not known"
        in ran.stdout
    )


def test_what_a_pair_lacks_of_a_submodule_is_told_once(world: ComparedRepository) -> None:
    world.repo.git("checkout", "--quiet", "main")
    chart = "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{name: lib, version: 1.0.0, repository: 'file://../../vendor/lib'}]\n"
    world.repo.commit({**SHOP, "apps/shop/Chart.yaml": chart})
    world.bump_submodule("vendor/lib")
    ran = world.diff()
    assert (ran.stdout.partition("\n")[0], ran.code) == (
        "Manifest diff: no manifest that was compared changes, 1 new failure",
        3,
    )
    assert "where: vendor/lib" in ran.stdout
    assert "Chart.yaml" not in ran.stdout
