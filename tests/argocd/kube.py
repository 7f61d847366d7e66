"""A client of the Kubernetes API server: objects by kind, applied by the real kubectl."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Object = dict[str, Any]
"""An object of the API, as JSON."""

TIMEOUT_SECONDS = 30
_MERGE_PATCH = "application/merge-patch+json"
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
        self._tls = ssl.create_default_context(cafile=authority)
        self._paths: dict[str, tuple[str, str, bool]] = {}

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        """Apply objects server-side, in one call; CalledProcessError says on stderr what was refused."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)

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

    def is_ready(self) -> bool:
        """Return whether the server says that it is."""
        try:
            return self.raw("GET", "/readyz") == b"ok"
        except OSError:  # no listener yet, or 500 with what is missing
            return False

    def raw(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        """Send a request and return the answer's body; HTTPError for a refusal."""
        request = urllib.request.Request(  # noqa: S310  # the URL is https
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": _MERGE_PATCH if body else "",
                "Accept": f"{_DISCOVERY},application/json",
            },
        )
        handlers = urllib.request.HTTPSHandler(context=self._tls), urllib.request.ProxyHandler({})
        with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT_SECONDS) as answer:
            content: bytes = answer.read()
        return content

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Object:
        try:
            found: Object = json.loads(self.raw(method, path, body))
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
            message = f"{method} {path}: {error.code} {text}"
            raise (LookupError if error.code == 404 else AssertionError)(message) from None
        return found

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
