"""Programs, disks and streams that fail: one message each, the right exit code, and nothing is left behind."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.artifacts import toolstore
from examples import chartserver
from tests.support.charts import HELM, write_chart
from tests.support.harness import snapshot
from tests.support.interrupted_render import LARGE, LAYER, SLOW, InterruptibleApplication
from tests.support.keys import SOPS_VERSION
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.harness import Ran

CACHED = "Argo CD keeps this error cached until a hard refresh"
WHERE = "  where: application shop, cluster dev, phase"
SHOWS = f"`sops decrypt {LAYER}` shows what it says; that may hold values and is not repeated here"
SIGNALLED = "nothing is wrong with the repository: a Pod that stops sends it, or a command such as `pkill helm`"
CONTROL = "control characters are not allowed"
ARCHIVE, INDEX = "/redis-1.2.3.tgz", "/index.yaml"


@pytest.fixture
def repository(archives: Path) -> Iterator[ChartRepository]:
    with ChartRepository(archives) as server:
        yield server


def refused(patient: InterruptibleApplication, door: str = "render", **env: str) -> tuple[int, list[str]]:
    """Run to the error; return its exit code and its lines."""
    with patient.unharmed():
        ran = patient.run_to_the_end(door, **env)
    assert ran.stdout == ""
    return ran.code, ran.stderr.splitlines()


# Programs


def sops_failure(what: str) -> tuple[int, list[str]]:
    return 6, [f"cmp: {what}", f"{WHERE} secrets, {LAYER}", f"  hint: {SHOWS}"]


FAILURES = {
    ("sops", "fails-in-silence"): sops_failure("sops failed with exit status 1"),
    ("sops", "prints-nothing"): sops_failure("sops reported success and printed nothing"),
    ("sops", "is-killed"): sops_failure("sops was ended by signal 9"),
    ("sops", "complains-at-length"): sops_failure("sops failed with exit status 1"),
    ("sops", "prints-garbage"): (
        7,
        [
            f"cmp: helm {HELM}: failed to parse {LAYER}: error converting YAML to JSON: yaml: {CONTROL}",
            f"{WHERE} helm",
        ],
    ),
    ("helm", "fails-in-silence"): (7, [f"cmp: helm {HELM} exited with status 1 and said nothing", f"{WHERE} helm"]),
    ("helm", "is-killed"): (7, [f"cmp: helm {HELM} was killed by signal 9", f"{WHERE} helm"]),
    ("helm", "is-told-to-end"): (
        7,
        [
            f"cmp: helm {HELM} got a signal from outside, and says that its release has been cancelled",
            f"{WHERE} helm",
            f"  hint: {SIGNALLED}",
        ],
    ),
    ("helm", "prints-garbage"): (
        8,
        [
            "cmp: a text: no manifest, printed before the first document: `\\x00\\x01 {{ [ : unfinished`",
            f"{WHERE} output, line 1 of the output",
        ],
    ),
    ("helm", "prints-nothing"): (
        8,
        [
            "cmp: helm printed no object: Argo CD could prune the whole application",
            f"{WHERE} output",
            "  hint: if this is meant, `output: {allowEmpty: true}` in cmp-app.yaml accepts it",
        ],
    ),
}


@pytest.mark.parametrize(("tool", "fault"), FAILURES)
def test_a_program_that_fails(tool: str, fault: str, patient: InterruptibleApplication) -> None:
    patient.install_fake(tool, fault)
    assert refused(patient) == FAILURES[tool, fault]


def test_complaints_of_any_length_are_cut_short(patient: InterruptibleApplication) -> None:
    patient.install_fake("helm", "complains-at-length")
    with patient.unharmed():
        ran = patient.run_to_the_end()
    lines = ran.stderr.splitlines()
    assert (ran.code, lines[0]) == (7, f"cmp: helm {HELM}: the first line says why")
    assert 3000 < len(ran.stderr.encode()) <= 4096
    assert lines[-1] == f"{WHERE} helm"


REGISTRY = "oci://127.0.0.1:9/charts"  # helm pulls from registries, and finds what a range means in an index
FETCH_FAILURES = {
    ("1.2.3", "fails-in-silence"): "helm failed: exit code 1",
    ("1.2.3", "is-killed"): "helm failed: it was killed by signal 9",
    ("1.2.3", "prints-nothing"): "helm failed: it reported success and left no archive",
    ("^1.2", "is-killed"): "helm failed: it was killed by signal 9",
    ("^1.2", "prints-nothing"): "helm failed: it reported success and printed no list of charts",
    ("^1.2", "prints-garbage"): "helm failed: it reported success and printed no list of charts",
}


@pytest.mark.parametrize(("version", "fault"), FETCH_FAILURES)
def test_a_helm_that_fails_while_it_fetches(
    version: str, fault: str, patient: InterruptibleApplication, repository: ChartRepository
) -> None:
    url = repository.url if version.startswith("^") else REGISTRY
    patient.depend(version, url)
    patient.install_fake("helm", fault)
    assert refused(patient) == (
        5,
        [
            f"cmp: chart redis {version} of {url}: {FETCH_FAILURES[version, fault]}",
            f"{WHERE} charts, namespaces/shop/Chart.yaml:6",
        ],
    )


@pytest.mark.parametrize(("tool", "version"), [("helm", HELM), ("sops", SOPS_VERSION)])
@pytest.mark.parametrize("problem", ["is not installed", "cannot be executed by this user"])
def test_a_program_that_is_not_there(problem: str, tool: str, version: str, patient: InterruptibleApplication) -> None:
    patient.install_fake(tool, "prints-nothing")
    if problem == "is not installed":
        patient.program(tool).unlink()
    else:
        patient.program(tool).chmod(0o600)
    store, pin = patient.sandbox.tools_dir, "namespaces/shop/cmp-app.yaml:1"
    assert refused(patient) == (
        4,
        [
            f"cmp: {tool} {version} {problem} (pinned in {pin}); no {tool} is installed in {store}",
            f"{WHERE} tools",
            f"  hint: install with `cmp tools install {tool}@{version}`, or pin a version that is installed",
        ],
    )


@pytest.mark.parametrize(
    ("tool", "label", "phase"), [("helm", "helm template", "helm"), ("sops", f"sops for {LAYER}", "secrets")]
)
def test_a_program_that_the_system_cannot_start(
    tool: str, label: str, phase: str, patient: InterruptibleApplication
) -> None:
    patient.install_fake(tool, "prints-nothing")
    program = patient.program(tool)
    program.write_text("#!/an/interpreter/that/is/missing\n")
    toolstore.write(str(program.parent), toolstore.describe(str(program), "go", ""))
    assert refused(patient) == (
        4,
        [f"cmp: cannot start {label}: No such file or directory", f"{WHERE} {phase}, {program}"],
    )


# The deadline

SECONDS = "4"  # a busy machine has to be at work by then


def overdue(label: str, phase: str, doing: str = "running") -> tuple[int, list[str]]:
    what = f"cmp: {label} was still {doing} when the deadline of {SECONDS} s passed"
    return 9, [what, f"{WHERE} {phase}", f"  hint: {CACHED}; see operations.md#deadline"]


def test_the_deadline_names_a_sops_that_never_ends(patient: InterruptibleApplication) -> None:
    patient.install_fake("sops", "never-ends")
    assert refused(patient, "generate", CMP_DEADLINE=SECONDS) == overdue(f"sops for {LAYER}", "secrets")


def test_the_deadline_names_a_file_that_is_slow_after_others_were_decrypted(patient: InterruptibleApplication) -> None:
    patient.install_fake("sops", "holds-plaintext")
    expected = overdue("sops for namespaces/shop/files/slow.key", "secrets")
    assert refused(patient, "generate", CMP_DEADLINE=SECONDS) == expected


def test_the_deadline_names_a_slow_template(patient: InterruptibleApplication) -> None:
    patient.template("slow.yaml", SLOW)
    assert refused(patient, "generate", CMP_DEADLINE=SECONDS) == overdue("helm template", "helm")


@pytest.mark.parametrize(("path", "subject"), [(INDEX, "the index of"), (ARCHIVE, "chart redis 1.2.3 of")])
def test_the_deadline_names_a_repository_that_hangs(
    path: str, subject: str, patient: InterruptibleApplication, repository: ChartRepository
) -> None:
    patient.depend("1.2.3", repository.url)
    repository.fault(path, body="hang")
    host = f"127.0.0.1:{repository.server_port}"
    expected = overdue(f"{subject} {repository.url}", "charts", f"coming from {host}")
    assert refused(patient, "generate", CMP_DEADLINE=SECONDS) == expected


# Disks and folders


class Disk(NamedTuple):
    """A full disk: a command that starts cmp with such a folder, and the system's message."""

    prefix: list[str]
    reason: str


