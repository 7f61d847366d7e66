"""Build the tested Argo CDs, each with the Kubernetes that it requires, for the tests in tests/argocd.

Each program is installed at FOLDER/argocd/<version of Argo CD>/<name>, and beside them the folder `manifests` of Argo
CD's source, and `wrappers`, the scripts that a repo-server runs.  The first build of a version downloads about 1 GB of
Go modules and takes ten minutes or more.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

from cmp.system.locks import single_flight
from scripts.build_once import SECONDS, Go, build_once, digest_of
from tests.support.versions import ARGOCD as VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.context import Context

ETCD_VERSION = "3.5.21"
ARGOCD = "github.com/argoproj/argo-cd/v3"
ETCD = "go.etcd.io/etcd/server/v3"
SCRIPTS = os.path.dirname(os.path.abspath(__file__))
CALLER = os.path.join(os.path.dirname(SCRIPTS), "tests", "argocd", "caller")
WRAPPERS = ("git-verify-wrapper.sh", "gpg-wrapper.sh")  # of the folder `hack`; Argo CD's image has them on PATH
RECIPE = (os.path.join(SCRIPTS, "build_argocd.py"), os.path.join(SCRIPTS, "build_once.py"))


class Program(NamedTuple):
    """A program of a module.

    `ldflags` may hold `{argocd}`, the version of Argo CD, and `{kubernetes}`, the version that this requires.
    """

    name: str
    package: str
    ldflags: str = ""


_KUBERNETES = "-X k8s.io/component-base/version.gitVersion={kubernetes}"
ARGOCD_PROGRAMS = (
    Program("argocd", f"{ARGOCD}/cmd", f"-X {ARGOCD}/common.version={{argocd}}"),
    Program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", _KUBERNETES),
    Program("kubectl", "k8s.io/kubernetes/cmd/kubectl", _KUBERNETES),
    Program("caller", "./caller"),
)
ETCD_PROGRAMS = (Program("etcd", ETCD),)


def folder_in(test_tools: str, version: str) -> str:
    """Return the folder of the programs of a version of Argo CD."""
    return os.path.join(test_tools, "argocd", version)


def build(context: Context) -> None:
    """Build what is missing."""
    for version in VERSIONS:
        folder = folder_in(context.settings.tools_dir, version)
        _build_all(_Module(context, version, os.path.join(folder, "src-etcd"), _prepare_etcd), ETCD_PROGRAMS)
        _build_all(_Module(context, version, os.path.join(folder, "src-argocd"), _prepare_argocd), ARGOCD_PROGRAMS)


def _build_all(module: _Module, programs: tuple[Program, ...]) -> None:
    with single_flight(f"{module.folder}.lock", SECONDS):
        for program in programs:
            source = digest_of(*RECIPE, *([CALLER] if program.name == "caller" else []))
            build_once(os.path.join(os.path.dirname(module.folder), program.name), source, module.builder(program))
        module.close()


class _Module:
    """A throw-away module: it requires the programs' module, and is prepared when the first program is built."""

    def __init__(self, context: Context, version: str, folder: str, prepare: Callable[[Go, str, str], str]) -> None:
        self.folder = folder
        self._version = version
        self._context = context
        self._prepare = prepare
        self._go: Go | None = None
        self._kubernetes = ""

    def builder(self, program: Program) -> Callable[[str], None]:
        """Return what builds a program as a path."""

        def build(output: str) -> None:
            go = self._go or self._prepared()
            ldflags = program.ldflags.format(argocd=self._version, kubernetes=self._kubernetes)
            go.build(program.package, output, "-mod=mod", "-ldflags", f"-s -w {ldflags}")

        return build

    def close(self) -> None:
        """Remove the module."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _prepared(self) -> Go:
        what = f"{os.path.basename(self.folder).removeprefix('src-')} for Argo CD {self._version}"
        self._context.log.plain(f"make: building {what}, which takes minutes the first time")
        self.close()  # of a build that was ended
        os.makedirs(self.folder)
        self._go = Go(self._context, self.folder)
        self._go.run("mod", "init", "build")
        self._kubernetes = self._prepare(self._go, self.folder, self._version)
        return self._go


def _prepare_etcd(go: Go, _folder: str, _version: str) -> str:
    go.run("mod", "edit", "-require", f"{ETCD}@v{ETCD_VERSION}")
    return ""


def _prepare_argocd(go: Go, folder: str, version: str) -> str:
    """Require Argo CD with its own replacements, as only a main module's count; return the version of Kubernetes."""
    source = f"{ARGOCD}@v{version}"
    found = json.loads(go.run("mod", "download", "-json", source))
    go.run("mod", "edit", "-require", source)
    for replaced in json.loads(go.run("mod", "edit", "-json", found["GoMod"]))["Replace"]:
        old, new = replaced["Old"]["Path"], replaced["New"]
        # A module in a folder of Argo CD's source is published beside it, with its version: gitops-engine, in 3.6.
        is_folder = new["Path"].startswith("./")
        go.run(
            "mod",
            "edit",
            "-replace",
            f"{old}={old}@v{version}" if is_folder else f"{old}={new['Path']}@{new['Version']}",
        )
    shutil.copytree(CALLER, os.path.join(folder, "caller"))
    _publish_manifests(os.path.join(found["Dir"], "manifests"), os.path.join(os.path.dirname(folder), "manifests"))
    _publish_wrappers(os.path.join(found["Dir"], "hack"), os.path.join(os.path.dirname(folder), "wrappers"))
    return go.run("list", "-mod=mod", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes").strip()


def _publish_wrappers(source: str, target: str) -> None:
    os.makedirs(target, exist_ok=True)
    for name in WRAPPERS:
        path = os.path.join(target, name)
        shutil.copyfile(os.path.join(source, name), f"{path}.new")
        os.chmod(f"{path}.new", 0o700)  # a module has no executable files
        os.rename(f"{path}.new", path)


def _publish_manifests(source: str, target: str) -> None:
    if not os.path.isdir(target):
        shutil.rmtree(f"{target}.new", ignore_errors=True)
        # Go keeps its modules read-only, which a copy need not be.
        for parent, _, names in os.walk(source):
            copied = os.path.join(f"{target}.new", os.path.relpath(parent, source))
            os.makedirs(copied)
            for name in names:
                shutil.copyfile(os.path.join(parent, name), os.path.join(copied, name))
        os.rename(f"{target}.new", target)
