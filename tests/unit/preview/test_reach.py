"""The pairs that changed files may reach: no pair is missing that a resolution without that knowledge finds.

The slow way, in which any file may reach any pair, decides what is right.
"""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.errors import CmpError
from cmp.preview import affected
from cmp.preview.affected import find_impact, reached
from cmp.preview.identity import PairId
from cmp.preview.printers import Printers
from cmp.preview.sides import Side
from cmp.repository.git import GitTree, changed, of_folder
from tests.support import property_examples
from tests.support.monorepos import WHOLE, Edit, edits, git_tree

if TYPE_CHECKING:
    from cmp.preview.affected import Impact
    from cmp.system.tree import Entry, Kind
    from tests.support.monorepos import Files

FIXTURES = Path("tests/fixtures")
TREES = [*sorted(path for path in FIXTURES.glob("*/*/repo") if path.is_dir()), Path("examples/monorepo")]

CHART = "apiVersion: v2\nname: {name}\nversion: 1.0.0\n"
LIBRARY = 'dependencies: [{name: kit, version: 1.0.0, repository: "file://%s"}]\n'
MAP = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {size: "1"}\n'
APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: child1}\nspec: {}\n"
FLEET = """\
version: 1
layout:
  apps: ["apps/{app}", "teams/{team}/{app}"]
  instances: ["clusters/{cluster}/{app}", "fleet/{app}.{cluster}.yaml"]
  values:
    - {path: "common/{app}*.yaml", optional: true}
    - {path: "common/{env}/**", optional: true}
    - {path: "common/{app}-{cluster}.yaml", optional: true}
    - {path: "clusters/{cluster}/all.yaml", optional: true}
    - {path: "clusters/{cluster}/{app}/values.yaml", optional: true}
clusters:
  one: {kubeVersion: "1.31", env: test}
  two: {is: one, env: live}
  three: {kubeVersion: "1.32", env: dev}
applications:
  - {apps: [api], values: [extra/api-1.yaml]}
  - {apps: [keeper], secrets: {keep: [kept.yaml]}}
  - {apps: ["web*"], helm: {skipTests: true}}
tools: {helm: 3.18.6}
"""
MANY = {
    "cmp.yaml": FLEET,
    "apps/web/Chart.yaml": CHART.format(name="web") + LIBRARY % "../../charts/kit",
    "apps/web/templates/map.yaml": MAP,
    "apps/web/cmp-notes.md": "1\n",
    "apps/web-shop/Chart.yaml": CHART.format(name="web-shop"),
    "apps/web-shop/templates": "-> ../../linked/templates",
    "linked/templates/map.yaml": MAP,
    "apps/api/Chart.yaml": CHART.format(name="api") + LIBRARY % "../web-shop",
    "apps/api/requirements.yaml": LIBRARY % "../../charts/other",
    "apps/keeper/Chart.yaml": CHART.format(name="keeper"),
    "apps/keeper/kept.yaml": "a: 1\n",
    "apps/site/kustomization.yaml": "resources: [../../bases/site, ../web/templates/map.yaml]\n",
    "apps/root/Chart.yaml": CHART.format(name="root"),
    "apps/root/templates/child.yaml": APPLICATION,
    "apps/linked": "-> ../hidden/.chart",
    "hidden/.chart/Chart.yaml": CHART.format(name="linked"),
    "hidden/.chart/templates/map.yaml": MAP,
    "teams/blue/bill/Chart.yaml": CHART.format(name="bill") + LIBRARY % "../../../charts/kit",
    "bases/site/kustomization.yaml": "resources: [map.yaml]\n",
    "bases/site/map.yaml": MAP,
    "charts/kit/Chart.yaml": CHART.format(name="kit") + LIBRARY % "../deep",
    "charts/kit/templates/_kit.tpl": "{{/* 1 */}}\n",
    "charts/deep/Chart.yaml": CHART.format(name="deep"),
    "charts/other/Chart.yaml": CHART.format(name="other"),
    "common/web.yaml": "a: 1\n",
    "common/web-one.yaml": "-> ../shared/one.yaml",
    "common/test/x1.yaml": "b: 1\n",
    "common/test/deep/y1.yaml": "c: 1\n",
    "common/live/x1.yaml": "d: 1\n",
    "shared/one.yaml": "e: 1\n",
    "extra/api-1.yaml": "f: 1\n",
    "clusters/one/all.yaml": "g: 1\n",
    "clusters/one/web/values.yaml": "h: 1\n",
    "clusters/two/web/values.yaml": "i: 1\n",
    "clusters/three/web/.keep": "1\n",
    "clusters/one/web-shop/values.yaml": "j: 1\n",
    "clusters/two/api/.keep": "1\n",
    "clusters/one/api/cmp-app.yaml": "values: [clusters/one/api/own-1.yaml]\n",
    "clusters/one/api/own-1.yaml": "k: 1\n",
    "clusters/one/keeper/.keep": "1\n",
    "clusters/one/site/.keep": "1\n",
    "clusters/two/site/kustomization.yaml": "resources: [../../../apps/site]\n",
    "clusters/three/root/.keep": "1\n",
    "clusters/two/linked/.keep": "1\n",
    "clusters/one/ghost/.keep": "1\n",
    "fleet/bill.one.yaml": "l: 1\n",
    "fleet/bill.two.yaml": "m: 1\n",
    "docs/notes.md": "1\n",
    "README.md": "1\n",
    "tools/run1.sh": "1\n",
}


