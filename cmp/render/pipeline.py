"""The render pipeline: one instance becomes checked manifests.  Every command that renders goes through `render`."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile, toolchain
from cmp.engines import engine_of
from cmp.engines.features import DECRYPT, require
from cmp.engines.protocol import MEMORY_FILES, PRIVATE_FILES, Work
from cmp.engines.registry import FLAGS
from cmp.errors import CmpError, ConfigError, Interrupted
from cmp.render import decrypt
from cmp.render.decrypt import SOPS, Decryptor
from cmp.render.inputs import CHART, COPY, RenderInputs, RenderPlan
from cmp.render.unread import needs_of, unread
from cmp.repository.config.model import UNPINNED
from cmp.secrets import sops
from cmp.system.process import ChildProcesses, Pipe
from cmp.system.sandbox import Access
from cmp.system.tree import WorkTree
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.artifacts.charts import Restored
    from cmp.artifacts.charts.plan import Plan
    from cmp.artifacts.lockfile import Lock
    from cmp.context import Context
    from cmp.engines.protocol import Engine, Needs
    from cmp.model import Instance, Tool, ToolPin
    from cmp.policy import PolicyCheck
    from cmp.render.decrypt import SourceFile, SourceFiles
    from cmp.render.output import CheckedOutput
    from cmp.render.outside import Obtained
    from cmp.secrets.kept import Kept
    from cmp.system.tree import Tree


class RenderOptions(NamedTuple):
    """The part of a render's request that only a comparison of revisions sets.

    With `is_keyless` nothing is decrypted: secrets have placeholders.  `known_repositories` are the only ones that
    charts come from (their URLs, as `urls.normal` has them), whatever a policy allows; None: any.
    `unattributed_files` are changed files of a revision that no engine is known to read: a program that would see the
    whole of a work folder gets them, too.
    """

    is_keyless: bool = False
    known_repositories: frozenset[str] | None = None
    unattributed_files: tuple[str, ...] = ()


DEFAULT_OPTIONS = RenderOptions()


class RenderResult(NamedTuple):
    """The manifests of a render and its inputs: for stdout, for the line on stderr and for `--explain`.

    `tools` and `pins` are by the engine's name for a program.  `restored` are the charts that were obtained,
    `encrypted` the paths of the files that were decrypted.  `unknown_apis` are API versions that charts ask for and
    only the sidecar knows.  `warnings` are all of the render, for stderr.
    """

    instance: Instance
    output: CheckedOutput
    tools: Mapping[str, Tool]
    pins: Mapping[str, ToolPin]
    restored: tuple[Restored, ...]
    encrypted: tuple[str, ...]
    warnings: tuple[str, ...]
    unknown_apis: tuple[str, ...] = ()

    @property
    def unpinned(self) -> tuple[str, ...]:
        """A warning for each program that ran in the version of cmp's defaults: those change with cmp."""
        return unpinned(self.tools, self.pins)


def render(tree: Tree, instance: Instance, context: Context, options: RenderOptions = DEFAULT_OPTIONS) -> RenderResult:
    """Render one application on one cluster; nothing decrypted is left when this returns or raises."""
    with located(instance):
        with (
            open_session(tree, instance, context, options) as session,
            context.phases.phase(session.engine.NAME),
        ):
            finish = session.engine.start(instance, session.work, session.processes)
            session.complete()
            printed = finish()
        with context.phases.phase("output"):
            from cmp.render import output  # noqa: PLC0415  # imported while the engine's program ran: see `complete`

            checked = output.check(
                printed.manifests,
                rules=instance.output_rules,
                noise=session.engine.NOISE,
                engine=session.engine.NAME,
                mask=context.redactor.mask,
                files=output.FileStarts(printed.source_files, instance.folder),
                kept=session.kept,
                undecrypted=session.undecrypted,
            )
    unknown_apis = _unknown_apis(tree, session, context)
    return RenderResult(
        instance=instance,
        output=checked,
        tools=session.work.tools,
        pins=session.pins,
        restored=session.restored,
        encrypted=session.encrypted,
        warnings=(
            *(*instance.warnings, *unread(instance, session.needs), *_api_warning(instance, unknown_apis)),
            *(*session.warnings, *checked.warnings, *printed.warnings),
        ),
        unknown_apis=unknown_apis,
    )


