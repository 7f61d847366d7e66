"""`cmp pin`: one version in one file, and what it reaches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp.repository.config.model import PINS
from tests.support.harness import snapshot
from tests.support.trees import CHART, REFERENCE, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

pytestmark = pytest.mark.no_tools

CONFIG = """\
# 全クラスター共通の設定
version: 1
tools:
  helm: 3.18.6   # 既定の版
"""
TREE = {
    **REFERENCE,
    "namespaces/mail/Chart.yaml": CHART,
    "namespaces/mail/cmp-app.yaml": "# 移行待ち\ntools: {helm: 3.14.4}\n",
    "clusters/dev/mail/dev-values.yaml": "a: 1\n",
    "clusters/prod/mail/prod-values.yaml": "a: 1\n",
}
CENTRAL = "version: 1\ntools: {helm: 3.18.6}\napplications:\n- {apps: mail, tools: {helm: 3.14.4}}\n"
CENTRAL_TREE = {**{path: text for path, text in TREE.items() if "cmp-app" not in path}, "cmp.yaml": CENTRAL}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository of two applications on two clusters; mail pins its own helm."""
    root = tmp_path / "repository"
    plant(root, {"cmp.yaml": CONFIG, **TREE})
    return root


def pin(sandbox: Sandbox, root: Path, *argv: str) -> Ran:
    return sandbox.run("pin", *argv, cwd=root)


@pytest.mark.tools
def test_the_default_is_raised_and_whoever_pins_its_own_keeps_it(sandbox: Sandbox, root: Path) -> None:
    ran = pin(sandbox, root, "helm", "4.0.0")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "cmp.yaml:4  helm 3.18.6 -> 4.0.0",
        "run another version now:",
        "  shop  3.18.6 -> 4.0.0",
        "keep the version that they pin themselves:",
        "  mail  3.14.4  (namespaces/mail/cmp-app.yaml:2)",
        "helm 4.0.0 is installed here",
    ]
    assert (root / "cmp.yaml").read_text() == CONFIG.replace("3.18.6", "4.0.0")


def test_only_that_file_is_written(sandbox: Sandbox, root: Path) -> None:
    before = snapshot(root)
    assert pin(sandbox, root, "helm", "4.0.0").code == 0
    after = snapshot(root)
    assert [name for name in {*before, *after} if before.get(name) != after.get(name)] == ["cmp.yaml"]


@pytest.mark.tools
def test_an_application_is_pinned_in_its_own_file(sandbox: Sandbox, root: Path) -> None:
    ran = pin(sandbox, root, "helm", "4.0.0", "--app", "mail")
    assert ran.stdout.splitlines() == [
        "namespaces/mail/cmp-app.yaml:2  helm 3.14.4 -> 4.0.0",
        "run another version now:",
        "  mail  3.14.4 -> 4.0.0",
        "helm 4.0.0 is installed here",
    ]
    assert (root / "namespaces/mail/cmp-app.yaml").read_text() == "# 移行待ち\ntools: {helm: 4.0.0}\n"


@pytest.mark.tools
def test_what_cmp_yaml_pins_for_some_applications_is_kept_by_them(sandbox: Sandbox, tmp_path: Path) -> None:
    plant(tmp_path, CENTRAL_TREE)
    ran = pin(sandbox, tmp_path, "helm", "4.0.0")
    assert ran.stdout.splitlines() == [
        "cmp.yaml:2  helm 3.18.6 -> 4.0.0",
        "run another version now:",
        "  shop  3.18.6 -> 4.0.0",
        "keep the version that they pin themselves:",
        "  mail  3.14.4  (cmp.yaml:4)",
        "helm 4.0.0 is installed here",
    ]


