"""The source of an Application, its repository and its revision, as a rule of the policy lists them.

The author of an Application chooses both.  A fork has the same folders, and a forge serves the pull requests of
strangers as refs of the repository itself; either can hold a copy of another team's ciphertext.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.repository import layout
from cmp.schema.spec import Rule, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD = "HEAD"
# Refs that a forge makes of the pushes of strangers: GitHub and Gitea, GitLab, Bitbucket, Gerrit.
FOREIGN = frozenset({"pull", "merge-requests", "pull-requests", "changes"})
COMMIT = re.compile(r"[0-9A-Fa-f]{7,40}")  # taken by Argo CD for a commit, or for the start of one

_SCP = re.compile(r"(?P<user>[^/:@]+)@(?P<host>[^/:@]+|\[[^\]]*\]):(?P<path>.*)", re.DOTALL)
_URL = re.compile(
    r"(?P<scheme>[a-z]+)://(?:(?P<user>[a-z0-9._~%!$&'()*+,;=:-]*)@)?(?P<host>[a-z0-9._*-]*|\[[0-9a-f:]+\])(?::(?P<port>[0-9]+))?/"
    r"(?P<path>[^?#\\\s{}]+)",
    re.DOTALL,
)
_PORTS = {"http": "80", "https": "443", "ssh": "22", "git": "9418"}
_OTHER_REF = re.compile(r"refs/(?!heads/|tags/)")
_HIDDEN = re.compile(r"%2e|%2f|%5c|%00")  # dots and separators that a server decodes

_NOT_DOTS = r"(?!\.{1,2}(?:/|$))"
_PART = rf"{_NOT_DOTS}(?:\*\*|(?:[^{{}}*/\\?#\s]|\*(?!\*))+)"
_REF_PART = rf"{_NOT_DOTS}(?:\*\*|(?:[^{{}}*/\\\x00-\x1f\x7f]|\*(?!\*))+)"


def _explain_repository(text: str) -> str:
    return (
        f"{quoted(text)} is no repository: write its URL, such as https://git.example.com/team/repo or "
        "git@git.example.com:team/repo, with `*` for any text without `/`, and `**` for whole segments"
    )


def _explain_revision(text: str) -> str:
    return (
        f"{quoted(text)} is no revision: write a branch, a tag, HEAD or a whole commit, with `*` for any text without "
        "`/`, and `**` for whole segments"
    )


REPOSITORY = Rule(
    rf"(?:(?:https?|ssh|git)://{_PART}/|file:///|[^/:@*\s]+@[^/:@*\s]+:/?){_PART}(?:/{_PART})*/?", _explain_repository
)
REVISION = Rule(rf"{_REF_PART}(?:/{_REF_PART})*", _explain_revision)


def is_repository(patterns: Iterable[str], url: str) -> bool:
    """Return whether one of the patterns is for a repository, by any of its URLs."""
    path = normalized(url)
    return bool(path) and any(
        layout.match(layout.parse(pattern), path) is not None for pattern in map(normalized, patterns) if pattern
    )


def normalized(url: str) -> str:
    """Return the URL of a repository as a path that is the same for all its forms; empty for another text.

    As Argo CD's NormalizeGitURL: case and `.git` do not count, `git@host:path` is `ssh://git@host/path`.  Beyond that,
    a slash at the end and the usual port do not count, nor does the user of a web server.
    """
    text = url.strip().lower()
    if scp := _SCP.fullmatch(text):
        text = f"ssh://{scp['user']}@{scp['host']}/{scp['path'].lstrip('/')}"
    match = _URL.fullmatch(text)
    if match is None or _HIDDEN.search(text):
        return ""
    scheme, user, host, port = match["scheme"], match["user"], match["host"], match["port"] or ""
    path = match["path"].strip("/").removesuffix(".git")
    if any(part in ("", ".", "..") for part in path.split("/")) or not (host or scheme == "file"):
        return ""
    login = f"{user}@" if user and scheme not in ("http", "https") else ""
    address = host if port in ("", _PORTS.get(scheme)) else f"{host}:{port}"
    return "/".join(part for part in (scheme, f"{login}{address}", path) if part)


def shown(url: str) -> str:
    """Return the URL of a repository as messages may show it: on one line, without a password."""
    return layout.shown(re.sub(r"(?<=://)[^/@]*@", "", url)) or "(none)"


def is_revision(patterns: Iterable[str], revision: str) -> bool:
    """Return whether one of the patterns is for a target revision, by its short or its full name.

    A star stands neither for a commit, since a forge gives out those of forks as well, nor for a pull request.
    """
    name = short(revision)
    is_commit = bool(COMMIT.fullmatch(revision.strip()))
    is_foreign = name.partition("/")[0] in FOREIGN or bool(_OTHER_REF.match(revision.strip()))
    for pattern in patterns:
        wanted = short(pattern)
        if wanted == name:
            return True
        if is_commit or (is_foreign and "*" in wanted.partition("/")[0]):
            continue
        if _is_path(name) and layout.match(layout.parse(wanted), name) is not None:
            return True
    return False


def short(revision: str) -> str:
    """Return the short name of a revision, as Git shows it; an empty one is HEAD."""
    name = revision.strip() or HEAD
    for prefix in ("refs/heads/", "refs/tags/", "refs/"):
        if name.startswith(prefix) and name != prefix:
            return name.removeprefix(prefix)
    return name


def _is_path(name: str) -> bool:
    return all(part not in ("", ".", "..") for part in name.split("/"))
