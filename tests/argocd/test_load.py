"""One commit refreshes everything: 60 applications at once, by one sidecar that has nothing in its cache."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from tests.argocd import fleet
from tests.argocd.applications import application
from tests.argocd.fleet import CHARTS, Fleet
from tests.argocd.sampling import children_of
from tests.support.leaks import wait_until
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.argocd.git import Repository
    from tests.argocd.kube import Object
    from tests.argocd.sidecar import Sidecar
    from tests.argocd.world import ArgoCD

NAMES = [f"load-{number:02}" for number in range(60)]
ROUNDS = 2
AT_ONCE = 4
INDEX = "/index.yaml"
ARCHIVES = {f"/{name}-1.0.0.tgz": 1 for name in CHARTS}

IN_FLIGHT = 20  # so many applications the controller compares at once

# In MiB: of argocd-cmp-server, whose collector of garbage takes its time; of a render that waits, two small Pythons; of
# one that works, helm and sops beside them.
SERVER, WAITING, WORKING = 100.0, 15.0, 100.0
PEAK = SERVER + IN_FLIGHT * WAITING + AT_ONCE * WORKING
GROWTH = 40.0  # were 1 MiB left of each of the 60 calls of the second round, it would be 60


def test_sixty_cold_applications(argocd: ArgoCD, repository: Repository, tmp_path: Path, tools_dir: str) -> None:
    archives = fleet.publish(tmp_path, tools_dir)
    with ChartRepository(archives) as charts, argocd.sidecar("cmp-load", CMP_RENDERS=str(AT_ONCE)) as sidecar:
        repository.commit(fleet.tree(NAMES, charts.url, fleet.seal(tmp_path, tools_dir)))
        many = Fleet(argocd, sidecar, repository, [_application(name, repository, sidecar) for name in NAMES])
        rounds = []
        for number in range(ROUNDS):
            many.forget()
            before = len(charts.requests)
            rounds.append(many.refresh() if number else many.launch())
            sys.stdout.write(f"{len(NAMES)} applications, cold, round {number + 1}: {rounds[-1]}\n")
            asked = Counter(charts.requests[before:])
            # By each render that found a chart missing: it works until the chart is there, beside AT_ONCE - 1 others.
            assert 1 <= asked.pop(INDEX) <= AT_ONCE * len(CHARTS)
            assert asked == ARCHIVES
            wait_until(lambda: not children_of(sidecar.process.pid))  # all that is left is argocd-cmp-server
        many.retire()

    assert {each.helms for each in rounds} == {AT_ONCE}
    assert max(each.peak for each in rounds) < PEAK
    assert rounds[-1].server < rounds[0].server + GROWTH


def _application(name: str, repository: Repository, sidecar: Sidecar) -> Object:
    return application(name, repository.url, f"clusters/dev/{name}", plugin=sidecar.name, to="fleet")
