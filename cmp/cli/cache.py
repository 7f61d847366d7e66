"""`cmp cache`: list, fill, check and shrink the chart cache."""

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
from cmp.artifacts.charts.upkeep import Refreshed
from cmp.artifacts.remotes import fetch
from cmp.artifacts.remotes import schemas as remote_schemas
from cmp.artifacts.remotes.keys import ref_of
from cmp.cli import Invocation, Output, candidates, for_people
from cmp.cli.io import as_json, example
from cmp.cli.needed import SchemaCollector, TemporaryInputs, needed
from cmp.errors import UsageError
from cmp.render import schemas
from cmp.system.tree import WorkTree
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from cmp.artifacts.cache import Archive, Record
    from cmp.artifacts.charts.upkeep import StoredArchive
    from cmp.artifacts.lockfile import Lock
    from cmp.cli.needed import ChartFolder
    from cmp.context import Context
    from cmp.model import RemoteRef

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
BYTES = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@click.group(epilog=example("cmp cache warm"))
def command() -> None:
    """Look at, fill, check and shrink the chart cache."""


@command.command("list", epilog=example("cmp cache list"))
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def list_(invocation: Invocation, output_format: str) -> Output:
    """List the archives in the cache."""
    archives = upkeep.stored(ChartCache(invocation.context.settings.cache_dir))
    if output_format == "json":
        return as_json([_json_record(archive) for archive in archives], is_ascii=True)
    return for_people(
        f"{_title(archive.record)}  {archive.size} bytes  sha256:{archive.record.sha256}" for archive in archives
    )


@command.command(epilog=example("cmp cache warm --lock cmp.lock"))
@click.option(
    "--lock",
    metavar="FILE",
    shell_complete=candidates.files,
    help="Only what this cmp.lock names.",
)
@click.pass_obj
def warm(invocation: Invocation, lock: str | None) -> Output:
    """Fetch all that the repository needs.

    With --lock it is what a cmp.lock names, and no repository is needed.
    """
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
    for warning in lock.warnings:
        context.log.warning(warning)
    policy_check = policy.for_charts(context.settings.policy)
    upkeep.warm(lock, toolchain.newest_helm(context.settings.tools_dir), context, policy_check)
    _warm_schemas(lock, policy_check, context)


def _warm_schemas(lock: Lock, policy_check: policy.PolicyCheck | None, context: Context) -> None:
    """Fetch every schema of a lock; ChartError for one that cannot be fetched, ConfigError for a forbidden one."""
    for locked in lock.schemas or ():
        wanted = remote_schemas.ref(locked.url, locked.sha256, "cmp.lock")
        check_url = schemas.url_check(wanted, policy_check)
        check_url(locked.url, "")
        remote_schemas.obtain(wanted, context, check_url)


def _warm_repository(invocation: Invocation) -> None:
    context = invocation.context
    tree, chart_folders, _, engine_charts = needed(invocation.cwd)
    lock = lockfile.load(tree)
    policy_check = policy.for_charts(context.settings.policy, tree)
    collector = SchemaCollector(tree, lock, policy_check, context)
    with _bar(chart_folders, context) as folders:
        for chart in folders:
            helm = toolchain.find({"helm": chart.helm}, context.settings, lock)["helm"]
            _restore(charts.ChartWork(tree, chart.path, "", helm, lock, policy_check=policy_check), context)
            collector.add_folder(chart)
    with Workspace(context.settings.tmp_dir, outside=tree) as workspace:
        inputs = TemporaryInputs(workspace, context, policy_check)
        for of_engine in engine_charts:
            refs = of_engine.all(inputs)
            if refs and of_engine.helm:
                helm = toolchain.find({"helm": of_engine.helm}, context.settings, lock)["helm"]
                collector.add_archives(of_engine, refs, helm)


def _restore(work: charts.ChartWork, context: Context) -> None:
    plan = charts.permitted(work, context) if work.policy_check else None
    with Workspace(context.settings.tmp_dir, outside=work.tree) as workspace:
        charts.restore(work._replace(copy=workspace.folder("chart"), plan=plan), context)


@command.command(epilog=example("cmp cache verify"))
@click.pass_obj
def verify(invocation: Invocation) -> Output:
    """Check every archive in the cache.

    The exit code is 1 when one is not what it should be.
    """
    checked = list(upkeep.verify(ChartCache(invocation.context.settings.cache_dir)))
    output = for_people(f"{_title(record)} {problem or 'is right'}" for record, problem in checked)
    return output._replace(exit_code=1 if any(problem for _, problem in checked) else 0)


