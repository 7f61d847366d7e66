"""The comparison of new clusters with their sisters, in the section of their lot: what is not as on the sister."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cmp.report.document import Span, code, joined, line, plural
from cmp.report.names import clusters, listed, path_text, scalar, short_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.changes import Field, Likeness, Lot, ObjectDifference, Part, SisterCluster, Subject
    from cmp.report.document import Limits, Line

_FIELDS = 3  # of an object in a line
_LONGEST = 60  # characters of a value in a line
_FEW = 3  # sisters that stand in the summary by name


def short(lot: Lot) -> Line:
    """Return how many of a lot's applications are as on the sisters: `as on north`, `28 of 30 as on north`."""
    pairs = [one for sister in lot.sisters for one in sister.pairs]
    equal = sum(one.status == "equal" for one in pairs)
    if not equal:
        return ()
    names = listed_sisters([sister.name for sister in lot.sisters])
    return line("" if equal == len(pairs) else f"{equal:,} of {len(pairs):,} ", "as on ", names)


def listed_sisters(names: Sequence[str]) -> Line:
    """Return the first names, and the number of the others."""
    more = f" and {len(names) - _FEW:,} more" if len(names) > _FEW else ""
    return line(joined((line(code(name)) for name in names[:_FEW]), ", "), more)


def lines(lot: Lot, limits: Limits) -> Iterator[Line]:
    """Yield of each sister how many applications are as there, and which are not, and how."""
    for sister in lot.sisters:
        found = [*_lines(sister, limits)]
        yield from found[: limits.items]
        if len(found) > limits.items:
            yield line(f"and {len(found) - limits.items:,} more")


def others(lot: Lot) -> frozenset[int]:
    """Return the objects of a lot, by their numbers, that are not as on the sister in all pairs that have them."""
    pairs = {one.subject: one for sister in lot.sisters for one in sister.pairs}
    return frozenset(
        number
        for number, part in enumerate(lot.parts)
        if not all(_is_same(part, pairs.get(member.subject)) for member in part.members)
    )


def _is_same(part: Part, one: Likeness | None) -> bool:
    return one is not None and (one.status == "equal" or part.change.identity in one.same)


def left_out(lot: Lot, count: int) -> Iterator[tuple[str, ...]]:
    """Yield a line in place of so many objects that are as on a sister: nobody needs to read them again."""
    if count:
        names = ", ".join(sister.name for sister in lot.sisters[:_FEW]) + (" …" if lot.sisters[_FEW:] else "")
        yield (f"# {plural(count, 'object')} as on {names}: the HTML page has them",)


def _lines(sister: SisterCluster, limits: Limits) -> Iterator[Line]:
    """Yield what is equal, then what differs, then what cannot be told."""
    there = code(sister.name)
    equal = sum(one.status == "equal" for one in sister.pairs)
    where = line(" on ", listed(sister.clusters, limits)) if len(sister.clusters) > 1 else ()
    noun = plural(len(sister.pairs), "application" if len(sister.clusters) == 1 else "pair")
    count = f"All {noun}" if equal == len(sister.pairs) > 1 else f"{equal:,} of {noun}"
    verb = " is" if equal == 1 else " are"
    yield line(count, where, verb, " as on ", there, ", the names and facts of clusters aside")
    yield from _differences(sister, limits)
    of_status = {
        status: [one for one in sister.pairs if one.status == status]
        for status in ("missing", "failed", "not-compared")
    }
    if missing := of_status["missing"]:
        yield line("Not on ", there, ": ", _apps(missing, sister, limits))
    if sister.others:
        yield line("On ", there, " alone: ", listed(sister.others, limits))
    for error, alike in _by_error(of_status["failed"]).items():
        yield line("Cannot be rendered on ", there, ": ", _apps(alike, sister, limits), f" ({error})" if error else "")
    if left := of_status["not-compared"]:
        yield line("Not compared with ", there, ", beyond the limit of pairs: ", _apps(left, sister, limits))
    yield from _secrets(sister, limits)
    if mentions := [
        line(code(one.subject.app), " ", code(short_name(it))) for one in sister.pairs for it in one.mentions
    ]:
        more = f", and {len(mentions) - limits.names:,} more" if len(mentions) > limits.names else ""
        yield line("Names ", there, " and not its own cluster: ", joined(mentions[: limits.names], ", "), more)


