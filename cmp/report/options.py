"""What a reader may ask of a view."""

# Without `from __future__ import annotations`: see model.py.
from typing import NamedTuple


class Options(NamedTuple):
    """Each view reads what concerns it.

    `color` is for a terminal.  `show_noise` lists what rules folded.  `compact` shows paths and values instead of YAML.
    A Markdown comment has at most `limit` characters (1,000 or more), 65,536 being what GitHub takes; `scope` tells it
    from other comments.  `reproduce` is a command in which `{base}` and `{head}` stand for the commits.
    """

    color: bool = False
    show_noise: bool = False
    compact: bool = False
    limit: int = 60_000
    scope: str = "default"
    reproduce: str = "cmp diff --base {base} --head {head}"
