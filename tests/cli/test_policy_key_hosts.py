"""A file in Git names the host of its key; the sidecar's token goes to its own host alone: real sops, real sockets."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support import versions
from tests.support.keys import RECIPIENT, decrypt, encrypt, sops_tool
from tests.support.servers.vault import TOKEN, Asked, Vault
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

APP, DEV = "namespaces/shop", "clusters/dev/shop"
LAYER = f"{APP}/common-values.secret.yaml"
PLAIN = "password: unique-vault-1\n"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: all}
data: {text: {{ .Values.password | quote }}}
"""
KSOPS = """\
apiVersion: viaduct.ai/v1
kind: ksops
metadata: {name: a, annotations: {config.kubernetes.io/function: "exec: {path: ksops}"}}
files: [one.enc.yaml]
"""
HELMFILE = "releases: [{name: shop, chart: ./web, secrets: [one.enc.yaml]}]\n"
DOORS = {  # where a file is decrypted, and what asks for it
    "a layer": ("common-values.secret.yaml", {"Chart.yaml": CHART}),
    "secrets.files": ("key.yaml", {"Chart.yaml": CHART, "cmp-app.yaml": "secrets: {files: [key.yaml]}\n"}),
    "ksops": ("one.enc.yaml", {"kustomization.yaml": "generators: [ksops.yaml]\n", "ksops.yaml": KSOPS}),
    "helmfile": ("one.enc.yaml", {"helmfile.yaml": HELMFILE, "web/Chart.yaml": CHART.replace("demo", "web")}),
}


@pytest.fixture
def vault() -> Iterator[Vault]:
    """Return the Vault of the sidecar."""
    with Vault() as server:
        yield server


@pytest.fixture
def stranger() -> Iterator[Vault]:
    """Return a server that somebody else named, and that nobody may ask."""
    with Vault() as server:
        yield server


class Shop:
    """The application `shop` on the cluster `dev`, and runs of cmp with the token of a Vault."""

    def __init__(self, sandbox: Sandbox, address: str) -> None:
        self.sandbox = sandbox
        self.root = sandbox.folder / "repo"
        sandbox.extra.update(VAULT_ADDR=address, VAULT_TOKEN=TOKEN)
        plant(self.root, {".git/HEAD": "", f"{DEV}/.keep": "", f"{APP}/templates/all.yaml": TEMPLATE})

    def seal(self, name: str, *recipients: str, text: str = PLAIN) -> bytes:
        """Write a file that the real sops encrypted; its Vault is asked for that."""
        tool, path = sops_tool(self.sandbox.tools_dir), self.sandbox.folder / f"plain-{name}"
        data = encrypt(tool, path, text, *recipients, VAULT_TOKEN=TOKEN, PATH=os.defpath)
        (self.root / APP / name).write_bytes(data)
        return data

    def generate(self) -> Ran:
        """Render as Argo CD asks for it."""
        argocd = {"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_NAMESPACE": "shop", "ARGOCD_APP_SOURCE_PATH": DEV}
        sidecar = replace(self.sandbox, extra={**self.sandbox.extra, **argocd})
        return sidecar.run("generate", cwd=self.root / DEV)

    def run(self, *argv: str) -> Ran:
        return self.sandbox.run(*argv, cwd=self.root)

    def allow(self, text: str) -> Path:
        """Write the administrator's policy and mount it."""
        path = self.sandbox.folder / "policy.yaml"
        path.write_text(f"version: 1\n{text}\n")
        self.sandbox.extra["CMP_POLICY"] = str(path)
        return path


@pytest.fixture
def shop(sandbox: Sandbox, vault: Vault) -> Shop:
    return Shop(sandbox, vault.url)


def refused(ran: Ran, stranger: Vault) -> list[str]:
    """Return the lines of the error; nothing was printed, and the server was not asked."""
    assert (ran.code, ran.stdout) == (6, ""), ran.stderr
    assert stranger.asked == []
    assert TOKEN not in ran.stderr
    return ran.stderr.splitlines()


def test_the_own_vault_opens_its_files(shop: Shop, vault: Vault) -> None:
    plant(shop.root, {f"{APP}/Chart.yaml": CHART})
    shop.seal("common-values.secret.yaml", "--hc-vault-transit", vault.key)
    vault.asked.clear()
    shop.sandbox.extra["VAULT_ADDR"] = f"{vault.url.upper().replace('HTTP', 'http')}/"
    ran = shop.generate()
    assert "unique-vault-1" in ran.stdout, ran.stderr
    assert vault.asked == [Asked("/v1/transit/decrypt/shop", TOKEN)]


