"""Look for what must not be left behind: plaintext in folders, processes."""

from __future__ import annotations

import os
import time
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PROC = Path("/proc")
SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.2


def find_plaintext(folders: Iterable[Path | str], secrets: Iterable[str]) -> list[str]:
    """Return `path: secret` for each file, or name, below the folders that holds a secret as it is or in base64.

    What goes while it is looked at was not left behind.
    """
    forms = {form: secret for secret in secrets for form in (secret.encode(), b64encode(secret.encode()).rstrip(b"="))}
    found = []
    for path in (path for folder in folders for path in _below(folder)):
        content = str(path).encode() + (_bytes(path) if path.is_file() and not path.is_symlink() else b"")
        found += [f"{path}: {secret}" for form, secret in forms.items() if form in content]
    return found


def processes_of(marker: str) -> dict[int, str]:
    """Return the living processes, by id, whose arguments or environment hold a text, with their arguments.

    Every run of a test has a folder of its own; its path in HOME, in PATH or in an argument marks all that it started.
    """
    return {
        pid: arguments.replace("\0", " ").strip()
        for pid, arguments, environment in _processes()
        if marker in arguments or marker in environment
    }


def processes_in_group(group: int) -> dict[int, str]:
    """Return the living processes of a process group, with their arguments."""
    return {
        pid: arguments.replace("\0", " ").strip()
        for pid, arguments, _ in _processes()
        if _status(pid)[2:3] == [str(group)]
    }


def names_in_group(group: int) -> list[str]:
    """Return the programs' names in a process group, also of those that have ended and were not waited for yet."""
    pids = [int(folder.name) for folder in PROC.iterdir() if folder.name.isdecimal()]
    return [_read(PROC / str(pid) / "comm").strip() for pid in pids if _status(pid)[2:3] == [str(group)]]


def wait_until(condition: Callable[[], object], seconds: float = 50.0) -> None:
    """Return when the condition holds; AssertionError when it never does.

    The longer it takes, the longer the pauses: asking all the time would take the processor from what is waited for.
    What has to be ended in that time would go on for longer by itself: a minute and more.
    """
    begin = time.monotonic()
    while not condition():
        waited = time.monotonic() - begin
        assert waited < seconds, "it did not happen in time"
        time.sleep(min(max(SHORTEST_PAUSE, waited / 10), LONGEST_PAUSE))


def _processes() -> list[tuple[int, str, str]]:
    """Return id, arguments and environment of each living process; those that may not be read have no environment."""
    pids = [int(folder.name) for folder in PROC.iterdir() if folder.name.isdecimal()]
    alive = [pid for pid in pids if _status(pid)[:1] not in ([], ["Z"], ["X"])]
    return [(pid, _read(PROC / str(pid) / "cmdline"), _read(PROC / str(pid) / "environ")) for pid in alive]


def _status(pid: int) -> list[str]:
    """Return state, parent, group, session … of a process; nothing when it has gone."""
    return _read(PROC / str(pid) / "stat").rpartition(")")[2].split()


def _below(folder: Path | str) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        yield from (Path(parent, name) for name in (*folders, *files))


def _read(path: Path) -> str:
    return _bytes(path).decode("utf-8", "replace")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
