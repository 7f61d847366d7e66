"""The checks of a chart archive before it enters the cache."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.charts import archive
from cmp.artifacts.charts.archive import inspect
from cmp.errors import ChartError

if TYPE_CHECKING:
    from collections.abc import Iterable

CHART = b"apiVersion: v2\nname: redis\nversion: 1.2.3\n"


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        info.linkname = "redis/Chart.yaml"
    return info, content


def pack(members: Iterable[tuple[tarfile.TarInfo, bytes]], level: int = 6) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as opened:
        for info, content in members:
            opened.addfile(info, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), level, mtime=0)


def refusal(data: bytes) -> str:
    with pytest.raises(ChartError) as caught:
        inspect(data, "the chart")
    return caught.value.what


def test_an_archive_says_what_it_is() -> None:
    nested = member("redis/charts/other/Chart.yaml", b"name: other\nversion: 9.9.9\n")
    data = pack([member("redis", kind=tarfile.DIRTYPE), nested, member("redis/Chart.yaml", CHART)])
    found = inspect(data, "the chart")
    assert (found.name, found.version, found.filename) == ("redis", "1.2.3", "redis-1.2.3.tgz")
    assert (found.sha256, found.data) == (hashlib.sha256(data).hexdigest(), data)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "the chart: this is not a chart archive (empty file)"),
        (b"hello", "the chart: this is not a chart archive (Not a gzipped file (b'he'))"),
        (gzip.compress(b"x" * 2000, mtime=0), "the chart: this is not a chart archive (invalid header)"),
        (pack([member("redis/Chart.yaml", CHART)])[:-40], "the chart: this is not a chart archive (it ends too early)"),
        (pack([member("redis/values.yaml", b"a: 1\n")]), "the chart: the archive has no Chart.yaml"),
        (pack([member("Chart.yaml", CHART)]), "the chart: the archive has no Chart.yaml"),
        (pack([member("redis/Chart.yaml", b"name: redis\n")]), "this chart has no name and version"),
        (pack([member("redis/Chart.yaml", b"name: ../x\nversion: 1.2.3\n")]), "this chart has no name and version"),
        (
            pack([member("redis/Chart.yaml", b"name: redis\nversion: 1/2\n")]),
            "the chart: the version in its Chart.yaml is not understood",
        ),
        (pack([member("redis/Chart.yaml", b"name: [\n")]), "this is not YAML: did not find expected node content"),
    ],
)
def test_what_is_no_chart_is_refused(data: bytes, what: str) -> None:
    assert refusal(data) == what


@pytest.mark.parametrize("name", ["/etc/cron.d/x", "../x", "redis/../../x", "redis\\..\\x"])
def test_a_path_that_leads_outside_is_refused(name: str) -> None:
    data = pack([member("redis/Chart.yaml", CHART), member(name, b"x")])
    assert refusal(data) == f"the chart: the archive holds a path that leads outside: {name!r}"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes) -> None:
    data = pack([member("redis/Chart.yaml", CHART), member("redis/x", kind=kind)])
    assert refusal(data) == "the chart: the archive holds a link or a device: 'redis/x'"


def test_a_bomb_is_refused_by_its_ratio() -> None:
    data = pack([member("redis/Chart.yaml", CHART), member("redis/zeros", bytes(12 * archive.MIB))])
    assert len(data) < archive.MIB // 10
    assert refusal(data) == "the chart: the archive unpacks to more than 100 times its size"


def test_a_bomb_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 2 * archive.MIB)
    data = pack([member("redis/Chart.yaml", CHART), member("redis/zeros", bytes(3 * archive.MIB))], level=0)
    assert refusal(data) == "the chart: the archive unpacks to more than 2 MiB"


@pytest.mark.slow
def test_too_many_members_are_refused() -> None:
    data = pack([member("redis/Chart.yaml", CHART), *(member(f"redis/{number}") for number in range(10_000))])
    assert refusal(data) == "the chart: the archive has more than 10000 members"


def test_a_very_large_chart_yaml_is_refused() -> None:
    data = pack([member("redis/Chart.yaml", CHART + b"#" * archive.MIB)])
    assert refusal(data) == "the chart: its Chart.yaml is larger than 1 MiB"


def test_a_very_large_archive_is_refused_unread() -> None:
    assert refusal(bytes(20 * archive.MIB + 1)) == "the chart: the archive is larger than 20 MiB"


def inner(*members: tuple[tarfile.TarInfo, bytes], level: int = 6) -> bytes:
    """Return a packed chart that stands in the charts/ of another."""
    return pack([member("redis/Chart.yaml", CHART), *members], level)


@pytest.mark.parametrize(
    "path",
    ["redis/charts/x.tgz", "redis/charts/sub/charts/x.tgz", "redis/./charts/x.tgz", "redis/charts//x.tgz"],
)
@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"hello", "this is not a chart archive (Not a gzipped file (b'he'))"),
        (inner(member("redis/x", kind=tarfile.SYMTYPE)), "the archive holds a link or a device: 'redis/x'"),
        (inner(member("../x")), "the archive holds a path that leads outside: '../x'"),
        (inner(member("redis/zeros", bytes(12 * archive.MIB))), "the archive unpacks to more than 100 times its size"),
    ],
)
def test_what_lies_in_the_charts_of_an_archive_is_looked_into(path: str, data: bytes, what: str) -> None:
    assert refusal(inner(member(path, data))) == f"the chart: {path}: {what}"
    assert refusal(inner(member("redis/charts/y.tgz", inner(member(path, data))))) == (
        f"the chart: redis/charts/y.tgz: {path}: {what}"
    )


def test_archives_in_an_archive_share_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 2 * archive.MIB)
    half = inner(member("redis/zeros", bytes(archive.MIB)))
    assert inspect(inner(member("redis/charts/a.tgz", half)), "the chart").name == "redis"
    both = [member(f"redis/charts/{name}.tgz", half) for name in "ab"]
    assert refusal(inner(*both)) == "the chart: redis/charts/b.tgz: the archive unpacks to more than 2 MiB"


def test_archives_lie_in_archives_only_so_deep() -> None:
    data = inner()
    for _ in range(archive.MAX_NESTED):
        data = inner(member("redis/charts/x.tgz", data))
    assert inspect(data, "the chart").name == "redis"
    assert refusal(inner(member("redis/charts/x.tgz", data))).endswith("archives lie in archives, more than 10 deep")


@pytest.mark.parametrize(
    "path", ["redis/x.tgz", "redis/files/charts/x.tgz", "redis/charts/_x.tgz", "redis/charts/.x.tgz"]
)
def test_what_helm_does_not_load_may_be_any_archive(path: str) -> None:
    assert inspect(inner(member(path, b"hello")), "the chart").name == "redis"
