"""`cmp values`: the merged values as Helm sees them, and the origin of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp import yamldoc
from cmp.cli import Invocation, Output
from cmp.cli.io import example
from cmp.cli.target import Target, target_options
from cmp.engines import helm
from cmp.engines.registry import HELM
from cmp.errors import ConfigError
from cmp.render.pipeline import located, open_session, unpinned
from cmp.repository import values
from cmp.secrets.redact import MASK
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.context import Context
    from cmp.model import Instance
    from cmp.repository.values import Origins
    from cmp.repository.values.provenance import Path
    from cmp.secrets.redact import Redactor
    from cmp.system.tree import Tree


class Merged(NamedTuple):
    """Helm's merged values, secrets masked, and the origin of each."""

    values: object
    origins: Origins


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
    lines = _explained(merged, output_format) if explain else _plain(merged, output_format)
    printed = context.redactor.mask("".join(f"{line}\n" for line in lines)).encode()
    return Output(printed, is_text=explain and output_format != "json")


def merge(tree: Tree, instance: Instance, context: Context) -> Merged:
    """Ask Helm for the merged values with a chart that only prints them; ConfigError where no Helm renders."""
    if HELM not in instance.engines:
        raise ConfigError(
            f"{instance.engines[-1]} renders this application, and there are no Helm values",
            hint="`cmp render` shows what it makes of its parameters",
        ).locate(application=instance.app, cluster=instance.cluster)
    with located(instance), open_session(tree, instance, context) as session, context.phases.phase("values"):
        session.complete(with_schemas=False)  # the chart that prints them has none
        copy = f"{session.work.chart_folder}-values"
        files = values.skeleton(session.work.chart_folder, copy)
        printed = helm.start(instance, session.work._replace(chart_folder=copy), session.processes)()
    folder = values.title(files) if instance.chart else instance.chart_folder
    for warning in (*printed.warnings, *unpinned(session.work.tools, session.pins)):
        context.log.warning(warning)
    # JSON and not YAML: Helm prints some characters as they are that YAML forbids.
    _, _, text = printed.manifests.partition(b'{"values":')
    merged, _ = json.JSONDecoder().raw_decode(text.decode().lstrip())
    origins = values.Origins(
        merged,
        layers=[(layer.path, layer.data) for layer in session.layers],
        settings=[
            *(("--set", key) for key, _ in instance.parameters.set_values),
            *(("--set-template", key) for key, _ in instance.parameters.set_templates),
            *(("--set-string", key) for key, _ in instance.parameters.set_strings),
        ],
        chart_defaults=values.defaults(files, join(folder, "values.yaml")),
    )
    return Merged(_masked(merged, origins, (), context.redactor), origins)


def _masked(value: object, origins: Origins, path: Path, redactor: Redactor) -> object:
    if isinstance(value, dict):
        return {key: _masked(item, origins, (*path, key), redactor) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, origins, (*path, index), redactor) for index, item in enumerate(value)]
    origin = origins.of(path)
    if origin and origin.is_encrypted:
        return MASK
    return redactor.mask(value) if isinstance(value, str) else value


def _plain(merged: Merged, output_format: str) -> Iterable[str]:
    if output_format == "json":
        return [yamldoc.to_json(merged.values)]
    return yamldoc.dump_all([merged.values]).decode().removeprefix("---\n").splitlines()


def _explained(merged: Merged, output_format: str) -> Iterable[str]:
    leaves = values.leaves(merged.values, merged.origins)
    if output_format == "json":
        return (yamldoc.to_json(values.record_of(leaf)) for leaf in leaves)
    return (values.line_of(leaf) for leaf in leaves)
