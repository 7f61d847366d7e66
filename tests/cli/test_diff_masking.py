"""No plaintext in what a change is shown by: every format, with the keys and without, in every usual disguise."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from cmp.report import FORMATS
from tests.support.changes import Monorepo, Story, World
from tests.support.harness import Sandbox
from tests.support.leaking_application import SHAPES
from tests.support.secret_monorepo import APPS, NEW, OLD, leaks, write
from tests.support.shares import KEY, Shares

if TYPE_CHECKING:
    from pathlib import Path

FAILING = {"broken", "sick"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Monorepo:
    repo = Monorepo(World(Sandbox(tmp_path_factory.mktemp("masking"), tools_dir), charts=""))
    repo.tell(Story("", write, (), 1))
    return repo


@pytest.fixture
def repo(told: Monorepo) -> Monorepo:
    told.has_keys = True
    return told


def test_the_search_finds_what_a_render_prints(repo: Monorepo) -> None:
    renders = {app: repo.run("render", app, "--cluster", "dev-1") for app in APPS if app not in FAILING}
    assert {app: ran.code for app, ran in renders.items()} == dict.fromkeys(renders, 0)
    assert leaks("".join(ran.stdout for ran in renders.values())) == set(NEW)
    assert {name for name in SHAPES if OLD[name] != NEW[name]} != set()


NOISE = ("--show-noise", "--compact")


@pytest.mark.parametrize(("mode", "options"), [("", ()), ("", NOISE), ("--keyless", NOISE), ("--untrusted", NOISE)])
def test_no_report_shows_a_secret(repo: Monorepo, tmp_path: Path, options: tuple[str, ...], mode: str) -> None:
    repo.has_keys = mode != "--keyless"  # whoever is not trusted gets nothing out of keys that are there
    files = {kind: tmp_path / kind for kind in FORMATS}
    asked = [part for kind, path in files.items() for part in ("--output", f"{kind}={path}")]

    ran = repo.run("diff", *asked, *options, *filter(None, [mode]))

    assert ran.code == (1 if mode else 7), ran.stderr
    reports = {kind: path.read_text() for kind, path in files.items()}
    in_git = {"clear"} if mode else set()  # without the key nobody knows that what was in clear is a secret now
    assert {kind: leaks(text) - in_git for kind, text in reports.items()} == {key: set() for key in files}
    assert leaks(ran.stdout + ran.stderr) - in_git == set()
    label = "‹sops s.short " if mode else "‹secret 1›"
    assert all(label in text for text in reports.values())
    assert all("cannot use " in text for text in reports.values())  # the failures are told
    sandbox = repo.world.sandbox
    left = [_below(folder) for folder in (sandbox.state, sandbox.cache, sandbox.tmp, sandbox.home)]
    assert leaks("".join(f"{name}\n{text}" for files in left for name, text in files.items())) == set()


@pytest.mark.parametrize("mode", ["", "--keyless"])
def test_no_share_of_a_comparison_holds_a_secret(repo: Monorepo, tmp_path: Path, mode: str) -> None:
    shares = Shares(partial(repo.run, "diff"), tmp_path, shards=2)
    shares.parts(*filter(None, [mode]), CMP_REPORT_KEY=KEY)
    merged = shares.merge(CMP_REPORT_KEY=KEY)
    assert merged.code == (1 if mode else 7), merged.stderr
    plan = json.loads(shares.plan_file.read_text())
    parts = [shares.part_file(index).read_text() for index in range(2)]
    # The escapes of JSON would hide texts in other scripts.
    texts = [*(json.dumps(json.loads(text), ensure_ascii=False) for text in parts), shares.plan_file.read_text()]
    in_git = {"clear"} if mode else set()
    assert [leaks(text) - in_git for text in (*texts, merged.stdout + merged.stderr)] == [set()] * 4
    assert plan["printed"] == []
    assert re.search(r"‹secret [0-9a-f]{32}›", "".join(texts)) or mode
    assert KEY not in "".join(texts)


def test_a_share_of_encrypted_files_needs_a_key(repo: Monorepo, tmp_path: Path) -> None:
    shares = Shares(partial(repo.run, "diff"), tmp_path, shards=2)
    table = shares.plan().stdout
    assert "8 pairs with encrypted files: shares and merge need CMP_REPORT_KEY" in table
    ran = shares.shard(0)
    what, hint = ran.stderr.splitlines()
    assert (ran.code, ran.stdout) == (2, "")
    assert what == (
        "cmp: CMP_REPORT_KEY is not set, and broken on dev-1 has encrypted files: its secrets are compared by tokens"
    )
    assert hint.endswith("`openssl rand -hex 32`, in CMP_REPORT_KEY; --keyless at the plan decrypts nothing")
    assert not shares.part_file(0).exists()


def test_a_merge_without_the_keys_of_the_shares_says_that_causes_are_not_established(
    repo: Monorepo, tmp_path: Path
) -> None:
    shares = Shares(partial(repo.run, "diff"), tmp_path, shards=2)
    shares.parts(CMP_REPORT_KEY=KEY)
    complete = shares.merge(CMP_REPORT_KEY=KEY)
    repo.has_keys = False
    merged = shares.merge(CMP_REPORT_KEY=KEY)
    assert merged.code == complete.code == 7
    warning = "cmp: warning: causes of shop on dev-1 are not established, as it is not rendered once more: "
    assert [line for line in merged.stderr.splitlines() if line.startswith(warning)]
    assert warning not in complete.stderr


@pytest.mark.parametrize("options", [(), ("--untrusted",)])
def test_what_renders_prove_is_told_without_secrets(repo: Monorepo, options: tuple[str, ...]) -> None:
    ran = repo.run("affected", "--rendered", *options)
    assert ("manifests differ" in ran.stdout, leaks(ran.stdout + ran.stderr)) == (True, set())


@pytest.mark.parametrize("shown", ["table", "json", "matrix", "names"])
def test_what_is_affected_is_told_without_secrets(repo: Monorepo, shown: str) -> None:
    ran = repo.run("affected", "--format", shown)
    assert ran.code == 0, ran.stderr
    assert ("shop" in ran.stdout, leaks(ran.stdout + ran.stderr)) == (True, set())


def test_golden_files_hold_labels(repo: Monorepo) -> None:
    argv = ("golden", "--update", "--dir", "kept")
    runs = [repo.run(*argv, app, "--cluster", "dev-1") for app in APPS]
    try:
        assert {app for app, ran in zip(APPS, runs, strict=True) if ran.code} == FAILING
        kept = _below(repo.folder / "kept")
        assert sorted(kept) == sorted(f"dev-1/{app}.yaml" for app in APPS if app not in FAILING)
        assert {name: leaks(text) for name, text in kept.items()} == {key: set() for key in kept}
        assert leaks("".join(ran.stdout + ran.stderr for ran in runs)) == set()
    finally:
        repo.git("clean", "--quiet", "-d", "--force")


@pytest.mark.parametrize("secrets", ["mask", "omit"])
def test_rendered_trees_hold_labels(repo: Monorepo, tmp_path: Path, secrets: str) -> None:
    ran = repo.run("render", "--all", "--output-dir", str(tmp_path / "out"), "--secrets", secrets)
    written = _below(tmp_path / "out")
    assert len([name for name in written if name.endswith(".yaml")]) == 2 * (len(APPS) - len(FAILING))
    assert {name: leaks(text) for name, text in written.items()} == {key: set() for key in written}
    assert leaks(ran.stdout + ran.stderr) == set()


def _below(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text("utf-8", "replace")
        for path in folder.rglob("*")
        if path.is_file()
    }
