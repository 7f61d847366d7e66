"""The pipeline: one instance becomes checked manifests.  Every door of the product goes through `render`."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp import gpg, layers, lockfile, toolchain, yamldoc
from cmp.engines import ENGINES
from cmp.engines.protocol import Work
from cmp.errors import CmpError, Interrupted
from cmp.proc import Feed, Nursery
from cmp.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.charts import Restored
    from cmp.charts.plan import Plan
    from cmp.context import Context
    from cmp.engines.protocol import Engine
    from cmp.layers import Content, Contents, Opener
    from cmp.lockfile import Lock
    from cmp.manifests import Rendered
    from cmp.model import Instance, Tool
    from cmp.policy import Permit
    from cmp.tree import Tree


class Render(NamedTuple):
    """What a render gave, and from what: for stdout, for the line on stderr and for `--explain`."""

    instance: Instance
    rendered: Rendered
    tools: Mapping[str, Tool]
    restored: tuple[Restored, ...]
    encrypted: tuple[str, ...]
    warnings: tuple[str, ...]


def render(tree: Tree, instance: Instance, context: Context) -> Render:
    """Render one application on one cluster; nothing decrypted is left when this returns or raises."""
    with located(instance):
        with staged(tree, instance, context) as stage, context.phases.phase(stage.engine.NAME):
            finish = stage.engine.start(instance, stage.work, stage.nursery)
            restored = stage.complete()
            printed = finish()
        with context.phases.phase("output"):
            from cmp import manifests  # noqa: PLC0415  # imported while the engine's program ran: see `complete`

            rendered = manifests.check(printed.manifests, instance.output, stage.engine.NOISE, stage.engine.NAME)
    return Render(instance, rendered, stage.work.tools, restored, stage.encrypted, printed.warnings)


@contextmanager
def staged(tree: Tree, instance: Instance, context: Context) -> Iterator[Stage]:
    """Start everything that a render waits for, in a private folder that is gone after the block."""
    phase = context.phases.phase
    engine = ENGINES[instance.engines[0]]
    permit = _permit(tree, instance, context)
    with phase("secrets"):
        contents = layers.read(tree, instance)
    if permit:
        with phase("policy"):
            permit.decrypt(content.path for content in contents.encrypted)
    with phase("tools"):
        lock = lockfile.load(tree)
        names = [engine.TOOL, *(["sops"] if contents.encrypted else [])]
        tools = toolchain.find([instance.pins[name] for name in names], context.settings, lock)
    plans: Mapping[str, Plan] = {}
    if permit:
        from cmp import charts  # noqa: PLC0415  # without a policy it is imported while children run

        with phase("policy"):
            works = [charts.ChartWork(tree, chart, "", tools[engine.TOOL], lock) for chart in engine.needs(instance)]
            plans = {work.folder: charts.permitted(work, permit, context) for work in works}
    sealed = [content.data for content in contents.encrypted]
    with (
        Workspace(context.settings.tmp_dir, outside=tree) as workspace,
        # sops dies before the agent, and the agent before the folder that is its home
        gpg.home(context.settings.env.secrets, sealed, workspace.folder, context.deadline) as keys,
        Nursery(context.deadline) as nursery,
    ):
        with phase("secrets"):
            opener = layers.Opener(tools, keys, context.redactor, nursery)
            feeds = opener.feeds(contents.layers)
        folder = workspace.copy_tree(tree, instance.folder, "app")
        work = Work(folder, workspace.folder("home"), tools, Feed(), feeds, context.settings.env.plain)
        supplies = _Supplies(tree, instance, contents, lock, plans, opener, workspace, context)
        yield Stage(engine, work, nursery, supplies)


def _permit(tree: Tree, instance: Instance, context: Context) -> Permit | None:
    """Ask the administrator's policy before anything else; most sidecars have none, and then it costs nothing."""
    asks = any(instance.options.get(engine, {}).get("extraFlags") for engine in instance.engines)
    if not (context.settings.policy or asks):
        return None
    from cmp import policy  # noqa: PLC0415  # see above

    with context.phases.phase("policy"):
        return policy.for_render(context.settings.policy, tree, instance)


class _Supplies(NamedTuple):
    """What `Stage.complete` puts in place, and with what."""

    tree: Tree
    instance: Instance
    contents: Contents
    lock: Lock | None
    plans: Mapping[str, Plan]
    opener: Opener
    workspace: Workspace
    context: Context


class Stage:
    """A render under way: sops runs, and an engine's program may be started; it gets its input by `complete`."""

    def __init__(self, engine: Engine, work: Work, nursery: Nursery, supplies: _Supplies) -> None:
        self.engine = engine
        self.work = work
        self.nursery = nursery
        self._supplies = supplies

    @property
    def layers(self) -> tuple[Content, ...]:
        """The values layers as they lie in the repository, weakest first."""
        return self._supplies.contents.layers

    @property
    def encrypted(self) -> tuple[str, ...]:
        """The files that sops opens."""
        return tuple(content.path for content in self._supplies.contents.encrypted)

    def complete(self) -> tuple[Restored, ...]:
        """Put charts and encrypted files in place, then open the gate for the engine's program."""
        phase = self._supplies.context.phases.phase
        with phase("charts"):
            restored = self._restore_charts()
        with phase("secrets"):
            self._unseal_files()
        self.work.gate.provide(b"")
        # The program works from here on: what is imported now costs no time.
        import cmp.manifests  # noqa: F401, PLC0415

        yamldoc.preload()
        return restored

    def _restore_charts(self) -> tuple[Restored, ...]:
        from cmp import charts  # noqa: PLC0415  # costs nothing while sops and the engine's program start

        tree, instance, _, lock, plans, _, _, context = self._supplies
        common = self.work.folder, self.work.tools[self.engine.TOOL], lock
        needed = self.engine.needs(instance)
        wanted = [charts.ChartWork(tree, chart, *common, plans.get(chart)) for chart in needed]
        return tuple(chart for work in wanted for chart in charts.restore(work, context))

    def _unseal_files(self) -> None:
        """Put the plaintext of `secrets.files` where the private copy of the folder holds the ciphertext."""
        _, instance, contents, _, _, opener, workspace, _ = self._supplies
        for content in contents.files:
            name = content.path.removeprefix(f"{instance.folder}/")
            opener.open(content, partial(workspace.write, f"app/{name}"))
        if contents.files:
            opener.wait()


@contextmanager
def located(instance: Instance) -> Iterator[None]:
    """Add application and cluster to whatever error leaves the block."""
    try:
        yield
    except (CmpError, Interrupted) as error:
        raise error.locate(application=instance.app, cluster=instance.cluster) from error.__cause__
