"""Two versions of a chart compared: what it says of itself, its CRDs, and its default values.

Nothing here depends on a pair; texts are as the charts have them, bounded and not masked.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple

from cmp import versions, yamldoc
from cmp.changes import ChartNote
from cmp.yamldoc.access import dig, mapping, maps
from cmp.yamldoc.document import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.preview.bumps.opened import OpenedChart
    from cmp.yamldoc.access import Map

MAX_VALUES = 4 << 20  # bytes of a values.yaml
MAX_DEFINITIONS = 32 << 20  # bytes of the CRDs that differ
MAX_DEFAULTS = 5000  # differences
MAX_ANNOTATION = 1 << 16  # characters
MAX_NOTES = 200
MAX_LINKS = 5
MAX_TEXT = 500  # characters of a sentence or a link

_CHANGES, _SECURITY = "artifacthub.io/changes", "artifacthub.io/containsSecurityUpdates"
_PRERELEASE = "artifacthub.io/prerelease"
# https://artifacthub.io/docs/topics/annotations/helm/: those that ask for work come first.
_KINDS = ("security", "removed", "deprecated", "changed", "added", "fixed")
_NUMBERS = 3  # of a version

What = Literal["added", "removed", "changed"]


class DefaultDifference(NamedTuple):
    """A default value that differs; `before` and `after` are None on the side without it."""

    path: tuple[str, ...]
    what: What
    before: object
    after: object


class DefinitionDifference(NamedTuple):
    """A CRD that differs, and what of it is no longer there."""

    name: str
    what: What
    text: str


class ComparedCharts(NamedTuple):
    """The differences of two versions of a chart, as `ChartBumpDetails` has them; `defaults` are in order of path."""

    noted: str
    notes: tuple[ChartNote, ...]
    is_next: bool
    deprecated: Literal["", "new", "kept"]
    has_security_updates: bool
    is_prerelease: bool
    kube_versions: tuple[str, str]
    definitions: tuple[DefinitionDifference, ...]
    defaults: tuple[DefaultDifference, ...]
    remarks: tuple[str, ...]


def compare(before: OpenedChart, after: OpenedChart) -> ComparedCharts:
    """Compare two versions of a chart; what cannot be read is said in `remarks`, and fails nothing."""
    remarks: list[str] = []
    newer = max(after, before, key=lambda chart: versions.order(chart.version.removeprefix("v")))
    older = before if newer is after else after
    definitions = tuple(_definitions(before, after, remarks))
    defaults: tuple[DefaultDifference, ...] = ()
    old, new = default_values(before), default_values(after)
    if isinstance(old, dict) and isinstance(new, dict):
        found = [*islice(_differences(old, new, ()), MAX_DEFAULTS + 1)]
        defaults = tuple(found[:MAX_DEFAULTS])
        if len(found) > MAX_DEFAULTS:
            remarks.append(f"more than {MAX_DEFAULTS:,} default values differ; the others are not listed")
    for chart, values in ((before, old), (after, new)):
        if isinstance(values, str):
            remarks.append(f"its default values are not compared: values.yaml of `{chart.version}` {values}")
    return ComparedCharts(
        noted=newer.version,
        notes=tuple(_notes(newer, remarks)),
        is_next=_is_next(older.version, newer.version),
        deprecated=_deprecated(before, after),
        has_security_updates=_says(newer, _SECURITY),
        is_prerelease=_is_prerelease(after) and not _is_prerelease(before),
        kube_versions=(_text(before.metadata.get("kubeVersion")), _text(after.metadata.get("kubeVersion"))),
        definitions=definitions,
        defaults=defaults,
        remarks=tuple(remarks),
    )


def default_values(chart: OpenedChart) -> Map | str:
    """Return a chart's own default values, with an empty map for each subchart, or the reason why they are unknown."""
    if len(chart.values) > MAX_VALUES:
        return f"is larger than {MAX_VALUES >> 20} MiB"
    try:
        values = next(iter(yamldoc.load_all(chart.values)), {})
    except yamldoc.YamlError as error:
        return f"is not YAML (line {error.line})"
    if not isinstance(values, dict):
        return "is no map"
    for subchart in chart.subcharts:
        values.setdefault(subchart.key, {})
    return values


def kind(value: object) -> str:
    """Return the shape of a value, by which one can stand for another: `map`, `list`, `value`, or empty for null."""
    if value is None:
        return ""
    return "map" if isinstance(value, dict) else "list" if isinstance(value, list) else "value"


def _differences(before: Map, after: Map, path: tuple[str, ...]) -> Iterator[DefaultDifference]:
    for key in sorted(before.keys() | after.keys()):
        here = (*path, key)
        if key not in before:
            yield DefaultDifference(here, "added", None, after[key])
        elif key not in after:
            yield DefaultDifference(here, "removed", before[key], None)
        else:
            old, new = before[key], after[key]
            if isinstance(old, dict) and isinstance(new, dict):
                yield from _differences(old, new, here)
            elif yamldoc.to_json(old) != yamldoc.to_json(new):
                yield DefaultDifference(here, "changed", old, new)


# A chart's words about itself


