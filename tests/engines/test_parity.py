"""cmp prints the same as the bare tools, for every example and corner case with each of the three helms.

Texts are compared document by document, byte by byte, and so are the objects: as our own loader reads them, and as JSON
in which 1, 1.0 and true are three different things.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmp.errors import EngineError
from cmp.yamldoc import load_all, to_json
from examples import chartserver
from tests.support import bare_tools
from tests.support.harness import DATA, Sandbox
from tests.support.parity_cases import CORNERS, IN_CLUSTER, WITH_DEPENDENCIES, Corner, setting
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from tests.support.go_yaml import GoYaml

CHARTS = DATA / "charts"


class Hands(NamedTuple):
    """The tests' charts and the example monorepo, for the bare tools and for cmp; cmp's folders, with a warm cache."""

    charts: bare_tools.ByHand
    example: bare_tools.ByHand
    monorepo: Path
    sandbox: Sandbox

    def cmp(self, app: str, cluster: str, helm: str, *argv: str, root: Path = CHARTS) -> str:
        """Render with cmp; its failure is an AssertionError with its stderr."""
        ran = self.sandbox.run("render", app, "--cluster", cluster, "--helm-version", helm, *argv, cwd=root)
        assert ran.code == 0, ran.stderr
        return ran.stdout

    def helm(self, one: Corner, version: str, *more: str) -> str:
        """Render a corner with nothing but helm; the last of a repeated flag wins."""
        argv = [self.charts.helm(version), "template", ".", "--name-template", f"{one.cluster}-{one.app}"]
        argv += [argument.format(app=one.app) for argument in IN_CLUSTER[one.cluster]]
        for layer in one.layers:
            argv += ["--values", str(self.charts.root / layer)]
        return self.charts.run(self.charts.root / "apps" / one.app, *argv, *one.helm, *more).decode()


@pytest.fixture(scope="session")
def hands(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Hands:
    folder, tools = tmp_path_factory.mktemp("parity"), Path(tools_dir)
    charts = bare_tools.ByHand(folder / "charts", tools, folder / "home")
    charts.home.mkdir()
    shutil.copytree(CHARTS, charts.root, symlinks=True)
    for name in WITH_DEPENDENCIES:
        charts.run(charts.root / name, charts.helm("3.18.6"), "dependency", "build", ".")
    archives = chartserver.package(bare_tools.EXAMPLES / "charts", folder / "archives", tools / "helm/3.18.6/helm")
    sandbox = Sandbox(folder / "sandbox", tools_dir, {"SOPS_AGE_KEY_FILE": str(bare_tools.AGE_KEY)})
    with ChartRepository(archives) as repository:
        (folder / "example").mkdir()
        example = bare_tools.set_up(folder / "example", tools, repository.url)
        monorepo = bare_tools.copy_monorepo(folder / "monorepo", repository.url)
        warmed = Hands(charts, example, monorepo, sandbox)
        for app, cluster in dict(bare_tools.instances()).items():
            warmed.cmp(app, cluster, "3.18.6", root=monorepo)
    return warmed  # nobody serves the charts any more


def documents(text: str) -> list[str]:
    """Cut a stream at its separators; what holds no object is no document."""
    found = re.split(r"^---.*\n", text, flags=re.MULTILINE)
    return [document for document in found if any(load_all(document.encode()))]


def objects(text: str) -> list[object]:
    return [value for value in load_all(text.encode()) if value is not None]


def assert_same(ours: str, theirs: str) -> None:
    assert documents(ours) == documents(theirs)
    assert objects(ours) == objects(theirs)
    assert [to_json(value) for value in objects(ours)] == [to_json(value) for value in objects(theirs)]


@pytest.mark.parametrize("version", bare_tools.HELM_VERSIONS)
@pytest.mark.parametrize(("app", "cluster"), bare_tools.instances())
def test_an_example_is_what_the_bare_tools_render(app: str, cluster: str, version: str, hands: Hands) -> None:
    ours = hands.cmp(app, cluster, version, root=hands.monorepo)
    assert_same(ours, hands.example.render(app, cluster, version))


@pytest.mark.parametrize("version", bare_tools.HELM_VERSIONS)
@pytest.mark.parametrize("one", CORNERS, ids=lambda one: one.name)
def test_a_corner_is_what_helm_renders(one: Corner, version: str, hands: Hands) -> None:
    ours = hands.cmp(one.app, one.cluster, version, *one.cmp)
    assert_same(ours, hands.helm(one, version))


@pytest.mark.parametrize("one", [one for one in CORNERS if not one.cmp], ids=lambda one: one.name)
def test_json_is_what_the_parser_of_argo_cd_makes_of_it(one: Corner, hands: Hands, go: GoYaml) -> None:
    ours = hands.cmp(one.app, one.cluster, "3.18.6", "--output", "json")
    assert ours.splitlines() == go.ask(hands.helm(one, "3.18.6").encode()).stream


VALUES_YAML = """\
text: {nested: on}
modes: [0644, 1e3, 1:30, 2024-01-01, ~]
map: null
japanese: みどり
"""
PARAMETERS = [
    {"name": "cluster", "string": "corner"},
    {"name": "values-yaml", "string": VALUES_YAML},
    {"name": "set", "map": {"list[1]": "B", "csv": "x,y", "app": "$ARGOCD_APP_NAME costs $5"}},
    {"name": "set-string", "map": {"flag": "true", "many": "{1,2}", "legend": "by {{cluster}}"}},
    {"name": "set-template", "map": {"where": "{cluster}/{app}", "number": "17"}},
]
BY_HAND = (
    *("--set", r"list[1]=B,csv=x\,y,app=settings costs $5,where=corner/settings,number=17"),
    *("--set-string", "flag=true,many={1,2},legend=by {{cluster}}"),
)


@pytest.mark.parametrize("version", bare_tools.HELM_VERSIONS)
def test_parameters_of_argo_cd_are_what_a_person_writes_for_helm(version: str, hands: Hands) -> None:
    extra = hands.charts.home / "values-yaml"
    extra.write_text(VALUES_YAML, "utf-8")
    ran = hands.sandbox.run(
        "generate",
        cwd=CHARTS / "apps/settings",
        ARGOCD_APP_NAME="settings",
        ARGOCD_APP_NAMESPACE="anywhere",
        ARGOCD_APP_SOURCE_PATH="tests/data/charts/apps/settings",
        ARGOCD_APP_PARAMETERS=json.dumps([*PARAMETERS, {"name": "helm-version", "string": version}]),
    )
    assert ran.code == 0, ran.stderr
    by_hand = hands.helm(setting(BY_HAND, ()), version, "--values", str(extra))
    assert_same(ran.stdout, by_hand)


# Values that nobody thought of: any maps, lists, nulls and nasty scalars, in up to four layers.

NASTY = st.sampled_from(
    [
        *("yes", "No", "on", "y", "N", "NULL", "''", '""', "true", "tRue", "=", "."),
        *("0644", "0o644", "08", "0x1F", "0b11", "1_000", "-0", "+12", "1.", ".5", "1.10", "1e3", "1E-7", "12e4567"),
        *("1234567e8", "9007199254740993", "18446744073709551615", "18446744073709551616", "1e21", "-1.5e-300"),
        *("1:30", "2001-12-14", "2001-12-14T21:59:43Z", "1.2.3", "a#b", "みどり", "😀", '"\\u3042\\n"', "!!str 1"),
    ]
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=8)
SCALARS = st.just("~") | NASTY | TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False))
KEYS = st.sampled_from(["a", "b", "c", "yes", "0x10", "1.5", "キー"])


def flow(value: object) -> str:
    """Write a generated value as YAML; its scalars are YAML already."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return str(value)


