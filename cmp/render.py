"""The pipeline: one instance becomes checked manifests.  Every door of the product goes through `render`."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp import gpg, layers, lockfile, toolchain, yamldoc
from cmp.engines import ENGINES
from cmp.engines.protocol import Work
from cmp.errors import CmpError
from cmp.proc import Nursery
from cmp.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.charts import Restored
    from cmp.context import Context
    from cmp.engines.protocol import Engine
    from cmp.layers import Contents, Opener
    from cmp.lockfile import Lock
    from cmp.manifests import Rendered
    from cmp.model import Instance, Tool
    from cmp.tree import Tree


class Prepared(NamedTuple):
    """Everything an engine needs, in place: it may run inside the block that yields this, and nowhere else."""

    engine: Engine
    work: Work
    nursery: Nursery
    restored: tuple[Restored, ...]
    encrypted: tuple[str, ...]


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
    with _located(instance):
        with prepared(tree, instance, context) as ready, context.phases.phase(ready.engine.NAME):
            printed = ready.engine.render(instance, ready.work, ready.nursery)
        with context.phases.phase("output"):
            from cmp import manifests  # noqa: PLC0415  # see _import_the_guard

            rendered = manifests.check(printed.manifests, instance.output, ready.engine.NOISE, ready.engine.NAME)
    return Render(instance, rendered, ready.work.tools, ready.restored, ready.encrypted, printed.warnings)


@contextmanager
def prepared(tree: Tree, instance: Instance, context: Context) -> Iterator[Prepared]:
    """Open layers, find tools and restore charts in a private folder that is gone after the block.

    sops runs while the rest goes on: the layers' feeds carry plaintext as soon as it is there.
    """
    phase = context.phases.phase
    engine = ENGINES[instance.engines[0]]
    with phase("secrets"):
        contents = layers.read(tree, instance)
    with phase("tools"):
        lock = lockfile.load(tree)
        tools = _tools(instance, engine, contents, context, lock)
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
        with phase("charts"):
            from cmp import charts  # noqa: PLC0415  # costs nothing while sops runs

            folder, helm = workspace.copy_tree(tree, instance.folder, "app"), tools[engine.TOOL]
            wanted = [charts.ChartWork(tree, chart, folder, helm, lock) for chart in engine.needs(instance)]
            restored = tuple(chart for work in wanted for chart in charts.restore(work, context))
        with phase("secrets"):
            _unseal_files(instance, contents, opener, workspace)
        work = Work(folder, workspace.folder("home"), tools, feeds, context.settings.env.plain, _import_the_guard)
        yield Prepared(engine, work, nursery, restored, tuple(content.path for content in contents.encrypted))


def _import_the_guard() -> None:
    """Import what checks the output while the engine's program makes it: then that costs no time."""
    import cmp.manifests  # noqa: F401, PLC0415  # only here and where it is used

    yamldoc.preload()


def _tools(
    instance: Instance, engine: Engine, contents: Contents, context: Context, lock: Lock | None
) -> Mapping[str, Tool]:
    names = [engine.TOOL, *(["sops"] if contents.encrypted else [])]
    return toolchain.find([instance.pins[name] for name in names], context.settings, lock)


def _unseal_files(instance: Instance, contents: Contents, opener: Opener, workspace: Workspace) -> None:
    """Put the plaintext of `secrets.files` where the private copy of the folder holds the ciphertext."""
    for content in contents.files:
        name = content.path.removeprefix(f"{instance.folder}/")
        opener.open(content, partial(workspace.write, f"app/{name}"))
    if contents.files:
        opener.wait()


@contextmanager
def _located(instance: Instance) -> Iterator[None]:
    try:
        yield
    except CmpError as error:
        raise error.locate(application=instance.app, cluster=instance.cluster) from error.__cause__
