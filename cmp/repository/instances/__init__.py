"""One application on one cluster, resolved: everything that its render depends on.

root.py        where a source tree begins                  repository.py  its applications, clusters and folders
target.py      which of them is asked for                  engine.py      which engine, in which folder
layering.py    which values files, in which order          names.py       release, namespace, Kubernetes version
files.py       what the files in its folders are for    claims.py      YAML files that nothing uses
manifests.py   files that are manifests by themselves
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cmp.argocd import parameters
from cmp.engines.registry import HELMFILE, KUSTOMIZE
from cmp.errors import CmpError, ConfigError
from cmp.model import NOTHING, Instance, Layer, OutputRules, Parameters, Requester, ToolPin
from cmp.repository import layout
from cmp.repository.config import APP_FILE, ValuesPattern, merge
from cmp.repository.instances import engine, names
from cmp.repository.instances.engine import Folders
from cmp.repository.instances.files import Files
from cmp.repository.instances.layering import Scope, Sources, layers
from cmp.repository.instances.names import Named
from cmp.repository.instances.repository import Pair, Repository
from cmp.repository.instances.root import checkout, has_repository, open_repository, open_sidecar
from cmp.repository.instances.target import Request, Target, locate, named
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.model import BuildEnv, EngineTraits
    from cmp.repository.config import AppConfig
    from cmp.repository.instances.engine import Built
    from cmp.system.tree import Tree, WorkTree

__all__ = [
    "Pair",
    "Repository",
    "Request",
    "checkout",
    "has_repository",
    "named",
    "open_repository",
    "open_sidecar",
    "pairs",
    "received",
    "resolve",
    "resolve_in",
]


def pairs(tree: Tree, engines: Mapping[str, EngineTraits]) -> list[Pair]:
    """Return every application with every cluster that it runs on, sorted."""
    return Repository(tree, engines).pairs()


def received(
    cwd: str, build_env: BuildEnv, plugin_env: Mapping[str, str], locked_cluster: str
) -> tuple[WorkTree, Request]:
    """Return the tree that Argo CD sent, and what it asks for; ConfigError as `open_sidecar` and `parameters.read`."""
    tree, folder = open_sidecar(cwd, build_env)
    request = Request(
        folder=folder,
        parameters=parameters.read(plugin_env),
        build_env=build_env,
        locked_cluster=locked_cluster,
        in_sidecar=True,
    )
    return tree, request


def resolve(tree: Tree, request: Request, engines: Mapping[str, EngineTraits]) -> Instance:
    """Resolve what is asked for, in a tree that is looked at for the first time."""
    return resolve_in(Repository(tree, engines), request)


def resolve_in(repository: Repository, request: Request) -> Instance:
    """Resolve what is asked for: a pure function of the repository and the request.

    Values files are found but not read.  ConfigError, which names application and cluster, when anything is missing,
    contradicts itself or may not be used; UsageError when no application is named.
    """
    request = named(repository, request)
    try:
        return _instance(repository, request, locate(repository, request))
    except CmpError as error:
        raise error.locate(application=layout.shown(request.app), cluster=layout.shown(request.cluster)) from None


def _instance(repository: Repository, request: Request, target: Target) -> Instance:
    own = _own(repository, target)
    files = Files(repository, target, own)
    folders = Folders(target.app_folder, target.instance_folder, files.manifests)
    built = engine.choose(repository.tree, folders, own.engines, repository.engines)
    _require_fitting(request, built)
    found = _layers(repository, request, target, own)
    chosen = files.chosen(built)
    secret_files = _secret_files(repository, target, built, own.secret_files)
    release, namespace = _names(repository, request, target, own)
    kube_version, api_versions = _versions(request, target, own.options.get(built.engines[0], {}))
    used = frozenset({*(layer.path for layer in found), *secret_files, *chosen.files, *chosen.left_out})
    takes_values = any(repository.engines[name].reads_values for name in built.engines)
    return Instance(
        app=target.app,
        cluster=target.cluster.name,
        folder=built.folder,
        app_folder=target.app_folder,
        instance_folder=target.instance_folder,
        engines=built.engines,
        layers=found if takes_values else (),
        pins={**own.tools, **_pins(request.parameters, "parameter"), **_pins(request.flags, "flag")},
        release=release.name,
        namespace=namespace.name,
        kube_version=kube_version,
        api_versions=api_versions,
        parameters=_parameters(repository, request, target, release, namespace),
        options=own.options,
        output=_output(own.output),
        secret_files=secret_files,
        notes=(
            *files.unused(built, used),
            *files.unread(built, found),
            *names.parity_notes(target.app, release, namespace),
            *names.version_notes(target.cluster, request.build_env),
        ),
        requester=Requester(request.build_env.project, request.build_env.app_namespace, request.in_sidecar),
        known={**target.known, "release": release.name, "namespace": namespace.name},
        secret_suffixes=repository.config.secret_suffixes,
        files=chosen.files,
        build_env=request.build_env,
    )


def _require_fitting(request: Request, built: Built) -> None:
    """ConfigError for a parameter that the engine has no use for: nothing is lost in silence."""
    given = {
        "images": (request.parameters.images, KUSTOMIZE, ", or set the chart's own value by `set`"),
        "environment": (request.parameters.environment, HELMFILE, ""),
    }
    renderer = " and ".join(built.engines)
    for name, (value, only, instead) in given.items():
        if value and only not in built.engines:
            raise ConfigError(
                f"the parameter {name} is for {only}, and {renderer} renders this application",
                hint=f"remove it from the Application{instead}",
            )


def _own(repository: Repository, target: Target) -> AppConfig:
    """Merge what the repository, the application and the instance say."""
    app, instance = repository.app_config(target.app_folder), repository.app_config(target.instance_folder)
    return merge(merge(repository.config.defaults, app), instance)


def _layers(repository: Repository, request: Request, target: Target, own: AppConfig) -> tuple[Layer, ...]:
    given = [ValuesPattern(text, place="parameter values") for text in request.parameters.values_files]
    given += [ValuesPattern(text, place="--values") for text in request.flags.values_files]
    folders = tuple(folder for folder in (target.app_folder, target.instance_folder) if folder)
    return layers(
        repository.tree,
        Sources(repository.config.layout.values, (*own.values, *given), folders),
        Scope(target.known, repository.config.secret_suffixes, target.whose),
    )


def _secret_files(repository: Repository, target: Target, built: Built, paths: tuple[str, ...]) -> tuple[str, ...]:
    is_instance = bool(repository.app_config(target.instance_folder).secret_files)
    declared = join(target.instance_folder if is_instance else target.app_folder, APP_FILE)
    for path in paths:
        if repository.tree.kind(join(built.folder, path)) != "file":
            raise ConfigError(
                f"secrets.files names {path}, but there is no file {join(built.folder, path)}",
                file=declared,
                hint=f"its paths start in the folder that is rendered, {built.folder}",
            )
    return tuple(join(built.folder, path) for path in paths)


def _names(repository: Repository, request: Request, target: Target, own: AppConfig) -> tuple[Named, Named]:
    fixed = repository.config.layout
    release = (
        Named(request.flags.release, "--release"),
        Named(request.parameters.release, "the parameter release"),
        Named(own.release, APP_FILE),
        Named(fixed.release, "layout.release"),
        Named(names.argocd_name(request.build_env), names.ARGOCD_NAME),
        Named(target.app, "the application's name"),
    )
    namespace = (
        Named(request.flags.namespace, "--namespace"),
        Named(own.namespace, APP_FILE),
        Named(fixed.namespace, "layout.namespace"),
        Named(request.build_env.app_namespace, names.ARGOCD_NAMESPACE),
        Named(target.app, "the application's name"),
    )
    return names.release(release, target.known, target.whose), names.namespace(namespace, target.known, target.whose)


def _versions(request: Request, target: Target, options: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """Choose what charts see of the cluster: flag, cmp-app.yaml, Argo CD, inventory."""
    flags, env, cluster = request.flags, request.build_env, target.cluster
    kube_version = flags.kube_version or options.get("kubeVersion") or env.kube_version or cluster.kube_version
    api_versions = flags.api_versions or options.get("apiVersions") or env.api_versions or cluster.api_versions
    return cast("str", kube_version), cast("tuple[str, ...]", api_versions)


def _pins(given: Parameters, kind: str) -> dict[str, ToolPin]:
    dashes = "--" if kind == "flag" else f"{kind} "
    return {tool: ToolPin(tool, version, f"{dashes}{tool}-version") for tool, version in given.tool_versions.items()}


def _parameters(
    repository: Repository, request: Request, target: Target, release: Named, namespace: Named
) -> Parameters:
    known = {**target.known, "release": release.name, "namespace": namespace.name}
    facts = {name for cluster in repository.config.clusters.values() for name in cluster.facts} | {"cluster"}
    return parameters.expand(parameters.merge(request.parameters, request.flags), known, facts, target.whose)


def _output(keys: Mapping[str, object]) -> OutputRules:
    return OutputRules(
        allow_empty=bool(keys.get("allowEmpty")),
        allow_duplicate_keys=bool(keys.get("allowDuplicateKeys")),
        allow_duplicate_objects=bool(keys.get("allowDuplicateObjects")),
        allow_ciphertext=bool(keys.get("allowCiphertext")),
        api_versions=cast("Mapping[str, str]", keys.get("apiVersions", NOTHING)),
    )
