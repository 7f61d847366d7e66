"""Private folders: where they are made, what goes in, and that nothing of them stays."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from cmp.errors import CACHED_HINT, ConfigError, Interrupted, ToolError
from cmp.system import kernel, workspace
from cmp.system.tree import WorkTree
from cmp.system.workspace import Workspace, files_of_copy
from tests.support.leaks import find_plaintext, processes_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[3]
ENV = {"PATH": os.defpath, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    return tmp_path / "base"


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


# Inside the block


def test_everything_is_private(base: Path) -> None:
    umask = os.umask(0)
    try:
        with Workspace(str(base)) as private:
            assert mode(private.path) == 0o700
            assert mode(private.folder("deep/folder")) == mode(f"{private.path}/deep") == 0o700
            written = private.write("other/secret.yaml", b"plain")
            assert mode(written) == 0o600
            assert mode(f"{private.path}/other") == 0o700
            assert Path(written).read_bytes() == b"plain"
    finally:
        os.umask(umask)


def test_a_file_can_be_written_again_and_a_folder_made_again(base: Path) -> None:
    with Workspace(str(base)) as private:
        assert private.folder("home") == private.folder("home")
        private.write("a", b"longer")
        assert Path(private.write("a", b"new")).read_bytes() == b"new"


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/etc/outside", ""])
def test_nothing_is_written_outside(name: str, base: Path) -> None:
    with Workspace(str(base)) as private, pytest.raises(ConfigError) as caught:
        private.write(name, b"x")
    assert (caught.value.what, caught.value.file) == ("this path leads outside its folder", name)


def test_a_link_is_not_written_through(base: Path, tmp_path: Path) -> None:
    with Workspace(str(base)) as private:
        (Path(private.path) / "link").symlink_to(tmp_path / "target")
        with pytest.raises(ToolError, match="cannot write to a private folder"):
            private.write("link", b"x")
    assert not (tmp_path / "target").exists()


# Where


def test_memory_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Workspace() as private:
        assert os.path.dirname(private.path) == "/dev/shm"  # noqa: S108
    monkeypatch.setattr(kernel, "MEMORY", str(tmp_path / "no-mount"))
    with Workspace() as private:
        assert os.path.dirname(private.path) == "/tmp"  # noqa: S108


def test_memory_that_is_nearly_full_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "MIN_FREE_BYTES", 1 << 60)
    with Workspace() as private:
        assert os.path.dirname(private.path) == "/tmp"  # noqa: S108


def test_a_folder_that_is_missing_is_a_mistake_of_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Workspace(str(tmp_path / "gone"))
    assert caught.value.lines(is_cached=True) == [
        f"cmp: CMP_TMPDIR is '{tmp_path}/gone', which is not a folder",
        "  hint: Argo CD keeps this error cached until a hard refresh",
    ]


@pytest.mark.parametrize("inside", ["", "deep", "../link"])
def test_never_inside_the_source_tree(inside: str, tmp_path: Path) -> None:
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "tree/deep")
    chosen = os.path.normpath(tmp_path / "tree" / inside)
    with pytest.raises(ConfigError) as caught:
        Workspace(chosen, outside=WorkTree(str(tmp_path / "tree")))
    assert caught.value.lines() == [
        f"cmp: CMP_TMPDIR is '{chosen}', a folder inside the source tree",
        "  hint: charts and patterns could see plaintext there: choose a folder outside",
    ]


def test_a_neighbour_of_the_source_tree_may_have_a_longer_name(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree-tmp").mkdir()
    with Workspace(str(tmp_path / "tree-tmp"), outside=WorkTree(str(tmp_path / "tree"))) as private:
        assert private.path.startswith(f"{tmp_path}/tree-tmp/argocd-cmp-")


def test_a_source_tree_in_memory_sends_us_to_the_disk() -> None:
    with Workspace(outside=WorkTree("/dev/shm")) as private:  # noqa: S108
        assert os.path.dirname(private.path) == "/tmp"  # noqa: S108


# Full


@contextmanager
def small_disk() -> Iterator[None]:
    """Limit this process' files, also the one to which pytest writes: what a full disk does, with another errno."""
    import resource  # noqa: PLC0415

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_says_so(base: Path) -> None:
    with Workspace(str(base)) as private, small_disk(), pytest.raises(ToolError) as caught:
        private.write("secret", b"x" * 2000)
    assert caught.value.lines(is_cached=True) == [
        f"cmp: no space left in {base} for the private folder",
        f"  hint: free some space, or set CMP_TMPDIR to another folder; {CACHED_HINT}",
    ]
    assert list(base.iterdir()) == []


