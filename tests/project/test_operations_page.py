"""docs/operations.md: every error leads to a section, what it quotes is real, and its commands work."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from cmp import environ, errors
from cmp.artifacts import toolchain
from cmp.artifacts.charts import helm
from cmp.artifacts.charts.web import fault_of
from cmp.model import ToolPin
from cmp.system.download.connections import DownloadError
from tests.argocd.applications import application
from tests.argocd.faults import FAULTS
from tests.argocd.programs import Programs
from tests.argocd.trees import PATH, SHOP
from tests.support import operations_page
from tests.support.harness import CHECKOUT, FIXTURES, Sandbox
from tests.support.keys import encrypt, make_key, sops_tool

PAGES = CHECKOUT / "docs"
REFERENCES = sorted({kind.reference for kind in errors.CmpError.__subclasses__()})
MIN_LETTERS = 9  # of a text in the source: shorter ones could stand for anything
COMPLAINTS = (
    *(
        "connect: connection refused",
        "failed to fetch https://charts.example.com/index.yaml : 503 Service Unavailable",
        "401 Unauthorized",
    ),
    *("x509: certificate signed by unknown authority", "no chart version found"),
)
"""Helm's words for each kind of fault that the page names; test_charts_faults.py has them from the real helm."""


@pytest.mark.parametrize("reference", REFERENCES)
def test_every_error_points_to_a_section_that_says_what_it_looks_like(reference: str) -> None:
    assert operations_page.symptoms(operations_page.sections()[reference])


def test_every_failure_of_the_fault_table_is_explained() -> None:
    assert [missing for fault in FAULTS if (missing := operations_page.find_unexplained(fault.lines))] == []


def test_what_no_section_explains_is_noticed() -> None:
    assert operations_page.find_unexplained(["cmp: never heard of", "  hint: see operations.md#tools"])
    assert operations_page.find_unexplained(["cmp: no key", "  hint: see operations.md#nowhere"])
    assert operations_page.find_unexplained(["cmp: no key", "  hint: none"])


def test_every_symptom_is_a_text_of_ours() -> None:
    quoted = [line for body in operations_page.sections().values() for line in operations_page.symptoms(body)]
    assert len(quoted) > 50
    assert [line for line in quoted if not _is_real(line)] == []


def _is_real(symptom: str) -> bool:
    """Return whether an error that was seen, or a text in the source, is what the page quotes."""
    said = symptom.removeprefix("cmp: ").removeprefix("…: ")  # an object, to which the guard's findings belong
    was_seen = any(operations_page.matches(symptom, line) for line in _seen())
    return was_seen or any(
        all(part in said for part in parts) and re.fullmatch(".+".join(map(re.escape, parts)), said)
        for parts in _texts()
    )


@cache
def _seen() -> list[str]:
    golden = [path.read_text().splitlines()[1] for path in FIXTURES.glob("*/*/want-error.txt")]
    subject = "chart redis 1.2.3 of https://charts.example.com"
    prefixes = (subject, f"{subject}: cannot fetch the index")
    chart = [f"cmp: {helm.failed(prefix, text, 'Chart.yaml:5').what}" for text in COMPLAINTS for prefix in prefixes]
    of_downloads = [helm.NO_INDEX, *(fault_of(DownloadError(kind, "", "")) for kind in ("redirect", "tls"))]
    chart += [f"cmp: {fault.error(prefix, 'the text', '').what}" for prefix in prefixes for fault in of_downloads]
    commit = ToolPin("helm", "3.18.7-0.20250715123456-0123456789ab", "parameter helm-version")
    try:
        toolchain.find({"helm": commit}, environ.read({}, default_deadline=40).settings)
    except errors.ToolError as error:
        pin = f"cmp: {error.what.partition('; ')[0]}; installed: 3.14.4, 3.18.6"  # the store is not this test's
    return [*golden, *chart, pin, *(fault.lines[0] for fault in FAULTS)]


