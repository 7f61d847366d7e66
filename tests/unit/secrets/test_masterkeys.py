"""Which keys of services an encrypted file names: read in every format, and refused where two parsers could differ."""

from __future__ import annotations

import json

import pytest

from cmp.errors import SecretError
from cmp.secrets import sops
from cmp.secrets.sops import masterkeys
from cmp.secrets.sops.masterkeys import MasterKey

TAIL = "    lastmodified: '2026-01-01T00:00:00Z'\n    mac: ENC[AES256_GCM,data:eA==,type:str]\n    version: 3.10.2\n"
VAULT = {"vault_address": "https://vault.example.com:8200", "engine_path": "transit", "key_name": "shop"}
FLOW = "{vault_address: https://vault.example.com:8200, engine_path: transit, key_name: shop}"
IDENTITY = "https://vault.example.com:8200/v1/transit/keys/shop"
ARN = "arn:aws:kms:eu-west-1:111122223333:key/612d5f0a-1111-45e6-aca6-a5b005693a48"
GCP = "projects/shop/locations/global/keyRings/sops/cryptoKeys/sops-key"
AGE = """\
    age:
        - recipient: age1abc
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCg==
            -----END AGE ENCRYPTED FILE-----
"""


def yaml(*metadata: str, before: str = "a: ENC[AES256_GCM,data:eA==,type:str]\n") -> bytes:
    return "".join((before, "sops:\n", *metadata, TAIL)).encode()


def flat(entry: dict[str, str], service: str, prefix: str = "", equals: str = "=") -> str:
    lines = [f"{service}__list_0__map_{name}{equals}{value}" for name, value in entry.items()]
    return "".join(f"{prefix}{line}\n" for line in (*lines, f"mac{equals}x"))


def read(data: bytes, kind: str = "yaml") -> list[tuple[str, str, str]]:
    return [(key.service, key.identity, key.place) for key in masterkeys.read(kind, "f", data)]


def refusal(data: bytes, kind: str = "yaml") -> SecretError:
    with pytest.raises(SecretError) as caught:
        masterkeys.read(kind, "f", data)
    return caught.value


def test_the_block_that_sops_writes() -> None:
    metadata = f"""\
    kms:
        - arn: {ARN}
          role: arn:aws:iam::111122223333:role/sops
          context:
            Environment: prod
          created_at: '2026-01-01T00:00:00Z'
          enc: AQ==
          aws_profile: ops
    gcp_kms:
        - resource_id: {GCP}
    azure_kv:
        - vault_url: https://shop.vault.azure.net
          name: sops-key
          version: 0123456789abcdef
    hc_vault:
        - vault_address: https://vault.example.com:8200
          engine_path: transit
          key_name: shop
    hckms:
        - key_id: tr-west-1:612d5f0a-1111
    pgp: []
"""
    assert masterkeys.read("yaml", "f", yaml(metadata, AGE)) == (
        MasterKey("kms", ARN, "f:4", "", "arn:aws:iam::111122223333:role/sops", "ops"),
        MasterKey("gcp_kms", GCP, "f:12"),
        MasterKey(
            *("azure_kv", "https://shop.vault.azure.net/keys/sops-key/0123456789abcdef", "f:14"),
            "https://shop.vault.azure.net",
        ),
        MasterKey("hc_vault", IDENTITY, "f:18", "https://vault.example.com:8200"),
        MasterKey("hckms", "tr-west-1:612d5f0a-1111", "f:22"),
    )


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("yaml", yaml(f"    hc_vault: [{FLOW}]\n")),
        (
            "yaml",
            yaml("    shamir_threshold: 2\n    key_groups:\n    - age: []\n", f"    - hc_vault:\n      - {FLOW}\n"),
        ),
        ("yaml", b"b: 1\n---\n" + yaml(f"    hc_vault: [{FLOW}]\n")),
        ("yaml", b'? "sops"\n: ' + f"{{hc_vault: [{FLOW}], mac: x}}\n".encode()),
        ("yaml", json.dumps({"a": "ENC", "sops": {"hc_vault": [VAULT], "mac": "x"}}).encode()),
        ("json", json.dumps({"a": "ENC", "sops": {"hc_vault": [VAULT], "kms": None, "mac": "x"}}).encode()),
        ("binary", json.dumps({"data": "ENC", "sops": {"key_groups": [{"hc_vault": [VAULT]}], "mac": "x"}}).encode()),
        ("dotenv", f"A=ENC\n{flat(VAULT, 'hc_vault', 'sops_')}".encode()),
        ("dotenv", f"A=ENC\n{flat(VAULT, 'key_groups__list_1__map_hc_vault', 'sops_')}".encode()),
        ("ini", f"[a]\nx = ENC\n\n[sops]\n{flat(VAULT, 'hc_vault', equals='    = ')}".encode()),
        ("ini", f'[a]\nx = """b\nc"""\ny = `d;e`\n[sops]\n{flat(VAULT, "hc_vault", equals=" = ")}'.encode()),
    ],
)
def test_every_format_and_every_place(kind: str, data: bytes) -> None:
    ((service, identity, place),) = read(data, kind)
    line = data[: data.index(b"https://vault")].count(b"\n") + 1
    assert (service, identity, place) == ("hc_vault", IDENTITY, f"f:{line}")