def test_a_device_without_space_says_the_same(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, mode: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", path, mode)

    private = Workspace(str(base))
    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(ToolError, match=f"no space left in {base} for the private folder"):
        private.__enter__()


# Copies


def copy(tree: Path, base: Path, folder: str = "app") -> dict[str, bytes]:
    with Workspace(str(base), outside=WorkTree(str(tree))) as private:
        copied = Path(private.copy_tree(WorkTree(str(tree)), folder, "copy"))
        found = {str(path.relative_to(copied)): path for path in sorted(copied.rglob("*"))}
        assert {mode(path) for path in found.values()} <= {0o700, 0o600}
        assert not any(path.is_symlink() for path in found.values())
        return {name: path.read_bytes() for name, path in found.items() if path.is_file()}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    app = tmp_path / "tree/app"
    (app / "templates").mkdir(parents=True)
    (app / "Chart.yaml").write_text("name: app\n")
    (app / "templates/日本 語.yaml").write_bytes(b"\0\xff")
    (app / ".helmignore").write_text(".git\n")
    (app / "templates/run.sh").write_text("#!/bin/sh\n")
    (app / "templates/run.sh").chmod(0o755)
    return tmp_path / "tree"


def test_a_copy_holds_every_file(tree: Path, base: Path) -> None:
    assert copy(tree, base) == {
        ".helmignore": b".git\n",
        "Chart.yaml": b"name: app\n",
        "templates/run.sh": b"#!/bin/sh\n",
        "templates/日本 語.yaml": b"\0\xff",
    }


def test_a_program_stays_executable_for_its_owner_alone(tree: Path, base: Path) -> None:
    (tree / "app/link.sh").symlink_to("templates/run.sh")
    source = WorkTree(str(tree))
    umask = os.umask(0)
    try:
        with Workspace(str(base), outside=source) as private:
            copied = Path(private.copy_tree(source, "app", "copy"))
            mirrored = Path(private.mirror(source, ["app/templates/run.sh"], [], "mirror"))
            assert mode(copied / "templates/run.sh") == mode(copied / "link.sh") == 0o700
            assert mode(mirrored / "app/templates/run.sh") == 0o700
            assert mode(copied / "Chart.yaml") == 0o600
    finally:
        os.umask(umask)


def test_links_become_what_they_lead_to(tree: Path, base: Path) -> None:
    (tree / "common/sub").mkdir(parents=True)
    (tree / "common/sub/file").write_text("shared")
    (tree / "app/folder").symlink_to("../common")
    (tree / "app/file").symlink_to("../common/sub/file")
    copied = copy(tree, base)
    assert (copied["folder/sub/file"], copied["file"]) == (b"shared", b"shared")


def test_git_stays_behind_and_the_root_can_be_copied(tree: Path, base: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".git/config").write_text("x")
    assert set(copy(tree, base, "")) == {f"app/{name}" for name in copy(tree, base)}


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("../../outside", "this path leads outside the source tree"),
        ("/etc/passwd", "this path leads outside the source tree"),
        ("gone", "this is neither a file nor a folder, or a link that leads nowhere"),
        ("loop", "this is neither a file nor a folder, or a link that leads nowhere"),
    ],
)
def test_links_to_elsewhere_are_refused(target: str, what: str, tree: Path, base: Path) -> None:
    (tree.parent / "outside").mkdir()
    (tree / "app/.helmignore").unlink()
    (tree / "app/loop").symlink_to(target)
    with pytest.raises(ConfigError) as caught:
        copy(tree, base)
    assert (caught.value.what, caught.value.file) == (what, "app/loop")
    assert list(base.iterdir()) == []


