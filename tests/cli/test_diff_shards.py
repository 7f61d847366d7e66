"""A comparison in shares: what a plan, a part and the merge take and refuse.

That the report is the one of a single run, the stories of changes show (test_diff_scenarios.py).
"""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from cmp import __version__
from tests.support.compared_repository import ComparedRepository
from tests.support.leaks import processes_of, wait_until
from tests.support.shares import KEY, Shares

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

pytestmark = pytest.mark.no_tools

CLUSTERS = ("dev", "prod", "test")
CONFIG = "version: 1\nclusters:\n" + "".join(
    f'  {name}: {{kubeVersion: "1.33", apiVersions: [v1]}}\n' for name in CLUSTERS
)
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {0}}}\ndata: {{a: {1}}}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: a-password-in-clear}\n"
FILES: dict[str, str | bytes | None] = {
    "cmp.yaml": CONFIG,
    "namespaces/web/map.yaml": MAP.format("web", "one"),
    "namespaces/api/map.yaml": MAP.format("api", "one"),
    **{f"clusters/{cluster}/{app}/.keep": "" for cluster in CLUSTERS for app in ("web", "api")},
}
CHANGE: dict[str, str | bytes | None] = {
    "namespaces/web/map.yaml": MAP.format("web", "two"),
    "clusters/test/api/.keep": None,
}
ALL = {"CMP_REPORT_KEY": KEY}


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> ComparedRepository:
    made = ComparedRepository(tmp_path / "repo", FILES, sandbox)
    made.repo.commit(CHANGE)
    return made


@pytest.fixture
def shares(world: ComparedRepository, tmp_path: Path) -> Shares:
    return Shares(world.diff, tmp_path)


def said(ran: Ran, folder: Path) -> list[str]:
    """Return the lines of an error, without the folder of the test."""
    assert (ran.code, ran.stdout) == (2, ""), ran.stderr
    return ran.stderr.replace(f"{folder}/", "").splitlines()


def planned(shares: Shares) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shares.plan_file.read_text())
    return found


def test_the_report_of_three_shares_is_that_of_one_run(shares: Shares) -> None:
    whole = shares.diff("--format", "json")
    shares.parts()
    merged = shares.merge("--format", "json")
    assert (merged.code, merged.stdout) == (1, whole.stdout)
    assert len(json.loads(merged.stdout)["outcomes"]) == 4


def test_a_plan_shows_its_shares_and_which_of_them_a_ci_job_starts(shares: Shares) -> None:
    table = shares.plan()
    assert table.stdout.splitlines() == [
        "SHARE  PAIRS  RENDERS",
        "0      2      3",
        "1      1      2",
        "2      1      2",
        "4 pairs in 3 shares",
    ]
    more = shares._replace(shards=9)
    assert json.loads(more.plan("--format", "matrix").stdout) == {"shard": [0, 1, 2, 3]}


def test_a_plan_is_a_pure_function_of_both_commits(shares: Shares) -> None:
    shares.plan()
    first = shares.plan_file.read_bytes()
    shares.plan()
    assert shares.plan_file.read_bytes() == first


def test_a_plan_is_dealt_out_by_the_seconds_of_an_earlier_run(shares: Shares) -> None:
    shares.parts()
    for index, seconds in enumerate((9.0, 1.0, 1.0)):
        part = json.loads(shares.part_file(index).read_text())
        for one in part["results"]:
            one["result"]["seconds"] = seconds
        shares.part_file(index).write_text(f"{json.dumps({**part, 'cmp': '0.0.1'})}\n")  # weights are no results
    weights = [part for file in shares.part_files for part in ("--weights", file)]
    ran = shares._replace(shards=2).plan(*weights)
    assert ran.stdout.splitlines()[:3] == ["SHARE  PAIRS  SECONDS", "0      2      10.0", "1      2      10.0"]


