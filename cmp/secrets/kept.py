"""Encrypted objects that stay encrypted: an operator in the cluster decrypts them, or the administrator's program.

Such an object lies in Git as sops wrote it, and reaches the cluster with its ciphertext and its metadata.  A custom
resource is taken for one: nothing else in a cluster knows what to do with a top-level key `sops`.  Kubernetes' own
kinds are decrypted, unless the repository lists them.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import SecretError
from cmp.yamldoc.access import dig

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

METADATA = "sops"
CIPHERTEXT = re.compile(r"ENC\[AES256_GCM,[^\]\s]*\]")
OPERATORS = ("SopsSecret",)  # kinds that an operator is known for


class Kept(NamedTuple):
    """The objects that may leave encrypted: those of the listed kinds, and those that are or hold listed files.

    A file is known by the codes of authentication that sops wrote into it, and inside another object, as of a generator
    of kustomize, by its ciphertexts.
    """

    kinds: tuple[str, ...] = ()
    macs: frozenset[str] = frozenset()
    ciphertexts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, kinds: tuple[str, ...], files: Sequence[bytes]) -> Kept:
        """Return what these kinds, and files with this content, let pass."""
        macs = (mac_of(document) for data in files for document in _encrypted(data))
        texts = (text for data in files for text in CIPHERTEXT.findall(data.decode(errors="replace")))
        return cls(kinds, frozenset(macs), frozenset(texts))

    def holds(self, value: object) -> bool:
        """Return whether a printed object is meant to be encrypted, or to hold ciphertext."""
        mac = mac_of(value)
        if mac and (mac in self.macs or dig(value, "kind") in self.kinds or _is_for_an_operator(value)):
            return True
        found = {text for part in _texts(value) for text in CIPHERTEXT.findall(part)} if self.ciphertexts else set()
        return bool(found) and found <= self.ciphertexts

    def is_guessed(self, value: object) -> bool:
        """Return whether nobody has said so of an object that `holds`: its operator is not known here."""
        kind = dig(value, "kind")
        return bool(mac_of(value)) and mac_of(value) not in self.macs and kind not in (*self.kinds, *OPERATORS)


NOTHING_KEPT = Kept()


def stays_encrypted(path: str, data: bytes, kinds: Collection[str]) -> bool:
    """Return whether the objects of an encrypted file are to stay so.

    SecretError for a file with objects of both sorts: sops encrypts and decrypts it as a whole.
    """
    objects = [document for document in _encrypted(data) if document.keys() != {METADATA}]
    kept = [document for document in objects if _is_for_an_operator(document) or document.get("kind") in kinds]
    if not kept or len(kept) == len(objects):
        return bool(kept)
    other = next(document for document in objects if document not in kept)
    raise SecretError(
        f"this encrypted file holds a {kept[0].get('kind')}, which stays encrypted, and a {other.get('kind')}, "
        "which does not",
        file=path,
        hint="make it two files, each encrypted by itself",
    )


def mac_of(value: object) -> str:
    """Return the code of authentication that sops wrote into a document; empty without metadata."""
    mac = dig(value, METADATA, "mac")
    return mac if isinstance(mac, str) else ""


def _encrypted(data: bytes) -> Iterator[dict[object, object]]:
    """Yield the documents with metadata of sops; none of a text that is no YAML or JSON."""
    try:
        documents = yamldoc.load_all(data)
    except yamldoc.YamlError:
        return
    yield from (document for document in documents if isinstance(document, dict) and mac_of(document))


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in an object, those in base64 also as what they say."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
        with suppress(ValueError):
            yield a2b_base64("".join(value.split()), strict_mode=True).decode(errors="replace")


def _is_for_an_operator(value: object) -> bool:
    """Return whether an object is a custom resource: its group is a domain, and none of Kubernetes' own."""
    version, kind = dig(value, "apiVersion"), dig(value, "kind")
    group = version.rpartition("/")[0] if isinstance(version, str) else ""
    return isinstance(kind, str) and "." in group and not f".{group}".endswith(".k8s.io")
