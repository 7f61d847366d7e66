"""The pipeline: one instance becomes checked manifests.  Every door of the product goes through `render`."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile, toolchain
from cmp.engines import engine_of
from cmp.engines.protocol import MEMORY_FILES, PRIVATE_FILES, Work
from cmp.engines.registry import FLAGS
from cmp.errors import CmpError, ConfigError, Interrupted
from cmp.render import decrypt
from cmp.render.inputs import COPY, HELM, Order, Supplies
from cmp.secrets import gpg, sops
from cmp.system.process import ChildProcesses, Pipe
from cmp.system.sandbox import Access
from cmp.system.tree import WorkTree
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.artifacts.charts import Restored
    from cmp.artifacts.charts.plan import Plan
    from cmp.context import Context
    from cmp.engines.protocol import Engine
    from cmp.model import Instance, Tool, ToolPin
    from cmp.policy import PolicyCheck
    from cmp.render.decrypt import Content, Contents, Opener
    from cmp.render.output import Rendered
    from cmp.system.tree import Tree

SOPS = "sops"


class Render(NamedTuple):
    """What a render gave, and from what: for stdout, for the line on stderr and for `--explain`.

    `tools` and `pins` are by the engine's name for a program.
    """

    instance: Instance
    rendered: Rendered
    tools: Mapping[str, Tool]
    pins: Mapping[str, ToolPin]
    restored: tuple[Restored, ...]
    encrypted: tuple[str, ...]
    warnings: tuple[str, ...]


def render(tree: Tree, instance: Instance, context: Context) -> Render:
    """Render one application on one cluster; nothing decrypted is left when this returns or raises."""
    with located(instance):
        with staged(tree, instance, context) as stage, context.phases.phase(stage.engine.NAME):
            finish = stage.engine.start(instance, stage.work, stage.processes)
            stage.complete()
            printed = finish()
        with context.phases.phase("output"):
            from cmp.render import output  # noqa: PLC0415  # imported while the engine's program ran: see `complete`

            rendered = output.check(
                *(printed.manifests, instance.output, stage.engine.NOISE, stage.engine.NAME, printed.source_files)
            )
    return Render(
        *(instance, rendered, stage.work.tools, stage.pins),
        *(stage.restored, stage.encrypted, printed.warnings),
    )


@contextmanager
def staged(tree: Tree, instance: Instance, context: Context) -> Iterator[Stage]:
    """Start everything that a render waits for, in a private folder that is gone after the block."""
    order = _order(tree, instance, context)
    engine, needs, contents = engine_of(instance.engines), order.needs, order.contents
    sealed = [content.data for content in contents.encrypted if not context.is_keyless]
    with (
        Workspace(context.settings.tmp_dir, outside=tree) as workspace,
        # sops dies before the agent, and the agent before the folder that is its home
        gpg.home(context.settings.env.secrets, sealed, workspace.folder, context.deadline) as keys,
        ChildProcesses(context.deadline) as processes,
    ):
        with context.phases.phase("secrets"):
            envs = {path: sops.environment(keys, services) for path, services in order.services.items()}
            opener = decrypt.Opener(*(order.tools, envs, context.redactor, processes), is_keyless=context.is_keyless)
            memory_files = opener.memory_files(contents.layers) if needs.layer_transport == MEMORY_FILES else ()
            files = _layer_files(contents, opener, workspace) if needs.layer_transport == PRIVATE_FILES else ()
        root = _copied(order, workspace, context.loose)
        supplies = Supplies(order, opener, workspace, context)
        context.redactor.compare(partial(_in_clear, order, supplies, context))
        work = Work(
            folder=os.path.join(root, instance.folder),
            root=root if needs.needs_whole_tree else "",
            source=tree.root if isinstance(tree, WorkTree) else "",
            home=workspace.folder("home"),
            scratch=workspace.folder("scratch"),
            tools=order.tools,
            start_gate=Pipe(),
            layers=memory_files,
            layer_files=files,
            env=context.settings.env.plain,
            access=_access(order, workspace),
            provider=supplies,
            analysis=needs.analysis,
        )
        yield Stage(engine, work, processes, supplies, order)


def _order(tree: Tree, instance: Instance, context: Context) -> Order:
    """Find out what the render is made of, and ask the policy before anything is decrypted or fetched."""
    phase = context.phases.phase
    permit = _permit(tree, instance, context)
    needs = engine_of(instance.engines).needs(tree, instance)
    with phase("secrets"):
        contents = decrypt.read(tree, instance, needs.encryptable_files)
    if permit:
        with phase("policy"):
            permit.decrypt(content.path for content in contents.encrypted)
    services = {} if context.is_keyless else _services(contents, permit, context)
    with phase("tools"):
        lock = lockfile.load(tree)
        pins = {**needs.tools, **({SOPS: instance.pins[SOPS]} if contents.encrypted and not context.is_keyless else {})}
        tools = toolchain.find(pins, context.settings, lock)
    order = Order(tree, instance, needs, contents, tools, lock, permit, {}, services)
    return order._replace(plans=_plans(order, permit, context)) if permit else order


def _services(contents: Contents, permit: PolicyCheck | None, context: Context) -> dict[str, frozenset[str]]:
    """Find out which services' keys the encrypted files have, and ask whether sops may use these before it starts."""
    services: dict[str, frozenset[str]] = {}
    with context.phases.phase("secrets"):
        for path, data, _ in contents.encrypted:
            services[path] = frozenset()
            if sops.may_name_service(data):
                from cmp import policy  # noqa: PLC0415  # most files are encrypted for age or PGP alone
                from cmp.secrets.sops import masterkeys  # noqa: PLC0415

                keys = masterkeys.read(sops.format_of(path, data), path, data)
                (permit or policy.WITHOUT_POLICY).keys(keys, path, context.settings.env.secrets)
                services[path] = frozenset(key.service for key in keys)
    return services


