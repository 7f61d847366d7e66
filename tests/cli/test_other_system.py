"""A person's way on a POSIX system that is not Linux: the same bytes and words, and nothing decrypted left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import other_system
from tests.support.changes import Monorepo, Story, World, config_map
from tests.support.charts import HELMS, write_chart
from tests.support.harness import CHECKOUT, Ran, Sandbox, snapshot, without_times
from tests.support.interrupted_render import SLOW, InterruptibleApplication, Sealed
from tests.support.leaks import wait_until
from tests.support.repository import Repository
from tests.support.secret_monorepo import write
from tests.support.versions import SOPS

CHAIN = "engine: [helm, kustomize]\n"
MORE = {
    "clusters/dev-1/both/.keep": "",
    "namespaces/both/cmp-app.yaml": CHAIN,
    "namespaces/both/Chart.yaml": "apiVersion: v2\nname: both\nversion: 1.0.0\n",
    "namespaces/both/templates/a.yaml": config_map("both", "password: {{ .Values.password | quote }}"),
    "namespaces/both/kustomization.yaml": "namePrefix: my-\n",
    "clusters/dev-1/plain/.keep": "",
}
ON_ONE = ("--cluster", "dev-1")
COMMANDS = {
    "render helm": ("render", "shop", *ON_ONE),
    "render helm and kustomize": ("render", "both", *ON_ONE),
    "render kustomize": ("render", "web", *ON_ONE),
    "render helmfile": ("render", "rates", *ON_ONE),
    "render cue": ("render", "calc", *ON_ONE),
    "render plain": ("render", "plain", *ON_ONE),
    "a template that fails": ("render", "sick", *ON_ONE),
    "values": ("values", "shop", *ON_ONE, "--explain"),
    "apps": ("apps",),
    "affected": ("affected",),
    "diff": ("diff",),
    "golden": ("golden", "--update", "--dir", "kept", "shop", *ON_ONE),
    "pin": ("pin", "helm", HELMS[0], "--app", "shop"),
    "lock": ("lock",),
    "init": ("init", "--dry-run"),
    "tools install": ("tools", "install"),
    "tools verify": ("tools", "verify"),
    "schema": ("schema",),
    "paths": ("paths",),
}


class Systems(NamedTuple):
    """The same repository for Linux and for another system."""

    folder: Path
    sandbox: Sandbox

    def run(self, argv: tuple[str, ...], sandbox: Sandbox) -> tuple[Ran, dict[str, bytes]]:
        """Run cmp in a copy of the repository, and return what it wrote there too."""
        copy = self.folder / "repo"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / "original", copy, symlinks=True)
        if argv[0] == "init":
            (copy / "cmp.yaml").unlink()
        ran = sandbox.run(*argv, cwd=copy)
        written = snapshot(copy)
        return Ran(
            ran.code, ran.stdout, re.sub(r"\b[\d.]+ s$", "N s", without_times(ran.stderr), flags=re.MULTILINE)
        ), {name: data for name, data in written.items() if not name.startswith(".git/")}


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Systems:
    folder = tmp_path_factory.mktemp("systems")
    repo = Monorepo(World(Sandbox(folder, tools_dir), charts=""))
    repo.write(MORE)
    repo.seal("namespaces/both/common-values.secret.yaml", "password: of-both-A7c2\n")
    repo.seal("namespaces/plain/object.yaml", config_map("plain", "password: of-plain-D4x9"))
    repo.tell(Story("", write, (), 1))
    repo.folder.rename(folder / "original")
    return Systems(folder, Sandbox(folder, tools_dir))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_does_the_same_without_the_calls_of_linux(name: str, systems: Systems) -> None:
    argv = COMMANDS[name]
    other = systems.run(argv, other_system.on(systems.sandbox))
    assert (*other, [*systems.sandbox.tmp.iterdir()]) == (*systems.run(argv, systems.sandbox), [])


def test_doctor_says_what_is_weaker(systems: Systems) -> None:
    here, other = (
        {tuple(check.values()) for check in json.loads(ran.stdout)["checks"]}
        for ran, _ in (
            systems.run(("doctor", "--format", "json"), sandbox)
            for sandbox in (systems.sandbox, other_system.on(systems.sandbox))
        )
    )
    no_wall = "no wall: programs that render could read any file of yours, and reach hosts, as they can without cmp"
    strangers = "what strangers wrote is better rendered on Linux, in a container or a virtual machine"
    unlinked = f"values in unlinked files: in {systems.sandbox.tmp}, without a name, until their readers end"
    no_signal = "no death signal: where SIGKILL ends cmp, the programs that it started run to their own end"
    no_limit = "no limit: this system does not tell what a program takes"
    assert other - here == {
        ("wall", "warning", no_wall, strangers),
        ("values", "warning", unlinked, "encrypt the disk, or let CMP_TMPDIR be a RAM disk"),
        ("end of programs", "warning", no_signal, "end cmp by Ctrl-C or SIGTERM, which end them too"),
        ("memory of programs", "warning", no_limit, "on Linux, CMP_CHILD_MEMORY limits it"),
    }
    assert {check[0] for check in here - other if check[1] == "ok"} == {
        *("Landlock, files", "Landlock, TCP", "Landlock, signals"),
        *("values", "end of programs", "memory of programs"),
    }


def test_a_helmfile_of_a_stranger_is_refused(systems: Systems) -> None:
    told = "helmfile on a kernel without Landlock, where its templates could read any file, is not allowed"
    ran, _ = systems.run(("diff", "--untrusted"), other_system.on(systems.sandbox))
    assert (ran.code, told in ran.stdout) == (3, True)
    (systems.folder / "policy.yaml").write_text("version: 1\n")
    sandbox = replace(systems.sandbox, extra={"CMP_POLICY": str(systems.folder / "policy.yaml")})
    ran, _ = systems.run(("render", "rates", *ON_ONE), other_system.on(sandbox))
    assert (ran.code, ran.stdout, told in ran.stderr) == (3, "", True)


@pytest.mark.no_tools
def test_every_module_can_be_imported_there() -> None:
    code = (
        "import importlib, pkgutil, cmp\n"
        "for module in pkgutil.walk_packages(cmp.__path__, 'cmp.'): importlib.import_module(module.name)\n"
    )
    argv = [sys.executable, "-W", "error", "-c", other_system.PRELUDE + code]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(("helm", "sops"), sorted({*((version, SOPS[-1]) for version in HELMS), (HELMS[-1], SOPS[0])}))
def test_helm_and_sops_read_what_is_handed_to_them_once(helm: str, sops: str, sandbox: Sandbox) -> None:
    """Every reader of macOS's `/dev/fd/N` shares one position: a second reading would find nothing."""
    repository = Repository(sandbox).write(
        {
            "cmp.yaml": f"tools: {{helm: {helm}, sops: {sops}}}\n",
            "namespaces/shop/common-values.yaml": "plain: as-it-is\n",
        }
    )
    write_chart(
        repository.root / "namespaces/shop",
        "shop",
        "1.0.0",
        **{"a.yaml": config_map("a", "all: {{ .Values | toJson | quote }}")},
    )
    repository.seal({"namespaces/shop/common-values.secret.yaml": "sealed: and-was-sealed\n"})
    here = repository.must()
    assert ("as-it-is" in here, "and-was-sealed" in here) == (True, True)
    repository.sandbox = other_system.on(sandbox, other_system.SHARED)
    assert repository.must() == here