def test_a_share_without_pairs_is_a_part_that_may_be_left_out(shares: Shares) -> None:
    many = shares._replace(shards=6)
    many.parts()
    assert many.merge().code == 1
    assert shares._replace(shards=4).merge().code == 1
    assert [len(share["pairs"]) for share in planned(shares)["shares"]] == [1, 1, 1, 1, 0, 0]


def test_a_comparison_without_pairs_has_a_plan_and_a_report(world: ComparedRepository, shares: Shares) -> None:
    world.repo.git("checkout", "--quiet", "main")
    assert json.loads(shares.plan("--format", "matrix").stdout) == {"shard": [0]}
    assert shares.shard(0).code == 0
    merged = shares._replace(shards=1).merge()
    assert (merged.code, merged.stdout.splitlines()[0]) == (0, "Manifest diff: no manifest changes")


def test_gates_and_failures_count_at_the_merge(world: ComparedRepository, shares: Shares) -> None:
    world.repo.commit({"namespaces/bad/map.yaml": "a: [", "clusters/dev/bad/.keep": ""})
    shares.parts()
    assert shares.merge("--exit-zero").code == 8
    world.repo.commit({"namespaces/bad/map.yaml": MAP.format("bad", "x")})
    shares.parts()
    assert shares.merge("--exit-zero").code == 0
    assert shares.merge("--exit-zero", "--max-clusters", "2").code == 1


def test_a_part_is_of_its_owner_alone(shares: Shares) -> None:
    shares.parts(**ALL)
    files = [shares.plan_file, *(shares.part_file(index) for index in range(3))]
    assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"] * 4
    shares.part_file(0).chmod(0o644)
    shares.shard(0, **ALL)
    assert shares.part_file(0).stat().st_mode & 0o777 == 0o600


def test_the_plan_decides_wherever_the_branch_is_later(world: ComparedRepository, shares: Shares) -> None:
    whole = shares.diff("--format", "markdown").stdout
    shares.plan()
    world.repo.commit({"namespaces/web/map.yaml": MAP.format("web", "three")})
    for index in range(3):
        assert shares.shard(index).code == 0
    assert shares.merge("--format", "markdown").stdout == whole


def test_parts_that_are_missing_doubled_or_of_another_plan(
    world: ComparedRepository, shares: Shares, tmp_path: Path
) -> None:
    shares.parts()
    assert said(shares._replace(shards=2).merge(), tmp_path) == [
        "cmp: no part of share 2: 1 pair missing (web on test)",
        "  hint: each share that holds pairs has its part: cmp diff --shard",
    ]
    copy = tmp_path / "copy.json"
    copy.write_bytes(shares.part_file(1).read_bytes())
    assert said(shares.merge(str(copy)), tmp_path) == ["cmp: share 1 is there more than once: copy.json, part-1.json"]
    world.repo.commit({"namespaces/web/map.yaml": MAP.format("web", "three")})
    shares.plan()
    shares.shard(2)
    assert said(shares.merge(), tmp_path) == [
        "cmp: the part is of another plan than part-0.json: it has other commits",
        "  where: part-2.json",
    ]


def test_parts_of_another_key_or_without_one(shares: Shares, tmp_path: Path) -> None:
    shares.parts(**ALL)
    assert said(shares.merge(), tmp_path)[0] == "cmp: the part was written under a key, and CMP_REPORT_KEY is not set"
    other = said(shares.merge(CMP_REPORT_KEY="00" * 32), tmp_path)
    assert other[:2] == [
        "cmp: the part was written under another CMP_REPORT_KEY, or was changed since it was written",
        "  where: part-0.json",
    ]
    shares.shard(1)
    assert said(shares.merge(**ALL), tmp_path)[:2] == [
        "cmp: the part was written without CMP_REPORT_KEY, which is set here",
        "  where: part-1.json",
    ]


