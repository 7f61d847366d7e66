"""Texts of a report: general terms for a cluster's own texts, labels of secrets, and names of pairs.

Two things keep equal changes from having equal texts.  A text may hold its cluster's own name or domain: then the
general term `‹cluster›` takes the place of `prod-1`.  And a secret has a label with a token of this run,
`‹secret 0a1b2c›`: the finished report has `‹secret 1›` in its place.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, TypeVar, cast

from cmp.errors import MAX_NAMED
from cmp.report.names import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Report, Subject
    from cmp.preview.sides import Side

    OwnTexts = Mapping[str, Mapping[str, str]]  # cluster -> its own texts, each with its general term
    Replace = Callable[[str, Mapping[str, str]], str]

_T = TypeVar("_T")
# A worker's label of a secret: its digits are the secret's token, which differs from run to run.
_SECRET = re.compile(r"‹secret ([0-9a-f]+)›")
_OPENING = "‹secret "  # the beginning of such a label
_LABEL = re.compile("(‹[^›]*›)")
_JSON_STRING = re.compile(r'("(?:[^"\\]|\\.)*")(:?)')  # one that is a key ends with a colon
CLUSTER = "‹cluster›"  # stands for the name of each of several clusters
GENERAL_APP = "‹app›"  # stands for the name of each of several applications


# A cluster's own texts


def own_texts(sides: Iterable[Side]) -> OwnTexts:
    """Return the texts that are each cluster's own, with general terms: its name, its server's host, its facts."""
    texts: dict[str, dict[str, str]] = {}
    for side in sides:
        for name, cluster in side.repository.config.clusters.items():
            own = texts.setdefault(name, {})
            own.update({value: f"‹{fact}›" for fact, value in cluster.facts.items() if value})
            host = cluster.server.partition("://")[2].partition("/")[0].partition(":")[0]
            if host:
                own[host] = "‹server›"
            own[name] = CLUSTER
        for request in side.pairs.requests.values():
            if name := request.subject.cluster:
                texts.setdefault(name, {})[name] = CLUSTER
    return texts


def generalized(text: str, own: Mapping[str, str]) -> str:
    """Return the text with general terms for a cluster's own texts, the longest first, whole words only.

    Labels such as those of secrets stay: a cluster may be called `secret`.
    """
    if not any(word in text for word in own if word):
        return text
    words = _words(tuple(filter(None, own)))
    parts = _LABEL.split(text) if "‹" in text else [text]
    return "".join(part if at % 2 else words.sub(lambda match: own[match[0]], part) for at, part in enumerate(parts))


def generalized_json(text: str, own: Mapping[str, str]) -> str:
    """Return JSON with general terms in its strings, and nowhere else: a cluster may be called `1` or `null`."""
    words = [word for word in own if word and word in text]
    if not words:
        return text
    strings = [match for match in _JSON_STRING.finditer(text) if any(word in match[1] for word in words)]
    if any(match[2] for match in strings):  # a key: its general term may stand in another place
        value: object = json.loads(text)
        return json.dumps(map_texts(value, lambda part: generalized(part, own)), ensure_ascii=False, sort_keys=True)
    parts: list[str] = []
    end = 0
    for match in strings:
        changed = json.dumps(generalized(json.loads(match[1]), own), ensure_ascii=False)
        parts += (text[end : match.start()], changed)
        end = match.end()
    return "".join((*parts, text[end:]))


@cache  # of as many clusters as there are
def _words(own: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in sorted(own, key=len, reverse=True))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])")


def common_texts(texts: Sequence[tuple[str, str]], own_texts: OwnTexts, replace: Replace) -> list[str]:
    """Return for each (cluster, text) the text that it has in common with those of other clusters, in the same order.

    A text that several clusters have to the letter is no cluster's own, and stays.  A text of one cluster alone gets
    general terms for what is the cluster's own (`replace`): with them it may be equal to the text of another cluster.
    """
    clusters: dict[str, set[str]] = defaultdict(set)
    for cluster, text in texts:
        clusters[text].add(cluster)
    return [text if len(clusters[text]) > 1 else replace(text, own_texts.get(cluster, {})) for cluster, text in texts]


# Secrets


def without_tokens(text: str) -> str:
    """Return the text without the tokens that tell secrets apart: they must not decide about any order."""
    return _SECRET.sub("‹secret›", text)


def has_tokens(value: object) -> bool:
    """Tell whether a text in a value has the token of a secret."""
    return any(_SECRET.search(text) for text in texts_with(value, _OPENING))


def number_secrets(report: Report) -> Report:
    """Return the report with its secrets numbered from 1, in the order in which a reader meets them.

    Equal tokens get equal numbers, so that a reader sees whether a secret changed, and whether it is the same on all
    clusters; nothing else can be seen.
    """
    numbers: dict[str, str] = {}
    groups = [(group.change.hunks, group.members) for group in report.groups]
    reading = (report.failures, report.dangers, groups, report.bumps, report)
    for text in (text for part in reading for text in texts_with(part, _OPENING)):
        for token in _SECRET.findall(text):
            numbers.setdefault(token, str(len(numbers) + 1))
    if not numbers:
        return report
    return map_texts(report, lambda text: _SECRET.sub(lambda match: f"‹secret {numbers[match[1]]}›", text))


def texts_with(value: object, part: str) -> Iterator[str]:
    """Yield every text in a value that holds a part, keys of maps as well."""
    if isinstance(value, str):
        if part in value:
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts_with(key, part)
            yield from texts_with(item, part)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_with(item, part)


def map_texts(value: _T, change: Callable[[str], str]) -> _T:
    """Return the value with every text in it changed, keys of maps as well; the same object where none is a text."""
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


# Names


def few_names(names: Sequence[str]) -> str:
    """Return the first names as code, and the number of the others: `a`, `b`, `c` and 2 more."""
    quoted = [f"`{name}`" for name in names[:MAX_NAMED]]
    others = len(names) - len(quoted)
    if others:
        return f"{', '.join(quoted)} and {others} more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if quoted[1:] else quoted)


def pair_name(subject: Subject) -> str:
    """Return the cluster of a pair, or its application where there are no clusters."""
    return subject.cluster or subject.app


def pair_order(subject: Subject) -> tuple[object, ...]:
    """Return the sort key of a pair: application, environment, cluster; `dev-2` before `dev-10`."""
    return (natural(subject.app), subject.environment, natural(subject.cluster))
