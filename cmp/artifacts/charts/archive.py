"""Chart archives: inspected before they are trusted, read for comparisons, and repacked with other schemas.

Nothing is unpacked here or later: helm reads archives in memory, also those that lie in the charts/ of another, so that
all of one archive share its limits.  They keep a bomb out of the cache, where every render would meet it.
"""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
import zlib
from gzip import GzipFile, compress
from typing import IO, TYPE_CHECKING

from cmp.artifacts.cache import Archive
from cmp.artifacts.charts.dependencies import identity
from cmp.errors import ChartError
from cmp.system.files import sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    SchemaChange = Callable[[str, bytes], bytes]  # takes the path of a schema, from its chart, and its content

MIB = 1024 * 1024
MAX_PACKED_BYTES = 20 * MIB
MAX_UNPACKED_BYTES = 100 * MIB  # Helm's own limit for a chart
MAX_RATIO = 100  # YAML packs to a tenth; zeros to a thousandth
RATIO_FROM_BYTES = 10 * MIB  # below this a high ratio does no harm
MAX_MEMBERS = 10_000
MAX_NESTED = 10  # archives in archives; an archive can even hold itself
MAX_CHART_YAML_BYTES = MIB

_DAMAGES = (tarfile.TarError, OSError, EOFError, zlib.error)  # the errors of reading a damaged archive
# Where Helm looks in a chart's archive, by the path from the chart's folder.
_SCHEMA = re.compile(r"(?:charts/[^/_.][^/]*/)*values\.schema\.json")
_NESTED = re.compile(r"(?:charts/[^/_.][^/]*/)*charts/[^/_.][^/]*\.tgz")


def inspect(data: bytes, label: str) -> Archive:
    """Return the archive with name and version; ChartError, with `label` as subject, for a damaged or dangerous one."""
    chart_yaml = _Inspection().chart_yaml(data, label)
    name, version = identity(chart_yaml, label)
    if not version.isprintable() or "/" in version:
        raise ChartError(f"{label}: the version in its Chart.yaml is not understood")
    return Archive(name=name, version=version, sha256=sha256(data), data=data)


def repacked(data: bytes, label: str, change: SchemaChange) -> bytes:
    """Return the archive with all its schemas changed, those of archives in it too; the same bytes if none changes.

    Helm must unpack the same bytes that were looked at.  ChartError, with `label` as subject, for an archive that is
    damaged, or holds too much.
    """
    return _Repacker(change).repack(data, label, 0)


def contents(data: bytes, label: str, is_wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Return the wanted files by their paths in the chart; those of an archive in its charts/ as if it were a folder.

    ChartError, with `label` as subject, for an archive that is damaged, or holds too much.
    """
    unpacker = _Unpacker()

    def wanted(packed: bytes, name: str, folder: str, depth: int) -> Iterator[tuple[str, bytes]]:
        for member, content in unpacker.read(packed, name, depth):
            inside = _path(member.name) if member.isfile() else ""
            path = posixpath.join(folder, inside)
            if _NESTED.fullmatch(inside):
                yield from wanted(content, f"{name}: {member.name}", path.removesuffix(".tgz"), depth + 1)
            elif inside and is_wanted(path):
                yield path, content

    return dict(wanted(data, label, "", 0))


def _no_archive(label: str, error: Exception) -> ChartError:
    reason = "it ends too early" if isinstance(error, EOFError) else str(error)
    return ChartError(f"{label}: this is not a chart archive ({reason})")


class _Inspection:
    """The limits that an archive and those in its charts/ have together."""

    def __init__(self) -> None:
        self._room = MAX_UNPACKED_BYTES
        self._members = MAX_MEMBERS

    def chart_yaml(self, data: bytes, label: str, depth: int = 0) -> bytes:
        """Return the Chart.yaml; ChartError for all else than a chart's files, and for more than a chart has."""
        if len(data) > MAX_PACKED_BYTES:
            raise ChartError(f"{label}: the archive is larger than {MAX_PACKED_BYTES // MIB} MiB")
        if depth > MAX_NESTED:
            raise ChartError(f"{label}: archives lie in archives, more than {MAX_NESTED} deep")
        stream = _BoundedStream(data, label, self._take)
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]  # it only reads
                chart_yaml = self._inspect(archive, label, depth)
        except _DAMAGES as error:
            raise _no_archive(label, error) from None
        if not chart_yaml:
            raise ChartError(f"{label}: the archive has no Chart.yaml")
        return chart_yaml

    def _inspect(self, archive: tarfile.TarFile, label: str, depth: int) -> bytes:
        """Look at each member, and return the Chart.yaml."""
        chart_yaml = b""
        for member in archive:
            self._members -= 1
            if self._members < 0:
                raise ChartError(f"{label}: the archive has more than {MAX_MEMBERS} members")
            if not (member.isfile() or member.isdir()):
                raise ChartError(f"{label}: the archive holds a link or a device: {member.name!r}")
            if member.name.startswith("/") or ".." in member.name.split("/") or "\\" in member.name:
                raise ChartError(f"{label}: the archive holds a path that leads outside: {member.name!r}")
            path = _path(member.name)
            if path == "Chart.yaml":
                chart_yaml = _bounded_content(archive, member, label, "Chart.yaml", MAX_CHART_YAML_BYTES)
            elif member.isfile() and _NESTED.fullmatch(path):
                inner = _bounded_content(archive, member, label, member.name, MAX_PACKED_BYTES)
                self.chart_yaml(inner, f"{label}: {member.name}", depth + 1)
        return chart_yaml

    def _take(self, size: int, label: str) -> None:
        self._room -= size
        if self._room < 0:
            raise ChartError(f"{label}: the archive unpacks to more than {MAX_UNPACKED_BYTES // MIB} MiB")


