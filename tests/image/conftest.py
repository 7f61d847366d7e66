"""The image, built once for each content and run as the Pod of manifests/sidecar runs it; all tests in one worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.argocd.programs import Programs
from tests.image import build
from tests.image.buildah import Buildah
from tests.image.pod import Pod, installation, kustomize, repo_server
from tests.support.harness import AGE_KEY_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY = """\
version: 1
applications:
  - projects: [shop]
    repositories: [https://git.example.com/platform/clusters]
    revisions: [HEAD]
    folders: [namespaces/shop, clusters/*/shop]
"""


class Image(NamedTuple):
    """The image's configuration, and a root file system made of the image."""

    config: dict[str, Any]
    root: Path


@pytest.fixture(scope="session")
def image(tools_dir: str, test_tools_dir: str) -> Iterator[Image]:
    """Return the image of this checkout."""
    folder = Path(test_tools_dir) / "image"
    name = build.build(folder, tools_dir)
    buildah = Buildah(folder)
    with buildah.mounted(name) as root:
        yield Image(buildah.config(name), root)


@pytest.fixture(scope="session")
def specification(tmp_path_factory: pytest.TempPathFactory, test_tools_dir: str) -> dict[str, Any]:
    """Return the Pod of argocd-repo-server of Argo CD's own manifests with our components."""
    programs = Programs.of(test_tools_dir)
    folder = tmp_path_factory.mktemp("installation")
    installation(folder, programs.manifests / "install.yaml", "sidecar", "pgp")
    return repo_server(kustomize(programs.kubectl, folder))


@pytest.fixture
def pod(image: Image, specification: dict[str, Any], tmp_path: Path) -> Pod:
    """Return that Pod with a policy and an age key."""
    contents = {
        "cmp-policy": {"policy.yaml": POLICY.encode()},
        "cmp-age": {"keys.txt": AGE_KEY_FILE.read_bytes()},
    }
    return Pod(specification, tmp_path / "pod", image.root, image.config, contents)
