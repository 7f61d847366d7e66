"""Argo CD's Applications as requests for renders, with their sync policies and ignored differences.

    requests       an Application -> a request for the renders of its sources
    told_apart     identities and labels that no two pairs have

`declarations` says where they come from.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cmp import environ
from cmp.argocd import application, parameters
from cmp.argocd.application import IN_CLUSTER, IN_CLUSTER_SERVER, Destination
from cmp.argocd.reposerver import merged, overridden, variables
from cmp.changes import Delivery, Rule, Subject
from cmp.errors import CmpError, ConfigError, and_more
from cmp.model import NEUTRAL_REVISION, Cluster
from cmp.preview import identity, left_out
from cmp.preview.application_states import destination_of, state, sync_policy
from cmp.preview.declarations import EVERY_FILE, MAX_LISTED, ApplicationSources, Declarer, known_urls, sources_in
from cmp.preview.followed import HEAD, is_trunk
from cmp.preview.left_out import ELSEWHERE, Uncompared
from cmp.preview.sides import BuiltinSource, RenderRequest, environment
from cmp.repository.builtin.sources import OCI, is_oci
from cmp.repository.instances import Repository, Request, with_names
from cmp.repository.instances.root import ANNOTATION
from cmp.system.urls import repository_name
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.argocd.application import Application
    from cmp.argocd.document import Manifest
    from cmp.argocd.source import Source
    from cmp.context import Context
    from cmp.preview.application_states import ApplicationState
    from cmp.preview.declarations import Declaration, Declared, Parent
    from cmp.preview.elsewhere import OtherTree
    from cmp.preview.identity import PairId
    from cmp.repository.config import ArgoCD
    from cmp.system.tree import Tree

    Values = dict[str, object]

REVISION = "ARGOCD_APP_REVISION"
SEVERAL = "several Applications are named alike"
UNAPPLIED = ("jqPathExpressions", "managedFieldsManagers")  # of ignoreDifferences: a cluster or jq would have to tell


class Requests(NamedTuple):
    """The requests of one side's Applications, sentences about them, and what of the side is not compared.

    `covered` are the pairs of the layout that an Application renders (application and cluster).
    `states` are all Applications, also those that are not compared.
    """

    requests: tuple[RenderRequest, ...]
    covered: frozenset[tuple[str, str]]
    uncompared: tuple[Uncompared, ...]
    notes: tuple[str, ...]
    states: tuple[tuple[PairId, ApplicationState], ...] = ()

    @property
    def has_plugins(self) -> bool:
        """Tell whether a plugin renders some source."""
        return any(isinstance(source, Request) for request in self.requests for source in request.sources)

    @property
    def has_builtins(self) -> bool:
        """Tell whether some source has no plugin."""
        return any(isinstance(source, BuiltinSource) for request in self.requests for source in request.sources)


def requests(tree: Tree, repository: Repository, side: Declared, sources: ApplicationSources) -> Requests:
    """Return a request for every Application of this repository, whose names `sources.urls` are."""
    reader = _Reader(tree, repository, sources)
    made = tuple(
        request._replace(generated=parameters)
        for declaration in side.declarations
        for manifest, parameters in declaration.generated
        for request in reader.requests(manifest, declaration.parent)
    )
    states = tuple(reader.state(manifest, one) for one in side.declarations for manifest in one.applications)
    uncompared = (*side.uncompared, *reader.elsewhere.values())
    return Requests(made, frozenset(reader.covered), uncompared, (*side.notes, *reader.notes), states)


def of_tree(tree: Tree, repository: Repository, urls: Sequence[str], context: Context) -> Requests:
    """Return the requests of all Applications of one tree, with unique identities."""
    settings = repository.config.preview
    patterns = settings.application_files if repository.config.source else EVERY_FILE
    return of_sources(
        tree, repository, ApplicationSources(patterns, argocds=settings.argocds, urls=(*urls, *settings.urls)), context
    )


def of_sources(tree: Tree, repository: Repository, sources: ApplicationSources, context: Context) -> Requests:
    """Return the requests of the Applications that some sources have for one tree, with unique identities."""
    side = Declarer(tree, repository, sources, context).of_files()
    read = requests(tree, repository, side, sources._replace(urls=known_urls(sources.urls, side)))
    (unique,), notes = told_apart([read], has_argocds=bool(sources.argocds))
    return unique._replace(notes=(*notes, *unique.notes, *left_out.sentences(unique.uncompared)))


def told_apart(sides: Sequence[Requests], *, has_argocds: bool) -> tuple[list[Requests], tuple[str, ...]]:
    """Make the identities of each side unique, and label pairs of one application and cluster by their Applications.

    Two Applications of one name in one Argo CD are an error of both; where nothing says which Argo CD reads which file
    there may be several, so that the file is part of the identity, and a sentence proposes to say it.
    """
    clashing = identity.ambiguous(*([request.id for request in side.requests] for side in sides))
    notes = []
    if clashing and not has_argocds:
        names = and_more(sorted({clash.text for clash in clashing}), MAX_LISTED)
        notes.append(
            f"{SEVERAL} ({names}) and are told apart by their files: "
            "`preview: {argocds: [{name, applications}]}` in cmp.yaml says which Argo CD reads which files"
        )
    renamed = [[_with_file(request, clashing, has_argocds=has_argocds) for request in side.requests] for side in sides]
    every = [request for side in renamed for request in side]
    labels = identity.labels((request.id, request.subject.app, request.subject.cluster) for request in every)
    labelled = [[_labelled(request, labels[request.id]) for request in side] for side in renamed]
    doubled = identity.ambiguous(*([key for key, _ in side.states] for side in sides))
    return [
        side._replace(
            requests=tuple(_unique(of_side)),
            states=tuple(
                (_of_file(key, one.place) if key in doubled and not (has_argocds and key.argocd) else key, one)
                for key, one in side.states
            ),
        )
        for side, of_side in zip(sides, labelled, strict=True)
    ], tuple(notes)


def _labelled(request: RenderRequest, label: str) -> RenderRequest:
    subject = request.subject._replace(app=label)
    delivery = request.delivery._replace(subject=subject) if request.delivery else None
    return request._replace(subject=subject, delivery=delivery)


def _with_file(request: RenderRequest, clashing: frozenset[PairId], *, has_argocds: bool) -> RenderRequest:
    if request.id not in clashing or (has_argocds and request.id.argocd):
        return request
    return request._replace(id=_of_file(request.id, request.place))


def _of_file(key: PairId, place: str) -> PairId:
    return key._replace(file=place.partition(":")[0])


def _unique(of_side: Sequence[RenderRequest]) -> Iterator[RenderRequest]:
    """Yield a request for each identity; that of several Applications is an error."""
    several: dict[PairId, list[RenderRequest]] = defaultdict(list)
    for request in of_side:
        several[request.id].append(request)
    for first, *others in several.values():
        if not others:
            yield first
            continue
        places = " and ".join([first.place, *(other.place for other in others)])
        yield first._replace(
            error=ConfigError(
                f"{len(others) + 1} Applications of one Argo CD are named {first.id.text}: {places}",
                file=first.place,
                hint="the last one that is applied wins: rename all but one",
            )
        )


class _Reader:
    """Turns Applications into requests for one tree."""

    def __init__(self, tree: Tree, repository: Repository, sources: ApplicationSources) -> None:
        self._tree = tree
        self._repository = repository
        self._sources = sources
        self.elsewhere: dict[PairId, Uncompared] = {}
        self.covered: set[tuple[str, str]] = set()
        self._unapplied: set[str] = set()  # Applications

    @cached_property
    def _pairs(self) -> frozenset[tuple[str, str]]:
        """The pairs of the layout, some perhaps without a cluster."""
        return frozenset((pair.app, pair.cluster) for pair in self._repository.pairs())

    @property
    def notes(self) -> Iterator[str]:
        """Sentences about what the comparison does not apply."""
        if self._unapplied:
            yield (
                f"`ignoreDifferences` of {and_more(sorted(self._unapplied), MAX_LISTED)} has jqPathExpressions or "
                "managedFieldsManagers, which are not applied here: what they ignore is shown"
            )

    def requests(self, manifest: Manifest, parent: Parent | None) -> Iterator[RenderRequest]:
        """Yield the request of an Application; none for one with a source in another repository.

        One with a mistake is a request that ends in its error.  A `parent` prints it.
        """
        for source in sources_in(manifest.value):
            url = str(source.get("repoURL") or "")
            if "chart" not in source and not url.startswith(OCI) and not self._can_read(url, source):
                key = self.id(manifest, parent)
                self.elsewhere[key] = Uncompared("Application", key.text, ELSEWHERE, url, manifest.value)
                return
        try:
            yield self._request(application.read(manifest.value, manifest.location), manifest, parent)
        except CmpError as error:
            yield self._failed(manifest, parent, error)

    def _can_read(self, url: str, source: Values) -> bool:
        """Tell whether a source lies here or in a clone; a plugin renders this repository alone."""
        others = self._sources.others
        is_there = others is not None and others.has(url) and "plugin" not in source
        return repository_name(url) in self._sources.urls or is_there

    def _home(self, source: Source) -> OtherTree | None:
        """Return the tree of another repository of a source; UsageError where its clone lacks the revision."""
        others, is_chart = self._sources.others, source.chart or is_oci(source)
        is_here = is_chart or repository_name(source.repo_url) in self._sources.urls
        return None if others is None or is_here else others.of(source)

    def _failed(self, manifest: Manifest, parent: Parent | None, error: CmpError) -> RenderRequest:
        destination = destination_of(mapping(manifest.value.get("spec")))
        return RenderRequest(
            id=self.id(manifest, parent),
            subject=Subject(manifest.names[0], destination.name or destination.server),
            sources=(),
            place=manifest.location.place,
            error=error,
            parent=parent.id if parent else None,
        )

    def state(self, manifest: Manifest, declaration: Declaration) -> tuple[PairId, ApplicationState]:
        """Return the identity and the state of an Application."""
        parent = declaration.parent
        destination = destination_of(mapping(manifest.value.get("spec")))
        cluster = self._cluster(destination, self._argocd(manifest.location.file, parent)).name
        return self.id(manifest, parent), state(manifest, declaration, cluster)

    def id(self, manifest: Manifest, parent: Parent | None) -> PairId:
        """Return the identity of an Application, which belongs to the Argo CD of the pair that prints it."""
        argocd = self._argocd(manifest.location.file, parent)
        name, namespace = manifest.names[0], str(manifest.metadata.get("namespace") or "")
        inherited = parent.namespace if parent else ""
        return identity.of_application(argocd.name if argocd else "", namespace or inherited, name)

    def _argocd(self, file: str, parent: Parent | None) -> ArgoCD | None:
        if parent is None:
            return self._sources.reader_of(file)
        return next((argocd for argocd in self._sources.argocds if argocd.name == parent.argocd), None)

    def _file(self, path: str) -> bytes | None:
        inside = self._inside(path)
        return self._tree.read(inside) if inside is not None and self._tree.kind(inside) == "file" else None

    def _inside(self, path: str) -> str | None:
        """Return a path of the repository as one of the source tree, which may be a folder of it."""
        prefix = self._tree.prefix
        if not prefix:
            return path
        return path.removeprefix(f"{prefix}/") if path.startswith(f"{prefix}/") else None

    def _request(self, app: Application, manifest: Manifest, parent: Parent | None) -> RenderRequest:
        rendered = [one for one in app.sources if not one.source.is_only_ref]
        if not rendered:
            raise ConfigError("no source of this Application renders anything", file=app.place)
        if any(dig(entry, key) for entry in _ignored(manifest.value) for key in UNAPPLIED):
            self._unapplied.add(app.name)
        pair = self.id(manifest, parent)
        cluster = self._cluster(app.destination, self._argocd(manifest.location.file, parent))
        refs = tuple(
            ((one.source.repo_url, one.source.target_revision), tree)
            for one in app.sources
            if one.source.ref and (tree := self._home(one.source)) is not None
        )
        sources: list[Request | BuiltinSource] = []
        subject, of_plugins = self._subject(app, cluster), []
        for one in rendered:
            asked, home = app.of(one), self._home(one.source)
            is_sure = home or one.source.chart or one.source.blocks
            if one.source.plugin is None and (is_sure or not self._gets_plugin(asked)):
                sources.append(BuiltinSource(app, one, cluster, self._sources.urls, home, refs))
                self._cover("" if home else one.source.path, cluster)
                continue
            resolution = self._resolution(overridden(asked, self._file), cluster)
            sources.append(resolution)
            of_plugins.append(self._subject_of_plugin(resolution) or subject)
        self.covered.update((one.app, one.cluster) for one in of_plugins)
        if len({*of_plugins}) == 1:  # else it is several applications of the layout in one
            subject = of_plugins[0]
        return RenderRequest(
            id=pair,
            subject=subject,
            sources=tuple(sources),
            place=manifest.location.place,
            generate_paths=_generate_paths(manifest),
            delivery=self._delivery(subject, app, manifest.value),
            rules=tuple(_rules(app, manifest.value)),
            parent=parent.id if parent else None,
        )

    def _gets_plugin(self, app: Application) -> bool:
        """Tell whether a file of the source's folder gives it a plugin."""
        return merged(app, self._file).source.plugin is not None

    def _resolution(self, app: Application, cluster: Cluster) -> Request:
        """Return the request that a plugin gets for a source."""
        application.require_folder(app)
        folder = self._inside(app.source.path.strip("/"))
        if folder is None:
            raise ConfigError(f"its path {app.source.path} lies outside the source tree {self._tree.prefix}")
        env = variables(
            app,
            {
                REVISION: NEUTRAL_REVISION,
                "KUBE_VERSION": cluster.kube_version,
                "KUBE_API_VERSIONS": ",".join(cluster.api_versions),
            },
        )
        return Request(
            folder=folder,
            parameters=parameters.read(environ.plugin_env(env)),
            build_env=environ.build_env({**env, "KUBE_VERSION": "", "KUBE_API_VERSIONS": ""}),
            in_sidecar=True,
        )

    def _cluster(self, destination: Destination, argocd: ArgoCD | None) -> Cluster:
        """Return the destination in the inventory; Argo CD's own cluster is the one that `preview.argocds` names.

        An unknown one has the name that the Application gives it, or its server's host.
        """
        clusters = self._repository.config.clusters
        is_own = destination.name == IN_CLUSTER or destination.server == IN_CLUSTER_SERVER
        if is_own and argocd and argocd.in_cluster:
            return clusters.get(argocd.in_cluster) or Cluster(argocd.in_cluster)
        for cluster in clusters.values():
            if destination.name == cluster.name or (cluster.server and destination.server == cluster.server):
                return cluster
        return Cluster(IN_CLUSTER if is_own else destination.name or _host(destination.server))

    def _subject(self, app: Application, cluster: Cluster) -> Subject:
        """Return the name of the Application without that of its cluster, by which the same one is found on others."""
        name = app.name
        if cluster.name:
            shorter = name.removeprefix(f"{cluster.name}-") if name.startswith(cluster.name) else name
            name = shorter.removesuffix(f"-{cluster.name}")
        return Subject(name, cluster.name, cluster.facts.get("env", ""))

    def _subject_of_plugin(self, resolution: Request) -> Subject | None:
        try:
            named = with_names(self._repository, resolution)
        except CmpError:  # the resolution of the pair reports it
            return None
        return Subject(named.app, named.cluster, environment(self._repository, named.cluster))

    def _cover(self, path: str, cluster: Cluster) -> None:
        """Note the pair of the layout whose folder a source without a plugin renders."""
        folder = self._inside(path.strip("/")) if path else None
        if folder:
            owner = self._repository.owner(folder, is_exact=True)
            if owner.app and not owner.others:
                named = owner.app, owner.cluster or cluster.name
                without = owner.app, ""
                self.covered.add(without if without in self._pairs and named not in self._pairs else named)

    def _delivery(self, subject: Subject, app: Application, value: Values) -> Delivery:
        """Return the sync policy; at the merge an Application syncs by itself if it follows the trunk."""
        policy = sync_policy(mapping(value.get("spec")))
        target = app.source.target_revision
        return Delivery(
            subject=subject,
            application=app.name,
            automated=policy.automated,
            prune=policy.prune,
            self_heal=policy.self_heal,
            target_revision=target or HEAD,
            # A hydrator with a staging branch leaves it to somebody to promote what it has rendered.
            at_merge=policy.automated
            and is_trunk(target, self._sources.trunk)
            and not dig(value, "spec", "sourceHydrator", "hydrateTo"),
        )


def _generate_paths(manifest: Manifest) -> str | None:
    annotation = dig(manifest.metadata, "annotations", ANNOTATION)
    return str(annotation) if annotation else None


def _host(server: str) -> str:
    return server.partition("://")[2].partition("/")[0] or server


def _ignored(value: Values) -> list[object]:
    ignored = dig(value, "spec", "ignoreDifferences")
    return ignored if isinstance(ignored, list) else []


def _rules(app: Application, value: Values) -> Iterator[Rule]:
    """Yield a rule for each JSON pointer of `ignoreDifferences`; an index of a list stands for any item."""
    for entry in _ignored(value):
        pointers = dig(entry, "jsonPointers")
        for pointer in pointers if isinstance(pointers, list) else ():
            parts = [part.replace("~1", "/").replace("~0", "~") for part in str(pointer).split("/")[1:]]
            yield Rule(
                name=f"ignoreDifferences of {app.name}",
                group=str(dig(entry, "group") or ""),
                kind=str(dig(entry, "kind") or ""),
                namespace=str(dig(entry, "namespace") or ""),
                object=str(dig(entry, "name") or ""),
                path=(*("[*]" if part.isdecimal() else part for part in parts), "**"),
            )
