"""Properties of fingerprints in any monorepo: a change of the output changes the fingerprint, and no other change does.

Real programs render.  Where two sides have different fingerprints nothing is promised, so only where they are equal
there is something to look at.
"""

from __future__ import annotations

import io
import random
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp import environ
from cmp.context import Context
from cmp.engines import ENGINES
from cmp.errors import CmpError
from cmp.preview.affected import find_impact
from cmp.preview.identity import PairId
from cmp.preview.sides import Side
from cmp.render.fingerprint import FingerprintIndex
from cmp.render.pipeline import render
from cmp.repository.git import Git, changed
from cmp.repository.instances import Repository, Request, resolve_in
from cmp.secrets.redact import Redactor
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline
from cmp.system.tree import WorkTree
from cmp.yamldoc import load_all
from examples import chartserver
from tests.support import bare_tools, property_examples
from tests.support.git_repository import Repo
from tests.support.harness import Sandbox
from tests.support.monorepos import ELSEWHERE, WHOLE, Edit, edits, git_tree, owner
from tests.support.servers.charts import ChartRepository
from tests.support.trees import plant

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from cmp.model import Instance
    from cmp.preview.sides import ResolvedPair
    from cmp.system.tree import Tree
    from tests.support.monorepos import Files

KUBE_VERSIONS = {"one": "1.31", "two": "1.32"}