def _plans(order: Order, permit: PolicyCheck, context: Context) -> Mapping[str, Plan]:
    from cmp.artifacts import charts  # noqa: PLC0415  # without a policy it is imported while children run

    with context.phases.phase("policy"):
        works = [
            charts.ChartWork(order.tree, one, "", order.tools[HELM], order.lock) for one in order.needs.chart_folders
        ]
        return {work.folder: charts.permitted(work, permit, context) for work in works}


def _copied(order: Order, workspace: Workspace, loose: tuple[str, ...]) -> str:
    """Make the private copy of what the engine may see; return what stands for the root of the tree."""
    folder = order.instance.folder
    if not order.needs.needs_whole_tree:
        workspace.copy_tree(order.tree, folder, f"{COPY}/{folder}")
        return workspace.folder(COPY)
    through = (order.needs.encryptable_files.get(content.path, ()) for content in order.contents.files)
    copies = {folder, *order.needs.private_copies, *(one for folders in through for one in folders)}
    reads = (*order.needs.read_paths, *(path for path in loose if order.tree.kind(path) != "missing"))
    return workspace.mirror(order.tree, copies, reads, COPY)


def _in_clear(order: Order, supplies: Supplies, context: Context) -> Iterator[bytes]:
    from cmp.render import cleartext  # noqa: PLC0415  # few messages hold a part of a secret

    paths = (order.instance.folder, *order.needs.private_copies, *order.needs.read_paths)
    cached = cleartext.archives(supplies.restored, context.settings.cache_dir)
    return cleartext.inputs(order.tree, order.instance, paths, order.contents, cached)


def _access(order: Order, workspace: Workspace) -> Access:
    """Show the engine's programs, the private folder, and what is in the tree where the private folder links to it."""
    programs = tuple(order.tools[name].path for name in order.needs.tools)
    seen = tuple(_top(order.tree)) if order.needs.needs_whole_tree and isinstance(order.tree, WorkTree) else ()
    return Access(programs, seen, (workspace.path,))


def _top(tree: WorkTree) -> Iterator[str]:
    """Yield the root of the tree; where `.git` lies in it, whose `config` may hold a token, all else that does."""
    if not os.path.lexists(os.path.join(tree.root, ".git")):
        yield tree.root
        return
    for name in sorted(os.listdir(tree.root)):
        with suppress(ConfigError):  # a link that leads out of the tree
            path = tree.locate(name)
            if ".git" not in path.removeprefix(tree.root).split(os.sep):
                yield path


def _layer_files(contents: Contents, opener: Opener, workspace: Workspace) -> tuple[tuple[str, str], ...]:
    """Write the layers to private files; plaintext of the encrypted ones follows while children are waited for."""
    names = [f"layers/{number:03}-{os.path.basename(one.path)}" for number, one in enumerate(contents.layers)]
    for content, name in zip(contents.layers, names, strict=True):
        opener.open(content, partial(workspace.write, name))
    root = workspace.folder("layers")
    return tuple(
        (one.path, os.path.join(os.path.dirname(root), name)) for one, name in zip(contents.layers, names, strict=True)
    )


def _permit(tree: Tree, instance: Instance, context: Context) -> PolicyCheck | None:
    """Ask the administrator's policy before anything else; most sidecars have none, and then it costs nothing."""
    asks = any(instance.options.get(engine, {}).get(FLAGS.get(engine, "")) for engine in instance.engines)
    if not (context.settings.policy or asks or context.known_repositories is not None):
        return None
    from cmp import policy  # noqa: PLC0415  # see above

    with context.phases.phase("policy"):
        permit = policy.for_render(context.settings.policy, tree, instance)
        return permit._replace(known_repositories=context.known_repositories)


class Stage:
    """A render under way: sops runs, and an engine's program may be started; it gets its input by `complete`."""

    def __init__(self, engine: Engine, work: Work, processes: ChildProcesses, supplies: Supplies, order: Order) -> None:
        self.engine = engine
        self.work = work
        self.processes = processes
        self._supplies = supplies
        self._order = order

    @property
    def layers(self) -> tuple[Content, ...]:
        """The values layers as they lie in the repository, weakest first."""
        return self._order.contents.layers

    @property
    def encrypted(self) -> tuple[str, ...]:
        """The files that sops opens."""
        return tuple(content.path for content in self._order.contents.encrypted)

    @property
    def pins(self) -> Mapping[str, ToolPin]:
        """The pins of the tools, by the engine's name for each."""
        return {SOPS: self._order.instance.pins[SOPS], **self._order.needs.tools}

    @property
    def restored(self) -> tuple[Restored, ...]:
        """The charts that were obtained."""
        return tuple(self._supplies.restored)

    def complete(self, *, with_schemas: bool = True) -> None:
        """Put charts and encrypted files in place, then open the gate for the engine's program.

        Without schemas nothing is fetched for the check of values, which that program must not make then.
        """
        self._supplies.complete(with_schemas=with_schemas)
        self.work.start_gate.close_writer()
        self._supplies.preload()


@contextmanager
def located(instance: Instance) -> Iterator[None]:
    """Add application and cluster to whatever error leaves the block."""
    try:
        yield
    except (CmpError, Interrupted) as error:
        raise error.locate(application=instance.app, cluster=instance.cluster) from error.__cause__
