"""`cmp affected`: the applications and clusters that a change reaches, before anything is rendered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cmp.cli import Invocation, Output, for_people
from cmp.cli.io import as_json, table
from cmp.cli.revisions import revision_options
from cmp.errors import ConfigError
from cmp.preview import affected, diff
from cmp.system import workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.cli.revisions import Revisions
    from cmp.preview.affected import Affected, Reach

TITLES = ("CLUSTER", "APP", "BY", "HOW")
FORMATS = ("table", "json", "matrix", "names")


@click.command()
@revision_options
@click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    default="table",
    help="json: everything; matrix: what a CI job takes as its matrix; names: application and cluster, a pair a line.",
)
@click.option("--rendered", is_flag=True, help="Render both sides of each pair, and say whether manifests differ.")
@click.option("--strict", is_flag=True, help="Fail where a changed file belongs to no application.")
@click.pass_obj
def command(
    invocation: Invocation, revisions: Revisions, output_format: str, *, rendered: bool, strict: bool
) -> Output:
    """List the applications and clusters that a change reaches.

    No program renders and no key is needed: what a change comes to is told from values, charts, pins and options.
    """
    with revisions.opened(invocation) as sides:
        compared = revisions.compared(sides, invocation)
        reach = compared.reach
        if rendered:
            task = diff.Task(
                compared=compared,
                before=sides.before,
                after=sides.after,
                at_once=workers.cores(),
                options=revisions.render_options(compared, invocation.context, is_keyless=False),
                progress=lambda: None,
            )
            reach = affected.proven(reach, diff.compare(task, invocation.context).report.outcomes)
    for note in compared.notes:
        invocation.context.log.warning(note)
    paths = [unowned.path for unowned in reach.unowned if not unowned.rule]
    if strict and paths:
        raise ConfigError(
            f"{len(paths)} changed files belong to no application: {', '.join(paths[:5])}{', …' if paths[5:] else ''}",
            hint="if no render depends on them, `preview: {ignore: [...]}` in cmp.yaml says so",
        )
    if output_format == "json":
        return as_json(_report(reach))
    if output_format == "matrix":
        pairs = [{"app": pair.subject.app, "cluster": pair.subject.cluster} for pair in _effective(reach)]
        return Output(json.dumps({"include": pairs}, ensure_ascii=False).encode() + b"\n")
    if output_format == "names":
        return for_people(f"{pair.subject.app} {pair.subject.cluster}".rstrip() for pair in _effective(reach))
    return for_people(_table(reach))


def _table(reach: Reach) -> Iterator[str]:
    if reach.affected:
        yield from table([TITLES, *(row for pair in reach.affected for row in _rows(pair))])
    effective = sum(pair.is_effective for pair in reach.affected)
    yield f"{effective} of {reach.pairs} pairs are affected" + (
        f", {len(reach.affected) - effective} more are touched without effect"
        if len(reach.affected) > effective
        else ""
    )
    for unowned in reach.unowned:
        reason = f"ignored: {unowned.rule}" if unowned.rule else f"UNOWNED: {unowned.consequence}"
        yield f"{unowned.path} belongs to no application ({reason})"


def _rows(pair: Affected) -> Iterator[tuple[str, ...]]:
    cluster, app = pair.subject.cluster or "-", pair.subject.app
    if pair.what != "both":
        yield cluster, app, "-", f"{pair.what} here"
        return
    effect = pair.rendered or ("" if pair.is_effective else "no effect")
    for touch in pair.touches:
        how = touch.how if touch.is_swallowed or not effect else f"{touch.how} ({effect})"
        yield cluster, app, touch.path or "-", how


def _report(reach: Reach) -> dict[str, object]:
    return {
        "version": 1,
        "pairs": reach.pairs,
        "affected": [_record(pair) for pair in reach.affected],
        "unowned": [unowned._asdict() for unowned in reach.unowned],
    }


def _record(pair: Affected) -> dict[str, object]:
    return {
        "application": pair.subject.app,
        "cluster": pair.subject.cluster,
        "what": "changed" if pair.what == "both" else pair.what,
        "effective": pair.is_effective,
        "rendered": pair.rendered or None,
        "touches": [touch._asdict() for touch in pair.touches],
    }


def _effective(reach: Reach) -> list[Affected]:
    """Return the pairs that can be rendered on the newer side, and may be different there."""
    return [pair for pair in reach.affected if pair.is_effective and pair.what != "removed"]
