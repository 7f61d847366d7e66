"""What failures of repositories mean.

The exit code of helm is 1 for everything, so that the texts of this one table decide, nothing else.  Downloads of ours
fail by kind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cmp.system.download.faults import DownloadError
    from cmp.system.process import Result

CREDENTIALS = "put the credentials into the files that HELM_REPOSITORY_CONFIG and HELM_REGISTRY_CONFIG name"
PLAIN_HTTP = "server gave HTTP response to HTTPS client"


class Fault(NamedTuple):
    """A kind of failure: a transient one is worth another try, an external one is not the mistake of the repository."""

    meaning: str
    hint: str = ""
    is_transient: bool = False
    is_external: bool = True


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

# The first match decides.  Tested with the real texts of every supported helm (tests/unit/artifacts/test_faults.py).
TABLE: tuple[tuple[str, Fault], ...] = (
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
UNKNOWN = Fault("helm failed")

REDIRECT = "let Chart.yaml name the repository by the URL to which it leads"
_OF_STATUS = {401: OTHER_CREDENTIALS, 403: FORBIDDEN, 404: NOTHING, 410: NOTHING, 429: BUSY}
_OF_KIND = {
    "tls": CERTIFICATE,
    "name": NO_HOST,
    "lookup": NO_LOOKUP,
    "connection": NO_CONNECTION,
    "silence": SILENT,
    "cut": CUT,
    "redirect": Fault("it redirects to where nothing is fetched from", REDIRECT),
    "proxy": Fault("there is no way to it", "set HTTP_PROXY and HTTPS_PROXY to an http:// URL, or NO_PROXY"),
}


def of_download(error: DownloadError) -> Fault:
    """Return what the failure of a download means."""
    if error.kind == "status":
        return _OF_STATUS.get(error.status) or (FAILED if error.is_transient else REFUSED)
    return _OF_KIND[error.kind]


def complaint(result: Result) -> str:
    """Return helm's own words when a command failed, else ""."""
    stderr = result.stderr.decode(errors="replace")
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
