"""The keys of services that an encrypted file may name: the file is in Git, the credentials are the sidecar's.

Without `secrets.hosts` and `secrets.keys` the environment decides: keys of Vault lie on the host of VAULT_ADDR, those
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


class SecretRules(NamedTuple):
    """The keys of services that an encrypted file may name, and the identities of AWS that it may take.

    `hosts` and `keys` are None where the default holds, which the environment of the sidecar gives.
    """

    hosts: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None
    roles: tuple[str, ...] = ()


def require(rules: SecretRules, policy: str, keys: Iterable[MasterKey], env: Mapping[str, str], path: str) -> None:
    """SecretError for the first of the keys of a file, at `path`, that sops may not use; `policy` is the policy's file.

    `env` is the environment that sops gets.
    """
    check = _KeyCheck(rules=rules, policy=policy, env=env, path=path)
    for key in keys:
        if key.origin:
            check.require_host(key)
        check.require_key(key)
        check.require_identity(key.role, "assume the role", ("AWS_ROLE_ARN",), key)
        check.require_identity(key.profile, "use the profile", ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"), key)


class _KeyCheck(NamedTuple):
    """The check of the keys of one file at `path`; `policy` is the policy's file, or empty, `env` that of sops."""

    rules: SecretRules
    policy: str
    env: Mapping[str, str]
    path: str

    @property
    def policy_name(self) -> str:
        """The name of the policy in messages."""
        return self.policy or "a policy (CMP_POLICY)"

    def require_host(self, key: MasterKey) -> None:
        """SecretError unless sops may go to the host of the key."""
        listed, vault_hint = self.rules.hosts, ""
        if listed is not None:
            if any(_is_listed(key.origin, entry) for entry in listed):
                return
            reason = f"secrets.hosts of {self.policy} lists {with_ellipsis(listed, MAX_LISTED)}"
        elif self.rules.keys is not None:
            return  # a pattern of keys names the host as well
        elif key.service == masterkeys.AZURE_KV:
            if _AZURE.fullmatch(key.origin):
                return
            reason = f"Azure's own vaults are below {', '.join(AZURE_DOMAINS)}"
        else:
            address = self.env.get(VAULT_ADDR, "")
            if key.origin == _origin_of(address):
                return
            server = _origin_of(address) or "no address of a server"  # as it is written it may hold a password
            reason = f"{VAULT_ADDR} is {server if address else 'not set'}"
            vault_hint = f"set {VAULT_ADDR} to it if that is the sidecar's Vault; "
        host = key.origin if key.origin.startswith("http://") else key.origin.removeprefix("https://")
        raise SecretError(
            f"this file would have sops take the sidecar's credentials to {key.origin}, and {reason}",
            file=key.place,
            hint=f"{vault_hint}an administrator who trusts that host adds it to {self.policy_name}, as in "
            f"`secrets: {{hosts: ['{host}']}}`; an author puts a key of the sidecar into .sops.yaml and runs "
            f"`sops updatekeys {self.path}`",
            is_external=True,
        )

    def require_key(self, key: MasterKey) -> None:
        """SecretError for a key that `secrets.keys` does not list."""
        listed = self.rules.keys
        if listed is not None and not _matches(listed, key.identity):
            raise SecretError(
                f"this file is encrypted for the key {shown(key.identity)}, and secrets.keys of {self.policy} lists "
                f"{with_ellipsis(listed, MAX_LISTED)}",
                file=key.place,
                hint=f"an administrator adds it there, as in `secrets: {{keys: ['{shown(key.identity)}']}}`; an author "
                f"puts a listed key into .sops.yaml and runs `sops updatekeys {self.path}`",
                is_external=True,
            )

    def require_identity(self, name: str, action: str, variables: tuple[str, ...], key: MasterKey) -> None:
        """SecretError for a role or profile of AWS that neither the environment nor `secrets.roles` names."""
        known = [self.env[variable] for variable in variables if self.env.get(variable)]
        roles = self.rules.roles
        if not name or name in known or _matches(roles, name):
            return
        reason = f"{variables[0]} is {known[0]}" if known else f"{variables[0]} is not set"
        listed = f", and secrets.roles of {self.policy} lists {with_ellipsis(roles, MAX_LISTED)}" if roles else ""
        raise SecretError(
            f"this file would have sops {action} {shown(name)} of AWS; {reason}{listed}",
            file=key.place,
            hint=f"an administrator who means it adds it to {self.policy_name}, as in "
            f"`secrets: {{roles: ['{shown(name)}']}}`; an author removes it from .sops.yaml and runs "
            f"`sops updatekeys {self.path}`",
            is_external=True,
        )


def _origin_of(address: str) -> str:
    """Return the origin of an address that may have a path, as VAULT_ADDR behind a proxy has."""
    match = re.match(r"[a-zA-Z]+://[^/?#]+", address)
    return masterkeys.origin_of(match[0]) if match else ""


def _is_listed(origin: str, entry: str) -> bool:
    """Return whether an entry is for an origin: one without a scheme is for HTTPS, and for HTTP inside this machine."""
    host = entry.removeprefix("http://")
    is_plain = origin.startswith("http://")
    allows_plain = host != entry or bool(_LOOPBACK.fullmatch(origin))
    return hosts.is_listed(origin, (host,)) and (allows_plain if is_plain else host == entry)


def _matches(patterns: Iterable[str], text: str) -> bool:
    return any(layout.match(layout.parse(_path(pattern)), _path(text)) is not None for pattern in patterns)


def _path(text: str) -> str:
    """Return a URL, or another text with segments, as a path of non-empty segments."""
    return text.replace("://", "/", 1)
