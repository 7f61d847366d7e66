"""Applications that follow another revision after the change are compared at the two revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.preview.comparison import Comparer, Comparison
from cmp.preview.followed import Followed
from cmp.repository.git import Git
from cmp.repository.submodules import Submodules
from tests.support.git_repository import Repo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cmp.context import Context

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map}}\ndata: {{level: {level}}}\n"
CONFIG = "version: 1\nclusters: {blue: {}}\npreview: {applications: ['argocd/*.yaml']}\n"
LEVEL = "namespaces/web/map.yaml"


def application(name: str, revision: str, plugin: str = "plugin: {name: cmp}", path: str = "clusters/blue/web") -> str:
    """Return an Application that follows a revision."""
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: argocd}}
spec:
  project: default
  destination: {{name: blue, namespace: web}}
  source: {{repoURL: 'https://g.example.test/repo', path: {path}, targetRevision: {revision}, {plugin}}}
  syncPolicy: {{automated: {{}}}}
"""


class Tagged:
    """A repository with the tags `one` and `two`, each with a level of its own, and level `three` on main."""

    def __init__(self, folder: Path, context: Context) -> None:
        self.repo = Repo(folder)
        self.context = context
        self.git = Git(str(folder), context)
        files = {"cmp.yaml": CONFIG, "clusters/blue/web/.keep": ""}
        for level in ("one", "two", "three"):
            self.repo.commit({**files, LEVEL: MAP.format(level=level)})
            self.repo.git("tag", level)

    def compared(self, before: str, after: str, *, is_untrusted: bool = False) -> Comparison:
        """Return the comparison of two commits that differ in their Applications alone."""
        trees = []
        for text in (before, after):
            self.repo.commit({"argocd/apps.yaml": text})
            trees.append(self.git.tree(self.git.commit("HEAD"), ""))
        followed = Followed(self.git, "", "main", Submodules(str(self.repo.folder), self.context))
        comparer = Comparer((), (), "main", is_untrusted=is_untrusted, context=self.context, followed=followed)
        before_tree, after_tree = trees
        return comparer.compare(before_tree, after_tree, ["argocd/apps.yaml"])


@pytest.fixture
def tagged(tmp_path: Path, context: Context) -> Iterator[Tagged]:
    made = Tagged(tmp_path / "repo", context)
    yield made
    made.git.close()


def levels(found: Comparison) -> list[str]:
    """Return the levels of the only pair on both sides, as its tree has them."""
    texts = []
    for side in (found.base, found.head):
        (pair,) = side.pairs.values()
        (source,) = pair.sources
        tree = source.home.tree if source.home else side.tree
        texts.append(tree.read(LEVEL).decode().rpartition("level: ")[2].removesuffix("}\n"))
    return texts


@pytest.mark.no_tools
@pytest.mark.parametrize("source", [{}, {"plugin": "directory: {}", "path": "namespaces/web"}])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("one", "two", ["one", "two"]),
        ("one", "main", ["one", "three"]),
        ("HEAD", "two", ["three", "two"]),
        ("two", "one", ["two", "one"]),
    ],
)
def test_each_side_has_the_tree_of_its_revision(
    tagged: Tagged, source: dict[str, str], before: str, after: str, expected: list[str]
) -> None:
    found = tagged.compared(application("web", before, **source), application("web", after, **source))
    assert levels(found) == expected
    assert [pair.is_affected for pair in found.impact.touched] == [True]
    (change,) = found.applications.changes
    assert (change.text, change.danger) == (f"will follow `{after}` instead of `{before}`: these two are compared", "")


@pytest.mark.no_tools
def test_what_stays_with_its_tag_is_compared_as_the_branch_has_it(tagged: Tagged) -> None:
    found = tagged.compared(application("web", "one"), application("web", "one").replace("default", "other"))
    assert levels(found) == ["three", "three"]


@pytest.mark.no_tools
def test_a_revision_that_the_clone_lacks_is_said_to_be_missing(tagged: Tagged) -> None:
    found = tagged.compared(application("web", "one"), application("web", "four"))
    assert levels(found) == ["three", "three"]
    (change,) = found.applications.changes
    assert change.danger == "revision-moved"


@pytest.mark.no_tools
def test_an_untrusted_change_reads_only_revisions_that_the_base_names(tagged: Tagged) -> None:
    found = tagged.compared(application("web", "one"), application("web", "two"), is_untrusted=True)
    assert [one.danger for one in found.applications.changes] == ["revision-moved"]
    known = "---\n" + application("api", "two")
    found = tagged.compared(application("web", "one") + known, application("web", "two") + known, is_untrusted=True)
    assert [one.danger for one in found.applications.changes] == [""]
