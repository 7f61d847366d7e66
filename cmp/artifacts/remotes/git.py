"""A commit of a Git repository, by the git program: fetched alone, without its history, and never checked out.

git gets a private home with at most the credentials for one host, no configuration of the machine or a user, no hooks,
no prompt, and one protocol.  The archive has the files of a checkout without submodules: attributes that leave files
out of archives, or change them there, do not count.
"""

from __future__ import annotations

import os
import re
from netrc import NetrcParseError, netrc
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp.artifacts import faults
from cmp.artifacts.faults import Fault
from cmp.errors import ChartError, DeadlineError, ToolError
from cmp.system import retry
from cmp.system.process import Command, Result, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.context import Context
    from cmp.model import RemoteRef
    from cmp.system.workspace import Workspace

PROGRAMS = ("/usr/local/bin/git", "/usr/bin/git", "/bin/git")  # never PATH
ATTRIBUTES = b"* -export-ignore -export-subst\n"  # info/attributes is stronger than a tree's own
COMMIT = re.compile(r"[0-9a-f]{40}")

TAG = "a tag or a full commit (40 hexadecimal digits) is wanted: a branch is another tree tomorrow"

# The first match decides.  The texts are those of git 2.39, of its libcurl, and of hosts.
FAULTS: tuple[tuple[str, Fault], ...] = (
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


def commit(ref: RemoteRef, workspace: Workspace, context: Context) -> tuple[str, bytes]:
    """Return the commit of the pinned version, and its files as a tar archive; ToolError without git."""
    git = _Git(ref, workspace, context)
    is_commit = COMMIT.fullmatch(ref.version) is not None
    git.fetch(ref.version if is_commit else f"refs/tags/{ref.version}")
    fetched = git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").decode().strip()
    if is_commit and fetched != ref.version:
        raise ChartError(f"{ref.subject}: git gave {fetched} instead", file=ref.place, is_external=True)
    return fetched, git.run("archive", "--format=tar", fetched)


class _Git:
    """An empty repository of its own in a private folder, and git in it."""

    def __init__(self, ref: RemoteRef, workspace: Workspace, context: Context) -> None:
        self._ref = ref
        self._deadline = context.deadline
        self._program = program()
        self._folder = workspace.folder("git")
        self._env = environment(ref.url, context, workspace.folder("home"))
        if login := _login(ref.url, context):
            workspace.write("home/.netrc", login)
        self.run("init", "--quiet", "--bare", "--template=", ".")
        workspace.write("git/info/attributes", ATTRIBUTES)

    def fetch(self, name: str) -> None:
        """Fetch one commit, and again, at most three times, after a transient fault."""
        arguments = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", self._ref.url, name)
        for _ in retry.attempts(self._deadline):
            result = self._attempt(*arguments)
            if result.returncode == 0:
                return
            if not classify(result.stderr).is_transient:
                break
        raise self._failed(result)

    def run(self, *arguments: str) -> bytes:
        """Run a command that needs no network, and return its stdout."""
        result = run(self._command(*arguments), self._deadline)
        if result.returncode != 0:
            raise self._failed(result)
        return result.stdout

    def _attempt(self, *arguments: str) -> Result:
        whole = self._deadline
        deadline = retry.attempt_deadline(whole)
        try:
            return run(self._command(*arguments), deadline)
        except DeadlineError:
            if deadline is whole:
                raise
            return Result(1, b"", f"timed out after {retry.ATTEMPT_SECONDS:g} s".encode())

    def _command(self, *arguments: str) -> Command:
        label = f"git {arguments[0]} ({self._ref.url})"
        return Command(label, (self._program, *arguments), {**self._env, "GIT_DIR": self._folder}, cwd=self._folder)

    def _failed(self, result: Result) -> ChartError:
        text = _error_text(result.stderr)
        return classify(result.stderr).error(self._ref.subject, text, self._ref.place)


def classify(stderr: bytes) -> Fault:
    """Return the fault of git's words: its exit code is 128 for every error."""
    return faults.classify(stderr.decode(errors="replace"), FAULTS, UNKNOWN)


def _error_text(stderr: bytes) -> str:
    """Return the line of git that says most: its last `fatal:`, or the last one."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or ["it said nothing"])[-1].removeprefix("fatal: ").removeprefix("error: ")


def environment(url: str, context: Context, home: str) -> Mapping[str, str]:
    """Build git's environment: proxies and the CA bundle, and nothing of the machine's or the user's own git."""
    settings = context.settings
    ca_file = settings.ca_file or settings.env.fetch.get("SSL_CERT_FILE", "")
    return {
        **settings.env.fetch,
        "HOME": home,
        "TMPDIR": home,
        "LC_ALL": "C",  # the table of faults has the English texts
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": urlsplit(url).scheme,  # also for redirects
        **({"GIT_SSL_CAINFO": ca_file} if ca_file else {}),
    }


def _login(url: str, context: Context) -> bytes:
    """Return a netrc with the entry of the URL's host in the mounted one, which git's curl looks for in the home."""
    path, host = context.settings.netrc, urlsplit(url).hostname
    if not path or not host:
        return b""
    try:
        entry = netrc(path).hosts.get(host)
    except (OSError, NetrcParseError) as error:
        raise ChartError(
            f"cannot read CMP_NETRC: {getattr(error, 'msg', error)}", file=path, is_external=True
        ) from None
    if entry is None:
        return b""
    login, _, password = entry
    context.redactor.add(password or "")
    return f"machine {host}\nlogin {login}\npassword {password}\n".encode()


def program() -> str:
    """Return the path of git; ToolError without one."""
    for path in PROGRAMS:
        if os.access(path, os.X_OK):
            return path
    raise ToolError(
        f"a remote base is not in the cache, and there is no git to fetch it with ({', '.join(PROGRAMS)})",
        hint="build the image with `--build-arg PACKAGES=git`, or fill the cache with `cmp cache warm` elsewhere",
        is_external=True,
    )
