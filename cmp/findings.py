"""Findings on rendered objects, as values: made by `checks`, read by `preview`, `batch` and the views in `report`.

The names and the docstrings of the classes are part of formats: JSON Schemas have them as names and descriptions.
"""

# Without `from __future__ import annotations`: see model.py.
from typing import Literal, NamedTuple

from cmp.model import Identity

Level = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """A reason for which a cluster refuses an object, or a policy denies it, or a later version of Kubernetes will.

    `rule` names the kind of finding, `level` how much it matters: an `error` is refused today, a `warning` is taken, a
    `note` is only counted.  `path` leads to the field: keys as they are, items of lists by their position as `[0]`;
    empty for the object as a whole.  `message` is a sentence's end whose subject is the field or the object; its texts
    are masked.  `source` is the file of the repository or template that the object comes from, `file` and `line` those
    of its cause, where it is known (0: unknown).
    """

    rule: str
    level: Level
    api_version: str
    identity: Identity
    path: tuple[str, ...]
    message: str
    source: str = ""
    file: str = ""
    line: int = 0


class Unjudged(NamedTuple):
    """Something of rendered objects that nothing here judges, how many times: `what` is a noun with the reason."""

    what: str
    times: int
