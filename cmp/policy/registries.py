"""Where well-known registries and repositories keep archives: the hosts that they lead to are allowed with them.

Sources: "Firewall rules" or "allowed domains" in the documentation of GitHub (meta API: `domains.packages`,
`domains.actions`), Docker ("Allowlist for Docker Desktop"), Quay ("Quay.io endpoints"), GitLab ("Mirror and registry
domains"), Microsoft ("Client firewall rules" of MCR), Bitnami (its index names Docker Hub).  A host that many share and
anybody may fill, such as a storage service of a cloud, is in no entry: an administrator lists it.
"""

from __future__ import annotations

from cmp.policy import hosts

_GITHUB = ("objects.githubusercontent.com", "release-assets.githubusercontent.com", "codeload.github.com")
_DOCKER = ("production.cloudflare.docker.com", "production.cloudfront.docker.com", "auth.docker.io")

# Each row: a host as a policy would list it -> those to which it may lead.
BELONGS: dict[str, tuple[str, ...]] = {
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


def belongs(url: str, led_by: str) -> bool:
    """Say whether a URL leads to where the host of another one is known to keep its archives."""
    return any(hosts.is_listed(url, found) for host, found in BELONGS.items() if hosts.is_listed(led_by, (host,)))
