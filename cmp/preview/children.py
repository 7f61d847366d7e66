"""App of apps: the Applications that pairs print, found by rendering those pairs that may print any.

A parent is rendered without keys, once for both sides where its fingerprints are equal.  What it prints is taken as a
list of objects; the pairs that come of them may be parents again.  The state of both sides is made anew for each level,
until no other parent is found: a printed Application may replace that of a file, or cover a pair of the layout.
"""

from __future__ import annotations

import io
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.document import GROUP
from cmp.changes import Failure, LeftOut
from cmp.errors import CmpError, DeadlineError, EngineError, InternalError, OutputError, ToolError, and_more
from cmp.preview.declarations import APPLICATION, MAX_LISTED, SET, Parent
from cmp.render.pipeline import RenderOptions
from cmp.system import kernel, workers
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.context import Context
    from cmp.preview.declarations import ApplicationSources, Declaration, Declarer
    from cmp.preview.identity import PairId
    from cmp.preview.printers import Printers
    from cmp.preview.sides import ResolvedPair, Side

DEPTH = 10
SIDES = ("before", "after")


class Printed(NamedTuple):
    """The text that a parent prints, empty lines in place of all but Applications, or the failure of its render."""

    text: bytes = b""
    failure: Unprinted | None = None


class Unprinted(NamedTuple):
    """A failure of a render: its first line, and what a report needs of it."""

    what: str
    lines: tuple[str, ...]
    exit_code: int
    is_foreign: bool


class Unknown(NamedTuple):
    """A parent whose children are not known on a side (0: before), and perhaps on the other one."""

    id: PairId
    side: int
    failure: Failure
    what: str
    is_known_elsewhere: bool


class Found(NamedTuple):
    """The declarations of all parents, side by side; parents that failed; the depth at which some are not followed."""

    printed: tuple[tuple[Declaration, ...], tuple[Declaration, ...]] = ((), ())
    unknown: tuple[Unknown, ...] = ()
    unfollowed: tuple[PairId, ...] = ()

    @property
    def notes(self) -> Iterator[str]:
        """Sentences about Applications that are not known."""
        alike: dict[tuple[PairId, str], list[Unknown]] = defaultdict(list)
        for one in self.unknown:
            alike[one.id, one.what].append(one)
        for (key, what), several in alike.items():
            when = " and ".join(SIDES[one.side] for one in several)
            taken = f", and taken as {SIDES[1 - several[0].side]} it" if several[0].is_known_elsewhere else ""
            yield f"the Applications that {name_of(key)} prints are not known {when} the change{taken}: {what}"

    @property
    def left_out(self) -> Iterator[LeftOut]:
        """The pairs so deep that nobody follows what they print."""
        if names := tuple(name_of(key) for key in self.unfollowed):
            shown = and_more(names, MAX_LISTED)
            text = f"Applications are followed {DEPTH} levels deep: those that {shown} prints are not known"
            yield LeftOut("pair", names, names, text)


class Family(NamedTuple):
    """The parents of one side by their identities, each with its fingerprint."""

    pairs: Mapping[PairId, ResolvedPair]
    fingerprints: Mapping[PairId, str]


