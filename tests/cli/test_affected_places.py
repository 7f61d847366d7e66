"""`cmp affected` where files say what runs where, instances fall back and facts choose folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git_repository import Repo
from tests.support.trees import CHART

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.harness import Sandbox

    Change = Callable[[dict[str, str | bytes | None]], list[str]]

pytestmark = pytest.mark.no_tools

CLUSTERS = "clusters: {live-1: {stage: live}, live-2: {stage: live}, lab: {stage: test}}\ntools: {helm: 3.18.6}\n"


@pytest.fixture
def changing(tmp_path: Path, sandbox: Sandbox) -> Callable[[str, dict[str, str]], Change]:
    """Commit a repository with these keys of the layout, and return what makes a change and prints its impact."""

    def committed(layout: str, files: dict[str, str]) -> Change:
        repo = Repo(tmp_path / "repo")
        repo.commit({"cmp.yaml": f"version: 1\nlayout: {layout}\n{CLUSTERS}", **files})
        repo.branch()

        def change(files: dict[str, str | bytes | None]) -> list[str]:
            repo.commit(files)
            ran = sandbox.run("affected", cwd=repo.folder)
            assert (ran.code, ran.stderr) == (0, "")
            lines = [" ".join(line.split()) for line in ran.stdout.splitlines()]
            return [line for line in lines if line != "CLUSTER APP BY HOW"]

        return change

    return committed


FILES = {"apps/shop/Chart.yaml": CHART, "where/shop.live-1.yaml": "# here\n", "where/shop.live-2.yaml": "# here\n"}
MARKED = "{apps: 'apps/{app}', instances: 'where/{app}.{cluster}.yaml', values: []}"


def test_a_file_that_comes_or_goes_makes_a_pair_come_or_go(changing: Callable[..., Change]) -> None:
    change = changing(MARKED, FILES)
    assert change({"where/shop.lab.yaml": "# here\n", "where/shop.live-2.yaml": None}) == [
        "lab shop where/shop.lab.yaml added: says that it runs there",
        "live-2 shop where/shop.live-2.yaml removed: says that it runs there",
        "2 of 3 pairs are affected",
    ]


def test_a_change_in_one_that_is_no_layer_touches_its_pair_alone(changing: Callable[..., Change]) -> None:
    assert changing(MARKED, FILES)({"where/shop.live-1.yaml": "# still here\n"}) == [
        "live-1 shop where/shop.live-1.yaml says that it runs there (no effect)",
        "0 of 2 pairs are affected, 1 more are touched without effect",
    ]


def test_a_change_in_one_that_is_a_layer_is_one_of_values(changing: Callable[..., Change]) -> None:
    layer = MARKED.replace("values: []", "values: ['where/{app}.{cluster}.yaml']")
    assert changing(layer, FILES)({"where/shop.live-1.yaml": "a: 1\n"}) == [
        "live-1 shop where/shop.live-1.yaml value layer 1 of 1",
        "1 of 2 pairs are affected",
        "where/shop.live-1.yaml:1: nothing reads `a`",
    ]


def test_a_closer_instance_takes_the_place_of_a_wider_one(changing: Callable[..., Change]) -> None:
    layout = (
        "{apps: 'apps/{app}', instances: ['on/{stage}/{cluster}/{app}', 'on/{stage}/{app}'], "
        "values: ['on/{stage}/{app}/*.yaml', 'on/{stage}/{cluster}/{app}/*.yaml']}"
    )
    change = changing(layout, {"apps/shop/Chart.yaml": CHART, "on/live/shop/values.yaml": "a: 1\n"})
    assert change({"on/live/live-2/shop/values.yaml": "a: 2\n"}) == [
        "live-2 shop on/live/live-2/shop/values.yaml value layer 2 of 2",
        "1 of 2 pairs are affected",
        "on/live/live-2/shop/values.yaml:1: nothing reads `a`",
    ]


def test_a_folder_that_a_fact_chooses_reaches_the_clusters_that_have_it(changing: Callable[..., Change]) -> None:
    files = {"charts/live/shop/Chart.yaml": CHART, "charts/test/shop/Chart.yaml": CHART}
    change = changing("{apps: 'charts/{stage}/{app}', instances: '', values: []}", files)
    assert change({"charts/live/shop/templates/a.yaml": "# a\n", "charts/test/till/Chart.yaml": CHART}) == [
        "live-1 shop charts/live/shop/templates/a.yaml helm files",
        "live-2 shop charts/live/shop/templates/a.yaml helm files",
        "lab till - added here",
        "3 of 4 pairs are affected",
    ]
