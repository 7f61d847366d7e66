"""Copies of the process that share a list of work."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from cmp.errors import Interrupted
from cmp.system import workers
from tests.support.leaks import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_every_item_is_done_once_and_told_by_its_number() -> None:
    done = dict(workers.run([3, 1, 2], lambda item: item * 10, 2))
    assert done == {0: 30, 1: 10, 2: 20}


def test_there_may_be_null_to_do() -> None:
    assert [*workers.run([], str, 4)] == []


def test_items_are_done_at_once(tmp_path: Path) -> None:
    def item(number: int) -> int:
        (tmp_path / str(number)).touch()
        wait_until(lambda: len(os.listdir(tmp_path)) == 4, 30)  # no item is done before all have begun
        return os.getpid()

    pids = {*dict(workers.run(range(4), item, 4)).values()}
    assert len(pids) == 4
    assert not pids & {os.getpid(), None}


def test_what_is_large_arrives_whole() -> None:
    found = dict(workers.run([1 << 20, 5 << 20], lambda size: b"x" * size, 2))
    assert [len(found[0] or b""), len(found[1] or b"")] == [1 << 20, 5 << 20]


def test_a_worker_that_dies_takes_only_its_item_with_it() -> None:
    def item(number: int) -> int:
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    assert dict(workers.run([0, 1, 2, 3, 4], item, 2)) == {0: 0, 1: None, 2: 2, 3: 3, 4: 4}


def test_workers_know_what_was_there_and_change_nothing_of_it() -> None:
    known = {"a": 1}

    def item(_: int) -> int:
        known["a"] += 1
        return known["a"]

    assert dict(workers.run([0], item, 1)) == {0: 2}
    assert known == {"a": 1}


def test_who_stops_early_leaves_nobody_behind() -> None:
    def item(number: int) -> int:
        time.sleep(0 if number == 0 else 60)
        return os.getpid()

    others = _children()
    running = workers.run([0, 1, 2], item, 3)
    next(running)
    children = _children() - others
    running.close()
    assert len(children) == 2
    assert not children & _children()


def test_a_signal_ends_the_workers_and_lets_them_tidy_up(tmp_path: os.PathLike[str]) -> None:
    place = os.path.join(tmp_path, "made")

    def item(_: int) -> None:
        open(place, "w").close()  # what a worker makes and removes
        try:
            os.kill(os.getppid(), signal.SIGALRM)
            time.sleep(60)
        finally:
            os.unlink(place)

    others = _children()
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGALRM)

    def stop(*_: object) -> None:
        raise Interrupted(signal.SIGALRM)

    signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(Interrupted):
            [*workers.run([0], item, 1)]
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGALRM, before[1])
    assert not os.path.exists(place)
    assert _children() <= others


def _children() -> set[str]:
    """Return the processes that this one started; other tests may have some that go on."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return set(file.read().split())
