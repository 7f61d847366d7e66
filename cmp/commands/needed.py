"""Which charts a whole repository needs, and with which helm: for the commands that look after all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import instances, toolstore
from cmp.engines import ENGINES, FACTS
from cmp.errors import ToolError
from cmp.instances import Repository, Request

if TYPE_CHECKING:
    from cmp.model import Tool, ToolPin
    from cmp.tree import WorkTree


class Chart(NamedTuple):
    """A chart folder and the pin of the helm that its application uses."""

    folder: str
    helm: ToolPin


class Needed(NamedTuple):
    """All charts and all pins of a repository, each once, sorted."""

    tree: WorkTree
    charts: list[Chart]
    pins: list[ToolPin]


def needed(cwd: str) -> Needed:
    """Resolve all applications on all clusters of the repository around `cwd`; ConfigError from the first bad one."""
    tree, _ = instances.open_repository(cwd)
    repository = Repository(tree, FACTS)
    found = [instances.resolve_in(repository, Request(pair.app, pair.cluster)) for pair in repository.pairs()]
    charts = {
        (folder, pin.version): Chart(folder, pin)
        for instance in found
        for engine in instance.engines
        for folder in ENGINES[engine].needs(instance)
        for pin in (instance.pins["helm"],)
    }
    pins = {(pin.name, pin.version): pin for instance in found for pin in instance.pins.values()}
    return Needed(tree, [charts[key] for key in sorted(charts)], [pins[key] for key in sorted(pins)])


def newest_helm(tools_dir: str) -> Tool:
    """Return the newest installed helm, for work that belongs to no application."""
    helms = [tool for tool in toolstore.installed(tools_dir) if tool.name == "helm"]
    if not helms:
        raise ToolError(
            f"no helm is installed in {tools_dir}", hint="install one, such as `cmp tools install helm@3.18.6`"
        )
    return helms[-1]
