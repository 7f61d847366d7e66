"""Policies judge what a change can make otherwise, in one run of gator for a cluster and a side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.changes import Object, Outcome, Subject
from cmp.checks.policies import documents
from cmp.checks.policies import judge as policies_judge
from cmp.checks.policies.judge import Judgement
from cmp.findings import Finding, Unjudged
from cmp.model import Tool
from cmp.preview import policing
from cmp.preview.judging import Forms, Judging, PolicyObjects
from cmp.preview.policing import Gatekeeper
from cmp.preview.records import loaded, record
from cmp.preview.sides import Side
from cmp.preview.worker import WorkerResult
from cmp.repository.config.model import Checks, SkippedFinding
from tests.support.monorepos import git_tree
from tests.support.objects import objects
from tests.support.outcomes import config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.context import Context

pytestmark = pytest.mark.no_tools
CHECKS = Checks(policies=("rules",))
NAMESPACE = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
OWNED = "policy/RequiredLabels/owner"


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[list[str]]]:
    """Return the names of the objects of each run of gator, which denies each ConfigMap; no policy is so simple."""
    found: list[list[list[str]]] = []

    def judge(_: object, pairs: Sequence[Sequence[Object]], *__: object) -> Judgement:
        found.append([[one.identity.name for one in pair] for pair in pairs])
        findings = tuple(
            tuple(
                Finding(OWNED, "error", "v1", one.identity, (), "is denied")
                for one in pair
                if one.identity.kind == "ConfigMap"
            )
            for pair in pairs
        )
        return Judgement(findings, (Unjudged("pods", 1),), ("the Namespace `shop` is assumed",))

    monkeypatch.setattr(policies_judge, "judge", judge)
    monkeypatch.setattr(policing, "_tool", lambda *_: Tool("gator", "0", "", ""))
    monkeypatch.setattr(documents, "read", lambda tree, _: documents.Policies((), (), (str(len(tree.blobs)),)))
    return found


def _sides(rules: tuple[str, str] = ("x", "x")) -> tuple[Side, Side]:
    before, after = (Side(git_tree({"cmp.yaml": "version: 1\n", "rules/a.yaml": text})) for text in rules)
    return before, after


def _result(app: str, before: str, after: str, sides: tuple[Side, Side], cluster: str = "dev") -> WorkerResult:
    old, new = (tuple(objects(text)) for text in (before, after))
    judged = Judging(*sides, CHECKS).judged(cluster, Forms(old, old), Forms(new, new), (), str)
    return WorkerResult(Outcome(Subject(app, cluster), "changed"), (), for_policies=judged.for_policies)


def test_what_only_the_newer_side_violates_is_new(context: Context, runs: list[list[list[str]]]) -> None:
    sides = _sides()
    results = [
        _result("web", config("a: b") + NAMESPACE, config("a: c") + NAMESPACE, sides),
        _result("api", "", config("a: b", name="more"), sides),
        _result("old", config("a: b", name="gone"), "", sides),
    ]
    policed = Gatekeeper(*sides, CHECKS, context).policed(results, Judging(*sides, CHECKS))
    assert runs == [[["settings", "shop"], [], ["gone"]], [["settings", "shop"], ["more"], []]]
    found = [(one.outcome.findings, one.outcome.fixed) for one in policed.results]
    assert [(len(new), len(fixed)) for new, fixed in found] == [(0, 0), (1, 0), (0, 1)]
    assert (policed.unjudged, policed.notes) == ((Unjudged("pods", 1),), ("the Namespace `shop` is assumed",))


def test_each_cluster_has_runs_of_its_own(context: Context, runs: list[list[list[str]]]) -> None:
    sides = _sides()
    results = [_result("web", "", config("a: b"), sides, cluster=name) for name in ("blue", "green")]
    Gatekeeper(*sides, CHECKS, context).policed(results, Judging(*sides, CHECKS))
    assert runs == [[["settings"]], [["settings"]]]  # the older sides have nothing that changes


def test_a_policy_that_changes_judges_all_objects_of_the_pairs(context: Context) -> None:
    same = config("a: b")
    assert _result("web", same, same, _sides()).for_policies == PolicyObjects()
    sides = _sides(("x", "y"))
    result = _result("web", same, same, sides)
    assert [len(objects) for objects in result.for_policies] == [1, 1]
    policed = Gatekeeper(*sides, CHECKS, context).policed([result], Judging(*sides, CHECKS))
    assert policed.results[0].outcome.findings == ()


def test_what_is_expected_is_passed_over(context: Context) -> None:
    sides = _sides()
    checks = CHECKS._replace(skip=(SkippedFinding("known", rule="policy/*"),))
    result = _result("web", "", config("a: b"), sides)
    policed = Gatekeeper(*sides, checks, context).policed([result], Judging(*sides, checks))
    assert policed.results[0].outcome.findings == ()


def test_a_part_carries_the_objects_of_policies() -> None:
    result = _result("web", "", config("a: b"), _sides())
    assert loaded(WorkerResult, record(result)) == result
