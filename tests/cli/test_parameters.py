"""`cmp parameters`: what Argo CD's form shows, from the checkout alone and the few variables that this call gets."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp.argocd import parameters
from cmp.repository.config.model import PINS
from tests.support import bare_tools, versions
from tests.support.charts import write_chart
from tests.support.harness import DATA

if TYPE_CHECKING:
    from tests.support.harness import Ran, Sandbox

pytestmark = pytest.mark.no_tools

GOLDEN = DATA / "announcement.json"
APP = "namespaces/shop"
INSTANCE = "clusters/dev/shop"


class Asked:
    """A repository with the application shop on the clusters dev and prod, and the calls of Argo CD in it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.policy: dict[str, str] = {}
        self.root = sandbox.folder / "repo"
        write_chart(self.root / APP, "shop", "1.0.0")
        (self.root / APP / "templates/map.yaml").write_text(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {{ toJson .Values.data }}\n"
        )
        (self.root / APP / "common-values.yaml").write_text("data: {a: common, b: common}\n")
        for cluster in ("dev", "prod"):
            folder = self.root / "clusters" / cluster / "shop"
            folder.mkdir(parents=True)
            (folder / f"{cluster}-values.yaml").write_text(f"data: {{b: {cluster}}}\n")
        (self.root / ".git").mkdir()

    def call(self, verb: str, path: str, *given: object, **env: str) -> Ran:
        """Call the plugin as Argo CD does for the parameters: no namespace, project, revision or Kubernetes version."""
        variables = {
            "ARGOCD_APP_NAME": "team_shop-dev",
            "ARGOCD_APP_SOURCE_REPO_URL": "https://git.example.com/repo.git",
            "ARGOCD_APP_SOURCE_PATH": path,
            "ARGOCD_APP_SOURCE_TARGET_REVISION": "main",
            "ARGOCD_APP_PARAMETERS": json.dumps(given) if given else "null",
            **env,
        }
        return replace(self.sandbox, extra=variables).run(*verb.split(), cwd=self.root / path)

    def announced(self, path: str, *given: object, **env: str) -> dict[str, dict[str, object]]:
        """Return the announcement by name."""
        ran = self.call("parameters", path, *given, **env)
        assert ran.code == 0, ran.stderr
        return {element["name"]: element for element in json.loads(ran.stdout)}


@pytest.fixture
def asked(sandbox: Sandbox) -> Asked:
    """Return a sidecar that has three helms and sops, whatever else is installed here."""
    store = sandbox.folder / "tools"
    for tool in (*(f"helm/{helm}" for helm in versions.HELM_LINES), f"sops/{versions.SOPS[-1]}"):
        (store / tool).parent.mkdir(parents=True, exist_ok=True)
        (store / tool).symlink_to(Path(sandbox.tools_dir) / tool)
    sandbox.tools_dir = str(store)
    return Asked(sandbox)


def present(announced: dict[str, dict[str, object]]) -> dict[str, object]:
    """Return what the form shows as set."""
    return {name: element[kind] for name, kind in parameters.KINDS.items() if (element := announced[name]).get(kind)}


def test_every_parameter_that_is_read_is_announced_with_its_kind(asked: Asked) -> None:
    announced = asked.announced(INSTANCE)
    assert {name: element["collectionType"] for name, element in announced.items()} == parameters.KINDS
    for name, element in announced.items():
        assert set(element) <= {
            "name",
            "title",
            "tooltip",
            "required",
            "itemType",
            "collectionType",
            element["collectionType"],
        }
        assert (element["itemType"], bool(element["title"]), element["required"]) == ("string", True, False), name


@pytest.mark.tools
@pytest.mark.parametrize(("path", "given"), [(INSTANCE, ()), (APP, ({"name": "cluster", "string": "dev"},))])
def test_the_announcement_is_the_same_for_both_forms_of_the_source_path(
    path: str, given: tuple[object, ...], asked: Asked
) -> None:
    (asked.root / "cmp.yaml").write_text("version: 1\ntools:\n  helm: 3.14.4\n")
    (asked.root / APP / "cmp-app.yaml").write_text("tools: {kustomize: 5.4.2}\n")
    tags = {"name": "set-string", "map": {"image.tag": "1.10"}}
    ran = asked.call("parameters", path, *given, tags)
    assert (ran.code, ran.stderr) == (0, "")
    assert json.loads(ran.stdout) == json.loads(GOLDEN.read_text("utf-8"))


