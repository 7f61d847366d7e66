"""No terminal obeys what a tree or a program has put into our words; what is data stays as it is."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from typing import TYPE_CHECKING

import pytest

from cmp.system.log import Log
from cmp.system.visible import json_visible, visible, visible_line, visible_text
from tests.support.git_repository import Repo
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

BIDI = "\u202a\u202e\u2066\u2069\u061c\u200e\u200f"
WITHOUT_WIDTH = "\u200b\u200d\u2060\ufeff\u00ad\u034f\u3164\ufe0f\U000e0041"
CONTROLS = "\x00\x07\x08\r\x1b[2J\x7f\x9b"


@pytest.mark.parametrize("hidden", [*BIDI, *WITHOUT_WIDTH, "\x1b", "\x9b", "\u2028", "\udcff"])
def test_a_hidden_character_is_shown_by_its_number(hidden: str) -> None:
    assert visible(f"a{hidden}b") == f"a{ascii(hidden)[1:-1]}b"
    assert visible_text(f"a\tb\n{hidden}") == f"a\tb\n{ascii(hidden)[1:-1]}"
    if hidden != "\udcff":
        assert json.loads(json_visible(json.dumps(hidden, ensure_ascii=False))) == hidden


@pytest.mark.parametrize("text", ["plain", "日本\u3000語", "é‹secret›✓ ⚠\ufe0f", "\t| a |\n"])
def test_what_a_person_sees_stays(text: str) -> None:
    assert visible_text(text) == text


def test_no_character_without_a_picture_stays() -> None:
    # Unicode has given nothing to most of its planes: of those, and of the private ones, some are enough.
    assigned = [*range(0x40000), *range(0xE0000, 0xE1000), *range(0x40000, sys.maxunicode + 1, 251)]
    everything = "".join(map(chr, assigned))
    shown = visible_line(everything)
    unseen = {char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")}
    assert unseen == {"\t"}
    assert {char for char in shown if unicodedata.category(char) == "Zs"} == {" ", "\u3000"}
    assert unseen.isdisjoint("\u034f\u115f\u3164\ufe0f\U000e0100")
    assert visible_line("日本\u3000語 é ‹›") == "日本\u3000語 é ‹›"
    assert visible_line("\x00\x85\u202e\U000e0041\u3164") == "\\x00\\x85\\u202e\\U000e0041\\u3164"


def test_so_is_every_line_of_the_log() -> None:
    stream = io.StringIO()
    log = Log(stream, str)
    for write in (log.line, log.plain, log.warning):
        write(f"helm: {CONTROLS}{BIDI}")
    assert len(stream.getvalue().splitlines()) == 3
    assert hidden_in(stream.getvalue()) == set()


NAME = f"dev{BIDI}{WITHOUT_WIDTH}"


def test_names_in_a_text_are_visible_and_in_json_they_are_what_they_are(sandbox: Sandbox, tmp_path: Path) -> None:
    plant(tmp_path / "repo", {"namespaces/shop/Chart.yaml": CHART, f"clusters/{NAME}/shop/{NAME}.yaml": ""})
    table = sandbox.run("apps", cwd=tmp_path / "repo")
    assert visible(NAME) in table.stdout
    assert hidden_in(table.stdout) == set()
    assert json.loads(sandbox.run("apps", "--format", "json", cwd=tmp_path / "repo").stdout)[0]["cluster"] == NAME


def test_so_are_files_of_a_change(sandbox: Sandbox, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.commit({"namespaces/shop/Chart.yaml": CHART, "clusters/dev/shop/dev-values.yaml": ""})
    repo.branch()
    name = "namespaces/shop/templates/\x1b]0;owned\x07\u202e.yaml"
    repo.commit({name: "# nothing\n", "docs\x1b[2J": ""})
    ran = sandbox.run("affected", cwd=repo.folder)
    assert visible(name) in ran.stdout
    assert "docs\\x1b[2J belongs to no application" in ran.stdout
    assert hidden_in(ran.stdout) == set()
    assert "shop dev" in sandbox.run("affected", "--format", "names", cwd=repo.folder).stdout


def test_what_helm_says_is_visible_and_what_it_prints_is_not_touched(sandbox: Sandbox, tmp_path: Path) -> None:
    text = "\\x1b[2J\\u202e"
    template = 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {a: "x\u202e"}\n'
    files = {"namespaces/shop/Chart.yaml": CHART, "clusters/dev/shop/dev-values.yaml": ""}
    plant(tmp_path / "repo", {**files, "namespaces/shop/templates/a.yaml": template})
    assert 'a: "x\u202e"' in sandbox.run("render", "shop", "--cluster", "dev", cwd=tmp_path / "repo").stdout
    plant(tmp_path / "repo", {"namespaces/shop/templates/b.yaml": f'{{{{ fail "{text}" }}}}'})
    ran = sandbox.run("render", "shop", "--cluster", "dev", cwd=tmp_path / "repo")
    assert (ran.code, ran.stdout) == (7, "")
    assert text in ran.stderr
    assert hidden_in(ran.stderr) == set()


def hidden_in(text: str) -> set[str]:
    """Return what of a text a terminal would obey or not show."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf") or char in "\u034f\u3164\ufe0f"} - {
        "\n"
    }
