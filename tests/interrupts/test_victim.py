"""A render beside another process of the same user that wants its values: it has its own values, or fails."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import versions
from tests.support.charts import dependency, write_chart
from tests.support.keys import RECIPIENT, encrypt, sops_tool
from tests.support.leaks import processes_of, wait_until
from tests.support.old_kernels import KERNELS, on
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.harness import Ran, Sandbox

SECRET = "the victim's own"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {password: {{ .Values.password | quote }}, filler: {{ repeat 20000 "0123456789" }}}
"""


class SlowRepository(ChartRepository):
    """A chart repository that answers when it may: until then a render waits."""

    def __init__(self, archives: Path) -> None:
        super().__init__(archives)
        self.may_answer = threading.Event()

    def admits(self, authorization: str) -> bool:
        return self.may_answer.wait(60) and super().admits(authorization)


@pytest.fixture
def repository(archives: Path) -> Iterator[SlowRepository]:
    with SlowRepository(archives) as server:
        yield server
        server.may_answer.set()


class Victim:
    """An application with a secret, whose chart waits for another chart; it runs in a thread."""

    def __init__(self, sandbox: Sandbox, repository: SlowRepository) -> None:
        self.sandbox = sandbox
        self._repository = repository
        self.root = sandbox.folder / "victim"
        chart = write_chart(
            self.root / "namespaces/shop", "shop", "1.0.0", [dependency("redis", "1.2.3", repository.url)]
        )
        (chart / "templates/map.yaml").write_text(TEMPLATE)
        (chart / "values.yaml").write_text("password: changeme\n")
        (self.root / "clusters/dev/shop").mkdir(parents=True)
        layer = chart / "common-values.secret.yaml"
        tool = sops_tool(sandbox.tools_dir)
        layer.write_bytes(encrypt(tool, sandbox.folder / layer.name, f"password: {SECRET}\n", "--age", RECIPIENT))
        self.ran: Ran | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        argocd = {"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_SOURCE_PATH": "clusters/dev/shop"}
        sandbox = replace(self.sandbox, extra={**self.sandbox.extra, **argocd})
        self.ran = sandbox.run("generate", cwd=self.root / "clusters/dev/shop")

    def held(self) -> int:
        """Start it, and return the number of its helm, which is stopped just before it reads the values."""
        self._thread.start()
        wait_until(self._helms, 60)
        (helm,) = self._helms()
        os.kill(helm, signal.SIGSTOP)
        self._repository.may_answer.set()
        wait_until(lambda: SECRET.encode() in memory_files(helm), 60)
        return helm

    def _helms(self) -> list[int]:
        return [pid for pid, argv in processes_of(str(self.sandbox.folder)).items() if "helm template" in argv]

    def end(self) -> Ran:
        """Wait for it."""
        self._thread.join()
        assert self.ran
        return self.ran

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()


def memory_files(pid: int) -> bytes:
    """Return what others can read of the memory files of a process."""
    content = b""
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        if "memfd:" in os.readlink(entry):
            content += entry.read_bytes()
    return content


def drain(pid: int) -> None:
    """Read all that can be read by a path from what a process has open: whoever takes it from a pipe, has it alone."""
    with suppress(OSError):
        for entry in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                descriptor = os.open(f"/proc/{pid}/fd/{entry}", os.O_RDONLY | os.O_NONBLOCK)
                try:
                    while os.read(descriptor, 1 << 16):
                        pass
                finally:
                    os.close(descriptor)


def password(ran: Ran) -> str:
    """Return what the victim printed; the whole of it must be there."""
    assert ran.code == 0, ran.stderr
    assert "0123456789" * 20000 in ran.stdout
    return next(line for line in ran.stdout.splitlines() if "password" in line).split('"')[1]


def test_a_reader_without_a_wall_takes_nothing_away(sandbox: Sandbox, repository: SlowRepository) -> None:
    """Not from its values, and not from what its helm prints."""
    victim = Victim(sandbox, repository)
    helm = victim.held()
    drain(helm)
    os.kill(helm, signal.SIGCONT)
    while victim.is_running:
        drain(helm)
    assert password(victim.end()) == SECRET


@pytest.mark.parametrize(
    ("version", "kernel"), [*((versions.HELM[-1], kernel) for kernel in KERNELS), (versions.HELM[0], 0)]
)
def test_a_chart_takes_nothing_away(sandbox: Sandbox, repository: SlowRepository, version: str, kernel: int) -> None:
    victim = Victim(sandbox, repository)
    helm = victim.held()
    thief = sandbox.folder / "thief"
    open_there = [name for name in os.listdir(f"/proc/{helm}/fd") if int(name) not in (0, 2)]
    write_chart(thief / "namespaces/thief", "thief", "1.0.0")
    for number in open_there:
        kind = os.readlink(f"/proc/{helm}/fd/{number}")
        if "memfd:" not in kind and not kind.startswith("socket:"):
            continue  # the gate, which has no bytes: to read it is to wait
        subchart = write_chart(thief / f"namespaces/thief/charts/fd{number}", f"fd{number}", "1.0.0")
        (subchart / "values.schema.json").write_text(json.dumps({"$ref": f"file:///proc/{helm}/fd/{number}"}))
    (thief / "clusters/dev/thief").mkdir(parents=True)
    ran = on(kernel, sandbox).run("render", "thief", "--cluster", "dev", "--helm-version", version, cwd=thief)
    assert ran.code != 0
    assert SECRET not in ran.stdout + ran.stderr
    os.kill(helm, signal.SIGCONT)
    assert password(victim.end()) == SECRET
