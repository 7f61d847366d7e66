"""`cmp paths --check`: which annotations of the repository's Applications and ApplicationSets lack something."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp.genpaths.annotation import bind_expressions
from tests.support.trees import CHART, REFERENCE, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

pytestmark = pytest.mark.no_tools

ANNOTATION = "argocd.argoproj.io/manifest-generate-paths"
TREE = {
    **REFERENCE,
    "namespaces/till/Chart.yaml": CHART
    + "dependencies: [{name: one, version: 1.0.0, repository: 'file://../../charts/one'}]\n",
    "charts/one/Chart.yaml": "apiVersion: v2\nname: one\nversion: 1.0.0\n",
    "charts/one/values.yaml": "",
    "clusters/dev/till/x": "",
}
RIGHT_OF_DEV = "/clusters/dev/shop;/cmp.lock;/cmp.yaml;/namespaces/shop"
RIGHT_OF_ALL = "/clusters/*/shop/*;/cmp.lock;/cmp.yaml;/namespaces/shop"


def application(annotation: str | None, source: str) -> str:
    """Write an Application whose annotation stands in line 6."""
    metadata = f"  annotations:\n    {ANNOTATION}: '{annotation}'\n" if annotation is not None else ""
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: shop\n{metadata}"
        f"spec: {{source: {{repoURL: x, {source}}}}}\n"
    )


def application_set(annotation: str, source: str, more: str = "") -> str:
    """Write an ApplicationSet whose annotation stands in line 10."""
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n  goTemplate: true\n"
        f"  template:\n    metadata:\n      name: x\n      annotations:\n        {ANNOTATION}: '{annotation}'\n"
        f"    spec: {{source: {{repoURL: x, {source}}}}}\n{more}"
    )


def check(folder: Path, sandbox: Sandbox, text: str, tree: dict[str, str] | None = None) -> Ran:
    plant(folder, {**(tree or TREE), "argocd/a.yaml": text})
    return sandbox.run("paths", "--check", cwd=folder)


ON_DEV = "path: clusters/dev/shop, plugin: {}"
BY_PARAMETER = "path: namespaces/shop, plugin: {name: cmp, parameters: [{name: cluster, string: dev}]}"
BY_ENV = "path: namespaces/shop, plugin: {name: cmp, env: [{name: CLUSTER, value: dev}]}"


@pytest.mark.parametrize(
    ("annotation", "source"),
    [
        (None, ON_DEV),
        ("", ON_DEV),  # Argo CD takes it for none
        (RIGHT_OF_DEV, ON_DEV),
        (RIGHT_OF_ALL, ON_DEV),
        (".;/namespaces/shop", ON_DEV),
        ("/", ON_DEV),
        ("/namespaces;../../../clusters", ON_DEV),
        (".;/clusters/dev/shop", BY_PARAMETER),
        (".;/clusters/dev/shop/dev-*", BY_ENV),
        (".;/clusters", "path: ./namespaces/shop/, plugin: {}"),
    ],
)
def test_what_has_everything_is_right(annotation: str | None, source: str, tmp_path: Path, sandbox: Sandbox) -> None:
    ran = check(tmp_path, sandbox, application(annotation, source))
    assert (ran.stdout, ran.stderr, ran.code) == (
        "",
        "cmp: 1 Applications and ApplicationSets checked, 0 not right\n",
        0,
    )


@pytest.mark.parametrize(
    ("annotation", "source", "missing", "right"),
    [
        (".", ON_DEV, "/namespaces/shop", RIGHT_OF_DEV),
        (".", BY_PARAMETER, "/clusters/dev/shop", RIGHT_OF_DEV),
        (
            ".;/clusters/dev",
            "path: namespaces/shop, plugin: {}",  # which cluster? any of them
            "/clusters/prod/shop",
            RIGHT_OF_ALL,
        ),
        (
            ".;/namespaces/shop/*.secret.yaml;/namespaces/shop/Chart.yaml",
            ON_DEV,
            "/namespaces/shop/common-values-shop.yaml",
            RIGHT_OF_DEV,
        ),
        (".; /namespaces/shop", ON_DEV, "/namespaces/shop", RIGHT_OF_DEV),
        (".;/namespaces/**", ON_DEV, "/namespaces/shop", RIGHT_OF_DEV),
        ("/namespaces/till;.", "path: clusters/dev/till, plugin: {}", "/charts/one", ""),
    ],
)
def test_what_is_missing_is_named_with_the_whole_right_value(
    annotation: str, source: str, missing: str, right: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    right = right or "/charts/one;/clusters/dev/till;/cmp.lock;/cmp.yaml;/namespaces/till"
    ran = check(tmp_path, sandbox, application(annotation, source))
    assert (ran.stdout, ran.code) == (
        f"argocd/a.yaml:6: Application shop: the annotation lacks {missing}\n  right is {right}\n",
        1,
    )
    assert check(tmp_path / "then", sandbox, application(right, source)).code == 0


@pytest.mark.parametrize(
    ("annotation", "source", "said"),
    [
        (
            "/cmp.yaml;/namespaces/{{.app}};/clusters/{{.cluster}}/{{ .app }};/charts",
            "path: 'clusters/{{.cluster}}/{{.app}}', plugin: {}",
            "",
        ),
        (
            "/namespaces/{{ .path.basename }};/clusters/{{index .path.segments 1}};/charts",
            "path: '{{.path.path}}', plugin: {}",
            "",
        ),
        ("/namespaces/{{path.basename}};/clusters/{{path[1]}};/charts", "path: '{{path}}', plugin: {}", ""),
        (
            ".;/clusters/{{.name}}/{{.app}};/charts",
            "path: 'namespaces/{{.app}}', plugin: {parameters: [{name: cluster, string: '{{.name}}'}]}",
            "",
        ),
        (
            ".;/clusters/{{.name}}/{{.app}}",
            "path: 'namespaces/{{.app}}', plugin: {parameters: [{name: cluster, string: '{{.name}}'}]}",
            (
                "the annotation lacks /charts/one\n  right is "
                "/charts/one;/clusters/{{.name}}/{{.app}};/cmp.lock;/cmp.yaml;/namespaces/{{.app}}"
            ),
        ),
        (
            "/namespaces/{{path.basename}};/clusters/{{path[1]}}",
            "path: '{{path}}', plugin: {}",
            (
                "the annotation lacks /charts/one\n  right is "
                "/charts/one;/clusters/{{path[1]}}/{{path.basename}};/cmp.lock;/cmp.yaml;/namespaces/{{path.basename}}"
            ),
        ),
        (
            ".;/namespaces/{{.team}};/charts",
            "path: 'clusters/dev/{{.app}}', plugin: {}",
            (
                "cannot be decided: its {{…}} may or may not lead to /namespaces/shop, /namespaces/till\n  right is "
                "/charts/one;/clusters/dev/{{.app}};/cmp.lock;/cmp.yaml;/namespaces/{{.app}}"
            ),
        ),
    ],
)
def test_a_template_is_right_only_if_it_is_for_every_pair_that_it_may_stand_for(
    annotation: str, source: str, said: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    ran = check(tmp_path, sandbox, application_set(annotation, source))
    wanted = f"argocd/a.yaml:10: ApplicationSet all: {said}\n" if said else ""
    assert (ran.stdout, ran.code) == (wanted, 1 if said else 0)


def test_the_right_value_of_a_template_has_what_the_folders_capture(tmp_path: Path, sandbox: Sandbox) -> None:
    layout = "{apps: 'teams/{team}/{app}', name: '{team}-{app}', instances: '', values: ['v/{name}*.yaml']}"
    tree = {
        "cmp.yaml": f"version: 1\nlayout: {layout}\n",
        "teams/red/shop/Chart.yaml": CHART,
        "teams/blue/shop/Chart.yaml": CHART,
        "teams/blue/till/Chart.yaml": CHART,
        "v/red-shop.yaml": "a: 1\n",
    }
    text = application_set("/cmp.yaml", "path: 'teams/{{.team}}/{{.app}}', plugin: {}")
    assert check(tmp_path, sandbox, text, tree).stdout == (
        "argocd/a.yaml:10: ApplicationSet all: the annotation lacks /teams/blue/shop, /teams/blue/till, "
        "/teams/red/shop, /v/red-shop*.yaml\n  right is /cmp.lock;/cmp.yaml;"
        "/teams/{{.team}}/{{.app}};/v/{{.team}}-{{.app}}*.yaml\n"
    )


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("  templatePatch: 'metadata: {annotations: {}}'\n", "templatePatch"),
        (
            "  generators: [{matrix: {generators: [{list: {template: {metadata: {name: y}}}}]}}]\n",
            "a generator's own template",
        ),
    ],
)
def test_what_may_set_another_annotation_is_not_counted_as_right(
    more: str, what: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    ran = check(tmp_path, sandbox, application_set("/", ON_DEV, more))
    assert ran.stdout == (
        f"argocd/a.yaml:10: ApplicationSet all: cannot be decided: {what} may set another one than its template\n"
    )
    assert ran.code == 1


def test_what_cannot_be_looked_at_is_said_and_nothing_else_counts(tmp_path: Path, sandbox: Sandbox) -> None:
    files = {
        "argocd/other.yaml": application(".", "path: elsewhere, plugin: {}"),
        "argocd/helm.yaml": application(".", "path: namespaces/shop"),
        "argocd/template.yaml": "{{ if }}\n" + application(".", ON_DEV),
        "argocd/list.yaml": "apiVersion: v1\nkind: List\nitems:\n- "
        + application(".", ON_DEV).strip().replace("\n", "\n  ")
        + "\n",
    }
    ran = check(tmp_path, sandbox, "a: 1\n", {**TREE, **files})
    assert (ran.stdout, ran.stderr, ran.code) == (
        (f"argocd/list.yaml:9: Application shop: the annotation lacks /namespaces/shop\n  right is {RIGHT_OF_DEV}\n"),
        (
            "cmp: warning: argocd/other.yaml:6: Application shop is not checked: no application here has its source "
            "path\n"
            "cmp: warning: argocd/template.yaml is not checked: this is not YAML: a mapping or a list cannot be a key\n"
            "cmp: 1 Applications and ApplicationSets checked, 1 not right\n"
        ),
        1,
    )


def test_an_application_that_cannot_be_rendered_keeps_no_other_from_being_checked(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    files = {"clusters/dev/shop/lost.yaml": "", ".git/a.yaml": application(".", ON_DEV)}
    till = application("/namespaces/till", "path: clusters/dev/till, plugin: {}").replace("name: shop", "name: till")
    ran = check(tmp_path, sandbox, application(".", ON_DEV) + "---\n" + till, {**TREE, **files})
    assert (ran.stdout, ran.code) == (
        (
            "argocd/a.yaml:6: Application shop: cannot be decided: shop cannot be rendered: nothing uses the file "
            "clusters/dev/shop/lost.yaml\n"
            "argocd/a.yaml:14: Application till: the annotation lacks /charts/one, /clusters/dev/till\n"
            "  right is /charts/one;/clusters/dev/till;/cmp.lock;/cmp.yaml;/namespaces/till\n"
        ),
        1,
    )


def test_files_that_are_named_are_checked_alone_and_json_tells_all(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path, {**TREE, "a.yaml": application("/", ON_DEV), "b.yaml": application(".", ON_DEV)})
    ran = sandbox.run("paths", "--check", "--format", "json", "../b.yaml", cwd=tmp_path / "clusters")
    assert ran.code == 1
    (found,) = json.loads(ran.stdout)
    assert found == {
        "file": "../b.yaml",
        "line": 6,
        "kind": "Application",
        "name": "shop",
        "annotation": ".",
        "pairs": [{"application": "shop", "cluster": "dev"}],
        "missing": ["/namespaces/shop"],
        "undecided": [],
        "reason": "",
        "right": RIGHT_OF_DEV,
    }


@pytest.mark.parametrize(
    ("template", "text", "bound"),
    [
        ("a/{{.x}}", "a/b", {".x": "b"}),
        ("a/{{.x}}", "a/b/c", None),
        ("{{ .x }}", "a/b/c", {".x": "a/b/c"}),
        ("{{.x}}/{{- .x -}}", "a/a", {".x": "a"}),
        ("{{.x}}/{{.x}}", "a/b", None),
        ("a.b", "aXb", None),
        ("{{path}}/x", "a/b/x", {"path": "a/b", "path.basename": "b", "path[0]": "a", "path[1]": "b"}),
    ],
)
def test_an_expression_is_known_by_what_it_leads_to(template: str, text: str, bound: dict[str, str] | None) -> None:
    assert bind_expressions(template, text) == bound
