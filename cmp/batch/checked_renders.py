"""The judgement on pairs that another command renders: `cmp golden --check` and `cmp render --all --check`.

No other pair is rendered for it: a custom kind whose CRD none of these pairs has, and no folder of `checks.schemas`, is
counted as not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.batch.checked import Gatekeeper, Gathered
from cmp.batch.judging import Judging, Versions
from cmp.changes import Subject
from cmp.report.findings import FORMATS
from cmp.report.findings.result import verdict
from cmp.repository import instances
from cmp.repository.instances import Request

if TYPE_CHECKING:
    from cmp.batch.renderer import PrintedPair
    from cmp.context import Context
    from cmp.findings import Finding
    from cmp.model import Instance
    from cmp.repository.instances import Repository
    from cmp.system.tree import Tree


class CheckedRenders:
    """Takes the renders of a run, and tells in the end what is found in them."""

    def __init__(self, tree: Tree, repository: Repository, context: Context) -> None:
        """Read what is judged by; an error for what is wrong with it, before any render."""
        self._repository = repository
        self._context = context
        self._gatekeeper = Gatekeeper.of(repository, context)
        self.judging = Judging(tree, repository.config.clusters, repository.config.checks, Versions())
        self._gathered = Gathered(self.judging, self._located)
        self._instances: dict[tuple[str, str], Instance] = {}
        self._count = 0

    def take(self, done: PrintedPair) -> None:
        """Take a render whose job had the judge; one that failed has said so already."""
        if done.judged is None:
            return
        self._count += 1
        known = self._repository.config.clusters.get(done.cluster)
        subject = Subject(done.app, done.cluster, known.facts.get("env", "") if known else "")
        self._gathered.take(subject, done)

    def tell(self) -> int:
        """Write the findings to stderr as `cmp check` prints them; return its exit code, 0 where nothing was rendered.

        Entries of `checks.skip` may be for pairs that are not rendered here: no word of those that nothing fits.
        """
        if not self._count:
            return 0
        skips = self._repository.config.checks.skip
        result = self._gathered.result(self._gatekeeper, skips, self._context)._replace(unused_skips=())
        judgement = verdict(result)
        for line in FORMATS["text"](result, judgement).splitlines():
            self._context.log.line(line)
        return judgement.exit_code

    def _located(self, subject: Subject, finding: Finding) -> Finding:
        key = (subject.app, subject.cluster)
        if key not in self._instances:
            self._instances[key] = instances.resolve_in(self._repository, Request(*key))
        return self.judging.located(finding, self._instances[key])
