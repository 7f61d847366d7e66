"""Outcomes of pairs for tests, from the YAML of both sides."""

from __future__ import annotations

from cmp.changes import Cause, Outcome, Subject
from cmp.compare import compare
from tests.support.objects import objects


def subject_of(cluster: str, app: str = "storefront") -> Subject:
    """Return a pair whose environment is the first word of the cluster's name."""
    return Subject(app, cluster, cluster.partition("-")[0])


def outcome_of(cluster: str, before: str, after: str, *causes: Cause, app: str = "storefront") -> Outcome:
    """Return what comparing both sides gives."""
    subject = subject_of(cluster, app)
    changes = compare(subject, objects(before) if before else [], objects(after) if after else [])
    linked = tuple(
        change._replace(causes=tuple(cause for cause in causes if not cause.overridden_by)) for change in changes
    )
    return Outcome(subject, "changed" if changes else "equal", linked, causes=causes)


def deployment(replicas: object = 3, env: str = "", image: str = "shop/web:8.2.0", name: str = "web") -> str:
    """Return a Deployment of one container; `env` is the value of its variable DSN."""
    return f"""
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  replicas: {replicas}
  template:
    spec:
      containers:
        - {{name: web, image: "{image}", env: [{{name: DSN, value: "{env}"}}]}}
"""


def config(data: str, name: str = "settings") -> str:
    """Return a ConfigMap with these data."""
    return f"""
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: shop}}
data: {{{data}}}
"""
