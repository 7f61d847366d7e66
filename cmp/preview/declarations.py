"""The Applications and ApplicationSets of one side: those of files and lists, and those that pairs print.

Declarer       objects -> the Applications that they are, or that a set makes
merged         one list of both origins, in which an Application that a pair prints replaces that of a file
known_urls     the URLs under which Applications name this repository
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.application import CONTROL_PLANE, sources_of
from cmp.argocd.document import Manifest, applications_in, is_a, objects
from cmp.argocd.sets import InventoryGapError, World, evaluator, expand
from cmp.argocd.settings import NEWEST
from cmp.artifacts import toolchain
from cmp.model import NOTHING
from cmp.preview.identity import of_application
from cmp.preview.left_out import GAP, Uncompared
from cmp.repository.config.model import PINS
from cmp.system.globs import whole_match
from cmp.system.urls import repository_name
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.context import Context
    from cmp.errors import ConfigError
    from cmp.preview.elsewhere import OtherRepositories
    from cmp.preview.followed import Followed
    from cmp.preview.identity import PairId
    from cmp.repository.config import ArgoCD
    from cmp.repository.instances import Repository
    from cmp.system.tree import Tree

    Values = dict[str, object]

HELM = "helm"
APPLICATION, SET = "Application", "ApplicationSet"
EVERY_FILE = ("**/*.yaml", "**/*.yml")  # where no configuration says which files have Applications
MAX_LISTED = 3


class ApplicationSources(NamedTuple):
    """The places of Applications: patterns of files in the repository, and lists by their names and contents.

    `argocds` say which Argo CD reads which file, `urls` under which URLs Applications name this repository (none: not
    known).  `trunk` is the branch that the change is merged into, `others` are other repositories that can be read,
    `followed` other revisions of this one.
    """

    patterns: tuple[str, ...] = ()
    lists: tuple[tuple[str, bytes], ...] = ()
    argocds: tuple[ArgoCD, ...] = ()
    urls: tuple[str, ...] = ()
    trunk: str = ""
    others: OtherRepositories | None = None
    followed: Followed | None = None

    def reader_of(self, file: str) -> ArgoCD | None:
        """Return the Argo CD that reads a file, as far as the configuration says it."""
        for argocd in self.argocds:
            if any(whole_match(pattern, file) for pattern in argocd.applications):
                return argocd
        return None


class Parent(NamedTuple):
    """The pair that prints an Application: its identity, its Argo CD, and the namespace of what has none."""

    id: PairId
    argocd: str = ""
    namespace: str = ""


class Declaration(NamedTuple):
    """An Application or an ApplicationSet, with the Applications that it is or makes.

    `refused` says by name why the controller touches single Applications of a set no more, `lacks` names what the
    inventory lacks to know them.  With an `error` it would touch none.  `parameters` are what generators gave each of
    the Applications of a set.  `stays` is set where only the older side has it, or has it so, and it is left alone: the
    end of a sentence that begins with its name.
    """

    manifest: Manifest
    applications: tuple[Manifest, ...]
    refused: Mapping[str, str] = {}
    lacks: str = ""
    error: ConfigError | None = None
    parent: Parent | None = None
    parameters: tuple[Mapping[str, str], ...] = ()
    stays: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """The kind and the name."""
        return str(self.manifest.value.get("kind") or APPLICATION), self.manifest.names[0]

    @property
    def generated(self) -> Iterator[tuple[Manifest, Mapping[str, str]]]:
        """The Applications, each with what the generators of its set gave it."""
        return zip(self.applications, self.parameters or repeat(NOTHING), strict=False)

    def with_generated(self, generated: Iterable[tuple[Manifest, Mapping[str, str]]]) -> Declaration:
        """Return it with other Applications, each with what the generators of its set gave it."""
        listed = [*generated]
        return self._replace(
            applications=tuple(manifest for manifest, _ in listed),
            parameters=tuple(parameters for _, parameters in listed),
        )

    @property
    def namespace(self) -> str:
        """The namespace, as it is written."""
        return str(self.manifest.metadata.get("namespace") or "")


class Declared(NamedTuple):
    """All that one side declares, and the files that could not be read."""

    declarations: tuple[Declaration, ...]
    files: tuple[Uncompared, ...] = ()

    @property
    def applications(self) -> Iterator[tuple[Manifest, Parent | None]]:
        """The Applications, each with the pair that prints it."""
        for declaration in self.declarations:
            for manifest in declaration.applications:
                yield manifest, declaration.parent

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about Applications and sets that Argo CD itself would not make, or not read."""
        of_sets = [
            f"the Application {name} is neither created nor changed: {problem}"
            for declaration in self.declarations
            for name, problem in declaration.refused.items()
        ]
        of_sets += [
            f"the ApplicationSet {declaration.manifest.names[0]} would stop updating: {declaration.error.what}"
            for declaration in self.declarations
            if declaration.error and not declaration.error.is_external
        ]
        return tuple(of_sets)

    @property
    def uncompared(self) -> tuple[Uncompared, ...]:
        """The files that could not be read, and the sets for which a reason that is no fault of theirs stands."""
        return (
            *self.files,
            *(
                Uncompared(
                    "ApplicationSet",
                    declaration.manifest.names[0],
                    GAP if declaration.lacks else f"{declaration.error.what} ({declaration.error.hint})",
                    detail=declaration.lacks,
                    value=declaration.manifest.value,
                )
                for declaration in self.declarations
                if declaration.error and declaration.error.is_external
            ),
        )


