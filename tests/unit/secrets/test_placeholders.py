"""Encrypted files without their key: placeholders that are stable, typed, and change with the ciphertext."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from cmp import yamldoc
from cmp.secrets import placeholders, sops
from tests.support.keys import Keys, encrypt, make_key, sops_tool

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.secrets.redact import Secret

YAML = """\
db:
    password: unique-yaml-1
    port: 5432
    ratio: 0.5
    on: true
list:
    - unique-yaml-2
public_unencrypted: seen
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory, test_tools_dir: str) -> Keys:
    return make_key(tmp_path_factory.mktemp("age"), test_tools_dir)


def stood_in(name: str, data: bytes) -> tuple[bytes, list[Secret]]:
    learned: list[Secret] = []
    return placeholders.with_placeholders(sops.format_of(name, data), data, learned.append), learned


def sealed(folder: Path, name: str, text: str, key: Keys, tools_dir: str) -> bytes:
    return encrypt(sops_tool(tools_dir), folder / name, text, "--age", key.recipient)


def test_every_leaf_has_a_placeholder_of_its_type(tmp_path: Path, key: Keys, tools_dir: str) -> None:
    data = sealed(tmp_path, "values.yaml", YAML, key, tools_dir)
    found, learned = stood_in("values.yaml", data)
    (value,) = yamldoc.load_all(found)
    assert isinstance(value, dict)
    assert re.fullmatch(r"‹sops db\.password [0-9a-f]{8}›", value["db"]["password"])
    assert isinstance(value["db"]["port"], int)
    assert isinstance(value["db"]["ratio"], int)
    assert value["db"]["on"] is True
    assert re.fullmatch(r"‹sops list\[0\] [0-9a-f]{8}›", value["list"][0])
    assert value["public_unencrypted"] == "seen"
    assert "sops" not in value
    assert {one.path for one in learned} == {"db.password", "db.port", "db.ratio", "list[0]"}
    assert all(one.label.startswith(f"‹sops {one.path} ") for one in learned)


def test_placeholders_follow_the_ciphertext(tmp_path: Path, key: Keys, tools_dir: str) -> None:
    first = sealed(tmp_path, "values.yaml", YAML, key, tools_dir)
    second = sealed(tmp_path, "values.yaml", YAML, key, tools_dir)
    assert stood_in("values.yaml", first) == stood_in("values.yaml", first)
    assert stood_in("values.yaml", first) != stood_in("values.yaml", second)


@pytest.mark.parametrize(
    ("name", "text", "pattern"),
    [
        ("a.json", '{"a": "unique-1", "n": [1]}', r'\{\n  "a": "‹sops a \w{8}›",\n  "n": \[\n    \d{5}\n  \]\n\}'),
        ("a.env", "TOKEN=unique-2\nOTHER=unique-3\n", r"TOKEN=‹sops TOKEN \w{8}›\nOTHER=‹sops OTHER \w{8}›\n"),
        ("a.ini", "[db]\npassword = unique-4\n", r"\[db\]\npassword\s*=\s*‹sops db\.password \w{8}›\n\s*"),
        ("a.bin", "unique-5\n", r"‹sops data \w{8}›"),
    ],
)
def test_each_format_stays_what_it_is(
    name: str, text: str, pattern: str, tmp_path: Path, key: Keys, tools_dir: str
) -> None:
    data = sealed(tmp_path, name, text, key, tools_dir)
    found, _ = stood_in(name, data)
    assert re.fullmatch(pattern, found.decode()), found.decode()
    assert not sops.is_encrypted(name, found)