@cache
def _texts() -> set[tuple[str, ...]]:
    """Return all texts in the source as the parts before, between and behind whatever is filled in."""
    nodes = [node for path in (CHECKOUT / "cmp").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    templates = [
        *("".join(map(_piece, node.values)) for node in nodes if isinstance(node, ast.JoinedStr)),
        *(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)),
    ]
    pieces = [re.split(r"\{[^{}]*\}", template.removeprefix("cmp: ")) for template in templates]
    return {tuple(found) for found in pieces if len(re.findall("[a-z]", "".join(found))) >= MIN_LETTERS}


def _piece(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


def test_every_promise_of_what_keeps_whom_apart_names_its_mechanism_and_its_tests() -> None:
    body = operations_page.text().partition("\n## What keeps whom apart\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if row != ["promise", "mechanism", "test"]]
    assert len(promises) > 30
    for row in promises:
        assert len(row) == 3, row
        tests = re.findall(r"`([\w/]*test_\w+\.py)(?:::(\w+))?`", row[2])
        assert tests, row
        for file, name in tests:
            source = (CHECKOUT / "tests" / file).read_text()
            assert not name or re.search(rf"^(?:def|class) {name}\b", source, re.MULTILINE), (file, name)


def _leads_there(link: str) -> bool:
    file, _, anchor = link.partition("#")
    text = (PAGES / file).read_text("utf-8") if (PAGES / file).exists() else ""
    titles = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"(?m)^#+ (.*)$", text)}
    return bool(text) and (not anchor or anchor in titles)


def test_every_link_leads_somewhere() -> None:
    anchors = operations_page.sections()
    links = re.findall(r"\]\(([^)]+)\)", operations_page.text())
    assert {"install.md", "#tools"} <= {*links}
    lost = [link for link in links if link.startswith("#") and link[1:] not in anchors]
    lost += [link for link in links if not link.startswith(("#", "http")) and not _leads_there(link)]
    assert lost == []


def test_every_setting_that_is_named_exists() -> None:
    known = environ.read({}, default_deadline=40).settings.origins
    named = set(re.findall(r"\bCMP_\w+", operations_page.text()))
    assert {"CMP_RENDERS", "CMP_STATE_DIR"} <= named
    assert named - {*known, environ.REPORT_KEY} == set()


def test_every_setting_of_argo_cd_that_is_named_exists(test_tools_dir: str) -> None:
    release = "".join(path.read_text() for path in (Programs.of(test_tools_dir).manifests / "base").rglob("*.yaml"))
    named = set(re.findall(r"`((?:controller|server|reposerver)\.[\w.]+)", operations_page.text()))
    assert {"controller.repo.server.timeout.seconds", "reposerver.plugin.tar.exclusions"} <= named
    assert [name for name in named if f"key: {name}\n" not in release] == []


def test_every_command_of_ours_exists_with_its_options(sandbox: Sandbox, tmp_path: Path) -> None:
    asked = _options_by_verb()
    assert {"cache warm", "doctor", "lock", "render", "tools install"} <= {*asked}
    for verb, options in asked.items():
        shown = sandbox.run(*verb.split(), "--help", cwd=tmp_path)
        assert shown.code == 0, shown.stderr
        assert [option for option in options if not re.search(rf"{option}\b", shown.stdout)] == []


def _options_by_verb() -> dict[str, set[str]]:
    """Return what the page uses: in its blocks, behind `env --chdir=…`, and in its sentences."""
    behind_env = (words[2:] for words in operations_page.commands("env"))
    inline = (found.split() for found in re.findall(r"`(cmp [a-z][^`]+)`", operations_page.text()))
    found: dict[str, set[str]] = {}
    for words in (*operations_page.commands("cmp"), *behind_env, *inline):
        if words[1] != "generate":  # Argo CD's, without arguments
            verb = " ".join(words[1:3] if words[1] in ("cache", "tools") else words[1:2])
            found.setdefault(verb, set()).update(word for word in words if word.startswith("--"))
    return found


