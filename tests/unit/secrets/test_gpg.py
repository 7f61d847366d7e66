"""Real PGP keys: files are opened, and no agent that we started stays."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from cmp.errors import CACHED_HINT
from cmp.secrets import sops
from cmp.system.process import ChildProcesses, Deadline
from tests.support.keys import Pgp, decrypt, end_agent, failure, give, make_pgp, sops_tool, start_agent
from tests.support.leaks import find_plaintext, processes_of, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.model import Tool


@pytest.fixture(scope="module")
def tool(tools_dir: str) -> Tool:
    return sops_tool(tools_dir)


@pytest.fixture(scope="module")
def pgp(tmp_path_factory: pytest.TempPathFactory, tool: Tool) -> Pgp:
    return make_pgp(tmp_path_factory.mktemp("g"), tool, "password: unique-pgp-1\n")


class Folders:
    """Makes folders as a workspace does."""

    def __init__(self, base: Path) -> None:
        self.base = base

    def __call__(self, name: str) -> str:
        (self.base / name).mkdir(mode=0o700, parents=True)
        return str(self.base / name)


def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "GNUPGHOME": str(home)}


def test_pgp_files_are_decrypted_at_once_and_no_agent_stays(pgp: Pgp, tool: Tool, tmp_path: Path) -> None:
    before = sorted(path.name for path in pgp.home.iterdir())
    deadline = Deadline(60)
    with (
        sops.gpg_home(environment(pgp.home), [b"", pgp.data], Folders(tmp_path), deadline) as env,
        ChildProcesses(deadline) as processes,
    ):
        children = [
            processes.start(sops.decrypt_command(tool, "a.yaml", pgp.data, env, file_format="yaml")) for _ in range(4)
        ]
        results = processes.wait(*children)
        assert len(processes_of(f"--homedir\0{tmp_path}/gnupg\0")) == 1
    assert [sops.plaintext(result, "a.yaml") for result in results] == [b"password: unique-pgp-1\n"] * 4
    wait_until(lambda: not processes_of(str(tmp_path)))
    assert not processes_of(f"--homedir\0{pgp.home}\0")
    assert sorted(path.name for path in pgp.home.iterdir()) == before
    assert find_plaintext([tmp_path], ["unique-pgp-1"]) == []


def test_an_agent_that_ran_before_is_used_and_left_alone(pgp: Pgp, tool: Tool, tmp_path: Path) -> None:
    env = environment(pgp.home)
    start_agent(pgp.home)
    before = processes_of(f"--homedir\0{pgp.home}\0")
    assert len(before) == 1
    with sops.gpg_home(env, [pgp.data], Folders(tmp_path), Deadline(60)) as used:
        assert used is env
        assert sops.plaintext(decrypt(tool, "a.yaml", pgp.data, used), "a.yaml") == b"password: unique-pgp-1\n"
    assert processes_of(f"--homedir\0{pgp.home}\0") == before
    end_agent(pgp.home)


def test_the_agent_ends_when_its_folder_is_swept(pgp: Pgp, tool: Tool, tmp_path: Path) -> None:
    holder = sops.gpg_home(environment(pgp.home), [pgp.data], Folders(tmp_path), Deadline(60))
    env = holder.__enter__()  # the block is never left, as after a SIGKILL
    decrypt(tool, "a.yaml", pgp.data, env)
    assert processes_of(f"--homedir\0{tmp_path}/gnupg\0")
    shutil.rmtree(tmp_path / "gnupg")
    wait_until(lambda: not processes_of(f"--homedir\0{tmp_path}/gnupg\0"))


def test_without_a_pgp_recipient_nothing_is_made(tmp_path: Path) -> None:
    env = environment(tmp_path / "none")
    with sops.gpg_home(env, [b"", b"sops:\n    age: []\n    mac: x\n"], Folders(tmp_path), Deadline(60)) as used:
        assert used is env
    assert list(tmp_path.iterdir()) == []


def test_a_long_gnupghome_serves(pgp: Pgp, tool: Tool, tmp_path: Path) -> None:
    home = tmp_path / ("x" * 100)
    shutil.copytree(pgp.home, home)
    with sops.gpg_home(environment(home), [pgp.data], Folders(tmp_path), Deadline(60)) as env:
        assert sops.plaintext(decrypt(tool, "a.yaml", pgp.data, env), "a.yaml") == b"password: unique-pgp-1\n"


def test_a_keyring_without_the_key(pgp: Pgp, tool: Tool, tmp_path: Path) -> None:
    for home in (tmp_path / "absent", tmp_path):
        with sops.gpg_home(environment(home), [pgp.data], Folders(tmp_path / f"w-{home.name}"), Deadline(60)) as env:
            error = failure(tool, "a.yaml", pgp.data, env)
        assert error.lines(is_cached=True) == [
            "cmp: the PGP key that opens this file is not in the keyring",
            "  where: a.yaml",
            f"  hint: {give(pgp.fingerprint, 'a.yaml')}; {CACHED_HINT}",
        ]


def test_no_gpg(pgp: Pgp, tool: Tool, tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path), "GNUPGHOME": str(pgp.home)}
    with sops.gpg_home(env, [pgp.data], Folders(tmp_path), Deadline(60)) as used:
        error = failure(tool, "a.yaml", pgp.data, used)
    assert error.lines(is_cached=True) == [
        "cmp: gpg cannot be started",
        "  where: a.yaml",
        f"  hint: install GnuPG, or set SOPS_GPG_EXEC to its path; {CACHED_HINT}",
    ]


def test_an_agent_whose_socket_path_is_too_long(pgp: Pgp, tool: Tool, tmp_path: Path) -> None:
    folders = Folders(tmp_path / ("y" * 100))
    with sops.gpg_home(environment(pgp.home), [pgp.data], folders, Deadline(60)) as env:
        error = failure(tool, "a.yaml", pgp.data, env)
    assert error.lines(is_cached=True) == [
        "cmp: gpg cannot start its agent",
        "  where: a.yaml",
        "  hint: install gpg-agent; if GNUPGHOME or CMP_TMPDIR is a long path, choose one of less than 80 characters; "
        + CACHED_HINT,
    ]
