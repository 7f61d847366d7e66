"""`cmp render --all` writes every pair into a folder of its own, and nothing else there is touched."""

from __future__ import annotations

import io
import os
import signal
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from cmp import environ
from cmp.batch.renderer import BatchRenderer, PrintedPair, PrintJob, with_secrets
from cmp.cli.summary import batch_messages
from cmp.context import Context
from cmp.engines import ENGINES
from cmp.repository.instances import Repository
from cmp.secrets.redact import Redactor
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline
from cmp.system.tree import WorkTree
from tests.support.golden_repository import COMMENTED, FROM_THE_CHART, LOGIN, PASSWORD, SETTINGS, URL, make
from tests.support.harness import snapshot
from tests.support.leaks import find_plaintext
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.render.output import CheckedOutput
    from tests.support.harness import Sandbox

MARKER = ".cmp-rendered"
HEADER = "# The files that `cmp render --all` wrote here; it removes what nothing renders any more.\n"
CALM = "---\n# Source: namespaces/calm/plain.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: calm}\n"
NAMES = "dev/calm.yaml\ndev/shop.yaml\nprod/shop.yaml\n"


def contents(folder: Path) -> dict[str, str]:
    return {name: data.decode() for name, data in snapshot(folder).items()}


@pytest.mark.parametrize(
    ("flags", "shop"),
    [
        ((), SETTINGS + URL + COMMENTED),
        (("--secrets", "omit"), SETTINGS + URL + COMMENTED),
        (("--secrets", "mask"), LOGIN + SETTINGS + URL + COMMENTED),
    ],
)
def test_every_pair_is_a_file_without_any_plaintext(
    flags: tuple[str, ...], shop: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    repository, out = make(tmp_path, sandbox), tmp_path / "out"
    before = snapshot(repository)
    ran = sandbox.run("render", "--all", "--output-dir", str(out), *flags, cwd=repository / "clusters")
    assert (ran.stdout, ran.stderr, ran.code) == ("", "cmp: 3 files written, 0 removed, 0 failed\n", 0)
    assert contents(out) == {
        "dev/calm.yaml": CALM,
        "dev/shop.yaml": shop % 2,
        "prod/shop.yaml": shop % 3,
        MARKER: HEADER + NAMES,
    }
    assert find_plaintext([out], [PASSWORD, FROM_THE_CHART]) == []
    assert snapshot(repository) == before


def test_without_a_key_secrets_are_stand_ins(tmp_path: Path, sandbox: Sandbox) -> None:
    repository, out = make(tmp_path, sandbox), tmp_path / "out"
    sandbox.extra["SOPS_AGE_KEY_FILE"] = "/nonexistent"
    kept = ("--all", "--output-dir", str(out), "--secrets", "keep", "--keyless")
    ran = sandbox.run("render", *kept, cwd=repository)
    assert (ran.code, ran.stderr) == (0, "cmp: 3 files written, 0 removed, 0 failed\n")
    one = sandbox.run("render", "shop", "--cluster", "dev", "--keyless", cwd=repository)
    assert one.code == 0, one.stderr
    assert "‹sops " in one.stdout
    assert (out / "dev/shop.yaml").read_text() == one.stdout
    assert find_plaintext([out], [PASSWORD]) == []
    assert sandbox.run("render", "shop", "--cluster", "dev", cwd=repository).code == 6


def test_secrets_are_kept_on_request_and_then_only_their_owner_reads_them(tmp_path: Path, sandbox: Sandbox) -> None:
    repository, out = make(tmp_path, sandbox), tmp_path / "out"
    assert sandbox.run("render", "--all", "--output-dir", str(out), "--secrets", "keep", cwd=repository).code == 0
    one = sandbox.run("render", "shop", "--cluster", "dev", cwd=repository)
    assert PASSWORD in one.stdout
    assert (out / "dev/shop.yaml").read_text() == one.stdout
    assert stat.S_IMODE((out / "dev/shop.yaml").stat().st_mode) == 0o600


def test_what_fails_leaves_nothing_stale_and_stops_no_other(tmp_path: Path, sandbox: Sandbox) -> None:
    repository, out = make(tmp_path, sandbox), tmp_path / "out"
    argv = ("render", "--all", "--output-dir", str(out))
    assert sandbox.run(*argv, cwd=repository).code == 0
    (repository / "clusters/dev/shop/dev-values.yaml").write_text("replicas: [\n")
    (repository / "clusters/prod/shop/lost.yaml").write_text("")
    (repository / "namespaces/calm/plain.yaml").write_text(CALM.replace("calm}", "calmer}"))
    ran = sandbox.run(*argv, cwd=repository)
    assert contents(out).keys() == {"dev/calm.yaml", MARKER}
    assert "calmer" in (out / "dev/calm.yaml").read_text()
    assert (out / MARKER).read_text() == HEADER + "dev/calm.yaml\n"
    lines = ran.stderr.splitlines()
    assert ran.code == 7  # of the first error, not the last
    assert lines[1] == "  where: application shop, cluster dev, phase helm, clusters/dev/shop/dev-values.yaml:1"
    assert lines[2] == "cmp: nothing uses the file clusters/prod/shop/lost.yaml"
    assert lines[-1] == "cmp: 1 file written, 2 removed, 2 failed"


def test_pairs_that_are_no_more_go_and_so_do_their_folders(tmp_path: Path, sandbox: Sandbox) -> None:
    repository, out = make(tmp_path, sandbox), tmp_path / "out"
    argv = ("render", "--all", "--output-dir", str(out))
    assert sandbox.run(*argv, cwd=repository).code == 0
    (repository / "clusters/prod/shop/prod-values.yaml").unlink()
    (repository / "clusters/prod/shop").rmdir()
    (out / "dev/shop.yaml.123.new").write_text("half")  # as a run leaves it that was killed
    ran = sandbox.run(*argv, cwd=repository)
    assert (ran.stderr, ran.code) == ("cmp: 2 files written, 2 removed, 0 failed\n", 0)
    assert sorted(path.name for path in out.rglob("*")) == [MARKER, "calm.yaml", "dev", "shop.yaml"]


@pytest.mark.parametrize(
    ("foreign", "is_link"),
    [("README.md", False), ("dev/notes.yaml", False), ("dev", True), ("prod/shop.yaml.new", False)],
)
def test_a_folder_with_anything_else_in_it_is_refused(
    foreign: str, tmp_path: Path, sandbox: Sandbox, *, is_link: bool
) -> None:
    repository, out = make(tmp_path, sandbox), tmp_path / "out"
    (out / foreign).parent.mkdir(parents=True)
    if is_link:
        (out / foreign).symlink_to(tmp_path)
    else:
        (out / foreign).write_text("mine")
    (out / MARKER).write_text("dev/shop.yaml\n../repo/cmp.yaml\n")  # a marker does not reach beyond its folder
    (repository / "cmp.yaml").write_text("version: 1\n")
    before = snapshot(tmp_path)
    ran = sandbox.run("render", "--all", "--output-dir", str(out), cwd=repository)
    assert (ran.stderr, ran.code) == (
        (
            f"cmp: this folder holds what `cmp render --all` did not write: {foreign}\n"
            f"  where: {out}\n  hint: name an empty folder, or remove that\n"
        ),
        2,
    )
    after = snapshot(tmp_path)
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--all",), "cmp: --all and --output-dir go together\n  hint: cmp render --all --output-dir DIR\n"),
        (("--secrets", "mask"), "cmp: --all and --output-dir go together\n  hint: cmp render --all --output-dir DIR\n"),
        (
            ("shop", "--all", "--output-dir", "x"),
            "cmp: --all renders everything as it is: only --output-dir, --secrets, --keyless and --check go with it\n",
        ),
        (
            ("--all", "--output-dir", "x", "--cluster", "dev"),
            "cmp: --all renders everything as it is: only --output-dir, --secrets, --keyless and --check go with it\n",
        ),
        (
            ("--all", "--output-dir", "x", "--helm-version", "3.14.4"),
            "cmp: --all renders everything as it is: only --output-dir, --secrets, --keyless and --check go with it\n",
        ),
    ],
)
def test_flags_that_do_not_fit_are_refused(argv: tuple[str, ...], said: str, tmp_path: Path, sandbox: Sandbox) -> None:
    repository = make(tmp_path, sandbox)
    ran = sandbox.run("render", *argv, cwd=repository)
    assert (ran.stderr, ran.code) == (said, 2)
    assert not (repository / "x").exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, sandbox: Sandbox) -> None:
    repository = make(tmp_path, sandbox)
    (tmp_path / "file").write_text("")
    ran = sandbox.run("render", "--all", "--output-dir", "../file", cwd=repository)
    assert ran.code == 2
    assert ran.stderr == (f"cmp: cannot write this file: File exists\n  where: {repository}/../file/{MARKER}\n")