@pytest.mark.parametrize("added", ["app/.helmignore", "app/Chart.yaml"])
def test_a_link_that_leads_nowhere_stays_one_where_helm_may_not_read_it(tree: Path, base: Path, added: str) -> None:
    for name in {"app/.helmignore", "app/Chart.yaml"} - {added}:
        (tree / name).unlink()
    if added == "app/Chart.yaml":
        (tree / "app/Chart.yaml").rename(tree / "Chart.yaml")  # no chart of the folder that is copied
    (tree / "app/templates/link").symlink_to("../gone")
    source = WorkTree(str(tree))
    with Workspace(str(base), outside=source) as private:
        link = Path(private.copy_tree(source, "app", "copy"), "templates/link")
        assert (link.is_symlink(), link.exists()) == (True, False)
    assert "app/templates/link" not in files_of_copy(source, "app")
    assert list(base.iterdir()) == []


def test_a_named_pipe_is_refused(tree: Path, base: Path) -> None:
    os.mkfifo(tree / "app/pipe")
    with pytest.raises(ConfigError) as caught:
        copy(tree, base)
    assert caught.value.what == "this is neither a file nor a folder, or a link that leads nowhere"


def test_a_link_to_its_own_folder_ends(tree: Path, base: Path) -> None:
    (tree / "app/templates/again").symlink_to("..")
    with pytest.raises(ConfigError) as caught:
        copy(tree, base)
    assert caught.value.what == "the folder holds more than 20000 files, or is more than 50 folders deep"
    assert caught.value.hint == "does a link in it lead back to the folder itself?"


def test_a_copy_has_limits(tree: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "MAX_COPY_BYTES", 3 * 1024 * 1024)
    for name in range(4):
        (tree / f"app/big{name}").write_bytes(b"x" * 1024 * 1024)
    with pytest.raises(ConfigError) as caught:
        copy(tree, base)
    assert (caught.value.what, caught.value.file) == ("the folder holds more than 3 MiB", "app/big2")
    monkeypatch.setattr(workspace, "MAX_COPY_BYTES", 1 << 30)
    monkeypatch.setattr(workspace, "MAX_COPY_ENTRIES", 4)
    with pytest.raises(ConfigError, match="more than 4 files"):
        copy(tree, base)


# After the block


@pytest.mark.parametrize("error", [None, ValueError("x"), KeyboardInterrupt(), SystemExit(3), Interrupted(15)])
def test_nothing_stays_however_the_block_is_left(error: BaseException | None, base: Path) -> None:
    def leave() -> None:
        with Workspace(str(base)) as private:
            private.write("deep/secret", b"unique-1")
            Path(private.path, "link").symlink_to(base.parent)
            if error:
                raise error

    if error:
        with pytest.raises(type(error)):
            leave()
    else:
        leave()
    assert list(base.iterdir()) == []
    assert base.parent.exists()


def test_read_only_folders_and_files_go_too(base: Path) -> None:
    with Workspace(str(base)) as private:
        folder = Path(private.folder("a/b/c"))
        private.write("a/b/c/file", b"x")
        for path in (folder / "file", folder, folder.parent, folder.parent.parent):
            path.chmod(0o400)
    assert list(base.iterdir()) == []


def test_what_is_gone_already_does_no_harm(base: Path) -> None:
    with Workspace(str(base)) as private:
        shutil.rmtree(private.path)
    assert list(base.iterdir()) == []


