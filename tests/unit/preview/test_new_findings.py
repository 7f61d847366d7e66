"""A finding is new where the older side of its pair has it not; the same one in several pairs is one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.changes import Change, Move, Outcome, Subject
from cmp.findings import Finding, Unjudged
from cmp.model import Identity
from cmp.preview import new_findings
from cmp.preview.new_findings import NewFindings, compared

if TYPE_CHECKING:
    from collections.abc import Sequence

WEB = Identity("apps", "Deployment", "shop", "web")
CONTAINERS = ("spec", "template", "spec", "containers")
NO_CHANGES: Sequence[Change] = ()


def probe(item: int = 0, name: str = "livenessProb", identity: Identity = WEB) -> Finding:
    """Return the finding on a misspelled field of one of several containers."""
    path = (*CONTAINERS, f"[{item}]", name)
    return Finding("unknown-field", "error", "apps/v1", identity, path, f"is no field of v1 Container: {name}")


def removed(version: str, level: str = "error") -> Finding:
    made = Finding("removed-api", "error", "batch/v1beta1", WEB, (), f"is not served by Kubernetes {version}")
    return made._replace(level=level)  # type: ignore[arg-type]


def test_what_both_sides_have_is_old() -> None:
    assert compared([probe()], [probe()], NO_CHANGES) == NewFindings((), ())


def test_a_finding_of_the_newer_side_is_new_and_one_of_the_older_is_fixed() -> None:
    assert compared([probe(name="a")], [probe(name="b")], NO_CHANGES) == NewFindings(
        (probe(name="b"),), (probe(name="a"),)
    )


@pytest.mark.parametrize(
    "other",
    [
        probe()._replace(rule="schema"),
        probe()._replace(level="warning"),
        probe()._replace(identity=WEB._replace(name="api")),
        probe()._replace(path=(*CONTAINERS, "[0]", "readinessProb")),
        probe()._replace(message="is something else"),
    ],
)
def test_another_rule_level_object_path_or_message_is_another_finding(other: Finding) -> None:
    assert compared([probe()], [other], NO_CHANGES).new == (other,)


def test_a_warning_that_becomes_an_error_is_not_fixed() -> None:
    assert compared([removed("1.31", "warning")], [removed("1.32")], NO_CHANGES) == NewFindings((removed("1.32"),), ())


def test_an_item_before_another_one_makes_no_finding_new() -> None:
    assert compared([probe(0)], [probe(1)], NO_CHANGES) == NewFindings((), ())


def test_the_same_mistake_in_one_more_item_is_new_in_its_place() -> None:
    assert compared([probe(1)], [probe(0), probe(1)], NO_CHANGES) == NewFindings((probe(0),), ())


def test_an_object_with_another_name_keeps_its_findings() -> None:
    was = WEB._replace(name="web-5f6d")
    renamed = Change(Subject("web", "dev"), "renamed", WEB, was, ("apps/v1", "apps/v1"), "", (), (), ())
    assert compared([probe(identity=was)], [probe()], [renamed]) == NewFindings((), ())
    assert compared([probe(identity=was)], [probe()], NO_CHANGES).new == (probe(),)


def test_another_version_in_a_message_makes_no_finding_new() -> None:
    assert compared([removed("1.33")], [removed("1.34")], NO_CHANGES, ("1.33", "1.34")) == NewFindings((), ())
    assert compared([removed("1.33", "warning")], [removed("1.34")], NO_CHANGES, ("1.33", "1.34")).new


# Over pairs


def _outcome(cluster: str, *found: Finding, app: str = "web", fixed: Sequence[Finding] = ()) -> Outcome:
    return Outcome(Subject(app, cluster), "changed", findings=found, fixed=tuple(fixed))


def test_the_same_finding_on_several_clusters_is_one_line() -> None:
    found = new_findings.findings([_outcome("blue", probe()), _outcome("green", probe())], {})
    assert found.new == ((probe(), (Subject("web", "blue"), Subject("web", "green"))),)


def test_findings_that_differ_in_the_name_of_their_cluster_are_one_line() -> None:
    blue, green = (probe(identity=WEB._replace(name=f"web-{name}")) for name in ("blue", "green"))
    own = {name: {name: "‹cluster›"} for name in ("blue", "green")}
    (line,) = new_findings.findings([_outcome("blue", blue), _outcome("green", green)], own).new
    assert line.finding.identity.name == "web-‹cluster›"
    (alone,) = new_findings.findings([_outcome("blue", blue)], own).new
    assert alone.finding == blue


def test_errors_come_first_then_what_most_pairs_have() -> None:
    warning = probe(name="a")._replace(level="warning")
    outcomes = [
        _outcome("blue", warning, probe(name="b")),
        _outcome("green", warning, probe(name="c"), probe(name="b")),
    ]
    assert [line.finding.path[-1] for line in new_findings.findings(outcomes, {}).new] == ["b", "c", "a"]


def test_the_place_of_the_cause_stands_where_all_pairs_have_the_same() -> None:
    one, other = (probe()._replace(file="common.yaml", line=number) for number in (3, 4))
    (line,) = new_findings.findings([_outcome("blue", one), _outcome("green", one)], {}).new
    assert (line.finding.file, line.finding.line) == ("common.yaml", 3)
    (line,) = new_findings.findings([_outcome("blue", one), _outcome("green", other)], {}).new
    assert (line.finding.file, line.finding.line) == ("", 0)


def test_an_object_that_moves_to_another_application_takes_its_findings_along() -> None:
    left, come = _outcome("blue", app="shop", fixed=[probe()]), _outcome("blue", probe())
    move = Move(left.subject, come.subject)
    moved = Change(come.subject, "moved", WEB, None, ("apps/v1", "apps/v1"), "", (), (), (), move=move)
    both = [left._replace(changes=(moved._replace(subject=left.subject),)), come._replace(changes=(moved,))]
    assert new_findings.findings(both, {})[:2] == ((), ())
    assert [len(lines) for lines in new_findings.findings([left, come], {})[:2]] == [1, 1]


def test_what_is_not_judged_is_summed_over_the_pairs() -> None:
    outcomes = [
        _outcome(name)._replace(unjudged=(Unjudged("objects of a kind without a schema", times),))
        for name, times in (("blue", 2), ("green", 3))
    ]
    assert new_findings.findings(outcomes, {}).unjudged == (Unjudged("objects of a kind without a schema", 5),)
