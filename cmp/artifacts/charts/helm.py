"""Run helm for charts: private homes, one repository each, a deadline, and another try where that can help.

The exit code of helm is 1 for every error, so that the table of faults goes by its texts.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import faults
from cmp.artifacts.charts import repositories
from cmp.artifacts.faults import Fault
from cmp.errors import DeadlineError
from cmp.system import retry
from cmp.system.process import ChildProcesses, Command, Result
from cmp.system.sandbox import Access
from cmp.system.urls import origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.context import Context
    from cmp.errors import ChartError
    from cmp.model import Tool
    from cmp.system.workspace import Workspace

AT_ONCE = 4  # children that fetch at the same time; more would only share the same network

CREDENTIALS = "put the credentials into the files that HELM_REPOSITORY_CONFIG and HELM_REGISTRY_CONFIG name"
PLAIN_HTTP = "server gave HTTP response to HTTPS client"

CERTIFICATE = Fault("its certificate is not trusted", "let CMP_CA_FILE name its authority")
OTHER_CREDENTIALS = Fault("it wants other credentials", CREDENTIALS)
FORBIDDEN = Fault("it forbids the access", CREDENTIALS)
NO_VERSION = Fault("it has no such chart or version", "check name and version", is_external=False)
NOTHING = Fault("it has no such thing", "check repository, name and version", is_external=False)
REFUSED = Fault("it refuses to give it")
BUSY = Fault("it asks to slow down", is_transient=True)
FAILED = Fault("it failed", is_transient=True)
NO_CONNECTION = Fault("no connection", is_transient=True)
CUT = Fault("it ended the connection early", is_transient=True)
SILENT = Fault("it took too long", is_transient=True)
NO_LOOKUP = Fault("its name cannot be looked up", is_transient=True)
NO_INDEX = Fault("it gives no index of charts", "check its URL")
NO_HOST = Fault("there is no such host", "check the URL of the repository", is_external=False)
UNKNOWN = Fault("helm failed")

# The first match decides.  Tested with the real texts of every supported helm (tests/unit/artifacts/test_faults.py).
FAULTS: tuple[tuple[str, Fault], ...] = (
    (r"x509:|certificate|tls: ", CERTIFICATE),
    (r"\b401\b|[Uu]nauthorized|authorization failed|credential not found", OTHER_CREDENTIALS),
    (r"\b403\b|[Ff]orbidden|\bdenied\b", FORBIDDEN),
    (
        r"no chart (?:version|name) found|matching .* not found in|[Uu]nable to locate any tags|not locate a version",
        NO_VERSION,
    ),
    (r"\b404\b|: not found|manifest unknown|name unknown", NOTHING),
    (r"\b429\b|Too Many Requests", BUSY),
    (r"(?:: |status(?: code)?:? )5\d\d\b", FAILED),
    (r"connection re(?:fused|set)|broken pipe|no route|unreachable", NO_CONNECTION),
    (r"\bEOF\b|GOAWAY|INTERNAL_ERROR", CUT),
    (r"[Tt]imeout|timed out|deadline exceeded", SILENT),
    (r"Temporary failure|server misbehaving", NO_LOOKUP),
    (r"no such host", NO_HOST),
    (
        r"version/constraint|[Ii]mproper constraint|[Cc]onstraint [Pp]arser",
        Fault("helm does not understand its version", is_external=False),
    ),
)


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
        """Describe a run of helm over local files: it sees nothing but the workspace, and reaches no host."""
        access = Access((self.tool.path,), writes=(self._workspace.path,))
        return self.command(home, label, *arguments)._replace(access=access)

    def run(self, commands: Sequence[Command]) -> list[Result]:
        """Run commands, a few at a time, and those with a transient fault again, at most three times."""
        results: dict[int, Result] = {}
        again = list(range(len(commands)))
        for _ in retry.attempts(self._context.deadline):
            for start in range(0, len(again), AT_ONCE):
                batch = again[start : start + AT_ONCE]
                results |= zip(batch, self._attempt([commands[index] for index in batch]), strict=True)
            again = [index for index, result in results.items() if _is_transient(result)]
            if not again:
                break
        return [results[index] for index in range(len(commands))]

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
    """Build helm's environment around an empty private folder: the user's own helm is neither seen nor touched."""
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


def error_text(result: Result) -> str:
    """Return helm's own words after a failed command, else ""."""
    stderr = result.stderr.decode(errors="replace")
    if result.returncode == 0:
        return ""
    if result.returncode < 0:
        return f"it was killed by signal {-result.returncode}"
    lines = [line for line in stderr.splitlines() if line.strip() and "WARNING" not in line]
    return (lines[-1] if lines else f"exit code {result.returncode}").removeprefix("Error: ")


def classify(text: str) -> Fault:
    """Return the fault of helm's words."""
    return faults.classify(text, FAULTS, UNKNOWN)


def failed(subject: str, text: str, place: str) -> ChartError:
    """Make the error for a chart that could not be had, from helm's words."""
    return classify(text).error(subject, text, place)


def _is_transient(result: Result) -> bool:
    text = error_text(result)
    return bool(text) and classify(text).is_transient


def _write(path: str, content: Mapping[str, object]) -> None:
    with open(path, "x", encoding="utf-8", opener=_private) as file:
        json.dump(content, file)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
