"""Applications that other pairs print are pairs, too."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from cmp.changes import LeftOut
from cmp.errors import ConfigError
from cmp.preview.comparison import Comparer, Comparison
from cmp.preview.identity import PairId
from cmp.repository.git import changed
from tests.support.monorepos import git_tree

if TYPE_CHECKING:
    from cmp.context import Context
    from cmp.preview.affected import TouchedPair
    from cmp.preview.sides import Side

    Files = dict[str, str]

URL = "https://git.example.test/shop"
LAYOUT = "layout: {apps: 'units/{app}', instances: '', values: []}\n"
CONFIG = f"version: 1\n{LAYOUT}clusters: {{hub: {{}}, spoke: {{}}}}\npreview: {{applications: [roots/*]}}\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: '1'}\n"


def application(name: str, path: str, *, more: str = "", namespace: str = "argocd", cluster: str = "hub") -> str:
    """Return an Application without a plugin, as a document."""
    place = f", namespace: {namespace}" if namespace else ""
    return f"""\
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}{place}{more}}}
spec:
  project: default
  destination: {{name: {cluster}, namespace: argocd}}
  source: {{repoURL: {URL}, path: {path}, targetRevision: main}}
"""


BROKEN = f"{MAP}b: [\n"
ROOT = {"cmp.yaml": CONFIG, "roots/root.yaml": application("root", "tree")}
WEB = {"web/map.yaml": MAP}


def compared(
    context: Context, base: Files, change: Files | None = None, *, is_untrusted: bool = False, limit: int = 500
) -> Comparison:
    """Compare a tree with itself and a change."""
    before, after = git_tree(base), git_tree({**base, **(change or {})})
    comparer = Comparer(
        lists=(), urls=(), trunk="main", is_untrusted=is_untrusted, context=context, max_applications=limit
    )
    return comparer.compare(before, after, [*changed(before, after)])


def names(side: Side) -> list[str]:
    """Return the names of the Applications of a side."""
    return sorted(key.text for key in side.pairs if key.is_application)


def touched(comparison: Comparison) -> dict[str, TouchedPair]:
    """Return the pairs that a change touches, by the names of their Applications."""
    return {pair.key.text: pair for pair in comparison.impact.touched}


def test_what_a_folder_prints_is_compared_as_what_a_file_declares(context: Context) -> None:
    found = compared(context, {**ROOT, "tree/web.yaml": application("web", "web"), **WEB}, {"web/map.yaml": f"{MAP}#"})
    assert (names(found.base), names(found.head)) == (["root", "web"], ["root", "web"])
    assert {name: [one.path for one in pair.inputs] for name, pair in touched(found).items()} == {
        "web": ["web/map.yaml"]
    }
    assert found.notes == ()


def test_a_child_that_comes_is_shown_with_the_file_that_brings_it(context: Context) -> None:
    base = {**ROOT, "tree/web.yaml": application("web", "web"), **WEB}
    pairs = touched(compared(context, base, {"tree/api.yaml": application("api", "web")}))
    assert [one.path for one in pairs["root"].inputs] == ["tree/api.yaml"]
    assert pairs["api"].what == "added"
    assert [one[:2] for one in pairs["api"].inputs] == [("tree/api.yaml", "decides what root prints")]
    assert "web" not in pairs


def test_a_child_that_is_given_another_folder_names_the_file_of_its_parent(context: Context) -> None:
    base = {**ROOT, "tree/web.yaml": application("web", "web"), **WEB, "new/map.yaml": MAP.replace("'1'", "'2'")}
    pair = touched(compared(context, base, {"tree/web.yaml": application("web", "new")}))["web"]
    assert pair.is_affected
    assert ("tree/web.yaml", "decides what root prints") in [one[:2] for one in pair.inputs]


def test_children_of_children_are_followed(context: Context) -> None:
    files = {**ROOT, "tree/one.yaml": application("one", "one"), "one/two.yaml": application("two", "two"), **WEB}
    found = compared(context, {**files, "two/web.yaml": application("web", "web")})
    assert names(found.base) == ["one", "root", "two", "web"]


@pytest.mark.parametrize(("depth", "notes"), [(10, []), (11, ["n9"])])
def test_ten_levels_are_followed_and_the_next_is_told(depth: int, notes: list[str], context: Context) -> None:
    chain = {f"n{at}/a.yaml": application(f"n{at + 1}", f"n{at + 1}") for at in range(depth - 1)}
    files = {**ROOT, "tree/a.yaml": application("n0", "n0"), **chain, f"n{depth - 1}/map.yaml": MAP}
    found = compared(context, files)
    assert len(names(found.base)) == 11
    told = [f"Applications are followed 10 levels deep: those that {name} prints are not known" for name in notes]
    assert [one.text for one in found.left_out] == told


def test_a_root_that_prints_itself_needs_no_word(context: Context) -> None:
    found = compared(context, {**ROOT, "tree/root.yaml": application("root", "tree")})
    assert names(found.base) == ["root"]
    assert found.notes == ()


def test_roots_of_several_argo_cds_that_print_themselves_stay_two_without_a_block(context: Context) -> None:
    def root(path: str) -> str:
        return application("root", path, cluster="in-cluster")

    files = {
        "roots/blue.yaml": root("blue"),
        "blue/root.yaml": root("blue"),
        "blue/web.yaml": application("web", "web"),
    }
    files |= {"roots/green.yaml": root("green"), "green/root.yaml": root("green")}
    found = compared(context, {"cmp.yaml": CONFIG, **files, **WEB})
    assert names(found.base) == ["root in roots/blue.yaml", "root in roots/green.yaml", "web"]


def test_an_application_that_another_one_and_itself_print_is_one(context: Context) -> None:
    files = {"tree/web.yaml": application("web", "web"), "web/web.yaml": application("web", "web"), **WEB}
    found = compared(context, {**ROOT, **files})
    assert (names(found.base), found.notes) == (["root", "web"], ())


def test_a_circle_of_applications_is_told(context: Context) -> None:
    files = {"tree/one.yaml": application("one", "one"), "one/root.yaml": application("root", "tree")}
    found = compared(context, {**ROOT, **files})
    assert names(found.base) == ["one", "root"]
    assert found.notes == ("Applications print each other in a circle: root -> one -> root",)


def test_of_an_application_in_a_file_that_a_parent_prints_too_the_printed_one_counts(context: Context) -> None:
    files = {**ROOT, "roots/web.yaml": application("web", "web"), **WEB, "patched/map.yaml": MAP}
    same = compared(context, {**files, "tree/web.yaml": application("web", "web")})
    assert names(same.base) == ["root", "web"]
    assert same.base.pairs[PairId("", "argocd", "web")].request.place == "roots/web.yaml:2"
    found = compared(context, {**files, "tree/web.yaml": application("web", "patched")})
    assert names(found.base) == ["root", "web"]
    web = found.base.pairs[PairId("", "argocd", "web")]
    assert [instance.folder for instance in web.instances] == ["patched"]


def test_the_place_of_a_childs_error_is_a_line_in_what_its_parent_prints(context: Context) -> None:
    found = compared(context, {**ROOT, "tree/a.yaml": MAP, "tree/web.yaml": application("web", "gone")})
    error = found.base.pairs[PairId("", "argocd", "web")].error
    assert error
    assert error.lines(with_pair=False) == [
        "cmp: there is no folder gone in this checkout",
        "  where: output of root:14",
        "  hint: go into a checkout of the repository and revision that the Application names",
    ]


def test_an_application_set_that_a_parent_prints_is_expanded(context: Context) -> None:
    single = indent(application("web-{{name}}", "web"), "    ").partition("metadata:")[2]
    made = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: web}}
spec:
  generators: [{{list: {{elements: [{{name: a}}, {{name: b}}]}}}}]
  template:
    metadata:{single}"""
    found = compared(
        context, {**ROOT, "tree/set.yaml": made.replace("name: web-{{name}}", "name: 'web-{{name}}'"), **WEB}
    )
    assert names(found.base) == ["root", "web-a", "web-b"]


