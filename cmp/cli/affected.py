"""`cmp affected`: the applications and clusters that a change reaches, before anything is rendered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cmp.cli import Invocation, Output, for_people
from cmp.cli.io import MOST_JOBS, as_json, example, table
from cmp.cli.revisions import revision_options
from cmp.errors import ConfigError
from cmp.preview import application_changes
from cmp.preview.affected import DECIDES, DECLARES, RUNS_THERE
from cmp.system import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.changes import ApplicationChange, UnreadValue
    from cmp.cli.revisions import Revisions
    from cmp.context import Context
    from cmp.preview.affected import Impact, TouchedPair
    from cmp.preview.comparison import Comparison

TITLES = ("CLUSTER", "APP", "BY", "HOW")
FORMATS = ("table", "json", "matrix", "names")


@click.command(epilog=example("cmp affected --base main"))
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

    No key is needed: the effect of a change is told from values, charts, pins and options.  Only an application that
    may print Applications is rendered for it.
    """
    with revisions.opened(invocation) as sides:
        comparison = revisions.compared(sides, invocation)
        impact = comparison.impact
        if rendered:
            from cmp.preview import diff  # noqa: PLC0415  # most calls render nothing

            task = diff.Task(
                comparison=comparison._replace(checks=None),  # what is asked is whether manifests differ
                base=sides.before,
                head=sides.after,
                jobs=kernel.processors(),
                options=revisions.render_options(comparison, invocation.context, is_keyless=False),
                progress=lambda: None,
            )
            impact = impact.confirmed(diff.compare(task, invocation.context).report.outcomes)
    for note in (*comparison.sentences, *application_changes.sentences(comparison.applications.changes)):
        invocation.context.log.warning(note)
    for failure in comparison.failures:
        invocation.context.log.plain("\n".join(failure.lines))
    code = comparison.exit_code
    paths = [unowned.path for unowned in impact.unowned if not unowned.rule]
    if strict and paths:
        raise ConfigError(
            f"{len(paths)} changed files belong to no application: {', '.join(paths[:5])}{', …' if paths[5:] else ''}",
            hint="if no render depends on them, `preview: {ignore: [...]}` in cmp.yaml says so",
        )
    if output_format == "matrix":
        jobs = [*_jobs(_affected(impact))]
        return Output(json.dumps({"include": jobs}, ensure_ascii=False).encode() + b"\n", code)
    if output_format == "names":
        return for_people(map(_name, _affected(impact)), code)
    unread = _unread(comparison, impact, invocation.context) if impact.touched else ()
    if output_format == "json":
        return as_json(_report(impact, comparison.applications.changes, unread))._replace(exit_code=code)
    return for_people(_table(impact, unread), code)


def _unread(comparison: Comparison, impact: Impact, context: Context) -> tuple[UnreadValue, ...]:
    from cmp.preview.unread_values import unread_values  # noqa: PLC0415  # only for a change that reaches a pair

    return unread_values(comparison.base, comparison.head, impact.touched, context)


def _table(impact: Impact, unread: Iterable[UnreadValue]) -> Iterator[str]:
    if impact.touched:
        yield from table([TITLES, *(row for pair in impact.touched for row in _rows(pair))])
    affected = sum(pair.is_affected for pair in impact.touched)
    yield f"{affected} of {impact.pairs} pairs are affected" + (
        f", {len(impact.touched) - affected} more are touched without effect" if len(impact.touched) > affected else ""
    )
    for unowned in impact.unowned:
        reason = f"ignored: {unowned.rule}" if unowned.rule else f"UNOWNED: {unowned.consequence}"
        yield f"{unowned.path} belongs to no application ({reason})"
    for one in unread:
        yield f"{one.place}: nothing reads `{'.'.join(one.path)}`{f' ({one.hint})' if one.hint else ''}"


def _rows(pair: TouchedPair) -> Iterator[tuple[str, ...]]:
    cluster, app = pair.subject.cluster or "-", pair.subject.app
    if pair.what != "both":
        deciding = [changed for changed in pair.inputs if changed.how.startswith((DECIDES, DECLARES, RUNS_THERE))]
        yield from ((cluster, app, changed.path, f"{pair.what}: {changed.how}") for changed in deciding)
        if not deciding:
            yield cluster, app, "-", f"{pair.what} here"
        return
    effect = pair.rendered or ("" if pair.is_affected else "no effect")
    for changed in pair.inputs:
        how = changed.how if changed.is_overridden or not effect else f"{changed.how} ({effect})"
        yield cluster, app, changed.path or "-", how


def _report(
    impact: Impact, applications: Iterable[ApplicationChange], unread: Iterable[UnreadValue]
) -> dict[str, object]:
    return {
        "version": 1,
        "pairs": impact.pairs,
        "affected": [_record(pair) for pair in impact.touched],
        "unowned": [unowned._asdict() for unowned in impact.unowned],
        "applications": [{**one._asdict(), "subject": one.subject._asdict()} for one in applications],
        "unread": [{**one._asdict(), "subjects": [pair._asdict() for pair in one.subjects]} for one in unread],
    }


def _record(pair: TouchedPair) -> dict[str, object]:
    return {
        "application": pair.subject.app,
        "cluster": pair.subject.cluster,
        "what": "changed" if pair.what == "both" else pair.what,
        "effective": pair.is_affected,
        "rendered": pair.rendered or None,
        "touches": [
            {"path": changed.path, "how": changed.how, "is_swallowed": changed.is_overridden} for changed in pair.inputs
        ],
    }


def _jobs(pairs: Sequence[TouchedPair]) -> Iterator[dict[str, str]]:
    """Yield the jobs of a matrix: a pair each, or several where there are more pairs than a matrix may have jobs."""
    count = min(len(pairs), MOST_JOBS)
    for index in range(count):
        first, *others = pairs[len(pairs) * index // count : len(pairs) * (index + 1) // count]
        name = " on ".join(filter(None, (first.subject.app, first.subject.cluster)))
        more = f" and {len(others)} more" if others else ""
        yield {"name": f"{name}{more}", "pairs": "\n".join(map(_name, (first, *others)))}


def _name(pair: TouchedPair) -> str:
    return f"{pair.subject.app} {pair.subject.cluster}".rstrip()


def _affected(impact: Impact) -> list[TouchedPair]:
    """Return the pairs that can be rendered on the newer side, and may be different there."""
    return [pair for pair in impact.touched if pair.is_affected and pair.what != "removed"]
