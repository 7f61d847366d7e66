"""What helm's complaints mean.  Its exit code is 1 for everything: the texts of this one table decide, nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cmp.proc import Result

CREDENTIALS = "put the credentials into the files that HELM_REPOSITORY_CONFIG and HELM_REGISTRY_CONFIG name"
PLAIN_HTTP = "server gave HTTP response to HTTPS client"
INDEX_FAILED = "Unable to get an update from"


class Fault(NamedTuple):
    """A kind of failure: only a `passing` one is worth another try; `foreign` ones are not the repository's mistake."""

    meaning: str
    hint: str = ""
    passing: bool = False
    foreign: bool = True


# The first match decides.  Tested with the real texts of every supported helm (tests/test_charts_faults.py).
TABLE: tuple[tuple[str, Fault], ...] = (
    (r"x509:|certificate|tls: ", Fault("its certificate is not trusted", "let CMP_CA_FILE name its authority")),
    (
        r"\b401\b|[Uu]nauthorized|authorization failed|credential not found",
        Fault("it wants other credentials", CREDENTIALS),
    ),
    (r"\b403\b|[Ff]orbidden|\bdenied\b", Fault("it forbids the access", CREDENTIALS)),
    (
        r"no chart (?:version|name) found|matching .* not found in|[Uu]nable to locate any tags|not locate a version",
        Fault("it has no such chart or version", "check name and version", foreign=False),
    ),
    (
        r"\b404\b|: not found|manifest unknown|name unknown",
        Fault("it has no such thing", "check repository, name and version", foreign=False),
    ),
    (r"\b429\b|Too Many Requests", Fault("it asks to slow down", passing=True)),
    (r"(?:: |status(?: code)?:? )5\d\d\b", Fault("it failed", passing=True)),
    (r"connection re(?:fused|set)|broken pipe|no route|unreachable", Fault("no connection", passing=True)),
    (r"\bEOF\b|GOAWAY|INTERNAL_ERROR", Fault("it ended the connection early", passing=True)),
    (r"[Tt]imeout|timed out|deadline exceeded", Fault("it took too long", passing=True)),
    (r"Temporary failure|server misbehaving", Fault("its name cannot be looked up", passing=True)),
    (r"unmarshal|invalid character|no API version", Fault("it gives no index of charts", "check its URL")),
    (r"no such host", Fault("there is no such host", "check the URL of the repository", foreign=False)),
    (
        r"version/constraint|[Ii]mproper constraint|[Cc]onstraint [Pp]arser",
        Fault("helm does not understand its version", foreign=False),
    ),
)
UNKNOWN = Fault("helm failed")


def complaint(result: Result) -> str:
    """Return helm's own words when a command failed, else "".

    `helm repo update` of Helm 3 ends with 0 and says on stdout that the index could not be fetched.
    """
    stdout, stderr = (stream.decode(errors="replace") for stream in (result.stdout, result.stderr))
    if INDEX_FAILED in stdout:
        return stdout.partition(INDEX_FAILED)[2].partition("\n")[2].strip().split("\n")[0]
    if result.returncode == 0:
        return ""
    if result.returncode < 0:
        return f"it was killed by signal {-result.returncode}"
    lines = [line for line in stderr.splitlines() if line.strip() and "WARNING" not in line]
    return (lines[-1] if lines else f"exit code {result.returncode}").removeprefix("Error: ")


def classify(text: str) -> Fault:
    """Find what a complaint means; URLs in it do not count, for they may contain anything."""
    bare = re.sub(r"\w+://\S+", "", text)
    return next((fault for pattern, fault in TABLE if re.search(pattern, bare)), UNKNOWN)
