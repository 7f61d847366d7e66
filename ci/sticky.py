#!/usr/bin/env python3
"""Post a report as the one comment of a pull request, or bring it up to date: `sticky.py github|gitlab FOLDER`.

The folder is what `diff.sh` filled.  The first line of its report.md is a hidden marker.  The comment that starts with
it, and that the same account wrote, is the one to update; comments of others are left alone, whatever they start with,
and nothing is deleted.  A comment that says the same already is not touched, so nobody is notified, and a report with
nothing to say adds none.

The token comes in STICKY_TOKEN, everything else that is fixed in the variables of the CI system.  Run it with
`python3 -Es`: the working directory and the variables of Python belong to somebody else.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from typing import TYPE_CHECKING

from forges import GitHub, GitLab, PassingError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from forges import Forge

MARKER = re.compile(r"<!-- cmp-diff:[\w.%~-]+ -->")
# What may begin a mention or a reference, or be a letter of one: `@team`, `#12`, `GH-12`, `!5`, `~label`, `%milestone`,
# `&12`, `$12`, the address of an issue, and whatever is spelled by an entity; HTML reads some without their semicolon.
CALL = re.compile(
    r"""(?ix) @
    | \bgh- (?=[\d&])
    | [#!$] (?=[\d&<])
    | [~%] (?=[\w"&<])
    | & (?:\#\d+ ;? | \#x[\da-f]+ ;? | [a-z][a-z\d]* ;)
    | & (?=\d)
    | / (?:issues|pulls?|discussions|commit|merge_requests|work_items|epics) / (?=[\w%&])
    """
)
WORD_JOINER = "\u2060"  # nobody sees it
TRIES = 4
LONGEST_WAIT = 60.0  # seconds; a job is not kept waiting for an hour
NOTICE = (
    "> [!NOTE]\n> This comes from a run that the author of the pull request controls. Trust it as you trust them.\n\n"
)


def place(forge: Forge, text: str, *, may_add: bool) -> str:
    """Bring the comment up to date once, and say what was done."""
    marker = text.partition("\n")[0]
    account = forge.account()
    for comment in forge.comments():
        lines = comment.text.replace("\r\n", "\n")
        if comment.author == account and lines.partition("\n")[0].strip() == marker:
            if lines.strip() == text.strip():
                return "the comment says so already"
            forge.update(comment, text)
            return "comment updated"
    if not may_add:
        return "nothing to say, and no comment that says otherwise"
    forge.create(text)
    return "comment added"


def keep_trying(once: Callable[[], str]) -> str:
    """Do it, and again after a fault that passes: from the start, for a comment may have arrived all the same."""
    for number in range(TRIES - 1):
        try:
            return once()
        except PassingError as error:
            seconds = 2.0**number if error.seconds is None else error.seconds
            if seconds > LONGEST_WAIT:
                raise RefusedError(f"{error}, and {seconds:.0f} s to wait") from None
            say(f"{error}; trying again")
            time.sleep(seconds)
    return once()


def read(folder: str, limit: int, *, is_foreign: bool) -> str:
    """Return the text of the comment.  One that others may have written can call nobody."""
    path, text = load(folder, "report.md")
    marker, newline, rest = text.partition("\n")
    if not MARKER.fullmatch(marker) or not newline:
        raise RefusedError(f"{path} is no report of cmp diff: it does not start with its marker")
    if is_foreign:
        text = f"{marker}\n{NOTICE}{inert(rest)}"
    if len(text) > limit:
        raise RefusedError(f"{path} is too long for a comment: more than {limit} characters")
    return text


def inert(text: str) -> str:
    """Return Markdown in which nothing is a mention or a reference, and that otherwise looks the same."""
    return CALL.sub(rf"\g<0>{WORD_JOINER}", text)


def is_silent(folder: str) -> bool:
    """Return whether the report has nothing to say: no difference, no failure, and no file that nobody knows."""
    path, text = load(folder, "report.json")
    try:
        return json.loads(text)["judgement"]["is_silent"] is True
    except (ValueError, KeyError, TypeError):
        raise RefusedError(f"{path} is no report of cmp diff") from None


def load(folder: str, name: str) -> tuple[str, str]:
    """Return the path and the text of one view."""
    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as file:
            return path, file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(f"cannot read the report {path}: {error}") from None


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Post a report as the one comment of a pull request, or update it.")
    parser.add_argument("forge", choices=["github", "gitlab"])
    parser.add_argument("folder", help="what diff.sh filled")
    parser.add_argument("--number", default="", help="of the pull request")
    parser.add_argument("--head", default="", help="GitHub: in place of the number, the branch as OWNER:BRANCH")
    parser.add_argument("--commit", default="", help="with --head: the commit that the report is about")
    parser.add_argument("--foreign", action="store_true", help="the report comes from a run that others control")
    return parser.parse_args()


def post(given: argparse.Namespace) -> str:
    """Do what the command line says once, and tell what that was."""
    forge = (GitHub if given.forge == "github" else GitLab)(os.environ, given.number)  # noqa: TID251  # no part of cmp
    text = read(given.folder, forge.limit, is_foreign=given.foreign)
    if isinstance(forge, GitHub) and given.head and not forge.find(given.head, given.commit):
        return f"no open pull request has {given.head} at {given.commit[:12]}: a newer run will tell"
    return place(forge, text, may_add=not is_silent(given.folder))


def main() -> int:
    """Return the exit code: 1 where the comment could not be written."""
    given = arguments()
    try:
        say(keep_trying(lambda: post(given)))
    except (RefusedError, PassingError) as error:
        say(f"the comment could not be written: {error}")
        return 1
    return 0


def say(text: str) -> None:
    """Write to the log of the job."""
    sys.stderr.write(f"sticky: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
