"""The example monorepo as a Git repository: on a branch with the change of docs/preview.md, its charts served."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from examples import chartserver
from tests.support import bare_tools
from tests.support.harness import Sandbox
from tests.support.servers.charts import ChartRepository
from tests.support.servers.git import git

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTERS = [{"name": "dev-cluster", "server": "https://dev.example", "info": {"apiVersions": ["v1"]}}]
DIFFERS = 1


def expected(line: str) -> int:
    """Return the exit code of a command of cmp there: there is a difference, and only a job does not mind."""
    is_report = line.startswith("cmp diff") and not any(part in line for part in ("--plan", "--exit-zero"))
    return DIFFERS if is_report else 0


@contextmanager
def released_monorepo(folder: Path, tools_dir: str) -> Iterator[tuple[Path, Sandbox]]:
    """Yield the root and a sandbox to run cmp in; the files that commands name are there, too."""
    helm = Path(tools_dir) / "helm/3.18.6/helm"
    with ChartRepository(chartserver.package(bare_tools.EXAMPLES / "charts", folder / "archives", helm)) as charts:
        root = bare_tools.copy_monorepo(folder / "monorepo", charts.url)
        git(root, "init", "--quiet", "--initial-branch", "main")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "the monorepo")
        git(root, "checkout", "--quiet", "-b", "topic")
        path = root / "namespaces/payments/common-values.yaml"
        text = path.read_text("utf-8").replace("tag: 2.2.0", "tag: 2.3.0")
        path.write_text(text.replace("minAvailable: 1", "minAvailable: 2"), "utf-8")
        git(root, "commit", "--quiet", "--all", "--message", "a release")
        (root / "clusters.json").write_text(json.dumps(CLUSTERS))
        (root / "applications.json").write_text("[]")
        yield root, Sandbox(folder / "sandbox", tools_dir, {"SOPS_AGE_KEY_FILE": str(bare_tools.AGE_KEY)})
