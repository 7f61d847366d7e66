"""Run helm for charts: private homes, one repository each, a deadline, and another try where that can help."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.charts import faults, repositories
from cmp.errors import ChartError, DeadlineError
from cmp.system import retry
from cmp.system.process import ChildProcesses, Command, Result
from cmp.system.sandbox import Access
from cmp.system.urls import origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.context import Context
    from cmp.model import Tool
    from cmp.system.workspace import Workspace

AT_ONCE = 4  # children that fetch; more would only share the same network


class Home(NamedTuple):
    """A private place for helm that knows one repository, or none; `env` is the whole environment of a child."""

    folder: str
    env: Mapping[str, str]


class Helm:
    """One helm version in private homes below a workspace."""

    def __init__(self, tool: Tool, workspace: Workspace, context: Context) -> None:
        self.tool = tool
        self._workspace = workspace
        self._context = context
        self._homes: dict[str, Home] = {}
        self._folders = 0

    def folder(self) -> str:
        """Make a new empty folder in the workspace."""
        self._folders += 1
        return self._workspace.folder(f"charts-{self._folders}")

    def home(self, key: str = "") -> Home:
        """Return a home by its key, made at the first call; it knows no repository."""
        if key not in self._homes:
            folder = self.folder()
            self._homes[key] = Home(folder, environment(folder, self._context, fetches=bool(key)))
        return self._homes[key]

    def registry(self, url: str) -> Home:
        """Return the home for a registry, with the credentials of its host."""
        host = origin(url).netloc
        is_new = host not in self._homes
        home = self.home(host)
        if is_new:
            config = self._context.settings.helm_registry_config
            _write(home.env["HELM_REGISTRY_CONFIG"], repositories.private_registry(url, config, self._context.redactor))
        return home

    def repository(self, url: str, index: bytes) -> Home:
        """Return the home for an HTTP repository with this index: helm reads it, and no server is asked."""
        is_new = url not in self._homes
        home = self.home(url)
        if is_new:
            entry = {"name": repositories.NAME, "url": url}
            _write(home.env["HELM_REPOSITORY_CONFIG"], {"apiVersion": "v1", "repositories": [entry]})
            os.makedirs(home.env["HELM_REPOSITORY_CACHE"])
            with open(os.path.join(home.env["HELM_REPOSITORY_CACHE"], f"{repositories.NAME}-index.yaml"), "xb") as file:
                file.write(index)
        return home

    def command(self, home: Home, label: str, *arguments: str) -> Command:
        """Describe a run of helm in a home, which may fetch."""
        return Command(f"helm {label}", (self.tool.path, *arguments), home.env, cwd=home.folder)

    def offline(self, home: Home, label: str, *arguments: str) -> Command:
        """Describe a run of helm over files that are here: it sees nothing but the workspace, and reaches no host."""
        access = Access((self.tool.path,), writes=(self._workspace.path,))
        return self.command(home, label, *arguments)._replace(access=access)

    def run(self, commands: Sequence[Command]) -> list[Result]:
        """Run commands, a few at once, and those with a transient fault again, at most three times."""
        done: dict[int, Result] = {}
        again = list(range(len(commands)))
        for _ in retry.attempts(self._context.deadline):
            for start in range(0, len(again), AT_ONCE):
                batch = again[start : start + AT_ONCE]
                done |= zip(batch, self._attempt([commands[index] for index in batch]), strict=True)
            again = [index for index, result in done.items() if _may_pass(result)]
            if not again:
                break
        return [done[index] for index in range(len(commands))]

    def _attempt(self, commands: Sequence[Command]) -> list[Result]:
        whole = self._context.deadline
        deadline = retry.attempt_deadline(whole)
        with ChildProcesses(deadline) as processes:
            children = [processes.start(command) for command in commands]
            try:
                processes.wait(*children)
            except DeadlineError:
                if deadline is whole:
                    raise
            silent = Result(1, b"", f"Error: timed out after {retry.ATTEMPT_SECONDS:g} s".encode())
            return [child.result or silent for child in children]


def environment(folder: str, context: Context, *, fetches: bool = True) -> dict[str, str]:
    """Build helm's environment around an empty private folder: nothing of the user's own helm is seen or touched."""
    env = dict(context.settings.env.fetch if fetches else context.settings.env.plain)
    if context.settings.ca_file:
        env["SSL_CERT_FILE"] = context.settings.ca_file
    places = {
        name: os.path.join(folder, name.lower()) for name in ("CACHE", "CONFIG", "DATA", "PLUGINS", "CONTENT_CACHE")
    }
    return env | {
        "HOME": folder,
        "TMPDIR": folder,
        "HELM_CACHE_HOME": places["CACHE"],
        "HELM_CONFIG_HOME": places["CONFIG"],
        "HELM_DATA_HOME": places["DATA"],
        "HELM_PLUGINS": places["PLUGINS"],
        "HELM_CONTENT_CACHE": places["CONTENT_CACHE"],
        "HELM_REPOSITORY_CACHE": os.path.join(places["CACHE"], "repository"),
        "HELM_REPOSITORY_CONFIG": os.path.join(folder, "repositories.yaml"),
        "HELM_REGISTRY_CONFIG": os.path.join(folder, "registry.json"),
    }


def failed(subject: str, text: str, place: str, fault: faults.Fault | None = None) -> ChartError:
    """Make the error for a chart that could not be had; without a fault, from helm's complaint."""
    fault = fault or faults.classify(text)
    tries = f" ({retry.TRIES} tries)" if fault.is_transient else ""
    return ChartError(
        f"{subject}: {fault.meaning}{tries}: {text}", file=place, hint=fault.hint, is_external=fault.is_external
    )


def _may_pass(result: Result) -> bool:
    text = faults.complaint(result)
    return bool(text) and faults.classify(text).is_transient


def _write(path: str, content: Mapping[str, object]) -> None:
    with open(path, "x", encoding="utf-8", opener=_private) as file:
        json.dump(content, file)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
