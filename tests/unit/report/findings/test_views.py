"""The result of a check in every format: golden texts, what each format promises, and what none may show."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from cmp.report.findings import FORMATS, schema
from cmp.report.findings.result import Result, verdict
from tests.support import check_results
from tests.support.check_results import EMPTY, EVIL, NASTY, SHOP_DEV, SHOP_PROD, USUAL
from tests.support.harness import DATA

if TYPE_CHECKING:
    from typing import Any

GOLDEN = DATA / "findings"
SUFFIXES = {"text": "txt", "json": "json", "sarif": "sarif", "junit": "xml", "github": "github.txt"}
MADE = {"empty": EMPTY, "usual": USUAL, "nasty": NASTY}
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def _view(name: str, kind: str) -> str:
    result = MADE[name]
    return FORMATS[kind](result, verdict(result))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", MADE)
def test_golden(name: str, kind: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.{SUFFIXES[kind]}"
    shown = _view(name, kind)
    if request.config.getoption("--update-golden"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_hidden_is_printed(kind: str) -> None:
    assert EVIL
    assert not HIDDEN.search(_view("nasty", kind))


def test_json_fits_its_schema_and_reads_back() -> None:
    validator = Draft202012Validator(schema())
    for name in MADE:
        value = json.loads(_view(name, "json"))
        assert [*validator.iter_errors(value)] == []
        assert value["version"] == 1
    assert json.loads(_view("nasty", "json"))["findings"][0]["finding"]["message"] == f"is {EVIL}"


def _sarif(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_view(name, "sarif"))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    return dict(run)


@pytest.mark.parametrize("name", MADE)
def test_sarif_has_what_its_readers_require(name: str) -> None:
    run = _sarif(name)
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["shortDescription"]["text"].endswith(".") for rule in rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert re.fullmatch("[0-9a-f]{32}", result["partialFingerprints"]["cmpFinding/v1"])
        for location in result["locations"]:
            assert location["logicalLocations"][0]["fullyQualifiedName"]
            region = location.get("physicalLocation", {}).get("region", {"startLine": 1})
            assert region["startLine"] > 0


def test_sarif_names_files_as_uris_below_the_root() -> None:
    (result, *_) = _sarif("nasty")["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uriBaseId"] == "%SRCROOT%"
    assert re.fullmatch(r"[\w%./~-]+", artifact["uri"], re.ASCII)
    assert unquote(artifact["uri"]) == NASTY.findings[0].finding.file


def test_sarif_suppresses_what_is_passed_over() -> None:
    *counted, passed = _sarif("usual")["results"]
    assert not any("suppressions" in result for result in counted)
    assert passed["suppressions"][0]["justification"] == "the operator writes it (cmp.yaml:30:7)"


def test_a_fingerprint_does_not_depend_on_lines_and_clusters() -> None:
    found = USUAL.findings[1]
    moved = found._replace(subjects=(SHOP_PROD,), finding=found.finding._replace(line=99, file="other.yaml"))
    other = found._replace(finding=found.finding._replace(path=("spec",)))
    digests = [
        json.loads(FORMATS["sarif"](Result(findings=(one,)), verdict(EMPTY)))["runs"][0]["results"][0][
            "partialFingerprints"
        ]
        for one in (found, moved, other)
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("name", MADE)
def test_junit_counts_its_cases(name: str) -> None:
    root = ET.fromstring(_view(name, "junit"))  # noqa: S314  # our own
    cases = root.findall("./testsuite/testcase")
    for element in (root, *root.findall("testsuite")):
        inner = [*element.iter("testcase")]
        assert int(element.attrib["tests"]) == len(inner)
        assert int(element.attrib["failures"]) == sum(case.find("failure") is not None for case in inner)
        assert int(element.attrib["errors"]) == sum(case.find("error") is not None for case in inner)
    assert len(cases) == len({*MADE[name].pairs, *(failed.subject for failed in MADE[name].failures)})


def test_junit_skips_a_pair_of_which_nothing_is_judged() -> None:
    result = Result(pairs=(SHOP_DEV, SHOP_PROD), objects=2, judged=1, unversioned=("prod",))
    root = ET.fromstring(FORMATS["junit"](result, verdict(result)))  # noqa: S314  # our own
    assert [case.attrib["classname"] for case in root.iter("testcase") if case.find("skipped") is not None] == ["prod"]


def test_github_gets_one_command_a_line() -> None:
    lines = _view("nasty", "github").splitlines()
    assert len(lines) == 3
    assert all(re.match(r"::(error|warning|notice) [^:]*::", line) for line in lines)


@pytest.mark.parametrize(
    ("result", "fails_on_warning", "code"),
    [
        (EMPTY, False, 0),
        (EMPTY._replace(judged=0), False, 3),
        (USUAL, False, 7),
        (USUAL._replace(failures=()), False, 1),
        (USUAL._replace(failures=(), findings=USUAL.findings[2:]), False, 0),
        (USUAL._replace(failures=(), findings=USUAL.findings[2:]), True, 1),
        (USUAL._replace(failures=(), findings=USUAL.findings[3:]), True, 0),
        (EMPTY._replace(judged=0, findings=(USUAL.findings[0],)), False, 1),
    ],
)
def test_exit_codes(result: Result, *, fails_on_warning: bool, code: int) -> None:
    assert verdict(result, fails_on_warning=fails_on_warning).exit_code == code


def test_every_rule_has_a_description() -> None:
    run = _sarif("usual")
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {
        *(found.finding.rule for found in USUAL.findings),
        *(one.found.finding.rule for one in USUAL.passed_over),
    }
    assert check_results.finding().rule == "schema"
