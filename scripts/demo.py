"""Render one application of the example monorepo twice, from an empty cache and again: `make demo`.

The YAML goes to stdout, what is worth knowing to stderr.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cmp import environ
from cmp.repository.config.model import PINS
from cmp.system.process import Command, Deadline, run
from cmp.system.workspace import Workspace
from examples import chartserver

if TYPE_CHECKING:
    from cmp.model import Settings

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PORT = 8879  # the charts of the example name this repository
APPLICATION = ("namespace-a", "--cluster", "dev-cluster")


class Rendered(NamedTuple):
    """One render: its YAML, its time and how often the chart repository was asked meanwhile."""

    text: bytes
    seconds: float
    requests: int

    def __str__(self) -> str:
        return f"{self.seconds * 1000:.0f} ms, {self.requests} requests"


def main() -> int:
    """Run the demo and return its exit code: 0 when the second render needed no network and was the same."""
    settings = environ.current(default_deadline=environ.PERSON_DEADLINE).settings
    helm = Path(settings.tools_dir, "helm", PINS["helm"].version, "helm")
    with Workspace() as work:
        archives = chartserver.package(EXAMPLES / "charts", Path(work.folder("archives")), helm)
        try:
            server = chartserver.Server(archives, PORT)
        except OSError as error:
            say(f"the example's charts are served at 127.0.0.1:{PORT}, which cannot be had: {error.strerror}")
            return 1
        with server:
            env = environment(settings, work)
            cold, warm = render(server, env), render(server, env)
    sys.stdout.buffer.write(warm.text)
    sys.stdout.flush()
    say(f"cmp render {' '.join(APPLICATION)}")
    say(f"cold: {cold}")
    say(f"warm: {warm}")
    return 0 if warm.requests == 0 and warm.text == cold.text else 1


def environment(settings: Settings, work: Workspace) -> dict[str, str]:
    """Build an environment with empty caches and the demo's key."""
    return {
        **settings.env.plain,
        "CMP_TOOLS_DIR": settings.tools_dir,
        "CMP_CACHE_DIR": work.folder("cache"),
        "CMP_STATE_DIR": work.folder("state"),
        "SOPS_AGE_KEY_FILE": str(EXAMPLES / "age-demo.key"),
    }


def render(server: chartserver.Server, env: dict[str, str]) -> Rendered:
    """Render in a process of its own, as a person does."""
    asked = len(server.requests)
    began = time.monotonic()
    argv = (os.path.join(os.path.dirname(sys.executable), "cmp"), "render", *APPLICATION)
    result = run(Command("cmp render", argv, env, cwd=str(EXAMPLES / "monorepo")), Deadline(120))
    seconds = time.monotonic() - began
    sys.stderr.write(result.stderr.decode(errors="replace"))
    if result.returncode != 0:
        raise SystemExit(result.returncode)
    return Rendered(result.stdout, seconds, len(server.requests) - asked)


def say(line: str) -> None:
    """Write to stderr, where the YAML is not."""
    sys.stderr.write(f"demo: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
