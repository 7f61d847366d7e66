"""`cmp diff` explains a bump of a chart from both charts: of a repository, of a folder, vendored, nested."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import bumped_charts
from tests.support.bumped_charts import chart, newer, older, within
from tests.support.compared_repository import ComparedRepository
from tests.support.harness import AGE_KEY_FILE
from tests.support.keys import sealed
from tests.support.servers.charts import ChartRepository
from tests.support.versions import DEFAULT_HELM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.harness import Sandbox

pytestmark = pytest.mark.tools

CONFIG = """\
version: 1
clusters:
  dev: {kubeVersion: "1.34", env: dev}
  prod: {kubeVersion: "1.30", env: prod}
layout:
  apps: apps/{app}
  instances: clusters/{cluster}/{app}
  values: ["apps/{app}/common.yaml", "clusters/{cluster}/{app}/values.yaml"]
"""


def umbrella(version: str, url: str, **more: object) -> str:
    depend = {"name": "queue", "version": version, "repository": url, **more}
    return json.dumps({"apiVersion": "v2", "name": "jobs", "version": "0.1.0", "dependencies": [depend]})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Iterator[ChartRepository]:
    from pathlib import Path  # noqa: PLC0415

    from examples import chartserver  # noqa: PLC0415  # `loaded_modules` looks for modules that it imports

    folder = tmp_path_factory.mktemp("charts")
    for files in (older(), newer()):
        bumped_charts.write(folder / "charts" / json.loads(files["Chart.yaml"])["version"], files)
    packed = chartserver.package(folder / "charts", folder / "packed", Path(tools_dir, f"helm/{DEFAULT_HELM}/helm"))
    with ChartRepository(packed) as charts:
        yield charts


APPLICATIONS = """\
version: 1
preview:
  applications: ['argocd/*']
  argocd: {helm: 3.18.6, kustomize: 5.7.1, version: '3.6'}
