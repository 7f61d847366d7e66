"""The chart cache: archives under their sha256, filled beside and published by rename, verified on every use.

    CACHEDIR.TAG                            marks the folder as a cache; nothing is pruned without it
    archives/<sha256>/<name>-<version>.tgz  the archives; the time of the file is that of its last use
    index/<key>.json                        which archive a repository gave for a name and version: kept when the
                                            archive goes, so that another digest for the same version is noticed
    notes/<kind>/<key>.json                 results that depend on nothing but their key and may vanish at any time
    locks/  incoming/                       single flight; files that are still being written

Any number of processes may share the folder, also over a network: nothing here depends on a lock.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ChartError
from cmp.system.files import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG = "CACHEDIR.TAG"
SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55\n"  # https://bford.info/cachedir/
HEX_DIGITS = 64
SOURCE = "source:"  # instead of a repository's URL: the archive was packaged from files with this digest
# Prefixes of a URL where the archive is no chart: a Git repository's files, a web server's file, a chart's JSON Schema.
GIT, FILE, SCHEMA = "git+", "file+", "schema+"
PART = "part+"  # instead of a URL: the part that is used of such an archive, with this digest
USE_SECONDS = 3600  # the time of last use is not written more often than that
ABANDONED_SECONDS = 3600.0  # a file that is still in incoming/ after that was left by a process that died


class Key(NamedTuple):
    """The repository's URL (or `source:<sha256>`), the name and the exact version of a chart."""

    repository: str
    name: str
    version: str

    @property
    def digest(self) -> str:
        return sha256("\n".join(self).encode())

    @property
    def is_chart(self) -> bool:
        """Say whether the key is a chart's, and not one of cmp/artifacts/remotes."""
        return not self.repository.startswith((GIT, FILE, SCHEMA, PART))


class Archive(NamedTuple):
    """A verified chart archive; `version` is the chart's own, which may differ from the asked one by a leading `v`."""

    name: str
    version: str
    sha256: str
    data: bytes
    is_fetched: bool = False

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}.tgz"


class Record(NamedTuple):
    """An index entry: a key, and version and digest of the archive that the repository gave for it."""

    key: Key
    version: str
    sha256: str


