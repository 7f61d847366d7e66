"""`--help`: every command is explained within 80 columns, and ends with an example that works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from cmp.cli.commands import cmp
from tests.support import bare_tools
from tests.support.released_monorepo import expected, released_monorepo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Sandbox

WIDTH = 80
FIRST, LAST = "lock", "pin"  # other examples read the cmp.lock that the one writes, which has no pin of the other
WITHOUT_CMP_YAML = "init"  # it writes a first one, and refuses a second
_EXAMPLE = re.compile(r"^  Example:\n((?:    \S.*\n)+)\Z", re.MULTILINE)


def _paths(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words that lead to a command and to each below it."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if inner := command.get_command(context, name):
                yield from _paths(inner, (*path, name))


COMMANDS = [*_paths(cmp)]


def _help(path: tuple[str, ...], sandbox: Sandbox, cwd: Path) -> str:
    ran = sandbox.run(*path, "--help", cwd=cwd)
    assert (ran.code, ran.stderr) == (0, "")
    return ran.stdout


def _examples(sandbox: Sandbox, cwd: Path) -> dict[str, str]:
    """Return the example of every command, by the command's words."""
    found = {" ".join(path): _EXAMPLE.findall(_help(path, sandbox, cwd)) for path in COMMANDS}
    return {name: re.sub(r"^ +", "", lines[0], flags=re.MULTILINE) for name, lines in found.items() if lines}


@pytest.mark.no_tools
@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "cmp")
def test_a_help_text_fits_and_ends_with_an_example(path: tuple[str, ...], sandbox: Sandbox, tmp_path: Path) -> None:
    text = _help(path, sandbox, tmp_path)
    assert [line for line in text.splitlines() if len(line) > WIDTH] == []
    assert len(_EXAMPLE.findall(text)) == 1
    assert f"cmp {' '.join(path)}".rstrip() in _EXAMPLE.findall(text)[0]
    assert not re.search(r"[a-z,]\.\.\.", text), "a sentence is cut off: make the first one shorter"
    assert not re.search(r"\bTEXT\b|INTEGER", text), "name the value: metavar"


def test_the_examples_work(tools_dir: str, tmp_path: Path) -> None:
    with released_monorepo(tmp_path, tools_dir) as (root, sandbox):
        path = f"{os.path.dirname(sys.executable)}:{sandbox.env()['PATH']}"
        examples = _examples(sandbox, root)
        assert {*examples} == {" ".join(words) for words in COMMANDS}
        for name in sorted(examples, key=lambda name: (name != FIRST, name == LAST, name)):
            folder = _without_cmp_yaml(tmp_path) if name == WITHOUT_CMP_YAML else root
            lines = (f"{line}\ntest $? = {expected(line)} || exit" for line in examples[name].splitlines())
            ran = subprocess.run(
                ["bash", "-c", "\n".join(lines)],
                cwd=folder,
                env={**sandbox.env(), "PATH": path},
                capture_output=True,
                check=False,
            )
            assert ran.returncode == 0, f"{examples[name]}\n{ran.stderr.decode()}"
        written = {"cmp.lock", "cmp.schema.json", "golden", "inventory.yaml", "report.html", "tools.json"}
        assert {file.name for file in root.iterdir()} >= written


def _without_cmp_yaml(folder: Path) -> Path:
    root = bare_tools.copy_monorepo(folder / "bare", "https://charts.example")
    (root / "cmp.yaml").unlink()
    return root
