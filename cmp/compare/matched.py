"""The two sides of one object, as pairing found them."""

# Without `from __future__ import annotations`: see model.py.
from typing import NamedTuple

from cmp.changes import Object


class Matched(NamedTuple):
    """An object before and after; None on the side where there is none, never on both."""

    before: Object | None
    after: Object | None

    @property
    def newest(self) -> Object:
        """The object as it will be or, where removed, as it was."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a pair has at least one side")
        return found
