"""KSOPS generators, without KSOPS: in the private copy its files are plaintext already, and become resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.engines.kustomize.plugins import KSOPS_FILE
from cmp.engines.kustomize.uses import texts
from cmp.errors import ConfigError, EngineError, SecretError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.engines.kustomize.graph import Graph, Node
    from cmp.engines.kustomize.rewrite import Build
    from cmp.system.tree import Tree

CIPHERTEXT = b"ENC[AES256_GCM,"
OPTIONS = b"kustomize.config.k8s.io/"  # annotations such as needs-hash, which count in a generator's output only


def check(tree: Tree, graph: Graph) -> Iterator[str]:
    """Yield the folders of the kustomizations that use KSOPS.

    ConfigError for a file with other generators beside it; SecretError for a file that KSOPS could not decrypt.
    """
    for node in graph.nodes.values():
        if _entries(node):
            _require_alone(node)
            yield node.folder
        for path in _files(node):
            if CIPHERTEXT not in tree.read(path):
                raise SecretError(
                    "this file is not encrypted, but ksops is to decrypt it",
                    file=path,
                    hint=f"encrypt it with `sops encrypt --in-place {path}`, and change what it held: it is in Git's "
                    "history",
                )


def replace(build: Build) -> None:
    """Put the decrypted files in the place of the generators."""
    for node in build.graph.nodes.values():
        if entries := _entries(node):
            value = build.kustomization(node.folder)
            files = [
                text for plugin in node.plugins if plugin.is_ksops for text in texts(plugin.value.get("files", []))
            ]
            value["generators"] = [entry for entry in texts(value.get("generators", [])) if entry not in entries]
            value["resources"] = [*texts(value.get("resources", [])), *files]
        for path in _files(node):
            _require_plain(build.read(path), path)


def _entries(node: Node) -> set[str]:
    return {plugin.use.text for plugin in node.plugins if plugin.is_ksops}


def _files(node: Node) -> Iterator[str]:
    yield from (use.path for use in node.uses if use.key == KSOPS_FILE and use.kind == "file")


def _require_alone(node: Node) -> None:
    entries = _entries(node)
    for plugin in node.plugins:
        if plugin.use.text in entries and not plugin.is_ksops:
            raise ConfigError(
                "this generator holds ksops and something else",
                file=plugin.use.path or plugin.use.place,
                hint="make it two entries of `generators`",
            )


def _require_plain(data: bytes, path: str) -> None:
    if OPTIONS in data:
        raise EngineError(
            "this file of ksops has an annotation kustomize.config.k8s.io/…, which counts for generators only",
            file=path,
            hint="remove the annotation; for a name with a hash use secretGenerator of kustomize",
        )
