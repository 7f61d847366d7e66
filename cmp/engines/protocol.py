"""What every engine module offers, and the values that pass between it and the pipeline."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from cmp.model import ChartRef, Instance, RemoteRef, Tool, ToolPin
    from cmp.system.process import ChildProcesses, MemoryFile, Pipe
    from cmp.system.sandbox import Access
    from cmp.system.tree import Tree

NO_FILES: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Needs(NamedTuple):
    """What must be there before an engine's program runs, as the repository tells it: nothing is fetched or decrypted.

    `tools` maps the name that the engine has for a program to its pin.  `charts` are chart folders (inside the built
    one) whose dependencies are put into charts/ of their private copy.  `files` are what the program reads and may be
    encrypted, each with the folders and files that must be private copies if it is: those through which the program
    comes to it.  `copies` must be private copies anyway: the engine writes into them.  `reads` are the files and
    folders that decide what is printed, beside the layers and what `charts` depend on: where the tree is no work
    folder, the program gets these and nothing else.  With `sees_tree` the program sees the whole tree around its
    folder, else its folder alone.  `takes` says how it reads the values layers: from `MEMORY_FILES`, from private
    `FILES`, or, when empty, not at all.  `found` is what the engine gets back in `Work`.

    For those who fill a cache or write a lock: `refs` are charts that the engine will ask its `Supply` for; `beyond`
    asks for the trees and files that it will, and returns the charts that are named in those.
    """

    tools: Mapping[str, ToolPin]
    charts: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = NO_FILES
    copies: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    sees_tree: bool = False
    takes: str = ""
    found: object = None
    refs: tuple[ChartRef, ...] = ()
    beyond: Callable[[Remotes], Sequence[ChartRef]] | None = None


MEMORY_FILES, FILES = "memory files", "files"


class ChartFile(NamedTuple):
    """An obtained chart: the absolute path of its verified archive in the private folder, and what it is."""

    path: str
    name: str
    version: str


class Checked(NamedTuple):
    """A chart in a private folder, or its archive, whose values a helm will check against its schemas.

    `label` is how messages call it, `without` says how to render it without the check.  `known` are the archives in it,
    by path, whose schemas the author of the repository has not written; "" stands for the whole.  With `is_fetched` it
    lies in a tree that was fetched, of which cmp.lock says nothing.
    """

    path: str
    label: str
    helm: Tool
    without: str
    known: Collection[str] = ()
    is_fetched: bool = False


WHOLE = ("",)  # as `Checked.known`


class Part(NamedTuple):
    """What of a repository is needed: a name, the same for the same paths, and how to find them in the whole tree."""

    name: str
    used: Callable[[Tree], Iterable[str]]


class Remotes(Protocol):
    """Where an engine gets files of somebody else; the administrator's policy must list their host."""

    def tree(self, wanted: RemoteRef, part: Part, name: str) -> str:
        """Put a part of a Git repository at `name`, from `Work.root`, and return that private folder's path.

        From the cache or over the network; raises ChartError, and what `part.used` raises.
        """

    def file(self, wanted: RemoteRef) -> bytes:
        """Return a file of a web server, likewise."""


class Supply(Remotes, Protocol):
    """What an engine may ask for while it works, where only its program could tell that it is needed.

    The administrator's policy is asked first, each time; a ConfigError says that it does not allow something.
    """

    def charts(self, wanted: Sequence[ChartRef]) -> list[ChartFile]:
        """Return the charts in the same order, from the cache or over the network; raises ChartError."""

    def inspect(self, path: str) -> None:
        """ChartError for a packed chart, by its path from `Work.root`, that no program should open."""

    def schemas(self, chart: Checked) -> None:
        """Put private files in place of what a chart's schemas refer to; raises ChartError."""

    def permit(self, feature: str, subject: str, place: str = "") -> None:
        """ConfigError unless the administrator's policy allows a feature (`cue.cmd`); `subject` is what would use it.

        Without a policy none is allowed.  `place` is the line that asks for it.
        """


class Work(NamedTuple):
    """Where and with what an engine renders.

    `folder` is the private copy of the instance's folder; `root` that of the tree around it (links to what is no copy),
    and empty for an engine that does not see it; `source` is where those links lead.  `home` is an empty private folder
    for the program's own files, and `scratch` one for the engine's.  `layers` pairs each values layer's name with the
    memory file of its plaintext, weakest first; `layer_files` with the path of a private file, for an engine that takes
    them so.  `start_gate` is an empty layer, weaker than all, that can be read once everything else is in place, the
    other layers too.  `access` is what programs are kept to: the tools, the private folder, and the tree where the
    engine sees it.  `found` is that of `Needs`.
    """

    folder: str
    root: str
    source: str
    home: str
    scratch: str
    tools: Mapping[str, Tool]
    start_gate: Pipe
    layers: tuple[tuple[str, MemoryFile], ...]
    layer_files: tuple[tuple[str, str], ...]
    env: Mapping[str, str]
    access: Access
    supply: Supply
    found: object = None


class Printed(NamedTuple):
    """What an engine's program printed: manifests, and warnings that are worth a reader's time.

    `files` are those of the repository that were printed as they are, each with the line where its text begins.
    """

    manifests: bytes
    warnings: tuple[str, ...]
    files: tuple[tuple[int, str], ...] = ()


class Engine(Protocol):
    """The shape of an engine module; `NOISE` are the lines its program may print before the first document."""

    NAME: str
    NOISE: tuple[re.Pattern[str], ...]

    def needs(self, tree: Tree, instance: Instance, /) -> Needs:
        """Return what must be there first; ConfigError for what the engine can see is wrong in the repository."""

    def start(self, instance: Instance, work: Work, processes: ChildProcesses, /) -> Callable[[], Printed]:
        """Start the program, and return what waits for it; that raises EngineError when the program refuses.

        Charts and encrypted files are in place only when the gate is open: a program that cannot wait for it is started
        by what is returned.
        """
