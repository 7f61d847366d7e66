"""A home for gpg whose agent ends with us."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cmp.errors import CmpError, ToolError
from cmp.system import signals
from cmp.system.process import Command, Deadline, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PGP_MESSAGE = b"-----BEGIN PGP MESSAGE-----"
END_SECONDS = 3.0  # gpgconf tells the agent to stop and needs a few milliseconds


@contextmanager
def home(
    env: Mapping[str, str], files: Iterable[bytes], make_folder: Callable[[str], str], deadline: Deadline
) -> Iterator[Mapping[str, str]]:
    """Yield the environment for sops; where one of the encrypted files has a PGP recipient, with a private GNUPGHOME.

    gpg leaves its agent running, in a session of its own.  An agent that is there already is used and left alone: it
    may know a passphrase.  Otherwise gpg gets a home of links in a folder that `make_folder` makes, so that the agent
    is ours only and can be ended without harm to another run; that also serves a GNUPGHOME that is read-only or a long
    path.  After a SIGKILL the agent ends by itself once that folder is swept: it watches its socket.
    """
    if not any(PGP_MESSAGE in data for data in files) or _agent_runs(env, deadline):
        yield env
        return
    ours = {**env, "GNUPGHOME": make_folder("gnupg")}
    _link(env.get("GNUPGHOME") or os.path.join(env.get("HOME", "/"), ".gnupg"), ours["GNUPGHOME"])
    try:
        yield ours
    finally:
        with signals.held(), suppress(CmpError):  # no gpgconf: then gpg could not start either, and sops' error says so
            run(Command("gpgconf", ("gpgconf", "--kill", "all"), ours), Deadline(END_SECONDS))


def _agent_runs(env: Mapping[str, str], deadline: Deadline) -> bool:
    argv = ("gpg-connect-agent", "--no-autostart", "GETINFO pid", "/bye")
    try:
        return run(Command("gpg-connect-agent", argv, env), deadline).stdout.startswith(b"D ")
    except ToolError:  # not installed: the agent is not either
        return False


def _link(source: str, target: str) -> None:
    """Link what is in a gpg home, except what belongs to running processes: sockets, locks, the random state."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(source):
            if not name.startswith(("S.", ".#")) and not name.endswith(".lock") and name != "random_seed":
                os.symlink(os.path.join(os.path.abspath(source), name), os.path.join(target, name))
