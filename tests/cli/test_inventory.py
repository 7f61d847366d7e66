"""`cmp inventory export` writes what Argo CD knows of its clusters, and keeps what only the repository knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cmp.model import Cluster
from cmp.repository import config
from tests.support.trees import REFERENCE, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

pytestmark = pytest.mark.no_tools

TOKEN, KEY = "token-of-an-administrator", "key-of-a-client"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# The fields of argo-cd 3.2, pkg/apis/application/v1alpha1/types.go: Cluster and ClusterInfo.
IN_CLUSTER = {
    "server": "https://kubernetes.default.svc",
    "name": "in-cluster",
    "config": {"tlsClientConfig": {"insecure": False}},
    "connectionState": {"status": "Successful", "message": "", "attemptedAt": None},
    "serverVersion": "1.33",
    "info": {
        "connectionState": {"status": "Successful", "message": "", "attemptedAt": None},
        "serverVersion": "1.33",
        "cacheInfo": {"resourcesCount": 12},
        "applicationsCount": 1,
        "apiVersions": ["v1", "apps/v1", "apps/v1/Deployment"],
    },
}
DEV = {
    "server": "https://dev.example:6443",
    "name": "dev",
    "config": {
        "username": "admin",
        "password": TOKEN,
        "bearerToken": TOKEN,
        "tlsClientConfig": {"insecure": False, "keyData": KEY, "certData": KEY},
        "execProviderConfig": {"command": "x", "env": {"TOKEN": TOKEN}},
    },
    "info": {"serverVersion": "1.30", "applicationsCount": 3, "apiVersions": ["v1"], "cacheInfo": {}},
    "labels": {"argocd.argoproj.io/secret-type": "cluster", "tier": "1"},
    "annotations": {"contact": "platform@example.test", LAST_APPLIED: json.dumps({"config": TOKEN})},
    "project": "shops",
    "namespaces": ["a"],
    "shard": "1",
}
FRESH = {"server": "https://fresh.example", "name": "fresh", "config": {}, "info": {"applicationsCount": 0}}
EXPORTED = """\
clusters:
  dev:
    annotations:
      contact: platform@example.test
    apiVersions:
    - v1
    kubeVersion: "1.30"
    labels:
      argocd.argoproj.io/secret-type: cluster
      tier: "1"
    project: shops
    server: https://dev.example:6443
  in-cluster:
    apiVersions:
    - apps/v1
    - apps/v1/Deployment
    - v1
    kubeVersion: "1.33"
    server: https://kubernetes.default.svc