class Children:
    """Finds the Applications that pairs print on both sides.

    Each argument is for both sides, the older one first.  `is_untrusted` says that the newer side may use charts of
    repositories of the older one alone.  `printed` is what parents are known to print, by their fingerprints: another
    run rendered them.
    """

    def __init__(
        self,
        declarers: tuple[Declarer, Declarer],
        printers: tuple[Printers, Printers],
        sources: ApplicationSources,
        context: Context,
        *,
        is_untrusted: bool,
        printed: Mapping[str, Printed],
    ) -> None:
        self._declarers = declarers
        self._printers = printers
        self._sources = sources
        self._context = context
        self._is_untrusted = is_untrusted
        self.printed: dict[str, Printed] = {**printed}
        self._declared: dict[tuple[object, ...], tuple[Declaration, ...]] = {}

    def find(self, pairs_with: Callable[[Found], tuple[Side, Side]]) -> Found:
        """Return all that is printed; `pairs_with` gives the sides with the pairs that this makes."""
        found = Found()
        families: tuple[Family, Family] | None = None
        for depth in range(DEPTH + 1):
            sides = pairs_with(found)
            latest = self._families(sides)
            if families is None and not any(family.pairs for family in latest):
                return found
            if families and [family.fingerprints for family in latest] == [one.fingerprints for one in families]:
                return found
            if depth == DEPTH:
                known = {*families[0].pairs, *families[1].pairs} if families else set()
                beyond = {*latest[0].pairs, *latest[1].pairs} - known
                return found._replace(unfollowed=tuple(sorted(beyond)))
            families = latest
            self._render(sides, families)
            found = Found(
                printed=(self._declarations(0, families), self._declarations(1, families)),
                unknown=tuple(self._unknown(families)),
            )
        return found

    def _families(self, sides: tuple[Side, Side]) -> tuple[Family, Family]:
        """Return the parents of both sides; a pair that has an error is one where it is one on the other side."""
        parents = [
            {key: side.pairs[key] for key in printers.candidates(side) if printers.holds(side.pairs[key])}
            for side, printers in zip(sides, self._printers, strict=True)
        ]
        for side, of_side, of_other in zip(sides, parents, reversed(parents), strict=True):
            broken = [key for key in of_other if key in side.pairs and side.pairs[key].error]
            of_side.update({key: side.pairs[key] for key in broken})
        before, after = (
            Family(of_side, {key: side.fingerprint(key) for key in of_side})
            for side, of_side in zip(sides, parents, strict=True)
        )
        return before, after

    def _render(self, sides: tuple[Side, Side], families: tuple[Family, Family]) -> None:
        """Render the parents that are not known yet, the older side first."""
        for side, family, is_newer in zip(sides, families, (False, True), strict=True):
            missing = {
                fingerprint: family.pairs[key]
                for key, fingerprint in family.fingerprints.items()
                if fingerprint not in self.printed
            }
            options = RenderOptions(is_keyless=True)
            if self._is_untrusted and is_newer:
                known = sides[0].chart_repositories(self._context.settings.helm_repository_config)
                options = options._replace(known_repositories=known)
            work = _Work(side, self._context, options)
            tasks = [*missing.items()]
            done = workers.run([pair for _, pair in tasks], work.print, kernel.processors())
            for index, printed in done:
                self.printed[tasks[index][0]] = printed or _KILLED

    def _declarations(self, at: int, families: tuple[Family, Family]) -> tuple[Declaration, ...]:
        """Return what the parents of a side print; of one that fails, what it prints on the other side."""
        own, other = families[at], families[1 - at]
        declared: list[Declaration] = []
        for key, pair in own.pairs.items():
            prints = [
                fingerprint
                for family in (own, other)
                if (fingerprint := family.fingerprints.get(key)) and not self.printed[fingerprint].failure
            ]
            for fingerprint in prints[:1]:
                parent = self._parent(key, pair)
                memo = (at, fingerprint, parent)
                if memo not in self._declared:
                    text = self.printed[fingerprint].text
                    name = f"output of {name_of(key)}"
                    self._declared[memo] = self._declarers[at].of_output(text, name, parent)
                declared += self._declared[memo]
        return tuple(declared)

    def _parent(self, key: PairId, pair: ResolvedPair) -> Parent:
        """Return a pair as a parent: its children belong to its Argo CD, that of a layout's pair is in its cluster."""
        if key.is_application:
            namespace = next((instance.build_env.app_namespace for instance in pair.instances), "")
            return Parent(key, key.argocd, namespace)
        of_cluster = (one.name for one in self._sources.argocds if key.cluster and one.in_cluster == key.cluster)
        return Parent(key, next(of_cluster, ""))

    def _unknown(self, families: tuple[Family, Family]) -> Iterator[Unknown]:
        for at, family in enumerate(families):
            other = families[1 - at]
            for key, fingerprint in family.fingerprints.items():
                if failure := self.printed[fingerprint].failure:
                    elsewhere = other.fingerprints.get(key)
                    is_known = elsewhere is not None and not self.printed[elsewhere].failure
                    shown = Failure(
                        family.pairs[key].request.subject,
                        failure.lines,
                        is_new=at == 1 and is_known,
                        exit_code=failure.exit_code,
                        is_foreign=failure.is_foreign,
                    )
                    yield Unknown(key, at, shown, failure.what, is_known)


def name_of(key: PairId) -> str:
    """Return the name of a pair in sentences: that of its Application, or `web on blue`."""
    return key.text if key.is_application else " on ".join(filter(None, (key.app, key.cluster)))


class _Work(NamedTuple):
    """Renders parents of a side in a worker."""

    side: Side
    context: Context
    options: RenderOptions

    def print(self, pair: ResolvedPair) -> Printed:
        """Return what a pair prints; never raises an error that a user can meet."""
        context = self.context._replace(
            log=Log(io.StringIO(), self.context.redactor.mask),
            phases=Phases(),
            deadline=Deadline(self.context.settings.deadline),
            is_terminal=False,
        )
        if pair.error:
            return Printed(failure=self._unprinted(pair, pair.error))
        try:
            rendered = self.side.render(pair, context, self.options)
        except CmpError as error:
            return Printed(failure=self._unprinted(pair, error))
        except Exception as error:  # noqa: BLE001  # a bug that this pair meets: the other pairs go on
            return Printed(failure=self._unprinted(pair, InternalError.of(error)))
        manifests = [manifest for result in rendered for manifest in result.output.manifests]
        texts = [
            manifest.text
            if manifest.kind in (APPLICATION, SET) and manifest.api_version.startswith(GROUP)
            else "\n" * manifest.text.count("\n")
            for manifest in manifests
        ]
        return Printed("".join(texts).encode() if any(map(str.strip, texts)) else b"")

    def _unprinted(self, pair: ResolvedPair, error: CmpError) -> Unprinted:
        mask = self.context.redactor.mask
        needs_key = any(source.has_secrets for source in pair.sources) and isinstance(error, EngineError | OutputError)
        return Unprinted(
            what=mask(error.what).partition("\n")[0],
            lines=tuple(error.lines(with_pair=False, mask=mask)),
            exit_code=error.exit_code,
            is_foreign=not needs_key and (error.is_external or isinstance(error, ToolError | DeadlineError)),
        )


_KILLED = Printed(
    failure=Unprinted(
        what="the process that rendered it was killed",
        lines=("cmp: the process that rendered this pair was killed", "  hint: a memory limit is the usual reason"),
        exit_code=ToolError.exit_code,
        is_foreign=True,
    )
)


def circles(sides: Sequence[Side]) -> tuple[str, ...]:
    """Return a sentence for each circle of Applications that print each other; one that prints itself is common."""
    found: dict[frozenset[PairId], tuple[PairId, ...]] = {}
    for side in sides:
        parents = {key: request.parent for key, request in side.pairs.requests.items() if request.parent}
        for start in sorted(parents):
            way = [start]
            while (above := parents.get(way[-1])) and above not in way:
                way.append(above)
            if above == start and len(way) > 1:
                found.setdefault(frozenset(way), tuple(reversed(way)))
    return tuple(
        f"Applications print each other in a circle: {' -> '.join(name_of(key) for key in (*way, way[0]))}"
        for way in found.values()
    )
