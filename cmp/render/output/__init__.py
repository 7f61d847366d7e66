"""The guard on stdout: what an engine printed becomes checked manifests, or one error that names every mistake.

    stream.py     bytes -> pieces, cut where Argo CD cuts
    objects.py    what one document must be
    guard.py      pieces -> manifests
    rendered.py   the result, and the findings against it

What passes is read by Argo CD as exactly the values that were checked: tests ask the real Go decoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.errors import OutputError
from cmp.render.output.guard import Guard
from cmp.render.output.rendered import Files, Manifest, Rendered, refusal
from cmp.render.output.stream import split

if TYPE_CHECKING:
    import re

    from cmp.model import OutputRules

__all__ = ["Manifest", "Rendered", "check"]


def check(
    data: bytes,
    rules: OutputRules,
    noise: tuple[re.Pattern[str], ...],
    engine: str,
    begun: tuple[tuple[int, str], ...] = (),
) -> Rendered:
    """Return what may reach Argo CD, each object with its text as the engine wrote it; OutputError for the rest.

    `noise` are the lines that `engine` is known to print before its first document: they are left out, and noted.
    `begun` are the files that were printed as they lie in the repository, each with the line where its text begins.
    """
    files = Files(begun)
    stream = split(data, noise, files)
    guard = Guard(rules, files)
    guard.notes.extend(f"{engine} printed before the first document: {line}" for line in stream.noise)
    for piece in stream.pieces:
        guard.admit(piece)
    if guard.findings:
        raise refusal(sorted(guard.findings), engine, files)
    if not guard.manifests and not rules.allow_empty:
        raise OutputError(
            f"{engine} printed no object: Argo CD could prune the whole application",
            hint="if this is meant, `output: {allowEmpty: true}` in cmp-app.yaml accepts it",
        )
    return Rendered(tuple(guard.manifests), tuple(guard.notes))
