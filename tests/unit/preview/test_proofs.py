"""A cause is shown where the difference goes without the file, and else the files are only touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.changes import Cause, Outcome, Revision
from cmp.model import NOTHING
from cmp.preview import diff, line_proofs
from cmp.preview.comparison import Comparer
from cmp.preview.diff import Task
from cmp.preview.line_proofs import Value
from cmp.preview.proofs import Proofs
from cmp.render.pipeline import RenderOptions
from cmp.repository.git import changed
from tests.support.monorepos import git_tree
from tests.support.outcomes import config, outcome_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.changes import Report
    from cmp.context import Context

FACTS = "namespaces/web/cmp-app.yaml"
FIRST, SECOND = "namespaces/web/first.yaml", "namespaces/web/second.yaml"


def config_map(name: str, level: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{level: {level}}}\n"


BASE = {
    "cmp.yaml": "version: 1\nclusters: {blue: {}, green: {}}\n",
    "clusters/blue/web/.keep": "",
    "clusters/green/web/.keep": "",
    FIRST: config_map("first", "one"),
    SECOND: config_map("second", "one"),
}


def task_of(context: Context, after: Mapping[str, str | None], before: Mapping[str, str] = NOTHING) -> Task:
    """Return the comparison of a change of some files, from others than the common ones; None removes one."""
    first = {**BASE, **before}
    files = {path: text for path, text in {**first, **after}.items() if text is not None}
    base, head = git_tree(first), git_tree(files)
    comparer = Comparer((), (), "main", is_untrusted=False, context=context)
    comparison = comparer.compare(base, head, sorted(changed(base, head)))
    revision = Revision("x", "")
    return Task(comparison, revision, revision, 1, RenderOptions(is_keyless=True), lambda: None)


def report(context: Context, after: Mapping[str, str | None], before: Mapping[str, str] = NOTHING) -> Report:
    """Return the report on such a change."""
    return diff.compare(task_of(context, after, before), context).report


def causes(found: Report) -> dict[str, tuple[list[str], tuple[str, ...]]]:
    """Return the causes of each object, and the files that are touched."""
    return {
        group.change.identity.name: ([cause.place for cause in group.change.causes], group.change.touched)
        for group in found.groups
    }


@pytest.mark.no_tools
def test_the_only_changed_file_is_the_cause(context: Context) -> None:
    assert causes(report(context, {FIRST: config_map("first", "two")})) == {"first": ([FIRST], ())}


@pytest.mark.no_tools
def test_of_several_files_the_one_without_which_the_difference_goes_is_the_cause(context: Context) -> None:
    after = {FIRST: config_map("first", "two"), SECOND: config_map("second", "two")}
    assert causes(report(context, after)) == {"first": ([FIRST], ()), "second": ([SECOND], ())}


@pytest.mark.no_tools
def test_a_file_that_comes_or_goes_is_a_cause_like_any_other(context: Context) -> None:
    third = "namespaces/web/third.yaml"
    found = causes(report(context, {FIRST: None, third: config_map("third", "two"), SECOND: config_map("second", "x")}))
    assert found == {"first": ([FIRST], ()), "second": ([SECOND], ()), "third": ([third], ())}


@pytest.mark.no_tools
def test_a_difference_with_two_sufficient_causes_has_none_that_is_established(context: Context) -> None:
    # Each of the files alone takes the object away: without one of them the other still does.
    found = causes(report(context, {FIRST: None, FACTS: "plain: {exclude: ['f*.yaml']}\n"}))
    assert found == {"first": ([], (FACTS, FIRST))}


@pytest.mark.no_tools
def test_a_setting_is_a_cause_too(context: Context) -> None:
    found = causes(report(context, {FACTS: "plain: {exclude: [first.yaml]}\n", SECOND: config_map("second", "two")}))
    assert found == {"first": ([FACTS], ()), "second": ([SECOND], ())}


@pytest.mark.no_tools
def test_the_only_file_is_no_cause_beside_a_link_that_leads_elsewhere(context: Context) -> None:
    """No render can take a link back by itself: it leads to another file, which did not change."""
    link = "namespaces/web/link.yaml"
    files = {"shared/a.yaml": config_map("shared", "one"), "shared/b.yaml": config_map("shared", "two")}
    before, after = {**files, link: "-> ../../shared/a.yaml"}, {**files, link: "-> ../../shared/b.yaml"}
    found = causes(report(context, {**after, SECOND: config_map("second", "two")}, before))
    assert found == {"second": ([SECOND], ()), "shared": ([], (SECOND,))}


@pytest.mark.no_tools
def test_many_pairs_with_the_same_files_are_tried_once(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    run = Proofs._probed  # noqa: SLF001  # it decides what is rendered

    def counted(self: Proofs, cases: object) -> object:
        done = run(self, cases)  # type: ignore[arg-type]
        tried.extend(subject.cluster for subject in done)
        return done

    monkeypatch.setattr(Proofs, "_probed", counted)
    report(context, {FIRST: config_map("first", "two"), SECOND: config_map("second", "two")})
    assert tried == ["blue"]


@pytest.mark.no_tools
def test_beyond_the_limit_files_are_touched(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmp.preview.proofs.MOST_RENDERS", 2)
    after = {FIRST: config_map("first", "two"), SECOND: config_map("second", "two")}
    both: tuple[list[str], tuple[str, ...]] = ([], (FIRST, SECOND))
    assert causes(report(context, after)) == {"first": both, "second": both}


@pytest.mark.no_tools
def test_lines_prove_nothing_where_the_older_side_is_not_rendered_again_and_a_warning_says_so(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that merges parts may lack what the others had."""
    task = task_of(context, {FIRST: config_map("first", "two")}, {SECOND: "{"})
    pairs = diff.affected_pairs(task.comparison)
    proofs = Proofs(diff.worker_of(task, context, b"k" * 32), pairs, 1)
    subject = pairs[0].subject
    line = Cause(f"{FIRST}:1", ("a",), 1, 2)
    monkeypatch.setattr(line_proofs, "values_of", lambda *_: {Value(FIRST, ("a",)): [line]})
    (change,) = outcome_of(subject.cluster, "", config("a: b")).changes
    tried = proofs._tried_lines([[(subject, change)]], {subject: Outcome(subject, "changed")})  # noqa: SLF001  # no chart
    assert tried[subject].shown == (None,)
    (warning,) = proofs.warnings
    assert warning == (
        "cmp: warning: causes of web on blue are not established, as it is not rendered once more: "
        "a document: not valid YAML: did not find expected node content"
    )
