"""Every verb removes what killed runs left, before anything else can fail."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.artifacts import toolstore
from cmp.artifacts.cache import ABANDONED_SECONDS, SIGNATURE, TAG, ChartCache
from cmp.cli.commands import COMMANDS
from cmp.system.locks import single_flight

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

SIDECAR = ("generate", "parameters")


class Left(NamedTuple):
    """The remains of killed runs: a private folder, a half-made tool, a half-written archive."""

    private: Path
    tool: Path
    archive: Path

    def there(self) -> list[str]:
        return [name for name, path in zip(self._fields, self, strict=True) if path.exists()]


def leave(sandbox: Sandbox, folder: Path) -> Left:
    """Leave it, as it looks an hour later."""
    sandbox.tools_dir = str(folder / "tools")
    left = Left(
        sandbox.tmp / "argocd-cmp-0123456789abcdef",
        folder / "tools/helm/.3.18.6.4711",
        sandbox.cache / "incoming/47-1a",
    )
    for path, name in ((left.private, "owner"), (left.private, "secret"), (left.tool, "helm.work")):
        path.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("unique-1")
    (left.tool.parent / ".3.18.6.lock").touch()
    left.archive.parent.mkdir(parents=True)
    left.archive.write_text("half")
    long_ago = time.time() - ABANDONED_SECONDS - 60
    os.utime(left.archive, (long_ago, long_ago))
    (sandbox.cache / TAG).write_bytes(SIGNATURE)
    return left


@pytest.mark.parametrize(
    "argv", [*((name,) for name in COMMANDS), ("no-such-verb",), ("doctor", "--no-such-option"), ()]
)
def test_every_verb_sweeps_whatever_its_own_fate(argv: tuple[str, ...], sandbox: Sandbox, tmp_path: Path) -> None:
    left = leave(sandbox, tmp_path)
    ran = sandbox.run(*argv, cwd=tmp_path, CMP_DEADLINE="never")
    assert (ran.code, ran.first_line) == (3, "cmp: CMP_DEADLINE is 'never', not a number of seconds above 0")
    assert left.there() == (["tool", "archive"] if argv[:1] and argv[0] in SIDECAR else [])


@pytest.mark.parametrize(
    ("argv", "code"),
    [(("no-such-verb",), 2), (("generate", "argument"), 2), (("render", "--no-such-option"), 2), (("--version",), 0)],
)
def test_a_wrong_argument_comes_after_the_sweep(
    argv: tuple[str, ...], code: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    left = leave(sandbox, tmp_path)
    assert sandbox.run(*argv, cwd=tmp_path).code == code
    assert not left.private.exists()


def test_a_folder_of_the_setting_that_is_not_there_is_no_reason_to_fail(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.extra |= dict.fromkeys(("CMP_TMPDIR", "CMP_TOOLS_DIR", "CMP_CACHE_DIR"), str(tmp_path / "nowhere"))
    assert sandbox.run("--version", cwd=tmp_path).code == 0


# Near misses


def test_what_may_still_be_in_use_stays(sandbox: Sandbox, tmp_path: Path) -> None:
    left = leave(sandbox, tmp_path)
    os.utime(left.archive)
    installed = left.tool.parent / "3.18.6"
    installed.mkdir()
    with single_flight(str(left.tool.parent / ".3.18.6.lock"), 0) as is_held:
        assert is_held
        assert sandbox.run("--version", cwd=tmp_path).code == 0
    assert (left.there(), installed.exists()) == (["tool", "archive"], True)


def test_a_folder_that_is_no_cache_is_left_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    left = leave(sandbox, tmp_path)
    (sandbox.cache / TAG).unlink()
    ChartCache(str(sandbox.cache)).sweep()
    assert left.archive.exists()


def test_a_half_made_tool_without_a_lock_is_left_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    """It is no folder of ours: an install takes the lock first."""
    left = leave(sandbox, tmp_path)
    (left.tool.parent / ".3.18.6.lock").unlink()
    toolstore.sweep(sandbox.tools_dir)
    assert left.tool.exists()


def test_the_chart_cache_is_swept_whenever_something_is_kept(sandbox: Sandbox, tmp_path: Path) -> None:
    """So that also the sidecar, which sweeps its private folders alone, leaves nothing for ever."""
    left = leave(sandbox, tmp_path)
    ChartCache(str(sandbox.cache)).keep_note("kind", "text", "value")
    assert not left.archive.exists()
