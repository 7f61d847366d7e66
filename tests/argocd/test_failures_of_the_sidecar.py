"""Failures that are not the repository's: of keys, tools, charts and the policy.  They are as visible and as harmless.

Each says that Argo CD keeps it until a hard refresh, and that is so: repaired, it stays; then a hard refresh ends it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples import chartserver
from tests.argocd.trees import HELM, SOPS
from tests.argocd.victim import APP, CACHED, CHART, SEALED, Victim, seal
from tests.support.charts import dependency
from tests.support.keys import RECIPIENT, make_key
from tests.support.servers import authority
from tests.support.servers.releases import ReleaseHost
from tests.support.tool_stores import ARCH, OS
from tests.unit.artifacts.test_toolstore_release import packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.argocd.sidecar import Sidecar
    from tests.argocd.world import ArgoCD

PLUGIN = "ailing"
WHERE = "  where: application shop, cluster dev, phase"
KEPT = "Argo CD keeps this error cached until a hard refresh"
OLDER = "3.14.4"
POLICY = "version: 1\napplications: [{projects: [default], folders: [%s]}]\n"


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the administrator's file, which allows everything."""
    path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    path.write_text(POLICY % "'**'")
    return path


@pytest.fixture(scope="module")
def mirror(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReleaseHost]:
    """Return a mirror of release downloads with an older helm."""
    with ReleaseHost(authority.create(tmp_path_factory.mktemp("authority"))) as host:
        archive = f"/helm-v{OLDER}-{OS}-{ARCH}.tar.gz"
        program = Path(tools_dir, "helm", OLDER, "helm").read_bytes()
        host.publish(archive, packed((f"{OS}-{ARCH}/helm", program)), f"{archive}.sha256sum")
        yield host


@pytest.fixture(scope="module")
def sidecar(
    argocd: ArgoCD, tools_dir: str, policy: Path, mirror: ReleaseHost, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sidecar]:
    """Return a sidecar with a store of its own, which has one helm."""
    store = tmp_path_factory.mktemp("store")
    for name, version in (("helm", HELM), ("sops", SOPS)):
        (store / name).mkdir()
        (store / name / version).symlink_to(Path(tools_dir, name, version))
    env = {"CMP_TOOLS_DIR": str(store), "CMP_POLICY": str(policy), **mirror.env}
    with argocd.sidecar(PLUGIN, **env) as started:
        yield started


def assert_only_a_hard_refresh_ends_it(victim: Victim) -> None:
    """Assert that a repaired failure stays until then."""
    assert CACHED in victim.refreshed_condition()
    victim.refresh(hard=True)
    victim.argocd.wait(victim.name)


@pytest.mark.parametrize("which", ["wrong", "missing"])
def test_a_key_that_is_wrong_or_missing(
    argocd: ArgoCD, sidecar: Sidecar, tmp_path: Path, test_tools_dir: str, which: str
) -> None:
    victim = Victim(argocd, f"fault-key-{which}", plugin=PLUGIN)
    file = make_key(tmp_path, test_tools_dir).file if which == "wrong" else tmp_path / "nothing"

    with sidecar.process.changed(SOPS_AGE_KEY_FILE=str(file)):
        victim.strike()
        what, where, hint = victim.fail()
        victim.exhaust()

    assert where == f"{WHERE} secrets, {SEALED}"
    if which == "wrong":
        assert what == "cmp: none of the age keys that are configured opens this file"
        give = f"give the sidecar that key, or add one with `sops updatekeys {SEALED}`"
        assert hint == f"  hint: it is encrypted for {RECIPIENT}: {give}; {KEPT}; see operations.md#secrets"
    else:
        assert what == f"cmp: SOPS_AGE_KEY_FILE names a file that does not exist: {file}"
        assert hint == f"  hint: mount the key there, or correct the variable; {KEPT}; see operations.md#secrets"
    assert_only_a_hard_refresh_ends_it(victim)


