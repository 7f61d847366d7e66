"""The protection that the system under cmp gives: a wall, memory, the end of programs; and what is weaker without it.

Landlock keeps programs that render, helm, kustomize, helmfile and cue, from what is not theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.doctor import Check
from cmp.system import kernel, process, sandbox, workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import Settings

IN_CONTAINER = "what strangers wrote is better rendered on Linux, in a container or a virtual machine"


def examine(settings: Settings) -> Iterator[Check]:
    """Yield what holds here, and what does not."""
    yield _private_folder(settings)
    yield _values(settings)
    if kernel.is_linux():
        yield from _landlock()
    else:
        finding = "no wall: programs that render could read any file of yours, and reach hosts, as they can without cmp"
        yield Check("wall", "warning", finding, IN_CONTAINER)
    yield _death_signal()
    yield _memory(settings)


def _private_folder(settings: Settings) -> Check:
    base = workspace.choose(settings.tmp_dir)
    if base == kernel.MEMORY or settings.tmp_dir:
        return Check("private folder", "ok", base)
    mount = "mount a tmpfs" if kernel.is_linux() else "make a RAM disk, and name it"
    return Check("private folder", "warning", f"{base} may be on a disk", hint=f"offer memory: {mount} as CMP_TMPDIR")


def _values(settings: Settings) -> Check:
    if kernel.is_linux():
        return Check("values", "ok", "in sealed memory files")
    base = workspace.choose(settings.tmp_dir)
    finding = f"values in unlinked files: in {base}, without a name, until their readers end"
    return Check("values", "warning", finding, "encrypt the disk, or let CMP_TMPDIR be a RAM disk")


def _landlock() -> Iterator[Check]:
    version = sandbox.version()
    if version:
        finding = "programs that render see their own file, the private folder and the tree, and no other process"
        yield Check("Landlock, files", "ok", finding)
    else:
        finding = "the kernel confines nothing: programs that render could read any file, and each other's"
        hint = "run nodes with Linux 6.7 or later; on these, use one sidecar a team: renders can read each other"
        yield Check("Landlock, files", "warning", finding, hint)
    if version >= sandbox.TCP_SINCE:
        yield Check("Landlock, TCP", "ok", "programs that render reach no host by TCP")
    else:
        hint = "run nodes with Linux 6.7 or later, where authors of charts are not trusted"
        yield Check("Landlock, TCP", "warning", "programs that render could reach hosts", hint)
    if version >= sandbox.SCOPES_SINCE:
        finding = "programs that render reach no other process by a signal or an abstract socket"
    else:
        finding = "not confined before Linux 6.12; no template can send a signal or open a socket"
    yield Check("Landlock, signals", "ok", finding)


def _death_signal() -> Check:
    subject = "end of programs"
    if kernel.is_linux():
        return Check(subject, "ok", "none outlives cmp, whatever ends it")
    finding = "no death signal: where SIGKILL ends cmp, the programs that it started run to their own end"
    return Check(subject, "warning", finding, "end cmp by Ctrl-C or SIGTERM, which end them too")


def _memory(settings: Settings) -> Check:
    """Return the limit on the memory of one program."""
    subject = "memory of programs"
    if not kernel.can_measure_memory():
        hint = "on Linux, CMP_CHILD_MEMORY limits it"
        return Check(subject, "warning", "no limit: this system does not tell what a program takes", hint)
    if not settings.child_memory:
        hint = "a chart that eats memory ends all renders of its container: let CMP_CHILD_MEMORY be a size"
        return Check(subject, "warning", "no limit: CMP_CHILD_MEMORY is 0", hint)
    return Check(subject, "ok", f"at most {process.size(settings.child_memory)} for each, with all that it starts")
