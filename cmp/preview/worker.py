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
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Bump, Failure, Outcome
from cmp.compare import bumps, compare, namespaces
from cmp.engines.registry import HELMFILE
from cmp.errors import CmpError, DeadlineError, EngineError, InternalError, OutputError, SecretError, ToolError
from cmp.model import OutputRules
from cmp.preview import copies, notes
from cmp.preview.causes import DecryptedFiles, RecordingRedactor, changed_values, visible_causes
from cmp.render import cleartext, made_up, masking
from cmp.render.unread import needs_of
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline
from cmp.system.tree import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from cmp.changes import Cause, Change, Object, Rule
    from cmp.context import Context
    from cmp.model import Instance
    from cmp.preview.affected import TouchedPair
    from cmp.preview.sides import ResolvedPair, Side
    from cmp.render.pipeline import RenderOptions, RenderResult
    from cmp.secrets.redact import Secret

TOKEN_DIGITS = 32
AS_REPOSERVER = OutputRules(allow_empty=True, as_reposerver=True)


class WorkerResult(NamedTuple):
    """The outcome of a pair, warnings for stderr, masked, and the API versions that only the sidecar knows."""

    outcome: Outcome
    warnings: tuple[str, ...]
    unknown_apis: tuple[str, ...] = ()


class Worker(NamedTuple):
    """Compares pairs: both sides with the options of their renders, rules of differences to fold, and the token key."""

    base: Side
    head: Side
    context: Context
    options: RenderOptions
    rules: tuple[Rule, ...]
    key: bytes

    def compare(self, pair: TouchedPair) -> WorkerResult:
        """Render a pair on the sides that have it, and compare; never raises an error that a user can meet."""
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
            for warning in (warning for result in head.results for warning in result.unpinned):
                context.log.warning(warning)
            results = (result for side in (base, head) for result in side.results)
            unknown_apis.update((name, None) for result in results for name in result.unknown_apis)
            outcome = _PairComparison(self, pair, context=context, redactor=redactor, base=base, head=head).outcome()
        except Exception as error:  # noqa: BLE001  # a bug that this pair meets: the other pairs go on
            lines = tuple(InternalError.of(error).lines())
            outcome = Outcome(pair.subject, "failed", failures=(Failure(pair.subject, lines, is_new=True),))
        return WorkerResult(outcome, tuple(warnings.getvalue().splitlines()), tuple(unknown_apis))


