"""`cmp render --application`: what the sidecar prints for an Application, from the file that describes it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.application import merge_patch, substitute
from tests.chartworld import write_chart

if TYPE_CHECKING:
    from tests.harness import Ran, Sandbox

SHOWS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data:
  release: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
  values: {{ toJson .Values | quote }}
"""
APP, INSTANCE = "namespaces/shop", "clusters/dev/shop"
DEV = [{"name": "cluster", "string": "dev"}]


class World:
    """A checkout with the application shop on the clusters dev and prod, and files of Applications beside it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.root = sandbox.folder / "repo"
        self.file = sandbox.folder / "applications.yaml"
        self.plant("cmp.yaml", "version: 1\nclusters: {dev: {env: test, kubeVersion: '1.33'}, prod: {}}\n")
        write_chart(self.root / APP, "shop", "1.0.0")
        self.plant(f"{APP}/templates/map.yaml", SHOWS)
        self.plant(f"{APP}/common-values.yaml", "a: common\n")
        self.plant(f"{INSTANCE}/dev-values.yaml", "b: dev\n")
        self.plant(f"{INSTANCE}/more.yaml", "c: more\n")
        self.plant("clusters/prod/shop/prod-values.yaml", "b: prod\n")
        self.plant(
            "cmp.yaml", (self.root / "cmp.yaml").read_text() + "layout: {ignore: ['clusters/dev/shop/more.yaml']}\n"
        )
        git = ["git", "-c", "user.name=x", "-c", "user.email=x", "-C", str(self.root)]
        for argv in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "one"]):
            subprocess.run([*git, *argv], check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(sandbox.folder)})

    def plant(self, path: str, text: str) -> None:
        """Write a file of the checkout."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        argv = ["git", "-C", str(self.root), "rev-parse", "HEAD"]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def render(self, *documents: object, argv: tuple[str, ...] = (), cwd: str = ".") -> Ran:
        """Render an Application of a file with these documents."""
        self.file.write_text("".join(f"---\n{json.dumps(document)}\n" for document in documents))
        return self.sandbox.run("render", "--application", str(self.file), *argv, cwd=self.root / cwd)

    def generate(self, path: str, **env: str) -> Ran:
        """Call the plugin as Argo CD does."""
        source = {"ARGOCD_APP_SOURCE_PATH": path, **env}
        return replace(self.sandbox, extra=source).run("generate", cwd=self.root / path)


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    return World(sandbox)


