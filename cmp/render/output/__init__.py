"""The guard on stdout: what an engine printed becomes checked manifests, or one error that names every mistake.

    stream.py     bytes -> pieces, cut where Argo CD cuts
    objects.py    the requirements of one document, and the findings against it
    guard.py      pieces -> manifests

What passes is read by Argo CD as exactly the values that were checked: tests ask the real Go decoder.
"""

from __future__ import annotations

from cmp.render.output.guard import CheckedOutput, Manifest, check
from cmp.render.output.stream import FileStarts

__all__ = ["CheckedOutput", "FileStarts", "Manifest", "check"]
