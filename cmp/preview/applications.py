"""Argo CD's own Applications: what each asks the plugin for, and how it brings the result to its cluster.

They are files of the repository, what its ApplicationSets come to, or a list that a live Argo CD printed.  A pair of
the layout that no Application renders is compared all the same.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from cmp import environ
from cmp.argocd import application, parameters
from cmp.argocd.document import Manifest, applications_in, objects
from cmp.argocd.reposerver import overridden, variables
from cmp.argocd.sets import World, evaluator, expand
from cmp.artifacts import toolchain
from cmp.changes import Delivery, Rule, Subject
from cmp.engines import ENGINES
from cmp.errors import CmpError, ConfigError
from cmp.preview.sides import Asked, environment, of_pair
from cmp.repository.config.model import PINS
from cmp.repository.instances import Repository, Request, with_names
from cmp.yamldoc.access import dig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.argocd.application import Application, Destination
    from cmp.context import Context
    from cmp.model import Cluster
    from cmp.repository.git import GitTree

    Values = dict[str, object]

REVISION = "ARGOCD_APP_REVISION"
NEUTRAL = "0" * 40  # both sides get the same: the commit would differ in every change
HEADS = ("", "HEAD")
HELM = "helm"


class Given(NamedTuple):
    """Where Applications are: patterns of files, and the content of lists (their names, for messages)."""

    patterns: tuple[str, ...] = ()
    lists: tuple[tuple[str, bytes], ...] = ()
    trunk: str = ""  # the branch that the change is merged into


class Gathered(NamedTuple):
    """What is asked for, and sentences about what could not be read."""

    asked: tuple[Asked, ...]
    notes: tuple[str, ...]


def gather(tree: GitTree, given: Given, context: Context) -> Gathered:
    """Return every Application that a plugin renders from a tree, and the layout's pairs that none of them renders."""
    repository = Repository(tree, ENGINES)
    found, notes = _found(tree, repository, given, context)
    reader = _Reader(tree, repository, given.trunk)
    asked = [one for each in found for one in reader.read(each)]
    times = Counter((one.subject.app, one.subject.cluster) for one in asked)
    # Only where several Applications render one pair do their names tell them apart: others may come and go.
    named_apart = [
        one if times[one.subject.app, one.subject.cluster] > 1 else one._replace(application="") for one in asked
    ]
    pairs = (of_pair(repository, pair) for pair in repository.pairs() if not times[pair.app, pair.cluster])
    return Gathered((*named_apart, *pairs), (*notes, *reader.notes))


def _found(tree: GitTree, repository: Repository, given: Given, context: Context) -> tuple[list[Manifest], list[str]]:
    """Return all Applications, those of ApplicationSets included, and what could not be read."""
    declared = applications_in(tree, given.patterns)
    found = [*declared.applications, *(one for name, data in given.lists for one in objects(data, name))]
    notes = [*declared.notes]
    if not declared.sets:
        return found, notes
    config = repository.config
    helm = toolchain.find({HELM: config.defaults.tools.get(HELM, PINS[HELM])}, context.settings)[HELM]
    world = World(tree, tuple(config.clusters[name] for name in sorted(config.clusters)), evaluator(helm, context))
    locations = {one.names[0]: one.location for one in declared.sets}
    for expanded in expand(declared.sets, world):
        found += [Manifest(value, locations[expanded.name]) for value in expanded.applications]
        notes += expanded.notes
        if expanded.error:
            notes.append(f"the ApplicationSet {expanded.name} would stop updating: {expanded.error.what}")
    return found, notes