@pytest.mark.tools
def test_what_is_in_effect_is_present(asked: Asked) -> None:
    announced = asked.announced(INSTANCE)
    assert present(announced) == {
        "cluster": "dev",
        "release": "shop-dev",
        **{f"{tool}-version": PINS[tool].version for tool in ("helm", "kustomize", "cue", "helmfile")},
    }
    assert str(announced["values"]["tooltip"]).endswith(
        "In use, weakest first: namespaces/shop/common-values.yaml, clusters/dev/shop/dev-values.yaml."
    )
    assert str(announced["helm-version"]["tooltip"]).endswith(f"Installed: {', '.join(versions.HELM_LINES)}.")
    assert str(announced["kustomize-version"]["tooltip"]).endswith("Installed: none.")


GIVEN = (
    {"name": "cluster", "string": "prod"},
    {"name": "values", "array": ["clusters/prod/shop/prod-v*.yaml"]},
    {"name": "values-yaml", "string": "data: {c: yaml}\n"},
    {"name": "set", "map": {"data.d": "$ARGOCD_APP_NAME"}},
    {"name": "set-string", "map": {"data.e": "1.10"}},
    {"name": "set-template", "map": {"data.f": "{cluster}"}},
    {"name": "release", "string": "given"},
    {"name": "helm-version", "string": "3.14.4"},
)


@pytest.mark.tools
@pytest.mark.parametrize(("path", "given"), [(INSTANCE, ()), (APP, GIVEN), (APP, GIVEN[:1])])
def test_a_form_that_is_saved_as_it_is_changes_nothing(path: str, given: tuple[object, ...], asked: Asked) -> None:
    announced = asked.announced(path, *given)
    saved = [{"name": name, parameters.KINDS[name]: value} for name, value in present(announced).items()]
    before, after = asked.call("generate", path, *given), asked.call("generate", path, *saved)
    assert (before.code, after.code) == (0, 0), before.stderr + after.stderr
    assert after.stdout == before.stdout != ""


def test_what_the_application_sets_is_shown_as_it_was_written(asked: Asked) -> None:
    shown = present(asked.announced(APP, *GIVEN))
    pinned = {"kustomize-version": "5.8.2", "cue-version": "0.17.1", "helmfile-version": "1.8.0"}
    kinds = parameters.KINDS
    assert shown == {element["name"]: element[kinds[str(element["name"])]] for element in GIVEN} | pinned


def test_plugin_env_is_a_fall_back_here_too(asked: Asked) -> None:
    assert present(asked.announced(APP, ARGOCD_ENV_CLUSTER="prod"))["cluster"] == "prod"
    assert present(asked.announced(APP, ARGOCD_APP_PARAMETERS="", PARAM_CLUSTER="prod"))["cluster"] == "prod"


def test_a_cluster_that_nobody_has_chosen_is_required(asked: Asked) -> None:
    ran = asked.call("parameters", APP)
    (cluster,) = [element for element in json.loads(ran.stdout) if element["name"] == "cluster"]
    assert (ran.code, ran.stderr) == (0, "cmp: warning: which cluster? application shop runs on dev, prod\n")
    assert (cluster["required"], "string" in cluster) == (True, False)
    assert str(cluster["tooltip"]).endswith("This application runs on dev, prod.")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"name": "cluster", "string": "pord"},
            "application shop does not run on cluster pord: there is no folder clusters/pord/shop",
        ),
        ({"name": "clutser", "string": "dev"}, "unknown parameter `clutser`; did you mean `cluster`?"),
        ({"name": "values", "string": "a.yaml"}, "the parameter values must be an array of strings, not a string"),
        ({"name": "set", "map": {"": "x"}}, "the parameter set has a value without a key"),
        ({"name": "cluster", "string": "dev"}, ""),
    ],
)
def test_what_the_form_can_mend_does_not_take_the_form_away(given: object, said: str, asked: Asked) -> None:
    ran = asked.call("parameters", APP, given)
    assert (ran.code, len(json.loads(ran.stdout))) == (0, len(parameters.ALL))
    assert ran.stderr.partition("\n")[0] == (f"cmp: warning: {said}" if said else "")


