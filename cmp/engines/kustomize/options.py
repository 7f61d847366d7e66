"""The options of Argo CD's built-in kustomize, by `kustomize edit` in the private copy, in its order.

Source of the order and of the arguments: argoproj/argo-cd, util/kustomize/kustomize.go.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from cmp.engines.features import LABEL_INCLUDE_TEMPLATES, LABEL_WITHOUT_SELECTOR, require
from cmp.engines.kustomize.graph import OPTIONS
from cmp.engines.kustomize.kustomization import Reference, items
from cmp.engines.registry import KUSTOMIZE
from cmp.errors import ConfigError, suggestion
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from cmp.engines.kustomize.build import Build
    from cmp.model import BuildEnv, Instance
    from cmp.yamldoc.access import Map

ONE_ARGUMENT = (3, 8, 5)  # from here on `edit add label` takes one argument a label, before one with commas
_VARIABLE = re.compile(r"\$(?:(\$)|\{([^}]*)\}|(\w+))")


def references(instance: Instance) -> Iterator[Reference]:
    """Yield references that options add to the kustomization: components, and the files of patches."""
    options = of(instance)
    for text in cast("tuple[str, ...]", options.get("components", ())):
        yield Reference(text, "components", OPTIONS)
    for patch in _patches(options):
        if isinstance(patch.get("path"), str):
            yield Reference(cast("str", patch["path"]), "patches", OPTIONS)


def optional_components(instance: Instance) -> Container[str]:
    """Return the components that may be missing."""
    options = of(instance)
    return cast("tuple[str, ...]", options.get("components", ())) if options.get("ignoreMissingComponents") else ()


def of(instance: Instance) -> Mapping[str, object]:
    """Return the options of an instance for kustomize."""
    return instance.options.get(KUSTOMIZE, {})


def build_flags(build: Build) -> Iterator[str]:
    """Yield the flags of `buildOptions`, which the policy has allowed, as the pinned version spells them.

    3.x has underscores.
    """
    is_old = numbers(build.work.tools[KUSTOMIZE].version) < (4,)
    for flag in cast("tuple[str, ...]", of(build.instance).get("buildOptions", ())):
        name, separator, value = flag.partition("=")
        yield f"--{name[2:].replace('-', '_') if is_old else name[2:]}{separator}{value}"


def variables(env: BuildEnv) -> dict[str, str]:
    """Return the variables that Argo CD replaces in options (reposerver/repository.go: `newEnv`)."""
    return {
        "ARGOCD_APP_NAME": env.app_name,
        "ARGOCD_APP_NAMESPACE": env.app_namespace,
        "ARGOCD_APP_PROJECT_NAME": env.project,
        "ARGOCD_APP_REVISION": env.revision,
        "ARGOCD_APP_REVISION_SHORT": env.revision[:7],
        "ARGOCD_APP_REVISION_SHORT_8": env.revision[:8],
        "ARGOCD_APP_SOURCE_REPO_URL": env.repo_url,
        "ARGOCD_APP_SOURCE_PATH": env.source_path,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": env.target_revision,
    }


def apply(build: Build) -> None:
    """Run the edits; EngineError and ToolError for an option that the pinned kustomize does not take."""
    folder = build.instance.folder
    build.save()  # `kustomize edit` reads and writes the files
    for edit in _edits(build):
        build.run(folder, "edit", *edit)
    if patches := _patches(of(build.instance)):
        value = build.kustomization(folder)
        value["patches"] = [*(item for _, item in items(value, "patches")), *patches]
        build.save()
    if components := [*_components(build)]:
        build.run(folder, "edit", "add", "component", *components)


def _edits(build: Build) -> Iterator[tuple[str, ...]]:
    options = of(build.instance)
    for key, name in (("namePrefix", "nameprefix"), ("nameSuffix", "namesuffix")):
        if options.get(key):
            yield ("set", name, "--", cast("str", options[key]))
    images = (*cast("tuple[str, ...]", options.get("images", ())), *build.instance.parameters.images)
    if images:
        yield ("set", "image", *(_expanded(image, build, "images") for image in images))
    if replicas := cast("tuple[Mapping[str, str], ...]", options.get("replicas", ())):
        yield ("set", "replicas", *(f"{item['name']}={item['count']}" for item in replicas))
    yield from _labels(build, options)
    yield from _annotations(build, options)
    if options.get("namespace"):
        yield ("set", "namespace", "--", cast("str", options["namespace"]))


def _labels(build: Build, options: Mapping[str, object]) -> Iterator[tuple[str, ...]]:
    labels = cast("Mapping[str, str]", options.get("commonLabels", {}))
    if not labels:
        return
    flags = []
    if options.get("forceCommonLabels"):
        flags.append("--force")
    tool = build.work.tools[KUSTOMIZE]
    for key, feature in (
        ("labelWithoutSelector", LABEL_WITHOUT_SELECTOR),
        ("labelIncludeTemplates", LABEL_INCLUDE_TEMPLATES),
    ):
        if options.get(key):
            require(tool, feature)
            flags.append(feature.name)
    arguments = pairs({key: _expanded(text, build, "commonLabels") for key, text in labels.items()}, tool.version)
    # Of several labels without selectors kustomize 5 takes the second for one that is there already.
    for some in [(one,) for one in arguments] if options.get("labelWithoutSelector") else [arguments]:
        yield ("add", "label", *flags, *some)


def _annotations(build: Build, options: Mapping[str, object]) -> Iterator[tuple[str, ...]]:
    annotations = cast("Mapping[str, str]", options.get("commonAnnotations", {}))
    if not annotations:
        return
    flags = ("--force",) if options.get("forceCommonAnnotations") else ()
    if options.get("commonAnnotationsEnvsubst"):
        annotations = {key: _expanded(text, build, "commonAnnotations") for key, text in annotations.items()}
    yield ("add", "annotation", *flags, *pairs(annotations, build.work.tools[KUSTOMIZE].version))


def pairs(texts: Mapping[str, str], version: str) -> tuple[str, ...]:
    """Return the arguments of `edit add label` and `edit add annotation`."""
    arguments = tuple(f"{key}:{text}" for key, text in sorted(texts.items()))
    return arguments if numbers(version) >= ONE_ARGUMENT else (",".join(arguments),)


def _patches(options: Mapping[str, object]) -> list[Map]:
    return [dict(patch) for patch in cast("tuple[Map, ...]", options.get("patches", ()))]


def _components(build: Build) -> Iterator[str]:
    may_be_missing = of(build.instance).get("ignoreMissingComponents")
    for reference in build.graph.kustomizations[build.instance.folder].references:
        if reference.key != "components" or reference.place != OPTIONS:
            continue
        if reference.kind == "folder" or not may_be_missing:
            yield reference.text


def _expanded(text: str, build: Build, key: str) -> str:
    """Replace `$NAME` and `${NAME}` as Argo CD does; ConfigError for a name that it does not know.

    In a checkout, where there is no Application, the name itself stands for its value.
    """
    env = build.instance.build_env
    known = variables(env)

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = cast("str", match[2] or match[3] or "")
        if name not in known:
            raise ConfigError(f"Argo CD knows no variable ${name} ({key} of kustomize)", hint=suggestion(name, known))
        if not env.app_name:
            build.warn(f"Argo CD replaces ${name} in {key}; here its name stands for it")
            return name
        return known[name]

    return _VARIABLE.sub(replace, text)
