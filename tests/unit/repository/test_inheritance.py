"""A cluster of the inventory may be like another one: it inherits all that it does not say itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.model import Cluster
from cmp.repository import config
from cmp.repository.instances import Repository
from tests.support.trees import CHART, paths, plant, request, resolve

if TYPE_CHECKING:
    from pathlib import Path

INVENTORY = """\
blue-2: {is: blue, region: osaka, labels: {tier: "2"}, server: https://blue-2.example}
blue:
  kubeVersion: "1.33"
  apiVersions: [v1, example.com/v1]
  server: https://blue.example
  labels: {tier: "1", team: shops}
  annotations: {contact: shops@example.com}
  env: prod
  region: tokyo
  project: shops
blue-3: {is: blue-2, kubeVersion: "1.34", apiVersions: [v2], annotations: {pager: "7"}, env: stage}
"""
LAYOUT = 'layout: {apps: "apps/{app}", instances: "", values: ["envs/{env}-{region}.yaml"]}\n'
FILES = {
    "apps/shop/Chart.yaml": CHART,
    "apps/shop/cmp-app.yaml": "clusters: {env: prod}\n",
    "envs/prod-tokyo.yaml": "",
    "envs/prod-osaka.yaml": "",
}


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def clusters_of(tmp_path: Path, inventory: str, *, in_file: bool) -> dict[str, Cluster]:
    if in_file:
        files = {"cmp.yaml": "version: 1\nclusters: {file: sites.yaml}\n", "sites.yaml": inventory}
    else:
        files = {"cmp.yaml": f"version: 1\nclusters:\n{indented(inventory)}"}
    return dict(config.load(plant(tmp_path, files), {}).clusters)


@pytest.mark.parametrize("in_file", [False, True])
def test_it_has_what_it_says_and_the_rest_from_the_other(tmp_path: Path, *, in_file: bool) -> None:
    clusters = clusters_of(tmp_path, INVENTORY, in_file=in_file)
    assert list(clusters) == ["blue-2", "blue", "blue-3"]
    assert clusters["blue-2"] == Cluster(
        "blue-2",
        kube_version="1.33",
        api_versions=("v1", "example.com/v1"),
        server="https://blue-2.example",
        labels={"tier": "2", "team": "shops"},
        annotations={"contact": "shops@example.com"},
        facts={"env": "prod", "region": "osaka", "project": "shops"},
        origin="blue",
    )
    assert clusters["blue-3"] == Cluster(
        "blue-3",
        kube_version="1.34",
        api_versions=("v2",),
        server="",
        labels={"tier": "2", "team": "shops"},
        annotations={"contact": "shops@example.com", "pager": "7"},
        facts={"env": "stage", "region": "osaka", "project": "shops"},
        origin="blue-2",
    )


def test_inherited_facts_choose_clusters_and_fill_patterns(tmp_path: Path) -> None:
    text = f"version: 1\n{LAYOUT}clusters:\n{indented(INVENTORY)}"
    tree = plant(tmp_path, {**FILES, "cmp.yaml": text})
    assert [pair.cluster for pair in Repository(tree, ENGINES).pairs()] == ["blue", "blue-2"]
    instance = resolve(tree, request("shop", "blue-2"))
    assert (paths(instance), instance.kube_version) == (["envs/prod-osaka.yaml"], "1.33")


def test_a_long_line_of_clusters_costs_no_more_than_as_many_alone(tmp_path: Path) -> None:
    many = 3000
    line = "".join(f"c{number}: {{is: c{number + 1}}}\n" for number in range(many)) + f"c{many}: {{env: prod}}\n"
    alone = "".join(f"c{number}: {{is: last}}\n" for number in range(many)) + "last: {env: prod}\n"
    times = []
    for number, text in enumerate((alone, line)):
        begun = time.process_time()
        assert clusters_of(tmp_path / str(number), text, in_file=True)["c0"].facts == {"env": "prod"}
        times.append(time.process_time() - begun)
    assert times[1] < 10 * times[0]


def test_a_mistake_in_the_file_of_the_inventory_has_its_line_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        clusters_of(tmp_path, "blue: {env: prod}\nblue-2: {is: bleu}\n", in_file=True)
    assert caught.value.lines() == [
        "cmp: `bleu` is no cluster of the inventory; did you mean `blue`?",
        "  where: sites.yaml:2:14",
    ]