@st.composite
def changes(draw: st.DrawFn, files: Files) -> Edit:
    """Return an edit of up to three files of a repository in which others may have been before."""
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        files = draw(edits(files)).after
    after = files
    whats: list[str] = []
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        edit = draw(edits(after))
        after, whats = edit.after, [*whats, edit.what]
    return Edit(" and ".join(whats), files, after)


def impacts(edit: Edit) -> tuple[Impact, Impact] | None:
    """Return the impact by what may be reached, and the one for which all pairs are resolved."""
    before, after = git_tree(edit.before), git_tree(edit.after)
    paths = [*changed(before, after)]

    def impact() -> Impact:
        base = Side(before)
        return find_impact(base, base.successor(after, paths), paths)

    try:
        quick = impact()
    except CmpError:  # the configuration as a whole makes no sense
        return None
    with mock.patch.object(affected, "reached", lambda base, head, _: base.pairs.keys() | head.pairs.keys()):
        return quick, impact()


@settings(max_examples=property_examples.examples(200))
@given(edit=changes(MANY))
def test_a_change_of_a_fleet_has_the_same_impact_by_either_way(edit: Edit) -> None:
    if both := impacts(edit):
        assert both[0] == both[1]


@settings(max_examples=property_examples.examples(60))
@given(edit=changes(WHOLE))
def test_a_change_of_a_repository_of_all_engines_has_the_same_impact_by_either_way(edit: Edit) -> None:
    if both := impacts(edit):
        assert both[0] == both[1]


@settings(max_examples=property_examples.examples(60))
@given(edit=changes(MANY))
def test_a_pair_that_may_print_applications_is_a_candidate(edit: Edit) -> None:
    tree = git_tree(edit.after)
    try:
        side = Side(tree)
    except CmpError:
        return
    printers = Printers(tree, [])
    holding = {key for key, pair in side.pairs.items() if printers.holds(pair)}
    assert holding <= {*printers.candidates(side)}


class Traced(GitTree):
    """A tree that remembers which files it was asked for."""

    def __init__(self, tree: GitTree) -> None:
        super().__init__(tree.blobs, tree.reader, "")
        self.asked: set[str] = set()

    def kind(self, path: str) -> Kind:
        self.asked.add(path)
        return super().kind(path)

    def read(self, path: str) -> bytes:
        self.asked.add(path)
        return super().read(path)

    def resolve(self, path: str) -> str:
        self.asked.add(path)
        return super().resolve(path)

    def entries(self, path: str) -> list[Entry]:
        found = super().entries(path)
        self.asked.update(posixpath.join(path, entry.name) for entry in found)
        return found


@pytest.mark.parametrize("folder", TREES, ids=str)
def test_every_file_that_the_resolution_of_a_known_pair_asks_for_may_reach_it(folder: Path) -> None:
    tree = Traced(of_folder(str(folder)))
    try:
        side = Side(tree)
    except CmpError:
        return
    places = {path for pair in side.places.pairs for path in (pair.app_folder, pair.instance_folder)}
    for key in [key for key in side.pairs if key in side.reach.known]:
        tree.asked.clear()
        Side(tree)
        listed = {*tree.asked}
        side = Side(tree)
        tree.asked.clear()
        side.fingerprint(key)
        asked = sorted(tree.asked - listed - places - {"cmp.yaml", "cmp.lock", ""})
        assert [path for path in asked if key not in (side.reach.of([path]) or ())] == []


def found(*paths: str, before: Files = MANY, after: Files | None = None) -> set[str]:
    """Return the known pairs that a change of some files of the fleet may reach."""
    base = Side(git_tree(before))
    head = base.successor(
        git_tree(after or {path: f"{text}# more\n" if path in paths else text for path, text in before.items()}), paths
    )
    keys = reached(base, head, paths)
    return {f"{key.app} {key.cluster}" for key in keys if key in base.reach.known}


def test_a_note_reaches_no_known_pair() -> None:
    assert found("docs/notes.md") == set()
    assert found("README.md") == set()


def test_a_file_of_values_reaches_the_pairs_whose_pattern_names_it() -> None:
    assert found("common/web.yaml") == {"web one", "web two", "web three"}
    assert found("common/test/deep/y1.yaml") == {"web one", "web-shop one", "bill one"}
    assert found("clusters/two/web/values.yaml") == {"web two"}


def test_the_target_of_a_link_reaches_what_the_link_reaches() -> None:
    assert found("shared/one.yaml") == found("common/web-one.yaml") & found("common/web.yaml")
    assert found("hidden/.chart/templates/map.yaml") == {"linked two"}


def test_a_chart_reaches_those_that_take_it_and_those_that_take_these() -> None:
    assert found("charts/deep/Chart.yaml") == {"web one", "web two", "web three", "bill one", "bill two"}
    assert found("charts/other/Chart.yaml") == {"api two"}


def test_pairs_of_other_engines_and_of_their_own_settings_are_always_reached() -> None:
    known = Side(git_tree(MANY)).reach.known
    unknown = {PairId(app=app, cluster="one") for app in ("site", "ghost", "keeper", "api")}
    assert not unknown & known.keys()


@pytest.mark.parametrize("path", ["cmp.yaml", "cmp.lock", "common/web-one.yaml", "clusters/three/api/.keep"])
def test_configuration_links_and_new_pairs_may_reach_all(path: str) -> None:
    after = {
        **MANY,
        path: "-> ../common/web.yaml" if path in MANY and path != "cmp.yaml" else f"{MANY.get(path, '')}# x\n",
    }
    every = {f"{key.app} {key.cluster}" for key in Side(git_tree(MANY)).reach.known}
    assert found(path, after=after) == every
