"""One pair, rendered on both sides and compared: what a worker does, and all that leaves it is masked.

A secret leaves as `‹secret <token>›`, where the token is an HMAC under a key of this run: equal plaintext has an equal
token in every worker, and nobody can guess plaintext from it.  The report numbers them in the end.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Bump, Failure, Outcome
from cmp.compare import bumps, compare
from cmp.errors import CmpError, DeadlineError, EngineError, InternalError, OutputError, SecretError, ToolError
from cmp.preview import copies, notes
from cmp.preview.causes import Keeper, Opened, causes, completed, seen
from cmp.render import masking
from cmp.render.pipeline import render
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from cmp.artifacts.charts import Restored
    from cmp.changes import Cause, Change, Field, Object, Rule
    from cmp.context import Context
    from cmp.model import Instance
    from cmp.preview.affected import Affected
    from cmp.preview.sides import Case, Side
    from cmp.render.pipeline import RenderOptions, RenderResult
    from cmp.secrets.redact import Secret

TOKEN_DIGITS = 32
SUSPICIOUS = re.compile(
    r"secret|password|token|cert|ca-?bundle|tls|key|checksum|rand|uuid|time|date|salt", re.IGNORECASE
)
LONG = 16  # characters of one word


class Compared(NamedTuple):
    """What a worker returns: the outcome, and warnings for stderr, masked."""

    outcome: Outcome
    warnings: tuple[str, ...]


class Comparison(NamedTuple):
    """Both sides, how to render them, the rules of what is not shown, and the key of this run's tokens."""

    base: Side
    head: Side
    context: Context
    options: RenderOptions
    rules: tuple[Rule, ...]
    key: bytes

    def of(self, one: Affected) -> Compared:
        """Render a pair on the sides that have it, and compare; never raises what a user can meet."""
        said = io.StringIO()
        # The secrets of this pair alone: what is masked must not depend on which pairs a worker had before.
        keeper = Keeper()
        context = self.context._replace(redactor=keeper, log=Log(said, keeper.mask), phases=Phases(), is_terminal=False)
        try:
            base, head = (
                _rendered(side, side.cases.get(one.key), context, self.options) for side in (self.base, self.head)
            )
            outcome = _Pair(self, one, context, keeper, (base, head)).outcome()
        except Exception as error:  # noqa: BLE001  # a bug: it is this pair's, and no reason to lose the others
            lines = tuple(InternalError.of(error).lines())
            outcome = Outcome(one.subject, "failed", failures=(Failure(one.subject, lines, is_new=True),))
        return Compared(outcome, tuple(said.getvalue().splitlines()))


class _Side(NamedTuple):
    """What a pair is on one side: nothing, an error, or what it was rendered to."""

    case: Case | None = None
    error: CmpError | None = None
    done: RenderResult | None = None

    @property
    def instance(self) -> Instance | None:
        return self.case.instance if self.case else None


def _rendered(side: Side, case: Case | None, context: Context, options: RenderOptions) -> _Side:
    if case is None or case.instance is None:
        return _Side(case, case.error if case else None)
    try:
        fresh = context._replace(deadline=Deadline(context.settings.deadline))
        return _Side(case, None, render(side.tree, case.instance, fresh, options))
    except CmpError as error:
        return _Side(case, error)


