"""The master keys of an encrypted file: the keys of services that sops would ask to decrypt its data key.

They decide to which hosts sops sends the credentials of the sidecar: `hc_vault` and `azure_kv` have an address, the
others name a region and a key of their provider, whose hosts sops knows.  A text of another form could lead to another
host (`arn:aws:kms:eu.evil.example/:…` is one label too many), or to another request of the same server, and is refused.

Keys of age and PGP are not among them: they name no host, and their entries bind nothing.  The encryption context of
AWS is not an address either: it is sent along, and the provider refuses to decrypt with another one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import SecretError
from cmp.secrets.sops import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.secrets.sops.metadata import Metadata, Value

KMS, GCP_KMS, AZURE_KV, HC_VAULT, HCKMS = SERVICES = ("kms", "gcp_kms", "azure_kv", "hc_vault", "hckms")
LOCAL = ("age", "pgp")
GROUPS = "key_groups"
MAX_SHOWN = 120

PORTS = {"http": "80", "https": "443"}
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?/?",
    re.IGNORECASE,
)
_LABEL = r"[a-z0-9]+(?:-[a-z0-9]+)*"  # of a host: a region becomes one
_ARN = re.compile(rf"arn:aws(?:-[a-z]+)*:kms:{_LABEL}:[0-9]+:(?:key|alias)/[A-Za-z0-9/_-]+")
_RESOURCE = re.compile(rf"projects/[a-z0-9.:-]+/locations/{_LABEL}/keyRings/[A-Za-z0-9_-]+/cryptoKeys/[A-Za-z0-9_-]+")
_AZURE_NAME, _AZURE_VERSION = re.compile(r"[A-Za-z0-9-]+"), re.compile(r"[A-Za-z0-9]*")
_HUAWEI_KEY = re.compile(rf"{_LABEL}:[A-Za-z0-9-]+")
_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~@=+-]+"
_ENGINE, _KEY_NAME = re.compile(rf"/?{_SEGMENT}(?:/{_SEGMENT})*/?"), re.compile(_SEGMENT)


class MasterKey(NamedTuple):
    """A key of a service in the metadata of a file.

    `identity` is the text that sops prints for it; `origin` is that of its address (scheme, host and port), empty where
    the provider fixes it; `role` and `profile` are those of AWS; `place` is file and line.
    """

    service: str
    identity: str
    place: str
    origin: str = ""
    role: str = ""
    profile: str = ""


def read(kind: str, path: str, data: bytes) -> tuple[MasterKey, ...]:
    """Return the master keys of every document, in any of its key groups; `kind` is sops' name for the format.

    SecretError for metadata that can be read in two ways, and for a key that does not have the form of its service.
    """
    reader = _Reader(path, data)
    documents = metadata.read(kind, path, data)
    return tuple(dict.fromkeys(key for document in documents for key in reader.keys(document)))


def origin_of(url: str) -> str:
    """Return the origin of a URL without path and user, its usual port left out; empty for another text."""
    match = _ORIGIN.fullmatch(url)
    if match is None:
        return ""
    scheme, host, port = match["scheme"].lower(), match["host"].lower(), match["port"] or ""
    return f"{scheme}://{host}" if port in ("", PORTS[scheme]) else f"{scheme}://{host}:{port}"


def shown(text: str) -> str:
    """Return a text of a file for a message: on one line, and not too long."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= MAX_SHOWN else f"{shown[: MAX_SHOWN - 1]}…"


