"""The programs that each application runs on each cluster: the impact of a changed pin."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.engines import ENGINES
from cmp.errors import CmpError, ConfigError
from cmp.render import decrypt
from cmp.render.unread import needs_of, unread
from cmp.repository import instances
from cmp.repository.config.model import PINS
from cmp.repository.instances import Repository, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.model import Instance, ToolPin
    from cmp.repository.instances import Pair
    from cmp.system.tree import Tree


class ToolUse(NamedTuple):
    """One application on one cluster, the pins of the programs that its render runs, and its encrypted files.

    `warnings` are those of its render that are known without a program.
    """

    instance: Instance
    pins: tuple[ToolPin, ...]
    encrypted: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def name(self) -> str:
        """`search on dev-cluster`; without a cluster, the application alone."""
        return _name(self.instance.app, self.instance.cluster)


class UnresolvedPair(NamedTuple):
    """An application that cannot be rendered on a cluster, and the error in its repository."""

    pair: Pair
    error: CmpError

    @property
    def name(self) -> str:
        """Name the pair as `ToolUse.name` does."""
        return _name(self.pair.app, self.pair.cluster)


class Usage(NamedTuple):
    """All pairs of a repository: those that can be rendered, and those that cannot."""

    repository: Repository
    uses: tuple[ToolUse, ...]
    failures: tuple[UnresolvedPair, ...]


def survey(tree: Tree) -> Usage:
    """Resolve every pair of a tree; ConfigError when its configuration as a whole cannot be read."""
    repository = Repository(tree, ENGINES)
    uses: list[ToolUse] = []
    failures: list[UnresolvedPair] = []
    for pair in repository.pairs():
        try:
            uses.append(_use(repository, tree, pair))
        except CmpError as error:
            failures.append(UnresolvedPair(pair, error))
    return Usage(repository, tuple(uses), tuple(failures))


def _use(repository: Repository, tree: Tree, pair: Pair) -> ToolUse:
    instance = instances.resolve_in(repository, Request(pair.app, pair.cluster))
    needs = needs_of(tree, instance)
    encrypted = tuple(file.path for file in decrypt.read(tree, instance, needs).encrypted)
    pins = decrypt.tool_pins(instance, needs, with_sops=bool(encrypted))
    warnings = (*instance.warnings, *unread(instance, needs))
    return ToolUse(instance=instance, pins=tuple(pins.values()), encrypted=encrypted, warnings=warnings)


class WrittenPin(NamedTuple):
    """A pin that stands in a file, and the one that would hold without it."""

    pin: ToolPin
    weaker: ToolPin | None


def written_pins(repository: Repository) -> list[WrittenPin]:
    """Return the pins of cmp.yaml and of every cmp-app.yaml, in the order of files; one with mistakes has none.

    A pin of several pairs that would run different versions without it stands there once for each.
    """
    defaults = repository.config.defaults.tools
    pins = [WrittenPin(pin, PINS.get(name)) for name, pin in defaults.items() if pin != PINS.get(name)]
    for pair in repository.pairs():
        weaker = defaults
        for tools in _tools_in_order(repository, pair):
            pins += [WrittenPin(pin, weaker.get(name)) for name, pin in tools.items()]
            weaker = {**weaker, **tools}
    return sorted(set(pins), key=lambda written: written.pin.source)


def _tools_in_order(repository: Repository, pair: Pair) -> list[Mapping[str, ToolPin]]:
    cluster = repository.places.cluster(pair.cluster)
    folders = pair.app_folder, pair.instance_folder
    try:
        return [settings.tools for settings in repository.settings_in_order(pair.app, cluster, *folders)]
    except ConfigError:  # the resolution of the pair reports it
        return []


def describe(uses: Iterable[ToolUse], every: Iterable[ToolUse]) -> list[str]:
    """Return texts that name some uses out of all: an application alone where they are all of its clusters."""
    clusters = _clusters(every)
    return [
        app if names == clusters[app] else f"{app} on {', '.join(sorted(names))}"
        for app, names in sorted(_clusters(uses).items())
    ]


def _clusters(uses: Iterable[ToolUse]) -> dict[str, set[str]]:
    clusters: dict[str, set[str]] = {}
    for use in uses:
        clusters.setdefault(use.instance.app, set()).add(use.instance.cluster)
    return clusters


def _name(app: str, cluster: str) -> str:
    return f"{app} on {cluster}" if cluster else app