def _differences(sister: SisterCluster, limits: Limits) -> Iterator[Line]:
    """Yield each object that differs, the same difference on several new clusters once."""
    same: dict[str, tuple[ObjectDifference, list[Likeness]]] = {}
    for one in sister.pairs:
        for difference in one.differences:
            same.setdefault(repr((one.subject.app, difference)), (difference, []))[1].append(one)
    for difference, alike in same.values():
        name = line(code(alike[0].subject.app), " ", code(short_name(difference.identity)))
        where = _on([one.subject for one in alike], sister, limits)
        if difference.what == "added":
            yield line(name, where, " is not on ", code(sister.name))
        elif difference.what == "removed":
            yield line(name, " is on ", code(sister.name), " alone" if not where else line(" and not", where))
        else:
            fields = [_field(field) for field in difference.fields[:_FIELDS]]
            left = len(difference.fields) - _FIELDS
            more = f"; and {plural(left, 'more difference')}" if left > 0 else ""
            yield line(name, where, " is not as on ", code(sister.name), ": ", joined(fields, "; "), more)


def _field(field: Field) -> Line:
    """Return a difference: `spec.replicas` is 2, not 3."""
    path = code(path_text(field.path))
    before, after = (scalar(value) for value in (field.before, field.after))
    if field.kind == "moved":
        return line(path, " has another order")
    if field.kind == "added":
        return line(path, " is there", line(": ", code(after)) if len(after) <= _LONGEST else ())
    if field.kind == "removed":
        return line(path, " is missing", line(": ", code(before)) if len(before) <= _LONGEST else ())
    if max(len(before), len(after)) <= _LONGEST:
        return line(path, " is ", code(after), ", not ", code(before))
    if isinstance(field.before, str) and isinstance(field.after, str):
        return line(path, *_lines_of_text(field.before, field.after))
    return line(path, " is another value")


def _lines_of_text(before: str, after: str) -> tuple[str | Span, ...]:
    """Return what differs in a long text: its line, if it is one and short, else how many lines."""
    old, new = Counter(before.splitlines()), Counter(after.splitlines())
    gone, come = ([text.strip() for text in lines.elements()] for lines in (old - new, new - old))
    if len(gone) == len(come) == 1 and 0 < len(gone[0]) <= _LONGEST and 0 < len(come[0]) <= _LONGEST:
        return (" has ", code(come[0]), ", not ", code(gone[0]))
    count = max(len(gone), len(come))
    return (f" differs in {plural(count, 'line')}" if count else " has another order of lines",)


def _secrets(sister: SisterCluster, limits: Limits) -> Iterator[Line]:
    """Yield how many secrets differ; of different ciphertext nobody knows whether the secrets do."""
    differ = [one for one in sister.pairs if one.secrets]
    if differ:
        count = sum(one.secrets for one in differ)
        yield line(f"{plural(count, 'secret value differs', 'secret values differ')}: ", _apps(differ, sister, limits))
    unknown = [one for one in sister.pairs if one.ciphertexts]
    if unknown:
        count = sum(one.ciphertexts for one in unknown)
        text = plural(count, "secret value has other ciphertext", "secret values have other ciphertext")
        yield line(f"{text}, and no key tells whether they differ: ", _apps(unknown, sister, limits))


def _by_error(failed: Iterable[Likeness]) -> dict[str, list[Likeness]]:
    found: dict[str, list[Likeness]] = {}
    for one in failed:
        found.setdefault(one.error, []).append(one)
    return found


def _apps(pairs: Sequence[Likeness], sister: SisterCluster, limits: Limits) -> Line:
    """Return the applications of pairs, with their clusters where these are not all of the new ones."""
    same: dict[str, list[Subject]] = {}
    for one in pairs:
        same.setdefault(one.subject.app, []).append(one.subject)
    lines = [line(code(app), _on(subjects, sister, limits)) for app, subjects in same.items()]
    left = len(lines) - limits.names
    return line(joined(lines[: limits.names], ", "), f", and {left:,} more" if left > 0 else "")


def _on(subjects: Sequence[Subject], sister: SisterCluster, limits: Limits) -> Line:
    names = clusters(subjects)
    return () if len(names) == len(sister.clusters) else line(" on ", listed(names, limits))
