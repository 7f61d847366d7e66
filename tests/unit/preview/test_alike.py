"""The same change in several applications is one group; whatever differs in more than their own names is not."""

from __future__ import annotations

import pytest

from cmp.changes import Cause, Group, Outcome
from cmp.preview.grouping import groups
from cmp.preview.lots import Population
from cmp.report.document import Limits, plain
from cmp.report.groups import section
from tests.support.outcomes import config, deployment, outcome_of


def _groups(*outcomes: Outcome) -> tuple[Group, ...]:
    return groups(outcomes, {}, Population.of(outcomes))


def _labels(app: str, line: str) -> str:
    """Return a Deployment of an application, named by it, with a line among its labels."""
    text = deployment(name=f"{app}-server").replace("namespace: shop", f"namespace: shop, labels: {{{line}}}")
    return text.replace("name: web,", f"name: {app},")


def _changes(app: str, before: str, after: str, cluster: str = "c", *causes: Cause) -> Outcome:
    return outcome_of(cluster, _labels(app, before), _labels(app, after), *causes, app=app)


def _apps(found: tuple[Group, ...]) -> list[list[str]]:
    return [sorted({member.subject.app for member in group.members}) for group in found]


def test_a_change_that_differs_in_the_own_name_alone_is_one() -> None:
    (group,) = _groups(*(_changes(app, "v: '1'", f"v: '1', name: {app}") for app in ("web", "api", "worker")))
    assert (group.app, group.change.identity.name) == ("‹app›", "‹app›-server")
    assert group.change.fields[0].after == "‹app›"
    assert _apps((group,)) == [["api", "web", "worker"]]


def test_what_is_the_same_to_the_letter_stays_as_it_is() -> None:
    (group,) = _groups(*(outcome_of("c", config("a: web"), config("a: api"), app=app) for app in ("web", "api")))
    assert (group.change.fields[0].before, group.change.fields[0].after) == ("web", "api")


def test_a_word_that_several_have_is_nobodys_name() -> None:
    (group,) = _groups(*(_changes(app, "t: old", f"t: web, name: {app}") for app in ("web", "api", "dns")))[:1]
    assert {field.path[-1]: field.after for field in group.change.fields} == {"t": "web", "name": "‹app›"}


@pytest.mark.parametrize(
    ("after", "other"),
    [
        ("v: web", "v: api-2"),  # more than the name
        ("v: webhook", "v: apihook"),  # a part of a word
        ("web: x", "api: x"),  # a key, which may be called so by accident
        ("app.kubernetes.io/name: web", "api.kubernetes.io/name: api"),
        ("v: api", "v: web"),  # the other's name
        ("v: '1', w: web", "v: '2', w: api"),
    ],
)
def test_more_than_the_own_name_is_another_change(after: str, other: str) -> None:
    assert len(_groups(_changes("web", "v: '0'", after), _changes("api", "v: '0'", other))) == 2


@pytest.mark.parametrize("names", [("1", "2"), ("a", "b")])
def test_numbers_and_single_characters_are_no_names(names: tuple[str, str]) -> None:
    found = _groups(*(outcome_of("c", config("v: x"), config(f"v: '{app}'"), app=app) for app in names))
    assert len(found) == 2
    replicas = _groups(*(outcome_of("c", deployment(9), deployment(app), app=app) for app in names))
    assert len(replicas) == 2


def test_an_application_called_app_keeps_the_keys_that_are_called_so() -> None:
    key = "app.kubernetes.io/name"
    (group,) = _groups(*(_changes(app, f"{key}: x", f"{key}: {app}") for app in ("app", "web")))
    assert group.change.fields[0].path == ("metadata", "labels", key)
    assert group.change.hunks[0].lines[-1] == f"+    {key}: ‹app›"


def test_a_name_in_the_label_of_a_secret_is_no_name() -> None:
    found = _groups(
        *(
            outcome_of("c", config("v: x"), config(f'v: "‹secret {n}›"'), app=app)
            for n, app in (("aa", "secret"), ("aa", "key"))
        )
    )
    assert found[0].change.fields[0].after == "‹secret aa›"
    assert len(found) == 1


