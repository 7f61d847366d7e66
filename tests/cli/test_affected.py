"""`cmp affected`: which applications on which clusters a change reaches, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.git_repository import Repo
from tests.support.harness import snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

pytestmark = pytest.mark.no_tools

CONFIG = """\
version: 1
layout:
  apps: apps/{app}
  instances: clusters/{cluster}/{app}
  values:
    - common/values.yaml
    - {path: "apps/{app}/common.yaml", optional: true}
    - clusters/{cluster}/{app}/*.yaml
  release: "{app}"
  namespace: "{app}"
  ignore: ["clusters/*/*/notes.yaml"]
clusters:
  dev: {kubeVersion: "1.33", env: dev}
  prod: {kubeVersion: "1.33", env: prod}
tools: {helm: 3.18.6, kustomize: 5.7.1}
"""
READING = "{{{{- $all := toJson .Values }}}}# a\n"  # every value; the braces are doubled for `format`
CHART = {"apps/{0}/Chart.yaml": "apiVersion: v2\nname: {0}\nversion: 1.0.0\n", "apps/{0}/templates/a.yaml": READING}
FILES = {
    "cmp.yaml": CONFIG,
    "common/values.yaml": "region: tokyo\nreplicas: 1\n",
    **{name.format(app): text.format(app) for app in ("web", "api") for name, text in CHART.items()},
    "apps/web/common.yaml": "replicas: 2\n",
    "clusters/dev/web/values.yaml": "a: 1\n",
    "clusters/prod/web/values.yaml": "replicas: 9\n",
    "clusters/dev/api/values.yaml": "region: osaka\n",
    "apps/site/kustomization.yaml": "resources: [../../bases/site]\n",
    "bases/site/kustomization.yaml": "resources: [map.yaml]\n",
    "bases/site/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: site}\n",
    "clusters/dev/site/notes.yaml": "x: 1\n",
    "docs/readme.md": "text\n",
}


class World:
    """A repository on a branch `change`, and `cmp affected` in it."""

    def __init__(self, repo: Repo, sandbox: Sandbox) -> None:
        self.repo = repo
        self._sandbox = sandbox

    def affected(self, *arguments: str) -> Ran:
        return self._sandbox.run("affected", *arguments, cwd=self.repo.folder)

    def lines(self, *arguments: str) -> list[str]:
        ran = self.affected(*arguments)
        assert (ran.code, ran.stderr) == (0, "")
        return [" ".join(line.split()) for line in ran.stdout.splitlines()]

    def change(self, files: dict[str, str | bytes | None]) -> list[str]:
        """Commit a change and return what `cmp affected` prints of it, without the titles."""
        self.repo.commit(files)
        return [line for line in self.lines() if line != "CLUSTER APP BY HOW"]


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> World:
    repo = Repo(tmp_path / "repo")
    repo.commit(FILES)
    repo.branch()
    return World(repo, sandbox)


def test_nothing_changed(world: World) -> None:
    assert world.change({}) == ["0 of 4 pairs are affected"]


def test_a_common_value_reaches_whoever_does_not_override_it(world: World) -> None:
    assert world.change({"common/values.yaml": "region: nagoya\nreplicas: 1\n"}) == [
        "dev api common/values.yaml value layer 1 of 2 (overridden: no effect)",
        "dev web common/values.yaml value layer 1 of 3",
        "prod web common/values.yaml value layer 1 of 3",
        "2 of 4 pairs are affected, 1 more are touched without effect",
    ]


def test_what_changes_no_value_has_no_effect(world: World) -> None:
    assert world.change({"apps/web/common.yaml": "# a comment\nreplicas: 2\n"}) == [
        "dev web apps/web/common.yaml value layer 2 of 3 (no value in it changed)",
        "prod web apps/web/common.yaml value layer 2 of 3 (no value in it changed)",
        "0 of 4 pairs are affected, 2 more are touched without effect",
    ]


def test_a_second_kustomization_file_of_a_base_reaches_those_who_use_it(world: World) -> None:
    """With two, kustomize fails: Found multiple kustomization files."""
    assert world.change({"bases/site/kustomization.yml": "resources: []\n"}) == [
        "dev site bases/site/kustomization.yml files from elsewhere that it uses",
        "1 of 4 pairs are affected",
    ]


def test_a_chart_reaches_all_its_clusters(world: World) -> None:
    assert world.change({"apps/web/templates/b.yaml": "# b\n"}) == [
        "dev web apps/web/templates/b.yaml helm files",
        "prod web apps/web/templates/b.yaml helm files",
        "2 of 4 pairs are affected",
    ]


def test_a_base_elsewhere_is_found(world: World) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"
    assert world.change({"bases/site/map.yaml": text}) == [
        "dev site bases/site/map.yaml files from elsewhere that it uses",
        "1 of 4 pairs are affected",
    ]


def test_a_pin_reaches_those_who_run_it(world: World) -> None:
    assert world.change({"cmp.yaml": CONFIG.replace("3.18.6", "4.0.0")}) == [
        "dev api cmp.yaml helm pin 3.18.6 -> 4.0.0",
        "dev web cmp.yaml helm pin 3.18.6 -> 4.0.0",
        "prod web cmp.yaml helm pin 3.18.6 -> 4.0.0",
        "3 of 4 pairs are affected",
    ]


def test_a_fact_reaches_its_cluster(world: World) -> None:
    changed = CONFIG.replace('prod: {kubeVersion: "1.33"', 'prod: {kubeVersion: "1.34"')
    assert world.change({"cmp.yaml": changed}) == [
        "prod web cmp.yaml Kubernetes version 1.33 -> 1.34",
        "1 of 4 pairs are affected",
    ]


def test_an_option_of_one_application(world: World) -> None:
    assert world.change({"apps/api/cmp-app.yaml": "helm: {skipCrds: true}\n"}) == [
        "dev api apps/api/cmp-app.yaml options (line 1)",
        "1 of 4 pairs are affected",
    ]


def test_pairs_that_come_and_go(world: World) -> None:
    files: dict[str, str | bytes | None] = {
        "clusters/prod/api/values.yaml": "a: 1\n",
        "clusters/dev/web/values.yaml": None,
    }
    assert world.change(files) == [
        "prod api - added here",
        "dev web - removed here",
        "2 of 5 pairs are affected",
    ]


def test_applications_come_and_go_with_the_file_that_declares_them(world: World) -> None:
    application = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {0}, namespace: argocd}}
spec:
  project: default
  destination: {{name: dev, namespace: {0}}}
  source: {{repoURL: 'https://git.example.test/repo.git', path: bases/{0}}}
"""
    url = ("--repository-url", "https://git.example.test/repo.git")
    bases = {f"bases/{name}/kustomization.yaml": "resources: []\n" for name in ("old", "new")}
    world.repo.git("checkout", "--quiet", "main")
    config = f"{CONFIG}preview: {{applications: [argocd/*.yaml]}}\n"
    world.repo.commit({**bases, "cmp.yaml": config, "argocd/old.yaml": application.format("old")})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"argocd/old.yaml": None, "argocd/new.yaml": application.format("new")})
    lines = (" ".join(line.split()) for line in world.affected(*url).stdout.splitlines())
    assert [line for line in lines if line.startswith(("dev new", "dev old"))] == [
        "dev new argocd/new.yaml added: declares it",
        "dev old argocd/old.yaml removed: declares it",
    ]


