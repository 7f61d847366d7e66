"""The same change in many pairs is one group, and who differs is told, with the reason."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from cmp.changes import Cause
from cmp.preview.grouping import groups, letter
from cmp.report.names import path_text
from tests.support.outcomes import config, deployment, outcome_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Group, Outcome

LABEL = "‹secret 0a1b2c3d4e5f0a1b2c3d4e5f›"
COMMON = Cause("common/storefront.yaml:18", ("replicas",), 3, 5)


def _tokens(outcomes: Sequence[Outcome]) -> dict[str, dict[str, str]]:
    names = {outcome.subject.cluster for outcome in outcomes}
    return {name: {name: "‹cluster›", f"{name}.example.test": "‹domain›"} for name in names}


def _groups(*outcomes: Outcome) -> tuple[Group, ...]:
    return groups(outcomes, _tokens(outcomes))


def _clusters(group: Group) -> list[str]:
    return [member.subject.cluster for member in group.members]


def _scaled(cluster: str, after: int = 5, before: int = 3) -> Outcome:
    return outcome_of(cluster, deployment(before), deployment(after), COMMON)


def test_two_hundred_clusters_with_the_same_change_are_one_group() -> None:
    (group,) = _groups(*(_scaled(f"prod-{number}") for number in range(200)))
    assert (group.letter, group.app, group.columns, group.differs_from, group.why) == ("A", "storefront", (), "", ())
    assert _clusters(group) == [f"prod-{number}" for number in range(200)]
    assert group.change.fields[0][:4] == (("spec", "replicas"), "changed", 3, 5)


def test_what_is_a_clusters_own_makes_no_difference_and_is_not_shown() -> None:
    def side(cluster: str, port: int) -> str:
        return deployment(env=f"postgres://db.{cluster}.example.test:{port}/{cluster}-shop")

    names = ["prod-1", "prod-2", "prod-10"]
    (group,) = _groups(*(outcome_of(name, side(name, 1), side(name, 2)) for name in names))
    assert _clusters(group) == names
    assert group.change.subject.cluster == "prod-1"
    assert group.change.hunks[0].lines[-2:] == (
        "-          value: postgres://db.‹domain›:1/‹cluster›-shop",
        "+          value: postgres://db.‹domain›:2/‹cluster›-shop",
    )


def test_a_clusters_own_name_is_shown_where_it_is_alone_or_the_same_for_all() -> None:
    (alone,) = _groups(outcome_of("prod-1", config("a: in prod-1"), config("a: at prod-1")))
    assert alone.change.fields[0].after == "at prod-1"
    outcomes = [outcome_of(name, config("a: in prod-1"), config("a: at prod-1")) for name in ("prod-1", "prod-2")]
    (both,) = _groups(*outcomes)
    assert both.change.fields[0].after == "at prod-1"


def test_names_that_are_words_of_json_or_parts_of_others_are_safe() -> None:
    names = ["1", "null", "false", "web-1", "apps"]
    outcomes = [
        outcome_of(name, deployment(1) + config("a: ''"), deployment(3) + config(f'a: "x\\n{name}"')) for name in names
    ]
    in_map, workload = _groups(*outcomes)[:2]
    assert (len(in_map.members), in_map.change.fields[0].after) == (5, "x\n‹cluster›")
    assert (len(workload.members), workload.change.identity.group) == (5, "apps")


def test_another_clusters_name_is_a_difference() -> None:
    outcomes = [outcome_of(name, config("a: b"), config(f"a: {name}1")) for name in ("prod-1", "prod-2")]
    (group,) = _groups(*outcomes)
    assert group.columns == ("data.a",)
    assert [member.values for member in group.members] == [("b → prod-11",), ("b → prod-21",)]


def test_the_same_paths_with_different_values_are_a_table() -> None:
    outcomes = [
        outcome_of(f"prod-{n}", deployment(n, image=f"shop/web:{n}"), deployment(n + 1, image="shop/web:9"))
        for n in (1, 2, 10)
    ]
    (group,) = _groups(*outcomes)
    assert group.columns == ("spec.replicas", "spec.template.spec.containers[web].image")
    assert [member.values for member in group.members] == [
        ("1 → 2", "shop/web:1 → shop/web:9"),
        ("2 → 3", "shop/web:2 → shop/web:9"),
        ("10 → 11", "shop/web:10 → shop/web:9"),
    ]
    assert group.change == outcomes[0].changes[0]


def test_equal_rows_of_a_table_stand_together_the_most_frequent_first() -> None:
    odd = {"prod-1": 4, "prod-2": 6, "prod-3": 5, "prod-4": 6, "prod-5": 5, "prod-6": 5}
    (group,) = _groups(*(_scaled(cluster, after) for cluster, after in odd.items()))
    assert [(member.subject.cluster, *member.values) for member in group.members] == [
        ("prod-3", "3 → 5"),
        ("prod-5", "3 → 5"),
        ("prod-6", "3 → 5"),
        ("prod-2", "3 → 6"),
        ("prod-4", "3 → 6"),
        ("prod-1", "3 → 4"),
    ]


def test_clusters_are_in_the_order_of_their_numbers() -> None:
    names = ["a", "a1", "a2", "a10", "a10b", "b", "1", "2", "10"]
    (group,) = _groups(*(_scaled(f"prod-{name}") for name in reversed(names)))
    assert _clusters(group) == [f"prod-{name}" for name in ("1", "2", "10", "a", "a1", "a2", "a10", "a10b", "b")]


def test_the_majority_stands_alone_so_that_the_others_are_seen() -> None:
    usual, other = _groups(*(_scaled(f"prod-{n}") for n in range(9)), _scaled("prod-sapporo", 12))
    assert (usual.letter, len(usual.members), usual.columns, usual.differs_from) == ("A", 9, (), "")
    assert (other.letter, _clusters(other), other.columns, other.differs_from) == ("B", ["prod-sapporo"], (), "A")
    assert other.why == ("As A, but with another value of `spec.replicas`.",)


def test_others_of_the_same_shape_are_a_table_beside_the_majority() -> None:
    _, others = _groups(*(_scaled(f"prod-{n}") for n in range(9)), _scaled("stg-1", 12), _scaled("dev-1", 1))
    assert (others.columns, others.differs_from) == (("spec.replicas",), "A")
    assert [(member.subject.cluster, *member.values) for member in others.members] == [
        ("dev-1", "3 → 1"),
        ("stg-1", "3 → 12"),
    ]


def test_an_outlier_whose_own_layer_swallows_the_common_change() -> None:
    before, after = (deployment(size, env=env) for size, env in ((3, "‹secret aa›"), (5, "‹secret bb›")))
    pattern = [outcome_of(f"prod-{n}", before, after, COMMON) for n in range(3)]
    own = COMMON._replace(overridden_by="clusters/prod-sapporo/storefront.yaml:4")
    sapporo = outcome_of("prod-sapporo", deployment(12, "‹secret aa›"), deployment(12, "‹secret bb›"), own)
    usual, outlier = _groups(sapporo, *pattern)
    assert usual.why == ()
    assert outlier.why == (
        "As A, but without `spec.replicas`.",
        "`clusters/prod-sapporo/storefront.yaml:4` sets `replicas`, so the common change does not take effect here.",
    )


def test_outliers_with_the_same_reason_but_for_their_own_names() -> None:
    pattern = [outcome_of(f"prod-{n}", deployment(3, "a"), deployment(5, "b"), COMMON) for n in range(9)]
    own = {name: COMMON._replace(overridden_by=f"clusters/{name}/web.yaml:4") for name in ("stg-1", "stg-2")}
    outliers = [outcome_of(name, deployment(1, "a"), deployment(1, "b"), cause) for name, cause in own.items()]
    outliers.append(outcome_of("stg-3", deployment(1, "a"), deployment(1, "b")))
    _, other = _groups(*pattern, *outliers)
    assert list(other.why) == [
        "As A, but without `spec.replicas`.",
        (
            "`clusters/‹cluster›/web.yaml:4` sets `replicas`, "
            "so the common change does not take effect on `stg-1` and `stg-2`."
        ),
    ]


def test_an_outlier_with_more_and_other_changes() -> None:
    pattern = [outcome_of(f"prod-{n}", deployment(3, "a"), deployment(5, "b")) for n in range(3)]
    _, other = _groups(*pattern, outcome_of("dev-1", deployment(3, "a"), deployment(5, "c", "shop/web:9")))
    (why,) = other.why
    pod = "spec.template.spec.containers[web]"
    assert why == f"As A, but with `{pod}.image` as well, with another value of `{pod}.env[DSN].value`."


def test_where_nobody_knows_the_cause_every_swallowed_value_is_told() -> None:
    pattern = [outcome_of(f"prod-{n}", deployment(3), deployment(5)) for n in range(3)]
    own = [COMMON._replace(path=(f"key{n}",), overridden_by=f"own.yaml:{n}") for n in range(5)]
    _, outlier = _groups(*pattern, outcome_of("dev-1", deployment(3), deployment(4), *own))
    assert outlier.why[1:] == (
        *(f"`own.yaml:{n}` sets `key{n}`, so the common change does not take effect here." for n in range(3)),
        "2 more values files say so of other values.",
    )


def test_an_outlier_that_is_new_is_not_compared() -> None:
    _, outlier = _groups(*(_scaled(f"prod-{n}") for n in range(3)), outcome_of("dev-1", "", deployment(1)))
    assert (outlier.change.what, outlier.differs_from, outlier.why) == ("added", "A", ())


def test_values_in_which_the_pattern_itself_differs_set_nobody_apart() -> None:
    pattern = [outcome_of(f"prod-{n}", deployment(n), deployment(n + 1)) for n in range(3)]
    usual, outlier = _groups(*pattern, outcome_of("dev-1", deployment(8, "a"), deployment(9, "b")))
    assert usual.columns == ("spec.replicas",)
    assert outlier.why == ("As A, but with `spec.template.spec.containers[web].env[DSN].value` as well.",)


def test_another_cause_is_no_reason() -> None:
    other = Cause("common/storefront.yaml:9", ("pods",), 1, 2, "clusters/dev-1/web.yaml:1")
    pattern = [_scaled(f"prod-{n}") for n in range(3)]
    _, outlier = _groups(*pattern, outcome_of("dev-1", deployment(3), deployment(4), other))
    assert outlier.why == ("As A, but with another value of `spec.replicas`.",)


def test_pairs_in_which_nothing_changes_are_told_to_the_majority() -> None:
    own = COMMON._replace(overridden_by="clusters/prod-sapporo/storefront.yaml:4")
    equal = [outcome_of("prod-sapporo", deployment(12), deployment(12), own)]
    equal += [outcome_of(f"stg-{n}", deployment(1), deployment(1), COMMON) for n in range(1, 6)]
    equal += [outcome_of("dev-1", deployment(1), deployment(1)), outcome_of("dev-2", "", "", COMMON, app="billing")]
    equal += [outcome_of("dev-3", "", "", COMMON)._replace(status="failed")]
    before, after = (deployment(size) + config(f"a: '{size}'") for size in (3, 5))
    pattern = [outcome_of(f"prod-{n}", before, after, COMMON) for n in range(3)]
    group, other = _groups(*equal, *pattern)
    assert other.why == ()
    assert group.why == (
        "No change on `prod-sapporo`: `clusters/prod-sapporo/storefront.yaml:4` sets `replicas` itself.",
        "No change on `stg-1`, `stg-2`, `stg-3` and 2 more, which `common/storefront.yaml:18` reaches as well.",
    )


def test_a_pair_without_clusters_is_called_by_its_application() -> None:
    (group,) = _groups(_scaled(""))
    assert _clusters(group) == [""]


def test_one_half_is_no_majority() -> None:
    outcomes = [_scaled("prod-1"), _scaled("prod-2"), *(outcome_of(f"dev-{n}", "", deployment()) for n in (1, 2))]
    found = _groups(*outcomes)
    assert [(group.change.what, group.differs_from, group.why) for group in found] == [
        ("added", "", ()),
        ("changed", "", ()),
    ]


def test_the_largest_comes_first_then_danger_then_size() -> None:
    def changed(cluster: str, app: str, before: str, after: str) -> Outcome:
        return outcome_of(cluster, before, after, app=app)

    outcomes = [
        *(changed(f"c-{n}", "size", config("a: b, c: d"), config("a: c, c: e")) for n in range(2)),
        *(changed(f"c-{n}", "many", config("a: b"), config("a: c")) for n in range(3)),
        *(changed(f"c-{n}", "risky", deployment(3), deployment(0)) for n in range(2)),
        *(changed(f"c-{n}", "less", config("a: b"), config("a: c")) for n in range(2)),
    ]
    found = [(group.letter, group.app) for group in _groups(*outcomes)]
    assert found == [("A", "many"), ("B", "risky"), ("C", "size"), ("D", "less")]


def test_objects_of_an_application_that_change_in_the_same_pairs_stand_together() -> None:
    before, after = (deployment(size) + config(f"a: '{size}'") for size in (3, 5))
    outcomes = [outcome_of(f"c-{n}", before, after) for n in range(2)]
    outcomes += [outcome_of(f"c-{n}", deployment(2), deployment(0), app="risky") for n in range(2)]
    found = [(group.app, group.change.identity.kind) for group in _groups(*outcomes)]
    assert found == [("risky", "Deployment"), ("storefront", "ConfigMap"), ("storefront", "Deployment")]


def test_no_other_application_comes_between_them() -> None:
    before, after = (config("a: b, c: d, e: f") + deployment(1), config("a: c, c: e, e: g") + deployment(2))
    outcomes = [
        outcome_of("c-1", before, after),
        outcome_of("c-1", config("a: b, c: d"), config("a: c, c: e"), app="billing"),
    ]
    assert [group.app for group in _groups(*outcomes)] == ["storefront", "storefront", "billing"]


def test_labels_of_secrets_do_not_order_anything() -> None:
    def names(one: str, other: str) -> list[str]:
        outcome = outcome_of(
            "c-1", config("a: b", one) + config("a: b", other), config("a: c", one) + config("a: c", other)
        )
        changes = sorted(outcome.changes, key=lambda change: change.identity.name != one)
        return [group.change.identity.name for group in _groups(outcome._replace(changes=tuple(changes)))]

    for pair in (["‹secret aa›", "‹secret bb›"], ["‹secret bb›", "‹secret aa›"]):
        assert names(*pair) == pair


def test_what_restarts_is_told_apart_from_what_does_not() -> None:
    label = "helm.sh/chart: web-1.0."
    text = deployment().replace("template:", "template:\n    metadata: {labels: {LABEL}}")
    sides = [
        text.replace("LABEL", f"{label}{version}").replace("replicas: 3", f"replicas: {size}")
        for version, size in ((0, 3), (0, 5), (1, 5))
    ]
    found = _groups(outcome_of("c-1", sides[0], sides[1]), outcome_of("c-2", sides[0], sides[2]))
    assert [(group.change.is_restart, len(group.change.fields)) for group in found] == [(False, 1), (True, 1)]


def test_what_is_dangerous_is_told_apart_from_what_is_not() -> None:
    forced = "namespace: shop, annotations: {argocd.argoproj.io/sync-options: 'Force=true, Replace=true'}"
    before, after = (deployment(size).replace("namespace: shop", forced) for size in (3, 5))
    outcomes = [outcome_of("c-1", deployment(3), deployment(5)), outcome_of("c-2", before, after)]
    assert [len(group.change.dangers) for group in _groups(*outcomes)] == [1, 0]


def test_dangers_that_differ_in_values_are_a_table() -> None:
    (group,) = _groups(_scaled("c-1", 0, before=2), _scaled("c-2", 0, before=3))
    assert (len(group.change.dangers), group.columns) == (1, ("spec.replicas",))


def test_a_table_has_placeholders_where_one_row_is_of_several_pairs() -> None:
    outcomes = [
        outcome_of(name, config("k: v"), config(f"k: {name[0]}.{name}")) for name in ("d-1", "d-2", "p-1", "p-2")
    ]
    (group,) = _groups(*outcomes)
    assert [member.values for member in group.members] == [("v → d.‹cluster›",)] * 2 + [("v → p.‹cluster›",)] * 2


def test_a_new_name_is_a_change_unless_what_it_says_is_folded() -> None:
    before, after = (config("a: b", f"settings-{hashed}") for hashed in ("2456789bcd", "bcdfghkmt2"))
    (change,) = outcome_of("c-1", before, after.replace("a: b", "a: c")).changes
    silent = change._replace(fields=(), hunks=())
    outcome = outcome_of("c-1", "", "")
    assert len(_groups(outcome._replace(changes=(silent._replace(folded=()),)))) == 1
    assert _groups(outcome._replace(changes=(silent,))) == ()


def test_applications_are_told_apart_and_so_are_objects() -> None:
    outcomes = [_scaled("prod-1"), outcome_of("prod-1", deployment(3), deployment(5), app="billing")]
    outcomes += [outcome_of("prod-2", deployment(3, name="api"), deployment(5, name="api"))]
    assert [(group.app, group.change.identity.name) for group in _groups(*outcomes)] == [
        ("billing", "web"),
        ("storefront", "web"),
        ("storefront", "api"),
    ]


def test_objects_that_are_named_by_their_cluster_or_content_are_one() -> None:
    outcomes = []
    for cluster, old, new in (("prod-1", "2456789bcd", "bcdfghkmt2"), ("prod-2", "456789bcdf", "cdfghkmt24")):
        name = f"settings-{cluster}-"
        outcomes.append(outcome_of(cluster, config("a: b", name + old), config("a: c", name + new)))
    (group,) = _groups(*outcomes)
    assert (group.change.what, len(group.members)) == ("renamed", 2)
    assert [folded.rule for folded in group.change.folded] == ["hash-name"]


def test_new_objects_with_different_content_are_a_table_of_what_differs() -> None:
    outcomes = [outcome_of(f"prod-{n}", "", config(f"a: same, region: '{n}'")) for n in range(2)]
    (group,) = _groups(*outcomes)
    assert (group.change.what, group.columns) == ("added", ("data.region",))
    assert [member.values for member in group.members] == [("0",), ("1",)]


def test_a_change_that_is_folded_as_a_whole_is_in_no_group() -> None:
    label = "{{apiVersion: v1, kind: Thing, metadata: {{name: it, labels: {{helm.sh/chart: web-1.0.{}}}}}}}"
    outcome = outcome_of("prod-1", label.format(0), label.format(1))
    assert len(outcome.changes) == 1
    assert _groups(outcome) == ()


def test_lines_of_a_text_that_stay_may_differ_from_cluster_to_cluster() -> None:
    text = 'a: "host=prod-{0}\\nlevel={1}\\nport={2}"'
    outcomes = [
        outcome_of(f"prod-{n}", config(text.format(n, "info", n)), config(text.format(n, "debug", n))) for n in (1, 2)
    ]
    (group,) = _groups(*outcomes)
    assert (len(group.members), group.columns) == (2, ())
    assert group.change.hunks[0].lines[2:] == (
        "     host=‹cluster›",
        "-    level=info",
        "+    level=debug",
        "     port=1",
    )
    outcomes += [outcome_of("prod-3", config(text.format(3, "info", 3)), config(text.format(3, "info", 4)))]
    _, other = _groups(*outcomes)
    assert other.why == ("As A, but with another value of `data.a`.",)
    assert other.change == outcomes[2].changes[0]


def test_a_table_has_the_lines_that_came_and_went() -> None:
    texts = {"1": ("x\\ny\\ny", "x\\ny"), "2": ("x\\ny", "x\\ny\\nz"), "3": ("x\\ny", "y\\nx"), "4": ("''x", "x\\ny")}
    outcomes = [outcome_of(n, config(f'a: "{old}"'), config(f'a: "{new}"')) for n, (old, new) in texts.items()]
    (group,) = _groups(*outcomes)
    assert [member.values for member in group.members] == [("y → –",), ("– → z",), ("x⏎y → y⏎x",), ("''x → x⏎y",)]


def test_an_empty_text_is_seen() -> None:
    (group,) = _groups(*(outcome_of(n, config("a: b"), config(f"a: '{text}'")) for n, text in (("1", ""), ("2", "c"))))
    assert [member.values for member in group.members] == [('b → ""',), ("b → c",)]


def test_a_path_is_spelled_as_in_the_rest_of_the_report() -> None:
    outcomes = [outcome_of(n, config("app.yaml: b"), config(f"app.yaml: {n}1")) for n in ("prod-x", "prod-y")]
    (group,) = _groups(*outcomes)
    assert group.columns == ('data["app.yaml"]',)
    assert path_text(outcomes[0].changes[0].fields[0].path) == 'data["app.yaml"]'


def test_more_columns_than_a_table_holds_are_counted() -> None:
    outcomes = [outcome_of(f"prod-{n}", "", config(", ".join(f"k{at}: v{n}{at}" for at in range(8)))) for n in (1, 2)]
    (group,) = _groups(*outcomes)
    assert group.columns == tuple(f"data.k{at}" for at in range(5))
    assert group.why == ("3 more fields have other values in each: `--format json` has them all.",)


@pytest.mark.parametrize(
    ("texts", "cells"),
    [
        (("x" * 60 + "one", "x" * 60 + "two"), ("…xxxxxxxxone", "…xxxxxxxxtwo")),
        (("one" + "x" * 60, "two" + "x" * 60), ("one" + "x" * 37 + "…", "two" + "x" * 37 + "…")),
        (("a\\nb", "a\\nc"), ("a⏎b", "a⏎c")),
        (("p" * 40 + "‹secret 0a›", "p" * 40 + "‹secret 0b›"), ("…pppppppp‹secret 0a›", "…pppppppp‹secret 0b›")),
        (("p" * 20 + LABEL + "q" * 10, "x" * 50), ("p" * 20 + LABEL + "q" * 10, "x" * 40 + "…")),
        (("p" * 39 + "‹secret 0a›", "‹secret 0b›"), ("p" * 39 + "…", "‹secret 0b›")),
    ],
)
def test_cells_are_short_and_keep_what_differs(texts: tuple[str, str], cells: tuple[str, str]) -> None:
    outcomes = [outcome_of(f"c-{n}", "", config(f'a: "{text}"')) for n, text in enumerate(texts)]
    (group,) = _groups(*outcomes)
    assert tuple(member.values[0] for member in group.members) == cells


@pytest.mark.parametrize(("index", "expected"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (702, "AAA")])
def test_letters(index: int, expected: str) -> None:
    assert letter(index) == expected


@pytest.mark.slow
def test_a_thousand_pairs_group_in_a_moment() -> None:
    before, after = ("".join(deployment(n, name=name) for name in ("a", "b", "c")) for n in (1, 2))
    one = outcome_of("c-0", before, after, COMMON)
    same: list[Outcome] = []
    different: list[Outcome] = []
    for number in range(1000):
        for found, app in ((same, "storefront"), (different, f"app-{number}")):
            subject = one.subject._replace(cluster=f"c-{number}", app=app)
            changes = tuple(change._replace(subject=subject) for change in one.changes)
            found.append(one._replace(subject=subject, changes=changes))
    start = time.process_time()
    assert [len(group.members) for group in groups(same, _tokens(same))] == [1000] * 3
    assert [len(group.members) for group in groups(different, _tokens(different))] == [1] * 3000
    assert time.process_time() - start < 2
