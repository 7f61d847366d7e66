"""`cmp doctor` where there is no repository around: in the sidecar, for one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp import confine, diagnosis, environ
from tests.dyingworld import RECIPIENT
from tests.keyring import encrypt, sops_tool
from tests.stores import Store
from tests.trees import CHART, plant

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.model import Tool
    from tests.harness import Sandbox


def doctor(sandbox: Sandbox, cwd: Path, **env: str) -> dict[str, tuple[str, str]]:
    """Return what was looked at, with its state and what was found."""
    sandbox.extra.update(env)
    ran = sandbox.run("doctor", "--format", "json", cwd=cwd)
    assert (ran.code, ran.stderr) == (0, "")
    return {check["subject"]: (check["state"], check["found"]) for check in json.loads(ran.stdout)["checks"]}


def test_without_a_repository_the_installation_alone_is_looked_at(sandbox: Sandbox, tmp_path: Path) -> None:
    store = Store(tmp_path)
    program = store.put("helm", "3.18.6")
    found = doctor(sandbox, tmp_path, CMP_TOOLS_DIR=str(store.folder))
    assert found["repository"] == ("ok", f"none around {tmp_path}")
    assert found["helm 3.18.6"] == ("ok", str(program))
    assert {state for state, _ in found.values()} == {"ok"}


def test_a_damaged_tool_no_tool_and_a_key_that_cannot_be_read_are_problems(sandbox: Sandbox, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("helm", "3.18.6").write_bytes(b"")
    found = doctor(sandbox, tmp_path, CMP_TOOLS_DIR=str(store.folder), SOPS_AGE_KEY_FILE="/nowhere/keys.txt")
    assert found["helm 3.18.6"] == ("problem", "is damaged: it has 0 bytes, at install it had 10")
    assert found["keys"] == ("problem", "SOPS_AGE_KEY_FILE is /nowhere/keys.txt, which cannot be read")
    found = doctor(sandbox, tmp_path, CMP_TOOLS_DIR=str(tmp_path / "nothing"))
    assert found["tools"] == ("problem", f"none in {tmp_path / 'nothing'}")


def test_secrets_that_are_too_short_to_be_masked_in_a_text_are_named(
    sandbox: Sandbox, tmp_path: Path, tools_dir: str
) -> None:
    root, seal = tmp_path / "repo", Seal(sops_tool(tools_dir), tmp_path / "plain")
    short = {f"pin{number}": f"{number}77" for number in range(4)}
    values = {
        "db": {"pin": "7531", "port": 5432, "on": True, "password": "long-enough"},
        "list": ["six666", "鍵", ""],
        **short,
    }
    plant(
        root,
        {
            ".git/HEAD": "",
            "namespaces/shop/Chart.yaml": CHART,
            "namespaces/shop/common-values.secret.yaml": seal("values.yaml", json.dumps(values, ensure_ascii=False)),
            "namespaces/shop/cmp-app.yaml": "secrets: {files: [upload.env]}\n",
            "namespaces/shop/upload.env": seal("upload.env", "PIN=1234\nTOKEN=long-enough\n"),
            "clusters/dev/shop/dev-values.secret.yaml": seal("other.yaml", "token: long-enough\n"),
        },
    )
    found = doctor(sandbox, root)
    assert {path: text for path, text in found.items() if "fewer than" in text[1]} == {
        "namespaces/shop/common-values.secret.yaml": (
            "warning",
            "secrets of fewer than 6 characters: db.pin, db.port, list[1], pin0, pin1 and 2 more",
        ),
        "namespaces/shop/upload.env": ("warning", "secrets of fewer than 6 characters: PIN"),
    }


class Seal:
    """Encrypts texts by the real sops."""

    def __init__(self, tool: Tool, folder: Path) -> None:
        self._tool = tool
        self._folder = folder
        folder.mkdir()

    def __call__(self, name: str, text: str) -> str:
        return encrypt(self._tool, self._folder / name, text, "--age", RECIPIENT).decode()


@pytest.mark.parametrize(
    ("version", "state", "found"),
    [
        (0, "warning", "the kernel does not confine kustomize, helmfile and CUE: they could read any file"),
        (3, "warning", "the kernel does not confine kustomize, helmfile and CUE: they could reach hosts"),
        (4, "ok", "kustomize, helmfile and CUE see no other files, and reach no host"),
    ],
)
def test_what_the_kernel_can_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, state: str, found: str
) -> None:
    monkeypatch.setattr(confine, "version", lambda: version)
    settings = environ.read({"HOME": str(tmp_path)}, default_deadline=1).settings
    (check,) = (check for check in diagnosis.examine(str(tmp_path), settings) if check.subject == "Landlock")
    assert (check.state, check.found) == (state, found)
