"""The same change in several applications, shown once: those that share a chart, a template or a values file.

Two groups are the same where a reader sees the same, to the letter or but for the application's own name: its object,
the changed values, the lines around them, the dangers.  No more is taken for equal than this:

    a name                 is one as a whole word, and two characters or longer: `web` in `web-config`, not in `webhook`
    a key, a kind, a path  counts to the letter: `app` in `app.kubernetes.io/name: app` is a name only as the value
    a text                 that several applications have to the letter is nobody's own, and stays: `tier: web`
    a number, a switch     counts to the letter, whatever an application is called

So texts are equal only where each application has its own name in just the places where the others have theirs.
A group that differs from the pattern of its object is the same as another one only where their patterns are, too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import PartialCauses
from cmp.preview.labels import GENERAL_APP
from cmp.preview.outliers import GroupDraft, patterns
from cmp.report.names import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from cmp.changes import Cause, Change, Field, Hunk
    from cmp.model import Identity

    Fill = Callable[[str], str]

_SHORTEST = 2  # characters of a name
_LABEL = re.compile("(‹[^›]*›)")
# A line of a hunk: its sign, its indent, the dashes of lists and a key; then the value.
_LINE = re.compile(r"([-+ ]\s*(?:- )*(?:(?:\"[^\"]*\"|'[^']*'|[^\s:\"'][^:]*?):(?: |\Z))?)(.*)", re.DOTALL)


class _Form(NamedTuple):
    """A group as a reader sees it: `frame` is all that counts to the letter, `texts` are the others, in order."""

    draft: GroupDraft
    frame: str
    texts: tuple[str, ...]

    @property
    def app(self) -> str:
        return self.draft.group.app


def merged(drafts: Sequence[GroupDraft]) -> list[GroupDraft]:
    """Return the groups, those of several applications that are the same as one; each of these knows its parts."""
    usual = patterns(drafts)
    roles = [_role(draft, usual) for draft in drafts]
    first = _bundles([draft for draft, role in zip(drafts, roles, strict=True) if role != "outlier"], lambda _: "")
    place = {id(draft): at for at, bundle in enumerate(first) for draft in bundle}
    outliers = [draft for draft, role in zip(drafts, roles, strict=True) if role == "outlier"]
    second = _bundles(outliers, lambda draft: place[id(usual[draft.key.object_text])])
    return [_merged(bundle) for bundle in (*first, *second)]


def _role(draft: GroupDraft, usual: dict[str, GroupDraft | None]) -> str:
    pattern = None if draft.group.lot else usual.get(draft.key.object_text)
    return "outlier" if pattern is not None and pattern is not draft else ""


def _bundles(drafts: Sequence[GroupDraft], more: Callable[[GroupDraft], Hashable]) -> list[list[GroupDraft]]:
    """Return the groups that are the same together; `more` is something else that they must have in common."""
    families: dict[Hashable, list[_Form]] = defaultdict(list)
    alone: list[list[GroupDraft]] = []
    for draft in drafts:
        if draft.group.lot or draft.group.change.move:
            alone.append([draft])
        else:
            form = _form(draft)
            families[form.frame, more(draft)].append(form)
    for family in families.values():
        same: dict[tuple[str, ...], list[_Form]] = defaultdict(list)
        for form, common in zip(family, _common(family), strict=True):
            same[common].append(form)
        for forms in same.values():
            is_sure = len({form.app for form in forms}) == len(forms)
            alone += [[form.draft for form in forms]] if is_sure else [[form.draft] for form in forms]
    return alone


def _form(draft: GroupDraft) -> _Form:
    texts: list[str] = []

    def blank(text: str) -> str:
        texts.append(text)
        return ""

    change = _filled(draft.group.change, blank)
    columns = tuple(map(blank, draft.group.columns))
    lines = [hunk.lines for hunk in change.hunks]
    shown = (change.what, change.identity, change.was, change.api_versions, change.fields, lines, change.dangers)
    frame = repr((*shown, change.is_restart, change.summary, change.unstable, columns))
    return _Form(draft, frame, tuple(texts))


def _common(family: Sequence[_Form]) -> list[tuple[str, ...]]:
    """Return the texts of each form with a general term for the name in those that only this application has."""
    apps: list[dict[str, set[str]]] = [defaultdict(set) for _ in family[0].texts]
    for form in family:
        for of_text, text in zip(apps, form.texts, strict=True):
            of_text[text].add(form.app)
    return [
        tuple(
            text if len(of_text[text]) > 1 else _general(text, form.app)
            for of_text, text in zip(apps, form.texts, strict=True)
        )
        for form in family
    ]


def _merged(bundle: Sequence[GroupDraft]) -> GroupDraft:
    """Return one group for the same groups of several applications, in the words of the first."""
    if len(bundle) == 1:
        return bundle[0]
    ordered = sorted(bundle, key=lambda draft: natural(draft.group.app))
    first = ordered[0]
    forms = [_form(draft) for draft in ordered]
    texts = (
        of_text[0] if len(set(of_text)) == 1 else _general(of_text[0], first.group.app)
        for of_text in zip(*(form.texts for form in forms), strict=True)
    )
    change = _filled(first.group.change, lambda _: next(texts))
    columns = tuple(next(texts) for _ in first.group.columns)
    changes = [(draft.group.app, draft.group.change) for draft in ordered]
    causes, touched = _of_all(changes)
    group = first.group._replace(
        app=GENERAL_APP,
        change=change._replace(source=_source(changes), causes=causes, touched=touched),
        members=tuple(member for draft in ordered for member in draft.group.members),
        columns=columns,
        partial_causes=(
            *_of_some(ordered, causes, touched),
            *(one for draft in ordered for one in draft.group.partial_causes),
        ),
    )
    return first._replace(group=group, parts=tuple(ordered), position=min(draft.position for draft in ordered))


def _source(changes: Sequence[tuple[str, Change]]) -> str:
    """Return the source that all have, the name apart; of different ones none."""
    sources = {change.source for _, change in changes}
    general = {_general(change.source, app) for app, change in changes}
    return next(iter(sources if len(sources) == 1 else general)) if len(general) == 1 else ""


def _of_all(changes: Sequence[tuple[str, Change]]) -> tuple[tuple[Cause, ...], tuple[str, ...]]:
    """Return the causes and the touched files that all have, to the letter or the name in their places apart."""
    own = [(change.causes, change.touched) for _, change in changes]
    general = [
        (
            tuple(cause._replace(place=_general(cause.place, app)) for cause in change.causes),
            tuple(_general(path, app) for path in change.touched),
        )
        for app, change in changes
    ]
    for found in (own, general):
        if all(one == found[0] for one in found):
            return found[0]
    return tuple(cause for cause in own[0][0] if all(cause in causes for causes, _ in own)), ()


def _of_some(
    drafts: Sequence[GroupDraft], causes: tuple[Cause, ...], touched: tuple[str, ...]
) -> Iterator[PartialCauses]:
    """Yield what is established, or touched, for one application, where it is not the same for all."""
    for draft in drafts:
        change, app = draft.group.change, draft.group.app
        own = tuple(
            cause
            for cause in change.causes
            if cause not in causes and cause._replace(place=_general(cause.place, app)) not in causes
        )
        files = () if touched else change.touched
        if own or files:
            yield PartialCauses(tuple(member.subject for member in draft.group.members), own, files)


def _general(text: str, app: str) -> str:
    """Return a text with the general term for an application's name, but not in labels such as those of secrets."""
    if app not in text or len(app) < _SHORTEST or app.isdigit():
        return text
    return "".join(part if at % 2 else _word(app).sub(GENERAL_APP, part) for at, part in enumerate(_LABEL.split(text)))


