"""Templates in the texts of a value, map keys included: Go templates, or the flat mode's `{{name}}`.

Source: argoproj/argo-cd 3.2, applicationset/utils/utils.go, and valyala/fasttemplate for the flat mode.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.argocd.sets.work import Job, Work
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.argocd.sets.values import Parameters
    from cmp.argocd.shape import Spot

OPEN, CLOSE = "{{", "}}"

_IS_TEMPLATE = re.compile(r"\{\{[^\n]*\}\}")
_STRICT, _LENIENT = "missingkey=error", ("missingkey=default", "missingkey=invalid")
_EXACT = 2**53


class Mode(NamedTuple):
    """How a set's templates are meant; `is_strict` makes a missing key an error."""

    is_go: bool
    is_strict: bool

    @classmethod
    def of(cls, spec: Mapping[str, object], spot: Spot) -> Mode:
        """Return a set's mode; ConfigError for an option that changes what Helm cannot."""
        is_strict = False
        options = cast("list[object]", spec.get("goTemplateOptions") or [])
        for index, option in enumerate(options if spec.get("goTemplate") else []):
            if option != _STRICT and option not in _LENIENT:
                at = spot.inner("spec", "goTemplateOptions", index)
                raise ConfigError(
                    f"the option {option} cannot be had without Argo CD", file=at.place, hint=f"use {_STRICT}"
                )
            is_strict = option == _STRICT
        return cls(bool(spec.get("goTemplate")), is_strict)


def printed(mode: Mode, texts: Sequence[tuple[str, Spot]], parameters: Parameters) -> Work[list[str]]:
    """Evaluate texts with the same parameters."""
    if not mode.is_go:
        return [_flat(text, parameters, spot) for text, spot in texts]
    jobs = {
        index: Job(text, parameters, mode.is_strict, spot) for index, (text, spot) in enumerate(texts) if OPEN in text
    }
    results = [text for text, _ in texts]
    if jobs:
        for index, text in zip(jobs, (yield list(jobs.values())), strict=True):
            results[index] = text
    return results


def replaced(mode: Mode, value: object, parameters: Parameters, spot: Spot) -> Work[object]:
    """Return a value of JSON with all its texts evaluated; without parameters it stays as it is."""
    if not parameters:
        return value
    texts = list(_texts(value, spot))
    results = yield from printed(mode, texts, parameters)
    rest = iter(results)
    return _rebuilt(value, rest)


def _texts(value: object, spot: Spot) -> Iterator[tuple[str, Spot]]:
    if isinstance(value, str):
        yield value, spot
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, spot.inner(index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key, spot.inner(key)
            yield from _texts(item, spot.inner(key))


def _rebuilt(value: object, texts: Iterator[str]) -> object:
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, list):
        return [_rebuilt(item, texts) for item in value]
    if isinstance(value, dict):  # a null in a map is lost
        pairs = [(next(texts), _rebuilt(item, texts)) for item in value.values()]
        return {key: item for key, item in pairs if item is not None}
    if isinstance(value, int) and abs(value) > _EXACT:
        return int(float(value))
    return value


def _flat(text: str, parameters: Parameters, spot: Spot) -> str:
    if not _IS_TEMPLATE.search(text):
        return text
    first, *rest = text.split(OPEN)
    found = [first]
    while rest:
        tag = rest.pop(0)
        while CLOSE not in tag:
            if not rest:
                raise ConfigError("this template has a {{ without its }}", file=spot.place)
            tag += OPEN + rest.pop(0)
        name, _, after = tag.partition(CLOSE)
        value = parameters.get(name.strip()) if name.strip() else None
        found += (value if isinstance(value, str) else f"{OPEN}{name}{CLOSE}", after)
    return "".join(found)
