"""CUE packages, exported by `cue export` as a stream of objects.

sources.py  the tags that a package declares, and the files that it imports and embeds
call.py     the arguments of cue, and its error messages in terms of the repository

The tags that a package declares are filled with the facts of the cluster; values layers become its field `values`.
cue unifies: layers add up, and where two disagree that is an error, of cue's own.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, cast

from cmp import yamldoc
from cmp.engines.cue import sources
from cmp.engines.cue.call import LAYER, Paths, call_for, error_of, translated, undeclared_tag
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
# (pkg/encoding/yaml): its own YAML reads back as another text.  0.17.1 keeps it.
_DOUBTFUL = re.compile(rb"[|>][1-9][+-]?\n")


def needs(tree: Tree, instance: Instance) -> Needs:
    """Ask for cue, the values layers as files, and the plaintext of the files that the package embeds."""
    package = sources.read(tree, instance.folder)
    return Needs(
        tools={NAME: instance.pins[NAME]},
        encryptable_files=package.embedded,
        object_files=package.embedded,
        read_paths=(*sources.package(tree, instance.folder), *package.embedded),
        needs_whole_tree=True,
        layer_transport=PRIVATE_FILES,
        analysis=package.tags,
    )


def start(instance: Instance, work: Work, processes: ChildProcesses) -> Callable[[], EngineOutput]:
    """Return the function that runs cue: it reads everything at once and cannot wait for the start gate."""
    declared_tags = cast("frozenset[str]", work.analysis)
    call = call_for(instance, declared_tags)
    if call.command:
        work.provider.permit("cue.cmd", f"cue cmd {call.command}")

    def finish() -> EngineOutput:
        return _Export(instance, work, processes).finish(call)

    return finish


class _Export:
    """The calls of cue for one render: mostly one."""

    def __init__(self, instance: Instance, work: Work, processes: ChildProcesses) -> None:
        self._work = work
        self._processes = processes
        self._layers = tuple(_links(work))
        self._paths = Paths(work.root, instance.folder, tuple(name for name, _ in work.layer_files))

    def finish(self, call: Call) -> EngineOutput:
        result = self._run(call)
        # What looks like a tag may stand in a text, or in a file of another package: cue names one at a time.
        while (tag := undeclared_tag(result)) in call.known and tag not in call.given:
            call = call.without(tag)
            result = self._run(call)
        if result.returncode > 0 and not call.command:
            # On the way to YAML cue leaves out which values disagree; as JSON it tells all.
            as_json = self._run(call, as_json=True)
            result = as_json if as_json.returncode != 0 else result
        warnings = self._message(result, call).splitlines()
        if call.command and self._paths.layers:  # below a field cue takes no layers there
            warnings.append(f"a command reads no values files: nothing uses {', '.join(self._paths.layers)}")
        return EngineOutput(self._manifests(result, call), tuple(f"cue: {line}" for line in warnings))

    def _manifests(self, result: Result, call: Call) -> bytes:
        if call.command:
            return result.stdout
        if not _DOUBTFUL.search(result.stdout):
            return b"---\n" + result.stdout.removesuffix(b"\n")  # cue ends a text with a line break of its own
        as_json = self._run(call, as_json=True)
        self._message(as_json, call)
        return yamldoc.dump_all(_objects(as_json.stdout))

    def _message(self, result: Result, call: Call) -> str:
        """Return what cue printed beside its output; EngineError when it failed."""
        message = translated(result.stderr, self._paths, call.expression)
        if result.returncode != 0:
            raise error_of(self._work.tools[NAME], result.returncode, message, self._paths.layers)
        return message

    def _run(self, call: Call, *, as_json: bool = False) -> Result:
        program, home = self._work.tools[NAME].path, self._work.home
        command = Command(
            label=f"cue {'cmd' if call.command else 'export'}",
            argv=(program, *call.arguments(self._layers, as_json=as_json)),
            env={
                **self._work.env,
                "HOME": home,
                "CUE_CACHE_DIR": f"{home}/cache",
                "CUE_CONFIG_DIR": f"{home}/config",
                "CUE_REGISTRY": "none",  # all packages of a module lie in the repository
            },
            cwd=self._work.folder,
            # A command runs programs of the system.
            access=self._work.access._replace(runs_any=bool(call.command)),
            place=self._paths.folder,
        )
        return self._processes.wait(self._processes.start(command))[0]


def _objects(data: bytes) -> list[object]:
    import json  # noqa: PLC0415  # rare

    def number(text: str) -> int | float:
        return int(text) if -(2**63) <= int(text) < 2**64 else float(text)  # as Argo CD reads it

    return cast("list[object]", json.loads(data, parse_int=number))


def _links(work: Work) -> Iterator[str]:
    """Yield a link to each layer that is not empty, under a name that cue does not take for anything else."""
    for number, (_, path) in enumerate(work.layer_files):
        with open(path, "rb") as file:
            if _HOLDS_NOTHING.fullmatch(file.read()):
                continue  # YAML calls this null, and cue would want `values` to be that
        link = os.path.join(work.scratch, LAYER.format(number))
        os.symlink(path, link)
        yield link