def maps(children: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(KEYS, children, max_size=4)


VALUES = st.recursive(SCALARS, lambda children: maps(children) | st.lists(children, max_size=3), max_leaves=8)
# Helm refuses values of a subchart, here `a`, that are no map; the maps of all layers share keys, so that they meet.
LAYERS = st.fixed_dictionaries({"a": st.just("~") | maps(VALUES), "b": maps(VALUES), "c": maps(VALUES), "yes": VALUES})


PRINT_VALUES = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Chart.Name }}}
data:
  json: {{ toJson .Values | quote }}
  yaml: |
    {{- toYaml .Values | nindent 4 }}
"""


@pytest.fixture(scope="session")
def printer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a chart that prints its values, with a subchart `a` that prints its own; in a repository."""
    chart = tmp_path_factory.mktemp("generated") / "namespaces/printer"
    for folder in chart, chart / "charts/a":
        (folder / "templates").mkdir(parents=True)
        (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: {folder.name}\nversion: 1.0.0\n")
        (folder / "templates/values.yaml").write_text(PRINT_VALUES)
    (chart / "charts/a/values.yaml").write_text("{b: {a: 1, c: null}, c: [x], キー: 値}\n", "utf-8")
    (chart.parent.parent / "clusters/any/printer").mkdir(parents=True)
    return chart


@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(LAYERS.map(flow), min_size=2, max_size=4), version=st.sampled_from(bare_tools.HELM_VERSIONS))
def test_any_values_come_out_as_from_helm(texts: list[str], version: str, hands: Hands, printer: Path) -> None:
    for old in printer.glob("common-values*"):
        old.unlink()
    (printer / "values.yaml").write_text(texts[0], "utf-8")
    files = [printer / f"common-values-{number}.yaml" for number in range(1, len(texts))]
    for file, text in zip(files, texts[1:], strict=True):
        file.write_text(text, "utf-8")
    argv = [hands.charts.helm(version), "template", ".", "--name-template", "printer", "--namespace", "printer"]
    argv += [argument for file in files for argument in ("--values", str(file))]

    by_hand = subprocess.run(argv, cwd=printer, env={"HOME": str(hands.charts.home)}, capture_output=True, check=False)
    ran = hands.sandbox.run("render", "--cluster", "any", "--helm-version", version, cwd=printer)

    if by_hand.returncode:
        assert ran.code == EngineError.exit_code, ran.stderr
    else:
        assert ran.code == 0, ran.stderr
        assert_same(ran.stdout, by_hand.stdout.decode())
