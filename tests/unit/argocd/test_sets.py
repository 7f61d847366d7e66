"""ApplicationSets without Argo CD: errors with their places, the templates that helm evaluates, the files read.

tests/argocd/test_appset_parity.py compares the Applications of sets with those of the real controller.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cmp.argocd.document import applications_in
from cmp.argocd.sets import World, evaluator, expand
from cmp.argocd.sets.git import pathspec
from cmp.argocd.sets.gotemplate import RefusedError, translate
from cmp.argocd.sets.gotypes import Maps, as_text
from cmp.argocd.sets.missing import lacks
from cmp.argocd.settings import NEWEST
from cmp.errors import EngineError
from cmp.model import Cluster, Tool
from cmp.system.globs import PatternError
from cmp.system.tree import WorkTree
from cmp.system.urls import repository_name
from tests.argocd import appsets
from tests.argocd.appsets import CLUSTERS
from tests.support import versions
from tests.support.tool_stores import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from cmp.argocd.sets import Expanded

    Render = Callable[[Mapping[str, str]], Mapping[str, str]]

HELMS = versions.HELM_LINES
URL = "https://git.example.com/team/repository.git"


@pytest.fixture
def render(tmp_path: Path, tools_dir: str) -> Render:
    """Return what evaluates templates with a real Helm."""
    helm = Tool("helm", HELMS[1], f"{tools_dir}/helm/{HELMS[1]}/helm", "")
    return evaluator(helm, Store(tmp_path / "store").context())


@pytest.fixture
def expanded(tmp_path: Path, render: Render) -> Callable[..., list[Expanded]]:
    """Return what expands the sets of a file ``sets.yaml`` beside other files."""

    def expand_it(text: str, clusters: Sequence[Cluster] = (), **files: str) -> list[Expanded]:
        tree = tmp_path / "tree"
        for path, content in {"sets.yaml": text, **files}.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(content)
        found = applications_in(WorkTree(str(tree)), ["sets.yaml"])
        return expand(found.sets, World(WorkTree(str(tree)), clusters, render, repositories=(repository_name(URL),)))

    return expand_it


def a_set(name: str, generators: str, metadata: str = "{name: x}", more: str = "") -> str:
    """Return a document whose generators stand in line 6."""
    return (
        "apiVersion: argoproj.io/v1alpha1\n"
        "kind: ApplicationSet\n"
        f"metadata: {{name: {name}}}\n"
        "spec:\n"
        "  generators:\n"
        f"  - {generators}\n"
        "  template:\n"
        f"    metadata: {metadata}\n"
        "    spec: {project: default, source: {repoURL: r, path: p}, destination: {name: c}}\n"
        f"{more}---\n"
    )


GO = '  goTemplate: true\n  goTemplateOptions: ["missingkey=error"]\n'
STOPS = "the ApplicationSet x would stop updating"


def error(sets: list[Expanded]) -> list[str]:
    """Return the lines of the only set's error, which leaves no Applications."""
    (found,) = sets
    assert found.error
    assert found.applications == ()
    return "\n".join(found.error.lines()).split("\n")


