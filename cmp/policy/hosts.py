"""Hosts of chart repositories: how a policy lists them, and whether a URL leads to one of them."""

from __future__ import annotations

import re

from cmp.schema.spec import Rule, quoted
from cmp.system.urls import PORTS

# Stricter than URLs are: what is read here in one way and by helm in another must match no listed host.
_URL = re.compile(
    r"(?P<scheme>https?|oci)://(?P<name>[a-z0-9][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_ENTRY = re.compile(r"(?P<name>.+?)(?::(?P<port>[0-9]+))?")


def _explain(text: str) -> str:
    return (
        f"{quoted(text)} is no host: write a name in lower case, such as charts.example.com, *.example.com or "
        "registry.example.com:5000, without a scheme and a path"
    )


HOST = Rule(r"(?:(?:\*\.)?[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?", _explain)


def is_listed(url: str, hosts: tuple[str, ...]) -> bool:
    """Say whether a URL leads to a listed host.

    An entry without a port is for the port of the URL's scheme alone; `*.example.com` is for every name below
    example.com, and not for example.com itself.
    """
    found = _URL.fullmatch(url)
    return found is not None and any(_fits(found, host) for host in hosts)


def shown(url: str) -> str:
    """Return the host of a URL, with its port if it has one, as a policy would list it; else the URL."""
    found = _URL.fullmatch(url)
    if found is None:
        return quoted(url)
    port = f":{int(found['port'])}" if found["port"] and not _has_usual_port(found) else ""
    return f"{found['name'].lower()}{port}"


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
