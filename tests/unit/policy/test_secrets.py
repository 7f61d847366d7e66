"""Which keys of services encrypted files may name: by the sidecar's environment, or by the administrator's policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp import policy
from cmp.errors import SecretError
from cmp.policy import secrets
from cmp.policy.secrets import SecretRules
from cmp.secrets.sops.masterkeys import MasterKey

if TYPE_CHECKING:
    from pathlib import Path

POLICY = "/etc/cmp/policy.yaml"
ARN = "arn:aws:kms:eu-west-1:111122223333:key/a"
ROLE = "arn:aws:iam::111122223333:role/sops"
CACHED = "Argo CD keeps this error cached until a hard refresh"


def vault(origin: str, path: str = "transit/keys/shop") -> MasterKey:
    return MasterKey("hc_vault", f"{origin}/v1/{path}", "a.yaml:4", origin)


def azure(origin: str) -> MasterKey:
    return MasterKey("azure_kv", f"{origin}/keys/shop/1", "a.yaml:4", origin)


def aws(role: str = "", profile: str = "") -> MasterKey:
    return MasterKey("kms", ARN, "a.yaml:4", "", role, profile)


NONE = SecretRules()


def allow(key: MasterKey, rules: SecretRules = NONE, **env: str) -> None:
    secrets.require(rules, POLICY if rules != NONE else "", [key], env, "a.yaml")


def refuse(key: MasterKey, rules: SecretRules = NONE, **env: str) -> list[str]:
    with pytest.raises(SecretError) as caught:
        allow(key, rules, **env)
    return caught.value.lines(is_cached=True)


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        ("https://vault.example.com", "https://vault.example.com"),
        ("https://vault.example.com", "HTTPS://Vault.example.com:443/"),
        ("https://vault.example.com:8200", "https://vault.example.com:8200/behind/a/proxy"),
        ("http://127.0.0.1:8200", "http://127.0.0.1:8200"),
    ],
)
def test_vault_is_that_of_the_environment(origin: str, address: str) -> None:
    allow(vault(origin), VAULT_ADDR=address)


@pytest.mark.parametrize(
    ("origin", "address", "said"),
    [
        (
            "http://vault.example.com:8200",
            "https://vault.example.com:8200",
            "VAULT_ADDR is https://vault.example.com:8200",
        ),
        ("https://vault.example.com", "https://vault.example.com:8200", "VAULT_ADDR is https://vault.example.com:8200"),
        (
            "https://vault.example.com.evil.example",
            "https://vault.example.com",
            "VAULT_ADDR is https://vault.example.com",
        ),
        ("https://evil.example", "https://u:password@vault.example.com", "VAULT_ADDR is no address of a server"),
        ("https://evil.example", "", "VAULT_ADDR is not set"),
    ],
)
def test_no_other_vault_gets_the_token(origin: str, address: str, said: str) -> None:
    host = origin.removeprefix("https://")
    assert refuse(vault(origin), VAULT_ADDR=address, VAULT_TOKEN="t") == [
        f"cmp: this file would have sops take the sidecar's credentials to {origin}, and {said}",
        "  where: a.yaml:4",
        (
            "  hint: set VAULT_ADDR to it if that is the sidecar's Vault; an administrator who trusts that host adds "
            f"it to a policy (CMP_POLICY), as in `secrets: {{hosts: ['{host}']}}`; an author puts a key of the sidecar "
            f"into .sops.yaml and runs `sops updatekeys a.yaml`; {CACHED}"
        ),
    ]


@pytest.mark.parametrize("domain", secrets.AZURE_DOMAINS)
def test_azures_own_vaults(domain: str) -> None:
    allow(azure(f"https://team-a.{domain}"))


@pytest.mark.parametrize(
    "origin",
    [
        "http://a.vault.azure.net",
        "https://a.vault.azure.net:8443",
        "https://a.vault.azure.net.evil.example",
        "https://vault.azure.net",
        "https://avault.azure.net",
        "https://127.0.0.1",
    ],
)
def test_no_other_host_is_azures(origin: str) -> None:
    first, _, hint = refuse(azure(origin), VAULT_ADDR=origin)
    assert first == (
        f"cmp: this file would have sops take the sidecar's credentials to {origin}, and Azure's own vaults are below "
        "vault.azure.net, vault.azure.cn, vault.usgovcloudapi.net, managedhsm.azure.net, managedhsm.azure.cn, "
        "managedhsm.usgovcloudapi.net"
    )
    assert hint.startswith(
        "  hint: an administrator who trusts that host adds it to a policy (CMP_POLICY), as in `secrets"
    )


HOSTS = SecretRules(hosts=("vault.example.com:8200", "*.vault.azure.net", "http://vault.test:8200", "127.0.0.1:8200"))


@pytest.mark.parametrize(
    "key",
    [
        *map(vault, ("https://vault.example.com:8200", "http://vault.test:8200", "http://127.0.0.1:8200")),
        *(azure("https://a.vault.azure.net"), aws()),
    ],
)
def test_hosts_of_a_policy(key: MasterKey) -> None:
    allow(key, HOSTS)


@pytest.mark.parametrize(
    "key",
    [
        *map(vault, ("http://vault.example.com:8200", "https://vault.example.com", "https://vault.test:8200")),
        *(vault("https://own.example"), azure("https://a.vault.azure.cn")),
    ],
)
def test_hosts_of_a_policy_stand_in_place_of_the_environment(key: MasterKey) -> None:
    first, _, hint = refuse(key, HOSTS, VAULT_ADDR="https://own.example")
    assert first == (
        f"cmp: this file would have sops take the sidecar's credentials to {key.origin}, and secrets.hosts of {POLICY} "
        "lists vault.example.com:8200, *.vault.azure.net, http://vault.test:8200, 127.0.0.1:8200"
    )
    assert hint.startswith(
        f"  hint: an administrator who trusts that host adds it to {POLICY}, as in `secrets: {{hosts"
    )


KEYS = SecretRules(keys=("arn:aws:kms:*:111122223333:key/*", "https://*.example.com:8200/v1/team-a/**"))


@pytest.mark.parametrize("key", [aws(), vault("https://vault.example.com:8200", "team-a/transit/keys/shop")])
def test_keys_of_a_policy(key: MasterKey) -> None:
    allow(key, KEYS, VAULT_ADDR="https://own.example")


@pytest.mark.parametrize(
    "key",
    [
        aws()._replace(identity=ARN.replace("1111", "2222")),
        vault("https://vault.example.com:8200", "team-b/transit/keys/shop"),
        vault("https://evil.test", "a.example.com:8200/v1/team-a/x/keys/y"),
        azure("https://a.vault.azure.net"),
    ],
)
def test_keys_of_a_policy_are_all_that_there_are(key: MasterKey) -> None:
    assert refuse(key, KEYS, VAULT_ADDR=key.origin) == [
        (
            f"cmp: this file is encrypted for the key {key.identity}, and secrets.keys of {POLICY} lists "
            "arn:aws:kms:*:111122223333:key/*, https://*.example.com:8200/v1/team-a/**"
        ),
        "  where: a.yaml:4",
        (
            f"  hint: an administrator adds it there, as in `secrets: {{keys: ['{key.identity}']}}`; an author puts a "
            f"listed key into .sops.yaml and runs `sops updatekeys a.yaml`; {CACHED}"
        ),
    ]


def test_where_hosts_and_keys_are_listed_both_count() -> None:
    both = SecretRules(hosts=("vault.example.com:8200",), keys=("**",))
    allow(vault("https://vault.example.com:8200"), both)
    refuse(vault("https://evil.example"), both)


def test_a_role_that_the_environment_or_the_policy_names() -> None:
    allow(aws(role=ROLE), AWS_ROLE_ARN=ROLE)
    allow(aws(role=ROLE), SecretRules(roles=("arn:aws:iam::111122223333:role/*",)))
    allow(aws(profile="ops"), AWS_PROFILE="ops")
    allow(aws(profile="ops"), AWS_DEFAULT_PROFILE="ops")
    allow(aws(profile="ops"), SecretRules(roles=("ops",)))


@pytest.mark.parametrize(
    ("env", "rules", "said", "where"),
    [
        ({}, SecretRules(), "AWS_ROLE_ARN is not set", "a policy (CMP_POLICY)"),
        ({"AWS_ROLE_ARN": "other"}, SecretRules(), "AWS_ROLE_ARN is other", "a policy (CMP_POLICY)"),
        (
            {},
            SecretRules(roles=("arn:aws:iam::*:role/other",)),
            f"AWS_ROLE_ARN is not set, and secrets.roles of {POLICY} lists arn:aws:iam::*:role/other",
            POLICY,
        ),
    ],
)
def test_no_other_role(env: dict[str, str], rules: SecretRules, said: str, where: str) -> None:
    assert refuse(aws(role=ROLE), rules, **env) == [
        f"cmp: this file would have sops assume the role {ROLE} of AWS; {said}",
        "  where: a.yaml:4",
        (
            f"  hint: an administrator who means it adds it to {where}, as in `secrets: {{roles: ['{ROLE}']}}`; an "
            f"author removes it from .sops.yaml and runs `sops updatekeys a.yaml`; {CACHED}"
        ),
    ]


def test_no_other_profile() -> None:
    first, *_ = refuse(aws(profile="admin"), AWS_PROFILE="ops")
    assert first == "cmp: this file would have sops use the profile admin of AWS; AWS_PROFILE is ops"


def test_the_keys_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "version: 1\nsecrets: {hosts: [vault.example.com], keys: ['https://vault.example.com/**', "
        "'projects/a/locations/*/keyRings/b/cryptoKeys/c'], roles: [ops]}\n"
    )
    assert policy.load(str(path), None).secrets == SecretRules(
        ("vault.example.com",),
        ("https://vault.example.com/**", "projects/a/locations/*/keyRings/b/cryptoKeys/c"),
        ("ops",),
    )
