"""One side of a comparison: a revision, with every application on every cluster that it holds, resolved."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.charts import repositories
from cmp.artifacts.charts.dependencies import DECLARATIONS
from cmp.changes import Subject
from cmp.compare.namespaces import CRD
from cmp.engines import ENGINES
from cmp.errors import CmpError
from cmp.model import NEUTRAL_REVISION, NOTHING
from cmp.preview.identity import PairId
from cmp.preview.reach import Reach
from cmp.render import pipeline
from cmp.render.decrypt import SOPS
from cmp.render.fingerprint import CONFIGURATION, FingerprintIndex, InputPaths
from cmp.render.unread import needs_of
from cmp.repository import builtin, instances
from cmp.repository.git import LINK
from cmp.repository.instances import Repository, Request
from cmp.system.tree import join
from cmp.system.urls import is_url, normal, repository_name
from cmp.system.workspace import files_of_copy, require_room

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from cmp.argocd.application import Application
    from cmp.argocd.settings import ArgoCDSettings
    from cmp.argocd.source import LocatedSource
    from cmp.changes import Delivery, Object, Outcome, Rule
    from cmp.context import Context
    from cmp.model import Cluster, Instance, ToolPin
    from cmp.preview.elsewhere import OtherTree
    from cmp.render.masking import Label
    from cmp.render.pipeline import RenderOptions, RenderResult
    from cmp.repository.git import GitTree
    from cmp.repository.instances import Pair
    from cmp.secrets.redact import Redactor
    from cmp.system.tree import Tree


NO_INPUTS = InputPaths((), (), ())


class BuiltinSource(NamedTuple):
    """A source of an Application without a plugin: Argo CD's repo-server renders it.

    `cluster` is its destination, `repositories` are the names of the tree's repository (`urls.repository_name`).
    `home` is the tree that it lies in, where that is one of another repository; `refs` are such trees for the sources
    that it refers to, by URL and target revision.
    """

    application: Application
    source: LocatedSource
    cluster: Cluster
    repositories: tuple[str, ...]
    home: OtherTree | None = None
    refs: tuple[tuple[tuple[str, str], OtherTree], ...] = ()

    def instance(self, repository: Repository, settings: ArgoCDSettings) -> Instance:
        """Resolve the source, in a tree or in its home; ConfigError, at its place, for one that cannot be rendered."""
        name = repository_name(self.source.source.repo_url)
        own = (name,) if self.home else self.repositories
        others: dict[tuple[str, str], Tree] = {key: other.tree for key, other in self.refs}
        if self.home:
            refs = (one.source for one in self.application.sources if one.source.ref)
            others |= {
                (ref.repo_url, ref.target_revision): repository.tree
                for ref in refs
                if repository_name(ref.repo_url) in self.repositories
            }
        surroundings = builtin.Surroundings(
            settings=settings,
            is_own=lambda url: repository_name(url) in own,
            cluster=self.cluster,
            revision=NEUTRAL_REVISION,  # the same on both sides: the real one differs always
            others=others,
        )
        within = self.home.repository if self.home else repository
        return builtin.resolve(within, self.application, self.source, surroundings)


FILENAME = ".filename"  # the end of the parameter with the name of a generator's file


class RenderRequest(NamedTuple):
    """A pair to be rendered: its identity, a request for each source, and what an Application adds for the report.

    `place` is that of the Application, `generate_paths` its annotation manifest-generate-paths, None without one,
    `parent` the pair that prints it, `generated` the parameters that a set's generators gave it.  With an `error` it
    cannot be resolved.  One that `is_promoted` follows another revision on each side: `followed` is the tree at the
    one of this side, None where that is the side's own.
    """

    id: PairId
    subject: Subject
    sources: tuple[Request | BuiltinSource, ...]
    place: str = ""
    generate_paths: str | None = None
    delivery: Delivery | None = None
    rules: tuple[Rule, ...] = ()
    error: CmpError | None = None
    parent: PairId | None = None
    generated: Mapping[str, str] = NOTHING
    followed: OtherTree | None = None
    is_promoted: bool = False

    @property
    def origins(self) -> tuple[str, ...]:
        """The files that declare it: that of its Application or set, and those from which generators of a set took it.

        A `git` generator gives the folder and the name of its file, below a prefix of its own where it has one.
        """
        found = [self.place.partition(":")[0]] if self.place and not self.parent else []
        for key, name in self.generated.items():
            if key.endswith(FILENAME):
                path = key.removesuffix(FILENAME)
                found.append(join(self.generated.get(f"{path}.path", self.generated.get(path, "")), name))
        return tuple(found)


class ResolvedSource(NamedTuple):
    """One source of a pair: its instance, and what its render reads and needs.

    `copied_folders` are the folders of which a render makes private copies, `repositories` the URLs from which its
    charts come.  One that lies in another repository (`home`) reads nothing here.
    """

    instance: Instance
    inputs: InputPaths
    copied_folders: tuple[str, ...]
    tools: tuple[ToolPin, ...]
    repositories: tuple[str, ...]
    needs_whole_tree: bool
    home: OtherTree | None = None

    @property
    def has_secrets(self) -> bool:
        """Tell whether some of its files may have to be decrypted."""
        instance = self.instance
        has_secrets = bool(instance.secret_files) or any(layer.is_secret for layer in instance.layers)
        return has_secrets and not instance.is_builtin


class ResolvedPair(NamedTuple):
    """A pair on one side: its sources, in order, or the error that keeps it from having any."""

    request: RenderRequest
    sources: tuple[ResolvedSource, ...]
    error: CmpError | None = None

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The instances of its sources."""
        return tuple(source.instance for source in self.sources)

    @property
    def own_instances(self) -> tuple[Instance, ...]:
        """The instances of its sources in the tree of its side."""
        return tuple(source.instance for source in self.sources if source.home is None)

    @property
    def copied_folders(self) -> tuple[str, ...]:
        """The folders of which its renders make private copies, each once."""
        return tuple(dict.fromkeys(folder for source in self.sources for folder in source.copied_folders))

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that are rendered, and those that are copied, each once: a submodule in one may count."""
        rendered = (instance.folder for instance in self.own_instances if instance.folder or not instance.chart)
        return tuple(dict.fromkeys((*rendered, *self.copied_folders)))

    @property
    def needs_whole_tree(self) -> bool:
        """Tell whether a program of one of its renders sees the whole tree."""
        return any(source.needs_whole_tree for source in self.sources)

    def reads(self, paths: Sequence[str]) -> set[str]:
        """Return the subset of some sorted paths that one of its renders reads."""
        return {path for source in self.sources for path in source.inputs.select(paths)}


class Pairs(Mapping[PairId, ResolvedPair]):
    """The resolved pairs of some requests, in their order; most questions about a side need the requests alone."""

    def __init__(
        self, requests: Mapping[PairId, RenderRequest], resolve: Callable[[RenderRequest], ResolvedPair]
    ) -> None:
        self.requests = requests
        self._resolve = resolve
        self._resolved: dict[PairId, ResolvedPair] = {}

    def __getitem__(self, key: PairId) -> ResolvedPair:
        if key not in self._resolved:
            self._resolved[key] = self._resolve(self.requests[key])
        return self._resolved[key]

    def __contains__(self, key: object) -> bool:
        """Tell whether there is a pair, which needs no resolution."""
        return key in self.requests

    def __iter__(self) -> Iterator[PairId]:
        return iter(self.requests)

    def __len__(self) -> int:
        return len(self.requests)


class Side:
    """The pairs of a tree by their keys; ConfigError when its configuration as a whole cannot be read."""

    is_revision = True  # so that its files tell the causes of what differs

    def __init__(self, tree: GitTree) -> None:
        """List all pairs of the layout."""
        self.tree = tree
        self.repository = Repository(tree, ENGINES)
        self.fingerprints = FingerprintIndex(self.repository.tree)
        self.places = Places.of(self.repository)
        requests = (request_for(self.repository, pair) for pair in self.places.pairs)
        self.pairs = Pairs({request.id: request for request in requests}, self.resolve)
        self._reach: Reach | None = None

    def successor(self, tree: GitTree, changed: Sequence[str]) -> Side:
        """Return the side of a tree that differs from this one in the paths `changed`.

        An instance follows from the names of files and from the configuration.  Where neither changed, the instances
        are the same, and only pairs that read a changed file are resolved again.
        """
        if any(self._decides(path, tree) for path in changed):
            return Side(tree)
        side = self.with_tree(tree)
        reusable = ReusablePairs(self.pairs, tuple(changed))
        side.pairs = Pairs(self.pairs.requests, lambda request: reusable.of(request.id) or side.resolve(request))
        if not any(path.rpartition("/")[2] in DECLARATIONS for path in changed):
            side._reach = self.reach  # noqa: SLF001  # of the same class: the charts that applications take are the same
        return side

    def with_tree(self, tree: GitTree) -> Side:
        """Return the side of a tree that differs from this one in little, with no pair resolved yet."""
        side = copy(self)
        side.tree = tree
        side.repository = Repository(tree, ENGINES)
        side.fingerprints = FingerprintIndex(side.repository.tree)
        side.pairs = Pairs({}, side.resolve)
        side._reach = None  # noqa: SLF001  # of the same class
        return side

    def with_requests(self, requests: Sequence[RenderRequest]) -> Side:
        """Return the side with the pairs of these requests; a pair that has the same request is not resolved again."""
        side, known = copy(self), self.pairs
        side._reach = self.reach  # noqa: SLF001  # of the same class: it is that of the layout

        def resolve(request: RenderRequest) -> ResolvedPair:
            return known[request.id] if known.requests.get(request.id) == request else side.resolve(request)

        side.pairs = Pairs({request.id: request for request in requests}, resolve)
        return side

    def requests_beside(self, covered: Collection[tuple[str, str]]) -> list[RenderRequest]:
        """Return the requests of the pairs but those of an application and cluster that are covered otherwise."""
        requests = self.pairs.requests.values()
        return [request for request in requests if (request.subject.app, request.subject.cluster) not in covered]

    def _decides(self, path: str, tree: GitTree) -> bool:
        """Return whether a change of this path may change the list of instances, or their settings."""
        before, after = self.tree.blobs.get(path), tree.blobs.get(path)
        is_named = path.rpartition("/")[2] in CONFIGURATION or path == self.repository.config.inventory
        return is_named or before is None or after is None or before.mode != after.mode or before.mode == LINK

    def fingerprint(self, key: PairId) -> str:
        """Return the fingerprint of a pair, or the error that keeps it from being rendered, as a text."""
        pair = self.pairs[key]
        if pair.error:
            return f"error: {pair.error}"
        try:
            return " ".join(self._index(source).of(source.instance) for source in pair.sources)
        except CmpError as error:
            return f"error: {error}"

    def chart_repositories(self, repository_config: str) -> frozenset[str]:
        """Return the URLs of the repositories from which its charts come, as `urls.normal` has them.

        Aliases have the URLs of the file `repository_config`.
        """
        urls = {url for pair in self.pairs.values() for source in pair.sources for url in source.repositories}
        known = repositories.load(repository_config) if any(map(repositories.is_alias, urls)) else ()
        real = {repositories.alias_url(url, known) if repositories.is_alias(url) else url for url in urls}
        return frozenset(normal(url) for url in real if is_url(url))

    def refused_copies(self, folders: Iterable[str]) -> dict[str, CmpError]:
        """Return the folders that cannot be copied privately, each with the error that ends a render that needs it."""
        refused: dict[str, CmpError] = {}
        files: dict[str, list[str]] = {}
        for folder in folders:
            try:
                files[folder] = files_of_copy(self.tree, folder)
            except CmpError as error:
                refused[folder] = error
        paths = sorted({path for of_folder in files.values() for path in of_folder})
        sizes = dict(zip(paths, self.tree.sizes(paths), strict=True))
        for folder, of_folder in files.items():
            try:
                require_room((path, sizes[path]) for path in of_folder)
            except CmpError as error:
                refused[folder] = error
        return refused

    def resolve(self, request: RenderRequest) -> ResolvedPair:
        """Resolve a request; one that ends in an error is a pair, too."""
        if request.error:
            return ResolvedPair(request, sources=(), error=request.error)
        try:
            return ResolvedPair(request, tuple(self._source(source, request.followed) for source in request.sources))
        except CmpError as error:
            return ResolvedPair(request, sources=(), error=error)

    def render(self, pair: ResolvedPair, context: Context, options: RenderOptions) -> tuple[RenderResult, ...]:
        """Render all sources of a pair, in order; raises the error of the first that fails."""
        return tuple(
            pipeline.render(source.home.tree if source.home else self.tree, source.instance, context, options)
            for source in pair.sources
        )

    def judged(
        self,
        pair: ResolvedPair | None,  # noqa: ARG002  # for a side that is no revision
        outcome: Outcome,
        *,
        error: CmpError | None,  # noqa: ARG002
        after: tuple[Object, ...],  # noqa: ARG002
        redactor: Redactor,  # noqa: ARG002
        label: Label,  # noqa: ARG002
    ) -> Outcome:
        """Return the outcome of a pair whose older side this is; `error` is that of this side, `after` the newer one.

        A side that is no revision may know more about the pair than its objects.
        """
        return outcome

    @property
    def reach(self) -> Reach:
        """The pairs of the layout by the files that may reach them."""
        if self._reach is None:
            self._reach = Reach(self.tree, self.repository, self.places.pairs)
        return self._reach

    @cached_property
    def scopes(self) -> dict[tuple[str, str], bool]:
        """The kinds that CRDs of the tree define, and whether their objects have a namespace."""
        return builtin.scopes_in(self.tree, frozenset(self.tree.holding(CRD[1])))

    @cached_property
    def argocd(self) -> ArgoCDSettings:
        """The settings of the Argo CD that renders sources without a plugin."""
        return builtin.settings_of(self.repository)

    def _source(self, source: Request | BuiltinSource, followed: OtherTree | None) -> ResolvedSource:
        if isinstance(source, BuiltinSource):
            source = source if source.home else source._replace(home=followed)
            instance, home = source.instance(self.repository, self.argocd), source.home
        else:
            instance, home = instances.resolve_in((followed or self).repository, source), followed
        tree = home.tree if home else self.repository.tree
        index = home.fingerprints if home else self.fingerprints
        needs = needs_of(tree, instance)
        resolved = ResolvedSource(
            instance=instance,
            inputs=NO_INPUTS if home else index.inputs(instance, needs),
            copied_folders=() if home else index.copied_folders(instance, needs),
            tools=tuple(needs.tools.values()),
            repositories=tuple(index.chart_repositories(instance, needs)),
            needs_whole_tree=needs.needs_whole_tree and home is None,
            home=home,
        )
        return resolved._replace(tools=(*resolved.tools, instance.pins[SOPS])) if resolved.has_secrets else resolved

    def _index(self, source: ResolvedSource) -> FingerprintIndex:
        return source.home.fingerprints if source.home else self.fingerprints


class ReusablePairs(NamedTuple):
    """The pairs of a tree from which another one differs in the content of some files alone."""

    pairs: Mapping[PairId, ResolvedPair]
    changed: tuple[str, ...]

    def of(self, key: PairId) -> ResolvedPair | None:
        """Return a pair if it is the same in the other tree: no changed file decides which needs its engine has."""
        pair = self.pairs[key]
        is_same = pair.error is None and not any(
            source.inputs.covers(path) for source in pair.sources for path in source.inputs.select(self.changed)
        )
        return pair if is_same else None


class Places(NamedTuple):
    """The pairs of a layout, and the folders of its applications: which folder belongs to which depends on all."""

    pairs: tuple[Pair, ...]
    folders: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, repository: Repository) -> Places:
        """List the places of a repository."""
        folders = repository.places.app_folders()
        return cls(tuple(repository.pairs()), tuple((folder.name, folder.path) for folder in folders))


def request_for(repository: Repository, pair: Pair) -> RenderRequest:
    """Return the request for a pair of the layout, as `cmp render` makes it."""
    subject = Subject(pair.app, pair.cluster, environment(repository, pair.cluster))
    return RenderRequest(PairId(app=pair.app, cluster=pair.cluster), subject, (Request(pair.app, pair.cluster),))


def environment(repository: Repository, cluster: str) -> str:
    """Return the fact `env` of a cluster; empty where the inventory has none."""
    known = repository.config.clusters.get(cluster)
    return known.facts.get("env", "") if known else ""