def test_every_document_counts_though_sops_reads_the_first() -> None:
    other = FLOW.replace("vault.example.com", "evil.example")
    data = yaml(f"    hc_vault: [{FLOW}]\n") + b"---\n" + yaml(f"    hc_vault: [{other}]\n")
    assert [identity for _, identity, _ in read(data)] == [
        IDENTITY,
        "https://evil.example:8200/v1/transit/keys/shop",
    ]


TWICE = "a key that stands twice"
CASE = "a name that is not in lower case"


@pytest.mark.parametrize(
    ("data", "line", "why"),
    [
        (yaml("    hc_vault: []\n") + b'"sops": {mac: x}\n', 7, "the key `sops` stands twice"),
        (yaml("    hc_vault: []\n") + b'"\\x73ops": {mac: x}\n', 7, "the key `sops` stands twice"),
        (yaml("    hc_vault: []\n    hc_vault: []\n"), 4, TWICE),
        (yaml("    hc_vault: [{key_name: a, 'key_name': b}]\n"), 3, TWICE),
        (yaml("    hc_vault: *x\n", before="x: &x []\n"), 3, "an alias (`*`)"),
        (yaml("    hc_vault: &x []\n"), 3, "an anchor (`&`)"),
        (yaml("    hc_vault: !!seq []\n"), 3, "a tag (`!`)"),
        (yaml("    !!binary aGNfdmF1bHQ=: []\n"), 3, "a tag (`!`)"),
        (yaml("    <<: *x\n", before="x: &x {hc_vault: []}\n"), 3, "a merge key (`<<`)"),
        (yaml(before="x: &x {sops: {}}\n<<: *x\n"), 2, "a merge key (`<<`)"),
        (yaml(before="!!binary c29wcw==: {}\n"), 1, "a tag (`!`) on a key"),
        (yaml(before="x: &x sops\n*x : {}\n"), 2, "an alias stands for a key"),
        (yaml("    HC_Vault: []\n"), 0, CASE),
        (yaml("    hc_vault: [{VAULT_address: http://a}]\n"), 0, CASE),
        (yaml("    ? [a]\n    : []\n"), 3, "a key that is no text"),
        (b"a: |\n  sops:\n    mac: x\n", 0, "there is no `sops` at the top of it"),
        (b"sops: [mac]\n", 1, "`sops` is no map"),
    ],
)
def test_yaml_that_another_parser_could_read_in_another_way(data: bytes, line: int, why: str) -> None:
    refused = refusal(data)
    assert refused.lines() == [
        f"cmp: the sops metadata of this file can be read in two ways: {why}",
        f"  where: f:{line}" if line else "  where: f",
        "  hint: sops writes no such thing: restore the file from Git, and change it with `sops edit f` only",
    ]


