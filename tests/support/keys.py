"""Keys and encrypted files, by the real programs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.errors import SecretError
from cmp.model import Tool
from cmp.secrets import sops
from cmp.system.process import Deadline, Result
from cmp.system.process import run as run_command
from tests.support import versions
from tests.support.harness import AGE_KEY_FILE
from tests.support.leaks import processes_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

SOPS_VERSION = versions.SOPS[-1]
RECIPIENT = next(line.split()[-1] for line in AGE_KEY_FILE.read_text().splitlines() if "public key" in line)


class Keys(NamedTuple):
    """An age key: its file and its public half."""

    file: Path
    recipient: str


def make_key(folder: Path, helpers: str) -> Keys:
    keygen = next(Path(helpers).glob("age-keygen/*/age-keygen"))
    file = folder / "keys.txt"
    subprocess.run([keygen, "-o", file], check=True, capture_output=True)
    recipient = re.search(r"age1\w+", file.read_text())
    assert recipient
    return Keys(file, recipient[0])


class Pgp(NamedTuple):
    """A keyring of GnuPG with one key, and a file that is encrypted for it."""

    home: Path
    fingerprint: str
    data: bytes


def make_pgp(home: Path, tool: Tool, text: str) -> Pgp:
    """Make a key without a passphrase and encrypt a text for it; no agent stays."""
    gpg_run(home, "--passphrase", "", "--quick-gen-key", "demo <demo@example.com>", "ed25519", "sign", "never")
    listed = re.search(r"^fpr:+(\w+):$", gpg_run(home, "--list-keys", "--with-colons"), re.MULTILINE)
    assert listed
    gpg_run(home, "--passphrase", "", "--quick-add-key", listed[1], "cv25519", "encr", "never")
    environ = {"PATH": os.defpath, "GNUPGHOME": str(home)}
    with TemporaryDirectory() as folder:
        data = encrypt(tool, Path(folder, "values.yaml"), text, "--pgp", listed[1], **environ)
    end_agent(home)
    return Pgp(home, listed[1], data)


def gpg_run(home: Path, *argv: str) -> str:
    return _run_at(home, "gpg", "--batch", *argv)


def start_agent(home: Path) -> None:
    _run_at(home, "gpg-connect-agent", "/bye")


def end_agent(home: Path) -> None:
    _run_at(home, "gpgconf", "--kill", "all")
    wait_until(lambda: not processes_of(f"--homedir\0{home}\0"))


def _run_at(home: Path, *argv: str) -> str:
    env = {"PATH": os.defpath, "GNUPGHOME": str(home)}
    return subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout


def sops_tool(tools_dir: str, version: str = SOPS_VERSION) -> Tool:
    return Tool("sops", version, f"{tools_dir}/sops/{version}/sops", "")


def encrypt(tool: Tool, path: Path, text: str, *recipients: str, **environ: str) -> bytes:
    path.write_text(text)
    argv = [tool.path, "encrypt", *recipients, str(path)]
    return subprocess.run(argv, check=True, capture_output=True, env={"HOME": "/nonexistent", **environ}).stdout


def sealed(tools_dir: str, name: str, text: str, *options: str) -> bytes:
    """Return a file of this name encrypted for the tests' age key; `options` are more arguments for sops."""
    with TemporaryDirectory() as folder:
        return encrypt(sops_tool(tools_dir), Path(folder, Path(name).name), text, "--age", RECIPIENT, *options)


def decrypt(tool: Tool, path: str, data: bytes, env: Mapping[str, str]) -> Result:
    return run_command(
        sops.decrypt_command(tool, path, data, env, file_format=sops.format_of(path, data)), Deadline(60)
    )


def failure(tool: Tool, path: str, data: bytes, env: Mapping[str, str]) -> SecretError:
    with pytest.raises(SecretError) as caught:
        sops.plaintext(decrypt(tool, path, data, env), path)
    assert caught.value.exit_code == 6
    return caught.value


def give(recipient: str, path: str) -> str:
    return f"it is encrypted for {recipient}: give the sidecar that key, or add one with `sops updatekeys {path}`"
