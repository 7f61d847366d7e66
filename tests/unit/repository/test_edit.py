"""A pin is put into a file that somebody owns, and not a letter of the rest changes."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp import yamldoc
from cmp.errors import ConfigError
from cmp.repository.edit import replace, set_text

if TYPE_CHECKING:
    from pathlib import Path

PIN = ("tools", "helm")
NEW = "3.18.6"


def edited(text: str) -> str:
    return set_text(text.encode(), PIN, NEW, "cmp.yaml").decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tools: {helm: 3.14.4}\n", "tools: {helm: 3.18.6}\n"),
        ("tools: {helm: '3.14.4', sops: 3.10.2}  # pins\n", "tools: {helm: '3.18.6', sops: 3.10.2}  # pins\n"),
        ('"tools":\n    "helm":   "3.14.4"   # why\n', '"tools":\n    "helm":   "3.18.6"   # why\n'),
        ("tools:\n  helm: &pin 3.14.4\n", "tools:\n  helm: &pin 3.18.6\n"),
        ("tools: {\n  helm: 3.14.4, # a\n}\n", "tools: {\n  helm: 3.18.6, # a\n}\n"),
        ("---\ntools: {helm: 3.14.4}\n...\n", "---\ntools: {helm: 3.18.6}\n...\n"),
        ("{tools: {helm: 3.14.4}}", "{tools: {helm: 3.18.6}}"),
    ],
)
def test_a_version_takes_the_place_of_another(before: str, after: str) -> None:
    assert edited(before) == after


JAPANESE = """\
# 本番と検証で共通の設定
version: 1

layout:
    apps:   apps/{app}     # アプリケーションごとのフォルダー
    instances: clusters/{cluster}/{app}
    values: [ "apps/{app}/common*.yaml" ]

# ツールの版 🎉: 上げる前に検証環境で確認すること
tools:
    # 3.18 は null の扱いが違うので据え置き
    helm: "3.14.4"   # 2024 年 5 月から
    kustomize: 5.7.1

# 終わり
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_comments_order_quotes_and_line_ends_stay(newline: str, mark: str) -> None:
    before = mark + JAPANESE.replace("\n", newline)
    assert edited(before) == before.replace("3.14.4", NEW)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "tools:\n  helm: 3.18.6\n"),
        ("# only a comment", "# only a comment\ntools:\n  helm: 3.18.6\n"),
        ("version: 1\r\n", "version: 1\r\ntools:\r\n  helm: 3.18.6\r\n"),
        ("version: 1", "version: 1\ntools:\n  helm: 3.18.6\n"),
        ("version: 1  # one\n\n# end\n", "version: 1  # one\ntools:\n  helm: 3.18.6\n\n# end\n"),
        ("layout:\n  ignore:\n  - a\n", "layout:\n  ignore:\n  - a\ntools:\n  helm: 3.18.6\n"),
        ("layout:\n  release: >\n    a\n", "layout:\n  release: >\n    a\ntools:\n  helm: 3.18.6\n"),
        ("a: &x {b: 1}\nc: *x\n", "a: &x {b: 1}\nc: *x\ntools:\n  helm: 3.18.6\n"),
        ("layout:\n# nothing\n", "layout:\ntools:\n  helm: 3.18.6\n# nothing\n"),
        ("{version: 1}\n", "{version: 1, tools: {helm: 3.18.6}}\n"),
        ("{}\n", "{tools: {helm: 3.18.6}}\n"),
    ],
)
def test_a_block_that_is_missing_is_added(before: str, after: str) -> None:
    assert edited(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "tools:\n    sops: 3.10.2  # k\n\n    # more\nversion: 1\n",
            "tools:\n    sops: 3.10.2  # k\n    helm: 3.18.6\n\n    # more\nversion: 1\n",
        ),
        ("tools: {sops: 3.10.2} # c\n", "tools: {sops: 3.10.2, helm: 3.18.6} # c\n"),
        ("tools: {}\n", "tools: {helm: 3.18.6}\n"),
        ("tools:  # none\nversion: 1\n", "tools: {helm: 3.18.6}  # none\nversion: 1\n"),
        ("tools: ~\nversion: 1\n", "tools: {helm: 3.18.6}\nversion: 1\n"),
        ("d: &t {helm: 3.14.4}\ntools:\n  <<: *t\n", "d: &t {helm: 3.14.4}\ntools:\n  <<: *t\n  helm: 3.18.6\n"),
    ],
)
def test_a_pin_that_is_missing_is_added(before: str, after: str) -> None:
    assert edited(before) == after


