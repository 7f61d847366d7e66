"""The parts of a finding as texts on one line, alike in every view; hidden characters are still as they are."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from cmp.report.findings.result import STDIN
from cmp.report.names import clusters, natural, object_name, path_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.changes import Subject
    from cmp.findings import Finding
    from cmp.report.findings.result import FoundOn, NotJudged

FINGERPRINT_DIGITS = 32


class Place(NamedTuple):
    """A file of the repository and a line in it (0: not known)."""

    file: str
    line: int

    @property
    def text(self) -> str:
        """`file:line`, as terminals link it."""
        return f"{self.file}:{self.line}" if self.line else self.file


def sentence(finding: Finding) -> str:
    """Return `Deployment shop/web: spec.replicas is not an integer`."""
    field = f": {path_text(finding.path)}" if finding.path else ""
    return f"{finding.api_version} {object_name(finding.identity)}{field} {finding.message}"


def place(finding: Finding) -> Place | None:
    """Return the place of the cause, as far as it is known, in a file."""
    return Place(finding.file, finding.line) if finding.file not in ("", STDIN) else None


def origin(finding: Finding) -> str:
    """Return the place of the cause; where that is not known, the template as its engine names it."""
    return Place(finding.file, finding.line).text if finding.file else finding.source


def pairs(subjects: Iterable[Subject]) -> str:
    """Return `shop on dev, prod; till on dev`; of what has no cluster, the application alone."""
    apps: dict[str, list[Subject]] = {}
    for subject in subjects:
        apps.setdefault(subject.app, []).append(subject)
    return "; ".join(
        f"{app} on {', '.join(names)}" if (names := clusters(of_app)) else app
        for app, of_app in sorted(apps.items(), key=lambda item: natural(item[0]))
    )


def pair(subject: Subject) -> str:
    """Return `shop on dev`."""
    return pairs((subject,))


def not_judged(one: NotJudged) -> str:
    """Return the number of times, the thing and its clusters."""
    where = f" on {', '.join(sorted(one.clusters, key=natural))}" if any(one.clusters) else ""
    return f"{one.unjudged.times:,} \N{MULTIPLICATION SIGN} {one.unjudged.what}{where}"


def fingerprint(found: FoundOn) -> str:
    """Return a digest by which a later run recognises a finding: its line and its clusters may change."""
    finding = found.finding
    parts = (finding.rule, found.subjects[0].app, *finding.identity, *finding.path, finding.message)
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:FINGERPRINT_DIGITS]
