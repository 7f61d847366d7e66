"""Which charts a whole repository needs, and with which helm: for the commands that look after all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import toolstore
from cmp.engines import ENGINES, engine_of
from cmp.engines.registry import HELM, HELMFILE
from cmp.errors import ToolError
from cmp.render.decrypt import SOPS
from cmp.repository import instances
from cmp.repository.config.values import PINS
from cmp.repository.instances import Repository, Request
from cmp.versions import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cmp.engines.protocol import Needs, RemoteProvider
    from cmp.model import ChartRef, Instance, Tool, ToolPin
    from cmp.system.tree import WorkTree


# Whether helm checks values against the schemas of a chart.
NEVER, PERHAPS, ALWAYS = range(3)


class Chart(NamedTuple):
    """A chart folder, the pin of the helm that its application uses, and whether that checks values."""

    folder: str
    helm: ToolPin
    checks: int


class Named(NamedTuple):
    """What one application's engine will ask for beside the dependencies of charts, and the pin of its helm.

    `checks` says whether that checks values.
    """

    refs: tuple[ChartRef, ...]
    beyond: Callable[[RemoteProvider], Sequence[ChartRef]] | None
    helm: ToolPin | None
    checks: int

    def all(self, remotes: RemoteProvider) -> list[ChartRef]:
        """Return all charts; what must be fetched to know them is."""
        return [*self.refs, *(self.beyond(remotes) if self.beyond else ())]


class Needed(NamedTuple):
    """All charts and all pins of a repository, each once, sorted; and what engines' own files name."""

    tree: WorkTree
    charts: list[Chart]
    pins: list[ToolPin]
    named: list[Named]


def needed(cwd: str) -> Needed:
    """Resolve all applications on all clusters of the repository around `cwd`; ConfigError from the first bad one."""
    tree, _ = instances.open_repository(cwd)
    repository = Repository(tree, ENGINES)
    found = [instances.resolve_in(repository, Request(pair.app, pair.cluster)) for pair in repository.pairs()]
    needs = [(instance, engine_of(instance.engines).needs(tree, instance)) for instance in found]
    charts: dict[tuple[str, str], Chart] = {}
    for instance, one in needs:
        for folder in one.chart_folders:
            pin = one.tools["helm"]
            before = charts.get((folder, pin.version))
            checks = max(_checks(instance, folder), before.checks if before else NEVER)
            charts[folder, pin.version] = Chart(folder, pin, checks)
    pins = {(pin.name, pin.version): pin for instance, one in needs for pin in _pins(instance, one)}
    named = [
        Named(one.chart_refs, one.discover_remote_charts, _helm(one), _checks(instance, None))
        for instance, one in needs
        if one.chart_refs or one.discover_remote_charts
    ]
    return Needed(tree, [charts[key] for key in sorted(charts)], [pins[key] for key in sorted(pins)], named)


def _checks(instance: Instance, folder: str | None) -> int:
    """Say whether helm checks values for a chart; in a helmfile that is known only while rendering."""
    if HELM in instance.engines and folder == instance.folder:
        return NEVER if instance.options.get(HELM, {}).get("skipSchemaValidation") else ALWAYS
    return PERHAPS if HELMFILE in instance.engines else ALWAYS


def _helm(needs: Needs) -> ToolPin | None:
    return needs.tools.get("helm")


def _pins(instance: Instance, needs: Needs) -> Iterator[ToolPin]:
    """Yield what the instance runs, and what its repository pins; of the package's own pins only those that it runs."""
    yield from needs.tools.values()
    yield from (pin for pin in instance.pins.values() if pin not in PINS.values() or pin.name == SOPS)


def newest_helm(tools_dir: str) -> Tool:
    """Return the newest installed release of helm, for work that belongs to no application."""
    helms = {tool.version: tool for tool in toolstore.installed(tools_dir) if tool.name == "helm"}
    if not helms:
        raise ToolError(
            f"no helm is installed in {tools_dir}", hint="install one, such as `cmp tools install helm@3.18.6`"
        )
    return helms[newest([*helms])]
