"""`cmp render`: what Argo CD would apply, on a person's stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp.cli import Invocation, Output
from cmp.cli.render_all import Everything, everything_options
from cmp.cli.summary import explanation, summary, warn
from cmp.cli.target import Target, target_options
from cmp.errors import UsageError
from cmp.model import Parameters
from cmp.render.pipeline import render

if TYPE_CHECKING:
    from cmp.render.pipeline import RenderResult

NO_TARGET = Target("", "", Parameters())


@click.command()
@target_options
@click.option("--explain", is_flag=True, help="Tell on stderr what the render was made of.")
@click.option(
    "--output", "output_format", type=click.Choice(["yaml", "json"]), default="yaml", help="json: one object a line."
)
@everything_options
@click.pass_obj
def command(
    invocation: Invocation, target: Target, output_format: str, everything: Everything | None, *, explain: bool
) -> Output:
    """Render APP on one cluster, as its Argo CD plugin does.

    In an application's folder APP may be left out; elsewhere --namespace names the application too.

    With --all every application is written to a folder, which holds nothing else.
    """
    if everything:
        if target != NO_TARGET or explain or output_format != "yaml":
            raise UsageError("--all renders everything as it is: only --output-dir and --secrets go with it")
        return everything.write(invocation)
    context = invocation.context
    with context.phases.phase("layout"):
        tree, instance = target.resolve(invocation)
    done = render(tree, instance, context)
    report(done, invocation, explain=explain)
    printed = done.output.json_lines() if output_format == "json" else done.output.yaml
    return Output(printed, summary=summary(done, invocation.context))


def report(done: RenderResult, invocation: Invocation, *, explain: bool) -> None:
    """Say on stderr what a reader should know."""
    context = invocation.context
    warn(done, context)
    for line in explanation(done, context) if explain else ():
        context.log.line(line)
