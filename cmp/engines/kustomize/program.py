"""Run kustomize, and say in terms of the repository what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.engines.registry import KUSTOMIZE
from cmp.system.process import Command

if TYPE_CHECKING:
    from cmp.engines.kustomize.rewrite import Build


def run(build: Build, folder: str, *arguments: str) -> bytes:
    """Run it in a folder of the mirror and return its stdout; EngineError when it refuses."""
    work = build.work
    tool = work.tools[KUSTOMIZE]
    command = Command(
        label=f"kustomize {arguments[0]}",
        argv=(tool.path, *arguments),
        # It would run git, find plugins in the home, and write values of charts to the common /tmp.
        env={**work.env, "HOME": work.home, "PATH": "", "TMPDIR": work.scratch},
        cwd=f"{work.root}/{folder}",
        access=work.access,
        place=build.instance.folder,
    )
    result = build.processes.wait(build.processes.start(command))[0]
    if not (result.returncode or result.stderr):
        return result.stdout
    from cmp.engines.kustomize.messages import Where, Words  # noqa: PLC0415  # patterns take milliseconds to compile

    # What is no copy is a link to the tree itself, and kustomize tells where links lead.
    roots = tuple(filter(None, (work.root, work.source)))
    words = Words(result.stderr, Where(roots, build.instance.folder, build.graph))
    if result.returncode != 0:
        raise words.refusal(result.returncode, tool.version)
    for warning in words.warnings():
        build.warn(warning)
    return result.stdout