def test_the_sidecar_can_be_looked_at_without_a_repository(sandbox: Sandbox, tmp_path: Path) -> None:
    """Run what the page runs by `kubectl exec` in a folder that is no checkout."""
    alone = [words[1:] for words in operations_page.commands("cmp") if "warm" not in words]
    assert len(alone) >= 6
    for words in alone:
        ran = sandbox.run(*words, cwd=tmp_path)
        refused = words[:2] == ["cache", "prune"] and "CACHEDIR.TAG" in ran.stderr
        assert ran.code == 0 or refused, f"{words}: {ran.stderr}"


def test_a_commit_is_brought_along_and_rendered(sandbox: Sandbox, tmp_path: Path) -> None:
    """Run the block that debugs inside the Pod, from `git archive` to `rm`, without kubectl around it."""
    checkout = tmp_path / "checkout"
    _write_checkout(checkout)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/cmp").write_text(f'#!/bin/sh\nexec {" ".join(sandbox.command())} "$@"\n')
    (tmp_path / "bin/cmp").chmod(0o755)
    block = next(block for block in operations_page.blocks(operations_page.text(), "sh") if "git archive" in block)
    (tmp_path / "app.yaml").write_text(json.dumps(application("shop", "https://git.example.com/repo", PATH)))
    block = re.sub(r"kubectl [^|\n]* get application shop --output yaml", f"cat {tmp_path / 'app.yaml'}", block)
    script = re.sub(r"kubectl [^|\n]*? -- ", "", block).replace("/tmp/debug", str(tmp_path / "debug"))  # noqa: S108  # theirs

    env = {**sandbox.env(), "PATH": f"{tmp_path / 'bin'}:{os.defpath}"}
    done = subprocess.run(["sh", "-ec", script], cwd=checkout, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "nothing will go wrong that can be seen from here" in done.stdout
    assert "greeting: hello" in done.stdout
    assert "1 object" in done.stderr
    assert not (tmp_path / "debug").exists()


def _write_checkout(folder: Path) -> None:
    for name, content in SHOP.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(str(content))
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.com"]
    for argv in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=first"]):
        subprocess.run([*git, *argv], cwd=folder, check=True, env={"PATH": os.defpath, "HOME": str(folder)})


def test_a_key_is_rotated_as_the_page_says(tmp_path: Path, tools_dir: str, test_tools_dir: str) -> None:
    tool = sops_tool(tools_dir)
    old = make_key(tmp_path, test_tools_dir)
    old.file.rename(tmp_path / "old.key")
    (tmp_path / "app.secret.yaml").write_bytes(
        encrypt(tool, tmp_path / "values.yaml", "a: plain\n", "--age", old.recipient)
    )
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "app.secret.yaml"], cwd=tmp_path, check=True)
    made, moved = operations_page.blocks(operations_page.sections()["rotating-keys"].replace("\n   ", "\n"), "sh")
    keygen = next(Path(test_tools_dir).glob("age-keygen/*/age-keygen"))
    env = {"PATH": f"{keygen.parent}:{Path(tool.path).parent}:{os.defpath}", "HOME": str(tmp_path)}

    def run(script: str) -> None:
        subprocess.run(["sh", "-ec", script], cwd=tmp_path, env=env, check=True, capture_output=True)

    run("\n".join(line for line in made.splitlines() if not line.startswith("kubectl")))
    (tmp_path / ".sops.yaml").write_text("creation_rules: [{age: RECIPIENT}]\n")
    run('sed -i "s/RECIPIENT/$(age-keygen -y new.key)/" .sops.yaml')
    before = _ciphertext(tmp_path)
    run(moved)

    assert _ciphertext(tmp_path) != before
    assert _opens(tool.path, tmp_path, "new.key")
    assert not _opens(tool.path, tmp_path, "old.key")


def _ciphertext(folder: Path) -> str:
    """Return the encrypted value, which another data key makes another one."""
    return (folder / "app.secret.yaml").read_text().partition("\n")[0]


def _opens(sops: str, folder: Path, key: str) -> bool:
    env = {"SOPS_AGE_KEY_FILE": str(folder / key), "HOME": "/nonexistent"}
    done = subprocess.run([sops, "decrypt", folder / "app.secret.yaml"], env=env, capture_output=True, check=False)
    return done.stdout == b"a: plain\n"
