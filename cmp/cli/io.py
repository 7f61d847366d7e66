"""Input and output that commands share: files of the command line, JSON, tables, errors, progress bars."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from cmp.cli import Output
from cmp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from cmp.errors import CmpError

STDIN = "-"
MOST_JOBS = 256  # that GitHub takes for one matrix


def example(*lines: str) -> str:
    """Return the end of a command's help: a command line that works in examples/monorepo."""
    return "\n".join(("\b", "Example:", *(f"  {line}" for line in lines)))


def content(file: str, cwd: str, noun: str) -> bytes:
    """Return the content of a file; UsageError, which calls the file `noun`, where it cannot be read."""
    try:
        with open(os.path.join(cwd, file), "rb") as opened:
            return opened.read()
    except OSError as error:
        raise UsageError(f"cannot read {noun}: {error.strerror}", file=file) from None


def content_or_stdin(file: str, cwd: str, noun: str) -> tuple[bytes, str]:
    """Return the content of a file, or for `-` of stdin, and the name of either for messages."""
    return (sys.stdin.buffer.read(), "stdin") if file == STDIN else (content(file, cwd, noun), file)


def format_and_file(text: str, formats: Collection[str], cwd: str) -> tuple[str, str]:
    """Return the format and the path that a value of `--output` names; UsageError for another text or format."""
    kind, equals, path = text.partition("=")
    if not equals or not path or kind not in formats:
        raise UsageError(f"--output {text}: expected FORMAT=FILE", hint=f"the formats are {', '.join(formats)}")
    return kind, os.path.join(cwd, path)


def write_text(path: str, text: str, noun: str) -> None:
    """Write a file that the command line names; UsageError, which calls its content `noun`, where that fails."""
    try:
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {noun}: {error.strerror}", file=path) from None


def as_json(value: object, exit_code: int = 0, summary: str = "", *, is_ascii: bool = False) -> Output:
    """Return indented JSON for a program; with `is_ascii` other characters are escaped."""
    return Output(json.dumps(value, indent=2, ensure_ascii=is_ascii).encode() + b"\n", exit_code, summary)


def table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table whose columns are as wide as their longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def error_line(error: CmpError) -> str:
    """Return an error as a cell of a table."""
    return f"error: {' '.join(error.what.split())}"


def error_record(error: CmpError) -> dict[str, str]:
    """Return an error as JSON shows it."""
    return {"what": error.what, "where": error.file, "hint": error.hint}


@contextmanager
def progress_bar(label: str, length: int) -> Iterator[Callable[[int], object]]:
    """Show a progress bar on stderr; it advances by each number of steps that the caller reports."""
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update