class Retrial:
    """The older side of a pair, rendered once, to be compared with several newer ones."""

    def __init__(self, worker: Worker, pair: TouchedPair) -> None:
        self._worker = worker
        self._pair = pair
        self._redactor = RecordingRedactor()
        log = Log(io.StringIO(), self._redactor.mask)
        self._context = worker.context._replace(redactor=self._redactor, log=log, phases=Phases(), is_terminal=False)
        self._base = _render(worker.base, worker.base.pairs.get(pair.key), self._context, worker.options)

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

    Where the guard refused the output, there are an error and results: what could be read of it all the same.
    """

    pair: ResolvedPair | None = None
    error: CmpError | None = None
    results: tuple[RenderResult, ...] = ()

    @property
    def instances(self) -> tuple[Instance, ...]:
        return self.pair.instances if self.pair else ()

    @property
    def own_instances(self) -> tuple[Instance, ...]:
        return self.pair.own_instances if self.pair else ()

    @property
    def has_secrets(self) -> bool:
        return self.pair is not None and any(source.has_secrets for source in self.pair.sources)


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

    def changes(self) -> tuple[Change, ...]:
        """Return the changes of the pair's objects alone."""
        return self._compared(self._objects(self._base), self._objects(self._head))

    def _compared(self, before: tuple[Object, ...], after: tuple[Object, ...]) -> tuple[Change, ...]:
        pair = self._head.pair or self._base.pair
        return compare(self._subject, before, after, (*self._worker.rules, *(pair.request.rules if pair else ())))

    def outcome(self) -> Outcome:
        """Return the changes of the pair's objects with their causes, or the error of a side."""
        causes = self._causes()
        before, after = self._objects(self._base), self._objects(self._head)
        changes: tuple[Change, ...] = ()
        if self._is_comparable():
            compared = self._compared(before, after)
            explained = tuple(change._replace(causes=visible_causes(change, causes)) for change in compared)
            changes = self._probed(explained, after)
        return Outcome(
            subject=self._subject,
            status=self._status(has_changed=bool(changes)),
            changes=changes,
            bumps=tuple(dict.fromkeys(self._bumps(before, after))),
            causes=causes,
            failures=tuple(self._failures()),
            notes=tuple(self._notes(len(after))),
        )

    def _is_comparable(self) -> bool:
        """Tell whether there are objects of both sides, or of the only one."""
        sides = [side for side in (self._base, self._head) if side.pair]
        return all(side.results for side in sides)

    def _status(self, *, has_changed: bool) -> Literal["equal", "changed", "added", "removed", "failed"]:
        if self._head.error:
            return "failed"
        if self._base.pair is None or self._head.pair is None:
            return "added" if self._base.pair is None else "removed"
        if has_changed or self._base.error:
            return "changed"
        return "failed" if self._submodules else "equal"

    def _objects(self, side: _RenderedSide) -> tuple[Object, ...]:
        """Return the objects of all sources; of those with one identity the last, as Argo CD takes it."""
        objects = [
            item for result in side.results for item in masking.objects(result.output, self._redactor, self._label)
        ]
        if len(side.results) > 1:
            objects = [*{item.identity: item for item in objects}.values()]
        instances = (*self._base.instances, *self._head.instances)
        if not any(instance.is_builtin for instance in instances):
            return tuple(objects)
        whole = self._worker.head if side is self._head else self._worker.base
        placed = namespaces.placed(objects, instances[0].build_env.app_namespace, whole.scopes)
        for kind in placed.assumed:
            self._context.log.warning(
                f"no CRD here says whether objects of {kind} have a namespace: taken for namespaced"
            )
        return placed.objects

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
        failed = self._head if self._head.pair else self._base
        if (error := failed.error) is None:
            return
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
            is_new=self._head.pair is not None and self._base.error is None and not needs_key,
            needs_key=needs_key,
            exit_code=error.exit_code,
            is_foreign=error.is_external or isinstance(error, ToolError | DeadlineError),
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

    def _probed(self, changes: tuple[Change, ...], after: tuple[Object, ...]) -> tuple[Change, ...]:
        """Return the changes with unstable fields marked; the newer side is rendered again only where one may be."""
        if not any(change.what in ("changed", "renamed") for change in changes) or not self._may_make_up():
            return changes
        again = _render(self._worker.head, self._head.pair, self._context, self._worker.options)
        if not again.results:
            return changes
        return with_unstable_fields(changes, compare(self._subject, after, self._objects(again)))

    def _may_make_up(self) -> bool:
        """Tell whether templates of the newer side may make values up."""
        cache = self._context.settings.cache_dir
        pair = self._head.pair
        for source, result in zip(pair.sources if pair else (), self._head.results, strict=False):
            tree = source.home.tree if source.home else self._worker.head.tree
            layers = (tree.read(layer.path) for layer in source.instance.layers if layer.is_in_tree)
            given = (layer.data for layer in source.instance.layers if layer.data)
            folder = source.instance.folder if HELMFILE in source.instance.engines else None
            state = (tree.read(path) for path in (walk(tree, folder) if folder is not None else ()))
            archives = cleartext.archives(result.restored, cache)
            if made_up.may_be(tree, needs_of(tree, source.instance), archives, (*layers, *given, *state)):
                return True
        return False


def _tools(results: Sequence[RenderResult]) -> dict[str, str]:
    return {tool.name: tool.version for result in results for tool in result.tools.values()}


def _charts(results: Sequence[RenderResult]) -> dict[str, str]:
    return {chart.name: chart.version for result in results for chart in result.restored}


def _changed_versions(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield name, before[name], after[name]


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
