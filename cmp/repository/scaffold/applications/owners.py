"""The application of each wanted pair, and the pattern of its folder.

The folder of an application is the one that Argo CD renders.  Where several render one chart, or a chart of a
repository, it is the folder with the values files that are theirs alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.model import NOTHING
from cmp.repository import layout
from cmp.repository.scaffold.applications.spelling import Spellings, words
from cmp.repository.scaffold.folders.words import BASES, OVERLAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.repository.layout import Captures
    from cmp.repository.scaffold.applications.places import Placed
    from cmp.repository.scaffold.wanted import WantedPair
    from cmp.system.tree import Tree

APP = "{app}"
MANY = 4  # patterns that differ in one name alone become one with a wildcard
STRUCTURE = frozenset(
    {
        *(*BASES, *OVERLAYS, "overlay", "env", "environment", "cluster", "helm", "kustomize", "manifests", "manifest"),
        *("deploy", "deployment", "k8s", "kubernetes", "values", "config", "app", "resources", "src"),
    }
)
NONE = "no folder of the tree is its own"
SHARED = "it renders a folder that others render, too, and none of its values files lies in a folder of its own"
EXACT, PART, GUESS = 3, 2, 1


class OwnedPair(NamedTuple):
    """A wanted pair with its application, the folder of that and the pattern of the folder."""

    wanted: WantedPair
    app: str
    cluster: str
    folder: str
    pattern: str
    facts: Mapping[str, str] = NOTHING

    @property
    def known(self) -> Captures:
        """The values of placeholders."""
        return _known(self.cluster, self.facts) | {"app": self.app}


class Owned(NamedTuple):
    """The pairs that have an application, the patterns of their folders, and the others, each with the reason."""

    pairs: tuple[OwnedPair, ...]
    patterns: tuple[str, ...]
    left: tuple[tuple[WantedPair, str], ...] = ()


class _Candidate(NamedTuple):
    rank: int
    app: str
    home: str
    depth: int


def own(placed: Sequence[Placed]) -> Owned:
    """Return the pairs with their applications."""
    shared = _shared(placed)
    candidates = [[*_candidates(one, shared)] for one in placed]
    votes = Spellings()
    for number, (one, several) in enumerate(zip(placed, candidates, strict=True)):
        for candidate in several:
            votes.add(number, candidate.home, _known(one.cluster, one.facts) | {"app": candidate.app})
    owned: list[OwnedPair] = []
    left: list[tuple[WantedPair, str]] = []
    for one, several in zip(placed, candidates, strict=True):
        best = max((_spelled(one, candidate, votes) for candidate in several), default=None, key=lambda found: found[0])
        if best is None or not best[1].pattern:
            left.append((one.wanted, SHARED if one.wanted.path in shared else NONE))
        else:
            owned.append(best[1])
    pairs, doubles = _without_doubles(owned)
    return Owned(tuple(pairs), _ordered(pair.pattern for pair in pairs), (*left, *doubles))


def _known(cluster: str, facts: Mapping[str, str]) -> dict[str, str]:
    return {**facts, **({"cluster": cluster} if cluster else {})}


def _shared(placed: Sequence[Placed]) -> set[str]:
    """Return the folders that several Applications of one cluster render."""
    counts = Counter((one.cluster, one.wanted.path) for one in placed if one.wanted.path)
    return {path for (_, path), count in counts.items() if count > 1}


def _candidates(one: Placed, shared: set[str]) -> Iterator[_Candidate]:
    """Yield what may be the application: a name on the way to its folder, or to its values files."""
    wanted = one.wanted
    is_own = bool(wanted.path) and wanted.path not in shared
    homes = [wanted.path] if is_own else [file.path.rpartition("/")[0] for file in wanted.values]
    names = {*_names(wanted.application, _known(one.cluster, one.facts))}
    given = {one.cluster, *one.facts.values()}
    for home in dict.fromkeys(filter(None, homes)):
        parts = home.split("/")
        for index, part in enumerate(parts):
            if part in given or part == ".":
                continue
            is_part = _is_part(part, wanted.application)
            rank = EXACT if part in names else PART if is_part else GUESS
            if rank == GUESS and (part.lower() in STRUCTURE or not is_own):
                continue
            yield _Candidate(rank, part, home if is_own else "/".join(parts[: index + 1]), index)


def _names(application: str, known: Captures) -> Iterator[str]:
    """Yield the name of an Application, and without the names of its cluster and facts."""
    yield application
    rest = application
    for value in sorted(known.values(), key=len, reverse=True):
        for shorter in (application, rest):
            for text in (shorter.removeprefix(f"{value}-"), shorter.removesuffix(f"-{value}")):
                if text != shorter:
                    yield text
                    rest = text


def _is_part(name: str, application: str) -> bool:
    """Tell whether a name stands in that of the Application, as whole words."""
    return f"-{'-'.join(words(name))}-" in f"-{'-'.join(words(application))}-"


def _spelled(one: Placed, candidate: _Candidate, votes: Spellings) -> tuple[tuple[int, int, int, int], OwnedPair]:
    known = _known(one.cluster, one.facts) | {"app": candidate.app}
    pattern = votes.best(candidate.home, known, APP)
    depth = candidate.depth if candidate.rank == PART else 0
    rank = (candidate.rank, depth, votes.count(pattern), candidate.depth)
    return rank, OwnedPair(one.wanted, candidate.app, one.cluster, candidate.home, pattern, one.facts)


def _without_doubles(owned: Sequence[OwnedPair]) -> tuple[list[OwnedPair], list[tuple[WantedPair, str]]]:
    """Leave out pairs of one application and cluster but the first: a layout has one."""
    first: dict[tuple[str, str], OwnedPair] = {}
    doubles = []
    for pair in owned:
        kept = first.setdefault((pair.app, pair.cluster), pair)
        if kept is not pair:
            where = f" on {pair.cluster}" if pair.cluster else ""
            doubles.append((pair.wanted, f"{kept.wanted.application} is {pair.app}{where} already"))
    return [*first.values()], doubles


def _ordered(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns, each once, the narrower ones first; many that differ in one name are one."""
    found = [*dict.fromkeys(patterns)]
    wide: dict[str, set[str]] = defaultdict(set)
    for pattern in found:
        parts = pattern.split("/")
        for index, part in enumerate(parts):
            if "{" not in part:
                wide["/".join((*parts[:index], "*", *parts[index + 1 :]))].add(pattern)
    for pattern, narrow in sorted(wide.items(), key=lambda item: -len(item[1])):
        if len(narrow) >= MANY and narrow <= {*found}:
            found = [one for one in found if one not in narrow] + [pattern]
    return tuple(sorted(found, key=lambda one: (one.count("*"), one.count("{"), -one.count("/"), one)))


def with_bases(tree: Tree, patterns: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the patterns of applications and of instances.

    The folder of a cluster beside a base, as in {app}/overlays/{cluster}, is an instance of the application that the
    base is: some clusters may have the base alone.
    """
    apps, instances = [], []
    for pattern in patterns:
        above, _, below = pattern.partition(f"{APP}/")
        bases = [f"{above}{APP}/{base}" for base in BASES] if "{" in below else []
        base = next((base for base in bases if base in patterns or _matches(tree, base)), "")
        apps.append(base or pattern)
        instances += [pattern] if base else []
    return _ordered(apps), tuple(instances)


def _matches(tree: Tree, pattern: str) -> bool:
    return any(match.kind == "folder" for match in layout.expand(tree, layout.parse(pattern), {}))
