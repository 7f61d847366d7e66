"""Argo CD's own processes: repo-server, application-controller, applicationset-controller; and its Redis."""

from __future__ import annotations

import os
import urllib.request
from typing import TYPE_CHECKING, NamedTuple

from tests.argocd import redis
from tests.argocd.installation import NAMESPACE
from tests.argocd.processes import FEW_COLLECTIONS, PATH, Process, Program, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.argocd.programs import Programs


class RepoServer(NamedTuple):
    """A repo-server and its address, ``host:port``."""

    process: Process
    address: str


class Services:
    """Starts services in a folder; each is a link to the one program of Argo CD, which acts by its name."""

    def __init__(self, folder: Path, programs: Programs, config: Path, join: Callable[[Process], Process]) -> None:
        self._folder = folder
        self._logs = folder / "logs"
        self._programs = programs
        self._config = config
        self._join = join
        self.plugins = folder / "plugins"
        self.plugins.mkdir()
        (self.redis_port,) = free_ports(1)
        self._databases = 0

    def start_redis(self) -> Process:
        """Start Redis: in memory only."""
        settings = ("--bind", "127.0.0.1", "--port", str(self.redis_port), "--save", "", "--dir", str(self._folder))
        program = Program("redis-server", (str(self._programs.redis_server), *settings), {"PATH": PATH})
        return self._join(Process(program, self._logs, lambda: redis.is_ready(self.redis_port)))

    def start_repo_server(self, name: str, *flags: str, **env: str) -> RepoServer:
        """Start a repo-server; each has a Redis database of its own, so none answers from what another has kept."""
        port, metrics = free_ports(2)
        without_certificates = ("--client-ca-path=",) if self._programs.is_since("3.5") else ()
        argv = (
            *("--disable-tls", *without_certificates, "--address=127.0.0.1", f"--port={port}"),
            *("--metrics-address=127.0.0.1", f"--metrics-port={metrics}"),
            *(f"--redis=127.0.0.1:{self.redis_port}", f"--redisdb={self._databases}"),
            *flags,
        )
        self._databases += 1
        health = f"http://127.0.0.1:{metrics}/healthz?full=true"
        return RepoServer(self._start("argocd-repo-server", name, argv, health, env), f"127.0.0.1:{port}")

    def start_application_controller(self, repo_server: str) -> Process:
        """Start it; it compares an Application when that changes, or when it is asked to, and at no other time."""
        (metrics,) = free_ports(1)
        argv = (
            *(f"--repo-server={repo_server}", "--repo-server-plaintext", f"--redis=127.0.0.1:{self.redis_port}"),
            *(f"--namespace={NAMESPACE}", "--application-namespaces=*", f"--metrics-port={metrics}"),
            *("--app-resync=0", "--app-resync-jitter=0"),
        )
        health = f"http://127.0.0.1:{metrics}/healthz"
        return self._start("argocd-application-controller", "application-controller", argv, health)

    def start_applicationset_controller(self, repo_server: str) -> Process:
        """Start it; it has no check of its health, but it shows its metrics only when it works."""
        metrics, probe, webhook = free_ports(3)
        argv = (
            *(f"--argocd-repo-server={repo_server}", "--repo-server-plaintext", f"--namespace={NAMESPACE}"),
            *(f"--metrics-addr=127.0.0.1:{metrics}", f"--probe-addr=127.0.0.1:{probe}"),
            f"--webhook-addr=127.0.0.1:{webhook}",
        )
        health = f"http://127.0.0.1:{metrics}/metrics"
        return self._start("argocd-applicationset-controller", "applicationset-controller", argv, health)

    def _start(
        self, program: str, name: str, argv: tuple[str, ...], health: str, env: Mapping[str, str] | None = None
    ) -> Process:
        folder = self._folder / name
        folder.mkdir()
        (folder / program).symlink_to(self._programs.argocd)
        variables = {
            **FEW_COLLECTIONS,
            "PATH": f"{self._programs.wrappers}:{PATH}",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "KUBECONFIG": str(self._config),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_PLUGINSOCKFILEPATH": str(self.plugins),
            "ARGOCD_ASK_PASS_SOCK": str(folder / "ask-pass.sock"),
            **{f"ARGOCD_{kind}_DATA_PATH": str(folder) for kind in ("TLS", "SSH", "GPG")},
            **(env or {}),
        }
        argv = (str(folder / program), *argv, "--logformat=text")
        return self._join(Process(Program(name, argv, variables), self._logs, lambda: answers(health)))


def answers(url: str) -> bool:
    """Return whether a URL of loopback answers with success."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5):
            return True
    except OSError:
        return False
