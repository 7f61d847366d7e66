"""The tool store: `<tools folder>/<tool>/<version>/<tool>`, each program beside a record of its sha256 at install.

A version is *installed* when its record fits its program.  Reading the store is all that a render needs, so this module
imports next to nothing; `cmp.artifacts.toolstore.install` fills it.

A program that the store lacks may lie in one of the administrator's own folders (`custom`, the setting
`CMP_CUSTOM_TOOLS`), in the style of Argo CD's custom tools.  Argo CD is told of
`kustomize.path.v3.5.4: /custom-tools/kustomize_3_5_4`; here the name tells it: tool, then version with `_` for each
dot.  Instead of the program there may be a folder of that name which holds it.  No install recorded these programs.
Everybody with write access to the folder is trusted with them, as by Argo CD; cmp.lock is enforced, and so each is
hashed when it is looked up: 20 ms for 30 MB, which `cmp tools install TOOL@VERSION --from-file` saves.  They are read
where they lie, and never written.

recipes.py              where each tool comes from, as data
install.py              from a recipe to an installed version
release.py, gobuild.py  its two ways: the release download, and a build of the Go module
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cmp.model import Tool
from cmp.versions import PSEUDO_VERSION, is_exact, order

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.model import ToolPin

RECORD = "record.json"

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_CUSTOM_NAME = r"([a-z][a-z0-9-]*)_(\d+_\d+_\d+([-+][0-9A-Za-z_+-]+)?)"
_HALF_MADE = re.compile(r"\.\d+\.\d+\.\d+.*\.\d+(\.old)?")  # see `_beside` in cmp/artifacts/toolstore/install.py
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Record(NamedTuple):
    """The properties of a program that were verified at install; `size` in bytes, `os` and `arch` in Go's words.

    `via` is `release`, `go`, `file` (a copy of a given file) or `custom` (not in the store).  `source` is
    the URL of the release download, `module@version` of the Go module, or the file's path.
    """

    sha256: str
    size: int
    os: str
    arch: str
    via: str
    source: str


class Entry(NamedTuple):
    """One version in the store; `problem` says why it is not installed, and is empty when it is."""

    name: str
    version: str
    path: str
    record: Record | None
    problem: str

    @property
    def tool(self) -> Tool | None:
        """The program, if it may be run."""
        if self.problem or self.record is None:
            return None
        return Tool(self.name, self.version, self.path, sha256=self.record.sha256)


def lookup(tools_dir: str, pin: ToolPin, custom: tuple[str, ...] = ()) -> Tool | None:
    """Return the installed program of an exact version, or None.

    Every render asks, so this compares the size with the record (which finds a copy cut short) and does not hash the
    program, which takes 30 ms for 50 MB: `install` did, and `verify` does.  The time of change is not compared: copying
    a store into an image alters it.
    """
    return entry(tools_dir, pin.name, pin.version, custom).tool


def installed(tools_dir: str, custom: tuple[str, ...] = ()) -> list[Tool]:
    """Return every installed program, by name and version."""
    return [tool for version in entries(tools_dir, custom) if (tool := version.tool)]


def versions(tools_dir: str, name: str, custom: tuple[str, ...] = ()) -> list[str]:
    """Return the installed versions of a tool, hashing nothing."""
    in_store = {version for version in _versions(tools_dir, name) if entry(tools_dir, name, version).tool}
    return sorted(in_store | {version for other, version in _custom_tools(custom) if other == name}, key=order)


def entries(tools_dir: str, custom: tuple[str, ...] = ()) -> list[Entry]:
    """Return all versions in the store and the custom folders, by name and version, also those not installed."""
    tools = _folders(tools_dir, _NAME.fullmatch)
    in_store = {(name, version) for name in tools for version in _versions(tools_dir, name)}
    named = sorted(in_store | _custom_tools(custom), key=lambda tool: (tool[0], order(tool[1])))
    return [entry(tools_dir, name, version, custom) for name, version in named]


def entry(tools_dir: str, name: str, version: str, custom: tuple[str, ...] = ()) -> Entry:
    """Look at one version; a program in the store is not hashed."""
    if problem := version_problem(version, name):
        return Entry(name, version, path="", record=None, problem=problem)
    path = os.path.join(tools_dir, name, version, name)
    if not os.path.isfile(path):
        return _custom_entry(custom, name, version) or Entry(
            name, version, path, record=None, problem="is not installed"
        )
    try:
        record = _read(os.path.join(tools_dir, name, version, RECORD))
    except FileNotFoundError:
        return Entry(name, version, path, record=None, problem="has no record of its sha256")
    except (OSError, ValueError, LookupError, TypeError):
        return Entry(name, version, path, record=None, problem="has a damaged record")
    return Entry(name, version, path, record=record, problem=_mismatch(path, record))


def verify(version: Entry) -> str:
    """Hash the program and return the problem of the version, or an empty text."""
    if version.problem or version.record is None:
        return version.problem
    actual = sha256(version.path)
    if actual == version.record.sha256:
        return ""
    return f"has been changed: its sha256 is {actual}, at install it was {version.record.sha256}"


def sweep(tools_dir: str) -> None:
    """Remove the half-made folders of killed installs: those of versions that no process installs now."""
    with suppress(OSError):  # a store that may not be read is an error of the call that needs it
        for name in _folders(tools_dir, _NAME.fullmatch):
            for folder in _folders(os.path.join(tools_dir, name), _HALF_MADE.fullmatch):
                _sweep(os.path.join(tools_dir, name), folder)


def version_problem(version: str, name: str = "") -> str:
    """Say why a version cannot be a pin: it is no exact one such as `3.18.6` or `4.0.0-rc.1`, or names no release.

    Without a problem, which is an empty text, version and name are safe names of folders.
    """
    if not _is_version(version) or (name and not _NAME.fullmatch(name)):
        return "is not an exact version such as 3.18.6"
    if re.search(PSEUDO_VERSION, version):
        return "names a commit (a Go pseudo-version), not a release such as 3.18.6"
    return ""


def platform() -> tuple[str, str]:
    """Return the operating system and the architecture of this machine in Go's words, such as `linux` and `amd64`."""
    machine = os.uname()
    return machine.sysname.lower(), _ARCHITECTURES.get(machine.machine, machine.machine)


