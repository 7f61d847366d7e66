"""The judgement on a Report: its verdict in one line, the exit code under the gates of a run, and the reasons for that.

This is the only place that reads a Report for that, and it reads all of it: every format prints its verdict, so that
none can say less than the exit code does, and the exit code none less than the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import and_more
from cmp.report.document import plural
from cmp.report.names import clusters, natural, object_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.changes import DangerLine, Failure, FindingLine, LeftOut, Outcome, Report, Subject
    from cmp.findings import Level
    from cmp.report.document import Gates

DIFFERS = 1
ANY = "any"
CHANGED = frozenset({"changed", "added", "removed"})
STAYS = "stays"  # of an Application: whatever the change says of it, nothing happens to it
NOT_COMPARED = "not-compared"  # a rule beside those of dangers
LEVELS: tuple[Level, ...] = ("error", "warning", "note")  # of findings, the most severe first
# Rules of findings, for `--fail-on`: `policy` is any policy, a level is any rule with it or with a more severe one.
POLICY = "policy"
FINDINGS = (
    *("schema", "unknown-field", "value", "unknown-kind", "removed-api", "deprecated-api", POLICY),
    *("error", "warning"),
)
NOTHING = "no manifest changes"
NOTHING_COMPARED = "no manifest that was compared changes"
_LEFT_OUT = {
    "Application": "{} not compared",
    "ApplicationSet": "{} not read",
    "pair": "Applications of {} not known",
    "chart": "Applications of {} not known",
    "file": "{} not read",
}


class Reason(NamedTuple):
    """A reason for an exit code: the option whose limit is passed, empty for a failure, and a sentence's end."""

    gate: str
    text: str


class Judgement(NamedTuple):
    """The judgement on a report under some gates.

    `has_changes` says that manifests or Applications differ, `clusters` names the clusters on which they do.  A report
    `is_silent` where a reader need not look at it: nothing changes, nothing failed, no finding is new, the change
    reaches nothing that is left out, and no file is unaccounted for.
    """

    verdict: str
    exit_code: int
    reasons: tuple[Reason, ...]
    has_changes: bool
    clusters: tuple[str, ...]
    is_silent: bool


def judge(report: Report, gates: Gates) -> Judgement:
    """Return the judgement: the exit code is that of a failure that counts, 1 for a gate or for other differences."""
    reasons = tuple(_reasons(report, gates))
    changed = _changed(report)
    differs = DIFFERS if any(reason.gate for reason in reasons) or (changed and not gates.is_lenient) else 0
    unread = [file for file in report.unowned if not file.rule]
    has_more = report.failures or reached(report.left_out) or unread or new_findings(report)
    return Judgement(
        verdict=_verdict(report),
        exit_code=code_of(report.failures) or differs,
        reasons=reasons,
        has_changes=bool(changed),
        clusters=tuple(clusters(changed)),
        is_silent=not (changed or changing(report) or has_more),
    )


def code_of(failures: Iterable[Failure]) -> int:
    """Return the least exit code of the failures that count, 0 without one.

    A pair that failed before, too, does not count against the change; one that failed for an external reason does, for
    it was not compared.
    """
    return min((failure.exit_code for failure in failures if _counts(failure)), default=0)


def changing(report: Report) -> list[Outcome]:
    """Return the outcomes of the pairs whose manifests change, those of refused renders that can be read among them."""
    return [outcome for outcome in report.outcomes if outcome.status in CHANGED or outcome.changes]


def new_findings(report: Report) -> list[FindingLine]:
    """Return the errors and warnings that are new; notes are only counted."""
    return [line for line in report.findings.new if line.finding.level != LEVELS[-1]] if report.findings else []


def is_old(failure: Failure) -> bool:
    """Tell whether a pair failed before, too, by its own fault."""
    return not (failure.is_new or failure.needs_key or failure.is_foreign)


def is_of_run(failure: Failure) -> bool:
    """Tell whether nobody knows if the change makes a pair fail: a side of it lacked something in this run."""
    return failure.is_foreign and not (failure.is_new or failure.needs_key)


def is_new(failure: Failure) -> bool:
    """Tell whether the change makes a pair fail."""
    return failure.is_new and not failure.needs_key


def _counts(failure: Failure) -> bool:
    return failure.is_new or failure.is_foreign


def _changed(report: Report) -> list[Subject]:
    """Return the pairs that change, of manifests or of their Applications; refused renders have a code of their own."""
    found = dict.fromkeys(outcome.subject for outcome in report.outcomes if outcome.status in CHANGED)
    of_applications = dict.fromkeys(one.subject for one in report.applications if one.what != STAYS)
    return [*found, *(subject for subject in of_applications if subject not in found)]


# The verdict


def _verdict(report: Report) -> str:
    extra = [*_beside(report)]
    return f"Manifest diff: {', '.join([*_size(report, is_all=not extra), *extra])}"


def _size(report: Report, *, is_all: bool) -> Iterator[str]:
    """Yield the size of the change of manifests; `is_all` says that there is nothing else to tell."""
    changed = [outcome.subject for outcome in changing(report)]
    if not changed:
        yield NOTHING if is_all else NOTHING_COMPARED
        return
    names = clusters(changed)
    if names:
        of = f"{len(names):,} of " if report.counts.clusters else ""
        yield of + plural(report.counts.clusters or len(names), "cluster")
    # The name of an Application may stand behind that of the app, as in `web (web-canary)`.
    yield plural(len({subject.app.partition(" (")[0] for subject in changed}), "app")
    without = "nothing but folded noise" if report.noise else "nothing to compare with"
    yield plural(len(report.groups), "distinct change") if report.groups else without