class Declarer:
    """Reads the declarations of one side; ApplicationSets are expanded by its tree and its inventory."""

    def __init__(self, tree: Tree, repository: Repository, sources: ApplicationSources, context: Context) -> None:
        self._tree = tree
        self._repository = repository
        self._sources = sources
        self._context = context
        clusters, argocd = repository.config.clusters, repository.config.preview.argocd
        self._world = World(
            tree,
            tuple(clusters[name] for name in sorted(clusters)),
            self._evaluated,
            repositories=names_of(sources.urls),
            version=(argocd and argocd.version) or NEWEST,
        )

    def of_files(self) -> Declared:
        """Return what files of the tree and lists declare."""
        found = applications_in(self._tree, self._sources.patterns)
        files = tuple(Uncompared("file", path, reason) for path, reason in found.left_out)
        listed = [manifest for name, data in self._sources.lists for manifest in objects(data, name)]
        return Declared(tuple(self._declarations((*found.applications, *listed), found.sets)), files)

    def of_output(self, text: bytes, name: str, parent: Parent) -> tuple[Declaration, ...]:
        """Return what a pair declares that prints a text; `name` stands for a file in the places of errors."""
        manifests = [*objects(text, name)]
        applications = [manifest for manifest in manifests if is_a(APPLICATION, manifest.value)]
        sets = [manifest for manifest in manifests if is_a(SET, manifest.value)]
        return tuple(one._replace(parent=parent) for one in self._declarations(applications, sets))

    def _declarations(self, applications: Sequence[Manifest], sets: Sequence[Manifest]) -> Iterator[Declaration]:
        yield from (Declaration(manifest, (manifest,)) for manifest in applications)
        of_sets = {(id(manifest.location.document), manifest.location.path): manifest for manifest in sets}
        for expanded in expand(sets, self._world) if sets else ():
            location = expanded.location
            yield Declaration(
                manifest=of_sets[id(location.document), location.path],
                applications=tuple(Manifest(value, location) for value in expanded.applications),
                refused=expanded.refused,
                lacks=expanded.error.lacks if isinstance(expanded.error, InventoryGapError) else "",
                error=expanded.error,
                parameters=expanded.parameters,
            )

    def _evaluated(self, templates: Mapping[str, str]) -> Mapping[str, str]:
        pin = self._repository.config.defaults.tools.get(HELM, PINS[HELM])
        helm = toolchain.find({HELM: pin}, self._context.settings)[HELM]
        return evaluator(helm, self._context)(templates)


