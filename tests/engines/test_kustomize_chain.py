"""Helm, then kustomize: the rendered chart is a resource of the kustomization beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines.test_kustomize_secrets import token
from tests.support import versions
from tests.support.charts import dependency, write_chart
from tests.support.kustomize import CONFIG, ENDS, NEWEST, VERSIONS, KustomizeRepository, maps, same
from tests.support.leaks import find_plaintext
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

HELMS = versions.HELM_ENDS
WEB = "namespaces/web"
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}
data:
  color: {{ .Values.color | quote }}
  secret: {{ .Values.secret | quote }}
  kube: {{ .Capabilities.KubeVersion.Version }}
---
apiVersion: batch/v1
kind: Job
metadata: {name: hook, annotations: {helm.sh/hook: pre-install}}
spec: {template: {spec: {containers: [{name: x, image: "shop:1"}]}}}
"""
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pots.example.com}
spec: {group: example.com, names: {kind: Pot, plural: pots}, scope: Namespaced, versions: []}
"""
KUSTOMIZATION = "resources: [config.yaml]\nnamePrefix: x-\nimages: [{name: shop, newTag: '9'}]\n"
BOTH = "engine: [helm, kustomize]\n"


@pytest.fixture
def world(sandbox: Sandbox) -> KustomizeRepository:
    made = KustomizeRepository(sandbox)
    made.write(
        {
            "Chart.yaml": CHART,
            "values.yaml": "{color: none, secret: none}\n",
            f"{WEB}/templates/all.yaml": TEMPLATE,
            f"{WEB}/crds/pot.yaml": CRD,
            "kustomization.yaml": KUSTOMIZATION,
            "config.yaml": CONFIG,
            "cmp-app.yaml": BOTH,
        }
    )
    return made


def by_hand(world: KustomizeRepository, helm: str, kustomize: str, *flags: str) -> str:
    """Render the chart to a file, name it in the kustomization, and build."""
    hands = world.by_hand(version=kustomize)
    program = str(Path(world.sandbox.tools_dir, "helm", helm, "helm"))
    argv = [program, "template", ".", "--name-template", "web", "--namespace", "web", "--include-crds", *flags]
    env = {"HOME": str(world.sandbox.home)}
    done = subprocess.run(argv, cwd=hands.folder, env=env, capture_output=True, check=True)
    (hands.folder / "rendered.yaml").write_bytes(done.stdout)
    file = hands.folder / "kustomization.yaml"
    file.write_text(file.read_text().replace("config.yaml]", "config.yaml, rendered.yaml]"))
    return hands.build()


@pytest.mark.parametrize("kustomize", VERSIONS)
@pytest.mark.parametrize("helm", HELMS)
def test_it_is_what_both_make_of_it_by_hand(helm: str, kustomize: str, world: KustomizeRepository) -> None:
    world.write({"common-values.yaml": "color: common\n", "clusters/dev/web/dev-values.yaml": "secret: of-dev\n"})
    ours = world.must(
        "--helm-version", helm, "--kube-version", "1.33", "--set-template", "color={cluster}", version=kustomize
    )
    values = ("--values", "common-values.yaml", "--values", "../../clusters/dev/web/dev-values.yaml")
    assert same(ours, by_hand(world, helm, kustomize, "--kube-version", "1.33", *values, "--set", "color=dev"))


def test_each_has_its_own_pin(world: KustomizeRepository) -> None:
    world.write({"cmp-app.yaml": f"{BOTH}tools: {{helm: 3.14.4, kustomize: 4.5.7}}\n"})
    ran = world.sandbox.run("render", "web", "--cluster", "dev", "--explain", cwd=world.root)
    assert ran.code == 0, ran.stderr
    assert "  helm 3.14.4  (namespaces/web/cmp-app.yaml:2)" in ran.stderr
    assert "  kustomize 4.5.7  (namespaces/web/cmp-app.yaml:2)" in ran.stderr
    assert "4 objects by helm 3.14.4 and kustomize 4.5.7" in ran.stderr


def test_options_of_both_count(world: KustomizeRepository) -> None:
    world.write({"cmp-app.yaml": f"{BOTH}helm: {{skipCrds: true}}\nkustomize: {{nameSuffix: -z}}\n"})
    ours = world.must()
    assert "CustomResourceDefinition" not in ours
    assert "name: x-web-z\n" in ours


def test_dependencies_are_restored_without_network(world: KustomizeRepository, archives: Path) -> None:
    with ChartRepository(archives) as repository:
        write_chart(world.root / WEB, "web", "1.0.0", [dependency("redis", "1.2.3", repository.url)])
        first = world.must()
        count = len(repository.requests)
        assert count > 0
        assert world.must() == first
        assert len(repository.requests) == count
    assert "redis" in first
    assert world.must(CMP_OFFLINE="1") == first


class TestSecrets:
    def test_encrypted_layers_reach_helm(self, world: KustomizeRepository) -> None:
        value = token("layer")
        world.seal({f"{WEB}/common-values.secret.yaml": f"secret: {value}\n"})
        ran = world.run()
        assert f"secret: {value}\n" in ran.stdout
        assert value not in ran.stderr
        assert find_plaintext([world.sandbox.folder, "/dev/shm"], [value]) == []  # noqa: S108

    @pytest.mark.parametrize("ignored", ["", "README.md"])
    def test_the_chart_does_not_see_what_is_decrypted_for_kustomize(
        self, ignored: str, world: KustomizeRepository
    ) -> None:
        value = token("kustomize")
        listed = '{{ range $path, $_ := .Files.Glob "**" }}{{ $path }}: {{ $.Files.Get $path | b64enc }}, {{ end }}'
        template = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: all}}\ndata: {{ {listed} }}\n"
        world.write(
            {
                f"{WEB}/templates/all.yaml": template,
                "kustomization.yaml": "secretGenerator: [{name: s, files: ['conf/k[1].key', conf/clear.txt]}]\n",
                "README.md": "",
                f"{WEB}/conf/clear.txt": "clear",
            }
        )
        world.seal({f"{WEB}/conf/k[1].key": value})
        if ignored:
            world.write({".helmignore": ignored})
        found = {one["metadata"]["name"]: one["data"] for one in maps(world.must()) if "data" in one}
        own = {".helmignore"} if ignored else {"README.md"}
        clear = {"cmp-app.yaml", "conf/clear.txt", "config.yaml", "crds/pot.yaml", "kustomization.yaml"}
        assert found.pop("all").keys() == own | clear
        assert [of_kustomize.keys() for of_kustomize in found.values()] == [{"clear.txt", "k[1].key"}]

    def test_what_secrets_files_names_is_the_charts_as_well(self, world: KustomizeRepository) -> None:
        value = token("both")
        template = (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: all}\ndata: {key: {{ .Files.Get `a.key` | quote }}}\n"
        )
        world.write(
            {
                "cmp-app.yaml": f"{BOTH}secrets: {{files: [a.key]}}\n",
                f"{WEB}/templates/all.yaml": template,
                "kustomization.yaml": "secretGenerator: [{name: s, files: [a.key]}]\n",
            }
        )
        world.seal({"a.key": value})
        assert f"key: {value}\n" in world.must()


def test_a_chart_that_prints_nothing_adds_nothing(world: KustomizeRepository) -> None:
    world.write({f"{WEB}/templates/all.yaml": "# {{ .Values.color }}\n", f"{WEB}/crds/pot.yaml": "\n"})
    assert world.must() == f"---\n{world.by_hand().build()}"


class TestErrors:
    def test_of_helm(self, world: KustomizeRepository) -> None:
        world.write({f"{WEB}/templates/all.yaml": "a: {{ required `no color` .Values.none }}\n"})
        said = world.refused()
        assert said[0].startswith(
            f"cmp: helm {versions.DEFAULT_HELM}: execution error at (web/templates/all.yaml:1:6): no color"
        )
        assert said[1] == "  where: application web, cluster dev, phase kustomize, namespaces/web/templates/all.yaml:1"

    def test_of_kustomize_about_the_chart(self, world: KustomizeRepository) -> None:
        world.write({"config.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: hook}\n"})
        assert world.refused() == [
            (
                f"cmp: kustomize {NEWEST}: merging resources from 'cmp-rendered-chart.yaml': may not add resource with "
                "an already registered id: Job.v1.batch/hook.[noNs]"
            ),
            "  where: application web, cluster dev, phase kustomize, namespaces/web/cmp-rendered-chart.yaml",
            "  hint: cmp-rendered-chart.yaml is what helm made of the chart",
        ]

    def test_of_a_file_with_the_name_of_the_rendered_chart(self, world: KustomizeRepository) -> None:
        world.write({"cmp-rendered-chart.yaml": CONFIG})
        assert world.refused()[:2] == [
            "cmp: the rendered chart gets this file's name",
            "  where: application web, cluster dev, namespaces/web/cmp-rendered-chart.yaml",
        ]

    def test_without_an_engine_both_are_proposed(self, world: KustomizeRepository) -> None:
        (world.root / WEB / "cmp-app.yaml").unlink()
        assert world.refused() == [
            (
                "cmp: more than one engine fits the folder namespaces/web: Chart.yaml (helm) and kustomization.yaml "
                "(kustomize)"
            ),
            "  where: application web, cluster dev, phase layout",
            (
                "  hint: say which in namespaces/web/cmp-app.yaml: `engine: helm` or `engine: kustomize` or "
                "`engine: [helm, kustomize]`"
            ),
        ]


@pytest.mark.parametrize("version", ENDS)
def test_parameters_are_the_charts(version: str, world: KustomizeRepository) -> None:
    """The ConfigMap cmp-parameters is dropped all the same."""
    parameters = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cmp-parameters}\ndata: {color: own}\n"
    world.write({"config.yaml": parameters})
    ours = world.must("--set", "color=given", "--set", "other=x", version=version)
    assert "color: given\n" in ours
    assert "own" not in ours


def test_cmp_values_shows_the_charts_values(world: KustomizeRepository) -> None:
    value = token("values")
    world.seal({f"{WEB}/common-values.secret.yaml": f"secret: {value}\n"})
    ran = world.sandbox.run("values", "web", "--cluster", "dev", "--explain", cwd=world.root)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == (
        'color: "none"  # namespaces/web/values.yaml:1\n'
        'secret: "‹secret›"  # namespaces/web/common-values.secret.yaml:1 (overrides namespaces/web/values.yaml:1)\n'
    )
