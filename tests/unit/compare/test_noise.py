"""The differences that each rule of noise folds, and near misses."""

from __future__ import annotations

import pytest

from cmp.changes import Field, Rule
from cmp.compare.fields import differences
from cmp.compare.noise import fold, path_matches, without_hash
from cmp.compare.pairing import MatchedObject
from tests.support.objects import matched, object_of, value_of

OLD, NEW = "settings-2456789bcd", "settings-fghkmt2456"


def _folded(
    one: MatchedObject, others: tuple[MatchedObject, ...] = (), rules: tuple[Rule, ...] = ()
) -> list[tuple[str, str]]:
    """Return (path, rule) of every difference in order; the rule is empty where it is kept."""
    fields = differences(one.before.value if one.before else None, one.after.value if one.after else None)
    kept, folded = fold(one, fields, (one, *others), rules)
    rule_of = {found.field: found.rule for found in folded if _is_hashable(found.field)}
    assert sorted(map(repr, [*kept, *(found.field for found in folded)])) == sorted(map(repr, fields))
    return [(".".join(field.path), rule_of.get(field, "")) for field in fields]


def _is_hashable(field: Field) -> bool:
    return not isinstance(field.before, dict | list) and not isinstance(field.after, dict | list)


def _deployment(labels: str = "", annotations: str = "", pods: str = "", kind: str = "Deployment") -> str:
    meta = f"metadata: {{labels: {{{labels}}}, annotations: {{{annotations}}}}}"
    return f"{{kind: {kind}, {meta}, spec: {{template: {{{meta}, spec: {{{pods}}}}}}}}}"


def _config(name: str, data: str) -> str:
    return f"{{kind: ConfigMap, metadata: {{name: {name}}}, data: {{a: {data}}}}}"


CHARTS = [
    ("helm.sh/chart: web-1.0.0", "helm.sh/chart: web-1.0.1", "chart-labels"),
    ("app.kubernetes.io/version: '1'", "app.kubernetes.io/version: '2'", "chart-labels"),
    ("chart: web-1.0.0", "chart: web-2.0.0-rc.1", "chart-labels"),
    ("chart: bar", "chart: line", ""),
    ("app.kubernetes.io/name: a", "app.kubernetes.io/name: b", ""),
]


@pytest.mark.parametrize(("before", "after", "rule"), CHARTS)
def test_labels_of_charts_in_objects_and_pod_templates(before: str, after: str, rule: str) -> None:
    label = before.partition(":")[0]
    assert _folded(matched(_deployment(before), _deployment(after))) == [
        (f"metadata.labels.{label}", rule),
        (f"spec.template.metadata.labels.{label}", rule),
    ]


def test_a_label_of_a_chart_that_comes_is_kept() -> None:
    found = _folded(matched(_deployment("a: b"), _deployment("a: b, helm.sh/chart: web-1.0.0")))
    assert [rule for _, rule in found] == ["", ""]


def test_a_label_of_a_chart_elsewhere_is_kept() -> None:
    claims = "{{kind: StatefulSet, spec: {{volumeClaimTemplates: [{{metadata: {{labels: {{helm.sh/chart: {}}}}}}}]}}}}"
    found = _folded(matched(claims.format("web-1.0.0"), claims.format("web-1.0.1")))
    assert found == [("spec.volumeClaimTemplates.[0].metadata.labels.helm.sh/chart", "")]
    selector = "{{kind: Service, spec: {{selector: {{helm.sh/chart: {}}}}}}}"
    assert _folded(matched(selector.format("web-1.0.0"), selector.format("web-1.0.1"))) == [
        ("spec.selector.helm.sh/chart", "")
    ]


READERS = {
    "a volume": "volumes: [{name: a, configMap: {name: settings}}]",
    "a projected volume": "volumes: [{name: a, projected: {sources: [{configMap: {name: settings}}]}}]",
    "all variables": "containers: [{name: a, envFrom: [{configMapRef: {name: settings}}]}]",
    "a variable": "initContainers: [{name: a, env: [{name: A, valueFrom: {configMapKeyRef: {name: settings}}}]}]",
}
CHANGED = matched(_config("settings", "one"), _config("settings", "two"))


