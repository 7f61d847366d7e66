"""Hosts of chart repositories: the entries of a policy, and the URLs that lead to a listed host.

With some well-known registries and repositories the hosts are allowed where they keep their archives.
"""

from __future__ import annotations

import json
import re

from cmp.schema.spec import Rule, quoted
from cmp.system.urls import PORTS

# Stricter than URLs are: what is read here in one way and by helm in another must match no listed host.
_URL = re.compile(
    r"(?P<scheme>https?|oci)://(?P<name>[a-z0-9][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_ENTRY = re.compile(r"(?P<name>.+?)(?::(?P<port>[0-9]+))?")

_GITHUB = ("objects.githubusercontent.com", "release-assets.githubusercontent.com", "codeload.github.com")
_DOCKER = ("production.cloudflare.docker.com", "production.cloudfront.docker.com", "auth.docker.io")

# Hosts, as a policy would list them, and the hosts where they are known to keep archives.
# Sources: "Firewall rules" or "allowed domains" in the documentation of GitHub (meta API: `domains.packages`,
# `domains.actions`), Docker ("Allowlist for Docker Desktop"), Quay ("Quay.io endpoints"), GitLab ("Mirror and registry
# domains"), Microsoft ("Client firewall rules" of MCR), Bitnami (its index names Docker Hub).  A host that many share
# and anybody may fill, such as a storage service of a cloud, is in no entry: an administrator lists it.
ARCHIVE_HOSTS: dict[str, tuple[str, ...]] = {
    "github.com": (*_GITHUB, "raw.githubusercontent.com", "media.githubusercontent.com"),
    "*.github.io": ("github.com", "raw.githubusercontent.com"),  # chart-releaser: pages with the index, releases
    "raw.githubusercontent.com": ("github.com",),
    "ghcr.io": ("pkg-containers.githubusercontent.com",),
    "quay.io": ("cdn.quay.io", "cdn01.quay.io", "cdn02.quay.io", "cdn03.quay.io"),
    "docker.io": ("registry-1.docker.io", *_DOCKER),
    "registry-1.docker.io": _DOCKER,
    "charts.bitnami.com": ("registry-1.docker.io",),
    "*.gitlab.io": ("gitlab.com",),
    "gitlab.com": ("cdn.registry.gitlab-static.net",),
    "registry.gitlab.com": ("gitlab.com", "cdn.registry.gitlab-static.net"),
    "mcr.microsoft.com": ("*.data.mcr.microsoft.com",),
}


def _explain(text: str) -> str:
    return (
        f"{quoted(text)} is no host: write a name in lower case, such as charts.example.com, *.example.com or "
        "registry.example.com:5000, without a scheme and a path"
    )


HOST = Rule(r"(?:(?:\*\.)?[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?", _explain)


def is_listed(url: str, hosts: tuple[str, ...]) -> bool:
    """Return whether a URL leads to a listed host.

    An entry without a port is for the port of the URL's scheme alone; `*.example.com` is for every name below
    example.com, and not for example.com itself.
    """
    match = _URL.fullmatch(url)
    return match is not None and any(_fits(match, host) for host in hosts)


def is_archive_host(url: str, led_by: str) -> bool:
    """Return whether a URL leads to where the host of another URL is known to keep its archives."""
    return any(is_listed(url, hosts) for host, hosts in ARCHIVE_HOSTS.items() if is_listed(led_by, (host,)))


def shown(url: str) -> str:
    """Return the host of a URL, with its port if it has one, as a policy would list it; else the URL."""
    match = _URL.fullmatch(url)
    if match is None:
        return quoted(url)
    port = f":{int(match['port'])}" if match["port"] and not _has_usual_port(match) else ""
    return f"{match['name'].lower()}{port}"


def redirects_line(hosts: tuple[str, ...]) -> str:
    """Return the line of a policy that lists these hosts; those that YAML reads as something else are quoted."""
    texts = (host if host[0].isalnum() else json.dumps(host) for host in dict.fromkeys(hosts))
    return f"redirects: [{', '.join(texts)}]"


def _fits(url: re.Match[str], host: str) -> bool:
    entry = _ENTRY.fullmatch(host)
    if entry is None or not _fits_name(url["name"].lower(), entry["name"]):
        return False
    return int(entry["port"]) == _port(url) if entry["port"] else _has_usual_port(url)


def _fits_name(name: str, wanted: str) -> bool:
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted


def _has_usual_port(url: re.Match[str]) -> bool:
    return _port(url) == PORTS[url["scheme"].lower()]


def _port(url: re.Match[str]) -> int:
    return int(url["port"] or PORTS[url["scheme"].lower()])
