"""From a source of an Application without a plugin to its Instance."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cmp.argocd.reposerver import merged
from cmp.engines.registry import ENGINES, HELM, KUSTOMIZE, PLAIN
from cmp.errors import CmpError, ConfigError
from cmp.model import Instance, OutputRules, Parameters, Requester
from cmp.repository.builtin import directory, helm, kustomize
from cmp.repository.builtin.sources import SourceContext, elsewhere, folder_of, in_tree, is_oci

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.argocd.application import Application
    from cmp.argocd.source import LocatedSource
    from cmp.repository.builtin.sources import Surroundings
    from cmp.repository.instances import Repository
    from cmp.system.tree import Tree

CHART = "Chart.yaml"  # the end of a name: Argo CD does not ask for more
_RESOLVERS: Mapping[str, Callable[[SourceContext, Instance], Instance]] = {
    HELM: helm.resolve,
    KUSTOMIZE: kustomize.resolve,
    PLAIN: directory.resolve,
}


def resolve(
    repository: Repository, application: Application, one: LocatedSource, surroundings: Surroundings
) -> Instance:
    """Resolve one source of an Application: a pure function of the trees, the Application and its surroundings.

    The source has no plugin, and is more than a `ref`.  ConfigError, at the place in the Application, when anything is
    missing, contradicts itself or cannot be rendered here.
    """
    asked = application.of(one)
    try:
        return _resolve(repository, asked, surroundings)
    except CmpError as error:
        error.file = error.file or asked.location.place
        raise error.locate(application=application.name, cluster=surroundings.cluster.name) from None


def _resolve(repository: Repository, application: Application, surroundings: Surroundings) -> Instance:
    tree = repository.tree
    if application.source.chart or is_oci(application.source):
        _require_chart(application)
        folder, engine = "", HELM
    else:
        if not surroundings.is_own(application.source.repo_url):
            raise elsewhere("the source is", application.source.repo_url, application.location.inner("repoURL").place)
        if not application.source.path:
            raise ConfigError(
                "the source has neither a path nor a chart",
                file=application.location.place,
                hint="Argo CD refuses it, too: name the folder, `path: .` for the root",
            )
        folder = folder_of(tree, application)
        application = merged(application, lambda path: _read(tree, path))
        engine = _engine(tree, folder, application)
    context = SourceContext(tree, folder, application, surroundings)
    build_env = context.build_env
    instance = Instance(
        app=application.name,
        cluster=surroundings.cluster.name,
        folder=folder,
        app_folder="",
        instance_folder="",
        engines=(engine,),
        layers=(),
        pins={
            **repository.config.defaults.tools,
            HELM: surroundings.settings.helm,
            KUSTOMIZE: surroundings.settings.kustomize,
        },
        release=application.name,
        namespace=application.destination.namespace,
        kube_version=surroundings.cluster.kube_version,
        api_versions=surroundings.cluster.api_versions,
        parameters=Parameters(),
        options={},
        output_rules=OutputRules(allow_empty=True, as_reposerver=True),
        secret_files=(),
        warnings=(),
        requester=Requester(application.project, application.destination.namespace),
        build_env=build_env,
        is_builtin=True,
        chart_folder=folder if engine == HELM else "",
    )
    return _RESOLVERS[engine](context, instance)


def _require_chart(application: Application) -> None:
    source, place = application.source, application.location.place
    if others := [name for name in source.blocks if name != HELM]:
        raise ConfigError(f"the source is a chart, and has {others[0]}", file=place, hint="a chart has `helm` alone")
    if is_oci(source) and os.path.normpath(source.path or ".") != ".":
        raise ConfigError(
            f"the source is the folder {source.path} of an artifact of a registry, which is not compared",
            file=place,
            hint="of a registry only charts are rendered here, as a whole (`path: .`)",
        )


def _engine(tree: Tree, folder: str, application: Application) -> str:
    """Return the engine that a block of the source chooses, else the files of its folder."""
    source = application.source
    if source.plugin is not None:
        raise ConfigError(
            "the source gets a plugin from Git",
            file=application.location.place,
            hint="`plugin` belongs into the Application itself: the files of the folder decide too late for a preview",
        )
    blocks = {HELM: source.helm, KUSTOMIZE: source.kustomize, PLAIN: source.directory}
    return next((name for name, block in blocks.items() if block is not None), "") or _discovered(tree, folder)


def _discovered(tree: Tree, folder: str) -> str:
    """Return the engine that the files of a folder choose: of several fitting ones the last one by name decides.

    A plugin with discovery, which only the Argo CD knows, would come first.  Source: util/app/discovery/discovery.go.
    """
    engine = PLAIN
    for entry in tree.entries(folder):
        if entry.kind == "folder" and not entry.is_link:
            continue
        if entry.name.endswith(CHART):
            engine = HELM
        if entry.name in ENGINES[KUSTOMIZE].markers:
            engine = KUSTOMIZE
    return engine


def _read(tree: Tree, path: str) -> bytes | None:
    """Read a file of the repository; None where it is not there, or outside the tree."""
    inside = in_tree(tree, path)
    return tree.read(inside) if inside is not None and tree.kind(inside) == "file" else None
