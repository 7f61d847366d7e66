"""The bumps of charts in one pair, each with what both charts and the repository's own values tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.artifacts.cache import ChartCache
from cmp.artifacts.charts.plan import Range
from cmp.changes import Bump, ChartBumpDetails, ChartDefault, ChartDefinition
from cmp.compare.bumps import size
from cmp.errors import CmpError
from cmp.preview.bumps import compared
from cmp.preview.bumps.overrides import Settings
from cmp.preview.bumps.uses import bumped, uses
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from cmp.artifacts.charts import Restored
    from cmp.changes import Subject
    from cmp.context import Context
    from cmp.engines.protocol import Needs
    from cmp.model import Instance, Tool
    from cmp.preview.bumps.compared import ComparedCharts, DefaultDifference
    from cmp.preview.bumps.opened import OpenedChart
    from cmp.preview.bumps.uses import ChartUse
    from cmp.system.tree import Tree

MAX_VALUE = 200  # characters of a value
MAX_DEFAULTS = 1000  # of one bump
KEPT = 64  # comparisons in the memory of a worker: many pairs have the same
KUBERNETES_NUMBERS = 3  # of a version, as helm completes it

_WEIGHTS = ("removed", "changed", "added")
_KNOWN: dict[tuple[str, str], ComparedCharts] = {}


class RenderedSource(NamedTuple):
    """A source of a pair on one side, and the charts that were obtained for its render; `helm` is None without one."""

    tree: Tree
    instance: Instance
    needs: Needs
    restored: tuple[Restored, ...]
    helm: Tool | None


class Explained(NamedTuple):
    """A bump in one pair; bumps of the same charts have the same `charts`."""

    bump: Bump
    charts: tuple[str, str]
    details: ChartBumpDetails


class Bumps:
    """The two rendered sides of a pair; `definitions` are the names of the CRDs that either renders."""

    def __init__(
        self, subject: Subject, context: Context, definitions: Collection[str], mask: Callable[[object], object]
    ) -> None:
        self._subject = subject
        self._context = context
        self._definitions = definitions
        self._mask = mask

    def explained(self, base: Sequence[RenderedSource], head: Sequence[RenderedSource]) -> Iterator[Explained]:
        """Yield the charts whose versions differ, with all that can be told without a network."""
        cache = ChartCache(self._context.settings.cache_dir)
        before, after = (
            [
                use
                for number, source in enumerate(side)
                for use in uses(
                    number, source.tree, source.instance, source.needs, restored=source.restored, cache=cache
                )
            ]
            for side in (base, head)
        )
        for was, now in bumped(before, after):
            bump = Bump(
                kind="chart",
                name=now.name,
                before=was.version,
                after=now.version,
                size=size(was.version, now.version),
                subject=self._subject,
            )
            charts = (was.chart.digest if was.chart else "", now.chart.digest if now.chart else "")
            missing = [use.version for use in (was, now) if use.chart is None]
            if was.chart and now.chart:
                facts = _facts(was.chart, now.chart)
                details = self._details(facts, was, now, source=head[now.source], uses_of_head=after)
            else:
                remark = f"not explained: the archive of `{missing[0]}` is not in the cache"
                details = ChartBumpDetails(remarks=(remark,))
            yield Explained(bump, charts, details)

    def _details(
        self,
        facts: ComparedCharts,
        was: ChartUse,
        now: ChartUse,
        *,
        source: RenderedSource,
        uses_of_head: Sequence[ChartUse],
    ) -> ChartBumpDetails:
        settings = Settings(now, source.tree, source.instance, source.needs)
        is_off = settings.is_disabled()
        defaults = [
            one
            for difference in facts.defaults
            if (one := self._default(difference, None if is_off else settings, now, uses_of_head))
        ]
        notes = tuple(
            note._replace(text=self._text(note.text), links=tuple(map(self._text, note.links))) for note in facts.notes
        )
        definitions = tuple(
            ChartDefinition(one.name, one.what, self._text(one.text), is_off or one.name in self._definitions)
            for one in facts.definitions
        )
        moved = was.keys != now.keys
        return bounded(
            ChartBumpDetails(
                noted=facts.noted,
                notes=notes,
                is_next=facts.is_next,
                deprecated=facts.deprecated,
                has_security_updates=facts.has_security_updates,
                is_prerelease=facts.is_prerelease,
                kube_versions=facts.kube_versions,
                unmet=() if is_off or self._is_met(facts.kube_versions[1], now, source) else (self._subject,),
                definitions=definitions,
                defaults=tuple(defaults),
                keys=(".".join(was.keys), ".".join(now.keys)) if moved else (),
                disabled=(self._subject,) if is_off else (),
                remarks=(*map(self._text, facts.remarks), *settings.remarks),
            )
        )

    def _default(
        self, difference: DefaultDifference, settings: Settings | None, use: ChartUse, others: Sequence[ChartUse]
    ) -> ChartDefault | None:
        """Return a default with its overrides; None for one that is without effect, since a chart around sets it."""
        overrides: tuple[str, ...] = ()
        misfits: tuple[str, ...] = ()
        if settings:
            found = settings.find(difference.path)
            if found.is_shadowed:
                return None
            is_gone = difference.what == "removed"
            if is_gone and (settings.is_read_by_helm(difference.path) or _is_shared(difference.path, use, others)):
                return None
            overrides = tuple(one.place for one in found.overrides)
            misfits = tuple(one.place for one in found.overrides[:1] if _misfits(difference, one.kind))
        return ChartDefault(
            path=tuple(map(self._text, difference.path)),
            what=difference.what,
            before="" if difference.what == "added" else self._json(difference.before),
            after="" if difference.what == "removed" else self._json(difference.after),
            overrides=overrides,
            misfits=misfits,
        )

    def _is_met(self, constraint: str, use: ChartUse, source: RenderedSource) -> bool:
        """Tell whether the cluster meets the constraint; helm itself asks that of the outermost chart.

        True where the version of the cluster is not known.
        """
        version = source.instance.kube_version
        given = numbers(version.removeprefix("v"))
        if not (constraint and use.above and given and source.helm):
            return True
        missing = KUBERNETES_NUMBERS - len(given)
        whole = version + ".0" * missing if missing > 0 else version
        try:
            asked = Range(constraint, f"the constraint of chart {use.name} {use.version}", source.instance.folder)
            return asked.holds(whole, source.helm, self._context)
        except CmpError:
            return True

    def _text(self, text: str) -> str:
        return str(self._mask(text))

    def _json(self, value: object) -> str:
        text = yamldoc.to_json(self._mask(value))
        return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"


def bounded(details: ChartBumpDetails) -> ChartBumpDetails:
    """Return the details with the weightiest defaults first, and no more of them than a report can hold."""
    defaults = sorted(details.defaults, key=_weight)
    more = max(len(defaults) - MAX_DEFAULTS, 0) + details.more_defaults
    return details._replace(defaults=tuple(defaults[:MAX_DEFAULTS]), more_defaults=more)


def _weight(default: ChartDefault) -> tuple[object, ...]:
    is_dead = default.what == "removed" and bool(default.overrides)
    return (not (default.misfits or is_dead), not default.overrides, _WEIGHTS.index(default.what), default.path)


def _facts(before: OpenedChart, after: OpenedChart) -> ComparedCharts:
    key = (before.digest, after.digest)
    if key not in _KNOWN:
        if len(_KNOWN) >= KEPT:
            _KNOWN.clear()
        _KNOWN[key] = compared.compare(before, after)
    return _KNOWN[key]


def _misfits(difference: DefaultDifference, shape: str) -> bool:
    """Say whether the shape of a default is another one now, and what is set has not the new one."""
    old, new = compared.kind(difference.before), compared.kind(difference.after)
    return difference.what == "changed" and "" not in (old, new, shape) and new not in {old, shape}


def _is_shared(path: tuple[str, ...], use: ChartUse, others: Sequence[ChartUse]) -> bool:
    """Say whether a global value is still a default of another chart that is rendered with this one."""
    if path[0] != "global":
        return False
    around = (other for other in others if (other.source, other.root) == (use.source, use.root) and other != use)
    return any(_has(compared.default_values(other.chart), path) for other in around if other.chart)


def _has(value: object, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True
