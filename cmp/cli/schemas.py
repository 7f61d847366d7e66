"""The remote schemas of all charts of a repository, for the commands that fill a cache or write a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.artifacts import charts, toolchain
from cmp.artifacts.remotes import schemas as remote
from cmp.cli.needed import ALWAYS, NEVER
from cmp.engines.features import without_schemas
from cmp.engines.protocol import WHOLE, SchemaCheck
from cmp.errors import ChartError, ConfigError
from cmp.render import schemas
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.artifacts.lockfile import Lock
    from cmp.artifacts.remotes.schemas import Schema
    from cmp.cli.needed import Chart, Named
    from cmp.context import Context
    from cmp.model import ChartRef, Tool
    from cmp.policy import PolicyCheck
    from cmp.system.tree import WorkTree

WITHOUT = "`skipSchemaValidation: true`"


class Collector:
    """What the schemas of charts refer to, obtained chart by chart; with a lock, as that has it."""

    def __init__(self, tree: WorkTree, lock: Lock | None, permit: PolicyCheck | None, context: Context) -> None:
        self.tree = tree
        self._lock = lock
        self._permit = permit
        self._context = context
        self.found: set[Schema] = set()

    def of_folder(self, chart: Chart) -> None:
        """Obtain those of a chart in the tree, and of its dependencies; ChartError, ConfigError."""
        if chart.checks == NEVER:
            return
        helm = toolchain.find({"helm": chart.helm}, self._context.settings, self._lock)["helm"]
        with Workspace(self._context.settings.tmp_dir, outside=self.tree) as workspace:
            copy = workspace.copy_tree(self.tree, chart.folder, "chart")
            work = charts.ChartWork(self.tree, chart.folder, copy, helm, self._lock, permit=self._permit)
            restored = charts.restore(work, self._context)
            known = charts.archives_of_repositories(restored)
            self._supply(SchemaCheck(copy, chart.folder, helm, "", known), workspace, chart.checks)

    def of_archives(self, named: Named, refs: Sequence[ChartRef], helm: Tool) -> None:
        """Obtain those of charts that an engine's own files name; ChartError, ConfigError."""
        work = charts.ChartWork(self.tree, "", "", helm, self._lock)
        for archive in charts.obtain(refs, work, self._context, self._permit):
            with Workspace(self._context.settings.tmp_dir, outside=self.tree) as workspace:
                path = workspace.write(archive.filename, archive.data)
                self._supply(SchemaCheck(path, archive.filename, helm, "", WHOLE), workspace, named.checks)

    def _supply(self, chart: SchemaCheck, workspace: Workspace, checks: int) -> None:
        """Obtain them; where it is not known that values are checked at all, a failure is a warning."""
        chart = chart._replace(hint=without_schemas(chart.helm, WITHOUT))
        supply = schemas.RemoteSchemas(self._lock, self._permit, workspace, self._context)
        try:
            self.found.update(supply.supply(chart))
        except (ChartError, ConfigError) as error:
            if checks == ALWAYS:
                raise
            message = f"{error.what} ({error.file})"
            self._context.log.warning(message)


def warm(lock: Lock, permit: PolicyCheck | None, context: Context) -> None:
    """Obtain every schema of a lock; ChartError for one that cannot be had, ConfigError for one that may not be."""
    for one in lock.schemas or ():
        wanted = remote.ref(one.url, one.sha256, "cmp.lock")
        ask = schemas.url_check(wanted, permit)
        ask(one.url, "")
        remote.obtain(wanted, context, ask)
