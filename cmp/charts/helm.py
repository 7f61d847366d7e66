"""Run helm for charts: private homes, one repository each, a deadline, and another try where that can help."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from cmp import retries
from cmp.charts import faults, repositories
from cmp.errors import ChartError, DeadlineError
from cmp.proc import Command, Nursery, Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.context import Context
    from cmp.model import Tool
    from cmp.workspace import Workspace

AT_ONCE = 4  # children that fetch; more would only share the same network


class Home(NamedTuple):
    """A private place for helm that knows one repository.

    `env` is the whole environment of a child, `flags` what `helm pull` does not take from the configuration by itself.
    """

    url: str
    folder: str
    env: Mapping[str, str]
    flags: tuple[str, ...] = ()


class Helm:
    """One helm version in private homes below a workspace."""

    def __init__(self, tool: Tool, workspace: Workspace, context: Context) -> None:
        self.tool = tool
        self._workspace = workspace
        self._context = context
        self._homes: dict[str, Home] = {}
        self._indexed: set[str] = set()
        self._folders = 0

    def folder(self) -> str:
        """Make a new empty folder in the workspace."""
        self._folders += 1
        return self._workspace.folder(f"charts-{self._folders}")

    def home(self, url: str = "") -> Home:
        """Return the home for a repository (made at the first call), or one that knows none."""
        if url not in self._homes:
            folder = self.folder()
            home = Home(url, folder, environment(folder, self._context))
            self._homes[url] = self._configured(home) if url else home
        return self._homes[url]

    def _configured(self, home: Home) -> Home:
        settings, redactor = self._context.settings, self._context.redactor
        if home.url.startswith("oci://"):
            content = repositories.private_registry(home.url, settings.helm_registry_config, redactor)
            path = home.env["HELM_REGISTRY_CONFIG"]
        else:
            entries = repositories.load(settings.helm_repository_config)
            content = repositories.private_repositories(home.url, entries, redactor)
            path = home.env["HELM_REPOSITORY_CONFIG"]
        with open(path, "x", encoding="utf-8", opener=_private) as file:
            json.dump(content, file)
        return home._replace(flags=repositories.flags(content))

    def command(self, home: Home, label: str, *arguments: str) -> Command:
        """Describe a run of helm in a home."""
        return Command(f"helm {label}", (self.tool.path, *arguments), home.env, cwd=home.folder)

    def index(self, urls: Sequence[str]) -> dict[str, str]:
        """Fetch the indexes of HTTP repositories, each once in the life of this object; return complaints by URL."""
        wanted = [url for url in dict.fromkeys(urls) if url not in self._indexed and not url.startswith("oci://")]
        commands = [self.command(self.home(url), f"repo update ({url})", "repo", "update") for url in wanted]
        complaints = dict(zip(wanted, map(faults.complaint, self.run(commands)), strict=True))
        self._indexed |= {url for url, text in complaints.items() if not text}
        return {url: text for url, text in complaints.items() if text}

    def run(self, commands: Sequence[Command]) -> list[Result]:
        """Run commands, a few at once, and those with a passing fault again, at most three times."""
        done: dict[int, Result] = {}
        for attempt in range(retries.TRIES):
            again = [index for index in range(len(commands)) if index not in done or _may_pass(done[index])]
            if again:
                retries.pause(attempt, self._context.deadline.remaining())
            for start in range(0, len(again), AT_ONCE):
                batch = again[start : start + AT_ONCE]
                done |= zip(batch, self._attempt([commands[index] for index in batch]), strict=True)
        return [done[index] for index in range(len(commands))]

    def _attempt(self, commands: Sequence[Command]) -> list[Result]:
        whole = self._context.deadline
        deadline = whole.sooner(retries.ATTEMPT_SECONDS) if whole.remaining() > retries.ATTEMPT_SECONDS else whole
        with Nursery(deadline) as nursery:
            children = [nursery.start(command) for command in commands]
            try:
                nursery.wait(*children)
            except DeadlineError:
                if deadline is whole:
                    raise
            silent = Result(1, b"", f"Error: timed out after {retries.ATTEMPT_SECONDS:g} s".encode())
            return [child.result or silent for child in children]


def environment(folder: str, context: Context) -> dict[str, str]:
    """Build helm's environment around an empty private folder: nothing of the user's own helm is seen or touched."""
    env = dict(context.settings.env.fetch)
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


def failed(subject: str, text: str, place: str) -> ChartError:
    """Make the error for a chart that could not be had, from helm's complaint."""
    fault = faults.classify(text)
    tries = f" ({retries.TRIES} tries)" if fault.passing else ""
    return ChartError(f"{subject}: {fault.meaning}{tries}: {text}", file=place, hint=fault.hint, foreign=fault.foreign)


def _may_pass(result: Result) -> bool:
    text = faults.complaint(result)
    return bool(text) and faults.classify(text).passing


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
