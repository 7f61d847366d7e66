"""`cmp render --application`: what the sidecar prints for an Application, from the file that describes it."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from cmp.argocd.document import find
from cmp.argocd.reposerver import expand, overridden, variables
from cmp.errors import ConfigError
from tests.support.charts import write_chart
from tests.support.harness import DATA

if TYPE_CHECKING:
    from tests.support.harness import Ran, Sandbox

SHOWS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data:
  release: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
  kubernetes: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.APIVersions.Has "example.com/v1" }}
  values: {{ toJson .Values | quote }}
"""
CONFIGURATION = """\
version: 1
layout: {ignore: ["clusters/dev/shop/more.yaml"]}
clusters:
  dev: {env: test, kubeVersion: "1.33", apiVersions: [example.com/v1]}
  prod: {}
"""
APP, INSTANCE = "namespaces/shop", "clusters/dev/shop"
DEV = [{"name": "cluster", "string": "dev"}]


class World:
    """A checkout with the application shop on the clusters dev and prod, and files of Applications beside it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.root = sandbox.folder / "repo"
        self.file = sandbox.folder / "applications.yaml"
        self.plant("cmp.yaml", CONFIGURATION)
        write_chart(self.root / APP, "shop", "1.0.0")
        self.plant(f"{APP}/templates/map.yaml", SHOWS)
        self.plant(f"{APP}/common-values.yaml", "a: common\n")
        self.plant(f"{INSTANCE}/dev-values.yaml", "b: dev\n")
        self.plant(f"{INSTANCE}/more.yaml", "c: more\n")
        self.plant("clusters/prod/shop/prod-values.yaml", "b: prod\n")
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
        """Call the plugin as Argo CD does: in a copy of the repository without `.git`."""
        copy = self.sandbox.folder / "work"
        shutil.copytree(self.root, copy, ignore=shutil.ignore_patterns(".git"))
        cluster = {"KUBE_VERSION": "1.33", "KUBE_API_VERSIONS": "example.com/v1,v1/ConfigMap"}
        source = {**cluster, "ARGOCD_APP_SOURCE_PATH": path, **env}
        return replace(self.sandbox, extra=source).run("generate", cwd=copy / path)


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
                {"name": "set", "map": {"e": "$5 of $ARGOCD_APP_PROJECT_NAME"}},
                {"name": "set-string", "map": {"f": "1.10"}},
                {"name": "set-template", "map": {"h": "{env}-{cluster}-{release}"}},
                {"name": "release", "string": "given"},
                {"name": "helm-version", "string": "3.14.4"},
            ],
        ),
        APP,
        {
            **SHOP,
            "ARGOCD_APP_PARAMETERS": (
                '[{"name":"cluster","string":"dev"},{"name":"values","array":["clusters/dev/shop/more.yaml"]},'
                '{"name":"values-yaml","string":"d: yaml\\n"},'
                '{"name":"set","map":{"e":"$5 of $ARGOCD_APP_PROJECT_NAME"}},'
                '{"name":"set-string","map":{"f":"1.10"}},'
                '{"name":"set-template","map":{"h":"{env}-{cluster}-{release}"}},{"name":"release","string":"given"},'
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
    assert _warnings(rendered) == _warnings(generated)
    assert ".argocd-source" not in rendered.stderr


def _warnings(ran: Ran) -> list[str]:
    return [line for line in ran.stderr.splitlines() if "warning" in line]


def test_the_commit_is_the_one_that_is_checked_out(world: World) -> None:
    variable = {
        "name": "SET",
        "value": "g=$ARGOCD_APP_REVISION-$ARGOCD_APP_REVISION_SHORT-$ARGOCD_APP_REVISION_SHORT_8",
    }
    ran = world.render(application(INSTANCE, env=[variable]))
    assert f"{world.head}-{world.head[:7]}-{world.head[:8]}" in ran.stdout


def test_a_parameter_gets_the_commit_and_zeros_where_none_is_known(world: World) -> None:
    tag = {"name": "set-string", "map": {"tag": "$ARGOCD_APP_REVISION_SHORT"}}
    ran = world.render(application(INSTANCE, parameters=[tag]))
    assert f'\\"tag\\":\\"{world.head[:7]}\\"' in ran.stdout
    assert _warnings(ran) == _warnings(world.render(application(INSTANCE)))
    shutil.rmtree(world.root / ".git")
    (world.root / ".git").mkdir()
    ran = world.render(application(INSTANCE, parameters=[tag]))
    assert (ran.code, '\\"tag\\":\\"0000000\\"' in ran.stdout) == (0, True), ran.stderr
    assert _warnings(ran)[-1] == (
        "cmp: warning: Argo CD puts the commit for $ARGOCD_APP_REVISION_SHORT in set-string tag; "
        "here zeros stand for it"
    )


def test_the_command_line_is_stronger(world: World) -> None:
    document = application(APP, parameters=[*DEV, {"name": "set", "map": {"a": "application"}}])
    for flag in ("--set", "--set-string", "--set-template"):
        assert '\\"a\\":\\"flag\\"' in world.render(document, argv=(flag, "a=flag")).stdout


BOTH = [application(INSTANCE, "first"), application("clusters/prod/shop", "second")]
FORMS: dict[str, list[object]] = {
    "documents": [{"kind": "ConfigMap"}, *BOTH, "text"],
    "kubectl get": [{"apiVersion": "v1", "kind": "List", "items": [{"kind": "ConfigMap"}, *BOTH]}],
    "argocd appset generate": [BOTH],
    "argocd app list": [[{"metadata": each["metadata"], "spec": each["spec"]} for each in BOTH]],
}


@pytest.mark.parametrize("form", FORMS)
def test_one_of_several_is_chosen_by_its_name(form: str, world: World) -> None:
    for name in ("second", "argocd/second"):
        assert '\\"b\\":\\"prod\\"' in world.render(*FORMS[form], argv=("--name", name)).stdout
    assert world.render(*FORMS[form]).stderr == (
        "cmp: there are 2 Applications in this file\n"
        f"  where: phase layout, {world.file}\n"
        "  hint: choose by --name: first, second\n"
    )
    assert world.render(*FORMS[form], argv=("--name", "secnd")).stderr == (
        "cmp: there is no Application secnd in this file\n"
        f"  where: phase layout, {world.file}\n"
        "  hint: did you mean `second`?\n"
    )


def test_one_of_two_namespaces_is_chosen_by_both(world: World) -> None:
    documents = [application(INSTANCE), application("clusters/prod/shop", namespace="team-a")]
    assert '\\"b\\":\\"prod\\"' in world.render(*documents, argv=("--name", "team-a/shop-dev")).stdout
    assert world.render(*documents, argv=("--name", "shop-dev")).stderr == (
        "cmp: there are 2 Applications shop-dev in this file\n"
        f"  where: phase layout, {world.file}\n"
        "  hint: choose by --name: argocd/shop-dev, team-a/shop-dev\n"
    )


def test_one_application_that_is_there_twice(world: World) -> None:
    assert world.render(application(INSTANCE), application(INSTANCE)).stderr == (
        "cmp: there are 2 Applications in this file\n"
        f"  where: phase layout, {world.file}\n"
        "  hint: remove all but one of them\n"
    )


def test_one_of_several_sources_has_the_plugin(world: World) -> None:
    document = application(INSTANCE)
    source = document["spec"]["source"]  # type: ignore[index]
    document["spec"] = {**document["spec"], "sources": [{"repoURL": "x", "ref": "values"}, source]}  # type: ignore[dict-item]
    assert world.render(document).code == 0


def test_the_dry_source_of_a_hydrator_has_the_plugin(world: World) -> None:
    document = application(INSTANCE)
    spec: dict[str, Any] = document["spec"]  # type: ignore[assignment]
    dry = spec.pop("source")
    spec["sourceHydrator"] = {"drySource": dry, "syncSource": {"targetBranch": "rendered/dev", "path": "shop"}}
    assert world.render(document).stdout == world.render(application(INSTANCE)).stdout != ""
    dry["repoURL"] = 5
    assert world.render(document).stderr.startswith("cmp: spec.sourceHydrator.drySource.repoURL must be a string")


def test_the_values_of_an_application(world: World) -> None:
    world.file.write_text(json.dumps(application(APP, parameters=DEV)))
    ran = world.sandbox.run("values", "--application", str(world.file), cwd=world.root)
    assert (ran.code, ran.stdout) == (0, "a: common\nb: dev\n"), ran.stderr


def test_an_application_on_stdin(world: World) -> None:
    ran = subprocess.run(
        world.sandbox.command("render", "--application", "-"),
        cwd=world.root,
        env=world.sandbox.env(),
        input=json.dumps(application(INSTANCE)).encode(),
        capture_output=True,
        check=True,
    )
    assert ran.stdout.decode() == world.render(application(INSTANCE)).stdout


def test_a_plugin_may_come_from_git_alone(world: World) -> None:
    document: dict[str, Any] = application(INSTANCE)
    del document["spec"]["source"]["plugin"]
    world.plant(f"{INSTANCE}/.argocd-source.yaml", "plugin: {name: cmp, env: [{name: RELEASE, value: from-git}]}\n")
    assert "release: from-git" in world.render(document).stdout


def test_a_tree_below_the_git_root_is_found_from_anywhere(sandbox: Sandbox) -> None:
    world = World(sandbox)
    (world.root / "deploy").mkdir()
    for name in ("cmp.yaml", "namespaces", "clusters"):
        (world.root / name).rename(world.root / "deploy" / name)
    document = application(f"deploy/{INSTANCE}")
    assert "release: shop-dev" in world.render(document).stdout
    assert world.render(document).stdout == world.render(document, cwd="deploy/namespaces").stdout


@pytest.mark.parametrize("path", [f"./{INSTANCE}", f"{INSTANCE}/", f"clusters/../{INSTANCE}"])
def test_the_source_path_is_read_as_argo_cd_does(path: str, world: World) -> None:
    assert world.render(application(path)).stdout == world.render(application(INSTANCE)).stdout != ""


def test_what_only_argo_cd_knows_is_asked_for(world: World) -> None:
    document = application(INSTANCE, env=[{"name": "SET", "value": "g=$KUBE_VERSION"}])
    assert world.render(document).stderr == (
        "cmp: plugin.env uses KUBE_VERSION, which only Argo CD knows\n"
        f"  where: phase layout, {world.file}:2\n"
        "  hint: say it by --kube-version\n"
    )
    rendered = world.render(document, argv=("--kube-version", "1.34"))
    generated = world.generate(INSTANCE, **SHOP, ARGOCD_ENV_SET="g=1.34", KUBE_VERSION="1.34")
    assert '\\"g\\":\\"1.34\\"' in rendered.stdout
    assert (rendered.stdout, _warnings(rendered)) == (generated.stdout, _warnings(generated))


def test_the_commit_of_no_repository_is_not_made_up(world: World) -> None:
    shutil.rmtree(world.root / ".git")
    document = application(INSTANCE, env=[{"name": "SET", "value": "g=$ARGOCD_APP_REVISION"}])
    ran = world.render(document)
    assert (ran.code, ran.stdout) == (4, "")
    assert ran.stderr.startswith(
        "cmp: the commit of this checkout, which the Application uses, is not known: there is no Git "
    )
    assert world.render(application(INSTANCE)).code == 0


def test_a_home_is_not_needed(world: World) -> None:
    world.file.write_text(json.dumps(application(INSTANCE)))
    ran = world.sandbox.run("render", "--application", str(world.file), cwd=world.root, HOME="")
    assert ran.stdout == world.render(application(INSTANCE)).stdout != ""


@pytest.mark.parametrize(
    ("argv", "env", "what"),
    [
        (("--cluster", "prod"), {}, "two clusters are asked for: prod by the command line, dev by "),
        ((), {"CMP_CLUSTER": "prod"}, "two clusters are asked for: dev by the source path clusters/dev/shop, prod by "),
        (("other",), {}, "two applications are asked for: other by the command line, shop by "),
    ],
)
def test_nothing_else_may_disagree(argv: tuple[str, ...], env: dict[str, str], what: str, world: World) -> None:
    world.file.write_text(json.dumps(application(INSTANCE)))
    sandbox = replace(world.sandbox, extra=env)
    ran = sandbox.run("render", "--application", str(world.file), *argv, cwd=world.root)
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr.startswith(f"cmp: {what}")
    assert ran.stderr.splitlines()[1] == f"  where: phase layout, {world.file}:1"


def test_the_policy_holds_for_a_file_too(world: World) -> None:
    policy = world.sandbox.folder / "policy.yaml"
    policy.write_text("version: 1\napplications: [{projects: [other], namespaces: ['*'], folders: ['**']}]\n")
    world.file.write_text(json.dumps(application(INSTANCE)))
    run = ("render", "--application", str(world.file))
    ran = world.sandbox.run(*run, cwd=world.root, CMP_POLICY=str(policy))
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr.startswith("cmp: the administrator's policy has no rule for AppProject team\n")


HEAD = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop-dev}
spec:
  project: team
  destination: {namespace: orders}
"""
SOURCE = f"""\
  source:
    repoURL: https://git.example.com/r.git
    path: {INSTANCE}
    plugin:
"""
REFUSED = "  hint: the API server would refuse this Application"
ONE_PLUGIN = "  hint: cmp renders a source with `plugin: {name: cmp}`"
# The text of a file, and the three lines with FILE for its name.
WRONG = {
    "nothing": ("", "there is no Application in this file", "phase layout, FILE", ""),
    "other kinds": (
        "kind: Application\napiVersion: app.k8s.io/v1\n",
        "there is no Application in this file",
        "phase layout, FILE",
        "",
    ),
    "a set": (
        '{"kind": "ApplicationSet", "apiVersion": "argoproj.io/v1alpha1"}\n',
        "there is no Application in this file",
        "phase layout, FILE",
        "  hint: `argocd appset generate FILE -o yaml` prints the Applications of an ApplicationSet",
    ),
    "no YAML": ("a: [\n", "this is not YAML: did not find expected node content", "phase layout, FILE:2:1", ""),
    "no source": (HEAD, "this Application has no source", "phase layout, FILE:4", ""),
    "no plugin": (
        f"{HEAD}  source: {{repoURL: r, path: {INSTANCE}}}\n",
        "no source of this Application has a plugin",
        "phase layout, FILE:7",
        ONE_PLUGIN,
    ),
    "no plugin in several": (
        f"{HEAD}  sources:\n  - {{repoURL: r, path: {INSTANCE}}}\n  - {{repoURL: r, ref: x}}\n",
        "no source of this Application has a plugin",
        "phase layout, FILE:4",
        ONE_PLUGIN,
    ),
    "two plugins": (
        f"{HEAD}  sources:\n  - {{repoURL: r, path: a, plugin: {{}}}}\n  - {{repoURL: r, path: b, plugin: {{}}}}\n",
        "several sources of this Application have a plugin",
        "phase layout, FILE:4",
        "  hint: cmp renders one",
    ),
    "a chart": (
        f"{HEAD}  source: {{repoURL: r, chart: redis, plugin: {{}}}}\n",
        "the source has a chart of a Helm repository: a plugin renders a folder of a Git repository",
        "phase layout, FILE:7",
        "",
    ),
    "no path": (
        f"{HEAD}  source: {{repoURL: r, plugin: {{}}}}\n",
        "the source has no path: a plugin renders a folder of a Git repository",
        "phase layout, FILE:7",
        "",
    ),
    "two tools": (
        f"{HEAD}{SOURCE}      name: cmp\n    helm: {{releaseName: x}}\n",
        "the source has helm and a plugin: Argo CD takes one of them",
        "phase layout, FILE:7",
        "  hint: remove all but one of them",
    ),
    "another folder": (
        f"{HEAD}{SOURCE}      name: cmp\n".replace(INSTANCE, "namespaces/none"),
        "there is no folder namespaces/none in this checkout",
        "phase layout, FILE:9",
        "  hint: go into a checkout of the repository and revision that the Application names",
    ),
    "a folder above": (
        f"{HEAD}{SOURCE}      name: cmp\n".replace(INSTANCE, "../repo/clusters"),
        "there is no folder ../repo/clusters in this checkout",
        "phase layout, FILE:9",
        "  hint: go into a checkout of the repository and revision that the Application names",
    ),
    "no application's folder": (
        f"{HEAD}{SOURCE}      name: cmp\n".replace(INSTANCE, "clusters"),
        "the source path clusters is no application's folder",
        "phase layout, FILE:7",
        "  hint: the layout has them in namespaces/{app} and clusters/{cluster}/{app}",
    ),
    "an unknown parameter": (
        f"{HEAD}{SOURCE}      parameters: [{{name: clutser, string: dev}}]\n",
        "unknown parameter `clutser`; did you mean `cluster`?",
        "phase layout, FILE:7",
        "",
    ),
    "another cluster": (
        f"{HEAD}{SOURCE}      parameters: [{{name: cluster, string: prod}}]\n",
        "two clusters are asked for: prod by the parameter cluster, dev by the source path clusters/dev/shop",
        "phase layout, FILE:7",
        "  hint: they must agree; only one of the clusters can be rendered",
    ),
    "no cluster": (
        f"{HEAD}{SOURCE}      name: cmp\n".replace(INSTANCE, APP),
        "which cluster? application shop runs on dev, prod",
        "application shop, phase layout, FILE:7",
        (
            "  hint: name it by --cluster; in Argo CD by the parameter cluster, a source path such as "
            "clusters/{cluster}/{app}, or CMP_CLUSTER in the sidecar"
        ),
    ),
    "a number": (
        f"{HEAD}{SOURCE}      parameters:\n      - name: set\n        map:\n          a: 'x'\n          b: true\n",
        "spec.source.plugin.parameters[0].map.b must be a string; put it in quotes",
        "phase layout, FILE:15",
        REFUSED,
    ),
    "a null": (
        f"{HEAD}{SOURCE}      env:\n      - name: SET\n        value:\n",
        "spec.source.plugin.env[0].value must be a string",
        "phase layout, FILE:13",
        REFUSED,
    ),
    "a list in place of a text": (
        f"{HEAD}{SOURCE}      env:\n      - name: SET\n        value: [x]\n",
        "spec.source.plugin.env[0].value must be a string",
        "phase layout, FILE:13",
        REFUSED,
    ),
    "in a list": (
        f"kind: List\nitems:\n- {HEAD}{SOURCE}      name: 1\n".replace("\n", "\n  ").replace(
            "  items:\n  -", "items:\n-"
        ),
        "spec.source.plugin.name must be a string; put it in quotes",
        "phase layout, FILE:13",
        REFUSED,
    ),
}


