"""ApplicationSets of all kinds, a repository for their git generators, and clusters.

The files map the name of a set to its spec; where a template has no spec it gets one that never syncs.  In texts,
REPOSITORY stands for the URL of the repository, whose files are those of `tree`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp import yamldoc
from cmp.argocd.document import applications_in
from cmp.argocd.sets import Expanded, World, evaluator, expand
from cmp.argocd.settings import NEWEST
from cmp.model import Cluster, Tool
from cmp.system.tree import WorkTree
from cmp.system.urls import repository_name
from tests.argocd.installation import IN_CLUSTER, NAMESPACE
from tests.support.tool_stores import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER = Path(__file__).parent
TREE = FOLDER / "tree"
EXPANDED = ("lists", "clusters", "git", "combined", "patches")  # the files whose sets have Applications
FAILING = "failing"  # an error of Argo CD, and of cmp
CLOSED = "closed"  # an error of cmp alone
DOMAIN = "platform.example.com/domain"
CLUSTERS = (
    Cluster("Dev_One", "", (), "https://dev-one.example.com", {"fleet": "parity", "env": "dev"}, {DOMAIN: "dev.x"}),
    Cluster("prod-two", "", (), "https://prod-two.example.com", {"fleet": "parity", "env": "prod"}, {DOMAIN: "prod.x"}),
    Cluster("osaka", "", (), "https://osaka.example.com", {"region": "osaka", "env": "prod"}),
    Cluster("kyoto", "", (), "https://kyoto.example.com", {"region": "kyoto"}, {"argocd.argoproj.io/refresh": "now"}),
)
SINCE = {
    **dict.fromkeys(("clusters-post-selector-go", "clusters-post-selector-annotations"), "3.4"),
    **dict.fromkeys(("matrix-go-values", "matrix-values-strict", "matrix-values-mixed", "matrix-values-flat"), "3.4"),
    **dict.fromkeys(("matrix-values-nested", "closed-values-condition"), "3.4"),
    **dict.fromkeys(("clusters-own-annotations", "clusters-own-annotations-flat", "closed-tpl"), "3.6"),
}
"""The sets that an older Argo CD reads otherwise than the newest one, and the first that reads them as that does."""

SOURCE = {"repoURL": "REPOSITORY", "path": ".", "targetRevision": "main"}
SPEC = {"project": "default", "source": SOURCE, "destination": {"server": IN_CLUSTER, "namespace": "parity"}}


def specs(*files: str) -> dict[str, Any]:
    """Return the specs of files by the names of the sets."""
    found: dict[str, Any] = {}
    for file in files:
        content = yamldoc.load_all((FOLDER / f"{file}.yaml").read_bytes())[0]
        assert isinstance(content, dict)
        found |= content
    return found


def sets(url: str) -> Iterator[dict[str, Any]]:
    """Yield all ApplicationSets, for a repository."""
    for name, spec in specs(*EXPANDED, FAILING, CLOSED).items():
        whole = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationSet",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {**spec, "template": {"spec": SPEC, **spec["template"]}},
        }
        (found,) = yamldoc.load_all(yamldoc.to_json(whole).replace("REPOSITORY", url).encode())
        assert isinstance(found, dict)
        yield found


def read(
    folder: Path,
    objects: Sequence[object],
    clusters: Sequence[Cluster],
    helm: str,
    repository: tuple[Path, str],
    version: str = NEWEST,
) -> list[Expanded]:
    """Write ApplicationSets into a file in `folder` and expand them with a helm; `repository` is a folder and a URL."""
    declared = folder / "declared"
    declared.mkdir(parents=True)
    (declared / "sets.yaml").write_bytes(yamldoc.dump_all(objects))
    found = applications_in(WorkTree(str(declared)), ["**/*.yaml"])
    render = evaluator(Tool("helm", "", helm, ""), Store(folder).context())
    tree, name = WorkTree(str(repository[0])), repository_name(repository[1])
    return expand(found.sets, World(tree, clusters, render, NAMESPACE, repositories=(name,), version=version))
