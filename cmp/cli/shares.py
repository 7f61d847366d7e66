"""The runs of `cmp diff` that share one comparison: a plan, a part for each share of it, and the merge of the parts."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import click
from click.core import ParameterSource

from cmp import environ
from cmp.cli import Output, for_people, what_if
from cmp.cli.io import MOST_JOBS, content, table
from cmp.cli.revisions import AGAINST
from cmp.errors import UsageError
from cmp.preview import diff, parts, sealed, shares
from cmp.preview.children import name_of
from cmp.preview.parts import KEY_HINT, PART, PairResult, Part
from cmp.preview.shares import PLAN, CloneOption, FileOption, Options, Plan
from cmp.preview.supposed import WhatIf
from cmp.report.document import plural
from cmp.system import files
from cmp.system.urls import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from cmp.cli import Invocation
    from cmp.cli.live_options import Live
    from cmp.cli.revisions import Revisions, Sides
    from cmp.preview.comparison import Comparison
    from cmp.preview.identity import PairId

    Bar = Callable[[int], AbstractContextManager[Callable[[], object]]]

MATRIX = "matrix"
WORK_TREE = "is_work"
OF_REPORT = ("output_format", "compact", "show_noise", "scope", "limit", "fail_on", "max_clusters", "is_lenient")
SAME_HINT = "leave it out: base, head and the other options are those of the plan"


class Asked(NamedTuple):
    """A comparison that the command line asks for, or a plan: which trees, and how they are rendered."""

    revisions: Revisions
    is_keyless: bool
    against: str
    live: Live
    what_if: WhatIf = WhatIf()
    plan: Plan | None = None

    @contextmanager
    def compared(self, invocation: Invocation) -> Iterator[tuple[Sides, Comparison]]:
        """Read and compare both trees; UsageError where that is not the comparison of the plan."""
        alone = AGAINST if self.against else next(iter(self.what_if.options), "")
        with self.revisions.opened(invocation, alone=alone) as opened:
            sides = self._of_one_revision(opened, invocation) if alone else opened
            if self.live.is_asked:
                comparison, before = self.live.comparison(self.revisions, sides, invocation)
                yield sides._replace(before=before), comparison
                return
            compare = self.revisions.migration if self.against else self.revisions.compared
            if self.plan is None:
                yield sides, compare(sides, invocation)
                return
            planned = _as_planned(sides, self.plan)
            comparison = compare(planned, invocation)
            shares.require_same(self.plan, comparison)
            yield planned, comparison

    def _of_one_revision(self, sides: Sides, invocation: Invocation) -> Sides:
        """Tell both sides of one revision apart: by who renders them, or by the versions that the newer one has."""
        if not self.against:
            return what_if.supposed(sides, self.what_if, invocation)
        before, after = sides.before, sides.after
        return sides._replace(
            before=before._replace(name="the Applications as they are"), after=after._replace(name="the plugin")
        )

    def task(
        self, invocation: Invocation, sides: Sides, comparison: Comparison, *, jobs: int, step: Callable[[], object]
    ) -> diff.Task:
        """Return what is rendered."""
        return diff.Task(
            comparison=comparison,
            base=sides.before,
            head=sides.after,
            jobs=jobs,
            options=self.revisions.render_options(comparison, invocation.context, is_keyless=self.is_keyless),
            progress=step,
            suppositions=sides.suppositions,
        )


def of_plan(asked: Asked, plan: Plan, invocation: Invocation, place: str) -> Asked:
    """Return what a plan asks for; UsageError where the command line says otherwise."""
    given = _options(asked, invocation)
    for name, option in _given():
        if name == WORK_TREE:
            raise UsageError(f"{option}: a plan compares commits", file=place, hint=SAME_HINT)
        if name in Options._fields and _comparable(given, name) != _comparable(plan.options, name):
            was = "with another value" if getattr(plan.options, name) else "without it"
            raise UsageError(f"{option}: the plan was made {was}", file=place, hint=SAME_HINT)
    options = plan.options
    folders = given.repositories or options.repositories
    supposed = WhatIf.of(options.kube_versions, options.pins, options.charts)
    is_alone = bool(options.against or supposed.options)
    revisions = asked.revisions._replace(
        base="" if is_alone else plan.base.commit,
        head=plan.head.commit,
        is_exact=not is_alone,
        is_work=False,
        applications=tuple(one.name for one in options.applications),
        repository_urls=options.repository_urls,
        repositories=tuple(f"{one.url}={one.folder}" for one in folders),
        is_untrusted=options.is_untrusted,
        max_applications=options.max_applications,
        is_checked=options.is_checked,
    )
    planned = asked._replace(
        revisions=revisions, is_keyless=options.is_keyless, against=options.against, what_if=supposed, plan=plan
    )
    for now, then in zip(_options(planned, invocation).applications, options.applications, strict=True):
        if now != then:
            raise UsageError(f"--applications {then.name}: the file is another one than for the plan", file=place)
    return planned


def write_plan(
    asked: Asked, invocation: Invocation, *, count: int, path: str, weights: Sequence[str], is_matrix: bool
) -> Output:
    """Deal the pairs out to shares, write the plan, and show its shares as a table or as the matrix of a CI job."""
    _require_no_report(PLAN, "output_format")
    if asked.revisions.is_work:
        raise UsageError("--work-tree: files that are not committed cannot be compared in shares", hint="commit them")
    sealed.require_writable(path, PLAN)
    seconds: dict[PairId, float] = {}
    for name in weights:
        seconds |= parts.seconds(os.path.join(invocation.cwd, name))
    with asked.compared(invocation) as (sides, comparison):
        plan = Plan(
            folder=sides.head.prefix,
            base=sides.before,
            head=sides.after,
            trunk=sides.trunk,
            remotes=tuple(map(shown, sides.remotes)),
            options=_options(asked, invocation),
            shares=shares.shares(comparison, count, seconds),
            printed=shares.outputs(comparison),
        )
        sealed_files = len({*shares.with_secrets(comparison)})
        is_timed = any(key in seconds for key in plan.pairs)
        unknown = len(comparison.unknown) + len(comparison.failures)
    indexes = shares.filled(plan)
    if is_matrix and len(indexes) > MOST_JOBS:
        raise UsageError(f"--plan {count}: a matrix has at most {MOST_JOBS} jobs", hint=f"--plan {MOST_JOBS}")
    sealed.write(path, PLAN, plan)
    if is_matrix:
        return Output(f"{shares.matrix(indexes)}\n".encode())
    lines = [*table([*shares.rows(plan, is_timed=is_timed)])]
    lines.append(f"{plural(len(plan.pairs), 'pair')} in {plural(count, 'share')}")
    if sealed_files and not (asked.is_keyless or asked.revisions.is_untrusted):
        lines.append(f"{plural(sealed_files, 'pair')} with encrypted files: shares and merge need {environ.REPORT_KEY}")
    if unknown:
        lines.append(f"{plural(unknown, 'failure')} of Applications that are not known: the merge reports them")
    return for_people(lines)


def write_part(
    asked: Asked, invocation: Invocation, *, plan_name: str, index: int, path: str, jobs: int, bar: Bar
) -> Output:
    """Render the pairs of a share of a plan, and write its part."""
    _require_no_report(PART)
    plan = sealed.read(os.path.join(invocation.cwd, plan_name), PLAN, Plan)
    asked = of_plan(asked, plan, invocation, plan_name)
    share = plan.share(index, plan_name)
    sealed.require_writable(path, PART)
    key = environ.report_key()
    with asked.compared(invocation) as (sides, comparison):
        if key is None and not (asked.is_keyless or asked.revisions.is_untrusted):
            _require_no_secrets(comparison)
        pairs = shares.touched(comparison, share)
        with bar(len(pairs)) as step:
            task = asked.task(invocation, sides, comparison, jobs=jobs, step=step)
            worker = diff.worker_of(task, invocation.context, _tokens(key, plan))
            results = diff.rendered(task, worker, pairs)
    by_pair = dict(zip((pair.key for pair in pairs), results, strict=True))
    part = Part(index, plan, tuple(PairResult(pair.id, by_pair[pair.id]) for pair in share.pairs))
    if key is None:
        parts.require_no_tokens(part)
    sealed.write(path, PART, part, parts.seal_key(key))
    rendered = plural(len(pairs), "pair")
    summary = f"cmp: share {index} of 0 to {len(plan.shares) - 1}, {rendered}, {invocation.context.phases.total:.1f} s"
    return Output(summary=summary)


def merged(asked: Asked, invocation: Invocation, plan: Plan, loaded: Sequence[Part], *, jobs: int) -> diff.Result:
    """Return the report of all parts of a plan; some pairs are rendered once more, for the causes of their changes."""
    with asked.compared(invocation) as (sides, comparison):
        task = asked.task(invocation, sides, comparison, jobs=jobs, step=lambda: None)
        worker = diff.worker_of(task, invocation.context, _tokens(environ.report_key(), plan))
        return diff.assembled(task, worker, parts.results(loaded, diff.affected_pairs(comparison)))


def read_parts(names: Sequence[str], invocation: Invocation) -> list[Part]:
    """Return the parts of one plan, whole; UsageError for others."""
    if not names:
        raise UsageError("--merge: name the parts", hint="cmp diff --merge part-*.json")
    return parts.read([os.path.join(invocation.cwd, name) for name in names], environ.report_key())


def _tokens(key: bytes | None, plan: Plan) -> bytes:
    """Return the key of tokens; without one of the runs, tokens are in no part, and any key serves."""
    return parts.token_key(key, plan) if key else os.urandom(diff.KEY_BYTES)


def _require_no_secrets(comparison: Comparison) -> None:
    if found := shares.with_secrets(comparison):
        raise UsageError(
            f"{environ.REPORT_KEY} is not set, and {name_of(found[0])} has encrypted files: "
            "its secrets are compared by tokens",
            hint=f"{KEY_HINT}; --keyless at the plan decrypts nothing",
        )


def _as_planned(sides: Sides, plan: Plan) -> Sides:
    """Return both trees with what the plan says of them; UsageError for another folder of the repository."""
    if plan.folder != sides.head.prefix:
        raise UsageError(
            f"the plan is of the folder {plan.folder or '.'} of the repository, this is {sides.head.prefix or '.'}",
            hint="run it in the same folder",
        )
    return sides._replace(
        before=plan.base, after=plan.head, trunk=plan.trunk, remotes=plan.remotes, printed=plan.known_outputs
    )


def _require_no_report(kind: str, *besides: str) -> None:
    """UsageError for an option of the report, which would have no effect."""
    for name, option in _given():
        if name in OF_REPORT and name not in besides:
            raise UsageError(f"{option}: a {kind} is no report", hint="give it to --merge, which makes the report")


def _given() -> Iterator[tuple[str, str]]:
    """Yield the options of the command line, each as the name of its parameter and as it is written."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = parameter.name or ""
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            yield name, parameter.opts[0]


def _options(asked: Asked, invocation: Invocation) -> Options:
    """Return the options as a plan has them: no credentials, and of files the digest."""
    revisions = asked.revisions
    lists = (
        FileOption(name, files.sha256(content(name, invocation.cwd, "the Applications")))
        for name in revisions.applications
    )
    clones = (text.rpartition("=") for text in revisions.repositories)
    return Options(
        base=revisions.base,
        head=revisions.head,
        is_exact=revisions.is_exact,
        is_keyless=asked.is_keyless,
        is_untrusted=revisions.is_untrusted,
        max_applications=revisions.max_applications,
        is_checked=revisions.is_checked,
        against=asked.against,
        kube_versions=tuple(one.text for one in asked.what_if.kube_versions),
        pins=tuple(one.text for one in asked.what_if.pins),
        charts=tuple(one.text for one in asked.what_if.charts),
        applications=tuple(lists),
        repository_urls=tuple(map(shown, revisions.repository_urls)),
        repositories=tuple(CloneOption(shown(url), folder) for url, _, folder in clones),
    )


def _comparable(options: Options, name: str) -> object:
    """Return an option's value as far as it counts: a clone may lie elsewhere on another machine."""
    return [one.url for one in options.repositories] if name == "repositories" else getattr(options, name)
