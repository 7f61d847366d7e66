"""Pull requests of the example monorepo, and a runner that does what GitHub's does with a composite action."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from tests.support import bare_tools
from tests.support.harness import CHECKOUT, Sandbox
from tests.support.servers.forges import NUMBER, REPOSITORY
from tests.support.servers.git import git

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Edit = Callable[[Path], object]

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
# What a runner gives a step with `shell: bash`.
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
IN_REPOSITORY, BY_FORK = REPOSITORY, "mallory/clusters"


def load(path: str) -> Any:  # noqa: ANN401  # YAML is anything
    """Return a YAML file of the checkout."""
    return yaml.safe_load((CHECKOUT / path).read_text("utf-8"))


class Host:
    """A bare repository with the monorepo in `main`, and pull requests on top."""

    def __init__(self, folder: Path, charts: str) -> None:
        self.bare = folder / "host.git"
        self.work = bare_tools.copy_monorepo(folder / "work", charts)
        git(self.work, "init", "--quiet", "--initial-branch", "main")
        self._commit("the monorepo")
        git(folder, "clone", "--quiet", "--bare", str(self.work), str(self.bare))

    @property
    def url(self) -> str:
        """Where it is fetched from, in a way that knows shallow clones."""
        return f"file://{self.bare}"

    def pull(self, edit: Edit, base: str = "main") -> str:
        """Open a pull request, let its base move on, and return the ref of the merge commit."""
        git(self.work, "checkout", "--quiet", "--force", "-B", "topic", "main")
        edit(self.work)
        self._commit("a change")
        git(self.work, "checkout", "--quiet", "--detach", "main")
        (self.work / "envs/dev/search.yaml").write_text("services: {query: {env: {MOVED: 'on'}}}\n")
        self._commit("meanwhile")
        self._push("HEAD", f"refs/heads/{base}")
        git(self.work, "merge", "--quiet", "--no-ff", "topic", "--message", "merged")
        self._push("HEAD", f"refs/pull/{NUMBER}/merge")
        self._push("topic", "refs/heads/topic")
        return f"refs/pull/{NUMBER}/merge"

    def _commit(self, message: str) -> None:
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--message", message)

    def _push(self, what: str, ref: str) -> None:
        git(self.work, "push", "--quiet", "--force", str(self.bare), f"{what}:{ref}")

    def checkout(self, folder: Path, ref: str, *options: str) -> Path:
        """Check a ref out as actions/checkout does: one commit, unless options say otherwise."""
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet")
        git(folder, "remote", "add", "origin", self.url)
        git(
            folder,
            "fetch",
            "--quiet",
            "--no-tags",
            *(options or ("--depth=1",)),
            "origin",
            f"+{ref}:refs/remotes/{ref[5:]}",
        )
        git(folder, "checkout", "--quiet", "--detach", f"refs/remotes/{ref[5:]}")
        return folder


class Ended(NamedTuple):
    """The end of a job: the exit code of its last step, its log, what it told the runner, and the actions it used."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str
    used: list[str]


