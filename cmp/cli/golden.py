"""`cmp golden`: rendered manifests of chosen pairs, stored in the repository with secrets masked, and compared."""

from __future__ import annotations

import os
import shlex
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.batch.golden import PairFilter, choose, difference, golden
from cmp.batch.renderer import BatchRenderer, PrintJob
from cmp.cli import Invocation, Output, candidates
from cmp.cli.io import example
from cmp.cli.summary import batch_messages
from cmp.engines import ENGINES
from cmp.errors import UsageError
from cmp.repository import edit, instances
from cmp.repository.instances import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.batch.checked_renders import CheckedRenders
    from cmp.batch.golden import GoldenFiles
    from cmp.batch.renderer import PrintedPair, Show
    from cmp.context import Context
    from cmp.system.tree import WorkTree

FOLDER = "golden"


class Run(NamedTuple):
    """The tree, its repository of applications, and the pairs and golden files that this run is for.

    With `checked` what is rendered is judged, too.
    """

    tree: WorkTree
    repository: Repository
    chosen: GoldenFiles
    context: Context
    checked: CheckedRenders | None = None

    def printed(self, shows: Mapping[str, Show]) -> Iterator[tuple[str, PrintedPair]]:
        """Render the pairs of some files, and write the warnings and errors of each to stderr."""
        renderer = BatchRenderer(self.tree, self.repository, self.context)
        judge = self.checked.judging if self.checked else None
        jobs = [PrintJob(self.chosen.pairs[path], show, judge) for path, show in shows.items()]
        with batch_messages(self.context) as tell:
            for path, done in zip(shows, renderer.render_all(jobs), strict=True):
                tell(done)
                if self.checked:
                    self.checked.take(done)
                yield path, done

    def findings(self) -> int:
        """Write what is found in the rendered objects to stderr; return the exit code, 0 where they are not judged."""
        return self.checked.tell() if self.checked else 0

    def kept(self, path: str) -> bytes | None:
        """Return the content of a golden file; None where the file is missing."""
        return self.tree.read(path) if self.tree.kind(path) == "file" else None

    def say(self, text: str) -> None:
        """Write a line about the golden files to stderr."""
        self.context.log.line(f"cmp: {text}")


@click.command(epilog=example("cmp golden payments --cluster dev-cluster --update"))
@click.argument("apps", nargs=-1, metavar="[APP]...", shell_complete=candidates.apps)
@click.option("--cluster", default="", metavar="CLUSTER", shell_complete=candidates.clusters, help="Only this cluster.")
@click.option(
    "--dir",
    "folder",
    default=FOLDER,
    metavar="DIR",
    show_default=True,
    shell_complete=candidates.folders,
    help="The folder, from the root of the repository.",
)
@click.option("--check", "is_checked", is_flag=True, help="Also judge what is rendered, as `cmp check` does.")
@click.option("--update", is_flag=True, help="Write what is rendered now; with APP and --cluster, also a first time.")
@click.pass_obj
def command(
    invocation: Invocation, apps: tuple[str, ...], cluster: str, folder: str, *, is_checked: bool, update: bool
) -> Output:
    """Compare rendered manifests with those that are kept in the repository, golden/CLUSTER/APP.yaml.

    The pairs that have such a file are rendered.  Secrets are masked by the path of their value.  The exit code is 1
    where something differs, and stdout has the difference.

    With --check stderr has what is found in the rendered objects, and the exit code is 1 for an error among that.
    """
    tree, _ = instances.open_repository(invocation.cwd)
    repository = Repository(tree, ENGINES)
    chosen = choose(tree, _inside(folder), repository.pairs(), PairFilter(apps, cluster))
    checked = None
    if is_checked:
        from cmp.batch.checked_renders import CheckedRenders  # noqa: PLC0415  # most runs judge nothing

        checked = CheckedRenders(tree, repository, invocation.context)
    run = Run(tree, repository, chosen, invocation.context, checked)
    if update:
        return _update(run)
    accept = ["cmp", "golden", *apps, *(["--cluster", cluster] if cluster else [])]
    accept += [*(["--dir", folder] if folder != FOLDER else []), "--update"]
    return _compare(run, shlex.join(accept))


def _inside(folder: str) -> str:
    """Return the folder relative to the root; UsageError for one outside."""
    path = os.path.normpath(folder)
    if path.startswith(("/", "..")) or path == ".":
        raise UsageError(f"--dir {folder} is no folder below the root of the repository", hint="such as golden")
    return path


def _update(run: Run) -> Output:
    written, exit_code = 0, 0
    for path, done in run.printed(dict.fromkeys(sorted(run.chosen.pairs), golden)):
        exit_code = exit_code or done.exit_code
        if not done.error and run.kept(path) != done.text:
            full = os.path.join(run.tree.root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            edit.replace(full, done.text)
            written += 1
    for path in run.chosen.stale:
        os.unlink(os.path.join(run.tree.root, path))
    summary = f"cmp: {written} of {len(run.chosen.pairs)} golden files written, {len(run.chosen.stale)} removed"
    found = run.findings()
    return Output(exit_code=exit_code or found, summary=summary)


def _compare(run: Run, accept: str) -> Output:
    kept = {path: run.kept(path) for path in sorted(run.chosen.pairs)}
    missing = [path for path, data in kept.items() if data is None]
    for path in missing:
        run.say(f"there is no golden file {path}")
    shows = {path: partial(difference, path, data) for path, data in kept.items() if data is not None}
    compared = [done for _, done in run.printed(shows)]
    for path in run.chosen.stale:
        run.say(f"the golden file {path} belongs to no application on any cluster")
    found = run.findings()
    different = [done.text for done in compared if done.text]
    count = len(missing) + len(different) + len(run.chosen.stale)
    summary = f"cmp: {count} of {len(run.chosen.pairs) + len(run.chosen.stale)} golden files differ"
    if count:
        summary += f"; if that is meant: {accept}"
    failed = next((done.exit_code for done in compared if done.error), 0)
    return Output(b"".join(different), failed or found or int(count > 0), summary, is_text=True)
