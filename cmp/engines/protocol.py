"""What every engine module offers, and the values that pass between it and the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    from cmp.model import Instance, Option, Tool
    from cmp.proc import Feed, Nursery


class Work(NamedTuple):
    """Where and with what an engine renders.

    `folder` is the private copy of the instance's folder, `home` an empty private folder for the program's own files.
    `layers` pairs each values layer's name with the feed of its plaintext, weakest first.  `gate` is an empty layer,
    weaker than all, that can be read once everything else is in place.
    """

    folder: str
    home: str
    tools: Mapping[str, Tool]
    gate: Feed
    layers: tuple[tuple[str, Feed], ...]
    env: Mapping[str, str]


class Printed(NamedTuple):
    """What an engine's program printed: manifests, and warnings that are worth a reader's time."""

    manifests: bytes
    warnings: tuple[str, ...]


class Engine(Protocol):
    """The shape of an engine module.

    `MARKERS` are the file names that choose it, `CLAIMS` the patterns of files in a folder that belong to it, `OPTIONS`
    its keys in cmp.yaml and cmp-app.yaml, `NOISE` the lines it may print before the first document.
    """

    NAME: str
    TOOL: str
    MARKERS: tuple[str, ...]
    CLAIMS: tuple[str, ...]
    OPTIONS: tuple[Option, ...]
    NOISE: tuple[re.Pattern[str], ...]

    def needs(self, instance: Instance) -> tuple[str, ...]:
        """Return the folders of the charts whose dependencies must be in place, from the instance alone."""

    def start(self, instance: Instance, work: Work, nursery: Nursery) -> Callable[[], Printed]:
        """Start the program, and return what waits for it; that raises EngineError when the program refuses.

        Charts and encrypted files are in place only when the gate is open: a program that cannot wait for it is started
        by what is returned.
        """
