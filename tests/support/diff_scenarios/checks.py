"""Findings on rendered objects in a comparison: what the API server refuses, and what a change makes new of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import CLUSTERS, config_map, inventory, plain, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

FILE = "namespaces/base/all.yaml"
JUDGED = "checks: {}\n"
RELAY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: relay, namespace: mail}
spec:
  replicas: 2
  selector: {matchLabels: {app: relay}}
  template:
    metadata: {labels: {app: relay}}
    spec:
      containers:
      - name: relay
        image: registry.example/mail/relay:3.1.0
"""
PROBE = """\
        livenessProb:
          tcpSocket: {port: 25}
"""
MISSPELLED = RELAY + PROBE
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: relay, namespace: mail}
spec: {minAvailable: 1, selector: {matchLabels: {app: relay}}}
"""
OLD_BUDGET = BUDGET.replace("policy/v1", "policy/v1beta1")
# Served by Kubernetes 1.31 to 1.33 where somebody turned it on, and by no later version.
LIMITS = """\
apiVersion: flowcontrol.apiserver.k8s.io/v1beta3
kind: PriorityLevelConfiguration
metadata: {name: mail}
spec: {type: Exempt, exempt: {}}
"""


@story("A misspelled field and a number that is a text are findings, one line each for all clusters.")
def field_misspelled(repo: Monorepo) -> Iterator[None]:
    plain(repo, RELAY, more=JUDGED)
    yield
    repo.edit(FILE, "  replicas: 2\n", '  replicas: "2"\n')
    repo.append(FILE, PROBE)


@story("A finding that was there before is no new one, wherever the change puts it.")
def field_misspelled_before(repo: Monorepo) -> Iterator[None]:
    plain(repo, MISSPELLED, more=JUDGED)
    yield
    repo.edit(
        FILE,
        "      containers:\n",
        "      containers:\n      - {name: clock, image: registry.example/mail/clock:1.0.0}\n",
    )
    repo.edit(FILE, "relay:3.1.0", "relay:3.2.0")


@story("A finding that the change mends is counted, and the others are told.")
def field_corrected(repo: Monorepo) -> Iterator[None]:
    plain(repo, MISSPELLED, more=JUDGED)
    yield
    repo.edit(FILE, "livenessProb:", "livenessProbe:")
    repo.edit(FILE, "  replicas: 2\n", "  replica: 2\n")


@story("An API that the cluster no longer has is told once: as a finding, not as a danger too.")
def api_removed_and_judged(repo: Monorepo) -> Iterator[None]:
    plain(repo, BUDGET, more=JUDGED)
    yield
    repo.edit(FILE, "policy/v1", "policy/v1beta1")


@story(
    "What a newer version of the cluster refuses is found though no manifest changes, and a gate stops it.",
    "--fail-on",
    "any",
    "--exit-zero",
    code=1,
)
def kubernetes_upgraded(repo: Monorepo) -> Iterator[None]:
    plain(repo, LIMITS, more=JUDGED)
    repo.write({"cmp.yaml": inventory(*CLUSTERS, more=JUDGED).replace("1.33", "1.31")})
    yield
    repo.edit("cmp.yaml", 'prod-tokyo: {env: prod, kubeVersion: "1.31"', 'prod-tokyo: {env: prod, kubeVersion: "1.32"')


@story("What nothing judges is said: a cluster whose version is not known, a kind without its definition.", "--check")
def not_all_judged(repo: Monorepo) -> Iterator[None]:
    plain(repo, RELAY)
    versions = inventory(*CLUSTERS)
    repo.write({"cmp.yaml": versions.replace('stg-1: {env: stg, kubeVersion: "1.33", ', "stg-1: {env: stg, ")})
    yield
    certificate = "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: relay, namespace: mail}\n"
    repo.append(FILE, f"---\n{certificate}spec: {{secretName: relay-tls}}\n---\n{config_map('mail', 'host: relay')}")