@pytest.mark.parametrize("key", ["", KEY])
def test_a_part_that_was_cut_off_or_changed(shares: Shares, tmp_path: Path, key: str) -> None:
    env = {"CMP_REPORT_KEY": key}
    shares.parts(**env)
    file = shares.part_file(1)
    whole = file.read_bytes()
    lines = {}
    for name, data in {
        "cut off": whole[:-100],
        "no end": whole.rstrip(),
        "changed": whole.replace(b'"two"', b'"tw0"', 1),
        "longer": whole + b"\n",
        "another version": whole.replace(b'"cmp": "', b'"cmp": "9', 1),
        "no part": b"{}",
    }.items():
        file.write_bytes(data)
        lines[name] = said(shares.merge(**env), tmp_path)[0]
    newer = f"9{__version__}"
    assert lines == {
        "cut off": "cmp: the part is not whole: its end is missing",
        "no end": "cmp: the part is not whole: its end is missing",
        "changed": "cmp: the part was written under another CMP_REPORT_KEY, or was changed since it was written"
        if key
        else "cmp: the part was changed since it was written",
        "longer": "cmp: the part is not whole: its end is missing",
        "another version": f"cmp: the part was written by cmp {newer}, this is {__version__}",
        "no part": "cmp: this is no part of a comparison",
    }


@pytest.mark.parametrize("kind", ["plan", "part"])
def test_nothing_is_written_over_what_is_no_part(shares: Shares, tmp_path: Path, kind: str) -> None:
    shares.plan()
    target, path = tmp_path / "target", tmp_path / "other.json"
    target.write_text("mine")
    argv = {"plan": ("--plan", "3"), "part": ("--shard", "0", "--plan", str(shares.plan_file))}[kind]
    for there in ("a link", "a file", "a folder"):
        path.unlink(missing_ok=True)
        if there == "a link":
            path.symlink_to(target)
        elif there == "a file":
            path.write_text("mine")
        else:
            path.mkdir()
        assert said(shares.diff(*argv, "--output", f"{kind}={path}"), tmp_path) == [
            f"cmp: cannot write the {kind}: what is there is none",
            "  where: other.json",
            "  hint: name another file",
        ], there
        assert target.read_text() == "mine"


def test_other_options_than_those_of_the_plan(shares: Shares, tmp_path: Path) -> None:
    shares.plan("--keyless", "--base", "main")
    assert shares.shard(0, "--keyless", "--base", "main").code == 0
    cases = {
        ("--untrusted",): "--untrusted: the plan was made without it",
        ("--exact",): "--exact: the plan was made without it",
        ("--head", "main"): "--head: the plan was made without it",
        ("--base", "change"): "--base: the plan was made with another value",
        ("--max-applications", "7"): "--max-applications: the plan was made with another value",
        ("--repository-url", "https://git.example.test/x"): "--repository-url: the plan was made without it",
        ("--against", "applications"): "--against: the plan was made without it",
        ("--work-tree",): "--work-tree: a plan compares commits",
        ("--fail-on", "any"): "--fail-on: a part is no report",
        ("--format", "html"): "--format: a part is no report",
    }
    for options, line in cases.items():
        assert said(shares.shard(0, *options), tmp_path)[0] == f"cmp: {line}", options
    shares.parts("--keyless")
    assert said(shares.merge("--untrusted"), tmp_path)[0] == "cmp: --untrusted: the plan was made without it"