@cache  # of as many applications as there are
def _word(app: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(app)}(?![A-Za-z0-9])")


# The texts of a change that may hold a name, in a fixed order


def _filled(change: Change, fill: Fill) -> Change:
    """Return a change with each text replaced that may hold a name."""
    return change._replace(
        identity=_identity(change.identity, fill),
        was=_identity(change.was, fill) if change.was else None,
        fields=tuple(_field(field, fill) for field in change.fields),
        hunks=tuple(_hunk(hunk, fill) for hunk in change.hunks),
        dangers=tuple(danger._replace(text=fill(danger.text)) for danger in change.dangers),
        summary=fill(change.summary),
    )


def _identity(identity: Identity, fill: Fill) -> Identity:
    return identity._replace(namespace=fill(identity.namespace), name=fill(identity.name))


def _field(field: Field, fill: Fill) -> Field:
    path = tuple(
        f"[{fill(part[1:-1])}]" if part.startswith("[") and part.endswith("]") else part for part in field.path
    )
    return field._replace(path=path, before=_value(field.before, fill), after=_value(field.after, fill))


def _value(value: object, fill: Fill) -> object:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, dict):
        return {key: _value(item, fill) for key, item in value.items()}
    return [_value(item, fill) for item in value] if isinstance(value, list) else value


def _hunk(hunk: Hunk, fill: Fill) -> Hunk:
    return hunk._replace(lines=tuple(_line(text, fill) for text in hunk.lines))


def _line(text: str, fill: Fill) -> str:
    match = _LINE.fullmatch(text)
    return f"{match[1]}{fill(match[2])}" if match else fill(text)
