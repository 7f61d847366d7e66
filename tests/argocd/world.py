"""A running Argo CD and the verbs of the tests."""

from __future__ import annotations

import itertools
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.argocd import caller, cluster, redis
from tests.argocd.applications import REFRESH, condition, describe, refreshed, synced
from tests.argocd.git import Repository
from tests.argocd.installation import NAMESPACE, install
from tests.argocd.services import Services
from tests.argocd.sidecar import Sidecars

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Literal

    from tests.argocd.caller import Answer
    from tests.argocd.kube import Object
    from tests.argocd.processes import Process
    from tests.argocd.programs import Programs
    from tests.argocd.services import RepoServer
    from tests.argocd.sidecar import Sidecar

FINALIZER = "resources-finalizer.argocd.argoproj.io/background"  # nobody here collects garbage
WAIT_SECONDS = 60.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.5  # the longer it takes, the longer: asking is work for the API server
TOUCH_SECONDS = 5.0
TOUCHED = "tests/touched"
STORY_LINES, STORY_CHARACTERS = 6, 300  # of each process


class ArgoCD:
    """All processes of the control plane of an Argo CD, in a folder of their own.

    An application is called by its name, or ``namespace/name`` where it lies in another namespace than `argocd`.
    """

    def __init__(self, folder: Path, programs: Programs, tools_dir: str, join: Callable[[Process], Process]) -> None:
        """Start everything and wait until it is ready; `join` gets each process, and kills it in the end."""
        self.folder = folder
        self.programs = programs
        self._numbers = itertools.count(1)
        self._logs = folder / "logs"
        self._logs.mkdir()
        kubernetes = cluster.start(folder / "kubernetes", self.programs, join)
        self.kube = kubernetes.kube
        self.services = Services(folder, self.programs, self.kube.config, join)
        self._sidecars = Sidecars(folder, self.services.plugins, self.programs, tools_dir, join)
        self.redis_server = self.services.start_redis()
        self.repo_server = self.services.start_repo_server("repo-server")
        self.cmp = self.sidecar("cmp")
        kubernetes.api_server.wait_ready()
        install(self.kube, self.programs)
        self.controller = self.services.start_application_controller(self.repo_server.address)
        self.applicationset_controller = self.services.start_applicationset_controller(self.repo_server.address)
        for service in (self.redis_server, self.repo_server.process, self.controller, self.applicationset_controller):
            service.wait_ready()

    @property
    def kube_version(self) -> str:
        """The version of Kubernetes that the plugin is told for an Application."""
        found = str(json.loads(self.kube.raw("GET", "/version"))["gitVersion"]).removeprefix("v")
        return found if self.programs.is_since("3.3.3") else ".".join(found.split(".")[:2])

    def repository(self) -> Repository:
        """Return a new, empty Git repository."""
        return Repository(self.folder / "repositories" / str(next(self._numbers)))

    def sidecar(self, name: str, **env: str) -> Sidecar:
        """Start one more plugin, `name`, with more variables: for the whole session, or for a ``with`` block."""
        return self._sidecars.start(name, env)

    def repo_server_with(self, *flags: str, **env: str) -> RepoServer:
        """Start one more repo-server, with more flags and variables, for requests of the tests."""
        server = self.services.start_repo_server(f"repo-server-{next(self._numbers)}", *flags, **env)
        server.process.wait_ready()
        return server

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """Apply objects server-side."""
        self.kube.apply(*manifests)

    def app(self, name: str) -> Object:
        """Return an Application as it is now."""
        return self.kube.get("Application", *_named(name))

    def condition(self, name: str) -> str:
        """Return the texts of an Application's conditions."""
        return condition(self.app(name))

    def refresh(self, name: str, *, hard: bool = True, seconds: float = WAIT_SECONDS) -> Object:
        """Let an Application be compared with Git, and return it when that is done: its state is not an older one.

        With automated sync an operation may have been started; `wait` waits for its end.
        """
        self.ask_refresh(name, hard=hard)
        return self.wait(name, refreshed, seconds)

    def ask_refresh(self, *names: str, hard: bool = True) -> None:
        """Ask for a refresh of Applications without waiting for it."""
        annotations = {REFRESH: "hard" if hard else "normal"}
        for name in names:
            self.kube.patch("Application", *_named(name), {"metadata": {"annotations": annotations}})

    def wait(self, name: str, until: Callable[[Object], bool] = synced, seconds: float = WAIT_SECONDS) -> Object:
        """Return an Application when `until(application)` holds; AssertionError shows its state when it never does.

        It need not exist yet: an ApplicationSet may be about to make it.
        """
        begin = touched = time.monotonic()
        while not ((app := self._find(name)) and until(app)):
            now = time.monotonic()
            if now > begin + seconds:
                raise AssertionError(f"{name} is not {until.__name__} after {seconds:g} s: {self._story(name, app)}")
            if app and now > touched + TOUCH_SECONDS:
                self.touch(name)
                touched = now
            time.sleep(min(max(SHORTEST_PAUSE, (now - begin) / 10), LONGEST_PAUSE))
        return app

    def touch(self, name: str) -> None:
        """Change an Application in a way that means nothing, so that the controller looks at it once more.

        The controller may overlook a change that comes at the moment in which it writes a status: it puts what it has
        written into its cache, over the newer object (writeBackToInformer in controller/appcontroller.go).
        """
        patch = {"metadata": {"annotations": {TOUCHED: str(next(self._numbers))}}}
        with suppress(LookupError):  # it has gone meanwhile
            self.kube.patch("Application", *_named(name), patch)

    def _story(self, name: str, app: Object | None) -> str:
        """Tell how an Application is, and the last that was logged about it."""
        state = describe(app) if app else "it does not exist"
        lines = [
            f"{process}: {line[:STORY_CHARACTERS]}"
            for process, text in self.logs().items()
            for line in [line for line in text.splitlines() if _named(name)[0] in line][-STORY_LINES:]
        ]
        return "\n".join([state, *lines])

    def delete(self, name: str, seconds: float = WAIT_SECONDS) -> None:
        """Delete an Application with all that it made, and return when both are gone."""
        self.kube.patch("Application", *_named(name), {"metadata": {"finalizers": [FINALIZER]}})
        self.kube.delete("Application", *_named(name))
        end = time.monotonic() + seconds
        while app := self._find(name):
            assert time.monotonic() < end, f"{name} is not deleted after {seconds:g} s: {describe(app)}"
            time.sleep(SHORTEST_PAUSE)

    def manifests(
        self,
        app: Object,
        *,
        server: RepoServer | None = None,
        deadline: float = 0,
        kube_version: str = caller.KUBE_VERSION,
        api_versions: Sequence[str] = (),
    ) -> list[Object]:
        """Return the answer of a repo-server for an Application, which need not exist; RequestError if it refuses.

        `deadline` is the request's, in seconds; 0: no deadline.
        """
        asked = caller.request(app, kube_version=kube_version, api_versions=api_versions)
        return caller.manifests_of(self.ask("manifests", asked, server=server, deadline=deadline)[0])

    def details(self, app: Object, *, server: RepoServer | None = None, deadline: float = 0) -> list[Object]:
        """Return the parameters that the plugin announces for an Application, as the user interface gets them."""
        found = self.ask("details", caller.request(app), server=server, deadline=deadline)[0].answer
        return list(found["plugin"].get("parametersAnnouncement", []))

    def ask(
        self,
        verb: Literal["manifests", "details"],
        *requests: Mapping[str, Any],
        server: RepoServer | None = None,
        deadline: float = 0,
        rounds: int = 1,
    ) -> list[Answer]:
        """Send each `caller.request` to a repo-server, one after the other and that in `rounds`, over one connection.

        `deadline` is that of one request.
        """
        address = (server or self.repo_server).address
        body = {"server": address, "deadline": deadline, "rounds": rounds, "requests": requests}
        return caller.call(self.programs.caller, verb, body)

    def logs(self) -> dict[str, str]:
        """Return what each process has printed so far, by its name."""
        return {path.stem: path.read_text("utf-8", "replace") for path in sorted(self._logs.iterdir())}

    def events(self) -> list[Object]:
        """Return the Events of all namespaces."""
        return self.kube.list("Event")

    def redis(self) -> dict[str, bytes]:
        """Return all that Argo CD has cached, by key, unpacked."""
        return redis.dump(self.services.redis_port)

    def _find(self, name: str) -> Object | None:
        return self.kube.find("Application", *_named(name))


def _named(name: str) -> tuple[str, str]:
    """Return name and namespace of an application."""
    namespace, _, short = name.rpartition("/")
    return short, namespace or NAMESPACE
