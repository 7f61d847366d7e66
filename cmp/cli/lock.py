"""`cmp lock`: write cmp.lock, with the digest of every chart and every pinned tool."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cmp import policy
from cmp.artifacts import charts, lockfile, toolchain, toolstore
from cmp.artifacts.lockfile import Lock, LockedSchema, LockedTool
from cmp.cli import Invocation, Output, for_people
from cmp.cli.needed import needed
from cmp.cli.remotes import Depot
from cmp.cli.schemas import Collector
from cmp.errors import UsageError
from cmp.system import files
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.artifacts.lockfile import LockedChart
    from cmp.cli.needed import Named
    from cmp.context import Context
    from cmp.model import ToolPin
    from cmp.policy import PolicyCheck


@click.command()
@click.pass_obj
def command(invocation: Invocation) -> Output:
    """Write cmp.lock at the root of the repository.

    Charts and their remote schemas come from the cache or are fetched.  A tool is locked for this platform as it is
    installed here; what the file says of other platforms stays as long as the version is pinned.
    """
    context = invocation.context
    found = needed(invocation.cwd)
    permit = policy.for_charts(context.settings.policy, found.tree)
    locked = {
        chart
        for one in found.charts
        for helm in (toolchain.find({"helm": one.helm}, context.settings)["helm"],)
        for chart in charts.locked(found.tree, one.folder, helm, context, permit)
    }
    schemas = Collector(found.tree, None, permit, context)
    for chart in found.charts:
        schemas.of_folder(chart)
    with Workspace(context.settings.tmp_dir, outside=found.tree) as workspace:
        depot = Depot(workspace, context, permit)
        for named in found.named:
            locked.update(_locked(named, depot, schemas, context, permit))
    before = lockfile.load(found.tree) or Lock()
    tools = [tool for pin in found.pins for tool in _tools(pin, before, context)]
    lock = Lock(tuple(locked), tuple(tools), tuple(LockedSchema(one.url, one.sha256) for one in schemas.found))
    _write(os.path.join(found.tree.root, lockfile.FILE), lockfile.dump(lock))
    counted = f"{len(locked)} charts, {f'{len(schemas.found)} schemas, ' if schemas.found else ''}{len(tools)} tools"
    return for_people([f"{lockfile.FILE}: {counted}"])


def _locked(
    named: Named, depot: Depot, schemas: Collector, context: Context, permit: PolicyCheck | None
) -> list[LockedChart]:
    refs = named.all(depot)
    if not (refs and named.helm):
        return []
    helm = toolchain.find({"helm": named.helm}, context.settings)["helm"]
    schemas.of_archives(named, refs, helm)
    return charts.locked_refs(refs, charts.ChartWork(schemas.tree, "", "", helm, None), context, permit)


def _tools(pin: ToolPin, before: Lock, context: Context) -> Iterator[LockedTool]:
    """Yield what is known about a pin: the installed program, and the entries for other platforms and ways."""
    settings = context.settings
    record = toolstore.entry(settings.tools_dir, pin.name, pin.version, settings.custom_tools).record
    here = LockedTool(pin.name, pin.version, record.os, record.arch, record.via, record.sha256) if record else None
    others = [tool for tool in before.tools if tool[:2] == pin[:2] and (here is None or tool[:5] != here[:5])]
    if here is None and not others:
        message = f"{pin.name} {pin.version} ({pin.source}) is not installed here, so it is not locked"
        context.log.warning(message)
    yield from others
    if here:
        yield here


def _write(path: str, data: bytes) -> None:
    try:
        files.replace(path, data)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
