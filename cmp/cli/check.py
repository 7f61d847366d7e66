"""`cmp check`: rendered objects judged as their cluster would judge them, before it does."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from cmp.changes import Subject
from cmp.cli import Invocation, Output, candidates
from cmp.cli.io import STDIN, example, format_and_file, write_text
from cmp.cli.summary import batch_messages, misfit_messages
from cmp.engines import ENGINES
from cmp.errors import ConfigError, UsageError
from cmp.report.findings import FORMATS
from cmp.report.findings import result as results
from cmp.repository import instances
from cmp.repository.config.model import Checks
from cmp.repository.instances import Repository
from cmp.repository.instances.nowhere import nowhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.report.findings.result import Result
    from cmp.repository.instances import Pair

NO_CHECKS = Checks()


@click.command(epilog=example("cmp check payments --cluster dev-cluster", "cmp check --output sarif=findings.sarif"))
@click.argument("app", required=False, default="", shell_complete=candidates.apps)
@click.option("--cluster", default="", metavar="CLUSTER", shell_complete=candidates.clusters, help="Only this cluster.")
@click.option(
    "--kube-version",
    "kube_versions",
    multiple=True,
    metavar="[CLUSTER=]VERSION",
    shell_complete=candidates.clusters,
    help="What if a cluster, or without its name every one, had this Kubernetes; repeat.",
)
@click.option(
    "--from-dir",
    "folder",
    default="",
    metavar="DIR|-",
    shell_complete=candidates.folders,
    help="Judge manifests that are rendered already: CLUSTER/APP.yaml below DIR, or those of --cluster; -: of stdin.",
)
@click.option("--format", "output_format", type=click.Choice([*FORMATS]), default="text", help="The format on stdout.")
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT=FILE",
    shell_complete=candidates.formats_of_findings,
    help="Also write the findings to a file; repeat.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    default="error",
    help="Fail where something is found of this level or above.",
)
@click.pass_obj
def command(
    invocation: Invocation,
    app: str,
    cluster: str,
    kube_versions: tuple[str, ...],
    folder: str,
    output_format: str,
    outputs: tuple[str, ...],
    fail_on: str,
) -> Output:
    """Judge what is rendered as its cluster would: schemas, removed and deprecated APIs, policies.

    Without APP, every application.  No cluster is asked: its version is that of the inventory, custom kinds are known
    by the CRDs that any application of the cluster renders, and by checks.schemas of cmp.yaml.  For them the other
    applications of the cluster are rendered, too, where one is needed.

    The exit code is 1 for an error, 0 for warnings, 3 where nothing could be judged, 3 to 9 where a pair cannot be
    rendered.
    """
    paths = [format_and_file(text, FORMATS, invocation.cwd) for text in outputs]
    if app == STDIN:
        app, folder = "", STDIN
    if app and folder:
        raise UsageError("APP is rendered, and --from-dir is not", hint="leave out one of them")
    result, misfit = (
        (_from_folder(folder, cluster, kube_versions, invocation), 0)
        if folder
        else _rendered(app, cluster, kube_versions, invocation)
    )
    judgement = results.verdict(result, fails_on_warning=fail_on == "warning")
    for kind, path in paths:
        write_text(path, FORMATS[kind](result, judgement), "the findings")
    text = FORMATS[output_format](result, judgement)
    summary = f"cmp: {judgement.verdict}, {invocation.context.phases.total:.1f} s"
    return Output(text.encode(errors="surrogateescape"), judgement.exit_code or misfit, summary)


def _rendered(app: str, cluster: str, kube_versions: Sequence[str], invocation: Invocation) -> tuple[Result, int]:
    """Return what is found in the pairs that are asked for, and the exit code of a misfit in cmp.yaml."""
    from cmp.batch.checked import Checker  # noqa: PLC0415  # with --help nobody waits for it
    from cmp.batch.judging import Judging, Versions  # noqa: PLC0415

    context = invocation.context
    tree, _ = instances.open_repository(invocation.cwd)
    repository = Repository(tree, ENGINES)
    pairs = _pairs(repository, app, cluster)
    versions = Versions.of(kube_versions, {*repository.config.clusters, *(pair.cluster for pair in pairs)})
    config = repository.config
    judging = Judging(tree, config.clusters, config.checks, versions)
    checker = Checker(tree, repository, context, judging)
    with context.phases.phase("check"), batch_messages(context) as tell:
        result = checker.check(pairs, tell)
    return result, misfit_messages(repository, context)


def _from_folder(folder: str, cluster: str, kube_versions: Sequence[str], invocation: Invocation) -> Result:
    """Return what is found in manifests that are rendered already; the repository around them may be missing."""
    from cmp.batch.checked import Gatekeeper, Gathered  # noqa: PLC0415  # with --help nobody waits for it
    from cmp.batch.judging import Judging, Versions  # noqa: PLC0415
    from cmp.batch.manifests import ManifestFile, ManifestJudge, read_folder  # noqa: PLC0415

    context = invocation.context
    tree = instances.open_checkout(invocation.cwd) if instances.has_repository(invocation.cwd) else None
    repository = Repository(tree, ENGINES) if tree else None
    checks = repository.config.checks if repository else NO_CHECKS
    clusters = repository.config.clusters if repository else {}
    if cluster and repository:
        repository.cluster(cluster)
    environments = {name: known.facts.get("env", "") for name, known in clusters.items()}
    if folder == STDIN:
        files = [
            ManifestFile(
                results.STDIN, sys.stdin.buffer.read(), Subject(results.STDIN, cluster, environments.get(cluster, ""))
            )
        ]
    else:
        files = read_folder(os.path.join(invocation.cwd, folder), folder, cluster, environments)
    names = {*clusters, *(file.subject.cluster for file in files)} - {""}
    judging = Judging(tree, clusters, checks, Versions.of(kube_versions, names))
    gatekeeper = Gatekeeper.of(repository, context) if repository else None
    judge = ManifestJudge(files, judging)
    gathered = Gathered(judging, judge.located)
    with context.phases.phase("check"), batch_messages(context) as tell:
        for subject, done in judge.judged():
            tell(done)
            gathered.take(subject, done)
        return gathered.result(gatekeeper, checks.skip, context)._replace(unused_skips=())


def _pairs(repository: Repository, app: str, cluster: str) -> list[Pair]:
    """Return the pairs that the command line names; an error for a name that is unknown, and for no pair at all."""
    if app and cluster:
        repository.locate(app, cluster)  # it says what is wrong with them
    elif cluster:
        repository.cluster(cluster)
    elif app:
        repository.places.app_folders(app)
    pairs = [pair for pair in repository.pairs(app) if cluster in ("", pair.cluster)]
    if not pairs and app:
        repository.app_folder(app)
    if not pairs:
        raise next((one.error for one in nowhere(repository)), _nothing(app, cluster))
    return pairs


def _nothing(app: str, cluster: str) -> ConfigError:
    what = " ".join(filter(None, (app, f"on {cluster}" if cluster else ""))) or "the layout finds no application"
    return ConfigError(f"there is nothing to check: {what}", hint="`cmp apps` lists every application and its clusters")
