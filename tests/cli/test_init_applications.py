"""`cmp init` in a repository that Argo CD deploys today: its Applications say the layout, and are compared with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp import yamldoc
from tests.support.git_repository import Repo
from tests.support.trees import CHART

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any

    from tests.support.harness import Ran, Sandbox

URL = "https://git.example.com/team/deploy.git"
PROOF = "cmp: `cmp diff --against applications` proves it: it renders both, and shows what differs\n"
SITES = ("kobe", "nara")
APPLICATION = """\
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: argocd}
spec:
  project: default
  destination: {name: %s, namespace: %s}
  source: {repoURL: "%s", targetRevision: HEAD, path: %s%s}
"""
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"


def application(name: str, site: str, path: str, helm: str = "", namespace: str = "web") -> str:
    return APPLICATION % (name, site, namespace, URL, path, f", helm: {helm}" if helm else "")


def chart(folder: str, *files: str) -> dict[str, str]:
    return {
        f"{folder}/Chart.yaml": CHART,
        f"{folder}/templates/map.yaml": MAP,
        **dict.fromkeys((f"{folder}/{file}" for file in files), "a: 1\n"),
    }


def init(sandbox: Sandbox, root: Path, files: dict[str, str], remote: str = URL) -> Ran:
    """Run `cmp init` in a clone with these files."""
    repo = Repo(root)
    repo.commit(files)
    repo.git("remote", "add", "origin", remote)
    return sandbox.run("init", cwd=root)


def written(root: Path) -> dict[str, Any]:
    found: Any = yamldoc.load_all((root / "cmp.yaml").read_bytes())[0]
    return dict(found)


def pairs(sandbox: Sandbox, root: Path) -> set[tuple[str, str]]:
    """Return the pairs of the layout, none of them with an error."""
    rows = json.loads(sandbox.run("apps", "--format", "json", cwd=root).stdout)
    assert [row["error"] for row in rows if row["error"]] == []
    return {(row["application"], row["cluster"]) for row in rows if "argocd" not in row}


def by_site(apps: Iterable[str], helm: str = "{valueFiles: [values.yaml, values-%s.yaml]}") -> dict[str, str]:
    return {
        **{
            f"argo/{site}/{app}.yaml": application(f"{app}-{site}", site, f"charts/{app}", helm % site)
            for app in apps
            for site in SITES
        },
        **{
            path: text
            for app in apps
            for path, text in chart(f"charts/{app}", "values.yaml", *(f"values-{site}.yaml" for site in SITES)).items()
        },
    }


@pytest.mark.no_tools
def test_applications_say_the_layout(sandbox: Sandbox, tmp_path: Path) -> None:
    ran = init(sandbox, tmp_path / "repo", by_site(("mail", "shop")))
    assert (ran.code, ran.stderr) == (0, "cmp: 4 of 4 Applications are expressed exactly by this layout\n" + PROOF)
    assert ran.stdout == "cmp.yaml: 2 applications, 2 clusters; `cmp apps` lists them\n"
    found = written(tmp_path / "repo")
    assert found["layout"] == {
        "apps": "charts/{app}",
        "instances": "charts/{app}/values-{cluster}.yaml",
        "values": ["charts/{app}/values.yaml", "charts/{app}/values-{cluster}.yaml"],
        "release": "{app}-{cluster}",
        "namespace": "web",
    }
    assert found["preview"] == {"applications": ["argo/**/*.yaml"]}
    assert pairs(sandbox, tmp_path / "repo") == {(app, site) for app in ("mail", "shop") for site in SITES}


@pytest.mark.no_tools
def test_what_is_not_expressed_is_told_with_what_would_express_it(sandbox: Sandbox, tmp_path: Path) -> None:
    files = by_site(("mail", "shop"))
    files["argo/kobe/shop.yaml"] = application(
        "shop-kobe",
        "kobe",
        "charts/shop",
        "{valueFiles: [values.yaml, values-kobe.yaml], parameters: [{name: a, value: b}]}",
    )
    files["argo/dns.yaml"] = application("dns", "kobe", "charts/shop/", "{valueFiles: [values.yaml]}")
    ran = init(sandbox, tmp_path / "repo", files)
    assert ran.code == 0
    assert ran.stderr == (
        "cmp: 3 of 5 Applications are expressed exactly by this layout\n"
        "cmp:      1  it has helm.parameters: the plugin takes them as its parameters set and set-string (shop-kobe)\n"
        "cmp:      1  it renders a folder that others render, too, and none of its values files lies in a folder of "
        "its own (dns)\n" + PROOF
    )


@pytest.mark.no_tools
def test_a_values_file_of_helm_secrets_is_a_layer(sandbox: Sandbox, tmp_path: Path) -> None:
    files = by_site(("shop",), "{valueFiles: [values.yaml, 'secrets://values-%s.yaml']}")
    ran = init(sandbox, tmp_path / "repo", files)
    assert ran.stderr == "cmp: 2 of 2 Applications are expressed exactly by this layout\n" + PROOF


@pytest.mark.no_tools
def test_a_clone_of_a_fork_takes_the_url_that_applications_have(sandbox: Sandbox, tmp_path: Path) -> None:
    ran = init(sandbox, tmp_path / "repo", by_site(("shop",)), "https://git.example.com/me/deploy")
    assert ran.stderr.startswith(
        f"cmp: warning: {URL} is taken for this repository, as no Application names a remote of the clone "
        "(preview.urls)\ncmp: 2 of 2 Applications"
    )
    assert written(tmp_path / "repo")["preview"]["urls"] == [URL]


@pytest.mark.no_tools
def test_a_folder_without_git_is_read_as_it_lies(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    for name, text in by_site(("shop",)).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    ran = sandbox.run("init", cwd=root)
    assert (ran.code, ran.stderr) == (0, "cmp: 2 of 2 Applications are expressed exactly by this layout\n" + PROOF)


@pytest.mark.no_tools
def test_build_options_of_a_chart_of_argo_cd_are_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    files = {
        "argo/values.yaml": "configs: {cm: {kustomize.buildOptions: --enable-helm}}\n",
        "apps/shop/kustomization.yaml": "resources: [map.yaml]\n",
        "apps/shop/map.yaml": MAP,
        "argo/shop.yaml": application("shop", "kobe", "apps/shop"),
    }
    ran = init(sandbox, tmp_path / "repo", files)
    assert ran.stderr == "cmp: 1 of 1 Applications are expressed exactly by this layout\n" + PROOF
    found = written(tmp_path / "repo")
    assert found["preview"]["argocd"] == {"buildOptions": "--enable-helm"}
    assert found["defaults"] == {"kustomize": {"enableHelm": True}}


def test_a_chart_prints_the_applications(sandbox: Sandbox, tmp_path: Path) -> None:
    template = application("{{ . }}-kobe", "kobe", "apps/{{ . }}").replace(", helm:", ", x:")
    files = {
        **{f"boot/{name}": text for name, text in {"Chart.yaml": CHART, "values.yaml": "apps: [mail, shop]\n"}.items()},
        "boot/templates/apps.yaml": f"{{{{- range .Values.apps }}}}\n{template}{{{{- end }}}}\n",
        "root.yaml": application("root", "kobe", "boot"),
        **chart("apps/mail"),
        **chart("apps/shop"),
    }
    ran = init(sandbox, tmp_path / "repo", files)
    assert ran.stderr == (
        "cmp: 2 of 3 Applications are expressed exactly by this layout\n"
        "cmp:      1  prints Applications: it stays as it is, rendered by Argo CD itself (root)\n" + PROOF
    )
    assert written(tmp_path / "repo")["layout"]["apps"] == "apps/{app}"
    assert pairs(sandbox, tmp_path / "repo") == {("mail", ""), ("shop", "")}


def test_a_chart_that_nothing_renders_is_tried_with_each_values_file(sandbox: Sandbox, tmp_path: Path) -> None:
    template = APPLICATION % ("{{ . }}", "IN", "web", URL, "apps/{{ . }}", ", helm: {valueFiles: [values-SITE.yaml]}")
    template = template.replace("name: IN", "name: in-cluster").replace("SITE", "{{ $.Values.site }}")
    files = {
        "boot/Chart.yaml": CHART,
        "boot/values.yaml": "apps: [mail]\n",
        **{f"boot/values-{site}.yaml": f"apps: [mail, shop]\nsite: {site}\n" for site in SITES},
        "boot/templates/apps.yaml": f"{{{{- range .Values.apps }}}}\n{template}{{{{- end }}}}\n",
        "tests/boot/Chart.yaml": CHART,
        "tests/boot/templates/apps.yaml": template,
        **chart("apps/mail", *(f"values-{site}.yaml" for site in SITES)),
        **chart("apps/shop", *(f"values-{site}.yaml" for site in SITES)),
    }
    ran = init(sandbox, tmp_path / "repo", files)
    tried, unknown, *summary = ran.stderr.splitlines(keepends=True)
    assert tried == (
        "cmp: warning: no Application renders boot, whose templates have some: tried with the values files beside it; "
        "`preview: {applications: [{app, cluster}]}` names the pair that prints them\n"
    )
    assert "the Applications in templates of tests/boot are not known" in unknown
    assert "".join(summary) == "cmp: 4 of 4 Applications are expressed exactly by this layout\n" + PROOF
    assert written(tmp_path / "repo")["layout"]["instances"] == "apps/{app}/values-{cluster}.yaml"
    assert pairs(sandbox, tmp_path / "repo") == {(app, site) for app in ("mail", "shop") for site in SITES}


SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: all}
spec:
  goTemplate: true
  generators:
    - matrix:
        generators:
          - git: {repoURL: "URL", directories: [{path: apps/*}]}
          - clusters: {selector: {matchLabels: {stage: live}}}
  template:
    metadata: {name: "{{ .path.basename }}-{{ .name }}"}
    spec:
      project: default
      source:
        repoURL: "URL"
        path: "{{ .path.path }}"
        helm: {valueFiles: ["{{ .metadata.labels.zone }}.yaml"]}
      destination: {server: "{{ .server }}", namespace: "{{ .path.basename }}"}
""".replace('repoURL: "URL"', f"repoURL: {URL}")
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: %s, labels: {argocd.argoproj.io/secret-type: cluster, stage: live, zone: %s}}
stringData: {name: %s, server: "https://%s.example.com", config: "{}"}
"""


def test_a_set_gets_its_clusters_from_their_secrets(sandbox: Sandbox, tmp_path: Path) -> None:
    zones = {"kobe": "west", "nara": "west", "sendai": "north"}
    files = {
        "argo/set.yaml": SET,
        **{f"argo/clusters/{site}.yaml": SECRET % (site, zone, site, site) for site, zone in zones.items()},
        **chart("apps/mail", "west.yaml", "north.yaml"),
        **chart("apps/shop", "west.yaml", "north.yaml"),
    }
    ran = init(sandbox, tmp_path / "repo", files)
    assert ran.stderr == "cmp: 6 of 6 Applications are expressed exactly by this layout\n" + PROOF
    found = written(tmp_path / "repo")
    assert found["layout"]["values"] == ["apps/{app}/{zone}.yaml"]
    assert found["clusters"]["sendai"] == {
        "server": "https://sendai.example.com",
        "labels": {"stage": "live", "zone": "north"},
        "zone": "north",
    }


@pytest.mark.no_tools
def test_without_a_tool_the_folders_decide(sandbox: Sandbox, tmp_path: Path) -> None:
    files = {"argo/set.yaml": SET.replace("selector: {matchLabels: {stage: live}}", ""), **chart("apps/shop")}
    ran = init(sandbox, tmp_path / "repo", files)
    assert ran.code == 0
    assert ran.stderr.startswith("cmp: warning: the Applications of this tree are not read: helm ")
    assert written(tmp_path / "repo")["layout"]["apps"] == "apps/{app}"