def test_a_grandchild_that_still_writes_is_outlasted(base: Path) -> None:
    with Workspace(str(base)) as private:
        folder = private.folder("home")

        def scribble() -> None:
            end = time.monotonic() + 0.1
            while time.monotonic() < end:
                try:
                    os.makedirs(folder, exist_ok=True)
                    Path(folder, os.urandom(4).hex()).write_text("x")
                except OSError:
                    continue

        thread = Thread(target=scribble)
        thread.start()
        time.sleep(0.05)
    thread.join()
    assert [path for path in base.iterdir() if (path / "owner").exists()] == []


def test_a_folder_that_cannot_be_removed_is_reported(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(1, "Operation not permitted", path)

    private = Workspace(str(base))
    private.__enter__()
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        with pytest.raises(ToolError) as caught:
            private.__exit__(None, None, None)
    assert caught.value.what == f"cannot remove everything from the private folder in {base}"


# Sweeping


def abandon(base: Path) -> Path:
    """Leave a folder as a SIGKILL does."""
    code = (
        "import os, signal, sys\nfrom cmp.system.workspace import Workspace\nw = Workspace(sys.argv[1]).__enter__()\n"
    )
    code += "w.write('secret', b'unique-1')\nos.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", code, str(base)], env=ENV, check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = [path for path in base.iterdir() if (path / "secret").exists()]
    return left


def test_what_a_sigkill_leaves_is_swept_by_the_next_run(base: Path) -> None:
    abandon(base)
    assert len(find_plaintext([base], ["unique-1"])) == 1
    with Workspace(str(base)) as private:
        assert [str(path) for path in base.iterdir()] == [private.path]


def test_a_folder_in_use_is_not_swept(base: Path) -> None:
    with Workspace(str(base)) as first:
        first.write("a", b"x")
        with Workspace(str(base)), Workspace(str(base)):
            assert len(list(base.iterdir())) == 3
        assert os.path.exists(f"{first.path}/a")


def test_a_memory_file_that_was_killed_in_the_making_is_swept(base: Path) -> None:
    """Without Linux it has a name at first, and no content yet."""
    for name, age in (("argocd-cmp-old", 120), ("argocd-cmp-made-just-now", 0)):
        (base / name).touch()
        os.utime(base / name, (time.time() - age,) * 2)
    workspace.sweep(str(base))
    assert os.listdir(base) == ["argocd-cmp-made-just-now"]


def test_only_our_own_folders_are_swept(base: Path) -> None:
    (base / "argocd-cmp-file").write_text("x")
    (base / "argocd-cmp-link").symlink_to(base.parent)
    (base / "argocd-cmp-made-just-now").mkdir()
    (base / "another-name").mkdir()
    before = sorted(base.iterdir())
    with Workspace(str(base)):
        pass
    assert sorted(base.iterdir()) == before


def test_folders_of_another_user_stay(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = abandon(base)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: 12345)
        with Workspace(str(base)):
            assert left.exists()
    with Workspace(str(base)):
        assert not left.exists()


def test_a_folder_that_was_never_finished_is_swept_later(base: Path) -> None:
    (base / "argocd-cmp-old").mkdir()
    os.utime(base / "argocd-cmp-old", (1, 1))
    with Workspace(str(base)):
        assert not (base / "argocd-cmp-old").exists()


def test_an_owner_file_that_is_a_link_is_not_followed(base: Path, tmp_path: Path) -> None:
    (base / "argocd-cmp-odd").mkdir()
    (base / "argocd-cmp-odd/owner").symlink_to(tmp_path / "elsewhere")
    with Workspace(str(base)):
        pass
    assert not (tmp_path / "elsewhere").exists()


RACE = """
import sys
from cmp.system.workspace import Workspace
for n in range(60):
    with Workspace(sys.argv[1]) as private:
        path = private.write("deep/secret", b"unique-1")
        assert open(path, "rb").read() == b"unique-1"
"""


