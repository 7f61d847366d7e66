"""The modules that `cmp generate` imports: each costs the sidecar time, on every render of every application."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from examples import chartserver
from tests.support import bare_tools
from tests.support.harness import CHECKOUT, Sandbox
from tests.support.servers.charts import ChartRepository

# Each of these costs as much as a good part of our own work, or drags in others that do.
BANNED = frozenset(
    (
        *("click", "diskcache", "filelock", "ruamel"),
        *("asyncio", "dataclasses", "email", "hashlib", "http", "inspect", "logging", "pathlib", "shutil", "socket"),
        *("ssl", "tarfile", "tempfile", "urllib"),
    )
)

# Our modules, and those of others, that a warm render imports before it starts the first program.  Meanwhile nothing
# else happens, so that a module which is not needed to find out what to start does not belong here.
BEFORE_THE_FIRST_CHILD = """
cmp cmp.argocd cmp.argocd.expansion cmp.argocd.parameters cmp.artifacts cmp.artifacts.lockfile cmp.artifacts.toolchain
cmp.artifacts.toolstore cmp.cli cmp.cli.generate cmp.cli.main cmp.cli.summary cmp.context cmp.engines
cmp.engines.features cmp.engines.helm cmp.engines.protocol cmp.engines.registry cmp.environ
cmp.errors cmp.model cmp.render cmp.render.decrypt cmp.render.inputs cmp.render.pipeline cmp.render.unread
cmp.repository
cmp.repository.config cmp.repository.config.check cmp.repository.config.inheritance cmp.repository.config.keys
cmp.repository.config.rules cmp.repository.config.model cmp.repository.instances cmp.repository.instances.central
cmp.repository.instances.files
cmp.repository.instances.listing cmp.repository.instances.markers cmp.repository.instances.places
cmp.repository.instances.repository cmp.repository.instances.request cmp.repository.instances.resolver
cmp.repository.instances.root cmp.repository.layout cmp.schema cmp.schema.spec cmp.secrets
cmp.secrets.redact cmp.secrets.sops cmp.system cmp.system.kernel cmp.system.locks cmp.system.log cmp.system.process
cmp.system.sandbox cmp.system.signals cmp.system.tree cmp.system.visible cmp.system.workspace cmp.versions cmp.yamldoc
cmp.yamldoc.document
"""

# What it imports to read a cmp.yaml, at once; without one, while the programs run.
YAML = """
cmp.yamldoc.construct cmp.yamldoc.events cmp.yamldoc.scalar
yaml yaml._yaml yaml.composer yaml.constructor yaml.cyaml yaml.dumper yaml.emitter yaml.error yaml.events yaml.loader
yaml.nodes yaml.parser yaml.reader yaml.representer yaml.resolver yaml.scanner yaml.serializer yaml.tokens
"""
CONFIGURED = "cmp.yamldoc.nodes"  # the lines of keys, for messages

# What it imports beside that while the programs run.
WHILE_CHILDREN_RUN = """
cmp.artifacts.cache cmp.artifacts.charts cmp.artifacts.charts.dependencies cmp.artifacts.charts.packaged
cmp.artifacts.charts.plan cmp.artifacts.charts.repository_chart cmp.artifacts.charts.schemas
cmp.artifacts.charts.vendored cmp.render.output cmp.render.output.guard cmp.render.output.objects
cmp.render.output.stream cmp.secrets.kept cmp.system.files cmp.yamldoc.access
"""

# What it imports to write a warning, as that nothing pins a tool: a message may hold a secret.
WITH_A_WARNING = "cmp.secrets.disguises cmp.secrets.textsearch"

HOW_TO_UPDATE = (
    "`generate` imports other modules than the lists at the top of tests/project/test_startup.py say: import it in the"
    " function that needs it; or, if most renders need it, measure what it costs (`make bench`) and add it to the list"
)

# What a version range that no Chart.lock resolves was resolved to is a fact that expires: it lies in a diskcache.
NEEDED = {"search": {"diskcache", "shutil", "tempfile"}}

CLUSTER = "prod-cluster"  # every application runs there

DRIVER = """\
import sys
had = set(sys.modules)
early = []
def note(event, _):
    if event == "subprocess.Popen" and not early:
        early.extend(set(sys.modules) - had)
sys.addaudithook(note)
from cmp.cli.main import main
status = main(sys.argv[1:2])
with open(sys.argv[2], "w") as file:
    print(*early, file=file)
    print(*set(sys.modules) - had, file=file)
