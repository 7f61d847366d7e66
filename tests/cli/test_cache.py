"""`cmp cache`, and how the cache is pruned."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.cache import Archive, ChartCache, Key
from cmp.artifacts.charts import upkeep
from cmp.errors import ChartError
from tests.support.charts import dependency, write_chart
from tests.support.git_repository import Repo
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from tests.support.harness import Ran, Sandbox

KEY = Key("https://charts.example", "redis", "1.2.3")


@pytest.fixture
def cache(tmp_path: Path) -> ChartCache:
    return ChartCache(str(tmp_path / "cache"))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def used(cache: ChartCache, name: str, days_ago: float, size: int = 10) -> Key:
    """Publish an archive that was used some days ago."""
    data = name.encode() * (size // len(name))
    key = KEY._replace(name=name)
    found = Archive(name, "1.2.3", hashlib.sha256(data).hexdigest(), data)
    cache.publish(key, found)
    moment = time.time() - days_ago * 86400
    os.utime(Path(cache.folder, "archives", found.sha256, found.filename), (moment, moment))
    return key


def test_prune_removes_what_was_not_used_and_remembers_the_digests(cache: ChartCache) -> None:
    keys = [used(cache, name, days) for name, days in (("new", 1), ("old", 40), ("older", 50))]
    gone = upkeep.prune(cache, 30 * 86400, None)
    assert [one.record.key.name for one in gone] == ["older", "old"]
    assert [bool(cache.find(key)) for key in keys] == [True, False, False]
    assert [bool(cache.record(key)) for key in keys] == [True, True, True]
    assert len(list(Path(cache.folder, "archives").iterdir())) == 1


def test_prune_removes_the_least_recently_used_until_the_rest_fits(cache: ChartCache) -> None:
    for name, days in (("aaa", 3), ("bbb", 1), ("ccc", 2), ("ddd", 40)):
        used(cache, name, days, size=300)
    gone = upkeep.prune(cache, 30 * 86400, 650)
    assert [one.record.key.name for one in gone] == ["ddd", "aaa"]


def test_prune_forgets_what_was_packaged_here_and_what_is_left_over(cache: ChartCache) -> None:
    key = Key("source:abc", "common", "0.1.0")
    cache.publish(key, Archive("common", "0.1.0", hashlib.sha256(b"x").hexdigest(), b"x"))
    cache.keep_note("kind", "question", "answer")
    abandoned, young = (Path(cache.folder, "incoming", name) for name in ("1-abc", "2-def"))
    abandoned.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(abandoned, (1, 1))
    upkeep.prune(cache, -60, None)
    assert files(Path(cache.folder)) == ["CACHEDIR.TAG", "incoming/2-def"]


def test_prune_touches_nothing_that_does_not_say_it_is_a_cache(tmp_path: Path) -> None:
    cache = ChartCache(str(tmp_path))
    used(cache, "old", 40)
    (tmp_path / "CACHEDIR.TAG").write_text("something else")
    before = files(tmp_path)
    with pytest.raises(ChartError) as caught:
        upkeep.prune(cache, 0, 0)
    assert caught.value.lines() == [
        f"cmp: {tmp_path} has no CACHEDIR.TAG, so nothing in it is removed",
        "  hint: does CMP_CACHE_DIR name the right folder?",
    ]
    assert files(tmp_path) == before


class Shop:
    """A repository of the reference layout whose application depends on a chart repository."""

    def __init__(self, sandbox: Sandbox, folder: Path, url: str) -> None:
        self.sandbox = sandbox
        self.root = folder / "monorepo"
        self.url = url
        for app, version in (("shop", "1.2.3"), ("blog", "1.2.3")):
            dependencies = [
                dependency("redis", version, url),
                dependency("common", "0.1.0", "file://../../charts/common"),
            ]
            write_chart(self.root / f"namespaces/{app}", app, "0.1.0", dependencies)
            for cluster in ("dev", "prod"):
                instance = self.root / f"clusters/{cluster}/{app}"
                instance.mkdir(parents=True)
                (instance / f"{cluster}-values.yaml").write_text("a: 1\n")
        common = [dependency("postgresql", "4.1.0", url)]
        write_chart(self.root / "charts/common", "common", "0.1.0", common)

    def run(self, *argv: str, **env: str) -> Ran:
        return self.sandbox.run(*argv, cwd=self.root, timeout=60, **env)

    def cache(self, *argv: str, **env: str) -> Ran:
        return self.run("cache", *argv, **env)


def test_the_cache_is_warmed_listed_verified_and_pruned(archives: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    with ChartRepository(archives) as repository:
        shop = Shop(sandbox, tmp_path, repository.url)
        cold = shop.cache("warm")
        assert (cold.code, cold.stdout, cold.stderr) == (0, f"3 archives in {sandbox.cache}, 3 of them new\n", "")
        assert repository.counts()["/redis-1.2.3.tgz"] == repository.counts()["/postgresql-4.1.0.tgz"] == 1
        before = len(repository.requests)
        warm = shop.cache("warm", CMP_OFFLINE="1")
        assert (warm.code, warm.stdout) == (0, f"3 archives in {sandbox.cache}, 0 of them new\n")
        assert len(repository.requests) == before
    listed = json.loads(shop.cache("list", "--format", "json").stdout)
    assert [(one["name"], one["version"]) for one in listed] == [
        ("postgresql", "4.1.0"),
        ("redis", "1.2.3"),
        ("common", "0.1.0"),
    ]
    assert set(listed[0]) == {"repository", "name", "version", "sha256", "size", "used", "path"}
    assert Path(listed[0]["path"]).read_bytes() == (archives / "postgresql-4.1.0.tgz").read_bytes()
    assert shop.cache("list").stdout.splitlines()[1] == (
        f"redis 1.2.3 {shop.url}  {listed[1]['size']} bytes  sha256:{listed[1]['sha256']}"
    )
    good = shop.cache("verify")
    assert (good.code, good.stdout.count("is right\n")) == (0, 3)
    Path(listed[1]["path"]).write_bytes(b"damage")
    bad = shop.cache("verify")
    digest = hashlib.sha256(b"damage").hexdigest()
    assert (bad.code, bad.stdout.splitlines()[1]) == (
        1,
        (
            f"redis 1.2.3 {shop.url} is damaged: its sha256 is {digest}, not {listed[1]['sha256']}; "
            "the next render fetches it again"
        ),
    )
    gone = shop.cache("prune", "--max-size", "0")
    assert gone.code == 0
    assert gone.stdout.endswith(f"removed 3, {listed[0]['size'] + listed[2]['size'] + 6} bytes\n")
    assert shop.cache("list").stdout == ""


def test_verify_says_when_an_archive_is_another_chart(archives: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    data = (archives / "postgresql-4.1.0.tgz").read_bytes()
    cache = ChartCache(str(sandbox.cache))
    cache.publish(KEY, Archive("redis", "1.2.3", hashlib.sha256(data).hexdigest(), data))
    cache.publish(KEY._replace(name="junk"), Archive("junk", "1.0.0", hashlib.sha256(b"junk").hexdigest(), b"junk"))
    ran = sandbox.run("cache", "verify", cwd=tmp_path)
    assert (ran.code, ran.stdout.splitlines()) == (
        1,
        [
            (
                "junk 1.0.0 https://charts.example must not be used: junk: this is not a chart archive "
                "(Not a gzipped file (b'ju'))"
            ),
            "redis 1.2.3 https://charts.example is another chart: postgresql 4.1.0",
        ],
    )


def test_refresh_accepts_what_the_repository_has_now(archives: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    with ChartRepository(archives) as repository:
        shop = Shop(sandbox, tmp_path, repository.url)
        shop.cache("warm")
        before = hashlib.sha256((archives / "redis-1.2.3.tgz").read_bytes()).hexdigest()
        same = shop.cache("refresh", "redis")
        assert same.stdout == f"redis 1.2.3 {repository.url} is unchanged: sha256:{before}\n"
        chart = write_chart(tmp_path / "again", "redis", "1.2.3", more="# more\n")
        home = {"HOME": str(tmp_path)}
        subprocess.run(
            [Path(sandbox.tools_dir, "helm/3.18.6/helm"), "package", chart], cwd=tmp_path, env=home, check=True
        )
        repository.files["/redis-1.2.3.tgz"] = (tmp_path / "redis-1.2.3.tgz").read_bytes()
        after = hashlib.sha256(repository.files["/redis-1.2.3.tgz"]).hexdigest()
        changed = shop.cache("refresh", "redis@1.2.3")
        assert changed.stdout == f"redis 1.2.3 {repository.url} was sha256:{before}, is sha256:{after}\n"
        assert shop.cache("warm", CMP_OFFLINE="1").code == 0


@pytest.mark.parametrize(
    ("argv", "stderr"),
    [
        (("prune",), "cmp: say what may go: --older-than, --max-size or both\n"),
        (("prune", "--older-than", "soon"), "cmp: --older-than soon: expected a number and one of s, m, h, d, w\n"),
        (("prune", "--older-than", "30"), "cmp: --older-than 30: expected a number and one of s, m, h, d, w\n"),
        (("prune", "--max-size", "2GB"), "cmp: --max-size 2GB: expected a number and one of KiB, MiB, GiB\n"),
        (
            ("refresh", "redis@1.2.3"),
            "cmp: the cache knows no chart redis@1.2.3\n  hint: `cmp cache list` shows what it knows\n",
        ),
    ],
)
def test_a_wrong_command_line_is_said(argv: tuple[str, ...], stderr: str, sandbox: Sandbox, tmp_path: Path) -> None:
    ran = sandbox.run("cache", *argv, cwd=tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (2, "", stderr)


def test_an_empty_cache_lists_verifies_and_prunes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    for argv, stdout in ((["list"], ""), (["verify"], ""), (["prune", "--older-than", "30d"], "removed 0, 0 bytes\n")):
        ran = sandbox.run("cache", *argv, cwd=tmp_path)
        assert (ran.code, ran.stdout, ran.stderr) == (0, stdout, "")
    assert not sandbox.cache.exists()


@pytest.mark.parametrize("setting", ["CMP_CACHE_DIR", "CMP_STATE_DIR", "CMP_TOOLS_DIR"])
def test_what_a_commit_can_bring_is_not_taken_for_ours(setting: str, sandbox: Sandbox, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.commit({"own/x": "x", "beside": "x"})
    (repo.folder / "link").symlink_to("own")
    (repo.folder / "untracked").mkdir()
    hint = (
        "what lies there is trusted, and a commit could bring it: name a folder outside of the checkout, or remove it "
        "from Git (`git rm -r --cached`)"
    )
    for name in ("own", "own/deeper", "link", "OWN"):
        sandbox.extra[setting] = str(repo.folder / name)
        ran = sandbox.run("cache", "verify", cwd=tmp_path)
        if name == "own/deeper":  # nothing is tracked there
            assert ran.code == 0, ran.stderr
            continue
        assert (ran.code, ran.stdout) == (3, "")
        assert ran.stderr.splitlines() == [
            f"cmp: {setting} is {str(repo.folder / name)!r}, a folder of a checkout in which Git tracks files",
            f"  hint: {hint}",
        ]
    sandbox.extra[setting] = str(repo.folder / "untracked")
    assert sandbox.run("cache", "verify", cwd=tmp_path).code == 0