class Hands:
    """A place for work folders, and renders of what lies there or in Git."""

    def __init__(self, folder: Path, tools_dir: str, **env: str) -> None:
        self._folder = folder
        self._sandbox = Sandbox(folder / "sandbox", tools_dir, env)
        self._numbers = count()
        self._known: dict[PairId, str] = {}

    def place(self) -> Path:
        """Return a new place."""
        return self._folder / f"place-{next(self._numbers)}"

    def context(self) -> Context:
        """Return what one render needs beside its input."""
        redactor = Redactor()
        found = environ.read(self._sandbox.env(), default_deadline=60).settings
        return Context(found, Deadline(60), redactor, Log(io.StringIO(), redactor.mask), Phases())

    def printed(self, tree: Tree, instance: Instance) -> str:
        """Return what cmp prints, or what it says instead."""
        try:
            return render(tree, instance, self.context()).output.yaml.decode()
        except CmpError as error:
            return f"error: {error}"

    def of_all(self, files: Files, cases: Mapping[PairId, ResolvedPair], keys: set[PairId]) -> dict[PairId, str]:
        """Return what cmp prints for some cases of a work folder; what it prints for the whole monorepo is kept."""
        known = self._known if files == WHOLE else {}
        if missing := keys - known.keys():
            work = plant(self.place(), files)
            known.update({key: self._of_case(work, cases[key]) for key in missing})
            shutil.rmtree(work.root)
        return {key: known[key] for key in keys}

    def by_helm(self, files: Files, cluster: str) -> object:
        """Return the objects that nothing but helm prints for the application shop; None where it refuses."""
        root = self.place()
        plant(root, files)
        chart = root / "apps/shop"
        layers = ("common/shop.yaml", "envs/test/shop.yaml", f"clusters/{cluster}/shop/values.yaml")
        argv = ["template", "shop", str(chart), "--namespace", "shop", "--kube-version", KUBE_VERSIONS[cluster]]
        argv += [text for path in layers if (root / path).exists() for text in ("--values", str(root / path))]
        try:
            for folder in (root / "charts/lib", chart):
                self._helm("dependency", "update", str(folder))
            return load_all(self._helm(*argv, "--include-crds"))
        except subprocess.CalledProcessError:
            return None
        finally:
            shutil.rmtree(root)

    def _of_case(self, tree: Tree, case: ResolvedPair) -> str:
        return f"error: {case.error}" if case.error else "".join(self.printed(tree, one) for one in case.instances)

    def _helm(self, *argv: str) -> bytes:
        program = f"{self._sandbox.tools_dir}/helm/3.18.6/helm"
        env = {"HOME": str(self._folder / "home")}
        return subprocess.run([program, *argv], env=env, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Hands:
    return Hands(tmp_path_factory.mktemp("laws"), tools_dir)


@st.composite
def damaged(draw: st.DrawFn) -> Edit:
    """Return an edit of a monorepo in which others may have been before."""
    files = WHOLE
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        files = draw(edits(files)).after
    return draw(edits(files))


def sides(edit: Edit) -> tuple[Side, Side] | None:
    """Return both sides of an edit; None where the configuration as a whole makes no sense."""
    try:
        return Side(git_tree(edit.before)), Side(git_tree(edit.after))
    except CmpError:
        return None


def prints(files: Files) -> Mapping[PairId, str]:
    """Return all fingerprints."""
    found = Side(git_tree(files))
    return {key: found.fingerprint(key) for key in found.pairs}


@settings(max_examples=property_examples.examples(30))
@given(edit=damaged())
def test_no_change_of_what_is_printed_goes_unseen(edit: Edit, hands: Hands) -> None:
    if (both := sides(edit)) is None:
        return
    base, head = both
    both_have = base.pairs.keys() & head.pairs.keys()
    alike = {key for key in both_have if base.fingerprint(key) == head.fingerprint(key)}
    assert hands.of_all(edit.before, base.pairs, alike) == hands.of_all(edit.after, head.pairs, alike)


@settings(max_examples=property_examples.examples(60))
@given(
    edit=edits(WHOLE, lambda path: owner(path)[0] == "shop" or path.startswith("shared/")),
    cluster=st.sampled_from(["one", "two"]),
)
def test_no_change_of_what_helm_prints_goes_unseen(edit: Edit, cluster: str, hands: Hands) -> None:
    key = PairId(app="shop", cluster=cluster)
    before, after = prints(edit.before), prints(edit.after)
    if before[key] == after.get(key):
        assert hands.by_helm(edit.before, cluster) == hands.by_helm(edit.after, cluster)


@settings(max_examples=property_examples.examples(300))
@given(edit=damaged())
def test_whatever_has_another_fingerprint_is_affected(edit: Edit) -> None:
    if (both := sides(edit)) is None:
        return
    base, head = both
    differing = {key for key in base.pairs.keys() & head.pairs.keys() if base.fingerprint(key) != head.fingerprint(key)}
    paths = [*changed(base.tree, head.tree)]
    impact = find_impact(base, base.successor(head.tree, paths), paths)
    assert differing <= {one.key for one in impact.touched if one.is_affected}


@settings(max_examples=property_examples.examples(150))
@given(edit=edits(WHOLE, lambda path: bool(owner(path)[0]) or path in ELSEWHERE))
def test_a_change_elsewhere_is_no_change(edit: Edit) -> None:
    before, after = prints(edit.before), prints(edit.after)
    paths = {path for path in edit.before.keys() | edit.after.keys() if edit.before.get(path) != edit.after.get(path)}
    owners = {owner(path) for path in paths}
    others = {key for key in before.keys() & after.keys() if not owners & {(key.app, key.cluster), (key.app, "")}}
    assert {key: before[key] for key in others} == {key: after[key] for key in others}


LAYERS = ("common/shop.yaml", "common/env.yaml", "common/mix.yaml", "clusters/one/shop/values.yaml")


@settings(max_examples=property_examples.examples(50))
@given(path=st.sampled_from(LAYERS), seed=st.integers(0, 1000), flow=st.booleans(), comment=st.text("# a1-:\t"))
def test_how_values_are_written_is_no_change(path: str, seed: int, flow: bool, comment: str) -> None:  # noqa: FBT001  # drawn
    items = [*yaml.safe_load(WHOLE[path]).items()]
    random.Random(seed).shuffle(items)  # noqa: S311  # no secret
    text = yaml.dump(dict(items), sort_keys=False, default_flow_style=flow)
    assert prints({**WHOLE, path: f"# {comment}\n{text}\n\n# {comment}\n"}) == prints(WHOLE)


def moved(folder: str) -> Mapping[PairId, str]:
    """Return the fingerprints with all applications in another folder, where nothing else names them."""
    files = {path.replace("apps/", f"{folder}/"): text for path, text in WHOLE.items() if "/two/site/" not in path}
    return prints({**files, "cmp.yaml": WHOLE["cmp.yaml"].replace("apps/", f"{folder}/")})


def test_where_an_application_lies_is_no_change() -> None:
    found = prints(WHOLE)
    assert moved("other") == {key: one for key, one in found.items() if key != PairId(app="site", cluster="two")}
    alone = PairId(app="mix", cluster="one")  # names nothing outside of its folder
    assert moved("deep/down")[alone] == found[alone]


def instances(tree: Tree) -> dict[tuple[str, str], Instance]:
    """Return the instances of all pairs of a tree."""
    repository = Repository(tree, ENGINES)
    return {pair[:2]: resolve_in(repository, Request(pair.app, pair.cluster)) for pair in repository.pairs()}


def assert_alike(work: WorkTree, git: Git, hands: Hands, rendered: Container[str]) -> None:
    """Compare a work folder with its commit, and with itself as git sees it; render for some of the clusters."""
    expected = instances(work)
    for tree in (git.tree("HEAD"), git.work_tree()):
        found = instances(tree)
        assert found == expected
        assert {key: FingerprintIndex(tree).of(one) for key, one in found.items()} == {
            key: FingerprintIndex(work).of(one) for key, one in expected.items()
        }
    tree = git.tree("HEAD")
    for key, instance in expected.items():
        if key[1] in rendered:
            printed = hands.printed(work, instance)
            assert "error:" not in printed
            assert (key, printed) == (key, hands.printed(tree, instance))


def test_a_work_folder_and_its_commit_are_alike(hands: Hands) -> None:
    repo = Repo(hands.place())
    work = plant(repo.folder, WHOLE)
    repo.commit()
    git = Git(str(repo.folder), hands.context())
    assert_alike(work, git, hands, KUBE_VERSIONS)
    git.close()


def test_the_example_monorepo_and_its_commit_are_alike(tmp_path: Path, tools_dir: str) -> None:
    archives = chartserver.package(
        bare_tools.EXAMPLES / "charts", tmp_path / "archives", Path(tools_dir, "helm/3.18.6/helm")
    )
    hands = Hands(tmp_path, tools_dir, SOPS_AGE_KEY_FILE=str(bare_tools.AGE_KEY))
    with ChartRepository(archives) as charts:
        repo = Repo(bare_tools.copy_monorepo(tmp_path / "repo", charts.url))
        repo.commit()
        git = Git(str(repo.folder), hands.context())
        assert_alike(WorkTree(str(repo.folder)), git, hands, ("prod-cluster",))
        git.close()