@pytest.mark.parametrize("argv", [("render", "--all", "--output-dir", "../out"), ("golden",), ("golden", "--update")])
def test_an_error_that_quotes_a_secret_is_masked(argv: tuple[str, ...], tmp_path: Path, sandbox: Sandbox) -> None:
    repository = make(tmp_path, sandbox)
    assert sandbox.run("golden", "shop", "--update", cwd=repository).code == 0
    quoting = '{{ fail (printf "no %s here" .Values.db.password) }}\n'
    (repository / "namespaces/shop/templates/fail.yaml").write_text(quoting)
    ran = sandbox.run(*argv, cwd=repository)
    assert ran.code == 7
    assert ran.stderr.count("no ‹secret› here") == 2  # on each cluster
    assert PASSWORD not in ran.stdout + ran.stderr
    assert find_plaintext([tmp_path / "out", repository / "golden", sandbox.tmp], [PASSWORD, FROM_THE_CHART]) == []


def test_a_bug_and_a_kill_take_only_their_own_pair_with_them(tmp_path: Path, sandbox: Sandbox) -> None:
    def fails(_: CheckedOutput, __: Redactor) -> bytes:
        raise ValueError(PASSWORD)

    def dies(_: CheckedOutput, __: Redactor) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    tree = WorkTree(str(make(tmp_path, sandbox)))
    repository, redactor = Repository(tree, ENGINES), Redactor()
    settings = environ.read(sandbox.env(), default_deadline=60).settings
    context = Context(settings, Deadline(60), redactor, Log(sys.stderr, redactor.mask), Phases())
    calm, dev, prod = repository.pairs()
    renderer = BatchRenderer(tree, repository, context)
    found = [*renderer.render_all([PrintJob(dev, fails), PrintJob(prod, dies), PrintJob(calm, with_secrets)])]
    assert [(one.app, one.cluster, one.error, one.exit_code) for one in found] == [
        (
            "shop",
            "dev",
            (
                "cmp: internal error: ValueError",
                "  where: application shop, cluster dev",
                "  hint: `cmp render` of this application alone tells where",
            ),
            70,
        ),
        (
            "shop",
            "prod",
            (
                "cmp: the process that rendered this was killed",
                "  where: application shop, cluster prod",
                "  hint: a memory limit is the usual reason",
            ),
            137,
        ),
        ("calm", "dev", (), 0),
    ]
    assert found[2].text == CALM.encode()


