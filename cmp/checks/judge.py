"""The judgement on the objects of one pair: schemas, kinds that its cluster serves, and the lifecycle of APIs."""

from __future__ import annotations

import marshal
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Object
from cmp.checks import lifecycle, served, values
from cmp.checks.definitions import Definitions
from cmp.checks.outputs import MASKED_VALUES, OPENING
from cmp.checks.schemas import MAJOR, ObjectKind, known_releases, schemas_of
from cmp.findings import Finding, Unjudged
from cmp.lifecycle import release_of
from cmp.model import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.checks.definitions import CustomKind
    from cmp.checks.schemas import Compiled
    from cmp.checks.wording import Mistake
    from cmp.findings import Level

MAX_MISTAKES = 20  # of one object: the first is often the cause of the others
NO_VERSION = "schemas and kinds: the cluster's version of Kubernetes is not known"

_COMPOSED = frozenset(("anyOf", "not", "oneOf"))
_RULES = {"additionalProperties": "unknown-field", "required": "schema", "type": "schema"}


class Judged(NamedTuple):
    """The findings on some objects, what of them nothing judged, and those of custom kinds that have no schema here."""

    findings: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...]
    custom: tuple[Object, ...]


class Reason(NamedTuple):
    """A finding without its object; without a `rule`, what is not judged stands in `message`."""

    rule: str
    level: Level
    path: tuple[str, ...]
    message: str


# The reasons against each document in this process, by its release or custom kind, and its digest: many pairs print the
# same.
_known_reasons: dict[tuple[int | CustomKind, bytes], tuple[Reason, ...]] = {}


class Judge:
    """The judge of the objects of one cluster."""

    def __init__(
        self,
        kube_version: str,
        api_versions: Sequence[str],
        definitions: Definitions | None = None,
        *,
        later: int = lifecycle.LATER,
    ) -> None:
        """Take the version that a cluster names (empty where none is known) and the API versions that it serves.

        `later` is the number of versions after its own whose removals are told.  Raises UsageError without the extra.
        """
        known = known_releases()
        release = release_of(kube_version)
        self._version = kube_version
        self._release = release if release in known else None
        self._api_versions = frozenset(api_versions)
        self._definitions = definitions or Definitions()
        self._later = later
        # No object is judged by the schemas of another version; these only tell built-in groups from custom ones.
        self._schemas = schemas_of(known[-1] if self._release is None else self._release)

    def judge(self, objects: Sequence[Object]) -> Judged:
        """Judge objects in their order; the items of a List are objects of their own, as Argo CD takes them."""
        findings: list[Finding] = []
        unjudged: Counter[str] = Counter()
        custom: list[Object] = []
        for subject in (item for one in objects for item in _items(one)):
            ageing = [*lifecycle.findings(subject, self._version, self._later)]
            findings += ageing
            if any(finding.level == "error" for finding in ageing):
                continue  # its version is gone, and so is the schema
            reasons = self._reasons(subject)
            if reasons is None:
                custom.append(subject)
                continue
            findings += (_finding(subject, reason) for reason in reasons if reason.rule)
            unjudged.update(reason.message for reason in reasons if not reason.rule)
        return Judged(tuple(findings), tuple(Unjudged(*one) for one in sorted(unjudged.items())), tuple(custom))

    def _reasons(self, subject: Object) -> tuple[Reason, ...] | None:
        """Return the reasons against an object; None for a custom kind of which nothing is known."""
        kind = ObjectKind.of(subject.api_version, subject.identity.kind)
        if kind.group not in self._schemas.groups:
            return self._custom_reasons(subject.value, kind)
        if self._release is None:
            return (_not_judged(self._why_unjudged()),)
        if kind not in self._schemas:
            if served.is_listed(kind, self._api_versions):
                return (_not_judged(f"{kind.api_version} {kind.kind}: a kind that has no schema"),)
            field, message = served.refusal(kind, self._schemas, self._release)
            return (Reason("unknown-kind", "error", (field,), message),)
        reasons = self._cached(subject.value, kind, self._release)
        if served.is_switched_off(kind) and not served.is_listed(kind, self._api_versions):
            return (Reason("unknown-kind", "warning", ("apiVersion",), served.OFF.format(kind.api_version)), *reasons)
        return reasons

    def _why_unjudged(self) -> str:
        if not self._version:
            return NO_VERSION
        first, *_, last = known_releases()
        return f"schemas: there are none of Kubernetes {self._version}, but of {MAJOR}.{first} to {MAJOR}.{last}"

    def _custom_reasons(self, value: dict[str, object], kind: ObjectKind) -> tuple[Reason, ...] | None:
        if refusal := self._definitions.refusal(kind):
            return (Reason("unknown-kind", "error", ("apiVersion",), refusal),)
        custom = self._definitions.compiled(kind)
        if custom is None:
            return None
        key = (custom, _digest(value))
        if key not in _known_reasons:
            warnings = [custom.warning] if custom.warning else []
            _known_reasons[key] = (
                *(Reason("deprecated-api", "warning", ("apiVersion",), f"is deprecated: {text}") for text in warnings),
                *_mistaken(value, custom),
                *(_not_judged(what) for what in custom.unjudged),
            )
        return _known_reasons[key]

    def _cached(self, value: dict[str, object], kind: ObjectKind, release: int) -> tuple[Reason, ...]:
        key = (release, _digest(value))
        if key not in _known_reasons:
            _known_reasons[key] = tuple(_mistaken(value, self._schemas.compiled(kind), kind))
        return _known_reasons[key]


