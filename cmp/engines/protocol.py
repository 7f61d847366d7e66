"""What every engine module offers, and the values that pass between it and the pipeline."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence

    from cmp.confine import Sight
    from cmp.model import ChartRef, Instance, Tool, ToolPin
    from cmp.proc import Feed, Nursery
    from cmp.tree import Tree

NO_FILES: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Needs(NamedTuple):
    """What must be there before an engine's program runs, as the repository tells it: nothing is fetched or decrypted.

    `tools` maps the name that the engine has for a program to its pin.  `charts` are chart folders (inside the built
    one) whose dependencies are put into charts/ of their private copy.  `files` are what the program reads and may be
    encrypted, each with the folders that must be private copies if it is: those through which the program comes to it.
    `copies` are folders that must be private copies anyway: the engine writes into them.  With `sees_tree` the program
    sees the whole tree around its folder, else its folder alone.  `takes` says how it reads the values layers: through
    `PIPES`, from private `FILES`, or, when empty, not at all.
    """

    tools: Mapping[str, ToolPin]
    charts: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = NO_FILES
    copies: tuple[str, ...] = ()
    sees_tree: bool = False
    takes: str = ""


PIPES, FILES = "pipes", "files"


class ChartFile(NamedTuple):
    """An obtained chart: the absolute path of its verified archive in the private folder, and what it is."""

    path: str
    name: str
    version: str


class Supply(Protocol):
    """What an engine may ask for while it works, where only its program could tell that it is needed.

    The administrator's policy is asked first, each time; a ConfigError says that it does not allow something.
    """

    def charts(self, wanted: Sequence[ChartRef]) -> list[ChartFile]:
        """Return the charts in the same order, from the cache or over the network; raises ChartError."""


class Work(NamedTuple):
    """Where and with what an engine renders.

    `folder` is the private copy of the instance's folder; `root` that of the tree around it (links to what is no copy),
    and empty for an engine that does not see it.  `home` is an empty private folder for the program's own files, and
    `scratch` one for the engine's.  `layers` pairs each values layer's name with the feed of its plaintext, weakest
    first; `layer_files` with the path of a private file, for an engine that takes them so.  `gate` is an empty layer,
    weaker than all, that can be read once everything else is in place.  `sight` is what programs may be kept to: the
    private folder, the tree, and the tools.
    """

    folder: str
    root: str
    home: str
    scratch: str
    tools: Mapping[str, Tool]
    gate: Feed
    layers: tuple[tuple[str, Feed], ...]
    layer_files: tuple[tuple[str, str], ...]
    env: Mapping[str, str]
    sight: Sight
    supply: Supply


class Printed(NamedTuple):
    """What an engine's program printed: manifests, and warnings that are worth a reader's time."""

    manifests: bytes
    warnings: tuple[str, ...]


class Engine(Protocol):
    """The shape of an engine module; `NOISE` are the lines its program may print before the first document."""

    NAME: str
    NOISE: tuple[re.Pattern[str], ...]

    def needs(self, tree: Tree, instance: Instance, /) -> Needs:
        """Return what must be there first; ConfigError for what the engine can see is wrong in the repository."""

    def start(self, instance: Instance, work: Work, nursery: Nursery, /) -> Callable[[], Printed]:
        """Start the program, and return what waits for it; that raises EngineError when the program refuses.

        Charts and encrypted files are in place only when the gate is open: a program that cannot wait for it is started
        by what is returned.
        """
