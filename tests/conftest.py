"""Fixtures that many test modules share."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import durations
from tests.support.charts import World, publish
from tests.support.go_yaml import GoYaml
from tests.support.harness import Sandbox
from tests.support.interrupted_render import InterruptibleApplication, Sealed, seal
from tests.support.property_examples import examples
from tests.support.scheduling import Scheduling

if TYPE_CHECKING:
    from collections.abc import Iterator

# A shell that starts the tests in the background lets them, and so all their children, ignore SIGINT: some are to die
# of it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples every time: a failure is a change's, never the day's.
settings.register_profile("stable", max_examples=examples(100), derandomize=True, deadline=None, database=None)
settings.load_profile("stable")

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argocd-cmp"


TOOLS = {"tools_dir", "test_tools_dir"}  # the fixtures that lead to programs of the set-up


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tools: it starts a program of the set-up; most are known by their fixtures")
    config.addinivalue_line("markers", "no_tools: it runs cmp and starts no tool; its sandbox has none")
    config.addinivalue_line("markers", "slow: a second of a processor goes to it, so that `make test` alone runs it")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        one for of_kind in terminalreporter.stats.values() for one in of_kind if isinstance(one, pytest.TestReport)
    ]
    if lines := durations.lines(one for one in reports if isinstance(one, pytest.TestReport)):
        terminalreporter.section("seconds of a worker by group")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        leads_to_tools = TOOLS & {*item.fixturenames}  # type: ignore[attr-defined]
        if leads_to_tools and not (item.get_closest_marker("no_tools") or item.get_closest_marker("tools")):
            item.add_marker(pytest.mark.tools)


def pytest_collection_finish() -> None:
    """Take the thousands of collected tests out of what each later garbage collection goes through."""
    if sys.version_info >= (3, 14):  # there Hypothesis no longer finds who holds its random numbers, and warns
        return
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what cmp prints now into the golden files")
    parser.addoption("--argocd", metavar="VERSION", help="run tests/argocd on this tested version of Argo CD alone")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def tools_dir() -> str:
    """Return the folder of the real tools, ``<tool>/<version>/<tool>``: CMP_TEST_TOOLS, or the user's own store."""
    return os.environ.get("CMP_TEST_TOOLS") or str(CACHE / "tools")


@pytest.fixture(scope="session")
def test_tools_dir() -> str:
    """Return the folder of programs that only tests need (age, a registry): CMP_TEST_HELPERS, or beside the store."""
    return os.environ.get("CMP_TEST_HELPERS") or str(CACHE / "test-tools")


@pytest.fixture(scope="session")
def go(test_tools_dir: str) -> Iterator[GoYaml]:
    """Return the YAML parser of Argo CD."""
    program = GoYaml(f"{test_tools_dir}/goyaml")
    yield program
    program.close()


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, tmp_path: Path, tools_dir: str) -> Sandbox:
    """Return fresh folders and an environment for runs of cmp, with the real tools unless the test is `no_tools`."""
    has_tools = request.node.get_closest_marker("tools") is not None
    return Sandbox(tmp_path / "sandbox", tools_dir if has_tools else str(tmp_path / "no-tools"))


@pytest.fixture(scope="session")
def archives(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packaged charts of a repository and their index, to be served and not written to."""
    return publish(tmp_path_factory.mktemp("archives"), tools_dir)


@pytest.fixture
def world(tmp_path: Path, tools_dir: str) -> World:
    """Return an application whose chart dependencies are to be restored."""
    return World(tmp_path, tools_dir)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Sealed:
    """Return the encrypted files of an application that is about to die; their secrets occur nowhere else."""
    return seal(tmp_path_factory.mktemp("sealed"), tools_dir)


@pytest.fixture
def patient(sandbox: Sandbox, sealed: Sealed) -> InterruptibleApplication:
    """Return that application, in a repository of its own."""
    return InterruptibleApplication(sandbox, sealed)
