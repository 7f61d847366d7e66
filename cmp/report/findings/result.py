"""The result of a check, as values that every view of it reads.

The names and the docstrings of the classes are part of a format: the JSON Schema of the JSON view has them.
"""

# Without `from __future__ import annotations`: see model.py.
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from cmp.changes import Subject
from cmp.errors import and_more
from cmp.findings import Finding, Level, Unjudged

LEVELS: tuple[Level, ...] = ("error", "warning", "note")
FOUND, CONFIGURATION = 1, 3  # exit codes
STDIN = "stdin"  # in the place of a file
MAX_NAMED = 3  # things in the verdict that are not judged

RULES: Mapping[str, str] = MappingProxyType(
    {
        "schema": "The schema of its kind refuses a field: its type, an enumeration, or that it is missing.",
        "unknown-field": "The schema of its kind has no such field: the API server drops it, or refuses the object.",
        "value": "A text that the API server parses, such as a quantity or base64, cannot be read.",
        "unknown-kind": "The cluster's version of Kubernetes does not serve the kind in this version of the API.",
        "removed-api": "A version of the API is removed: in the cluster's version of Kubernetes, or in a later one.",
        "deprecated-api": "A version of the API is deprecated.",
        "policy": "A policy of Gatekeeper denies the object, or warns of it.",
    }
)


class FoundOn(NamedTuple):
    """A finding, and the pairs of application and cluster that have it, where all else of it is equal."""

    finding: Finding
    subjects: tuple[Subject, ...]


class PassedOver(NamedTuple):
    """A finding that `checks.skip` of cmp.yaml passes over, with the reason that stands there at `place`."""

    found: FoundOn
    reason: str
    place: str


class UnusedSkip(NamedTuple):
    """An entry of `checks.skip` that fits no finding; `entry` shows its keys."""

    entry: str
    place: str


class FailedPair(NamedTuple):
    """A pair that cannot be rendered: the lines of its error, masked."""

    subject: Subject
    lines: tuple[str, ...]
    exit_code: int


class NotJudged(NamedTuple):
    """Something that nothing here judges, how many times, and the clusters (none: objects of no cluster)."""

    unjudged: Unjudged
    clusters: tuple[str, ...]


class Result(NamedTuple):
    """The findings on the objects of some pairs.

    `findings` are sorted: errors, then warnings, then notes.  `unversioned` are clusters whose version of Kubernetes is
    not known, so that neither schemas nor APIs are judged there.  `notes` are sentences about the check as a whole.
    `judged` is the number of `objects` that something has judged.
    """

    pairs: tuple[Subject, ...] = ()
    objects: int = 0
    judged: int = 0
    findings: tuple[FoundOn, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    unused_skips: tuple[UnusedSkip, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()
    unversioned: tuple[str, ...] = ()
    failures: tuple[FailedPair, ...] = ()
    notes: tuple[str, ...] = ()


class Verdict(NamedTuple):
    """The judgement on a check: numbers of findings by their level, the exit code, and the verdict as a sentence."""

    errors: int
    warnings: int
    notes: int
    exit_code: int
    verdict: str


def verdict(result: Result, *, fails_on_warning: bool = False) -> Verdict:
    """Judge a result: a pair that cannot be rendered outweighs findings, and nothing judged is no success."""
    errors, warnings, notes = (sum(found.finding.level == level for found in result.findings) for level in LEVELS)
    code = next((failed.exit_code for failed in result.failures), 0)
    if errors or (warnings and fails_on_warning):
        code = code or FOUND
    if not (result.judged or code):
        code = CONFIGURATION
    text = "; ".join(_clauses(result, errors, warnings, notes))
    return Verdict(errors, warnings, notes, code, text)


def _clauses(result: Result, errors: int, warnings: int, notes: int) -> Iterator[str]:
    objects = f"{_count(result.objects, 'object')} of {_count(len(result.pairs), 'pair')}"
    told = [
        *([_count(errors, "error")] if errors else []),
        *([_count(warnings, "warning")] if warnings else []),
        *([_count(notes, "note")] if notes else []),
    ]
    if not result.judged:
        yield f"nothing is judged of {objects}"
    else:
        yield f"{_listed(told) or 'nothing found'} in {objects}"
    if result.failures:
        yield f"{_count(len(result.failures), 'pair')} cannot be rendered"
    if result.passed_over:
        yield f"{len(result.passed_over)} passed over"
    if named := [cluster for cluster in result.unversioned if cluster]:
        yield (
            f"schemas and APIs are not judged on {_listed(named)}: the inventory has no kubeVersion of it (write it "
            "there, or --kube-version)"
        )
    if "" in result.unversioned:
        yield "schemas and APIs are not judged: no version of Kubernetes is known (--cluster, or --kube-version)"
    if result.not_judged:
        whats = dict.fromkeys(one.unjudged.what for one in result.not_judged)
        yield f"not judged: {and_more([*whats], MAX_NAMED)}"


def grouped(findings: Iterable[tuple[Subject, Finding]]) -> tuple[FoundOn, ...]:
    """Return each finding once with its pairs, the gravest first; equal ones of several applications stay apart."""
    subjects: dict[tuple[str, Finding], dict[Subject, None]] = {}
    for subject, finding in findings:
        subjects.setdefault((subject.app, finding), {})[subject] = None
    found = (FoundOn(finding, tuple(sorted(on))) for (_, finding), on in subjects.items())
    return tuple(sorted(found, key=_rank))


def _rank(found: FoundOn) -> tuple[object, ...]:
    finding = found.finding
    return (LEVELS.index(finding.level), finding.rule, found.subjects[0].app, *finding[2:], found.subjects)


def description(rule: str) -> str:
    """Return the subject of a rule, as a sentence."""
    return RULES[rule.partition("/")[0]]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(names: Iterable[str]) -> str:
    *first, last = (*names, "")[:-1] or ("",)
    return f"{', '.join(first)} and {last}" if first else last
