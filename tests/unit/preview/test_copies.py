"""The effect of a change on the private copies of folders in which programs run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.preview.copies import UNKNOWN, PrivateCopies
from cmp.preview.identity import PairId
from cmp.preview.sides import Side
from cmp.repository.git import SUBMODULE, Blob, GitTree, changed
from cmp.system import workspace
from tests.support.monorepos import git_tree
from tests.support.trees import REFERENCE

if TYPE_CHECKING:
    import pytest

DEV = PairId(app="shop", cluster="dev")


def effects(base: GitTree, head: GitTree) -> list[tuple[str, str]]:
    """Return the effects of a change on the copies of one pair."""
    copies = PrivateCopies(Side(base), Side(head), [*changed(base, head)])
    return [(effect.path, effect.how) for effect in copies.effects(DEV)]


def with_blob(path: str, blob: Blob) -> GitTree:
    """Return the reference layout with one more entry."""
    tree = git_tree(REFERENCE)
    return GitTree({**tree.blobs, path: blob}, tree.reader, "")  # the contents of the same files


def test_a_changed_submodule_in_a_copied_folder_is_unknown() -> None:
    path = "namespaces/shop/vendor"
    base, head = (with_blob(path, Blob(SUBMODULE, commit * 40)) for commit in "ab")
    assert effects(base, head) == [(path, UNKNOWN)]


def test_a_changed_submodule_elsewhere_is_no_concern() -> None:
    base, head = (with_blob("vendor", Blob(SUBMODULE, commit * 40)) for commit in "ab")
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