@pytest.mark.parametrize(
    ("kind", "text", "line", "why"),
    [
        ("json", '{"sops": {"mac": "x"}, "sops": {}}', 0, "the key `sops` stands twice"),
        ("json", '{"sops": {"mac": "x"}, "SOPS": {}}', 0, "the key `sops` stands twice"),
        ("json", '{"sops": {"mac": "x"}, "\u017fops": {}}', 0, "the key `sops` stands twice"),
        ("json", '{"Sops": {"mac": "x"}}', 0, CASE),
        ("json", '{"sops": {"hc_vault": [], "hc_v\\u0061ult": []}}', 0, TWICE),
        ("json", '{"sops": {"hc_vault": [{"key_name": "a", "Key_Name": "b"}]}}', 0, TWICE),
        ("json", '{"sops": {"HC_VAULT": []}}', 0, CASE),
        ("json", '{"sops": {"\u212ams": []}}', 0, CASE),
        ("dotenv", "sops_mac=x\nsops_mac=y\n", 2, TWICE),
        ("dotenv", "sops_mac=x\nsops_kms__list_00__map_arn=a\n", 2, "an index that is no number"),
        ("dotenv", "sops_mac=x\nsops_kms__map_a=b\nsops_kms__list_0__map_arn=a\n", 0, "a map that is a list as well"),
        ("dotenv", "sops_mac=x\nsops_KMS__list_0__map_arn=a\n", 0, CASE),
        (
            "ini",
            "[sops]\nmac = x\n[sops]\nmac = y\n",
            3,
            "the section `sops` stands twice, or beside one of a similar name",
        ),
        ("ini", "[Sops]\nmac = x\n", 1, "the section `sops` stands twice, or beside one of a similar name"),
        ("ini", '[a]\nb = """\n[sops]\nmac = x\n"""\n', 2, "a value that may hold a section"),
        ("ini", "[a]\nb = `\n[sops]\nmac = x\n`\n", 2, "a value that goes on in the next line"),
        ("ini", "[a]\nb = x \\\n[sops]\nmac = x\n", 2, "a value that goes on in the next line"),
        ("ini", "[sops]\nmac : x\n", 2, "a line that is not `name = value`"),
        ("ini", "[sops]\nmac = x # y\n", 2, "a line that is not `name = value`"),
    ],
)
def test_other_formats_that_another_parser_could_read_in_another_way(kind: str, text: str, line: int, why: str) -> None:
    refused = refusal(text.encode(), kind)
    assert (refused.what, refused.file) == (
        f"the sops metadata of this file can be read in two ways: {why}",
        f"f:{line}" if line else "f",
    )


@pytest.mark.parametrize(
    ("kind", "text", "place"),
    [("yaml", "a: 1\nsops: {mac: [}\n", "f:2"), ("json", '{"sops": {"mac": 1}', "f"), ("json", "[" * 100000, "f")],
)
def test_what_no_parser_reads(kind: str, text: str, place: str) -> None:
    refused = refusal(text.encode(), kind)
    assert (refused.what, refused.file) == ("sops cannot parse this file", place)


def test_an_error_repeats_nothing_of_the_file() -> None:
    assert "unique" not in "".join(refusal(b'{"sops": unique}', "json").lines())


