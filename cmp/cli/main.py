"""argv -> exit code: the only error boundary, the only writer of stdout.

`generate` and `parameters` never reach click: in the sidecar its import would cost more than our own work.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp import environ
from cmp.cli import Invocation, Output
from cmp.context import Context
from cmp.errors import CmpError, DeadlineError, Expired, InternalError, Interrupted, OutputError, UsageError
from cmp.secrets.redact import Redactor
from cmp.system import process, signals, workspace
from cmp.system.log import Log, Phases, warning_line
from cmp.system.process import Deadline
from cmp.system.tree import git_root
from cmp.system.visible import visible, visible_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_ERROR_BYTES = 4096  # the whole of stderr becomes the Application's status in Argo CD

COMPLETION_SECONDS = 3.0  # a person who waits longer for a key presses another one


class Run(NamedTuple):
    """The arguments of a run, and the redactor of all that it prints: known before any setting is read."""

    argv: Sequence[str]
    redactor: Redactor

    @property
    def is_for_argo_cd(self) -> bool:
        """Return whether an operator will read the errors, in the status of an Application."""
        return bool(self.argv) and self.argv[0] in ("generate", "parameters")

    @property
    def is_cached(self) -> bool:
        """Return whether Argo CD will keep an error and give it again, which it does with manifests."""
        return bool(self.argv) and self.argv[0] == "generate"


def main(argv: Sequence[str]) -> int:
    """Run one command; return its exit code.  Nothing reaches stdout unless everything succeeded."""
    workspace.harden()
    if not argv and (request := environ.completion_request()):
        return _complete(request)
    run = Run(argv[1:] if argv[:1] == ["--"] else argv, Redactor())
    try:
        signals.listen(partial(_last_word, run))
        _sweep(run)
        exit_code = _run(run)
        signals.ignore()  # there is nothing left to interrupt
    except Interrupted as interrupted:
        workspace.remove_left_behind()
        return _stopped(interrupted, run)
    return exit_code


def _complete(request: environ.CompletionRequest) -> int:
    """Answer a shell that waits for a key: with candidates, or with nothing, whatever is wrong or slow."""
    from cmp.cli import completion  # noqa: PLC0415  # only a shell asks for it

    with suppress(Exception, Interrupted):
        signals.expire_after(COMPLETION_SECONDS, grace=0)
        sys.stdout.buffer.write(completion.answer(request))
        sys.stdout.buffer.flush()
    return 0


def _sweep(run: Run) -> None:
    """Remove what killed runs left, before anything can fail: no wrong setting or argument keeps plaintext in place."""
    folders = environ.current_folders()
    workspace.sweep(folders.tmp)
    if not run.is_for_argo_cd:  # the sidecar installs no tools, and tidies its chart cache when it fills it
        from cmp.artifacts import cache, toolstore  # noqa: PLC0415  # no part of the sidecar's start-up

        toolstore.sweep(folders.tools)
        cache.ChartCache(folders.cache).sweep()


def _run(run: Run) -> int:
    try:
        output = _dispatch(run)
        signals.disarm()  # a person may read for as long as they like
        with signals.doing("while writing the output"):
            _write(output)
    except CmpError as error:
        return _fail(error, run)
    except Exception as error:  # noqa: BLE001  # the boundary: a bug is reported, never a traceback with values in it
        if environ.is_debugging():
            from traceback import format_exception  # noqa: PLC0415  # only a bug needs it

            _say(visible_text(run.redactor.mask("".join(format_exception(error)))))
        return _fail(InternalError.of(error), run)
    return output.exit_code


def _dispatch(run: Run) -> Output:
    if run.is_for_argo_cd:
        return _answer_argocd(run)
    from cmp.cli import commands  # noqa: PLC0415  # it imports click

    return commands.run(run.argv, _invocation(run.redactor, environ.PERSON_DEADLINE))


def _answer_argocd(run: Run) -> Output:
    """Answer Argo CD, which passes everything by the environment and the working directory."""
    name, *arguments = run.argv
    if arguments in (["--help"], ["-h"]):
        from cmp.cli import commands  # noqa: PLC0415  # a person asks

        return commands.run(run.argv, _invocation(run.redactor, environ.PERSON_DEADLINE))
    if arguments:
        raise UsageError(f"{name} takes no arguments", hint="it reads Argo CD's environment; try `cmp render`")
    invocation = _invocation(run.redactor, environ.SIDECAR_DEADLINE)
    if name == "parameters":
        from cmp.cli import parameters  # noqa: PLC0415  # each call imports its own module alone

        return parameters.run(invocation)
    from cmp.cli import generate  # noqa: PLC0415

    return generate.run(invocation)


def _invocation(redactor: Redactor, default_deadline: float) -> Invocation:
    environment = environ.current(default_deadline=default_deadline)
    settings = environment.settings
    signals.expire_after(settings.deadline)
    process.limit_memory(settings.child_memory)
    process.keep_memory_files_in(settings.tmp_dir)
    context = Context(
        settings=settings,
        deadline=Deadline(settings.deadline),
        redactor=redactor,
        log=Log(sys.stderr, redactor.mask),
        phases=Phases(),
        is_terminal=sys.stderr.isatty(),
    )
    _require_untracked(context)
    return Invocation(context, environment.build, environment.plugin, os.getcwd())


def _require_untracked(context: Context) -> None:
    """ConfigError where a commit could bring trusted files: our own folders belong outside of a checkout."""
    settings = context.settings
    own = {
        "CMP_CACHE_DIR": settings.cache_dir,
        "CMP_STATE_DIR": settings.state_dir,
        "CMP_TOOLS_DIR": settings.tools_dir,
    }
    inside = {name: folder for name, folder in own.items() if git_root(folder) or git_root(os.path.realpath(folder))}
    if inside:
        from cmp.repository import git  # noqa: PLC0415  # they are nearly always elsewhere

        git.require_untracked(inside, context)


def _write(output: Output) -> None:
    data = output.stdout
    if output.is_text:
        data = visible_text(data.decode(errors="surrogateescape")).encode()
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter would complain once more
        raise OutputError(f"cannot write the output: {error.strerror}", is_external=True) from None
    if output.summary:
        _say(f"{visible_text(output.summary)}\n")


def _last_word(run: Run, signum: int) -> None:
    """Name the running phase and close stdout and stderr: cmp-server reads them to the end, and soon gives up."""
    activity = signals.activity()
    phases = [index for index, what in enumerate(activity) if what.startswith("in phase ")]
    now = ", ".join(activity[phases[-1] if phases else 0 :])
    reference = f"(see operations.md#{DeadlineError.reference})" if run.is_for_argo_cd else ""
    line = " ".join(f"cmp: stopped by {signal.Signals(signum).name} {now} {reference}".split())
    with suppress(OSError):
        os.write(2, f"{visible(line)}\n".encode())  # sys.stderr may be in the middle of a write
    with open(os.devnull, "wb") as nothing:  # a closed descriptor's number would go to a pipe with plaintext
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)


def _stopped(interrupted: Interrupted, run: Run) -> int:
    if isinstance(interrupted, Expired):
        error = DeadlineError(f"the deadline of {interrupted.seconds:g} s passed", is_external=True)
        where = {"application": interrupted.application, "cluster": interrupted.cluster, "phase": interrupted.phase}
        return _fail(error.locate(**where), run)
    return interrupted.exit_code  # it has had its last word


def _fail(error: CmpError, run: Run) -> int:
    signals.disarm()
    lines = error.lines(for_operators=run.is_for_argo_cd, is_cached=run.is_cached, mask=run.redactor.mask)
    text = _shortened(visible_text("".join(f"{line}\n" for line in lines)))
    _say(text + _fitting(error.warnings, MAX_ERROR_BYTES - len(text.encode()), run.redactor))
    return error.exit_code


def _fitting(warnings: Iterable[str], room: int, redactor: Redactor) -> str:
    """Return the first warnings of a program that failed, as far as there is room for them below its error."""
    text = ""
    for warning in warnings:
        line = f"{visible_text(warning_line(warning, redactor.mask))}\n"
        if len((text + line).encode()) > room:
            break
        text += line
    return text


def _say(text: str) -> None:
    with suppress(OSError):  # stderr is closed: the exit code still tells
        sys.stderr.write(text)


def _shortened(text: str) -> str:
    """Keep the beginning, with the cause, and the last line, with the hint."""
    data = text.encode()
    if len(data) <= MAX_ERROR_BYTES:
        return text
    last = "  […]\n".encode() + data.splitlines(keepends=True)[-1][: MAX_ERROR_BYTES // 4]
    return (data[: MAX_ERROR_BYTES - len(last) - 1] + b"\n" + last).decode(errors="ignore")