def _unknown_apis(tree: Tree, session: RenderSession, context: Context) -> tuple[str, ...]:
    instance = session.instance
    has_charts = session.needs.chart_folders or session.restored
    if not has_charts or instance.api_versions or instance.requester.in_sidecar:
        return ()
    from cmp.render import capabilities, cleartext  # noqa: PLC0415  # the sidecar never asks

    archives = cleartext.archives(session.restored, context.settings.cache_dir)
    return capabilities.unknown_apis(tree, session.needs, archives)


def _api_warning(instance: Instance, names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    from cmp.render import capabilities  # noqa: PLC0415  # as above

    return [capabilities.warning(instance, names)]


@contextmanager
def open_session(
    tree: Tree, instance: Instance, context: Context, options: RenderOptions = DEFAULT_OPTIONS
) -> Iterator[RenderSession]:
    """Start everything that a render waits for, in a private folder that is gone after the block."""
    plan = _plan(tree, instance, context, options)
    needs, files = plan.needs, plan.files
    ciphertexts = [file.data for file in files.encrypted if not options.is_keyless]
    with (
        Workspace(context.settings.tmp_dir, outside=tree) as workspace,
        # sops dies before the agent, and the agent before the folder that is its home
        sops.gpg_home(context.settings.env.secrets, ciphertexts, workspace.folder, context.deadline) as sops_env,
        ChildProcesses(context.deadline) as processes,
    ):
        with context.phases.phase("secrets"):
            decryptor = Decryptor(
                tools=plan.tools,
                envs={path: sops.environment(sops_env, services) for path, services in plan.key_services.items()},
                redactor=context.redactor,
                processes=processes,
                is_keyless=options.is_keyless,
            )
            is_in_memory, is_in_files = needs.layer_transport == MEMORY_FILES, needs.layer_transport == PRIVATE_FILES
            memory_files = decryptor.memory_files(files.layers) if is_in_memory else ()
            private_files = decryptor.private_files(files.layers, workspace) if is_in_files else ()
            value_texts = decryptor.memory_files(files.value_texts)
        root = _private_copy(plan, workspace, options.unattributed_files)
        chart_folder = os.path.join(root, instance.chart_folder)
        if plan.chart:
            from cmp.system.unpack import unpack  # noqa: PLC0415  # most charts lie in the tree

            chart_folder = workspace.folder(CHART)
            unpack(plan.chart.data, chart_folder, plan.chart.filename, skip=1)
        inputs = RenderInputs(plan, decryptor, workspace, context)
        context.redactor.add_clear_text(partial(_cleartext, plan, inputs, context))
        work = Work(
            folder=os.path.join(root, instance.folder),
            chart_folder=chart_folder,
            root=root if needs.needs_whole_tree else "",
            source=tree.root if isinstance(tree, WorkTree) else "",
            home=workspace.folder("home"),
            scratch=workspace.folder("scratch"),
            tools=plan.tools,
            start_gate=Pipe(),
            layers=memory_files,
            layer_files=private_files,
            env=context.settings.env.plain,
            access=_access(plan, workspace),
            provider=inputs,
            analysis=needs.analysis,
            value_texts=value_texts,
        )
        yield RenderSession(plan, inputs, work, processes)


class RenderSession:
    """A render under way: sops runs, and an engine's program may be started; it gets its input by `complete`."""

    def __init__(self, plan: RenderPlan, inputs: RenderInputs, work: Work, processes: ChildProcesses) -> None:
        self.engine: Engine = engine_of(plan.instance.engines)
        self.work = work
        self.processes = processes
        self._inputs = inputs
        self._plan = plan

    @property
    def instance(self) -> Instance:
        """The pair that is rendered."""
        return self._plan.instance

    @property
    def needs(self) -> Needs:
        """The needs of the engine."""
        return self._plan.needs

    @property
    def layers(self) -> tuple[SourceFile, ...]:
        """The values layers as they lie in the repository, weakest first."""
        return self._plan.files.layers

    @property
    def encrypted(self) -> tuple[str, ...]:
        """The paths of the encrypted files."""
        return tuple(file.path for file in self._plan.files.encrypted)

    @property
    def kept(self) -> Kept:
        """The objects that may be printed encrypted."""
        from cmp.secrets.kept import Kept  # noqa: PLC0415  # imported while the engine's program runs

        return Kept.of(self._plan.instance.kept_kinds, self._plan.files.kept)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings about the repository's cmp.lock."""
        return self._plan.lock.warnings if self._plan.lock else ()

    def undecrypted(self) -> tuple[str, ...]:
        """Return the encrypted files that nobody decrypted, as `secrets.files` names them."""
        from cmp.render import undecrypted  # noqa: PLC0415  # only for an error

        return undecrypted.names(self._plan.tree, self._plan.instance, self._plan.files)

    @property
    def pins(self) -> Mapping[str, ToolPin]:
        """The pins of the tools, by the engine's name for each."""
        return {SOPS: self._plan.instance.pins[SOPS], **self._plan.needs.tools}

    @property
    def restored(self) -> tuple[Restored, ...]:
        """The charts that were obtained."""
        return tuple(self._inputs.restored)

    def complete(self, *, with_schemas: bool = True) -> None:
        """Put charts and encrypted files in place, then open the gate for the engine's program.

        Without schemas nothing is fetched for the check of values, which that program must not make then.
        """
        self._inputs.complete(with_schemas=with_schemas)
        self.work.start_gate.close_writer()
        self._inputs.preload()


def unpinned(tools: Mapping[str, Tool], pins: Mapping[str, ToolPin]) -> tuple[str, ...]:
    """Return a warning for each of the programs that nothing in the repository pins."""
    return tuple(
        f"{tool.name} is not pinned: {tool.version} runs, which is the default of this cmp and may be another in the "
        f"next; `cmp pin {tool.name} {tool.version}` keeps it"
        for name, tool in tools.items()
        if pins[name].source == UNPINNED
    )


@contextmanager
def located(instance: Instance) -> Iterator[None]:
    """Add application and cluster to any error that leaves the block."""
    try:
        yield
    except (CmpError, Interrupted) as error:
        raise error.locate(application=instance.app, cluster=instance.cluster) from error.__cause__


def _plan(tree: Tree, instance: Instance, context: Context, options: RenderOptions) -> RenderPlan:
    """Find everything that the render is made of, and ask the policy before anything is decrypted or fetched."""
    phase = context.phases.phase
    policy_check = _policy_check(tree, instance, context, options)
    with phase("tools"):
        lock = None if instance.is_builtin else lockfile.load(tree)  # Argo CD knows nothing of it
    outside = _outside(tree, instance, context, lock, policy_check)
    instance = outside.instance if outside else instance
    needs = needs_of(tree, instance)
    with phase("secrets"):
        files = decrypt.read(tree, instance, needs)
    if policy_check:
        with phase("policy"):
            policy_check.decrypt(file.path for file in files.encrypted)
    services = {} if options.is_keyless else _key_services(files, policy_check, context)
    with phase("tools"):
        pins = decrypt.tool_pins(instance, needs, with_sops=bool(files.encrypted) and not options.is_keyless)
        if SOPS in pins:
            require(pins[SOPS], DECRYPT)
        tools = toolchain.find(pins, context.settings, lock)
    plan = RenderPlan(
        tree=tree,
        instance=instance,
        needs=needs,
        files=files,
        tools=tools,
        lock=lock,
        policy_check=policy_check,
        key_services=services,
        chart_plans={},
        chart=outside.chart if outside else None,
        obtained=outside.restored if outside else (),
    )
    return plan._replace(chart_plans=_chart_plans(plan, context)) if policy_check else plan


def _outside(
    tree: Tree, instance: Instance, context: Context, lock: Lock | None, policy_check: PolicyCheck | None
) -> Obtained | None:
    """Return what is obtained from outside the tree: None where nothing is needed."""
    layers = (*instance.layers, *(layer for _, layer in instance.value_texts))
    if instance.chart is None and not any(layer.remote for layer in layers):
        return None
    from cmp.render import outside  # noqa: PLC0415  # most renders have all in the tree

    return outside.obtain(tree, instance, context, lock, policy_check)


def _policy_check(tree: Tree, instance: Instance, context: Context, options: RenderOptions) -> PolicyCheck | None:
    """Ask the administrator's policy before anything else; most sidecars have none, and then it costs nothing."""
    has_flags = any(instance.options.get(engine, {}).get(FLAGS.get(engine, "")) for engine in instance.engines)
    if not (context.settings.policy or has_flags or options.known_repositories is not None):
        return None
    from cmp import policy  # noqa: PLC0415  # see above

    with context.phases.phase("policy"):
        check = policy.for_render(context.settings.policy, tree, instance)
        return check._replace(known_repositories=options.known_repositories)


def _key_services(files: SourceFiles, policy_check: PolicyCheck | None, context: Context) -> dict[str, frozenset[str]]:
    """Find the services whose keys the encrypted files have, and ask whether sops may use these before it starts."""
    services: dict[str, frozenset[str]] = {}
    with context.phases.phase("secrets"):
        for path, data, file_format in files.encrypted:
            services[path] = frozenset()
            if sops.may_name_service(data):
                from cmp import policy  # noqa: PLC0415  # most files are encrypted for age or PGP alone
                from cmp.secrets.sops import masterkeys  # noqa: PLC0415

                keys = masterkeys.read(file_format, path, data)
                (policy_check or policy.WITHOUT_POLICY).keys(keys, path, context.settings.env.secrets)
                services[path] = frozenset(key.service for key in keys)
    return services


def _chart_plans(plan: RenderPlan, context: Context) -> Mapping[str, Plan]:
    from cmp.artifacts import charts  # noqa: PLC0415  # without a policy it is imported while children run

    with context.phases.phase("policy"):
        return {folder: charts.permitted(plan.chart_work(folder), context) for folder in plan.needs.chart_folders}


def _private_copy(plan: RenderPlan, workspace: Workspace, unattributed_files: tuple[str, ...]) -> str:
    """Make the private copy of what the engine may see; return the private folder that stands for the tree's root."""
    tree, folder, needs = plan.tree, plan.instance.folder, plan.needs
    if not needs.needs_whole_tree:
        workspace.folder(f"{COPY}/{folder}")
        for path in needs.read_paths:
            if tree.kind(path) == "file":
                workspace.write(f"{COPY}/{path}", tree.read(path), is_executable=tree.is_executable(path))
            else:
                workspace.copy_tree(tree, path, f"{COPY}/{path}")
        return workspace.folder(COPY)
    ways = (needs.encryptable_files.get(file.path, ()) for file in plan.files.in_place)
    copies = {folder, *needs.private_copies, *(path for way in ways for path in way)}
    reads = (*needs.read_paths, *(path for path in unattributed_files if tree.kind(path) != "missing"))
    return workspace.mirror(tree, copies, reads, COPY)


def _cleartext(plan: RenderPlan, inputs: RenderInputs, context: Context) -> Iterator[bytes]:
    from cmp.render import cleartext  # noqa: PLC0415  # few messages hold a part of a secret

    paths = (plan.instance.folder, *plan.needs.private_copies, *plan.needs.read_paths)
    archives = cleartext.archives(inputs.restored, context.settings.cache_dir)
    return cleartext.inputs(plan.tree, plan.instance, paths, plan.files, archives)


def _access(plan: RenderPlan, workspace: Workspace) -> Access:
    """Show the engine's programs, the private folder, and the parts of the tree that the private folder links to."""
    programs = tuple(plan.tools[name].path for name in plan.needs.tools)
    is_linked = plan.needs.needs_whole_tree
    visible = tuple(_visible_paths(plan.tree)) if is_linked and isinstance(plan.tree, WorkTree) else ()
    return Access(programs=programs, reads=visible, writes=(workspace.path,))


def _visible_paths(tree: WorkTree) -> Iterator[str]:
    """Yield the root of the tree; where `.git` lies in it, whose `config` may hold a token, all else that does."""
    if not os.path.lexists(os.path.join(tree.root, ".git")):
        yield tree.root
        return
    for name in sorted(os.listdir(tree.root)):
        with suppress(ConfigError):  # a link that leads out of the tree
            path = tree.locate(name)
            if ".git" not in path.removeprefix(tree.root).split(os.sep):
                yield path
