"""What git's complaints mean: its exit code is 128 for everything, so the texts of this one table decide."""

from __future__ import annotations

import re
from typing import NamedTuple

TAG = "a tag or a full commit (40 hexadecimal digits) is wanted: a branch is another tree tomorrow"


class Fault(NamedTuple):
    """A kind of failure: a transient one is worth another try, an external one is not the mistake of the repository."""

    meaning: str
    hint: str = ""
    is_transient: bool = False
    is_external: bool = True


# The first match decides.  The texts are those of git 2.39 and of its libcurl, and what hosts answer.
TABLE: tuple[tuple[str, Fault], ...] = (
    (r"couldn't find remote ref", Fault("it has no such tag", TAG, is_external=False)),
    (
        r"not our ref|unadvertised object|unable to find .*object|did not send all necessary objects",
        Fault("it has no such commit, or does not give it", "pin a tag", is_external=False),
    ),
    (r"certificate|SSL|TLS", Fault("its certificate is not trusted", "let CMP_CA_FILE name its authority")),
    (
        r"could not read Username|could not read Password|Authentication failed|error: 401",
        Fault("it wants a user and a password, or does not exist", "let CMP_NETRC name a file with its credentials"),
    ),
    (r"error: 403", Fault("it forbids the access", "let CMP_NETRC name a file with credentials that may read it")),
    (r"not found|error: 404|error: 410", Fault("there is no such repository", "check its URL", is_external=False)),
    (r"error: 429", Fault("it asks to slow down", is_transient=True)),
    (r"error: 5\d\d", Fault("it failed", is_transient=True)),
    (r"Could not resolve host", Fault("its name cannot be looked up", is_transient=True)),
    (r"[Tt]imed out|timeout", Fault("it took too long", is_transient=True)),
    (
        r"Failed to connect|Couldn't connect|[Cc]onnection re(?:fused|set)|unreachable",
        Fault("no connection", is_transient=True),
    ),
    (r"early EOF|unexpected disconnect|hung up|RPC failed|transfer closed", Fault("it broke off", is_transient=True)),
    (r"No space left|unable to write", Fault("there is no room for it", "let CMP_TMPDIR name a folder with room")),
)
UNKNOWN = Fault("git failed")


def complaint(stderr: bytes) -> str:
    """Return the line of git's that says most: its last `fatal:`, or the last one."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or ["it said nothing"])[-1].removeprefix("fatal: ").removeprefix("error: ")


def classify(stderr: bytes) -> Fault:
    """Find what the whole of it means; URLs in it do not count, for they may contain anything."""
    bare = re.sub(r"\w+://[^\s']+", "", stderr.decode(errors="replace"))
    return next((fault for pattern, fault in TABLE if re.search(pattern, bare)), UNKNOWN)