def test_a_deleted_file_is_seen_on_the_side_that_had_it(world: World) -> None:
    assert world.change({"apps/web/common.yaml": None}) == [
        "dev web apps/web/common.yaml value layer 2 of 3",
        "prod web apps/web/common.yaml value layer 2 of 3 (overridden: no effect)",
        "1 of 4 pairs are affected, 1 more are touched without effect",
    ]


def test_an_application_moved_as_a_whole_is_the_same(world: World) -> None:
    moved = CONFIG.replace("apps: apps/{app}", "apps: charts/{app}")
    files: dict[str, str | bytes | None] = {"cmp.yaml": moved}
    for name, text in FILES.items():
        if name.startswith("apps/") and not name.endswith("common.yaml"):
            files |= {name: None, name.replace("apps/", "charts/"): text}
    lines = world.change(files)
    assert lines[-1] == "0 of 4 pairs are affected, 4 more are touched without effect"


def test_files_that_belong_to_nobody(world: World) -> None:
    assert world.change(
        {"docs/readme.md": "other\n", "scripts/x.sh": "x", ".ci/run": "x", "clusters/dev/site/notes.yaml": "x"}
    ) == [
        "dev site scripts/x.sh its program sees the whole tree",
        "1 of 4 pairs are affected",
        ".ci/run belongs to no application (ignored: a hidden file)",
        "clusters/dev/site/notes.yaml belongs to no application (ignored: clusters/*/*/notes.yaml)",
        "docs/readme.md belongs to no application (ignored: **/*.md)",
        "scripts/x.sh belongs to no application (UNOWNED: 1 pairs rendered)",
    ]


