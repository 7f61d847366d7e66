"""`cmp render --all`: every application on every cluster, each into a file of its own."""

from __future__ import annotations

import os
from functools import wraps
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from cmp.cli import Invocation, Output
from cmp.engines import ENGINES
from cmp.errors import UsageError
from cmp.repository import instances
from cmp.repository.instances import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.batch.printed import Printed
    from cmp.context import Context

    Secrets = Literal["omit", "mask", "keep"]


class Everything(NamedTuple):
    """What the command line says: the folder, and what becomes of secrets."""

    folder: str
    secrets: Secrets

    def write(self, invocation: Invocation) -> Output:
        """Write `<cluster>/<app>.yaml` for every pair; the exit code is that of the first error in their order."""
        from cmp.batch import printed  # noqa: PLC0415  # the usual render needs none of it
        from cmp.batch.rendered_tree import PRIVATE, PUBLIC, RenderedTree  # noqa: PLC0415

        show = {"omit": printed.without_secrets, "mask": printed.masked, "keep": printed.with_secrets}[self.secrets]
        tree, _ = instances.open_repository(invocation.cwd)
        repository = Repository(tree, ENGINES)
        pairs = repository.pairs()
        folder = RenderedTree(os.path.join(invocation.cwd, self.folder), PRIVATE if self.secrets == "keep" else PUBLIC)
        folder.expect(printed.file_of(pair.app, pair.cluster) for pair in pairs)
        codes: list[int] = []
        renders = printed.Renders(tree, repository, invocation.context)
        for done in renders.all([printed.Wanted(pair, show) for pair in pairs]):
            report(done, invocation.context)
            if done.error:
                codes.append(done.exit_code)
            else:
                folder.write(done.file, done.text)
        removed, count = folder.finish(), len(pairs) - len(codes)
        said = f"cmp: {count} file{'' if count == 1 else 's'} written, {removed} removed, {len(codes)} failed"
        return Output(exit_code=next(iter(codes), 0), summary=said)


def report(done: Printed, context: Context) -> None:
    """Say on stderr what a reader should know of one pair."""
    warn = context.log.warning
    for note in done.notes:
        warn(f"{done.name}: {note}")
    for line in done.error:
        context.log.line(line)


OPTIONS = (
    click.option("--all", "all_", is_flag=True, help="Every application on every cluster, into --output-dir."),
    click.option("--output-dir", default="", metavar="DIR", help="With --all: the folder for CLUSTER/APP.yaml."),
    click.option(
        "--secrets",
        type=click.Choice(["omit", "mask", "keep"]),
        help="With --all: leave Secrets out and mask what else holds a secret (the default), mask all, or keep all.",
    ),
)


def everything_options(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command the options above, folded into one `everything` argument: None where none of them is given."""

    @wraps(function)
    def folded(*, all_: bool, output_dir: str, secrets: Secrets | None, **rest: object) -> Output:
        if not (all_ or output_dir or secrets):
            return function(everything=None, **rest)
        if not (all_ and output_dir):
            raise UsageError("--all and --output-dir go together", hint="cmp render --all --output-dir DIR")
        return function(everything=Everything(output_dir, secrets or "omit"), **rest)

    for option in reversed(OPTIONS):
        folded = option(folded)
    return folded