def test_until_three_attempts_have_failed_any_refresh_is_enough(
    argocd: ArgoCD, sidecar: Sidecar, tmp_path: Path
) -> None:
    victim = Victim(argocd, "fault-short", plugin=PLUGIN)

    with sidecar.process.changed(SOPS_AGE_KEY_FILE=str(tmp_path / "nothing")):
        victim.strike()
        victim.fail()

    victim.refresh()
    argocd.wait(victim.name)


@pytest.mark.usefixtures("sidecar")
def test_a_file_for_another_key_is_encrypted_again_and_needs_no_hard_refresh(
    argocd: ArgoCD, tmp_path: Path, test_tools_dir: str
) -> None:
    victim = Victim(argocd, "fault-recipient", plugin=PLUGIN)
    other = make_key(tmp_path, test_tools_dir).recipient

    victim.repository.commit({SEALED: seal(argocd, victim.unspoken, other)})
    what, _, hint = victim.fail()
    victim.exhaust()

    assert what == "cmp: none of the age keys that are configured opens this file"
    assert hint.startswith(f"  hint: it is encrypted for {other}: ")
    victim.heal()
    victim.refresh()
    argocd.wait(victim.name)


def test_a_tool_version_that_is_not_installed(argocd: ArgoCD, sidecar: Sidecar) -> None:
    victim = Victim(argocd, "fault-tool", plugin=PLUGIN)

    victim.strike({f"{APP}/cmp-app.yaml": f"tools: {{helm: {OLDER}}}\n"})
    assert victim.fail() == [
        f"cmp: helm {OLDER} is not installed (pinned in {APP}/cmp-app.yaml:1); installed: {HELM}",
        f"{WHERE} tools",
        (
            f"  hint: install with `cmp tools install helm@{OLDER}`, or pin a version that is installed; {KEPT}; "
            "see operations.md#tools"
        ),
    ]
    victim.exhaust()

    installed = sidecar.sandbox.run("tools", "install", f"helm@{OLDER}", cwd=sidecar.sandbox.home)
    assert installed.code == 0, installed.stderr
    assert_only_a_hard_refresh_ends_it(victim)


@pytest.mark.usefixtures("sidecar")
def test_a_chart_repository_that_is_down_while_the_cache_is_cold(argocd: ArgoCD, archives: Path) -> None:
    with chartserver.Server(archives) as charts:
        url, port = charts.url, charts.server_port
        victim = Victim(argocd, "fault-charts", plugin=PLUGIN, files={CHART: _chart("1.2.2", url)})
    assert "ConfigMap redis-1.2.2" in victim.objects()

    victim.strike({CHART: _chart("1.2.3", url)})
    what, where, hint = victim.fail()
    victim.exhaust()

    subject = f"chart redis 1.2.3 of {url}"
    assert what.startswith(f"cmp: {subject}: cannot fetch the index: no connection (3 tries): "), what
    assert where == f"{WHERE} charts, {CHART}:5"
    assert hint == f"  hint: {KEPT}; see operations.md#charts"
    with chartserver.Server(archives, port):
        assert_only_a_hard_refresh_ends_it(victim)
    assert {"ConfigMap redis-1.2.3"} == {name for name in victim.objects() if "redis" in name}


def _chart(version: str, url: str) -> str:
    needs = [dependency("redis", version, url)]
    return f"apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n  - {json.dumps(needs[0])}\n"


@pytest.mark.usefixtures("sidecar")
def test_a_refusal_of_the_policy(argocd: ArgoCD, policy: Path) -> None:
    victim = Victim(argocd, "fault-policy", plugin=PLUGIN)

    with _replaced(policy, POLICY % "namespaces/other"):
        victim.strike()
        assert victim.fail() == [
            f"cmp: AppProject default may not render {APP}",
            f"{WHERE} policy",
            (
                "  hint: its folders are namespaces/other; an administrator adds others to `applications` of "
                f"{policy}, an author keeps to these; {KEPT}; see operations.md#configuration"
            ),
        ]
        victim.exhaust()

    assert_only_a_hard_refresh_ends_it(victim)


@contextmanager
def _replaced(path: Path, text: str) -> Iterator[None]:
    before = path.read_text()
    path.write_text(text)
    try:
        yield
    finally:
        path.write_text(before)
