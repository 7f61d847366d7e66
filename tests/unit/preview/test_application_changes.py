"""The sentence for each change of an Application itself, and near misses, which are no change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.preview.comparison import Comparer, Comparison
from tests.support.monorepos import git_tree

if TYPE_CHECKING:
    from cmp.changes import ApplicationChange
    from cmp.context import Context

CONFIG = """\
version: 1
clusters:
  blue: {server: 'https://blue.example.test'}
  green: {server: 'https://green.example.test'}
preview: {applications: ['argocd/*.yaml']}
"""
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\n"
FILES = {
    "cmp.yaml": CONFIG,
    "namespaces/web/map.yaml": MAP,
    "clusters/blue/web/.keep": "",
    "clusters/green/web/.keep": "",
}
FINALIZER = "finalizers: [resources-finalizer.argocd.argoproj.io]"
DELETED = "will be deleted where its file is applied with pruning, and all its objects on the cluster with it"
REPLACED = "will replace each object as a whole: what others set in it on the cluster is lost"
LEFT = "will be deleted where its file is applied with pruning, without its objects: they stay, and nobody manages them"


def application(
    name: str = "web",
    *,
    metadata: str = FINALIZER,
    to: str = "blue",
    policy: str = "{automated: {prune: true}}",
    more: str = "",
) -> str:
    """Return an Application that brings `web` to a cluster."""
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: argocd, {metadata}}}
spec:
  project: default
  destination: {{name: {to}, namespace: shop}}
  source:
    {{repoURL: 'https://g.example.test/repo', path: clusters/blue/web, targetRevision: main, plugin: {{name: cmp}}}}
  syncPolicy: {policy}
  {more}
"""


def fleet(*clusters: str, name: str = "web-{{cluster}}", spec: str = "") -> str:
    """Return an ApplicationSet with a list of clusters."""
    elements = ", ".join(f"{{cluster: {cluster}}}" for cluster in clusters)
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: fleet, namespace: argocd}}
spec:
  {spec}
  generators: [{{list: {{elements: [{elements}]}}}}]
  template:
    metadata: {{name: '{name}'}}
    spec:
      project: default
      destination: {{name: '{{{{cluster}}}}', namespace: shop}}
      source: {{repoURL: 'https://g.example.test/repo', path: 'clusters/{{{{cluster}}}}/web', plugin: {{name: cmp}}}}
