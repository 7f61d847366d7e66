"""The errors that a user can meet, each with its exit code.

    CmpError                     reference: product specification, "Errors"
    ├── UsageError        2      the command line is wrong
    ├── ConfigError       3      cmp.yaml, cmp-app.yaml, the layout, the parameters or the policy
    ├── ToolError         4      a pinned program is missing, damaged or cannot do what is asked
    ├── ChartError        5      a chart dependency, or a remote base, cannot be resolved, fetched or verified
    ├── SecretError       6      a SOPS file cannot be decrypted, or is not encrypted
    ├── EngineError       7      helm (or another engine) refused the input
    ├── OutputError       8      what the engine printed must not reach Argo CD
    ├── DeadlineError     9      the time was up
    ├── InternalError    70      a bug in cmp
    └── KilledError     137      the renderer of the sidecar was killed
    Interrupted      128 + n     a signal; not an Exception, so that no handler of errors swallows it
    └── Expired           9      the alarm of the deadline

An error is three lines: the problem, its place, a hint; in the sidecar the last one also names the section of
docs/operations.md (its `reference`).  The innermost frame knows file and line, the pipeline knows application, cluster
and phase; `locate` adds the latter on the way up.
"""

from __future__ import annotations

from signal import SIGALRM
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cmp.model import Problem

MAX_NAMED = 3  # of many in a sentence, as a reader takes in
CACHED_HINT = "Argo CD keeps this error cached until a hard refresh"


class Located:
    """An exception with the application, the cluster and the phase of the render that it left."""

    application = ""
    cluster = ""
    phase = ""

    def locate(self, *, application: str = "", cluster: str = "", phase: str = "") -> Self:
        """Add the place that the pipeline knows; values of an inner frame stay."""
        self.application = self.application or application
        self.cluster = self.cluster or cluster
        self.phase = self.phase or phase
        return self


class CmpError(Located, Exception):
    """A problem, its place and a hint; no decrypted value is in it that the redactor does not know.

    The `hint` is never masked: it has fixed words and names (files, options, versions, recipients); the words of a
    program, or a value of an input, are in `what`.

    `file` is a root-relative path, with `:line` or `:line:column` where known.  With `is_external` the repository is
    not at fault (a network, a store, a key is), so that a retry without a new commit can succeed.  `warnings` are those
    that a program wrote before its error: they are printed as on success, below the error.
    """

    exit_code: ClassVar[int]
    reference: ClassVar[str]

    def __init__(
        self, what: str, *, file: str = "", hint: str = "", is_external: bool = False, warnings: Iterable[str] = ()
    ) -> None:
        super().__init__(what)
        self.what = what
        self.file = file
        self.hint = hint
        self.is_external = is_external
        self.warnings = tuple(warnings)

    def lines(
        self,
        *,
        for_operators: bool = False,
        is_cached: bool = False,
        with_pair: bool = True,
        mask: Callable[[str], str] = str,
    ) -> list[str]:
        """Return the printed lines of the error, without newlines; operators get a reference.

        With `is_cached` (Argo CD keeps the errors of `cmp generate`) an external error says so: no commit ends it.
        Without `with_pair` application and cluster are left out, so that the same error of several pairs is equal.
        """
        subject = f"application {self.application}" if self.application and with_pair else ""
        cluster = f"cluster {self.cluster}" if self.cluster and with_pair else ""
        phase = f"phase {self.phase}" if self.phase else ""
        where = ", ".join(part for part in (subject, cluster, phase, self.file) if part)
        hints = [self.hint] if self.hint else []
        if self.is_external and is_cached:
            hints.append(CACHED_HINT)
        if for_operators:
            hints.append(f"see operations.md#{self.reference}")
        return [
            f"cmp: {mask(self.what)}",
            *([f"  where: {mask(where)}"] if where else []),
            *([f"  hint: {'; '.join(hints)}"] if hints else []),
        ]


class UsageError(CmpError):
    exit_code, reference = 2, "usage"


class ConfigError(CmpError):
    exit_code, reference = 3, "configuration"

    @classmethod
    def of(cls, problems: Iterable[Problem], *, hint: str = "") -> Self:
        """Report all mistakes of the configuration at once, in the order of files and lines."""
        mistakes = sorted(set(problems))
        if len(mistakes) == 1:
            return cls(mistakes[0].message, file=mistakes[0].place, hint=hint)
        listed = "".join(f"\n  {mistake.place}: {mistake.message}" for mistake in mistakes)
        return cls(f"{len(mistakes)} mistakes in the configuration{listed}", hint=hint)


class ToolError(CmpError):
    exit_code, reference = 4, "tools"


class ChartError(CmpError):
    exit_code, reference = 5, "charts"


class SecretError(CmpError):
    exit_code, reference = 6, "secrets"


class EngineError(CmpError):
    exit_code, reference = 7, "engine"


class OutputError(CmpError):
    exit_code, reference = 8, "output"


class DeadlineError(CmpError):
    exit_code, reference = 9, "deadline"


class InternalError(CmpError):
    exit_code, reference = 70, "bug"

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Describe a bug by the last frames of its traceback, without its message, which may hold values."""
        frames = []
        trace = error.__traceback__
        while trace:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        return cls(
            f"internal error: {type(error).__name__} at {' > '.join(frames[-4:])}",
            hint="this is a bug in cmp: please report the line above and the version of cmp",
        )


class KilledError(CmpError):
    exit_code, reference = 137, "killed"


class Interrupted(Located, BaseException):
    """A signal asked the program to stop; `exit_code` is 128 plus its number."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
        self.exit_code = 128 + signum


class Expired(Interrupted):
    """The deadline of so many seconds passed, but not in a wait for a child (that is a DeadlineError)."""

    def __init__(self, seconds: float) -> None:
        super().__init__(SIGALRM)
        self.seconds = seconds
        self.exit_code = DeadlineError.exit_code


MAX_SUGGESTED = 20


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the hint for an unknown name: the nearest known name, or all of them (the first 20)."""
    from difflib import get_close_matches  # noqa: PLC0415  # only for a mistake

    names = sorted(known)
    if near := get_close_matches(name, names, n=1):
        return f"did you mean `{near[0]}`?"
    return f"known here: {with_ellipsis(names, MAX_SUGGESTED)}"


def and_more(names: Sequence[str], at_most: int = MAX_NAMED, separator: str = ", ") -> str:
    """Return the first names of a list and the number of the others, as in `a, b and 3 more`."""
    others = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return separator.join(names[:at_most]) + others


def with_ellipsis(names: Sequence[str], at_most: int) -> str:
    """Return the first names of a list, with an ellipsis for the others: `a, b, …`; `none` for an empty list."""
    others = ["…"] if len(names) > at_most else []
    return ", ".join([*names[:at_most], *others]) or "none"
