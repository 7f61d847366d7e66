"""The cost of the plugin in one request to the real repo-server, and for many applications at once."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from bench import bareplugin
from bench.measure import Pair
from bench.scenario import CLUSTER
from tests.argocd import fleet
from tests.argocd.applications import application
from tests.argocd.caller import request
from tests.argocd.fleet import Fleet
from tests.argocd.processes import group
from tests.argocd.programs import Programs
from tests.argocd.world import ArgoCD
from tests.support.bare_tools import AGE_KEY
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.scenario import Scenario
    from tests.argocd.fleet import Round
    from tests.argocd.sidecar import Sidecar

UNCOUNTED = 2
MANY = 60
ROUNDS = 3  # of the many


class Stage(NamedTuple):
    """A running Argo CD with two plugins, and where files are put."""

    argocd: ArgoCD
    ours: Sidecar
    bare: Sidecar
    folder: Path
    tools: Path


def measure(folder: Path, helpers: Path, scenario: Scenario, runs: int) -> None:
    """Print how a request for the application of a scenario compares, and how a refresh of many does."""
    tools = scenario.by_hand.tools
    folder.mkdir()
    with group() as join:
        argocd = ArgoCD(folder, Programs.of(str(helpers)), str(tools), join)
        environment = {"SOPS_AGE_KEY_FILE": str(AGE_KEY), "PYTHONDONTWRITEBYTECODE": ""}  # an image has byte code
        ours = argocd.sidecar("ours", **environment)
        stage = Stage(argocd, ours, bareplugin.start(argocd, tools), folder, tools)
        _one_request(stage, scenario, runs)
        _many_at_once(stage._replace(ours=argocd.sidecar("ours-many", PYTHONDONTWRITEBYTECODE="")))


def _one_request(stage: Stage, scenario: Scenario, runs: int) -> None:
    encrypted, decrypted = stage.argocd.repository(), stage.argocd.repository()
    encrypted.commit(tree=scenario.repository)
    decrypted.commit(tree=bareplugin.monorepo(stage.folder / "decrypted", scenario.by_hand))
    app, path = scenario.app, f"namespaces/{scenario.app}"
    values = bareplugin.values(stage.folder / "decrypted", app, CLUSTER)
    apps = (
        application(app, encrypted.url, path, plugin=stage.ours.name, parameters={"cluster": CLUSTER}),
        application(app, decrypted.url, path, plugin=stage.bare.name, env={"VALUES": values}),
    )
    asked = [request(app, kube_version="1.33") for app in apps]
    ours, bare = stage.argocd.ask("manifests", *asked, rounds=runs + UNCOUNTED)
    assert sorted(ours.answer["manifests"]) == sorted(bare.answer["manifests"])
    pair = Pair(*([each / 1000 for each in answer.milliseconds[UNCOUNTED:]] for answer in (ours, bare)))
    print("small, from the request to the answer of Argo CD's repo-server, against a plugin that is only")
    print(f"`helm template` on vendored charts and plain values: {runs} pairs")
    print(f"  cmp {statistics.median(pair.ours) * 1000:.0f} ms, bare {statistics.median(pair.bare) * 1000:.0f} ms:"
          f" ratio {pair.ratio:.2f}, own cost {pair.own_cost * 1000:.1f} ms")  # fmt: skip


def _many_at_once(stage: Stage) -> None:
    archives = fleet.publish(stage.folder, str(stage.tools))
    with ChartRepository(archives) as charts:
        ours, bare = _ours(stage, charts.url), _bare(stage, archives)
        ours.launch()
        bare.launch()
        pairs = [(ours.refresh(), bare.refresh()) for _ in range(ROUNDS)]
    print(f"{MANY} applications refreshed at once, until all are Synced, against the same plugin: {ROUNDS} pairs")
    for name, rounds in zip(("cmp", "bare"), zip(*pairs, strict=True), strict=True):
        print(f"  {name}: {_median(rounds)}")
    time, memory = (
        statistics.median(getattr(our, what) / getattr(their, what) for our, their in pairs)
        for what in ("seconds", "peak")
    )
    print(f"  ratio of the time {time:.2f}, of the memory {memory:.2f}")


def _ours(stage: Stage, charts: str) -> Fleet:
    names = [f"ours-{number:02}" for number in range(MANY)]
    repository, plugin = stage.argocd.repository(), stage.ours.name
    repository.commit(fleet.tree(names, charts, fleet.seal(stage.folder, str(stage.tools))))
    apps = [application(name, repository.url, f"clusters/dev/{name}", plugin=plugin, to="fleet") for name in names]
    return Fleet(stage.argocd, stage.ours, repository, apps)


def _bare(stage: Stage, archives: Path) -> Fleet:
    names = [f"bare-{number:02}" for number in range(MANY)]
    repository = stage.argocd.repository()
    repository.commit(bareplugin.fleet_tree(names, archives))
    apps = [
        application(
            name,
            repository.url,
            f"namespaces/{name}",
            plugin=stage.bare.name,
            env={"VALUES": bareplugin.fleet_values(name)},
            to="fleet",
        )
        for name in names
    ]
    return Fleet(stage.argocd, stage.bare, repository, apps)


def _median(rounds: Sequence[Round]) -> Round:
    return fleet.Round(*map(statistics.median, zip(*rounds, strict=True)))
