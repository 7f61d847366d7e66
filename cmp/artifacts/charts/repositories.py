"""The mounted Helm configuration: aliases of repositories, and the one entry whose credentials a download may have."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from cmp import yamldoc
from cmp.errors import ChartError
from cmp.system.urls import is_below, is_url, normal, origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.secrets.redact import Redactor
    from cmp.system.download import Credentials

Entries = tuple["Mapping[str, object]", ...]

NAME = "repository"  # the name of the one repository in a private configuration


def load(path: str) -> Entries:
    """Return the entries of a repositories.yaml; a missing file has no entries, as with Helm."""
    try:
        with open(path, "rb") as file:
            documents = yamldoc.load_all(file.read())
    except FileNotFoundError:
        return ()
    except (OSError, yamldoc.YamlError) as error:
        raise ChartError(f"cannot read HELM_REPOSITORY_CONFIG: {error}", file=path, is_external=True) from None
    value = documents[0] if documents else {}
    entries = value.get("repositories") if isinstance(value, dict) else None
    return tuple(entry for entry in entries or () if isinstance(entry, dict) and isinstance(entry.get("url"), str))


def is_alias(repository: str) -> bool:
    """Say whether a dependency names its repository by an alias."""
    return repository.startswith(("@", "alias:"))


def url_of(name: str, repository: str, place: str, entries: Entries = ()) -> str:
    """Return the URL of a chart's repository, an alias replaced.

    ChartError for an unknown alias, for a text that is no URL, and for a URL with credentials.
    """
    if is_alias(repository):
        url = alias_url(repository, entries)
        if not url:
            raise ChartError(
                f"nobody defines the repository {repository} of {name}",
                file=place,
                hint="the file that HELM_REPOSITORY_CONFIG names must have an entry of this name",
            )
        return url
    if not repository or repository.startswith("file://"):
        return repository
    if not is_url(repository) or not repository.isprintable():
        raise ChartError(
            f"the repository of {name} is no http, https, oci or file URL and no alias: {repository!r}", file=place
        )
    if "@" in urlsplit(repository).netloc:
        raise ChartError(
            f"the repository of {name} has credentials in its URL: {without_credentials(repository)}",
            file=place,
            hint="put them into the file that HELM_REPOSITORY_CONFIG names, not into Git",
        )
    return repository.rstrip("/")


def alias_url(alias: str, entries: Entries) -> str:
    """Return the URL, without credentials, of `@name` or `alias:name`; "" for an alias without an entry."""
    name = alias.removeprefix("@").removeprefix("alias:")
    return next((without_credentials(str(entry["url"])) for entry in entries if entry.get("name") == name), "")


def without_credentials(url: str) -> str:
    """Drop user and password from a URL."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def credentials(url: str, entries: Entries, redactor: Redactor) -> Credentials:
    """Return the credentials and certificates of the longest entry that matches a URL, and no other's."""
    from cmp.system.download import Credentials  # noqa: PLC0415  # only where something is fetched

    fitting = [entry for entry in entries if is_url(above := str(entry["url"])) and is_below(url, above)]
    entry = max(fitting, key=lambda entry: len(normal(str(entry["url"]))), default={})
    own = urlsplit(str(entry.get("url", "")))
    of_url = {"username": unquote(own.username or ""), "password": unquote(own.password or "")}
    texts = {name: value for name in ("username", "password") if isinstance(value := entry.get(name), str) and value}
    login = {**of_url, **texts}
    if login["password"]:
        redactor.add(login["password"])
    return Credentials(
        username=login["username"],
        password=login["password"],
        pass_credentials_all=entry.get("pass_credentials_all") is True,
        insecure_skip_tls_verify=entry.get("insecure_skip_tls_verify") is True,
        ca_file=str(entry.get("caFile") or ""),
        cert_file=str(entry.get("certFile") or ""),
        key_file=str(entry.get("keyFile") or ""),
    )


def private_registry(url: str, path: str, redactor: Redactor) -> dict[str, object]:
    """Make the content of a registry config.json that knows the credentials of this URL's host and no other's."""
    try:
        with open(path, "rb") as file:
            config = json.loads(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ChartError(f"cannot read HELM_REGISTRY_CONFIG: {error}", file=path, is_external=True) from None
    host = origin(url).netloc
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
    """Return the host that an entry is for, as `Origin.netloc` has it."""
    url = f"oci://{name.rpartition('://')[2]}"
    return origin(url).netloc if is_url(url) else ""


def _conceal(auths: object, redactor: Redactor) -> None:
    for entry in auths.values() if isinstance(auths, dict) else ():
        for name in ("auth", "password", "identitytoken", "registrytoken"):
            if isinstance(secret := entry.get(name), str):
                redactor.add(secret)
                if name == "auth":
                    redactor.add(b64decode(secret + "==").decode(errors="replace").partition(":")[2])
