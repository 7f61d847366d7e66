"""What a render gives, and what the guard found against it."""

from __future__ import annotations

from bisect import bisect
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LISTED = 5  # the first mistake is often the cause of the others
HEADER_LINES = 2  # above the text of a file: a separator, and the comment with its name


class Files(NamedTuple):
    """What was printed as it lies in the repository: each file with the line of the output where its text begins.

    There are none in what a program printed: only its comments tell where an object comes from.
    """

    begun: tuple[tuple[int, str], ...] = ()

    def name(self, line: int) -> str:
        """Return the file whose text, or whose comment above it, stands in this line of the output."""
        return self._around(line)[1]

    def place(self, line: int, source: str) -> str:
        """Return where a line of the output comes from; `source` is the file, or what a comment says."""
        start, name = self._around(line)
        if source and name != source:  # a document's end is the beginning of the next file
            start, name = self._around(start - HEADER_LINES - 1)
        if name:
            return f"{name}:{max(1, line - start + 1)}"
        return ", ".join(part for part in (source, f"line {line} of the output") if part)

    def _around(self, line: int) -> tuple[int, str]:
        after = bisect(self.begun, line + HEADER_LINES, key=itemgetter(0))
        return self.begun[after - 1] if after else (0, "")


class Manifest(NamedTuple):
    """One checked object: its text starts with a `---` line and ends with a newline.

    `name` is `metadata.generateName` where that stands in its place, `source` the template's file as Helm names it.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    text: str
    value: object
    source: str


class Rendered(NamedTuple):
    """All objects of one render in the engine's order; `notes` are warnings for stderr."""

    manifests: tuple[Manifest, ...]
    notes: tuple[str, ...]

    @property
    def text(self) -> bytes:
        """The YAML stream for Argo CD."""
        return "".join(manifest.text for manifest in self.manifests).encode()

    def json_lines(self) -> bytes:
        """Return one JSON object a line, keys sorted, numbers as Go prints them."""
        return "".join(f"{yamldoc.to_json(manifest.value)}\n" for manifest in self.manifests).encode()


class Finding(NamedTuple):
    """A reason to refuse the output.  `lifted_by` is the key of `output` that accepts it, empty when none does.

    `line` counts from 1 in what the engine printed; `subject` names the object as far as it is known.
    """

    line: int
    subject: str
    source: str
    message: str
    lifted_by: str = ""


def refusal(findings: Sequence[Finding], engine: str, files: Files) -> OutputError:
    """Return one error for all findings: the first few in full, then how many more there are."""
    places = [files.place(finding.line, finding.source) for finding in findings]
    switches = sorted({finding.lifted_by for finding in findings} - {""})
    listed = ", ".join(f"{switch}: true" for switch in switches)
    hint = f"if this is meant, `output: {{{listed}}}` in cmp-app.yaml accepts it" if switches else ""
    first, *others = findings
    if not others:
        return OutputError(f"{first.subject}: {first.message}", file=places[0], hint=hint)
    lines = [
        f"\n  {place}: {finding.subject}: {finding.message}"
        for place, finding in zip(places[:MAX_LISTED], findings[:MAX_LISTED], strict=True)
    ]
    if len(findings) > MAX_LISTED:
        lines.append(f"\n  and {len(findings) - MAX_LISTED} more")
    return OutputError(f"{len(findings)} mistakes in what {engine} printed{''.join(lines)}", hint=hint)