"""


def compared(context: Context, before: str, after: str, **files: str) -> Comparison:
    """Return the comparison of two trees that differ in the file of Applications."""
    base, head = (git_tree({**FILES, **files, "argocd/apps.yaml": text}) for text in (before, after))
    comparer = Comparer(lists=(), urls=(), trunk="main", is_untrusted=False, context=context)
    return comparer.compare(base, head, ["argocd/apps.yaml"])


def changes(context: Context, before: str, after: str) -> list[tuple[str, str, str, str]]:
    """Return name, kind, sentence and rule of each change."""
    found = compared(context, before, after).applications.changes
    return [(one.application, one.what, one.text, one.danger) for one in found]


def test_an_application_that_goes_takes_its_objects_along_if_it_has_the_finalizer(context: Context) -> None:
    other = application("other", to="green")
    found = compared(context, application() + "---\n" + other, other).applications
    assert [(one.text, one.danger) for one in found.changes] == [(DELETED, "application-removed")]
    assert not found.kept
    bare = application(metadata="")
    found = compared(context, bare + "---\n" + other, other).applications
    assert [(one.text, one.danger) for one in found.changes] == [(LEFT, "application-removed")]
    assert [key.name for key in found.kept] == ["web"]


@pytest.mark.parametrize(
    ("spec", "text", "rule", "is_kept"),
    [
        ("", "will be deleted, and all its objects on the cluster with it", "application-removed", False),
        (
            "syncPolicy: {preserveResourcesOnDeletion: true}",
            "will be deleted, without its objects: they stay, and nobody manages them",
            "application-removed",
            True,
        ),
        (
            "syncPolicy: {applicationsSync: create-update}",
            "will stay as it is: its ApplicationSet deletes none (`applicationsSync: create-update`)",
            "",
            False,
        ),
        (
            "syncPolicy: {applicationsSync: create-delete}",
            "will be deleted, and all its objects on the cluster with it",
            "application-removed",
            False,
        ),
    ],
)
def test_the_policy_of_a_set_decides_what_becomes_of_an_element_that_goes(
    context: Context, spec: str, text: str, rule: str, *, is_kept: bool
) -> None:
    found = compared(context, fleet("blue", "green", spec=spec), fleet("blue", spec=spec)).applications
    assert [(one.application, one.text, one.danger) for one in found.changes] == [("web-green", text, rule)]
    assert bool(found.kept) is is_kept


def test_a_set_that_changes_no_application_leaves_them_as_they_are(context: Context) -> None:
    for policy, is_left in (("create-only", True), ("create-delete", True), ("create-update", False), ("sync", False)):
        spec = f"syncPolicy: {{applicationsSync: {policy}}}"
        before = fleet("blue", spec=spec)
        ((name, what, text, _),) = changes(context, before, before.replace("project: default", "project: other"))
        left = f"will stay as it is: its ApplicationSet changes none (`applicationsSync: {policy}`)"
        assert (name, what) == ("web-blue", "stays" if is_left else "changed")
        assert (text == left) is is_left


def test_an_application_that_its_set_does_not_delete_is_still_compared(context: Context) -> None:
    spec = "syncPolicy: {applicationsSync: create-update}"
    found = compared(context, fleet("blue", "green", spec=spec), fleet("blue", spec=spec))
    assert [(one.application, one.what) for one in found.applications.changes] == [("web-green", "stays")]
    assert {key.name for key in found.head.pairs} == {"web-blue", "web-green"}


GENERATED = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: fleet, namespace: argocd}
spec:
  generators: [{git: {repoURL: 'https://git.example.test/repo.git', revision: main, files: [{path: sets/*.yaml}]}}]
  template:
    metadata: {name: 'web-{{cluster}}'}
    spec:
      project: default
      destination: {name: '{{cluster}}', namespace: shop}
      source: {repoURL: 'https://git.example.test/repo.git', path: 'clusters/{{cluster}}/web', plugin: {name: cmp}}
"""


def test_an_application_goes_by_the_file_of_its_generator(context: Context) -> None:
    files = {f"sets/{name}.yaml": f"cluster: {name}\n" for name in ("blue", "green")}
    base = git_tree({**FILES, **files, "argocd/apps.yaml": GENERATED})
    head = git_tree({**FILES, "sets/blue.yaml": files["sets/blue.yaml"], "argocd/apps.yaml": GENERATED})
    comparer = Comparer(lists=(), urls=(), trunk="main", is_untrusted=False, context=context)
    found = comparer.compare(base, head, ["sets/green.yaml"])
    assert [(pair.key.name, pair.what, [one[:2] for one in pair.inputs]) for pair in found.impact.touched] == [
        ("web-green", "removed", [("sets/green.yaml", "declares it")])
    ]
    assert found.impact.unowned == ()


def test_a_set_that_goes_deletes_its_applications_whatever_its_policy(context: Context) -> None:
    spec = "syncPolicy: {applicationsSync: create-only}"
    (change,) = compared(context, fleet("blue", spec=spec), MAP).applications.changes
    assert change.danger == "application-removed"


def test_another_name_in_the_same_place_is_a_new_name(context: Context) -> None:
    found = compared(context, fleet("blue"), fleet("blue", name="{{cluster}}-web")).applications.changes
    assert [(one.was, one.application, one.what, one.danger) for one in found] == [
        ("web-blue", "blue-web", "renamed", "application-renamed")
    ]
    assert "claims without their data" in found[0].text
    preserving = "syncPolicy: {preserveResourcesOnDeletion: true}"
    sides = fleet("blue", spec=preserving), fleet("blue", name="{{cluster}}-web", spec=preserving)
    (change,) = compared(context, *sides).applications.changes
    assert change.text.endswith("these are taken over")