@pytest.mark.no_tools
def test_settings_in_cmp_yaml_that_fit_nothing_are_an_error_of_no_pair(tmp_path: Path, sandbox: Sandbox) -> None:
    files = {
        "cmp.yaml": "version: 1\napplications:\n- {apps: shpo, release: x}\n",
        "namespaces/shop/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n",
        "clusters/dev/shop/.keep": "",
    }
    plant(tmp_path / "repo", files)
    ran = sandbox.run("render", "--all", "--output-dir", "out", cwd=tmp_path / "repo")
    assert ran.code == 3
    assert ran.stderr.splitlines()[:2] == [
        "cmp: `applications` names shpo, and there is none",
        "  where: cmp.yaml:3:10",
    ]
    assert ran.stderr.splitlines()[-1] == "cmp: 1 file written, 0 removed, 0 failed"


@pytest.mark.no_tools
def test_the_same_warning_of_many_pairs_is_one_line(tmp_path: Path, sandbox: Sandbox) -> None:
    clusters = [f"c{number}" for number in range(5)]
    config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
    plant(
        tmp_path / "repo",
        {
            "namespaces/shop/map.yaml": config_map % "shop",
            "namespaces/shop/more/map.yaml": "",
            **{f"clusters/{name}/shop/.keep": "" for name in clusters},
            "namespaces/till/map.yaml": config_map % "till",
            "namespaces/till/more/map.yaml": "",
            "clusters/c1/till/.keep": "",
        },
    )
    ran = sandbox.run("render", "--all", "--output-dir", str(tmp_path / "out"), cwd=tmp_path / "repo")
    assert (ran.code, ran.stderr.splitlines()) == (
        0,
        [
            *(
                f"cmp: warning: {pairs}: nothing uses the file {file} here: `plain: {{recurse: true}}` in cmp-app.yaml "
                "reads the folders below"
                for pairs, file in (
                    ("shop on c0, c1, c2 and 2 more", "namespaces/shop/more/map.yaml"),
                    ("till on c1", "namespaces/till/more/map.yaml"),
                )
            ),
            "cmp: 6 files written, 0 removed, 0 failed",
        ],
    )


