"""What a render gives, and what the guard found against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LISTED = 5  # the first mistake is often the cause of the others


class Identity(NamedTuple):
    """What makes two objects the same one to Kubernetes; the version of the group does not."""

    group: str
    kind: str
    namespace: str
    name: str


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

    @property
    def place(self) -> str:
        """Where the mistake is, for a reader who has the templates and can run the engine."""
        return ", ".join(part for part in (self.source, f"line {self.line} of the output") if part)


def refusal(findings: Sequence[Finding], engine: str) -> OutputError:
    """Return one error for all findings: the first few in full, then how many more there are."""
    switches = sorted({finding.lifted_by for finding in findings} - {""})
    listed = ", ".join(f"{switch}: true" for switch in switches)
    hint = f"if this is meant, `output: {{{listed}}}` in cmp-app.yaml accepts it" if switches else ""
    first, *others = findings
    if not others:
        return OutputError(f"{first.subject}: {first.message}", file=first.place, hint=hint)
    lines = [f"\n  {finding.place}: {finding.subject}: {finding.message}" for finding in findings[:MAX_LISTED]]
    if len(findings) > MAX_LISTED:
        lines.append(f"\n  and {len(findings) - MAX_LISTED} more")
    return OutputError(f"{len(findings)} mistakes in what {engine} printed{''.join(lines)}", hint=hint)