ONLY_WITH_A_PLUGIN = ("no plugin", "no plugin in several", "two plugins")  # `cmp render` takes these, too


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_rendered_is_told_with_its_place(name: str, world: World) -> None:
    text, what, where, hint = WRONG[name]
    world.file.write_text(text)
    command = "values" if name in ONLY_WITH_A_PLUGIN else "render"
    ran = world.sandbox.run(command, "--application", str(world.file), cwd=world.root)
    lines = [f"cmp: {what}", f"  where: {where.replace('FILE', str(world.file))}", *([hint] if hint else [])]
    assert (ran.code, ran.stdout, ran.stderr.splitlines()) == (3, "", lines)


def test_all_mistakes_are_told_at_once(world: World) -> None:
    world.file.write_text(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {}\nspec:\n  destination: x\n  source:\n"
        "    path: 7\n    plugin:\n      env: {A: b}\n      parameters: [a, {array: b, map: [c]}]\n"
    )
    ran = world.sandbox.run("render", "--application", str(world.file), cwd=world.root)
    assert ran.stderr.replace(str(world.file), "FILE") == (
        "cmp: 9 mistakes in the configuration\n"
        "  FILE:3: metadata has no name\n"
        "  FILE:4: spec has no project\n"
        "  FILE:5: spec.destination must be a map\n"
        "  FILE:6: spec.source has no repoURL\n"
        "  FILE:7: spec.source.path must be a string; put it in quotes\n"
        "  FILE:9: spec.source.plugin.env must be a list\n"
        "  FILE:10: spec.source.plugin.parameters[0] must be a map\n"
        "  FILE:10: spec.source.plugin.parameters[1].array must be a list\n"
        "  FILE:10: spec.source.plugin.parameters[1].map must be a map\n"
        "  where: phase layout\n"
        "  hint: the API server would refuse this Application\n"
    )