def sha256(path: str) -> str:
    """Return the sha256 of a file, in hexadecimal digits."""
    import hashlib  # noqa: PLC0415  # lookups hash nothing

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(program: str, via: str, source: str) -> Record:
    """Return the record of a program that was verified just now on this machine."""
    system, arch = platform()
    return Record(sha256=sha256(program), size=os.path.getsize(program), os=system, arch=arch, via=via, source=source)


def write(folder: str, record: Record) -> None:
    """Put the record beside its program."""
    import json  # noqa: PLC0415  # only an install writes

    with open(os.path.join(folder, RECORD), "w", encoding="utf-8") as file:
        json.dump(record._asdict(), file, indent=2)
        file.write("\n")


def _read(path: str) -> Record:
    import json  # noqa: PLC0415  # 1 ms, which `cmp tools --help` need not pay

    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    return Record(*(data[field] for field in Record._fields))


def _sweep(versions: str, half_made: str) -> None:
    from shutil import rmtree  # noqa: PLC0415  # mostly there is nothing to sweep

    from cmp.system.locks import unless_held  # noqa: PLC0415  # likewise

    version = half_made.removesuffix(".old").rpartition(".")[0]
    with unless_held(os.path.join(versions, f"{version}.lock")) as is_alone:
        if is_alone:
            rmtree(os.path.join(versions, half_made), ignore_errors=True)


def _custom_entry(folders: tuple[str, ...], name: str, version: str) -> Entry | None:
    path = _custom_program(folders, name, version)
    if not path:
        return None
    if not os.access(path, os.X_OK):
        return Entry(name, version, path, record=None, problem="cannot be executed by this user")
    return Entry(name, version, path, record=describe(path, "custom", path), problem="")


def _custom_program(folders: tuple[str, ...], name: str, version: str) -> str:
    """Return the path of a program in the first folder that has it, else an empty text."""
    for folder in folders:
        path = os.path.join(folder, f"{name}_{version.replace('.', '_')}")
        for program in (path, os.path.join(path, name)):
            if os.path.isfile(program):
                return program
    return ""


def _custom_tools(folders: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return name and version of each program in the custom folders; files with other names do not count."""
    named = {
        (match[1], match[2].replace("_", "."))
        for folder in folders
        if os.path.isdir(folder)
        for file in os.listdir(folder)
        if (match := re.fullmatch(_CUSTOM_NAME, file))
    }
    return {(name, version) for name, version in named if _custom_program(folders, name, version)}


def _mismatch(path: str, record: Record) -> str:
    """Say why a program does not fit its record, or this machine, or an empty text."""
    if (record.os, record.arch) != platform():
        return f"is for {record.os}/{record.arch}, this machine is {'/'.join(platform())}"
    size = os.path.getsize(path)
    if size != record.size:
        return f"is damaged: it has {size} bytes, at install it had {record.size}"
    return "" if os.access(path, os.X_OK) else "cannot be executed by this user"


def _versions(tools_dir: str, name: str) -> list[str]:
    return _folders(os.path.join(tools_dir, name), _is_version)


def _is_version(name: str) -> bool:
    return is_exact(name) and not name.startswith("v")


def _folders(path: str, has_name: Callable[[str], object]) -> list[str]:
    try:
        with os.scandir(path) as items:
            return sorted(item.name for item in items if has_name(item.name) and item.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
