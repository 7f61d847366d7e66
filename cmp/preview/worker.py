"""One pair, rendered on both sides and compared, in a worker process: everything that leaves the worker is masked.

A secret leaves as `‹secret <token>›`, where the token is an HMAC under a key of this run: equal plaintext has an equal
token in every worker, and no plaintext can be guessed from it.  The report numbers the secrets in the end.

Templates may make up values that differ in each render: certificates, passwords, times.  Where one calls such a
function, the newer side is rendered once more: fields that differ between these two renders say nothing about the
change.  They are marked as unstable, and never dropped.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import time
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Bump, Failure, Likeness, Outcome
from cmp.checks import outputs
from cmp.compare import bumps, compare, namespaces
from cmp.engines.registry import HELM
from cmp.errors import CmpError, DeadlineError, EngineError, InternalError, OutputError, SecretError, ToolError
from cmp.model import OutputRules
from cmp.preview import copies, likeness, notes
from cmp.preview.bumps.explained import Bumps, Explained, RenderedSource
from cmp.preview.causes import DecryptedFiles, RecordingRedactor, changed_values, is_only_replaced, visible_causes
from cmp.preview.judging import Forms, JudgedPair, PolicyObjects
from cmp.render import made_up, masking
from cmp.render.unread import needs_of
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from cmp.changes import Cause, Change, Object, Rule
    from cmp.context import Context
    from cmp.findings import Finding
    from cmp.model import Instance
    from cmp.preview.affected import TouchedPair
    from cmp.preview.identity import PairId
    from cmp.preview.judging import Judging
    from cmp.preview.sides import ResolvedPair, ResolvedSource, Side
    from cmp.preview.sisters import Counterpart
    from cmp.render.pipeline import RenderOptions, RenderResult
    from cmp.secrets.redact import Secret
    from cmp.system.tree import Tree

TOKEN_DIGITS = 32
NO_COUNTERPARTS: Mapping[PairId, Counterpart] = MappingProxyType({})
REMOVED = frozenset(("removed-api", "unknown-kind"))  # of findings; the first one is a danger, too
AS_REPOSERVER = OutputRules(allow_empty=True, as_reposerver=True)


class WorkerResult(NamedTuple):
    """The outcome of a pair, warnings for stderr, masked, and the API versions that only the sidecar knows.

    `explained` are the bumps of charts among those of the outcome, each with what is known of both charts.  `seconds`
    are those that its renders took.  `likeness` compares a pair of a new cluster with that of its sister.
    """

    outcome: Outcome
    warnings: tuple[str, ...]
    unknown_apis: tuple[str, ...] = ()
    explained: tuple[Explained, ...] = ()
    seconds: float = 0.0
    for_policies: PolicyObjects = PolicyObjects()
    likeness: Likeness | None = None


class Worker(NamedTuple):
    """Compares pairs: both sides with the options of their renders, rules of differences to fold, and the token key.

    `counterparts` are pairs that are rendered beside those of new clusters (sisters.py).  With `judging` the objects
    are judged, too.
    """

    base: Side
    head: Side
    context: Context
    options: RenderOptions
    rules: tuple[Rule, ...]
    key: bytes
    counterparts: Mapping[PairId, Counterpart] = NO_COUNTERPARTS
    judging: Judging | None = None

    def compare(self, pair: TouchedPair) -> WorkerResult:
        """Render a pair on the sides that have it, and compare; never raises an error that a user can meet."""
        start = time.monotonic()
        warnings = io.StringIO()
        unknown_apis: dict[str, None] = {}
        # The secrets of this pair alone: masking must not depend on the pairs that this worker had before.
        redactor = RecordingRedactor()
        context = self.context._replace(
            redactor=redactor, log=Log(warnings, redactor.mask), phases=Phases(), is_terminal=False
        )
        try:
            base, head = (
                _render(side, side.pairs.get(pair.key), context, self.options) for side in (self.base, self.head)
            )
            base, head = _comparable(self, base, head, context)
            for warning in (warning for result in head.results for warning in result.unpinned):
                context.log.warning(warning)
            results = (result for side in (base, head) for result in side.results)
            unknown_apis.update((name, None) for result in results for name in result.unknown_apis)
            compared = _PairComparison(self, pair, context=context, redactor=redactor, base=base, head=head)
            outcome, explained = compared.outcome(), compared.explained
            for_policies = compared.for_policies
            found = compared.likeness(self.counterparts[pair.key]) if pair.key in self.counterparts else None
        except Exception as error:  # noqa: BLE001  # a bug that this pair meets: the other pairs go on
            lines = tuple(InternalError.of(error).lines())
            outcome = Outcome(pair.subject, "failed", failures=(Failure(pair.subject, lines, is_new=True),))
            explained, found = (), None
        return WorkerResult(
            outcome=outcome,
            warnings=tuple(warnings.getvalue().splitlines()),
            unknown_apis=tuple(unknown_apis),
            explained=explained,
            seconds=time.monotonic() - start,
            for_policies=for_policies,
            likeness=found,
        )


class Retrial:
    """The older side of a pair, rendered once, to be compared with several newer ones."""

    def __init__(self, worker: Worker, pair: TouchedPair) -> None:
        self._worker = worker
        self._pair = pair
        self._redactor = RecordingRedactor()
        log = Log(io.StringIO(), self._redactor.mask)
        self._context = worker.context._replace(redactor=self._redactor, log=log, phases=Phases(), is_terminal=False)
        self._base = _render(worker.base, worker.base.pairs.get(pair.key), self._context, worker.options)

    @property
    def failure(self) -> str:
        """The first line of the error that keeps the older side from being rendered, masked; empty without one."""
        error = None if self._base.results else self._base.error
        return self._redactor.mask(error.what).partition("\n")[0] if error else ""

    def changes(self, side: Side, resolved: ResolvedPair) -> tuple[Change, ...] | None:
        """Return what changes where this is the newer side; None where one of both is not rendered."""
        head = _render(side, resolved, self._context, self._worker.options) if self._base.results else None
        if head is None or not head.results:
            return None
        return _PairComparison(
            self._worker._replace(head=side),
            self._pair,
            context=self._context,
            redactor=self._redactor,
            base=self._base,
            head=head,
        ).changes()


class _RenderedSide(NamedTuple):
    """One side of a pair: missing (no pair), failed (an error), or rendered, with a result for each source.

    Where the guard refused the output, there are an error and results: what could be read of it all the same.  Where
    some of several sources failed, the results are those of the `rendered` ones.
    """

    pair: ResolvedPair | None = None
    error: CmpError | None = None
    results: tuple[RenderResult, ...] = ()
    rendered: tuple[ResolvedSource, ...] = ()

    @property
    def instances(self) -> tuple[Instance, ...]:
        return self.pair.instances if self.pair else ()

    @property
    def own_instances(self) -> tuple[Instance, ...]:
        return self.pair.own_instances if self.pair else ()

    @property
    def sources(self) -> tuple[ResolvedSource, ...]:
        """The sources that the results are of."""
        return self.rendered or (self.pair.sources if self.pair else ())

    @property
    def has_secrets(self) -> bool:
        return self.pair is not None and any(source.has_secrets for source in self.pair.sources)


def _comparable(
    worker: Worker, base: _RenderedSide, head: _RenderedSide, context: Context
) -> tuple[_RenderedSide, _RenderedSide]:
    """Return both sides with the sources that can be rendered on both, where only some of several can."""
    sides = (base, head)
    counts = {len(side.pair.sources) if side.pair else 0 for side in sides}
    is_whole = all(side.results for side in sides) or not any(side.error for side in sides)
    if is_whole or len(counts) > 1 or counts <= {0, 1}:
        return sides
    pairs = [side.pair for side in sides if side.pair]
    alone: list[list[_RenderedSide]] = [
        [
            _render(side, pair._replace(sources=(source,)), context, worker.options)
            for side, pair, source in zip((worker.base, worker.head), pairs, sources, strict=True)
        ]
        for sources in zip(*(pair.sources for pair in pairs), strict=True)
    ]
    both = [of_source for of_source in alone if all(one.results for one in of_source)]
    before, after = (
        side._replace(
            results=tuple(result for of_source in both for result in of_source[at].results),
            rendered=tuple(of_source[at].sources[0] for of_source in both),
        )
        for at, side in enumerate(sides)
    )
    return before, after


def _render(side: Side, pair: ResolvedPair | None, context: Context, options: RenderOptions) -> _RenderedSide:
    if pair is None or pair.error:
        return _RenderedSide(pair, error=pair.error if pair else None)
    try:
        own = context._replace(deadline=Deadline(context.settings.deadline))
        return _RenderedSide(pair, results=side.render(pair, own, options))
    except OutputError as error:
        return _RenderedSide(pair, error=error, results=_unguarded(side, pair, own, options))
    except CmpError as error:
        return _RenderedSide(pair, error=error)


def _unguarded(side: Side, pair: ResolvedPair, context: Context, options: RenderOptions) -> tuple[RenderResult, ...]:
    """Return what Argo CD itself would accept of a render that the guard refuses; nothing where it would not either."""
    lenient = (
        source._replace(instance=source.instance._replace(output_rules=AS_REPOSERVER)) for source in pair.sources
    )
    try:
        return side.render(pair._replace(sources=tuple(lenient)), context, options)
    except CmpError:
        return ()


class _PairComparison:
    """Both rendered sides of a pair; the secrets of both are known now, and nothing was looked at before."""

    def __init__(
        self,
        worker: Worker,
        pair: TouchedPair,
        *,
        context: Context,
        redactor: RecordingRedactor,
        base: _RenderedSide,
        head: _RenderedSide,
    ) -> None:
        self._worker = worker
        self._subject = pair.subject
        self._submodules = tuple(changed.path for changed in pair.inputs if changed.how == copies.UNKNOWN)
        self._context = context
        self._redactor = redactor
        self._base = base
        self._head = head
        self._assumed: dict[namespaces.Kind, None] = {}  # kinds that are taken for namespaced
        self.explained: tuple[Explained, ...] = ()
        self.for_policies = PolicyObjects()

    def changes(self) -> tuple[Change, ...]:
        """Return the changes of the pair's objects alone."""
        return self._compared(self._objects(self._base), self._objects(self._head))

    def likeness(self, counterpart: Counterpart) -> Likeness | None:
        """Compare the newer side with the pair of a sister cluster; None where this one is not rendered.

        It comes after the outcome, which does not know the sister's secrets.
        """
        head, worker = self._head, self._worker
        if head.error or not head.results:
            return None
        context = self._context._replace(log=Log(io.StringIO(), self._redactor.mask))  # the sister's own run warns
        sister = _render(worker.head, worker.head.pairs[counterpart.pair], context, worker.options)
        if sister.error or not sister.results:
            what = sister.error.what if sister.error else ""
            return Likeness(self._subject, "failed", error=self._redactor.mask(what).partition("\n")[0])
        there = likeness.ClusterObjects(self._objects(sister), counterpart.texts_there)
        here = likeness.ClusterObjects(self._objects(head), counterpart.texts_here)
        found = likeness.compared(there, here, self._rules)
        if found.is_any and self._may_make_up():
            again = _render(worker.head, head.pair, context, worker.options)
            found = likeness.compared(there, here, self._rules, self._objects(again) if again.results else ())
        return Likeness(self._subject, "different" if found.objects else "equal", *found)

    @property
    def _rules(self) -> tuple[Rule, ...]:
        pair = self._head.pair or self._base.pair
        return (*self._worker.rules, *(pair.request.rules if pair else ()))

    def _compared(self, before: tuple[Object, ...], after: tuple[Object, ...]) -> tuple[Change, ...]:
        return compare(self._subject, before, after, self._rules)

    def outcome(self) -> Outcome:
        """Return the changes of the pair's objects with their causes, or the error of a side."""
        causes = self._causes()
        before, after = self._objects(self._base), self._objects(self._head)
        changes: tuple[Change, ...] = ()
        if self._is_comparable():
            compared = self._compared(before, after)
            self._warn_of_assumptions(compared)
            explained = tuple(change._replace(causes=visible_causes(change, causes)) for change in compared)
            changes = self._probed(explained, causes, after)
        judged = self._judged(changes)
        self.for_policies = judged.for_policies
        outcome = Outcome(
            subject=self._subject,
            status=self._status(has_changed=bool(changes)),
            changes=tuple(_told_once(change, judged.new) for change in changes),
            bumps=tuple(dict.fromkeys(self._bumps(before, after))),
            causes=causes,
            failures=tuple(self._failures()),
            notes=tuple(self._notes(len(after))),
            findings=judged.new,
            fixed=judged.fixed,
            unjudged=judged.unjudged,
        )
        base = self._base
        return self._worker.base.judged(
            base.pair, outcome, error=base.error, after=after, redactor=self._redactor, label=self._label
        )

    def _judged(self, changes: tuple[Change, ...]) -> JudgedPair:
        judging = self._worker.judging
        if judging is None or (self._head.error and not self._head.results):
            return JudgedPair()
        mask = partial(self._redactor.labelled, label=self._label)
        before, after = (Forms(self._plain_objects(side), self._objects(side)) for side in (self._base, self._head))
        return judging.judged(self._subject.cluster, before, after, changes, mask)

    def _is_comparable(self) -> bool:
        """Tell whether there are objects of both sides, or of the only one."""
        sides = [side for side in (self._base, self._head) if side.pair]
        return all(side.results for side in sides)

    def _status(self, *, has_changed: bool) -> Literal["equal", "changed", "added", "removed", "failed"]:
        if self._head.rendered and has_changed:  # some of several sources: what they change is a change all the same
            return "changed"
        if self._head.error or (self._base.error and _is_foreign(self._base.error)):
            return "failed"
        if self._base.pair is None or self._head.pair is None:
            return "added" if self._base.pair is None else "removed"
        if has_changed or self._base.error:
            return "changed"
        return "failed" if self._submodules else "equal"

    def _objects(self, side: _RenderedSide) -> tuple[Object, ...]:
        """Return the objects of all sources; of those with one identity the last, as Argo CD takes it."""
        return self._placed(
            side,
            [item for result in side.results for item in masking.objects(result.output, self._redactor, self._label)],
        )

    def _plain_objects(self, side: _RenderedSide) -> tuple[Object, ...]:
        """Return the same objects as they are, secrets included."""
        return self._placed(side, [item for result in side.results for item in outputs.plain_objects(result.output)])

    def _placed(self, side: _RenderedSide, objects: list[Object]) -> tuple[Object, ...]:
        if len(side.results) > 1:
            objects = [*{item.identity: item for item in objects}.values()]
        namespace = next((instance.build_env.app_namespace for instance in side.instances), "")
        if not namespace:  # then nobody asks which kinds have one
            return tuple(objects)
        whole = self._worker.base if side is self._base else self._worker.head
        placed = namespaces.placed(objects, namespace, whole.scopes)
        self._assumed |= dict.fromkeys(placed.assumed)
        return placed.objects

    def _warn_of_assumptions(self, changes: tuple[Change, ...]) -> None:
        changed = {(change.identity.group, change.identity.kind) for change in changes}
        for group, kind in self._assumed:
            if (group, kind) in changed:
                self._context.log.warning(
                    f"no CRD here says whether objects of {kind}.{group} have a namespace: taken for namespaced"
                )

    def _label(self, secret: Secret) -> str:
        if secret.label:
            return secret.label
        digest = hmac.new(self._worker.key, secret.text.encode("utf-8", "surrogateescape"), hashlib.sha256)
        return f"‹secret {digest.hexdigest()[:TOKEN_DIGITS]}›"

    def _causes(self) -> tuple[Cause, ...]:
        decrypted = DecryptedFiles(self._redactor, self._label, is_keyless=self._worker.options.is_keyless)
        base, head = self._worker.base.tree, self._worker.head.tree
        causes = changed_values((base, self._base.own_instances), (head, self._head.own_instances), decrypted)
        # A value that is in clear in Git is masked too: it may be equal to a secret.
        return tuple(
            cause._replace(before=self._masked(cause.before), after=self._masked(cause.after)) for cause in causes
        )

    def _masked(self, value: object) -> object:
        return masking.masked(value, self._redactor, self._label)

    def _failures(self) -> Iterator[Failure]:
        """Yield a failure for each changed submodule, then that of the newer side, or of the only one."""
        for path in self._submodules:
            unknown = copies.unknown_submodule(path)
            yield Failure(self._subject, tuple(unknown.lines()), is_new=True, exit_code=unknown.exit_code)
        failed = self._head if self._head.pair and self._head.error else self._base
        error = failed.error
        # What the older side could not have of itself, and the newer one can, is mended.
        if error is None or (failed is self._base and self._head.results and not _is_foreign(error)):
            return
        if self._submodules and self._base.error:
            return  # a render that lacks the files of a submodule says that they are missing: told above
        mask = partial(self._redactor.labelled, label=self._label)
        # The author of the change may not be to blame: a chart that parses a secret cannot parse a placeholder of one.
        needs_key = (
            failed.has_secrets and isinstance(error, EngineError | OutputError)
            if self._worker.options.is_keyless
            else isinstance(error, SecretError) and error.is_external
        )
        yield Failure(
            subject=self._subject,
            lines=tuple("\n".join(error.lines(with_pair=False, mask=mask)).splitlines()),
            is_new=failed is self._head and self._base.error is None and not needs_key,
            needs_key=needs_key,
            exit_code=error.exit_code,
            # Where one side lacks something of this run, nobody knows whether the change is to blame.
            is_foreign=any(map(_is_foreign, filter(None, (self._base.error, self._head.error)))),
        )

    def _notes(self, count: int) -> Iterator[str]:
        if self._base.error and not self._base.results and self._head.results:
            yield f"could not be rendered before and is now: {count} objects, with nothing to compare"
        if self._worker.options.is_keyless:
            base, head = self._worker.base.tree, self._worker.head.tree
            yield from notes.data_key_rotations((base, self._base.own_instances), (head, self._head.own_instances))

    def _bumps(self, old_objects: tuple[Object, ...], new_objects: tuple[Object, ...]) -> Iterator[Bump]:
        """Yield changed versions of images, of charts (with and without labels), and of tools."""
        before, after = self._base.results, self._head.results
        if before and after:
            yield from bumps.bumps(self._subject, old_objects, new_objects)
            for name, old, new in _changed_versions(_tools(before), _tools(after)):
                yield Bump("tool", name, before=old, after=new, size="pin", subject=self._subject)
            for name, old, new in _changed_versions(_charts(before), _charts(after)):
                yield Bump("chart", name, before=old, after=new, size=bumps.size(old, new), subject=self._subject)
            self.explained = tuple(self._explained(old_objects, new_objects))
            yield from (one.bump for one in self.explained)

    def _explained(self, *sides: tuple[Object, ...]) -> Iterator[Explained]:
        """Yield the bumps of all charts that are rendered, with what is known of them."""
        kind = "CustomResourceDefinition"
        definitions = {one.identity.name for objects in sides for one in objects if one.identity.kind == kind}
        explainer = Bumps(self._subject, self._context, definitions, self._masked)
        base, head = self._worker.base.tree, self._worker.head.tree
        try:
            yield from explainer.explained([*_sources(base, self._base)], [*_sources(head, self._head)])
        except CmpError as error:
            self._context.log.warning(f"bumps of charts are not explained: {error}")

    def _probed(
        self, changes: tuple[Change, ...], causes: Sequence[Cause], after: tuple[Object, ...]
    ) -> tuple[Change, ...]:
        """Return the changes with unstable fields marked; the newer side is rendered again only where one may be.

        A field that is equal in the first two renders is stable already.
        """
        doubtful = (change for change in changes if change.what in ("changed", "renamed"))
        if all(is_only_replaced(change, causes) for change in doubtful) or not self._may_make_up():
            return changes
        again = _render(self._worker.head, self._head.pair, self._context, self._worker.options)
        if not again.results:
            return changes
        return with_unstable_fields(changes, compare(self._subject, after, self._objects(again)))

    def _may_make_up(self) -> bool:
        """Tell whether templates of the newer side may make values up."""
        cache = self._context.settings.cache_dir
        for source, result in zip(self._head.sources, self._head.results, strict=False):
            tree = source.home.tree if source.home else self._worker.head.tree
            if made_up.may_be(made_up.texts_of(tree, source.instance, result.restored, cache)):
                return True
        return False


