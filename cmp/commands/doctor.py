"""`cmp doctor`: what is installed, where every setting comes from, and what will go wrong."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import click

from cmp import __version__, diagnosis, instances
from cmp.commands import Invocation, Output, for_people
from cmp.commands.given import content_or_stdin
from cmp.diagnosis import sidecar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.diagnosis import Check
    from cmp.model import Setting

MARKS = {"ok": "ok  ", "warning": "warn", "problem": "FAIL"}
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


@click.command()
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.option(
    "--against",
    default="",
    metavar="FILE",
    help="Also compare with what `cmp tools list --format json` printed in a sidecar; - is stdin.",
)
@click.pass_obj
def command(invocation: Invocation, output_format: str, against: str) -> Output:
    """Look at everything a render needs, and say what will go wrong; nothing is fetched, decrypted or written.

    With --against the exit code is 1 when the sidecar lacks what is pinned here: the pin would arrive before its
    program.
    """
    settings = invocation.context.settings
    compared = _compare(against, invocation) if against else []
    checks = [*diagnosis.examine(invocation.cwd, settings), *compared]
    exit_code = 1 if any(check.state == "problem" for check in compared) else 0
    if output_format == "json":
        report = {
            "version": __version__,
            "settings": {name: found._asdict() for name, found in _shown(settings.origins).items()},
            "checks": [check._asdict() for check in checks],
        }
        return Output(json.dumps(report, indent=2, ensure_ascii=False).encode() + b"\n", exit_code)
    lines = [f"cmp {__version__}", "", *_settings(_shown(settings.origins)), "", *_checks(checks)]
    return for_people(lines, exit_code)


def _compare(file: str, invocation: Invocation) -> list[Check]:
    listed = sidecar.read(*content_or_stdin(file, invocation.cwd, "the file of --against"))
    tree, _ = instances.open_repository(invocation.cwd)
    return list(sidecar.compare(tree, listed, invocation.context.settings))


def _shown(origins: Mapping[str, Setting]) -> Mapping[str, Setting]:
    """Return the settings without credentials that a URL may carry."""
    return {name: found._replace(value=_CREDENTIALS.sub("****@", found.value)) for name, found in origins.items()}


def _settings(origins: Mapping[str, Setting]) -> Iterator[str]:
    width = max(map(len, origins))
    for name, found in sorted(origins.items()):
        yield f"{name:<{width}}  {found.value or '-'}  ({found.source})"


def _checks(checks: Sequence[Check]) -> Iterator[str]:
    for check in checks:
        yield f"{MARKS[check.state]}  {check.subject}: {check.found}"
        if check.hint and check.state != "ok":
            yield f"      {check.hint}"
    problems = sum(check.state == "problem" for check in checks)
    yield ""
    counted = f"{problems} problem{'' if problems == 1 else 's'}"
    yield counted if problems else "nothing will go wrong that can be seen from here"
