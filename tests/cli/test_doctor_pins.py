"""`cmp doctor` on pins: who runs what, what makes no difference, and whether a sidecar has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.tool_stores import ARCH, OS, Store
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

pytestmark = pytest.mark.no_tools

SHA256 = "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf"  # of the store's programs
TREE = {
    "cmp.yaml": "version: 1\ntools:\n  helm: 3.18.6\n  cue: 0.14.1\n  gator: 3.23.1\n",
    **{f"namespaces/{app}/Chart.yaml": CHART for app in ("mail", "shop", "web")},
    **{
        f"clusters/{cluster}/{app}/own-values.yaml": ""
        for cluster in ("dev", "prod")
        for app in ("mail", "shop", "web")
    },
    "namespaces/mail/cmp-app.yaml": "tools: {helm: 3.14.4}\n",
    "namespaces/web/cmp-app.yaml": "tools: {helm: 3.18.6}\n",
    "clusters/prod/shop/cmp-app.yaml": "tools: {helm: 4.0.0, sops: 3.9.0}\n",
}
USED = [
    "ok helm 3.14.4: installed (namespaces/mail/cmp-app.yaml:1; used by mail)",
    "ok helm 3.18.6: installed (cmp.yaml:3; used by shop on dev)",
    "ok helm 3.18.6: installed (namespaces/web/cmp-app.yaml:1; used by web)",
    "problem helm 4.0.0: is not installed (clusters/prod/shop/cmp-app.yaml:1; used by shop on prod)",
]


class Repository(NamedTuple):
    """Three applications on two clusters, and a store with two helms."""

    root: Path
    store: Store
    sandbox: Sandbox

    def doctor(self, *argv: str) -> Ran:
        return self.sandbox.run("doctor", *argv, cwd=self.root)

    def checks(self, *argv: str, code: int = 0) -> list[dict[str, str]]:
        ran = self.doctor("--format", "json", *argv)
        assert (ran.code, ran.stderr) == (code, "")
        subjects = ("helm ", "cue ", "sops ")
        return [check for check in json.loads(ran.stdout)["checks"] if check["subject"].startswith(subjects)]

    def lines(self, *argv: str) -> list[str]:
        """Return what was found of the pins, without the folders of the store."""
        return [f"{one['state']} {one['subject']}: {self._short(one['found'])}" for one in self.checks(*argv)]

    def _short(self, found: str) -> str:
        before, opened, rest = found.partition(" (")
        return f"{'installed' if before.startswith(str(self.store.folder)) else before}{opened}{rest}"

    def listed(self) -> list[dict[str, object]]:
        return list(json.loads(self.sandbox.run("tools", "list", "--format", "json", cwd=self.root).stdout))

    def against(self, rows: object, *, code: int) -> list[dict[str, str]]:
        """Compare with what a sidecar printed; return those checks."""
        (self.root.parent / "tools.json").write_text(json.dumps(rows))
        found = self.checks("--against", "../tools.json", code=code)
        return [check for check in found if check["subject"].endswith(" in the sidecar")]


@pytest.fixture
def repository(sandbox: Sandbox, tmp_path: Path) -> Repository:
    plant(tmp_path / "tree", TREE)
    store = Store(tmp_path)
    for version in ("3.14.4", "3.18.6"):
        store.put("helm", version)
    sandbox.extra["CMP_TOOLS_DIR"] = str(store.folder)
    return Repository(tmp_path / "tree", store, sandbox)


def test_it_says_who_runs_what_and_which_pins_make_no_difference(repository: Repository) -> None:
    assert repository.lines() == [
        *USED,
        "warning sops 3.9.0: clusters/prod/shop/cmp-app.yaml:1 pins it, and no application runs it",
        "warning cue 0.14.1: cmp.yaml:4 pins it, and no application runs it",
        "ok helm 3.14.4: namespaces/mail/cmp-app.yaml:1 is behind cmp.yaml:3, which pins 3.18.6",
        "warning helm 3.18.6: namespaces/web/cmp-app.yaml:1 pins what cmp.yaml:3 pins anyway",
    ]


def test_warnings_and_problems_say_what_to_do(repository: Repository) -> None:
    hints = {check["found"].partition(":")[0]: check["hint"] for check in repository.checks() if check["hint"]}
    assert hints == {
        "is not installed (clusters/prod/shop/cmp-app.yaml": "cmp tools install helm@4.0.0",
        "clusters/prod/shop/cmp-app.yaml": "remove the line",
        "cmp.yaml": "remove the line",
        "namespaces/web/cmp-app.yaml": "remove one that is not meant to stay when the other is raised",
    }


def test_an_instance_is_compared_with_its_application(repository: Repository) -> None:
    plant(repository.root, {"clusters/dev/mail/cmp-app.yaml": "tools: {helm: 3.14.4}\n"})
    assert (
        "warning helm 3.14.4: clusters/dev/mail/cmp-app.yaml:1 pins what namespaces/mail/cmp-app.yaml:1 pins anyway"
        in repository.lines()
    )


def test_while_something_is_broken_no_pin_is_called_unused(repository: Repository) -> None:
    (repository.root / "namespaces/web/Chart.yaml").unlink()
    assert not [line for line in repository.lines() if "no application runs it" in line]


def test_a_sidecar_that_lacks_a_pinned_version_is_a_difference(repository: Repository) -> None:
    found = repository.against(repository.listed(), code=1)
    assert [(check["subject"], check["state"]) for check in found] == [
        ("helm 3.14.4 in the sidecar", "ok"),
        ("helm 3.18.6 in the sidecar", "ok"),
        ("helm 3.18.6 in the sidecar", "ok"),
        ("helm 4.0.0 in the sidecar", "problem"),
    ]
    assert found[0]["found"] == f"sha256 {SHA256} (namespaces/mail/cmp-app.yaml:1; used by mail)"
    assert found[-1]["found"] == (
        "not there (clusters/prod/shop/cmp-app.yaml:1; used by shop on prod); it has 3.14.4, 3.18.6"
    )
    assert found[-1]["hint"] == "let its image, or its tools folder, have this version before the pin is merged"


def test_a_sidecar_that_has_everything_is_fine(repository: Repository) -> None:
    repository.store.put("helm", "4.0.0")
    assert {check["state"] for check in repository.against(repository.listed(), code=0)} == {"ok"}


def test_what_the_sidecar_has_and_cannot_run_is_a_problem(repository: Repository) -> None:
    repository.store.put("helm", "4.0.0")
    rows = repository.listed()
    rows[-1] = {"tool": "helm", "version": "4.0.0", "path": "/x", "problem": "has no record of its sha256"}
    found = repository.against(rows, code=1)[-1]
    assert (found["state"], found["found"]) == (
        "problem",
        "has no record of its sha256 (clusters/prod/shop/cmp-app.yaml:1; used by shop on prod)",
    )


def test_another_build_is_a_warning(repository: Repository) -> None:
    repository.store.put("helm", "4.0.0")
    rows = repository.listed()
    rows[0] = {**rows[0], "sha256": "0" * 64, "via": "release"}
    found = repository.against(rows, code=0)[0]
    assert (found["state"], found["found"]) == (
        "warning",
        f"another build: sha256 {'0' * 64} (release) there, {SHA256} (go) here",
    )


def test_a_build_for_another_platform_is_no_other_build(repository: Repository) -> None:
    repository.store.put("helm", "4.0.0")
    rows = [{**row, "sha256": "0" * 64, "arch": "s390x"} for row in repository.listed()]
    assert {check["state"] for check in repository.against(rows, code=0)} == {"ok"}


def lock(repository: Repository, sha256: str) -> None:
    entry = f"[{{os: {OS}, arch: {ARCH}, via: go, sha256: '{sha256}'}}]"
    text = f"version: 1\ncharts: []\ntools: {{helm: {{3.14.4: {entry}, 3.18.6: {entry}}}}}\n"
    (repository.root / "cmp.lock").write_text(text)


def test_what_the_lock_does_not_have_would_be_refused_in_the_sidecar(repository: Repository) -> None:
    repository.store.put("helm", "4.0.0")
    lock(repository, "1" * 64)
    found = repository.against(repository.listed(), code=1)
    assert {check["state"] for check in found} == {"problem"}
    assert found[0]["found"].startswith(f"its sha256 {SHA256} is not in cmp.lock, which has {'1' * 64} (")
    assert found[-1]["found"].startswith(f"cmp.lock does not have it for {OS}/{ARCH} (")


def test_what_the_lock_has_is_fine(repository: Repository) -> None:
    lock(repository, SHA256)
    assert [check["state"] for check in repository.against(repository.listed(), code=1)] == [*["ok"] * 3, "problem"]


@pytest.mark.parametrize("content", ["", "{}{}", '{"tool": "helm"}', "[1]", '[{"tool": "helm"}]', "null"])
def test_another_file_is_refused(repository: Repository, content: str) -> None:
    (repository.root.parent / "tools.json").write_text(content)
    ran = repository.doctor("--against", "../tools.json")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr == ("cmp: this is not what `cmp tools list --format json` prints\n  where: ../tools.json\n")


def test_a_file_that_is_not_there_is_refused(repository: Repository) -> None:
    ran = repository.doctor("--against", "nothing.json")
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.first_line == "cmp: cannot read the file of --against: No such file or directory"


def test_stdin_may_hold_it(repository: Repository) -> None:
    ran = repository.doctor("--against", "-")  # and is empty here
    assert (ran.code, ran.stdout) == (2, "")
    assert ran.stderr == "cmp: this is not what `cmp tools list --format json` prints\n  where: stdin\n"