REFUSED_FILE = "  hint: Argo CD refuses to merge this file into the Application's source"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("plugin: [\n", ["cmp: this is not YAML: did not find expected node content", "FILE:2:1"]),
        ("plugin: [a]\n", ["cmp: plugin must be a map", "FILE:1", REFUSED_FILE]),
        ("\na text\n", ["cmp: the document must be a map", "FILE:1", REFUSED_FILE]),
        ("# nothing\n", ["cmp: Argo CD refuses this file: it is empty", "FILE", "  hint: remove it"]),
        (
            "plugin:\n  env:\n  - {name: SET, value: 1}\n",
            ["cmp: plugin.env[0].value must be a string; put it in quotes", "FILE:3", REFUSED_FILE],
        ),
    ],
)
def test_an_override_that_cannot_be_merged(text: str, lines: list[str], world: World) -> None:
    file = f"{INSTANCE}/.argocd-source.yaml"
    world.plant(file, text)
    ran = world.render(application(INSTANCE))
    what, where, *hint = lines
    where = f"  where: phase layout, {where.replace('FILE', file)}"
    assert (ran.code, ran.stdout, ran.stderr.splitlines()) == (3, "", [what, where, *hint])


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


# What Argo CD 3.2.6 makes of them: `mergeSourceParameters` with `getPluginParamEnvs`, and `Envsubst`.
REAL = json.loads((DATA / "argocd-source.json").read_text())


@pytest.mark.parametrize("case", REAL["overrides"], ids=lambda case: case["name"])
def test_overrides_are_merged_as_argo_cd_does(case: dict[str, Any]) -> None:
    document: dict[str, Any] = application("app", "app")
    document["spec"]["source"]["plugin"] = case["plugin"]
    if not case["plugin"]:
        del document["spec"]["source"]["plugin"]
    names = ("app/.argocd-source.yaml", "app/.argocd-source-app.yaml")
    files = {name: text.encode() for name, text in zip(names, case["files"], strict=False)}
    found = find(json.dumps(document).encode(), "file", "")
    if case["gets"] is None:
        with pytest.raises(ConfigError):
            overridden(found, files.get)
        return
    gets = variables(overridden(found, files.get), {})
    parameters = json.loads(gets["ARGOCD_APP_PARAMETERS"])
    env = {name: value for name, value in gets.items() if name.startswith("ARGOCD_ENV_")}
    assert {**env, "ARGOCD_APP_PARAMETERS": parameters} == case["gets"]


@pytest.mark.parametrize(("text", "want"), REAL["references"])
def test_variables_are_expanded_as_argo_cd_does(text: str, want: str) -> None:
    assert expand(text, {"A": "1", "_a": "under"}) == want