def test_one_that_comes_elsewhere_takes_nobodys_place(context: Context) -> None:
    found = changes(context, fleet("blue"), fleet("green", name="{{cluster}}-web"))
    assert {(name, what) for name, what, _, _ in found} == {("web-blue", "removed"), ("green-web", "added")}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {},
            {"to": "green"},
            [
                ("moved", "will bring the manifests of `blue` to the cluster `green`", "destination-differs"),
                (
                    "moved",
                    "will go to cluster `green`: its objects on `blue` stay there, and nobody manages them",
                    "destination-moved",
                ),
            ],
        ),
        (
            {"policy": "{}"},
            {"policy": "{syncOptions: [Replace=true, PruneLast=true]}"},
            [
                ("changed", "will be synced in another way (`PruneLast=true`)", ""),
                (
                    "changed",
                    f"{REPLACED} (`Replace=true`)",
                    "sync-replace",
                ),
            ],
        ),
        (
            {"policy": "{syncOptions: [ServerSideApply=true]}"},
            {"policy": "{}"},
            [("changed", "will be synced without `ServerSideApply=true`", "")],
        ),
        (
            {"policy": "{automated: {prune: true}}"},
            {"policy": "{automated: {prune: true, enabled: false}}"},
            [("changed", "will no longer prune", ""), ("changed", "will no longer sync automatically", "")],
        ),
        (
            {"more": "ignoreDifferences: [{kind: Service, jsonPointers: [/a]}]"},
            {"more": "ignoreDifferences: [{kind: Service, jsonPointers: [/b]}]"},
            [("changed", "will ignore other differences (`ignoreDifferences`)", "")],
        ),
        ({}, {"metadata": ""}, [("changed", "would be deleted without its objects, should it ever go", "")]),
        ({}, {"metadata": f"{FINALIZER}, labels: {{team: shop}}"}, []),
    ],
)
def test_what_is_different_in_an_application_is_told(
    context: Context, before: dict[str, str], after: dict[str, str], expected: list[tuple[str, str, str]]
) -> None:
    found = changes(context, application(**before), application(**after))
    assert [(what, text, rule) for _, what, text, rule in found] == expected


def test_another_namespace_deletes_what_is_in_the_old_one_only_where_something_is_pruned(context: Context) -> None:
    for policy, end in (("{automated: {prune: true}}", "and deletes"), ("{automated: {}}", "and leaves")):
        old = application(policy=policy)
        ((_, what, text, rule),) = changes(context, old, old.replace("namespace: shop", "namespace: store"))
        assert (what, rule) == ("moved", "destination-moved")
        assert text == f"will create its objects without a namespace of their own in `store`, {end} those in `shop`"


def test_another_revision_brings_what_the_report_does_not_have(context: Context) -> None:
    old = application()
    ((_, what, text, rule),) = changes(context, old, old.replace("targetRevision: main", "targetRevision: v2"))
    assert (what, rule) == ("changed", "revision-moved")
    assert text.startswith("will follow `v2` instead of `main`: what that brings")


def test_a_destination_that_was_another_one_before_is_no_news(context: Context) -> None:
    old = application(to="green")
    assert changes(context, old, old.replace("project: default", "project: other")) == [
        ("web", "changed", "will belong to the project `other` instead of `default`", "")
    ]


