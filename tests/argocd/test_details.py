"""The other inputs of an Application: the parameters of its form, and the source files in its folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.argocd.applications import application
from tests.argocd.installation import NAMESPACE
from tests.argocd.trees import CMP, PATH, SHOP

if TYPE_CHECKING:
    from tests.argocd.applications import Value
    from tests.argocd.git import Repository
    from tests.argocd.kube import Object
    from tests.argocd.world import ArgoCD

pytestmark = pytest.mark.every_argocd
NAMES = {
    *("cluster", "values", "values-yaml", "set", "set-string", "set-template", "release", "images", "environment"),
    *("helm-version", "kustomize-version", "helmfile-version", "cue-version"),
}
TWO_TEXTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {greeting: {{ .Values.greeting | quote }}, farewell: {{ .Values.farewell | quote }}}
"""
TREE: dict[str, str | bytes | None] = {
    **SHOP,
    "cmp.yaml": CMP.replace("sops:", "kustomize: 5.4.2, sops:"),
    "namespaces/shop/templates/map.yaml": TWO_TEXTS,
    "namespaces/shop/values.yaml": "farewell: bye\n",
}


def test_the_form_shows_what_a_render_uses_and_saved_unchanged_it_changes_nothing(
    argocd: ArgoCD, repository: Repository
) -> None:
    repository.commit({**TREE, "namespaces/shop/more.yaml": "greeting: more\n"})
    given: dict[str, Value] = {"values": ["namespaces/shop/more.yaml"], "set-string": {"farewell": "08"}}
    app = application("form", repository.url, PATH, parameters=given)
    (rendered,) = argocd.manifests(app)
    assert rendered["data"] == {"greeting": "more", "farewell": "08"}

    shown = {each["name"]: value(each) for each in argocd.details(app)}

    assert shown.keys() == NAMES
    present = {name: found for name, found in shown.items() if found}
    assert present == {
        **given,
        "cluster": "dev",
        "release": "form",
        "helm-version": "3.18.6",
        "kustomize-version": "5.4.2",
        "helmfile-version": "1.8.0",
        "cue-version": "0.17.1",
    }
    saved = application("form", repository.url, PATH, parameters=present)
    assert argocd.manifests(saved) == [rendered]


def test_files_of_the_source_change_a_render_and_cmp_render_reads_them_as_argo_cd_does(
    argocd: ArgoCD, repository: Repository
) -> None:
    repository.commit(
        {
            **TREE,
            f"{PATH}/.argocd-source.yaml": source({"greeting": "for all", "farewell": "for all"}),
            f"{PATH}/.argocd-source-sourced.yaml": source({"greeting": "for one"}),
            f"{PATH}/.argocd-source-nothing.yaml": "plugin: {parameters: null}\n",
            f"{PATH}/.argocd-source-team_sourced.yaml": source({"greeting": "of the team"}),
        }
    )
    # Argo CD reads what it has merged over what there was: a parameter over the one that stood in its place, and a map
    # over its map, so that `farewell` stays; and what null has removed stays as well.
    for name, namespace, greeting in (
        ("other", NAMESPACE, "for all"),
        ("sourced", NAMESPACE, "for one"),
        ("nothing", NAMESPACE, "for all"),
        ("sourced", "team", "of the team"),
    ):
        app = application(name, repository.url, PATH, namespace=namespace)
        (found,) = argocd.manifests(app)
        assert found["data"] == {"greeting": greeting, "farewell": "for all"}
        assert printed(argocd, repository, app) == [found]


def test_the_plugin_is_told_the_version_of_kubernetes(argocd: ArgoCD, repository: Repository) -> None:
    """Since Argo CD 3.3.3 with its patch: helm prints 0 for a missing one."""
    version = '{greeting: "{{ .Capabilities.KubeVersion.Version }}"}'
    map_ = TWO_TEXTS.replace(
        "{greeting: {{ .Values.greeting | quote }}, farewell: {{ .Values.farewell | quote }}}", version
    )
    repository.commit({**TREE, "namespaces/shop/templates/map.yaml": map_})
    argocd.apply(application("versioned", repository.url, PATH))
    argocd.wait("versioned")
    told = argocd.kube.get("ConfigMap", "versioned", "versioned")["data"]["greeting"]
    assert told == f"v{argocd.kube_version}" + ("" if argocd.programs.is_since("3.3.3") else ".0")


def test_cmp_render_fills_variables_as_argo_cd_does(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit(TREE)
    text = "$ARGOCD_APP_NAME at ${ARGOCD_APP_REVISION_SHORT} of $NOBODY for $$5"
    env = {"SET_STRING": f"greeting={text}"}
    app = application("variables", repository.url, PATH, env=env, to="somewhere")

    (found,) = argocd.manifests(app)

    assert found["data"]["greeting"] == f"variables at {repository.head[:7]} of  for $5"
    assert printed(argocd, repository, app) == [found]


def source(texts: dict[str, str]) -> str:
    return yaml.safe_dump({"plugin": {"parameters": [{"name": "set-string", "map": texts}]}})


def printed(argocd: ArgoCD, repository: Repository, app: Object) -> list[Object]:
    """Return what `cmp render` prints in the sidecar, in a checkout, for a file with the Application."""
    file = argocd.cmp.sandbox.home / "application.yaml"
    file.write_text(yaml.safe_dump(app), "utf-8")
    argv = ("render", "--application", str(file), "--output", "json")
    ran = argocd.cmp.sandbox.run(*argv, cwd=repository.folder)
    assert ran.code == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def value(announced: Object) -> Value:
    """Return what the form shows of a parameter."""
    found: Value = announced.get(announced["collectionType"], "")
    return found
