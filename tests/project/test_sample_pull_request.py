"""The pull request that examples/pull-request shows, and the comment that `cmp diff` writes for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.chartserver import package
from tests.support.bare_tools import AGE_KEY, EXAMPLES, copy_monorepo
from tests.support.git_repository import Repo
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

FOLDER = EXAMPLES / "pull-request"
COMMIT = re.compile(r"\b[0-9a-f]{12}\b")


@pytest.fixture
def comment(sandbox: Sandbox, tmp_path: Path, tools_dir: str) -> str:
    """Return what `cmp diff` writes for the change, commits left out."""
    archives = package(EXAMPLES / "charts", tmp_path / "packages", Path(tools_dir, "helm/3.18.6/helm"))
    with ChartRepository(archives) as repository:
        repo = Repo(copy_monorepo(tmp_path / "monorepo", repository.url))
        repo.commit()
        repo.branch()
        repo.git("apply", str(FOLDER / "change.patch"))
        repo.commit()
        ran = sandbox.run("diff", "--format", "markdown", cwd=repo.folder, SOPS_AGE_KEY_FILE=str(AGE_KEY))
    assert ran.code == 7  # one application cannot be rendered any more
    return COMMIT.sub("‹commit›", ran.stdout)


def test_the_comment_is_the_one_that_is_shown(comment: str, request: pytest.FixtureRequest) -> None:
    shown = FOLDER / "comment.md"
    if request.config.getoption("--update-golden"):
        shown.write_text(comment)
    assert comment == shown.read_text()


@pytest.mark.parametrize(
    "answer",
    [
        "❌ Not rendered | 2 new in this change: `reports` on 2 clusters",  # did anything fail?
        "`PersistentVolumeClaim payments/payments-ledger-backup` is removed, and its data",  # is anything dangerous?
        "`spec.template.spec.containers[0].resources.requests.memory` is not a quantity",  # does the cluster take it?
        "🔁 Changes at merge | 4 of 5 pairs, synced automatically: `dev-cluster`, `staging-cluster`",  # where at merge?
        "⏸️ Waits at merge | 1 of 5 pairs, following `production`: `prod-cluster`",
        '`namespaces/payments/common-values.yaml:19` sets `services.settlement.image.tag` to `"2.3.0"`',  # what is it?
        "No change on `prod-cluster`: `clusters/prod-cluster/search/prod-values.yaml:3` sets",  # who differs?
    ],
)
def test_a_reviewer_finds_the_answer(answer: str) -> None:
    assert answer in (FOLDER / "comment.md").read_text()