@pytest.mark.parametrize(
    "before",
    [
        "old: &pin 3.14.4\ntools: {helm: *pin}\n",
        "tools: {helm: &pin 3.14.4}\nold: *pin\n",
        "other: &tools {helm: 3.14.4}\ntools: *tools\n",
        "text: |\n  the newline that follows would be part of this",
        "? tools\n: {helm: 3.14.4}\n? {a: b}\n: c\n",
    ],
)
def test_what_would_change_something_else_is_refused(before: str) -> None:
    with pytest.raises(ConfigError) as error:
        edited(before)
    assert error.value.lines() == [
        "cmp: cannot set tools.helm without a change of something else in this file",
        "  where: cmp.yaml",
        "  hint: write 3.18.6 there by hand",
    ]


CHART = """\
dependencies:
- name: local   # ours
- {name: redis, version: 1.2.2}
"""


def test_an_item_of_a_list_is_edited_and_none_is_added() -> None:
    after = set_text(CHART.encode(), ("dependencies", 1, "version"), "1.3.0", "Chart.yaml").decode()
    assert after == CHART.replace("1.2.2", "1.3.0")
    after = set_text(CHART.encode(), ("dependencies", 0, "version"), "1.3.0", "Chart.yaml").decode()
    assert after == CHART.replace("# ours\n", "# ours\n  version: 1.3.0\n")
    with pytest.raises(ConfigError, match=r"cannot set dependencies.2.version"):
        set_text(CHART.encode(), ("dependencies", 2, "version"), "1.3.0", "Chart.yaml")


def test_documents_are_counted_as_the_loader_counts_them() -> None:
    text = "# nothing\n---\na: 1.0.0\n---\n# nothing either\n---\r\na: 1.0.0\r\n"
    after = set_text(text.encode(), ("a",), "2.0.0", "x.yaml", document=1).decode()
    assert after == f"{text[: -len('1.0.0') - 2]}2.0.0\r\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1.33\n", 'a: "1.38"\n'),
        ("a: '1.33'\n", "a: '1.38'\n"),
        ('a: "1.33"\n', 'a: "1.38"\n'),
        ("a:\n", 'a: "1.38"\n'),
        ("a: ''\n", "a: '1.38'\n"),
        ("b: 1\n", 'b: 1\na: "1.38"\n'),
        ("{b: 1}\n", '{b: 1, a: "1.38"}\n'),
    ],
)
def test_a_text_that_yaml_takes_for_a_number_gets_quotes(before: str, after: str) -> None:
    assert set_text(before.encode(), ("a",), "1.38", "x.yaml").decode() == after


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\ufeff\xa0")
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
TOOLS = st.dictionaries(st.sampled_from(["helm", "sops"]), st.sampled_from(["3.14.4", "3.10.2"]))


@given(st.dictionaries(TEXTS, VALUES, max_size=3), TOOLS | st.none())
def test_every_other_value_stays(others: dict[str, object], tools: dict[str, str] | None) -> None:
    before = yamldoc.dump_all([{**others, "tools": tools}])
    after = set_text(before, PIN, NEW, "cmp.yaml")
    assert yamldoc.load_all(after) == [{**others, "tools": {**(tools or {}), "helm": NEW}}]
    assert len({*before.splitlines()} - {*after.splitlines()}) <= 1


def test_the_mode_stays_and_nothing_lies_beside(tmp_path: Path) -> None:
    path = tmp_path / "cmp.yaml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    replace(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["cmp.yaml"]


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        replace(str(tmp_path / "missing" / "cmp.yaml"), b"")
    assert error.value.what == "cannot write this file: No such file or directory"