def test_an_error_names_the_file_of_the_repository_where_the_private_folder_is_behind_a_link(sandbox: Sandbox) -> None:
    """`/tmp` of macOS is a link, which some programs follow before they print a path."""
    sandbox.tmp.mkdir(parents=True)
    (sandbox.folder / "link").symlink_to(sandbox.tmp)
    sandbox.extra["CMP_TMPDIR"] = str(sandbox.folder / "link")
    repository = Repository(other_system.on(sandbox))
    repository.write_app({"helmfile.yaml": "releases: [{name: web, chart: ./charts/web}]\n"})
    chart = write_chart(repository.root / "namespaces/shop/charts/web", "web", "1.0.0")
    (chart / "templates/check.yaml").write_text('{{ fail "not like this" }}\n')
    lines = repository.refused()
    assert lines[1] == (
        "  where: application shop, cluster dev, phase helmfile, namespaces/shop/charts/web/templates/check.yaml:1"
    )


# Deaths


@pytest.fixture
def rendering(sandbox: Sandbox, sealed: Sealed) -> InterruptibleApplication:
    """Return an application whose values are decrypted at once, and whose helm then takes minutes."""
    application = InterruptibleApplication(sandbox, sealed)
    (application.chart / "cmp-app.yaml").unlink()
    application.template("secret.yaml", config_map("shop", "all: {{ .Values.common }}"))
    application.template("slow.yaml", SLOW)
    return application


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_way_to_die_leaves_plaintext_in_a_file(rendering: InterruptibleApplication, signum: signal.Signals) -> None:
    with rendering.started("render", other_system.on(rendering.sandbox)) as process:
        wait_until(lambda: _holds(rendering, process.pid), 30)
        assert rendering.plaintext() == []
        process.send_signal(signum)
        process.wait(10)
    assert rendering.plaintext() == []
    left = rendering.processes()
    if signum == signal.SIGKILL:  # its programs go on, as `cmp doctor` says
        assert ["template" in argv for argv in left.values()] == [True]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not rendering.processes())
        rendering.render_calmly()  # it sweeps the private folder
    assert (rendering.processes(), [*rendering.sandbox.tmp.iterdir()]) == ({}, [])


def _holds(application: InterruptibleApplication, pid: int) -> bool:
    """Tell whether the plaintext of the values lies in files without a name that the process or its helm has open."""
    found = set()
    for holder in (pid, *application.processes()):
        with suppress(OSError):  # it ends, or closes one
            for path in Path(f"/proc/{holder}/fd").iterdir():
                if str(application.sandbox.tmp) in str(path.readlink()) and path.readlink().name.endswith(" (deleted)"):
                    data = path.read_bytes()
                    found |= {name for name, secret in application.secrets.items() if secret.encode() in data}
    return {"common", "cluster"} <= found
