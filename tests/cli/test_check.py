"""`cmp check` judges what is rendered as its cluster would, and says what it did not judge."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from cmp.report.findings import FORMATS, schema
from tests.support.harness import snapshot
from tests.support.leaks import find_plaintext
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.support.harness import Ran, Sandbox

CONFIG = """\
version: 1
layout: {apps: "apps/{app}", instances: "clusters/{cluster}/{app}"}
clusters:
  dev: {kubeVersion: "1.33", env: dev}
  prod: {kubeVersion: "1.32", env: prod}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %s
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1"}]}
"""
GOOD, BAD = DEPLOYMENT % 2, DEPLOYMENT % '"two"'
BUDGET = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1}\n"
OFF = (
    "apiVersion: storage.k8s.io/v1beta1\nkind: VolumeAttributesClass\nmetadata: {name: fast}\ndriverName: example.com\n"
)
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, required: [size], properties: {size: {type: integer}}}}
"""
THING = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\nspec: {size: %s}\n"
PASSWORD = "correct-horse-battery!"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\ndata: {{password: '{PASSWORD}'}}\n"
REPLICAS = "apps/v1 Deployment shop/web: spec.replicas is text, not a whole number"


class Checked:
    """A repository of plain manifests on two clusters, which needs no program."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.root = folder / "repository"
        self._sandbox = sandbox
        self.write({"cmp.yaml": CONFIG})

    def write(self, files: dict[str, str]) -> None:
        plant(self.root, files)

    def app(self, name: str, text: str, clusters: tuple[str, ...] = ("dev", "prod")) -> None:
        """Write an application of one file."""
        instances = {f"clusters/{cluster}/{name}/.gitkeep": "" for cluster in clusters}
        self.write({f"apps/{name}/all.yaml": text, **instances})

    def run(self, *options: str) -> Ran:
        return self._sandbox.run("check", *options, cwd=self.root)

    def json(self, *options: str) -> dict[str, Any]:
        ran = self.run(*options, "--format", "json")
        value: dict[str, Any] = json.loads(ran.stdout)
        assert [*Draft202012Validator(schema()).iter_errors(value)] == []
        assert value["judgement"]["exit_code"] == ran.code
        return value

    def found(self, *options: str) -> list[tuple[str, str, str, list[str]]]:
        """Return rule, path and place of each finding, and its pairs."""
        return [
            (
                one["finding"]["rule"],
                ".".join(one["finding"]["path"]),
                f"{one['finding']['file']}:{one['finding']['line']}",
                [f"{subject['app']} on {subject['cluster']}" for subject in one["subjects"]],
            )
            for one in self.json(*options)["findings"]
        ]


pytestmark = pytest.mark.no_tools


@pytest.fixture
def repo(tmp_path: Path, sandbox: Sandbox) -> Checked:
    return Checked(tmp_path, sandbox)


def test_nothing_is_found_in_good_manifests(repo: Checked) -> None:
    repo.app("shop", GOOD)
    before = snapshot(repo.root)
    ran = repo.run()
    assert (ran.code, ran.stdout) == (0, "nothing found in 2 objects of 2 pairs\n")
    assert ran.stderr.startswith("cmp: nothing found in 2 objects of 2 pairs, ")
    assert snapshot(repo.root) == before


def test_a_finding_on_two_clusters_is_told_once_with_its_line(repo: Checked) -> None:
    repo.app("shop", BAD)
    ran = repo.run()
    assert ran.code == 1
    assert ran.stdout == (
        "1 error in 2 objects of 2 pairs\n\n"
        f"error    {REPLICAS}  [schema]\n"
        "         apps/shop/all.yaml:5\n"
        "         shop on dev, prod\n"
    )


def test_app_and_cluster_choose_the_pairs(repo: Checked) -> None:
    repo.app("shop", BAD)
    repo.app("till", BAD, clusters=("dev",))
    assert [pairs for *_, pairs in repo.found("shop", "--cluster", "dev")] == [["shop on dev"]]
    assert [pairs for *_, pairs in repo.found("--cluster", "dev")] == [["shop on dev"], ["till on dev"]]
    assert [pairs for *_, pairs in repo.found("till")] == [["till on dev"]]


@pytest.mark.parametrize(
    ("options", "code", "what"),
    [
        (("shopp",), 3, "cmp: there is no application shopp"),
        (("--cluster", "devel"), 3, "cmp: the inventory has no cluster devel"),
        (("till", "--cluster", "prod"), 3, "cmp: application till does not run on cluster prod"),
        (("--kube-version", "new"), 2, "cmp: --kube-version new: expected a version such as 1.38, or CLUSTER=1.38"),
        (("--kube-version", "lab=1.38"), 2, "cmp: --kube-version: there is no cluster lab"),
        (("--output", "html=x"), 2, "cmp: --output html=x: expected FORMAT=FILE"),
        (("shop", "--from-dir", "out"), 2, "cmp: APP is rendered, and --from-dir is not"),
        (("--from-dir", "nowhere"), 2, "cmp: there are no manifests in this folder"),
    ],
)
def test_a_wrong_command_line_is_an_error(repo: Checked, options: tuple[str, ...], code: int, what: str) -> None:
    repo.app("shop", GOOD)
    repo.app("till", GOOD, clusters=("dev",))
    ran = repo.run(*options)
    assert (ran.code, ran.stdout) == (code, "")
    assert ran.first_line.startswith(what)
    assert "  hint: " in ran.stderr or code == 2


def test_a_supposed_version_counts_instead_of_the_inventory(repo: Checked) -> None:
    repo.write({"cmp.yaml": CONFIG.replace("1.32", "1.24")})
    repo.app("shop", BUDGET)
    (found,) = [one for one in repo.found("--kube-version", "1.33") if one[0] in ("removed-api", "unknown-kind")]
    assert found[3] == ["shop on dev", "shop on prod"]
    of_dev = [one for one in repo.found("--kube-version", "dev=1.25") if "shop on dev" in one[3]]
    assert [one[0] in ("removed-api", "unknown-kind") for one in of_dev] == [True]


def test_a_cluster_without_a_version_is_named_with_the_way_out(repo: Checked) -> None:
    repo.write({"cmp.yaml": CONFIG.replace('kubeVersion: "1.32", ', "")})
    repo.app("shop", BAD)
    ran = repo.run()
    assert ran.code == 1
    assert "schemas and APIs are not judged on prod: the inventory has no kubeVersion" in ran.stderr
    assert repo.run("--cluster", "prod").code == 3, "nothing is judged"
    assert repo.run("--cluster", "prod", "--kube-version", "1.33").code == 1


def test_warnings_fail_only_where_they_are_asked_to(repo: Checked) -> None:
    """The kind is in the schemas, and its API is switched off in a cluster as it comes."""
    repo.app("shop", OFF)
    assert {one["finding"]["level"] for one in repo.json()["findings"]} == {"warning"}
    assert repo.run().code == 0
    assert repo.run("--fail-on", "warning").code == 1


def test_a_custom_kind_is_judged_by_the_crd_of_another_application(repo: Checked) -> None:
    repo.app("operator", CRD)
    repo.app("shop", THING % '"big"')
    expected = ("schema", "spec.size", "apps/shop/all.yaml:4", ["shop on dev", "shop on prod"])
    assert repo.found() == [expected]
    assert repo.found("shop") == [expected], "the operator is rendered for its CRD"


def test_a_custom_kind_is_judged_by_the_schemas_of_the_repository(repo: Checked) -> None:
    repo.write({"cmp.yaml": CONFIG + "checks: {schemas: [crds]}\n", "crds/thing.yaml": CRD})
    repo.app("shop", THING % '"big"')
    assert [one[:2] for one in repo.found()] == [("schema", "spec.size")]


def test_a_custom_kind_without_a_crd_is_not_judged_and_said(repo: Checked) -> None:
    repo.app("shop", THING % 1 + "---\n" + GOOD)
    ran = repo.run()
    assert ran.code == 0
    told = "Not judged:\n  2 \N{MULTIPLICATION SIGN} Thing.example.com: a kind of which no CRD is known on dev, prod\n"
    assert told in ran.stdout
    assert "not judged: Thing.example.com" in ran.stderr


def test_an_application_that_brings_no_crd_because_it_fails_is_named(repo: Checked) -> None:
    repo.app("operator", "kind: [\n")
    repo.app("shop", THING % 1 + "---\n" + GOOD)
    assert repo.run("shop").stdout.endswith(
        "the CRDs of pairs that cannot be rendered are not known: operator on dev, operator on prod\n"
    )


def test_a_pair_that_cannot_be_rendered_outweighs_findings(repo: Checked) -> None:
    repo.app("shop", BAD)
    repo.app("broken", "kind: ConfigMap\n", clusters=("dev",))
    ran = repo.run()
    assert ran.code == 8
    assert REPLICAS in ran.stdout
    assert "1 pair cannot be rendered" in ran.stdout
    assert repo.json()["failures"][0]["exit_code"] == 8


SKIP = """\
checks:
  skip:
    - {rule: schema, kind: Deployment, name: web, reason: the operator rewrites it}
    - {rule: value, reason: from long ago}
