"""`cmp render --application` for sources without a plugin: what Argo CD itself would render, and what cannot be."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from tests.support.charts import package, write_chart
from tests.support.servers.charts import ChartRepository
from tests.support.servers.git import git
from tests.support.servers.oci import Registry
from tests.support.versions import DEFAULT_HELM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.harness import Ran, Sandbox

URL = "https://git.example.com/shop.git"
VALUES = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {values: {{ toJson .Values | quote }}, namespace: {{ .Release.Namespace }}}
"""
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {from: %s}\n"
CONFIGURATION = 'version: 1\npreview: {argocd: {version: "3.6", helm: 3.18.6, kustomize: 5.7.1}}\n'


FROM_VALUES = {"path": "chart", "helm": {"valueFiles": ["$values/dev.yaml"]}}
OTHER = "https://git.example.com/values"


class Checkout:
    """A checkout with a chart, a folder of manifests and a kustomization."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.root = sandbox.folder / "repo"
        write_chart(self.root / "chart", "shop", "1.0.0")
        self.plant(
            {
                ".git/.keep": "",
                "cmp.yaml": CONFIGURATION,
                "chart/templates/map.yaml": VALUES,
                "chart/values.yaml": "a: chart\n",
                "chart/values-dev.yaml": "b: dev\n",
                "plain/map.yaml": MAP % ("plain", "plain"),
                "plain/values.yaml": "no: manifest\n",
                "overlay/kustomization.yaml": "resources: [map.yaml]\n",
                "overlay/map.yaml": MAP % ("overlay", "overlay"),
            }
        )

    def plant(self, files: dict[str, str]) -> None:
        """Write files of the checkout."""
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)

    def render(self, *sources: dict[str, Any], argv: tuple[str, ...] = ()) -> Ran:
        """Render an Application with these sources, each of this repository unless it says so."""
        spec = {
            "project": "default",
            "destination": {"name": "in-cluster", "namespace": "orders"},
            "sources": [{"repoURL": URL, **source} for source in sources],
        }
        document = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "web", "namespace": "argocd"},
            "spec": spec,
        }
        self.plant({"application.yaml": yaml.safe_dump(document, sort_keys=False)})
        return self.sandbox.run("render", "--application", "application.yaml", *argv, cwd=self.root)

    def objects(self, *sources: dict[str, Any]) -> dict[str, Any]:
        """Return the data of all ConfigMaps by their names."""
        ran = self.render(*sources)
        assert ran.code == 0, ran.stderr
        return {one["metadata"]["name"]: one["data"] for one in yaml.safe_load_all(ran.stdout)}


@pytest.fixture
def checkout(sandbox: Sandbox) -> Checkout:
    return Checkout(sandbox)


def test_the_sources_of_an_application_are_rendered_in_order(checkout: Checkout) -> None:
    made = checkout.objects(
        {"path": "chart", "helm": {"valueFiles": ["values-dev.yaml"], "valuesObject": {"c": 1}}},
        {"path": "plain"},
        {"path": "overlay", "kustomize": {"namePrefix": "a-"}},
    )

    assert [*made] == ["web", "plain", "a-overlay"]
    assert json.loads(made["web"]["values"]) == {"a": "chart", "b": "dev", "c": 1}
    assert made["web"]["namespace"] == "orders"


def test_the_last_of_two_sources_with_the_same_object_counts(checkout: Checkout) -> None:
    checkout.plant({"other/map.yaml": MAP % ("plain", "other")})

    ran = checkout.render({"path": "plain"}, {"path": "other"})

    assert [one["data"] for one in yaml.safe_load_all(ran.stdout)] == [{"from": "other"}]
    assert "ConfigMap plain comes from several sources, and Argo CD takes the last one" in ran.stderr


def test_a_source_names_files_of_another_one_by_its_ref(checkout: Checkout) -> None:
    checkout.plant({"envs/dev.yaml": "d: envs\n"})

    made = checkout.objects({"path": "chart", "helm": {"valueFiles": ["$values/envs/dev.yaml"]}}, {"ref": "values"})

    assert json.loads(made["web"]["values"]) == {"a": "chart", "d": "envs"}


def test_a_source_with_a_plugin_may_stand_beside_one_without(checkout: Checkout) -> None:
    checkout.plant(
        {
            "cmp.yaml": f"{CONFIGURATION}tools: {{helm: 3.18.6}}\n",
            "namespaces/shop/all.yaml": MAP % ("plugin", "plugin"),
            "clusters/dev/shop/.keep": "",
        }
    )

    made = checkout.objects({"path": "plain"}, {"path": "clusters/dev/shop", "plugin": {"name": "cmp"}})

    assert [*made] == ["plain", "plugin"]


def test_of_a_hydrator_the_dry_source_is_rendered(checkout: Checkout) -> None:
    hydrator = {
        "drySource": {"repoURL": URL, "path": "overlay", "targetRevision": "main", "kustomize": {"nameSuffix": "-dry"}},
        "syncSource": {"targetBranch": "environments/dev", "path": "overlay"},
    }
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web"},
        "spec": {"project": "default", "destination": {"namespace": "orders"}, "sourceHydrator": hydrator},
    }
    checkout.plant({"application.yaml": yaml.safe_dump(document)})

    ran = checkout.sandbox.run("render", "--application", "application.yaml", cwd=checkout.root)

    assert yaml.safe_load(ran.stdout)["metadata"]["name"] == "overlay-dry"


def test_nothing_is_decrypted_and_what_argo_cd_accepts_is_a_warning(checkout: Checkout) -> None:
    sealed = "ENC[AES256_GCM,data:abcd,iv:aa==,tag:bb==,type:str]"
    checkout.plant({"plain/map.yaml": f"{MAP % ('plain', repr(sealed))}sops: {{version: 3.10.2}}\n"})

    ran = checkout.render({"path": "plain"})

    assert yaml.safe_load(ran.stdout)["data"] == {"from": sealed}
    assert "cmp: warning: ConfigMap plain: SOPS ciphertext, still encrypted (plain/map.yaml:4)" in ran.stderr


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Return a clone of another repository with two branches and a change that is not committed."""
    folder = tmp_path / "other"
    (folder / "extra").mkdir(parents=True)
    for branch, begin in (("main", ("init", "--initial-branch=main")), ("next", ("checkout", "-b", "next"))):
        git(folder, *begin)
        (folder / "values.yaml").write_text(f"o: {branch}\n")
        (folder / "extra/map.yaml").write_text(MAP % ("extra", branch))
        git(folder, "add", "--all")
        git(folder, "commit", "--message", branch)
    (folder / "values.yaml").write_text("o: not committed\n")
    return folder


