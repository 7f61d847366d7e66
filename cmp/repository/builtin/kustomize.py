"""The block `kustomize`, as the engine kustomize has its options.

Source: argoproj/argo-cd 3.6, util/kustomize/kustomize.go, util/settings/settings.go.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from cmp.argocd.settings import COMPONENTS_UNTIL_FIRST, ENABLE_HELM
from cmp.argocd.source import Kustomize
from cmp.engines.registry import ENGINES, KUSTOMIZE
from cmp.errors import ConfigError
from cmp.model import ToolPin
from cmp.repository.builtin.helm import kube_version
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import Instance
    from cmp.repository.builtin.sources import SourceContext

_NUMBER = re.compile(r"[+-]?[0-9]+")
# Flags of settings that have an effect on what is printed, and that no render needs to fear; the value may be apart.
_VALUE = ("--load-restrictor", "--reorder")
_SWITCHES = ("--enable-managedby-label",)
_NOT_HERE = ("--helm-command",)  # the helm is pinned


def resolve(context: SourceContext, instance: Instance) -> Instance:
    """Complete an Instance; ConfigError for what Argo CD refuses, and for settings that cannot be followed here."""
    block = context.application.source.kustomize or Kustomize()
    flags = [*_flags(context.settings.build_options, context)]
    options: dict[str, object] = {
        "namePrefix": block.name_prefix,
        "nameSuffix": block.name_suffix,
        "namespace": block.namespace,
        "images": tuple(_literal(context.expanded(image)) for image in block.images),
        "replicas": tuple(
            {"name": one.get("name", ""), "count": _count(one.get("count", ""), context, index)}
            for index, one in enumerate(block.replicas)
        ),
        "commonLabels": {key: _literal(context.expanded(text)) for key, text in block.common_labels.items()},
        "labelWithoutSelector": block.label_without_selector,
        "labelIncludeTemplates": block.label_include_templates,
        "forceCommonLabels": block.force_common_labels,
        "commonAnnotations": {
            key: context.expanded(text) if block.common_annotations_envsubst else text
            for key, text in block.common_annotations.items()
        },
        "forceCommonAnnotations": block.force_common_annotations,
        "patches": block.patches,
        "components": tuple(_components(block, context)),
        "enableHelm": ENABLE_HELM in flags,
        "buildOptions": tuple(flag for flag in flags if flag != ENABLE_HELM),
    }
    for index, patch in enumerate(block.patches):
        _require_patch(patch, index, context)
    return instance._replace(
        pins={**instance.pins, KUSTOMIZE: _pin(block, context)},
        namespace=block.namespace or instance.namespace,
        kube_version=kube_version(block.kube_version or instance.kube_version, context, KUSTOMIZE),
        api_versions=block.api_versions or instance.api_versions,
        options={KUSTOMIZE: options},
    )


def _literal(text: str) -> str:
    """Protect a text that has its variables replaced from the engine, which replaces them too."""
    return text.replace("$", "$$")


def _count(text: str, context: SourceContext, index: int) -> str:
    if not _NUMBER.fullmatch(text):
        raise ConfigError(
            f"{text or 'an empty text'} is no number of replicas",
            file=context.place("kustomize", "replicas", index, "count"),
        )
    return str(int(text))


def _components(block: Kustomize, context: SourceContext) -> Iterator[str]:
    """Yield the components that are used; ConfigError for one that is not there, unless that is allowed.

    Argo CD 3.6 stops looking behind the first one that is there.
    """
    for index, text in enumerate(block.components):
        folder = posixpath.normpath(join(context.folder, text))
        is_there = not folder.startswith("..") and any(
            context.tree.kind(join(folder, name)) == "file" for name in ENGINES[KUSTOMIZE].markers
        )
        if not block.ignore_missing_components:
            if not is_there and "://" not in text:
                raise ConfigError(
                    f"the component {text} is not there: {folder} has no kustomization",
                    file=context.place("kustomize", "components", index),
                    hint="correct the path, or set `ignoreMissingComponents: true`",
                )
            yield text
        elif is_there or (
            not context.settings.is_from(COMPONENTS_UNTIL_FIRST) and context.tree.kind(folder) != "missing"
        ):
            yield text
            if context.settings.is_from(COMPONENTS_UNTIL_FIRST):
                return


def _require_patch(patch: dict[str, object], index: int, context: SourceContext) -> None:
    path = patch.get("path")
    if isinstance(path, str) and context.tree.kind(posixpath.normpath(join(context.folder, path))) != "file":
        raise ConfigError(
            f"the patch {path} is not there",
            file=context.place("kustomize", "patches", index, "path"),
            hint="its path starts in the folder of the source",
        )


def _pin(block: Kustomize, context: SourceContext) -> ToolPin:
    if not block.version:
        return context.settings.kustomize
    return ToolPin(KUSTOMIZE, block.version.removeprefix("v"), context.place("kustomize", "version"))


def _flags(text: str, context: SourceContext) -> Iterator[str]:
    """Yield the flags of a text, each with its value behind `=`; ConfigError for one that no render may follow."""
    words = text.split()
    while words:
        name, separator, value = words.pop(0).partition("=")
        if name in _VALUE and not separator and words:
            value = words.pop(0)
        if name in _NOT_HERE:
            if not separator and words:
                words.pop(0)
        elif name == ENABLE_HELM and value in ("", "true"):
            yield ENABLE_HELM
        elif name in _VALUE and value:
            yield f"{name}={value}"
        elif name in _SWITCHES:
            yield name
        else:
            raise ConfigError(
                f"Argo CD's kustomize gets the flag {name}, which no render here takes",
                file=context.application.location.place,
                hint="`preview.argocd.buildOptions` of cmp.yaml says other flags; with programs of its own an "
                "Application cannot be compared",
            )