class ChartCache:
    """The cache in one folder, which need not exist yet."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def find(self, key: Key, sha256_wanted: str = "") -> Archive | None:
        """Return the archive, its digest verified, or None; a damaged archive is dropped.

        With `sha256_wanted` (from cmp.lock) only the archive with this digest counts, whatever the index says.
        """
        record = self.record(key)
        if sha256_wanted and (record is None or record.sha256 != sha256_wanted):
            record = Record(key, key.version, sha256_wanted)
        if record is None:
            return None
        path = self.path(record)
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            return None
        if sha256(data) != record.sha256:
            _quietly_remove(path)
            return None
        _mark_used(path)
        return Archive(name=key.name, version=record.version, sha256=record.sha256, data=data)

    def record(self, key: Key) -> Record | None:
        """Return the index entry of the key, whether or not its archive is still there."""
        entry = self._load(self._index(key))
        if not isinstance(entry, dict) or not is_sha256(entry.get("sha256")) or not _is_segment(entry.get("chart")):
            return None
        return Record(key, version=entry["chart"], sha256=entry["sha256"])

    def publish(self, key: Key, archive: Archive) -> None:
        """Put an archive in place, then the entry that names it; ChartError when the folder cannot be written."""
        try:
            self._prepare()
            path = self.path(Record(key, archive.version, archive.sha256))
            self._write(path, archive.data)
            entry = {**key._asdict(), "chart": archive.version, "sha256": archive.sha256}
            self._write(self._index(key), _dumps(entry))
        except OSError as error:
            raise self.unwritable(error) from None

    def unwritable(self, error: OSError) -> ChartError:
        """Make the error for a cache that cannot be written."""
        return ChartError(
            f"cannot write to the chart cache {self.folder}: {error.strerror}",
            hint="fill it with `cmp cache warm`, or let CMP_CACHE_DIR name a folder with room that may be written",
            is_external=True,
        )

    def forget(self, key: Key) -> None:
        """Drop the entry and its archive, so that the next archive of the repository is accepted."""
        record = self.record(key)
        try:
            if record:
                _quietly_remove(self.path(record))
            os.unlink(self._index(key))
        except FileNotFoundError:
            return
        except OSError as error:
            raise self.unwritable(error) from None

    def remove(self, record: Record) -> None:
        """Drop an archive but keep its digest; one that was packaged here is forgotten, for it never comes again."""
        _quietly_remove(self.path(record))
        with suppress(OSError):
            os.rmdir(os.path.dirname(self.path(record)))
        if record.key.repository.startswith((SOURCE, PART)):
            _quietly_remove(self._index(record.key))

    def sweep(self) -> None:
        """Remove the half-written files of killed runs, in a tagged folder only."""
        files = list(_files(os.path.join(self.folder, "incoming")))
        for path in files if files and self.is_tagged else ():
            _remove_older(path, time.time() - ABANDONED_SECONDS)

    def forget_notes(self, unused: float) -> None:
        """Remove notes from before the time `unused`."""
        for folder in _files(os.path.join(self.folder, "notes")):
            for path in _files(folder):
                _remove_older(path, unused)

    def records(self) -> list[Record]:
        """List the index entries, those without an archive too, sorted; damaged ones are left out."""
        records = []
        for path in _files(os.path.join(self.folder, "index")):
            entry = self._load(path)
            if isinstance(entry, dict) and all(isinstance(entry.get(part), str) for part in Key._fields):
                record = self.record(Key(*(entry[part] for part in Key._fields)))
                records += [record] if record else []
        return sorted(records)

    def path(self, record: Record) -> str:
        """Return the path of an entry's archive, which need not exist.

        Name and version are part of the path: an entry that points to another chart's digest finds nothing.
        """
        return os.path.join(self.folder, "archives", record.sha256, f"{record.key.name}-{record.version}.tgz")

    def lock(self, key: Key) -> str:
        """Return the path of the lock file under which the key is filled."""
        return os.path.join(self.folder, "locks", f"{key.digest}.lock")

    def note(self, kind: str, text: str) -> object:
        """Return the value that `keep_note` kept for a text, or None."""
        return self._load(self._note(kind, text))

    def keep_note(self, kind: str, text: str, value: object) -> None:
        """Remember a result that depends on nothing but the text; a folder that cannot be written is no error."""
        try:
            self._prepare()
            self._write(self._note(kind, text), _dumps(value))
        except OSError:
            return

    def _index(self, key: Key) -> str:
        return os.path.join(self.folder, "index", f"{key.digest}.json")

    def _note(self, kind: str, text: str) -> str:
        return os.path.join(self.folder, "notes", kind, f"{sha256(text.encode())}.json")

    def _load(self, path: str) -> object:
        import json  # noqa: PLC0415  # 1 ms, and only where charts have dependencies

        try:
            with open(path, "rb") as file:
                return json.loads(file.read())
        except (OSError, ValueError):
            return None

    def _prepare(self) -> None:
        """Make the folder a cache, and sweep it: that costs nothing beside the write that follows."""
        os.makedirs(os.path.join(self.folder, "incoming"), exist_ok=True)
        self.sweep()
        if not self.is_tagged:
            self._write(os.path.join(self.folder, TAG), SIGNATURE)

    @property
    def is_tagged(self) -> bool:
        """Say whether the folder has the tag of a cache."""
        try:
            with open(os.path.join(self.folder, TAG), "rb") as file:
                return file.read().startswith(SIGNATURE.rstrip())
        except OSError:
            return False

    def _write(self, path: str, data: bytes) -> None:
        """Write beside, then rename: a file with the final name is whole."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        incoming = os.path.join(self.folder, "incoming", f"{os.getpid()}-{os.urandom(4).hex()}")
        try:
            with open(incoming, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.rename(incoming, path)
        except BaseException:
            _quietly_remove(incoming)
            raise


def not_cached(subject: str, place: str) -> ChartError:
    """Make the error for a chart or file that is not in the cache, where the settings forbid to fetch it."""
    return ChartError(
        f"{subject} is not in the cache, and CMP_OFFLINE forbids to fetch it",
        file=place,
        hint="run `cmp cache warm` where the network is allowed",
        is_external=True,
    )


def is_sha256(value: object) -> bool:
    """Say whether the value is a digest in the notation of this package."""
    return isinstance(value, str) and len(value) == HEX_DIGITS and not set(value) - set("0123456789abcdef")


def _is_segment(value: object) -> bool:
    return isinstance(value, str) and bool(value) and "/" not in value and "\0" not in value


def _files(folder: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    yield from (os.path.join(folder, name) for name in names)


def _dumps(value: object) -> bytes:
    import json  # noqa: PLC0415  # see _load

    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _remove_older(path: str, moment: float) -> None:
    with suppress(OSError):
        if os.stat(path).st_mtime < moment:
            os.unlink(path)


def _mark_used(path: str) -> None:
    with suppress(OSError):  # a read-only cache keeps no time of use
        if time.time() - os.stat(path).st_mtime > USE_SECONDS:
            os.utime(path)


def _quietly_remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
