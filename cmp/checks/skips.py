"""Findings that are expected: `checks.skip` of cmp.yaml names them, each with a reason that is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.changes import Subject
    from cmp.findings import Finding
    from cmp.repository.config.model import SkippedFinding


class Sorted(NamedTuple):
    """Findings of pairs: those that count, those to pass over by their entries, and entries that nothing fits."""

    counted: tuple[tuple[Subject, Finding], ...]
    passed_over: tuple[tuple[SkippedFinding, Subject, Finding], ...]
    unused: tuple[SkippedFinding, ...]


def sort_out(findings: Iterable[tuple[Subject, Finding]], entries: Sequence[SkippedFinding]) -> Sorted:
    """Sort findings by the first entry that fits each."""
    counted: list[tuple[Subject, Finding]] = []
    passed_over: list[tuple[SkippedFinding, Subject, Finding]] = []
    used: set[SkippedFinding] = set()
    for subject, finding in findings:
        fitting = [entry for entry in entries if fits(entry, finding)]
        used.update(fitting)  # a second entry for the same is not told to be of no use
        if fitting:
            passed_over.append((fitting[0], subject, finding))
        else:
            counted.append((subject, finding))
    unused = tuple(entry for entry in entries if entry not in used)
    return Sorted(tuple(counted), tuple(passed_over), unused)


def fits(entry: SkippedFinding, finding: Finding) -> bool:
    """Tell whether an entry is for a finding; a name with a `/` is that of a namespace and an object in it."""
    identity = finding.identity
    name = f"{identity.namespace}/{identity.name}" if "/" in entry.object else identity.name
    wanted = ((entry.rule, finding.rule), (entry.kind, identity.kind), (entry.object, name))
    return all(not pattern or _matches(pattern, text) for pattern, text in wanted)


def shown(entry: SkippedFinding) -> str:
    """Return the findings that an entry names: `rule policy/*, kind Deployment`."""
    parts = (("rule", entry.rule), ("kind", entry.kind), ("name", entry.object))
    return ", ".join(f"{key} {text}" for key, text in parts if text) or "every finding"


def _matches(pattern: str, text: str) -> bool:
    """Match a pattern in which `*` stands for any text; each piece is taken at the first place where it fits."""
    first, *others = pattern.split("*")
    if not others:
        return text == first
    *middle, last = others
    if not text.startswith(first) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return text.endswith(last)
