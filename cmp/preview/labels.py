"""Texts that differ by nature: a cluster's own name in it, and the labels of secrets."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, TypeVar, cast

from cmp.report.names import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.changes import Report, Subject

    Tokens = Mapping[str, Mapping[str, str]]
    Replace = Callable[[str, Mapping[str, str]], str]

_T = TypeVar("_T")
# What workers write as long as nobody can count: the digits say which secret, and are others in the next run.
_SECRET = re.compile(r"‹secret ([0-9a-f]+)›")
_FEW = 3


def replaced(text: str, own: Mapping[str, str]) -> str:
    """Return the text with the placeholders of a cluster's own texts, the longest first, whole words only."""
    if not any(word in text for word in own if word):
        return text
    return _words(tuple(filter(None, own))).sub(lambda match: own[match[0]], text)


def replaced_in_json(text: str, own: Mapping[str, str]) -> str:
    """Return JSON with the placeholders in its texts, and nowhere else: a cluster may be called `1` or `null`."""
    if not any(word in text for word in own if word):
        return text
    value: object = json.loads(text)
    return json.dumps(mapped(value, lambda part: replaced(part, own)), ensure_ascii=False, sort_keys=True)


@cache  # of as many clusters as there are
def _words(own: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in sorted(own, key=len, reverse=True))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])")


def alike(keys: Sequence[tuple[str, str]], tokens: Tokens, replace: Replace) -> list[str]:
    """Return for each (cluster, text) the text by which it belongs together with others, in the same order.

    A text that several clusters have says nothing of any of them and stays.  What only one has may be the same as
    another's but for what is the cluster's own: there the placeholders stand, put in by `replace`.
    """
    clusters: dict[str, set[str]] = defaultdict(set)
    for cluster, text in keys:
        clusters[text].add(cluster)
    return [text if len(clusters[text]) > 1 else replace(text, tokens.get(cluster, {})) for cluster, text in keys]


def unlabelled(text: str) -> str:
    """Return the text without what tells one secret from another: what order may depend on."""
    return _SECRET.sub("‹secret›", text)


def mapped(value: _T, change: Callable[[str], str]) -> _T:
    """Return the value with every text in it changed, keys of maps as well; itself where none is."""
    return cast("_T", _mapped(value, change))


def _mapped(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {_mapped(key, change): _mapped(item, change) for key, item in value.items()}
    if not isinstance(value, list | tuple):
        return value
    items = [_mapped(item, change) for item in value]
    if all(new is old for new, old in zip(items, value, strict=True)):
        return value
    if isinstance(value, list):
        return items
    make = getattr(value, "_make", tuple)  # of a named tuple
    return cast("object", make(items))


def number(report: Report) -> Report:
    """Return the report with its secrets numbered from 1, in the order in which a reader meets them.

    Equal labels have equal numbers, so that "changed" and "the same on all clusters" can be seen; nothing else can.
    """
    numbers: dict[str, str] = {}
    groups = [(group.change.hunks, group.members) for group in report.groups]
    reading = (report.failures, report.dangers, groups, report.bumps, report)
    for text in (text for part in reading for text in _texts(part)):
        for label in _SECRET.findall(text):
            numbers.setdefault(label, str(len(numbers) + 1))
    if not numbers:
        return report
    return mapped(report, lambda text: _SECRET.sub(lambda match: f"‹secret {numbers[match[1]]}›", text))


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a value that have a label."""
    if isinstance(value, str):
        if "‹secret " in value:
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def listed(names: Sequence[str]) -> str:
    """Return the first names as code, and how many more there are."""
    quoted = [f"`{name}`" for name in names[:_FEW]]
    rest = len(names) - len(quoted)
    if rest:
        return f"{', '.join(quoted)} and {rest} more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if quoted[1:] else quoted)


def where(subject: Subject) -> str:
    """Return the cluster, or the application where there are no clusters."""
    return subject.cluster or subject.app


def order(subject: Subject) -> tuple[object, ...]:
    """Return by what subjects are ordered: application, environment, cluster; `dev-2` before `dev-10`."""
    return (subject.app, subject.environment, natural(subject.cluster))


def value_text(value: object) -> str:
    """Return a value in one line: a text as it is, all else as JSON, nothing as a dash."""
    if isinstance(value, str):
        return value.replace("\n", "⏎") or '""'
    return "–" if value is None else json.dumps(value, ensure_ascii=False)