class TestErrors:
    """Each with file and line, in the controller's stead; the set as a whole has no Applications."""

    @pytest.mark.parametrize("name", ["scmProvider", "clusterDecisionResource", "pullRequest", "plugin", "oci"])
    def test_a_generator_that_asks_the_world(self, expanded: Callable[..., list[Expanded]], name: str) -> None:
        assert error(expanded(a_set("x", f"{name}: {{}}"))) == [
            f"cmp: the generator {name} cannot be expanded statically",
            "  where: sets.yaml:6",
            "  hint: it asks something outside of the repository; give a snapshot of its Applications",
        ]

    def test_a_generator_that_nobody_knows(self, expanded: Callable[..., list[Expanded]]) -> None:
        assert error(expanded(a_set("x", "cluster: {}")))[:2] == [
            "cmp: there is no generator cluster",
            "  where: sets.yaml:6",
        ]

    def test_another_repository(self, expanded: Callable[..., list[Expanded]]) -> None:
        generator = "git: {repoURL: 'https://name:token@git.example.com/team/other', directories: [{path: '*'}]}"
        assert error(expanded(a_set("x", generator))) == [
            "cmp: the repository git.example.com/team/other is not this one",
            "  where: sets.yaml:6",
            (
                "  hint: `preview: {urls: […]}` in cmp.yaml or --repository-url says which URLs are this repository's; "
                "another one only Argo CD can read: give a snapshot of its Applications"
            ),
        ]

    @pytest.mark.parametrize(
        "url",
        [
            URL,
            URL.removesuffix(".git"),
            "git@git.example.com:team/repository.git",
            "git@git.example.com/team/repository",
            "ssh://git@GIT.example.com/team/repository",
        ],
    )
    def test_this_repository_in_another_spelling(self, expanded: Callable[..., list[Expanded]], url: str) -> None:
        (found,) = expanded(a_set("x", f"git: {{repoURL: '{url}', directories: [{{path: a}}]}}"), **{"a/b": ""})
        assert len(found.applications) == 1

    def test_a_cluster_whose_server_the_inventory_does_not_know(self, expanded: Callable[..., list[Expanded]]) -> None:
        assert error(expanded(a_set("x", "clusters: {}"), [Cluster("dev")])) == [
            "cmp: the inventory lacks server of dev",
            "  where: sets.yaml:6",
            "  hint: add it; `cmp inventory export` reads it from Argo CD",
        ]

    def test_a_missing_parameter(self, expanded: Callable[..., list[Expanded]]) -> None:
        assert error(expanded(a_set("x", "list: {elements: [{a: {}}]}", '{name: "{{ .a.b }}"}', GO))) == [
            "cmp: this template fails: there is no parameter b",
            "  where: sets.yaml:8",
            "  hint: " + STOPS,
        ]

    def test_a_parameter_that_only_a_condition_misses(self, expanded: Callable[..., list[Expanded]]) -> None:
        """Argo CD would evaluate this text with the list's parameters, or leave it to those of the cluster."""
        first, second = "{list: {elements: [{a: b}]}}", "{clusters: {values: {x: '{{ if .a }}{{ .name }}{{ end }}'}}}"
        assert error(expanded(a_set("x", f"matrix: {{generators: [{first}, {second}]}}", more=GO))) == [
            "cmp: this template cannot be evaluated without Argo CD: only a condition tells whether `.name` is missed",
            "  where: sets.yaml:6",
            "  hint: docs/applicationsets.md lists what can; " + STOPS,
        ]

    def test_a_function_that_differs_in_helm(self, expanded: Callable[..., list[Expanded]]) -> None:
        template = "{name: x, labels: {year: '{{ now | date \"2006\" }}'}}"
        assert error(expanded(a_set("x", "list: {elements: [{a: b}]}", template, GO))) == [
            "cmp: this template cannot be evaluated without Argo CD: the function `now` is not read",
            "  where: sets.yaml:8",
            "  hint: docs/applicationsets.md lists what can; " + STOPS,
        ]

    def test_a_type_that_the_api_server_would_refuse(self, expanded: Callable[..., list[Expanded]]) -> None:
        assert error(expanded(a_set("x", "list: {elements: text}", "{name: x, labels: {a: 1}}"))) == [
            "cmp: 2 mistakes in the configuration",
            "  sets.yaml:6: spec.generators[0].list.elements must be a list",
            "  sets.yaml:8: spec.template.metadata.labels.a must be a string; put it in quotes",
            "  hint: the API server would refuse this ApplicationSet; " + STOPS,
        ]

    def test_parameters_that_make_the_controller_panic(self, expanded: Callable[..., list[Expanded]]) -> None:
        children = "{clusters: {values: {a: b}}}, {list: {elements: [{name: in-cluster, values: {a: c}}]}}"
        assert error(expanded(a_set("x", f"merge: {{mergeKeys: [name], generators: [{children}]}}", more=GO))) == [
            "cmp: both generators have `values`, and only one of them as texts: Argo CD cannot merge these",
            "  where: sets.yaml:6",
            "  hint: " + STOPS,
        ]

    def test_a_file_of_the_repository(self, expanded: Callable[..., list[Expanded]]) -> None:
        generator = f"git: {{repoURL: '{URL}', files: [{{path: '*.json'}}]}}"
        assert error(expanded(a_set("x", generator), **{"a/b.json": '{"a": }\n{'}))[1:2] == ["  where: a/b.json:2"]


