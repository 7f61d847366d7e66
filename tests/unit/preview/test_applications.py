"""Argo CD's Applications ask for renders, and bring them to their clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Delivery, Rule, Subject
from cmp.preview.applications import ApplicationSources, GatheredRequests, gather
from tests.support.monorepos import git_tree
from tests.support.trees import REFERENCE

if TYPE_CHECKING:
    from cmp.context import Context

CLUSTERS = "version: 1\nclusters: {dev: {env: test, server: 'https://dev.example.test'}, prod: {}}\n"


def application(name: str, path: str = "clusters/dev/shop", more: str = "", plugin: str = "plugin: {name: cmp}") -> str:
    """Return an Application that has its path rendered for the cluster dev."""
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: argocd}}
spec:
  project: default
  destination: {{server: 'https://dev.example.test', namespace: shop}}
  source: {{repoURL: 'https://git.example.test/repo', path: {path}, targetRevision: main, {plugin}}}
{more}
"""


def gathered(context: Context, *applications: str) -> GatheredRequests:
    """Return the requests of some Applications beside the reference layout."""
    files = {f"argocd/{at}.yaml": text for at, text in enumerate(applications)}
    tree = git_tree({**REFERENCE, "cmp.yaml": CLUSTERS, **files})
    return gather(tree, ApplicationSources(("argocd/*.yaml",), trunk="main"), context)


def test_an_application_asks_for_the_pair_that_its_path_names(context: Context) -> None:
    request, other = gathered(context, application("web")).requests
    assert request.subject == Subject("shop", "dev", "test")
    assert (request.resolution.folder, request.resolution.in_sidecar) == ("clusters/dev/shop", True)
    assert other.subject == Subject("shop", "prod"), "a pair that no Application renders is compared as well"


def test_an_automatic_sync_of_the_trunk_happens_at_the_merge(context: Context) -> None:
    policy = "  syncPolicy: {automated: {prune: true}}"
    request, _ = gathered(context, application("web", more=policy)).requests
    assert request.delivery == Delivery(
        subject=request.subject,
        application="web",
        automated=True,
        prune=True,
        self_heal=False,
        target_revision="main",
        at_merge=True,
    )
    other = application("web", more=policy).replace("targetRevision: main", "targetRevision: v1")
    assert [bool(one.delivery and one.delivery.at_merge) for one in gathered(context, other).requests] == [False, False]


def test_ignored_differences_are_rules_for_the_report(context: Context) -> None:
    ignored = "  ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/containers/0/a~1b]}]"
    request, _ = gathered(context, application("web", more=ignored)).requests
    path = ("spec", "containers", "[*]", "a/b", "**")
    assert request.rules == (Rule("ignoreDifferences of web", group="apps", kind="Deployment", path=path),)


def test_only_applications_of_one_pair_are_told_apart_by_their_names(context: Context) -> None:
    names = [request.application for request in gathered(context, application("web")).requests]
    assert names == ["", ""]
    names = [one.application for one in gathered(context, application("web"), application("web-canary")).requests]
    assert names == ["web", "web-canary", ""]


def test_an_application_that_is_not_compared_is_told(context: Context) -> None:
    found = gathered(context, application("broken", path="''"), application("other", plugin=""))
    assert len(found.notes) == 2
    assert found.notes[0].startswith("the Application broken is not compared: ")
    assert found.notes[1] == "1 Applications have no plugin and are not compared"
    assert [request.subject.cluster for request in found.requests] == ["dev", "prod"]
