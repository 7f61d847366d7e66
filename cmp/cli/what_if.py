"""The options of `cmp diff` that suppose other versions, before anybody edits a file."""

from __future__ import annotations

import shlex
from functools import wraps
from typing import TYPE_CHECKING

import click

from cmp.changes import Revision
from cmp.cli import candidates
from cmp.errors import UsageError, and_more
from cmp.preview.supposed import WhatIf, suppose
from cmp.repository.git import changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.cli import Invocation, Output
    from cmp.cli.revisions import Sides

MAX_NAMED = 3  # suppositions in the name of a side


def require_alone(what_if: WhatIf, *, is_untrusted: bool, is_live: bool, against: str | None) -> None:
    """UsageError for options that do not go together with those of this module."""
    if not what_if.options:
        return
    option = what_if.options[0]
    if is_untrusted:
        raise UsageError(
            f"{option} and --untrusted exclude each other: both sides are the same revision",
            hint="leave out one of them; --keyless decrypts nothing",
        )
    if is_live or against:
        other = "--live" if is_live else "--against"
        raise UsageError(f"{option} and {other} name two things to compare with", hint="leave out one of them")


def supposed(sides: Sides, what_if: WhatIf, invocation: Invocation) -> Sides:
    """Return the only revision of two sides, and as the newer side that revision with other versions."""
    found = suppose(sides.head, what_if, invocation.context)
    texts = and_more([one.text for one in found.suppositions], MAX_NAMED)
    return sides._replace(
        head=found.tree,
        after=Revision(f"{sides.after.name} with {texts}", sides.after.commit),
        changed=tuple(changed(sides.base, found.tree)),
        suppositions=found.suppositions,
    )


def reproduce(what_if: WhatIf, *, is_work: bool) -> str:
    """Return the command that a report names."""
    return " ".join(["cmp diff", shlex.join(what_if.options), "--work-tree" if is_work else "--head {head}"])


OPTIONS = (
    click.option(
        "--kube-version",
        "kube_versions",
        multiple=True,
        metavar="[CLUSTER=]VERSION",
        shell_complete=candidates.clusters,
        help="What if a cluster, or without its name every one, had this Kubernetes; repeat.",
    ),
    click.option(
        "--pin",
        "pins",
        multiple=True,
        metavar="[APP:]TOOL=VERSION",
        shell_complete=candidates.tools,
        help="What if a tool were pinned so, as `cmp pin` does it; for one cluster APP@CLUSTER:TOOL=VERSION; repeat.",
    ),
    click.option(
        "--chart",
        "charts",
        multiple=True,
        metavar="NAME=VERSION",
        help="What if a chart of a repository had this version wherever a file names it; repeat.",
    ),
)


def what_if_options(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command the options above, folded into one `what_if` argument."""

    @wraps(function)
    def folded(
        *, kube_versions: tuple[str, ...], pins: tuple[str, ...], charts: tuple[str, ...], **others: object
    ) -> Output:
        return function(what_if=WhatIf.of(kube_versions, pins, charts), **others)

    for option in reversed(OPTIONS):
        folded = option(folded)
    return folded
