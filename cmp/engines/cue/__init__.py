"""CUE packages, exported by `cue export` as a stream of objects.

sources.py    which tags a package declares, and which files it embeds
call.py       the arguments of cue
messages.py   what cue says, in terms of the repository

The tags that a package declares are filled with what is known of the cluster; values layers become its field `values`.
cue unifies: layers add up, and where two disagree that is an error, of cue's own.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, cast

from cmp import yamldoc
from cmp.engines.cue import call, messages, sources
from cmp.engines.cue.messages import LAYER, Names
from cmp.engines.protocol import PRIVATE_FILES, EngineOutput, Needs
from cmp.engines.registry import CUE
from cmp.system.process import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.engines.cue.call import Call
    from cmp.engines.protocol import Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses, Result
    from cmp.system.tree import Tree

NAME = CUE
NOISE: tuple[re.Pattern[str], ...] = ()

_HOLDS_NOTHING = re.compile(rb"(?:\s|#[^\n]*(?:\n|\Z)|^---$|^\.\.\.$)*", re.MULTILINE)
# cue 0.14.1 writes a text that begins with a line break as a block with an indentation, and loses that line break
# (pkg/encoding/yaml): its own YAML reads back as another text.
_DOUBTFUL = re.compile(rb"[|>][1-9][+-]?\n")


def needs(tree: Tree, instance: Instance) -> Needs:
    """Ask for cue, the values layers as files, and the plaintext of what the package embeds."""
    found = sources.read(tree, instance.folder)
    return Needs(
        tools={NAME: instance.pins[NAME]},
        encryptable_files=found.embedded,
        read_paths=(*sources.package(tree, instance.folder), *found.embedded),
        needs_whole_tree=True,
        layer_transport=PRIVATE_FILES,
        analysis=found.tags,
    )


def start(instance: Instance, work: Work, processes: ChildProcesses) -> Callable[[], EngineOutput]:
    """Return what runs cue: it reads everything at once and cannot wait for what is not in place."""
    asked = call.of(instance, cast("frozenset[str]", work.analysis))
    if asked.command:
        work.provider.permit("cue.cmd", f"cue cmd {asked.command}")

    def finish() -> EngineOutput:
        return _Run(instance, work, processes).finish(asked)

    return finish


class _Run:
    """The runs of cue for one render: mostly one."""

    def __init__(self, instance: Instance, work: Work, processes: ChildProcesses) -> None:
        self._work = work
        self._processes = processes
        self._layers = tuple(_links(work))
        self._names = Names(work.root, instance.folder, tuple(name for name, _ in work.layer_files))

    def finish(self, asked: Call) -> EngineOutput:
        result = self._result(asked)
        # What looks like a tag may stand in a text, or in a file of another package: cue names one at a time.
        while (name := messages.undeclared(result)) in asked.known and name not in asked.given:
            asked = asked.without(name)
            result = self._result(asked)
        if result.returncode > 0 and not asked.command:
            result = self._explained(result, asked)
        said = self._accepted(result, asked)
        warnings = [*said.splitlines(), *self._unused(asked)]
        return EngineOutput(self._manifests(result, asked), tuple(f"cue: {line}" for line in warnings))

    def _explained(self, result: Result, asked: Call) -> Result:
        """Return a failure with all that cue says of it: on the way to YAML it leaves out which values disagree."""
        again = self._result(asked, as_json=True)
        return again if again.returncode != 0 else result

    def _unused(self, asked: Call) -> Iterator[str]:
        """Say that layers do not reach a command: cue takes none below a field there."""
        if asked.command and self._names.layers:
            yield f"a command reads no values files: nothing uses {', '.join(self._names.layers)}"

    def _manifests(self, result: Result, asked: Call) -> bytes:
        if asked.command:
            return result.stdout
        if not _DOUBTFUL.search(result.stdout):
            return b"---\n" + result.stdout.removesuffix(b"\n")  # cue ends a text with a line break of its own
        exact = self._result(asked, as_json=True)
        self._accepted(exact, asked)
        return yamldoc.dump_all(_objects(exact.stdout))

    def _accepted(self, result: Result, asked: Call) -> str:
        """Return what cue said beside its output; EngineError when it failed."""
        said = messages.translated(result.stderr, self._names, asked.expression)
        if result.returncode != 0:
            raise messages.refusal(result, self._work.tools[NAME], said, self._names.layers)
        return said

    def _result(self, asked: Call, *, as_json: bool = False) -> Result:
        program, home = self._work.tools[NAME].path, self._work.home
        command = Command(
            label=f"cue {'cmd' if asked.command else 'export'}",
            argv=(program, *asked.arguments(self._layers, as_json=as_json)),
            env={
                **self._work.env,
                "HOME": home,
                "CUE_CACHE_DIR": f"{home}/cache",
                "CUE_CONFIG_DIR": f"{home}/config",
                "CUE_REGISTRY": "none",  # what a module needs lies in the repository
            },
            cwd=self._work.folder,
            # A command runs programs of the system.
            access=self._work.access._replace(runs_any=bool(asked.command)),
            place=self._names.folder,
        )
        return self._processes.wait(self._processes.start(command))[0]


def _objects(data: bytes) -> list[object]:
    import json  # noqa: PLC0415  # rare

    def number(text: str) -> int | float:
        return int(text) if -(2**63) <= int(text) < 2**64 else float(text)  # as Argo CD reads it

    return cast("list[object]", json.loads(data, parse_int=number))


def _links(work: Work) -> Iterator[str]:
    """Yield the paths of the layers that hold something, each under a name that cue takes for nothing else."""
    for number, (_, path) in enumerate(work.layer_files):
        with open(path, "rb") as file:
            if _HOLDS_NOTHING.fullmatch(file.read()):
                continue  # YAML calls this null, and cue would want `values` to be that
        link = os.path.join(work.scratch, LAYER.format(number))
        os.symlink(path, link)
        yield link
