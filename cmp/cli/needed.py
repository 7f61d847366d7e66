"""The charts, remote bases and schemas of a whole repository, for the commands that look after all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import policy
from cmp.artifacts import charts, remotes, toolchain
from cmp.engines import ENGINES
from cmp.engines.features import without_schemas
from cmp.engines.protocol import WHOLE, SchemaCheck
from cmp.engines.registry import HELM, HELMFILE, HelmOptions
from cmp.errors import ChartError, ConfigError
from cmp.render.decrypt import SOPS
from cmp.render.schemas import RemoteSchemas
from cmp.render.unread import needs_of
from cmp.repository import instances
from cmp.repository.config.model import PINS
from cmp.repository.instances import Repository, Request
from cmp.system.unpack import unpack
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cmp.artifacts.lockfile import Lock
    from cmp.artifacts.remotes.schemas import Schema
    from cmp.context import Context
    from cmp.engines.protocol import Needs, Part, RemoteProvider
    from cmp.model import ChartRef, Instance, RemoteRef, Tool, ToolPin
    from cmp.policy import PolicyCheck
    from cmp.system.tree import WorkTree

# Whether helm checks values against the schemas of a chart.
NEVER, PERHAPS, ALWAYS = range(3)


class ChartFolder(NamedTuple):
    """A chart in the tree, the pin of the helm that its application uses, and whether that checks values."""

    path: str
    helm: ToolPin
    checks: int


class EngineCharts(NamedTuple):
    """The charts that one application's engine asks for beside the dependencies of charts, and the pin of its helm.

    `refs` are known from the tree; `discover` returns those that only files of a remote base name.  `checks` says
    whether that helm checks values.
    """

    refs: tuple[ChartRef, ...]
    discover: Callable[[RemoteProvider], Sequence[ChartRef]] | None
    helm: ToolPin | None
    checks: int

    def all(self, remotes: RemoteProvider) -> list[ChartRef]:
        """Return all charts; remote bases are fetched for it."""
        return [*self.refs, *(self.discover(remotes) if self.discover else ())]


class Needed(NamedTuple):
    """All chart folders and all pins of a repository, each once, sorted; and the charts that engines ask for."""

    tree: WorkTree
    chart_folders: list[ChartFolder]
    pins: list[ToolPin]
    engine_charts: list[EngineCharts]


def needed(cwd: str) -> Needed:
    """Resolve all applications on all clusters of the repository around `cwd`; ConfigError from the first bad one."""
    tree, _ = instances.open_repository(cwd)
    repository = Repository(tree, ENGINES)
    resolved = [instances.resolve_in(repository, Request(pair.app, pair.cluster)) for pair in repository.pairs()]
    every = [(instance, needs_of(tree, instance)) for instance in resolved]
    folders: dict[tuple[str, str], ChartFolder] = {}
    for instance, needs in every:
        for path in needs.chart_folders:
            pin = needs.tools["helm"]
            before = folders.get((path, pin.version))
            checks = max(_checks(instance, path), before.checks if before else NEVER)
            folders[path, pin.version] = ChartFolder(path, pin, checks)
    pins = {(pin.name, pin.version): pin for instance, needs in every for pin in _pins(instance, needs)}
    engine_charts = [
        EngineCharts(
            refs=needs.chart_refs,
            discover=needs.discover_remote_charts,
            helm=needs.tools.get("helm"),
            checks=_checks(instance, instance.chart_folder if instance.chart else None),
        )
        for instance, needs in every
        if needs.chart_refs or needs.discover_remote_charts
    ]
    return Needed(tree, [folders[key] for key in sorted(folders)], [pins[key] for key in sorted(pins)], engine_charts)


def _checks(instance: Instance, folder: str | None) -> int:
    """Say whether helm checks values for a chart; in a helmfile that is known only while rendering."""
    if HELM in instance.engines and folder == instance.chart_folder:
        return NEVER if HelmOptions(instance.options).skip_schema_validation else ALWAYS
    return PERHAPS if HELMFILE in instance.engines else ALWAYS


def _pins(instance: Instance, needs: Needs) -> Iterator[ToolPin]:
    """Yield the pins of the tools that the instance runs, and those of its repository that are no defaults."""
    yield from needs.tools.values()
    yield from (pin for pin in instance.pins.values() if pin not in PINS.values() or pin.name == SOPS)


class TemporaryInputs:
    """The `RemoteProvider` outside of a render: it unpacks remote files into a workspace, until that ends."""

    def __init__(self, workspace: Workspace, context: Context, policy_check: PolicyCheck | None) -> None:
        self._workspace = workspace
        self._context = context
        self._policy_check = policy_check or policy.WITHOUT_POLICY

    def tree(self, wanted: RemoteRef, part: Part, name: str) -> str:
        """Put a part of a Git repository into a folder, the same for the same name, and return its path."""
        self._policy_check.remote(wanted)
        archive = remotes.obtain_part(wanted, part, self._context)
        folder = self._workspace.folder(name)
        unpack(archive.data, folder, wanted.subject)
        return folder

    def file(self, wanted: RemoteRef) -> bytes:
        """Return a file of a web server."""
        self._policy_check.remote(wanted)
        return remotes.content(remotes.obtain(wanted, self._context))


class SchemaCollector:
    """The remote schemas that charts refer to, fetched chart by chart; with a lock, in its versions."""

    def __init__(self, tree: WorkTree, lock: Lock | None, policy_check: PolicyCheck | None, context: Context) -> None:
        self.tree = tree
        self._lock = lock
        self._policy_check = policy_check
        self._context = context
        self.schemas: set[Schema] = set()

    def add_folder(self, chart: ChartFolder) -> None:
        """Fetch the schemas of a chart in the tree, and of its dependencies; ChartError, ConfigError."""
        if chart.checks == NEVER:
            return
        helm = toolchain.find({"helm": chart.helm}, self._context.settings, self._lock)["helm"]
        with Workspace(self._context.settings.tmp_dir, outside=self.tree) as workspace:
            copy = workspace.copy_tree(self.tree, chart.path, "chart")
            work = charts.ChartWork(self.tree, chart.path, copy, helm, self._lock, policy_check=self._policy_check)
            restored = charts.restore(work, self._context)
            third_party = charts.archives_of_repositories(restored)
            self._add(SchemaCheck(copy, chart.path, helm, "", third_party), workspace, chart.checks)

    def add_archives(self, engine_charts: EngineCharts, refs: Sequence[ChartRef], helm: Tool) -> None:
        """Fetch the schemas of charts that an engine's own files name; ChartError, ConfigError."""
        work = charts.ChartWork(self.tree, "", "", helm, self._lock, policy_check=self._policy_check)
        for archive in charts.obtain(refs, work, self._context):
            if engine_charts.checks == NEVER:
                continue
            with Workspace(self._context.settings.tmp_dir, outside=self.tree) as workspace:
                path = workspace.write(archive.filename, archive.data)
                self._add(SchemaCheck(path, archive.filename, helm, "", WHOLE), workspace, engine_charts.checks)

    def _add(self, chart: SchemaCheck, workspace: Workspace, checks: int) -> None:
        """Fetch the schemas of one chart; a failure is a warning unless helm is known to check values."""
        chart = chart._replace(hint=without_schemas(chart.helm, "`skipSchemaValidation: true`"))
        remote_schemas = RemoteSchemas(self._lock, self._policy_check, workspace, self._context)
        try:
            self.schemas.update(remote_schemas.supply(chart))
        except (ChartError, ConfigError) as error:
            if checks == ALWAYS:
                raise
            self._context.log.warning(f"{error.what} ({error.file})")
