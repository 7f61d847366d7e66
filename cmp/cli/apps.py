"""`cmp apps`: every application with every cluster that it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.cli import Invocation, Output, for_people
from cmp.cli.io import as_json, error_line, error_record, table
from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.repository import instances
from cmp.repository.instances import Repository, Request

if TYPE_CHECKING:
    from cmp.model import Instance
    from cmp.repository.instances import Pair

TITLES = ("APPLICATION", "CLUSTER", "ENGINE", "FOLDER", "VALUES", "")


class Row(NamedTuple):
    """One pair, resolved to its instance or to an error."""

    pair: Pair
    resolved: Instance | ConfigError


@click.command()
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: an array with one object a pair.",
)
@click.pass_obj
def command(invocation: Invocation, output_format: str) -> Output:
    """List every application and the clusters it runs on.

    VALUES counts the values files.  A pair that cannot be rendered is listed with its error, and the exit code is 3.
    """
    tree, _ = instances.open_repository(invocation.cwd)
    repository = Repository(tree, ENGINES)
    rows = [_row(repository, pair) for pair in repository.pairs()]
    exit_code = ConfigError.exit_code if any(isinstance(row.resolved, ConfigError) for row in rows) else 0
    if output_format == "json":
        return as_json([_record(row) for row in rows], exit_code)
    return for_people(table([TITLES, *map(_cells, rows)]), exit_code)


def _row(repository: Repository, pair: Pair) -> Row:
    try:
        return Row(pair, instances.resolve_in(repository, Request(pair.app, pair.cluster)))
    except ConfigError as error:
        return Row(pair, error)


def _cells(row: Row) -> tuple[str, ...]:
    app, cluster = row.pair.app, row.pair.cluster or "-"
    if isinstance(row.resolved, ConfigError):
        return app, cluster, "-", row.pair.app_folder or "-", "-", error_line(row.resolved)
    engines = " + ".join(f"{name} {version}".rstrip() for name, version in _engines(row.resolved).items())
    return app, cluster, engines, row.resolved.folder, str(len(row.resolved.layers)), ""


def _engines(instance: Instance) -> dict[str, str]:
    """Return each engine with its pinned version; empty for one without a program of its own name."""
    return {name: instance.pins[name].version if name in instance.pins else "" for name in instance.engines}


def _record(row: Row) -> dict[str, object]:
    pair: dict[str, object] = {"application": row.pair.app, "cluster": row.pair.cluster}
    instance = row.resolved
    if isinstance(instance, ConfigError):
        return pair | {"error": error_record(instance)}
    return pair | {
        "engines": _engines(instance),
        "folder": instance.folder,
        "values": [layer.path for layer in instance.layers],
        "release": instance.release,
        "namespace": instance.namespace,
        "error": None,
    }
