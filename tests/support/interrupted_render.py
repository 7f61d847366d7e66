"""An application with secrets of every kind, to be ended in the middle of a render, and the search for what is left."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from cmp.system.kernel import MEMORY
from cmp.system.workspace import DISK, PREFIX
from tests.support.charts import HELM, dependency, write_chart
from tests.support.harness import Ran, Sandbox, snapshot
from tests.support.keys import RECIPIENT, SOPS_VERSION, encrypt, sops_tool
from tests.support.leaks import find_plaintext, processes_of, wait_until
from tests.support.repository import FAKES, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CACHED = b"Argo CD keeps this error cached until a hard refresh\n"
DOORS = ("render", "generate")
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


class InterruptibleApplication(Repository):
    """The application `shop` on the cluster `dev`, beside a healthy application `calm`, and runs of cmp on them."""

    TOOLS: Mapping[str, str] = MappingProxyType(VERSIONS)

    def __init__(self, sandbox: Sandbox, sealed: Sealed) -> None:
        super().__init__(sandbox)
        self.secrets = sealed.secrets
        self.chart = self.root / self.app_folder
        self.prefix: list[str] = []
        self.folders = [sandbox.folder]  # what is searched afterwards
        self.plant(sealed)
        self.use_tools(self.TOOLS)

    def plant(self, sealed: Sealed) -> None:
        """Write both applications."""
        for name in ("shop", "calm"):
            write_chart(self.root / "namespaces" / name, name, "1.0.0")
        self.write(sealed.files)
        pins = ", ".join(f"{name}: {version}" for name, version in self.TOOLS.items())
        pinned = f"tools: {{{pins}}}\n"  # or each run begins with a warning
        self.write(
            {
                "clusters/dev/calm/.keep": "",
                "namespaces/calm/common-values-calm.yaml": "a: 1\n",
                "namespaces/calm/cmp-app.yaml": pinned,
                f"{self.app_folder}/cmp-app.yaml": f"{pinned}secrets: {{files: [files/slow.key, files/upload.key]}}\n",
            }
        )
        self.template("secret.yaml", TEMPLATE)

    def program(self, name: str) -> Path:
        """Return where the store has the program of a tool."""
        return Path(self.sandbox.tools_dir, name, self.TOOLS[name], name)

    def install_fake(self, name: str, fault: str) -> None:
        """Install tests/support/fakes/`fault` in place of a tool, which lies beside it as `real`."""
        self.replace_tool(name, self.TOOLS[name], (FAKES / fault).read_text())

    def template(self, name: str, text: str) -> None:
        """Add a template to the chart."""
        (self.chart / "templates" / name).write_text(text)

    def depend(self, version: str, url: str) -> None:
        """Let the chart depend on redis."""
        write_chart(self.chart, "shop", "1.0.0", [dependency("redis", version, url)])

    @contextmanager
    def started(self, command: str, sandbox: Sandbox | None = None, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start a render through one of the DOORS, in a process group of its own; `sandbox` may start cmp otherwise."""
        argv, folder, more = self._door(command)
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

    def run_to_the_end(self, door: str = "render", **env: str) -> Ran:
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
        return Ran.of(done)

    def _door(self, door: str) -> tuple[tuple[str, ...], Path, dict[str, str]]:
        if door == "render":
            return ("render", "shop", "--cluster", "dev"), self.root, {}
        source = "clusters/dev/shop"
        return ("generate",), self.root / source, {"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_SOURCE_PATH": source}

    def render_calmly(self, **env: str) -> None:
        """Render the healthy application."""
        ran = self._run(("render", "calm", "--cluster", "dev"), self.root, env)
        assert ran.code == 0, ran.stderr

    def plaintext(self) -> list[str]:
        """Search every folder that a run may write to."""
        return find_plaintext(self._searched(), self.secrets.values())

    def holds_upload(self) -> bool:
        """Return whether the decrypted upload.key lies in the private copy by now."""
        return bool(find_plaintext(self._searched(), [self.secrets["upload"]]))

    def _searched(self) -> list[Path]:
        return [*self.folders, *(folder for base in (MEMORY, DISK) for folder in Path(base).glob(f"{PREFIX}*"))]

    def processes(self) -> dict[int, str]:
        """Return what this test started and is still alive."""
        return processes_of(str(self.sandbox.folder))

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Assert that a run which ends in the block leaves nothing but a good cache."""
        before = snapshot(self.root)
        yield
        self.check_clean()
        assert snapshot(self.root) == before

    def check_clean(self) -> None:
        """Assert that there is no process, no private folder, no plaintext, and a cache that verifies."""
        wait_until(lambda: not self.processes())
        assert list(self.sandbox.tmp.iterdir()) == []
        assert self.plaintext() == []
        verified = self.sandbox.run("cache", "verify", cwd=self.root)
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

    `generate` has a renderer, which the kernel tells of its supervisor's end.
    """
    if door == "render":
        said = "" if signum == signal.SIGKILL else f"cmp: stopped by {signum.name} {where}\n"
    else:
        heard = signal.SIGTERM if signum == signal.SIGKILL else signum
        said = f"cmp: stopped by {heard.name} {where} (see operations.md#deadline)\n"
    return -signum if signum == signal.SIGKILL else 128 + signum, said.encode()
