"""The judgement on a report: its verdict, the exit code and the gates; none of them says less than another."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.changes import (
    ApplicationChange,
    Danger,
    DangerLine,
    Failure,
    FindingLine,
    LeftOut,
    Noise,
    Outcome,
    Report,
    Subject,
    Unowned,
)
from cmp.report import FORMATS, Gates, Options, judge
from cmp.report.judgement import ANY, NOT_COMPARED, NOTHING
from tests.support import reports
from tests.support.property_examples import examples

WORST = (
    "Manifest diff: 200 of 202 clusters, 2 apps, 4 distinct changes, 1 new failure, 1 earlier failure, 1 danger, "
    "1 pair not judged without the key, 1 file of no application"
)
FAR = LeftOut("Application", ("far", "near"), ("near",), "2 Applications are not compared: their sources are elsewhere")
UNREAD = LeftOut("ApplicationSet", ("fleet",), ("fleet",), "one ApplicationSet is not read here: it asks a server")
CHART = LeftOut("chart", ("charts/root",), (), "the Applications in templates of charts/root are not known")
WEB = Subject("web", "blue")
OLD = Failure(WEB, ("cmp: no such file",), is_new=False, exit_code=3)
NEW = OLD._replace(is_new=True, exit_code=5)
FOREIGN = OLD._replace(is_foreign=True, exit_code=7)
KEYLESS = OLD._replace(needs_key=True)
MOVED = ApplicationChange(WEB, "web-blue", "changed", "will belong to the project `other` instead of `default`")
REFUSED = FindingLine(reports.PROBE, (WEB,))
LATER = FindingLine(
    reports.PROBE._replace(rule="deprecated-api", level="warning", path=("apiVersion",), message="is deprecated"),
    (WEB,),
)
COUNTED = FindingLine(reports.PROBE._replace(rule="policy/RequiredLabels/owner", level="note"), (WEB,))
DENIED = COUNTED._replace(finding=COUNTED.finding._replace(level="error"))
EVERY_GATE = Gates((ANY,))


def _failing(*failures: Failure) -> Report:
    return reports.failing(reports.EMPTY, *failures)


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (reports.EMPTY, "no manifest changes"),
        (reports.one_cluster(), "1 of 3 clusters, 1 app, 1 distinct change"),
        (reports.one_cluster()._replace(groups=()), "1 of 3 clusters, 1 app, nothing to compare with"),
        (
            reports.one_cluster()._replace(groups=(), noise=(Noise("checksum", 1),)),
            "1 of 3 clusters, 1 app, nothing but folded noise",
        ),
        (_failing(OLD), "no manifest that was compared changes, 1 earlier failure"),
        (_failing(FOREIGN), "no manifest that was compared changes, 1 pair not rendered in this run"),
        (
            reports.EMPTY._replace(applications=(MOVED, MOVED._replace(text="will prune from now on"))),
            "no manifest that was compared changes, 1 Application changes",
        ),
        (
            reports.EMPTY._replace(applications=(MOVED._replace(what="stays"),)),
            "no manifest that was compared changes, 1 Application left as it is",
        ),
        (
            reports.EMPTY._replace(left_out=(FAR, FAR._replace(names=("far", "third")), UNREAD, CHART)),
            (
                "no manifest that was compared changes, 3 Applications not compared, 1 ApplicationSet not read, "
                "Applications of 1 chart not known"
            ),
        ),
        (
            reports.EMPTY._replace(unowned=(Unowned("Makefile", "", "nothing reads it"), Unowned("a.md", "*.md", ""))),
            "no manifest that was compared changes, 1 file of no application",
        ),
        (
            reports.EMPTY._replace(left_out=(LeftOut("file", ("a.yaml",), (), "a.yaml is left out: no YAML"),)),
            "no manifest that was compared changes, 1 file not read",
        ),
        (reports.found(REFUSED, LATER, COUNTED), "no manifest that was compared changes, 2 new findings"),
        (reports.found(COUNTED, fixed=1, unjudged=1), "no manifest changes"),
    ],
)
def test_verdict(made: Report, line: str) -> None:
    assert judge(made, Gates()).verdict == f"Manifest diff: {line}"


def test_the_verdict_of_all_that_a_report_can_have() -> None:
    assert judge(reports.many(40, 60, 100), Gates()).verdict == WORST


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_has_the_verdict(format_name: str) -> None:
    made = reports.EMPTY._replace(left_out=(FAR,))
    assert "no manifest that was compared changes, 2 Applications not compared" in FORMATS[format_name](made, Options())


@pytest.mark.parametrize(
    ("made", "gates", "code", "reasons"),
    [
        (reports.EMPTY, EVERY_GATE, 0, []),
        (reports.one_cluster(), Gates(), 1, []),
        (reports.one_cluster(), Gates(is_lenient=True), 0, []),
        (_failing(OLD), Gates(), 0, []),
        (_failing(NEW, OLD), Gates(), 5, [("", "cannot be rendered any more: web on blue")]),
        (_failing(FOREIGN), Gates(), 7, [("", "could not be rendered in this run: web on blue")]),
        (
            _failing(OLD),
            Gates((NOT_COMPARED,)),
            1,
            [
                (
                    "--fail-on not-compared",
                    "cannot be rendered on either side, or not without the key: web on blue",
                )
            ],
        ),
        (reports.EMPTY._replace(left_out=(FAR,)), Gates(), 0, []),
        (reports.EMPTY._replace(left_out=(FAR,)), EVERY_GATE, 1, [("--fail-on not-compared", "1 Application: near")]),
        (reports.EMPTY._replace(left_out=(CHART,)), EVERY_GATE, 0, []),
        (reports.EMPTY._replace(applications=(MOVED,)), Gates(), 1, []),
        (reports.EMPTY._replace(applications=(MOVED._replace(what="stays"),)), Gates(), 0, []),
        (
            reports.wide(1),
            Gates(clusters=1, is_lenient=True),
            1,
            [("--max-clusters 1", "2 change: dev-01, prod-01")],
        ),
        (reports.wide(1), Gates(clusters=2, is_lenient=True), 0, []),
        (reports.found(REFUSED, LATER), Gates(), 0, []),
    ],
)
def test_exit_codes_and_their_reasons(made: Report, gates: Gates, code: int, reasons: list[tuple[str, str]]) -> None:
    judgement = judge(made, gates)
    assert (judgement.exit_code, [tuple(reason) for reason in judgement.reasons]) == (code, reasons)


def test_a_danger_that_a_gate_names_is_a_reason_with_its_pairs_and_another_is_none() -> None:
    made = reports.many(1, 5, 1)
    gates = Gates((reports.GONE.rule,), is_lenient=True)
    reason = judge(made, gates).reasons[-1]
    names = "billing on stg-01, stg-02, stg-03 and 2 more"
    assert reason == ("--fail-on removed-storage", f"PersistentVolumeClaim shop/data ({names})")
    assert not [one for one in judge(made, Gates(("privileged",))).reasons if one.gate]


WHERE = "Deployment shop/web (web on blue)"


@pytest.mark.parametrize(
    ("rules", "gates"),
    [
        ((), []),
        (("schema", "value"), []),
        (("unknown-field",), ["unknown-field"]),
        (("deprecated-api",), ["deprecated-api"]),
        (("policy",), ["policy"]),
        (("error",), ["unknown-field", "policy"]),
        (("warning",), ["unknown-field", "deprecated-api", "policy"]),
        ((ANY,), ["unknown-field", "policy"]),
    ],
)
def test_gates_of_findings_are_their_rules_and_levels(rules: tuple[str, ...], gates: list[str]) -> None:
    made = judge(reports.found(REFUSED, LATER, DENIED), Gates(rules, is_lenient=True))
    assert [tuple(reason) for reason in made.reasons] == [(f"--fail-on {gate}", WHERE) for gate in gates]
    assert made.exit_code == bool(gates)


def test_a_note_passes_every_gate() -> None:
    assert judge(reports.found(COUNTED), Gates(("policy", "warning", ANY))).reasons == ()


def test_several_findings_on_one_object_name_it_once() -> None:
    other = REFUSED._replace(finding=REFUSED.finding._replace(path=("spec", "replica")))
    (reason,) = judge(reports.found(REFUSED, other), Gates(("unknown-field",))).reasons
    assert reason.text == WHERE


def test_an_application_set_that_is_object_and_pair_is_named_once() -> None:
    subject = Subject("ApplicationSet fleet", "")
    line = DangerLine(Danger("application-removed", "will be deleted"), "ApplicationSet fleet", (subject,))
    (reason,) = judge(reports.EMPTY._replace(dangers=(line,)), EVERY_GATE).reasons
    assert reason == ("--fail-on application-removed", "ApplicationSet fleet")


def test_more_gates_than_a_table_holds_are_counted_in_it() -> None:
    lines = tuple(DangerLine(Danger(f"rule-{number:02}", "x"), "Pod a", (WEB,)) for number in range(60))
    made = reports.EMPTY._replace(dangers=lines)
    shown = FORMATS["markdown"](made, Options(gates=EVERY_GATE))
    assert "`--fail-on rule-39`: Pod a (web on blue) · and 20 more, which stderr has" in shown
    assert len(judge(made, EVERY_GATE).reasons) == 60


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_has_the_gate_that_a_change_does_not_pass(format_name: str) -> None:
    made = reports.many(1, 5, 1)
    shown = FORMATS[format_name](made, Options(gates=Gates((reports.GONE.rule,))))
    assert "--fail-on removed-storage" in shown
    assert "--fail-on" not in FORMATS[format_name](made, Options())


def test_json_has_the_whole_judgement() -> None:
    read = json.loads(FORMATS["json"](reports.EMPTY._replace(left_out=(FAR,)), Options(gates=EVERY_GATE)))
    assert read["judgement"] == {
        "verdict": "Manifest diff: no manifest that was compared changes, 2 Applications not compared",
        "exit_code": 1,
        "reasons": [{"gate": "--fail-on not-compared", "text": "1 Application: near"}],
        "has_changes": False,
        "clusters": [],
        "is_silent": False,
    }


def test_what_a_reader_need_not_look_at() -> None:
    assert judge(reports.EMPTY._replace(left_out=(CHART,)), Gates()).is_silent
    equal = reports.EMPTY._replace(outcomes=(Outcome(WEB, "equal"),), unowned=(Unowned("a.md", "*.md", "ignored"),))
    assert judge(equal, Gates()).is_silent
    assert judge(reports.found(COUNTED, fixed=1, unjudged=1), Gates()).is_silent
    for loud in (
        _failing(OLD),
        reports.one_cluster(),
        reports.EMPTY._replace(applications=(MOVED,)),
        reports.EMPTY._replace(left_out=(FAR,)),
        reports.EMPTY._replace(unowned=(Unowned("Makefile", "", "nothing reads it"),)),
        reports.found(LATER),
    ):
        assert not judge(loud, Gates()).is_silent


@st.composite
def made_reports(draw: st.DrawFn) -> Report:
    """Return a report with some of everything that a report can have."""
    start = draw(st.sampled_from([reports.EMPTY, reports.one_cluster(), reports.wide(2)]))
    failures = draw(st.lists(st.sampled_from([OLD, NEW, FOREIGN, KEYLESS]), max_size=2))
    danger = DangerLine(Danger("data-removed", "is removed"), "PersistentVolumeClaim data", (WEB,))
    lines = draw(st.lists(st.sampled_from([REFUSED, LATER]), unique=True))
    return reports.found(*lines, start=reports.failing(start, *failures))._replace(
        dangers=(danger,) * draw(st.integers(0, 1)),
        applications=(MOVED,) * draw(st.integers(0, 1)),
        left_out=tuple(draw(st.lists(st.sampled_from([FAR, UNREAD, CHART]), unique=True))),
        unowned=(Unowned("Makefile", "", "nothing reads it"),) * draw(st.integers(0, 1)),
    )


GATES = st.builds(
    Gates, st.sampled_from([(), (ANY,), (NOT_COMPARED,), ("data-removed",)]), st.integers(0, 2), st.booleans()
)


@settings(max_examples=examples(300))
@given(made_reports(), GATES)
def test_no_verdict_leaves_out_what_the_report_says(made: Report, gates: Gates) -> None:
    verdict = judge(made, gates).verdict
    found = made.findings.new if made.findings else ()
    everything = (made.outcomes, made.failures, made.dangers, made.applications, made.left_out, made.unowned, found)
    assert (NOTHING in verdict) == (not any(everything))
    counts = [
        (sum(one.is_new and not one.needs_key for one in made.failures), "new failure"),
        (sum(one == OLD for one in made.failures), "earlier failure"),
        (sum(one == FOREIGN for one in made.failures), "not rendered in this run"),
        (sum(one.needs_key for one in made.failures), "not judged without the key"),
        (len(made.dangers), "danger"),
        (len(made.applications), "Application changes"),
        (len(made.left_out), "not "),
        (len(made.unowned), "of no application"),
        (len(found), "new finding"),
    ]
    assert [words for count, words in counts if count and words not in verdict] == []
    shown = FORMATS["text"](made, Options())
    assert shown.startswith(f"{verdict}\n")
    if "nothing changes" in shown:
        assert not any((made.failures, made.applications, [one for one in made.left_out if one.reached]))


@settings(max_examples=examples(300))
@given(made_reports(), GATES)
def test_no_exit_code_says_less_than_the_report(made: Report, gates: Gates) -> None:
    judgement = judge(made, gates)
    if judgement.exit_code == 0:
        assert not [one for one in made.failures if one.is_new or one.is_foreign]
        assert gates.is_lenient or not (made.groups or made.applications)
        if {ANY, NOT_COMPARED} & {*gates.rules}:
            assert not made.failures
            assert not [one for one in made.left_out if one.reached]
        if {ANY, "data-removed"} & {*gates.rules}:
            assert not made.dangers
        assert not judgement.reasons
    elif judgement.exit_code != 1:
        assert judgement.exit_code in {one.exit_code for one in made.failures}