def test_the_repository_says_what_is_no_input_and_not_the_change(world: World) -> None:
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"cmp.yaml": f"{CONFIG}preview: {{ignore: [scripts/**]}}\n"})
    world.repo.git("checkout", "--quiet", "-B", "change")
    assert world.change({"scripts/x.sh": "x", "cmp.yaml": f"{CONFIG}preview: {{ignore: ['**']}}\n", "other": "x"}) == [
        "dev site other its program sees the whole tree",
        "1 of 4 pairs are affected",
        "other belongs to no application (UNOWNED: 1 pairs rendered)",
        "scripts/x.sh belongs to no application (ignored: scripts/**)",
    ]


def test_strict_refuses_what_belongs_to_nobody(world: World) -> None:
    world.repo.commit({"scripts/x.sh": "x"})
    ran = world.affected("--strict")
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr == (
        "cmp: 1 changed files belong to no application: scripts/x.sh\n"
        "  hint: if no render depends on them, `preview: {ignore: [...]}` in cmp.yaml says so\n"
    )


def test_the_merge_base_is_compared_and_not_what_others_merged(world: World) -> None:
    world.repo.commit({"clusters/dev/web/values.yaml": "a: 2\n"})
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"clusters/dev/api/values.yaml": "a: 3\n"})
    world.repo.git("checkout", "--quiet", "change")
    assert world.lines("--format", "names") == ["web dev"]
    assert world.lines("--format", "names", "--exact", "--base", "main") == ["api dev", "web dev"]


def test_what_is_not_committed_is_told_and_compared_on_demand(world: World) -> None:
    name = "clusters/dev/web/values.yaml"
    world.repo.write({name: "a: 2\n", "new.sh": "x"})
    ran = world.affected("--format", "names")
    said = f"not committed, so not compared: {name} and 1 more (--work-tree compares the files as they are)"
    assert (ran.stdout, ran.stderr) == ("", f"cmp: warning: {said}\n")
    assert "web dev" in world.lines("--format", "names", "--work-tree")


def test_a_broken_pair_does_not_hide_the_others(world: World) -> None:
    lines = world.change({"apps/api/cmp-app.yaml": "nonsense: 1\n", "clusters/dev/web/values.yaml": "a: 2\n"})
    assert lines[:3] == [
        "dev api - cannot be resolved any more",
        "dev web clusters/dev/web/values.yaml value layer 3 of 3",
        "2 of 4 pairs are affected",
    ]


def test_a_pair_that_was_broken_before_is_reached_by_its_files(world: World) -> None:
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"apps/api/cmp-app.yaml": "nonsense: 1\n"})
    world.repo.branch("later")
    lines = world.change({"apps/api/templates/a.yaml": "# b\n", "apps/web/templates/a.yaml": "# b\n"})
    assert lines == [
        "dev api apps/api/templates/a.yaml cannot be resolved",
        "dev web apps/web/templates/a.yaml helm files",
        "prod web apps/web/templates/a.yaml helm files",
        "3 of 4 pairs are affected",
    ]


def test_a_pair_that_was_broken_before_is_reached_by_values_that_the_layout_names(world: World) -> None:
    more = '    - {path: "envs/{env}/{app}.yaml", optional: true}\n  release:'
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"apps/api/cmp-app.yaml": "nonsense: 1\n", "cmp.yaml": CONFIG.replace("  release:", more)})
    world.repo.branch("later")
    lines = world.change({"envs/dev/api.yaml": "a: 1\n", "envs/prod/api.yaml": "a: 1\n", "envs/dev/bap.yaml": ""})
    assert [line for line in lines if "api" in line] == [
        "dev api envs/dev/api.yaml cannot be resolved",
        "dev site envs/prod/api.yaml its program sees the whole tree",
        "envs/prod/api.yaml belongs to no application (UNOWNED: 1 pairs rendered)",
    ]


