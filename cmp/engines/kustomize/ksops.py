"""KSOPS generators, without KSOPS: in the private copy its files are plaintext already, and become resources.

kustomize reads two annotations of what a generator prints.  `needs-hash` gives the object a name with a hash: a
resource gets that by the annotation in which kustomize itself notes it.  With `behavior: merge` and `replace` the
object goes over that of a base: here it is a patch with the same effect, for two resources may not have one name.
Source: kubernetes-sigs/kustomize, api/internal/plugins/utils and api/resmap (appendReplaceOrMerge).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.features import NAMES_WITH_HASH, require
from cmp.engines.kustomize.kustomization import KSOPS_FILE, texts
from cmp.engines.registry import KUSTOMIZE
from cmp.errors import ConfigError, EngineError, SecretError
from cmp.secrets.sops import CIPHERTEXT
from cmp.versions import numbers
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.engines.kustomize.build import Build
    from cmp.engines.kustomize.graph import Graph, Kustomization
    from cmp.system.tree import Tree
    from cmp.yamldoc.access import Map

OPTIONS = b"kustomize.config.k8s.io/"
NEEDS_HASH, BEHAVIOR = "kustomize.config.k8s.io/needs-hash", "kustomize.config.k8s.io/behavior"
HASH = "internal.config.kubernetes.io/needsHashSuffix"
CONTENT = {"Secret": ("data", "stringData"), "ConfigMap": ("data", "binaryData")}
TRUTHS = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}  # of Go's ParseBool
KEEPS_TEXTS = (5, 8, 2)  # from here on the texts of `stringData` of a base stay beside those of a merge
BEHAVIORS = ("create", "merge", "replace")


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
    """Replace the generators with their decrypted files, as resources, and as patches where they say so."""
    for kustomization in build.graph.kustomizations.values():
        if not (entries := _entries(kustomization)):
            continue
        patches: list[str] = []
        resources: list[str] = []
        for reference in (one for one in kustomization.references if one.key == KSOPS_FILE and one.kind == "file"):
            parted = _parted(build, reference.path)
            patches += parted.patches
            resources += [reference.text] if parted.has_resources else []
        value = build.kustomization(kustomization.folder)
        value["generators"] = [entry for entry in texts(value.get("generators", [])) if entry not in entries]
        value["resources"] = [*texts(value.get("resources", [])), *resources]
        if patches:  # before all others, as kustomize generates before it patches
            value["patchesStrategicMerge"] = [*patches, *texts(value.get("patchesStrategicMerge", []))]


class _Parted(NamedTuple):
    patches: tuple[str, ...]
    has_resources: bool


def _parted(build: Build, path: str) -> _Parted:
    """Rewrite a decrypted file without the annotations, and without what becomes a patch."""
    data = build.read(path)
    if OPTIONS not in data:
        return _Parted((), has_resources=True)
    patches: list[str] = []
    rest: list[bytes] = []
    for document in yamldoc.parse(data):
        value = mapping(document.value)
        annotations = mapping(dig(value, "metadata", "annotations"))
        if annotations.keys().isdisjoint((NEEDS_HASH, BEHAVIOR)):
            rest.append(document.text)
            continue
        behavior = _behavior(annotations, path)
        own = _with_annotations(value, _annotations(annotations, build, path, is_patch=behavior != "create"))
        if behavior == "create":
            rest.append(yamldoc.dump_all([own]))
        else:
            keeps_texts = numbers(build.work.tools[KUSTOMIZE].version) >= KEEPS_TEXTS
            patch = _patch(own, path, is_merge=behavior == "merge", keeps_texts=keeps_texts)
            patches.append(yamldoc.dump_all([patch]).decode())
    build.write(path, b"".join(rest))
    return _Parted(tuple(patches), has_resources=bool(rest))


def _behavior(annotations: Map, path: str) -> str:
    behavior = annotations.get(BEHAVIOR, "create")
    if behavior not in BEHAVIORS:
        raise EngineError(
            f"the annotation {BEHAVIOR} is none of {', '.join(BEHAVIORS)}",
            file=path,
            hint="correct it: kustomize knows no other",
        )
    return str(behavior)


def _annotations(annotations: Map, build: Build, path: str, *, is_patch: bool) -> Map:
    """Return the other annotations, and the one that asks for a hash; a patch takes that away where nothing asks."""
    wanted = str(annotations.get(NEEDS_HASH, "false")).lower()
    if wanted not in TRUTHS:
        raise EngineError(f"the annotation {NEEDS_HASH} is neither true nor false", file=path, hint="correct it")
    others = {key: text for key, text in annotations.items() if key not in (NEEDS_HASH, BEHAVIOR)}
    if is_patch:  # the object has a hash where both ask for it
        return others if TRUTHS[wanted] else {**others, HASH: None}
    if TRUTHS[wanted]:
        require(build.work.tools[KUSTOMIZE], NAMES_WITH_HASH)
        return {**others, HASH: "enabled"}
    return others


def _with_annotations(value: Map, annotations: Map) -> Map:
    metadata = {key: item for key, item in mapping(value.get("metadata")).items() if key != "annotations"}
    return {**value, "metadata": {**metadata, "annotations": annotations} if annotations else metadata}


def _patch(value: Map, path: str, *, is_merge: bool, keeps_texts: bool) -> Map:
    """Return the strategic merge patch that does what kustomize does with an object that is generated.

    Labels and annotations of the base stay, its content only for `merge`; its `stringData` since kustomize keeps that.
    """
    kind = str(value.get("kind"))
    if kind not in CONTENT:
        raise EngineError(
            f"the annotation {BEHAVIOR} is for {' and '.join(CONTENT)}, and this is a {kind}",
            file=path,
            hint="write it as a patch of the kustomization, whose file may be encrypted too",
        )
    patch = dict(value)
    for key in CONTENT[kind]:
        if not is_merge or (key == "stringData" and not keeps_texts):
            patch[key] = {**mapping(value[key]), "$patch": "replace"} if value.get(key) else None
    if kind == "Secret":
        patch.setdefault("type", None)
    return patch


def _entries(kustomization: Kustomization) -> set[str]:
    return {plugin.reference.text for plugin in kustomization.plugins if plugin.is_ksops}


def _files(kustomization: Kustomization) -> Iterator[str]:
    references = kustomization.references
    yield from (one.path for one in references if one.key == KSOPS_FILE and one.kind == "file")
