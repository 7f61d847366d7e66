"""The things that a comparison leaves out: which of them the change may reach, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.changes import ApplicationChange, LeftOut, Subject
from cmp.preview.left_out import ELSEWHERE, ChangedPaths, Uncompared, of_sides, promotions

if TYPE_CHECKING:
    from typing import Any

HERE, THERE = "https://git.example.test/here.git", "https://git.example.test/there.git"
NAMES = ("git.example.test/here",)


def far(*sources: dict[str, Any], name: str = "far") -> Uncompared:
    value: dict[str, object] = {"spec": {"sources": [{"repoURL": THERE, "path": "x"}, *sources]}}
    return Uncompared("Application", name, ELSEWHERE, THERE, value)


def reached(one: Uncompared, *changed: str, prefix: str = "", other: Uncompared | None = None) -> tuple[str, ...]:
    (left,) = of_sides(([other or one], [one]), ChangedPaths(changed, prefix, NAMES, "main"))
    return left.reached


@pytest.mark.parametrize(
    "source",
    [
        {"repoURL": HERE, "path": "apps/web"},
        {"repoURL": "git@git.example.test:here.git", "path": "./apps/web/", "targetRevision": "HEAD"},
        {"repoURL": HERE, "path": ".", "targetRevision": "main"},
        {"repoURL": HERE, "path": "apps/{{app}}"},
        {"repoURL": HERE, "ref": "values"},
    ],
)
def test_a_source_here_that_holds_a_changed_file_is_reached(source: dict[str, Any]) -> None:
    chart = {"repoURL": THERE, "chart": "web", "helm": {"valueFiles": ["$values/apps/web/values.yaml"]}}
    assert reached(far(source, chart), "apps/web/values.yaml") == ("far",)


@pytest.mark.parametrize(
    "source",
    [
        {"repoURL": HERE, "path": "apps/we"},
        {"repoURL": HERE, "path": "apps/web", "targetRevision": "v1.0.0"},
        {"repoURL": THERE, "path": "apps/web"},
        {"repoURL": HERE, "ref": "other"},
        {"repoURL": HERE, "ref": "values", "targetRevision": "v1.0.0"},
    ],
)
def test_any_other_source_is_not(source: dict[str, Any]) -> None:
    chart = {"repoURL": THERE, "chart": "web", "helm": {"valueFiles": ["$values/apps/web/values.yaml"]}}
    assert reached(far(source, chart), "apps/web/values.yaml", "README.md") == ()


def test_the_files_that_it_may_read_are_named() -> None:
    both = far({"repoURL": HERE, "path": "apps/web"}, {"repoURL": HERE, "path": "apps/api"})
    changed = ("apps/api/a.yaml", "apps/web/b.yaml", "apps/x.yaml")
    (left,) = of_sides(([both], [both]), ChangedPaths(changed, "", NAMES, "main"))
    assert left.files == ("apps/api/a.yaml", "apps/web/b.yaml")
    (left,) = of_sides(([far()], [both]), ChangedPaths(("apps/x.yaml",), "", NAMES, "main"))
    assert (left.reached, left.files) == (("far",), ())


def test_paths_are_those_of_the_folder_that_is_compared() -> None:
    inside = far({"repoURL": HERE, "path": "platform/apps/web"})
    assert reached(inside, "apps/web/a.yaml", prefix="platform") == ("far",)
    assert reached(inside, "apps/other/a.yaml", prefix="platform") == ()
    assert reached(far({"repoURL": HERE, "path": "apps/web"}), "apps/web/a.yaml", prefix="platform") == ()
    assert reached(far({"repoURL": HERE, "path": "platform"}), "apps/web/a.yaml", prefix="platform") == ("far",)


def test_another_one_on_either_side_is_reached() -> None:
    assert reached(far({"repoURL": THERE, "path": "b"}), other=far({"repoURL": THERE, "path": "a"})) == ("far",)
    (left,) = of_sides(([far()], [far(), far(name="new")]), ChangedPaths((), "", NAMES, "main"))
    assert (left.names, left.reached) == (("far", "new"), ("new",))
    (left,) = of_sides(([far()], []), ChangedPaths((), "", NAMES, "main"))
    assert left.reached == ("far",), "it goes"


def test_a_set_is_reached_by_the_sources_of_its_template() -> None:
    def a_set(path: str) -> Uncompared:
        spec = {"template": {"spec": {"source": {"repoURL": HERE, "path": path}}}}
        return Uncompared("ApplicationSet", "fleet", "it asks a server", value={"spec": spec})

    assert reached(a_set("apps/{{path.basename}}"), "apps/web/a.yaml") == ("fleet",)
    assert reached(a_set("{{ .path.path }}/base"), "apps/web/base/a.yaml") == ("fleet",)
    assert reached(a_set("{{path}}"), "Makefile") == ("fleet",)
    assert reached(a_set("apps/{{path.basename}}"), "charts/web/a.yaml") == ()
    assert reached(a_set("{{path}}"), "README.md", "docs/a.yaml", ".github/a.yaml") == (), "nothing renders those"
    assert reached(a_set("apps/web"), "README.md") == ()
    assert reached(a_set("apps/web"), "apps/web/a.yaml") == ("fleet",)


def test_a_file_that_cannot_be_read_is_reached_where_it_changes() -> None:
    broken = Uncompared("file", "argocd/a.yaml:3:1", "this is not YAML")
    assert reached(broken, "argocd/a.yaml") == ("argocd/a.yaml:3:1",)
    assert reached(broken, "argocd/b.yaml") == ()


def test_each_reason_is_one_sentence() -> None:
    broken = [Uncompared("file", f"argocd/{name}.yaml:3", "this is not YAML") for name in "ab"]
    found = of_sides(([far(), far(name="more")], broken), ChangedPaths((), "", NAMES, "main"))
    assert [one.text.partition(" (")[0] for one in found] == [
        f"2 Applications are not compared: they have sources in {THERE}, which is not this repository",
        "argocd/a.yaml:3, argocd/b.yaml:3 are left out: this is not YAML",
    ]


def test_an_application_that_follows_a_revision_that_is_not_here_is_left_out() -> None:
    moved = ApplicationChange(Subject("web", "blue"), "web-blue", "changed", "…", danger="revision-moved")
    others = moved._replace(application="x", danger=""), moved._replace(application="far")
    (left,) = promotions([moved, *others], [far(name="blue/far")])
    assert left == LeftOut("Application", ("web-blue",), ("web-blue",), left.text)
    assert left.text == (
        "1 Application follows another revision, and is compared as the branch is: "
        "`git fetch --tags` brings revisions here"
    )
    assert not [*promotions([], [])]
