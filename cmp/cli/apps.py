"""`cmp apps`: every application with every cluster that it runs on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.cli import Invocation, Output, for_people
from cmp.cli.builtin_pairs import builtin_pairs
from cmp.cli.io import as_json, error_line, error_record, example, table
from cmp.cli.summary import misfit_messages
from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.repository import instances
from cmp.repository.instances import Repository, Request
from cmp.repository.instances.nowhere import nowhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp.model import Instance
    from cmp.system.tree import WorkTree

NOTHING_HERE = "no application and no Application of Argo CD is here; `cmp init` writes a cmp.yaml for what it finds"
TITLES = ("APPLICATION", "CLUSTER", "ENGINE", "FOLDER", "VALUES", "")


class Row(NamedTuple):
    """One pair, resolved to the instances of its sources or to an error; `folder` is where that one stands."""

    app: str
    cluster: str
    folder: str
    resolved: tuple[Instance, ...] | ConfigError
    application: str = ""


@click.command(epilog=example("cmp apps --format json"))
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: an array with one object a pair.",
)
@click.pass_obj
def command(invocation: Invocation, output_format: str) -> Output:
    """List every application and the clusters it runs on, and the Applications of Argo CD without a plugin.

    VALUES counts the values files.  A pair that cannot be rendered is listed with its error, and the exit code is 3; so
    it is where there are applications and no pair, and where `applications` of cmp.yaml names one that is not there.
    """
    tree = instances.open_checkout(invocation.cwd)
    repository = Repository(tree, ENGINES)
    rows = sorted([*_of_layout(repository), *_of_argocd(tree, repository, invocation)], key=lambda row: row[:2])
    idle = nowhere(repository)
    for one in idle:
        invocation.context.log.warning(f"{one.what} ({one.hint})")
    if not (rows or idle):
        invocation.context.log.warning(NOTHING_HERE)
    is_wrong = misfit_messages(repository, invocation.context) or (idle and not rows) or any(map(_failed, rows))
    exit_code = ConfigError.exit_code if is_wrong else 0
    if output_format == "json":
        return as_json([_record(row) for row in rows], exit_code)
    return for_people(table([TITLES, *map(_cells, rows)]), exit_code)


def _failed(row: Row) -> bool:
    return isinstance(row.resolved, ConfigError)


def _of_layout(repository: Repository) -> Iterator[Row]:
    for pair in repository.pairs():
        request = Request(pair.app, pair.cluster)
        resolved = _resolved(partial(_of_pair, repository, request))
        yield Row(pair.app, pair.cluster, pair.app_folder, resolved)


def _of_argocd(tree: WorkTree, repository: Repository, invocation: Invocation) -> Iterator[Row]:
    """Yield the Applications without a plugin; those with one render what the layout has."""
    for pair in builtin_pairs(tree, repository, invocation):
        request = pair.request
        resolved = request.error if isinstance(request.error, ConfigError) else _resolved(pair.instances)
        yield Row(request.subject.app, request.subject.cluster, request.place, resolved, request.id.text)


def _of_pair(repository: Repository, request: Request) -> tuple[Instance, ...]:
    return (instances.resolve_in(repository, request),)


def _resolved(resolve: Callable[[], tuple[Instance, ...]]) -> tuple[Instance, ...] | ConfigError:
    try:
        return resolve()
    except ConfigError as error:
        return error


def _cells(row: Row) -> tuple[str, ...]:
    app, cluster = row.app, row.cluster or "-"
    if isinstance(row.resolved, ConfigError):
        return app, cluster, "-", row.folder or "-", "-", error_line(row.resolved)
    engines = (
        " + ".join(f"{name} {version}".rstrip() for name, version in _engines(one).items()) for one in row.resolved
    )
    layers = sum(len(one.layers) for one in row.resolved)
    folders = (_folder(one) + (f", chart {one.named_chart}" if one.chart_place else "") for one in row.resolved)
    return app, cluster, _listed(engines), _listed(folders), str(layers), ""


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))


def _folder(instance: Instance) -> str:
    """Return the folder that is rendered, or the chart of a repository; where values are alone, their folder."""
    if instance.chart_place:
        return instance.app_folder
    return f"{instance.chart.name} {instance.chart.version}" if instance.chart else instance.folder or "."


def _engines(instance: Instance) -> dict[str, str]:
    """Return each engine with its pinned version; empty for one without a program of its own name."""
    return {name: instance.pins[name].version if name in instance.pins else "" for name in instance.engines}


def _record(row: Row) -> dict[str, object]:
    pair: dict[str, object] = {"application": row.app, "cluster": row.cluster}
    if row.application:
        pair["argocd"] = row.application
    if isinstance(row.resolved, ConfigError):
        return pair | {"error": error_record(row.resolved)}
    first = row.resolved[0]
    if first.chart_place:
        pair["chart"] = first.named_chart
    return pair | {
        "engines": {name: version for one in row.resolved for name, version in _engines(one).items()},
        "folder": _listed(map(_folder, row.resolved)),
        "values": [layer.path for one in row.resolved for layer in one.layers],
        "release": first.release,
        "namespace": first.namespace,
        "error": None,
    }
