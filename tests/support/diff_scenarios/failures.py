"""Pairs that cannot be rendered: newly, still, or no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import APP, COMMON, SECRETS, inventory, own, shop, shop_with_secrets, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

REGION = '{{ required "tax.region is missing" .Values.region }}'
TEMPLATE = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: region}}\ndata: {{region: {REGION}}}\n"


def _with_regions(repo: Monorepo, *clusters: str) -> None:
    shop(repo)
    repo.write({f"{APP}/templates/region.yaml": TEMPLATE})
    for cluster in clusters:
        repo.write({own(cluster): f"domain: {cluster}.example.com\nregion: {cluster}\n"})


@story("A required value is gone on one cluster; the others are complete.", code=7)
def newly_failing(repo: Monorepo) -> Iterator[None]:
    _with_regions(repo, "dev-1", "stg-1", "prod-tokyo")
    yield
    repo.edit(own("prod-tokyo"), "region: prod-tokyo\n", "")
    repo.edit(COMMON, "replicas: 3", "replicas: 5")


@story("A cluster that could not be rendered before either: told, and not this change's fault.")
def failing_before_too(repo: Monorepo) -> Iterator[None]:
    _with_regions(repo, "dev-1", "stg-1")
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")


@story("A cluster that could not be rendered, and now can.")
def mended(repo: Monorepo) -> Iterator[None]:
    _with_regions(repo, "dev-1", "stg-1")
    yield
    repo.edit(own("prod-tokyo"), "domain:", "region: tokyo\ndomain:")


@story("A mistake in the configuration of one application on one cluster.", code=3)
def configuration_broken_for_one(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    yield
    repo.write({"clusters/dev-1/shop/cmp-app.yaml": "tool: {helm: 3.18.6}\n"})
    repo.edit(COMMON, "replicas: 3", "replicas: 5")


@story("A mistake in a template stops every cluster, and is told once.", code=7)
def failing_everywhere(repo: Monorepo) -> Iterator[None]:
    shop(repo)
    yield
    repo.edit(f"{APP}/templates/config.yaml", ".Values.level | quote", ".Values.level | quoted")


@story("An application that could not be rendered is deleted: it goes all the same.")
def failing_application_deleted(repo: Monorepo) -> Iterator[None]:
    _with_regions(repo, "dev-1", "stg-1")
    yield
    repo.delete("clusters/prod-tokyo/shop")


@story("A new cluster that cannot be rendered at once.", code=7)
def failing_cluster_added(repo: Monorepo) -> Iterator[None]:
    _with_regions(repo, "dev-1", "stg-1", "prod-tokyo")
    yield
    repo.write({"cmp.yaml": inventory("dev-1", "dev-2", "stg-1", "prod-tokyo")})
    repo.write({own("dev-2"): "domain: dev-2.example.com\n"})


@story("A secret is committed in clear: nothing is rendered from it.", code=6)
def secret_in_clear(repo: Monorepo) -> Iterator[None]:
    shop_with_secrets(repo, "dev-1")
    yield
    repo.write({SECRETS: "db: {user: shop-owner, password: correct-horse-battery}\n"})


@story("Nobody has the key, and nobody says --keyless: neither side can be rendered.", code=6)
def key_missing(repo: Monorepo) -> Iterator[None]:
    repo.has_keys = False
    shop_with_secrets(repo, "dev-1")
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")
