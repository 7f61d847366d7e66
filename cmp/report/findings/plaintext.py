"""Findings for a terminal: the same finding on several clusters once, the gravest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.report.findings import words
from cmp.system.visible import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.report.findings.result import FoundOn, Result, Verdict

_WIDTH = len("warning")


def view(result: Result, verdict: Verdict) -> str:
    """Return lines, each ended by a line feed, of which the first is the verdict."""
    return "".join(f"{line}\n" for line in _lines(result, verdict))


def _lines(result: Result, verdict: Verdict) -> Iterator[str]:
    yield visible(verdict.verdict)
    for found in result.findings:
        yield ""
        yield from _finding(found)
    for failed in result.failures:
        yield ""
        yield from map(visible_line, failed.lines)
    if result.passed_over:
        yield from ("", "Passed over, as checks.skip of cmp.yaml says:")
        for one in result.passed_over:
            yield visible(f"  {words.sentence(one.found.finding)}  [{one.found.finding.rule}]")
            yield visible(f"    {words.pairs(one.found.subjects)}; {one.place}: {one.reason}")
    if result.unused_skips:
        yield from ("", "Entries of checks.skip that nothing fits any more:")
        for entry in result.unused_skips:
            yield visible(f"  {entry.place}  {entry.entry}")
    if result.not_judged:
        yield from ("", "Not judged:")
        for unjudged in result.not_judged:
            yield visible(f"  {words.not_judged(unjudged)}")
    if result.notes:
        yield ""
        yield from map(visible, result.notes)


def _finding(found: FoundOn) -> Iterator[str]:
    finding = found.finding
    yield visible(f"{finding.level:<{_WIDTH}}  {words.sentence(finding)}  [{finding.rule}]")
    for text in (words.origin(finding), words.pairs(found.subjects)):
        if text:
            yield visible(f"{'':<{_WIDTH}}  {text}")