def test_a_child_belongs_to_the_argo_cd_of_its_parent(context: Context) -> None:
    argocds = "\n".join(
        f"  - {{name: {name}, applications: [{name}/*], inCluster: {cluster}}}"
        for name, cluster in (("blue", "hub"), ("green", "spoke"))
    )
    config = f"version: 1\n{LAYOUT}clusters: {{hub: {{}}, spoke: {{}}}}\npreview:\n  argocds:\n{argocds}\n"
    local = {"cluster": "in-cluster", "namespace": ""}
    files = {
        "cmp.yaml": config,
        "blue/root.yaml": application("root", "tree", **local),
        "green/root.yaml": application("root", "tree", **local),
        "tree/web.yaml": application("web", "web", **local),
        **WEB,
    }
    found = compared(context, files)
    assert names(found.base) == ["blue/root", "blue/web", "green/root", "green/web"]
    clusters = {key.text: pair.request.subject.cluster for key, pair in found.base.pairs.items()}
    assert (clusters["blue/web"], clusters["green/web"]) == ("hub", "spoke")
    assert found.notes == ()


def test_a_child_without_a_namespace_is_in_that_of_its_parents_destination(context: Context) -> None:
    root = application("root", "tree").replace("namespace: argocd}\n  source", "namespace: teams}\n  source")
    files = {"cmp.yaml": CONFIG, "roots/root.yaml": root, "tree/web.yaml": application("web", "web", namespace="")}
    assert names(compared(context, {**files, **WEB}).base) == ["root", "teams/web"]


