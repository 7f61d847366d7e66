"""Which keys of services an encrypted file may have sops use: it is in Git, and the credentials are the sidecar's.

Without `secrets.hosts` and `secrets.keys` the environment says it: keys of Vault lie on the host of VAULT_ADDR, those
of Azure in Azure's own vaults, and AWS, Google and Huawei have hosts that sops knows.  A role or profile of AWS is one
that the environment names, or `secrets.roles`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import SecretError, with_ellipsis
from cmp.policy import hosts
from cmp.repository import layout
from cmp.schema.spec import Rule, quoted
from cmp.secrets.sops import masterkeys
from cmp.secrets.sops.masterkeys import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.policy.document import Secrets
    from cmp.secrets.sops.masterkeys import MasterKey

VAULT_ADDR = "VAULT_ADDR"
AZURE_DOMAINS = (  # of Key Vault and Managed HSM, in each of Azure's clouds
    *("vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net"),
    *("managedhsm.azure.net", "managedhsm.azure.cn", "managedhsm.usgovcloudapi.net"),
)
_AZURE = re.compile(rf"https://[a-z0-9-]+\.(?:{'|'.join(map(re.escape, AZURE_DOMAINS))})")
_LOOPBACK = re.compile(r"http://(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?")
_SEGMENT = r"(?!\.{1,2}(?:/|$))(?:\*\*|(?:[A-Za-z0-9._:~@=+,\[\]-]|\*(?!\*))+)"
MAX_LISTED = 8


def _explain_host(text: str) -> str:
    return (
        f"{quoted(text)} is no host of keys: write a name in lower case, such as vault.example.com:8200 or "
        "*.vault.azure.net, which is for HTTPS, or http:// in front of it for a server without TLS"
    )


def _explain_key(text: str) -> str:
    return (
        f"{quoted(text)} is no pattern of keys: write an ARN, a resource ID or a URL as sops prints it, with `*` for "
        "any text without `/`, and `**` for whole segments"
    )


def _explain_role(text: str) -> str:
    return f"{quoted(text)} is no role or profile of AWS: write an ARN or a name, with `*` for any text without `/`"


SECRET_HOST = Rule(rf"(?:http://)?(?:{hosts.HOST.regex})", _explain_host)
KEY = Rule(rf"(?:https?://)?{_SEGMENT}(?:/{_SEGMENT})*", _explain_key)
ROLE = Rule(rf"{_SEGMENT}(?:/{_SEGMENT})*", _explain_role)


class _Asked(NamedTuple):
    """What is asked about one key: what allows it, the environment, the file, and the policy's name for messages."""

    secrets: Secrets
    policy: str
    env: Mapping[str, str]
    path: str

    @property
    def where(self) -> str:
        return self.policy or "a policy (CMP_POLICY)"


def require(secrets: Secrets, policy: str, keys: Iterable[MasterKey], env: Mapping[str, str], path: str) -> None:
    """SecretError for the first of the keys of a file, at `path`, that sops may not use; `policy` is the policy's file.

    `env` is the environment that sops gets.
    """
    asked = _Asked(secrets, policy, env, path)
    for key in keys:
        if key.origin:
            _require_host(key, asked)
        _require_key(key, asked)
        _require_identity(key.role, "assume the role", ("AWS_ROLE_ARN",), key, asked)
        _require_identity(key.profile, "use the profile", ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"), key, asked)


def _require_host(key: MasterKey, asked: _Asked) -> None:
    listed, said, own = asked.secrets.hosts, "", ""
    if listed is not None:
        if any(_is_listed(key.origin, entry) for entry in listed):
            return
        said = f"secrets.hosts of {asked.policy} lists {with_ellipsis(listed, MAX_LISTED)}"
    elif asked.secrets.keys is not None:
        return  # a pattern of keys names the host as well
    elif key.service == masterkeys.AZURE_KV:
        if _AZURE.fullmatch(key.origin):
            return
        said = f"Azure's own vaults are below {', '.join(AZURE_DOMAINS)}"
    else:
        address = asked.env.get(VAULT_ADDR, "")
        if key.origin == _origin_of(address):
            return
        known = _origin_of(address) or "no address of a server"  # as it is written it may hold a password
        said = f"{VAULT_ADDR} is {known if address else 'not set'}"
        own = f"set {VAULT_ADDR} to it if that is the sidecar's Vault; "
    host = key.origin if key.origin.startswith("http://") else key.origin.removeprefix("https://")
    raise SecretError(
        f"this file would have sops take the sidecar's credentials to {key.origin}, and {said}",
        file=key.place,
        hint=f"{own}an administrator who trusts that host adds it to {asked.where}, as in "
        f"`secrets: {{hosts: ['{host}']}}`; an author puts a key of the sidecar into .sops.yaml and runs "
        f"`sops updatekeys {asked.path}`",
        is_external=True,
    )


def _require_key(key: MasterKey, asked: _Asked) -> None:
    listed = asked.secrets.keys
    if listed is not None and not _matches(listed, key.identity):
        raise SecretError(
            f"this file is encrypted for the key {shown(key.identity)}, and secrets.keys of {asked.policy} lists "
            f"{with_ellipsis(listed, MAX_LISTED)}",
            file=key.place,
            hint=f"an administrator adds it there, as in `secrets: {{keys: ['{shown(key.identity)}']}}`; an author "
            f"puts a listed key into .sops.yaml and runs `sops updatekeys {asked.path}`",
            is_external=True,
        )


def _require_identity(name: str, does: str, variables: tuple[str, ...], key: MasterKey, asked: _Asked) -> None:
    found = [asked.env[variable] for variable in variables if asked.env.get(variable)]
    roles = asked.secrets.roles
    if not name or name in found or _matches(roles, name):
        return
    said = f"{variables[0]} is {found[0]}" if found else f"{variables[0]} is not set"
    listed = f", and secrets.roles of {asked.policy} lists {with_ellipsis(roles, MAX_LISTED)}" if roles else ""
    raise SecretError(
        f"this file would have sops {does} {shown(name)} of AWS; {said}{listed}",
        file=key.place,
        hint=f"an administrator who means it adds it to {asked.where}, as in `secrets: {{roles: ['{shown(name)}']}}`; "
        f"an author removes it from .sops.yaml and runs `sops updatekeys {asked.path}`",
        is_external=True,
    )


def _origin_of(address: str) -> str:
    """Return the origin of an address that may have a path, as VAULT_ADDR behind a proxy has."""
    found = re.match(r"[a-zA-Z]+://[^/?#]+", address)
    return masterkeys.origin_of(found[0]) if found else ""


def _is_listed(origin: str, entry: str) -> bool:
    """Say whether an entry is for an origin: one without a scheme is for HTTPS, and for HTTP inside this machine."""
    host = entry.removeprefix("http://")
    is_plain = origin.startswith("http://")
    allows_plain = host != entry or bool(_LOOPBACK.fullmatch(origin))
    return hosts.is_listed(origin, (host,)) and (allows_plain if is_plain else host == entry)


def _matches(patterns: Iterable[str], text: str) -> bool:
    return any(layout.match(layout.parse(_path(pattern)), _path(text)) is not None for pattern in patterns)


def _path(text: str) -> str:
    """Return a URL, or another text with segments, as a path of non-empty segments."""
    return text.replace("://", "/", 1)
