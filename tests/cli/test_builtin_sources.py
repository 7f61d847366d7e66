"""`cmp render --application` for sources without a plugin: what Argo CD itself would render, and what cannot be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from tests.support.charts import write_chart

if TYPE_CHECKING:
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


class Mistake(NamedTuple):
    """Sources of an Application, and the three lines of the error, the place without what all have."""

    sources: list[dict[str, Any]]
    what: str
    line: int
    hint: str


FROM_VALUES = {"path": "chart", "helm": {"valueFiles": ["$values/dev.yaml"]}}
OTHER = "https://git.example.com/values"
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
        "  hint: only --cluster, --kube-version and --api-versions go with it; preview.argocd of cmp.yaml names tools\n"
    )