@pytest.mark.parametrize(("revision", "value"), [("main", "main"), ("next", "next"), ("HEAD", "next")])
def test_another_repository_is_read_at_the_revision_of_its_source(
    checkout: Checkout, other: Path, revision: str, value: str
) -> None:
    elsewhere = {"repoURL": OTHER, "targetRevision": revision}
    sources = ({**FROM_VALUES, "helm": {"valueFiles": ["$values/values.yaml"]}}, {**elsewhere, "ref": "values"})

    ran = checkout.render(*sources, {**elsewhere, "path": "extra"}, argv=("--repository", f"{OTHER}={other}"))

    assert ran.code == 0, ran.stderr
    chart, extra = yaml.safe_load_all(ran.stdout)
    assert json.loads(chart["data"]["values"]) == {"a": "chart", "o": value}
    assert extra["data"] == {"from": value}


def test_a_clone_without_the_revision(checkout: Checkout, other: Path) -> None:
    source = {"repoURL": OTHER, "targetRevision": "v9", "path": "extra"}

    ran = checkout.render(source, {"path": "plain"}, argv=("--repository", f"{OTHER}={other}"))

    assert ran.code == 2
    assert f"cmp: the clone {other} has no revision v9\n" in ran.stderr
    assert f"hint: fetch it there: it is that of a source in {OTHER}" in ran.stderr


