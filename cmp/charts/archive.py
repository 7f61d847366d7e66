"""Look into a chart archive before it is trusted: what it is, and that unpacking it would do no harm.

Nothing is unpacked here or later: helm reads archives in memory.  The limits keep a bomb out of the cache, where every
render would meet it.
"""

from __future__ import annotations

import tarfile
import zlib
from gzip import GzipFile
from io import BytesIO
from typing import IO

from cmp.chartcache import Archive
from cmp.charts.chartfile import identity
from cmp.digest import sha256
from cmp.errors import ChartError

MIB = 1024 * 1024
MAX_PACKED_BYTES = 20 * MIB
MAX_UNPACKED_BYTES = 100 * MIB  # Helm's own limit for a chart
MAX_RATIO = 100  # YAML packs to a tenth; zeros to a thousandth
RATIO_FROM_BYTES = 10 * MIB  # below this a high ratio harms nobody
MAX_MEMBERS = 10_000
MAX_CHART_YAML_BYTES = MIB


def inspect(data: bytes, label: str) -> Archive:
    """Return what the archive says it is; ChartError, with `label` as subject, when it is damaged or dangerous."""
    if len(data) > MAX_PACKED_BYTES:
        raise ChartError(f"{label}: the archive is larger than {MAX_PACKED_BYTES // MIB} MiB")
    stream = _Limited(data, label)
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]  # it only reads
            chart_yaml = _chart_yaml(archive, label)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ChartError(f"{label}: this is not a chart archive ({_reason(error)})") from None
    if not chart_yaml:
        raise ChartError(f"{label}: the archive has no Chart.yaml")
    name, version = identity(chart_yaml, label)
    if not version.isprintable() or "/" in version:
        raise ChartError(f"{label}: the version in its Chart.yaml is not understood")
    return Archive(name, version, sha256(data), data)


def _reason(error: Exception) -> str:
    return "it ends too early" if isinstance(error, EOFError) else str(error)


def _chart_yaml(archive: tarfile.TarFile, label: str) -> bytes:
    found = b""
    for count, member in enumerate(archive, 1):
        if count > MAX_MEMBERS:
            raise ChartError(f"{label}: the archive has more than {MAX_MEMBERS} members")
        if not (member.isfile() or member.isdir()):
            raise ChartError(f"{label}: the archive holds a link or a device: {member.name!r}")
        parts = member.name.split("/")
        if member.name.startswith("/") or ".." in parts or "\\" in member.name:
            raise ChartError(f"{label}: the archive holds a path that leads outside: {member.name!r}")
        if parts[1:] == ["Chart.yaml"]:
            found = _content(archive, member, label)
    return found


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, label: str) -> bytes:
    if member.size > MAX_CHART_YAML_BYTES:
        raise ChartError(f"{label}: its Chart.yaml is larger than {MAX_CHART_YAML_BYTES // MIB} MiB")
    file: IO[bytes] | None = archive.extractfile(member)
    return file.read() if file else b""


class _Limited:
    """The unpacked stream, which ends with an error where a bomb would go off."""

    def __init__(self, data: bytes, label: str) -> None:
        self._stream = GzipFile(fileobj=BytesIO(data))
        self._packed = len(data)
        self._label = label
        self._seen = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._seen += len(data)
        if self._seen > MAX_UNPACKED_BYTES:
            raise ChartError(f"{self._label}: the archive unpacks to more than {MAX_UNPACKED_BYTES // MIB} MiB")
        if self._seen > max(RATIO_FROM_BYTES, MAX_RATIO * self._packed):
            raise ChartError(f"{self._label}: the archive unpacks to more than {MAX_RATIO} times its size")
        return data
