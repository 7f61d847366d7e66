"""Rendered objects with a label in place of every secret, for reports and for files that are kept.

Two rules: every value of a Secret is a secret, and so is every plaintext that was decrypted in this run, wherever it
stands: in a ConfigMap, in an argument of a container, base64-encoded inside a longer text.  Ciphertext that is meant to
stay has the label that it has in a render without a key.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.changes import Object
from cmp.model import Identity
from cmp.secrets import placeholders
from cmp.secrets.kept import mac_of
from cmp.secrets.redact import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.render.output import CheckedOutput, Manifest
    from cmp.secrets.redact import Redactor

    Label = Callable[[Secret], str]


def objects(output: CheckedOutput, redactor: Redactor, label: Label) -> tuple[Object, ...]:
    """Return the objects of a render in its order, each secret replaced by its label.

    The `path` of a secret that no encrypted file explains is `data.<key>` of its Secret.
    """
    return tuple(_object(manifest, redactor, label) for manifest in output.manifests)


def _object(manifest: Manifest, redactor: Redactor, label: Label) -> Object:
    value = manifest.value
    if mac_of(value):  # for an operator in the cluster: nobody reads a change of ciphertext
        value = placeholders.shown(value)
    if manifest.kind == "Secret" and manifest.api_version == "v1":
        value = {**value, **dict(_sealed(value, redactor, label))}
    identity = manifest.identity
    # One search through the whole text is much faster than one in each scalar, and few objects hold a secret.
    if redactor.may_hold("\n".join(scalars(value))):
        value = _masked_map(value, redactor, label)
        identity = Identity(*(redactor.labelled(part, label) for part in identity))
    return Object(manifest.api_version, identity, value, manifest.source)


def _sealed(value: dict[str, object], redactor: Redactor, label: Label) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield `data` and `stringData` with labels; equal plaintext has an equal one in both."""
    for field, texts in _plaintexts(value):
        yield field, {key: label(redactor.secret_of(text) or Secret(text, f"data.{key}")) for key, text in texts}


def plaintexts(value: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the keys of a Secret, each with its plaintext."""
    for _, texts in _plaintexts(value):
        yield from texts


def _plaintexts(value: dict[str, object]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for field, plain in (("data", _decoded), ("stringData", str)):
        entries = value.get(field)
        if isinstance(entries, dict):
            yield field, [(key, plain(entry)) for key, entry in entries.items()]


def _decoded(entry: object) -> str:
    try:
        return b64decode(str(entry), validate=True).decode("utf-8", "surrogateescape")
    except ValueError:  # the API server would refuse it
        return str(entry)


def scalars(value: object) -> Iterator[str]:
    """Yield every key and every scalar as a text, none of them quoted."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    else:
        yield value if isinstance(value, str) else yamldoc.to_json(value)


def masked(value: object, redactor: Redactor, label: Label) -> object:
    """Return a value with a label in place of every secret in it, keys included."""
    if isinstance(value, dict):
        return _masked_map(value, redactor, label)
    if isinstance(value, list):
        return [masked(item, redactor, label) for item in value]
    if isinstance(value, str):
        secret = redactor.secret_of(value)
        return label(secret) if secret else redactor.labelled(value, label)
    if value is None or isinstance(value, bool):  # a label would say more than it hides
        return value
    secret = redactor.secret_of(yamldoc.to_json(value))
    return label(secret) if secret else value


def _masked_map(value: dict[str, object], redactor: Redactor, label: Label) -> dict[str, object]:
    masked_map: dict[str, object] = {}
    for key, item in value.items():
        name = redactor.labelled(key, label)
        while name in masked_map:  # two keys that are the same secret but for the text around it
            name += "\N{PRIME}"
        masked_map[name] = masked(item, redactor, label)
    return masked_map
