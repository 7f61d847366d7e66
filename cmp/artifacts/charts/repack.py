"""The archive of a chart with other schemas in it: what Helm unpacks must be what was looked at."""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
import zlib
from typing import TYPE_CHECKING

from cmp.artifacts.charts.archive import MAX_MEMBERS, MAX_UNPACKED_BYTES, MIB
from cmp.artifacts.charts.schemas import MAX_NESTED, is_nested, is_schema
from cmp.errors import ChartError

if TYPE_CHECKING:
    from cmp.artifacts.charts.schemas import Change


def repacked(data: bytes, label: str, change: Change) -> bytes:
    """Return the archive with all its schemas changed, those of archives in it too; the same bytes if none changes.

    ChartError, with `label` as subject, for an archive that is damaged, or holds too much.
    """
    return _Repacker(change).repack(data, label, 0)


class _Repacker:
    """One archive, and the room that it has with all archives in it."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self._room = MAX_UNPACKED_BYTES

    def repack(self, data: bytes, label: str, depth: int) -> bytes:
        if depth > MAX_NESTED:
            raise ChartError(f"{label}: more than {MAX_NESTED} archives lie in each other")
        members = self._read(data, label)
        new = [
            (member, self._changed(_path(member.name), content, label, depth) if member.isfile() else content)
            for member, content in members
        ]
        if all(before == after for (_, before), (_, after) in zip(members, new, strict=True)):
            return data
        return _pack(new)

    def _read(self, data: bytes, label: str) -> list[tuple[tarfile.TarInfo, bytes]]:
        try:
            unpacked = gzip.GzipFile(fileobj=io.BytesIO(data)).read(self._room + 1)
            self._room -= len(unpacked)
            if self._room < 0:
                raise ChartError(f"{label}: the archive unpacks to more than {MAX_UNPACKED_BYTES // MIB} MiB")
            with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
                members = [(member, _content(archive, member)) for member in archive]
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            reason = "it ends too early" if isinstance(error, EOFError) else str(error)
            raise ChartError(f"{label}: this is not a chart archive ({reason})") from None
        if len(members) > MAX_MEMBERS:
            raise ChartError(f"{label}: the archive has more than {MAX_MEMBERS} members")
        return members

    def _changed(self, path: str, content: bytes, label: str, depth: int) -> bytes:
        name = posixpath.join(label, path)
        if is_schema(path):
            return self._change(name, content)
        return self.repack(content, name, depth + 1) if is_nested(path) else content


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member) if member.isfile() else None
    return file.read() if file else b""


def _path(name: str) -> str:
    """Return a member's path from the folder of the chart, as Helm reads it (pkg/chart/loader, LoadArchiveFiles)."""
    delimiter = "\\" if "\\" in name else "/"
    inside = "/".join(name.split(delimiter)[1:])
    return posixpath.normpath(inside) if inside else ""


def _pack(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members:
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.linkname, plain.mode, plain.mtime = (
                member.type,
                member.linkname,
                member.mode,
                member.mtime,
            )
            if member.isfile():
                plain.type, plain.size = tarfile.REGTYPE, len(content)
            archive.addfile(plain, io.BytesIO(content) if member.isfile() else None)
    return gzip.compress(stream.getvalue(), compresslevel=1, mtime=0)