"""


def export(sandbox: Sandbox, folder: Path, clusters: object) -> Ran:
    folder.mkdir(exist_ok=True)
    (folder / "clusters.json").write_text(json.dumps(clusters))
    return sandbox.run("inventory", "export", "--from", "clusters.json", cwd=folder)


@pytest.mark.parametrize("form", ["of the API", "of the command line"])
def test_the_inventory_has_what_argo_cd_knows_and_no_credential(form: str, tmp_path: Path, sandbox: Sandbox) -> None:
    clusters: list[dict[str, Any]] = [IN_CLUSTER, DEV]
    ran = export(sandbox, tmp_path / "empty", {"metadata": {}, "items": clusters} if form == "of the API" else clusters)
    assert (ran.stdout, ran.stderr, ran.code) == (
        EXPORTED,
        "cmp: 2 clusters of Argo CD; this is for cmp.yaml\n",
        0,
    )
    assert not any(secret in ran.stdout + ran.stderr for secret in (TOKEN, KEY, LAST_APPLIED))


def test_what_is_printed_is_read_back(tmp_path: Path, sandbox: Sandbox) -> None:
    printed = export(sandbox, tmp_path / "empty", [IN_CLUSTER, DEV]).stdout
    found = config.load(plant(tmp_path / "repo", {"cmp.yaml": f"version: 1\n{printed}"}), {}).clusters
    assert found["dev"] == Cluster(
        "dev",
        kube_version="1.30",
        api_versions=("v1",),
        server="https://dev.example:6443",
        labels={"argocd.argoproj.io/secret-type": "cluster", "tier": "1"},
        annotations={"contact": "platform@example.test"},
        facts={"project": "shops"},
    )
    assert found["in-cluster"].api_versions == ("apps/v1", "apps/v1/Deployment", "v1")


def test_facts_of_the_repository_stay_and_so_do_its_names(tmp_path: Path, sandbox: Sandbox) -> None:
    written = {
        "cmp.yaml": "version: 1\nclusters: {file: inventory.yaml}\n",
        "inventory.yaml": "dev: {env: test, kubeVersion: 1.20, labels: {old: gone}}\n"
        "home: {server: 'https://kubernetes.default.svc', region: tokyo, context: home-admin}\n"
        "mars: {env: far, apiVersions: [v9]}\n",
    }
    plant(tmp_path, {**REFERENCE, **written})
    ran = export(sandbox, tmp_path, [{**IN_CLUSTER, "info": {"serverVersion": "1.33"}}, DEV])
    assert ran.stdout == (
        "dev:\n  annotations:\n    contact: platform@example.test\n  apiVersions:\n  - v1\n  env: test\n"
        '  kubeVersion: "1.30"\n  labels:\n    argocd.argoproj.io/secret-type: cluster\n    tier: "1"\n'
        "  project: shops\n  server: https://dev.example:6443\n"
        'home:\n  context: home-admin\n  kubeVersion: "1.33"\n  region: tokyo\n  server: https://kubernetes.default.svc\n'
        "mars:\n  apiVersions:\n  - v9\n  env: far\n"
    )
    assert ran.stderr == (
        "cmp: warning: Argo CD tells no API versions of home: it does so only for clusters that it has connected to "
        "for an application; charts that ask for capabilities may render otherwise than in Argo CD\n"
        "cmp: warning: mars is not in Argo CD: it stays as it is\n"
        "cmp: 2 clusters of Argo CD; this is for inventory.yaml\n"
    )


def test_versions_that_argo_cd_does_not_know_yet_stay_as_they_are(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(
        tmp_path, {**REFERENCE, "cmp.yaml": "version: 1\nclusters: {fresh: {kubeVersion: '1.31', apiVersions: [v1]}}\n"}
    )
    ran = export(sandbox, tmp_path, [FRESH])
    assert ran.stdout == (
        'clusters:\n  fresh:\n    apiVersions:\n    - v1\n    kubeVersion: "1.31"\n    server: https://fresh.example\n'
    )
    assert ran.stderr.splitlines()[:2] == [
        (
            "cmp: warning: Argo CD tells no API versions of fresh (the present ones are kept): it does so only for "
            "clusters that it has connected to for an application; charts that ask for capabilities may render "
            "otherwise than in Argo CD"
        ),
        "cmp: warning: Argo CD tells no Kubernetes version of fresh",
    ]


def test_what_a_cluster_inherits_stays_inherited(tmp_path: Path, sandbox: Sandbox) -> None:
    written = {
        "cmp.yaml": "version: 1\nclusters: {file: inventory.yaml}\n",
        "inventory.yaml": "dev: {env: test, labels: {tier: '1', old: gone}}\n"
        "dev-2: {is: dev, region: osaka}\n"
        "dev-3: {is: dev-2, kubeVersion: 1.20}\n"
        "spare: {is: dev-3}\n",
    }
    plant(tmp_path, {**REFERENCE, **written})
    info = {"serverVersion": "1.30", "apiVersions": ["v1"]}
    twin = {**DEV, "name": "dev-2", "server": "https://dev-2.example", "annotations": {"contact": "else@example.test"}}
    third = {"name": "dev-3", "server": "https://dev-3.example", "info": info, "labels": {"tier": "3"}}
    ran = export(sandbox, tmp_path, [DEV, twin, third])
    assert ran.stdout == (
        "dev:\n  annotations:\n    contact: platform@example.test\n  apiVersions:\n  - v1\n  env: test\n"
        '  kubeVersion: "1.30"\n  labels:\n    argocd.argoproj.io/secret-type: cluster\n    tier: "1"\n'
        "  project: shops\n  server: https://dev.example:6443\n"
        "dev-2:\n  annotations:\n    contact: else@example.test\n  is: dev\n  region: osaka\n"
        "  server: https://dev-2.example\n"
        'dev-3:\n  is: dev-2\n  kubeVersion: "1.30"\n  labels:\n    tier: "3"\n  server: https://dev-3.example\n'
        "spare:\n  is: dev-3\n"
    )
    assert ran.stderr == (
        "cmp: warning: Argo CD has no labels argocd.argoproj.io/secret-type on dev-3, which inherits them from dev-2\n"
        "cmp: warning: Argo CD has no annotations contact on dev-3, which inherits them from dev-2\n"
        "cmp: warning: spare is not in Argo CD: it stays as it is\n"
        "cmp: 3 clusters of Argo CD; this is for inventory.yaml\n"
    )
    inherited = config.load(plant(tmp_path, {"inventory.yaml": ran.stdout}), {}).clusters["spare"]
    assert (inherited.facts["env"], inherited.facts["region"], inherited.kube_version) == ("test", "osaka", "1.30")


def test_a_cluster_without_a_usable_name_is_left_out_and_said(tmp_path: Path, sandbox: Sandbox) -> None:
    ran = export(sandbox, tmp_path, [{**DEV, "name": DEV["server"]}, IN_CLUSTER])
    assert "dev.example" not in ran.stdout
    assert ran.stderr.splitlines()[0] == (
        "cmp: warning: https://dev.example:6443 is left out: its name in Argo CD cannot be that of a folder; give its "
        "`server` to a cluster of the inventory, and that name is taken"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{", "this is not JSON\n  where: a.json:1\n  hint: pipe `argocd cluster list -o json` into it"),
        (
            '{"kind": "x"}',
            (
                "this is no list of clusters\n  where: a.json\n  hint: expected is what `argocd cluster list -o json` "
                "prints, or the answer of GET /api/v1/clusters"
            ),
        ),
        (
            '[{"name": "a"}]',
            (
                "this is no list of clusters\n  where: a.json\n  hint: expected is what `argocd cluster list -o json` "
                "prints, or the answer of GET /api/v1/clusters"
            ),
        ),
    ],
)
def test_what_is_no_list_of_clusters_is_refused(data: str, said: str, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "a.json").write_text(data)
    ran = sandbox.run("inventory", "export", "--from", "a.json", cwd=tmp_path)
    assert (ran.stdout, ran.stderr, ran.code) == ("", f"cmp: {said}\n", 2)


def test_stdin_is_read_unless_a_file_is_named(tmp_path: Path, sandbox: Sandbox) -> None:
    ran = sandbox.run("inventory", "export", cwd=tmp_path)  # stdin is empty
    assert ran.stderr.splitlines()[:2] == ["cmp: this is not JSON", "  where: stdin:1"]
    ran = sandbox.run("inventory", "export", "--from", "none.json", cwd=tmp_path)
    assert ran.stderr == "cmp: cannot read the file of --from: No such file or directory\n  where: none.json\n"


def test_a_shell_that_emptied_the_inventory_for_this_very_output_is_noticed(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path, {**REFERENCE, "cmp.yaml": "version: 1\nclusters: {file: inventory.yaml}\n", "inventory.yaml": ""})
    ran = export(sandbox, tmp_path, [DEV])
    assert ran.stderr.splitlines()[0] == (
        "cmp: warning: inventory.yaml holds no cluster: if this very output goes there, the shell has emptied it, and "
        "the facts in it are lost; write to another file and rename that"
    )
