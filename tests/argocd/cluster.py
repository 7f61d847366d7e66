"""Kubernetes as far as Argo CD needs it: etcd and kube-apiserver.

There are no controllers and no nodes: objects are stored and validated, a Deployment gets no Pods, a Job never ends.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, NamedTuple

from tests.argocd.kube import Kube
from tests.argocd.processes import FEW_COLLECTIONS, PATH, Process, Program, free_ports
from tests.support.servers.authority import create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.argocd.programs import Programs
    from tests.support.servers.authority import Authority

AUDIT = "audit.log"  # of the requests of service accounts, beside the kubeconfig


class Cluster(NamedTuple):
    """Two processes, and the client of an administrator."""

    etcd: Process
    api_server: Process
    kube: Kube


def start(folder: Path, programs: Programs, join: Callable[[Process], Process]) -> Cluster:
    """Start both and return at once: the API server waits for etcd, and a test for the API server."""
    folder.mkdir()
    client, peer, port = free_ports(3)
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    authority = create(folder)
    config = _write_config(folder / "kubeconfig", f"https://127.0.0.1:{port}", token, authority.ca)
    kube = Kube(port, token, authority.ca, programs.kubectl, config)
    logs = folder.parent / "logs"
    etcd = join(Process(_etcd(folder, programs, client, peer), logs, lambda: True))
    api_server = join(Process(_api_server(folder, programs, authority, client, port), logs, kube.is_ready))
    return Cluster(etcd, api_server, kube)


def _etcd(folder: Path, programs: Programs, client: int, peer: int) -> Program:
    clients = f"http://127.0.0.1:{client}"
    argv = (
        str(programs.etcd),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        "--unsafe-no-fsync",
    )
    return Program("etcd", argv, FEW_COLLECTIONS)


# Argo CD comes as the administrator: of its many requests none is logged.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}


def _api_server(folder: Path, programs: Programs, authority: Authority, etcd: int, port: int) -> Program:
    policy = folder / "audit-policy.json"
    policy.write_text(json.dumps(_AUDIT_POLICY))
    argv = (
        str(programs.kube_apiserver),
        f"--audit-policy-file={policy}",
        f"--audit-log-path={folder / AUDIT}",
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        f"--tls-cert-file={authority.certificate}",
        f"--tls-private-key-file={authority.key}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",  # else Kubernetes 1.37 wants another address than that of loopback
        f"--secure-port={port}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        f"--service-account-key-file={authority.certificate}",
        f"--service-account-signing-key-file={authority.key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
    )
    return Program("kube-apiserver", argv, {"HOME": str(folder), "PATH": PATH, **FEW_COLLECTIONS})


def _write_config(path: Path, url: str, token: str, authority: Path) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin", "namespace": "argocd"}}],
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": str(authority)}}],
        "users": [{"name": "admin", "user": {"token": token}}],
    }
    path.write_text(json.dumps(config))
    return path