def application(path: str, name: str = "shop-dev", *, namespace: str = "argocd", **plugin: object) -> dict[str, object]:
    """Return an Application; its destination namespace is orders."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "project": "team",
            "source": {
                "repoURL": "https://git.example.com/r.git",
                "targetRevision": "main",
                "path": path,
                "plugin": {"name": "cmp", **plugin},
            },
            "destination": {"name": "in-cluster", "namespace": "orders"},
        },
    }


def without_spec(document: dict[str, object], **source: object) -> dict[str, object]:
    """Return an Application with another source."""
    return {**document, "spec": {"source": source}}


class Case(NamedTuple):
    """An Application, what Argo CD would set for it (beside what is the same for all), and the overrides in Git."""

    document: dict[str, object]
    path: str
    env: dict[str, str]
    files: dict[str, str] = {}  # noqa: RUF012  # never written to


SHOP = {"ARGOCD_APP_NAME": "shop-dev", "ARGOCD_APP_NAMESPACE": "orders", "ARGOCD_APP_PROJECT_NAME": "team"}
CASES = {
    "the folder of an instance": Case(application(INSTANCE), INSTANCE, {**SHOP, "ARGOCD_APP_PARAMETERS": "null"}),
    "a parameter": Case(application(APP, parameters=DEV), APP, {**SHOP, "ARGOCD_APP_PARAMETERS": json.dumps(DEV)}),
    "outside the namespace of Argo CD": Case(
        application(INSTANCE, namespace="team-a"), INSTANCE, {**SHOP, "ARGOCD_APP_NAME": "team-a_shop-dev"}
    ),
    "every parameter": Case(
        application(
            APP,
            parameters=[
                *DEV,
                {"name": "values", "array": [f"{INSTANCE}/more.yaml"]},
                {"name": "values-yaml", "string": "d: yaml\n"},
                {"name": "set", "map": {"e": "{env}-{cluster}-{release}"}},
                {"name": "set-string", "map": {"f": "1.10"}},
                {"name": "release", "string": "given"},
                {"name": "helm-version", "string": "3.14.4"},
            ],
        ),
        APP,
        {
            **SHOP,
            "ARGOCD_APP_PARAMETERS": (
                '[{"name":"cluster","string":"dev"},{"name":"values","array":["clusters/dev/shop/more.yaml"]},'
                '{"name":"values-yaml","string":"d: yaml\\n"},{"name":"set","map":{"e":"{env}-{cluster}-{release}"}},'
                '{"name":"set-string","map":{"f":"1.10"}},{"name":"release","string":"given"},'
                '{"name":"helm-version","string":"3.14.4"}]'
            ),
        },
    ),
    "plugin.env with variables": Case(
        application(
            APP,
            env=[
                {"name": "CLUSTER", "value": "dev"},
                {"name": "SET", "value": "g=${ARGOCD_APP_NAME}.$ARGOCD_APP_NAMESPACE.$UNKNOWN.$$x"},
            ],
        ),
        APP,
        {**SHOP, "ARGOCD_ENV_CLUSTER": "dev", "ARGOCD_ENV_SET": "g=shop-dev.orders..$x"},
    ),
    "overrides in Git": Case(
        application(INSTANCE, parameters=[{"name": "set", "map": {"a": "weak"}}]),
        INSTANCE,
        {**SHOP, "ARGOCD_APP_PARAMETERS": '[{"name":"set","map":{"a":"strong"}}]', "ARGOCD_ENV_RELEASE": "from-git"},
        {
            ".argocd-source.yaml": (
                "path: elsewhere\nplugin:\n  parameters: [{name: set, map: {a: middle}}]\n"
                "  env: [{name: RELEASE, value: from-git}]\n"
            ),
            ".argocd-source-shop-dev.yaml": "plugin: {parameters: [{name: set, map: {a: strong}}]}\n",
            ".argocd-source-other.yaml": "plugin: {parameters: [{name: set, map: {a: wrong}}]}\n",
        },
    ),
    # As Argo CD decodes the result over what was there: null removes nothing, and a list is overlaid by position.
    "an override that would remove": Case(
        application(INSTANCE, parameters=[{"name": "set", "map": {"a": "stays"}}]),
        INSTANCE,
        {**SHOP, "ARGOCD_APP_PARAMETERS": '[{"name":"set","map":{"a":"stays"}}]'},
        {".argocd-source.yaml": "plugin: {parameters: null}\n"},
    ),
    "an override of one of two": Case(
        application(INSTANCE, parameters=[{"name": "set", "map": {"a": "weak", "d": "stays"}}, *DEV]),
        INSTANCE,
        {**SHOP, "ARGOCD_APP_PARAMETERS": '[{"name":"set-string","map":{"a":"1.10","d":"stays"}}]'},
        {".argocd-source.yaml": "plugin: {parameters: [{name: set-string, map: {a: '1.10'}}]}\n"},
    ),
    "overrides of one in another namespace": Case(
        application(INSTANCE, namespace="team-a"),
        INSTANCE,
        {**SHOP, "ARGOCD_APP_NAME": "team-a_shop-dev", "ARGOCD_ENV_RELEASE": "right"},
        {
            ".argocd-source-team-a_shop-dev.yaml": "plugin: {env: [{name: RELEASE, value: right}]}\n",
            ".argocd-source-shop-dev.yaml": "plugin: {env: [{name: RELEASE, value: wrong}]}\n",
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("cwd", [".", APP])
def test_it_prints_what_the_sidecar_prints(name: str, cwd: str, world: World) -> None:
    case = CASES[name]
    for file, text in case.files.items():
        world.plant(f"{case.path}/{file}", text)
    generated = world.generate(case.path, **case.env)
    rendered = world.render(case.document, cwd=cwd)
    assert (generated.code, rendered.code) == (0, 0), generated.stderr + rendered.stderr
    assert rendered.stdout == generated.stdout
    assert "warning" not in rendered.stderr  # nothing of this Application is unknown to the checkout


def test_the_commit_is_the_one_that_is_checked_out(world: World) -> None:
    variable = {
        "name": "SET",
        "value": "g=$ARGOCD_APP_REVISION-$ARGOCD_APP_REVISION_SHORT-$ARGOCD_APP_REVISION_SHORT_8",
    }
    ran = world.render(application(INSTANCE, env=[variable]))
    assert f"{world.head}-{world.head[:7]}-{world.head[:8]}" in ran.stdout


def test_the_command_line_is_stronger(world: World) -> None:
    document = application(APP, parameters=[*DEV, {"name": "set", "map": {"a": "application"}}])
    assert '\\"a\\":\\"flag\\"' in world.render(document, argv=("--set", "a=flag")).stdout


def test_one_of_several_is_chosen_by_its_name(world: World) -> None:
    first, second = application(INSTANCE, "first"), application("clusters/prod/shop", "second")
    listed = {"apiVersion": "v1", "kind": "List", "items": [first, {"kind": "ConfigMap"}, second]}
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first"}}
    for documents in ((other, first, second), (listed,)):
        assert "release: second" in world.render(*documents, argv=("--name", "second")).stdout
        assert world.render(*documents).stderr.splitlines()[0] == "cmp: there are 2 Applications in this file"
        assert world.render(*documents).stderr.splitlines()[2] == "  hint: choose by --name: first, second"


def test_one_of_several_sources_has_the_plugin(world: World) -> None:
    document = application(INSTANCE)
    source = document["spec"]["source"]  # type: ignore[index]
    document["spec"] = {**document["spec"], "sources": [{"repoURL": "x", "ref": "values"}, source]}  # type: ignore[dict-item]
    assert world.render(document).code == 0


def test_the_values_of_an_application(world: World) -> None:
    world.file.write_text(json.dumps(application(APP, parameters=DEV)))
    ran = world.sandbox.run("values", "--application", str(world.file), cwd=world.root)
    assert (ran.code, ran.stdout) == (0, "a: common\nb: dev\n"), ran.stderr


SET = {"kind": "ApplicationSet", "apiVersion": "argoproj.io/v1alpha1", "metadata": {"name": "x"}}
WRONG: dict[str, tuple[list[object], str]] = {
    "nothing": ([], "there is no Application in this file"),
    "a set": ([SET], "there is no Application in this file"),
    "no plugin": (
        [without_spec(application(APP), repoURL="x", path=APP)],
        "this Application has no source with a plugin",
    ),
    "a chart": (
        [without_spec(application(APP), repoURL="x", chart="shop", plugin={"name": "cmp"})],
        "this Application's source has no path in a Git repository",
    ),
    "another folder": (
        [application("namespaces/none")],
        "the source path namespaces/none is no folder of this checkout",
    ),
    "no application's folder": ([application("clusters")], "the source path clusters is no application's folder"),
    "an unknown parameter": (
        [application(APP, parameters=[{"name": "clutser", "string": "dev"}])],
        "unknown parameter `clutser`; did you mean `cluster`?",
    ),
    "a number": (
        [application(APP, parameters=[{"name": "cluster", "string": 1}])],
        "the parameter cluster must be a string",
    ),
    "a number in env": (
        [application(APP, env=[{"name": "SET", "value": 1}])],
        "value must be a string; put it in quotes",
    ),
    "env as a map": ([application(APP, env={"A": "b"})], "plugin.env must be a list of maps"),
    "two clusters": (
        [application(INSTANCE, parameters=[{"name": "cluster", "string": "prod"}])],
        "two clusters are asked for: prod by the parameter cluster, dev by the source path clusters/dev/shop",
    ),
    "no cluster": ([application(APP)], "which cluster? application shop runs on dev, prod"),
    "twice": ([application(APP), application(APP)], "there are 2 Applications in this file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_rendered_is_told_with_its_place(name: str, world: World) -> None:
    documents, what = WRONG[name]
    ran = world.render(*documents)
    assert (ran.code, ran.stdout, ran.stderr.splitlines()[0]) == (3, "", f"cmp: {what}")
    if name in ("no plugin", "a chart", "another folder", "an unknown parameter", "a number", "a number in env"):
        assert ran.stderr.splitlines()[1].endswith(f"{world.file}:1"), ran.stderr


def test_a_set_says_how_to_get_its_applications(world: World) -> None:
    world.file.write_text("kind: ApplicationSet\napiVersion: argoproj.io/v1alpha1\nmetadata: {name: x}\n")
    ran = world.sandbox.run("render", "--application", str(world.file), cwd=world.root)
    assert ran.stderr.splitlines()[2] == (
        "  hint: an ApplicationSet makes Applications: `argocd appset generate FILE --output yaml` prints them"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("plugin: [\n", "this is not YAML: did not find expected node content"),
        ("plugin: [a]\n", "merged into the Application's source, this leaves it without a plugin"),
        ("a text\n", "merged into the Application's source, this leaves it without a plugin"),
    ],
)
def test_an_override_that_cannot_be_merged(text: str, what: str, world: World) -> None:
    world.plant(f"{INSTANCE}/.argocd-source.yaml", text)
    ran = world.render(application(INSTANCE))
    assert ran.code == 3
    assert ran.stderr.splitlines()[0].startswith(f"cmp: {what}")
    assert f"{INSTANCE}/.argocd-source.yaml" in ran.stderr.splitlines()[1]


def test_a_file_that_is_not_there(world: World) -> None:
    ran = world.sandbox.run("render", "--application", "none.yaml", cwd=world.root)
    assert (ran.code, ran.stderr) == (
        2,
        "cmp: cannot read the file of --application: No such file or directory\n  where: phase layout, none.yaml\n",
    )


def test_a_name_without_a_file(world: World) -> None:
    ran = world.sandbox.run("render", "shop", "--name", "x", cwd=world.root)
    assert (ran.code, ran.stderr.splitlines()[0]) == (
        2,
        "cmp: --name chooses an Application of a file, and there is no --application",
    )


# What Go's os.Expand makes of these, with A=1 and `$` -> `$`.
@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("$A", "1"),
        ("${A}b", "1b"),
        ("$Ab", ""),
        ("$A-$B.", "1-."),
        ("$$A", "$A"),
        ("${$}", "$"),
        ("a$", "a$"),
        ("a$ b", "a$ b"),
        ("$.x", "$.x"),
        ("${}x", "x"),
        ("${A", "A"),
        ("$1A", "A"),
        ("$*$?", ""),
        ("${a b}c", "c"),
        ("$Ä", "$Ä"),
    ],
)
def test_variables_are_substituted_as_argo_cd_does(text: str, want: str) -> None:
    assert substitute(text, {"A": "1"}) == want


# The examples of RFC 7386, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "want"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch(target: object, patch: object, want: object) -> None:
    assert merge_patch(target, patch) == want
