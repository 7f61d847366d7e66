"""Sources without a plugin: `cmp render --application` prints what the repo-server makes of them, or both refuse.

The cases are data, in tests/argocd/builtin.  Each is asked of a repo-server whose tools are those of the set-up, and
rendered with the same ones, which `preview.argocd` names.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from cmp.errors import InternalError
from examples import chartserver
from tests.argocd import caller
from tests.argocd.builtin import CHARTS, TREE, VALUES, Case, Urls, cases
from tests.argocd.processes import PATH
from tests.support.harness import Sandbox
from tests.support.servers.charts import ChartRepository
from tests.support.versions import DEFAULT_HELM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.argocd.git import Repository
    from tests.argocd.kube import Object
    from tests.argocd.services import RepoServer
    from tests.argocd.world import ArgoCD

TOOLS = {"3.2.6": {"helm": "3.18.6", "kustomize": "5.7.1"}, "3.6.1": {"helm": "4.3.2", "kustomize": "5.8.2"}}
CASES = cases()


class Judge(NamedTuple):
    """A repo-server of one version with tools of the set-up, and the repository of all cases."""

    argocd: ArgoCD
    server: RepoServer
    repository: Repository
    urls: Urls
    sandbox: Sandbox

    @property
    def version(self) -> str:
        """The version of the Argo CD."""
        return self.argocd.programs.version

    def theirs(self, case: Case) -> list[Object] | None:
        """Return the objects that the repo-server makes of all sources; None where it refuses one."""
        made: list[Object] = []
        try:
            for request in case.requests(self.urls, self.version):
                made += caller.manifests_of(self.argocd.ask("manifests", request, server=self.server)[0])
        except caller.RequestError:
            return None
        return made

    def ours(self, case: Case) -> list[Object] | None:
        """Return the objects that cmp renders; None where it refuses the Application, by an error of its own."""
        settings = {"version": self.version, **TOOLS[self.version], "buildOptions": case.build_options}
        config = {"version": 1, "preview": {"argocd": settings}}
        files = {"cmp.yaml": config, "application.yaml": case.application(self.urls)}
        for name, content in files.items():
            (self.repository.folder / name).write_text(json.dumps(content))
        argv = ("--application", "application.yaml", "--kube-version", caller.KUBE_VERSION, "--output", "json")
        ran = self.sandbox.run("render", *argv, cwd=self.repository.folder)
        for name in files:
            (self.repository.folder / name).unlink()
        assert ran.code != InternalError.exit_code, ran.stderr
        return None if ran.code else [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture(scope="module")
def judge(argocd: ArgoCD, tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    programs = [f"{tools_dir}/{name}/{version}" for name, version in TOOLS[argocd.programs.version].items()]
    path = ":".join([*programs, str(argocd.programs.wrappers), PATH])
    repository = argocd.repository()
    repository.commit(tree=TREE)
    folder: Path = tmp_path_factory.mktemp("judge")
    helm = Path(tools_dir) / "helm" / DEFAULT_HELM / "helm"
    with ChartRepository(chartserver.package(CHARTS, folder / "archives", helm)) as charts:
        charts.files["/values.yaml"] = VALUES
        urls = Urls(repository.url, charts.url)
        server = argocd.repo_server_with(PATH=path)
        yield Judge(argocd, server, repository, urls, Sandbox(folder / "sandbox", tools_dir))


@pytest.mark.every_argocd
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_source_is_rendered_as_by_argo_cd(judge: Judge, case: Case) -> None:
    theirs, ours = judge.theirs(case), judge.ours(case)

    assert normal(ours) == normal(theirs)
    assert (theirs is None) == case.is_refused_by(judge.version)


def test_there_are_cases_of_every_field() -> None:
    from cmp.argocd.source import DIRECTORY, HELM, KUSTOMIZE  # noqa: PLC0415

    blocks = {"helm": HELM, "kustomize": KUSTOMIZE, "directory": DIRECTORY}
    used: dict[str, set[str]] = {name: set() for name in blocks}
    for case in CASES:
        for source in case.sources(Urls("", "")):
            for name in blocks:
                used[name] |= {*source.get(name, {})}

    assert {name: [*sorted({*spec.known} - used[name])] for name, spec in blocks.items()} == {
        "helm": [],
        "kustomize": ["version"],  # the repo-server takes a path of this machine: unit tests of the resolver have it
        "directory": ["jsonnet"],  # it is not evaluated
    }


def normal(objects: list[Object] | None) -> list[str] | None:
    """Return objects in one order, of those with one name the last, as the application-controller takes them."""
    if objects is None:
        return None
    last: dict[Any, Object] = {}
    for index, one in enumerate(objects):
        metadata = one.get("metadata") or {}
        name = metadata.get("name")
        group = str(one.get("apiVersion", "")).rpartition("/")[0]
        last[(group, one.get("kind"), metadata.get("namespace"), name) if name else index] = one
    return sorted(json.dumps(one, sort_keys=True) for one in last.values())
