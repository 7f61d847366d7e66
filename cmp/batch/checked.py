"""Pairs of application and cluster rendered, their objects judged, and the findings of all gathered: `cmp check`.

Built-in kinds are judged in the workers, by plaintext.  What takes all pairs of a cluster is judged here, by masked
objects: custom kinds, whose CRD another pair may render, and policies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile, toolchain
from cmp.batch.judging import definitions_alone
from cmp.batch.renderer import BatchRenderer, PrintJob, nothing
from cmp.changes import Subject
from cmp.checks.judge import NO_VERSION
from cmp.checks.outputs import counted, on_masked
from cmp.checks.skips import shown, sort_out
from cmp.errors import and_more
from cmp.findings import Unjudged
from cmp.report.findings.result import FailedPair, NotJudged, PassedOver, Result, UnusedSkip, grouped
from cmp.repository import instances
from cmp.repository.instances import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cmp.batch.judging import Judging
    from cmp.batch.renderer import PrintedPair
    from cmp.changes import Object
    from cmp.checks.outputs import JudgedOutput
    from cmp.checks.policies.documents import Policies
    from cmp.context import Context
    from cmp.findings import Finding
    from cmp.model import Instance, Tool
    from cmp.repository.config.model import SkippedFinding
    from cmp.repository.instances import Pair, Repository
    from cmp.system.tree import Tree

    Tell = Callable[[PrintedPair], object]
    Locate = Callable[[Subject, Finding], Finding]

GATOR = "gator"
MAX_NAMED = 3


class Gatekeeper(NamedTuple):
    """The policies of a repository, and the program that judges by them."""

    policies: Policies
    tool: Tool

    @classmethod
    def of(cls, repository: Repository, context: Context) -> Gatekeeper | None:
        """Read the policies of `checks.policies`, if there are any; ConfigError or ToolError before any render."""
        config = repository.config
        if not config.checks.policies:
            return None
        from cmp.checks.policies import documents  # noqa: PLC0415  # most repositories have none

        policies = documents.read(repository.tree, config.checks.policies)
        pins = {GATOR: config.defaults.tools[GATOR]}
        return cls(policies, toolchain.find(pins, context.settings, lockfile.load(repository.tree))[GATOR])


class Gathered:
    """The judgements on the pairs of one run, by their clusters, until all are there."""

    def __init__(self, judging: Judging, locate: Locate) -> None:
        self._judging = judging
        self._locate = locate
        self._clusters: dict[str, _OnCluster] = {}
        self._failures: list[FailedPair] = []
        self._pairs: list[Subject] = []

    def take(self, subject: Subject, done: PrintedPair) -> None:
        """Take the judgement on a pair in, or the error that keeps it from being rendered."""
        self._pairs.append(subject)
        if done.error or done.judged is None:
            self._failures.append(FailedPair(subject, done.error, done.exit_code))
        else:
            self.on(subject.cluster).take(subject, done.judged)

    def on(self, cluster: str) -> _OnCluster:
        """Return the judgements on the pairs of one cluster."""
        return self._clusters.setdefault(cluster, _OnCluster(cluster, self._judging))

    def without_definition(self) -> list[str]:
        """Return the clusters with custom objects whose kind no CRD at hand defines."""
        return [name for name, one in self._clusters.items() if one.lacks_definitions()]

    def result(self, gatekeeper: Gatekeeper | None, skips: Sequence[SkippedFinding], context: Context) -> Result:
        """Judge what is left and return everything; entries of `checks.skip` that nothing fits are told as unused."""
        for one in self._clusters.values():
            one.judge_custom(self._locate)
            if gatekeeper:
                one.judge_policies(gatekeeper, self._locate, context)
        clusters = [self._clusters[name] for name in sorted(self._clusters)]
        chosen = sort_out((found for one in clusters for found in one.findings), skips)
        entries = dict.fromkeys(entry for entry, _, _ in chosen.passed_over)
        return Result(
            pairs=tuple(sorted(self._pairs)),
            objects=sum(one.total for one in clusters),
            judged=sum(one.judged_count(has_policies=gatekeeper is not None) for one in clusters),
            findings=grouped(chosen.counted),
            passed_over=tuple(
                PassedOver(found, entry.reason, entry.place)
                for entry in entries
                for found in grouped((subject, found) for used, subject, found in chosen.passed_over if used == entry)
            ),
            unused_skips=tuple(UnusedSkip(shown(entry), entry.place) for entry in chosen.unused),
            not_judged=_merged(one for cluster in clusters for one in cluster.not_judged()),
            unversioned=tuple(one.name for one in clusters if not self._judging.version(one.name)),
            failures=tuple(self._failures),
            notes=tuple(dict.fromkeys(note for one in clusters for note in one.notes)),
        )


class _OnCluster:
    """The judgements and objects of the pairs of one cluster."""

    def __init__(self, name: str, judging: Judging) -> None:
        self.name = name
        self.total = 0
        self.findings: list[tuple[Subject, Finding]] = []
        self.definitions: list[Object] = []
        self.notes: list[str] = []
        self._judging = judging
        self._custom: list[tuple[Subject, Object]] = []
        self._objects: list[tuple[Subject, tuple[Object, ...]]] = []
        self._unjudged: list[Unjudged] = []
        self._without_schema = 0

    def take(self, subject: Subject, judged: JudgedOutput) -> None:
        self.total += judged.total
        self.findings += ((subject, finding) for finding in judged.findings)
        self.definitions += judged.definitions
        self._custom += ((subject, item) for item in judged.custom)
        self._objects.append((subject, judged.objects))
        self._unjudged += judged.unjudged

    def lacks_definitions(self) -> bool:
        judge = self._judging.judge_of_all(self.name, self.definitions)
        return any(judge.judge((item,)).custom for _, item in self._custom)

    def judge_custom(self, locate: Locate) -> None:
        """Judge custom objects by the CRDs of all pairs."""
        judge = self._judging.judge_of_all(self.name, self.definitions)
        for subject, item in self._custom:
            judgement = judge.judge((item,))
            if judgement.custom:
                group = f".{item.identity.group}" if item.identity.group else ""
                self._unjudged.append(Unjudged(f"{item.identity.kind}{group}: a kind of which no CRD is known", 1))
                self._without_schema += 1
            findings, unjudged = on_masked(judgement, (item,))
            self.findings += ((subject, locate(subject, finding)) for finding in findings)
            self._unjudged += unjudged

    def judge_policies(self, gatekeeper: Gatekeeper, locate: Locate, context: Context) -> None:
        from cmp.checks.policies.judge import judge  # noqa: PLC0415  # most repositories have no policies

        judgement = judge(gatekeeper.policies, [items for _, items in self._objects], gatekeeper.tool, context)
        for (subject, _), findings in zip(self._objects, judgement.findings, strict=True):
            self.findings += ((subject, locate(subject, finding)) for finding in findings)
        self._unjudged += judgement.unjudged
        self.notes += judgement.notes

    def judged_count(self, *, has_policies: bool) -> int:
        if has_policies:
            return self.total
        unversioned = sum(one.times for one in self._unjudged if one.what == NO_VERSION)
        return self.total - self._without_schema - unversioned

    def not_judged(self) -> Iterator[tuple[str, Unjudged]]:
        yield from ((self.name, one) for one in counted(self._unjudged) if one.what != NO_VERSION)


def _merged(found: Iterable[tuple[str, Unjudged]]) -> tuple[NotJudged, ...]:
    """Return each thing that is not judged once, with all its clusters."""
    of_whats: dict[str, list[tuple[str, int]]] = {}
    for cluster, one in found:
        of_whats.setdefault(one.what, []).append((cluster, one.times))
    return tuple(
        NotJudged(Unjudged(what, sum(times for _, times in of_what)), tuple(sorted(cluster for cluster, _ in of_what)))
        for what, of_what in sorted(of_whats.items())
    )


class Checker:
    """Renders and judges pairs of one tree."""

    def __init__(self, tree: Tree, repository: Repository, context: Context, judging: Judging) -> None:
        self._repository = repository
        self._context = context
        self._judging = judging
        self._renderer = BatchRenderer(tree, repository, context)
        self._instances: dict[tuple[str, str], Instance] = {}

    def check(self, pairs: Sequence[Pair], tell: Tell) -> Result:
        """Return what is found in some pairs; `tell` gets each as it is rendered.

        The other pairs of a cluster are rendered, too, where an object is of a kind whose CRD is not at hand.
        """
        gatekeeper = Gatekeeper.of(self._repository, self._context)
        gathered = Gathered(self._judging, self._located)
        jobs = [PrintJob(pair, nothing, self._judging, self._judging.supposed(pair.cluster)) for pair in pairs]
        for pair, done in zip(pairs, self._renderer.render_all(jobs), strict=True):
            tell(done)
            gathered.take(self._subject(pair), done)
        every = self._repository.pairs()
        is_whole = len(pairs) == len(every)
        notes = (
            [] if is_whole else self._bring_definitions(gathered, [pair for pair in every if pair not in set(pairs)])
        )
        result = gathered.result(gatekeeper, self._repository.config.checks.skip, self._context)
        result = result._replace(notes=(*result.notes, *notes))
        # Of some pairs alone nobody knows what the entries are for.
        return result if is_whole and not result.failures else result._replace(unused_skips=())

    def _bring_definitions(self, gathered: Gathered, others: Iterable[Pair]) -> list[str]:
        """Render other pairs for their CRDs; return sentences about those that cannot be rendered."""
        clusters = gathered.without_definition()
        needed = [pair for pair in others if pair.cluster in clusters]
        jobs = [PrintJob(pair, nothing, definitions_alone, self._judging.supposed(pair.cluster)) for pair in needed]
        failed = []
        for pair, done in zip(needed, self._renderer.render_all(jobs), strict=True):
            if done.judged:
                gathered.on(pair.cluster).definitions += done.judged.definitions
            else:
                failed.append(done.name)
        named = and_more(failed, MAX_NAMED)
        return [f"the CRDs of pairs that cannot be rendered are not known: {named}"] if failed else []

    def _subject(self, pair: Pair) -> Subject:
        known = self._repository.config.clusters.get(pair.cluster)
        return Subject(pair.app, pair.cluster, known.facts.get("env", "") if known else "")

    def _located(self, subject: Subject, finding: Finding) -> Finding:
        key = (subject.app, subject.cluster)
        if key not in self._instances:
            self._instances[key] = instances.resolve_in(self._repository, Request(*key))
        return self._judging.located(finding, self._instances[key])