def _checksums(pods: str, kind: str = "Deployment") -> MatchedObject:
    before, after = (_deployment("", f"checksum/config: {digest}", pods, kind) for digest in ("aa", "bb"))
    return matched(before, after)


@pytest.mark.parametrize("reader", READERS)
def test_a_checksum_is_folded_where_what_is_read_is_in_the_diff(reader: str) -> None:
    assert _folded(_checksums(READERS[reader]), (CHANGED,)) == [
        ("metadata.annotations.checksum/config", ""),
        ("spec.template.metadata.annotations.checksum/config", "checksum"),
    ]


@pytest.mark.parametrize(
    "how", ["volumes: [{secret: {secretName: keys}}]", "containers: [{envFrom: [{secretRef: {name: keys}}]}]"]
)
def test_a_checksum_of_a_secret(how: str) -> None:
    secret = "{{kind: Secret, metadata: {{name: keys}}, data: {{a: ‹secret {}›}}}}"
    keys = matched(secret.format("1a"), secret.format("2b"))
    assert _folded(_checksums(how), (keys,))[1][1] == "checksum"


def test_a_checksum_of_a_cron_job() -> None:
    template = "template: {{metadata: {{annotations: {{checksum/a: {}}}}}, spec: {{{}}}}}"
    job = f"{{{{kind: CronJob, spec: {{{{jobTemplate: {{{{spec: {{{{{template}}}}}}}}}}}}}}}}}"
    pods = READERS["a volume"]
    found = _folded(matched(job.format("aa", pods), job.format("bb", pods)), (CHANGED,))
    assert found == [("spec.jobTemplate.spec.template.metadata.annotations.checksum/a", "checksum")]


@pytest.mark.parametrize(
    "others",
    [
        (),
        (matched(_config("other", "one"), _config("other", "two")),),
        (matched(_config("settings", "one"), _config("settings", "one")),),
        (
            matched(
                "{kind: Thing, metadata: {name: settings}, a: 1}", "{kind: Thing, metadata: {name: settings}, a: 2}"
            ),
        ),
    ],
)
def test_a_checksum_that_nothing_explains_is_kept(others: tuple[MatchedObject, ...]) -> None:
    assert [rule for _, rule in _folded(_checksums(READERS["a volume"]), others)] == ["", ""]


def test_a_checksum_is_not_explained_by_another_namespace() -> None:
    sides = (_config("settings, namespace: other", value) for value in ("one", "two"))
    assert [rule for _, rule in _folded(_checksums(READERS["a volume"]), (matched(*sides),))] == ["", ""]


def test_a_checksum_that_comes_is_kept() -> None:
    before, after = (_deployment("", note, READERS["a volume"]) for note in ("a: b", "a: b, checksum/config: bb"))
    assert [rule for _, rule in _folded(matched(before, after), (CHANGED,))] == ["", ""]


def _renamed(old: str, new: str, kind: str = "ConfigMap") -> MatchedObject:
    return matched(*(f"{{kind: {kind}, metadata: {{name: {name}}}, data: {{a: {name}-1}}}}" for name in (old, new)))


def test_names_that_are_hashes_and_references_to_them() -> None:
    renamed = _renamed(OLD, NEW)
    assert _folded(renamed) == [("data.a", ""), ("metadata.name", "hash-name")]
    container = "{{name: b, image: 'c:{1}', envFrom: [{{configMapRef: {{name: {0}}}}}]}}"
    pods = f"volumes: [{{{{name: a, configMap: {{{{name: {{0}}}}}}}}}}], containers: [{container}]"
    before, after = (_deployment("", "", pods.format(*values)) for values in ((OLD, 1), (NEW, 2)))
    assert _folded(matched(before, after), (renamed,)) == [
        ("spec.template.spec.containers.[b].envFrom.[0].configMapRef.name", "hash-name"),
        ("spec.template.spec.containers.[b].image", ""),
        ("spec.template.spec.volumes.[a].configMap.name", "hash-name"),
    ]


