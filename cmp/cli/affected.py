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
        found = revisions.compared(sides, invocation)
        reach = found.reach
        if rendered:
            task = diff.Task(
                compared=found,
                before=sides.before,
                after=sides.after,
                at_once=workers.cores(),
                options=revisions.render_options(found, invocation.context, is_keyless=False),
                progress=lambda: None,
            )
            reach = affected.proven(reach, diff.compare(task, invocation.context).report.outcomes)
    for note in found.notes:
        invocation.context.log.warning(note)
    lost = [one.path for one in reach.unowned if not one.rule]
    if strict and lost:
        raise ConfigError(
            f"{len(lost)} changed files belong to no application: {', '.join(lost[:5])}{', …' if lost[5:] else ''}",
            hint="if no render depends on them, `preview: {ignore: [...]}` in cmp.yaml says so",
        )
    if output_format == "json":
        return as_json(_report(reach))
    if output_format == "matrix":
        pairs = [{"app": one.subject.app, "cluster": one.subject.cluster} for one in _effective(reach)]
        return Output(json.dumps({"include": pairs}, ensure_ascii=False).encode() + b"\n")
    if output_format == "names":
        return for_people(f"{one.subject.app} {one.subject.cluster}".rstrip() for one in _effective(reach))
    return for_people(_table(reach))


def _table(reach: Reach) -> Iterator[str]:
    if reach.affected:
        yield from table([TITLES, *(row for one in reach.affected for row in _rows(one))])
    effective = sum(one.is_effective for one in reach.affected)
    yield f"{effective} of {reach.pairs} pairs are affected" + (
        f", {len(reach.affected) - effective} more are touched without effect"
        if len(reach.affected) > effective
        else ""
    )
    for unowned in reach.unowned:
        reason = f"ignored: {unowned.rule}" if unowned.rule else f"UNOWNED: {unowned.consequence}"
        yield f"{unowned.path} belongs to no application ({reason})"


def _rows(one: Affected) -> Iterator[tuple[str, ...]]:
    cluster, app = one.subject.cluster or "-", one.subject.app
    if one.what != "both":
        yield cluster, app, "-", f"{one.what} here"
        return
    effect = one.rendered or ("" if one.is_effective else "no effect")
    for touch in one.touches:
        how = touch.how if touch.is_swallowed or not effect else f"{touch.how} ({effect})"
        yield cluster, app, touch.path or "-", how


def _report(reach: Reach) -> dict[str, object]:
    return {
        "version": 1,
        "pairs": reach.pairs,
        "affected": [_record(one) for one in reach.affected],
        "unowned": [one._asdict() for one in reach.unowned],
    }


def _record(one: Affected) -> dict[str, object]:
    return {
        "application": one.subject.app,
        "cluster": one.subject.cluster,
        "what": "changed" if one.what == "both" else one.what,
        "effective": one.is_effective,
        "rendered": one.rendered or None,
        "touches": [touch._asdict() for touch in one.touches],
    }


def _effective(reach: Reach) -> list[Affected]:
    """Return the pairs that can be rendered on the newer side, and may be different there."""
    return [one for one in reach.affected if one.is_effective and one.what != "removed"]
