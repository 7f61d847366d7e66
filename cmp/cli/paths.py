"""`cmp paths`: the annotation `manifest-generate-paths` that each application needs, or a check of those present."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.cli import Invocation, Output, candidates, for_people
from cmp.cli.builtin_pairs import builtin_pairs
from cmp.cli.io import as_json, content, error_line, error_record, example
from cmp.errors import CmpError, UsageError, and_more, suggestion
from cmp.genpaths import applications
from cmp.genpaths.annotation import SEPARATOR, covers, items
from cmp.genpaths.applications import AnnotatedApplication, UnreadableFile
from cmp.genpaths.check import Checker, Verdict
from cmp.genpaths.paths import RenderPaths
from cmp.repository import instances

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.cli.builtin_pairs import BuiltinPair
    from cmp.genpaths.paths import PairPaths
    from cmp.repository.instances import Pair
    from cmp.system.tree import WorkTree

MAX_LISTED = 10


class Row(NamedTuple):
    """An application with the annotation for all of its clusters and that for each; or the error of a pair."""

    app: str
    value: str
    clusters: dict[str, str]
    error: CmpError | None = None


@click.command(epilog=example("cmp paths payments"))
@click.argument("names", nargs=-1, metavar="[APP | FILE]...", shell_complete=candidates.apps_or_files)
@click.option(
    "--cluster",
    default="",
    metavar="CLUSTER",
    shell_complete=candidates.clusters,
    help="The value for this cluster alone.",
)
@click.option(
    "--check", is_flag=True, help="Check the Applications and ApplicationSets in each FILE; without, in all YAML files."
)
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def command(invocation: Invocation, names: tuple[str, ...], cluster: str, output_format: str, *, check: bool) -> Output:
    """Print the value of argocd.argoproj.io/manifest-generate-paths for every application.

    It names everything that a render can read, so that Argo CD renders again after exactly these changes.  One value
    serves all clusters of an application.  With --check the exit code is 1 when an annotation lacks something.
    """
    tree = instances.open_checkout(invocation.cwd)
    if check:
        if cluster:
            raise UsageError("--check looks at every cluster that an annotation is for: --cluster does not go with it")
        return _check(tree, names, output_format, invocation)
    paths = RenderPaths(tree)
    of_argocd = {pair.request.id.text: pair for pair in builtin_pairs(tree, paths.repository, invocation)}
    layout = [name for name in names if name not in of_argocd]
    rows = (
        []
        if names and not layout
        else [_row(paths, app, pairs) for app, pairs in _chosen(paths, layout, cluster).items()]
    )
    rows += [
        _row_of_argocd(paths, pair)
        for name, pair in of_argocd.items()
        if (name in names or not names) and cluster in ("", pair.request.subject.cluster)
    ]
    if not rows:
        raise UsageError(f"nothing of this runs on a cluster {cluster}" if cluster else "there is no application here")
    errors = [row.error for row in rows if row.error]
    exit_code = errors[0].exit_code if errors else 0
    if output_format == "json":
        return as_json([_row_record(row) for row in rows], exit_code)
    return for_people(map(_line, rows), exit_code)


def _chosen(paths: RenderPaths, names: Sequence[str], cluster: str) -> dict[str, list[Pair]]:
    """Return the chosen pairs by application; UsageError for an unknown application, or a cluster of none of them."""
    apps: dict[str, list[Pair]] = {}
    for pair in paths.repository.pairs():
        apps.setdefault(pair.app, []).append(pair)
    for name in names:
        if name not in apps:
            raise UsageError(f"there is no application {name}", hint=suggestion(name, apps))
    chosen = {
        app: [pair for pair in pairs if cluster in ("", pair.cluster)]
        for app, pairs in apps.items()
        if app in names or not names
    }
    return {app: pairs for app, pairs in chosen.items() if pairs}


def _row(paths: RenderPaths, app: str, pairs: Iterable[Pair]) -> Row:
    try:
        read = [paths.of(pair) for pair in pairs]
    except CmpError as error:
        return Row(app, "", {}, error)
    by_cluster = {pair.instance.cluster: SEPARATOR.join(paths.items([pair])) for pair in read}
    return Row(app, SEPARATOR.join(paths.items(read)), by_cluster)


def _row_of_argocd(paths: RenderPaths, pair: BuiltinPair) -> Row:
    name, cluster = pair.request.id.text, pair.request.subject.cluster
    try:
        value = SEPARATOR.join(paths.items_of_sources(_read(paths, pair)))
    except CmpError as error:
        return Row(name, "", {}, error)
    return Row(name, value, {cluster: value})


def _read(paths: RenderPaths, pair: BuiltinPair) -> list[PairPaths]:
    if pair.request.error:
        raise pair.request.error
    return [paths.of_instance(instance) for instance in pair.instances()]


def _line(row: Row) -> str:
    return f"{row.app}  " + (error_line(row.error) if row.error else row.value)


def _row_record(row: Row) -> dict[str, object]:
    error = error_record(row.error) if row.error else None
    return {"application": row.app, "value": row.value, "clusters": row.clusters, "error": error}


def _check(tree: WorkTree, files: Sequence[str], output_format: str, invocation: Invocation) -> Output:
    """Check the annotations in these files, or in all YAML files of the tree; exit code 1 where one lacks something."""
    log = invocation.context.log
    paths = RenderPaths(tree)
    checker = Checker(paths, tree.prefix)
    verdicts: list[Verdict] = []
    for annotated in _annotated(files, invocation.cwd) if files else applications.scan(tree):
        if isinstance(annotated, UnreadableFile):
            log.warning(f"{annotated.file} is not checked: {annotated.problem}")
            continue
        verdict = checker.check(annotated)
        if verdict.pairs:
            verdicts.append(verdict)
        else:
            log.warning(
                f"{annotated.place}: {annotated.subject} is not checked: no application here has its source path"
            )
    if not files:
        verdicts += _of_argocd(paths, tree, invocation)
    wrong = [verdict for verdict in verdicts if not verdict.is_complete]
    exit_code = 1 if wrong else 0
    summary = f"cmp: {len(verdicts)} Applications and ApplicationSets checked, {len(wrong)} not right"
    if output_format == "json":
        return as_json([_verdict_record(verdict) for verdict in verdicts], exit_code, summary)
    return for_people((line for verdict in wrong for line in _lines(verdict)), exit_code, summary)


def _of_argocd(paths: RenderPaths, tree: WorkTree, invocation: Invocation) -> Iterator[Verdict]:
    """Yield a verdict for each annotated Application without a plugin, those that ApplicationSets make among them."""
    for pair in builtin_pairs(tree, paths.repository, invocation, has_warnings=False):
        request = pair.request
        if request.generate_paths is None:
            continue
        file, _, line = request.place.partition(":")
        application = AnnotatedApplication(
            file, int(line or 0), "Application", request.id.text, request.generate_paths, ()
        )
        verdict = Verdict(application, ((request.subject.app, request.subject.cluster),))
        try:
            read = _read(paths, pair)
        except CmpError as error:
            yield verdict._replace(reason=f"{request.id.text} cannot be rendered: {' '.join(error.what.split())}")
            continue
        covering = [
            item for source in pair.sources for item in items(request.generate_paths, source.source.source.path)
        ]
        right = paths.items_of_sources(read)
        missing = tuple(item for item in right if not _covers_all(covering, item, paths.files_of_sources(read)))
        yield verdict._replace(missing=missing, corrected=SEPARATOR.join(right) if missing else "")


def _covers_all(covering: Sequence[str], item: str, files: Sequence[str]) -> bool:
    """Tell whether some items cover all files that one item covers."""
    return all(covers(covering, file) for file in files if covers((item,), file))


def _annotated(files: Sequence[str], cwd: str) -> Iterator[AnnotatedApplication]:
    for name in files:
        yield from applications.read(content(name, cwd, "this file"), name)


def _lines(verdict: Verdict) -> Iterator[str]:
    where = f"{verdict.application.place}: {verdict.application.subject}:"
    if verdict.reason:
        yield f"{where} cannot be decided: {verdict.reason}"
    if verdict.missing:
        yield f"{where} the annotation lacks {and_more(verdict.missing, MAX_LISTED)}"
    if verdict.undecided:
        undecided = and_more(verdict.undecided, MAX_LISTED)
        yield f"{where} cannot be decided: its {{{{…}}}} may or may not lead to {undecided}"
    if verdict.corrected:
        yield f"  right is {verdict.corrected}"


def _verdict_record(verdict: Verdict) -> dict[str, object]:
    application = verdict.application
    return {
        "file": application.file,
        "line": application.line,
        "kind": application.kind,
        "name": application.name,
        "annotation": application.annotation,
        "pairs": [{"application": app, "cluster": cluster} for app, cluster in verdict.pairs],
        "missing": verdict.missing,
        "undecided": verdict.undecided,
        "reason": verdict.reason,
        "right": verdict.corrected,
    }