@pytest.mark.tools
def test_an_application_that_cmp_yaml_pins_is_told_the_line_that_counts_no_more(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    plant(tmp_path, CENTRAL_TREE)
    ran = pin(sandbox, tmp_path, "helm", "4.0.0", "--app", "mail")
    assert ran.stdout.splitlines() == [
        "namespaces/mail/cmp-app.yaml:2  helm 4.0.0, a new pin",
        "it is stronger than cmp.yaml:4, where `applications` says 3.14.4",
        "run another version now:",
        "  mail  3.14.4 -> 4.0.0",
        "helm 4.0.0 is installed here",
    ]


@pytest.mark.tools
def test_an_instance_is_pinned_in_a_file_that_is_made(sandbox: Sandbox, root: Path) -> None:
    ran = pin(sandbox, root / "namespaces", "helm", "4.0.0", "--app", "mail", "--cluster", "prod")
    assert ran.stdout.splitlines() == [
        "clusters/prod/mail/cmp-app.yaml:2  helm 4.0.0, a new pin",
        "run another version now:",
        "  mail on prod  3.14.4 -> 4.0.0",
        "helm 4.0.0 is installed here",
    ]
    assert (root / "clusters/prod/mail/cmp-app.yaml").read_text() == "tools:\n  helm: 4.0.0\n"


def test_where_there_is_no_configuration_it_is_made(sandbox: Sandbox, tmp_path: Path) -> None:
    plant(tmp_path / "plain", TREE)
    ran = pin(sandbox, tmp_path / "plain", "helm", "4.0.0")
    assert ran.stdout.splitlines()[:3] == [
        "cmp.yaml:2  helm 4.0.0, a new pin",
        "run another version now:",
        f"  shop  {PINS['helm'].version} -> 4.0.0",
    ]
    assert (tmp_path / "plain/cmp.yaml").read_text() == "tools:\n  helm: 4.0.0\n"


@pytest.mark.tools
def test_a_pin_that_is_there_already_changes_nothing(sandbox: Sandbox, root: Path) -> None:
    before = snapshot(root)
    ran = pin(sandbox, root, "helm", "3.18.6")
    assert (ran.code, ran.stdout) == (0, "cmp.yaml:4  helm is 3.18.6 already\nhelm 3.18.6 is installed here\n")
    assert snapshot(root) == before


def test_a_version_that_nobody_has_is_pinned_and_said_to_be_missing(sandbox: Sandbox, root: Path) -> None:
    ran = pin(sandbox, root, "kustomize", "9.8.7")
    assert ran.stdout.splitlines() == [
        "cmp.yaml:5  kustomize 9.8.7, a new pin",
        "no application runs another version now",
        "kustomize 9.8.7 is not installed here: cmp tools install kustomize@9.8.7",
    ]


def test_a_pair_that_cannot_be_rendered_is_a_warning(sandbox: Sandbox, root: Path) -> None:
    (root / "namespaces/mail/Chart.yaml").unlink()
    (root / "clusters/dev/mail/dev-values.yaml").unlink()
    ran = pin(sandbox, root, "helm", "4.0.0")
    assert ran.code == 0
    assert ran.stderr.splitlines()[0].startswith("cmp: warning: mail on dev cannot be rendered: ")


def test_a_link_leads_to_the_file_that_is_written(sandbox: Sandbox, root: Path) -> None:
    plant(root, {"shared/pins.yaml": "tools: {helm: 3.14.4}\n"})
    (root / "namespaces/shop/cmp-app.yaml").symlink_to("../../shared/pins.yaml")
    assert pin(sandbox, root, "helm", "4.0.0", "--app", "shop").code == 0
    assert (root / "namespaces/shop/cmp-app.yaml").is_symlink()
    assert (root / "shared/pins.yaml").read_text() == "tools: {helm: 4.0.0}\n"


COMMIT = "3.18.7-0.20250715123456-0123456789ab"
REFUSED = {
    "gator 3.23.1 --app web": (
        2,
        (
            "cmp: gator is pinned for the whole repository: it judges all applications of a cluster in one run\n"
            "  hint: leave the application out\n"
        ),
    ),
    "helmm 3.18.6": (2, "cmp: there is no tool helmm to pin\n  hint: did you mean `helm`?\n"),
    "helm v3.18.6": (2, "cmp: `v3.18.6` is not an exact version; write it without the v: 3.18.6\n"),
    "helm 3.18": (2, "cmp: `3.18` is not an exact version; a pin names one, such as 3.18.6\n"),
    f"helm {COMMIT}": (
        2,
        f"cmp: `{COMMIT}` names a commit (a Go pseudo-version); a pin names a release, such as 3.18.6\n",
    ),
    "helm 3.18.6 --cluster dev": (
        2,
        "cmp: --cluster needs --app: a version is pinned for a repository, an application, or one instance\n",
    ),
    "helm 3.18.6 --app shpo": (
        3,
        "cmp: there is no application shpo: no folder namespaces/{app} has this name\n  hint: did you mean `shop`?\n",
    ),
    "helm 3.18.6 --app shop --cluster qa": (
        3,
        (
            "cmp: application shop has no folder for cluster qa\n"
            "  hint: make clusters/qa/shop, or pin it on all clusters: leave --cluster out\n"
        ),
    ),
}


@pytest.mark.parametrize("argv", REFUSED)
def test_what_cannot_be_pinned_is_refused(sandbox: Sandbox, root: Path, argv: str) -> None:
    before = snapshot(root)
    ran = pin(sandbox, root, *argv.split())
    assert (ran.code, ran.stdout, ran.stderr) == (REFUSED[argv][0], "", REFUSED[argv][1])
    assert snapshot(root) == before


def test_a_file_with_mistakes_is_refused(sandbox: Sandbox, root: Path) -> None:
    (root / "cmp.yaml").write_text("tools: {helm: 3.18.6}\nlayuot: {}\n")
    ran = pin(sandbox, root, "helm", "4.0.0")
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr == "cmp: unknown key `layuot`; did you mean `layout`?\n  where: cmp.yaml:2:1\n"


def test_a_cmp_app_yaml_with_mistakes_is_refused(sandbox: Sandbox, root: Path) -> None:
    (root / "namespaces/mail/cmp-app.yaml").write_text("tools: {helm: 3.14}\n")
    ran = pin(sandbox, root, "helm", "4.0.0", "--app", "mail")
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr.endswith("  where: namespaces/mail/cmp-app.yaml:1:15\n")


def test_a_file_outside_the_tree_is_refused(sandbox: Sandbox, root: Path) -> None:
    outside = root.parent / "elsewhere.yaml"
    outside.write_text("tools: {helm: 3.14.4}\n")
    (root / "namespaces/shop/cmp-app.yaml").symlink_to(outside)
    ran = pin(sandbox, root, "helm", "4.0.0", "--app", "shop")
    assert ran.code == 3
    assert ran.first_line == "cmp: this path leads outside the source tree"
    assert outside.read_text() == "tools: {helm: 3.14.4}\n"


def test_a_file_in_which_something_else_would_change_is_left_alone(sandbox: Sandbox, root: Path) -> None:
    text = "tools: {helm: &pin 3.14.4}\nclusters: {dev: {note: *pin}, prod: {}}\n"
    (root / "cmp.yaml").write_text(text)
    ran = pin(sandbox, root, "helm", "4.0.0")
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.first_line == "cmp: cannot set tools.helm without a change of something else in this file"
    assert (root / "cmp.yaml").read_text() == text


FOLDERS_OF_CLUSTERS = {
    "cmp.yaml": 'layout: {apps: "{cluster}/{app}", instances: "", values: []}\nclusters: {dev: {}, prod: {}}\n',
    "dev/shop/Chart.yaml": CHART,
    "prod/shop/Chart.yaml": CHART,
}


def test_in_a_layout_of_clusters_one_of_them_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    plant(tmp_path / "tree", FOLDERS_OF_CLUSTERS)
    ran = pin(sandbox, tmp_path / "tree", "helm", "4.0.0", "--app", "shop")
    assert ran.stderr == "cmp: application shop has a folder for each cluster\n  hint: name one by --cluster\n"
    ran = pin(sandbox, tmp_path / "tree", "helm", "4.0.0", "--app", "shop", "--cluster", "dev")
    assert ran.stdout.startswith("dev/shop/cmp-app.yaml:2  helm 4.0.0, a new pin\n")


def kustomization(name: str) -> str:
    return f"configMapGenerator:\n- name: {name}\n  literals: [greeting=こんにちは]\n"


STORY = {
    "cmp.yaml": """\
# kustomize の既定の版。上げるときは cmp pin を使う
layout: {apps: "apps/{app}", instances: "", values: []}
tools: {kustomize: 4.5.7}
""",
    "apps/old/kustomization.yaml": """\
# 共通の設定
resources: [greeting.yaml]
vars:
  - {name: TEXT, objref: {apiVersion: v1, kind: ConfigMap, name: greeting}, fieldref: {fieldpath: data.text}}
""",
    "apps/old/greeting.yaml": """\
# 挨拶
apiVersion: v1
kind: ConfigMap
metadata: {name: greeting}
data: {text: こんにちは}
---
apiVersion: v1
kind: Pod
metadata: {name: greeter}
spec: {containers: [{name: greeter, image: greeter, args: [$(TEXT)]}]}
""",
    "apps/old/cmp-app.yaml": "# vars を使っているため、3.8.7 のまま据え置き\ntools:\n  kustomize: 3.8.7  # 変更禁止\n",
    "apps/new/kustomization.yaml": kustomization("new"),
    "apps/new/cmp-app.yaml": "tools: {kustomize: 5.7.1}\n",
    "apps/free/kustomization.yaml": kustomization("free"),
}


def renders(sandbox: Sandbox, root: Path) -> dict[str, Ran]:
    """Render each application."""
    return {app: sandbox.run("render", app, cwd=root) for app in ("free", "new", "old")}


def versions(ran: dict[str, Ran]) -> dict[str, str]:
    """Return what each application is rendered by, as its render says."""
    said = {app: one.stderr.splitlines()[-1] for app, one in ran.items()}
    return {app: line.partition(" by ")[2].partition(",")[0] for app, line in said.items()}


def doctor(sandbox: Sandbox, root: Path) -> list[str]:
    """Return what `cmp doctor` finds of the pins, without the folders of this machine."""
    ran = sandbox.run("doctor", "--format", "json", cwd=root)
    checks = [check for check in json.loads(ran.stdout)["checks"] if check["subject"].startswith("kustomize")]
    return [f"{check['subject']}: {check['found'].partition(' (')[2] or check['found']}" for check in checks]


@pytest.mark.tools
def test_a_raised_default_reaches_only_who_pins_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    plant(root, STORY)
    before = renders(sandbox, root)
    assert versions(before) == {"free": "kustomize 4.5.7", "new": "kustomize 5.7.1", "old": "kustomize 3.8.7"}
    assert "    - こんにちは\n" in before["old"].stdout

    ran = pin(sandbox, root, "kustomize", "5.7.1")
    assert ran.stdout.splitlines() == [
        "cmp.yaml:3  kustomize 4.5.7 -> 5.7.1",
        "run another version now:",
        "  free  4.5.7 -> 5.7.1",
        "keep the version that they pin themselves:",
        "  new  5.7.1  (apps/new/cmp-app.yaml:1)",
        "  old  3.8.7  (apps/old/cmp-app.yaml:3)",
        "kustomize 5.7.1 is installed here",
    ]
    after = renders(sandbox, root)
    assert versions(after) == {"free": "kustomize 5.7.1", "new": "kustomize 5.7.1", "old": "kustomize 3.8.7"}
    assert [after[app].stdout for app in ("new", "old")] == [before[app].stdout for app in ("new", "old")]
    assert (root / "apps/old/cmp-app.yaml").read_text() == STORY["apps/old/cmp-app.yaml"]
    assert doctor(sandbox, root) == [
        "kustomize 3.8.7: apps/old/cmp-app.yaml:3; used by old)",
        "kustomize 5.7.1: apps/new/cmp-app.yaml:1; used by new)",
        "kustomize 5.7.1: cmp.yaml:3; used by free)",
        "kustomize 5.7.1: apps/new/cmp-app.yaml:1 pins what cmp.yaml:3 pins anyway",
        "kustomize 3.8.7: apps/old/cmp-app.yaml:3 is behind cmp.yaml:3, which pins 5.7.1",
    ]


STAGED = {
    "cmp.yaml": """\
version: 1
layout:
  apps: charts/{stage}/{app}
  instances: ["on/{cluster}/{app}", "on/{stage}/{app}"]
  values: []
clusters: {a: {stage: live}, b: {stage: live}, c: {stage: test}}
""",
    "charts/live/shop/Chart.yaml": CHART,
    "charts/test/shop/Chart.yaml": CHART,
    "on/live/shop/x.txt": "",
    "on/b/shop/x.txt": "",
}


@pytest.mark.parametrize(
    ("cluster", "wanted"),
    [
        ("b", "on/b/shop/cmp-app.yaml:2  helm 3.14.4, a new pin"),
        (
            "a",
            (
                "cmp: the folder of application shop for cluster a, on/live/shop, is that of a, b\n"
                "  hint: a pin counts on all of them: write it into on/live/shop/cmp-app.yaml by hand"
            ),
        ),
        ("", "cmp: application shop has a folder for each cluster\n  hint: name one by --cluster"),
    ],
)
def test_a_folder_that_a_fact_chooses_is_not_pinned_for_one_of_its_clusters(
    sandbox: Sandbox, tmp_path: Path, cluster: str, wanted: str
) -> None:
    plant(tmp_path / "repo", STAGED)
    argv = ["--cluster", cluster] if cluster else []
    ran = pin(sandbox, tmp_path / "repo", "helm", "3.14.4", "--app", "shop", *argv)
    assert (ran.stdout + ran.stderr).startswith(wanted)


def test_a_folder_of_the_only_cluster_with_a_fact_is_pinned(sandbox: Sandbox, tmp_path: Path) -> None:
    files = {**STAGED, "cmp.yaml": STAGED["cmp.yaml"].replace("instances: [", "ignore: [")}
    plant(tmp_path / "repo", {**files, "charts/test/shop/cmp-app.yaml": "clusters: all\n"})
    ran = pin(sandbox, tmp_path / "repo", "helm", "3.14.4", "--app", "shop", "--cluster", "c")
    assert ran.stdout.startswith("charts/test/shop/cmp-app.yaml:3  helm 3.14.4, a new pin"), ran.stderr