@pytest.mark.parametrize(
    "renamed",
    [
        _renamed("settings-v1", "settings-v2"),
        _renamed("settings", NEW),
        _renamed("settings-2456789bca", "settings-fghkmt245a"),
        _renamed(OLD, "others-fghkmt2456"),
        _renamed(OLD, NEW, kind="Service"),
    ],
)
def test_other_names_are_kept(renamed: MatchedObject) -> None:
    assert [rule for _, rule in _folded(renamed)] == ["", ""]


def test_the_stem_of_a_name() -> None:
    assert [without_hash(name) for name in (OLD, "settings", "settings-abcdefghij", "a-b-2456789bcd")] == [
        "settings",
        "settings",
        "settings-abcdefghij",
        "a-b",
    ]


def test_another_order_is_kept() -> None:
    before, after = ("{kind: Thing, a: [{name: x}, {name: y}]}", "{kind: Thing, a: [{name: y}, {name: x}]}")
    (field,) = differences(value_of(before), value_of(after))
    one = matched(before, after)
    assert field.kind == "moved"
    assert fold(one, (field,), (one,), ()) == ((field,), ())


SERVICE = """
apiVersion: g/v1
kind: Thing
metadata: {{namespace: shop, name: web}}
spec: {{a: {{b: {0}}}, c: [{{d: {0}}}]}}
"""


@pytest.mark.parametrize(
    ("rule", "folds"),
    [
        (Rule("all"), 2),
        (Rule("named", "g", "Thing", "shop", "web"), 2),
        (Rule("group", group="h"), 0),
        (Rule("kind", kind="Other"), 0),
        (Rule("namespace", namespace="store"), 0),
        (Rule("object", object="api"), 0),
        (Rule("one", path=("spec", "a", "b")), 1),
        (Rule("prefix", path=("spec", "a")), 0),
        (Rule("below", path=("spec", "a", "**")), 1),
        (Rule("any part", path=("spec", "*", "b")), 1),
        (Rule("any item", path=("spec", "c", "[*]", "d")), 1),
        (Rule("no item", path=("spec", "[*]", "b")), 0),
        (Rule("numbers", pattern=r"\d+"), 0),
        (Rule("whole text", pattern=r"v\d"), 0),
        (Rule("texts", pattern=r"v\d+"), 2),
        (Rule("only one side", pattern=r"v10"), 0),
    ],
)
def test_rules_of_the_user(rule: Rule, folds: int) -> None:
    found = _folded(matched(SERVICE.format("v10"), SERVICE.format("v11")), rules=(rule,))
    assert [name for _, name in found if name] == [rule.name] * folds


def test_a_pattern_is_about_texts() -> None:
    found = _folded(matched(SERVICE.format("10"), SERVICE.format("11")), rules=(Rule("numbers", pattern=r"\d+"),))
    assert [name for _, name in found] == ["", ""]


def test_the_first_rule_counts_and_the_built_in_ones_come_before() -> None:
    one = matched(_deployment("helm.sh/chart: a-1.0.0, x: '1'"), _deployment("helm.sh/chart: a-1.0.1, x: '2'"))
    names = [rule for _, rule in _folded(one, rules=(Rule("mine", path=("metadata", "**")), Rule("ours")))]
    assert names == ["chart-labels", "mine", "chart-labels", "ours"]


def test_a_rule_names_either_side_of_a_renamed_object() -> None:
    sides = [
        object_of(value_of(SERVICE.format(value).replace("web", name))) for value, name in (("1", "a"), ("2", "b"))
    ]
    for name, folds in (("a", 3), ("b", 3), ("c", 0)):
        found = _folded(MatchedObject(*sides), rules=(Rule("mine", object=name),))
        assert [rule for _, rule in found if rule] == ["mine"] * folds


@pytest.mark.parametrize(
    ("pattern", "path", "is_so"),
    [
        (("**",), (), True),
        (("**",), ("a", "b"), True),
        (("a", "**"), ("a",), True),
        (("a", "**"), (), False),
        (("a", "**"), ("b", "c"), False),
        (("a", "b"), ("a",), False),
        (("*",), ("[x]",), True),
        (("[*]",), ("x",), False),
        (("[x]",), ("[x]",), True),
    ],
)
def test_paths_of_rules(pattern: tuple[str, ...], path: tuple[str, ...], is_so: bool) -> None:  # noqa: FBT001
    assert path_matches(pattern, path) is is_so
