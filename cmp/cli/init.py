"""`cmp init`: write a first cmp.yaml for the tree in the working directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cmp.artifacts import toolstore
from cmp.cli import Invocation, Output, for_people
from cmp.cli.io import example
from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.repository import edit, scaffold
from cmp.repository.config import FILE
from cmp.system.tree import WorkTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.repository.instances import Pair


@click.command(epilog=example("cmp init --dry-run"))
@click.option("--dry-run", is_flag=True, help="Print the file, and write nothing.")
@click.pass_obj
def command(invocation: Invocation, *, dry_run: bool) -> Output:
    """Write cmp.yaml into this folder: the layout, clusters and secrets that lie below it, and the tools they need.

    It guesses from what folders and files are called: read what it wrote, and compare `cmp apps` with what you expect.
    """
    settings, log = invocation.context.settings, invocation.context.log
    _refuse_second(invocation.cwd)
    draft = scaffold.draft(
        WorkTree(invocation.cwd),
        ENGINES,
        lambda tool: toolstore.versions(settings.tools_dir, tool, settings.custom_tools),
    )
    content = draft.content.encode()
    for note in draft.notes:
        log.warning(note)
    if dry_run:
        return Output(content)
    edit.replace(os.path.join(invocation.cwd, FILE), content)
    return for_people([_summary(draft.pairs)])


def _refuse_second(cwd: str) -> None:
    """ConfigError for a cmp.yaml here or in a folder above, which would no longer count here."""
    folder = os.path.realpath(cwd)
    while True:
        if os.path.lexists(os.path.join(folder, FILE)):
            raise ConfigError(f"there is a {FILE} already", file=os.path.join(folder, FILE))
        if folder == os.path.dirname(folder) or os.path.lexists(os.path.join(folder, ".git")):
            return
        folder = os.path.dirname(folder)


def _summary(pairs: Sequence[Pair]) -> str:
    apps, clusters = {pair.app for pair in pairs}, {pair.cluster for pair in pairs if pair.cluster}
    return f"{FILE}: {_counted(len(apps), 'application')}, {_counted(len(clusters), 'cluster')}; `cmp apps` lists them"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
