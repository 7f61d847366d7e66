"""One commit refreshes everything: many cold renders at once share charts, and fetch each of them once."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from examples.chartserver import package
from tests.support import bare_tools
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

ARGV = [[app, "--cluster", cluster] for app, cluster in bare_tools.instances()]
SIXTEEN = [*ARGV, *ARGV[:2]]


def render_all(sandbox: Sandbox, root: Path) -> list[tuple[int, bytes, bytes]]:
    running = [
        subprocess.Popen(
            sandbox.command("render", *argv),
            cwd=root,
            env=sandbox.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for argv in SIXTEEN
    ]
    ended = [(one.communicate(), one.returncode) for one in running]
    return [(code, stdout, stderr) for (stdout, stderr), code in ended]


def test_sixteen_cold_renders_request_each_archive_once_and_then_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.extra["SOPS_AGE_KEY_FILE"] = str(bare_tools.AGE_KEY)
    helm = Path(sandbox.tools_dir, "helm/3.18.6/helm")
    archives = package(bare_tools.EXAMPLES / "charts", tmp_path / "packages", helm)
    assert len(SIXTEEN) == 16
    with ChartRepository(archives) as repository:
        root = bare_tools.copy_monorepo(tmp_path / "monorepo", repository.url)
        (root / ".git").mkdir()
        cold = render_all(sandbox, root)
        assert [code for code, _, _ in cold] == [0] * 16, cold
        asked = Counter(path for path in repository.requests if path.endswith(".tgz"))
        assert set(asked.values()) == {1}
        assert len(asked) == 4  # every chart of the repository
        before = len(repository.requests)
        warm = render_all(sandbox, root)
        assert len(repository.requests) == before
    assert [stdout for _, stdout, _ in warm] == [stdout for _, stdout, _ in cold]
    assert all(stdout.startswith(b"---\n") for _, stdout, _ in warm)
