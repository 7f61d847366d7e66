"""An application with secrets of every kind, to be ended in the middle of a render, and the search for what is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import toolstore
from cmp.system.workspace import DISK, MEMORY, PREFIX
from tests.support.charts import HELM, dependency, write_chart
from tests.support.harness import AGE_KEY_FILE, CHECKOUT, Ran, Sandbox, snapshot
from tests.support.keys import SOPS_VERSION, encrypt, sops_tool
from tests.support.leaks import find_plaintext, processes_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDINS = CHECKOUT / "tests" / "support" / "fakes"
CACHED = b"Argo CD keeps this error cached until a hard refresh\n"
DOORS = ("render", "generate")
RECIPIENT = next(line.split()[-1] for line in AGE_KEY_FILE.read_text().splitlines() if "public key" in line)
VERSIONS = {"helm": HELM, "sops": SOPS_VERSION}

LAYER = "namespaces/shop/common-values-shop.secret.yaml"
PLAIN = {
    LAYER: "common: unique-common-{token}\n",
    "clusters/dev/shop/dev-values-shop.secret.yaml": "cluster: unique-cluster-{token}\n",
    "namespaces/shop/files/upload.key": "unique-upload-{token}\n",
    "namespaces/shop/files/slow.key": "unique-slow-{token}\n",
}
TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: shop}
stringData:
  all: {{ printf "%s %s" .Values.common .Values.cluster | quote }}
  upload: {{ .Files.Get "files/upload.key" | quote }}
"""
LARGE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: large}
data: {text: {{ repeat 300000 "x" }}}
"""
SLOW = "{{- range until 100000 }}{{- range until 100000 }}{{- end }}{{- end }}\n"  # 10^10 rounds: minutes


class Sealed(NamedTuple):
    """The encrypted files of the application and their plaintext, by path."""

    files: dict[str, bytes]
    plain: dict[str, str]

    @property
    def secrets(self) -> dict[str, str]:
        """Every decrypted value, by the word that tells it from the others."""
        return {text.split("-")[1]: text.split()[-1] for text in self.plain.values()}


def seal(folder: Path, tools_dir: str) -> Sealed:
    """Encrypt secrets that nobody else has: the search for what is left also looks into folders that all share."""
    tool, token = sops_tool(tools_dir), os.urandom(4).hex()
    plain = {name: text.format(token=token) for name, text in PLAIN.items()}
    files = {name: encrypt(tool, folder / Path(name).name, text, "--age", RECIPIENT) for name, text in plain.items()}
    return Sealed(files, plain)


class Patient:
    """The application `shop` on the cluster `dev`, beside a healthy application `calm`, and runs of cmp on them."""

    def __init__(self, sandbox: Sandbox, sealed: Sealed) -> None:
        self.sandbox = sandbox
        self.secrets = sealed.secrets
        self.repository = sandbox.folder / "repo"
        self.chart = self.repository / "namespaces/shop"
        self.prefix: list[str] = []
        self.folders = [sandbox.folder]  # what is searched afterwards
        self._plant(sealed)
        self._make_store()

    def _plant(self, sealed: Sealed) -> None:
        for name in ("shop", "calm"):
            write_chart(self.repository / "namespaces" / name, name, "1.0.0")
            (self.repository / "clusters/dev" / name).mkdir(parents=True)
        (self.repository / ".git").mkdir()
        for name, data in sealed.files.items():
            (self.repository / name).parent.mkdir(parents=True, exist_ok=True)
            (self.repository / name).write_bytes(data)
        (self.chart / "cmp-app.yaml").write_text("secrets: {files: [files/slow.key, files/upload.key]}\n")
        (self.repository / "namespaces/calm/common-values-calm.yaml").write_text("a: 1\n")
        self.template("secret.yaml", TEMPLATE)

    def _make_store(self) -> None:
        """Make a tool store of this test's own, with the real programs in it."""
        real, store = Path(self.sandbox.tools_dir), self.sandbox.folder / "store"
        for name, version in VERSIONS.items():
            (store / name).mkdir(parents=True)
            (store / name / version).symlink_to(real / name / version)
        self.sandbox.tools_dir = str(store)

    def program(self, name: str) -> Path:
        """Say where the store has the program of a tool."""
        return Path(self.sandbox.tools_dir, name, VERSIONS[name], name)

    def stand_in(self, name: str, fault: str) -> None:
        """Install tests/support/fakes/`fault` in place of a tool, which lies beside it as `real`."""
        folder = self.program(name).parent
        real = folder.resolve() / name
        folder.unlink()
        folder.mkdir()
        (folder / "real").symlink_to(real)
        shutil.copy(STANDINS / fault, folder / name)
        toolstore.write(str(folder), toolstore.describe(str(folder / name), "go", fault))

    def template(self, name: str, text: str) -> None:
        """Add a template to the chart."""
        (self.chart / "templates" / name).write_text(text)

    def depend(self, version: str, url: str) -> None:
        """Let the chart depend on redis."""
        write_chart(self.chart, "shop", "1.0.0", [dependency("redis", version, url)])

    @contextmanager
    def started(self, door: str, sandbox: Sandbox | None = None, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start a render through one of the DOORS, in a process group of its own; `sandbox` may start cmp otherwise."""
        argv, folder, more = self._door(door)
        environment = {**self.sandbox.env(), **more, **env}
        with subprocess.Popen(
            (sandbox or self.sandbox).command(*argv),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, door: str = "render", **env: str) -> Ran:
        """Render to the end, or to the error; `prefix` is a command that starts cmp."""
        argv, folder, more = self._door(door)
        return self._run(argv, folder, {**more, **env})

    def _run(self, argv: tuple[str, ...], folder: Path, env: dict[str, str]) -> Ran:
        done = subprocess.run(
            [*self.prefix, *self.sandbox.command(*argv)],
            cwd=folder,
            env={**self.sandbox.env(), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def _door(self, door: str) -> tuple[tuple[str, ...], Path, dict[str, str]]:
        if door == "render":
            return ("render", "shop", "--cluster", "dev"), self.repository, {}
        source = "clusters/dev/shop"
        return ("generate",), self.repository / source, {"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_SOURCE_PATH": source}

    def render_calmly(self, **env: str) -> None:
        """Render the healthy application."""
        ran = self._run(("render", "calm", "--cluster", "dev"), self.repository, env)
        assert ran.code == 0, ran.stderr

    def plaintext(self) -> list[str]:
        """Search every folder that a run may write to."""
        return find_plaintext(self._searched(), self.secrets.values())

    def holds_upload(self) -> bool:
        """Say whether the decrypted upload.key lies in the private copy by now."""
        return bool(find_plaintext(self._searched(), [self.secrets["upload"]]))

    def _searched(self) -> list[Path]:
        return [*self.folders, *(folder for base in (MEMORY, DISK) for folder in Path(base).glob(f"{PREFIX}*"))]

    def processes(self) -> dict[int, str]:
        """Return what this test started and is still alive."""
        return processes_of(str(self.sandbox.folder))

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Assert that a run which ends in the block leaves nothing but a good cache."""
        before = snapshot(self.repository)
        yield
        self.check_clean()
        assert snapshot(self.repository) == before

    def check_clean(self) -> None:
        """Assert that there is no process, no private folder, no plaintext, and a cache that verifies."""
        wait_until(lambda: not self.processes())
        assert list(self.sandbox.tmp.iterdir()) == []
        assert self.plaintext() == []
        verified = self.sandbox.run("cache", "verify", cwd=self.repository)
        assert (verified.code, verified.stderr) == (0, "")


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a living process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    """Wait for the end of a run; return its exit code and stderr."""
    code = process.wait(10)
    assert process.stderr
    return code, process.stderr.read()


def stopped_by(signum: signal.Signals, where: str, door: str = "generate") -> tuple[int, bytes]:
    """Return how cmp ends when the process that was started gets a signal: exit code and stderr.

    `generate` has a renderer, which the kernel tells of its leader's end.
    """
    if door == "render":
        said = "" if signum == signal.SIGKILL else f"cmp: stopped by {signum.name} {where}\n"
    else:
        heard = signal.SIGTERM if signum == signal.SIGKILL else signum
        said = f"cmp: stopped by {heard.name} {where} (see operations.md#deadline)\n"
    return -signum if signum == signal.SIGKILL else 128 + signum, said.encode()
