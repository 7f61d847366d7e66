"""A source tree shows what lies below its root, and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from cmp.errors import ConfigError
from cmp.system.tree import MAX_FILE_BYTES, Entry, WorkTree, walk
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_is_listed_sorted_with_what_each_name_leads_to(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"b.yaml": "", "a/x": "", "c": "-> b.yaml", "d": "-> a", "e": "-> nowhere", "f": "-> f"})
    os.mkfifo(tmp_path / "g")
    assert tree.entries("") == [
        Entry("a", "folder"),
        Entry("b.yaml", "file"),
        Entry("c", "file", is_link=True),
        Entry("d", "folder", is_link=True),
        Entry("e", "other", is_link=True),
        Entry("f", "other", is_link=True),
        Entry("g", "other"),
    ]
    assert [tree.kind(entry.name) for entry in tree.entries("")] == [entry.kind for entry in tree.entries("")]


def test_what_is_not_a_folder_has_no_entries(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"file": ""})
    assert tree.entries("missing") == []
    assert tree.entries("file") == []
    assert tree.kind("missing") == "missing"
    assert tree.kind("file/deeper") == "missing"


def test_the_root_is_the_empty_path(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"a/b": "x"})
    assert tree.kind("") == "folder"
    assert tree.resolve("") == ""
    assert WorkTree("/").kind("proc") == "folder"


def test_walk_finds_every_file_once_and_enters_no_link_to_a_folder(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"a/b/c": "", "a/d": "", "a/e": "-> d", "a/up": "-> ..", "z": ""})
    assert list(walk(tree, "")) == ["a/b/c", "a/d", "a/e", "z"]
    assert list(walk(tree, "a/b")) == ["a/b/c"]


def test_resolve_follows_links_inside_the_root(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"real/x": "", "link": "-> real"})
    assert tree.resolve("link/x") == "real/x"
    assert tree.read("link/x") == b""


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "out", "out/secret", "a/../../secret", "hop"])
def test_no_path_leads_outside_the_root(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("x")
    tree = plant(tmp_path / "root", {"out": "-> ..", "hop": "-> out/secret", "a/b": ""})
    for look in (tree.kind, tree.entries, tree.read, tree.resolve):
        with pytest.raises(ConfigError) as caught:
            look(path)
        assert caught.value.lines() == [
            "cmp: this path leads outside the source tree",
            f"  where: {path}",
            "  hint: everything an application uses must lie in its repository",
        ]


IN_GIT = [
    "cmp: this path leads into .git, the folder of Git itself",
    "  hint: everything an application uses must lie in a commit: remove the link, or copy the file",
]


@pytest.mark.parametrize(
    "path", [".git", ".git/config", "a/../.git/HEAD", "config", "a/deep/config", "sub/.git/config", ".GIT/config"]
)
def test_no_path_leads_into_the_folder_of_git(tmp_path: Path, path: str) -> None:
    files = {".git/config": "x", ".git/HEAD": "x", ".GIT/config": "x", "sub/.git/config": "x"}
    tree = plant(tmp_path, {**files, "config": "-> .git/config", "deep/config": "x", "a/deep": "-> ../.git"})
    for look in (tree.kind, tree.entries, tree.read, tree.resolve):
        with pytest.raises(ConfigError) as caught:
            look(path)
        assert caught.value.lines() == [IN_GIT[0], f"  where: {path}", IN_GIT[1]]


def test_the_folder_of_git_is_not_listed_and_names_like_it_are(tmp_path: Path) -> None:
    tree = plant(
        tmp_path, {".git/config": "", ".gitignore": "", ".github/x": "", "x.git/y": "", "sub/.git": "gitdir: x"}
    )
    assert [entry.name for entry in tree.entries("")] == [".github", ".gitignore", "sub", "x.git"]
    assert list(walk(tree, "")) == [".github/x", ".gitignore", "x.git/y"]
    assert tree.read("x.git/y") == b""


def test_a_folder_beside_the_root_with_a_longer_name_is_outside(tmp_path: Path) -> None:
    (tmp_path / "root-2").mkdir()
    with pytest.raises(ConfigError, match="outside"):
        plant(tmp_path / "root", {"a": ""}).kind("../root-2")


def test_a_link_to_the_root_itself_is_inside(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"self": "-> .", "x": "y"})
    assert tree.read("self/self/x") == b"y"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("missing", "cannot read this file: No such file or directory"),
        ("folder", "cannot read this file: Is a directory"),
        ("loop", "cannot read this file: Too many levels of symbolic links"),
        ("pipe", "this is not a regular file"),
        ("large", "this file is larger than 16 MiB"),
        ("n" * 300, "cannot read this file: File name too long"),
    ],
)
def test_only_regular_files_of_a_sane_size_are_read(tmp_path: Path, name: str, what: str) -> None:
    tree = plant(tmp_path, {"folder/x": "", "loop": "-> loop"})
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ConfigError) as caught:
        tree.read(name)
    assert (caught.value.what, caught.value.file) == (what, name)


def test_the_largest_file_that_is_read_is_read_whole(tmp_path: Path) -> None:
    tree = plant(tmp_path, {})
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MAX_FILE_BYTES)
    assert len(tree.read("large")) == MAX_FILE_BYTES


def test_a_nul_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        plant(tmp_path, {}).kind("a\0b")
    assert caught.value.lines() == ["cmp: a path with a NUL character", "  where: a\\0b"]
