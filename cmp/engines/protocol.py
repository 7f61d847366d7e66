"""The shape of an engine module, and the values that pass between it and the render pipeline."""

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
MEMORY_FILES, PRIVATE_FILES = "memory files", "private files"  # the ways of the values layers to a program


class Needs(NamedTuple):
    """The needs of an engine before its program runs, as the repository tells it: nothing is fetched or decrypted.

    `tools` maps the engine's name for a program to its pin.  `chart_folders` are charts of the tree whose dependencies
    are put into charts/ of their private copy.  `encryptable_files` are files that the program reads and that may be
    encrypted, each with the folders and files that must be private copies if it is: those through which the program
    reaches it.  `object_files` are those of them that are printed as objects, which may be meant to stay encrypted.
    `private_copies` must be private copies anyway: the engine writes into them.  `read_paths` are the
    files and folders that decide what is printed, beside the layers and what `chart_folders` depend on: where the tree
    is no work folder, the program gets these and nothing else.  With `needs_whole_tree` the program sees the whole tree
    around its folder, else its folder alone.  `layer_transport` says how it reads the values layers: through
    `MEMORY_FILES`, from `PRIVATE_FILES`, or, when empty, not at all.  `Work` gives `analysis` back to the engine.

    Two are for those who fill a cache or write a lock: `chart_refs` are charts that the engine will ask its
    `InputProvider` for, or the one that it renders; `discover_remote_charts` asks for the same trees and files as a
    render, and returns the charts that are named in those.
    """

    tools: Mapping[str, ToolPin]
    chart_folders: tuple[str, ...] = ()
    encryptable_files: Mapping[str, tuple[str, ...]] = NO_FILES
    object_files: Collection[str] = ()
    private_copies: tuple[str, ...] = ()
    read_paths: tuple[str, ...] = ()
    needs_whole_tree: bool = False
    layer_transport: str = ""
    analysis: object = None
    chart_refs: tuple[ChartRef, ...] = ()
    discover_remote_charts: Callable[[RemoteProvider], Sequence[ChartRef]] | None = None


class ChartFile(NamedTuple):
    """An obtained chart: the absolute path of its verified archive in the private folder, its name and version."""

    path: str
    name: str
    version: str


class SchemaCheck(NamedTuple):
    """A chart in a private folder, or its archive, whose values a helm will check against its schemas.

    `label` names it in messages, `hint` says how to render it without the check.  `third_party` are the archives in it,
    by path, whose schemas the author of the repository has not written; "" stands for the whole chart.  With
    `is_fetched` it lies in a tree that was fetched, of which cmp.lock says nothing.
    """

    path: str
    label: str
    helm: Tool
    hint: str
    third_party: Collection[str] = ()
    is_fetched: bool = False


WHOLE = ("",)  # as `SchemaCheck.third_party`


class Part(NamedTuple):
    """The part of a repository that is needed: a name, the same for the same paths, and a function that finds them."""

    name: str
    used: Callable[[Tree], Iterable[str]]


class RemoteProvider(Protocol):
    """Gives an engine trees and files of other hosts, which the administrator's policy must list."""

    def tree(self, wanted: RemoteRef, part: Part, name: str) -> str:
        """Put a part of a Git repository at `name`, from `Work.root`, and return that private folder's path.

        From the cache or over the network; raises ChartError, and what `part.used` raises.
        """

    def file(self, wanted: RemoteRef) -> bytes:
        """Return a file of a web server, likewise."""


class InputProvider(RemoteProvider, Protocol):
    """Gives an engine more input while it works, where only its program could tell that it is needed.

    The administrator's policy is asked first, each time; a ConfigError says that it does not allow something.
    """

    def charts(self, wanted: Sequence[ChartRef]) -> list[ChartFile]:
        """Return the charts in the same order, from the cache or over the network; raises ChartError."""

    def inspect(self, path: str) -> None:
        """ChartError for a packed chart, by its path from `Work.root`, that no program should open."""

    def schemas(self, chart: SchemaCheck) -> None:
        """Put private files in place of the URLs in a chart's schemas; raises ChartError."""

    def permit(self, feature: str, subject: str, place: str = "") -> None:
        """ConfigError unless the administrator's policy allows a feature (`cue.cmd`); `subject` would use it.

        Without a policy none is allowed.  `place` is the line that asks for it.
        """

    def permit_unconfined(self, feature: str, subject: str) -> None:
        """ConfigError unless a feature is allowed where no wall confines it: by the policy, or on a laptop."""


class Work(NamedTuple):
    """The private folders, the tools and the input of one render by an engine.

    `folder` is the private copy of the instance's folder, `chart_folder` that of the chart that helm renders (of a
    repository: its content); `root` that of the tree around it (links to what is no copy),
    and empty for an engine that does not see it; `source` is where those links lead.  `home` is an empty private folder
    for the program's own files, and `scratch` one for the engine's.  `layers` pairs each values layer's name with the
    memory file of its plaintext, weakest first; `layer_files` with the path of a private file.  `start_gate` is an
    empty layer, weaker than all, that can be read once everything else is in place, the other layers too.  `access` is
    what programs are kept to: the tools, the private folder, and the tree where the engine sees it.  `analysis` is that
    of `Needs`, and `value_texts` are the memory files of `Instance.value_texts`.
    """

    folder: str
    chart_folder: str
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
    provider: InputProvider
    analysis: object = None
    value_texts: tuple[tuple[str, MemoryFile], ...] = ()


class EngineOutput(NamedTuple):
    """The output of an engine's program: manifests, and warnings that are worth a reader's time.

    `source_files` are files of the repository that were printed as they are, each with the line where its text begins.
    """

    manifests: bytes
    warnings: tuple[str, ...]
    source_files: tuple[tuple[int, str], ...] = ()


class Engine(Protocol):
    """The shape of an engine module; `NOISE` are the lines its program may print before the first document."""

    NAME: str
    NOISE: tuple[re.Pattern[str], ...]

    def needs(self, tree: Tree, instance: Instance, /) -> Needs:
        """Return what must be there first; ConfigError for a mistake in the repository that the engine can see."""

    def start(self, instance: Instance, work: Work, processes: ChildProcesses, /) -> Callable[[], EngineOutput]:
        """Start the program, and return a function that waits for it and raises EngineError when the program refuses.

        Charts and encrypted files are in place only when the start gate is open: a program that cannot wait for it is
        started by the returned function.
        """
