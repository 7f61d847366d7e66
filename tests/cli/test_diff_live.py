"""`cmp diff --live` before it asks a cluster: options that do not go together, contexts, the extra.

Real releases are in tests/argocd/test_live.py.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import pytest

from tests.support.git_repository import Repo
from tests.support.harness import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

pytestmark = pytest.mark.no_tools

TREE: dict[str, str | bytes | None] = {
    "cmp.yaml": "version: 1\n",
    "namespaces/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "clusters/dev/shop/.keep": "",
    "clusters/prod/shop/.keep": "",
}
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: dev-admin
contexts: [{name: dev-admin, context: {cluster: dev, user: me}}, {name: prod-admin}]
users: [{name: me, user: {token: keep-this-to-yourself}}]
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone with one application on two clusters, and a kubeconfig."""
    repo = Repo(tmp_path / "clone")
    repo.commit(TREE)
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    return repo.folder


def refused(sandbox: Sandbox, clone: Path, *argv: str, kubeconfig: str = "", **env: str) -> tuple[int, list[str]]:
    sandbox.extra = {"KUBECONFIG": kubeconfig or str(clone.parent / "kubeconfig"), **env}
    ran = sandbox.run("diff", *argv, cwd=clone)
    assert ran.stdout == ""
    return ran.code, ran.stderr.splitlines()


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        (
            ("shop",),
            [
                "cmp: an application is named with --live alone (shop)",
                "  hint: without --live all applications are compared, in two revisions",
            ],
        ),
        (
            ("--cluster", "dev"),
            [
                "cmp: --cluster, --all and the other options of --live go with --live",
                "  hint: without --live all applications are compared, in two revisions",
            ],
        ),
        (
            ("shop", "--live", "--untrusted"),
            [
                "cmp: --live and --untrusted exclude each other: a change by anybody gets no credentials of a cluster",
                "  hint: leave out one of them",
            ],
        ),
        (
            ("shop", "--live", "--keyless"),
            [
                "cmp: --live and --keyless exclude each other: a release holds plaintext, every secret would differ",
                "  hint: leave out one of them",
            ],
        ),
        (
            ("--live", "--against", "applications"),
            [
                "cmp: --live and --against name two things to compare with",
                "  hint: leave out one of them",
            ],
        ),
        (
            ("shop", "--live", "--all"),
            [
                "cmp: --all is a table of all applications and releases: no APP, no --release, as text or json alone",
                "  hint: leave out --all for the report",
            ],
        ),
        (
            ("--live", "--cluster", "dev", "--write-values", "live.yaml"),
            ["cmp: --write-values is for one application", "  hint: name it: cmp diff APP --live"],
        ),
        (
            ("shop", "--live", "--cluster", "dev", "--write-values", "cmp.yaml"),
            [
                "cmp: the file of --write-values exists",
                "  where: ‹clone›/cmp.yaml",
                "  hint: name another one: no file is written over",
            ],
        ),
        (
            ("shop", "--live"),
            [
                "cmp: --live compares with one cluster, and applications here run on several",
                "  hint: --cluster names it; known here: dev, prod",
            ],
        ),
        (
            ("shop", "--live", "--cluster", "dev", "--release", "shop"),
            ["cmp: --release shop: expected NAMESPACE/RELEASE"],
        ),
        (
            ("shop", "--live", "--cluster", "dev", "--kube-context", "dev-admn"),
            [
                "cmp: the kubeconfig has no context dev-admn",
                "  where: ‹kubeconfig›",
                "  hint: did you mean `dev-admin`?",
            ],
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    argv: tuple[str, ...], lines: list[str], sandbox: Sandbox, clone: Path
) -> None:
    code, said = refused(sandbox, clone, *argv)

    assert code == 2
    names = {str(clone): "‹clone›", str(clone.parent / "kubeconfig"): "‹kubeconfig›"}
    assert [reduce(lambda text, name: text.replace(name, names[name]), names, line) for line in said] == lines


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        (
            ("shpo", "--cluster", "dev"),
            ["cmp: application shpo does not run on cluster dev", "  hint: did you mean `shop`?"],
        ),
        (("shop", "--cluster", "pord"), ["cmp: nothing runs on a cluster pord here", "  hint: did you mean `prod`?"]),
    ],
)
def test_a_pair_that_is_not_here_is_refused(
    argv: tuple[str, ...], lines: list[str], sandbox: Sandbox, clone: Path
) -> None:
    assert refused(sandbox, clone, *argv, "--live") == (3, lines)


def test_without_a_current_context_one_has_to_be_named(sandbox: Sandbox, clone: Path) -> None:
    code, lines = refused(sandbox, clone, "shop", "--cluster", "dev", "--live", kubeconfig="/nowhere/config")

    assert code == 2
    assert lines == [
        "cmp: no context of a cluster is chosen: the kubeconfig has no current one",
        "  hint: --kube-context names one; the file is that of KUBECONFIG, or ~/.kube/config",
    ]


def test_the_context_of_a_cluster_is_that_of_the_base_side(sandbox: Sandbox, tmp_path: Path) -> None:
    """A change may not lead the credentials of a reader to another cluster."""
    repo = Repo(tmp_path / "clone")
    repo.commit({**TREE, "cmp.yaml": "version: 1\nclusters: {dev: {context: of-the-base}, prod: {is: dev}}\n"})
    repo.branch()
    repo.commit({"cmp.yaml": "version: 1\nclusters: {dev: {context: dev-admin}, prod: {is: dev}}\n"})
    (tmp_path / "kubeconfig").write_text(KUBECONFIG.replace("current-context: dev-admin\n", ""))

    of_dev = refused(sandbox, repo.folder, "shop", "--cluster", "dev", "--live")
    of_prod = refused(sandbox, repo.folder, "shop", "--cluster", "prod", "--live")

    assert of_dev == (
        2,
        [
            "cmp: the kubeconfig has no context of-the-base, which the inventory has; --kube-context names another",
            f"  where: {tmp_path / 'kubeconfig'}",
            "  hint: known here: dev-admin, prod-admin",
        ],
    )
    assert of_prod[1][0] == "cmp: no context of a cluster is chosen: the kubeconfig has no current one", "not inherited"


def test_a_kubeconfig_that_is_no_yaml_is_not_quoted(sandbox: Sandbox, clone: Path) -> None:
    broken = clone.parent / "broken"
    broken.write_text("token: 'keep-this-to-yourself\n")

    code, lines = refused(sandbox, clone, "shop", "--cluster", "dev", "--live", kubeconfig=str(broken))

    assert code == 3
    assert lines == [
        "cmp: the kubeconfig is not valid YAML",
        f"  where: {broken}",
        "  hint: `kubectl config view` reads it, too",
    ]


def test_without_the_extra_the_error_says_how_to_get_it(sandbox: Sandbox, clone: Path, tmp_path: Path) -> None:
    """A package that cannot be imported stands before the one that is installed here."""
    (tmp_path / "pyhelm3.py").write_text("raise ModuleNotFoundError(\"No module named 'pyhelm3'\")\n")

    code, lines = refused(sandbox, clone, "shop", "--cluster", "dev", "--live", PYTHONPATH=f"{tmp_path}:{CHECKOUT}")

    assert code == 4
    assert lines == [
        "cmp: --live needs the package pyhelm3: No module named 'pyhelm3'",
        "  hint: install it with `pip install 'argocd-cmp[live]'` (from a clone: `pip install '.[live]'`)",
    ]
