"""`cmp lock`: write cmp.lock, with the digest of every chart and every pinned tool."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cmp import policy
from cmp.artifacts import charts, lockfile, toolchain, toolstore
from cmp.artifacts.lockfile import Lock, LockedSchema, LockedTool
from cmp.cli import Invocation, Output, for_people
from cmp.cli.io import example
from cmp.cli.needed import SchemaCollector, TemporaryInputs, needed
from cmp.errors import UsageError
from cmp.system import files
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.artifacts.lockfile import LockedChart
    from cmp.cli.needed import EngineCharts
    from cmp.context import Context
    from cmp.model import ToolPin
    from cmp.policy import PolicyCheck


@click.command(epilog=example("cmp lock"))
@click.pass_obj
def command(invocation: Invocation) -> Output:
    """Write cmp.lock at the root of the repository.

    Charts and their remote schemas come from the cache or are fetched.  A tool is locked for this platform as it is
    installed here; what the file says of other platforms stays as long as the version is pinned.
    """
    context = invocation.context
    tree, chart_folders, pins, engine_charts = needed(invocation.cwd)
    policy_check = policy.for_charts(context.settings.policy, tree)
    locked: set[LockedChart] = set()
    for chart in chart_folders:
        helm = toolchain.find({"helm": chart.helm}, context.settings)["helm"]
        locked.update(charts.locked(tree, chart.path, helm, context, policy_check))
    collector = SchemaCollector(tree, None, policy_check, context)
    for chart in chart_folders:
        collector.add_folder(chart)
    with Workspace(context.settings.tmp_dir, outside=tree) as workspace:
        inputs = TemporaryInputs(workspace, context, policy_check)
        for of_engine in engine_charts:
            locked.update(_locked(of_engine, inputs, collector, context, policy_check))
    before = lockfile.load(tree) or Lock()
    for warning in before.warnings:
        context.log.warning(f"{warning}; it is no longer in the file now")
    tools = [tool for pin in pins for tool in _tools(pin, before, context)]
    schemas = tuple(LockedSchema(schema.url, schema.sha256) for schema in collector.schemas)
    _write(os.path.join(tree.root, lockfile.FILE), lockfile.dump(Lock(tuple(locked), tuple(tools), schemas)))
    counted = f"{len(locked)} charts, {f'{len(schemas)} schemas, ' if schemas else ''}{len(tools)} tools"
    return for_people([f"{lockfile.FILE}: {counted}"])


def _locked(
    engine_charts: EngineCharts,
    inputs: TemporaryInputs,
    collector: SchemaCollector,
    context: Context,
    policy_check: PolicyCheck | None,
) -> list[LockedChart]:
    refs = engine_charts.all(inputs)
    if not (refs and engine_charts.helm):
        return []
    helm = toolchain.find({"helm": engine_charts.helm}, context.settings)["helm"]
    collector.add_archives(engine_charts, refs, helm)
    work = charts.ChartWork(collector.tree, "", "", helm, None, policy_check=policy_check)
    return charts.locked_refs(refs, work, context)


def _tools(pin: ToolPin, before: Lock, context: Context) -> Iterator[LockedTool]:
    """Yield the locked tools of a pin: the installed program, and the entries for other platforms and ways."""
    settings = context.settings
    record = toolstore.entry(settings.tools_dir, pin.name, pin.version, settings.custom_tools).record
    here = LockedTool(pin.name, pin.version, record.os, record.arch, record.via, record.sha256) if record else None
    others = [tool for tool in before.tools if tool[:2] == pin[:2] and (here is None or tool[:5] != here[:5])]
    if here is None and not others:
        context.log.warning(f"{pin.name} {pin.version} ({pin.source}) is not installed here, so it is not locked")
    yield from others
    if here:
        yield here


def _write(path: str, data: bytes) -> None:
    try:
        files.replace(path, data)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
