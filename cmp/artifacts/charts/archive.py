"""Look into a chart archive before it is trusted: what it is, and that unpacking it would do no harm.

Nothing is unpacked here or later: helm reads archives in memory, also those that lie in the charts/ of another, so that
all of one archive share its limits.  They keep a bomb out of the cache, where every render would meet it.
"""

from __future__ import annotations

import tarfile
import zlib
from gzip import GzipFile
from io import BytesIO
from typing import IO, TYPE_CHECKING

from cmp.artifacts.cache import Archive
from cmp.artifacts.charts.dependencies import identity
from cmp.errors import ChartError
from cmp.system.files import sha256

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024 * 1024
MAX_PACKED_BYTES = 20 * MIB
MAX_UNPACKED_BYTES = 100 * MIB  # Helm's own limit for a chart
MAX_RATIO = 100  # YAML packs to a tenth; zeros to a thousandth
RATIO_FROM_BYTES = 10 * MIB  # below this a high ratio harms nobody
MAX_MEMBERS = 10_000
MAX_NESTED = 10  # archives in archives; an archive can even hold itself
MAX_CHART_YAML_BYTES = MIB


def inspect(data: bytes, label: str) -> Archive:
    """Return what the archive says it is; ChartError, with `label` as subject, when it is damaged or dangerous."""
    chart_yaml = _Look().through(data, label)
    name, version = identity(chart_yaml, label)
    if not version.isprintable() or "/" in version:
        raise ChartError(f"{label}: the version in its Chart.yaml is not understood")
    return Archive(name, version, sha256(data), data)


def _reason(error: Exception) -> str:
    return "it ends too early" if isinstance(error, EOFError) else str(error)


class _Look:
    """A look through an archive and those in its charts/: what they may hold together."""

    def __init__(self) -> None:
        self._room = MAX_UNPACKED_BYTES
        self._members = MAX_MEMBERS

    def through(self, data: bytes, label: str, depth: int = 0) -> bytes:
        """Return the Chart.yaml; ChartError for all else than a chart's files, and for more than a chart has."""
        if len(data) > MAX_PACKED_BYTES:
            raise ChartError(f"{label}: the archive is larger than {MAX_PACKED_BYTES // MIB} MiB")
        if depth > MAX_NESTED:
            raise ChartError(f"{label}: archives lie in archives, more than {MAX_NESTED} deep")
        try:
            with tarfile.open(fileobj=_Limited(data, label, self._take), mode="r|") as archive:  # type: ignore[call-overload]  # it only reads
                chart_yaml = self._chart_yaml(archive, label, depth)
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise ChartError(f"{label}: this is not a chart archive ({_reason(error)})") from None
        if not chart_yaml:
            raise ChartError(f"{label}: the archive has no Chart.yaml")
        return chart_yaml

    def _chart_yaml(self, archive: tarfile.TarFile, label: str, depth: int) -> bytes:
        found = b""
        for member in archive:
            self._members -= 1
            if self._members < 0:
                raise ChartError(f"{label}: the archive has more than {MAX_MEMBERS} members")
            if not (member.isfile() or member.isdir()):
                raise ChartError(f"{label}: the archive holds a link or a device: {member.name!r}")
            parts = member.name.split("/")
            if member.name.startswith("/") or ".." in parts or "\\" in member.name:
                raise ChartError(f"{label}: the archive holds a path that leads outside: {member.name!r}")
            if parts[1:] == ["Chart.yaml"]:
                found = _content(archive, member, label, "Chart.yaml", MAX_CHART_YAML_BYTES)
            elif member.isfile() and _is_loaded(parts[1:]):
                inner = _content(archive, member, label, member.name, MAX_PACKED_BYTES)
                self.through(inner, f"{label}: {member.name}", depth + 1)
        return found

    def _take(self, size: int, label: str) -> None:
        self._room -= size
        if self._room < 0:
            raise ChartError(f"{label}: the archive unpacks to more than {MAX_UNPACKED_BYTES // MIB} MiB")


def _is_loaded(parts: list[str]) -> bool:
    """Whether helm loads a packed chart by its path in another: from charts/, also that of a chart in charts/."""
    is_in_charts = len(parts) % 2 == 0 and set(parts[::2]) == {"charts"}
    return is_in_charts and parts[-1].endswith(".tgz") and not any(name.startswith(("_", ".")) for name in parts[1::2])


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, label: str, name: str, most: int) -> bytes:
    if member.size > most:
        raise ChartError(f"{label}: its {name} is larger than {most // MIB} MiB")
    file: IO[bytes] | None = archive.extractfile(member)
    return file.read() if file else b""


class _Limited:
    """The unpacked stream, which ends with an error where a bomb would go off."""

    def __init__(self, data: bytes, label: str, take: Callable[[int, str], object]) -> None:
        self._stream = GzipFile(fileobj=BytesIO(data))
        self._packed = len(data)
        self._label = label
        self._take = take
        self._seen = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._seen += len(data)
        self._take(len(data), self._label)
        if self._seen > max(RATIO_FROM_BYTES, MAX_RATIO * self._packed):
            raise ChartError(f"{self._label}: the archive unpacks to more than {MAX_RATIO} times its size")
        return data
