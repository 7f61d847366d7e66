"""What a chart asks for, as its files have it: without a judgement, so that what is wrong with one hides no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = ("Chart.yaml", "requirements.yaml")
LOCAL = "file://"
ALIASES = ("@", "alias:")  # how the alias of a repository begins


class Asked(NamedTuple):
    """One entry of `dependencies`; what is missing is empty."""

    repository: str
    name: str
    constraint: str

    @property
    def folder(self) -> str | None:
        """The path, from the chart that asks, of a chart in the same tree; None for one of a repository."""
        return self.repository.removeprefix(LOCAL) if self.repository.startswith(LOCAL) else None


def read(data: bytes) -> Iterator[Asked]:
    """Yield what a file asks for; nothing of one that is not understood, which whoever renders the chart says."""
    try:
        documents = yamldoc.load_all(data)[:1]
    except yamldoc.YamlError:
        return
    for value in documents:
        entries = value.get("dependencies") if isinstance(value, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                yield Asked(*(str(entry.get(key) or "") for key in ("repository", "name", "version")))
