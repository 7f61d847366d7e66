"""Unpacked files lie inside their folder, are private, and are bounded in number and size."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from cmp.errors import ChartError
from cmp.system import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def pack(*members: tuple[str, bytes | str]) -> bytes:
    """Return an archive: a name with bytes is a file, with text a link, one that ends in `/` a folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name.rstrip("/"))
            member.mode = 0o777
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            elif name.endswith("/"):
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def unpacked(folder: Path, data: bytes, skip: int = 0) -> dict[str, str]:
    unpack.unpack(data, str(folder), "it", skip=skip)
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_files_and_folders_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "to"
    folder.mkdir(mode=0o700)
    before = os.umask(0)
    try:
        found = unpacked(folder, pack(("./a/b/c", b"x"), ("empty/", b""), ("d", b"y")))
    finally:
        os.umask(before)
    assert found == {"a/b/c": "x", "d": "y"}
    modes = {str(path.relative_to(folder)): oct(path.stat().st_mode & 0o777) for path in folder.rglob("*")}
    assert modes == {"a": "0o700", "a/b": "0o700", "a/b/c": "0o600", "d": "0o600", "empty": "0o700"}


def test_leading_folders_are_left_out(tmp_path: Path) -> None:
    assert unpacked(tmp_path, pack(("redis/", b""), ("redis/Chart.yaml", b"x"), ("top", b"y")), skip=1) == {
        "Chart.yaml": "x"
    }


def test_links_that_stay_inside_are_made(tmp_path: Path) -> None:
    links = [("l", "a/b"), ("folder", "a"), ("a/up", "../a/b"), ("through", "folder/b")]
    found = unpacked(tmp_path, pack(*links, ("a/b", b"x")))
    assert {name: found[name] for name, _ in links if name != "folder"} == dict.fromkeys(("l", "a/up", "through"), "x")


@pytest.mark.parametrize(
    "links",
    [
        [("l", "/etc/passwd")],
        [("l", "../outside")],
        [("l", "nothing")],
        [("l", "l")],
        [("deep/down/here", "../.."), ("l", "deep/down/here/../outside")],
        [("a", "/"), ("l", "a/etc/passwd")],
        [("l", "b"), ("b", "../outside")],
    ],
)
def test_links_that_lead_outside_are_left_out(links: Iterable[tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    folder = tmp_path / "to"
    folder.mkdir()
    assert unpacked(folder, pack(("file", b"x"), *links)) == {"file": "x"}
    assert not (folder / "l").exists()


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/x", "a\\x", "a/.."])
def test_a_path_that_leads_outside(name: str, tmp_path: Path) -> None:
    with pytest.raises(ChartError) as caught:
        unpack.unpack(pack((name, b"x")), str(tmp_path), "it")
    assert caught.value.what == f"it: its archive holds a path that leads outside: {name!r}"
    assert [*tmp_path.iterdir()] == []


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "to"
    folder.mkdir()
    (tmp_path / "victim").mkdir()
    assert unpacked(folder, pack(("l", "../victim"), ("l/x", b"x"))) == {"l/x": "x"}
    assert [*(tmp_path / "victim").iterdir()] == []


def test_devices_and_hard_links(tmp_path: Path) -> None:
    for kind in (tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.LNKTYPE):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            member = tarfile.TarInfo("x")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        with pytest.raises(ChartError, match="neither a file nor a folder nor a link: 'x'"):
            unpack.unpack(stream.getvalue(), str(tmp_path), "it")


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_BYTES", 1 << 20)
    with pytest.raises(ChartError, match=r"^it: it holds more than 1 MiB$"):
        unpack.unpack(gzip.compress(bytes((1 << 20) + 1)), str(tmp_path), "it")
    monkeypatch.setattr(unpack, "MAX_ENTRIES", 2)
    with pytest.raises(ChartError, match=r"^it: it has more than 2 files$"):
        unpack.unpack(pack(*((name, b"") for name in "abc")), str(tmp_path), "it")


@pytest.mark.parametrize("cut", [10, -20])
def test_a_damaged_archive(cut: int, tmp_path: Path) -> None:
    with pytest.raises(ChartError, match=r"^it: its archive is damaged"):
        unpack.unpack(pack(("a", b"x" * 1000))[:cut], str(tmp_path), "it")


def test_a_name_that_is_a_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ChartError, match=r"^it: it cannot be unpacked: "):
        unpack.unpack(pack(("a", b"x"), ("a/b", b"y")), str(tmp_path), "it")
