"""The clusters that a repository declares for Argo CD: Secrets of type `cluster`, and what makes such Secrets.

Of a Secret only name, server, project and metadata are read, never `config` with its credentials.
Source: argoproj/argo-cd 3.6, docs/operator-manual/declarative-setup.md; external-secrets.io ExternalSecret and
bitnami.com SealedSecret, whose templates have the labels of the Secret that they make.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from cmp.argocd.document import objects
from cmp.argocd.sets.generators import SECRET_TYPE
from cmp.errors import ConfigError
from cmp.model import Cluster
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.system.tree import Tree

    Values = dict[str, object]

WORD = "argocd.argoproj.io/secret-type"
_TEMPLATES = {
    "Secret": (),
    "ExternalSecret": ("spec", "target", "template"),
    "SealedSecret": ("spec", "template"),
}


def clusters_in(tree: Tree, paths: Iterable[str]) -> list[Cluster]:
    """Return the clusters of these files of a tree, by name, each once; a file that is no YAML has none.

    A server that is encrypted, or that only a controller knows, is empty.
    """
    found: dict[str, Cluster] = {}
    for path in paths:
        try:
            manifests = [*objects(tree.read(path), path)]
        except ConfigError:  # a template, or a broken file: whatever reads it says so
            continue
        for manifest in manifests:
            for cluster in _clusters(manifest.value):
                found.setdefault(cluster.name, cluster)
    return [found[name] for name in sorted(found)]


def _clusters(value: Values) -> Iterator[Cluster]:
    kind = str(value.get("kind"))
    if kind not in _TEMPLATES:
        return
    secret = mapping(dig(value, *_TEMPLATES[kind]) if _TEMPLATES[kind] else value)
    metadata = mapping(secret.get("metadata"))
    labels = _texts(metadata.get("labels"))
    if any(labels.get(name) != text for name, text in SECRET_TYPE.items()):
        return
    name = _text(secret, "name") or str(metadata.get("name") or mapping(value.get("metadata")).get("name") or "")
    if name:
        annotations = _texts(metadata.get("annotations"))
        project = _text(secret, "project")
        yield Cluster(
            name,
            server=_text(secret, "server"),
            labels={key: text for key, text in labels.items() if key not in SECRET_TYPE},
            annotations={key: text for key, text in annotations.items() if "argoproj.io/" not in key},
            facts={"project": project} if project else {},
        )


def _texts(value: object) -> dict[str, str]:
    return {name: "" if text is None else str(text) for name, text in mapping(value).items()}


def _text(secret: Values, key: str) -> str:
    """Return a text of a Secret; empty for one that is encrypted, a template, or no text."""
    plain = mapping(secret.get("stringData")).get(key)
    if isinstance(plain, str):
        return "" if plain.startswith("ENC[") or "{{" in plain else plain
    data = mapping(secret.get("data")).get(key)
    if not isinstance(data, str) or data.startswith("ENC[") or "{{" in data:
        return ""
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return data if "://" in data or data.replace("-", "").isalnum() else ""