def _digest(value: dict[str, object]) -> bytes:
    return blake2b(marshal.dumps(value, 2), digest_size=20).digest()


def _mistaken(
    value: dict[str, object], compiled: Compiled | CustomKind, built_in: ObjectKind | None = None
) -> Iterator[Reason]:
    """Yield the reasons against an object; the schema of a built-in kind has only types that are not ours."""
    found = [mistake for mistake in compiled.mistakes(value) if not _is_of_status(mistake)]
    if built_in:
        found += values.relations(value, built_in.group, built_in.kind)
    told = [mistake for mistake in found if not _is_masked(value, mistake)]
    for mistake in told[:MAX_MISTAKES]:
        rule = _RULES.get(mistake.keyword, "value" if built_in else "schema")
        if built_in and values.is_taken(built_in.group, built_in.kind, mistake):
            yield Reason(rule, "warning", mistake.path, f"{mistake.message}{values.TAKEN}")
        else:
            yield Reason(rule, "error", mistake.path, mistake.message)
    if len(told) > MAX_MISTAKES:
        yield Reason("schema", "error", (), f"has {len(told) - MAX_MISTAKES} more mistakes like these")
    for _ in range(len(found) - len(told)):
        yield _not_judged(MASKED_VALUES)


def _is_of_status(mistake: Mistake) -> bool:
    """Tell whether a mistake is in a part that the server drops unread: the status that a manifest brings."""
    return mistake.path[:1] == ("status",) and mistake.keyword == "required"


def _is_masked(value: object, mistake: Mistake) -> bool:
    """Tell whether a mistake may be one of the label that stands for a secret, and not of the secret."""
    for part in mistake.path:
        if OPENING in part:
            return True
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list):
            value = value[int(part.strip("[]"))]
    # Which shape a value has depends on all that is in it.
    return (isinstance(value, str) or mistake.keyword in _COMPOSED) and OPENING in str(value)


def _not_judged(what: str) -> Reason:
    return Reason("", "note", (), what)


def _finding(subject: Object, reason: Reason) -> Finding:
    return Finding(
        rule=reason.rule,
        level=reason.level,
        api_version=subject.api_version,
        identity=subject.identity,
        path=reason.path,
        message=reason.message,
        source=subject.source,
    )


def _items(subject: Object) -> Iterator[Object]:
    """Yield an object, or the items of a list in the sense of Argo CD: of what has a list `items`."""
    items = subject.value.get("items")
    if not isinstance(items, list) or not subject.identity.kind.endswith("List"):
        yield subject
        return
    for item in items:
        if isinstance(item, dict):
            yield from _items(Object(str(item.get("apiVersion", "")), _identity(item), item, subject.source))


def _identity(value: dict[str, object]) -> Identity:
    metadata = value.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    group = str(value.get("apiVersion", "")).rpartition("/")[0]
    kind, namespace, name = value.get("kind"), names.get("namespace"), names.get("name")
    return Identity(group, str(kind or ""), str(namespace or ""), str(name or ""))
