"""`cmp render`: the manifests that Argo CD would apply, on stdout; with `--all` those of every pair, in files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

import click

from cmp.cli import Invocation, Output, candidates
from cmp.cli.io import example
from cmp.cli.summary import batch_messages, explanation, misfit_messages, summary, warn
from cmp.cli.target import Target, target_options
from cmp.engines import ENGINES
from cmp.errors import ConfigError, UsageError
from cmp.model import Parameters
from cmp.render.pipeline import RenderOptions, render
from cmp.repository import instances
from cmp.repository.instances import Repository

if TYPE_CHECKING:
    Secrets = Literal["omit", "mask", "keep"]

NO_TARGET = Target("", "", Parameters())


@click.command(epilog=example("cmp render payments --cluster dev-cluster --explain"))
@target_options
@click.option("--explain", is_flag=True, help="Tell on stderr what the render was made of.")
@click.option(
    "--output", "output_format", type=click.Choice(["yaml", "json"]), default="yaml", help="json: one object a line."
)
@click.option(
    "--keyless", "is_keyless", is_flag=True, help="Decrypt nothing: secrets are stand-ins of their ciphertext."
)
@click.option("--all", "is_all", is_flag=True, help="Every application on every cluster, into --output-dir.")
@click.option(
    "--output-dir",
    default="",
    metavar="DIR",
    shell_complete=candidates.folders,
    help="With --all: the folder for CLUSTER/APP.yaml.",
)
@click.option(
    "--secrets",
    type=click.Choice(["omit", "mask", "keep"]),
    help="With --all: leave Secrets out and mask what else holds a secret (the default), mask all, or keep all.",
)
@click.option(
    "--check", "is_checked", is_flag=True, help="With --all: also judge what is rendered, as `cmp check` does."
)
@click.option(
    "--repository",
    "repositories",
    multiple=True,
    metavar="URL=FOLDER",
    shell_complete=candidates.clones,
    help="With --application: a clone of another repository that its sources name; repeat.",
)
@click.pass_obj
def command(
    invocation: Invocation,
    target: Target,
    output_format: str,
    output_dir: str,
    secrets: Secrets | None,
    *,
    explain: bool,
    is_all: bool,
    is_checked: bool,
    is_keyless: bool,
    repositories: tuple[str, ...],
) -> Output:
    """Render APP on one cluster, as its Argo CD plugin does.

    In an application's folder APP may be left out; elsewhere --namespace names the application too.

    With --all every application is written to a folder, which holds nothing else; with --check stderr has what is
    found in the objects, and the exit code is 1 for an error among that.

    With --keyless no secret is opened and no key is needed: a stand-in is no value for a cluster.
    """
    options = RenderOptions(is_keyless=is_keyless)
    if repositories and not target.file:
        raise UsageError("--repository is for the sources of an Application, and there is no --application")
    if is_checked and not is_all:
        raise UsageError("--check goes with --all", hint="cmp check APP --cluster CLUSTER judges one application")
    if is_all or output_dir or secrets:
        if not (is_all and output_dir):
            raise UsageError("--all and --output-dir go together", hint="cmp render --all --output-dir DIR")
        if target != NO_TARGET or explain or output_format != "yaml":
            raise UsageError(
                "--all renders everything as it is: only --output-dir, --secrets, --keyless and --check go with it"
            )
        return _write_all(output_dir, secrets or "omit", invocation, options, is_checked=is_checked)
    context = invocation.context
    if target.file:
        from cmp.cli.sources import render_application  # noqa: PLC0415  # only for a file of Argo CD

        done = render_application(target, repositories, invocation, options)
    else:
        with context.phases.phase("layout"):
            tree, instance = target.resolve(invocation)
        done = render(tree, instance, context, options)
    warn(done, context)
    for line in explanation(done, context) if explain else ():
        context.log.line(line)
    printed = done.output.json_lines() if output_format == "json" else done.output.yaml
    return Output(printed, summary=summary(done, context))


def _write_all(
    output_dir: str, secrets: Secrets, invocation: Invocation, options: RenderOptions, *, is_checked: bool
) -> Output:
    """Write `<cluster>/<app>.yaml` for every pair; the exit code is that of the first error in their order."""
    from cmp.batch import renderer  # noqa: PLC0415  # the usual render needs none of it
    from cmp.batch.rendered_tree import PRIVATE, PUBLIC, RenderedTree  # noqa: PLC0415
    from cmp.repository.instances.nowhere import nowhere  # noqa: PLC0415

    show = {"omit": renderer.without_secrets, "mask": renderer.masked, "keep": renderer.with_secrets}[secrets]
    tree, _ = instances.open_repository(invocation.cwd)
    repository = Repository(tree, ENGINES)
    pairs = repository.pairs()
    if not pairs:
        raise next((one.error for one in nowhere(repository)), _nothing())
    folder = RenderedTree(os.path.join(invocation.cwd, output_dir), PRIVATE if secrets == "keep" else PUBLIC)
    folder.expect(renderer.file_of(pair.app, pair.cluster) for pair in pairs)
    checked = None
    if is_checked:
        from cmp.batch.checked_renders import CheckedRenders  # noqa: PLC0415  # most runs judge nothing

        checked = CheckedRenders(tree, repository, invocation.context)
    judge = checked.judging if checked else None
    codes: list[int] = []
    misfit = misfit_messages(repository, invocation.context)
    batch = renderer.BatchRenderer(tree, repository, invocation.context, options)
    with batch_messages(invocation.context) as tell:
        for done in batch.render_all([renderer.PrintJob(pair, show, judge) for pair in pairs]):
            tell(done)
            if checked:
                checked.take(done)
            if done.error:
                codes.append(done.exit_code)
            else:
                folder.write(done.file, done.text)
    removed, count = folder.finish(), len(pairs) - len(codes)
    line = f"cmp: {count} file{'' if count == 1 else 's'} written, {removed} removed, {len(codes)} failed"
    found = checked.tell() if checked else 0
    return Output(exit_code=next(iter(codes), misfit or found), summary=line)


def _nothing() -> ConfigError:
    return ConfigError(
        "there is nothing to render: the layout finds no application",
        hint="`layout.apps` of cmp.yaml is the pattern of their folders",
    )
