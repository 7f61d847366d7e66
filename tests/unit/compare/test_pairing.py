"""Which object is which on the other side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.compare.pairing import MAX_CANDIDATES, match_objects
from tests.support.objects import object_of, objects

if TYPE_CHECKING:
    from cmp.changes import Object

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: %s, namespace: %s, labels: {app: %s}}
data: {a: "1", b: "2", c: "%s"}
"""


def _config(name: str, namespace: str = "shop", *, c: str = "3", app: str = "web") -> str:
    return "---" + CONFIG % (name, namespace, app, c)


def _paired(before: str, after: str) -> list[tuple[str, str]]:
    """Return the pairs as `namespace/name`, with a dash for the missing side."""
    return [
        (
            f"{old.identity.namespace}/{old.identity.name}" if old else "-",
            f"{new.identity.namespace}/{new.identity.name}" if new else "-",
        )
        for old, new in match_objects(objects(before), objects(after))
    ]


def test_the_version_of_the_api_does_not_count() -> None:
    before = objects("{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: web}}")
    after = objects("{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}}")
    (found,) = match_objects(before, after)
    assert (found.before, found.after) == (before[0], after[0])


def test_the_group_the_kind_and_the_namespace_do() -> None:
    before = "{apiVersion: a.test/v1, kind: Widget, metadata: {name: web}}"
    for other in (
        "{apiVersion: b.test/v1, kind: Widget, metadata: {name: web}}",
        "{apiVersion: a.test/v1, kind: Gadget, metadata: {name: web}}",
        "{apiVersion: a.test/v1, kind: Widget, metadata: {name: web, namespace: shop}}",
    ):
        assert len(match_objects(objects(before), objects(other))) == 2


def test_pairs_are_ordered_by_the_newer_identity() -> None:
    before, after = _config("b") + _config("z", c="9"), _config("c", c="1") + _config("b")
    assert _paired(before, after) == [("shop/b", "shop/b"), ("shop/z", "shop/c")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("web-9g2tkm4455", "web-b5hkmf2947"),  # kustomize
        ("web", "web-b5hkmf2947"),
        ("web-b5hkmf2947", "web"),
        ("web-x7k2p", "web-9qrst"),  # randAlphaNum
        ("web-3fa9c1d2", "web-00ab12cd"),  # the beginning of a checksum
        ("migrate-20240131", "migrate-20240201"),
    ],
)
def test_a_generated_suffix_is_no_part_of_the_name(old: str, new: str) -> None:
    before = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {old}}}, data: {{a: x}}}}"
    after = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {new}}}, data: {{b: z}}}}"
    assert _paired(before, after) == [(f"/{old}", f"/{new}")]


@pytest.mark.parametrize(
    ("old", "new"),
    [("web-node1", "web-node2"), ("web-blue", "web-green"), ("web-staging", "web-production"), ("web-v1", "web-v2")],
)
def test_the_end_of_a_word_is(old: str, new: str) -> None:
    before = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {old}}}, data: {{a: x}}}}"
    after = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {new}}}, data: {{b: z}}}}"
    assert sorted(_paired(before, after)) == [("-", f"/{new}"), (f"/{old}", "-")]


def test_of_several_with_one_stem_the_most_alike_belong_together() -> None:
    before = _config("web-b5hkmf2947", c="x") + _config("web-c5hkmf2947", c="y")
    after = _config("web-d5hkmf2947", c="y") + _config("web-f5hkmf2947", c="z")
    assert _paired(before, after) == [
        ("shop/web-c5hkmf2947", "shop/web-d5hkmf2947"),
        ("shop/web-b5hkmf2947", "shop/web-f5hkmf2947"),
    ]


def test_a_new_name_with_more_than_half_of_the_content() -> None:
    assert _paired(_config("old"), _config("new", c="other")) == [("shop/old", "shop/new")]


def test_a_new_name_with_half_of_the_content_is_another_object() -> None:
    before = "{apiVersion: v1, kind: ConfigMap, metadata: {name: old}, data: {a: x, b: x, c: x}}"
    after = "{apiVersion: v1, kind: ConfigMap, metadata: {name: new}, data: {a: x, b: x, d: x}}"
    assert _paired(before, after) == [("-", "/new"), ("/old", "-")]


def test_objects_without_content_are_not_alike() -> None:
    account = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: %s}}"
    assert _paired(account % "old", account % "new") == [("-", "/new"), ("/old", "-")]


def test_the_own_name_inside_the_object_does_not_count() -> None:
    before = _config("old-web", app="old-web")
    assert _paired(before, _config("new-web", app="new-web", c="5")) == [("shop/old-web", "shop/new-web")]


def test_the_best_rename_is_taken_first() -> None:
    before = _config("one") + _config("two", c="4", app="b")
    after = _config("uno", c="4", app="b") + _config("due", c="4")
    assert _paired(before, after) == [("shop/one", "shop/due"), ("shop/two", "shop/uno")]


def test_equal_candidates_go_by_name() -> None:
    before = _config("b") + _config("a")
    assert _paired(before, _config("e") + _config("d")) == [("shop/a", "shop/d"), ("shop/b", "shop/e")]


def test_another_namespace_is_a_rename_if_the_name_stays() -> None:
    assert _paired(_config("web"), _config("web", "store")) == [("shop/web", "store/web")]
    assert _paired(_config("web"), _config("site", "store")) == [("shop/web", "-"), ("-", "store/site")]


def test_of_two_with_the_same_identity_none_is_lost() -> None:
    one, two, three = _config("web", c="1"), _config("web", c="2"), _config("web", c="3")
    found = match_objects(objects(one + two), objects(one + two + three))
    contents = [tuple(side and side.value["data"] for side in matched) for matched in found]
    data = [{"a": "1", "b": "2", "c": c} for c in "123"]
    assert contents == [(data[0], data[0]), (data[1], data[1]), (None, data[2])]


def test_the_same_object_twice_in_a_list_is_two() -> None:
    (one,) = objects(_config("web"))
    assert [(bool(old), bool(new)) for old, new in match_objects([one], [one, one])] == [(True, True), (False, True)]


def test_beyond_the_cap_only_equal_content_is_a_rename() -> None:
    count = int(MAX_CANDIDATES**0.5) + 1
    before = [_numbered(f"old-x{n:03}", n) for n in range(count)]
    after = [_numbered(f"new-x{n:03}", n) for n in range(count)]
    after[0] = _numbered("new-x000", -1)
    found = match_objects(before, after)
    assert sum(1 for old, new in found if old and new) == count - 1
    assert all(old.value["data"] == new.value["data"] for old, new in found if old and new)


def _numbered(name: str, number: int) -> Object:
    value = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"n": str(number), **dict.fromkeys("abcd", "x")},
    }
    return object_of(value)
