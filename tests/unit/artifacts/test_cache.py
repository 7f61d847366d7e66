"""The chart cache on disk: published by rename, verified when used, read-only or full."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import time
from pathlib import Path

import pytest

from cmp.artifacts.cache import SIGNATURE, Archive, ChartCache, Key
from cmp.errors import ChartError
from tests.support.charts import World, dependency
from tests.support.servers.charts import ChartRepository

KEY = Key("https://charts.example", "redis", "1.2.3")
# Root may write where permissions forbid it: a process without CAP_DAC_OVERRIDE (1) may not (24: PR_CAPBSET_DROP).
UNPRIVILEGED = (
    sys.executable,
    "-c",
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])",
)


@pytest.fixture
def cache(tmp_path: Path) -> ChartCache:
    return ChartCache(str(tmp_path / "cache"))


def archive(data: bytes = b"the archive", version: str = "1.2.3") -> Archive:
    return Archive("redis", version, hashlib.sha256(data).hexdigest(), data)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_was_published_is_found_under_its_digest(cache: ChartCache) -> None:
    assert cache.find(KEY) is None
    cache.publish(KEY, archive())
    assert cache.find(KEY) == archive()
    digest = archive().sha256
    assert files(Path(cache.folder)) == [
        "CACHEDIR.TAG",
        f"archives/{digest}/redis-1.2.3.tgz",
        f"index/{KEY.digest}.json",
    ]
    assert json.loads(Path(cache.folder, f"index/{KEY.digest}.json").read_text()) == {
        "repository": "https://charts.example",
        "name": "redis",
        "version": "1.2.3",
        "chart": "1.2.3",
        "sha256": digest,
    }
    assert Path(cache.folder, "CACHEDIR.TAG").read_bytes() == SIGNATURE


@pytest.mark.parametrize(
    "other",
    [KEY._replace(repository="https://other.example"), KEY._replace(name="redi"), KEY._replace(version="1.2.4")],
)
def test_nothing_is_found_under_another_key(other: Key, cache: ChartCache) -> None:
    cache.publish(KEY, archive())
    assert cache.find(other) is None


def test_a_damaged_archive_is_dropped_and_its_digest_remembered(cache: ChartCache) -> None:
    cache.publish(KEY, archive())
    path = Path(cache.folder, "archives", archive().sha256, "redis-1.2.3.tgz")
    path.write_bytes(b"something else")
    assert cache.find(KEY) is None
    assert not path.exists()
    record = cache.record(KEY)
    assert record
    assert record.sha256 == archive().sha256


def test_an_archive_is_found_by_the_digest_that_is_demanded_and_no_other(cache: ChartCache) -> None:
    cache.publish(KEY, archive(b"old"))
    cache.publish(KEY, archive(b"new"))
    assert cache.find(KEY) == archive(b"new")
    assert cache.find(KEY, archive(b"old").sha256) == archive(b"old")
    assert cache.find(KEY, "0" * 64) is None


def test_forgetting_lets_anything_come_next(cache: ChartCache) -> None:
    cache.publish(KEY, archive())
    cache.forget(KEY)
    cache.forget(KEY)
    assert cache.record(KEY) is None
    assert cache.records() == []


def test_use_is_noted_in_the_time_of_the_file_once_an_hour(cache: ChartCache) -> None:
    cache.publish(KEY, archive())
    path = Path(cache.folder, "archives", archive().sha256, "redis-1.2.3.tgz")
    for age, is_noted in ((600, False), (7200, True)):
        moment = time.time() - age
        os.utime(path, (moment, moment))
        cache.find(KEY)
        assert (path.stat().st_mtime > moment + 1) == is_noted


def test_notes_are_kept_and_may_vanish(cache: ChartCache) -> None:
    assert cache.note("kind", "question") is None
    cache.keep_note("kind", "question", {"an": ["answer"]})
    assert cache.note("kind", "question") == {"an": ["answer"]}
    assert cache.note("other", "question") is None
    for path in Path(cache.folder).glob("notes/kind/*"):
        path.write_text("{")
    assert cache.note("kind", "question") is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_is_said_and_leaves_nothing_half_published(
    number: int, cache: ChartCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    cache.keep_note("kind", "question", "answer")  # no error: it may be asked again
    with pytest.raises(ChartError) as caught:
        cache.publish(KEY, archive())
    assert caught.value.lines(is_cached=True) == [
        f"cmp: cannot write to the chart cache {cache.folder}: {os.strerror(number)}",
        (
            "  hint: fill it with `cmp cache warm`, or let CMP_CACHE_DIR name a folder with room that may be written; "
            "Argo CD keeps this error cached until a hard refresh"
        ),
    ]
    assert files(Path(cache.folder)) == []


def test_a_read_only_cache_serves_hits_and_names_itself_on_a_miss(
    archives: Path, tmp_path: Path, tools_dir: str
) -> None:
    world = World(tmp_path, tools_dir)
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "1.2.3", repository.url))
        world.restore()
        folders = [world.cache, *(path for path in world.cache.rglob("*") if path.is_dir())]
        for path in folders:
            path.chmod(0o555)
        before = files(world.cache)
        stdout, stderr = world.start(*UNPRIVILEGED).communicate(timeout=30)
        assert "'cache')] ['redis-1.2.3.tgz']" in stdout, stderr
        world.depend(dependency("redis", "1.3.0", repository.url))
        stdout, stderr = world.start(*UNPRIVILEGED).communicate(timeout=30)
    error = f"cmp.errors.ChartError: cannot write to the chart cache {world.cache}: Permission denied"
    assert stderr.splitlines()[-1] == error
    assert files(world.cache) == before
    assert world.leftovers() == []