class Runner:
    """Runs the steps of a composite action, one after the other, until one fails."""

    def __init__(self, folder: Path, sandbox: Sandbox, workspace: Path) -> None:
        self.folder = folder
        self.workspace = workspace
        self.temp = folder / "temp"
        self.temp.mkdir(parents=True, exist_ok=True)
        path = f"{os.path.dirname(sys.executable)}:/usr/bin:/bin"
        self.env = {**without_cmp(sandbox), "PATH": path, "RUNNER_TEMP": str(self.temp)}

    def run(self, action: str, known: Mapping[str, object], skipped: str = "", **env: str) -> Ended:
        """Run an action's steps but one; `known` are the contexts, such as `inputs.base` or `github.base_ref`."""
        described = load(action)
        contexts = {f"inputs.{name}": each.get("default", "") for name, each in described["inputs"].items()}
        contexts |= {"inputs.token": "${{ github.token }}", "runner.temp": str(self.temp), **known}
        log, used, outputs = "", list[str](), dict[str, str]()
        code = 0
        for step in described["runs"]["steps"]:
            if step["name"] == skipped or not self._is_wanted(step, contexts):
                continue
            if "uses" in step:
                used.append(step["uses"].partition("@")[0])
                continue
            done = self.step(step, contexts, {"GITHUB_ACTION_PATH": str((CHECKOUT / action).parent), **env})
            log += done.stdout.decode()
            code = done.returncode
            written = self._told("output")
            contexts |= {f"steps.{step.get('id')}.outputs.{name}": value for name, value in written.items()}
            if code:
                break
        for name, each in described.get("outputs", {}).items():
            outputs[name] = filled(each["value"], contexts)
        return Ended(code, log, outputs, self._file("summary").read_text("utf-8"), used)

    def _is_wanted(self, step: dict[str, Any], contexts: Mapping[str, object]) -> bool:
        return "if" not in step or bool(evaluated(step["if"], contexts))

    def step(
        self, step: dict[str, Any], contexts: Mapping[str, object], env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one step; `env` is added to what it says itself."""
        assert step["shell"] == "bash"
        own = {name: filled(value, contexts) for name, value in step.get("env", {}).items()}
        told = {
            f"GITHUB_{kind}": str(self._file(kind.rpartition("_")[2].lower())) for kind in ("OUTPUT", "STEP_SUMMARY")
        }
        return subprocess.run(
            [*BASH, filled(step["run"], contexts)],
            cwd=self.workspace / filled(step.get("working-directory", "."), contexts),
            env={**self.env, **told, **own, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )

    def _file(self, kind: str) -> Path:
        path = self.folder / kind
        path.touch()
        return path

    def _told(self, kind: str) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self._file(kind).read_text("utf-8").splitlines())


def without_cmp(sandbox: Sandbox) -> dict[str, str]:
    """Return the environment of a machine that has neither cmp nor a key."""
    return {name: value for name, value in sandbox.env().items() if name not in {"PYTHONPATH", "SOPS_AGE_KEY_FILE"}}


def filled(text: str, contexts: Mapping[str, object]) -> str:
    """Replace the expressions in a text."""
    return _EXPRESSION.sub(lambda match: as_text(evaluated(match[1], contexts)), str(text))


def as_text(value: object) -> str:
    """Return a value as GitHub writes it."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def evaluated(expression: str, contexts: Mapping[str, object]) -> object:
    """Evaluate an expression of paths, texts, `==`, `!=`, `&&` and `||`: the operators return values, as in GitHub."""
    value: object = None
    for alternative in expression.split("||"):
        for part in alternative.split("&&"):
            value = _compared(part.strip(), contexts)
            if not value:
                break
        if value:
            break
    return value


def _compared(text: str, contexts: Mapping[str, object]) -> object:
    for operator in ("==", "!="):
        left, found, right = text.partition(operator)
        if found:
            is_equal = _value(left.strip(), contexts) == _value(right.strip(), contexts)
            return is_equal if operator == "==" else not is_equal
    return _value(text, contexts)


def _value(text: str, contexts: Mapping[str, object]) -> object:
    if text.startswith("'"):
        return text.strip("'")
    if text.startswith(("github.event", "steps.")):
        return contexts.get(text)  # what is not there is null
    return contexts[text]


def pull_request(head: str = IN_REPOSITORY, base: str = "main", actor: str = "mary") -> dict[str, object]:
    """Return what a workflow knows of a pull request."""
    return {
        "github.event.pull_request": {"number": NUMBER},
        "github.event.pull_request.number": NUMBER,
        "github.event.pull_request.head.repo.full_name": head,
        "github.repository": REPOSITORY,
        "github.base_ref": base,
        "github.actor": actor,
        "github.token": "a-token",
    }
