"""KSOPS generators, without KSOPS: in the private copy its files are plaintext already, and become resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.engines.kustomize.kustomization import KSOPS_FILE, texts
from cmp.errors import ConfigError, EngineError, SecretError
from cmp.secrets.sops import CIPHERTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.engines.kustomize.build import Build
    from cmp.engines.kustomize.graph import Graph, Kustomization
    from cmp.system.tree import Tree

OPTIONS = b"kustomize.config.k8s.io/"  # annotations such as needs-hash, which count in a generator's output only


def check(tree: Tree, graph: Graph) -> Iterator[str]:
    """Yield the folders of the kustomizations that use KSOPS.

    ConfigError for a file with other generators beside it; SecretError for a file that KSOPS could not decrypt.
    """
    for kustomization in graph.kustomizations.values():
        if entries := _entries(kustomization):
            for plugin in kustomization.plugins:
                if plugin.reference.text in entries and not plugin.is_ksops:
                    raise ConfigError(
                        "this generator holds ksops and something else",
                        file=plugin.place,
                        hint="make it two entries of `generators`",
                    )
            yield kustomization.folder
        for path in _files(kustomization):
            if CIPHERTEXT not in tree.read(path):
                raise SecretError(
                    "this file is not encrypted, but ksops is to decrypt it",
                    file=path,
                    hint=f"encrypt it with `sops encrypt --in-place {path}`, and change what it held: it is in Git's "
                    "history",
                )


def require_none(graph: Graph) -> None:
    """ConfigError for KSOPS: Argo CD's own kustomize runs no program, unless it has one that is not known here."""
    for kustomization in graph.kustomizations.values():
        if plugin := next((plugin for plugin in kustomization.plugins if plugin.is_ksops), None):
            raise ConfigError(
                "the built-in kustomize of Argo CD does not run ksops",
                file=plugin.place or kustomization.file,
                hint="the plugin cmp decrypts these files: name it in the source, `plugin: {name: cmp}`",
            )


def replace(build: Build) -> None:
    """Replace the generators with their decrypted files, as resources."""
    for kustomization in build.graph.kustomizations.values():
        if entries := _entries(kustomization):
            value = build.kustomization(kustomization.folder)
            generators = (plugin.value for plugin in kustomization.plugins if plugin.is_ksops)
            files = [text for generator in generators for text in texts(generator.get("files", []))]
            value["generators"] = [entry for entry in texts(value.get("generators", [])) if entry not in entries]
            value["resources"] = [*texts(value.get("resources", [])), *files]
        for path in _files(kustomization):
            if OPTIONS in build.read(path):
                raise EngineError(
                    "this file of ksops has an annotation kustomize.config.k8s.io/…, which counts for generators only",
                    file=path,
                    hint="remove the annotation; for a name with a hash use secretGenerator of kustomize",
                )


def _entries(kustomization: Kustomization) -> set[str]:
    return {plugin.reference.text for plugin in kustomization.plugins if plugin.is_ksops}


def _files(kustomization: Kustomization) -> Iterator[str]:
    references = kustomization.references
    yield from (one.path for one in references if one.key == KSOPS_FILE and one.kind == "file")
