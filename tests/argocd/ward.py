"""An application in front of a sidecar of its own, ended in mid-render, and the proof that nothing is left of that."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tests.argocd.applications import application
from tests.argocd.caller import RequestError
from tests.argocd.sampling import children_of
from tests.support.interrupted_render import SLOW, cpu_seconds
from tests.support.leaks import processes_of, wait_until
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.argocd.kube import Object
    from tests.argocd.sidecar import Sidecar
    from tests.argocd.world import ArgoCD
    from tests.support.interrupted_render import InterruptibleApplication

AT_ONCE_SECONDS = 15.0
"""Plenty for a render that nobody holds up, and far less than one that has to wait for a turn or a lock is given."""

SHOP, CALM = "clusters/dev/shop", "clusters/dev/calm"
GONE_SECONDS, POLL_SECONDS = 20.0, 0.1
WORK_SECONDS = 0.3  # of processor time: by then helm has long started


class Ward:
    """An `InterruptibleApplication` as one sidecar renders it: `shop`, which is struck, and `calm`, which is not."""

    def __init__(self, argocd: ArgoCD, sidecar: Sidecar, patient: InterruptibleApplication) -> None:
        self.argocd = argocd
        self.sidecar = sidecar
        self.patient = patient
        self.repository = argocd.repository()
        (patient.root / CALM / "dev-values.yaml").touch()  # Git keeps no empty folders
        patient.folders += [sidecar.sandbox.folder, argocd.folder / "logs"]

    def commit(self) -> None:
        """Commit the patient's tree as it is now."""
        self.repository.commit(tree=self.patient.root)

    def app(self, name: str = "shop") -> Object:
        """Return the Application of `shop` or of `calm`, for a request."""
        return application(name, self.repository.url, f"clusters/dev/{name}", plugin=self.sidecar.name, to="ward")

    @contextmanager
    def asked(self, *, deadline: float = 0) -> Iterator[Future[str]]:
        """Ask for the manifests of `shop` beside the block; yield what will be the message of the refusal."""
        with ThreadPoolExecutor(1) as thread:
            yield thread.submit(self._refusal, deadline)

    def _refusal(self, deadline: float) -> str:
        try:
            self.argocd.manifests(self.app(), deadline=deadline)
        except RequestError as refused:
            return str(refused)
        return "no refusal"

    def processes(self) -> dict[int, str]:
        """Return what the sidecar has started and is still alive, with its arguments."""
        found = processes_of(str(self.sidecar.sandbox.folder))
        return {pid: arguments for pid, arguments in found.items() if pid != self.sidecar.process.pid}

    def supervisor(self) -> int:
        """Return the process that argocd-cmp-server has started for the one render."""
        (supervisor,) = children_of(self.sidecar.process.pid)
        return supervisor

    def renderer(self) -> int:
        """Return the supervisor's child."""
        (renderer,) = children_of(self.supervisor())
        return renderer

    def check_nothing_left(self) -> None:
        """Assert that no process of a render is there, no private folder, no plaintext, and that the cache is good."""
        end = time.monotonic() + GONE_SECONDS
        while left := self._left():  # a controller may have asked once more, and that render ends as well
            assert time.monotonic() < end, left
            time.sleep(POLL_SECONDS)
        sandbox = self.sidecar.sandbox
        verified = sandbox.run("cache", "verify", cwd=self.repository.folder)
        assert (verified.code, verified.stderr) == (0, "")

    def _left(self) -> list[str]:
        folders = self.sidecar.work / "_cmp_server", self.sidecar.sandbox.tmp
        files = [str(path) for folder in folders for path in folder.iterdir()]
        return [*self.processes().values(), *files, *self.patient.plaintext()]

    def check_calm(self) -> None:
        """Assert that another application renders at once, and that nobody is left in the queue."""
        assert self.argocd.manifests(self.app("calm"), deadline=AT_ONCE_SECONDS)
        wait_until(lambda: [path.name for path in (self.sidecar.sandbox.state / "renders").iterdir()] == ["door"])

    def check_recovered(self) -> None:
        """Assert that `shop` renders, with all its secrets, when it is asked for again."""
        self.check_calm()
        objects = self.argocd.manifests(self.app(), deadline=AT_ONCE_SECONDS)
        (secret,) = (each for each in objects if each["kind"] == "Secret")
        secrets = self.patient.secrets
        expected = {"all": f"{secrets['common']} {secrets['cluster']}", "upload": secrets["upload"]}
        assert {key: text.strip() for key, text in secret["stringData"].items()} == expected
        self.check_nothing_left()


class Stop(NamedTuple):
    """Where a render was brought to a stop: how to see that it is there, what its last word says, and its deadline."""

    is_reached: Callable[[], object]
    where: str
    slow: str


@contextmanager
def in_charts(ward: Ward, archives: Path) -> Iterator[Stop]:
    """Wait for a chart repository that does not answer, until the block ends."""
    with ChartRepository(archives) as repository:
        ward.patient.depend("1.2.3", repository.url)
        ward.commit()
        repository.fault("/redis-1.2.3.tgz", body="hang")
        chart = f"chart redis 1.2.3 of {repository.url}"
        yield Stop(
            is_reached=lambda: "/redis-1.2.3.tgz" in repository.requests,
            where=f"in phase charts, waiting for {chart}",
            slow=f"{chart} was still coming from 127.0.0.1:{repository.server_port}",
        )
        repository.fault("/redis-1.2.3.tgz", times=0)
        ward.check_recovered()


@contextmanager
def in_helm(ward: Ward, archives: Path) -> Iterator[Stop]:  # noqa: ARG001  # one signature for all phases
    """Wait for a template that takes minutes, until the block ends; everything is decrypted."""
    ward.patient.template("slow.yaml", SLOW)
    ward.commit()

    def is_at_work() -> bool:
        helms = [pid for pid, arguments in ward.processes().items() if "helm template" in arguments]
        return ward.patient.holds_upload() and any(cpu_seconds(pid) > WORK_SECONDS for pid in helms)

    yield Stop(is_at_work, "in phase helm, waiting for helm template", "helm template was still running")
    ward.patient.template("slow.yaml", "")
    ward.commit()
    ward.check_recovered()


PHASES: dict[str, Callable[[Ward, Path], AbstractContextManager[Stop]]] = {"charts": in_charts, "helm": in_helm}


def last_word(stop: Stop) -> str:
    """Return what a renderer says that is stopped there."""
    return f"cmp: stopped by SIGTERM {stop.where} (see operations.md#deadline)"
