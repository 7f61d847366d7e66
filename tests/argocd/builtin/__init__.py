"""Sources without a plugin, as data: Applications of one repository, which the repo-server and `cmp` render alike.

tree/       the repository
charts/     what a chart repository has, `{charts}` in a case; beside them it has a file /values.yaml
*.yaml      the cases, one a document:

    case: values files in their order    the name
    source, or sources                   of the Application; they are of this repository unless they say so
    destination: shop                    its namespace; without this key `shop`
    namespace: team-a                    that of the Application; without this key Argo CD's own
    buildOptions: --enable-helm          Argo CD's setting
    refused: [every]                     the versions of Argo CD that refuse it: `every`, or such as "3.2"
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from tests.argocd.installation import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.argocd.kube import Object

FOLDER = Path(__file__).parent
TREE = FOLDER / "tree"
CHARTS = FOLDER / "charts"
VALUES = b"remote: 'yes'\n"
NAME = "web"
EVERY = "every"


class Urls(NamedTuple):
    """The URLs of the repository and of the chart repository."""

    repository: str
    charts: str


class Case(NamedTuple):
    """A case with the name of its file."""

    file: str
    value: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.file}: {self.value['case']}"

    @property
    def build_options(self) -> str:
        return str(self.value.get("buildOptions", ""))

    def is_refused_by(self, version: str) -> bool:
        """Say whether an Argo CD of this version is to refuse it."""
        return any(one == EVERY or version.startswith(f"{one}.") for one in self.value.get("refused", []))

    def sources(self, urls: Urls) -> list[dict[str, Any]]:
        """Return the sources, each with its repository."""
        written = json.dumps(self.value.get("sources") or [self.value["source"]])
        own = {"repoURL": urls.repository, "targetRevision": "main"}
        return [{**own, **source} for source in json.loads(written.replace("{charts}", urls.charts))]

    def application(self, urls: Urls) -> Object:
        """Return the Application."""
        sources = self.sources(urls)
        spec = {"sources": sources} if "sources" in self.value else {"source": sources[0]}
        destination = {"name": "in-cluster", "namespace": self.value.get("destination", "shop")}
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": NAME, "namespace": self.value.get("namespace", NAMESPACE)},
            "spec": {"project": "team", "destination": destination, **spec},
        }

    def requests(self, urls: Urls, version: str) -> list[dict[str, Any]]:
        """Return what the application-controller asks the repo-server for: once for each source that renders.

        The API server of Argo CD 3.2 drops a field that is newer.
        """
        application = self.application(urls)
        metadata, spec = application["metadata"], application["spec"]
        namespace = metadata["namespace"]
        common = {
            "application": NAME if namespace == NAMESPACE else f"{namespace}_{NAME}",
            "project": spec["project"],
            "namespace": spec["destination"]["namespace"],
            "kubeVersion": "1.34",
            "apiVersions": [],
            "noCache": True,
            "kustomize": {"buildOptions": self.build_options},
            "helm": {"valuesFileSchemes": ["http", "https"]},
            "sources": spec.get("sources", []),
        }
        sources = self.sources(urls)
        rendered = [one for one in sources if one.get("path") or one.get("chart")]
        if version.startswith("3.2."):
            for source in rendered:
                source.get("directory", {}).pop("disableExtensionFilter", None)
        return [{**common, "source": source, "repository": self.value.get("repository", {})} for source in rendered]


def cases() -> list[Case]:
    """Return all cases, by file."""
    return [
        Case(path.stem, value)
        for path in sorted(FOLDER.glob("*.yaml"))
        for value in yaml.safe_load_all(path.read_text("utf-8"))
    ]