def test_a_parent_that_cannot_be_rendered_any_more_keeps_its_children_and_this_is_told(context: Context) -> None:
    base = {**ROOT, "tree/web.yaml": application("web", "web"), **WEB}
    found = compared(context, base, {"tree/broken.yaml": BROKEN})
    assert names(found.head) == ["root", "web"]
    (note,) = found.notes
    start = "the Applications that root prints are not known after the change, and taken as before it: "
    assert note.startswith(start)
    (unknown,) = found.unknown
    assert (unknown.failure.is_new, unknown.failure.exit_code) == (True, 7)


def test_a_parent_that_never_could_be_rendered_is_told(context: Context) -> None:
    found = compared(context, {**ROOT, "tree/web.yaml": application("web", "web"), "tree/broken.yaml": BROKEN})
    assert [note.partition(": ")[0] for note in found.notes] == [
        "the Applications that root prints are not known before and after the change"
    ]
    assert [one.failure.is_new for one in found.unknown] == [False, False]


def test_a_pair_of_the_layout_may_be_a_parent(context: Context) -> None:
    files = {"cmp.yaml": f"version: 1\n{LAYOUT}", "units/fleet/web.yaml": application("web", "web"), **WEB}
    found = compared(context, files)
    assert sorted(found.base.pairs) == [PairId(app="fleet"), PairId("", "argocd", "web")]


def test_only_pairs_with_an_input_that_looks_like_an_application_are_rendered(context: Context) -> None:
    annotated = MAP.replace("{name: m}", "{name: m, annotations: {argocd.argoproj.io/sync-wave: '1'}} # Application")
    broken = {"tree/map.yaml": annotated, "tree/broken.yaml": BROKEN}
    assert compared(context, {**ROOT, **broken}).notes == (), "a render would fail"


NAMED = f"version: 1\n{LAYOUT}clusters: {{hub: {{}}}}\npreview: {{applications: [{{app: fleet, cluster: hub}}]}}\n"


def test_a_pair_that_is_named_counts_whatever_its_inputs_look_like(context: Context) -> None:
    files = {"cmp.yaml": NAMED, "units/fleet/cmp-app.yaml": "clusters: all\n", "units/fleet/broken.yaml": "a: [\n"}
    found = compared(context, files)
    assert [note.partition(" are ")[0] for note in found.notes] == ["the Applications that fleet on hub prints"]


def test_a_name_that_is_no_pair_is_an_error_with_its_place(context: Context) -> None:
    with pytest.raises(ConfigError) as caught:
        compared(context, {"cmp.yaml": NAMED, "units/fleet/map.yaml": MAP})
    assert caught.value.lines() == [
        "cmp: `preview.applications` names fleet on hub, which is no pair here",
        "  where: cmp.yaml:4:26",
        "  hint: `cmp affected --format json` and `cmp apps` tell the pairs; an Application has its own name",
    ]


def test_a_chart_with_applications_that_no_pair_renders_is_told(context: Context) -> None:
    chart = {
        "roots/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n",
        "roots/templates/a.yaml": f"{{{{ if 1 }}}}\n{application('a', 'web')}{{{{ end }}}}\n",
    }
    config = CONFIG.replace("roots/*", "roots/**")
    found = compared(context, {"cmp.yaml": config, **chart})
    (left,) = found.left_out
    assert (left.names, left.reached) == (("roots",), ())
    assert left.text == (
        "the Applications in templates of roots are not known, as no pair renders that chart: "
        "`preview: {applications: [{app, cluster}]}` in cmp.yaml names a pair that does"
    )


BROUGHT = {f"tree/{name}.yaml": application(name, "web") for name in ("a", "b", "c")}


def test_an_untrusted_change_brings_no_more_applications_than_the_limit(context: Context) -> None:
    base = {**ROOT, "tree/web.yaml": application("web", "web"), **WEB}
    trusted = compared(context, base, BROUGHT, limit=2)
    assert (names(trusted.head), trusted.left_out) == (["a", "b", "c", "root", "web"], ())
    found = compared(context, base, BROUGHT, is_untrusted=True, limit=2)
    assert names(found.head) == ["a", "b", "root", "web"]
    assert found.left_out == (
        LeftOut(
            "Application",
            ("c",),
            ("c",),
            "1 Application is not compared: only this change prints such, it is not trusted, and 2 are the limit "
            "(--max-applications)",
        ),
    )


def test_an_untrusted_change_is_followed_one_level_beyond_the_base(context: Context) -> None:
    base = {**ROOT, "tree/web.yaml": application("web", "web"), **WEB}
    change = {
        "tree/one.yaml": application("one", "one"),
        "one/two.yaml": application("two", "web"),
        "web/more.yaml": application("three", "web"),
    }
    found = compared(context, base, change, is_untrusted=True)
    assert names(found.head) == ["one", "root", "three", "web"]
    (left,) = found.left_out
    assert left.text == (
        "1 Application is not compared: only Applications that this change brings print such, and it is not trusted"
    )