def merged(files: Declared, printed: Sequence[Declaration], sources: ApplicationSources) -> Declared:
    """Return the declarations of files and of output in one list.

    Of one object in both the printed one counts: a kustomization may have patched it.  Where they are equal it keeps
    the place in its file.  An object that two pairs of one Argo CD print in the same way is one.  An Application that
    prints itself counts as what prints it beside that, or what its file has where several are named alike: its own
    output would make it another one each time.
    """
    by_key: dict[tuple[str, str], list[Declaration]] = defaultdict(list)
    of_others = {_identity(declaration) for declaration in printed if not _prints_itself(declaration)}
    for declaration in printed:
        if _prints_itself(declaration) and (_is_told_apart(declaration) or _identity(declaration) in of_others):
            continue
        twins = by_key[declaration.key]
        if not any(_is_shared(declaration, twin) for twin in twins):
            twins.append(declaration)
    kept: list[Declaration] = []
    for declaration in files.declarations:
        twins = by_key[declaration.key]
        same = [index for index, twin in enumerate(twins) if _is_same(declaration, twin, sources)]
        if not same:
            kept.append(declaration)
        elif len(same) == 1 and twins[same[0]].manifest.value == declaration.manifest.value:
            twins[same[0]] = declaration._replace(parent=twins[same[0]].parent)
    of_output = (declaration for twins in by_key.values() for declaration in twins)
    return files._replace(declarations=(*kept, *of_output))


def identity_of(declaration: Declaration, sources: ApplicationSources) -> PairId:
    """Return the identity of an Application, and that of a set, which is made in the same way."""
    if declaration.parent:
        return _of_printed(declaration, declaration.parent)
    argocd = sources.reader_of(declaration.manifest.location.file)
    return of_application(argocd.name if argocd else "", declaration.namespace, declaration.manifest.names[0])


def _of_printed(declaration: Declaration, parent: Parent) -> PairId:
    namespace = declaration.namespace or parent.namespace
    return of_application(parent.argocd, namespace, declaration.manifest.names[0])


def _identity(printed: Declaration) -> PairId | None:
    """Return the identity of an Application that a pair prints; None for an ApplicationSet."""
    return None if printed.parent is None or printed.key[0] == SET else _of_printed(printed, printed.parent)


def _prints_itself(printed: Declaration) -> bool:
    return printed.parent is not None and printed.parent.id._replace(file="") == _identity(printed)


def _is_told_apart(printed: Declaration) -> bool:
    return printed.parent is not None and bool(printed.parent.id.file)


def _is_shared(one: Declaration, other: Declaration) -> bool:
    """Tell whether two printed objects are one: Argo CD warns of it, and both parents bring the same."""
    if not (one.parent and other.parent and one.parent.argocd and one.parent.argocd == other.parent.argocd):
        return False
    return one.parent.namespace == other.parent.namespace and one.manifest.value == other.manifest.value


def _is_same(of_file: Declaration, printed: Declaration, sources: ApplicationSources) -> bool:
    """Tell whether a file has the object that a pair prints; where it leaves a namespace out, that is the pair's."""
    parent = printed.parent
    if parent is None:
        return False
    argocd = sources.reader_of(of_file.manifest.location.file)
    namespace = printed.namespace or parent.namespace or CONTROL_PLANE
    return (not argocd or argocd.name == parent.argocd) and of_file.namespace in ("", namespace)


def known_urls(urls: Sequence[str], *sides: Declared) -> tuple[str, ...]:
    """Return the names of this repository (`repository_name`): those of its URLs, or else that of most sources.

    A clone without a remote does not know its URL.  Of several that are named equally often the first in order counts.
    """
    if names := names_of(urls):
        return names
    counts: Counter[str] = Counter()
    for side in sides:
        for manifest, _ in side.applications:
            written = (source for source in sources_in(manifest.value) if "chart" not in source)
            counts.update({repository_name(str(source.get("repoURL") or "")) for source in written})
    del counts[""]
    return (min(counts, key=lambda name: (-counts[name], name)),) if counts else ()


def names_of(urls: Iterable[str]) -> tuple[str, ...]:
    """Return the names of repositories by their URLs, each once."""
    return tuple(dict.fromkeys(filter(None, map(repository_name, urls))))


def sources_in(value: Values) -> list[Values]:
    """Return the sources of an Application as they are written."""
    return [source for source, _ in sources_of(mapping(value.get("spec")))]
