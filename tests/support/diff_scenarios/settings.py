"""Changes outside manifests: configuration, the inventory, files that no render reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import APP, config_map, own, plain, shop, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

TWO = ("dev-1", "prod-tokyo")
ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: shop, annotations: {built: at-1, by: a}}
"""
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n"
NOISE = "preview: {noise: [{name: build-time, path: [metadata, annotations, built], matches: at-.*}]}\n"


@story("cmp.yaml says to leave out CRDs.")
def option_of_the_repository(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO)
    repo.write({f"{APP}/crds/widgets.yaml": CRD})
    yield
    repo.append("cmp.yaml", "defaults: {helm: {skipCrds: true}}\n")


@story("A layer is chosen by a fact of the cluster, and the fact changes.")
def fact_of_a_cluster(repo: Monorepo) -> Iterator[None]:
    layers = f"layout: {{values: [{APP}/common-values.yaml, 'envs/{{env}}.yaml']}}\n"
    shop(repo, *TWO, more=layers)
    for cluster in TWO:
        repo.write({own(cluster): None, f"clusters/{cluster}/shop/.keep": ""})
    repo.write({"envs/dev.yaml": "level: debug\n", "envs/prod.yaml": "level: warning\n"})
    yield
    repo.edit("cmp.yaml", "dev-1: {env: dev", "dev-1: {env: prod")


@story("The inventory says another version of Kubernetes, which a chart asks for.")
def kubernetes_of_a_cluster(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO)
    text = config_map("kube", "version: {{ .Capabilities.KubeVersion.Minor | quote }}")
    repo.write({f"{APP}/templates/kube.yaml": text})
    yield
    repo.edit("cmp.yaml", 'dev-1: {env: dev, kubeVersion: "1.33"', 'dev-1: {env: dev, kubeVersion: "1.34"')


@story("A file that nothing reads, as far as anyone can tell.", code=0)
def unowned_file(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT)
    yield
    repo.write({"scripts/deploy.sh": "#!/bin/sh\n"})


@story("Words for people.", code=0)
def documentation_only(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT)
    yield
    repo.write({"README.md": "# Shop\n", "docs/guide.txt": "Read this.\n", "namespaces/base/README.md": "Plain.\n"})


@story("Files that the base says nobody renders.", code=0)
def ignored_file(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT, more="preview: {ignore: ['scripts/**']}\n")
    yield
    repo.write({"scripts/deploy.sh": "#!/bin/sh\n", ".editorconfig": "root = true\n"})


@story("One difference that the repository's own rule folds, and one that it does not.")
def rule_of_the_user(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT, more=NOISE)
    yield
    repo.edit("namespaces/base/all.yaml", "built: at-1, by: a", "built: at-2, by: b")


@story("A change cannot hide itself: the rules are those of the base.")
def rule_that_the_change_brings(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT)
    yield
    repo.edit("namespaces/base/all.yaml", "built: at-1", "built: at-2")
    repo.append("cmp.yaml", NOISE)
