"""Applications and clusters come, go and move; many of them change at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import APP, CHART, DEPLOYMENT, inventory, own, plain, shop, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rates, namespace: billing}\ndata: {tax: '8', mode: strict}\n"
BILLING = {"namespaces/billing/rates.yaml": MAP, "clusters/dev-1/billing/.keep": "", "clusters/stg-1/billing/.keep": ""}
MANY = tuple(f"{env}-{number}" for env, count in (("dev", 40), ("stg", 60), ("prod", 100)) for number in range(count))


@story("A new application on two clusters.")
def application_added(repo: Monorepo) -> Iterator[None]:
    shop(repo, "dev-1", "stg-1")
    yield
    repo.write(BILLING)


@story("An application and its folders are no longer there.")
def application_deleted(repo: Monorepo) -> Iterator[None]:
    shop(repo, "dev-1", "stg-1")
    repo.write(BILLING)
    yield
    repo.delete("namespaces/billing")
    repo.delete("clusters/dev-1/billing")
    repo.delete("clusters/stg-1/billing")


@story("The layout has other folders: every file moves, and nothing changes.", code=0)
def applications_moved(repo: Monorepo) -> Iterator[None]:
    plain(repo, MAP)
    yield
    repo.rename("namespaces", "apps")
    repo.append("cmp.yaml", "layout: {apps: 'apps/{app}'}\n")


@story("An application gets another name: one goes and one comes.")
def application_renamed(repo: Monorepo) -> Iterator[None]:
    plain(repo, MAP, "dev-1")
    yield
    repo.rename("namespaces/base", "namespaces/basis")
    repo.rename("clusters/dev-1/base", "clusters/dev-1/basis")


@story("A new cluster with an application.")
def cluster_added(repo: Monorepo) -> Iterator[None]:
    shop(repo, "dev-1")
    yield
    shop(repo, "dev-1", "dev-2")


@story("A new cluster gets five applications, and one of them fails; a common value changes with it.", code=8)
def cluster_with_many_applications_added(repo: Monorepo) -> Iterator[None]:
    _fleet(repo, "dev-1")
    yield
    _fleet(repo, "dev-1", "dev-2")
    repo.edit("namespaces/billing/all.yaml", "tax: '8'", "tax: '10'")
    repo.write({"clusters/dev-2/queue/all.yaml": "{", "clusters/dev-2/queue/cmp-app.yaml": "replace: true\n"})


@story("Two new clusters get the same applications; one of these has another value on one of them.")
def two_clusters_added(repo: Monorepo) -> Iterator[None]:
    _fleet(repo, "dev-1")
    yield
    _fleet(repo, "dev-1", "dev-2", "dev-3")
    own = {"all.yaml": MAP.replace("mode: strict", "mode: lenient"), "cmp-app.yaml": "replace: true\n"}
    repo.write({f"clusters/dev-3/billing/{name}": text for name, text in own.items()})


@story("A cluster with many applications is given up: each danger is told.")
def cluster_with_many_applications_removed(repo: Monorepo) -> Iterator[None]:
    _fleet(repo, "dev-1", "dev-2")
    yield
    repo.write({"cmp.yaml": inventory("dev-1")})
    repo.delete("clusters/dev-2")


def _fleet(repo: Monorepo, *clusters: str) -> None:
    """Write five applications of two objects each, which run on some clusters."""
    repo.write({"cmp.yaml": inventory(*clusters)})
    for app in ("billing", "catalog", "mailer", "queue", "search"):
        account = f"apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {app}, namespace: {app}}}\n"
        repo.write({f"namespaces/{app}/all.yaml": f"{MAP.replace('billing', app)}---\n{account}"})
        repo.write({f"clusters/{cluster}/{app}/.keep": "" for cluster in clusters})


@story("A cluster is given up.")
def cluster_removed(repo: Monorepo) -> Iterator[None]:
    shop(repo, "dev-1", "dev-2")
    yield
    shop(repo, "dev-1")
    repo.delete("clusters/dev-2")


@story("The same change on 199 clusters, and one that has its own way.")
def two_hundred_clusters_and_one_outlier(repo: Monorepo) -> Iterator[None]:
    plain(repo, MAP, *MANY)
    own = {"all.yaml": MAP.replace("mode: strict", "mode: lenient"), "cmp-app.yaml": "replace: true\n"}
    repo.write({f"clusters/prod-77/base/{name}": text for name, text in own.items()})
    yield
    repo.edit("namespaces/base/all.yaml", "tax: '8'", "tax: '10'")
    repo.edit("clusters/prod-77/base/all.yaml", "tax: '8'", "tax: '9'")


@story("The environments get values of their own, clusters of one environment the same.")
def a_difference_for_each_environment(repo: Monorepo) -> Iterator[None]:
    clusters = ("dev-1", "dev-2", "stg-1", "stg-2", "prod-1", "prod-2", "prod-3")
    shop(repo, *clusters)
    yield
    for name in clusters:
        count = {"dev": 1, "stg": 2, "prod": 6}[name.partition("-")[0]]
        repo.write({own(name): f"domain: {name}.example.com\nreplicas: {count}\n"})


@story("A layout in which nothing is a cluster's.")
def application_without_clusters(repo: Monorepo) -> Iterator[None]:
    layout = "version: 1\nlayout: {instances: '', values: ['namespaces/{app}/common-values.yaml']}\n"
    values = "replicas: 1\nimage: {repository: demo, tag: v1}\nenv: {}\nlevel: a\ndomain: example.com\n"
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
    repo.write(
        {
            "cmp.yaml": layout,
            f"{APP}/Chart.yaml": CHART,
            f"{APP}/templates/deployment.yaml": DEPLOYMENT,
            f"{APP}/templates/config.yaml": config,
            f"{APP}/common-values.yaml": values,
        }
    )
    yield
    repo.edit(f"{APP}/common-values.yaml", "replicas: 1", "replicas: 2")


@story("No inventory at all: the report says that charts may ask for what it does not know.")
def nothing_known_of_the_clusters(repo: Monorepo) -> Iterator[None]:
    plain(repo, MAP)
    repo.write({"cmp.yaml": "version: 1\n"})
    yield
    repo.edit("namespaces/base/all.yaml", "tax: '8'", "tax: '10'")
