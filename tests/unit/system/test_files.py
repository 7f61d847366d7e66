"""A file is replaced as a whole, and keeps its mode; a failure leaves the old one and nothing beside it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from cmp.system import files

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "cmp.lock"
    path.write_bytes(b"old")
    path.chmod(0o640)
    files.replace(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["cmp.lock"]


def test_a_mode_that_is_asked_for_holds_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_bytes(b"old")
    path.chmod(0o644)
    files.replace(str(path), b"new", 0o600)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    files.replace(str(tmp_path / "cmp.lock"), b"new")
    assert (tmp_path / "cmp.lock").read_bytes() == b"new"


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "cmp.lock"
    folder.mkdir()
    with pytest.raises(OSError, match="directory"):
        files.replace(str(folder), b"new")
    assert os.listdir(tmp_path) == ["cmp.lock"]