def test_a_danger_of_one_alone_keeps_it_apart() -> None:
    found = _groups(
        outcome_of("c", deployment(3), deployment(0), app="web"),
        outcome_of("c", deployment(3), deployment(2), app="api"),
    )
    assert [[danger.rule for danger in group.change.dangers] for group in found] == [["replicas-zero"], []]


def test_outliers_are_one_only_where_their_patterns_are() -> None:
    def world(app: str, usual: int) -> list[Outcome]:
        sizes = [*((f"c-{n}", usual) for n in range(3)), ("odd", 9)]
        return [outcome_of(cluster, deployment(1), deployment(size), app=app) for cluster, size in sizes]

    same = _groups(*world("web", 5), *world("api", 5))
    assert [(len(group.members), group.differs_from, group.why) for group in same] == [
        (6, "", ()),
        (2, "A", ("As A, but with another value of `spec.replicas`.",)),
    ]
    other = _groups(*world("web", 5), *world("api", 6))
    assert [(len(group.members), group.differs_from) for group in other] == [(3, ""), (3, ""), (1, "A"), (1, "B")]


def test_an_outlier_is_not_one_with_what_is_usual_elsewhere() -> None:
    odd = [outcome_of(f"c-{n}", deployment(1), deployment(5), app="web") for n in range(3)]
    odd.append(outcome_of("c-3", deployment(1), deployment(9), app="web"))
    usual, *others = _groups(*odd, outcome_of("c-3", deployment(1), deployment(9), app="api"))
    assert len(usual.members) == 3
    assert [group.differs_from for group in others] == ["", "A"]


def test_what_holds_for_one_application_names_it() -> None:
    cause = Cause("common.yaml:1", ("replicas",), 1, 5)
    own = cause._replace(overridden_by="clusters/odd/web.yaml:2")
    both = [
        outcome_of(f"c-{n}", deployment(1), deployment(5), cause, app=app) for n in range(3) for app in ("api", "web")
    ]
    (group,) = _groups(*both, outcome_of("odd", deployment(2), deployment(2), own, app="web"))
    assert group.why == ("`web`: No change on `odd`: `clusters/odd/web.yaml:2` sets `replicas` itself.",)


def test_causes_are_those_of_all_and_others_name_their_applications() -> None:
    def found(*places: str) -> Group:
        causes = [Cause(place, ("level",), "a", "b") for place in places]
        pairs = zip(("api", "web"), causes, strict=True)
        (group,) = _groups(*(outcome_of("c", config("v: a"), config("v: b"), cause, app=app) for app, cause in pairs))
        return group

    same = found("lib/values.yaml:3", "lib/values.yaml:3")
    assert [cause.place for cause in same.change.causes] == ["lib/values.yaml:3"]
    named = found("apps/api/v.yaml:3", "apps/web/v.yaml:3")
    assert [cause.place for cause in named.change.causes] == ["apps/‹app›/v.yaml:3"]
    assert (same.partial_causes, named.partial_causes) == ((), ())
    different = found("apps/api/v.yaml:3", "apps/web/v.yaml:4")
    assert different.change.causes == ()
    assert [(one.subjects[0].app, one.causes[0].place) for one in different.partial_causes] == [
        ("api", "apps/api/v.yaml:3"),
        ("web", "apps/web/v.yaml:4"),
    ]


def test_members_are_applications_by_clusters() -> None:
    pairs = [(app, f"c-{n}") for app in ("web", "api", "worker") for n in range(2 if app != "worker" else 1)]
    (group,) = _groups(*(outcome_of(cluster, config("v: a"), config("v: b"), app=app) for app, cluster in pairs))
    shown = section(group, Limits(9, 9, 9), is_compact=False)
    assert plain(shown.summary).startswith("A · api, web, worker · ConfigMap/settings · 2 clusters")
    (block,) = shown.after
    assert plain(block.line) == "On: api, web on 2 clusters (c-0, c-1); worker on c-0."  # type: ignore[union-attr]
