"""Facts that are true for a limited time, and a store that somebody else has written to."""

from __future__ import annotations

import os
import pickle
import sqlite3
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts import ttl_cache
from cmp.artifacts.ttl_cache import JsonDisk

if TYPE_CHECKING:
    from pathlib import Path


def test_a_fact_is_true_for_its_time(tmp_path: Path) -> None:
    state = str(tmp_path)
    assert ttl_cache.recall(state, "a") is None
    ttl_cache.remember(state, "a", {"x": [1, "é"]}, 60)
    ttl_cache.remember(state, "old", 1, -1)
    assert ttl_cache.recall(state, "a") == {"x": [1, "é"]}
    assert ttl_cache.recall(state, "old") is None


def test_facts_are_forgotten_by_the_beginning_of_their_key(tmp_path: Path) -> None:
    for key in ("range a 1", "range a 2", "range b 1"):
        ttl_cache.remember(str(tmp_path), key, True, 60)  # noqa: FBT003  # the value
    ttl_cache.forget(str(tmp_path), "range a ")
    assert [ttl_cache.recall(str(tmp_path), key) for key in ("range a 1", "range a 2", "range b 1")] == [
        None,
        None,
        True,
    ]


class Bomb:
    """A pickle that makes a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE Cache SET mode = 4, value = ?",
        "UPDATE Cache SET mode = 4, value = NULL, filename = 'bomb.val'",
        "UPDATE Cache SET mode = 3, value = NULL, filename = 'bomb.val'",
        "UPDATE Cache SET raw = 0, key = ?",
    ],
)
def test_a_forged_row_runs_no_code(forged: str, tmp_path: Path) -> None:
    state, target = str(tmp_path), tmp_path / "made-by-the-bomb"
    ttl_cache.remember(state, "a", 1, 60)
    payload = pickle.dumps(Bomb(target))
    (tmp_path / "facts/bomb.val").write_bytes(payload)
    with sqlite3.connect(tmp_path / "facts/cache.db") as database:
        database.execute(forged, (payload,) if "?" in forged else ())
    database.close()
    assert ttl_cache.recall(state, "a") is None
    ttl_cache.forget(state, "a")
    assert not target.exists()


def test_no_file_that_a_forged_row_names_is_removed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    ttl_cache.remember(str(tmp_path), "a", 1, 60)
    with sqlite3.connect(tmp_path / "facts/cache.db") as database:
        database.execute("UPDATE Cache SET filename = '../precious'")
    database.close()
    ttl_cache.forget(str(tmp_path), "a")
    ttl_cache.remember(str(tmp_path), "a", 2, 60)
    assert precious.read_text() == "kept"


def test_keys_of_facts_are_text(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"^the key of a fact is text$"):
        JsonDisk(str(tmp_path)).put(1)


@pytest.mark.parametrize("content", [None, b"this is no database"])
def test_a_store_that_cannot_be_used_knows_nothing(content: bytes | None, tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()
    if content is None:
        (tmp_path / "facts/cache.db").mkdir()
    else:
        (tmp_path / "facts/cache.db").write_bytes(content)
    ttl_cache.remember(str(tmp_path), "a", 1, 60)
    ttl_cache.forget(str(tmp_path), "a")
    assert ttl_cache.recall(str(tmp_path), "a") is None
