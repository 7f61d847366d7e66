"""Works -> their results: what they want printed is gathered, put into one chart, and given to Helm."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cmp.argocd.sets.functions import HELPERS
from cmp.argocd.sets.gotemplate import RefusedError, translate
from cmp.argocd.sets.values import maps_of
from cmp.argocd.sets.work import advance
from cmp.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cmp.argocd.sets.values import Maps, Parameters
    from cmp.argocd.sets.work import Job, Render, Work

T = TypeVar("T")

_PER_FILE = 1000  # Helm reads no file of more than 5 MiB
_HELPERS = "_cmp.tpl"  # Helm prints nothing for a file whose name begins so


class _File(NamedTuple):
    """A template of the chart: for one work, one text with each set of parameters; `jobs` are their numbers."""

    text: str
    work: int
    job: Job
    parameters: list[str]
    jobs: list[int]


def evaluate(works: Sequence[Work[T]], render: Render) -> list[T | ConfigError]:
    """Do all works, and return the result of each or why there is none."""
    results: dict[int, T | ConfigError] = {}
    printed: dict[int, list[str]] = {index: [] for index in range(len(works))}
    while printed:
        waiting: dict[int, list[Job]] = {}
        for index, texts in printed.items():
            try:
                waiting[index] = advance(works[index], texts)
            except StopIteration as done:
                results[index] = done.value
            except ConfigError as error:
                results[index] = error
        printed, failed = _printed(waiting, render)
        results |= failed
    return [results[index] for index in range(len(works))]


def _printed(waiting: Mapping[int, list[Job]], render: Render) -> tuple[dict[int, list[str]], dict[int, ConfigError]]:
    """Print the jobs of each work; a work with one that cannot be printed fails, and the others are printed again."""
    files, failed = _chart(waiting)
    while files:
        try:
            answers = render({_HELPERS: HELPERS, **{name: _template(name, file) for name, file in files.items()}})
        except EngineError as error:
            if error.file not in files:
                raise
            culprit = files[error.file]
            failed[culprit.work] = ConfigError(f"this template fails: {error.what}", file=culprit.job.spot.place)
            files = {name: file for name, file in files.items() if file.work != culprit.work}
        else:
            return _answers(waiting, files, answers), failed
    return {}, failed


def _chart(waiting: Mapping[int, list[Job]]) -> tuple[dict[str, _File], dict[int, ConfigError]]:
    files: dict[tuple[int, str, int], _File] = {}
    failed: dict[int, ConfigError] = {}
    written = _writer()
    for index, jobs in waiting.items():
        try:
            for number, job in enumerate(jobs):
                maps, parameters = written(job.parameters)
                text = translate(job.text, maps, is_strict=job.is_strict)
                file = files.setdefault((index, text, number // _PER_FILE), _File(text, index, job, [], []))
                file.parameters.append(parameters)
                file.jobs.append(number)
        except RefusedError as refused:
            failed[index] = ConfigError(
                f"this template cannot be evaluated without Argo CD: {refused}",
                file=job.spot.place,
                hint="docs/applicationsets.md lists what can",
            )
    kept = [file for file in files.values() if file.work not in failed]
    return {f"{number:06d}.yaml": file for number, file in enumerate(kept)}, failed


def _template(name: str, file: _File) -> str:
    """Return a template that prints JSON: a list of what the text prints, each in base64.

    Helm takes `<no value>` out of what a file prints, and that is what a missing key prints: in base64 it is safe.
    """
    calls = [
        f'{{{{ include "{name}" (mustFromJson (b64dec "{parameters}")) | b64enc | quote }}}}'
        for parameters in file.parameters
    ]
    listed = ",\n".join(calls)
    return f'{{{{ define "{name}" }}}}{file.text}{{{{ end }}}}{{"printed": [\n{listed}\n]}}\n'


def _writer() -> Callable[[Parameters], tuple[Maps, str]]:
    """Return what tells of parameters which of them are maps of texts, and writes all as JSON in base64.

    The texts of one Application share theirs.
    """
    known: dict[int, tuple[Maps, str]] = {}

    def written(parameters: Parameters) -> tuple[Maps, str]:
        if id(parameters) not in known:
            text = json.dumps(parameters, ensure_ascii=False, allow_nan=False)
            known[id(parameters)] = maps_of(parameters), base64.b64encode(text.encode()).decode()
        return known[id(parameters)]

    return written


def _answers(
    waiting: Mapping[int, list[Job]], files: Mapping[str, _File], answers: Mapping[str, str]
) -> dict[int, list[str]]:
    found = {file.work: [""] * len(waiting[file.work]) for file in files.values()}
    for name, file in files.items():
        for number, text in zip(file.jobs, json.loads(answers[name])["printed"], strict=True):
            found[file.work][number] = base64.b64decode(text).decode()
    return found
