"""A Git revision is a source tree like a work folder, and the checkout is not touched."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from cmp import environ
from cmp.context import Context
from cmp.errors import ConfigError, ToolError, UsageError
from cmp.repository.git import AT_ONCE, FEW_PATHS, Blob, Git, changed, of_folder
from cmp.secrets.redact import Redactor
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline
from cmp.system.tree import Entry, WorkTree, walk
from cmp.system.workspace import Workspace
from tests.support.git_repository import Repo, plant_bare_repository
from tests.support.harness import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.repository.git import GitTree


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


def reading(repo: Repo) -> Git:
    found = environ.read({"PATH": os.environ["PATH"], "HOME": str(repo.folder)}, default_deadline=60)
    redactor = Redactor()
    context = Context(found.settings, Deadline(60), redactor, Log(sys.stderr, redactor.mask), Phases())
    return Git(str(repo.folder), context)


@pytest.fixture
def git(repo: Repo) -> Iterator[Git]:
    with closing(reading(repo)) as one:
        yield one


def listing(tree: GitTree | WorkTree, folder: str = "") -> list[tuple[str, list[Entry]]]:
    """Return every folder below one with its entries, links to folders not entered."""
    entries = [entry for entry in tree.entries(folder) if entry.name != ".git"]
    below = [f"{folder}/{entry.name}".lstrip("/") for entry in entries if entry.kind == "folder" and not entry.is_link]
    return [(folder, entries), *(item for inner in below for item in listing(tree, inner))]


TREE = {
    "cmp.yaml": "version: 1\n",
    "apps/web/Chart.yaml": "name: web\n",
    "apps/web/templates/a.yaml": "a: 1\n",
    "名前/値.yaml": "x: 1\n",
    "with space/and\ttab.yaml": "x: 1\n",
}


def linked(repo: Repo) -> None:
    """Add links: to a file, a folder, through a folder, to nothing, in a circle."""
    for name, target in {
        "link.yaml": "cmp.yaml",
        "web": "apps/web",
        "apps/up": "../apps/web/templates",
        "dead": "nowhere",
        "circle": "circle",
        "out": "../outside",
        "absolute": "/etc/passwd",
    }.items():
        (repo.folder / name).symlink_to(target)


def test_a_commit_reads_as_its_work_folder_does(repo: Repo, git: Git) -> None:
    repo.write(TREE)
    linked(repo)
    (repo.folder / "out").unlink()
    (repo.folder / "absolute").unlink()
    tree, work = git.tree(repo.commit()), WorkTree(str(repo.folder))
    assert listing(tree) == listing(work)
    for path in (
        "link.yaml",
        "web/Chart.yaml",
        "apps/up/a.yaml",
        "名前/値.yaml",
        "with space/and\ttab.yaml",
        "./cmp.yaml",
    ):
        assert tree.read(path) == work.read(path)
        assert tree.resolve(path) == work.resolve(path)
    for path in ("", "apps", "web", "dead", "circle", "missing", "missing/deeper", "cmp.yaml/x"):
        assert tree.kind(path) == work.kind(path)
    assert [*walk(tree, "apps")] == [*walk(work, "apps")]


@pytest.mark.parametrize("path", ["out/x", "absolute", "../x", "apps/../../x"])
def test_nothing_outside_is_read(repo: Repo, git: Git, path: str) -> None:
    repo.write(TREE)
    linked(repo)
    with pytest.raises(ConfigError, match="outside the source tree"):
        git.tree(repo.commit()).read(path)


@pytest.mark.parametrize("target", [".git/config", "apps/../.git/HEAD", ".GIT/config"])
def test_a_link_into_the_folder_of_git_leads_nowhere_in_a_commit_either(repo: Repo, git: Git, target: str) -> None:
    repo.write(TREE)
    (repo.folder / "link.yaml").symlink_to(target)
    with pytest.raises(ConfigError, match=r"leads into \.git") as caught:
        git.tree(repo.commit()).read("link.yaml")
    assert caught.value.file == "link.yaml"


def test_a_tree_that_git_itself_would_not_check_out_shows_nothing_of_its_own_folder(repo: Repo, git: Git) -> None:
    blob = made = repo.git("rev-parse", f"{repo.commit(TREE)}:cmp.yaml")
    for line in (f"100644 blob {blob}\tconfig\n", "040000 tree {}\t.git\n"):
        made = repo.git("mktree", stdin=line.format(made))
    assert git.tree(made).blobs == {}


def test_what_cannot_be_read_says_so(repo: Repo, git: Git) -> None:
    tree = git.tree(repo.commit({**TREE, "large.yaml": b"x" * (17 << 20)}))
    with pytest.raises(ConfigError, match="No such file"):
        tree.read("missing.yaml")
    with pytest.raises(ConfigError, match="not a regular file"):
        tree.read("apps")
    with pytest.raises(ConfigError, match="larger than 16 MiB"):
        tree.read("large.yaml")
    with pytest.raises(ConfigError, match="NUL"):
        tree.read("a\0b")


def test_a_folder_of_the_repository_is_a_tree(repo: Repo, git: Git) -> None:
    tree = git.tree(repo.commit({"deploy/cmp.yaml": "version: 1\n", "other.yaml": "x"}), "deploy")
    assert (tree.prefix, sorted(tree.blobs), tree.read("cmp.yaml")) == ("deploy", ["cmp.yaml"], b"version: 1\n")


def test_a_submodule_is_an_empty_folder(repo: Repo, git: Git, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner")
    inner.commit({"x": "y"})
    repo.commit(TREE)
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.folder), "sub")
    tree = git.tree(repo.commit())
    assert (tree.kind("sub"), tree.entries("sub")) == ("folder", [])


def test_the_work_folder_is_its_commit_with_what_was_changed(repo: Repo, git: Git) -> None:
    repo.commit({**TREE, ".gitignore": "ignored/\n", "gone.yaml": "x"})
    repo.write({"apps/web/Chart.yaml": "name: other\n", "new.yaml": "n: 1\n", "ignored/x.yaml": "x", "gone.yaml": None})
    (repo.folder / "link").symlink_to("new.yaml")
    tree = git.work_tree()
    assert tree.read("apps/web/Chart.yaml") == b"name: other\n"
    assert (tree.read("link"), tree.kind("ignored"), tree.kind("gone.yaml")) == (b"n: 1\n", "missing", "missing")
    assert git.uncommitted() == ["apps/web/Chart.yaml", "gone.yaml", "link", "new.yaml"]
    committed = git.tree(repo.git("rev-parse", "HEAD"))
    assert [*changed(committed, tree)] == ["apps/web/Chart.yaml", "gone.yaml", "link", "new.yaml"]


def test_the_files_that_hold_all_of_some_words_are_found(repo: Repo, git: Git) -> None:
    files = {"both.yaml": "one\ntwo\n", "名前/値.yaml": "two one", "only.yaml": "one", "sub/both.yaml": "one two"}
    commit = repo.commit(files)
    (repo.folder / "link.yaml").symlink_to("both.yaml")
    repo.write({"only.yaml": "one\ntwo\n", "both.yaml": "none", "new.yaml": "two one"})
    assert git.tree(commit).holding("one", "two") == ["both.yaml", "sub/both.yaml", "名前/値.yaml"]
    assert git.tree(commit, "sub").holding("one", "two") == ["both.yaml"]
    assert git.tree(commit).holding("o.e") == [], "words are no expressions"
    assert git.work_tree().holding("one", "two") == ["new.yaml", "only.yaml", "sub/both.yaml", "名前/値.yaml"]


FIRST = {"cmp.yaml": "none", "sub/a.yaml": "one two", "sub/b.yaml": "two"}
FURTHER = {
    "nothing": FIRST,
    "contents": {"cmp.yaml": "one two", "sub/a.yaml": "two", "sub/b.yaml": "one two"},
    "names": {"0.yaml": "one two", "sub/b.yaml": "two", "sub/z.yaml": "one two", "名前/値.yaml": "one"},
    "a file for a folder": {"cmp.yaml": "none", "sub": "one two"},
    "a folder for a file": {"cmp.yaml/inner.yaml": "one two", "sub/a.yaml": "one two"},
    "many": {f"many/{number:03}.yaml": "one" + " two" * (number % 2) for number in range(FEW_PATHS + 1)},
}


@pytest.mark.parametrize("files", FURTHER.values(), ids=FURTHER)
def test_a_further_commit_is_known_as_well_as_the_first(repo: Repo, git: Git, files: dict[str, str]) -> None:
    first = git.tree(repo.commit(FIRST))
    assert first.holding("one", "two") == ["sub/a.yaml"]
    repo.git("rm", "-r", "--quiet", ".")
    repo.write({**files, "run": "one two"})
    (repo.folder / "run").chmod(0o755)
    (repo.folder / "link").symlink_to("one two")
    last = repo.commit()
    with closing(reading(repo)) as fresh:
        expected, further = fresh.tree(last), git.tree(last)
        assert [*further.blobs.items()] == [*expected.blobs.items()]
        assert further.holding("one", "two") == expected.holding("one", "two") != []
        assert git.tree(last, "sub").holding("one", "two") == fresh.tree(last, "sub").holding("one", "two")
    assert first.holding("one", "two") == ["sub/a.yaml"]


def test_many_files_are_read_at_once(repo: Repo, git: Git) -> None:
    sizes = range(0, 3 * AT_ONCE * 1000, 1000)  # more than pipes hold
    commit = repo.commit({f"{size}.yaml": f"{size}" + "x" * size for size in sizes})
    tree = git.tree(commit)
    tree.load([*tree.blobs, "missing.yaml"])
    with mock.patch.object(git, "_ask", side_effect=AssertionError):
        assert [tree.read(f"{size}.yaml") for size in sizes] == [f"{size}".encode() + b"x" * size for size in sizes]


def test_after_a_missing_object_others_are_read_rightly(repo: Repo, git: Git) -> None:
    tree = git.tree(repo.commit({"a.yaml": "a", "b.yaml": "b"}))
    with pytest.raises(ToolError, match="is missing in this clone"):
        git.load([Blob("100644", "0" * 40), tree.blobs["a.yaml"]])
    assert tree.read("b.yaml") == b"b"


def test_what_is_committed_unchanged_has_the_same_digest_as_in_the_work_folder(repo: Repo, git: Git) -> None:
    repo.commit(TREE)
    (repo.folder / "cmp.yaml").write_text("version: 1\n# more\n")
    before = git.work_tree()
    after = git.tree(repo.commit())
    assert before.blobs["cmp.yaml"][:2] == after.blobs["cmp.yaml"][:2]


def test_changed_names_content_mode_presence_and_kind(repo: Repo, git: Git) -> None:
    first = git.tree(repo.commit({"a": "1", "b": "1", "c": "1", "d": "1", "same": "1"}))
    repo.write({"a": "2", "b": None, "e": "1"})
    (repo.folder / "c").chmod(0o755)
    (repo.folder / "d").unlink()
    (repo.folder / "d").symlink_to("a")
    assert [*changed(first, git.tree(repo.commit()))] == ["a", "b", "c", "d", "e"]


def test_a_program_is_one_in_the_work_folder_and_in_a_commit(repo: Repo, git: Git) -> None:
    repo.commit({"run": "1", "text": "1"})
    (repo.folder / "run").chmod(0o755)
    (repo.folder / "link").symlink_to("run")
    work, folder = git.work_tree(), WorkTree(str(repo.folder))
    for tree in (work, folder, git.tree(repo.commit())):
        names = ("run", "link", "text", "missing")
        assert [tree.is_executable(name) for name in names] == [True, True, False, False]


def test_neither_the_checkout_nor_the_repository_is_written_to(repo: Repo, git: Git) -> None:
    repo.commit(TREE)
    repo.write({"new.yaml": "n: 1\n", "cmp.yaml": "version: 2\n"})
    before = snapshot(repo.folder)
    git.work_tree().read("new.yaml")
    git.tree(git.commit("HEAD")).read("cmp.yaml")
    git.uncommitted()
    assert snapshot(repo.folder) == before


def test_the_base_is_where_the_branches_part(repo: Repo, git: Git) -> None:
    base = repo.commit(TREE)
    repo.branch()
    mine = repo.commit({"mine": "x"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"theirs": "x"})
    assert git.trunk() == "main"
    assert git.merge_base(git.commit("main"), mine) == base


def test_revisions_that_are_not_there(repo: Repo, git: Git) -> None:
    repo.commit(TREE)
    with pytest.raises(UsageError, match="there is no commit v9 in this repository"):
        git.commit("v9")
    repo.git("checkout", "--quiet", "--orphan", "other")
    other = repo.commit({"other": "x"})
    with pytest.raises(UsageError, match=r"have no common commit$"):
        git.merge_base(git.commit("main"), other)
    repo.git("branch", "-D", "main")
    with pytest.raises(UsageError, match="this clone has no main branch"):
        git.trunk()


def test_a_shallow_clone_says_that_it_is_one(repo: Repo, tmp_path: Path, git: Git) -> None:
    repo.commit(TREE)
    repo.branch()
    repo.commit({"mine": "x"})
    repo.git("clone", "--quiet", "--depth=1", "--no-single-branch", repo.folder.as_uri(), str(tmp_path / "clone"))
    shallow = Git(str(tmp_path / "clone"), git._context)  # noqa: SLF001  # the same context for another folder
    with pytest.raises(UsageError, match="in this shallow clone") as caught:
        shallow.merge_base(shallow.commit("origin/main"), shallow.commit("HEAD"))
    assert "fetch-depth: 0" in caught.value.hint


def test_a_folder_that_is_no_repository(tmp_path: Path, git: Git) -> None:
    (tmp_path / "plain").mkdir()
    reading = Git(str(tmp_path / "plain"), git._context)  # noqa: SLF001  # the same context for another folder
    looks: list[Callable[[], object]] = [partial(reading.commit, "HEAD"), reading.trunk, partial(reading.tree, "HEAD")]
    for look in looks:
        with pytest.raises(ToolError) as caught:
            look()
        assert caught.value.lines()[:2] == [
            "cmp: there is no Git repository here",
            f"  where: {tmp_path / 'plain'}",
        ]


@pytest.mark.parametrize("where", ["", "inner"])
def test_what_looks_like_a_bare_repository_is_none(repo: Repo, git: Git, tmp_path: Path, where: str) -> None:
    repo.commit(TREE)
    plain = tmp_path / "plain"
    plant_bare_repository(plain / where, command=f"touch {tmp_path}/ran")
    with pytest.raises(ToolError, match="there is no Git repository here"):
        Git(str(plain / where), git._context).uncommitted()  # noqa: SLF001  # the same context for another folder
    plant_bare_repository(repo.folder / where, command=f"touch {tmp_path}/ran")
    assert "config" in git.uncommitted() or f"{where}/config" in git.uncommitted()
    assert not (tmp_path / "ran").exists()


def test_a_private_copy_of_a_revision_holds_what_is_read_and_nothing_else(repo: Repo, git: Git, tmp_path: Path) -> None:
    tree = git.tree(repo.commit({**TREE, "bases/b.yaml": "b: 1\n"}))
    with Workspace(str(tmp_path)) as workspace:
        root = workspace.mirror(tree, {"apps/web"}, ["bases/b.yaml"], "tree")
        found = sorted(path.relative_to(root).as_posix() for path in Path(root).rglob("*") if path.is_file())
    assert found == ["apps/web/Chart.yaml", "apps/web/templates/a.yaml", "bases/b.yaml"]


def test_a_file_that_lies_nowhere_is_in_the_tree_beside_the_others(repo: Repo, git: Git) -> None:
    tree = (
        git.tree(repo.commit({"a/b.yaml": "old\n"})).with_file("a/c.yaml", b"planned\n").with_file("a/b.yaml", b"new\n")
    )
    assert [entry.name for entry in tree.entries("a")] == ["b.yaml", "c.yaml"]
    assert (tree.read("a/b.yaml"), tree.read("a/c.yaml")) == (b"new\n", b"planned\n")
    assert tree.sizes(["a/b.yaml", "a/c.yaml"]) == [4, 8]


def test_what_a_made_file_holds_is_asked_of_its_own_content(repo: Repo, git: Git) -> None:
    files = {"a.yaml": "old\n", "b.yaml": "old\n", "c.yaml": "old\n", "d/e.yaml": "old\n"}
    tree = git.tree(repo.commit(files)).with_files({"a.yaml": b"new\n", "b.yaml": None, "f.yaml": b"old\n"})
    assert tree.holding("old") == ["c.yaml", "d/e.yaml", "f.yaml"]
    assert tree.holding("new") == ["a.yaml"]
    assert (tree.kind("b.yaml"), tree.sizes(["c.yaml", "a.yaml", "f.yaml"])) == ("missing", [4, 4, 4])


def test_a_folder_without_git_is_a_tree_without_what_is_hidden(tmp_path: Path) -> None:
    for name, text in {"a/b.yaml": "word\n", ".cache/x": "word\n", "c.yaml": "other\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "link").symlink_to("a")
    tree = of_folder(str(tmp_path))
    assert ([*tree.blobs], tree.holding("word")) == (["a/b.yaml", "c.yaml", "link"], ["a/b.yaml"])
    assert tree.read("link/b.yaml") == b"word\n"
