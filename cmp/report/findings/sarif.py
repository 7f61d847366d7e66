"""Findings as SARIF 2.1.0 (OASIS), which code scanning of GitHub, GitLab and others reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from cmp import __version__
from cmp.report.findings import words
from cmp.report.findings.result import description
from cmp.system.visible import json_visible, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.report.findings.result import FoundOn, PassedOver, Result, Verdict

    Properties = dict[str, object]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"  # the name that readers know for the root of the repository


def view(result: Result, verdict: Verdict) -> str:
    """Return one run: a result for each finding, and a notification for what is not judged or cannot be rendered."""
    shown = (*result.findings, *(one.found for one in result.passed_over))
    rules = sorted({found.finding.rule for found in shown})
    run = {
        "tool": {"driver": _driver(rules)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [
            {
                "executionSuccessful": not result.failures,
                "exitCode": verdict.exit_code,
                "toolExecutionNotifications": [*_notifications(result, verdict)],
            }
        ],
        "results": [
            *(_result(found, rules) for found in result.findings),
            *(_suppressed(one, rules) for one in result.passed_over),
        ],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return "".join(f"{json_visible(line)}\n" for line in text.split("\n"))


def _driver(rules: Iterable[str]) -> Properties:
    return {
        "name": "cmp check",
        "semanticVersion": __version__,
        "rules": [
            {
                "id": visible(rule),
                "shortDescription": {"text": description(rule)},
                "fullDescription": {"text": description(rule)},
            }
            for rule in rules
        ],
    }


def _result(found: FoundOn, rules: list[str]) -> Properties:
    finding = found.finding
    return {
        "ruleId": visible(finding.rule),
        "ruleIndex": rules.index(finding.rule),
        "level": finding.level,
        "message": {"text": visible(f"{words.sentence(finding)} ({words.pairs(found.subjects)})")},
        "locations": [_location(found)],
        "partialFingerprints": {"cmpFinding/v1": words.fingerprint(found)},
    }


def _suppressed(one: PassedOver, rules: list[str]) -> Properties:
    suppression = {"kind": "external", "status": "accepted", "justification": visible(f"{one.reason} ({one.place})")}
    return {**_result(one.found, rules), "suppressions": [suppression]}


def _location(found: FoundOn) -> Properties:
    """Return the object, on each of its pairs, and the file where it is known."""
    finding, place = found.finding, words.place(found.finding)
    name = f"{finding.identity.kind} {finding.identity.namespace}/{finding.identity.name}"
    logical = [
        {"name": visible(name), "fullyQualifiedName": visible(f"{words.pair(subject)}: {name}"), "kind": "object"}
        for subject in found.subjects
    ]
    if place is None:
        return {"logicalLocations": logical}
    artifact = {"uri": quote(place.file.encode(errors="surrogateescape")), "uriBaseId": ROOT}
    physical: Properties = {"artifactLocation": artifact}
    if place.line:
        physical["region"] = {"startLine": place.line}
    return {"physicalLocation": physical, "logicalLocations": logical}


def _notifications(result: Result, verdict: Verdict) -> Iterator[Properties]:
    yield {"level": "note", "message": {"text": visible(verdict.verdict)}}
    for failed in result.failures:
        yield {"level": "error", "message": {"text": "\n".join(map(visible, failed.lines))}}
    for unjudged in result.not_judged:
        yield {"level": "note", "message": {"text": visible(f"not judged: {words.not_judged(unjudged)}")}}
    for note in result.notes:
        yield {"level": "note", "message": {"text": visible(note)}}
