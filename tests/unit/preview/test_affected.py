"""The pairs that a change touches or affects, by which files, and the changed files of no pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Outcome, Unowned
from cmp.preview.affected import ChangedInput, Impact, find_impact
from cmp.preview.sides import Side
from cmp.repository.git import changed
from tests.support.monorepos import git_tree
from tests.support.trees import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMON, DEV = "namespaces/shop/common-values-shop.yaml", "clusters/dev/shop/dev-values-shop.yaml"


def impact(change: Mapping[str, str], files: Mapping[str, str] = REFERENCE, *ignore: str) -> Impact:
    """Return the impact of files that are written, on two clusters, dev and prod."""
    before, after = git_tree(files), git_tree({**files, **change})
    base = Side(before)
    paths = [*changed(before, after)]
    return find_impact(base, base.successor(after, paths), paths, ignore)


def inputs(found: Impact) -> dict[str, list[tuple[str, str, bool]]]:
    """Return the changed inputs by the clusters of the affected pairs."""
    return {pair.subject.cluster: [(*one[:2], pair.is_affected) for one in pair.inputs] for pair in found.touched}


def test_a_changed_values_layer_affects_the_pairs_that_read_it() -> None:
    found = impact({DEV: "a: 9\n"})
    assert inputs(found) == {"dev": [(DEV, "value layer 3 of 4", True)]}
    assert (found.pairs, found.unowned) == (2, ())


def test_a_changed_chart_affects_its_pairs_on_every_cluster() -> None:
    path = "namespaces/shop/templates/map.yaml"
    assert inputs(impact({path: "kind: ConfigMap\n"})) == {
        cluster: [(path, "helm files", True)] for cluster in ("dev", "prod")
    }


def test_a_value_that_every_stronger_layer_overrides_has_no_effect() -> None:
    (dev, prod) = impact({COMMON: "a: 9\n"}).touched
    assert (dev.is_affected, prod.is_affected) == (False, False)
    assert dev.inputs == (ChangedInput(COMMON, "value layer 1 of 4 (overridden: no effect)", is_overridden=True),)


def test_a_changed_setting_affects_the_pairs_that_it_is_for() -> None:
    files = {**REFERENCE, "cmp.yaml": "version: 1\nclusters: {dev: {kubeVersion: '1.30'}, prod: {}}\n"}
    found = impact({"cmp.yaml": files["cmp.yaml"].replace("1.30", "1.31")}, files)
    assert inputs(found) == {"dev": [("cmp.yaml", "Kubernetes version 1.30 -> 1.31", True)]}


def test_a_pair_on_one_side_only_was_added_or_removed() -> None:
    stage = {"clusters/stage/shop/.keep": ""}
    (added,) = impact(stage).touched
    assert (added.subject.cluster, added.what, added.is_affected) == ("stage", "added", True)
    before, after = git_tree({**REFERENCE, **stage}), git_tree(REFERENCE)
    (removed,) = find_impact(Side(before), Side(after), [*stage]).touched
    assert (removed.subject.cluster, removed.what) == ("stage", "removed")


def test_a_changed_file_of_no_pair_is_told_with_its_consequence() -> None:
    found = impact({"tools/x.py": "", "README.md": "", ".editorconfig": "", "ours/x": ""}, REFERENCE, "ours/**")
    assert found.unowned == (
        Unowned(".editorconfig", "a hidden file", "ignored"),
        Unowned("README.md", "**/*.md", "ignored"),
        Unowned("ours/x", "ours/**", "ignored"),
        Unowned("tools/x.py", "", "nothing reads it"),
    )
    assert found.touched == ()


def test_a_file_that_keeps_the_folder_of_a_new_pair_is_not_told() -> None:
    assert impact({"clusters/stage/shop/.keep": ""}).unowned == ()


def test_a_pair_whose_manifests_are_equal_after_all_is_not_affected() -> None:
    found = impact({DEV: "a: 9\n"})
    (pair,) = found.touched
    (equal,) = found.confirmed([Outcome(pair.subject, "equal")]).touched
    assert (equal.is_affected, equal.rendered) == (False, "manifests equal")
    (different,) = found.confirmed([Outcome(pair.subject, "changed")]).touched
    assert (different.is_affected, different.rendered) == (True, "manifests differ")
    assert found.confirmed([]) == found
