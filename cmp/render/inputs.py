"""What an engine gets while it works: charts and encrypted files in place, and more charts when it asks for them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines import registry
from cmp.engines.features import without_schemas
from cmp.engines.protocol import ChartFile, SchemaCheck

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.artifacts.charts import ChartWork, Restored
    from cmp.artifacts.charts.plan import Plan
    from cmp.artifacts.lockfile import Lock
    from cmp.context import Context
    from cmp.engines.protocol import Needs, Part
    from cmp.model import ChartRef, Instance, RemoteRef, Tool
    from cmp.policy import PolicyCheck
    from cmp.render.decrypt import Contents, Opener
    from cmp.render.schemas import Schemas
    from cmp.system.tree import Tree
    from cmp.system.workspace import Workspace

COPY = "tree"  # the private folder that stands for the root of the source tree
HELM = "helm"  # the engines' name for the helm that fetches charts


class Order(NamedTuple):
    """What one render is made of, as it was found before anything ran; `permit` is None where no policy is asked.

    `services` are those whose keys an encrypted file has, by its path.
    """

    tree: Tree
    instance: Instance
    needs: Needs
    contents: Contents
    tools: Mapping[str, Tool]
    lock: Lock | None
    permit: PolicyCheck | None
    plans: Mapping[str, Plan]
    services: Mapping[str, frozenset[str]]


class Supplies:
    """The `InputProvider` of one render, which also says what was obtained."""

    def __init__(self, order: Order, opener: Opener, workspace: Workspace, context: Context) -> None:
        self._order = order
        self._opener = opener
        self._workspace = workspace
        self._context = context
        self._schemas: Schemas | None = None
        self.restored: list[Restored] = []

    def complete(self, *, with_schemas: bool = True) -> None:
        """Put the dependencies of charts, their remote schemas and the plaintext of encrypted files into the copy."""
        phase = self._context.phases.phase
        if self._order.needs.chart_folders:
            with phase("charts"):
                self._restore_charts(with_schemas=with_schemas)
        with phase("secrets"):
            self._unseal_files()

    def charts(self, wanted: Sequence[ChartRef]) -> list[ChartFile]:
        """Return the charts in the same order, from the cache or over the network; raises ChartError."""
        from cmp.artifacts import charts  # noqa: PLC0415  # costs nothing while other programs run

        order = self._order
        with self._context.phases.phase("charts"):
            work = charts.ChartWork(order.tree, order.instance.folder, "", order.tools[HELM], order.lock)
            obtained = charts.obtain(wanted, work, self._context, order.permit)
        self.restored += [
            charts.restored(archive, ref.repository) for ref, archive in zip(wanted, obtained, strict=True)
        ]
        return [
            ChartFile(
                self._workspace.write(f"charts/{archive.sha256}/{archive.filename}", archive.data),
                archive.name,
                archive.version,
            )
            for archive in obtained
        ]

    def inspect(self, path: str) -> None:
        """ChartError for a packed chart in the private copy that is damaged or dangerous."""
        from cmp.artifacts.charts.archive import inspect  # noqa: PLC0415  # rare: most charts are folders, or come from the cache

        with open(os.path.join(self._workspace.path, COPY, path), "rb") as file:
            inspect(file.read(), path)

    def schemas(self, chart: SchemaCheck) -> None:
        """Put private files in place of what a chart's schemas refer to; raises ChartError and ConfigError."""
        from cmp.artifacts import charts  # noqa: PLC0415  # costs nothing while other programs run
        from cmp.artifacts.cache import ChartCache  # noqa: PLC0415
        from cmp.artifacts.charts import schemas  # noqa: PLC0415

        with self._context.phases.phase("charts"):
            if not schemas.referring(chart.path, ChartCache(self._context.settings.cache_dir)):
                return
            from cmp.render.schemas import Schemas  # noqa: PLC0415  # few charts need it

            self._schemas = self._schemas or Schemas(
                self._order.lock, self._order.permit, self._workspace, self._context
            )
            self.restored += [
                charts.Restored(f"schema of {chart.label}", one.sha256[:12], one.url, one.sha256, one.how)
                for one in self._schemas.supply(chart)
            ]

    def permit(self, feature: str, subject: str, place: str = "") -> None:
        """ConfigError unless the administrator's policy allows it."""
        from cmp import policy  # noqa: PLC0415  # most sidecars have none, and most applications need none

        with self._context.phases.phase("policy"):
            (self._order.permit or policy.WITHOUT_POLICY).feature(feature, subject, place)

    def tree(self, wanted: RemoteRef, part: Part, name: str) -> str:
        """Put a part of a Git repository at `name` in the private copy, and return that folder's path."""
        return self._unpacked(wanted, part, f"{COPY}/{name}")

    def file(self, wanted: RemoteRef) -> bytes:
        """Return a file of a web server."""
        from cmp.artifacts.remotes import CONTENT  # noqa: PLC0415  # most renders need nothing of this kind

        folder = self._unpacked(wanted, None, f"remotes/{len(self.restored)}")
        with open(os.path.join(folder, CONTENT), "rb") as file:
            return file.read()

    def _unpacked(self, wanted: RemoteRef, part: Part | None, name: str) -> str:
        """Ask the policy, then the cache or the network; unpack what they give into a private folder."""
        from cmp import policy  # noqa: PLC0415  # see above
        from cmp.artifacts import charts  # noqa: PLC0415  # see above
        from cmp.artifacts.remotes import parts  # noqa: PLC0415
        from cmp.system.unpack import unpack  # noqa: PLC0415

        with self._context.phases.phase("policy"):
            (self._order.permit or policy.WITHOUT_POLICY).remote(wanted)
        with self._context.phases.phase("remotes"):
            archive = parts.obtain(wanted, part, self._context)
            folder = self._workspace.folder(name)
            unpack(archive.data, folder, wanted.subject)
        is_itself = wanted.is_file or wanted.version == archive.version
        version = wanted.version if is_itself else f"{wanted.version} = {archive.version}"
        self.restored.append(charts.restored(archive, wanted.url)._replace(version=version))
        return folder

    def _restore_charts(self, *, with_schemas: bool) -> None:
        from cmp.artifacts import charts  # noqa: PLC0415  # costs nothing while sops and the engine's program start

        order, root = self._order, self._workspace.folder(COPY)
        for folder in order.needs.chart_folders:
            work = charts.ChartWork(
                *(
                    order.tree,
                    folder,
                    os.path.join(root, folder),
                    order.tools[HELM],
                    order.lock,
                    order.plans.get(folder),
                    order.permit,
                )
            )
            restored = charts.restore(work, self._context)
            self.restored += restored
            if with_schemas and folder == order.instance.folder and registry.HELM in order.instance.engines:
                self._check_own(work, restored)

    def _check_own(self, work: ChartWork, restored: Sequence[Restored]) -> None:
        """Look at the schemas of the chart that is an application's own folder."""
        options = self._order.instance.options.get(registry.HELM, {})
        if not options.get("skipSchemaValidation"):
            from cmp.artifacts import charts  # noqa: PLC0415  # it is there already

            known = charts.archives_of_repositories(restored)
            without = without_schemas(work.helm, "`helm: {skipSchemaValidation: true}` in cmp-app.yaml")
            self.schemas(SchemaCheck(work.copy, work.folder, work.helm, without, known))

    def _unseal_files(self) -> None:
        """Put the plaintext of encrypted files where the private copy holds the ciphertext; wait for the layers too."""
        for content in self._order.contents.files:
            self._opener.open(content, partial(self._workspace.write, f"{COPY}/{content.path}"))
        self._opener.wait()

    def preload(self) -> None:
        """Import what is needed when the engine's program is done: while it works, that costs no time."""
        import cmp.render.output  # noqa: F401, PLC0415

        yamldoc.preload()
