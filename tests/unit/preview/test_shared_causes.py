"""The causes of a group: those of all members once, those of some with their clusters, and none of anybody else's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.changes import Cause, Change, Group, PartialCauses
from cmp.preview.grouping import groups
from cmp.preview.shared_causes import shared_causes
from cmp.report import FORMATS, Options
from cmp.report.document import MINUS
from tests.support import reports
from tests.support.outcomes import config, deployment, outcome_of, subject_of
from tests.support.property_examples import examples

COMMON = Cause("common/storefront.yaml:18", ("replicas",), 3, 5)
TEMPLATE = Cause("charts/kit/templates/_d.tpl", (), None, None)
CLUSTERS = ("dev-1", "prod-1", "prod-2")
OWN = {cluster: {cluster: "‹cluster›"} for cluster in CLUSTERS}


def own(cluster: str, before: int = 3, after: int = 5, line: int = 4) -> Cause:
    return Cause(f"clusters/{cluster}/web.yaml:{line}", ("replicas",), before, after)


def grouped(*causes: tuple[Cause, ...], replicas: tuple[int, ...] = (5, 5, 5)) -> Group:
    """Return the only group of a change on three clusters that have these causes."""
    outcomes = [
        outcome_of(cluster, deployment(3), deployment(count), *of_cluster)
        for cluster, of_cluster, count in zip(CLUSTERS, causes, replicas, strict=True)
    ]
    (group,) = groups(outcomes, OWN)
    return group


def notes(group: Group) -> list[str]:
    """Return the lines of a group in a report that name a cause, its first line among them."""
    shown = FORMATS["text"](reports.report([group]), Options()).splitlines()
    return [line.strip() for line in shown if line.startswith("A · ") or "yaml:" in line or ".tpl" in line]


def test_a_cause_of_all_members_is_told_once() -> None:
    group = grouped((COMMON,), (COMMON,), (COMMON,))
    assert (group.change.causes, group.partial_causes) == ((COMMON,), ())
    assert notes(group) == [
        f"A · storefront · Deployment/web · 3 clusters · +1 {MINUS}1 · from common/storefront.yaml:18",
        "- common/storefront.yaml:18 sets replicas to 5, it was 3",
    ]


def test_a_cause_of_some_members_is_told_with_their_clusters_and_as_no_cause_of_the_others() -> None:
    group = grouped((COMMON,), (COMMON,), (TEMPLATE,))
    first, second, third = (subject_of(cluster) for cluster in CLUSTERS)
    assert group.change.causes == ()
    assert group.partial_causes == (
        PartialCauses((first, second), (COMMON,)),
        PartialCauses((third,), (TEMPLATE,)),
    )
    assert notes(group) == [
        f"A · storefront · Deployment/web · 3 clusters · +1 {MINUS}1 · from 2 places",
        "- On dev-1, prod-1: common/storefront.yaml:18 sets replicas to 5, it was 3",
        "- On prod-2: charts/kit/templates/_d.tpl changed",
    ]


def test_a_cause_of_all_stands_beside_those_of_some() -> None:
    group = grouped((COMMON, TEMPLATE), (TEMPLATE,), (TEMPLATE,))
    assert group.change.causes == (TEMPLATE,)
    assert [(len(some.subjects), some.causes) for some in group.partial_causes] == [(1, (COMMON,))]
    assert notes(group)[0].endswith(" · from charts/kit/templates/_d.tpl")


def test_files_of_each_clusters_own_are_one_cause_where_they_say_the_same() -> None:
    group = grouped(*((own(cluster),) for cluster in CLUSTERS))
    assert group.change.causes == (own("‹cluster›"),)
    assert group.partial_causes == ()


def test_the_same_line_with_another_value_for_each_is_one_cause_without_a_value() -> None:
    values = (5, 6, 7)
    group = grouped(*((own(cluster, after=to),) for cluster, to in zip(CLUSTERS, values, strict=True)), replicas=values)
    assert group.change.causes == (Cause("clusters/‹cluster›/web.yaml:4", (), None, None),)
    assert group.partial_causes == ()


def test_another_line_of_one_cluster_is_its_own_cause() -> None:
    group = grouped((own("dev-1"),), (own("prod-1"),), (own("prod-2", line=9),))
    assert group.change.causes == ()
    assert [[cause.place for cause in some.causes] for some in group.partial_causes] == [
        ["clusters/‹cluster›/web.yaml:4"],
        ["clusters/prod-2/web.yaml:9"],
    ]


def test_a_member_without_a_known_cause_gets_none_of_the_others() -> None:
    group = grouped((COMMON,), (COMMON,), ())
    assert group.change.causes == ()
    assert [some.subjects for some in group.partial_causes] == [(subject_of("dev-1"), subject_of("prod-1"))]


def test_touched_files_are_those_of_all_or_told_with_the_clusters() -> None:
    def change(cluster: str, *touched: str) -> Change:
        return reports.change(subject_of(cluster), "Deployment", "web", reports.SCALE, touched=touched)

    same = shared_causes([change("dev-1", "a", "b"), change("prod-1", "a", "b")], OWN)
    assert (same.touched, same.partial) == (("a", "b"), ())
    other = shared_causes([change("dev-1", "a", "b"), change("prod-1", "a")], OWN)
    assert other.touched == ()
    assert [(some.subjects[0].cluster, some.touched) for some in other.partial] == [
        ("dev-1", ("a", "b")),
        ("prod-1", ("a",)),
    ]


@pytest.mark.parametrize("format_name", [name for name in FORMATS if name != "json"])
def test_a_long_list_of_causes_of_some_is_cut_and_counted(format_name: str) -> None:
    members = reports.subjects("storefront", prod=20)
    partial = tuple(
        PartialCauses((one,), (Cause(f"x/{number}.yaml:1", ("a",), 1, 2),)) for number, one in enumerate(members)
    )
    made = reports.group("A", reports.change(members[0], "Deployment", "web", reports.SCALE), members)
    shown = FORMATS[format_name](reports.report([made._replace(partial_causes=partial)]), Options())
    assert "x/5.yaml:1" in shown
    assert "x/6.yaml:1" not in shown
    assert "and 14 more, each on some clusters" in shown


CAUSES = st.lists(st.sampled_from([COMMON, TEMPLATE, own("dev-1"), own("prod-1"), own("prod-1", after=6)]), unique=True)


@settings(max_examples=examples(300))
@given(st.lists(CAUSES, min_size=1, max_size=3))
def test_no_member_is_told_a_cause_that_is_not_its_own(drawn: list[list[Cause]]) -> None:
    members = [
        reports.change(subject_of(cluster), "Deployment", "web", causes=tuple(causes))
        for cluster, causes in zip(CLUSTERS, drawn, strict=False)
    ]
    found = shared_causes(members, OWN)

    def told(member: Change) -> set[str]:
        causes = [
            *found.causes,
            *(one for some in found.partial if member.subject in some.subjects for one in some.causes),
        ]
        return {cause.place.replace("‹cluster›", member.subject.cluster) for cause in causes}

    for member in members:
        assert told(member) == {cause.place for cause in member.causes}


def test_an_outlier_is_told_of_causes_that_only_some_of_the_majority_have() -> None:
    swallowed = COMMON._replace(overridden_by="clusters/prod-2/web.yaml:1")
    outcomes = [
        outcome_of("dev-1", deployment(3), deployment(5), COMMON),
        outcome_of("prod-1", deployment(3), deployment(5), TEMPLATE),
        outcome_of("prod-2", config("a: b"), config("a: c"), swallowed),
    ]
    majority, _ = groups(outcomes, OWN)
    assert majority.why == ("No change on `prod-2`: `clusters/prod-2/web.yaml:1` sets `replicas` itself.",)