def test_beside_a_wrong_parameter_the_others_are_present(asked: Asked) -> None:
    wrong = {"name": "sett", "map": {}}, {"name": "values", "string": "a.yaml"}
    ran = asked.call("parameters", APP, *GIVEN[:1], *wrong)
    assert ran.stderr.splitlines() == [
        "cmp: warning: unknown parameter `sett`; did you mean `set`?",
        "cmp: warning: the parameter values must be an array of strings, not a string",
    ]
    announced = {element["name"]: element for element in json.loads(ran.stdout)}
    assert present(announced) == present(asked.announced(APP, *GIVEN[:1]))
    assert present(announced)["cluster"] == "prod"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            f"{INSTANCE}/cmp-app.yaml",
            "tols: {}\n",
            "unknown key `tols`; did you mean `tools`? (clusters/dev/shop/cmp-app.yaml:1:1)",
        ),
        (
            f"{APP}/cmp-app.yaml",
            "tols: {}\n",
            "unknown key `tols`; did you mean `tools`? (namespaces/shop/cmp-app.yaml:1:1)",
        ),
        (f"{INSTANCE}/lost.yaml", "a: 1\n", "nothing uses the file clusters/dev/shop/lost.yaml"),
    ],
)
def test_an_application_that_is_broken_still_has_a_form_and_the_cluster_of_its_path(
    file: str, text: str, said: str, asked: Asked
) -> None:
    (asked.root / file).write_text(text)
    ran = asked.call("parameters", INSTANCE)
    announced = {element["name"]: element for element in json.loads(ran.stdout)}
    assert (ran.code, ran.stderr) == (0, f"cmp: warning: {said}\n")
    assert (present(announced), announced["cluster"]["required"]) == ({"cluster": "dev"}, False)


def test_the_cluster_of_a_locked_sidecar_is_present(asked: Asked) -> None:
    assert present(asked.announced(APP, CMP_CLUSTER="prod"))["cluster"] == "prod"
    (asked.root / "clusters/prod/shop/lost.yaml").write_text("")
    assert present(asked.announced(APP, CMP_CLUSTER="prod")) == {"cluster": "prod"}


def test_an_application_without_clusters_requires_none(asked: Asked) -> None:
    (asked.root / "cmp.yaml").write_text("version: 1\nlayout: {apps: 'namespaces/{app}', instances: '', values: []}\n")
    cluster = asked.announced(APP)["cluster"]
    assert ("string" in cluster, cluster["required"]) == (False, False)


@pytest.mark.tools
def test_rows_that_nobody_filled_change_nothing(asked: Asked) -> None:
    """The form saves a row for every click on its plus."""
    empty = {"name": "values", "array": ["", " "]}, {"name": "set", "map": {"": ""}}
    assert asked.call("generate", INSTANCE, *empty).stdout == asked.call("generate", INSTANCE).stdout != ""


def test_unknown_parameters_are_told_at_once(asked: Asked) -> None:
    ran = asked.call("generate", APP, {"name": "clutser", "string": "dev"}, {"name": "sett", "map": {}})
    assert ran.stderr.splitlines()[0] == (
        "cmp: unknown parameter `clutser`; did you mean `cluster`?; unknown parameter `sett`; did you mean `set`?"
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("version: 2\n", "cmp: version `2` of this file is unknown to cmp"),
        ("layout: [\n", "cmp: this is not valid YAML"),
    ],
)
def test_a_repository_that_cannot_be_read_is_an_error(spoil: str, said: str, asked: Asked) -> None:
    (asked.root / "cmp.yaml").write_text(spoil)
    ran = asked.call("parameters", INSTANCE)
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr.startswith(said)
    assert ran.stderr.endswith("see operations.md#configuration\n")


def test_a_source_path_that_is_no_application_is_an_error(asked: Asked) -> None:
    ran = asked.call("parameters", "clusters/dev")
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr.splitlines()[0] == "cmp: the source path clusters/dev is no application's folder"


def test_it_takes_no_arguments(asked: Asked) -> None:
    ran = asked.sandbox.run("parameters", "--all", cwd=asked.root)
    assert (ran.code, ran.stdout, ran.stderr.splitlines()[0]) == (2, "", "cmp: parameters takes no arguments")


@pytest.mark.parametrize("verb", ["generate", "parameters"])
def test_a_call_of_the_sidecar_has_help(verb: str, sandbox: Sandbox, tmp_path: Path) -> None:
    ran = sandbox.run(verb, "--help", cwd=tmp_path)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"Usage: cmp {verb} [OPTIONS]\n")
    assert "the sidecar's call," in ran.stdout


def test_behind_two_dashes_a_call_is_the_same(asked: Asked) -> None:
    assert asked.call("-- parameters", INSTANCE) == asked.call("parameters", INSTANCE)