@pytest.mark.parametrize(
    ("service", "entry", "what"),
    [
        (
            "kms",
            {"arn": "arn:aws:kms:eu-west-1.evil.example/:1:key/a"},
            (
                "arn in the sops metadata of this file is `arn:aws:kms:eu-west-1.evil.example/:1:key/a`, which is not "
                "the ARN of a key of AWS KMS"
            ),
        ),
        (
            "gcp_kms",
            {"resource_id": "projects/a/locations/evil.example/keyRings/b/cryptoKeys/c"},
            (
                "resource_id in the sops metadata of this file is "
                "`projects/a/locations/evil.example/keyRings/b/cryptoKeys/c`, which is not the resource ID of a key of "
                "Google Cloud KMS"
            ),
        ),
        (
            "azure_kv",
            {"vault_url": "https://a.vault.azure.net@evil.example", "name": "a", "version": "1"},
            (
                "vault_url in the sops metadata of this file is `https://a.vault.azure.net@evil.example`, which is not "
                "the URL of an Azure Key Vault"
            ),
        ),
        (
            "hc_vault",
            {**VAULT, "key_name": "../../auth/token/revoke-self"},
            (
                "key_name in the sops metadata of this file is `../../auth/token/revoke-self`, which is not the name "
                "of a key of Vault"
            ),
        ),
        (
            "hckms",
            {"key_id": "evil.example:1"},
            (
                "key_id in the sops metadata of this file is `evil.example:1`, which is not the ID of a key of Huawei "
                "Cloud KMS"
            ),
        ),
    ],
)
def test_a_text_of_another_form_could_lead_elsewhere(service: str, entry: dict[str, str], what: str) -> None:
    refused = refusal(json.dumps({"sops": {service: [entry], "mac": "x"}}).encode(), "json")
    assert refused.lines() == [
        f"cmp: {what}",
        "  where: f:1",
        (
            "  hint: sops makes its requests of it, and another text could lead them elsewhere; correct the key in "
            ".sops.yaml and run `sops updatekeys f`, or restore the file from Git"
        ),
    ]


@pytest.mark.parametrize(
    ("service", "entry"),
    [
        *(
            ("kms", {"arn": arn})
            for arn in (
                "",
                "arn:aws:kms:eu.west:1:key/a",
                "arn:aws:kms:a@b:1:key/a",
                "arn:aws:kms:a:1:key/a\n",
                "arn:aws:kms:a#:1:key/a",
                "arn:aws:sts:a:1:key/a",
                "x" + ARN,
            )
        ),
        *(
            ("hc_vault", {**VAULT, "vault_address": address})
            for address in (
                "",
                "vault.example.com",
                "unix:///run/vault.sock",
                "https://vault.example.com/path",
                "https://vault.example.com?x",
                "https://vault.example.com#x",
                "https://user@vault.example.com",
                "https://vault.example.com\\@evil.example",
                "https://vault.example.com\n",
                "https://vault.example.com:",
                "https://\u24e5ault.example.com",
            )
        ),
        *(
            ("hc_vault", {**VAULT, "engine_path": path})
            for path in ("", "..", "a/../b", "a//b", "a?b", "a#b", "%2e%2e/a", "a b")
        ),
        *(("hc_vault", {**VAULT, "key_name": name}) for name in ("", ".", "a/b", "a?b")),
        ("azure_kv", {"vault_url": "https://a.vault.azure.net", "name": "a/../b", "version": "1"}),
        ("azure_kv", {"vault_url": "https://a.vault.azure.net", "name": "a", "version": "1?x"}),
        ("gcp_kms", {"resource_id": f"{GCP}/cryptoKeyVersions/1"}),
        ("hckms", {"key_id": " tr-west-1:a"}),
    ],
)
def test_so_could_these(service: str, entry: dict[str, str]) -> None:
    data = json.dumps({"sops": {service: [entry], "mac": "x"}}).encode()
    assert "in the sops metadata of this file is" in refusal(data, "json").what


