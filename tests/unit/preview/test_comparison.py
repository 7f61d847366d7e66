"""The base decides where a change could hide itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.errors import ConfigError
from cmp.preview.comparison import Comparer, Comparison
from cmp.repository.git import changed
from tests.support.monorepos import git_tree
from tests.support.trees import REFERENCE

if TYPE_CHECKING:
    from cmp.context import Context

IGNORE = "version: 1\npreview: {ignore: [tools/**]}\n"
APPLICATIONS = "version: 1\nclusters: {dev: {}, prod: {}}\npreview: {applications: ['argocd/*.yaml']}\n"
ELSEWHERE = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: far}
spec: {sources: [{path: a, repoURL: https://git.example.test/a}, {path: b, repoURL: https://git.example.test/b}]}
"""


def compared(context: Context, base: dict[str, str], head: dict[str, str], *, is_untrusted: bool = False) -> Comparison:
    """Compare two variants of the reference layout."""
    before, after = (git_tree({**REFERENCE, **files}) for files in (base, head))
    comparer = Comparer(lists=(), urls=(), trunk="main", is_untrusted=is_untrusted, context=context)
    return comparer.compare(before, after, [*changed(before, after)])


def test_files_to_ignore_are_those_of_the_base(context: Context) -> None:
    new = {"tools/x": ""}
    known = compared(context, {"cmp.yaml": IGNORE}, {"cmp.yaml": IGNORE, **new})
    assert [file.rule for file in known.impact.unowned] == ["tools/**"]
    hidden = compared(context, {}, {"cmp.yaml": IGNORE, **new})
    assert [file.rule for file in hidden.impact.unowned] == [""]


def test_either_side_says_where_applications_are_unless_the_change_is_not_trusted(context: Context) -> None:
    head = {"cmp.yaml": APPLICATIONS, "argocd/web.yaml": ELSEWHERE}
    base = {"cmp.yaml": APPLICATIONS.partition("preview")[0]}
    trusted = compared(context, base, head)
    assert [(one.names, one.reached) for one in trusted.left_out] == [(("far",), ("far",))]
    untrusted = compared(context, base, head, is_untrusted=True)
    assert (untrusted.left_out, untrusted.notes) == ((), ())


def test_an_error_of_the_base_says_so(context: Context) -> None:
    with pytest.raises(ConfigError) as base:
        compared(context, {"cmp.yaml": "version: 9\n"}, {})
    assert base.value.what.startswith("the base revision: version `9`")
    with pytest.raises(ConfigError) as head:
        compared(context, {}, {"cmp.yaml": "version: 9\n"})
    assert head.value.what.startswith("version `9`")


def test_the_repositories_of_the_bases_charts_are_known(context: Context) -> None:
    def chart(url: str) -> dict[str, str]:
        dependency = f"dependencies: [{{name: web, version: 1.0.0, repository: '{url}'}}]\n"
        return {"namespaces/shop/Chart.yaml": f"apiVersion: v2\nname: shop\nversion: 1.0.0\n{dependency}"}

    comparison = compared(context, chart("https://Charts.example.test/a/"), chart("https://evil.example.test"))
    assert comparison.base.chart_repositories("") == {"https://charts.example.test/a"}