@command.command(epilog=example("cmp cache prune --older-than 30d --max-size 2GiB"))
@click.option("--older-than", metavar="TIME", help="Remove what was not used for so long: 12h, 30d, 8w.")
@click.option("--max-size", metavar="SIZE", help="Then the least recently used until the rest fits: 500MiB, 2GiB.")
@click.pass_obj
def prune(invocation: Invocation, older_than: str | None, max_size: str | None) -> Output:
    """Remove archives by age and size.

    Their digests are remembered: what is fetched again must be the same.
    """
    if older_than is None and max_size is None:
        raise UsageError("say what may go: --older-than, --max-size or both")
    seconds = None if older_than is None else _amount("--older-than", older_than, SECONDS)
    size = None if max_size is None else _amount("--max-size", max_size, BYTES)
    removed = upkeep.prune(ChartCache(invocation.context.settings.cache_dir), seconds, size)
    freed = sum(archive.size for archive in removed)
    return for_people([*(_title(archive.record) for archive in removed), f"removed {len(removed)}, {freed} bytes"])


@command.command(epilog=example("cmp cache refresh postgresql@4.1.0"))
@click.argument("specs", metavar="CHART[@VERSION]...", nargs=-1, required=True, shell_complete=candidates.cached)
@click.pass_obj
def refresh(invocation: Invocation, specs: Sequence[str]) -> Output:
    """Fetch charts again, whatever has changed.

    A chart is refused whose archive is another than before: this accepts the archive that its repository has now.
    """
    context = invocation.context
    policy_check = policy.for_charts(context.settings.policy)
    of_remotes = list(_refresh_remotes(specs, context, policy_check))
    others = [spec for spec in specs if spec not in dict(of_remotes)]
    helm = toolchain.newest_helm(context.settings.tools_dir) if others else None
    of_charts = upkeep.refresh(others, helm, context, policy_check) if helm else []
    return for_people(_changed(change) for change in (*(change for _, change in of_remotes), *of_charts))


def _refresh_remotes(
    specs: Sequence[str], context: Context, policy_check: policy.PolicyCheck | None
) -> Iterator[tuple[str, Refreshed]]:
    """Fetch remote bases and files again that the cache has under `name` or `name@version`; yield spec and change.

    Specs that name none are left out.
    """
    cache = ChartCache(context.settings.cache_dir)
    for spec in specs:
        name, _, version = spec.partition("@")
        for record in cache.records():
            wanted = ref_of(record.key)
            if wanted and record.key.name == name and version in ("", wanted.version):
                archive = _pull(wanted, context, policy_check)
                cache.forget(record.key)
                cache.publish(record.key, archive)
                yield spec, Refreshed(record.key, record.version, archive.version)


def _pull(wanted: RemoteRef, context: Context, policy_check: policy.PolicyCheck | None) -> Archive:
    if wanted.is_schema:
        check_url = schemas.url_check(wanted, policy_check)
        check_url(wanted.url, "")
        return fetch.pull(wanted, context, check_url)
    (policy_check or policy.WITHOUT_POLICY).remote(wanted)
    return fetch.pull(wanted, context)


def _changed(change: Refreshed) -> str:
    key, before, after = change
    kind = "commit" if key.repository.startswith(GIT) else "sha256"
    result = f"is unchanged: {kind}:{after}" if before == after else f"was {kind}:{before}, is {kind}:{after}"
    return f"{key.name} {key.version} {key.repository} {result}"


def _bar(folders: list[ChartFolder], context: Context) -> AbstractContextManager[Iterable[ChartFolder]]:
    if not context.is_terminal:
        return nullcontext(folders)
    return click.progressbar(folders, label="charts", file=sys.stderr)


def _amount(option: str, text: str, units: dict[str, int]) -> int:
    parts = re.fullmatch(r"(\d+)([A-Za-z]*)", text)
    if not parts or parts[2] not in units:
        known = ", ".join(unit for unit in units if unit)
        raise UsageError(f"{option} {text}: expected a number and one of {known}")
    return int(parts[1]) * units[parts[2]]


def _title(record: Record) -> str:
    return f"{record.key.name} {record.version} {record.key.repository}"


def _json_record(archive: StoredArchive) -> dict[str, object]:
    record = archive.record
    return {
        "repository": record.key.repository,
        "name": record.key.name,
        "version": record.version,
        "sha256": record.sha256,
        "size": archive.size,
        "used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(archive.used)),
        "path": archive.path,
    }