def test_a_matrix_has_no_more_jobs_than_a_forge_takes_and_every_pair_once(world: World) -> None:
    pairs = [f"{app} c{number:02}" for app in "abcd" for number in range(75)]
    kit = "apiVersion: v2\nname: kit\nversion: 1.0.0\ntype: library\n"
    needed = 'dependencies: [{name: kit, version: 1.0.0, repository: "file://../../charts/kit"}]\n'
    files = {f"clusters/{cluster}/{app}/values.yaml": "{}\n" for app, cluster in map(str.split, pairs)}
    files |= {f"apps/{app}/Chart.yaml": f"apiVersion: v2\nname: {app}\nversion: 1.0.0\n{needed}" for app in "abcd"}
    inventory = "".join(f"  c{number:02}: {{env: dev}}\n" for number in range(75))
    config = CONFIG.replace("  dev: {", f"{inventory}  dev: {{")
    world.repo.commit({**files, "cmp.yaml": config, "charts/kit/Chart.yaml": kit})
    world.repo.git("branch", "--force", "main")
    world.repo.commit({"charts/kit/templates/_a.tpl": "{{/* */}}\n"})
    jobs = json.loads(world.affected("--format", "matrix").stdout)["include"]
    assert len(jobs) == 256
    assert [line for job in jobs for line in job["pairs"].splitlines()] == pairs
    assert jobs[0] == {"name": "a on c00", "pairs": "a c00"}
    assert {"name": "a on c05 and 1 more", "pairs": "a c05\na c06"} in jobs
    assert {len(job["pairs"].splitlines()) for job in jobs} == {1, 2}


def test_a_matrix_of_no_pair_is_empty(world: World) -> None:
    world.repo.commit({"docs/readme.md": "more\n"})
    assert world.affected("--format", "matrix").stdout == '{"include": []}\n'


def test_formats_for_machines(world: World) -> None:
    world.repo.commit({"clusters/dev/web/values.yaml": "a: 2\n", "clusters/prod/web/values.yaml": None})
    assert json.loads(world.affected("--format", "matrix").stdout) == {
        "include": [{"name": "web on dev", "pairs": "web dev"}]
    }
    assert json.loads(world.affected("--format", "json").stdout) == {
        "version": 1,
        "pairs": 4,
        "affected": [
            {
                "application": "web",
                "cluster": "dev",
                "what": "changed",
                "effective": True,
                "rendered": None,
                "touches": [
                    {"path": "clusters/dev/web/values.yaml", "how": "value layer 3 of 3", "is_swallowed": False}
                ],
            },
            {
                "application": "web",
                "cluster": "prod",
                "what": "removed",
                "effective": True,
                "rendered": None,
                "touches": [
                    {"path": "clusters/prod/web/values.yaml", "how": "value layer 3 of 3", "is_swallowed": False}
                ],
            },
        ],
        "unowned": [],
        "applications": [],
        "unread": [],
    }


@pytest.mark.tools
def test_renders_are_the_last_proof(world: World) -> None:
    chart = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: '{{ .Values.a }}'}\n"
    chart += "{{- $read := .Values.replicas }}{{ $other := toJson $read }}"
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"apps/web/templates/a.yaml": chart})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"clusters/dev/web/values.yaml": "a: 2\n", "clusters/prod/web/values.yaml": "replicas: 8\n"})
    assert world.lines("--rendered")[1:] == [
        "dev web clusters/dev/web/values.yaml value layer 3 of 3 (manifests differ)",
        "prod web clusters/prod/web/values.yaml value layer 3 of 3 (manifests equal)",
        "1 of 4 pairs are affected, 1 more are touched without effect",
    ]
    assert world.lines("--rendered", "--format", "names") == ["web dev"]


