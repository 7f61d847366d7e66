"""The input of an engine while it works: charts and decrypted files in place, and more charts when it asks for them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines import registry
from cmp.engines.features import without_schemas
from cmp.engines.protocol import WHOLE, ChartFile, SchemaCheck
from cmp.errors import ConfigError
from cmp.secrets import sops
from cmp.system import kernel
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.artifacts.cache import Archive
    from cmp.artifacts.charts import ChartWork, Restored
    from cmp.artifacts.charts.plan import Plan
    from cmp.artifacts.lockfile import Lock
    from cmp.context import Context
    from cmp.engines.protocol import Needs, Part
    from cmp.model import ChartRef, Instance, RemoteRef, Tool
    from cmp.policy import PolicyCheck
    from cmp.render.decrypt import Decryptor, SourceFile, SourceFiles
    from cmp.render.schemas import RemoteSchemas
    from cmp.system.tree import Tree
    from cmp.system.workspace import Workspace

COPY = "tree"  # the private folder that stands for the root of the source tree
CHART = "chart"  # the private folder of a chart of a repository that is rendered in place of a folder
HELM = "helm"  # the engines' name for the helm that fetches charts
# The ways to render without a check of values.
OF_CMP = "`helm: {skipSchemaValidation: true}` in cmp-app.yaml"
OF_ARGOCD = "`skipSchemaValidation: true` in the Application"


class RenderPlan(NamedTuple):
    """Everything that one render is made of, known before any program runs.

    `policy_check` is None where no policy is asked.  `chart_plans` are by the chart's folder, as far as the policy was
    asked about them, `key_services` the services whose keys an encrypted file has, by its path.  `chart` is the archive
    of `Instance.chart`, `obtained` what was obtained before: that chart, and values files of web servers.
    """

    tree: Tree
    instance: Instance
    needs: Needs
    files: SourceFiles
    tools: Mapping[str, Tool]
    lock: Lock | None
    policy_check: PolicyCheck | None
    key_services: Mapping[str, frozenset[str]]
    chart_plans: Mapping[str, Plan]
    chart: Archive | None = None
    obtained: tuple[Restored, ...] = ()

    def chart_work(self, folder: str, copy: str = "") -> ChartWork:
        """Return the work of restoring the dependencies of the chart in a folder, whose private copy is at `copy`."""
        from cmp.artifacts.charts import ChartWork  # noqa: PLC0415  # without a policy it is imported while children run

        return ChartWork(
            tree=self.tree,
            folder=folder,
            copy=copy,
            helm=self.tools[HELM],
            lock=self.lock,
            plan=self.chart_plans.get(folder),
            policy_check=self.policy_check,
            as_helm=self.instance.is_builtin,
        )


class RenderInputs:
    """The `InputProvider` of one render; `restored` are the charts and other files that it has provided."""

    def __init__(self, plan: RenderPlan, decryptor: Decryptor, workspace: Workspace, context: Context) -> None:
        self._plan = plan
        self._decryptor = decryptor
        self._workspace = workspace
        self._context = context
        self._schemas: RemoteSchemas | None = None
        self._places: dict[str, str] = {}  # of files that are decrypted elsewhere than where they lie in the tree
        self.restored: list[Restored] = [*plan.obtained]

    def complete(self, *, with_schemas: bool = True) -> None:
        """Put the dependencies of charts, their remote schemas and the plaintext of encrypted files into the copy."""
        phase = self._context.phases.phase
        if self._plan.needs.chart_folders:
            with phase("charts"):
                self._restore_charts(with_schemas=with_schemas)
        if self._plan.chart and with_schemas:
            self._check_obtained_chart(self._plan.chart)
        with phase("secrets"):
            self._decrypt_in_place()

    def charts(self, wanted: Sequence[ChartRef]) -> list[ChartFile]:
        """Return the charts in the same order, from the cache or over the network; raises ChartError."""
        from cmp.artifacts import charts  # noqa: PLC0415  # costs nothing while other programs run

        plan = self._plan
        with self._context.phases.phase("charts"):
            work = plan.chart_work(plan.instance.folder)
            obtained = charts.obtain(wanted, work, self._context)
        self.restored += [
            charts.Restored.of(archive, ref.repository) for ref, archive in zip(wanted, obtained, strict=True)
        ]
        return [
            ChartFile(
                path=self._workspace.write(f"charts/{archive.sha256}/{archive.filename}", archive.data),
                name=archive.name,
                version=archive.version,
            )
            for archive in obtained
        ]

    def inspect(self, path: str) -> None:
        """ChartError for a packed chart in the private copy that is damaged or dangerous."""
        from cmp.artifacts.charts.archive import inspect  # noqa: PLC0415  # rare: most charts are folders, or come from the cache

        with open(os.path.join(self._workspace.path, COPY, path), "rb") as file:
            inspect(file.read(), path)

    def schemas(self, chart: SchemaCheck) -> None:
        """Put private files in place of the URLs in a chart's schemas; raises ChartError and ConfigError."""
        from cmp.artifacts import charts  # noqa: PLC0415  # costs nothing while other programs run
        from cmp.artifacts.cache import ChartCache  # noqa: PLC0415
        from cmp.artifacts.charts import schemas  # noqa: PLC0415

        with self._context.phases.phase("charts"):
            if not schemas.referring(chart.path, ChartCache(self._context.settings.cache_dir)):
                return
            from cmp.render.schemas import RemoteSchemas  # noqa: PLC0415  # few charts need it

            self._schemas = self._schemas or RemoteSchemas(
                lock=self._plan.lock,
                policy_check=self._plan.policy_check,
                workspace=self._workspace,
                context=self._context,
            )
            self.restored += [
                charts.Restored(
                    name=f"schema of {chart.label}",
                    version=schema.sha256[:12],
                    repository=schema.url,
                    sha256=schema.sha256,
                    how=schema.how,
                )
                for schema in self._schemas.supply(chart)
            ]

    def permit(self, feature: str, subject: str, place: str = "") -> None:
        """ConfigError unless the administrator's policy allows it."""
        with self._context.phases.phase("policy"):
            self._policy_check().feature(feature, subject, place)

    def permit_unconfined(self, feature: str, subject: str) -> None:
        """Likewise where no wall confines it: but a person may run on a laptop what is the person's own.

        No system but Linux has a wall, and no sidecar runs there: without a policy, the person is the administrator.
        """
        check = self._plan.policy_check
        is_a_strangers = check is not None and check.known_repositories is not None
        if kernel.is_linux() or self._context.settings.policy or is_a_strangers:
            self.permit(feature, subject)

    def tree(self, wanted: RemoteRef, part: Part, name: str) -> str:
        """Put a part of a Git repository at `name` in the private copy, and return that folder's path."""
        from cmp.system.unpack import unpack  # noqa: PLC0415  # most renders need nothing of this kind

        archive = self._obtained(wanted, part)
        with self._context.phases.phase("remotes"):
            folder = self._workspace.folder(f"{COPY}/{name}")
            unpack(archive.data, folder, wanted.subject)
        return folder

    def file(self, wanted: RemoteRef) -> bytes:
        """Return a file of a web server."""
        from cmp.artifacts.remotes import content  # noqa: PLC0415  # see above

        return content(self._obtained(wanted, None))

    def preload(self) -> None:
        """Import what is needed when the engine's program is done: while it works, that costs no time."""
        import cmp.render.output  # noqa: F401, PLC0415

        yamldoc.preload()

    def _policy_check(self) -> PolicyCheck:
        from cmp import policy  # noqa: PLC0415  # most sidecars have none, and most applications need none

        return self._plan.policy_check or policy.WITHOUT_POLICY

    def _obtained(self, wanted: RemoteRef, part: Part | None) -> Archive:
        """Ask the policy, then the cache or the network."""
        from cmp.artifacts import charts, remotes  # noqa: PLC0415  # see above

        with self._context.phases.phase("policy"):
            self._policy_check().remote(wanted)
        with self._context.phases.phase("remotes"):
            archive = (
                remotes.obtain_part(wanted, part, self._context) if part else remotes.obtain(wanted, self._context)
            )
        is_itself = wanted.is_file or wanted.version == archive.version
        version = wanted.version if is_itself else f"{wanted.version} = {archive.version}"
        self.restored.append(charts.Restored.of(archive, wanted.url)._replace(version=version))
        return archive

    def _restore_charts(self, *, with_schemas: bool) -> None:
        from cmp.artifacts import charts  # noqa: PLC0415  # costs nothing while sops and the engine's program start

        plan, root = self._plan, self._workspace.folder(COPY)
        for folder in plan.needs.chart_folders:
            work = plan.chart_work(folder, copy=os.path.join(root, folder))
            restored = charts.restore(work, self._context)
            self.restored += restored
            if folder == plan.instance.chart_folder and (outside := self._outside()):
                places = charts.unpack_local(work, outside, self._context)
                if lost := [path for path in outside if path not in places]:
                    raise ConfigError(
                        f"secrets.files names {lost[0]}, which is in no chart that is rendered",
                        file=f"{folder}/Chart.yaml",
                        hint="charts/ of the chart has another copy of that chart, which helm reads in its place",
                    )
                self._places |= {path: join(folder, place) for path, place in places.items()}
            if with_schemas and folder == plan.instance.chart_folder and registry.HELM in plan.instance.engines:
                self._check_own_chart(work, restored)

    def _check_own_chart(self, work: ChartWork, restored: Sequence[Restored]) -> None:
        """Put private files in place of the URLs in the schemas of the chart that is an application's own folder."""
        if not registry.HelmOptions(self._plan.instance.options).skip_schema_validation:
            from cmp.artifacts import charts  # noqa: PLC0415  # it is there already

            self.schemas(
                SchemaCheck(
                    path=work.copy,
                    label=work.folder,
                    helm=work.helm,
                    hint=without_schemas(work.helm, OF_CMP),
                    third_party=charts.archives_of_repositories(restored),
                )
            )

    def _check_obtained_chart(self, chart: Archive) -> None:
        """Put private files in place of the URLs in the schemas of a chart that is rendered in place of a folder."""
        if not registry.HelmOptions(self._plan.instance.options).skip_schema_validation:
            helm = self._plan.tools[HELM]
            way = OF_ARGOCD if self._plan.instance.is_builtin else OF_CMP
            self.schemas(
                SchemaCheck(
                    path=self._workspace.folder(CHART),
                    label=chart.name,
                    helm=helm,
                    hint=without_schemas(helm, way),
                    third_party=WHOLE,
                )
            )

    def _put(self, file: SourceFile, plain: bytes) -> None:
        place = self._places.get(file.path, file.path)
        content = sops.without_empty_documents(plain) if file.sops_format == "yaml" else plain
        self._workspace.write(f"{COPY}/{place}", content)

    def _outside(self) -> list[str]:
        """Return the files of `secrets.files` that lie in a `file://` chart, outside of the folder that is rendered."""
        folder = self._plan.instance.chart_folder or self._plan.instance.folder
        return [path for path in self._plan.instance.secret_files if not path.startswith(f"{folder}/")]

    def _decrypt_in_place(self) -> None:
        """Put the plaintext of encrypted files where the private copy holds the ciphertext; wait for the layers too."""
        for file in self._plan.files.in_place:
            self._decryptor.deliver(file, partial(self._put, file))
        self._decryptor.wait()