def test_command_lines_that_name_no_run(shares: Shares, tmp_path: Path) -> None:
    shares.plan()
    output = ("--output", f"part={shares.part_file(0)}")
    cases = {
        ("--plan", "0", "--output", "plan=x"): "--plan 0: expected a number of shares, 1 to 10000",
        ("--plan", "two", "--output", "plan=x"): "--plan two: expected a number of shares, 1 to 10000",
        ("--plan", "2"): "a plan is written to one file",
        ("--plan", "2", "--output", "html=x"): "--output html=x: expected FORMAT=FILE",
        ("--plan", "2", "--work-tree", "--output", "plan=x"): (
            "--work-tree: files that are not committed cannot be compared in shares"
        ),
        ("--plan", "2", "--exit-zero", "--output", "plan=x"): "--exit-zero: a plan is no report",
        ("--plan", "2", "--output", "plan=/nowhere/x"): "cannot write the plan: there is no folder /nowhere",
        ("--shard", "0"): "--shard 0: of which plan?",
        ("--shard", "7", "--plan", str(shares.plan_file), *output): "--shard 7: the shares of the plan are 0 to 2",
        ("--shard", "0", "--plan", str(shares.plan_file)): "a part is written to one file",
        ("--shard", "0", "--plan", "none.json", *output): "cannot read the plan: No such file or directory",
        ("--merge",): "--merge: name the parts",
        ("--merge", "--plan", "2"): "--merge takes the plan from the parts",
        ("part-0.json", "part-1.json"): "part-1.json: files are named with --merge",
        ("--merge", "--live", "x.json"): "--live: releases in a cluster are compared in one run",
        ("--weights", "part-0.json"): "--weights is for --plan N",
        ("--format", "matrix"): "--format matrix is for --plan",
    }
    for arguments, line in cases.items():
        assert said(shares.diff(*arguments), tmp_path)[0] == f"cmp: {line}", arguments


def test_a_secret_needs_a_key_also_where_nothing_is_encrypted(
    world: ComparedRepository, shares: Shares, tmp_path: Path
) -> None:
    world.repo.commit({"namespaces/web/login.yaml": SECRET})
    whole = shares.diff("--keyless", "--format", "json").stdout
    shares.plan("--keyless")
    refused = [said(shares.shard(index), tmp_path) for index in range(3) if shares.shard(index).code]
    assert refused[0] == [
        "cmp: CMP_REPORT_KEY is not set, and web on dev renders a Secret: its values are compared by tokens",
        "  hint: give all shares and the merge one key, made by `openssl rand -hex 32`, in CMP_REPORT_KEY",
    ]
    shares.parts("--keyless", **ALL)
    assert "a-password-in-clear" not in "".join(shares.part_file(index).read_text() for index in range(3))
    assert shares.merge("--format", "json", **ALL).stdout == whole


@pytest.mark.parametrize("key", ["short", "g" * 64, "ab" * 31, "üü"])
def test_a_wrong_key_is_not_shown(shares: Shares, key: str) -> None:
    shares.plan()
    ran = shares.shard(0, CMP_REPORT_KEY=key)
    assert (ran.code, ran.stderr.splitlines()) == (
        3,
        [
            "cmp: CMP_REPORT_KEY is no key of 32 bytes in hexadecimal digits or base64",
            "  hint: `openssl rand -hex 32` makes one",
        ],
    )
    assert not shares.part_file(0).exists()


SLOW: dict[str, str | bytes | None] = {
    "namespaces/slow/Chart.yaml": "apiVersion: v2\nname: slow\nversion: 1.0.0\n",
    "namespaces/slow/templates/s.yaml": "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}\n",
    "clusters/dev/slow/.keep": "",
}


@pytest.mark.tools
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_shard_leaves_no_half_part(
    world: ComparedRepository, shares: Shares, tmp_path: Path, signum: signal.Signals
) -> None:
    world.repo.commit(SLOW)
    one = shares._replace(shards=1)
    assert one.plan().code == 0
    before = {*tmp_path.iterdir()}
    argv = ("--shard", "0", "--plan", str(one.plan_file), "--output", f"part={one.part_file(0)}")
    with world.started(*argv) as process:
        wait_until(lambda: any("template" in line for line in processes_of(str(world.sandbox.folder)).values()))
        process.send_signal(signum)
        process.communicate(timeout=120)
    wait_until(lambda: not processes_of(str(world.sandbox.folder)))
    assert {*tmp_path.iterdir()} - {world.sandbox.folder} == before - {world.sandbox.folder}
