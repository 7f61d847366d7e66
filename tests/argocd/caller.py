"""Requests to a repo-server or to a plugin's socket as Argo CD's own processes send them, by the program `caller`."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.argocd.installation import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.argocd.kube import Object

KUBE_VERSION = "1.34"
"""What requests say of the cluster: as the inventory of the trees does, whatever the API server is."""

GENERATE_PATHS = "argocd.argoproj.io/manifest-generate-paths"


class Answer(NamedTuple):
    """The answer to the last of a request's rounds, and the time that each took."""

    answer: dict[str, Any]
    milliseconds: list[float]


class RequestError(Exception):
    """The request failed; the text is what the server said."""


def request(
    app: Object, *, kube_version: str = KUBE_VERSION, api_versions: Sequence[str] = (), use_cache: bool = False
) -> dict[str, Any]:
    """Return what the application-controller asks for an Application; without the cache, as in a hard refresh."""
    spec, metadata = app["spec"], app["metadata"]
    return {
        "application": _instance_name(metadata),
        "source": spec["source"],
        "project": spec["project"],
        "namespace": spec["destination"].get("namespace", ""),
        "kubeVersion": kube_version,
        "apiVersions": list(api_versions),
        "noCache": not use_cache,
        "generatePaths": metadata.get("annotations", {}).get(GENERATE_PATHS, ""),
    }


def _instance_name(metadata: Mapping[str, Any]) -> str:
    name, namespace = metadata["name"], metadata["namespace"]
    return str(name) if namespace == NAMESPACE else f"{namespace}_{name}"


def manifests_of(answer: Answer) -> list[Object]:
    """Return the objects that a repo-server made."""
    return [json.loads(text) for text in answer.answer.get("manifests", [])]


def call(program: Path, verb: str, body: Mapping[str, Any]) -> list[Answer]:
    """Do all requests of a call, in order and `rounds` times, over one connection; RequestError for the first failure.

    `verb` is ``manifests``, ``details`` or ``socket``; tests/argocd/caller holds what a body may contain.
    """
    done = subprocess.run([program, verb], input=json.dumps(body).encode(), env={}, capture_output=True, check=False)
    if done.returncode != 0:
        raise RequestError(done.stderr.decode().strip())
    return [Answer(each["answer"], each["milliseconds"]) for each in json.loads(done.stdout)]