class TestEvaluation:
    def test_all_sets_share_a_start_of_helm(self, tmp_path: Path, render: Render) -> None:
        asked: list[Mapping[str, str]] = []

        def counting(templates: Mapping[str, str]) -> Mapping[str, str]:
            asked.append(templates)
            return render(templates)

        elements = "list: {elements: [{a: one}, {a: two}]}"
        names = ("x", "y1", "z")
        text = "".join(a_set(name, elements, f'{{name: "{name}-{{{{ .a }}}}"}}', GO) for name in names)
        (tmp_path / "sets.yaml").write_text(text)
        tree = WorkTree(str(tmp_path))
        found = expand(applications_in(tree, ["sets.yaml"]).sets, World(tree, (), counting))
        assert [len(each.applications) for each in found] == [2, 2, 2]
        assert len(asked) == 1

    def test_a_set_that_fails_leaves_the_others_alone(self, expanded: Callable[..., list[Expanded]]) -> None:
        elements = "list: {elements: [{a: one}]}"
        names = [('{{ fail "no" }}', "x"), ("{{ .a }}", "y1"), ("{{ upper 5 }}", "z")]
        found = expanded("".join(a_set(name, elements, f"{{name: '{template}'}}", GO) for template, name in names))
        assert [each.error and each.error.what for each in found] == [
            "this template fails: no",
            None,
            "this template fails: expected string; found 5",
        ]
        assert [each["metadata"] for each in found[1].applications] == [
            {"name": "one", "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]}
        ]

    def test_an_application_that_nobody_would_create(self, expanded: Callable[..., list[Expanded]]) -> None:
        elements = "list: {elements: [{a: One}, {a: two}, {a: two}, {a: three}]}"
        (found,) = expanded(a_set("x", elements, '{name: "{{a}}"}'))
        assert [each["metadata"]["name"] for each in found.applications] == ["three"]  # type: ignore[index]
        assert found.refused == {"One": "this is no name", "two": "2 of this set have the name"}

    def test_argo_cds_own_cluster_with_a_name_of_its_own(self, expanded: Callable[..., list[Expanded]]) -> None:
        own = Cluster("here", server="https://kubernetes.default.svc")
        (found,) = expanded(a_set("x", "clusters: {}", '{name: "{{name}}"}'), [own])
        assert [each["metadata"]["name"] for each in found.applications] == ["here"]  # type: ignore[index]

    def test_a_helm_that_says_nothing_of_a_template(self, tmp_path: Path) -> None:
        context = Store(tmp_path / "store").context()
        with pytest.raises(EngineError, match=r"^helm 0 cannot evaluate the templates of ApplicationSets$"):
            evaluator(Tool("helm", "0", "/bin/false", ""), context)({})

    def test_every_supported_helm_prints_the_same(self, tmp_path: Path, tools_dir: str) -> None:
        repository, sets = (appsets.TREE, URL), list(appsets.sets(URL))
        found = [
            appsets.read(tmp_path / version, sets, CLUSTERS, f"{tools_dir}/helm/{version}/helm", repository)
            for version in HELMS
        ]
        shown = {json.dumps([(each.name, each.applications, str(each.error)) for each in sets]) for sets in found}
        assert len(shown) == 1
        assert sum(len(each.applications) for each in found[0]) > 100


def test_an_older_argo_cd_reads_other_applications(tmp_path: Path, tools_dir: str) -> None:
    sets, helm = list(appsets.sets(URL)), f"{tools_dir}/helm/{HELMS[1]}/helm"

    def read(version: str) -> dict[str, str]:
        found = appsets.read(tmp_path / version, sets, CLUSTERS, helm, (appsets.TREE, URL), version)
        return {each.name: json.dumps([each.applications, each.error is None]) for each in found}

    oldest, middle, newest = read("3.3.14"), read("3.5"), read(NEWEST)
    since = {name: version for name, version in appsets.SINCE.items() if name != "closed-tpl"}  # an error with both
    assert {name for name in newest if oldest[name] != middle[name]} == {name for name in since if since[name] == "3.4"}
    assert {name for name in newest if middle[name] != newest[name]} == {name for name in since if since[name] == "3.6"}


class TestMissing:
    """A text of `values` that misses a parameter of the other generator waits for those of its own."""

    @pytest.mark.parametrize(
        ("text", "waits"),
        [
            ("{{ .a }} {{ .deep.key }} {{ $.a }}", False),
            ("{{ .gone }}", True),
            ("{{ .a }}{{ $.gone }}", True),
            ("{{ .deep.gone }}", True),
            ("{{ .a.key }}", True),  # a text has no keys
            ("{{ .nothing.key }}", False),  # an error in Argo CD, too
            ("{{ .list.key }}", True),
            ("{{ (index .list 0).gone }}", False),
            ("{{ with .deep }}{{ .gone }}{{ end }}", False),
            ("{{ with .deep }}{{ end }}{{ .gone }}", True),
            ("{{ if .gone }}{{ .a }}{{ end }}", True),
            ("{{ if .a }}{{ .deep.key }}{{ end }}", False),
            ("{{/* {{ .gone }} */}}{{ .a }}", False),
            ("{{ $x := .a }}{{ $x.gone }}", False),
            ('{{ "}} .gone" }}', False),
        ],
    )
    def test_a_missing_parameter_is_found(self, text: str, *, waits: bool) -> None:
        parameters: dict[str, object] = {"a": "b", "deep": {"key": "c"}, "nothing": None, "list": [{}]}
        assert lacks(text, parameters) is waits

    @pytest.mark.parametrize(
        "text",
        [
            "{{ if .a }}{{ .gone }}{{ end }}",
            "{{ if .a }}{{ else }}{{ .gone }}{{ end }}",
            "{{ with .a }}{{ $.gone }}{{ end }}",
            "{{ or .a .gone }}",
        ],
    )
    def test_one_that_depends_on_a_condition_is_refused(self, text: str) -> None:
        with pytest.raises(RefusedError, match=r"^only a condition tells whether `\$?\.gone` is missed$"):
            lacks(text, {"a": "b"})


class TestTemplates:
    @pytest.mark.parametrize(
        ("text", "refused"),
        [
            ("{{ .a", "an action has no end"),
            ("{{ if .a }}", "a block has no end"),
            ("{{ end }}", "an `end` has no beginning"),
            ("{{ .a ) }}", "a parenthesis is closed that was not opened"),
            ("{{ ; }}", "`; }}` is no Go template"),
            ('{{ template "x" }}', "`template` is not read"),
            ('{{ tpl "x" . }}', "the function `tpl` is not read"),
            ('{{ printf "%T" .a }}', "`%T` and `%#v` are not read: Helm has other Go types"),
            ('{{ get .labels "a" }}', "the function `get` is not read beside `labels`, which it refuses in Argo CD"),
            (
                '{{ index .metadata "labels" }}',
                "the function `index` is read of `labels` only where both stand together",
            ),
            ("{{ (index .a 1).b }}", "a field of an expression (`.b`) is not read with `missingkey=error`"),
        ],
    )
    def test_what_cannot_be_expressed_is_refused(self, text: str, refused: str) -> None:
        with pytest.raises(RefusedError) as caught:
            translate(text, Maps(frozenset({".metadata.labels"})), is_strict=True)
        assert str(caught.value) == refused

    @pytest.mark.parametrize(
        "text",
        ["no template", "{{/* {{ .a }} */}}", '{{ "}} .a.b" }}', "{{ `.a.b` }}", "{{- . -}}", "{{ .5 }} {{ 'a' }}"],
    )
    def test_what_helm_prints_alike_is_left_as_it_is(self, text: str) -> None:
        assert translate(text, Maps(), is_strict=True) == text
        assert translate(text, Maps(), is_strict=False) == text

    @pytest.mark.parametrize(
        ("value", "printed"),
        [
            (1, "1"),
            (1.5, "1.5"),
            (999999, "999999"),
            (1000000, "1e+06"),
            (-12345678, "-1.2345678e+07"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e100, "1e+100"),
            (0, "0"),
            ({"b": [True, None], "a": "x"}, "map[a:x b:[true <nil>]]"),
        ],
    )
    def test_values_print_as_go_prints_them(self, value: object, printed: str) -> None:
        assert as_text(value) == printed


class TestFiles:
    def test_all_applications_and_sets_are_found(self, tmp_path: Path) -> None:
        one = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: %s}\n"
        listed = '{"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "c"}}'
        files = {
            "apps/one.yaml": one % "a" + "---\n" + one % "b",
            "apps/deep/list.yaml": f"apiVersion: v1\nkind: List\nitems: [{listed}]\n",
            "apps/chart/templates/app.yaml": one % "{{ .Values.name }}: x",
            "apps/other.yaml": "kind: Application\nbroken: [\n",
            "elsewhere/sets.yaml": a_set("s", "list: {}"),
            "elsewhere/not.yml": one % "d",
        }
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        found = applications_in(WorkTree(str(tmp_path)), ["apps/**/*.yaml", "*/sets.yaml"])
        assert [(each.location.place, each.names[0]) for each in found.applications] == [
            ("apps/deep/list.yaml:3", "c"),
            ("apps/one.yaml:1", "a"),
            ("apps/one.yaml:5", "b"),
        ]
        assert [each.names[0] for each in found.sets] == ["s"]
        assert found.left_out == (
            ("apps/chart/templates/app.yaml:3:19", "this is not YAML: a mapping or a list cannot be a key"),
        )

    @given(
        st.lists(
            st.sampled_from(["a", "b", "ab", "/", "*", "**", "?", "[ab]", "[!a]", "[^b]", "[a-b]", "\\a", ".", "-"]),
            max_size=6,
        )
    )
    @example(["a", "/"])
    @example([])
    def test_patterns_match_what_git_lists(self, listed: Callable[[str], list[str] | None], parts: list[str]) -> None:
        pattern = "".join(parts)
        try:
            matches = pathspec(pattern)
        except PatternError:
            assert pattern.startswith("/") or listed(pattern) is None
        else:
            assert [path for path in PATHS if matches(path)] == listed(pattern)

    @pytest.mark.parametrize("pattern", [":(glob)a", "[[:alpha:]]", "a[b", "a\\", "[b-a]", "../a"])
    def test_patterns_that_are_not_read(self, pattern: str) -> None:
        with pytest.raises(PatternError):
            pathspec(pattern)


PATHS = sorted(["a", "ab", "b/a", "b/ab", "b/b/a", "ab-/.a", "a.b", ".b", "-/a/b/ab"])


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str] | None]:
    """Return what lists the files of a Git repository that match a pathspec; None where git refuses it."""
    folder = tmp_path_factory.mktemp("repository")
    for path in PATHS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("")

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)

    assert git("init", "--quiet").returncode == git("add", "--all", "--force").returncode == 0

    def ask(pattern: str) -> list[str] | None:
        done = git("ls-files", "-z", "--", pattern or ".")
        return sorted(done.stdout.split("\0")[:-1]) if done.returncode == 0 else None

    return ask
