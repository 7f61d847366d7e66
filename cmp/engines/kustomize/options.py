"""The options of Argo CD's built-in kustomize, by `kustomize edit` in the private copy, in its order.

Source of the order and of the arguments: argoproj/argo-cd, util/kustomize/kustomize.go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.engines.features import LABEL_INCLUDE_TEMPLATES, LABEL_WITHOUT_SELECTOR, require
from cmp.engines.kustomize.graph import OPTIONS
from cmp.engines.kustomize.kustomization import Reference, items
from cmp.engines.registry import KUSTOMIZE, KustomizeOptions
from cmp.environ import application_variables
from cmp.errors import ConfigError, suggestion
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from cmp.engines.kustomize.build import Build
    from cmp.model import Instance

ONE_ARGUMENT = (3, 8, 5)  # from here on `edit add label` takes one argument a label, before one with commas
_VARIABLE = re.compile(r"\$(?:(\$)|\{([^}]*)\}|(\w+))")


def references(instance: Instance) -> Iterator[Reference]:
    """Yield references that options add to the kustomization: components, and the files of patches."""
    options = KustomizeOptions(instance.options)
    for text in options.components:
        yield Reference(text, "components", OPTIONS)
    for patch in options.patches:
        if isinstance(path := patch.get("path"), str):
            yield Reference(path, "patches", OPTIONS)


def optional_components(instance: Instance) -> Container[str]:
    """Return the components that may be missing."""
    options = KustomizeOptions(instance.options)
    return options.components if options.ignore_missing_components else ()


def build_flags(build: Build) -> Iterator[str]:
    """Yield the flags of `buildOptions`, which the policy has allowed, as the pinned version spells them.

    3.x has underscores.
    """
    is_old = numbers(build.work.tools[KUSTOMIZE].version) < (4,)
    for flag in KustomizeOptions(build.instance.options).build_options:
        name, separator, value = flag.partition("=")
        yield f"--{name[2:].replace('-', '_') if is_old else name[2:]}{separator}{value}"


def apply(build: Build) -> None:
    """Run the edits; EngineError and ToolError for an option that the pinned kustomize does not take."""
    folder, options = build.instance.folder, KustomizeOptions(build.instance.options)
    build.save()  # `kustomize edit` reads and writes the files
    for edit in _edits(build, options):
        build.run(folder, "edit", *edit)
    if patches := [dict(patch) for patch in options.patches]:
        value = build.kustomization(folder)
        value["patches"] = [*(item for _, item in items(value, "patches")), *patches]
        build.save()
    if components := [*_components(build, options)]:
        build.run(folder, "edit", "add", "component", *components)


def _edits(build: Build, options: KustomizeOptions) -> Iterator[tuple[str, ...]]:
    if options.name_prefix:
        yield ("set", "nameprefix", "--", options.name_prefix)
    if options.name_suffix:
        yield ("set", "namesuffix", "--", options.name_suffix)
    images = (*options.images, *build.instance.parameters.images)
    if images:
        yield ("set", "image", *(_expanded(image, build, "images") for image in images))
    if options.replicas:
        yield ("set", "replicas", *(f"{item['name']}={item['count']}" for item in options.replicas))
    yield from _labels(build, options)
    yield from _annotations(build, options)
    if options.namespace:
        yield ("set", "namespace", "--", options.namespace)


def _labels(build: Build, options: KustomizeOptions) -> Iterator[tuple[str, ...]]:
    if not options.common_labels:
        return
    flags = ["--force"] if options.force_common_labels else []
    tool = build.work.tools[KUSTOMIZE]
    for is_set, feature in (
        (options.label_without_selector, LABEL_WITHOUT_SELECTOR),
        (options.label_include_templates, LABEL_INCLUDE_TEMPLATES),
    ):
        if is_set:
            require(tool, feature)
            flags.append(feature.name)
    labels = {key: _expanded(text, build, "commonLabels") for key, text in options.common_labels.items()}
    arguments = pairs(labels, tool.version)
    # Of several labels without selectors kustomize 5 takes the second for one that is there already.
    is_single = options.label_without_selector and not build.instance.is_builtin  # Argo CD fails there
    for group in [(argument,) for argument in arguments] if is_single else [arguments]:
        yield ("add", "label", *flags, *group)


def _annotations(build: Build, options: KustomizeOptions) -> Iterator[tuple[str, ...]]:
    annotations = options.common_annotations
    if not annotations:
        return
    flags = ("--force",) if options.force_common_annotations else ()
    if options.common_annotations_envsubst:
        annotations = {key: _expanded(text, build, "commonAnnotations") for key, text in annotations.items()}
    yield ("add", "annotation", *flags, *pairs(annotations, build.work.tools[KUSTOMIZE].version))


def pairs(texts: Mapping[str, str], version: str) -> tuple[str, ...]:
    """Return the arguments of `edit add label` and `edit add annotation`."""
    arguments = tuple(f"{key}:{text}" for key, text in sorted(texts.items()))
    return arguments if numbers(version) >= ONE_ARGUMENT else (",".join(arguments),)


def _components(build: Build, options: KustomizeOptions) -> Iterator[str]:
    for reference in build.graph.kustomizations[build.instance.folder].references:
        if reference.key != "components" or reference.place != OPTIONS:
            continue
        if reference.kind == "folder" or not options.ignore_missing_components:
            yield reference.text


def _expanded(text: str, build: Build, key: str) -> str:
    """Replace `$NAME` and `${NAME}` as Argo CD does; ConfigError for a name that it does not know.

    In a checkout, where there is no Application, the name itself stands for its value.
    """
    env = build.instance.build_env
    known = application_variables(env)

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = match[2] or match[3] or ""
        if name not in known:
            raise ConfigError(f"Argo CD knows no variable ${name} ({key} of kustomize)", hint=suggestion(name, known))
        if not env.app_name:
            build.warn(f"Argo CD replaces ${name} in {key}; here its name stands for it")
            return name
        return known[name]

    return _VARIABLE.sub(replace, text)
