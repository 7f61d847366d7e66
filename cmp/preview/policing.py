"""Policies of Gatekeeper on the objects of a comparison: one run of gator for a cluster and a side.

It gets what can have a new finding: objects that change, all Namespaces, and everything where a policy changes.  So a
policy that reads other objects sees these alone.  It runs where the report is made, on masked objects, so that a
comparison in shares finds the same as a single run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile, toolchain
from cmp.checks import outputs
from cmp.checks.policies import documents, judge
from cmp.errors import ConfigError
from cmp.preview import new_findings
from cmp.preview.judging import changed_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.changes import Object
    from cmp.checks.policies.judge import Judgement
    from cmp.context import Context
    from cmp.findings import Unjudged
    from cmp.model import Tool
    from cmp.preview.judging import Judging
    from cmp.preview.sides import Side
    from cmp.preview.worker import WorkerResult
    from cmp.repository.config.model import Checks

GATOR = "gator"


class Policed(NamedTuple):
    """The results of pairs with what policies find, what no policy judges here, and sentences about that."""

    results: tuple[WorkerResult, ...]
    unjudged: tuple[Unjudged, ...] = ()
    notes: tuple[str, ...] = ()


class Gatekeeper:
    """The policies of both sides, and the program that judges by them."""

    def __init__(self, base: Side, head: Side, checks: Checks, context: Context) -> None:
        """Read the policies; ConfigError for those of the newer side, ToolError where gator is not installed."""
        newer = documents.read(head.tree, checks.policies)
        self._policies = (_older(base, checks) if changed_folders(base, head, checks) else newer, newer)
        self._tool = _tool(head, context)
        self._context = context

    def policed(self, results: Sequence[WorkerResult], judging: Judging) -> Policed:
        """Return the results with the findings of policies that only one side of a pair has."""
        made = list(results)
        unjudged: list[Unjudged] = []
        notes: dict[str, None] = {}
        clusters: dict[str, list[int]] = {}
        for number, result in enumerate(results):
            clusters.setdefault(result.outcome.subject.cluster, []).append(number)
        for _, numbers in sorted(clusters.items()):
            before, after = self._judged([results[number].for_policies for number in numbers])
            unjudged += after.unjudged
            notes |= dict.fromkeys(after.notes)
            for number, was, now in zip(numbers, before.findings, after.findings, strict=True):
                outcome = made[number].outcome
                found = new_findings.compared(judging.counted(was), judging.counted(now), outcome.changes)
                findings, fixed = (*outcome.findings, *found.new), (*outcome.fixed, *found.fixed)
                made[number] = made[number]._replace(outcome=outcome._replace(findings=findings, fixed=fixed))
        return Policed(tuple(made), outputs.counted(unjudged), tuple(notes))

    def _judged(self, of_pairs: Sequence[Sequence[Sequence[Object]]]) -> Iterator[Judgement]:
        """Yield the judgements of one cluster: on the older sides of its pairs, and on the newer ones."""
        for at, policies in enumerate(self._policies):
            objects = [sides[at] for sides in of_pairs]
            if any(objects):
                yield judge.judge(policies, objects, self._tool, self._context)
            else:
                yield judge.Judgement(tuple(() for _ in objects))


def _older(base: Side, checks: Checks) -> documents.Policies:
    try:
        return documents.read(base.tree, checks.policies)
    except ConfigError:  # a folder that comes with the change, or one that it mends
        return documents.Policies((), ())


def _tool(head: Side, context: Context) -> Tool:
    pins = {GATOR: head.repository.config.defaults.tools[GATOR]}
    return toolchain.find(pins, context.settings, lockfile.load(head.tree))[GATOR]
