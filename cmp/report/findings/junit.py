"""Findings as JUnit's XML, as CI systems show test results: a suite for each cluster, a case for each pair.

Reference: the schema of Jenkins' xUnit plugin.  Errors of a pair are one failure of its case; what else is found of it
is its output.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from cmp.report.findings import words
from cmp.system.visible import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.changes import Subject
    from cmp.findings import Finding
    from cmp.report.findings.result import FailedPair, Result, Verdict

NO_CLUSTER = "without a cluster"


def view(result: Result, _: Verdict) -> str:
    """Return the document."""
    return "".join(f"{line}\n" for line in _lines(result))


def _lines(result: Result) -> Iterator[str]:
    of_pairs: dict[Subject, list[Finding]] = {}
    for found in result.findings:
        for subject in found.subjects:
            of_pairs.setdefault(subject, []).append(found.finding)
    failures = {failed.subject: failed for failed in result.failures}
    suites: dict[str, list[Subject]] = {}
    for subject in sorted({*result.pairs, *failures, *of_pairs}):
        suites.setdefault(subject.cluster, []).append(subject)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="cmp check"{_counts([*suites.values()], of_pairs, failures)}>'
    for cluster, subjects in suites.items():
        name = _attribute(visible(cluster or NO_CLUSTER))
        yield f"  <testsuite name={name}{_counts([subjects], of_pairs, failures)}>"
        for subject in subjects:
            yield from _case(subject, of_pairs.get(subject, []), failures.get(subject), result)
        yield "  </testsuite>"
    yield "</testsuites>"


def _counts(
    suites: Sequence[Sequence[Subject]],
    of_pairs: dict[Subject, list[Finding]],
    failures: dict[Subject, FailedPair],
) -> str:
    subjects = [subject for suite in suites for subject in suite]
    failed = sum(any(one.level == "error" for one in of_pairs.get(subject, ())) for subject in subjects)
    errors = sum(subject in failures for subject in subjects)
    return f' tests="{len(subjects)}" failures="{failed}" errors="{errors}"'


def _case(subject: Subject, findings: Sequence[Finding], failed: FailedPair | None, result: Result) -> Iterator[str]:
    name, cluster = (_attribute(visible(text)) for text in (subject.app, subject.cluster or NO_CLUSTER))
    yield f"    <testcase name={name} classname={cluster}>"
    errors = [finding for finding in findings if finding.level == "error"]
    others = [finding for finding in findings if finding.level != "error"]
    if failed:
        first = _attribute(visible(failed.lines[0])) if failed.lines else '""'
        yield f"      <error message={first}>{_text(failed.lines)}</error>"
    elif errors:
        first = _attribute(visible(words.sentence(errors[0])))
        kind = _attribute(visible(errors[0].rule))
        yield f"      <failure message={first} type={kind}>{_text([*map(_line, errors)])}</failure>"
    elif subject.cluster in result.unversioned and not findings:
        yield '      <skipped message="the version of Kubernetes of this cluster is not known"/>'
    if others:
        yield f"      <system-out>{_text([*map(_line, others)])}</system-out>"
    yield "    </testcase>"


def _line(finding: Finding) -> str:
    where = words.origin(finding)
    return f"{finding.level}: {words.sentence(finding)} [{finding.rule}]{f' at {where}' if where else ''}"


def _attribute(text: str) -> str:
    return f'"{escape(text)}"'


def _text(lines: Sequence[str]) -> str:
    return escape("\n".join(map(visible_line, lines)), quote=False)
