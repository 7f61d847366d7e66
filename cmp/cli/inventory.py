"""`cmp inventory export`: the inventory of clusters, from the clusters of Argo CD."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp import yamldoc
from cmp.cli import Invocation, Output, candidates
from cmp.cli.io import STDIN, content_or_stdin, example
from cmp.engines import ENGINES
from cmp.repository import config, instances
from cmp.repository.instances import Repository
from cmp.repository.inventory import as_values, merge, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.model import Cluster

EMPTIED = (
    "if this very output goes there, the shell has emptied it, and the facts in it are lost; "
    "write to another file and rename that"
)


@click.group(epilog=example("cmp inventory export --from clusters.json"))
def command() -> None:
    """Write the inventory from what Argo CD knows of its clusters."""


@command.command(epilog=example("cmp inventory export --from clusters.json > inventory.yaml"))
@click.option(
    "--from",
    "source",
    default=STDIN,
    metavar="FILE",
    shell_complete=candidates.files,
    help="The clusters as JSON; - is stdin.",
)
@click.pass_obj
def export(invocation: Invocation, source: str) -> Output:
    """Print the inventory of clusters.

    The clusters and their versions come from `argocd cluster list -o json`; credentials are left out, and what the
    present inventory says beside that stays.  It is printed as cmp.yaml has it, or as the file that cmp.yaml names.
    """
    live = read(*content_or_stdin(source, invocation.cwd, "the file of --from"))
    present, file = _present(invocation)
    merged = merge(present, live)
    emptied = [f"{file} holds no cluster: {EMPTIED}"] if file and not present else []
    for warning in (*emptied, *merged.warnings):
        invocation.context.log.warning(warning)
    values = as_values(merged.clusters)
    text = yamldoc.dump_all([values if file else {"clusters": values}]).removeprefix(b"---\n")
    target = file or config.FILE
    return Output(text, summary=f"cmp: {len(live)} clusters of Argo CD; this is for {target}")


def _present(invocation: Invocation) -> tuple[Mapping[str, Cluster], str]:
    """Return the entries of the present inventory and its file; both are empty where there is no repository yet."""
    if not instances.has_repository(invocation.cwd):
        return {}, ""
    tree, _ = instances.open_repository(invocation.cwd)
    repository_config = Repository(tree, ENGINES).config
    return repository_config.entries, repository_config.inventory
