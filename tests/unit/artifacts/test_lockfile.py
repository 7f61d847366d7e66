"""cmp.lock: read, written, and made by `cmp lock`."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts import lockfile, toolstore
from cmp.artifacts.lockfile import Lock, LockedChart, LockedTool
from cmp.errors import ConfigError
from cmp.system.tree import WorkTree
from tests.support.charts import dependency, write_chart
from tests.support.servers.charts import ChartRepository
from tests.support.versions import DEFAULT_HELM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

REDIS = LockedChart("https://charts.example", "redis", "^1.2.0", "1.2.3", "a" * 64)
HELM = LockedTool("helm", "3.18.6", "linux", "amd64", "release", "b" * 64)

TEXT = b"""---
charts:
- constraint: "1.0"
  name: redis
  repository: '@other'
  sha256: cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
  version: 1.0.4
version: 1
"""


def test_what_was_written_is_read_back_and_equal_content_gives_equal_bytes() -> None:
    lock = Lock((REDIS, REDIS._replace(name="a")), (HELM, HELM._replace(version="3.14.4"), HELM._replace(arch="arm64")))
    written = lockfile.dump(lock)
    assert written == lockfile.dump(Lock(lock.charts[::-1] * 2, lock.tools[::-1]))
    found = lockfile.parse(written, "cmp.lock")
    assert (set(found.charts), set(found.tools)) == (set(lock.charts), set(lock.tools))
    assert lockfile.dump(found) == written


def test_a_file_written_by_hand_is_read() -> None:
    other = LockedChart("@other", "redis", "1.0", "1.0.4", "c" * 64)
    assert lockfile.parse(TEXT, "cmp.lock") == Lock((other,), ())


def test_a_chart_is_found_by_repository_name_and_constraint() -> None:
    lock = Lock((REDIS,))
    assert lock.chart("https://charts.example", "redis", "^1.2.0") == REDIS
    assert lock.chart("https://charts.example", "redis", "1.2.3") is None


def test_no_file_is_no_lock(tmp_path: Path) -> None:
    assert lockfile.load(WorkTree(str(tmp_path))) is None
    (tmp_path / "cmp.lock").write_bytes(lockfile.dump(Lock((REDIS,))))
    assert lockfile.load(WorkTree(str(tmp_path))) == Lock((REDIS,))


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("", "`version` must be 1", "cmp.lock"),
        ("version: 2\n", "`version` must be 1", "cmp.lock"),
        ("version: [\n", "did not find expected node content", "cmp.lock:2:1"),
        ("version: 1\ncharts: {}\n", None, ""),
        ("version: 1\ncharts: {a: b}\n", "`charts` is not a list", "cmp.lock"),
        (
            "version: 1\ncharts: [{name: a}]\n",
            "`charts[0]` must have repository, name, constraint, version, sha256, all text",
            "cmp.lock",
        ),
        (
            TEXT.decode().replace('"1.0"', "1.0"),
            "`charts[0]` must have repository, name, constraint, version, sha256, all text",
            "cmp.lock",
        ),
        ("version: 1\ntools: []\n", None, ""),
        ("version: 1\ntools: {helm: 3}\n", "`tools.helm` is not a map", "cmp.lock"),
        (
            "version: 1\ntools: {helm: {3.18.6: {os: linux}}}\n",
            "`tools.helm.3.18.6` must have os, arch, via, sha256, all text",
            "cmp.lock",
        ),
    ],
)
def test_a_file_that_is_not_understood_is_an_error(text: str, what: str | None, place: str) -> None:
    if what is None:
        assert lockfile.parse(text.encode(), "cmp.lock") == Lock()
        return
    with pytest.raises(ConfigError) as caught:
        lockfile.parse(text.encode(), "cmp.lock")
    assert (caught.value.what, caught.value.file) == (what, place)


def test_what_a_newer_release_wrote_is_ignored_with_a_warning() -> None:
    text = f"{TEXT.decode()}images: [{{name: a}}]\n".replace("  name: redis", "  name: redis\n  signed: by")
    found = lockfile.parse(text.encode(), "cmp.lock")
    assert found._replace(warnings=()) == lockfile.parse(TEXT, "cmp.lock")
    (warning,) = found.warnings
    assert warning == (
        "cmp.lock has `images`, `charts[].signed`, which a newer cmp enforces and this one ignores: upgrade it before "
        "`cmp lock` writes such a file"
    )


# -- cmp lock


def monorepo(root: Path, *dependencies: dict[str, object]) -> Path:
    write_chart(root / "namespaces/shop", "shop", "0.1.0", dependencies)
    for cluster in ("dev", "prod"):
        (root / f"clusters/{cluster}/shop").mkdir(parents=True)
        (root / f"clusters/{cluster}/shop/{cluster}-values.yaml").write_text("a: 1\n")
    return root


def test_cmp_lock_writes_what_a_render_would_take_and_warm_needs_nothing_else(
    archives: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    with ChartRepository(archives) as repository:
        local = dependency("common", "0.1.0", "file://../../charts/common")
        root = monorepo(tmp_path / "monorepo", dependency("redis", "^1.2.0", repository.url), local)
        write_chart(root / "charts/common", "common", "0.1.0", [dependency("postgresql", "4.1.0", repository.url)])
        of_another_machine = HELM._replace(version=DEFAULT_HELM, arch="s390x")
        (root / "cmp.lock").write_bytes(
            lockfile.dump(Lock((REDIS,), (of_another_machine, HELM._replace(version="3.0.0"))))
        )
        ran = sandbox.run("lock", cwd=root)
        assert (ran.code, ran.stdout.split(", ")[0]) == (0, "cmp.lock: 2 charts")
        lock = lockfile.load(WorkTree(str(root)))
        assert lock
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in archives.glob("*.tgz")}
        assert lock.charts == (
            LockedChart(repository.url, "postgresql", "4.1.0", "4.1.0", digests["postgresql-4.1.0.tgz"]),
            LockedChart(repository.url, "redis", "^1.2.0", "1.3.0", digests["redis-1.3.0.tgz"]),
        )
        record = toolstore.entry(sandbox.tools_dir, "helm", DEFAULT_HELM).record
        assert record
        here = LockedTool("helm", DEFAULT_HELM, record.os, record.arch, record.via, record.sha256)
        assert {tool for tool in lock.tools if tool.name == "helm"} == {here, of_another_machine}
        again = sandbox.run("lock", cwd=root / "namespaces/shop")
        assert (again.stdout, lockfile.load(WorkTree(str(root)))) == (ran.stdout, lock)

        shutil.rmtree(sandbox.cache)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (root / "cmp.lock").rename(elsewhere / "their.lock")
        before = len(repository.requests)
        warm = sandbox.run("cache", "warm", "--lock", "their.lock", cwd=elsewhere)
        assert (warm.code, warm.stdout, warm.stderr) == (0, f"2 archives in {sandbox.cache}, 2 of them new\n", "")
        assert sorted(repository.requests[before:]) == ["/index.yaml", "/postgresql-4.1.0.tgz", "/redis-1.3.0.tgz"]
        assert sandbox.run("cache", "warm", "--lock", "their.lock", cwd=elsewhere, CMP_OFFLINE="1").code == 0


def test_warming_from_a_lock_refuses_another_archive(archives: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    with ChartRepository(archives) as repository:
        chart = LockedChart(repository.url, "redis", "^1.2.0", "1.2.3", "0" * 64)
        (tmp_path / "cmp.lock").write_bytes(lockfile.dump(Lock((chart,))))
        ran = sandbox.run("cache", "warm", "--lock", "cmp.lock", cwd=tmp_path)
    found = hashlib.sha256((archives / "redis-1.2.3.tgz").read_bytes()).hexdigest()
    assert ran.code == 5
    assert ran.stderr.splitlines()[:2] == [
        f"cmp: chart redis 1.2.3 of {repository.url} has changed: its sha256 is {found}, cmp.lock says {'0' * 64}",
        "  where: cmp.lock",
    ]


def test_an_alias_in_a_lock_needs_the_mounted_configuration(archives: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    with ChartRepository(archives) as repository:
        digest = hashlib.sha256((archives / "redis-1.2.3.tgz").read_bytes()).hexdigest()
        (tmp_path / "cmp.lock").write_bytes(
            lockfile.dump(Lock((LockedChart("@example", "redis", "^1", "1.2.3", digest),)))
        )
        ran = sandbox.run("cache", "warm", "--lock", "cmp.lock", cwd=tmp_path)
        assert (ran.code, ran.stderr) == (
            5,
            "cmp: nobody defines the repository @example of redis\n  where: cmp.lock\n",
        )
        config = repository.write_repositories(tmp_path / "repositories.yaml")
        ran = sandbox.run("cache", "warm", "--lock", "cmp.lock", cwd=tmp_path, HELM_REPOSITORY_CONFIG=str(config))
        assert (ran.code, ran.stdout) == (0, f"1 archives in {sandbox.cache}, 1 of them new\n")


def test_cmp_lock_changes_nothing_when_a_chart_cannot_be_had(sandbox: Sandbox, tmp_path: Path) -> None:
    root = monorepo(tmp_path / "monorepo", dependency("redis", "1.2.3", "http://127.0.0.1:1/charts"))
    ran = sandbox.run("lock", cwd=root, CMP_OFFLINE="1")
    assert (ran.code, ran.stdout) == (5, "")
    assert ran.stderr.startswith("cmp: chart redis 1.2.3 of http://127.0.0.1:1/charts is not in the cache")
    assert not (root / "cmp.lock").exists()
    assert json.loads((root / "namespaces/shop/Chart.yaml").read_text())["name"] == "shop"