def _is_foreign(error: CmpError) -> bool:
    """Tell whether the run is at fault, and neither side: a network, a key, a program that is not there."""
    return error.is_external or isinstance(error, ToolError | DeadlineError)


def _sources(tree: Tree, side: _RenderedSide) -> Iterator[RenderedSource]:
    for source, result in zip(side.pair.sources if side.pair else (), side.results, strict=False):
        within = source.home.tree if source.home else tree
        yield RenderedSource(
            tree=within,
            instance=source.instance,
            needs=needs_of(within, source.instance),
            restored=result.restored,
            helm=result.tools.get(HELM),
        )


def _tools(results: Sequence[RenderResult]) -> dict[str, str]:
    return {tool.name: tool.version for result in results for tool in result.tools.values()}


def _charts(results: Sequence[RenderResult]) -> dict[str, str]:
    return {chart.name: chart.version for result in results for chart in result.restored}


def _changed_versions(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield name, before[name], after[name]


def _told_once(change: Change, findings: Sequence[Finding]) -> Change:
    """Return a change without the danger that a finding on its object tells better: by the version of its cluster."""
    if not any(one.identity == change.identity and one.rule in REMOVED for one in findings):
        return change
    return change._replace(dangers=tuple(danger for danger in change.dangers if danger.rule not in REMOVED))


def with_unstable_fields(changes: Sequence[Change], again: Sequence[Change]) -> tuple[Change, ...]:
    """Mark the fields that also differ `again`, between two renders of the same revision."""
    unstable = {(change.identity, field.path) for change in again for field in change.fields}
    return tuple(
        change._replace(
            unstable=tuple(
                index for index, field in enumerate(change.fields) if (change.identity, field.path) in unstable
            )
        )
        for change in changes
    )
