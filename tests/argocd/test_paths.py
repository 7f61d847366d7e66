"""The part of a repository that reaches the plugin: annotations, exclusions, symlinks, namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.argocd.applications import application, condition, failed
from tests.argocd.caller import GENERATE_PATHS, RequestError
from tests.argocd.trees import CMP, PATH, SHOP

if TYPE_CHECKING:
    from pathlib import Path

    from tests.argocd.git import Repository
    from tests.argocd.kube import Object
    from tests.argocd.services import RepoServer
    from tests.argocd.world import ArgoCD

pytestmark = pytest.mark.every_argocd
TWO_CLUSTERS: dict[str, str | bytes | None] = {
    **SHOP,
    "cmp.yaml": CMP.replace("clusters:\n", 'clusters:\n  prod: {kubeVersion: "1.34"}\n'),
    "clusters/prod/shop/prod-values.yaml": "",
}
RELEASE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: release}
data: {name: "{{ .Release.Name }}", namespace: "{{ .Release.Namespace }}"}
"""
FROM_THE_ROOT = (
    "from the root: /cmp.yaml;/namespaces;/clusters in the reference layout, or / for everything; "
    "Argo CD keeps this error cached until a hard refresh; see operations.md#configuration"
)
VALUES_OF_DEV = f"{PATH}/dev-values.yaml"


@pytest.fixture(scope="module")
def narrow(argocd: ArgoCD) -> RepoServer:
    """Return a repo-server that sends only what the annotation of an Application names, and nothing of Git's own."""
    return argocd.repo_server_with("--plugin-use-manifest-generate-paths", "--plugin-tar-exclude=.git")


@pytest.fixture(scope="module")
def trusting(argocd: ArgoCD) -> RepoServer:
    """Return a repo-server that lets links lead out of a repository."""
    return argocd.repo_server_with(ARGOCD_REPO_SERVER_ALLOW_OUT_OF_BOUNDS_SYMLINKS="true")


@pytest.mark.parametrize("paths", ["", "/cmp.yaml;/namespaces;/clusters", ".;../../../namespaces/shop", "/"])
def test_an_annotation_that_names_the_common_values_is_enough(
    argocd: ArgoCD, repository: Repository, narrow: RepoServer, paths: str
) -> None:
    repository.commit(SHOP)

    assert greeting(argocd, annotated(repository, paths), narrow) == "hello"


@pytest.mark.parametrize("paths", [".", "/clusters"])
def test_one_that_leaves_them_out_is_named_by_the_error(
    argocd: ArgoCD, repository: Repository, narrow: RepoServer, paths: str
) -> None:
    repository.commit(SHOP)

    with pytest.raises(RequestError) as refused:
        argocd.manifests(annotated(repository, paths), server=narrow)
    assert three_lines(str(refused.value)) == [
        f"cmp: only a part of the repository arrived: the working directory does not end in the source path {PATH}",
        "  where: phase layout",
        f"  hint: name everything the application uses in the annotation {GENERATE_PATHS}, {FROM_THE_ROOT}",
    ]


def test_a_tree_below_the_root_needs_the_root_in_the_annotation(
    argocd: ArgoCD, repository: Repository, narrow: RepoServer
) -> None:
    repository.commit({f"deploy/{path}": content for path, content in SHOP.items()})
    app = application("below", repository.url, f"deploy/{PATH}", annotations={GENERATE_PATHS: "/deploy"})

    with pytest.raises(RequestError, match="only a part of the repository arrived"):
        argocd.manifests(app, server=narrow)

    app["metadata"]["annotations"][GENERATE_PATHS] = "/"
    assert greeting(argocd, app, narrow) == "hello"


def test_a_sidecar_of_one_cluster_refuses_another(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit(TWO_CLUSTERS)
    with argocd.sidecar("cmp-dev", CMP_CLUSTER="dev"):
        argocd.apply(
            application("locked-dev", repository.url, "namespaces/shop", plugin="cmp-dev"),
            application("locked-prod", repository.url, "clusters/prod/shop", plugin="cmp-dev"),
        )
        argocd.wait("locked-dev")
        locked = argocd.wait("locked-prod", failed("two clusters"))

    assert three_lines(condition(locked)) == [
        "cmp: two clusters are asked for: prod by the source path clusters/prod/shop, dev by CMP_CLUSTER",
        "  where: phase layout",
        "  hint: they must agree; only one of the clusters can be rendered; see operations.md#configuration",
    ]
    assert argocd.kube.find("ConfigMap", "shop", "locked-prod") is None


def test_links_inside_the_repository_are_followed(argocd: ArgoCD, repository: Repository) -> None:
    repository.commit({**SHOP, "shared/values.yaml": "greeting: shared\n"})
    link(repository, VALUES_OF_DEV, "../../../shared/values.yaml")
    assert greeting(argocd, application("linked", repository.url, PATH)) == "shared"

    link(repository, "namespaces/outlet", "shop")
    link(repository, "clusters/dev/outlet", "shop")
    assert greeting(argocd, application("linked", repository.url, "clusters/dev/outlet")) == "shared"


@pytest.mark.parametrize(
    ("up", "refusal"),
    [
        ("", "is neither a file nor a link to one"),
        ("../../../../", "illegal filepath in symlink|path escapes from parent"),  # of Argo CD 3.2, and of 3.6
    ],
    ids=["absolute", "relative"],
)
def test_no_link_leads_out(  # what leaves the repository arrives nowhere, even if the administrator allows it
    argocd: ArgoCD, repository: Repository, trusting: RepoServer, tmp_path: Path, up: str, refusal: str
) -> None:
    (tmp_path / "outside.yaml").write_text("greeting: from outside\n")
    repository.commit(SHOP)
    link(repository, VALUES_OF_DEV, f"{up}outside.yaml" if up else str(tmp_path / "outside.yaml"))
    app = application("leaving", repository.url, PATH)

    with pytest.raises(RequestError, match=f"out-of-bounds symlinks. file: {VALUES_OF_DEV}"):
        argocd.manifests(app)
    with pytest.raises(RequestError, match=refusal) as refused:
        argocd.manifests(app, server=trusting)
    assert "from outside" not in str(refused.value)


def test_an_application_of_another_namespace_is_released_under_its_own_name(
    argocd: ArgoCD, repository: Repository
) -> None:
    repository.commit({**SHOP, "namespaces/shop/templates/release.yaml": RELEASE})
    argocd.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-orders"}})
    argocd.apply(application("till", repository.url, PATH, namespace="team-orders", to="tills"))

    argocd.wait("team-orders/till")

    assert argocd.kube.get("ConfigMap", "release", "tills")["data"] == {"name": "till", "namespace": "tills"}


def annotated(repository: Repository, paths: str) -> Object:
    return application("annotated", repository.url, PATH, annotations={GENERATE_PATHS: paths} if paths else {})


def greeting(argocd: ArgoCD, app: Object, server: RepoServer | None = None) -> str:
    (found,) = argocd.manifests(app, server=server)
    return str(found["data"]["greeting"])


def three_lines(text: str) -> list[str]:
    """Return what cmp itself said, without what Argo CD puts before it."""
    return text.partition("failed exit status 3: ")[2].splitlines()


def link(repository: Repository, path: str, to: str) -> None:
    """Commit a symbolic link."""
    (repository.folder / path).unlink(missing_ok=True)
    (repository.folder / path).symlink_to(to)
    repository.commit()
