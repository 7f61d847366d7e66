"""The files of submodules stand in a tree of a comparison where the checkout has their clones; nothing is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.repository.git import SUBMODULE, Git, GitTree, changed
from cmp.repository.submodules import Submodules
from tests.support.git_repository import Repo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cmp.context import Context

LINK = "vendor/lib"


class Nested:
    """A repository with a submodule, which has one itself."""

    def __init__(self, folder: Path, context: Context) -> None:
        self.context = context
        self.inner, self.lib, self.repo = (Repo(folder / name) for name in ("inner", "lib", "repo"))
        self.inner.commit({"deep.yaml": "deep: 1\n"})
        self.lib.commit({"web/level.yaml": "level: one\n", "web/same.yaml": "same\n"})
        self._add(self.lib, self.inner, "inner")
        self.repo.commit({"a.yaml": "a: 1\n", "same.yaml": "same\n"})
        self._add(self.repo, self.lib, LINK)
        self.repo.git("-c", "protocol.file.allow=always", "submodule", "update", "--init", "--recursive", "--quiet")
        self.git = Git(str(self.repo.folder), context)
        self.submodules = Submodules(str(self.repo.folder), context)

    @staticmethod
    def _add(repo: Repo, other: Repo, path: str) -> None:
        repo.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(other.folder), path)
        repo.git("commit", "--quiet", "--message=add")

    def bump(self, *, is_fetched: bool = True) -> None:
        """Raise the submodule to a commit with another level; without fetching, the clone does not get it."""
        self.lib.commit({"web/level.yaml": "level: two\n"})
        commit = self.lib.git("rev-parse", "HEAD").strip()
        if is_fetched:
            clone = Repo(self.repo.folder / LINK)
            clone.git("-c", "protocol.file.allow=always", "fetch", "--quiet")
        self.repo.git("update-index", "--cacheinfo", f"{SUBMODULE},{commit},{LINK}")
        self.repo.git("commit", "--quiet", "--message=bump")

    def tree(self, revision: str = "HEAD", prefix: str = "") -> GitTree:
        """Return the tree of a revision as its commit has it."""
        return self.git.tree(self.git.commit(revision), prefix)


@pytest.fixture
def nested(tmp_path: Path, context: Context) -> Iterator[Nested]:
    made = Nested(tmp_path, context)
    yield made
    made.submodules.close()
    made.git.close()


def test_files_stand_in_place_of_the_hash_those_of_inner_submodules_too(nested: Nested) -> None:
    (tree,) = nested.submodules.filled(nested.tree())
    assert LINK not in tree.blobs
    assert tree.read(f"{LINK}/web/level.yaml") == b"level: one\n"
    assert tree.read(f"{LINK}/inner/deep.yaml") == b"deep: 1\n"
    assert (tree.read("same.yaml"), tree.read(f"{LINK}/web/same.yaml")) == (b"same\n", b"same\n")
    assert tree.sizes(["a.yaml", f"{LINK}/web/level.yaml", f"{LINK}/inner/deep.yaml"]) == [5, 11, 8]


def test_another_commit_changes_the_files_that_differ_in_it(nested: Nested) -> None:
    nested.bump()
    base, head = nested.submodules.filled(nested.tree("HEAD~1"), nested.tree())
    assert list(changed(base, head)) == [f"{LINK}/web/level.yaml"]
    assert head.read(f"{LINK}/web/level.yaml") == b"level: two\n"


def test_a_commit_that_the_clone_lacks_leaves_the_hash_on_both_sides(nested: Nested) -> None:
    nested.bump(is_fetched=False)
    base, head = nested.submodules.filled(nested.tree("HEAD~1"), nested.tree())
    assert list(changed(base, head)) == [LINK]
    assert base.blobs[LINK].mode == head.blobs[LINK].mode == SUBMODULE


def test_a_submodule_that_comes_is_read_on_the_side_that_has_it(nested: Nested) -> None:
    before = nested.tree("HEAD~1")
    assert LINK not in before.blobs
    base, head = nested.submodules.filled(before, nested.tree())
    assert f"{LINK}/web/level.yaml" in set(changed(base, head))
    assert base.blobs == before.blobs


def test_a_tree_below_a_folder_has_its_submodules_too(nested: Nested) -> None:
    (tree,) = nested.submodules.filled(nested.tree(prefix="vendor"))
    assert tree.read("lib/web/level.yaml") == b"level: one\n"


def test_what_is_not_committed_in_a_submodule_is_part_of_the_work_tree(nested: Nested) -> None:
    (nested.repo.folder / LINK / "web/level.yaml").write_text("level: three\n")
    (tree,) = nested.submodules.filled(nested.git.work_tree())
    assert tree.read(f"{LINK}/web/level.yaml") == b"level: three\n"
    assert tree.read(f"{LINK}/web/same.yaml") == b"same\n"


def test_a_folder_without_a_clone_stays_unknown(nested: Nested) -> None:
    (nested.repo.folder / LINK / ".git").unlink()
    (tree,) = nested.submodules.filled(nested.tree())
    assert tree.blobs[LINK].mode == SUBMODULE


def test_files_that_hold_words_are_found_in_submodules(nested: Nested) -> None:
    (tree,) = nested.submodules.filled(nested.tree())
    assert tree.holding("level") == [f"{LINK}/web/level.yaml"]
    assert tree.holding("deep") == [f"{LINK}/inner/deep.yaml"]