def test_neither_checkout_nor_index_is_touched_and_no_tool_is_needed(world: World, tmp_path: Path) -> None:
    world.repo.commit({"clusters/dev/web/values.yaml": "a: 2\n"})
    world.repo.write({"clusters/dev/api/values.yaml": "a: 3\n"})
    before = snapshot(world.repo.folder)
    sandbox = world._sandbox  # noqa: SLF001  # with no tools at all
    ran = sandbox.run("affected", "--work-tree", cwd=world.repo.folder, CMP_TOOLS_DIR=str(tmp_path / "none"))
    assert ran.code == 0
    assert snapshot(world.repo.folder) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--base", "v9"), "cmp: there is no commit v9 in this repository"),
        (("--head", "v9"), "cmp: there is no commit v9 in this repository"),
        (("--head", "HEAD", "--work-tree"), "cmp: --work-tree and --head name two things to compare with the base"),
        (("--applications", "none.json"), "cmp: cannot read the Applications: No such file or directory"),
    ],
)
def test_what_cannot_be_compared(world: World, arguments: tuple[str, ...], said: str) -> None:
    ran = world.affected(*arguments)
    assert (ran.code, ran.stdout, ran.first_line) == (2, "", said)


def deep(count: int) -> str:
    return "apps/web/notes/" + "/".join("d" * count) + "/README"


MANY = {f"apps/web/notes/m/{number}": "" for number in range(150)}
LARGE = {"apps/web/notes/large": bytes(13 << 20)}
TOO_MANY = "the folder holds more than 20000 files, or is more than 50 folders deep"
NOTHING_THERE = "this is neither a file nor a folder, or a link that leads nowhere"


@pytest.mark.parametrize(
    ("files", "links", "why"),
    [
        ({deep(50): ""}, {}, TOO_MANY),
        pytest.param(MANY, {f"l{number}": "m" for number in range(135)}, TOO_MANY, marks=pytest.mark.slow),
        pytest.param(
            *(LARGE, {f"l{number}": "large" for number in range(10)}, "the folder holds more than 128 MiB"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"apps/web/notes/large": bytes(17 << 20)}, {}, "this file is larger than 16 MiB", marks=pytest.mark.slow
        ),
        ({}, {"again": ".."}, TOO_MANY),
        ({}, {"gone": "nowhere"}, NOTHING_THERE),
    ],
)
def test_a_file_that_no_template_reads_may_keep_a_chart_from_being_copied(
    world: World, files: dict[str, bytes | str | None], links: dict[str, str], why: str
) -> None:
    link(world.repo, links)
    found = world.change(files)
    assert [line for line in found if why in line] == [line for line in found if "every render will refuse it" in line]
    assert len([line for line in found if line.startswith("dev web") and why in line]) == 1
    assert found[-1] == "2 of 4 pairs are affected"


@pytest.mark.parametrize(
    ("files", "links"),
    [
        ({deep(49): ""}, {}),
        pytest.param(MANY, {f"l{number}": "m" for number in range(120)}, marks=pytest.mark.slow),
        pytest.param(LARGE, {f"l{number}": "large" for number in range(8)}, marks=pytest.mark.slow),
        ({}, {"there": "../templates"}),
    ],
)
def test_what_a_copy_takes_has_no_effect(
    world: World, files: dict[str, bytes | str | None], links: dict[str, str]
) -> None:
    link(world.repo, links)
    assert world.change(files)[-1] == "0 of 4 pairs are affected, 2 more are touched without effect"


def test_a_change_that_makes_a_copy_possible_again_is_one(world: World) -> None:
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({deep(50): ""})
    world.repo.branch("mend")
    assert [line for line in world.change({deep(50): None}) if line.startswith("dev")][-1].endswith(
        " renders refuse it no more"
    )