@pytest.mark.parametrize(
    ("service", "entry", "identity"),
    [
        ("kms", {"arn": "arn:aws-us-gov:kms:us-gov-west-1:1:alias/team/shop_1"}, ""),
        ("kms", {"arn": "arn:aws-cn:kms:cn-north-1:1:key/mrk-1234"}, ""),
        ("gcp_kms", {"resource_id": "projects/example.com:shop/locations/eu/keyRings/a_b/cryptoKeys/c"}, ""),
        ("hc_vault", {**VAULT, "vault_address": "HTTPS://Vault.Example.com:443/"}, "https://vault.example.com"),
        ("hc_vault", {**VAULT, "vault_address": "http://127.0.0.1:8200"}, "http://127.0.0.1:8200"),
        ("hc_vault", {**VAULT, "vault_address": "http://[::1]:80"}, "http://[::1]"),
        ("hc_vault", {**VAULT, "engine_path": "/team-a/transit/"}, "https://vault.example.com:8200/v1/team-a/transit"),
        ("azure_kv", {"vault_url": "https://a.vault.azure.net/", "name": "a", "version": ""}, "https://a.vault.azure"),
    ],
)
def test_legitimate_forms(service: str, entry: dict[str, str], identity: str) -> None:
    ((found, shown, _),) = read(json.dumps({"sops": {service: [entry], "mac": "x"}}).encode(), "json")
    assert found == service
    assert shown.startswith(identity or next(iter(entry.values())))


@pytest.mark.parametrize("value", ['[{"key": "x"}]', '{"key": "x"}', '["x"]'])
@pytest.mark.parametrize("name", ["newcloud_kms", "hc_vault"])
def test_keys_that_nobody_here_knows_are_not_passed_over(name: str, value: str) -> None:
    if name == "hc_vault" and value.startswith("[{"):
        return  # the keys of a service, of another form than it has: above
    refused = refusal(f'{{"sops": {{"mac": "x", "{name}": {value}}}}}'.encode(), "json")
    assert refused.lines() == [
        f"cmp: `{name}` in the sops metadata of this file is not what this version of cmp knows",
        "  where: f:1",
        (
            "  hint: it may name keys of a service that is not checked here: use a newer cmp, or remove those keys "
            "from .sops.yaml and run `sops updatekeys f`"
        ),
    ]


def test_a_file_for_age_alone_needs_no_parser() -> None:
    assert not sops.may_name_service(yaml(AGE))


@pytest.mark.parametrize(
    "name",
    ["hc_vault", '"hc_\\x76ault"', "!!binary aGNfdmF1bHQ=", "HC_VAULT", "azure_kv", "kms", "gcp_kms", "\u212ams"],
)
def test_a_file_that_could_name_a_service_is_parsed(name: str) -> None:
    assert sops.may_name_service(yaml(f"    {name}: []\n"))


ENV = {
    "PATH": "/bin",
    "HOME": "/h",
    "HTTPS_PROXY": "http://p",
    "SOPS_AGE_KEY_FILE": "/k",
    "VAULT_ADDR": "a",
    "VAULT_TOKEN": "t",
    "AWS_PROFILE": "p",
    "AZURE_CLIENT_ID": "c",
    "GOOGLE_CREDENTIALS": "g",
}
OURS = {"PATH", "HOME", "HTTPS_PROXY", "SOPS_AGE_KEY_FILE"}


@pytest.mark.parametrize(
    ("services", "more"),
    [
        ((), set()),
        (("hc_vault",), {"VAULT_ADDR", "VAULT_TOKEN"}),
        (("kms", "gcp_kms"), {"AWS_PROFILE", "GOOGLE_CREDENTIALS"}),
        (("azure_kv",), {"AZURE_CLIENT_ID"}),
    ],
)
def test_credentials_go_to_sops_only_for_the_services_that_a_file_names(
    services: tuple[str, ...], more: set[str]
) -> None:
    assert {*sops.environment(ENV, services)} == OURS | more


def test_a_program_that_fetches_the_age_key_gets_what_it_may_need() -> None:
    env = {**ENV, "SOPS_AGE_KEY_CMD": "vault kv get -field=key secret/age"}
    assert sops.environment(env, ()) == env