@pytest.mark.no_tools
def test_a_source_of_another_repository_is_not_looked_for_here(checkout: Checkout) -> None:
    ran = checkout.render({"path": "plain"}, {"path": "overlay", "repoURL": OTHER})

    assert ran.code == 3
    assert f"cmp: the source is in another repository, {OTHER}, which is not here\n" in ran.stderr
    assert f"hint: --repository {OTHER}=FOLDER names a clone of it" in ran.stderr


class Shop(NamedTuple):
    """A chart repository with the chart `lake`, and a file values.yaml beside it; `archive` is that chart."""

    server: ChartRepository
    archive: Path


@pytest.fixture
def shop(tmp_path: Path, tools_dir: str) -> Iterator[Shop]:
    chart = write_chart(tmp_path / "lake", "lake", "1.2.0")
    (chart / "templates").mkdir(exist_ok=True)
    (chart / "templates/map.yaml").write_text(VALUES)
    (chart / "values-deep.yaml").write_text("depth: 2\n")
    helm, folder = f"{tools_dir}/helm/{DEFAULT_HELM}/helm", tmp_path / "archives"
    archive = package(helm, chart, folder)
    subprocess.run([helm, "repo", "index", folder], check=True, env={"HOME": str(tmp_path)})
    with ChartRepository(folder) as server:
        server.files["/values.yaml"] = b"remote: 1\n"
        yield Shop(server, archive)


def test_a_chart_of_a_repository_is_rendered_from_the_cache(checkout: Checkout, shop: Shop) -> None:
    checkout.plant({"envs/dev.yaml": "d: envs\n"})
    files = ["values-deep.yaml", "$values/envs/dev.yaml", "values-none.yaml"]
    chart = {
        "repoURL": shop.server.url,
        "chart": "lake",
        "targetRevision": "1.2.0",
        "helm": {"valueFiles": files, "ignoreMissingValueFiles": True},
    }

    made = checkout.objects(chart, {"ref": "values"})
    seen = len(shop.server.requests)

    assert json.loads(made["web"]["values"]) == {"depth": 2, "d": "envs"}
    assert checkout.objects(chart, {"ref": "values"}) == made
    assert len(shop.server.requests) == seen


def test_a_values_file_that_a_chart_has_not(checkout: Checkout, shop: Shop) -> None:
    ran = checkout.render(
        {"repoURL": shop.server.url, "chart": "lake", "targetRevision": "1.x", "helm": {"valueFiles": ["none.yaml"]}}
    )

    assert ran.code == 3
    assert "cmp: the chart has no file none.yaml\n" in ran.stderr
    assert "hint: correct the path, or set `ignoreMissingValueFiles: true`" in ran.stderr


def test_a_chart_of_a_registry_is_known_by_a_url_without_a_scheme(
    checkout: Checkout, shop: Shop, test_tools_dir: str, tmp_path: Path
) -> None:
    helm = f"{checkout.sandbox.tools_dir}/helm/{DEFAULT_HELM}/helm"
    with Registry(Path(test_tools_dir, "registry/3.0.0/registry"), tmp_path / "registry", credentials=None) as registry:
        env = {"HOME": str(tmp_path)}
        subprocess.run([helm, "push", shop.archive, registry.url, "--plain-http"], check=True, env=env)

        made = checkout.objects(
            {"repoURL": registry.url.removeprefix("oci://"), "chart": "lake", "targetRevision": "1.2.0"}
        )

    assert made["web"]["namespace"] == "orders"


def test_a_values_file_of_a_web_server_is_fetched_once(checkout: Checkout, shop: Shop) -> None:
    url = f"{shop.server.url}/values.yaml"
    source = {"path": "chart", "helm": {"valueFiles": [url, "values-dev.yaml"]}}

    made = checkout.objects(source)
    shop.server.files["/values.yaml"] = b"remote: 2\n"

    assert json.loads(made["web"]["values"]) == {"a": "chart", "b": "dev", "remote": 1}
    assert checkout.objects(source) == made
    assert shop.server.requests.count("/values.yaml") == 1