def test_many_runs_sweep_and_make_at_the_same_time(base: Path) -> None:
    runs = [subprocess.Popen([sys.executable, "-c", RACE, str(base)], env=ENV) for _ in range(6)]
    assert [run.wait(60) for run in runs] == [0] * 6
    assert list(base.iterdir()) == []


def test_the_lock_is_inherited_by_nobody(base: Path) -> None:
    with Workspace(str(base)), subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        links = [os.readlink(f"/proc/{child.pid}/fd/{name}") for name in os.listdir(f"/proc/{child.pid}/fd")]
        child.kill()
    assert not [link for link in links if link.endswith("/owner")]


# Signals

STOPPED = """
import os, signal, sys
from cmp.system import signals, workspace
from cmp.errors import Interrupted
from cmp.system.process import Command, Deadline, ChildProcesses
from cmp.system.workspace import Workspace

def stop(signum, frame):
    raise Interrupted(signum)

for signum in signals.STOPPING:
    signal.signal(signum, stop)
workspace.harden()
try:
    with Workspace(sys.argv[1]) as private, ChildProcesses(Deadline(60)) as processes:
        for n in range(100):
            private.write(f"app/{n}/secret", b"unique-plaintext")
        slow = processes.start(Command("sleep", ("sleep", "60"), {"PATH": os.defpath, "MARKER": sys.argv[1]}))
        print("ready", flush=True)
        processes.wait(slow)
except Interrupted as interrupted:
    sys.exit(interrupted.exit_code)
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_leaves_no_plaintext_and_no_child(signum: signal.Signals, base: Path) -> None:
    argv = [sys.executable, "-c", STOPPED, str(base)]
    with subprocess.Popen(argv, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.readline()
        assert len(find_plaintext([base], ["unique-plaintext"])) == 100
        run.send_signal(signum)
        code = run.wait(10)
        assert run.stderr.read() == b""
    wait_until(lambda: not processes_of(str(base)))
    if signum == signal.SIGKILL:
        assert code == -signum
        with Workspace(str(base)):
            pass
    else:
        assert code == 128 + signum
    assert list(base.iterdir()) == []


@pytest.mark.parametrize("delay", range(0, 12, 2))
def test_a_second_signal_during_clean_up_does_not_stop_it(delay: int, base: Path) -> None:
    argv = [sys.executable, "-c", STOPPED, str(base)]
    with subprocess.Popen(argv, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout
        run.stdout.readline()
        run.send_signal(signal.SIGTERM)
        time.sleep(delay / 1000)
        run.send_signal(signal.SIGINT)
        run.wait(10)
    assert list(base.iterdir()) == []
    assert processes_of(str(base)) == {}


IN_CLEAN_UP = """
import os, signal, sys
from cmp.system import kernel, workspace
from cmp.system.workspace import Workspace

def stop(signum, frame):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, stop)
remove = workspace._remove
def remove_interrupted(folder):
    os.kill(os.getpid(), signal.SIGTERM)
    remove(folder)
workspace._remove = remove_interrupted
try:
    with Workspace(sys.argv[1]) as private:
        private.write("a/b/secret", b"unique-1")
except KeyboardInterrupt:
    sys.exit(0 if not os.listdir(sys.argv[1]) else 1)
sys.exit("the signal was lost")
"""


def test_a_signal_during_clean_up_waits_until_it_is_done(base: Path) -> None:
    done = subprocess.run([sys.executable, "-c", IN_CLEAN_UP, str(base)], env=ENV, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(base.iterdir()) == []


IMPORTS = (
    "import sys; before = set(sys.modules); import cmp.system.workspace; print(*sorted(set(sys.modules) - before))"
)


def test_it_imports_nothing_expensive() -> None:
    done = subprocess.run([sys.executable, "-S", "-c", IMPORTS], env=ENV, capture_output=True, text=True, check=True)
    expensive = {"tempfile", "shutil", "random", "pathlib", "dataclasses", "logging", "yaml", "subprocess"}
    assert expensive.isdisjoint(done.stdout.split())
