"""`cmp values`: the merged values as Helm sees them, and the origin of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp import yamldoc
from cmp.cli import Invocation, Output
from cmp.cli.io import example
from cmp.cli.target import Target, target_options
from cmp.render.merged_values import merge
from cmp.render.values_use.charts import hint
from cmp.repository import values
from cmp.secrets.redact import MASK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cmp.render.merged_values import MergedValues
    from cmp.render.values_use.charts import ChartUse
    from cmp.repository.values import Leaf, Origins
    from cmp.repository.values.provenance import Path
    from cmp.secrets.redact import Redactor


@click.command(epilog=example("cmp values payments --cluster prod-cluster --explain"))
@target_options
@click.option(
    "--explain", is_flag=True, help="One value a line, with the file and line that set it and what it overrode."
)
@click.option(
    "--format", "output_format", type=click.Choice(["yaml", "json"]), default="yaml", help="json is for machines."
)
@click.pass_obj
def command(invocation: Invocation, target: Target, output_format: str, *, explain: bool) -> Output:
    """Show the merged values of APP on one cluster, secrets masked.

    They come from the pinned Helm itself and include the defaults of the chart and its subcharts.
    """
    context = invocation.context
    with context.phases.phase("layout"):
        tree, instance = target.resolve(invocation)
    for note in instance.warnings:
        context.log.warning(note)
    merged = merge(tree, instance, context)
    for warning in merged.warnings:
        context.log.warning(warning)
    merged = merged._replace(values=_masked(merged.values, merged.origins, (), context.redactor))
    inside = "" if instance.chart else f"{instance.chart_folder}/"
    lines = _explained(merged, output_format, inside) if explain else _plain(merged, output_format)
    printed = context.redactor.mask("".join(f"{line}\n" for line in lines)).encode()
    return Output(printed, is_text=explain and output_format != "json")


def _masked(value: object, origins: Origins, path: Path, redactor: Redactor) -> object:
    if isinstance(value, dict):
        return {key: _masked(item, origins, (*path, key), redactor) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, origins, (*path, index), redactor) for index, item in enumerate(value)]
    origin = origins.of(path)
    if origin and origin.is_encrypted:
        return MASK
    return redactor.mask(value) if isinstance(value, str) else value


def _plain(merged: MergedValues, output_format: str) -> Iterable[str]:
    if output_format == "json":
        return [yamldoc.to_json(merged.values)]
    return yamldoc.dump_all([merged.values]).decode().removeprefix("---\n").splitlines()


def _explained(merged: MergedValues, output_format: str, inside: str) -> Iterable[str]:
    """Return a line for each leaf; `inside` begins the paths of files that the templates may read as such."""
    use = merged.use()
    is_file = inside if inside and use and use.keys.reads_files else "\0"
    given = frozenset(name for name in merged.given if not name.startswith(is_file))
    leaves = values.leaves(merged.values, merged.origins)
    told = ((leaf, _unread(leaf, use, given) if use else "") for leaf in leaves)
    if output_format == "json":
        return (yamldoc.to_json({**values.record_of(leaf), "unread": text or None}) for leaf, text in told)
    return ("; ".join(filter(None, (values.line_of(leaf), text))) for leaf, text in told)


def _unread(leaf: Leaf, use: ChartUse, given: Collection[str]) -> str:
    """Return a sentence on a value that somebody gives and nothing reads; empty for all others."""
    if leaf.origin is None or leaf.origin.place.file not in given:
        return ""
    path = use.unread(leaf.path)
    if path is None:
        return ""
    more = hint(path, [use])
    return f"nothing reads `{'.'.join(path)}`{f' ({more})' if more else ''}"
