"""`cmp render --application`: all sources of one Application, with a plugin or without, put together as by Argo CD."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.application import require_folder
from cmp.argocd.reposerver import merged
from cmp.cli.target import head
from cmp.engines import ENGINES
from cmp.errors import ConfigError, UsageError
from cmp.model import Cluster, Parameters
from cmp.render.pipeline import RenderResult, render
from cmp.repository import builtin, instances
from cmp.repository.builtin import Surroundings
from cmp.repository.clones import Clones
from cmp.repository.instances import Repository
from cmp.system.tree import WorkTree
from cmp.system.urls import repository_name
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.argocd.application import Application
    from cmp.argocd.source import LocatedSource, Source
    from cmp.cli import Invocation
    from cmp.cli.target import Target
    from cmp.model import Instance
    from cmp.render.output import Manifest
    from cmp.render.pipeline import RenderOptions
    from cmp.system.tree import Tree

REVISION = "ARGOCD_APP_REVISION"


class _Job(NamedTuple):
    tree: Tree
    instance: Instance


def render_application(
    target: Target, repositories: tuple[str, ...], invocation: Invocation, options: RenderOptions
) -> RenderResult:
    """Render all sources in order; of objects that are the same the last one counts, as for Argo CD.

    `repositories` are clones of other repositories, as `URL=FOLDER`.  Raises the error of the first source that cannot
    be rendered.
    """
    context = invocation.context
    clones = Clones(repositories, context)
    try:
        with context.phases.phase("layout"):
            jobs = [*_jobs(target, target.application(invocation), clones, invocation)]
        results = [render(job.tree, job.instance, context, options) for job in jobs]
    finally:
        clones.close()
    return results[0] if len(results) == 1 else _together(results)


def _jobs(target: Target, application: Application, clones: Clones, invocation: Invocation) -> Iterator[_Job]:
    rendered = [one for one in application.sources if not one.source.is_only_ref]
    if not rendered:
        raise ConfigError("no source of this Application renders anything", file=application.place)
    surroundings: _Builtin | None = None
    for one in rendered:
        asked = application.of(one)
        if _has_plugin(asked, invocation):
            require_folder(asked)
            yield _Job(*target.resolve_plugin(asked, invocation))
            continue
        surroundings = surroundings or _Builtin(target, application, clones, invocation)
        yield surroundings.job(one)


def _has_plugin(application: Application, invocation: Invocation) -> bool:
    """Say whether a source has a plugin, perhaps from Git."""
    source = application.source
    if source.blocks or source.chart or not source.path:
        return source.plugin is not None
    checkout = WorkTree(instances.checkout(invocation.cwd))
    read = merged(application, lambda path: checkout.read(path) if checkout.kind(path) == "file" else None)
    return read.source.plugin is not None


class _Builtin:
    """The sources of one Application that have no plugin, in the checkout around the working directory, or a clone."""

    def __init__(self, target: Target, application: Application, clones: Clones, invocation: Invocation) -> None:
        _require_no_flags(target)
        root = instances.checkout(invocation.cwd)
        own, _ = instances.open_repository(invocation.cwd) if instances.has_repository(invocation.cwd) else (None, "")
        self._tree = WorkTree(root)
        self._repository = Repository(self._tree, ENGINES)
        configured = Repository(own, ENGINES) if own and own.root != self._tree.root else self._repository
        self._application = application
        self._clones = clones
        self._surroundings = Surroundings(
            settings=builtin.settings_of(configured),
            is_own=_own_urls(application, clones),
            cluster=_cluster(configured, target, application),
            revision=_revision(application, root, invocation),
        )

    def job(self, one: LocatedSource) -> _Job:
        """Resolve a source; in a clone it is that repository which is its own, and the checkout is another one."""
        is_own, source = self._surroundings.is_own, one.source
        others = {
            (other.source.repo_url, other.source.target_revision): tree
            for other in self._application.sources
            if other.source.ref and (tree := self._tree_of(other.source)) is not None
        }
        surroundings = self._surroundings._replace(others=others)
        clone = None if source.chart or is_own(source.repo_url) else self._tree_of(source)
        if clone is None:
            return _Job(self._tree, builtin.resolve(self._repository, self._application, one, surroundings))
        name = repository_name(source.repo_url)
        surroundings = surroundings._replace(is_own=lambda url: repository_name(url) == name)
        return _Job(clone, builtin.resolve(Repository(clone, ENGINES), self._application, one, surroundings))

    def _tree_of(self, source: Source) -> Tree | None:
        if self._surroundings.is_own(source.repo_url):
            return self._tree
        return self._clones.tree(source.repo_url, source.target_revision)


def _require_no_flags(target: Target) -> None:
    """UsageError for an option that changes what Argo CD itself would render."""
    flags = target.flags._replace(kube_version="", api_versions=())
    if target.app or flags != Parameters(tool_versions=flags.tool_versions) or flags.tool_versions:
        raise UsageError(
            "a source without a plugin is rendered as its Application says",
            hint="only --cluster, --kube-version and --api-versions go with it; preview.argocd of cmp.yaml names tools",
        )


def _own_urls(application: Application, clones: Clones) -> Callable[[str], bool]:
    """Return the test for the repository of the checkout: that of the first source with a path, else the only one.

    A repository that has a clone is another one.
    """
    here = [one.source for one in application.sources if not (one.source.chart or clones.has(one.source.repo_url))]
    urls = [repository_name(source.repo_url) for source in here if source.path]
    others = {repository_name(source.repo_url) for source in here}
    own = set(urls[:1]) or (others if len(others) == 1 else set())
    return lambda url: repository_name(url) in own


def _cluster(repository: Repository, target: Target, application: Application) -> Cluster:
    destination, clusters = application.destination, repository.config.clusters
    found = Cluster(target.cluster or destination.name)
    if target.cluster:
        found = repository.cluster(target.cluster)
    else:
        for cluster in clusters.values():
            if destination.name == cluster.name or (cluster.server and destination.server == cluster.server):
                found = cluster
    return found._replace(
        kube_version=target.flags.kube_version or found.kube_version,
        api_versions=target.flags.api_versions or found.api_versions,
    )


def _revision(application: Application, root: str, invocation: Invocation) -> str:
    """Return the commit of the checkout, where a source uses it."""
    uses = any(REVISION in str(one.values) for one in application.sources)
    return head(root, invocation) if uses else ""


def _together(results: list[RenderResult]) -> RenderResult:
    first = results[0]
    last: dict[object, Manifest] = {}
    namespace = first.instance.namespace
    warnings = [text for done in results for text in done.warnings]
    for manifest in (manifest for done in results for manifest in done.output.manifests):
        key = manifest.identity._replace(namespace=manifest.namespace or namespace)
        if not _has_name(manifest):
            last[id(manifest)] = manifest
            continue
        if key in last:
            warnings.append(f"{key.kind} {key.name} comes from several sources, and Argo CD takes the last one")
            del last[key]
        last[key] = manifest
    return first._replace(
        output=first.output._replace(manifests=tuple(last.values())),
        tools={name: tool for done in results for name, tool in done.tools.items()},
        pins={name: pin for done in results for name, pin in done.pins.items()},
        restored=tuple(chart for done in results for chart in done.restored),
        encrypted=tuple(path for done in results for path in done.encrypted),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _has_name(manifest: Manifest) -> bool:
    """Say whether an object has a name of its own: the API server makes a new one of a generateName each time."""
    return bool(mapping(manifest.value.get("metadata")).get("name"))
