"""Chart.lock and cmp.lock, which bind versions of charts and tools: entries as helm and `cmp lock` write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import policy, yamldoc
from cmp.artifacts import charts, lockfile, toolchain, toolstore
from cmp.artifacts.charts import dependencies
from cmp.artifacts.lockfile import LockedTool
from cmp.model import ChartRef
from cmp.system.tree import join
from cmp.yamldoc.access import maps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.context import Context
    from cmp.model import Settings
    from cmp.preview.supposed.edits import Edits

LOCKS = {"Chart.yaml": "Chart.lock", "requirements.yaml": "requirements.lock"}


class LockedDependency(NamedTuple):
    """A chart as a file named it before, by which cmp.lock knows it, and the place that names it."""

    repository: str
    name: str
    constraint: str
    place: str


def lock_tool(edits: Edits, name: str, version: str, settings: Settings) -> None:
    """Lock a tool as it is installed here, where there is a cmp.lock without that version of it."""
    if edits.edited.kind(lockfile.FILE) != "file":
        return
    lock = lockfile.load(edits.edited)
    record = toolstore.entry(settings.tools_dir, name, version, settings.custom_tools).record
    if lock and record and not any(tool[:4] == (name, version, record.os, record.arch) for tool in lock.tools):
        tool = LockedTool(name, version, record.os, record.arch, record.via, record.sha256)
        edits.write(lockfile.FILE, lockfile.dump(lock._replace(tools=(*lock.tools, tool))))


def lock_dependencies(edits: Edits, declaration: str, indexes: Sequence[int], version: str, config: str) -> None:
    """Give some dependencies of a chart this version in its lock, where the lock was current before the edit.

    `declaration` is the path of the file that was edited, `config` the file with aliases of repositories.
    """
    folder, _, name = declaration.rpartition("/")
    path = join(folder, LOCKS[name])
    if not dependencies.has_current_lock(edits.tree, folder, config):
        return
    entries = maps(yamldoc.load_maps(edits.read(path))[0].get("dependencies"))
    for index in indexes:
        if entries[index].get("version") != version:
            edits.set_text(path, ("dependencies", index, "version"), version)
    edits.set_text(path, ("digest",), dependencies.current_digest(edits.edited, folder, config))


def lock_charts(edits: Edits, before: Sequence[LockedDependency], version: str, context: Context) -> None:
    """Add this version of charts to cmp.lock, where it bound the ones before; the chart is fetched for its digest."""
    lock = lockfile.load(edits.edited)
    bound = [one for one in before if lock and lock.chart(*one[:3])]
    wanted = dict.fromkeys(ChartRef(one.repository, one.name, version, one.place, may_be_alias=True) for one in bound)
    missing = [ref for ref in wanted if lock and not lock.chart(ref.repository, ref.name, version)]
    if not lock or not missing:
        return
    helm = toolchain.newest_helm(context.settings.tools_dir)
    policy_check = policy.for_charts(context.settings.policy, edits.tree)
    work = charts.ChartWork(edits.tree, "", "", helm, None, policy_check=policy_check)
    locked = charts.locked_refs(missing, work, context)
    edits.write(lockfile.FILE, lockfile.dump(lock._replace(charts=(*lock.charts, *locked))))
