"""Faults of servers, by the words of the program that asked them: their meaning, and their errors.

helm and git have one exit code for every fault, so that the texts of a table decide, nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ChartError
from cmp.system import retry

if TYPE_CHECKING:
    from collections.abc import Iterable


class Fault(NamedTuple):
    """A kind of failure: a transient one is worth another try, an external one is not the mistake of the repository."""

    meaning: str
    hint: str = ""
    is_transient: bool = False
    is_external: bool = True

    def error(self, subject: str, text: str, place: str) -> ChartError:
        """Make the error for `subject` with the words of a program or a server."""
        tries = f" ({retry.TRIES} tries)" if self.is_transient else ""
        what = f"{subject}: {self.meaning}{tries}: {text}"
        return ChartError(what, file=place, hint=self.hint, is_external=self.is_external)


def classify(text: str, table: Iterable[tuple[str, Fault]], unknown: Fault) -> Fault:
    """Return the fault of the first pattern found in a text; URLs do not count, for they may contain anything."""
    bare = re.sub(r"\w+://\S+", "", text)
    return next((fault for pattern, fault in table if re.search(pattern, bare)), unknown)
