"""Unpack an archive into a private folder: only what lies inside it, and no more than it can reasonably hold."""

from __future__ import annotations

import os
import tarfile
import zlib
from gzip import GzipFile
from io import BytesIO

from cmp.errors import ChartError
from cmp.system.workspace import make_folder, open_private

MIB = 1024 * 1024
MAX_BYTES = 100 * MIB
MAX_ENTRIES = 20_000


def unpack(data: bytes, folder: str, label: str, *, skip: int = 0) -> None:
    """Write the files of a .tar.gz into a folder that exists, all private, without their `skip` leading folders.

    Symlinks that lead out of the folder, or nowhere, are left out.  ChartError, with `label` as subject, for an archive
    that is damaged, too large, or holds anything but files, folders and symlinks with a path inside.
    """
    links: list[tuple[str, str]] = []
    try:
        with tarfile.open(fileobj=BytesIO(_unzipped(data, label)), mode="r:") as archive:
            for count, member in enumerate(archive, 1):
                if count > MAX_ENTRIES:
                    raise ChartError(f"{label}: it has more than {MAX_ENTRIES} files")
                if path := _path(member, label, skip):
                    _extract(archive, member, os.path.join(folder, path), links)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ChartError(f"{label}: its archive is damaged ({error})", is_external=True) from None
    except OSError as error:
        raise ChartError(f"{label}: it cannot be unpacked: {error.strerror or error}", is_external=True) from None
    _link(links, folder)


def _unzipped(data: bytes, label: str) -> bytes:
    content = GzipFile(fileobj=BytesIO(data)).read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ChartError(f"{label}: it holds more than {MAX_BYTES // MIB} MiB")
    return content


def _path(member: tarfile.TarInfo, label: str, skip: int) -> str:
    parts = [part for part in member.name.split("/") if part not in ("", ".")]
    if member.name.startswith("/") or ".." in parts or "\\" in member.name:
        raise ChartError(f"{label}: its archive holds a path that leads outside: {member.name!r}")
    if not (member.isfile() or member.isdir() or member.issym()):
        raise ChartError(f"{label}: its archive holds neither a file nor a folder nor a link: {member.name!r}")
    return "/".join(parts[skip:])


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, links: list[tuple[str, str]]) -> None:
    """Write a file or a folder, and note a symlink: those come last, so that nothing is written through one."""
    make_folder(path if member.isdir() else os.path.dirname(path))
    if member.issym():
        links.append((path, member.linkname))
    elif member.isfile():
        content = archive.extractfile(member)
        with open_private(path) as file:
            file.write(content.read() if content else b"")


def _link(links: list[tuple[str, str]], folder: str) -> None:
    """Make the symlinks, resolve each once all are there, and remove those that lead outside."""
    for path, target in links:
        if not os.path.lexists(path):
            os.symlink(target, path)
    inside = os.path.realpath(folder) + os.sep
    outside = [path for path, _ in links if not _is_inside(path, inside)]
    for path in outside:
        os.unlink(path)


def _is_inside(path: str, inside: str) -> bool:
    return os.path.exists(path) and (os.path.realpath(path) + os.sep).startswith(inside)
