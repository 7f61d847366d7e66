"""`cmp pin`: set the exact version of a tool where the repository, an application or an instance pins it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.artifacts import toolstore
from cmp.cli import Invocation, Output, candidates, for_people
from cmp.cli.io import example
from cmp.errors import UsageError
from cmp.preview.supposed.asked import scoped
from cmp.render import tool_usage
from cmp.repository import edit, instances
from cmp.repository.config import FILE
from cmp.repository.pins import declared_in, file_for, require_pinnable, with_pin
from cmp.system.tree import WorkTree, git_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import Settings, ToolPin
    from cmp.render.tool_usage import ToolUse, Usage


class Running(NamedTuple):
    """An instance that runs the tool, with the tool's pins: an engine may run two versions of it."""

    use: ToolUse
    pins: tuple[ToolPin, ...]


@click.command(epilog=example("cmp pin helm 3.18.6 --app payments --cluster prod-cluster"))
@click.argument("tool", shell_complete=candidates.tools)
@click.argument("version", shell_complete=candidates.versions)
@click.option(
    "--app",
    default="",
    metavar="APP",
    shell_complete=candidates.apps,
    help="Pin it for this application alone, in its cmp-app.yaml.",
)
@click.option(
    "--cluster",
    default="",
    metavar="CLUSTER",
    shell_complete=candidates.clusters,
    help="Only on this cluster: in the application's folder of the cluster.",
)
@click.pass_obj
def command(invocation: Invocation, tool: str, version: str, app: str, cluster: str) -> Output:
    """Pin TOOL to VERSION for the whole repository (cmp.yaml), or for one application.

    Nothing else of the file changes: comments, order, quotes and line ends stay.  It says which applications run
    another version from then on, and which keep theirs because they pin their own.
    """
    require_pinnable(tool, version, app)
    if cluster and not app:
        raise UsageError("--cluster needs --app: a version is pinned for a repository, an application, or one instance")
    context = invocation.context
    installed = _installed(tool, version, context.settings)
    tree, _ = instances.open_repository(invocation.cwd)
    before = tool_usage.survey(tree)
    file = file_for(before.repository, app, cluster)
    pinned = declared_in(before.repository, file).get(tool)
    if pinned and pinned.version == version:
        return for_people([f"{pinned.source}  {tool} is {version} already", installed])
    _write(tree, file, tool, version)
    after = tool_usage.survey(WorkTree(tree.root))
    for failure in after.failures:
        context.log.warning(f"{failure.name} cannot be rendered: {failure.error.what}")
    place = declared_in(after.repository, file)[tool].source
    was = f"{pinned.version} -> {version}" if pinned else f"{version}, a new pin"
    was_running, running = (_running(usage, tool, app, cluster) for usage in (before, after))
    effects = _effects(was_running, running, after.uses, place)
    lines = [f"{place}  {tool} {was}", *_overruled(before, tool, app, file), *effects, installed]
    if git_root(tree.root):
        asked = scoped(tool, version, app=app, cluster=cluster)
        lines.append(f"what it changes in the manifests: {shlex.join(['cmp', 'diff', '--pin', asked])}")
    return for_people(lines)


def _write(tree: WorkTree, file: str, tool: str, version: str) -> None:
    path = tree.locate(file)  # a link is followed, and must not lead outside
    edit.replace(path, with_pin(tree, file, tool, version))


def _running(usage: Usage, tool: str, app: str, cluster: str) -> dict[str, Running]:
    """Return the instances that run the tool within the pin's reach: all, or those of an application or a cluster."""
    running = {
        use.name: Running(use, tuple(pin for pin in use.pins if pin.name == tool))
        for use in usage.uses
        if use.instance.app == (app or use.instance.app) and use.instance.cluster == (cluster or use.instance.cluster)
    }
    return {name: running_tool for name, running_tool in running.items() if running_tool.pins}


def _overruled(usage: Usage, tool: str, app: str, file: str) -> Iterator[str]:
    """Yield the lines of `applications` in cmp.yaml that pinned the tool for an application until now."""
    if not app or file == FILE:
        return
    pins = {pin for use in usage.uses if use.instance.app == app for pin in (use.instance.pins.get(tool),) if pin}
    own = declared_in(usage.repository, FILE).values()
    for pin in sorted(pins):
        if _is_in(FILE, pin) and pin not in own:
            yield f"it is stronger than {pin.source}, where `applications` says {pin.version}"


def _effects(
    before: dict[str, Running], after: dict[str, Running], every: tuple[ToolUse, ...], place: str
) -> Iterator[str]:
    changed: dict[str, list[ToolUse]] = {}
    kept: dict[str, list[ToolUse]] = {}
    for name, (use, pins) in after.items():
        was = _versions(before[name].pins) if name in before else "another"
        if was != _versions(pins):
            changed.setdefault(f"{was} -> {_versions(pins)}", []).append(use)
        elif not any(pin.source == place for pin in pins):
            kept.setdefault(f"{_versions(pins)}  ({pins[0].source})", []).append(use)
    yield "run another version now:" if changed else "no application runs another version now"
    yield from _listed(changed, every)
    yield from ["keep the version that they pin themselves:"] if kept else []
    yield from _listed(kept, every)


def _listed(uses: dict[str, list[ToolUse]], every: tuple[ToolUse, ...]) -> list[str]:
    return [f"  {name}  {versions}" for versions, same in uses.items() for name in tool_usage.describe(same, every)]


def _is_in(file: str, pin: ToolPin) -> bool:
    return pin.source.startswith(f"{file}:")


def _versions(pins: tuple[ToolPin, ...]) -> str:
    return " and ".join(sorted({pin.version for pin in pins}))


def _installed(tool: str, version: str, settings: Settings) -> str:
    problem = toolstore.entry(settings.tools_dir, tool, version, settings.custom_tools).problem
    state = f"{problem} here: cmp tools install {tool}@{version}" if problem else "is installed here"
    return f"{tool} {version} {state}"
