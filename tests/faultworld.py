"""One application with everything that can go wrong: secrets in layers and in a file, a chart of a repository."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml

from cmp import toolstore
from tests.harness import AGE_KEY_FILE, Ran, Sandbox, snapshot
from tests.keyring import SOPS_VERSION, encrypt, sops_tool
from tests.leaks import find_plaintext, processes_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HELM_VERSION = "3.18.6"  # the default pins
VERSIONS = {"helm": HELM_VERSION, "sops": SOPS_VERSION}
STANDINS = Path(__file__).parent / "standins"
LAYER_SECRET = "unique-layer-plaintext-7f3a"
FILE_SECRET = "unique-file-plaintext-92cd"
SECRETS = (LAYER_SECRET, FILE_SECRET)
APP = "namespaces/app"
SECRET_FILE = f"{APP}/files/token.key"
SECRET_LAYER = f"{APP}/common-values.secret.yaml"
SLOW_FILE = f"{APP}/templates/slow.yaml"
CHART = "backend"  # the dependency
CHART_VERSION = "1.2.3"
VERBS = ("render", "generate")

TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: demo}
stringData:
  password: {{ .Values.password | quote }}
  token: {{ .Files.Get "files/token.key" | quote }}
"""
SLOW_TEMPLATE = "{{ range until 30000 }}{{ range until 30000 }}{{ end }}{{ end }}\n"  # minutes


class Sealed(NamedTuple):
    """The encrypted files, which every test can share."""

    layer: bytes
    file: bytes


def seal(folder: Path, tools_dir: str) -> Sealed:
    """Encrypt the secrets by the real sops."""
    recipient = AGE_KEY_FILE.read_text().partition("public key: ")[2].split()[0]
    texts = {"values.yaml": f"password: {LAYER_SECRET}\n", "token.key": f"{FILE_SECRET}\n" * 20}
    tool = sops_tool(tools_dir)
    return Sealed(*(encrypt(tool, folder / name, text, "--age", recipient) for name, text in texts.items()))


