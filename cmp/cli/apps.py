"""`cmp apps`: every application with every cluster that it runs on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.cli import Invocation, Output, for_people
from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.repository import instances
from cmp.repository.instances import Repository, Request

if TYPE_CHECKING:
    from cmp.model import Instance
    from cmp.repository.instances import Pair

TITLES = ("APPLICATION", "CLUSTER", "ENGINE", "FOLDER", "VALUES", "")


class Row(NamedTuple):
    """One pair, and the instance, or the error that keeps it from being rendered."""

    pair: Pair
    found: Instance | ConfigError


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
    exit_code = ConfigError.exit_code if any(isinstance(row.found, ConfigError) for row in rows) else 0
    if output_format == "json":
        printed = json.dumps([_object(row) for row in rows], indent=2, ensure_ascii=False)
        return Output(f"{printed}\n".encode(), exit_code)
    return for_people([_table(rows)], exit_code)


def _row(repository: Repository, pair: Pair) -> Row:
    try:
        return Row(pair, instances.resolve_in(repository, Request(pair.app, pair.cluster)))
    except ConfigError as error:
        return Row(pair, error)


def _table(rows: list[Row]) -> str:
    lines = [TITLES, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(TITLES))]
    widths[-1] = 0  # the last column is as long as it is
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    app, cluster = row.pair.app, row.pair.cluster or "-"
    if isinstance(row.found, ConfigError):
        return app, cluster, "-", row.pair.app_folder or "-", "-", f"error: {' '.join(row.found.what.split())}"
    engines = " + ".join(f"{name} {version}".rstrip() for name, version in _engines(row.found).items())
    return app, cluster, engines, row.found.folder, str(len(row.found.layers)), ""


def _engines(instance: Instance) -> dict[str, str]:
    """Return each engine with its pinned version; empty for one without a program of its own name."""
    return {name: instance.pins[name].version if name in instance.pins else "" for name in instance.engines}


def _object(row: Row) -> dict[str, object]:
    found = row.found
    known: dict[str, object] = {"application": row.pair.app, "cluster": row.pair.cluster}
    if isinstance(found, ConfigError):
        return known | {"error": {"what": found.what, "where": found.file, "hint": found.hint}}
    return known | {
        "engines": _engines(found),
        "folder": found.folder,
        "values": [layer.path for layer in found.layers],
        "release": found.release,
        "namespace": found.namespace,
        "error": None,
    }