def test_neither_tools_nor_keys_nor_a_network_are_needed(asked: Asked, tmp_path: Path) -> None:
    """The sandbox has no network but loopback; a file that nobody can decrypt and a dead chart repository lie here."""
    shutil.copy(
        bare_tools.EXAMPLES / "monorepo/namespaces/payments/common-values.secret.yaml",
        asked.root / APP / "common-values.secret.yaml",
    )
    chart = asked.root / APP / "Chart.yaml"
    chart.write_text(
        f"{chart.read_text()}dependencies:\n  - {{name: x, version: 1.0.0, repository: 'http://127.0.0.1:9'}}\n"
    )
    announced = asked.announced(
        INSTANCE, CMP_TOOLS_DIR=str(tmp_path / "none"), SOPS_AGE_KEY_FILE=str(tmp_path / "none"), HOME=str(tmp_path)
    )
    assert "common-values.secret.yaml" in str(announced["values"]["tooltip"])
    assert str(announced["helm-version"]["tooltip"]).endswith("Installed: none.")


def test_long_lists_are_cut_short(asked: Asked) -> None:
    for number in range(30):
        (asked.root / "clusters" / f"c{number:02}" / "shop").mkdir(parents=True)
    tooltip = str(asked.announced(APP)["cluster"]["tooltip"])
    assert tooltip.endswith("c18, c19, and 12 more.")


RULES = """\
version: 1
applications:
  - {projects: [shop], folders: [namespaces/shop, clusters/*/shop], repositories: [https://git.example.com/repo],
     revisions: [main]}
  - {projects: [bank], folders: [namespaces/bank], repositories: [https://git.example.com/repo]}
"""
OTHER_REPOSITORY = {"ARGOCD_APP_SOURCE_REPO_URL": "https://git.example.com/fork"}
OTHER_REVISION = {"ARGOCD_APP_SOURCE_TARGET_REVISION": "refs/pull/6/head"}


@pytest.fixture
def guarded(asked: Asked) -> Asked:
    """Return a sidecar with a policy for the application, its repository and its revision."""
    policy = asked.sandbox.folder / "policy.yaml"
    policy.write_text(RULES)
    asked.policy = {"CMP_POLICY": str(policy)}
    return asked


def test_a_folder_that_the_policy_gives_to_some_project_is_announced_as_without_one(guarded: Asked) -> None:
    assert guarded.call("parameters", INSTANCE, **guarded.policy).stdout == guarded.call("parameters", INSTANCE).stdout


@pytest.mark.parametrize(
    ("path", "env", "warned"),
    [
        (INSTANCE, OTHER_REPOSITORY, f"no AppProject may render {INSTANCE} from https://git.example.com/fork at main"),
        (
            *(APP, OTHER_REVISION),
            f"no AppProject may render {APP} from https://git.example.com/repo.git at refs/pull/6/head",
        ),
        (
            *(INSTANCE, {"ARGOCD_APP_PROJECT_NAME": "bank"}),
            f"no AppProject may render {INSTANCE} from https://git.example.com/repo.git at main",
        ),
    ],
)
def test_nothing_is_told_of_a_folder_that_nobody_may_render(
    path: str, env: dict[str, str], warned: str, guarded: Asked
) -> None:
    """The page with the Application stays, for it is opened to mend it."""
    tag = {"name": "set", "map": {"image.tag": "1.10"}}
    ran = guarded.call("parameters", path, tag, **guarded.policy, **env)
    announced = {element["name"]: element for element in json.loads(ran.stdout)}
    assert (ran.code, ran.stderr) == (0, f"cmp: warning: {warned}\n")
    assert present(announced) == {"set": {"image.tag": "1.10"}}
    assert not [word for word in ("common-values", "shop-dev", "In use", "Pinned by", "runs on") if word in ran.stdout]


def test_nor_of_an_application_that_another_teams_folder_holds(guarded: Asked) -> None:
    """The instance folder is the team's own, and the application's folder another team's."""
    policy = Path(guarded.policy["CMP_POLICY"])
    policy.write_text(RULES.replace("namespaces/shop, clusters/*/shop", "clusters/*/shop"))
    ran = guarded.call("parameters", INSTANCE, **guarded.policy)
    assert f"no AppProject may render {APP} from" in ran.stderr
    assert "In use" not in ran.stdout


def test_a_policy_that_cannot_be_read_tells_nothing_either(guarded: Asked) -> None:
    Path(guarded.policy["CMP_POLICY"]).write_text("version: 2\n")
    ran = guarded.call("parameters", INSTANCE, **guarded.policy)
    assert (ran.code, "expected the number 1" in ran.stderr) == (0, True)
    assert present({element["name"]: element for element in json.loads(ran.stdout)}) == {}
