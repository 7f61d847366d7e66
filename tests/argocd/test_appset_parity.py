"""ApplicationSets of all kinds: the real controller makes the Applications that cmp says it would."""

from __future__ import annotations

import os
import signal
from base64 import b64decode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from cmp.model import Cluster
from tests.argocd import appsets
from tests.argocd.appsets import CLUSTERS
from tests.argocd.installation import CLUSTER, NAMESPACE, cluster_secret
from tests.support.leaks import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.argocd.kube import Object
    from tests.argocd.world import ArgoCD

pytestmark = pytest.mark.every_argocd
HELM = "3.18.6"
NOT_ALL_CREATED = ("list-duplicates", "list-one-refused", "list-no-project")  # an error there, but the others go on


class Outcome(NamedTuple):
    """The Applications of a set by their names, and whether the set has an error."""

    failed: bool
    applications: dict[str, Any]


class Both(NamedTuple):
    """The outcomes of all sets, by the controller and by cmp; `older` are those that a newer controller changed."""

    real: dict[str, Outcome]
    read: dict[str, Outcome]
    older: frozenset[str]


@pytest.fixture(scope="module")
def outcomes(argocd: ArgoCD, tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Return both for all sets, of which the controller gets all at once."""
    repository = argocd.repository()
    repository.commit(tree=appsets.TREE)
    sets = list(appsets.sets(repository.url))
    with _asleep(argocd.controller.pid):
        try:
            argocd.apply(*(_secret(argocd, cluster) for cluster in CLUSTERS))
            inventory = _inventory(argocd)
            argocd.apply(*sets)
            wait_until(lambda: _is_done(argocd), seconds=60)
            real = _real(argocd)
        finally:
            _remove(argocd)
    folder, helm = tmp_path_factory.mktemp("sets"), f"{tools_dir}/helm/{HELM}/helm"
    read = {
        each.name: Outcome(each.error is not None, {_name(one): _said(one) for one in each.applications})
        for each in appsets.read(
            folder, sets, inventory, helm, (repository.folder, repository.url), argocd.programs.version
        )
    }
    older = frozenset(name for name, since in appsets.SINCE.items() if not argocd.programs.is_since(since))
    return Both(real, read, older)


@pytest.mark.parametrize("name", appsets.specs(*appsets.EXPANDED))
def test_the_applications_are_those_of_the_controller(outcomes: Both, name: str) -> None:
    read, real = outcomes.read[name], outcomes.real[name]
    if name in outcomes.older:
        assert read == real
    else:
        assert read == real._replace(failed=False)
        assert real.failed == (name in NOT_ALL_CREATED)


@pytest.mark.parametrize("name", appsets.specs(appsets.FAILING))
def test_what_is_an_error_there_is_one_here(outcomes: Both, name: str) -> None:
    assert outcomes.real[name] == Outcome(failed=True, applications={})
    assert outcomes.read[name] == Outcome(failed=True, applications={})


@pytest.mark.parametrize("name", appsets.specs(appsets.CLOSED))
def test_what_cannot_be_known_here_is_an_error(outcomes: Both, name: str) -> None:
    if name in outcomes.older:
        assert outcomes.read[name] == outcomes.real[name]
    else:
        assert outcomes.real[name].applications
        assert outcomes.read[name] == Outcome(failed=True, applications={})


@contextmanager
def _asleep(pid: int) -> Iterator[None]:
    """Let the application controller sleep: it would compare the Applications with clusters that do not exist."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _secret(argocd: ArgoCD, cluster: Cluster) -> Object:
    name = cluster.name.lower().replace("_", "-")
    secret = cluster_secret(argocd.kube, name, cluster.server, cluster.labels, cluster.annotations)
    return {**secret, "stringData": {**secret["stringData"], "name": cluster.name}}


def _inventory(argocd: ArgoCD) -> list[Cluster]:
    """Return the clusters that Argo CD knows: also those of other tests."""
    selected = ",".join(f"{key}={value}" for key, value in CLUSTER.items())
    return [_cluster(secret) for secret in argocd.kube.list("Secret", NAMESPACE, selected)]


def _cluster(secret: Object) -> Cluster:
    data = {key: b64decode(value).decode() for key, value in secret["data"].items()}
    labels = {key: value for key, value in secret["metadata"]["labels"].items() if key not in CLUSTER}
    return Cluster(data["name"], "", (), data["server"], labels, secret["metadata"].get("annotations", {}))


def _sets(argocd: ArgoCD) -> list[Object]:
    names = appsets.specs(*appsets.EXPANDED, appsets.FAILING, appsets.CLOSED)
    return [each for each in argocd.kube.list("ApplicationSet", NAMESPACE) if each["metadata"]["name"] in names]


def _is_done(argocd: ArgoCD) -> bool:
    """Return whether the controller has said of all sets what became of them.

    Of those with an Application that it refuses it says so before it makes the others.
    """
    made = _made(argocd)
    return all(
        any(each["status"] == "True" for each in found.get("status", {}).get("conditions", []))
        and (_name(found) not in NOT_ALL_CREATED or _name(found) in made)
        for found in _sets(argocd)
    )


def _made(argocd: ArgoCD) -> dict[str, dict[str, Any]]:
    """Return what is said in the Applications of each set, by their names."""
    made: dict[str, dict[str, Any]] = {}
    for each in argocd.kube.list("Application", NAMESPACE):
        for owner in each["metadata"].get("ownerReferences", []):
            made.setdefault(owner["name"], {})[_name(each)] = _said(each)
    return made


def _real(argocd: ArgoCD) -> dict[str, Outcome]:
    made = _made(argocd)
    return {_name(each): Outcome(_has_error(each), made.get(_name(each), {})) for each in _sets(argocd)}


def _has_error(found: Object) -> bool:
    return any(each["type"] == "ErrorOccurred" and each["status"] == "True" for each in found["status"]["conditions"])


def _name(found: Mapping[str, Any]) -> str:
    return str(found["metadata"]["name"])


def _said(application: Mapping[str, Any]) -> object:
    """Return what an ApplicationSet decides of an Application, without fields that say nothing."""
    kept = {key: application["metadata"].get(key) for key in ("namespace", "labels", "annotations", "finalizers")}
    return _without_nothing({**kept, "spec": application["spec"]})


def _without_nothing(value: object) -> object:
    if isinstance(value, dict):
        inner = {key: item if key == "valuesObject" else _without_nothing(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if key == "automated" or item not in (None, "", 0, [], {})}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def _remove(argocd: ArgoCD) -> None:
    """Remove all that this test has made: nobody else does."""
    sets = [_name(each) for each in _sets(argocd)]
    for name in sets:
        argocd.kube.delete("ApplicationSet", name, NAMESPACE)
    for name in [name for owner, made in _made(argocd).items() if owner in sets for name in made]:
        argocd.kube.patch("Application", name, NAMESPACE, {"metadata": {"finalizers": None}})
        argocd.kube.delete("Application", name, NAMESPACE)
    for cluster in CLUSTERS:
        argocd.kube.delete("Secret", _name(_secret(argocd, cluster)), NAMESPACE)
