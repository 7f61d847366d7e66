"""Go templates of ApplicationSets, evaluated in batches: each is one start of the pinned Helm.

The start of Helm costs more than all else here.  So a function that needs texts evaluated is a generator: it yields
them as jobs, and is sent what they print.  All jobs that wait at the same time, of all ApplicationSets, are templates
of one chart, which `helm template` prints and which is thrown away.  Templates that need what others print (a git
generator's path with the label of a cluster) wait for the next batch.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cmp.argocd.sets.gotemplate import HELPERS, RefusedError, translate
from cmp.argocd.sets.gotypes import maps_of
from cmp.errors import ConfigError, EngineError
from cmp.system.process import Command, run
from cmp.system.sandbox import Access
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.argocd.sets.gotypes import Maps, Parameters
    from cmp.context import Context
    from cmp.model import Tool
    from cmp.schema.json_node import SourceLocation

T = TypeVar("T")

_PER_FILE = 1000  # Helm reads no file of more than 5 MiB
_HELPERS = "_cmp.tpl"  # Helm prints nothing for a file whose name begins so
_CHART = b"apiVersion: v2\nname: sets\nversion: 0.0.0\n"
_SOURCE = re.compile(r"^---\n# Source: sets/templates/(\S+)\n", re.MULTILINE)
_ADVICE = "Use --debug flag to render out invalid YAML\n"
_REASON = re.compile(r"(?:Error: (?:execution|parse) error at \([^)]*\):|.*\bat <.*?>:)\s+(.*)", re.DOTALL)
_BLAMED = re.compile(r"sets/templates/([\w.]+)")


class Job(NamedTuple):
    """A Go template and the parameters that it gets; `is_strict` makes a parameter that is missing an error."""

    text: str
    parameters: Parameters
    is_strict: bool
    location: SourceLocation


Batched = Generator[list[Job], list[str], T]
"""Yields jobs, is sent what they print in the same order, and returns a T."""


Render = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Evaluates Go templates: files of a chart's templates/ by their names -> what each prints.

Raises EngineError, with the name of the file that failed in `file`.
"""


class _File(NamedTuple):
    """A template of the chart: for one task, one text with each set of parameters; `jobs` are their numbers."""

    text: str
    task: int
    job: Job
    parameters: list[str]
    jobs: list[int]


def gather(tasks: Iterable[Batched[T]]) -> Batched[list[T]]:
    """Run several tasks, whose jobs wait together, and return their results in order."""
    results: dict[int, T] = {}
    running: list[tuple[int, Batched[T], list[str]]] = [(index, task, []) for index, task in enumerate(tasks)]
    while running:
        waiting: list[tuple[int, Batched[T], list[Job]]] = []
        for index, task, printed in running:
            try:
                jobs = _advance(task, printed)
            except StopIteration as done:
                results[index] = done.value
            else:
                waiting.append((index, task, jobs))
        if waiting:
            printed = yield [job for _, _, jobs in waiting for job in jobs]
            texts = iter(printed)
            running = [(index, task, [next(texts) for _ in jobs]) for index, task, jobs in waiting]
        else:
            running = []
    return [results[index] for index in sorted(results)]


def _advance(task: Batched[T], printed: list[str]) -> list[Job]:
    """Give a task what it waits for (nothing, at its start) and return its next jobs; StopIteration has its result."""
    return task.send(printed) if printed else next(task)


def evaluate(tasks: Sequence[Batched[T]], render: Render) -> list[T | ConfigError]:
    """Run all tasks, and return the result of each or the error in its place."""
    results: dict[int, T | ConfigError] = {}
    printed: dict[int, list[str]] = {index: [] for index in range(len(tasks))}
    while printed:
        waiting: dict[int, list[Job]] = {}
        for index, texts in printed.items():
            try:
                waiting[index] = _advance(tasks[index], texts)
            except StopIteration as done:
                results[index] = done.value
            except ConfigError as error:
                results[index] = error
        printed, failed = _printed(waiting, render)
        results |= failed
    return [results[index] for index in range(len(tasks))]


def _printed(waiting: Mapping[int, list[Job]], render: Render) -> tuple[dict[int, list[str]], dict[int, ConfigError]]:
    """Print the jobs of each task; a task with one that cannot be printed fails, and the others are printed again."""
    files, failed = _chart(waiting)
    while files:
        try:
            answers = render({_HELPERS: HELPERS, **{name: _template(name, file) for name, file in files.items()}})
        except EngineError as error:
            if error.file not in files:
                raise
            culprit = files[error.file]
            failed[culprit.task] = ConfigError(f"this template fails: {error.what}", file=culprit.job.location.place)
            files = {name: file for name, file in files.items() if file.task != culprit.task}
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
                key = index, text, number // _PER_FILE
                file = files.setdefault(key, _File(text, task=index, job=job, parameters=[], jobs=[]))
                file.parameters.append(parameters)
                file.jobs.append(number)
        except RefusedError as refused:
            failed[index] = refusal(refused, job.location)
    kept = [file for file in files.values() if file.task not in failed]
    return {f"{number:06d}.yaml": file for number, file in enumerate(kept)}, failed


def refusal(refused: RefusedError, location: SourceLocation) -> ConfigError:
    """Return the error for a template that cannot be read statically."""
    return ConfigError(
        f"this template cannot be evaluated without Argo CD: {refused}",
        file=location.place,
        hint="docs/applicationsets.md lists what can",
    )


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
    """Return a function that finds the maps of texts in parameters, and writes them as JSON in base64.

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
    texts = {file.task: [""] * len(waiting[file.task]) for file in files.values()}
    for name, file in files.items():
        for number, text in zip(file.jobs, json.loads(answers[name])["printed"], strict=True):
            texts[file.task][number] = base64.b64decode(text).decode()
    return texts


def evaluator(helm: Tool, context: Context) -> Render:
    """Return a function that evaluates Go templates by a start of Helm, which reads nothing of the user's."""

    def render(templates: Mapping[str, str]) -> Mapping[str, str]:
        with Workspace(context.settings.tmp_dir) as workspace:
            folder = workspace.folder("sets")
            workspace.write("sets/Chart.yaml", _CHART)
            for name, text in templates.items():
                workspace.write(f"sets/templates/{name}", text.encode())
            home = workspace.folder("home")
            env = {
                **context.settings.env.plain,
                "HOME": home,
                **{f"HELM_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")},
            }
            access = Access((helm.path,), writes=(workspace.path,))
            command = Command("helm template", (helm.path, "template", "sets", "."), env, cwd=folder, access=access)
            result = run(command, context.deadline)
        if result.returncode != 0:
            raise _refusal(result.stderr.decode(errors="replace"), helm)
        _, *parts = _SOURCE.split(result.stdout.decode())
        return dict(zip(parts[::2], parts[1::2], strict=True))

    return render


def _refusal(stderr: str, helm: Tool) -> EngineError:
    """Name the template and the reason alone: the place would be one in the chart, and the call has the parameters."""
    blamed, reason = _BLAMED.search(stderr), _REASON.fullmatch(stderr.removesuffix(_ADVICE).strip())
    if not blamed or not reason:
        return EngineError(f"helm {helm.version} cannot evaluate the templates of ApplicationSets")
    return EngineError(" ".join(reason[1].split()), file=blamed[1])