def test_functions_that_make_values_up_are_told_once_for_an_application(tmp_path: Path, sandbox: Sandbox) -> None:
    chart = "apiVersion: v2\nname: %s\nversion: 1.0.0\n"
    config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  token: %s\n"
    stable = "'{{ keys .Values | sortAlpha | join \"-\" }}'"
    plant(
        tmp_path / "repo",
        {
            "namespaces/shop/Chart.yaml": chart % "shop",
            "namespaces/shop/templates/map.yaml": config_map % "{{ randAlphaNum 8 | quote }}",
            "namespaces/till/Chart.yaml": chart % "till",
            "namespaces/till/templates/map.yaml": config_map % stable,
            **{f"clusters/{name}/{app}/.keep": "" for name in ("dev", "prod") for app in ("shop", "till")},
        },
    )
    said = (
        "cmp: warning: shop on dev, prod: each render may make up other values, so that no two are the same: "
        "randAlphaNum (namespaces/shop/templates/map.yaml:5)"
    )
    ran = sandbox.run("render", "--all", "--output-dir", str(tmp_path / "out"), cwd=tmp_path / "repo")
    assert (ran.code, ran.stderr.splitlines()) == (0, [said, "cmp: 4 files written, 0 removed, 0 failed"])
    ran = sandbox.run("golden", "shop", "--update", cwd=tmp_path / "repo")
    assert (ran.code, ran.stderr.splitlines()) == (0, [said, "cmp: 2 of 2 golden files written, 0 removed"])


def interrupted(context: Context, pairs: list[PrintedPair]) -> None:
    with batch_messages(context) as tell:
        for pair in pairs:
            tell(pair)
        raise KeyboardInterrupt


def test_an_interruption_loses_no_warning(sandbox: Sandbox) -> None:
    stream = io.StringIO()
    settings = environ.read(sandbox.env(), default_deadline=60).settings
    context = Context(settings, Deadline(60), Redactor(), Log(stream, str), Phases())
    pairs = [
        PrintedPair("shop", "dev", b"", notes=("one", "two")),
        PrintedPair("till", "", b"", notes=("one",)),
        PrintedPair("shop", "prod", b"", notes=("one",), error=("cmp: an error",), exit_code=3),
    ]
    with pytest.raises(KeyboardInterrupt):
        interrupted(context, pairs)
    assert stream.getvalue().splitlines() == [
        "cmp: an error",
        "cmp: warning: shop on dev, prod; till: one",
        "cmp: warning: shop on dev: two",
    ]
