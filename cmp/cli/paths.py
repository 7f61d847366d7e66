"""`cmp paths`: what the annotation `manifest-generate-paths` of every application must say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.cli import Invocation, Output, for_people
from cmp.errors import CmpError, UsageError, suggestion
from cmp.genpaths.annotation import SEPARATOR
from cmp.genpaths.paths import Paths
from cmp.repository import instances

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.genpaths.paths import Reader
    from cmp.repository.instances import Pair


class Row(NamedTuple):
    """An application, the value for all of its clusters, and those of each; or what keeps it from being known."""

    app: str
    value: str
    clusters: dict[str, str]
    error: CmpError | None = None


@click.command()
@click.argument("names", nargs=-1, metavar="[APP | FILE]...")
@click.option("--cluster", default="", help="The value for this cluster alone.")
@click.option(
    "--check", is_flag=True, help="Check the Applications and ApplicationSets in each FILE; without, in all YAML files."
)
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(invocation: Invocation, names: tuple[str, ...], cluster: str, output_format: str, *, check: bool) -> Output:
    """Print the value of argocd.argoproj.io/manifest-generate-paths for every application.

    It names everything that a render can read, so that Argo CD renders again after exactly these changes.  One value
    serves all clusters of an application.  With --check the exit code is 1 when an annotation lacks something.
    """
    tree, _ = instances.open_repository(invocation.cwd)
    if check:
        if cluster:
            raise UsageError("--check looks at every cluster that an annotation is for: --cluster does not go with it")
        from cmp.cli import pathcheck  # noqa: PLC0415  # the other way needs none of it

        return pathcheck.check(tree, names, output_format, invocation)
    found = Paths(tree)
    rows = [_row(found, app, pairs) for app, pairs in _chosen(found, names, cluster).items()]
    errors = [row.error for row in rows if row.error]
    exit_code = errors[0].exit_code if errors else 0
    if output_format == "json":
        printed = json.dumps([_object(row) for row in rows], indent=2, ensure_ascii=False)
        return Output(f"{printed}\n".encode(), exit_code)
    return for_people(map(_line, rows), exit_code)


def _chosen(found: Paths, names: Sequence[str], cluster: str) -> dict[str, list[Pair]]:
    """Return the pairs that are asked for by application; UsageError for one that is not there."""
    apps: dict[str, list[Pair]] = {}
    for pair in found.repository.pairs():
        apps.setdefault(pair.app, []).append(pair)
    for name in names:
        if name not in apps:
            raise UsageError(f"there is no application {name}", hint=suggestion(name, apps))
    chosen = {
        app: [pair for pair in pairs if cluster in ("", pair.cluster)]
        for app, pairs in apps.items()
        if app in names or not names
    }
    if not any(chosen.values()):
        raise UsageError(f"nothing of this runs on a cluster {cluster}")
    return {app: pairs for app, pairs in chosen.items() if pairs}


def _row(found: Paths, app: str, pairs: Iterable[Pair]) -> Row:
    try:
        readers = [found.reader(pair) for pair in pairs]
    except CmpError as error:
        return Row(app, "", {}, error)
    return Row(app, _value(found, readers), {one.instance.cluster: _value(found, [one]) for one in readers})


def _value(found: Paths, readers: Sequence[Reader]) -> str:
    return SEPARATOR.join(found.items(readers))


def _line(row: Row) -> str:
    return f"{row.app}  " + (f"error: {' '.join(row.error.what.split())}" if row.error else row.value)


def _object(row: Row) -> dict[str, object]:
    error = {"what": row.error.what, "where": row.error.file, "hint": row.error.hint} if row.error else None
    return {"application": row.app, "value": row.value, "clusters": row.clusters, "error": error}