class _Pair:
    """Both sides of a pair; only now, with all secrets of both known, anything of them may be looked at."""

    def __init__(
        self, comparison: Comparison, one: Affected, context: Context, keeper: Keeper, sides: tuple[_Side, _Side]
    ) -> None:
        self._comparison = comparison
        self._subject = one.subject
        self._unknown = tuple(touch.path for touch in one.touches if touch.how == copies.UNKNOWN)
        self._context = context
        self._keeper = keeper
        self._base, self._head = sides

    def outcome(self) -> Outcome:
        """Say what happens to the pair."""
        base, head = self._base, self._head
        known = self._causes()
        before, after = self._objects(base), self._objects(head)
        changes: tuple[Change, ...] = ()
        if not (base.error or head.error):
            case = head.case or base.case
            rules = (*self._comparison.rules, *(case.asked.rules if case else ()))
            found = compare(self._subject, before, after, rules)
            visible = tuple(change._replace(causes=seen(change, known)) for change in found)
            changes = completed(self._probed(visible, after), known)
        return Outcome(
            subject=self._subject,
            status=self._status(has_changed=bool(changes)),
            changes=changes,
            bumps=tuple(dict.fromkeys(self._bumps(before, after))),
            causes=known,
            failures=tuple(self._failures()),
            notes=tuple(self._notes(len(after))),
        )

    def _status(self, *, has_changed: bool) -> Literal["equal", "changed", "added", "removed", "failed"]:
        if self._head.error:
            return "failed"
        if self._base.case is None or self._head.case is None:
            return "added" if self._base.case is None else "removed"
        if has_changed or self._base.error:
            return "changed"
        return "failed" if self._unknown else "equal"

    def _objects(self, side: _Side) -> tuple[Object, ...]:
        return masking.objects(side.done.output, self._context.redactor, self._label) if side.done else ()

    def _label(self, secret: Secret) -> str:
        if secret.label:
            return secret.label
        digest = hmac.new(self._comparison.key, secret.text.encode("utf-8", "surrogateescape"), hashlib.sha256)
        return f"‹secret {digest.hexdigest()[:TOKEN_DIGITS]}›"

    def _causes(self) -> tuple[Cause, ...]:
        before, after = self._base.instance, self._head.instance
        if before is None or after is None:
            return ()
        opened = Opened(self._keeper, self._label, is_keyless=self._comparison.options.is_keyless)
        found = causes((self._comparison.base.tree, before), (self._comparison.head.tree, after), opened)
        return tuple(one._replace(before=self._shown(one.before), after=self._shown(one.after)) for one in found)

    def _shown(self, value: object) -> object:
        """Mask what stands in clear in Git: it may be what a secret says."""
        return masking.masked(value, self._context.redactor, self._label)

    def _failures(self) -> Iterator[Failure]:
        """Yield the failure of the newer side, or of the only one; before it, what nobody can know."""
        for path in self._unknown:
            unknown = copies.unknown(path)
            yield Failure(self._subject, tuple(unknown.lines()), is_new=True, exit_code=unknown.exit_code)
        failed = self._head if self._head.case else self._base
        if (error := failed.error) is None:
            return
        mask = partial(self._context.redactor.labelled, label=self._label)
        lines = "\n".join(error.lines(with_pair=False, mask=mask)).splitlines()
        # Whoever made the change may not be to blame: a chart that parses a secret cannot do so with a placeholder.
        needs_key = (
            _has_secrets(failed) and isinstance(error, EngineError | OutputError)
            if self._comparison.options.is_keyless
            else isinstance(error, SecretError) and error.is_external
        )
        is_foreign = error.is_external or isinstance(error, ToolError | DeadlineError)
        is_new = self._head.case is not None and self._base.error is None and not needs_key
        yield Failure(self._subject, tuple(lines), is_new, needs_key, error.exit_code, is_foreign)

    def _notes(self, count: int) -> Iterator[str]:
        base, head = self._base, self._head
        if base.error and head.done:
            yield f"could not be rendered before and is now: {count} objects, with nothing to compare"
        if self._comparison.options.is_keyless and base.instance and head.instance:
            trees = (self._comparison.base.tree, self._comparison.head.tree)
            yield from notes.rotated((trees[0], base.instance), (trees[1], head.instance))

    def _bumps(self, old_objects: tuple[Object, ...], new_objects: tuple[Object, ...]) -> Iterator[Bump]:
        """Yield other versions of images and charts, of charts that label nothing, and of programs."""
        before, after = self._base.done, self._head.done
        if before and after:
            yield from bumps.bumps(self._subject, old_objects, new_objects)
            for name, old, new in _versions(_run(before), _run(after)):
                yield Bump("tool", name, old, new, "pin", self._subject)
            for name, old, new in _versions(_restored(before.restored), _restored(after.restored)):
                yield Bump("chart", name, old, new, bumps.size(old, new), self._subject)

    def _probed(self, changes: tuple[Change, ...], after: tuple[Object, ...]) -> tuple[Change, ...]:
        if not any(map(is_suspicious, changes)):
            return changes
        again = _rendered(self._comparison.head, self._head.case, self._context, self._comparison.options)
        return marked(changes, compare(self._subject, after, self._objects(again))) if again.done else changes


def _has_secrets(side: _Side) -> bool:
    instance = side.instance
    return instance is not None and (bool(instance.secret_files) or any(layer.is_secret for layer in instance.layers))


def _run(done: RenderResult) -> dict[str, str]:
    return {tool.name: tool.version for tool in done.tools.values()}


def _restored(charts: tuple[Restored, ...]) -> dict[str, str]:
    return {chart.name: chart.version for chart in charts}


def _versions(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield name, before[name], after[name]


def is_suspicious(change: Change) -> bool:
    """Whether a second render is worth its time: something changed that no value explains and chance may have made."""
    if change.what not in ("changed", "renamed") or change.causes:
        return False
    return change.identity.kind == "Secret" or any(_may_be_chance(field) for field in change.fields)


def _may_be_chance(field: Field) -> bool:
    texts = [value for value in (field.before, field.after) if isinstance(value, str)]
    return any(SUSPICIOUS.search(part) for part in field.path) or any(
        re.search(rf"\w{{{LONG},}}", one) for one in texts
    )


def marked(changes: Sequence[Change], again: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes with the fields marked that differ `again`, between two renders of one revision."""
    chance = {(change.identity, field.path) for change in again for field in change.fields}
    return tuple(
        change._replace(
            unstable=tuple(
                index for index, field in enumerate(change.fields) if (change.identity, field.path) in chance
            )
        )
        for change in changes
    )
