"""No program takes more memory than CMP_CHILD_MEMORY: small Python programs, and real ones that charts lead astray."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from cmp import environ
from cmp.doctor import installation
from cmp.errors import ConfigError, EngineError
from cmp.system import process
from cmp.system.batch_process import BatchProcess
from cmp.system.process import Command, Deadline, run
from tests.support.kustomize import KustomizeRepository
from tests.support.leaks import processes_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Sandbox

MIB = 1 << 20
LIMIT = 96 * MIB
HINT = (
    "mostly a template makes too much of something, as an endless loop does; if this is needed, raise "
    "CMP_CHILD_MEMORY, and the memory limit of the container with it"
)
# At most six times the limit: were nobody to watch, the program would end by itself.
GROWS = "held = []\nfor _ in range(600): held.append(b'x' * (1 << 20))\nprint(len(held))"
BELOW = "import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', sys.argv[1]])"
MAPS_A_FILE = """
import mmap, sys, time
with open(sys.argv[1]) as file:
    print(len(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)[::4096]))
time.sleep(0.5)  # so that it is looked at, whatever that says
"""


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """Limit the children of this test alone."""
    process.limit_memory(LIMIT)
    yield
    process.limit_memory(0)


def python(code: str, *argv: str, marker: str = "", is_bounded: bool = True) -> Command:
    argv = (sys.executable, "-S", "-c", code, *argv)
    return Command("python", argv, {"MARKER": marker}, place="namespaces/shop", is_bounded=is_bounded)


STAYS = f"{GROWS}\nimport time; time.sleep(60)"  # longer than anybody waits for its end below


@pytest.mark.parametrize("argv", [(STAYS,), (BELOW, STAYS)], ids=["itself", "what it started"])
def test_a_program_that_takes_too_much_is_ended_and_named(argv: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        run(python(*argv, marker=str(tmp_path)), Deadline(60))
    assert caught.value.lines() == [
        "cmp: python was ended: it took more than 96 MiB of memory",
        "  where: namespaces/shop",
        f"  hint: {HINT}",
    ]
    wait_until(lambda: not processes_of(str(tmp_path)))  # a process with much memory takes a moment to end


def test_a_program_that_answers_requests_is_watched_too(tmp_path: Path) -> None:
    batch = BatchProcess(python(GROWS, marker=str(tmp_path)), Deadline(60))
    try:
        with pytest.raises(EngineError, match="python was ended: it took more than 96 MiB of memory"):
            batch.line()
    finally:
        batch.close()
    assert processes_of(str(tmp_path)) == {}


def test_a_program_that_is_not_bounded_goes_on() -> None:
    assert run(python(GROWS, is_bounded=False), Deadline(60)).stdout == b"600\n"


def test_without_a_limit_every_program_goes_on() -> None:
    process.limit_memory(0)
    assert run(python(GROWS), Deadline(60)).stdout == b"600\n"


def test_the_pages_of_a_file_do_not_count(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        os.truncate(file.fileno(), 4 * LIMIT)
    assert run(python(MAPS_A_FILE, str(large)), Deadline(60)).stdout == f"{4 * LIMIT // 4096}\n".encode()


# The setting


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 2048 * MIB),
        ("2GiB", 2048 * MIB),
        ("1Gi", 1024 * MIB),
        ("64MiB", 64 * MIB),
        ("512Mi", 512 * MIB),
        ("524288KiB", 512 * MIB),
        ("524288Ki", 512 * MIB),
        ("67108864", 64 * MIB),
        ("0", 0),
        ("off", 0),
    ],
)
def test_a_size_is_written_as_go_or_kubernetes_do(text: str, size: int) -> None:
    assert environ.read({"CMP_CHILD_MEMORY": text}, default_deadline=1).settings.child_memory == size


@pytest.mark.parametrize("text", ["2", "2G", "1.5GiB", "-1GiB", "GiB", "2 GiB", "2GiBi", "63MiB", "²GiB", "lots"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        environ.read({"CMP_CHILD_MEMORY": text}, default_deadline=1)
    want = f"CMP_CHILD_MEMORY is {text!r}, neither a size of at least 64MiB, such as 2GiB, nor 0 for no limit"
    assert caught.value.what == want


@pytest.mark.parametrize(
    ("text", "system", "state", "found"),
    [
        ("", "linux", "ok", "at most 2 GiB for each, with all that it starts"),
        ("768MiB", "linux", "ok", "at most 768 MiB for each, with all that it starts"),
        ("0", "linux", "warning", "no limit: CMP_CHILD_MEMORY is 0"),
        ("", "darwin", "warning", "no limit: this system does not tell what a program takes"),
    ],
)
def test_doctor_says_whether_there_is_a_limit(
    text: str, system: str, state: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    settings = environ.read({"HOME": str(tmp_path), "CMP_CHILD_MEMORY": text}, default_deadline=1).settings
    checks = {check.subject: check for check in installation.examine(str(tmp_path), settings)}
    check = checks["memory of programs"]
    assert (check.state, check.found, bool(check.hint)) == (state, found, state != "ok")


# Real programs


# Each round doubles the text: 64 MiB at its end, and as much again in what was thrown away on the way.
DOUBLED = """\
{{- $text := "x" }}{{- range until 26 }}{{- $text = print $text $text }}{{- end }}
apiVersion: v1
kind: ConfigMap
metadata: {name: doubled}
data: {length: {{ len $text | quote }}}
"""


@pytest.fixture
def world(sandbox: Sandbox) -> KustomizeRepository:
    return KustomizeRepository(sandbox)


def chart(world: KustomizeRepository, folder: str) -> None:
    """Write a chart that takes several hundred megabytes to say a number."""
    text = json.dumps({"apiVersion": "v2", "name": "greedy", "version": "1.0.0"})
    world.write({f"{folder}/Chart.yaml": text, f"{folder}/templates/map.yaml": DOUBLED, f"{folder}/values.yaml": ""})


def ended(program: str) -> str:
    where = f"application web, cluster dev, phase {program.partition(' ')[0]}, namespaces/web"
    return f"cmp: {program} was ended: it took more than 96 MiB of memory\n  where: {where}\n  hint: {HINT}\n"


def test_a_chart_that_eats_memory_is_named(world: KustomizeRepository) -> None:
    chart(world, "namespaces/web")
    argv = ("render", "web", "--cluster", "dev")
    greedy = world.sandbox.run(*argv, cwd=world.root, CMP_CHILD_MEMORY="96MiB")
    assert (greedy.code, greedy.stdout, greedy.stderr) == (7, "", ended("helm template"))
    assert list(world.sandbox.tmp.iterdir()) == []
    enough = world.sandbox.run(*argv, cwd=world.root)
    assert (enough.code, f'length: "{64 * MIB}"' in enough.stdout) == (0, True), enough.stderr


def test_a_chart_below_a_kustomization_counts(world: KustomizeRepository) -> None:
    chart(world, "namespaces/web/charts/greedy")
    world.write({"kustomization.yaml": json.dumps({"helmCharts": [{"name": "greedy"}]})})
    world.write({"cmp-app.yaml": json.dumps({"kustomize": {"enableHelm": True}})})
    ran = world.run(CMP_CHILD_MEMORY="96MiB")
    assert (ran.code, ran.stdout, ran.stderr) == (7, "", ended("kustomize build"))
