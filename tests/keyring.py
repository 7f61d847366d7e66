"""Keys and encrypted files, by the real programs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp import sops
from cmp.errors import SecretError
from cmp.model import Tool
from cmp.proc import Deadline, Result
from cmp.proc import run as run_command

if TYPE_CHECKING:
    from collections.abc import Mapping

SOPS_VERSION = "3.10.2"


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


def sops_tool(tools_dir: str) -> Tool:
    return Tool("sops", SOPS_VERSION, f"{tools_dir}/sops/{SOPS_VERSION}/sops", "")


def encrypt(tool: Tool, path: Path, text: str, *recipients: str, **environ: str) -> bytes:
    path.write_text(text)
    argv = [tool.path, "encrypt", *recipients, str(path)]
    return subprocess.run(argv, check=True, capture_output=True, env={"HOME": "/nonexistent", **environ}).stdout


def decrypt(tool: Tool, path: str, data: bytes, env: Mapping[str, str]) -> Result:
    return run_command(sops.decrypt_command(tool, path, data, env), Deadline(60))


def failure(tool: Tool, path: str, data: bytes, env: Mapping[str, str]) -> SecretError:
    with pytest.raises(SecretError) as caught:
        sops.plaintext(decrypt(tool, path, data, env), path)
    assert caught.value.exit_code == 6
    return caught.value


def give(recipient: str, path: str) -> str:
    return f"it is encrypted for {recipient}: give the sidecar that key, or add one with `sops updatekeys {path}`"
