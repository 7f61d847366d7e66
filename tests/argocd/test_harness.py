"""The harness itself: what the scenario tests rely on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.argocd.applications import VALIDATED, application, condition, failed
from tests.argocd.caller import RequestError, call, request
from tests.argocd.installation import NAMESPACE, cluster_secret
from tests.argocd.trees import PATH, SHOP, VALUES
from tests.support.harness import CHECKOUT
from tests.support.leaks import processes_of, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.argocd.git import Repository
    from tests.argocd.world import ArgoCD

NO_GREETING = "there is no greeting"


@pytest.mark.every_argocd
def test_a_commit_becomes_objects_and_the_next_one_changes_them(argocd: ArgoCD, repository: Repository) -> None:
    first = repository.commit(SHOP)
    argocd.apply(application("commits", repository.url, PATH, options=VALIDATED))

    assert argocd.wait("commits")["status"]["sync"]["revision"] == first
    assert argocd.kube.get("ConfigMap", "shop", "commits")["data"] == {"greeting": "hello"}

    second = repository.commit({VALUES: "greeting: bye\n"})
    argocd.refresh("commits")

    assert argocd.wait("commits")["status"]["sync"]["revision"] == second
    assert argocd.kube.get("ConfigMap", "shop", "commits")["data"] == {"greeting": "bye"}


@pytest.mark.every_argocd
def test_a_failing_render_shows_a_condition_and_a_repaired_one_none(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit({**SHOP, VALUES: ""})
    argocd.apply(application("failing", repository.url, PATH))

    argocd.wait("failing", failed(NO_GREETING))

    repository.commit({VALUES: "greeting: hello\n"})
    argocd.refresh("failing")

    assert condition(argocd.wait("failing")) == ""


def test_an_application_in_another_namespace_is_deleted_with_its_objects(
    argocd: ArgoCD, repository: Repository
) -> None:
    repository.commit(SHOP)
    argocd.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})
    argocd.apply(application("elsewhere", repository.url, PATH, namespace="team"))
    argocd.wait("team/elsewhere")
    assert argocd.kube.find("ConfigMap", "shop", "elsewhere")

    argocd.delete("team/elsewhere")

    assert argocd.kube.find("Application", "elsewhere", "team") is None
    assert argocd.kube.find("ConfigMap", "shop", "elsewhere") is None


def test_an_application_set_makes_one_application_per_cluster(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit(SHOP)
    servers = {"first": argocd.kube.url, "second": argocd.kube.other_url}
    argocd.apply(*(cluster_secret(argocd.kube, *each, {"harness": "yes"}, {}) for each in servers.items()))
    template = application("set-{{.name}}", repository.url, PATH, server="{{.server}}")

    argocd.apply(_application_set("harness", template))

    for name, server in servers.items():
        assert argocd.wait(f"set-{name}")["spec"]["destination"]["server"] == server
        assert argocd.kube.find("ConfigMap", "shop", f"set-{name}")


def _application_set(name: str, template: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "goTemplate": True,
            "generators": [{"clusters": {"selector": {"matchLabels": {"harness": "yes"}}}}],
            "template": {"metadata": {"name": template["metadata"]["name"]}, "spec": template["spec"]},
        },
    }


@pytest.mark.every_argocd
def test_a_repo_server_answers_directly_and_repeatedly(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit(SHOP)
    app = application("direct", repository.url, PATH)

    (found,) = argocd.manifests(app)
    assert found["data"] == {"greeting": "hello"}

    (answer,) = argocd.ask("manifests", request(app), rounds=3)
    assert len(answer.milliseconds) == 3
    assert answer.answer["sourceType"] == "Plugin"

    with pytest.raises(RequestError, match="deadline"):
        argocd.manifests(app, deadline=0.001)


def test_a_plugin_answers_at_its_socket(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit(SHOP)
    (argocd.folder / "elsewhere.sock").touch()
    body = {
        "root": str(repository.folder),
        "path": str(repository.folder / PATH),
        "env": [f"ARGOCD_APP_SOURCE_PATH={PATH}"],
    }

    (answer,) = call(argocd.programs.caller, "socket", {**body, "socket": str(argocd.cmp.socket)})
    assert [json.loads(text)["kind"] for text in answer.answer["manifests"]] == ["ConfigMap"]

    with pytest.raises(RequestError, match="connection refused"):
        call(argocd.programs.caller, "socket", {**body, "socket": str(argocd.folder / "elsewhere.sock")})


@pytest.mark.every_argocd
def test_what_a_plugin_announces_comes_back(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit(SHOP)

    announced = argocd.details(application("details", repository.url, PATH))

    assert "cluster" in {parameter["name"] for parameter in announced}


def test_another_sidecar_has_another_environment(argocd: ArgoCD, repository: Repository, tmp_path: Path) -> None:
    repository.commit(SHOP)
    app = application("toolless", repository.url, PATH, plugin="cmp-toolless")

    with argocd.sidecar("cmp-toolless", CMP_TOOLS_DIR=str(tmp_path)), pytest.raises(RequestError) as refused:
        argocd.manifests(app)
    assert "helm 3.18.6" in str(refused.value)

    with pytest.raises(RequestError, match="cmp-toolless"):
        argocd.manifests(app)  # nobody has that name any more


@pytest.mark.every_argocd
def test_another_repo_server_has_other_flags(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit(SHOP)
    app = application("excluded", repository.url, PATH)
    server = argocd.repo_server_with()

    with (
        server.process.changed("--plugin-tar-exclude=namespaces/*/common-values.yaml"),
        pytest.raises(RequestError, match=NO_GREETING),
    ):
        argocd.manifests(app, server=server)

    assert argocd.manifests(app, server=server)


def test_a_sidecar_that_was_killed_comes_back(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit(SHOP)
    argocd.cmp.process.kill()

    argocd.cmp.process.restart()

    assert argocd.manifests(application("restarted", repository.url, PATH))


def test_texts_are_found_wherever_they_are(argocd: ArgoCD, repository: Repository) -> None:
    token = f"token-{os.urandom(4).hex()}"
    repository.commit({**SHOP, VALUES: f"greeting: {token}-rendered\n"})
    argocd.apply(application("texts", repository.url, PATH))
    argocd.wait("texts")
    assert any(f"{token}-rendered".encode() in value for value in argocd.redis().values())
    assert any(event["involvedObject"]["name"] == "texts" for event in argocd.events())

    repository.commit({"namespaces/shop/templates/map.yaml": f'{{{{ fail "{token}-failed" }}}}'})
    refused = argocd.refresh("texts")

    assert f"{token}-failed" in condition(refused)
    logs = argocd.logs()
    assert f"{token}-failed" in logs["sidecar-cmp"]
    assert f"{token}-failed" in logs["repo-server"]
    assert {"etcd", "kube-apiserver", "redis-server", "application-controller", "applicationset-controller"} <= {*logs}


def test_no_process_outlives_the_tests(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib; from tests.argocd.processes import Process, Program\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "Process(Program('sleep', ('/bin/sleep', '600'), {'HOME': str(here)}), here, lambda: True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], cwd=CHECKOUT) as tests:
        wait_until(lambda: len(processes_of(str(tmp_path))) == 2)
        tests.send_signal(signal.SIGKILL)
    wait_until(lambda: not processes_of(str(tmp_path)))
