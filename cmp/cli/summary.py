"""The messages of a render on stderr: warnings, one line in the end, and the details for `--explain`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cmp.errors import and_more

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.batch.renderer import PrintedPair
    from cmp.context import Context
    from cmp.model import Instance
    from cmp.render.pipeline import RenderResult
    from cmp.repository.instances import Repository


def warn(done: RenderResult, context: Context) -> None:
    """Write the warnings of a render that succeeded."""
    for warning in (*done.warnings, *done.unpinned):
        context.log.warning(warning)


@contextmanager
def batch_messages(context: Context) -> Iterator[Callable[[PrintedPair], None]]:
    """Give a function that takes each render of many and writes its errors and what concerns the whole repository.

    The other warnings follow in the end, also after an interruption, each once with all pairs that have it.
    """
    pairs: dict[str, list[PrintedPair]] = {}

    def take(done: PrintedPair) -> None:
        for line in done.error:
            context.log.line(line)
        for note in done.notes:
            pairs.setdefault(note, []).append(done)
        for warning in done.unpinned:
            context.log.warning_once(warning)

    try:
        yield take
    finally:
        for note, having in pairs.items():
            context.log.warning(f"{_names(having)}: {note}")


def _names(pairs: list[PrintedPair]) -> str:
    """Return the names of pairs, those of an application together: `shop on dev, prod and 18 more; till on dev`."""
    clusters: dict[str, list[str]] = {}
    for pair in pairs:
        clusters.setdefault(pair.app, []).append(pair.cluster)
    names = [f"{app} on {and_more(on)}" if any(on) else app for app, on in clusters.items()]
    return and_more(names, separator="; ")


def misfit_messages(repository: Repository, context: Context) -> int:
    """Write the entries of `applications` in cmp.yaml that fit nothing; return the exit code of an error, else 0."""
    code = 0
    for misfit in repository.misfits():
        if misfit.hint:
            code = misfit.error.exit_code
            for line in misfit.error.lines():
                context.log.line(line)
        else:
            context.log.warning(f"{misfit.message} ({misfit.place})")
    return code


def summary(done: RenderResult, context: Context) -> str:
    """Return the line with the number of objects, engines and versions, cache hits and time."""
    instance = done.instance
    where = f"{instance.app} on {instance.cluster}" if instance.cluster else instance.app
    engines = " and ".join(
        f"{name} {done.tools[name].version}" if name in done.tools else name for name in instance.engines
    )
    count = len(done.output.manifests)
    hits = sum(chart.how != "fetched" for chart in done.restored)
    return (
        f"cmp: {where}: {count} object{'' if count == 1 else 's'} by {engines}, "
        f"charts {hits}/{len(done.restored)} without network, {context.phases.total * 1000:.0f} ms"
    )


def explanation(done: RenderResult, context: Context) -> Iterator[str]:
    """Yield the inputs of the render, one a line, and how long each part took."""
    instance = done.instance
    folder = f"{instance.app_folder}, chart {instance.named_chart}" if instance.chart_place else instance.folder
    yield f"application {instance.app}, cluster {instance.cluster or '(none)'}, folder {folder}"
    yield from _target(instance)
    yield "values layers, weakest first:"
    for layer in instance.layers:
        sealed = ", decrypted" if layer.path in done.encrypted else ""
        yield f"  {layer.path}  ({layer.source}{sealed})"
    for pair in instance.parameters.set_pairs:
        yield f"  {pair[0]}  (parameter)"
    if instance.manifest_files:
        yield "files, in order:"
    for path in instance.manifest_files:
        yield f"  {path}{'  (decrypted)' if path in done.encrypted else ''}"
    yield "tools:"
    for name, tool in done.tools.items():
        yield f"  {tool.name} {tool.version}  ({done.pins[name].source})  {tool.path}  sha256 {tool.sha256}"
    yield "chart dependencies:"
    for chart in done.restored:
        yield f"  {chart.name} {chart.version}  {chart.repository or '-'}  {chart.how}  sha256 {chart.sha256 or '-'}"
    spent = ", ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in context.phases.seconds.items())
    yield f"milliseconds: {spent}, total {context.phases.total * 1000:.0f}"


def _target(instance: Instance) -> Iterator[str]:
    if instance.chart_place:
        yield f"the chart is named by {instance.chart_place}"
    yield f"release {instance.release}, namespace {instance.namespace or '(none)'}"
    if instance.kube_version:
        yield f"Kubernetes {instance.kube_version}, {len(instance.api_versions)} API versions"