def test_the_hosts_of_a_policy_count_for_values_files_too(checkout: Checkout, shop: Shop) -> None:
    policy = checkout.sandbox.folder / "policy.yaml"
    policy.write_text("version: 1\ncharts: {hosts: [charts.example.com]}\n")
    checkout.sandbox.extra = {"CMP_POLICY": str(policy)}

    ran = checkout.render({"path": "chart", "helm": {"valueFiles": [f"{shop.server.url}/values.yaml"]}})

    assert ran.code == 3
    assert f"cmp: the file {shop.server.url}/values.yaml may not be used: the administrator's policy does not list" in (
        ran.stderr
    )
    assert shop.server.requests == []


def test_a_values_file_that_a_web_server_has_not(checkout: Checkout, shop: Shop) -> None:
    url = f"{shop.server.url}/none.yaml"

    ran = checkout.render({"path": "chart", "helm": {"valueFiles": [url], "ignoreMissingValueFiles": True}})

    assert ran.code == 5
    assert f"cmp: the file {url} cannot be had: " in ran.stderr
    assert "application.yaml:16" in ran.stderr


class Mistake(NamedTuple):
    """Sources of an Application, and the three lines of the error, the place without what all have."""

    sources: list[dict[str, Any]]
    what: str
    line: int
    hint: str


MISTAKES = {
    "a values file that is not there": Mistake(
        [{"path": "chart", "helm": {"valueFiles": ["values-prod.yaml"]}}],
        "the file values-prod.yaml (chart/values-prod.yaml) does not exist",
        16,
        "correct the path, or commit the file; `ignoreMissingValueFiles: true` leaves out values files that are not "
        "there",
    ),
    "a ref that no source has": Mistake(
        [FROM_VALUES, {"ref": "value"}],
        "$values/dev.yaml names the source $values, and no source has `ref: values`",
        16,
        "did you mean `value`?",
    ),
    "another repository": Mistake(
        [FROM_VALUES, {"ref": "values", "repoURL": OTHER}],
        f"$values/dev.yaml lies in another repository, {OTHER}, which is not here",
        16,
        f"--repository {OTHER}=FOLDER names a clone of it",
    ),
    "a folder that is not there": Mistake(
        [{"path": "nowhere"}],
        "there is no folder nowhere in this checkout",
        13,
        "go into a checkout of the repository and revision that the Application names",
    ),
    "two kinds of source": Mistake(
        [{"path": "chart", "helm": {"skipCrds": True}, "kustomize": {"namePrefix": "a-"}}],
        "the source has kustomize and helm: Argo CD takes one of them",
        12,
        "remove all but one of them",
    ),
}


@pytest.mark.no_tools
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=[*MISTAKES])
def test_a_source_that_cannot_be_rendered(checkout: Checkout, mistake: Mistake) -> None:
    ran = checkout.render(*mistake.sources)

    assert ran.code == 3
    assert ran.stderr.splitlines() == [
        f"cmp: {mistake.what}",
        f"  where: application web, cluster in-cluster, phase layout, application.yaml:{mistake.line}",
        f"  hint: {mistake.hint}",
    ]


@pytest.mark.no_tools
def test_jsonnet_is_not_evaluated(checkout: Checkout) -> None:
    checkout.plant({"plain/more.jsonnet": "{}"})

    ran = checkout.render({"path": "plain"})

    assert ran.code == 3
    assert "cmp: Argo CD evaluates plain/more.jsonnet, and cmp evaluates no Jsonnet" in ran.stderr
    assert "commit what it prints, or leave the file out by `directory: {exclude: …}`" in ran.stderr


@pytest.mark.no_tools
def test_options_of_the_command_line_do_not_change_what_argo_cd_renders(checkout: Checkout) -> None:
    ran = checkout.render({"path": "plain"}, argv=("--set", "a=b"))

    assert ran.code == 2
    assert ran.stderr == (
        "cmp: a source without a plugin is rendered as its Application says\n"
        "  where: phase layout\n"
        "  hint: only --cluster, --kube-version and --api-versions go with it; preview.argocd of cmp.yaml names tools\n"
    )
