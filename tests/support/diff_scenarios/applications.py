"""Argo CD's Applications say which clusters change at the merge, and which wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import COMMON, plain, shop, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

FOLLOWED = "preview: {applications: ['argocd/*.yaml']}\n"
AUTOMATED = "{automated: {prune: true, selfHeal: true}}"
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: shop, annotations: {built: a}}\n"
HELPER = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: helper, namespace: shop}\n"
FOLDED = "ignoreDifferences: [{kind: ServiceAccount, jsonPointers: [/metadata/annotations/built]}]\n"


def application(cluster: str, app: str, revision: str, policy: str, more: str = "") -> dict[str, str]:
    """Return the file of an Application."""
    text = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {cluster}-{app}, namespace: argocd}}
spec:
  project: default
  destination: {{name: {cluster}, namespace: {app}}}
  source:
    repoURL: https://git.example/platform/manifests.git
    targetRevision: {revision}
    path: clusters/{cluster}/{app}
    plugin: {{name: cmp}}
  syncPolicy: {policy}
  {more}
"""
    return {f"argocd/{cluster}-{app}.yaml": text}


@story("One cluster syncs by itself, one waits for a hand, one follows a tag.")
def clusters_that_change_at_merge(repo: Monorepo) -> Iterator[None]:
    shop(repo, more=FOLLOWED)
    repo.write(application("dev-1", "shop", "main", AUTOMATED))
    repo.write(application("stg-1", "shop", "main", "{}"))
    repo.write(application("prod-tokyo", "shop", "v1.4.0", AUTOMATED))
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")


@story("An object goes that one Application prunes and the other leaves where it is.")
def object_that_is_not_pruned(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT + HELPER, "dev-1", "stg-1", more=FOLLOWED)
    repo.write(application("dev-1", "base", "HEAD", AUTOMATED))
    repo.write(application("stg-1", "base", "HEAD", "{automated: {}}"))
    yield
    repo.edit("namespaces/base/all.yaml", HELPER, "")


@story("An Application ignores a difference; the other does not.")
def difference_that_an_application_ignores(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT, "dev-1", "stg-1", more=FOLLOWED)
    repo.write(application("dev-1", "base", "HEAD", AUTOMATED, FOLDED))
    repo.write(application("stg-1", "base", "HEAD", AUTOMATED))
    yield
    repo.edit("namespaces/base/all.yaml", "built: a", "built: b")


@story("Production moves from a tag to the next: that is its change, whatever else the merge brings.", code=0)
def tag_of_an_application_moved(repo: Monorepo) -> Iterator[None]:
    shop(repo, "prod-tokyo", more=FOLLOWED)
    repo.write(application("prod-tokyo", "shop", "v1.4.0", AUTOMATED))
    yield
    repo.edit("argocd/prod-tokyo-shop.yaml", "v1.4.0", "v1.5.0")
