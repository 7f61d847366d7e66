"""Programs of an administrator's own folders, in the style of Argo CD's custom tools, and copies of files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cmp.artifacts import toolstore
from cmp.artifacts.toolstore.install import Installer
from cmp.errors import ToolError
from cmp.model import ToolPin
from tests.support.harness import Sandbox, snapshot
from tests.support.tool_stores import ARCH, OS, Store
from tests.support.trees import plant

OLD = ToolPin("kustomize", "3.5.4", "cmp.yaml:2")  # a version whose Go module cannot be built any more
PROGRAM = b"#!/bin/sh\n"
COMMIT = "3.5.5-0.20250715123456-0123456789ab"
OF_A_COMMIT = "names a commit (a Go pseudo-version), not a release such as 3.18.6"
OWN_BUILD = "  hint: give a build of your own a version of your own, such as 3.18.6-acme.1\n"
TREE = {
    "cmp.yaml": 'layout: {apps: "apps/{app}", instances: "", values: []}\ntools: {kustomize: 3.5.4}\n',
    "apps/web/kustomization.yaml": "configMapGenerator:\n- name: web\n  literals: [a=b]\n",
}


@pytest.fixture
def custom(tmp_path: Path) -> Path:
    """Return a folder of existing programs."""
    folder = tmp_path / "custom-tools"
    folder.mkdir()
    for name in ("kustomize_3_5_4", "helm_4_0_0-rc_1", "kubectl", "kustomize_3_5", "README_1_2_3.md"):
        (folder / name).write_bytes(PROGRAM)
        (folder / name).chmod(0o755)
    return folder


def entry(custom: Path, version: str = "3.5.4") -> toolstore.Entry:
    return toolstore.entry("/nowhere", "kustomize", version, (str(custom),))


def test_a_program_is_found_by_its_name(custom: Path) -> None:
    found = entry(custom)
    assert (found.path, found.problem) == (str(custom / "kustomize_3_5_4"), "")
    sha256 = toolstore.sha256(found.path)
    assert found.record == toolstore.Record(sha256, len(PROGRAM), OS, ARCH, "custom", found.path)
    assert toolstore.lookup("/nowhere", OLD, (str(custom),)) == (*OLD[:2], found.path, sha256)


def test_a_folder_of_that_name_may_hold_it(custom: Path) -> None:
    plant(custom, {"kustomize_3_6_1/kustomize": ""})
    (custom / "kustomize_3_6_1/kustomize").chmod(0o755)
    assert entry(custom, "3.6.1").path == str(custom / "kustomize_3_6_1/kustomize")


def test_only_names_of_tools_with_exact_versions_count(custom: Path) -> None:
    found = toolstore.entries("/nowhere", (str(custom), "/neither/here"))
    assert [(one.name, one.version) for one in found] == [("helm", "4.0.0-rc.1"), ("kustomize", "3.5.4")]
    assert toolstore.versions("/nowhere", "kustomize", (str(custom),)) == ["3.5.4"]


def test_a_file_that_cannot_be_executed_is_said_to_be_so(custom: Path) -> None:
    (custom / "kustomize_3_5_4").chmod(0o644)
    assert entry(custom).problem == "cannot be executed by this user"


def test_the_store_comes_first(custom: Path, tmp_path: Path) -> None:
    store = Store(tmp_path)
    program = store.put("kustomize", "3.5.4")
    assert toolstore.entry(str(store.folder), "kustomize", "3.5.4", (str(custom),)).path == str(program)
    program.write_bytes(b"damaged")
    assert toolstore.lookup(str(store.folder), OLD, (str(custom),)) is None


class TestInARepository:
    """A kustomization that pins what only the folder has; the program in it is a real one."""

    @pytest.fixture
    def root(self, sandbox: Sandbox, tmp_path: Path, tools_dir: str) -> Path:
        folder = tmp_path / "custom-tools"
        folder.mkdir()
        shutil.copy(Path(tools_dir, "kustomize/3.8.7/kustomize"), folder / "kustomize_3_5_4")
        sandbox.extra["CMP_CUSTOM_TOOLS"] = str(folder)
        plant(tmp_path / "tree", TREE)
        return tmp_path / "tree"

    def test_it_renders(self, sandbox: Sandbox, root: Path, tmp_path: Path) -> None:
        before = snapshot(tmp_path / "custom-tools")
        ran = sandbox.run("render", "web", "--explain", cwd=root)
        assert ran.code == 0
        assert "kind: ConfigMap" in ran.stdout
        assert f"kustomize 3.5.4  (cmp.yaml:2)  {tmp_path}/custom-tools/kustomize_3_5_4  sha256 " in ran.stderr
        assert snapshot(tmp_path / "custom-tools") == before

    def test_without_the_setting_it_is_missing(self, sandbox: Sandbox, root: Path) -> None:
        ran = sandbox.run("render", "web", cwd=root, CMP_CUSTOM_TOOLS="/neither:/here")
        assert ran.code == 4
        assert ran.first_line.startswith(
            "cmp: kustomize 3.5.4 is not installed (pinned in cmp.yaml:2); installed: 3.8.7"
        )

    def test_no_tool_at_all_names_every_folder(self, sandbox: Sandbox, root: Path, tmp_path: Path) -> None:
        ran = sandbox.run("render", "web", cwd=root, CMP_TOOLS_DIR=str(tmp_path / "none"), CMP_CUSTOM_TOOLS="/here")
        assert ran.first_line == (
            "cmp: kustomize 3.5.4 is not installed (pinned in cmp.yaml:2); "
            f"no kustomize is installed in {tmp_path}/none or /here"
        )

    def test_doctor_and_list_tell_where_it_lies(self, sandbox: Sandbox, root: Path, tmp_path: Path) -> None:
        program = str(tmp_path / "custom-tools/kustomize_3_5_4")
        ran = sandbox.run("doctor", cwd=root)
        assert f"ok    kustomize 3.5.4: {program} (cmp.yaml:2; used by web)\n" in ran.stdout
        ran = sandbox.run("tools", "list", "--format", "json", cwd=root)
        assert [row["path"] for row in json.loads(ran.stdout) if row.get("via") == "custom"] == [program]

    def test_it_needs_no_installation(self, sandbox: Sandbox, root: Path, tmp_path: Path) -> None:
        ran = sandbox.run("tools", "install", cwd=root)
        assert (ran.code, ran.stderr) == (0, "")
        assert ran.stdout == f"kustomize 3.5.4 {tmp_path}/custom-tools/kustomize_3_5_4\n"

    def test_the_lock_is_enforced(self, sandbox: Sandbox, root: Path, tmp_path: Path) -> None:
        assert sandbox.run("lock", cwd=root).code == 0
        assert "via: custom" in (root / "cmp.lock").read_text()
        assert sandbox.run("render", "web", cwd=root).code == 0
        with (tmp_path / "custom-tools/kustomize_3_5_4").open("ab") as program:
            program.write(b"changed")
        ran = sandbox.run("render", "web", cwd=root)
        assert ran.code == 4
        assert ran.first_line.startswith(
            f"cmp: the installed kustomize 3.5.4 for {OS}/{ARCH} is not in cmp.lock: sha256 "
        )


class TestFromAFile:
    """`cmp tools install TOOL@VERSION --from-file PROGRAM`."""

    def install(self, sandbox: Sandbox, store: Store, *argv: str) -> tuple[int, str, str]:
        sandbox.extra["CMP_TOOLS_DIR"] = str(store.folder)
        ran = sandbox.run("tools", "install", *argv, cwd=store.folder.parent)
        return ran.code, ran.stdout, ran.stderr

    def test_it_is_copied_with_a_record(self, sandbox: Sandbox, custom: Path, tmp_path: Path) -> None:
        store = Store(tmp_path)
        done = self.install(sandbox, store, "kustomize@3.5.4", "--from-file", "custom-tools/kustomize_3_5_4")
        assert done == (0, f"kustomize 3.5.4 {store.folder}/kustomize/3.5.4/kustomize\n", "")
        found = toolstore.entry(str(store.folder), "kustomize", "3.5.4")
        assert (found.problem, toolstore.verify(found)) == ("", "")
        assert found.record is not None
        assert found.record[-2:] == ("file", str(custom / "kustomize_3_5_4"))
        assert store.files() == ["kustomize/3.5.4/kustomize", "kustomize/3.5.4/record.json"]

    def test_once_more_is_fine_and_another_program_is_not(self, sandbox: Sandbox, custom: Path, tmp_path: Path) -> None:
        store = Store(tmp_path)
        argv = ("kustomize@3.5.4", "--from-file", str(custom / "kustomize_3_5_4"))
        assert self.install(sandbox, store, *argv)[0] == 0
        assert self.install(sandbox, store, *argv)[0] == 0
        (custom / "kustomize_3_5_4").write_bytes(b"another")
        code, stdout, stderr = self.install(sandbox, store, *argv)
        assert (code, stdout) == (4, "")
        assert stderr.startswith("cmp: another kustomize 3.5.4 is installed: its sha256 is ")

    @pytest.mark.parametrize(
        ("argv", "said"),
        [
            (["kustomise@3.5.4"], (2, "cmp: there is no tool kustomise\n  hint: did you mean `kustomize`?\n")),
            (["kustomize@3.5"], (4, f"cmp: kustomize 3.5 is not an exact version such as 3.18.6\n{OWN_BUILD}")),
            ([f"kustomize@{COMMIT}"], (4, f"cmp: kustomize {COMMIT} {OF_A_COMMIT}\n{OWN_BUILD}")),
            ([], (2, "cmp: --from-file takes one tool@version, and neither --from nor --via\n")),
            (
                ["kustomize@3.5.4", "--via", "go"],
                (2, "cmp: --from-file takes one tool@version, and neither --from nor --via\n"),
            ),
        ],
    )
    def test_a_wrong_command_line_is_an_error(
        self, sandbox: Sandbox, custom: Path, tmp_path: Path, argv: list[str], said: tuple[int, str]
    ) -> None:
        program = str(custom / "kustomize_3_5_4")
        assert self.install(sandbox, Store(tmp_path), *argv, "--from-file", program) == (said[0], "", said[1])

    def test_a_file_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:

        with pytest.raises(ToolError) as error:
            Installer(Store(tmp_path).context()).adopt(OLD, str(tmp_path / "nothing"))
        assert error.value.lines() == [
            "cmp: cannot read this file: No such file or directory",
            f"  where: {tmp_path}/nothing",
        ]