class _Reader:
    """Read the keys of one file, each with its place."""

    def __init__(self, path: str, data: bytes) -> None:
        self._path = path
        self._data = data

    def keys(self, document: Metadata) -> Iterator[MasterKey]:
        groups = document.get(GROUPS) or []
        if not isinstance(groups, list):
            raise self._malformed(GROUPS)
        yield from self._group({name: value for name, value in document.items() if name != GROUPS})
        for group in groups:
            if not isinstance(group, dict):
                raise self._malformed(GROUPS)
            yield from self._group(group)

    def _group(self, group: Metadata) -> Iterator[MasterKey]:
        for name, entries in group.items():
            if isinstance(entries, str) and not (entries and name in (*SERVICES, *LOCAL)):
                continue  # `mac` and the like, or nothing
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise self._malformed(name)
            if name in SERVICES:
                yield from (self._key(name, entry) for entry in entries if isinstance(entry, dict))
            elif entries and name not in LOCAL:
                raise self._malformed(name)

    def _key(self, service: str, entry: Metadata) -> MasterKey:
        texts = {name: self._text(name, value) for name, value in entry.items() if name != metadata.FREE}
        return _MAKERS[service](self, texts)

    def _text(self, name: str, value: Value) -> str:
        if not isinstance(value, str):
            raise self._malformed(name)
        return value

    def kms(self, texts: dict[str, str]) -> MasterKey:
        arn = self._checked(texts, "arn", _ARN, "the ARN of a key of AWS KMS")
        return MasterKey(
            service=KMS,
            identity=arn,
            place=self._place(arn),
            role=texts.get("role", ""),
            profile=texts.get("aws_profile", ""),
        )

    def gcp_kms(self, texts: dict[str, str]) -> MasterKey:
        name = self._checked(texts, "resource_id", _RESOURCE, "the resource ID of a key of Google Cloud KMS")
        return MasterKey(GCP_KMS, name, self._place(name))

    def azure_kv(self, texts: dict[str, str]) -> MasterKey:
        origin = self._origin(texts, "vault_url", "the URL of an Azure Key Vault")
        name = self._checked(texts, "name", _AZURE_NAME, "the name of a key in Azure Key Vault")
        version = self._checked(texts, "version", _AZURE_VERSION, "the version of a key in Azure Key Vault")
        identity = f"{origin}/keys/{name}/{version}".rstrip("/")
        return MasterKey(service=AZURE_KV, identity=identity, place=self._place(texts["vault_url"]), origin=origin)

    def hc_vault(self, texts: dict[str, str]) -> MasterKey:
        origin = self._origin(texts, "vault_address", "the address of a Vault server")
        engine = self._checked(texts, "engine_path", _ENGINE, "the path of a transit engine of Vault").strip("/")
        name = self._checked(texts, "key_name", _KEY_NAME, "the name of a key of Vault")
        identity = f"{origin}/v1/{engine}/keys/{name}"
        return MasterKey(service=HC_VAULT, identity=identity, place=self._place(texts["vault_address"]), origin=origin)

    def hckms(self, texts: dict[str, str]) -> MasterKey:
        key = self._checked(texts, "key_id", _HUAWEI_KEY, "the ID of a key of Huawei Cloud KMS")
        return MasterKey(HCKMS, key, self._place(key))

    def _origin(self, texts: dict[str, str], name: str, noun: str) -> str:
        return origin_of(self._checked(texts, name, _ORIGIN, noun))

    def _checked(self, texts: dict[str, str], name: str, rule: re.Pattern[str], noun: str) -> str:
        text = texts.get(name, "")
        if not rule.fullmatch(text):
            quoted = f"`{shown(text)}`" if text else "an empty text"
            raise SecretError(
                f"{name} in the sops metadata of this file is {quoted}, which is not {noun}",
                file=self._place(text),
                hint="sops makes its requests of it, and another text could lead them elsewhere; correct the key in "
                f".sops.yaml and run `sops updatekeys {self._path}`, or restore the file from Git",
            )
        return text

    def _place(self, text: str) -> str:
        at = self._data.find(text.encode("utf-8", "surrogatepass")) if text else -1
        line = self._data.count(b"\n", 0, at) + 1
        return self._path if at < 0 else f"{self._path}:{line}"

    def _malformed(self, name: str) -> SecretError:
        return SecretError(
            f"`{shown(name)}` in the sops metadata of this file is not what this version of cmp knows",
            file=self._place(name),
            hint="it may name keys of a service that is not checked here: use a newer cmp, or remove those keys from "
            f".sops.yaml and run `sops updatekeys {self._path}`",
        )


_MAKERS = {
    KMS: _Reader.kms,
    GCP_KMS: _Reader.gcp_kms,
    AZURE_KV: _Reader.azure_kv,
    HC_VAULT: _Reader.hc_vault,
    HCKMS: _Reader.hckms,
}
