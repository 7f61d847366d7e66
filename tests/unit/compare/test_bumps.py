"""Versions that changed, word for word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.changes import Bump, Object, Subject
from cmp.compare.bumps import bumps, size
from tests.support.objects import object_of

SUBJECT = Subject("storefront", "prod-1", "prod")


def _deployment(*images: str, name: str = "web", kind: str = "Deployment") -> Object:
    containers = [{"name": f"c{at}", "image": image} for at, image in enumerate(images)]
    return object_of(
        {"kind": kind, "metadata": {"name": name}, "spec": {"template": {"spec": {"containers": containers}}}}
    )


def _labelled(**labels: str) -> Object:
    return object_of(
        {"kind": "Thing", "metadata": {"labels": {key.replace("__", "/"): text for key, text in labels.items()}}}
    )


def _found(base: list[Object], head: list[Object]) -> list[tuple[str, str, str, str, str]]:
    found = bumps(SUBJECT, base, head)
    assert all(bump.subject == SUBJECT for bump in found)
    return [bump[:5] for bump in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("shop/web:8.2.0", "shop/web:8.2.1", ("shop/web", "8.2.0", "8.2.1", "patch")),
        (
            "registry.example.test:5000/web",
            "registry.example.test:5000/web:1",
            ("registry.example.test:5000/web", "latest", "1", ""),
        ),
        ("web@sha256:aa", "web:2@sha256:bb", ("web", "@sha256:aa", "2@sha256:bb", "")),
        ("web:1.0.0@sha256:aa", "web:1.0.0@sha256:bb", ("web", "1.0.0@sha256:aa", "1.0.0@sha256:bb", "")),
    ],
)
def test_an_image(before: str, after: str, expected: tuple[str, str, str, str]) -> None:
    assert _found([_deployment(before)], [_deployment(after)]) == [("image", *expected)]


def test_equal_images_are_no_bump_wherever_they_are() -> None:
    assert _found([_deployment("a:1", "b:2")], [_deployment("b:2", name="api"), _deployment("a:1", name="job")]) == []


def test_an_image_that_comes_and_one_that_goes() -> None:
    assert _found([_deployment("a:1")], [_deployment("b:2")]) == [
        ("image", "a", "1", "", ""),
        ("image", "b", "", "2", ""),
    ]


def test_the_same_bump_in_many_places_is_one() -> None:
    before, after = ([_deployment(f"a:{tag}", f"a:{tag}"), _deployment(f"a:{tag}", name="api")] for tag in (1, 2))
    assert _found(before, after) == [("image", "a", "1", "2", "major")]


def test_several_versions_of_one_image_are_told_apart_by_place() -> None:
    assert _found([_deployment("a:1.0", "a:2.0")], [_deployment("a:1.1", "a:2.0")]) == [
        ("image", "a", "1.0", "1.1", "minor")
    ]
    assert _found([_deployment("a:1.0", "a:2.0")], [_deployment("a:2.0", "a:2.0")]) == [
        ("image", "a", "1.0", "2.0", "major")
    ]


def test_versions_at_other_places_are_paired_in_their_order() -> None:
    before = [_deployment("a:9", "a:10", name="old")]
    after = [_deployment("a:11", "a:12", "a:13", name="new")]
    assert _found(before, after) == [
        ("image", "a", "", "13", ""),
        ("image", "a", "10", "12", "major"),
        ("image", "a", "9", "11", "major"),
    ]


def test_all_containers_and_custom_resources_and_no_schema() -> None:
    def world(tag: str) -> list[Object]:
        pod = {
            "initContainers": [{"name": "i", "image": f"init:{tag}"}],
            "ephemeralContainers": [{"name": "e", "image": f"eph:{tag}"}],
        }
        job = {"jobTemplate": {"spec": {"template": {"spec": pod}}}}
        return [
            object_of({"kind": "CronJob", "metadata": {"name": "a"}, "spec": job}),
            object_of(
                {
                    "kind": "Prometheus",
                    "metadata": {"name": "b"},
                    "spec": {"image": f"prom:{tag}", "logo": {"image": tag}},
                }
            ),
            object_of(
                {"kind": "Page", "metadata": {"name": "c"}, "spec": {"image": f"https://example.test/{tag}.png:{tag}"}}
            ),
            object_of({"kind": "CustomResourceDefinition", "metadata": {"name": "d"}, "spec": {"image": f"crd:{tag}"}}),
        ]

    assert [(name, size) for _, name, _, _, size in _found(world("1.0"), world("1.1"))] == [
        ("eph", "minor"),
        ("init", "minor"),
        ("prom", "minor"),
    ]


def test_charts() -> None:
    before = [
        _labelled(helm_sh="x", helm__chart="y"),
        object_of({"metadata": {"labels": {"helm.sh/chart": "redis-ha-4.9.1"}}}),
    ]
    after = [object_of({"metadata": {"labels": {"helm.sh/chart": "redis-ha-5.0.0_build.2"}}})]
    assert _found(before, after) == [("chart", "redis-ha", "4.9.1", "5.0.0+build.2", "major")]
    assert _found([_labelled(chart="web-1.0.0")], [_labelled(chart="web-1.0.0")]) == []
    assert _found([_labelled(chart="bar")], [_labelled(chart="line")]) == []
    assert _found([_labelled(chart="web-v1.0.0")], []) == [("chart", "web", "v1.0.0", "", "")]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1.2.3", "2.0.0", "major"),
        ("1.2.3", "1.3.0", "minor"),
        ("1.2.3", "1.2.4", "patch"),
        ("v1.2.3", "1.3.3", "minor"),
        ("1.3.0", "1.2.0", "minor"),
        ("1.2", "1.2.1", "patch"),
        ("1.25-alpine", "1.26-alpine", "minor"),
        ("1.2.3-rc.1", "1.2.3", ""),
        ("15", "16", "major"),
        ("2024.1", "2025.1", "major"),
        ("20240101", "20240202", ""),
        ("1.2.3", "1.2.3", ""),
        ("1.2.3.4", "2.2.3.4", ""),
        ("1.2.3", "main", ""),
        ("latest", "main", ""),
        ("0a1b2c3", "1a2b3c4", ""),
        ("", "1.0.0", ""),
        ("‹secret 1›", "‹secret 2›", ""),
    ],
)
def test_sizes(before: str, after: str, expected: str) -> None:
    assert size(before, after) == expected


VERSIONS = st.sampled_from(["a:1", "a:2", "a:3.1", "b:1", "b", "c@sha256:aa"])
SIDES = st.lists(st.lists(VERSIONS, max_size=3), max_size=3)


@given(SIDES, SIDES)
def test_there_and_back_again(base: list[list[str]], head: list[list[str]]) -> None:
    before, after = ([_deployment(*images, name=f"d{at}") for at, images in enumerate(side)] for side in (base, head))
    there, back = bumps(SUBJECT, before, after), bumps(SUBJECT, after, before)
    assert sorted(bump._replace(before=bump.after, after=bump.before) for bump in back) == sorted(there)
    assert all(bump.before != bump.after for bump in there)
    assert bumps(SUBJECT, before, before) == ()


def test_the_order_of_objects_does_not_matter() -> None:
    before = [_deployment("a:1", name="x"), _deployment("b:1", name="y")]
    after = [_deployment("a:2", name="x"), _deployment("b:2", name="y")]
    expected = (Bump("image", "a", "1", "2", "major", SUBJECT), Bump("image", "b", "1", "2", "major", SUBJECT))
    assert bumps(SUBJECT, before, after) == bumps(SUBJECT, before[::-1], after[::-1]) == expected
