"""A small world for the tests of chart dependencies: charts, a repository tree, a cache, and a run of `restore`."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cmp import environ
from cmp.artifacts.charts import ChartWork, Restored, restore
from cmp.context import Context
from cmp.model import Tool
from cmp.secrets.redact import Redactor
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline
from cmp.system.tree import WorkTree
from tests.support import versions

if TYPE_CHECKING:
    from cmp.artifacts.charts.repository_chart import PolicyCheck
    from cmp.artifacts.lockfile import Lock
    from tests.support.servers.oci import Registry

CHECKOUT = Path(__file__).parents[2]
HELM = versions.DEFAULT_HELM
HELMS = versions.HELM_ENDS


def write_chart(folder: Path, name: str, version: str, dependencies: object = (), **files: str) -> Path:
    """Write a chart; `files` are templates by name."""
    chart = {"apiVersion": "v2", "name": name, "version": version, "dependencies": list(dependencies)}  # type: ignore[call-overload]
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    (folder / "Chart.yaml").write_text(json.dumps(chart, indent=1), encoding="utf-8")
    template = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-{version}"}}
    (folder / "templates/map.yaml").write_text(json.dumps(template), encoding="utf-8")
    for filename, text in files.items():
        (folder / "templates" / filename).write_text(text, encoding="utf-8")
    return folder


def dependency(name: str, version: str, repository: str, **more: object) -> dict[str, object]:
    return {"name": name, "version": version, "repository": repository, **more}


def package(helm: str, chart: Path, target: Path) -> Path:
    """Package a chart by the real helm and return its archive."""
    done = subprocess.run(
        [helm, "package", chart, "--destination", target], env={"HOME": str(target)}, capture_output=True, check=True
    )
    return Path(done.stdout.decode().split(": ", 1)[1].strip())


def publish(folder: Path, tools_dir: str) -> Path:
    """Return a folder with an index and archives: redis and postgresql, and charts with unusual versions."""
    from examples import chartserver  # noqa: PLC0415  # `loaded_modules` looks for modules that it imports

    charts = folder / "charts"
    for version in ("1.2.2", "1.2.3", "1.3.0", "2.0.0-rc.1"):
        write_chart(charts / f"redis-{version}", "redis", version)
    write_chart(charts / "postgresql", "postgresql", "4.1.0")
    write_chart(charts / "cert-manager", "cert-manager", "v1.14.0")
    write_chart(charts / "rancher", "rancher", "3.0.0+up1.7")
    return chartserver.package(charts, folder / "packed", Path(tools_dir, f"helm/{HELM}/helm"))


def write_lock(helm: str, chart: Path, home: Path) -> None:
    """Write the Chart.lock of a chart by the real helm."""
    argv = [helm, "dependency", "update", str(chart)]
    subprocess.run(argv, env={"HOME": str(home)}, capture_output=True, check=True)
    shutil.rmtree(chart / "charts")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def repack(archive: Path, folder: Path) -> bytes:
    """Return the same chart as another archive."""
    shutil.unpack_archive(archive, folder / "unpacked", "gztar", filter="data")
    chart = folder / "unpacked" / archive.name.rpartition("-")[0]
    (chart / "templates/more.yaml").write_text("# more\n")
    shutil.make_archive(str(folder / "again"), "gztar", chart.parent, chart.name)
    return (folder / "again.tar.gz").read_bytes()


class World:
    """A source tree in `folder`/tree with the chart `app`, and the settings of its runs in `env`."""

    def __init__(self, folder: Path, tools_dir: str, helm: str = HELM) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        self.app = self.tree / "app"
        self.cache = folder / "cache"
        self.tool = Tool("helm", helm, f"{tools_dir}/helm/{helm}/helm", "")
        self.env = {"CMP_CACHE_DIR": str(self.cache), "CMP_STATE_DIR": str(folder / "state"), "CMP_TMPDIR": str(folder)}
        self.lock: Lock | None = None
        self.permit: PolicyCheck | None = None
        self.stderr = ""
        self._runs = 0

    def depend(self, *dependencies: dict[str, object]) -> None:
        """Write the application's chart with these dependencies."""
        write_chart(self.app, "app", "0.1.0", dependencies)

    def context(self, deadline: float = 30) -> Context:
        redactor = Redactor()
        self.log = io.StringIO()
        settings = environ.read(self.env, default_deadline=deadline).settings
        return Context(settings, Deadline(deadline), redactor, Log(self.log, redactor.mask), Phases())

    def restore(self, deadline: float = 30) -> tuple[Restored, ...]:
        """Restore in a new copy of the application's chart, which `copy` names afterwards."""
        self._runs += 1
        self.copy = self.folder / f"copy-{self._runs}"
        self.copy.mkdir()
        work = ChartWork(
            WorkTree(str(self.tree)), "app", str(self.copy), self.tool, self.lock, policy_check=self.permit
        )
        try:
            return restore(work, self.context(deadline))
        finally:
            self.stderr = self.log.getvalue()

    @property
    def charts(self) -> dict[str, bytes]:
        """The archives that the last run put into charts/, by name."""
        return {path.name: path.read_bytes() for path in sorted(self.copy.glob("charts/*"))}

    def loaded_modules(self) -> set[str]:
        """Restore in a fresh interpreter, where there is no helm to start, and return the modules that it imported."""
        program = (
            "import sys; from pathlib import Path; from tests.support.charts import World\n"
            "world = World(Path(sys.argv[1]), '/nowhere'); world._runs = 90\n"
            "world.restore(); print(*sys.modules)\n"
        )
        argv = [sys.executable, "-c", program, str(self.folder)]
        done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=True)
        shutil.rmtree(self.folder / "copy-91")
        return set(done.stdout.split())

    def write_lock(self) -> None:
        """Write Chart.lock as the real helm does."""
        write_lock(self.tool.path, self.app, self.folder / "home")

    def push(self, registry: Registry, archive: Path) -> None:
        """Push an archive to a registry by the real helm."""
        config = registry.write_config(self.folder / "push.json")
        flags = ["--ca-file", str(registry.authority.ca)] if registry.authority else []
        if not registry.authority and not self.tool.version.startswith("3.14"):
            flags = ["--plain-http"]
        subprocess.run(
            [self.tool.path, "push", archive, registry.url, *flags],
            env={"HOME": str(self.folder), "HELM_REGISTRY_CONFIG": str(config)},
            capture_output=True,
            check=True,
        )

    def leftovers(self) -> list[str]:
        """List private folders that are still there."""
        return [path.name for path in self.folder.glob("argocd-cmp-*")]

    def start(self, *prefix: str) -> subprocess.Popen[str]:
        """Restore in a process of its own, started by `prefix`, which prints what was restored."""
        program = (
            "import sys; from pathlib import Path; from tests.support.charts import World\n"
            "world = World(Path(sys.argv[1]), sys.argv[2], sys.argv[3]); world._runs = int(sys.argv[4])\n"
            "print([(one.name, one.sha256, one.how) for one in world.restore()], sorted(world.charts))\n"
        )
        self._runs += 1
        tools_dir = str(Path(self.tool.path).parents[2])
        arguments = [str(self.folder), tools_dir, self.tool.version, str(100 + self._runs)]
        argv = [*prefix, sys.executable, "-c", program, *arguments]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CHECKOUT)