"""


def test_what_is_expected_is_passed_over_with_its_reason(repo: Checked) -> None:
    repo.write({"cmp.yaml": CONFIG + SKIP})
    repo.app("shop", BAD)
    ran = repo.run()
    assert ran.code == 0
    assert "1 passed over" in ran.stderr
    assert "shop on dev, prod; cmp.yaml:8:7: the operator rewrites it" in ran.stdout
    assert "Entries of checks.skip that nothing fits any more:\n  cmp.yaml:9:7  rule value\n" in ran.stdout
    assert "nothing fits any more" not in repo.run("shop").stdout or len(repo.json("shop")["pairs"]) == 2


def test_files_get_every_format(repo: Checked, tmp_path: Path) -> None:
    repo.app("shop", BAD)
    outputs = [word for kind in FORMATS for word in ("--output", f"{kind}={tmp_path / kind}")]
    ran = repo.run(*outputs)
    assert ran.code == 1
    assert (tmp_path / "text").read_text() == ran.stdout
    assert all(REPLICAS in (tmp_path / kind).read_text() for kind in ("text", "sarif", "junit", "github"))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("source", ["rendered", "folder"])
def test_a_value_of_a_secret_is_in_no_format(repo: Checked, kind: str, source: str) -> None:
    """The value is no base64, so that the finding is about the secret itself."""
    repo.app("shop", SECRET)
    options = ("--from-dir", "apps", "--cluster", "dev") if source == "folder" else ()
    ran = repo.run("--format", kind, *options)
    assert ran.code == 1
    assert "data.password" in ran.stdout or '"password"' in ran.stdout
    encoded = b64encode(PASSWORD.encode()).decode()
    for text in (ran.stdout, ran.stderr):
        assert PASSWORD not in text
        assert encoded not in text
    assert find_plaintext([repo.root / "clusters"], [PASSWORD]) == []


def test_a_folder_of_rendered_manifests_is_judged_by_its_clusters(repo: Checked, sandbox: Sandbox) -> None:
    repo.app("shop", BAD)
    repo.app("till", GOOD, clusters=("prod",))
    assert sandbox.run("render", "--all", "--output-dir", "out", cwd=repo.root).code == 0
    places = [("out/dev/shop.yaml:7", ["shop on dev"]), ("out/prod/shop.yaml:7", ["shop on prod"])]
    assert [one[2:] for one in repo.found("--from-dir", "out")] == places
    assert [one[2:] for one in repo.found("--from-dir", "out", "--cluster", "prod")] == places[1:]
    assert len(repo.json("--from-dir", "out")["pairs"]) == 3


def test_any_folder_is_judged_by_the_version_that_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    other = BAD.replace("web", "other", 1)
    plant(tmp_path / "plain", {"a/b.yaml": f"---\n{GOOD}---\n{other}", "c.json": '{"kind": 1}'})
    ran = sandbox.run("check", "--from-dir", "plain", "--kube-version", "1.33", cwd=tmp_path)
    assert ran.code == 8
    assert "         plain/a/b.yaml:16\n         a/b\n" in ran.stdout
    assert "cmp: this is no manifest: it has no apiVersion\n  where: application c, plain/c.json:1\n" in ran.stdout


@pytest.mark.parametrize("options", [("-",), ("--from-dir", "-")])
def test_stdin_is_judged(sandbox: Sandbox, tmp_path: Path, options: tuple[str, ...]) -> None:
    import subprocess  # noqa: PLC0415

    def check(*more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*sandbox.command(), "check", *options, *more],
            input=BAD.encode(),
            cwd=tmp_path,
            env=sandbox.env(),
            capture_output=True,
            check=False,
        )

    done = check("--kube-version", "1.33")
    assert done.returncode == 1
    assert b"         stdin:5\n" in done.stdout
    unknown = check()
    assert unknown.returncode == 3
    assert b"no version of Kubernetes is known (--cluster, or --kube-version)" in unknown.stderr
