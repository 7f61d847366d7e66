"""An application that a fault strikes: Synced before, with the sync policy that deletes whatever is not rendered."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from tests.argocd.applications import application, condition, failed, is_busy
from tests.argocd.installation import NAMESPACE
from tests.argocd.trees import PATH, SHOP
from tests.support import operations_page
from tests.support.keys import RECIPIENT, encrypt, sops_tool
from tests.support.leaking_application import forms
from tests.support.leaks import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.argocd.applications import Value
    from tests.argocd.kube import Object
    from tests.argocd.world import ArgoCD

APP = "namespaces/shop"
SEALED = f"{APP}/common-values.secret.yaml"
CHART = f"{APP}/Chart.yaml"
FIRST, SECOND = f"{APP}/templates/first.yaml", f"{APP}/templates/second.yaml"
CACHED = "Manifest generation error (cached)"
ATTEMPTS = 3  # failed ones, after which Argo CD answers from its cache for an hour
SETTLE_SECONDS = 30.0
CLOCK_SECONDS = 2.0  # so much older may a file be than it says: the kernel stamps it with the time of its last tick

PAIR = """\
{{{{- if .Values.greeting }}}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}-a
data:
  {{{{- if .Values.greeting }}}}
  greeting: {{{{ .Values.greeting }}}}
  {{{{- end {glue}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}-b
{{{{- end }}}}
"""
SECRET = """\
{{- if .Values.greeting }}
apiVersion: v1
kind: Secret
metadata: {name: shop}
data: {password: {{ .Values.password | b64enc }}}
{{- end }}
"""
TREE: Mapping[str, str | bytes | None] = {
    **SHOP,
    f"{APP}/templates/map.yaml": SECRET,
    FIRST: PAIR.format(name="first", glue=""),
    SECOND: PAIR.format(name="second", glue=""),
}
"""Four ConfigMaps and a Secret; nothing at all without a greeting."""
OBJECTS = {"ConfigMap first-a", "ConfigMap first-b", "ConfigMap second-a", "ConfigMap second-b", "Secret shop"}


PASSWORD = "‹password›"
LAYER = f"password: {PASSWORD}\n"


def seal(argocd: ArgoCD, password: str, recipient: str = RECIPIENT, text: str = LAYER) -> bytes:
    """Return a YAML file with a password, encrypted by the real sops for the key of the sidecars or another."""
    tool = sops_tool(argocd.cmp.sandbox.tools_dir)
    with TemporaryDirectory() as folder:
        plain = text.replace(PASSWORD, json.dumps(password))
        return encrypt(tool, Path(folder, "layer.yaml"), plain, "--age", recipient)


class Content(NamedTuple):
    """A healthy repository: its files in clear, and of the sealed one the path and the text, with PASSWORD in it."""

    files: Mapping[str, str | bytes | None]
    sealed: str = SEALED
    text: str = LAYER
    objects: frozenset[str] = frozenset(OBJECTS)


class Victim:
    """An Application, its repository, and what it has in the cluster.

    `unspoken` is the password of the commit that brings the fault: as long as that is there it has never been rendered
    with success, so that it may be nowhere at all.
    """

    def __init__(
        self,
        argocd: ArgoCD,
        name: str,
        *,
        plugin: str = "cmp",
        files: Mapping[str, str | bytes | None] | None = None,
        parameters: Mapping[str, Value] | None = None,
        content: Content | None = None,
    ) -> None:
        """Commit a healthy tree, and `files` over it, and wait until all of it is in the cluster."""
        self._content = content or Content(TREE)
        self.argocd = argocd
        self.name = name
        self.plugin = plugin
        self._since = time.time()
        self.unspoken = f"unspoken pass/word+{os.urandom(6).hex()}"  # in base64, in URLs and in JSON another text
        self.repository = argocd.repository()
        sealed = self.seal(f"rendered-{name}")
        self._healthy = {**self._content.files, self._content.sealed: sealed, **(files or {})}
        self.repository.commit(self._healthy)
        argocd.apply(application(name, self.repository.url, PATH, plugin=plugin, parameters=parameters))
        argocd.wait(name)
        self._before = self._state()
        assert self.objects() >= self._content.objects, self.objects()

    def objects(self) -> set[str]:
        """Return the kinds and names of what is in the cluster."""
        return {*self._versions()}

    def seal(self, password: str, recipient: str = RECIPIENT) -> bytes:
        """Return the sealed file with a password."""
        return seal(self.argocd, password, recipient, self._content.text)

    def strike(self, files: Mapping[str, str | bytes | None] | None = None, recipient: str = RECIPIENT) -> None:
        """Commit a fault together with a new password."""
        self.repository.commit({self._content.sealed: self.seal(self.unspoken, recipient), **(files or {})})

    def heal(self) -> None:
        """Commit what was healthy."""
        self.repository.commit({**dict.fromkeys(self._new_files()), **self._healthy})

    def refresh(self, *, hard: bool = False) -> Object:
        """Let it be compared, and return it when Argo CD has done all that it does thereupon."""
        self.argocd.refresh(self.name, hard=hard)
        return self.argocd.wait(self.name, lambda app: not is_busy(app))

    def settle(self) -> None:
        """Refresh it until it is healthy: after a repo-server was killed, perhaps at work, Git may need a moment."""
        wait_until(lambda: not condition(self.refresh(hard=True)), SETTLE_SECONDS)

    def refreshed_condition(self) -> str:
        """Refresh it and return what it shows then."""
        return condition(self.refresh())

    def parameters(self, *parameters: Mapping[str, str]) -> None:
        """Let the Application have these parameters."""
        plugin = {"name": self.plugin, "parameters": parameters}
        self.argocd.kube.patch("Application", self.name, NAMESPACE, {"spec": {"source": {"plugin": plugin}}})

    def annotate(self, key: str, value: str) -> None:
        """Give the Application an annotation."""
        self.argocd.kube.patch("Application", self.name, NAMESPACE, {"metadata": {"annotations": {key: value}}})

    def fail(self) -> list[str]:
        """Refresh it hard and return what the plugin said, a line each, to the condition's end.

        Nothing may have happened to the objects, and docs/operations.md must explain it.
        """
        self.refresh(hard=True)
        app = self.argocd.wait(self.name, failed("exit status"))
        said = condition(app).partition("`cmp generate` failed exit status ")[2].partition(": ")[2].splitlines()
        self.assert_unharmed()
        unexplained = operations_page.find_unexplained(said)
        assert not unexplained, unexplained
        return said

    def exhaust(self) -> None:
        """Refresh it until Argo CD answers from its cache."""
        for _ in range(ATTEMPTS):
            if CACHED in condition(self.refresh()):
                break
        assert CACHED in self.argocd.condition(self.name)
        self.assert_unharmed()

    def assert_unharmed(self) -> None:
        """Assert that no object was deleted, written or added, no sync even tried, and no plaintext shown or left."""
        after = self._state()
        assert after == self._before, f"{self._before} became {after}"
        found = list(places(self.argocd, [self.unspoken], since=self._since))
        assert not found, f"the password is in {found}"

    def _state(self) -> tuple[dict[str, str], str]:
        operation = self.argocd.app(self.name)["status"]["operationState"]
        return self._versions(), operation["startedAt"]

    def _versions(self) -> dict[str, str]:
        return {
            f"{kind} {found['metadata']['name']}": found["metadata"]["resourceVersion"]
            for kind in ("ConfigMap", "Secret")
            for found in self.argocd.kube.list(kind, self.name)
        }

    def _new_files(self) -> Iterator[str]:
        top = self.repository.folder
        for path in (path for path in top.rglob("*") if path.is_file() and ".git" not in path.parts):
            if str(path.relative_to(top)) not in self._healthy:
                yield str(path.relative_to(top))


def places(argocd: ArgoCD, secrets: Iterable[str], *, since: float = 0.0) -> Iterator[str]:
    """Yield every place of a control plane that holds a secret in some form.

    Looked at are the Applications, the Events, all that Redis holds, and every file of the session: logs, work folders,
    caches, states, temporary folders, and etcd.  Files that have not changed `since` a time, in seconds of the epoch,
    are older than the secrets and are not read.
    """
    needles = {form.encode() for secret in secrets for form in forms(secret)}

    def holds(content: bytes) -> bool:
        return any(needle in content for needle in needles)

    for kind in ("Application", "Event"):
        yield from (
            f"{kind} {found['metadata']['name']}"
            for found in argocd.kube.list(kind)
            if holds(json.dumps(found).encode())
        )
    yield from (f"Redis {key}" for key, value in argocd.redis().items() if holds(value))
    for folder, _, names in os.walk(argocd.folder):
        paths = (os.path.join(folder, name) for name in names)
        yield from (path for path in paths if holds(_content(path, since)))


def _content(path: str, since: float) -> bytes:
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_ctime < since - CLOCK_SECONDS:
            return b""
        with open(path, "rb") as file:
            return file.read().rstrip(b"\0")  # etcd makes its files larger than it needs them
    except OSError:  # gone since it was listed: it is not left behind
        return b""
