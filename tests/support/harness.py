"""Run `cmp` as its users do: a process of its own, an environment built from nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.support.forkserver import ForkServer

CHECKOUT = Path(__file__).resolve().parents[2]
FIXTURES = CHECKOUT / "tests" / "fixtures"
DATA = CHECKOUT / "tests" / "data"
AGE_KEY_FILE = DATA / "age.key"
MODULE = ("-m", "cmp")
COVERAGE = "COVERAGE_PROCESS_START"  # coverage starts with an interpreter
_UNPINNED = re.compile(r"cmp: warning: \w+ is not pinned: ")
DEAD_PROXY = "http://127.0.0.1:9"  # the discard port: whatever is not loopback fails at once


@dataclass(frozen=True)
class Ran:
    """The exit code, stdout and stderr of a run of cmp.

    The warnings that nothing pins a tool stand in `unpinned`, apart from stderr: most tests pin nothing.
    """

    code: int
    stdout: str
    stderr: str
    unpinned: tuple[str, ...] = ()

    @classmethod
    def of(cls, done: subprocess.CompletedProcess[bytes]) -> Ran:
        """Return the output and the exit code of a process that has ended."""
        lines = done.stderr.decode().splitlines(keepends=True)
        return cls(
            code=done.returncode,
            stdout=done.stdout.decode(),
            stderr="".join(line for line in lines if not _UNPINNED.match(line)),
            unpinned=tuple(line.rstrip("\n") for line in lines if _UNPINNED.match(line)),
        )

    @property
    def first_line(self) -> str:
        """The first line of stderr, times removed."""
        return without_times(self.stderr.partition("\n")[0])


@dataclass
class Sandbox:
    """Folders for one test: home, caches, a working directory; and the environment that points at them."""

    folder: Path
    tools_dir: str
    extra: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = MODULE  # how the interpreter starts cmp

    @property
    def home(self) -> Path:
        """The home folder that children see."""
        return self.folder / "home"

    @property
    def cache(self) -> Path:
        """The chart cache."""
        return self.folder / "cache"

    @property
    def state(self) -> Path:
        """The node-local state."""
        return self.folder / "state"

    @property
    def tmp(self) -> Path:
        """Where private folders are made."""
        return self.folder / "tmp"

    def env(self) -> dict[str, str]:
        """Build the environment of a run: nothing of the caller's but where Python and coverage are."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.tmp.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CMP_TOOLS_DIR": self.tools_dir,
            "CMP_CACHE_DIR": str(self.cache),
            "CMP_STATE_DIR": str(self.state),
            "CMP_TMPDIR": str(self.tmp),
            "SOPS_AGE_KEY_FILE": str(AGE_KEY_FILE),
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), DEAD_PROXY),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **{name: os.environ[name] for name in (COVERAGE,) if name in os.environ},
            **self.extra,
        }

    def command(self, *argv: str) -> list[str]:
        """Return the argv of a run."""
        return [sys.executable, *self.program, *argv]

    def run(self, *argv: str, cwd: Path, timeout: float = 120, **env: str) -> Ran:
        """Run cmp to its end, in a process that the fork server has prepared where that makes no difference."""
        environment = {**self.env(), **env}
        kind, what = self.program[:2]
        is_usual = environment["PYTHONPATH"] == str(CHECKOUT) and COVERAGE not in environment
        if is_usual and (self.program == MODULE or kind == "-c"):
            code = what if kind == "-c" else ""
            done = fork_server().run(argv, cwd=cwd, env=environment, timeout=timeout, code=code)
        else:
            done = subprocess.run(
                self.command(*argv),
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        return Ran.of(done)


@cache
def fork_server() -> ForkServer:
    """Return the fork server of this process, which starts with its first use."""
    return ForkServer()


def without_times(text: str) -> str:
    """Replace every `12 ms` by `N ms`."""
    return re.sub(r"\b\d+ ms\b", "N ms", text)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes, to prove that nothing was written."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
