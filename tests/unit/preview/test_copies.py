"""The effect of a change on the private copies of folders in which programs run."""

from __future__ import annotations

import pytest

from cmp.preview.copies import UNKNOWN, PrivateCopies
from cmp.preview.identity import PairId
from cmp.preview.sides import Side
from cmp.repository.git import SUBMODULE, Blob, GitTree, changed
from cmp.system import workspace
from tests.support.monorepos import git_tree
from tests.support.trees import REFERENCE

GONE = "(gone)"
DEV = PairId(app="shop", cluster="dev")


def effects(base: GitTree, head: GitTree) -> list[tuple[str, str]]:
    """Return the effects of a change on the copies of one pair."""
    copies = PrivateCopies(Side(base), Side(head), [*changed(base, head)], [DEV])
    return [(effect.path, effect.how) for effect in copies.effects(DEV)]


def with_blob(path: str, blob: Blob, **files: str) -> GitTree:
    """Return the reference layout with other files and one more entry."""
    tree = git_tree({path: text for path, text in {**REFERENCE, **files}.items() if text != GONE})
    return GitTree({**tree.blobs, path: blob}, tree.reader, "")  # the contents of the same files


def test_a_changed_submodule_in_a_copied_folder_is_unknown() -> None:
    path = "namespaces/shop/vendor"
    base, head = (with_blob(path, Blob(SUBMODULE, commit * 40)) for commit in "ab")
    assert effects(base, head) == [(path, UNKNOWN)]


def test_a_changed_submodule_elsewhere_is_no_concern() -> None:
    base, head = (with_blob("vendor", Blob(SUBMODULE, commit * 40)) for commit in "ab")
    assert effects(base, head) == []


CHART_AND = (
    "apiVersion: v2\nname: demo\nversion: 1.0.0\ndependencies:\n- {{name: lib, version: 1.0.0, repository: '{}'}}\n"
)
WITHIN = {  # ways to read something in the submodule vendor/lib, whose files are not here
    "a chart that is the submodule": {"namespaces/shop/Chart.yaml": CHART_AND.format("file://../../vendor/lib")},
    "a chart in it": {"namespaces/shop/Chart.yaml": CHART_AND.format("file://../../vendor/lib/charts/lib")},
    "the chart of the application": {
        "cmp.yaml": "version: 1\nlayout: {chart: vendor/lib}\n",
        "namespaces/shop/Chart.yaml": GONE,
    },
    "a link in a folder that is read": {"namespaces/shop/templates/a.yaml": "->../../../vendor/lib/a.yaml"},
    "a link to a link": {
        "namespaces/shop/templates/all": "->../../../common",
        "common": "->vendor/lib/common",
    },
    "a layer that is a link": {"namespaces/shop/common-values-shop.yaml": "->../../vendor/lib/values.yaml"},
    "a layer of an application": {
        "cmp.yaml": "version: 1\nlayout: {shared: ['vendor/**']}\n",
        "namespaces/shop/cmp-app.yaml": "values: [vendor/lib/values.yaml]\n",
    },
    "a kustomization that is the submodule": {
        **{path: GONE for path in REFERENCE if path.startswith("namespaces/") or path.endswith(".secret.yaml")},
        **{path: GONE for path in REFERENCE if path.endswith("-values-shop.yaml")},
        "clusters/dev/shop/.keep": "",
        "namespaces/shop/kustomization.yaml": "components: [../../vendor/lib]\n",
    },
}


@pytest.mark.parametrize("case", WITHIN)
def test_a_pair_that_reads_in_a_changed_submodule_cannot_be_compared(case: str) -> None:
    base, head = (with_blob("vendor/lib", Blob(SUBMODULE, commit * 40), **WITHIN[case]) for commit in "ab")
    assert effects(base, head) == [("vendor/lib", UNKNOWN)]


def test_a_link_beside_what_a_pair_reads_is_no_concern() -> None:
    beside = {
        "namespaces/other/a.yaml": "->../../vendor/lib/a.yaml",
        "namespaces/shop/a.yaml": "->../../vendor/library",
    }
    base, head = (with_blob("vendor/lib", Blob(SUBMODULE, commit * 40), **beside) for commit in "ab")
    assert effects(base, head) == []


def test_a_folder_that_becomes_too_large_is_refused_and_one_that_no_longer_is_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workspace, "MAX_COPY_BYTES", 1000)
    small, large = git_tree(REFERENCE), git_tree({**REFERENCE, "namespaces/shop/notes.txt": "x" * 2000})
    ((path, how),) = effects(small, large)
    assert (path, how.partition(":")[0]) == ("namespaces/shop/notes.txt", "every render will refuse it")
    assert effects(large, small) == [(path, "renders refuse it no more")]


def test_a_folder_that_was_too_large_before_is_no_effect_of_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "MAX_COPY_BYTES", 1000)
    before, after = (git_tree({**REFERENCE, "namespaces/shop/notes.txt": char * 2000}) for char in "xy")
    assert effects(before, after) == []
