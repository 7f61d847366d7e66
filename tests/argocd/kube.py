"""A client of the Kubernetes API server: objects by kind, over a connection that stays open; and the real kubectl."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import weakref
from http.client import HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Object = dict[str, Any]
"""An object of the API, as JSON."""

TIMEOUT_SECONDS = 30
_MERGE_PATCH = "application/merge-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"  # JSON is YAML
_APPLY = "?fieldManager=kubectl&force=true&fieldValidation=Strict"
_NAMESPACE = "argocd"  # that of the configuration of kubectl
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Kube:
    """A client with the token of a cluster administrator.  A kind is a word such as ``ConfigMap``."""

    def __init__(self, port: int, token: str, authority: Path, kubectl: Path, config: Path) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.other_url = f"https://localhost:{port}"  # to Argo CD another cluster
        self.token = token
        self.authority = authority
        self.config = config
        self._kubectl = kubectl
        tls = ssl.create_default_context(cafile=authority)
        self._connection = HTTPSConnection("127.0.0.1", port, context=tls, timeout=TIMEOUT_SECONDS)
        self._turn = threading.Lock()
        weakref.finalize(self, self._connection.close)
        self._paths: dict[str, tuple[str, str, bool]] = {}

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """Apply objects as `kubectl apply --server-side --force-conflicts` does, in order."""
        for manifest in manifests:
            metadata = manifest["metadata"]
            path = f"{self._path(manifest['kind'], metadata.get('namespace', _NAMESPACE))}/{metadata['name']}{_APPLY}"
            self._json("PATCH", path, manifest, _APPLY_PATCH)

    def kubectl(self, *args: str, stdin: str = "") -> str:
        """Run kubectl and return what it printed; AssertionError with its stderr when it fails."""
        done = subprocess.run(
            [self._kubectl, *args],
            env={"KUBECONFIG": str(self.config), "HOME": str(self.config.parent)},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr}"
        return done.stdout

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """Return an object; LookupError when the server has no such object."""
        return self._json("GET", f"{self._path(kind, namespace)}/{name}")

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """Return an object, or None."""
        try:
            return self.get(kind, name, namespace)
        except LookupError:
            return None

    def list(self, kind: str, namespace: str = "", labels: str = "") -> list[Object]:
        """Return the objects of a kind: of all namespaces without `namespace`; `labels` is a selector."""
        query = f"?labelSelector={labels}" if labels else ""
        found = self._json("GET", f"{self._path(kind, namespace)}{query}")
        version = found["apiVersion"]
        return [{"apiVersion": version, "kind": kind, **item} for item in found["items"]]

    def patch(self, kind: str, name: str, namespace: str, patch: Mapping[str, Any]) -> Object:
        """Merge a patch into an object and return the whole."""
        return self._json("PATCH", f"{self._path(kind, namespace)}/{name}", patch)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Ask for the deletion of an object; one that does not exist is no error."""
        try:
            self._json("DELETE", f"{self._path(kind, namespace)}/{name}")
        except LookupError:
            return

    def knows(self, *kinds: str) -> bool:
        """Return whether the server has these kinds by now."""
        self._discover()
        return {*kinds} <= {*self._paths}

    def is_ready(self) -> bool:
        """Return whether the server says that it is."""
        try:
            return self.raw("GET", "/readyz") == b"ok"
        except (OSError, HTTPException, AssertionError):  # no listener yet, or 500 with what is missing
            return False

    def send_yaml(self, path: str, text: str) -> None:
        """Send YAML as it is written; AssertionError for a refusal, LookupError for 404."""
        self._send("POST", path, text.encode(), "application/yaml")

    def raw(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = _MERGE_PATCH
    ) -> bytes:
        """Send a request and return the answer's body; AssertionError for a refusal, LookupError for 404."""
        return self._send(method, path, None if body is None else json.dumps(body).encode(), content_type)

    def _send(self, method: str, path: str, body: bytes | None, content_type: str) -> bytes:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": f"{_DISCOVERY},application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        with self._turn:
            is_new = self._connection.sock is None
            try:
                status, content = self._exchange(method, path, body, headers)
            except (OSError, HTTPException):
                if is_new:
                    raise
                # The server closes a connection that nobody used for a while.
                status, content = self._exchange(method, path, body, headers)
        if status >= 400:
            message = f"{method} {path}: {status} {content.decode()}"
            raise (LookupError if status == 404 else AssertionError)(message)
        return content

    def _json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = _MERGE_PATCH
    ) -> Object:
        found: Object = json.loads(self.raw(method, path, body, content_type))
        return found

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            self._connection.close()
            raise

    def _path(self, kind: str, namespace: str) -> str:
        if kind not in self._paths:
            self._discover()
        prefix, plural, is_namespaced = self._paths[kind]
        return f"{prefix}/namespaces/{namespace}/{plural}" if namespace and is_namespaced else f"{prefix}/{plural}"

    def _discover(self) -> None:
        """Learn where each kind is: of its group the preferred version, of groups with the same kind the first."""
        self._paths = {}
        for root in ("/api", "/apis"):
            for group in self._json("GET", root)["items"]:
                name = group["metadata"].get("name")
                version = group["versions"][0]
                prefix = "/".join(filter(None, (root, name, version["version"])))
                for resource in version["resources"]:
                    where = (prefix, resource["resource"], resource["scope"] == "Namespaced")
                    self._paths.setdefault(resource["responseKind"]["kind"], where)