@pytest.mark.parametrize("door", DOORS)
def test_no_other_host_is_asked_wherever_a_file_is_decrypted(
    door: str, shop: Shop, vault: Vault, stranger: Vault
) -> None:
    name, files = DOORS[door]
    plant(shop.root, {f"{APP}/{path}": text for path, text in files.items()})
    data = shop.seal(name, "--hc-vault-transit", stranger.key)
    stranger.asked.clear()
    lines = enumerate(data.decode().splitlines(), start=1)
    line = next(number for number, text in lines if f"vault_address: {stranger.url}" in text)
    assert refused(shop.generate(), stranger) == [
        (
            f"cmp: this file would have sops take the sidecar's credentials to {stranger.url}, "
            f"and VAULT_ADDR is {vault.url}"
        ),
        f"  where: application shop, cluster dev, phase secrets, {APP}/{name}:{line}",
        (
            "  hint: set VAULT_ADDR to it if that is the sidecar's Vault; an administrator who trusts that host adds "
            f"it to a policy (CMP_POLICY), as in `secrets: {{hosts: ['{stranger.url}']}}`; an author puts a key of "
            f"the sidecar into .sops.yaml and runs `sops updatekeys {APP}/{name}`; Argo CD keeps this error cached "
            "until a hard refresh; see operations.md#secrets"
        ),
    ]


@pytest.mark.parametrize(
    "argv", [("values", "shop", "--cluster", "dev", "--explain"), ("render", "shop", "--cluster", "dev")]
)
def test_nor_for_a_person(argv: tuple[str, ...], shop: Shop, stranger: Vault) -> None:
    plant(shop.root, {f"{APP}/Chart.yaml": CHART})
    shop.seal("common-values.secret.yaml", "--hc-vault-transit", stranger.key)
    stranger.asked.clear()
    refused(shop.run(*argv), stranger)


def test_nor_is_it_the_second_choice(shop: Shop, stranger: Vault) -> None:
    """Sops asks for the next key where one does not open the file; here the one of age would."""
    plant(shop.root, {f"{APP}/Chart.yaml": CHART})
    shop.seal("common-values.secret.yaml", "--hc-vault-transit", stranger.key, "--age", RECIPIENT)
    stranger.asked.clear()
    shop.sandbox.extra["VAULT_ADDR"] = ""
    first, *_ = refused(shop.generate(), stranger)
    assert first.endswith(f"credentials to {stranger.url}, and VAULT_ADDR is not set")


def test_a_policy_names_other_hosts_in_place_of_it(shop: Shop, vault: Vault, stranger: Vault) -> None:
    plant(shop.root, {f"{APP}/Chart.yaml": CHART})
    policy = shop.allow(f"secrets: {{hosts: ['{stranger.url}']}}")
    shop.seal("common-values.secret.yaml", "--hc-vault-transit", stranger.key)
    assert "unique-vault-1" in shop.generate().stdout
    shop.seal("common-values.secret.yaml", "--hc-vault-transit", vault.key)
    vault.asked.clear()
    first, *_ = refused(shop.generate(), vault)
    assert first.endswith(f"credentials to {vault.url}, and secrets.hosts of {policy} lists {stranger.url}")


def test_a_branch_that_rewrites_the_metadata_by_hand_reaches_nobody(shop: Shop, vault: Vault, stranger: Vault) -> None:
    """Sops alone would ask the stranger's server for each: 3.10 does, 3.13 for all but the merge key."""
    plant(shop.root, {f"{APP}/Chart.yaml": CHART})
    tool = sops_tool(shop.sandbox.tools_dir, versions.SOPS[0])
    text = shop.seal("common-values.secret.yaml", "--hc-vault-transit", vault.key).decode()
    evil = (
        f"{{vault_address: '{stranger.url}', engine_path: transit, key_name: shop, created_at: '2026-01-01T00:00:00Z', "
        "enc: 'vault:v1:eHh4'}"
    )
    block = re.search(r"    hc_vault:\n(?:        .*\n)+", text)
    assert block
    vault.asked.clear()
    for changed in (
        text.replace(block[0], f"    hc_vault: [{evil}]\n"),
        text.replace(block[0], f'    "hc_\\x76ault": [{evil}]\n'),
        text.replace(block[0], f"    !!str hc_vault: [{evil}]\n"),
        text.replace(block[0], f"    <<: {{hc_vault: [{evil}]}}\n"),
        text.replace(block[0], f"    key_groups: [{{hc_vault: [{evil}]}}]\n"),
        text.replace(vault.url, f"{stranger.url} # {vault.url}"),
    ):
        (shop.root / LAYER).write_text(changed)
        refused(shop.generate(), stranger)
        decrypt(tool, LAYER, changed.encode(), {"VAULT_TOKEN": TOKEN, "HOME": "/nonexistent"})
        assert {asked.token for asked in stranger.asked} == {TOKEN}
        stranger.asked.clear()
    assert vault.asked == []