@contextmanager
def full_disk(folder: Path) -> Iterator[Disk]:
    """Let a folder take 64 KiB: a file system of that size; where none may be mounted, a limit for every file."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "full", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        yield Disk(["prlimit", "--fsize=65536:"], "File too large")
        return
    try:
        yield Disk([], "No space left on device")
    finally:
        subprocess.run(["umount", folder], check=True)


NO_ROOM = "free some space, or set CMP_TMPDIR to another folder"
FILL = "fill it with `cmp cache warm`, or let CMP_CACHE_DIR name a folder with room that may be written"


def unwritable(cache: Path, reason: str) -> tuple[int, list[str]]:
    return 5, [
        f"cmp: cannot write to the chart cache {cache}: {reason}",
        f"{WHERE} charts",
        f"  hint: {FILL}",
    ]


def test_no_room_for_the_private_folder(patient: InterruptibleApplication) -> None:
    (patient.chart / "files/large").write_bytes(b"x" * 300_000)
    with full_disk(patient.sandbox.tmp) as disk:
        patient.prefix = disk.prefix
        assert refused(patient) == (
            4,
            [
                f"cmp: no space left in {patient.sandbox.tmp} for the private folder",
                "  where: application shop, cluster dev",
                f"  hint: {NO_ROOM}",
            ],
        )


def test_no_room_in_the_cache(patient: InterruptibleApplication, tmp_path: Path, tools_dir: str) -> None:
    chart = write_chart(tmp_path / "large/redis", "redis", "1.2.3")
    (chart / "noise").write_bytes(os.urandom(300_000))
    packed = chartserver.package(chart.parent, tmp_path / "packed", Path(tools_dir, f"helm/{HELM}/helm"))
    patient.install_fake("helm", "has-no-limit")
    with ChartRepository(packed) as repository, full_disk(patient.sandbox.cache) as disk:
        patient.depend("1.2.3", repository.url)
        patient.prefix = disk.prefix
        assert refused(patient) == unwritable(patient.sandbox.cache, disk.reason)
        patient.prefix = []
        assert list(patient.sandbox.cache.rglob("*.tgz")) == []
        assert list((patient.sandbox.cache / "incoming").iterdir()) == []


@pytest.mark.parametrize("below", ["", "charts"])
def test_a_cache_that_is_a_file(below: str, patient: InterruptibleApplication, repository: ChartRepository) -> None:
    patient.sandbox.cache.write_text("no folder")
    patient.depend("1.2.3", repository.url)
    cache = patient.sandbox.cache / below
    assert refused(patient, CMP_CACHE_DIR=str(cache)) == unwritable(cache, "Not a directory")


def test_a_cache_that_may_only_be_read_serves_what_it_has(
    patient: InterruptibleApplication, repository: ChartRepository
) -> None:
    patient.depend("1.2.3", repository.url)
    assert patient.run_to_the_end().code == 0
    before = snapshot(patient.sandbox.cache)
    with read_only(patient.sandbox.cache), patient.unharmed():
        ran = patient.run_to_the_end()
        assert (ran.code, "charts 1/1 without network" in ran.stderr) == (0, True), ran.stderr
        assert repository.counts() == {INDEX: 1, ARCHIVE: 1}
    assert snapshot(patient.sandbox.cache) == before


def test_a_cache_that_may_only_be_read_and_lacks_a_chart(
    patient: InterruptibleApplication, repository: ChartRepository
) -> None:
    patient.depend("1.2.3", repository.url)
    assert patient.run_to_the_end().code == 0
    patient.depend("1.3.0", repository.url)
    with read_only(patient.sandbox.cache) as reason:
        assert refused(patient) == unwritable(patient.sandbox.cache, reason)


@contextmanager
def read_only(folder: Path) -> Iterator[str]:
    """Forbid to write to a folder, also to root where it may mount; yield what the system says."""
    bind = ["mount", "--bind", "-o", "ro", str(folder), str(folder)]
    if subprocess.run(bind, check=False, capture_output=True).returncode == 0:
        try:
            yield "Read-only file system"
        finally:
            subprocess.run(["umount", folder], check=True)
        return
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o500)
    try:
        yield "Permission denied"
    finally:
        for path in folders:
            path.chmod(0o700)


def test_a_state_that_cannot_be_kept_costs_nothing_but_time(
    patient: InterruptibleApplication, repository: ChartRepository
) -> None:
    (patient.sandbox.folder / "file").write_text("no folder")
    patient.depend("^1.2", repository.url)
    for _ in range(2):
        with patient.unharmed():
            ran = patient.run_to_the_end(CMP_STATE_DIR=str(patient.sandbox.folder / "file/state"))
        assert ran.code == 0, ran.stderr
    assert repository.counts() == {INDEX: 2, "/redis-1.3.0.tgz": 1}


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_place_for_private_folders_that_is_none(name: str, patient: InterruptibleApplication) -> None:
    place = patient.sandbox.folder / name
    if name == "file":
        place.write_text("no folder")
    assert refused(patient, CMP_TMPDIR=str(place)) == (
        3,
        [
            f"cmp: CMP_TMPDIR is '{place}', which is not a folder",
            "  where: application shop, cluster dev",
        ],
    )


# Streams


def through_shell(patient: InterruptibleApplication, redirection: str) -> Ran:
    """Run with redirections as a shell makes them."""
    patient.prefix = ["sh", "-c", f'exec "$@" {redirection}', "sh"]
    with patient.unharmed():
        return patient.run_to_the_end()


@pytest.mark.parametrize(
    ("redirection", "reason"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
@pytest.mark.parametrize("template", ["", LARGE])
def test_a_stdout_that_takes_nothing(
    redirection: str, reason: str, template: str, patient: InterruptibleApplication
) -> None:
    patient.template("more.yaml", template)
    ran = through_shell(patient, redirection)
    assert (ran.code, ran.stderr) == (8, f"cmp: cannot write the output: {reason}\n")


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "<&- 2>&-"])
def test_a_stderr_that_takes_nothing_does_not_matter(redirection: str, patient: InterruptibleApplication) -> None:
    ran = through_shell(patient, redirection)
    assert (ran.code, ran.stderr) == (0, "")
    assert all(patient.secrets[name] in ran.stdout for name in ("common", "cluster", "upload"))


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_an_error_that_nobody_can_be_told_has_its_exit_code(
    redirection: str, patient: InterruptibleApplication
) -> None:
    patient.install_fake("sops", "fails-in-silence")
    ran = through_shell(patient, redirection)
    assert (ran.code, ran.stdout, ran.stderr) == (6, "", "")
