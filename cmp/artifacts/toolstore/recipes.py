"""Recipes: the release download and the Go module of each tool, as data.

Texts may hold `{version}` (`3.18.6`), `{os}` and `{arch}` (Go's words).  The names of release files are those that each
project publishes; Go packages are built by cmp/artifacts/toolstore/gobuild.py, with those linker flags of the projects'
own builds that change their output, so that both ways render the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.toolstore import platform, version_problem
from cmp.errors import ToolError

if TYPE_CHECKING:
    from cmp.model import ToolPin


class UnavailableError(Exception):
    """One way of obtaining a tool fails for now; another way may succeed, or what the `hint` says."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


class Release(NamedTuple):
    """A download: `url` of a `.tar.gz` that holds the program as `member`, or of the program itself (`member` empty).

    `checksums` is the URL of the published text file of `sha256  name` lines.
    """

    url: str
    checksums: str
    member: str = ""


class GoModule(NamedTuple):
    """A Go module, the path of the program's package, and the variables that the linker sets.

    `ldflags` sets the version that the program reports.  `kube_variables` are the variables, without their suffix
    `Major` or `Minor`, that get the Kubernetes version of the `k8s.io/client-go` which the module requires: charts see
    it where they are rendered for no particular cluster.
    """

    module: str
    package: str
    ldflags: str = ""
    kube_variables: tuple[str, ...] = ()


class Recipe(NamedTuple):
    """The source of one version of a tool: every `{…}` is filled in; `release` is None where there is no download."""

    name: str
    version: str
    release: Release | None
    go: GoModule


class ToolSource(NamedTuple):
    """The source of the versions of a tool that start with one of `versions`; the first one that fits counts."""

    name: str
    versions: tuple[str, ...]
    release: Release | None
    go: GoModule


def _github(repository: str, tag: str, asset: str, *, checksums: str, member: str = "") -> Release:
    folder = f"https://github.com/{repository}/releases/download/{tag}"
    return Release(f"{folder}/{asset}", f"{folder}/{checksums}", member)


def _helm(version: str, module: str, *kube_variables: str) -> ToolSource:
    archive = "https://get.helm.sh/helm-v{version}-{os}-{arch}.tar.gz"
    return ToolSource(
        name="helm",
        versions=(version,),
        release=Release(archive, checksums=f"{archive}.sha256sum", member="{os}-{arch}/helm"),
        go=GoModule(
            module,
            f"{module}/cmd/helm",
            ldflags=f"-X {module}/internal/version.version=v{{version}}",
            kube_variables=tuple(f"{module}/{variable}" for variable in kube_variables),
        ),
    )


def _kustomize(major: str) -> ToolSource:
    module = f"sigs.k8s.io/kustomize/kustomize/v{major}"
    return ToolSource(
        name="kustomize",
        versions=(f"{major}.",),
        release=_github(
            "kubernetes-sigs/kustomize",
            "kustomize%2Fv{version}",
            "kustomize_v{version}_{os}_{arch}.tar.gz",
            checksums="checksums.txt",
            member="kustomize",
        ),
        go=GoModule(module, module),
    )


_GATEKEEPER = "github.com/open-policy-agent/gatekeeper/v3"

SOURCES: tuple[ToolSource, ...] = (
    ToolSource(
        name="cue",
        versions=("0.",),
        release=_github(
            "cue-lang/cue",
            "v{version}",
            "cue_v{version}_{os}_{arch}.tar.gz",
            checksums="checksums.txt",
            member="cue",
        ),
        go=GoModule("cuelang.org/go", "cuelang.org/go/cmd/cue"),
    ),
    ToolSource(
        name="gator",
        versions=("3.",),
        release=_github(
            "open-policy-agent/gatekeeper",
            "v{version}",
            "gator-v{version}-{os}-{arch}.tar.gz",
            checksums="sha256sums.txt",
            member="gator",
        ),
        go=GoModule(
            _GATEKEEPER,
            f"{_GATEKEEPER}/cmd/gator",
            ldflags=f"-X {_GATEKEEPER}/pkg/version.Version=v{{version}}",
        ),
    ),
    _helm("3.", "helm.sh/helm/v3", "pkg/chartutil.k8sVersion"),
    # The release of 4.0.0 tells charts Kubernetes 1.20, by a mistake in its build (helm/helm#31508); so must ours.
    _helm("4.0.0", "helm.sh/helm/v4", "internal/version.kubeClientVersion"),
    _helm("4.", "helm.sh/helm/v4", "internal/version.kubeClientVersion", "pkg/chart/common.k8sVersion"),
    ToolSource(
        name="helmfile",
        versions=("1.",),
        release=_github(
            "helmfile/helmfile",
            "v{version}",
            "helmfile_{version}_{os}_{arch}.tar.gz",
            checksums="helmfile_{version}_checksums.txt",
            member="helmfile",
        ),
        go=GoModule("github.com/helmfile/helmfile", "github.com/helmfile/helmfile"),
    ),
    _kustomize("3"),
    _kustomize("4"),
    _kustomize("5"),
    ToolSource(
        name="sops",
        versions=("3.",),
        release=_github(
            "getsops/sops",
            "v{version}",
            "sops-v{version}.{os}.{arch}",
            checksums="sops-v{version}.checksums.txt",
        ),
        go=GoModule("github.com/getsops/sops/v3", "github.com/getsops/sops/v3/cmd/sops"),
    ),
)


def recipe(pin: ToolPin, sources: tuple[ToolSource, ...] = SOURCES) -> Recipe:
    """Return the recipe of a pin for this machine; ToolError for an unknown tool or a version that is no release."""
    known = [source for source in sources if source.name == pin.name]
    if not known:
        names = ", ".join(sorted({source.name for source in sources}))
        raise ToolError(f"there is no recipe for a tool {pin.name!r}; there are: {names}")
    if problem := version_problem(pin.version):
        raise ToolError(f"{pin.name} {pin.version} {problem}")
    source = next((source for source in known if pin.version.startswith(source.versions)), None)
    if source is None:
        starts = ", ".join(start for source in known for start in source.versions)
        raise ToolError(f"there is no recipe for {pin.name} {pin.version}; its versions start with: {starts}")
    system, arch = platform()

    def filled(text: str) -> str:
        return text.format(version=pin.version, os=system, arch=arch)

    release = source.release and Release(
        url=filled(source.release.url),
        checksums=filled(source.release.checksums),
        member=filled(source.release.member),
    )
    return Recipe(pin.name, pin.version, release=release, go=source.go._replace(ldflags=filled(source.go.ldflags)))
