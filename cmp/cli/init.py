"""`cmp init`: write a first cmp.yaml for the tree in the working directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cmp.artifacts import toolstore
from cmp.cli import Invocation, Output, for_people
from cmp.cli.io import example
from cmp.engines import ENGINES
from cmp.engines.registry import HELM, KUSTOMIZE
from cmp.errors import ConfigError, ToolError, UsageError
from cmp.preview.wanted import of_tree
from cmp.repository import edit, scaffold
from cmp.repository.config import FILE
from cmp.repository.git import Git, of_folder
from cmp.system.tree import WorkTree, git_root

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.repository.instances import Pair
    from cmp.repository.scaffold.wanted import Wanted


@click.command(epilog=example("cmp init --dry-run"))
@click.option("--dry-run", is_flag=True, help="Print the file, and write nothing.")
@click.pass_obj
def command(invocation: Invocation, *, dry_run: bool) -> Output:
    """Write cmp.yaml into this folder: the layout, clusters and secrets that lie below it, and the tools they need.

    Argo CD's Applications in this repository decide, and are compared with the result. Without any, the names of
    folders and files do, and each guess is a warning: read the file, and compare `cmp apps` with your expectation.
    """
    settings, log = invocation.context.settings, invocation.context.log
    _refuse_second(invocation.cwd)

    def installed(tool: str) -> list[str]:
        return toolstore.versions(settings.tools_dir, tool, settings.custom_tools)

    wanted = _wanted(invocation, {name: scaffold.version(name, installed(name)) for name in (HELM, KUSTOMIZE)})
    draft = scaffold.draft(WorkTree(invocation.cwd), ENGINES, installed, wanted)
    content = draft.content.encode()
    for note in (*wanted.notes, *draft.notes):
        log.warning(note)
    for line in draft.summary:
        log.line(f"cmp: {line}")
    if dry_run:
        return Output(content, ConfigError.exit_code if draft.failed else 0)
    if draft.failed:
        raise ConfigError(
            f"about {draft.failed} of {len(draft.pairs)} pairs of the layout that fits best have an error, so it is "
            "not written",
            hint="`cmp init --dry-run` prints it, to be corrected by hand; the warnings say what fails",
        )
    edit.replace(os.path.join(invocation.cwd, FILE), content)
    return for_people([_summary(draft.pairs)])


def _wanted(invocation: Invocation, tools: Mapping[str, str]) -> Wanted:
    """Return what the Applications of this folder say; those of a folder that is no part of a commit too."""
    root = os.path.realpath(invocation.cwd)
    top = git_root(root)
    if top:
        git = Git(top, invocation.context)
        try:
            tree = git.work_tree("" if top == root else os.path.relpath(root, top))
            return of_tree(tree, git.remotes(), tools, invocation.context)
        except (UsageError, ToolError):  # there is no commit yet, or no git
            pass
        finally:
            git.close()
    return of_tree(of_folder(root), (), tools, invocation.context)


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