def _bounded_content(archive: tarfile.TarFile, member: tarfile.TarInfo, label: str, name: str, limit: int) -> bytes:
    if member.size > limit:
        raise ChartError(f"{label}: its {name} is larger than {limit // MIB} MiB")
    return _content(archive, member)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file: IO[bytes] | None = archive.extractfile(member)
    return file.read() if file else b""


class _BoundedStream:
    """The unpacked stream, which ends with an error where a bomb would go off."""

    def __init__(self, data: bytes, label: str, take: Callable[[int, str], object]) -> None:
        self._stream = GzipFile(fileobj=io.BytesIO(data))
        self._packed = len(data)
        self._label = label
        self._take = take
        self._unpacked = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._unpacked += len(data)
        self._take(len(data), self._label)
        if self._unpacked > max(RATIO_FROM_BYTES, MAX_RATIO * self._packed):
            raise ChartError(f"{self._label}: the archive unpacks to more than {MAX_RATIO} times its size")
        return data


class _Unpacker:
    """The room that an archive has with all archives in it."""

    def __init__(self) -> None:
        self._room = MAX_UNPACKED_BYTES

    def read(self, data: bytes, label: str, depth: int) -> list[tuple[tarfile.TarInfo, bytes]]:
        """Return the members with their contents; ChartError for what is damaged, too much or too deep."""
        if depth > MAX_NESTED:
            raise ChartError(f"{label}: more than {MAX_NESTED} archives lie in each other")
        try:
            unpacked = GzipFile(fileobj=io.BytesIO(data)).read(self._room + 1)
            self._room -= len(unpacked)
            if self._room < 0:
                raise ChartError(f"{label}: the archive unpacks to more than {MAX_UNPACKED_BYTES // MIB} MiB")
            with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
                members = [(member, _content(archive, member) if member.isfile() else b"") for member in archive]
        except _DAMAGES as error:
            raise _no_archive(label, error) from None
        if len(members) > MAX_MEMBERS:
            raise ChartError(f"{label}: the archive has more than {MAX_MEMBERS} members")
        return members


class _Repacker:
    """One archive, and those in it, with other schemas."""

    def __init__(self, change: SchemaChange) -> None:
        self._change = change
        self._unpacker = _Unpacker()

    def repack(self, data: bytes, label: str, depth: int) -> bytes:
        members = self._unpacker.read(data, label, depth)
        changed = [
            (member, self._changed(_path(member.name), content, label, depth) if member.isfile() else content)
            for member, content in members
        ]
        if all(before == after for (_, before), (_, after) in zip(members, changed, strict=True)):
            return data
        return _pack(changed)

    def _changed(self, path: str, content: bytes, label: str, depth: int) -> bytes:
        name = posixpath.join(label, path)
        if _SCHEMA.fullmatch(path):
            return self._change(name, content)
        return self.repack(content, name, depth + 1) if _NESTED.fullmatch(path) else content


def _path(name: str) -> str:
    """Return a member's path from the folder of the chart, as Helm reads it (pkg/chart/loader, LoadArchiveFiles)."""
    delimiter = "\\" if "\\" in name else "/"
    inside = "/".join(name.split(delimiter)[1:])
    return posixpath.normpath(inside) if inside else ""


def _pack(members: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members:
            copy = tarfile.TarInfo(member.name)
            copy.type, copy.linkname, copy.mode, copy.mtime = member.type, member.linkname, member.mode, member.mtime
            if member.isfile():
                copy.type, copy.size = tarfile.REGTYPE, len(content)
            archive.addfile(copy, io.BytesIO(content) if member.isfile() else None)
    return compress(stream.getvalue(), compresslevel=1, mtime=0)
