"""`cmp diff`: the differences that a change makes in all manifests on all clusters, as one report."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.cli import Invocation, Output, candidates
from cmp.cli.io import example, progress_bar
from cmp.cli.revisions import revision_options
from cmp.errors import UsageError, suggestion
from cmp.preview import diff
from cmp.preview.diff import RULES
from cmp.report import FORMATS, Options, overview, verdict
from cmp.system import kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.changes import Report
    from cmp.cli.revisions import Revisions
    from cmp.context import Context
    from cmp.preview.affected import Impact

DIFFERS = 1
ANY = "any"


class Gates(NamedTuple):
    """The limits of a change: forbidden dangers, and the number of clusters that it may reach (0: any number)."""

    dangers: tuple[str, ...]
    clusters: int
    is_lenient: bool

    def exit_code(self, report: Report) -> int:
        """Return the exit code: that of a pair that fails newly, 1 for other differences unless they are allowed.

        A pair that failed before, too, does not count against the change; one that failed for an external reason
        does, for it was not compared.
        """
        if failures := [failure.exit_code for failure in report.failures if failure.is_new or failure.is_foreign]:
            return min(failures)
        rendered = [outcome for outcome in overview.changing(report) if outcome.status in overview.CHANGED]
        changed = {outcome.subject.cluster for outcome in rendered}
        changed |= {one.subject.cluster for one in report.applications}
        is_dangerous = any(ANY in self.dangers or line.danger.rule in self.dangers for line in report.dangers)
        is_wide = 0 < self.clusters < len(changed)
        return DIFFERS if is_dangerous or is_wide or (changed and not self.is_lenient) else 0


@click.command(epilog=example("cmp diff --base main --output html=report.html"))
@revision_options
@click.option("--format", "output_format", type=click.Choice([*FORMATS]), default="text", help="The format on stdout.")
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
    help="Fail where the change brings one of these dangers; any: whichever.",
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
    revisions: Revisions,
    output_format: str,
    outputs: tuple[str, ...],
    is_keyless: bool,
    compact: bool,
    show_noise: bool,
    scope: str,
    limit: int,
    fail_on: str,
    max_clusters: int,
    is_lenient: bool,
    against: str | None,
    jobs: int,
) -> Output:
    """Show what a change does to the manifests of every application on every cluster that it reaches.

    The exit code is 0 for no difference, 1 for differences, 3 to 9 where a pair cannot be rendered that could before.
    """
    gates = Gates(_rules(fail_on), max_clusters, is_lenient=is_lenient)
    paths = [_file(text, invocation.cwd) for text in outputs]
    with revisions.opened(invocation, is_migration=bool(against)) as sides:
        comparison = (revisions.migration if against else revisions.compared)(sides, invocation)
        context = invocation.context
        with _progress(comparison.impact, context) as step:
            task = diff.Task(
                comparison=comparison,
                base=sides.before,
                head=sides.after,
                jobs=jobs or kernel.processors(),
                options=revisions.render_options(comparison, context, is_keyless=is_keyless),
                progress=step,
            )
            result = diff.compare(task, context)
    for warning in result.warnings:
        context.log.plain(warning)
    options = Options(show_noise=show_noise, compact=compact, limit=limit, scope=scope)
    if revisions.is_work:  # a work folder is no revision that the command in the report could name
        options = options._replace(reproduce="cmp diff --base {base} --work-tree")
    if against:
        side = "--work-tree" if revisions.is_work else "--head {head}"
        options = options._replace(reproduce=f"cmp diff --against {against} {side}")
    for kind, path in paths:
        _write(path, FORMATS[kind](result.report, options))
    text = FORMATS[output_format](result.report, options._replace(color=sys.stdout.isatty()))
    summary = f"cmp: {verdict(result.report)}, {context.phases.total:.1f} s"
    return Output(text.encode(), gates.exit_code(result.report), summary)


def _rules(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in RULES and name != ANY:
            raise UsageError(f"--fail-on: there is no danger {name}", hint=suggestion(name, [*RULES, ANY]))
    return names


def _file(text: str, cwd: str) -> tuple[str, str]:
    kind, equals, path = text.partition("=")
    if not equals or not path or kind not in FORMATS:
        raise UsageError(f"--output {text}: expected FORMAT=FILE", hint=f"the formats are {', '.join(FORMATS)}")
    return kind, os.path.join(cwd, path)


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write the report: {error.strerror}", file=path) from None


@contextmanager
def _progress(impact: Impact, context: Context) -> Iterator[Callable[[], object]]:
    count = sum(one.is_affected for one in impact.touched)
    if not context.is_terminal or not count:
        yield lambda: None
        return
    with progress_bar("rendering", count) as advance:
        yield lambda: advance(1)
