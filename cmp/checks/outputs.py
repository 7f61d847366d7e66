"""The objects of one render, judged by their plaintext; all that is said of them is masked.

A judge sees secrets, for a schema is about them too.  Its words quote no value; a message in which the text of a secret
of its object occurs all the same is withheld.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from cmp.changes import Object
from cmp.findings import Unjudged
from cmp.render.masking import scalars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cmp.findings import Finding
    from cmp.render.output import CheckedOutput

WITHHELD = "is refused; what is wrong is not shown, for its value is secret"
MASKED_VALUES = "fields whose value is masked as a secret"
LISTED = "items of lists, of a kind whose schema another object may bring"
DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")
STAND_INS = "fields whose value is the stand-in of a secret that was not decrypted"
OPENING = "‹secret"  # of each label that stands for a secret
STAND_IN = "‹sops "  # the beginning of the label that a render without keys has in place of a secret
_OF_VALUES = frozenset(("schema", "value"))  # rules whose findings depend on the texts in a field


class Judgement(Protocol):
    """The answer of a judge about some objects; `custom` are those of kinds whose schema it has not."""

    @property
    def findings(self) -> Sequence[Finding]: ...
    @property
    def unjudged(self) -> Sequence[Unjudged]: ...
    @property
    def custom(self) -> Sequence[Object]: ...


class ObjectJudge(Protocol):
    """The judge of the objects of one cluster."""

    def judge(self, objects: Sequence[Object], /) -> Judgement:
        """Return what is wrong with some objects."""
        ...


class JudgedOutput(NamedTuple):
    """The judgement on all objects of one render, masked.

    `custom` are objects of kinds whose schema was not at hand, `definitions` the CustomResourceDefinitions.  `total` is
    the number of all objects; `objects` are they, where policies need them.
    """

    findings: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    custom: tuple[Object, ...] = ()
    definitions: tuple[Object, ...] = ()
    total: int = 0
    objects: tuple[Object, ...] = ()


def plain_objects(output: CheckedOutput) -> tuple[Object, ...]:
    """Return the objects of a render as they are, secrets included: they must not leave their process."""
    return tuple(
        Object(manifest.api_version, manifest.identity, manifest.value, manifest.source)
        for manifest in output.manifests
    )


def judged(
    plain: Sequence[Object], masked: Sequence[Object], judge: ObjectJudge, mask: Callable[[str], str]
) -> JudgedOutput:
    """Judge objects of which both forms are given, in the same order; `mask` is the last look at each message."""
    findings: list[Finding] = []
    unjudged: list[Unjudged] = []
    custom: list[Object] = []
    for before, after in zip(plain, masked, strict=True):
        judgement = judge.judge((before,))  # one by one: two objects without a name of their own may look alike
        own: Sequence[Finding] = [one for one in judgement.findings if not _is_about_stand_in(one, before, after)]
        if dropped := len(judgement.findings) - len(own):
            unjudged.append(Unjudged(STAND_INS, dropped))
        if own and before.value != after.value:
            own = [*_without_secrets(own, before, after)]
        findings += (finding._replace(message=mask(finding.message)) for finding in own)
        unjudged += judgement.unjudged
        for one in judgement.custom:
            if one is before:
                custom.append(after)
            else:
                unjudged.append(Unjudged(LISTED, 1))
    definitions = tuple(item for item in masked if is_definition(item))
    return JudgedOutput(tuple(findings), counted(unjudged), tuple(custom), definitions, len(plain))


def counted(unjudged: Iterable[Unjudged]) -> tuple[Unjudged, ...]:
    """Return each thing that is not judged once, with the sum of its times, sorted."""
    times: dict[str, int] = {}
    for one in unjudged:
        times[one.what] = times.get(one.what, 0) + one.times
    return tuple(Unjudged(what, times[what]) for what in sorted(times))


def is_definition(item: Object) -> bool:
    """Tell whether an object is a CustomResourceDefinition."""
    return (item.identity.group, item.identity.kind) == DEFINITION


def _without_secrets(findings: Iterable[Finding], plain: Object, masked: Object) -> Iterator[Finding]:
    """Yield findings of an object that holds secrets without any text of them."""
    hidden = {text for text in _hidden(plain.value, masked.value) if text}
    for finding in findings:
        path = _masked_path(finding.path, plain.value, masked.value)
        message = WITHHELD if any(text in finding.message for text in hidden) else finding.message
        identity = masked.identity if finding.identity == plain.identity else finding.identity
        yield finding._replace(identity=identity, path=path, message=message)


def _hidden(plain: object, masked: object) -> Iterator[str]:
    """Yield the texts that the masked form of a value has not: keys, scalars, and their lines."""
    if isinstance(plain, dict) and isinstance(masked, dict) and len(plain) == len(masked):
        for (name, value), (label, shown) in zip(plain.items(), masked.items(), strict=True):
            if name != label:
                yield name
            yield from _hidden(value, shown)
    elif isinstance(plain, list) and isinstance(masked, list) and len(plain) == len(masked):
        for value, shown in zip(plain, masked, strict=True):
            yield from _hidden(value, shown)
    elif plain != masked:
        for text in scalars(plain):
            yield from (text, *text.splitlines())


def _masked_path(path: tuple[str, ...], plain: object, masked: object) -> tuple[str, ...]:
    """Return a path of an object as it leads through the masked one, whose keys may be labels."""
    parts: list[str] = []
    for part in path:
        name = part
        if isinstance(plain, dict) and isinstance(masked, dict):
            if len(plain) == len(masked):
                name = dict(zip(plain, masked, strict=True)).get(part, part)  # else missing: it is the schema's
            elif part in plain and part not in masked:
                name = OPENING
            plain, masked = plain.get(part), masked.get(name)
        else:
            plain, masked = _item(plain, part), _item(masked, part)
        parts.append(name)
    return tuple(parts)


def _item(value: object, part: str) -> object:
    if not (isinstance(value, list) and part[:1] == "[" and part[1:-1].isdecimal()):
        return None
    index = int(part[1:-1])
    return value[index] if index < len(value) else None


def on_masked(judgement: Judgement, objects: Sequence[Object]) -> tuple[tuple[Finding, ...], tuple[Unjudged, ...]]:
    """Return what holds of a judgement on masked objects: nothing is said of a field in which a secret is masked."""
    values = {(item.api_version, item.identity): item.value for item in objects}
    kept = tuple(
        finding
        for finding in judgement.findings
        if not _is_about(finding, values[finding.api_version, finding.identity], OPENING)
    )
    dropped = len(judgement.findings) - len(kept)
    unjudged = (Unjudged(MASKED_VALUES, dropped),) if dropped else ()
    return kept, (*judgement.unjudged, *unjudged)


def _is_about_stand_in(finding: Finding, plain: Object, masked: Object) -> bool:
    """Tell whether a finding is about a field whose value nobody knows without the key: a label, or masked as one."""
    return any(_is_about(finding, form.value, STAND_IN) for form in (plain, masked))


def _is_about(finding: Finding, value: object, opening: str) -> bool:
    """Tell whether a finding is about a field in which a label that begins so stands for a secret."""
    if any(opening in part for part in finding.path):
        return True
    for part in finding.path:
        value = value.get(part) if isinstance(value, dict) else _item(value, part)
    return finding.rule in _OF_VALUES and any(opening in text for text in scalars(value))
