"""Sync windows are found in the files that may have projects, and in links to such files."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from cmp.argocd.application import Destination
from cmp.preview import timing
from tests.support.monorepos import git_tree

if TYPE_CHECKING:
    from cmp.preview.application_states import ApplicationState

PROJECT = """\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop, namespace: argocd}
spec: {syncWindows: [{kind: deny, clusters: [blue]}]}
"""
STATE = SimpleNamespace(
    name="web", project="shop", set_name="", rolls=False, cluster="blue", destination=Destination("", "", "blue")
)


@pytest.mark.parametrize(
    ("files", "is_found"),
    [
        ({"argocd/shop.yaml": PROJECT}, True),
        ({"argocd/shop.yaml": "->../projects/shop.yaml", "projects/shop.yaml": PROJECT}, True),
        ({"projects/shop.yaml": PROJECT}, False),
        ({"argocd/shop.yaml": PROJECT.replace("syncWindows", "windows")}, False),
    ],
)
def test_windows_are_those_of_projects_in_files_and_links_of_the_patterns(
    files: dict[str, str], *, is_found: bool
) -> None:
    found = [*timing.notes([cast("ApplicationState", STATE)], git_tree(files), ["argocd/*.yaml"])]
    assert found == (["sync windows of the project `shop` decide when `web` may sync"] if is_found else [])
