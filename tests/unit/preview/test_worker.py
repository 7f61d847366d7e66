"""Differences that a template made up are told by a second render of the same revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.changes import Cause, Likeness
from cmp.preview import shares, worker
from cmp.preview.comparison import Comparer
from cmp.preview.sisters import counterparts
from cmp.preview.worker import Worker, with_unstable_fields
from cmp.render import made_up
from cmp.render.pipeline import RenderOptions
from cmp.repository.git import changed
from tests.support.monorepos import git_tree
from tests.support.outcomes import config, outcome_of

if TYPE_CHECKING:
    from typing import Any

    from cmp.changes import Change
    from cmp.context import Context
    from cmp.preview.comparison import Comparison

BUMP = Cause("common.yaml:1", ("tag",), "8.2.0", "8.3.0")


def changes(before: str, after: str) -> tuple[Change, ...]:
    """Return the changes between two lists of objects."""
    return outcome_of("dev", before, after).changes


def test_fields_that_differ_between_two_renders_of_one_revision_are_unstable() -> None:
    compared = changes(config("a: b, token: x"), config("a: c, token: y"))
    again = changes(config("a: c, token: y"), config("a: c, token: z"))
    (change,) = with_unstable_fields(compared, again)
    assert [change.fields[index].path for index in change.unstable] == [("data", "token")]


def test_the_same_field_of_another_object_is_stable() -> None:
    compared = changes(config("token: x"), config("token: y"))
    again = changes(config("token: x", name="other"), config("token: y", name="other"))
    assert with_unstable_fields(compared, again) == compared


@pytest.mark.no_tools
@pytest.mark.parametrize(
    ("after", "causes", "renders"),
    [
        ("a: 8.2.0 ", (), 2),  # the same object: nothing that differs can be made up
        ("a: 8.3.0", (BUMP,), 2),  # a changed value in place of its old one
        ("a: 8.3.0", (), 3),
        ("a: x", (BUMP,), 3),
    ],
)
def test_the_newer_side_is_rendered_again_only_where_a_field_may_be_made_up(
    after: str, causes: tuple[Cause, ...], renders: int, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, head = (
        git_tree({"clusters/dev/web/.keep": "", "cmp.yaml": "version: 1\n", "namespaces/web/a.yaml": config(text)})
        for text in ("a: 8.2.0", after)
    )
    compared = Comparer((), (), "main", is_untrusted=False, context=context).compare(base, head, [*changed(base, head)])
    (pair,) = compared.impact.touched
    counted: list[object] = []
    render = worker._render  # noqa: SLF001  # what is counted

    def counting(*args: Any) -> object:  # noqa: ANN401  # those of the function
        counted.append(args)
        return render(*args)

    monkeypatch.setattr(worker, "_render", counting)
    monkeypatch.setattr(worker, "changed_values", lambda *_: causes)
    monkeypatch.setattr(made_up, "may_be", lambda _: True)
    one = Worker(compared.base, compared.head, context, RenderOptions(is_keyless=True), rules=(), key=b"k" * 32)
    one.compare(pair)
    assert len(counted) == renders


def _of_new_cluster(context: Context, **of_new: str) -> tuple[Worker, Comparison]:
    """Return a comparison in which the cluster `new` comes with what `old` has, but for some files, and its worker."""
    old = {f"clusters/old/{app}/a.yaml": config("a: b, cluster: old") for app in ("api", "web")}
    new = {f"clusters/new/{app}/a.yaml": config("a: b, cluster: new") for app in ("api", "web")}
    new |= {f"clusters/new/{app}/a.yaml": text for app, text in of_new.items()}
    apps = {f"namespaces/{app}/cmp-app.yaml": "engine: plain\n" for app in ("api", "web")}
    base = git_tree({"cmp.yaml": "version: 1\n", **apps, **old})
    head = git_tree({"cmp.yaml": "version: 1\n", **apps, **old, **new})
    compared = Comparer((), (), "main", is_untrusted=False, context=context).compare(base, head, [*changed(base, head)])
    options = RenderOptions(is_keyless=True)
    found = counterparts(compared)
    return Worker(compared.base, compared.head, context, options, (), b"k" * 32, found), compared


@pytest.mark.no_tools
@pytest.mark.parametrize(
    ("text", "is_made_up", "status", "renders"),
    [
        ("a: b, cluster: new", True, "equal", 2),  # nothing that differs can be made up
        ("a: c, cluster: new", False, "different", 2),
        ("a: c, cluster: new", True, "different", 3),
    ],
)
def test_a_pair_of_a_new_cluster_is_rendered_beside_its_sister(
    text: str, *, is_made_up: bool, status: str, renders: int, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, compared = _of_new_cluster(context, api=config(text))
    pair, _ = compared.impact.touched
    counted: list[object] = []
    render = worker._render  # noqa: SLF001  # what is counted

    def counting(*args: Any) -> object:  # noqa: ANN401  # those of the function
        counted.extend([args[1]] if args[1] else [])
        return render(*args)

    monkeypatch.setattr(worker, "_render", counting)
    monkeypatch.setattr(made_up, "may_be", lambda _: is_made_up)
    likeness = one.compare(pair).likeness
    assert likeness
    assert (pair.subject.app, likeness.status, len(counted)) == ("api", status, renders)


@pytest.mark.no_tools
def test_a_pair_that_is_not_rendered_is_like_nothing(context: Context) -> None:
    one, compared = _of_new_cluster(context, api="{")
    api, web = compared.impact.touched
    assert one.compare(api).likeness is None
    assert one.compare(web).likeness == Likeness(web.subject, "equal")
    assert one._replace(counterparts={}).compare(web).likeness is None


@pytest.mark.no_tools
def test_a_plan_knows_what_is_rendered_beside_a_new_pair(context: Context) -> None:
    _, compared = _of_new_cluster(context)
    api, web = shares.planned(compared)
    edited = compared.head.tree.with_file("clusters/old/api/a.yaml", config("a: other").encode())
    other = compared._replace(
        head=compared.head.with_tree(edited).with_requests([*compared.head.pairs.requests.values()])
    )
    again_api, again_web = shares.planned(other)
    assert (api.inputs == again_api.inputs, web.inputs == again_web.inputs) == (False, True)
    assert [share.weight for share in shares.shares(compared, 1, {})] == [4.0]