def _notes(chart: OpenedChart, remarks: list[str]) -> Iterator[ChartNote]:
    text = _annotations(chart).get(_CHANGES)
    if text is None:
        return
    entries: object = None
    if isinstance(text, str) and len(text) <= MAX_ANNOTATION:
        try:
            entries = next(iter(yamldoc.load_all(text.encode("utf-8", "replace"))), None)
        except yamldoc.YamlError:
            entries = None
    if not isinstance(entries, list):
        remarks.append(f"its list of changes (`{_CHANGES}` of `{chart.version}`) cannot be read")
        return
    notes = [note for note in map(_note, entries) if note.text]
    if len(notes) > MAX_NOTES:
        remarks.append(f"its list of changes has {len(notes):,} entries; the first {MAX_NOTES} are listed")
    yield from sorted(
        notes[:MAX_NOTES], key=lambda note: _KINDS.index(note.kind) if note.kind in _KINDS else len(_KINDS)
    )


def _note(entry: object) -> ChartNote:
    if not isinstance(entry, dict):
        return ChartNote("", _text(entry))
    links = (_text(link.get("url")) for link in maps(entry.get("links"))[:MAX_LINKS])
    named = _text(entry.get("kind")).lower()
    return ChartNote(named, _text(entry.get("description")), tuple(link for link in links if link))


def _text(value: object) -> str:
    """Return a text on one line, cut; numbers and the like as a text."""
    if value is None or isinstance(value, dict | list):
        return ""
    words = " ".join((value if isinstance(value, str) else yamldoc.to_json(value))[: 4 * MAX_TEXT].split())
    return words if len(words) <= MAX_TEXT else f"{words[: MAX_TEXT - 1]}…"


def _annotations(chart: OpenedChart) -> Map:
    return mapping(chart.metadata.get("annotations"))


def _says(chart: OpenedChart, annotation: str) -> bool:
    return str(_annotations(chart).get(annotation)).lower() == "true"


def _is_prerelease(chart: OpenedChart) -> bool:
    return _says(chart, _PRERELEASE) or not versions.is_release(chart.version)


def _deprecated(before: OpenedChart, after: OpenedChart) -> Literal["", "new", "kept"]:
    if after.metadata.get("deprecated") is not True:
        return ""
    return "kept" if before.metadata.get("deprecated") is True else "new"


def _is_next(older: str, newer: str) -> bool:
    """Say whether no other version lies between two: the last of three numbers is higher by one."""
    old, new = (versions.numbers(version.removeprefix("v")) for version in (older, newer))
    if not (versions.is_release(older) and versions.is_release(newer)) or len(old) != _NUMBERS:
        return False
    return new == (*old[:2], old[2] + 1)


# CRDs


def _definitions(before: OpenedChart, after: OpenedChart, remarks: list[str]) -> Iterator[DefinitionDifference]:
    old, new = (_documents(chart) for chart in (before, after))
    changed = old.keys() ^ new.keys()  # the same text is no change, in whichever file it stands
    if sum(map(len, changed)) > MAX_DEFINITIONS:
        remarks.append(f"its CRDs are not compared: more than {MAX_DEFINITIONS >> 20} MiB of them differ")
        return
    was, now = (dict(_named(side, changed, remarks)) for side in (old, new))
    for name in sorted(was.keys() | now.keys()):
        one, other = was.get(name), now.get(name)
        if one is None or other is None:
            yield DefinitionDifference(name, "added" if one is None else "removed", "")
        elif yamldoc.to_json(one) != yamldoc.to_json(other):
            yield DefinitionDifference(name, "changed", "; ".join(_losses(one, other)))


def _documents(chart: OpenedChart) -> Mapping[bytes, str]:
    """Return the text of each document in crds/, and its file."""
    return {text.strip(b"-\r\n "): path for path, data in chart.crds for text, _ in split(data)}


def _named(side: Mapping[bytes, str], changed: set[bytes], remarks: list[str]) -> Iterator[tuple[str, Map]]:
    for text in sorted(side.keys() & changed):
        try:
            values = yamldoc.load_all(text)
        except yamldoc.YamlError:
            remarks.append(f"`{_text(side[text])}` is not compared: it is not YAML")
            continue
        for value in values:
            name = dig(value, "metadata", "name")
            if dig(value, "kind") == "CustomResourceDefinition" and isinstance(name, str):
                yield _text(name), mapping(value)


def _losses(before: Map, after: Map) -> Iterator[str]:
    old, new = (maps(dig(side, "spec", "versions")) for side in (before, after))
    served = {str(version.get("name")): version.get("served") is True for version in new}
    gone = [
        name for version in old if version.get("served") is True and not served.get(name := str(version.get("name")))
    ]
    if gone:
        yield "no longer serves " + ", ".join(f"`{_text(name)}`" for name in gone)
    was, now = ([str(version.get("name")) for version in side if version.get("storage") is True] for side in (old, new))
    if was and was != now:
        yield f"no longer stores objects as `{_text(was[0])}`"
    if (scope := dig(before, "spec", "scope")) != dig(after, "spec", "scope"):
        yield f"its scope is no longer `{_text(scope)}`"
