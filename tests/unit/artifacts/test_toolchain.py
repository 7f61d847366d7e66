"""Pins become programs of the store; what is missing is named with the way to get it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from cmp import environ
from cmp.artifacts import toolchain, toolstore
from cmp.artifacts.lockfile import Lock, LockedTool
from cmp.engines.features import SKIP_SCHEMA_VALIDATION, require
from cmp.errors import ToolError
from cmp.model import Settings, Tool, ToolPin

if TYPE_CHECKING:
    from pathlib import Path

CACHED = "Argo CD keeps this error cached until a hard refresh"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings whose store has helm 3.14.4 and 3.18.6."""
    for version in ("3.18.6", "3.14.4"):
        program = tmp_path / "helm" / version / "helm"
        program.parent.mkdir(parents=True)
        program.touch(0o755)
        toolstore.write(str(program.parent), toolstore.describe(str(program), "release", "https://example.org"))
    return environ.read({"CMP_TOOLS_DIR": str(tmp_path)}, default_deadline=40).settings


def failure(settings: Settings, *pins: ToolPin) -> str:
    with pytest.raises(ToolError) as error:
        toolchain.find({f"{pin.name} {pin.version}": pin for pin in pins}, settings)
    return "\n".join(error.value.lines(is_cached=True))


def test_pins_become_tools(settings: Settings, tmp_path: Path) -> None:
    tools = toolchain.find({"helm": ToolPin("helm", "3.14.4", "cmp.yaml:3")}, settings)
    assert list(tools) == ["helm"]
    assert tools["helm"].version == "3.14.4"
    assert tools["helm"].path == str(tmp_path / "helm" / "3.14.4" / "helm")


def test_a_missing_version_is_an_error_that_says_what_to_do(settings: Settings) -> None:
    assert failure(settings, ToolPin("helm", "3.18.7", "cmp.yaml:12")) == (
        "cmp: helm 3.18.7 is not installed (pinned in cmp.yaml:12); installed: 3.14.4, 3.18.6\n"
        f"  hint: install with `cmp tools install helm@3.18.7`, or pin a version that is installed; {CACHED}"
    )


def test_all_missing_versions_are_named_at_once(settings: Settings, tmp_path: Path) -> None:
    pins = [
        ToolPin("helm", "4.0.0", "parameter helm-version"),
        ToolPin("helm", "3.18.6", "cmp.yaml:2"),
        ToolPin("sops", "3.10.2", "cmp.yaml:3"),
    ]
    assert failure(settings, *pins) == (
        "cmp: helm 4.0.0 is not installed (pinned in parameter helm-version); installed: 3.14.4, 3.18.6\n"
        f"  sops 3.10.2 is not installed (pinned in cmp.yaml:3); no sops is installed in {tmp_path}\n"
        "  hint: install with `cmp tools install helm@4.0.0 sops@3.10.2`, or pin a version that is installed; " + CACHED
    )


def test_a_program_that_was_only_copied_there_does_not_count(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "helm" / "3.18.6" / "record.json").unlink()
    assert failure(settings, ToolPin("helm", "3.18.6", "cmp.yaml:2")).startswith(
        "cmp: helm 3.18.6 has no record of its sha256 (pinned in cmp.yaml:2); installed: 3.14.4\n"
    )


def test_a_pin_is_never_a_path(settings: Settings) -> None:
    assert failure(settings, ToolPin("helm", "../helm/3.18.6", "parameter helm-version")) == (
        "cmp: helm ../helm/3.18.6 is not an exact version such as 3.18.6 (pinned in parameter helm-version); "
        f"installed: 3.14.4, 3.18.6\n  hint: pin a version that is installed; {CACHED}"
    )


def test_a_pin_is_never_a_commit(settings: Settings) -> None:
    commit = "3.18.7-0.20250715123456-0123456789ab"
    assert failure(settings, ToolPin("helm", commit, "parameter helm-version")) == (
        f"cmp: helm {commit} names a commit (a Go pseudo-version), not a release such as 3.18.6 (pinned in parameter "
        f"helm-version); installed: 3.14.4, 3.18.6\n  hint: pin a version that is installed; {CACHED}"
    )


EMPTY = hashlib.sha256(b"").hexdigest()  # of the programs in this file
PLATFORM = toolstore.platform()


@pytest.mark.parametrize("also", [(), (LockedTool("helm", "3.18.6", *PLATFORM, "release", "0" * 64),)])
def test_a_tool_that_the_lock_names_passes(settings: Settings, also: tuple[LockedTool, ...]) -> None:
    lock = Lock(tools=(*also, LockedTool("helm", "3.18.6", *PLATFORM, "go", EMPTY)))
    assert toolchain.find({"helm": ToolPin("helm", "3.18.6", "cmp.yaml:2")}, settings, lock)["helm"].sha256 == EMPTY


@pytest.mark.parametrize(
    ("tools", "what"),
    [
        ((), f"cmp.lock has no helm 3.18.6 for {'/'.join(PLATFORM)}"),
        (
            (
                LockedTool("helm", "3.18.6", "plan9", "mips", "go", EMPTY),
                LockedTool("helm", "3.14.4", *PLATFORM, "go", EMPTY),
            ),
            f"cmp.lock has no helm 3.18.6 for {'/'.join(PLATFORM)}",
        ),
        (
            (LockedTool("helm", "3.18.6", *PLATFORM, "go", "0" * 64),),
            f"the installed helm 3.18.6 for {'/'.join(PLATFORM)} is not in cmp.lock: sha256 {EMPTY}, locked {'0' * 64}",
        ),
    ],
)
def test_a_lock_is_enforced(settings: Settings, tools: tuple[LockedTool, ...], what: str) -> None:
    with pytest.raises(ToolError) as error:
        toolchain.find({"helm": ToolPin("helm", "3.18.6", "cmp.yaml:2")}, settings, Lock(tools=tools))
    assert error.value.what == what
    assert error.value.file == "cmp.lock"


@pytest.mark.parametrize("version", ["3.16.0", "3.18.6", "4.0.0", "10.0.0"])
def test_a_version_that_has_a_feature_passes(version: str) -> None:
    require(Tool("helm", version, "", ""), SKIP_SCHEMA_VALIDATION)


def test_a_version_that_lacks_a_feature_is_an_error() -> None:
    with pytest.raises(ToolError) as error:
        require(Tool("helm", "3.14.4", "", ""), SKIP_SCHEMA_VALIDATION)
    assert "\n".join(error.value.lines()) == (
        "cmp: helm 3.14.4 has no --skip-schema-validation\n"
        "  hint: pin helm 3.16.0 or newer for this application, or do without --skip-schema-validation"
    )
