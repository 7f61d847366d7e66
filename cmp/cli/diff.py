"""`cmp diff`: the differences that a change makes in all manifests on all clusters, as one report."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click

from cmp.checks import schemas
from cmp.cli import Invocation, Output, candidates, shares
from cmp.cli.io import example, format_and_file, progress_bar, write_text
from cmp.cli.live_options import live_options
from cmp.cli.revisions import revision_options
from cmp.cli.what_if import reproduce, require_alone, what_if_options
from cmp.errors import UsageError, suggestion
from cmp.preview import diff
from cmp.preview.diff import GATES, RULES
from cmp.preview.parts import PART
from cmp.preview.shares import PLAN
from cmp.report import FORMATS, Gates, Options, judge
from cmp.report.judgement import FINDINGS
from cmp.system import kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cmp.cli.live_options import Live
    from cmp.cli.revisions import Revisions
    from cmp.context import Context
    from cmp.preview.supposed import WhatIf

MERGE = "merge"
MOST_SHARES = 10_000


@click.command(
    epilog=example(
        "cmp diff --base main --output html=report.html",
        "cmp diff --plan 2 --keyless --output plan=plan.json",
        "cmp diff --shard 0 --plan plan.json --output part=part-0.json",
        "cmp diff --shard 1 --plan plan.json --output part=part-1.json",
        "cmp diff --merge part-0.json part-1.json",
    )
)
@live_options
@revision_options
@what_if_options
@click.option(
    "--format",
    "output_format",
    type=click.Choice([*FORMATS, shares.MATRIX]),
    default="text",
    help="The format on stdout; matrix: with --plan, the shares as the matrix of a CI job.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT=FILE",
    shell_complete=candidates.formats_and_files,
    help="Also write a report to a file; repeat.",
)
@click.option(
    "--keyless", "is_keyless", is_flag=True, help="Decrypt nothing: secrets are shown as stand-ins of their ciphertext."
)
@click.option(
    "--check",
    "is_checked",
    is_flag=True,
    help="Judge rendered objects, too, as `cmp check` does, and show new findings.",
)
@click.option("--compact", is_flag=True, help="Show paths and values instead of YAML.")
@click.option(
    "--show-noise",
    is_flag=True,
    help="Show differences, too, that are only counted, as in checksums.",
)
@click.option("--scope", default="default", metavar="ID", help="A name for one of several reports on the same change.")
@click.option(
    "--limit",
    type=click.IntRange(min=1000),
    default=Options().limit,
    metavar="N",
    help="The most characters of a Markdown report.",
)
@click.option(
    "--fail-on",
    default="",
    metavar="RULE,…",
    shell_complete=candidates.dangers,
    help="Fail where the change brings one of these dangers or findings, or reaches what is not compared; any of them.",
)
@click.option(
    "--max-clusters", type=click.IntRange(min=0), default=0, metavar="N", help="Fail where more clusters change."
)
@click.option("--exit-zero", "is_lenient", is_flag=True, help="Exit with 0 also where there are differences.")
@click.option(
    "--against",
    type=click.Choice(["applications"]),
    help="Compare Applications without a plugin with what the plugin would print for them, in one revision.",
)
@click.option(
    "--plan",
    metavar="N|FILE",
    shell_complete=candidates.files,
    help="Compare in N shares: write the plan of them (--output plan=FILE). With --shard: the plan in FILE.",
)
@click.option(
    "--weights",
    multiple=True,
    metavar="PART",
    shell_complete=candidates.files,
    help="With --plan N: a part of an earlier comparison, for the time that each pair took; repeat.",
)
@click.option(
    "--shard",
    type=click.IntRange(min=0),
    metavar="I",
    help="Render share I of the plan, from 0, and write its part (--output part=FILE).",
)
@click.option("--merge", "is_merge", is_flag=True, help="Make the report of the parts of all shares.")
@click.argument("parts", nargs=-1, metavar="[PART]...", shell_complete=candidates.files)
@click.option(
    "--jobs",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="How many renders run at once; without it, one a processor.",
)
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    live: Live,
    revisions: Revisions,
    what_if: WhatIf,
    output_format: str,
    outputs: tuple[str, ...],
    is_keyless: bool,
    is_checked: bool,
    compact: bool,
    show_noise: bool,
    scope: str,
    limit: int,
    fail_on: str,
    max_clusters: int,
    is_lenient: bool,
    against: str | None,
    plan: str | None,
    weights: tuple[str, ...],
    shard: int | None,
    is_merge: bool,
    parts: tuple[str, ...],
    jobs: int,
) -> Output:
    """Show what a change does to the manifests of every application on every cluster that it reaches.

    The exit code is 0 for no difference, 1 for differences, 3 to 9 where a pair cannot be rendered that could before.

    Several runs can share the renders: --plan deals them out, --shard renders one share, --merge makes the report.
    """
    context = invocation.context
    gates = Gates(_rules(fail_on), max_clusters, is_lenient=is_lenient)
    if is_merge:  # the first word is not an application
        parts, live = (*filter(None, [live.app]), *parts), live._replace(app="")
    role = _role(plan=plan, shard=shard, is_merge=is_merge, parts=parts, weights=weights, is_live=live.is_asked)
    kinds = (role,) if role in (PLAN, PART) else FORMATS
    paths = [format_and_file(text, kinds, invocation.cwd) for text in outputs]
    live.check(is_untrusted=revisions.is_untrusted, is_keyless=is_keyless, against=against, output_format=output_format)
    require_alone(what_if, is_untrusted=revisions.is_untrusted, is_live=live.is_asked, against=against)
    revisions = revisions._replace(is_checked=is_checked or _is_implied(what_if, context))
    asked = shares.Asked(revisions, is_keyless=is_keyless, against=against or "", live=live, what_if=what_if)
    jobs = jobs or kernel.processors()
    bar = partial(_progress, context)
    if role == PLAN and plan is not None:
        return shares.write_plan(
            asked,
            invocation,
            count=_count(plan),
            path=_only(paths, PLAN),
            weights=weights,
            is_matrix=_is_matrix(output_format),
        )
    if role == PART and plan is not None and shard is not None:
        return shares.write_part(
            asked, invocation, plan_name=plan, index=shard, path=_only(paths, PART), jobs=jobs, bar=bar
        )
    if output_format == shares.MATRIX:
        raise UsageError("--format matrix is for --plan", hint="cmp affected --format matrix lists the pairs")
    if role == MERGE:
        loaded = shares.read_parts(parts, invocation)
        asked = shares.of_plan(asked, loaded[0].plan, invocation, parts[0])
        result = shares.merged(asked, invocation, loaded[0].plan, loaded, jobs=jobs)
        _require_judged(gates, is_judged=result.report.findings is not None)
    else:
        with (
            asked.compared(invocation) as (sides, comparison),
            bar(len(diff.affected_pairs(comparison))) as step,
        ):
            _require_judged(gates, is_judged=comparison.checks is not None)
            task = asked.task(invocation, sides, comparison, jobs=jobs, step=step)
            result = diff.compare(task, context)
            live.write(comparison, task.options, invocation)
            if live.is_all:
                return live.table(comparison, result.report, output_format, judge(result.report, gates).exit_code)
    result = result._replace(report=live.report(result.report))
    for warning in result.warnings:
        context.log.plain(warning)
    options = Options(show_noise=show_noise, compact=compact, limit=limit, scope=scope, gates=gates)
    options = options._replace(reproduce=_reproduce(asked, options.reproduce))
    for kind, path in paths:
        write_text(path, FORMATS[kind](result.report, options), "the report")
    text = FORMATS[output_format](result.report, options._replace(color=sys.stdout.isatty()))
    judgement = judge(result.report, gates)
    for reason in judgement.reasons:
        context.log.line(f"cmp: {reason.gate}: {reason.text}" if reason.gate else f"cmp: {reason.text}")
    summary = f"cmp: {judgement.verdict}, {context.phases.total:.1f} s"
    return Output(text.encode(), judgement.exit_code, summary)


def _role(
    *,
    plan: str | None,
    shard: int | None,
    is_merge: bool,
    parts: tuple[str, ...],
    weights: tuple[str, ...],
    is_live: bool,
) -> str:
    """Return what this run does of a comparison: a plan, a part, the merge, or all of it (empty)."""
    if is_merge and (plan is not None or shard is not None):
        raise UsageError("--merge takes the plan from the parts", hint="leave out --plan and --shard")
    if shard is not None and plan is None:
        raise UsageError(f"--shard {shard}: of which plan?", hint=f"cmp diff --shard {shard} --plan plan.json")
    if parts and not is_merge:
        raise UsageError(f"{parts[0]}: files are named with --merge", hint="cmp diff --merge part-*.json")
    if weights and (plan is None or shard is not None):
        raise UsageError("--weights is for --plan N", hint="the shares are made there")
    role = MERGE if is_merge else PART if shard is not None else PLAN if plan is not None else ""
    if role and is_live:
        raise UsageError("--live: releases in a cluster are compared in one run", hint="leave out the shares")
    return role


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= MOST_SHARES):
        raise UsageError(
            f"--plan {text}: expected a number of shares, 1 to {MOST_SHARES}", hint="with --shard it names the plan"
        )
    return int(text)


def _only(paths: Sequence[tuple[str, str]], kind: str) -> str:
    """Return the only file that a run writes."""
    if len(paths) != 1:
        raise UsageError(f"a {kind} is written to one file", hint=f"--output {kind}=FILE")
    return paths[0][1]


def _is_matrix(output_format: str) -> bool:
    if output_format not in ("text", shares.MATRIX):
        raise UsageError(f"--format {output_format}: a plan is shown as text or matrix")
    return output_format == shares.MATRIX


def _rules(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in GATES:
            raise UsageError(f"--fail-on: there is no rule {name}", hint=suggestion(name, GATES))
    return names


def _reproduce(asked: shares.Asked, usual: str) -> str:
    """Return the command that a report names."""
    is_work = asked.revisions.is_work
    command = usual
    if is_work:  # a work folder is no revision that the command in the report could name
        command = "cmp diff --base {base} --work-tree"
    if asked.against:
        command = f"cmp diff --against {asked.against} {'--work-tree' if is_work else '--head {head}'}"
    if asked.what_if.options:
        command = reproduce(asked.what_if, is_work=is_work)
    if asked.live.is_asked:
        command = asked.live.reproduce(is_work=is_work)
    return f"{command} --check" if asked.revisions.is_checked else command


def _is_implied(what_if: WhatIf, context: Context) -> bool:
    """Tell whether what is asked judges, too: another version of Kubernetes refuses objects that stay as they are."""
    if not what_if.kube_versions:
        return False
    if not schemas.is_installed():
        context.log.warning(f"rendered objects are not judged by another version of Kubernetes: {schemas.EXTRA}")
    return schemas.is_installed()


def _require_judged(gates: Gates, *, is_judged: bool) -> None:
    """UsageError for a gate that every change would pass, since nothing is judged."""
    unjudged = [rule for rule in gates.rules if rule in FINDINGS and rule not in RULES]
    if unjudged and not is_judged:
        raise UsageError(
            f"--fail-on {unjudged[0]}: rendered objects are not judged here",
            hint="`--check` judges them, and so does `checks: {}` in cmp.yaml",
        )


@contextmanager
def _progress(context: Context, count: int) -> Iterator[Callable[[], object]]:
    if not context.is_terminal or not count:
        yield lambda: None
        return
    with progress_bar("rendering", count) as advance:
        yield lambda: advance(1)