def _beside(report: Report) -> Iterator[str]:
    """Yield the numbers of all that the manifests which were compared do not tell."""
    counts = [
        (sum(map(is_new, report.failures)), "new failure"),
        (sum(map(is_old, report.failures)), "earlier failure"),
        (len(report.dangers), "danger"),
        (len(new_findings(report)), "new finding"),
    ]
    yield from (plural(count, noun) for count, noun in counts if count)
    names = {(one.subject, one.application): one.what for one in report.applications}
    if staying := sum(what == STAYS for what in names.values()):
        yield f"{plural(staying, 'Application')} left as {'it is' if staying == 1 else 'they are'}"
    if changing := len(names) - staying:
        yield f"{plural(changing, 'Application')} change{'s' if changing == 1 else ''}"
    keyless = sum(failure.needs_key for failure in report.failures)
    if keyless:
        yield f"{plural(keyless, 'pair')} not judged without the key"
    lost = sum(map(is_of_run, report.failures))
    if lost:
        yield f"{plural(lost, 'pair')} not rendered in this run"
    yield from left_out_counts(report.left_out)
    unread = sum(not file.rule for file in report.unowned)
    if unread:
        yield f"{plural(unread, 'file')} of no application"


def left_out_counts(left_out: Iterable[LeftOut]) -> Iterator[str]:
    """Yield the numbers of what is left out, by its kind; what is left out for two reasons counts once."""
    names = _by_noun((one.noun, one.names) for one in left_out)
    yield from (text.format(plural(len(names[noun]), noun)) for noun, text in _LEFT_OUT.items() if noun in names)


def reached(left_out: Iterable[LeftOut]) -> dict[str, list[str]]:
    """Return the names of what is left out and may be reached by the change, by its kind."""
    return _by_noun((one.noun, one.reached) for one in left_out)


def _by_noun(names: Iterable[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for noun, of_noun in names:
        if of_noun:
            found.setdefault(noun, {}).update(dict.fromkeys(of_noun))
    return {noun: [*of_noun] for noun, of_noun in found.items()}


# The reasons of an exit code


def _reasons(report: Report, gates: Gates) -> Iterator[Reason]:
    yield from _of_failures(report.failures)
    for rule in dict.fromkeys(line.danger.rule for line in report.dangers):
        if ANY in gates.rules or rule in gates.rules:
            lines = [line for line in report.dangers if line.danger.rule == rule]
            yield Reason(f"--fail-on {rule}", and_more([*map(_place, lines)], separator="; "))
    yield from _of_findings(new_findings(report), gates)
    if ANY in gates.rules or NOT_COMPARED in gates.rules:
        yield from (Reason(f"--fail-on {NOT_COMPARED}", text) for text in _not_compared(report))
    changed = clusters(_changed(report))
    if 0 < gates.clusters < len({subject.cluster for subject in _changed(report)}):
        yield Reason(f"--max-clusters {gates.clusters}", f"{len(changed)} change: {and_more(changed)}")


def _place(danger: DangerLine) -> str:
    """Return the object of a danger and its pairs; an ApplicationSet is both."""
    where = pairs(danger.subjects)
    return danger.where if danger.where == where else f"{danger.where} ({where})"


def _of_findings(lines: Sequence[FindingLine], gates: Gates) -> Iterator[Reason]:
    """Yield a reason for each rule with findings that the gates name: by it, by their level, or (errors) by `any`."""
    refused: dict[str, list[str]] = {}
    levels: tuple[str, ...] = ("error",) if {"error", "warning", ANY} & {*gates.rules} else ()
    levels += ("warning",) if "warning" in gates.rules else ()
    for line in lines:
        rule = rule_of(line)
        if rule in gates.rules or line.finding.level in levels:
            place = f"{object_name(line.finding.identity)} ({pairs(line.subjects)})"
            refused.setdefault(rule, []).append(place)
    for rule, places in refused.items():
        yield Reason(f"--fail-on {rule}", and_more([*dict.fromkeys(places)], separator="; "))


def rule_of(line: FindingLine) -> str:
    """Return the name by which `--fail-on` knows a finding: that of its rule, for all policies one."""
    return line.finding.rule.partition("/")[0]


def _not_compared(report: Report) -> Iterator[str]:
    """Yield what the change may reach and nobody compared, where it does not count as a failure of the change."""
    for noun, names in reached(report.left_out).items():
        yield f"{plural(len(names), noun)}: {and_more(names)}"
    if silent := [failure.subject for failure in report.failures if not _counts(failure)]:
        yield f"cannot be rendered on either side, or not without the key: {pairs(silent)}"


def _of_failures(failures: Iterable[Failure]) -> Iterator[Reason]:
    """Yield a reason for the failures of the change, and one for those of the run."""
    counting = [failure for failure in failures if _counts(failure)]
    for is_foreign, text in ((False, "cannot be rendered any more"), (True, "could not be rendered in this run")):
        subjects = [failure.subject for failure in counting if failure.is_foreign == is_foreign]
        if subjects:
            yield Reason("", f"{text}: {pairs(subjects)}")


def pairs(subjects: Iterable[Subject]) -> str:
    """Return the names of some pairs, those of an application together: `web on blue, green and 3 more; api`."""
    names: dict[str, list[str]] = {}
    for subject in dict.fromkeys(subjects):
        names.setdefault(subject.app, []).append(subject.cluster)
    shown = [
        f"{app} on {and_more(sorted(filter(None, on), key=natural))}" if any(on) else app for app, on in names.items()
    ]
    return and_more(shown, separator="; ")
