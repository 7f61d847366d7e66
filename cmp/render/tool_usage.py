"""Which programs each application runs on each cluster: what a change of a pin reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.engines import ENGINES, engine_of
from cmp.errors import CmpError, ConfigError
from cmp.render import decrypt
from cmp.repository import instances
from cmp.repository.config.values import PINS
from cmp.repository.instances import Repository, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.model import Instance, ToolPin
    from cmp.repository.instances import Pair
    from cmp.system.tree import Tree

SOPS = "sops"


class Use(NamedTuple):
    """One application on one cluster, the pins of the programs that its render runs, and the files that sops opens."""

    instance: Instance
    pins: tuple[ToolPin, ...]
    encrypted: tuple[str, ...]

    @property
    def name(self) -> str:
        """`search on dev-cluster`; without a cluster, the application alone."""
        return _name(self.instance.app, self.instance.cluster)


class Failure(NamedTuple):
    """What keeps an application from being rendered on a cluster, as its repository tells it."""

    pair: Pair
    error: CmpError

    @property
    def name(self) -> str:
        """Name the pair as `Use.name` does."""
        return _name(self.pair.app, self.pair.cluster)


class Usage(NamedTuple):
    """All pairs of a repository: those that can be rendered, and those that cannot."""

    repository: Repository
    uses: tuple[Use, ...]
    failures: tuple[Failure, ...]


def survey(tree: Tree) -> Usage:
    """Resolve every pair of a tree; ConfigError when its configuration as a whole cannot be read."""
    repository = Repository(tree, ENGINES)
    uses: list[Use] = []
    failures: list[Failure] = []
    for pair in repository.pairs():
        try:
            uses.append(_use(repository, tree, pair))
        except CmpError as error:
            failures.append(Failure(pair, error))
    return Usage(repository, tuple(uses), tuple(failures))


def _use(repository: Repository, tree: Tree, pair: Pair) -> Use:
    instance = instances.resolve_in(repository, Request(pair.app, pair.cluster))
    needs = engine_of(instance.engines).needs(tree, instance)
    encrypted = tuple(content.path for content in decrypt.read(tree, instance, needs.encryptable_files).encrypted)
    return Use(instance, (*needs.tools.values(), *([instance.pins[SOPS]] if encrypted else [])), encrypted)


class Written(NamedTuple):
    """A pin that stands in a file, and the one that would hold without it."""

    pin: ToolPin
    weaker: ToolPin | None


def written(repository: Repository) -> list[Written]:
    """Return the pins of cmp.yaml and of every cmp-app.yaml, in the order of files; one with mistakes has none."""
    defaults = repository.config.defaults.tools
    found = [Written(pin, PINS.get(name)) for name, pin in defaults.items() if pin != PINS.get(name)]
    for pair in repository.pairs():
        app = _own(repository, pair.app_folder)
        found += [Written(pin, defaults.get(name)) for name, pin in app.items()]
        found += [
            Written(pin, app.get(name) or defaults.get(name))
            for name, pin in _own(repository, pair.instance_folder).items()
        ]
    return sorted(set(found), key=lambda one: one.pin.source)


def _own(repository: Repository, folder: str) -> Mapping[str, ToolPin]:
    try:
        return repository.app_config(folder).tools
    except ConfigError:  # whoever resolves the pair meets it again
        return {}


def grouped(uses: Iterable[Use], every: Iterable[Use]) -> list[str]:
    """Name some uses out of all: an application alone where all of its clusters are meant."""
    clusters = _clusters(every)
    return [
        app if found == clusters[app] else f"{app} on {', '.join(sorted(found))}"
        for app, found in sorted(_clusters(uses).items())
    ]


def _clusters(uses: Iterable[Use]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for use in uses:
        found.setdefault(use.instance.app, set()).add(use.instance.cluster)
    return found


def _name(app: str, cluster: str) -> str:
    return f"{app} on {cluster}" if cluster else app
