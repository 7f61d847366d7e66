"""The example monorepo is what its README says, as the bare tools see it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from examples import chartserver
from tests.support import bare_tools, versions
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

SECRETS = sorted(bare_tools.MONOREPO.rglob("*.secret.yaml"))
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet"}


@pytest.fixture(scope="module")
def by_hand(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> bare_tools.ByHand:
    folder, tools = tmp_path_factory.mktemp("by-hand"), Path(tools_dir)
    archives = chartserver.package(bare_tools.EXAMPLES / "charts", folder / "archives", tools / "helm/3.18.6/helm")
    with ChartRepository(archives) as repository:
        return bare_tools.set_up(folder, tools, repository.url)


def test_has_five_applications_on_three_clusters() -> None:
    apps = Counter(app for app, _ in bare_tools.instances())
    assert apps == {"namespace-a": 3, "payments": 3, "search": 3, "edge-proxy": 3, "reports": 2}
    assert {cluster for _, cluster in bare_tools.instances()} == set(bare_tools.CLUSTERS)


def test_has_an_application_for_each_other_engine_on_all_clusters(sandbox: Sandbox) -> None:
    listed = json.loads(sandbox.run("apps", "--format", "json", cwd=bare_tools.MONOREPO).stdout)
    others = {(each["application"], each["cluster"]): " + ".join(each["engines"]) for each in listed}
    for instance in bare_tools.instances():
        assert others.pop(instance) == "helm"
    assert others == {
        (app, cluster): engine for app, engine in bare_tools.OTHERS.items() for cluster in bare_tools.CLUSTERS
    }


@pytest.mark.parametrize("cluster", bare_tools.CLUSTERS)
@pytest.mark.parametrize("app", bare_tools.OTHERS)
def test_the_others_render_without_the_network(app: str, cluster: str, sandbox: Sandbox) -> None:
    ran = sandbox.run(
        "render",
        app,
        "--cluster",
        cluster,
        cwd=bare_tools.MONOREPO,
        SOPS_AGE_KEY_FILE=str(bare_tools.AGE_KEY),
        CMP_OFFLINE="1",
    )
    assert ran.code == 0, ran.stderr
    assert ran.stderr.count("\n") == 1, "a warning"
    found = [document for document in yaml.safe_load_all(ran.stdout) if document]
    names = {(str(each["kind"]), str(each["metadata"]["name"])) for each in found}
    for each in found:
        assert each["kind"] not in WORKLOADS or missing_references(each, names) == []


def test_namespace_a_has_the_reference_layout() -> None:
    apps, instance = (
        bare_tools.MONOREPO / "namespaces/namespace-a",
        bare_tools.MONOREPO / "clusters/dev-cluster/namespace-a",
    )
    assert {path.name for path in apps.glob("common*")} == {"common-values-a.yaml", "common-values-a.secret.yaml"}
    assert {path.name for path in instance.iterdir()} == {"dev-values-a.yaml", "dev-values-a.secret.yaml"}


def test_pins_each_of_the_three_helms() -> None:
    assert (
        yaml.safe_load((bare_tools.MONOREPO / "cmp.yaml").read_text("utf-8"))["tools"]["helm"] == versions.DEFAULT_HELM
    )
    for (app, cluster), version in bare_tools.PINS.items():
        folder = bare_tools.MONOREPO / (f"clusters/{cluster}/{app}" if cluster else f"namespaces/{app}")
        assert yaml.safe_load((folder / "cmp-app.yaml").read_text("utf-8")) == {"tools": {"helm": version}}
    assert {bare_tools.pinned_helm(*instance) for instance in bare_tools.instances()} == {
        "3.14.4",
        "3.22.0",
        versions.DEFAULT_HELM,
    }


@pytest.mark.parametrize("app", ["namespace-a", "payments", "edge-proxy", "reports"])
def test_the_lock_is_current(app: str) -> None:
    lock = bare_tools.MONOREPO / "namespaces" / app / "Chart.lock"
    assert yaml.safe_load(lock.read_text("utf-8"))["digest"] == bare_tools.lock_digest(lock)


def test_one_application_has_ranges_and_no_lock() -> None:
    assert not (bare_tools.MONOREPO / "namespaces/search/Chart.lock").exists()


def test_no_plaintext_of_a_secret_occurs_twice_or_in_clear(by_hand: bare_tools.ByHand) -> None:
    found = Counter(leaf for path in SECRETS for leaf in leaves(yaml.safe_load(by_hand.decrypt(path))))
    assert found
    assert [leaf for leaf, times in found.items() if times > 1] == []
    clear = b"\n".join(path.read_bytes() for path in bare_tools.MONOREPO.rglob("*") if path.is_file())
    assert [leaf for leaf in found if leaf.encode() in clear] == []


@pytest.mark.parametrize(("app", "cluster"), bare_tools.instances())
def test_every_helm_renders_the_same_sane_objects(app: str, cluster: str, by_hand: bare_tools.ByHand) -> None:
    renders = [by_hand.render(app, cluster, version) for version in bare_tools.HELM_VERSIONS]
    objects = [[document for document in yaml.safe_load_all(text) if document] for text in renders]
    assert all(each == objects[0] for each in objects)
    assert [name for name, times in Counter(map(identity, objects[0])).items() if times > 1] == []
    assert "ENC[" not in renders[0]
    assert "<no value>" not in renders[0]
    names = {(str(each["kind"]), str(each["metadata"]["name"])) for each in objects[0]}
    for workload in objects[0]:
        assert missing_references(workload, names) == []


def test_namespace_a_is_a_small_application(by_hand: bare_tools.ByHand) -> None:
    text = by_hand.render("namespace-a", "dev-cluster", versions.DEFAULT_HELM)
    assert len(list(yaml.safe_load_all(text))) == 59
    assert 'SITE_TITLE: "みどり商店 (開発)"' in text


def identity(each: dict[str, Any]) -> tuple[str, ...]:
    metadata = each["metadata"]
    return each["apiVersion"], each["kind"], metadata.get("namespace", ""), metadata["name"]


def missing_references(workload: dict[str, Any], names: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """List what a workload's pods need and the same render does not hold."""
    if workload["kind"] not in WORKLOADS:
        return []
    template = workload["spec"]["template"]
    assert workload["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    pod = template["spec"]
    wanted = [("ServiceAccount", pod["serviceAccountName"])] if "serviceAccountName" in pod else []
    for source in (source for container in pod["containers"] for source in container.get("envFrom", [])):
        wanted += [("Secret", ref["name"]) for key, ref in source.items() if key == "secretRef"]
        wanted += [("ConfigMap", ref["name"]) for key, ref in source.items() if key == "configMapRef"]
    wanted += [("ConfigMap", volume["configMap"]["name"]) for volume in pod.get("volumes", []) if "configMap" in volume]
    return [each for each in wanted if each not in names]


def leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in leaves(each)]
    return [str(value)]