"""
URL = "https://git.example.test/platform/jobs.git"
SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "argocd-cm", "namespace": "argocd"},
    "data": {"kustomize.buildOptions": "--enable-helm"},
}
FILES = {
    "cmp.yaml": CONFIG,
    "apps/jobs/values.yaml": "queue:\n  motd: welcome\n  auth:\n    user: jobs\n",
    "apps/jobs/common.yaml": "queue:\n  replicas: 5\n  persistence: {size: 20Gi}\n",
    "clusters/dev/jobs/values.yaml": "queue: {resources: null}\n",
    "clusters/prod/jobs/values.yaml": "global: {zone: c}\nqueue:\n  tolerations: {}\n",
}


def application(name: str, source: dict[str, object]) -> dict[str, object]:
    destination = {"server": "https://kubernetes.default.svc", "namespace": name}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {"project": "default", "destination": destination, "source": source},
    }


def details(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [line for line in report["bumps"] if line["bump"]["kind"] == "chart" and line["bump"]["name"] == name]
    only: dict[str, Any]
    (only,) = found["details"]
    return only


def overridden(of: dict[str, Any]) -> dict[str, list[str]]:
    return {".".join(one["path"]): one["overrides"] for one in of["defaults"] if one["overrides"]}


def test_a_dependency_of_a_chart_repository(tmp_path: Path, sandbox: Sandbox, server: ChartRepository) -> None:
    world = ComparedRepository(
        tmp_path / "repo", {**FILES, "apps/jobs/Chart.yaml": umbrella("1.9.0", server.url)}, sandbox
    )
    world.repo.commit({"apps/jobs/Chart.yaml": umbrella("2.0.0", server.url)})

    report = world.report()
    seen = len(server.requests)
    again = world.report()

    assert len(server.requests) == seen, "nothing is fetched for an explanation"
    assert again["bumps"] == report["bumps"]
    queue = details(report, "queue")
    assert [(".".join(one["path"]), one["what"], one["overrides"], one["misfits"]) for one in queue["defaults"]] == [
        ("auth", "removed", ["apps/jobs/values.yaml:3"], []),
        ("resources", "removed", ["clusters/dev/jobs/values.yaml:1"], []),
        ("persistence", "changed", ["apps/jobs/common.yaml:3"], ["apps/jobs/common.yaml:3"]),
        ("motd", "changed", ["apps/jobs/values.yaml:2"], []),
        ("replicas", "changed", ["apps/jobs/common.yaml:2"], []),
        ("tolerations", "changed", ["clusters/prod/jobs/values.yaml:3"], []),
        ("image.tag", "changed", [], []),
        ("metrics", "added", [], []),
    ]
    assert [(one["what"], one["text"], one["is_rendered"]) for one in queue["definitions"]] == [
        ("changed", "no longer serves `v1alpha1`; no longer stores objects as `v1alpha1`", True)
    ]
    assert [subject["cluster"] for subject in queue["unmet"]] == ["prod"], "1.30 is below what it wants"
    assert (queue["deprecated"], queue["has_security_updates"], queue["is_next"]) == ("new", True, False)
    assert [note["kind"] for note in queue["notes"]] == ["security", "removed", "added"]
    store = details(report, "store")
    assert overridden(store) == {"global.zone": ["clusters/prod/jobs/values.yaml:1"]}, "a chart inside the archive"


def test_only_places_are_told_of_what_the_repository_sets(
    tmp_path: Path, sandbox: Sandbox, server: ChartRepository
) -> None:
    secret = "queue: {replicas: 7, motd: welcome-42}\n"
    files: dict[str, str | bytes | None] = {
        **FILES,
        "cmp.yaml": CONFIG.replace('common.yaml"', 'common.yaml", "apps/{app}/db.secret.yaml"'),
        "apps/jobs/Chart.yaml": umbrella("1.9.0", server.url),
        "apps/jobs/db.secret.yaml": sealed(
            sandbox.tools_dir, "apps/jobs/db.secret.yaml", secret + "other: hello-again\n"
        ),
    }
    world = ComparedRepository(tmp_path / "repo", files, sandbox)
    world.repo.commit({"apps/jobs/Chart.yaml": umbrella("2.0.0", server.url)})
    ran = world.diff("--format", "json", SOPS_AGE_KEY_FILE=str(AGE_KEY_FILE))
    queue = details(json.loads(ran.stdout), "queue")
    assert "apps/jobs/db.secret.yaml:2" in overridden(queue)["replicas"]
    assert "welcome-42" not in json.dumps(queue)
    (motd,) = [one for one in queue["defaults"] if one["path"] == ["motd"]]
    assert re.fullmatch('"‹secret [0-9]+›"', motd["after"]), "a default that is a secret of the pair"


def part(version: str, values: str = "a: 1\nb: 2\n", **metadata: object) -> dict[str, str]:
    return chart("part", version, values, **metadata)


def app(name: str, files: Mapping[str, str], values: str = "", **depend: object) -> dict[str, str]:
    """Return an application on both clusters whose only dependency lies in its charts/."""
    version = json.loads(files["Chart.yaml"])["version"]
    chart_name = json.loads(files["Chart.yaml"])["name"]
    of = {"name": chart_name, "version": version, **depend}
    return {
        f"apps/{name}/Chart.yaml": json.dumps(
            {"apiVersion": "v2", "name": name, "version": "0.1.0", "dependencies": [of]}
        ),
        f"apps/{name}/values.yaml": values,
        f"apps/{name}/common.yaml": "",
        f"apps/{name}/templates/own.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n",
        f"clusters/dev/{name}/values.yaml": "",
        f"clusters/prod/{name}/values.yaml": "part: {enabled: false}\n",
        **within(f"apps/{name}/charts/dependency", files),
    }


def test_vendored_charts_and_what_is_no_bump(tmp_path: Path, sandbox: Sandbox) -> None:
    on = {"condition": "part.enabled"}
    before: dict[str, str | bytes | None] = {
        "cmp.yaml": CONFIG,
        **app("alias", part("1.0.0"), "one: {a: 5}\n", alias="one"),
        **app("back", part("3.0.1", annotations={"artifacthub.io/changes": "[gone again]"})),
        **app("comments", part("5.0.0")),
        **app("exchange", part("6.0.0"), "part: {a: 5}\n"),
        **app("off", part("7.0.0"), "part: {a: 5}\n", **on),
        **app("unchanged", part("8.0.0"), "part: {a: 5}\n"),
    }
    after = {
        **app("alias", part("2.0.0", "a: 2\n"), "two: {a: 5}\n", alias="two"),
        **app("back", part("3.0.0", "b: 2\n")),
        **app("comments", part("5.1.0", "# another order\nb: 2 # two\na: 1\n")),
        **app("exchange", chart("other", "6.1.0", "c: 1\n"), "part: {a: 5}\n", alias="part"),
        **app("off", part("7.1.0", "a: 2\nb: 2\n"), "part: {a: 5}\n", **on),
        **app("unchanged", part("8.0.0", "b: 2\n"), "part: {a: 5}\n"),
    }
    world = ComparedRepository(tmp_path / "repo", before, sandbox)
    world.repo.commit(after)

    report = world.report()
    assert report["failures"] == []
    found = {line["bump"]["before"]: line for line in report["bumps"]}

    assert sorted(found) == ["1.0.0", "3.0.1", "5.0.0", "7.0.0"], "neither the same version nor another name is a bump"
    told = {version: line["details"][0] for version, line in found.items()}
    assert told["1.0.0"]["keys"] == ["one", "two"]
    assert overridden(told["1.0.0"]) == {"a": ["apps/alias/values.yaml:1"]}
    assert (told["3.0.1"]["noted"], told["3.0.1"]["is_next"]) == ("3.0.1", True)
    assert [note["text"] for note in told["3.0.1"]["notes"]] == ["gone again"], "what goes with the newer version"
    assert told["5.0.0"]["defaults"] == []
    assert [subject["cluster"] for subject in told["7.0.0"]["disabled"]] == ["prod"]
    assert overridden(told["7.0.0"]) == {"a": ["apps/off/values.yaml:1"]}


def test_the_chart_of_an_application_and_one_of_a_kustomization(
    tmp_path: Path, sandbox: Sandbox, server: ChartRepository
) -> None:
    def files(version: str) -> dict[str, str]:
        source = {"chart": "queue", "repoURL": server.url, "targetRevision": version}
        helm = {"values": "replicas: 4\n", "parameters": [{"name": "auth.user", "value": "x"}]}
        chart_of = {"name": "queue", "version": version, "repo": server.url, "releaseName": "queue"}
        inline = {"valuesInline": {"replicas": 3}, "valuesFile": "more.yaml"}
        return {
            "cmp.yaml": APPLICATIONS,
            "argocd/app.yaml": json.dumps(application("app", {**source, "helm": helm})),
            "argocd/kustomized.yaml": json.dumps(application("kustomized", {"path": "kustomized", "repoURL": URL})),
            "argocd/cm.yaml": json.dumps(SETTINGS),
            "kustomized/kustomization.yaml": json.dumps({"helmCharts": [{**chart_of, **inline}]}),
            "kustomized/more.yaml": "\nauth:\n  user: y\n",
        }

    world = ComparedRepository(tmp_path / "repo", files("1.9.0"), sandbox)
    world.repo.commit(files("2.0.0"))
    report = world.report("--repository-url", URL)
    queue = details(report, "queue")
    places = overridden(queue)
    assert report["failures"] == []
    assert places["auth"] == ["--set auth.user", "kustomized/more.yaml:2"]
    assert "kustomized/kustomization.yaml:1" in places["replicas"]
    assert len(places["replicas"]) == 2
    assert [one["is_rendered"] for one in queue["definitions"]] == [False], "kustomize leaves crds/ out"
    assert queue["unmet"] == [], "helm itself asks it of a chart that is no dependency"


def test_the_report_in_markdown_plants_no_link_and_no_mention(
    tmp_path: Path, sandbox: Sandbox, server: ChartRepository
) -> None:
    world = ComparedRepository(
        tmp_path / "repo", {**FILES, "apps/jobs/Chart.yaml": umbrella("1.9.0", server.url)}, sandbox
    )
    world.repo.commit({"apps/jobs/Chart.yaml": umbrella("2.0.0", server.url)})
    told = world.diff("--format", "markdown").stdout
    _, _, section = told.partition("#### What the charts say")
    assert (
        "- **removed:** `The key auth, see [the guide](https://evil.example) @platform`"
        " (`https://queue.example/upgrade#2`)\n"
    ) in section
