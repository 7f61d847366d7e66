"""One application on one cluster, resolved: everything that its render depends on.

root.py        where a source tree begins                  repository.py  its applications, clusters and folders
target.py      which of them is asked for                  engine.py      which engine, in which folder
layering.py    which values files, in which order          names.py       release, namespace, Kubernetes version
claims.py      YAML files that nothing uses
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cmp import layout, parameters
from cmp.config import APP_FILE, ValuesPattern, merge
from cmp.errors import CmpError, ConfigError
from cmp.instances import engine, names
from cmp.instances.claims import Claims, unclaimed
from cmp.instances.layering import Scope, Sources, layers
from cmp.instances.names import Named
from cmp.instances.repository import Pair, Repository
from cmp.instances.root import checkout, has_repository, open_repository, open_sidecar
from cmp.instances.target import Request, Target, locate, named
from cmp.model import NOTHING, Instance, Layer, OutputRules, Parameters, Requester, ToolPin
from cmp.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.config import AppConfig
    from cmp.instances.engine import Built
    from cmp.model import BuildEnv, EngineFacts
    from cmp.tree import Tree, WorkTree

__all__ = [
    "Pair",
    "Repository",
    "Request",
    "checkout",
    "has_repository",
    "open_repository",
    "open_sidecar",
    "pairs",
    "received",
    "resolve",
    "resolve_in",
]


def pairs(tree: Tree, engines: Mapping[str, EngineFacts]) -> list[Pair]:
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


def resolve(tree: Tree, request: Request, engines: Mapping[str, EngineFacts]) -> Instance:
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
    built = engine.choose(repository.tree, target.app_folder, target.instance_folder, own.engines, repository.engines)
    found = _layers(repository, request, target, own)
    secret_files = _secret_files(repository, target, built, own.secret_files)
    release, namespace = _names(repository, request, target, own)
    kube_version, api_versions = _versions(request, target, own.options.get(built.engines[0], {}))
    used = frozenset({*(layer.path for layer in found), *secret_files})
    return Instance(
        app=target.app,
        cluster=target.cluster.name,
        folder=built.folder,
        app_folder=target.app_folder,
        instance_folder=target.instance_folder,
        engines=built.engines,
        layers=found,
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
            *_unclaimed(repository, target, built, own, used),
            *names.parity_notes(target.app, release, namespace),
            *names.version_notes(target.cluster, request.build_env),
        ),
        requester=Requester(request.build_env.project, request.build_env.app_namespace, request.in_sidecar),
    )


def _own(repository: Repository, target: Target) -> AppConfig:
    """Merge what the repository, the application and the instance say."""
    app, instance = repository.app_config(target.app_folder), repository.app_config(target.instance_folder)
    return merge(merge(repository.config.defaults, app), instance)


def _layers(repository: Repository, request: Request, target: Target, own: AppConfig) -> tuple[Layer, ...]:
    given = [ValuesPattern(text, place="parameter values") for text in request.parameters.values]
    given += [ValuesPattern(text, place="--values") for text in request.flags.values]
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
    return {tool: ToolPin(tool, version, f"{dashes}{tool}-version") for tool, version in given.pins.items()}


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


def _unclaimed(
    repository: Repository, target: Target, built: Built, own: AppConfig, used: frozenset[str]
) -> Iterator[str]:
    """Yield a note for each YAML file of the application's folder that nothing uses; ConfigError for the instance's."""
    ignored = tuple(layout.parse(text, "layout.ignore") for text in repository.config.layout.ignore)
    of_engine = tuple(layout.parse(text) for name in built.engines for text in repository.engines[name].claims)

    def is_other(folder: str) -> bool:
        return bool(repository.place(folder, is_exact=True).app)

    # In the application's folder a file may be a layer of another cluster: what only a fact tells apart is free.
    values = tuple(layout.parse(text.pattern) for text in (*repository.config.layout.values, *own.values))
    known = {"app": target.app}
    claims = Claims(used, ignored, values, repository.config.secret_suffixes, known, of_engine, target.app_folder)
    if target.instance_folder:
        exact = claims._replace(values=(), known=target.known, built=built.folder)
        lost = [*unclaimed(repository.tree, target.instance_folder, exact, is_other)]
        if lost:
            raise _lost(lost)
    for path in unclaimed(repository.tree, target.app_folder, claims, is_other):
        shown = layout.shown(path)
        yield f"nothing uses the file {shown} here: no pattern of values files or of layout.ignore matches it"


def _lost(paths: list[str]) -> ConfigError:
    shown = ", ".join(layout.shown(path) for path in paths)
    return ConfigError(
        f"nothing uses the file{'s' if len(paths) > 1 else ''} {shown}",
        hint="rename it so that a pattern of layout.values matches it, or name it in layout.ignore of cmp.yaml",
    )
