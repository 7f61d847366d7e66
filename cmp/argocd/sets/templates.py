"""Templates in the texts of JSON, keys of maps included: Go templates, or the flat mode's `{{name}}`.

Source: argoproj/argo-cd 3.6, applicationset/utils/utils.go, and valyala/fasttemplate for the flat mode.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.sets.batching import Batched, Job, refusal
from cmp.argocd.sets.gotemplate import RefusedError
from cmp.argocd.sets.missing import lacks
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.argocd.sets.gotypes import Parameters
    from cmp.argocd.sets.specification import SetSpec
    from cmp.schema.json_node import SourceLocation

    Values = dict[str, object]

OPEN, CLOSE = "{{", "}}"

_IS_TEMPLATE = re.compile(r"\{\{[^\n]*\}\}")
_STRICT, _LENIENT = "missingkey=error", ("missingkey=default", "missingkey=invalid")
_EXACT = 2**53


class Mode(NamedTuple):
    """The language of a set's templates; `is_strict` makes a missing key an error."""

    is_go: bool
    is_strict: bool

    @classmethod
    def of(cls, spec: SetSpec, location: SourceLocation) -> Mode:
        """Return a set's mode; ConfigError for an option that Helm does not have."""
        is_strict = False
        for index, option in enumerate(spec.go_template_options if spec.go_template else ()):
            if option != _STRICT and option not in _LENIENT:
                at = location.inner("spec", "goTemplateOptions", index)
                raise ConfigError(
                    f"the option {option} cannot be had without Argo CD", file=at.place, hint=f"use {_STRICT}"
                )
            is_strict = option == _STRICT
        return cls(spec.go_template, is_strict)


def evaluate_texts(
    mode: Mode, texts: Sequence[tuple[str, SourceLocation]], parameters: Parameters
) -> Batched[list[str]]:
    """Evaluate texts with the same parameters."""
    if not mode.is_go:
        return [_flat(text, parameters, location) for text, location in texts]
    jobs = {
        index: Job(text, parameters, mode.is_strict, location)
        for index, (text, location) in enumerate(texts)
        if OPEN in text
    }
    results = [text for text, _ in texts]
    if jobs:
        for index, text in zip(jobs, (yield list(jobs.values())), strict=True):
            results[index] = text
    return results


def evaluate_map(
    mode: Mode, value: Mapping[str, object], parameters: Parameters, location: SourceLocation
) -> Batched[Values]:
    """Return a map of JSON with all texts in it evaluated; without parameters it stays as it is."""
    if not parameters:
        return dict(value)
    results = yield from evaluate_texts(mode, list(_texts(value, location)), parameters)
    return _rebuilt_map(value, iter(results))


def evaluate_known(
    mode: Mode, values: Mapping[str, str], parameters: Parameters, location: SourceLocation
) -> Batched[dict[str, str]]:
    """Evaluate those of a generator's `values` that miss none of these parameters; the others stay, as the keys do."""
    known = [key for key, text in values.items() if not (mode.is_go and _lacks(text, parameters, location.inner(key)))]
    texts = [(values[key], location.inner(key)) for key in known]
    results = yield from evaluate_texts(mode._replace(is_strict=True), texts, parameters)
    return {**values, **dict(zip(known, results, strict=True))}


def _lacks(text: str, parameters: Parameters, location: SourceLocation) -> bool:
    try:
        return lacks(text, parameters)
    except RefusedError as refused:
        raise refusal(refused, location) from None


def _texts(value: object, location: SourceLocation) -> Iterator[tuple[str, SourceLocation]]:
    if isinstance(value, str):
        yield value, location
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, location.inner(index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key, location.inner(key)
            yield from _texts(item, location.inner(key))


def _rebuilt_map(value: Mapping[str, object], texts: Iterator[str]) -> Values:
    """Put evaluated texts in the place of the templates; a null in a map is lost."""
    pairs = [(next(texts), _rebuilt(item, texts)) for item in value.values()]
    return {key: item for key, item in pairs if item is not None}


def _rebuilt(value: object, texts: Iterator[str]) -> object:
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, list):
        return [_rebuilt(item, texts) for item in value]
    if isinstance(value, dict):
        return _rebuilt_map(value, texts)
    if isinstance(value, int) and abs(value) > _EXACT:
        return int(float(value))
    return value


def _flat(text: str, parameters: Parameters, location: SourceLocation) -> str:
    if not _IS_TEMPLATE.search(text):
        return text
    first, *tags = text.split(OPEN)
    parts = [first]
    while tags:
        tag = tags.pop(0)
        while CLOSE not in tag:
            if not tags:
                raise ConfigError("this template has a {{ without its }}", file=location.place)
            tag += OPEN + tags.pop(0)
        name, _, after = tag.partition(CLOSE)
        value = parameters.get(name.strip()) if name.strip() else None
        parts += (value if isinstance(value, str) else f"{OPEN}{name}{CLOSE}", after)
    return "".join(parts)