def test_a_set_that_the_change_breaks_fails_and_keeps_its_applications(context: Context) -> None:
    found = compared(context, fleet("blue", "green"), fleet("blue").replace("[{list:", "[{lists:"))
    (failure,) = found.failures
    assert (failure.is_new, failure.exit_code, found.exit_code) == (True, 3, 3)
    assert failure.subject.app == "ApplicationSet fleet"
    assert failure.lines[:2] == ("cmp: there is no generator lists", "  where: argocd/apps.yaml:6")
    assert not found.applications.changes
    assert {key.name for key in found.head.pairs} == {"web-blue", "web-green"}


def test_an_application_that_its_set_makes_twice_fails_and_stays_while_another_one_goes(context: Context) -> None:
    found = compared(context, fleet("blue", "green"), fleet("blue", "blue"))
    (failure,) = found.failures
    assert (failure.is_new, found.exit_code) == (True, 3)
    assert failure.lines == (
        "cmp: the Application web-blue is neither created nor changed: 2 of this set have the name",
        "  where: argocd/apps.yaml:1",
        "  hint: where it exists, it stays as it is",
    )
    assert [(one.application, one.what) for one in found.applications.changes] == [("web-green", "removed")]
    assert {key.name for key in found.head.pairs} == {"web-blue"}
    assert not any("web-blue" in note for note in found.notes)
    again = compared(context, fleet("blue", "blue"), fleet("blue", "blue", "green"))
    assert ([one.is_new for one in again.failures], again.exit_code) == ([False], 0)


def test_a_set_that_was_broken_before_fails_nothing(context: Context) -> None:
    broken = fleet("blue").replace("[{list:", "[{lists:")
    found = compared(context, broken, broken.replace("web-", "web--"))
    assert [one.is_new for one in found.failures] == [False]
    assert found.exit_code == 0
    mended = compared(context, broken, fleet("blue"))
    assert not mended.failures
    assert not mended.applications.changes
    assert any("could not be evaluated before this change" in note for note in mended.notes)


def test_a_set_that_asks_something_outside_is_a_note_and_no_failure(context: Context) -> None:
    outside = fleet("blue").replace("list: {elements: [{cluster: blue}]}", "pullRequest: {}")
    found = compared(context, outside, outside.replace("web-", "web--"))
    assert not found.failures
    assert any("one ApplicationSet is not read here: the generator pullRequest" in note for note in found.sentences)
    asked_anew = compared(context, fleet("blue"), outside)
    assert [one.is_new for one in asked_anew.failures] == [True]


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ("", "and all objects of these"),
        ("  syncPolicy: {preserveResourcesOnDeletion: true}\n", "whose objects stay, and nobody manages them"),
    ],
)
def test_a_set_that_goes_takes_its_applications_along_though_nobody_here_knows_which(
    more: str, end: str, context: Context
) -> None:
    unread = fleet("blue").replace("list: {elements: [{cluster: blue}]}", "pullRequest: {}")
    unread = unread.replace("spec:\n", f"spec:\n{more}", 1)
    found = compared(context, f"{unread}---\n{application('one')}", application("one"))
    (change,) = found.applications.changes
    assert (change.application, change.what, change.danger) == (
        "ApplicationSet fleet",
        "removed",
        "application-removed",
    )
    assert change.text == (
        "will be deleted where its file is applied with pruning, with all Applications that it made "
        f"(which ones is not known here), {end}"
    )
    assert [(one.names, one.reached) for one in found.left_out] == [(("fleet",), ("fleet",))]
    assert not compared(context, unread, unread).applications.changes
    edited = compared(context, unread, unread.replace("web-", "web--"))
    assert [one.reached for one in edited.left_out] == [("fleet",)]
    assert not edited.applications.changes


def test_an_application_elsewhere_that_goes_is_told_too(context: Context) -> None:
    far = application("far").replace("https://g.example.test/repo", "https://g.example.test/other")
    near = "".join(f"---\n{application(name)}" for name in ("one", "two"))
    found: tuple[ApplicationChange, ...] = compared(context, far + near, near).applications.changes
    assert [(one.application, one.danger) for one in found] == [("far", "application-removed")]
