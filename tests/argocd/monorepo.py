"""The example monorepo on three clusters, each with an API server of its own, and a server of its charts."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from examples import chartserver
from tests.argocd import cluster
from tests.argocd.applications import application, refreshed
from tests.argocd.installation import IN_CLUSTER, NAMESPACE, cluster_secret
from tests.argocd.processes import group
from tests.support import bare_tools
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.argocd.git import Repository
    from tests.argocd.kube import Kube, Object
    from tests.argocd.processes import Process
    from tests.argocd.sidecar import Sidecar
    from tests.argocd.world import ArgoCD

PLUGIN = "cmp-monorepo"  # a sidecar with the key of the example's secrets
HERE = "dev-cluster"  # where Argo CD runs
MONITORED = ("staging-cluster", "prod-cluster")  # cmp.yaml says that they know ServiceMonitors
SERVICE_MONITOR = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {"kind": "ServiceMonitor", "plural": "servicemonitors"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


class Instance(NamedTuple):
    """One application on one cluster."""

    app: str
    cluster: str

    @property
    def name(self) -> str:
        """The name of its Application."""
        return f"{self.app}.{self.cluster}"


class Fleet:
    """Every application of the monorepo on every cluster where it runs, each an Application of Argo CD."""

    def __init__(
        self, argocd: ArgoCD, repository: Repository, sidecar: Sidecar, kubes: Mapping[str, Kube], charts: str
    ) -> None:
        """Commit the monorepo, with `charts` as the URL of its chart repository, and let Argo CD sync all of it."""
        self.argocd = argocd
        self.repository = repository
        self.sidecar = sidecar
        self.kubes = kubes
        root = bare_tools.copy_monorepo(argocd.folder / PLUGIN, charts)
        repository.commit(tree=root)
        listed = json.loads(self.cmp("apps", "--format", "json"))
        self.instances = [Instance(each["application"], each["cluster"]) for each in listed]
        argocd.apply(*(self.application(each, f"clusters/{each.cluster}/{each.app}") for each in self.instances))
        self.wait()

    def application(self, instance: Instance, path: str, **parameters: str) -> Object:
        """Return the Application of an instance."""
        kube = self.kubes[instance.cluster]
        return application(
            instance.name,
            self.repository.url,
            path,
            plugin=self.sidecar.name,
            parameters=parameters,
            to=instance.app,
            server=IN_CLUSTER if kube is self.argocd.kube else kube.url,
            options=("CreateNamespace=true", "Validate=false", "ApplyOutOfSyncOnly=true"),
        )

    def cmp(self, *argv: str) -> str:
        """Run cmp in the sidecar, in a checkout of the newest commit; return what it prints."""
        ran = self.sidecar.sandbox.run(*argv, cwd=self.repository.folder)
        assert ran.code == 0, ran.stderr
        return ran.stdout

    def rendered(self, instance: Instance) -> list[Object]:
        """Return the objects that `cmp render` prints for the newest commit, told what Argo CD tells the plugin."""
        versions = ",".join(api_versions(self.kubes[instance.cluster]))
        facts = ("--kube-version", self.argocd.kube_version, "--api-versions", versions)
        text = self.cmp("render", instance.app, "--cluster", instance.cluster, *facts, "--output", "json")
        return [json.loads(line) for line in text.splitlines()]

    def refresh(self) -> None:
        """Let all Applications be compared with Git, and wait until they are synced."""
        self.argocd.ask_refresh(*(each.name for each in self.instances), hard=False)
        for each in self.instances:
            self.argocd.wait(each.name, refreshed)
        self.wait()

    def wait(self) -> None:
        """Return when all Applications are synced."""
        for each in self.instances:
            self.argocd.wait(each.name, seconds=120)

    def edit(self, path: str, old: str, new: str) -> None:
        """Commit a change of one text that a file holds."""
        text = (self.repository.folder / path).read_text("utf-8")
        assert text.count(old) == 1
        self.repository.commit({path: text.replace(old, new)})

    def live(self, instance: Instance, rendered: Object) -> Object:
        """Return what the instance's cluster has for an object."""
        metadata = rendered["metadata"]
        return self.kubes[instance.cluster].get(rendered["kind"], metadata["name"], metadata.get("namespace", ""))

    def state(self, instance: Instance) -> dict[tuple[str, str], str]:
        """Return the version of each object that the Application manages, by kind and name."""
        resources = self.argocd.app(instance.name)["status"]["resources"]
        kube = self.kubes[instance.cluster]
        found = (kube.get(each["kind"], each["name"], each.get("namespace", "")) for each in resources)
        return {(each["kind"], each["metadata"]["name"]): each["metadata"]["resourceVersion"] for each in found}

    def syncs(self) -> dict[Instance, int]:
        """Return how often each Application has been synced."""
        return {each: len(self.argocd.app(each.name)["status"]["history"]) for each in self.instances}


@contextmanager
def fleet(argocd: ArgoCD, tools_dir: str) -> Iterator[Fleet]:
    """Start what the monorepo needs, and let all of it go again."""
    with ExitStack() as stack:
        folder = argocd.folder / "monorepo"
        folder.mkdir()
        archives = chartserver.package(bare_tools.EXAMPLES / "charts", folder, Path(tools_dir, "helm/3.18.6/helm"))
        charts = stack.enter_context(ChartRepository(archives))
        join = stack.enter_context(group())
        kubes = {HERE: argocd.kube, **_clusters(argocd, folder, join)}
        sidecar = stack.enter_context(argocd.sidecar(PLUGIN, SOPS_AGE_KEY_FILE=str(bare_tools.AGE_KEY)))
        stack.callback(_forget, argocd)
        yield Fleet(argocd, argocd.repository(), sidecar, kubes, charts.url)


def api_versions(kube: Kube) -> list[str]:
    """Return what Argo CD puts into KUBE_API_VERSIONS: group versions, and kinds in them."""
    found = set()
    for root in ("/api", "/apis"):
        for api_group in json.loads(kube.raw("GET", root))["items"]:
            name = api_group["metadata"].get("name")
            for version in api_group["versions"]:
                where = "/".join(filter(None, (name, version["version"])))
                kinds = {resource["responseKind"]["kind"] for resource in version["resources"]}
                found |= {where, *(f"{where}/{kind}" for kind in kinds)}
    return sorted(found)


def _clusters(argocd: ArgoCD, folder: Path, join: Callable[[Process], Process]) -> dict[str, Kube]:
    started = {}
    for name in MONITORED:
        (folder / name / "logs").mkdir(parents=True)
        started[name] = cluster.start(folder / name / "kubernetes", argocd.programs, join)
    for name, (_, api_server, kube) in started.items():
        api_server.wait_ready()
        kube.apply(SERVICE_MONITOR)
        kube.kubectl("wait", "--for=condition=Established", "crd", "--all")
        argocd.apply(cluster_secret(kube, name, kube.url, {}, {}))
    return {name: found.kube for name, found in started.items()}


def _forget(argocd: ArgoCD) -> None:
    """Delete Applications and clusters, but no object of theirs: their API servers go as well."""
    for app in argocd.kube.list("Application", NAMESPACE):
        if app["spec"]["source"]["plugin"]["name"] == PLUGIN:
            argocd.kube.delete("Application", app["metadata"]["name"], NAMESPACE)
    for name in MONITORED:
        argocd.kube.delete("Secret", f"cluster-{name}", NAMESPACE)