def test_a_submodule_that_changes_may_do_anything(world: World, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner")
    first, second = inner.commit({"x": "1"}), inner.commit({"x": "2"})
    world.repo.git("checkout", "--quiet", "main")
    (world.repo.folder / "apps/web/vendored").mkdir()
    world.repo.git("update-index", "--add", "--cacheinfo", f"160000,{first},apps/web/vendored")
    world.repo.git("commit", "--quiet", "--message=x")
    world.repo.git("checkout", "--quiet", "-b", "bump")
    world.repo.git("update-index", "--cacheinfo", f"160000,{second},apps/web/vendored")
    world.repo.git("commit", "--quiet", "--message=x")
    assert world.lines()[1:] == [
        "dev web apps/web/vendored helm files",
        "dev web apps/web/vendored a submodule: what is in it is not known here",
        "prod web apps/web/vendored helm files",
        "prod web apps/web/vendored a submodule: what is in it is not known here",
        "2 of 4 pairs are affected",
    ]


def link(repo: Repo, links: dict[str, str]) -> None:
    folder = repo.folder / "apps/web/notes"
    folder.mkdir(parents=True)
    for name, target in links.items():
        (folder / name).symlink_to(target)


def test_settings_in_cmp_yaml_reach_the_applications_that_they_are_for(world: World) -> None:
    entries = "- {apps: web, where: {env: prod}, release: shop}\n- {apps: api, values: [apps/web/common.yaml]}\n"
    assert world.change({"cmp.yaml": f"{CONFIG}applications:\n{entries}"}) == [
        "dev api cmp.yaml other values layers (line 18)",
        "prod web cmp.yaml release name web -> shop (line 17)",
        "2 of 4 pairs are affected",
    ]


VALUES_ALONE = {
    "cmp.yaml": CONFIG.replace("  ignore:", "  chart: charts/service\n  ignore:"),
    "common/values.yaml": "",
    "charts/service/Chart.yaml": "apiVersion: v2\nname: service\nversion: 1.0.0\n",
    "charts/service/templates/a.yaml": "# a\n",
    "charts/service/README.md": "text\n",
    "apps/web/common.yaml": "replicas: 2\n",
    "apps/api/common.yaml": "replicas: 1\n",
    **{f"clusters/{cluster}/{app}/values.yaml": "a: 1\n" for cluster in ("dev", "prod") for app in ("web", "api")},
}
REMOTE = "chart: {repository: 'https://%s.example.com', name: service, version: %s}\n"


class TestAChartOfManyApplications:
    @pytest.fixture
    def sharing(self, tmp_path: Path, sandbox: Sandbox) -> World:
        repo = Repo(tmp_path / "repo")
        repo.commit({**VALUES_ALONE, "apps/api/cmp-app.yaml": REMOTE % ("charts", "1.0.0")})
        repo.branch()
        return World(repo, sandbox)

    def test_a_change_in_its_folder_reaches_each_of_them(self, sharing: World) -> None:
        assert sharing.change({"charts/service/templates/a.yaml": "# b\n"}) == [
            "dev web charts/service/templates/a.yaml helm files",
            "prod web charts/service/templates/a.yaml helm files",
            "2 of 4 pairs are affected",
        ]

    def test_a_value_reaches_one(self, sharing: World) -> None:
        assert sharing.change({"clusters/prod/api/values.yaml": "a: 2\n"}) == [
            "prod api clusters/prod/api/values.yaml value layer 3 of 3",
            "1 of 4 pairs are affected",
        ]

    @pytest.mark.parametrize(
        ("host", "version", "how"),
        [
            ("charts", "1.1.0", "chart service 1.0.0 -> 1.1.0"),
            (
                *("mirror", "1.0.0"),
                "chart service 1.0.0 of https://charts.example.com -> 1.0.0 of https://mirror.example.com",
            ),
        ],
    )
    def test_another_version_is_told(self, sharing: World, host: str, version: str, how: str) -> None:
        assert sharing.change({"apps/api/cmp-app.yaml": REMOTE % (host, version)}) == [
            f"dev api apps/api/cmp-app.yaml {how}",
            f"prod api apps/api/cmp-app.yaml {how}",
            "2 of 4 pairs are affected",
        ]

    def test_a_chart_in_place_of_another_is_told(self, sharing: World) -> None:
        assert sharing.change({"apps/api/cmp-app.yaml": None}) == [
            "dev api cmp.yaml chart service 1.0.0 -> charts/service",
            "prod api cmp.yaml chart service 1.0.0 -> charts/service",
            "2 of 4 pairs are affected",
        ]

    def test_another_line_alone_reaches_none(self, sharing: World) -> None:
        assert sharing.change({"apps/api/cmp-app.yaml": "# a comment\n" + REMOTE % ("charts", "1.0.0")}) == [
            "0 of 4 pairs are affected"
        ]


# Keys that nothing reads

READER = "x: {{ .Values.replicas }}{{ .Values.image.tag }}{{ toJson .Values.env }}\n"


WITH_DEPENDENCY = {
    "apps/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"
    "dependencies: [{name: db, version: 1.0.0, repository: https://charts.example}]\n"
}


def read_by(template: str) -> dict[str, str | bytes | None]:
    """Return the chart of the application web with one template."""
    return {"apps/web/templates/a.yaml": template}


def hints(world: World, files: dict[str, str | bytes | None], template: str = READER) -> list[str]:
    """Commit a chart on main and a change on a branch, and return the lines about keys that nothing reads."""
    world.repo.git("checkout", "-q", "main")
    world.repo.commit(read_by(template))
    world.repo.git("checkout", "-q", "-B", "change")
    return [line for line in world.change(files) if "nothing reads" in line]


def test_a_misspelled_key_is_told_with_the_one_that_is_meant(world: World) -> None:
    assert hints(world, {"apps/web/common.yaml": "replicas: 2\nreplicsa: 3\nimage: {tga: 1}\nenv: {NEW: 1}\n"}) == [
        "apps/web/common.yaml:2: nothing reads `replicsa` (did you mean `replicas`?)",
        "apps/web/common.yaml:3: nothing reads `image.tga` (did you mean `tag`?)",
    ]
    assert json.loads(world.affected("--format", "json").stdout)["unread"][0] == {
        "place": "apps/web/common.yaml:2",
        "path": ["replicsa"],
        "hint": "did you mean `replicas`?",
        "subjects": [
            {"app": "web", "cluster": "dev", "environment": "dev"},
            {"app": "web", "cluster": "prod", "environment": "prod"},
        ],
    }


@pytest.mark.parametrize(
    ("case", "files", "template"),
    [
        ("read", {"apps/web/common.yaml": "replicas: 3\n"}, READER),
        ("read as a whole", {"apps/web/common.yaml": "replicsa: 3\n"}, "x: {{ toJson .Values }}\n"),
        ("read by another chart with this layer", {"common/values.yaml": "regin: a\n"}, READER),
        ("an anchor", {"apps/web/common.yaml": "x-env: &env {A: 1}\nenv: *env\n"}, READER),
        ("not changed", {"clusters/dev/web/values.yaml": "a: 1\nreplicas: 4\n"}, READER),
        ("gone", {"clusters/dev/web/values.yaml": "replicas: 1\n"}, READER),
        ("no chart", {"apps/site/values.yaml": "replicsa: 3\n"}, READER),
        ("a chart that is not at hand", {"apps/web/common.yaml": "b: 1\n", **WITH_DEPENDENCY}, READER),
        (
            "a file that templates may read",
            {"apps/web/common.yaml": "replicsa: 1\n"},
            '{{ $all := .Files.Get "common.yaml" }}x: {{ .Values.replicas }}\n',
        ),
        (
            "an encrypted value that may be a template",
            {"apps/web/common.yaml": "replicsa: ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]\n"},
            "x: {{ tpl .Values.replicas . }}\n",
        ),
    ],
)
def test_no_other_key_is_told(world: World, case: str, files: dict[str, str | bytes | None], template: str) -> None:
    assert hints(world, files, template) == [], case


def test_a_value_is_a_template_that_reads_others(world: World) -> None:
    layer = 'replicas: "{{ .Values.count }}"\ncount: 3\ncuont: 3\n'
    assert hints(world, {"apps/web/common.yaml": layer}, "x: {{ tpl .Values.replicas . }}\n") == [
        "apps/web/common.yaml:3: nothing reads `cuont` (did you mean `count`?)"
    ]


def test_a_schema_that_does_not_know_a_key_says_so(world: World) -> None:
    schema = '{"properties": {"replicas": {}, "zone": {}}}'
    files: dict[str, str | bytes | None] = {
        "apps/web/values.schema.json": schema,
        "apps/web/common.yaml": "replicas: 2\nzone: a\nreplicsa: 3\n",
    }
    unknown = "values.schema.json does not know it; did you mean `replicas`?"
    assert hints(world, files) == [
        "apps/web/common.yaml:2: nothing reads `zone`",
        f"apps/web/common.yaml:3: nothing reads `replicsa` ({unknown})",
    ]
