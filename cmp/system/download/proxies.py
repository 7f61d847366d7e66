"""Proxies from the usual variables, as Go's programs read them: helm and these downloads take the same way."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from cmp.system.download.connections import DownloadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.system.urls import Origin


class Proxy(NamedTuple):
    """The address of a proxy, and the headers that it wants."""

    host: str
    port: int
    headers: dict[str, str]

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self.port}"


class Proxies:
    """The proxies that an environment names."""

    def __init__(self, env: Mapping[str, str]) -> None:
        def setting(name: str) -> str:
            return env.get(name.lower()) or env.get(name.upper()) or ""

        self._by_scheme = {scheme: setting(f"{scheme}_proxy") or setting("all_proxy") for scheme in ("http", "https")}
        self._exempt = [entry.strip().lower() for entry in setting("no_proxy").split(",") if entry.strip()]

    def of(self, place: Origin) -> Proxy | None:
        """Return the proxy on the way to an origin; None for a direct connection."""
        text = self._by_scheme.get(place.scheme, "")
        if not text or place.is_loopback or any(_matches(entry, place) for entry in self._exempt):
            return None
        parts = urlsplit(text if "://" in text else f"http://{text}")
        if parts.scheme != "http" or not parts.hostname:
            message = f"the proxy for {place.netloc} is no http:// URL, and no other is understood"
            raise DownloadError("proxy", message, place.netloc)
        return Proxy(parts.hostname, parts.port or 80, _login(parts.username, parts.password))


def _login(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    login = f"{unquote(user)}:{unquote(password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(login.encode()).decode()}


def _matches(entry: str, place: Origin) -> bool:
    """Tell whether an entry of no_proxy covers an origin: `*`, a network, an address, or a domain and all below it."""
    if entry == "*":
        return True
    with suppress(ValueError):
        network = ip_network(entry.strip("[]"), strict=False)
        with suppress(ValueError):
            return ip_address(place.host) in network
        return False
    name, _, port = entry.rpartition(":") if ":" in entry else (entry, "", "")
    if port and port != str(place.port):
        return False
    domain = name.removeprefix("*").strip("[]")
    is_below = place.host.endswith(domain if domain.startswith(".") else f".{domain}")
    return is_below or place.host == domain
