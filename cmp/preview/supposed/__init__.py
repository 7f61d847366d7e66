"""The tree of a revision with other versions, edited as a person would edit it; nothing of it is written.

asked.py      the texts of the options -> what is asked
edits.py      a tree, and the contents of the files that are other ones in it
versions.py   versions of Kubernetes in the inventory, and pins of tools
charts.py     versions of charts, wherever the repository names them
locks.py      Chart.lock and cmp.lock, which bind the versions of charts and tools
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.preview.supposed import charts, versions
from cmp.preview.supposed.asked import WhatIf
from cmp.preview.supposed.edits import Edits

if TYPE_CHECKING:
    from cmp.changes import Supposition
    from cmp.context import Context
    from cmp.repository.git import GitTree

__all__ = ["Supposed", "WhatIf", "suppose"]


class Supposed(NamedTuple):
    """A tree with other versions, the paths that differ in it, and what it was made for."""

    tree: GitTree
    changed: tuple[str, ...]
    suppositions: tuple[Supposition, ...]


def suppose(tree: GitTree, what_if: WhatIf, context: Context) -> Supposed:
    """Return a tree in which all that is asked for holds; UsageError or ConfigError where that changes nothing.

    A chart that cmp.lock binds is fetched, as its digest is not known before.
    """
    edits = Edits(tree)
    suppositions = [
        *versions.kubernetes(edits, what_if.kube_versions),
        *(versions.tool(edits, pin, context) for pin in what_if.pins),
        *(charts.chart(edits, asked, context) for asked in what_if.charts),
    ]
    return Supposed(edits.edited, tuple(sorted(edits.files)), tuple(suppositions))