sys.exit(status)
"""


class Imported(NamedTuple):
    """Names of modules: those before the first program was started, and all."""

    early: set[str]
    all: set[str]


class Warm:
    """The example monorepo, every chart of it in the cache, and nobody left who serves charts."""

    def __init__(self, folder: Path, tools_dir: str) -> None:
        self.sandbox = Sandbox(folder / "sandbox", tools_dir, {"SOPS_AGE_KEY_FILE": str(bare_tools.AGE_KEY)})
        archives = chartserver.package(bare_tools.EXAMPLES / "charts", folder, Path(tools_dir, "helm/3.18.6/helm"))
        shutil.copytree(
            bare_tools.EXAMPLES / "charts", folder / "charts"
        )  # namespaces/*/Chart.yaml: file://../../charts
        with ChartRepository(archives) as repository:
            self.root = bare_tools.copy_monorepo(folder / "monorepo", repository.url)
            (self.root / ".git").mkdir()
            for app, _ in bare_tools.instances():
                self.must("render", app, "--cluster", CLUSTER)

    def must(self, *argv: str) -> None:
        """Run cmp, which must succeed."""
        ran = self.sandbox.run(*argv, cwd=self.root)
        assert ran.code == 0, ran.stderr

    def generate(self, app: str, root: Path) -> Imported:
        """Return what `cmp generate` imports."""
        return self.call("generate", app, root, b"\nkind: ")

    def call(self, verb: str, app: str, root: Path, prints: bytes) -> Imported:
        """Return what a verb of the sidecar imports; the interpreter runs no `.pth` file, which could import more."""
        source, report = f"clusters/{CLUSTER}/{app}", self.sandbox.folder / "modules"
        libraries = str(Path(yaml.__file__).parent.parent)
        argo = {"ARGOCD_APP_NAME": app, "ARGOCD_APP_NAMESPACE": app, "ARGOCD_APP_SOURCE_PATH": source}
        ran = subprocess.run(
            [sys.executable, "-S", "-c", DRIVER, verb, str(report)],
            cwd=root / source,
            env={**self.sandbox.env(), **argo, "PYTHONPATH": f"{CHECKOUT}:{libraries}", "CMP_OFFLINE": "1"},
            capture_output=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr.decode()
        assert prints in ran.stdout
        return Imported(*(set(line.split()) for line in report.read_text().splitlines()))


@pytest.fixture(scope="module")
def warm(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return Warm(tmp_path_factory.mktemp("warm"), tools_dir)


@pytest.fixture
def unconfigured(warm: Warm, tmp_path: Path) -> Path:
    """Return the monorepo without its cmp.yaml, which has the reference layout all the same."""
    shutil.copytree(warm.root.parent / "charts", tmp_path / "charts")
    root = shutil.copytree(warm.root, tmp_path / "monorepo")
    (root / "cmp.yaml").unlink()
    return root


def ours_and_foreign(modules: set[str]) -> list[str]:
    """Leave out the standard library, whose modules differ between versions, and the runtime inside PyYAML."""
    known = sys.stdlib_module_names
    return sorted(name for name in modules if name.split(".")[0] not in known and "cython" not in name)


def listed(*texts: str) -> list[str]:
    """Return the names in the lists above."""
    return sorted(name for text in texts for name in text.split())


@pytest.mark.parametrize("app", sorted({app for app, _ in bare_tools.instances()}))
def test_generate_imports_nothing_dear_that_it_does_not_need(warm: Warm, app: str) -> None:
    imported = warm.generate(app, warm.root).all
    assert "yaml" in imported
    assert BANNED & imported == NEEDED.get(app, set())


def test_generate_imports_these_modules_and_no_others(warm: Warm) -> None:
    imported = warm.generate("namespace-a", warm.root)
    early = (BEFORE_THE_FIRST_CHILD, YAML, CONFIGURED)
    assert ours_and_foreign(imported.early) == listed(*early), HOW_TO_UPDATE
    assert ours_and_foreign(imported.all) == listed(*early, WHILE_CHILDREN_RUN), HOW_TO_UPDATE


def test_parameters_imports_nothing_dear(warm: Warm) -> None:
    imported = warm.call("parameters", "namespace-a", warm.root, b'"name": "cluster"')
    assert BANNED.isdisjoint(imported.all)
    assert imported.early == set()  # it starts no program


def test_without_a_cmp_yaml_it_reads_no_yaml_before_the_programs_run(warm: Warm, unconfigured: Path) -> None:
    imported = warm.generate("namespace-a", unconfigured)
    assert ours_and_foreign(imported.early) == listed(BEFORE_THE_FIRST_CHILD), HOW_TO_UPDATE
    want = listed(BEFORE_THE_FIRST_CHILD, WHILE_CHILDREN_RUN, YAML, WITH_A_WARNING)
    assert ours_and_foreign(imported.all) == want, HOW_TO_UPDATE
    assert BANNED & imported.all == {"urllib"}, "a warning is masked in its URL-encoded form, too"
