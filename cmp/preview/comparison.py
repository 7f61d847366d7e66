"""Two trees -> two sides, and the impact of the change on them: the beginning of `affected` and of `diff`."""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import LeftOut
from cmp.errors import CmpError, ConfigError, and_more
from cmp.preview.affected import Impact, find_impact
from cmp.preview.application_changes import ApplicationChanges
from cmp.preview.application_pairs import ApplicationPairs
from cmp.preview.children import Children, circles
from cmp.preview.declarations import EVERY_FILE, MAX_LISTED, ApplicationSources, Declarer
from cmp.preview.judging import checks_of
from cmp.preview.printers import Printers
from cmp.preview.sides import Side
from cmp.report.judgement import code_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.changes import Failure
    from cmp.context import Context
    from cmp.preview.children import Printed, Unknown
    from cmp.preview.elsewhere import OtherRepositories
    from cmp.preview.followed import Followed
    from cmp.repository.config.model import Checks, NamedPair
    from cmp.repository.git import GitTree

MAX_APPLICATIONS = 500  # that only an untrusted change prints
READ_ELSEWHERE = "what is not compared may read it"
NO_IMPACT = Impact(0, (), ())
NO_OUTPUT: Mapping[str, Printed] = MappingProxyType({})


class Comparison(NamedTuple):
    """Both sides, the impact of the change, and sentences about Applications that could not be read.

    `left_out` is what is not compared, such as Applications with a source in another repository.  `unknown` are pairs
    of which nobody knows which Applications they print.
    `assumptions` are sentences on what nobody said of the Argo CD.  `applications` are the changes of Applications
    themselves, `failures` those of ApplicationSets that cannot be evaluated.  `printed` is what parents print, by their
    fingerprints.  `checks` are what rendered objects are judged by, None where they are not judged.
    """

    base: Side
    head: Side
    impact: Impact
    notes: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    assumptions: tuple[str, ...] = ()
    applications: ApplicationChanges = ApplicationChanges()
    failures: tuple[Failure, ...] = ()
    printed: Mapping[str, Printed] = NO_OUTPUT
    checks: Checks | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences about Applications that could not be read, or that are not compared."""
        return (*self.notes, *(one.text for one in self.left_out))

    @property
    def exit_code(self) -> int:
        """The exit code for pairs and sets of which nobody knows the Applications.

        It is 0 where they failed before too, and by their own fault.
        """
        return code_of((*(one.failure for one in self.unknown), *self.failures))


class Comparer(NamedTuple):
    """Compares two trees.

    `lists` are files with Applications beside the repository, by name and content.  `urls` are those of this
    repository, as far as the clone and the command line know them.  `trunk` is the branch that the change goes to.
    Of a change that is not trusted, `max_applications` is how many it may bring that other pairs print, and `others`,
    the repositories that can be read beside this one, are not.  `followed` are other revisions of this one.  `printed`
    is what parents are known to print, by their fingerprints.  With `is_checked` rendered objects are judged, whatever
    the configuration says.
    """

    lists: tuple[tuple[str, bytes], ...]
    urls: tuple[str, ...]
    trunk: str
    is_untrusted: bool
    context: Context
    max_applications: int = MAX_APPLICATIONS
    others: OtherRepositories | None = None
    followed: Followed | None = None
    printed: Mapping[str, Printed] = NO_OUTPUT
    is_checked: bool = False

    def compare(self, base_tree: GitTree, head_tree: GitTree, changed: Sequence[str]) -> Comparison:
        """Resolve both sides and find the impact of the paths that changed.

        The patterns of files to ignore are those of the base: no change may hide itself.
        """
        with _errors_of("the base revision"):
            base = Side(base_tree)
        head = base.successor(head_tree, changed)
        found = self._with_applications(base, head, changed)
        checks = checks_of(base, head, is_asked=self.is_checked, is_untrusted=self.is_untrusted)
        ignored = base.repository.config.preview.ignore
        impact = find_impact(found.base, found.head, changed, ignored, is_judged=checks is not None)
        read = {path for one in found.left_out for path in one.files}
        unowned = (
            file._replace(consequence=READ_ELSEWHERE) if file.path in read and not file.rule else file
            for file in impact.unowned
        )
        return found._replace(impact=impact._replace(unowned=tuple(unowned)), checks=checks)

    def sources(self, base: Side, head: Side) -> ApplicationSources:
        """Return where both sides have Applications.

        What either of them says counts for both: an Application that only one side's patterns find neither comes nor
        goes.  Of an untrusted change only the base says it.
        """
        before, after = base.repository.config.preview, head.repository.config.preview
        settings = (before,) if self.is_untrusted else (before, after)
        sides = (base,) if self.is_untrusted else (base, head)
        patterns = [pattern for setting in settings for pattern in setting.application_files]
        if not all(side.repository.config.source for side in sides):
            patterns += EVERY_FILE
        return ApplicationSources(
            patterns=tuple(dict.fromkeys(patterns)),
            lists=self.lists,
            argocds=before.argocds if self.is_untrusted else after.argocds or before.argocds,
            urls=(*self.urls, *(url for setting in settings for url in setting.urls)),
            trunk=self.trunk,
            others=None if self.is_untrusted else self.others,
            followed=self.followed,
        )

    def _with_applications(self, base: Side, head: Side, changed: Sequence[str]) -> Comparison:
        """Return both sides with their Applications as pairs; the impact of the change is still to be found."""
        sources = self.sources(base, head)
        before, after = (Declarer(side.tree, side.repository, sources, self.context) for side in (base, head))
        limit = self.max_applications if self.is_untrusted else None
        files = before.of_files(), after.of_files()
        pairs = ApplicationPairs((base, head), files, sources, changed=changed, limit=limit)
        named = self._named(base, head)
        printers = Printers(base.tree, named), Printers(head.tree, named)
        children = Children(
            (before, after),
            printers,
            sources,
            self.context,
            is_untrusted=self.is_untrusted,
            printed=self.printed,
        )
        found = children.find(lambda found: pairs.of(found.printed).sides)
        state = pairs.of(found.printed)
        _require_named(printers, named, state.sides)
        return Comparison(
            base=state.sides[0],
            head=state.sides[1],
            impact=NO_IMPACT,
            notes=(*state.notes, *found.notes, *circles(state.sides)),
            left_out=(*state.left_out, *found.left_out, *_unread(printers, state.sides, sources, changed)),
            unknown=found.unknown,
            assumptions=state.assumptions,
            applications=state.changes,
            failures=state.failures,
            printed=children.printed,
        )

    def _named(self, base: Side, head: Side) -> tuple[NamedPair, ...]:
        """Return the pairs that are named as printing Applications."""
        before, after = base.repository.config.preview.printers, head.repository.config.preview.printers
        return before if self.is_untrusted else tuple({pair[:2]: pair for pair in (*before, *after)}.values())


@contextmanager
def _errors_of(side: str) -> Iterator[None]:
    """Name the side in its errors: a reader takes any other error for one of the newer side."""
    try:
        yield
    except CmpError as error:
        error.what = f"{side}: {error.what}"
        raise


def _unread(
    printers: tuple[Printers, Printers], sides: tuple[Side, Side], sources: ApplicationSources, changed: Sequence[str]
) -> Iterator[LeftOut]:
    """Yield the charts with Applications that no pair renders: nobody knows which they are."""
    if charts := {
        chart
        for side, of_side in zip(sides, printers, strict=True)
        for chart in of_side.unread_charts(side, sources.patterns)
    }:
        names = and_more(sorted(charts), MAX_LISTED)
        reached = {chart for chart in charts for path in changed if chart == "." or path.startswith(f"{chart}/")}
        yield LeftOut(
            "chart",
            tuple(sorted(charts)),
            tuple(sorted(reached)),
            f"the Applications in templates of {names} are not known, as no pair renders that chart: "
            "`preview: {applications: [{app, cluster}]}` in cmp.yaml names a pair that does",
        )


def _require_named(printers: tuple[Printers, Printers], named: Sequence[NamedPair], sides: tuple[Side, Side]) -> None:
    """ConfigError for a name in the configuration that is no pair on either side."""
    wanted = {pair[:2] for pair in named} - {(key.app, key.cluster) for side in sides for key in side.pairs}
    for side, of_side in zip(sides, printers, strict=True):
        wanted -= {names for pair in (side.pairs.values() if wanted else ()) for names in of_side.names(pair)}
    for pair in named:
        if pair[:2] in wanted:
            where = f"on {pair.cluster}" if pair.cluster else "without a cluster"
            raise ConfigError(
                f"`preview.applications` names {pair.app} {where}, which is no pair here",
                file=pair.place,
                hint="`cmp affected --format json` and `cmp apps` tell the pairs; an Application has its own name",
            )
