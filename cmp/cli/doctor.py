"""`cmp doctor`: the installation, the source of every setting, and the problems that a render will meet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from cmp import __version__, policy
from cmp.artifacts import charts, lockfile, toolchain
from cmp.cli import Invocation, Output, candidates, for_people
from cmp.cli.io import as_json, content_or_stdin, example
from cmp.cli.needed import needed
from cmp.doctor import hosts, installation, sidecar
from cmp.errors import UsageError
from cmp.repository import instances

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.artifacts.charts.repository_chart import RepositoryChart
    from cmp.doctor import Check
    from cmp.model import Setting

MARKS = {"ok": "ok  ", "warning": "warn", "problem": "FAIL"}
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


@click.command(epilog=example("cmp doctor"))
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.option(
    "--against",
    default="",
    metavar="FILE",
    shell_complete=candidates.files,
    help="Also compare with what `cmp tools list --format json` printed in a sidecar; - is stdin.",
)
@click.option(
    "--hosts",
    "asks_hosts",
    is_flag=True,
    help="Also ask chart repositories where they lead, and say of each host whether the policy allows it.",
)
@click.pass_obj
def command(invocation: Invocation, output_format: str, against: str, *, asks_hosts: bool) -> Output:
    """Look at everything a render needs, and say what will go wrong; nothing is decrypted, stored or written.

    With --against the exit code is 1 when the sidecar lacks what is pinned here: the pin would arrive before its
    program.  With --hosts, which alone asks the network, it is 1 when a host is not allowed, or does not answer.
    """
    settings = invocation.context.settings
    compared = _compare(against, invocation) if against else []
    hosts_checked = _hosts(invocation) if asks_hosts else []
    checks = [*installation.examine(invocation.cwd, settings), *compared, *hosts_checked]
    exit_code = 1 if any(check.state == "problem" for check in (*compared, *hosts_checked)) else 0
    origins = _without_credentials(settings.origins)
    if output_format == "json":
        report = {
            "version": __version__,
            "settings": {name: setting._asdict() for name, setting in origins.items()},
            "checks": [check._asdict() for check in checks],
        }
        return as_json(report, exit_code)
    lines = [f"cmp {__version__}", "", *_settings(origins), "", *_checks(checks)]
    return for_people(lines, exit_code)


def _compare(file: str, invocation: Invocation) -> list[Check]:
    listed = sidecar.read(*content_or_stdin(file, invocation.cwd, "the file of --against"))
    tree, _ = instances.open_repository(invocation.cwd)
    return list(sidecar.compare(tree, listed, invocation.context.settings))


def _hosts(invocation: Invocation) -> list[Check]:
    """Ask about every chart that the repository's files name; those that only a remote base names are left out."""
    context = invocation.context
    if context.settings.offline:
        raise UsageError("--hosts asks chart repositories, and CMP_OFFLINE forbids it")
    tree, chart_folders, _, engine_charts = needed(invocation.cwd)
    lock = lockfile.load(tree)
    of_folders = [(chart.path, None, chart.helm) for chart in chart_folders]
    of_engines = [("", of_engine.refs, of_engine.helm) for of_engine in engine_charts if of_engine.helm]
    wanted: list[RepositoryChart] = []
    for folder, refs, pin in (*of_folders, *of_engines):
        helm = toolchain.find({"helm": pin}, context.settings, lock)["helm"]
        wanted += charts.repository_charts(charts.ChartWork(tree, folder, "", helm, lock), refs, context)
    policy_check = policy.for_charts(context.settings.policy, tree)
    return list(hosts.examine(list(dict.fromkeys(wanted)), policy_check, context))


def _without_credentials(origins: Mapping[str, Setting]) -> Mapping[str, Setting]:
    """Return the settings without the credentials that a URL may hold."""
    return {name: setting._replace(value=_CREDENTIALS.sub("****@", setting.value)) for name, setting in origins.items()}


def _settings(origins: Mapping[str, Setting]) -> Iterator[str]:
    width = max(map(len, origins))
    for name, setting in sorted(origins.items()):
        yield f"{name:<{width}}  {setting.value or '-'}  ({setting.source})"


def _checks(checks: Sequence[Check]) -> Iterator[str]:
    for check in checks:
        yield f"{MARKS[check.state]}  {check.subject}: {check.found}"
        if check.hint and check.state != "ok":
            yield f"      {check.hint}"
    problems = sum(check.state == "problem" for check in checks)
    yield ""
    counted = f"{problems} problem{'' if problems == 1 else 's'}"
    yield counted if problems else "nothing will go wrong that can be seen from here"
