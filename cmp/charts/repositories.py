"""The mounted Helm configuration: aliases of repositories, and the one entry whose credentials a child may have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from cmp import yamldoc
from cmp.errors import ChartError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.redact import Redactor

Entries = tuple["Mapping[str, object]", ...]

NAME = "repository"  # what the private configuration calls the one repository that it knows
LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?")


def load(path: str) -> Entries:
    """Return the entries of a repositories.yaml; none when there is no such file, as with Helm."""
    try:
        with open(path, "rb") as file:
            documents = yamldoc.load_all(file.read())
    except FileNotFoundError:
        return ()
    except (OSError, yamldoc.YamlError) as error:
        raise ChartError(f"cannot read HELM_REPOSITORY_CONFIG: {error}", file=path, foreign=True) from None
    found = documents[0] if documents else {}
    entries = found.get("repositories") if isinstance(found, dict) else None
    return tuple(entry for entry in entries or () if isinstance(entry, dict) and isinstance(entry.get("url"), str))


def alias_url(alias: str, entries: Entries) -> str:
    """Return the URL, without credentials, that `@name` or `alias:name` stands for; "" when nobody defines it."""
    name = alias.removeprefix("@").removeprefix("alias:")
    return next((without_credentials(str(entry["url"])) for entry in entries if entry.get("name") == name), "")


def without_credentials(url: str) -> str:
    """Drop user and password from a URL."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def private_repositories(url: str, entries: Entries, redactor: Redactor) -> dict[str, object]:
    """Make a repositories.yaml for one URL, with the credentials of the longest matching entry and no other's."""
    entry = {**_matching(url, entries), **_userinfo(url, entries), "name": NAME, "url": url}
    if isinstance(password := entry.get("password"), str):
        redactor.add(password)
    return {"apiVersion": "v1", "repositories": [entry]}


def flags(content: Mapping[str, object]) -> tuple[str, ...]:
    """Return what `helm pull` must be told because it does not look for it in a repositories.yaml."""
    entries = content.get("repositories")
    is_insecure = isinstance(entries, list) and entries[0].get("insecure_skip_tls_verify") is True
    return ("--insecure-skip-tls-verify",) if is_insecure else ()


def _matching(url: str, entries: Entries) -> Mapping[str, object]:
    target = url.rstrip("/") + "/"
    fitting = [entry for entry in entries if target.startswith(_prefix(entry))]
    return max(fitting, key=lambda entry: len(_prefix(entry)), default={})


def _prefix(entry: Mapping[str, object]) -> str:
    return without_credentials(str(entry["url"])).rstrip("/") + "/"


def _userinfo(url: str, entries: Entries) -> dict[str, object]:
    """Move credentials that stand in the matching entry's URL to where helm's messages do not print them."""
    parts = urlsplit(str(_matching(url, entries).get("url", "")))
    if parts.username is None:
        return {}
    return {"username": unquote(parts.username), "password": unquote(parts.password or "")}


def private_registry(url: str, path: str, redactor: Redactor) -> dict[str, object]:
    """Make the content of a registry config.json that knows the credentials of this URL's host and no other's."""
    import json  # noqa: PLC0415  # only where something is fetched

    try:
        with open(path, "rb") as file:
            config = json.loads(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ChartError(f"cannot read HELM_REGISTRY_CONFIG: {error}", file=path, foreign=True) from None
    host = urlsplit(url).netloc
    private: dict[str, object] = {}
    for section in ("auths", "credHelpers"):
        entries = config.get(section) or {}
        private[section] = {name: value for name, value in entries.items() if _host(name) == host}
    _conceal(private["auths"], redactor)
    # An empty entry is how docker marks a host whose password is with the default helper.
    if {} in private["auths"].values() and "credsStore" in config:  # type: ignore[attr-defined]
        private["credsStore"] = config["credsStore"]
    return private


def _host(name: str) -> str:
    return name.partition("://")[2].partition("/")[0] if "://" in name else name.partition("/")[0]


def _conceal(auths: object, redactor: Redactor) -> None:
    from base64 import b64decode  # noqa: PLC0415  # only where something is fetched

    for entry in auths.values() if isinstance(auths, dict) else ():
        for name in ("auth", "password", "identitytoken", "registrytoken"):
            if isinstance(secret := entry.get(name), str):
                redactor.add(secret)
                if name == "auth":
                    redactor.add(b64decode(secret + "==").decode(errors="replace").partition(":")[2])


def is_loopback(url: str) -> bool:
    """Say whether the URL's host is this machine."""
    return LOOPBACK.fullmatch(urlsplit(url).netloc) is not None
