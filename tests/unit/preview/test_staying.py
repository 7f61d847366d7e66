"""Applications of an app of apps that nobody prints any more: some stay on the cluster, and are compared on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.preview.test_children import MAP, ROOT, WEB, application, compared, names

if TYPE_CHECKING:
    from cmp.context import Context

CHILD, FILE, PARENT = application("web", "web"), "tree/web.yaml", "roots/root.yaml"
KEPT = application("web", "web", more=", annotations: {argocd.argoproj.io/sync-options: 'Validate=false, Prune=false'}")
PRINTED = {**ROOT, FILE: CHILD, "tree/map.yaml": MAP, **WEB}


def outcome(context: Context, base: dict[str, str], change: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return the changes of Applications; those that stay are on the newer side, the others not."""
    found = compared(context, base, change)
    changes: list[tuple[str, str, str]] = [(one.application, one.what, one.text) for one in found.applications.changes]
    assert {name for name, what, _ in changes if what == "stays"} <= {*names(found.head)}
    assert not {name for name, what, _ in changes if what == "removed"} & {*names(found.head)}
    return changes


def test_a_child_that_its_parent_must_not_prune_stays(context: Context) -> None:
    left = "will stay until somebody deletes it, as `Prune=false` says"
    assert outcome(context, {**PRINTED, FILE: KEPT}, {FILE: ""}) == [("web", "stays", left)]
    ((_, what, _),) = outcome(context, {**PRINTED, FILE: KEPT.replace("=false'", "=confirm'")}, {FILE: ""})
    assert what == "removed"


def test_the_children_of_a_parent_that_ends_without_its_objects_stay(context: Context) -> None:
    left = "will stay until somebody deletes it: `root`, which printed it, ends without its objects"
    assert ("web", "stays", left) in outcome(context, PRINTED, {PARENT: ""})
    finalizer = ", finalizers: [resources-finalizer.argocd.argoproj.io/background]"
    cascading = {**PRINTED, PARENT: application("root", "tree", more=finalizer)}
    assert ("web", "removed") in [one[:2] for one in outcome(context, cascading, {PARENT: ""})]


def test_a_child_that_somebody_else_declares_now_is_neither_gone_nor_left(context: Context) -> None:
    assert outcome(context, {**PRINTED, FILE: KEPT}, {FILE: "", "roots/web.yaml": KEPT}) == []