class _Reader:
    """Turns Applications into requests for one tree."""

    def __init__(self, tree: GitTree, repository: Repository, trunk: str) -> None:
        self._tree = tree
        self._repository = repository
        self._trunk = trunk
        self._others = 0
        self._wrong: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about Applications that are not compared."""
        others = [f"{self._others} Applications have no plugin and are not compared"] if self._others else []
        return (*self._wrong, *others)

    def read(self, found: Manifest) -> Iterator[Asked]:
        """Yield what an Application asks for; nothing where no plugin of ours renders it."""
        if not _has_plugin(found.value):
            self._others += 1
            return
        try:
            one = overridden(application.read(found.value, found.location), self._file)
            yield self._asked(one, found.value)
        except CmpError as error:
            self._wrong.append(f"the Application {found.names[0]} is not compared: {error.what}")

    def _file(self, path: str) -> bytes | None:
        inside = self._inside(path)
        return self._tree.read(inside) if inside is not None and self._tree.kind(inside) == "file" else None

    def _inside(self, path: str) -> str | None:
        """Return a path of the repository as one of the source tree, which may be a folder of it."""
        prefix = self._tree.prefix
        if not prefix:
            return path
        return path.removeprefix(f"{prefix}/") if path.startswith(f"{prefix}/") else None

    def _asked(self, one: Application, value: Values) -> Asked:
        folder = self._inside(one.source.path.strip("/"))
        if folder is None:
            raise ConfigError(f"its path {one.source.path} lies outside the source tree {self._tree.prefix}")
        cluster = self._cluster(one.destination)
        outside = {REVISION: NEUTRAL, "KUBE_VERSION": cluster.kube_version if cluster else ""}
        outside["KUBE_API_VERSIONS"] = ",".join(cluster.api_versions) if cluster else ""
        given = variables(one, outside)
        request = Request(
            folder=folder,
            parameters=parameters.read(environ.plugin_env(given)),
            build_env=environ.build_env({**given, "KUBE_VERSION": "", "KUBE_API_VERSIONS": ""}),
            in_sidecar=True,
        )
        subject = self._subject(one, request)
        return Asked(
            subject, request, one.instance_name, self._delivery(subject, one, value), tuple(_rules(one, value))
        )

    def _cluster(self, destination: Destination) -> Cluster | None:
        for cluster in self._repository.config.clusters.values():
            if destination.name == cluster.name or (cluster.server and destination.server == cluster.server):
                return cluster
        return None

    def _subject(self, one: Application, request: Request) -> Subject:
        try:
            found = with_names(self._repository, request)
        except CmpError:  # the case says it
            return Subject(one.name, one.destination.name or one.destination.server)
        return Subject(found.app, found.cluster, environment(self._repository, found.cluster))

    def _delivery(self, subject: Subject, one: Application, value: Values) -> Delivery:
        policy = dig(value, "spec", "syncPolicy", "automated")
        automated = isinstance(policy, dict) and policy.get("enabled") is not False
        options = policy if isinstance(policy, dict) else {}
        target = one.source.target_revision
        follows = target in HEADS or target == self._trunk
        return Delivery(
            subject,
            one.name,
            automated,
            prune=options.get("prune") is True,
            self_heal=options.get("selfHeal") is True,
            target_revision=target or "HEAD",
            at_merge=automated and follows,
        )


def _has_plugin(value: Values) -> bool:
    sources = dig(value, "spec", "sources")
    source = dig(value, "spec", "source")
    every = [*(sources if isinstance(sources, list) else []), source]
    return any(isinstance(one, dict) and "plugin" in one for one in every)


def _rules(one: Application, value: Values) -> Iterator[Rule]:
    """Yield what `ignoreDifferences` says by JSON pointers; a list item there is any item here."""
    ignored = dig(value, "spec", "ignoreDifferences")
    for entry in ignored if isinstance(ignored, list) else ():
        pointers = dig(entry, "jsonPointers")
        for pointer in pointers if isinstance(pointers, list) else ():
            parts = [part.replace("~1", "/").replace("~0", "~") for part in str(pointer).split("/")[1:]]
            path = (*("[*]" if part.isdecimal() else part for part in parts), "**")
            group, kind, namespace, name = (
                str(dig(entry, key) or "") for key in ("group", "kind", "namespace", "name")
            )
            yield Rule(f"ignoreDifferences of {one.name}", group, kind, namespace, name, path)