class FaultWorld:
    """A repository in `sandbox`/repository, and runs of cmp in it."""

    def __init__(self, sandbox: Sandbox, sealed: Sealed, chart_repository: str) -> None:
        self.sandbox = sandbox
        self.repository = sandbox.folder / "repository"
        self._real_tools = sandbox.tools_dir
        dependencies = [{"name": CHART, "version": CHART_VERSION, "repository": chart_repository}]
        self.write(
            {
                ".git/HEAD": "ref: refs/heads/main\n",
                f"{APP}/Chart.yaml": json.dumps(
                    {"apiVersion": "v2", "name": "app", "version": "0.1.0", "dependencies": dependencies}
                ),
                f"{APP}/templates/secret.yaml": TEMPLATE,
                f"{APP}/cmp-app.yaml": "secrets: {files: [files/token.key]}\n",
                SECRET_FILE: sealed.file,
                SECRET_LAYER: sealed.layer,
                "clusters/dev/app/dev-values.yaml": "size: 1\n",
            }
        )

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files of the repository."""
        for name, content in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def argv(self, verb: str) -> list[str]:
        """Return the arguments of a run by a person, or by Argo CD."""
        return [verb] if verb == "generate" else [verb, "app", "--cluster", "dev"]

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment of a run; what Argo CD sets does not disturb `render`."""
        argo = {
            "ARGOCD_APP_NAME": "app",
            "ARGOCD_APP_NAMESPACE": "app",
            "ARGOCD_APP_SOURCE_PATH": APP,
            "CMP_CLUSTER": "dev",
        }
        return {**self.sandbox.env(), **argo, **more}

    def start(
        self, verb: str, *, paused: str = "", limit: Callable[[], object] | None = None, stdout: int | None = None, **env: str
    ) -> Running:
        """Start cmp; `paused` names a phase in which it then stays, `limit` runs in the new process before cmp."""
        program = ["-m", "cmp"] if not paused else [str(STANDINS / "paused.py"), paused, str(self.marker)]
        process = subprocess.Popen(
            [sys.executable, *program, *self.argv(verb)],
            cwd=self.repository / APP,
            env=self.env(**env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            preexec_fn=limit,
        )
        return Running(process)

    def run(self, verb: str, **arguments: object) -> Ran:
        """Run cmp to its end; the arguments are those of `start`."""
        return self.start(verb, **arguments).end()  # type: ignore[arg-type]

    @property
    def marker(self) -> Path:
        """The file by which a stand-in says that it got as far as it should."""
        return self.sandbox.folder / "marker"

    def stand_in(self, tool: str, name: str, **settings: object) -> Path:
        """Put tests/standins/`name`.py into the tool store in the place of a tool, and return its path."""
        source = (STANDINS / f"{name}.py").read_text()
        program = self.install(tool, f"#!{sys.executable} -IS\n{source}".encode())
        real = f"{self._real_tools}/{tool}/{VERSIONS[tool]}/{tool}"
        known = {"REAL": real, "MARKER": str(self.marker), **settings}
        program.with_name("settings.json").write_text(json.dumps(known))
        return program

    def install(self, tool: str, content: bytes) -> Path:
        """Put a program into a tool store of this test's own, which has the other tools from the real one."""
        tools = self.sandbox.folder / "tools"
        for other, version in VERSIONS.items():
            (tools / other).mkdir(parents=True, exist_ok=True)
            if other != tool and not (tools / other / version).exists():
                (tools / other / version).symlink_to(f"{self._real_tools}/{other}/{version}")
        program = tools / tool / VERSIONS[tool] / tool
        program.parent.mkdir()
        program.write_bytes(content)
        program.chmod(0o755)
        toolstore.write(str(program.parent), toolstore.describe(str(program), "release", ""))
        self.sandbox.tools_dir = str(tools)
        return program

    def heal(self) -> None:
        """Take away what made the run slow, or fail."""
        self.sandbox.tools_dir = self._real_tools
        (self.repository / SLOW_FILE).unlink(missing_ok=True)

    def check_aftermath(self) -> None:
        """Assert that nothing is left: no process, no plaintext, no private folder, no damage to the cache."""
        self.check_no_process()
        assert find_plaintext([self.sandbox.folder], SECRETS) == []
        assert [path.name for path in self.sandbox.tmp.glob("*")] == []
        verified = self.sandbox.run("cache", "verify", cwd=self.sandbox.folder)
        assert (verified.code, verified.stderr) == (0, ""), verified.stdout

    def check_no_process(self) -> None:
        """Assert that all processes which the run started end at once."""
        wait_until(lambda: not processes_of(str(self.sandbox.folder)), 3)

    def render_again(self) -> None:
        """Assert that the next run works as if nothing had happened."""
        self.heal()
        ran = self.run("render")
        assert ran.code == 0, ran.stderr
        documents = [document for document in yaml.safe_load_all(ran.stdout) if document["kind"] == "Secret"]
        assert documents[0]["stringData"] == {"password": LAYER_SECRET, "token": f"{FILE_SECRET}\n" * 20}

    def holds_plaintext(self) -> bool:
        """Say whether a run has put plaintext into its private folder by now."""
        try:
            return bool(find_plaintext([self.sandbox.tmp], SECRETS))
        except OSError:  # a file went while it was looked at
            return False

    def helm_works(self) -> bool:
        """Say whether helm has its input and renders: its start takes a tenth of that time."""
        children = [pid for pid, arguments in processes_of(str(self.sandbox.folder)).items() if " template " in arguments]
        return self.holds_plaintext() and any(cpu_seconds(pid) > 0.5 for pid in children)


class Running:
    """A run of cmp under way."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def send(self, signum: signal.Signals) -> Ran:
        """Send a signal and wait for the end."""
        assert self.process.poll() is None, self.end()
        self.process.send_signal(signum)
        return self.end()

    def end(self) -> Ran:
        """Wait for the end."""
        with self.process:
            stdout, stderr = self.process.communicate(timeout=60)
        return Ran(self.process.returncode, (stdout or b"").decode(), stderr.decode())


def cpu_seconds(pid: int) -> float:
    """Return the time that a process has worked so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
