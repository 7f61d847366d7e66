"""`cmp cache`: look at the chart cache, fill it, check it and shrink it."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from cmp import policy
from cmp.artifacts import charts, lockfile, toolchain
from cmp.artifacts.cache import GIT, ChartCache
from cmp.artifacts.charts import upkeep
from cmp.cli import Invocation, Output, for_people, remotes, schemas
from cmp.cli.io import as_json
from cmp.cli.needed import needed, newest_helm
from cmp.cli.remotes import Depot
from cmp.errors import UsageError
from cmp.system.tree import WorkTree
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from cmp.artifacts.cache import Record
    from cmp.artifacts.charts.upkeep import Change, Stored
    from cmp.cli.needed import Chart
    from cmp.context import Context

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
BYTES = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@click.group()
def command() -> None:
    """Look at, fill, check and shrink the chart cache."""


@command.command("list")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def list_(invocation: Invocation, output_format: str) -> Output:
    """List the archives in the cache."""
    found = upkeep.stored(ChartCache(invocation.context.settings.cache_dir))
    if output_format == "json":
        return as_json([_record(one) for one in found], is_ascii=True)
    return for_people(f"{_title(one.record)}  {one.size} bytes  sha256:{one.record.sha256}" for one in found)


@command.command()
@click.option("--lock", metavar="FILE", help="Only what this cmp.lock names: needs no repository.")
@click.pass_obj
def warm(invocation: Invocation, lock: str | None) -> Output:
    """Fetch everything that the repository, or a lock file, needs."""
    cache = ChartCache(invocation.context.settings.cache_dir)
    before = len(upkeep.stored(cache))
    if lock is None:
        _warm_repository(invocation)
    else:
        _warm_lock(invocation, lock)
    after = len(upkeep.stored(cache))
    return for_people([f"{after} archives in {cache.folder}, {after - before} of them new"])


def _warm_lock(invocation: Invocation, path: str) -> None:
    context = invocation.context
    folder, name = os.path.split(os.path.join(invocation.cwd, path))
    lock = lockfile.parse(WorkTree(folder).read(name), name)
    permit = policy.for_charts(context.settings.policy)
    upkeep.warm(lock, newest_helm(context.settings.tools_dir), context, permit)
    schemas.warm(lock, permit, context)


def _warm_repository(invocation: Invocation) -> None:
    context = invocation.context
    found = needed(invocation.cwd)
    lock = lockfile.load(found.tree)
    permit = policy.for_charts(context.settings.policy, found.tree)
    collector = schemas.Collector(found.tree, lock, permit, context)
    with _bar(found.charts, context) as folders:
        for chart in folders:
            helm = toolchain.find({"helm": chart.helm}, context.settings, lock)["helm"]
            _restore(charts.ChartWork(found.tree, chart.folder, "", helm, lock), permit, context)
            collector.of_folder(chart)
    with Workspace(context.settings.tmp_dir, outside=found.tree) as workspace:
        depot = Depot(workspace, context, permit)
        for named in found.named:
            refs = named.all(depot)
            if refs and named.helm:
                helm = toolchain.find({"helm": named.helm}, context.settings, lock)["helm"]
                collector.of_archives(named, refs, helm)


def _restore(work: charts.ChartWork, permit: policy.PolicyCheck | None, context: Context) -> None:
    plan = charts.permitted(work, permit, context) if permit else None
    with Workspace(context.settings.tmp_dir, outside=work.tree) as workspace:
        charts.restore(work._replace(copy=workspace.folder("chart"), plan=plan, permit=permit), context)


@command.command()
@click.pass_obj
def verify(invocation: Invocation) -> Output:
    """Check every archive; the exit code is 1 when one is not what it should be."""
    checked = list(upkeep.verify(ChartCache(invocation.context.settings.cache_dir)))
    output = for_people(f"{_title(record)} {problem or 'is right'}" for record, problem in checked)
    return output._replace(exit_code=1 if any(problem for _, problem in checked) else 0)


@command.command()
@click.option("--older-than", metavar="TIME", help="Remove what was not used for so long: 12h, 30d, 8w.")
@click.option("--max-size", metavar="SIZE", help="Then the least recently used until the rest fits: 500MiB, 2GiB.")
@click.pass_obj
def prune(invocation: Invocation, older_than: str | None, max_size: str | None) -> Output:
    """Remove archives by age and size; digests are remembered."""
    if older_than is None and max_size is None:
        raise UsageError("say what may go: --older-than, --max-size or both")
    seconds = None if older_than is None else _amount("--older-than", older_than, SECONDS)
    size = None if max_size is None else _amount("--max-size", max_size, BYTES)
    gone = upkeep.prune(ChartCache(invocation.context.settings.cache_dir), seconds, size)
    return for_people(
        [*(_title(one.record) for one in gone), f"removed {len(gone)}, {sum(one.size for one in gone)} bytes"]
    )


@command.command()
@click.argument("specs", metavar="CHART[@VERSION]...", nargs=-1, required=True)
@click.pass_obj
def refresh(invocation: Invocation, specs: Sequence[str]) -> Output:
    """Fetch charts again and accept what the repository has now, also with another digest."""
    context = invocation.context
    permit = policy.for_charts(context.settings.policy)
    of_remotes = list(remotes.refresh(specs, context, permit))
    rest = [spec for spec in specs if spec not in dict(of_remotes)]
    of_charts = upkeep.refresh(rest, newest_helm(context.settings.tools_dir), context, permit) if rest else []
    return for_people(_changed(change) for change in (*(change for _, change in of_remotes), *of_charts))


def _changed(change: Change) -> str:
    key, before, after = change
    kind = "commit" if key.repository.startswith(GIT) else "sha256"
    said = f"is unchanged: {kind}:{after}" if before == after else f"was {kind}:{before}, is {kind}:{after}"
    return f"{key.name} {key.version} {key.repository} {said}"


def _bar(found: list[Chart], context: Context) -> AbstractContextManager[Iterable[Chart]]:
    if not context.is_terminal:
        return nullcontext(found)
    return click.progressbar(found, label="charts", file=sys.stderr)


def _amount(option: str, text: str, units: dict[str, int]) -> int:
    parts = re.fullmatch(r"(\d+)([A-Za-z]*)", text)
    if not parts or parts[2] not in units:
        known = ", ".join(unit for unit in units if unit)
        raise UsageError(f"{option} {text}: expected a number and one of {known}")
    return int(parts[1]) * units[parts[2]]


def _title(record: Record) -> str:
    return f"{record.key.name} {record.version} {record.key.repository}"


def _record(one: Stored) -> dict[str, object]:
    used = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.used))
    key = one.record.key
    return {
        "repository": key.repository,
        "name": key.name,
        "version": one.record.version,
        "sha256": one.record.sha256,
        "size": one.size,
        "used": used,
        "path": one.path,
    }
