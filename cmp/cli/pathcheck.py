"""`cmp paths --check`: the annotations that stand in the Applications and ApplicationSets of the repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cmp.cli import Output, for_people
from cmp.cli.io import content
from cmp.errors import and_more
from cmp.genpaths import applications
from cmp.genpaths.applications import Unread
from cmp.genpaths.check import Checker
from cmp.genpaths.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.cli import Invocation
    from cmp.genpaths.applications import Annotated
    from cmp.genpaths.check import Verdict
    from cmp.system.tree import WorkTree

MAX_LISTED = 10


def check(tree: WorkTree, files: Sequence[str], output_format: str, invocation: Invocation) -> Output:
    """Check what stands in these files, or in all YAML files of the tree; exit code 1 where something is missing."""
    warn = invocation.context.log.warning
    checker = Checker(Paths(tree), tree.prefix)
    verdicts: list[Verdict] = []
    for found in _named(files, invocation.cwd) if files else applications.scan(tree):
        if isinstance(found, Unread):
            warn(f"{found.file} is not checked: {found.problem}")
            continue
        verdict = checker.check(found)
        if verdict.pairs:
            verdicts.append(verdict)
        else:
            warn(f"{found.place}: {found.subject} is not checked: no application here has its source path")
    wrong = [verdict for verdict in verdicts if not verdict.is_right]
    exit_code = 1 if wrong else 0
    summary = f"cmp: {len(verdicts)} Applications and ApplicationSets checked, {len(wrong)} not right"
    if output_format == "json":
        printed = json.dumps([_object(verdict) for verdict in verdicts], indent=2, ensure_ascii=False)
        return Output(f"{printed}\n".encode(), exit_code, summary)
    return for_people((line for verdict in wrong for line in _lines(verdict)), exit_code, summary)


def _named(files: Sequence[str], cwd: str) -> Iterator[Annotated]:
    for name in files:
        yield from applications.read(content(name, cwd, "this file"), name)


def _lines(verdict: Verdict) -> Iterator[str]:
    where = f"{verdict.annotated.place}: {verdict.annotated.subject}:"
    if verdict.reason:
        yield f"{where} cannot be decided: {verdict.reason}"
    if verdict.missing:
        yield f"{where} the annotation lacks {and_more(verdict.missing, MAX_LISTED)}"
    if verdict.open:
        yield f"{where} cannot be decided: its {{{{…}}}} may or may not lead to {and_more(verdict.open, MAX_LISTED)}"
    if verdict.right:
        yield f"  right is {verdict.right}"


def _object(verdict: Verdict) -> dict[str, object]:
    found = verdict.annotated
    return {
        "file": found.file,
        "line": found.line,
        "kind": found.kind,
        "name": found.name,
        "annotation": found.annotation,
        "pairs": [{"application": app, "cluster": cluster} for app, cluster in verdict.pairs],
        "missing": verdict.missing,
        "undecided": verdict.open,
        "reason": verdict.reason,
        "right": verdict.right,
    }
