"""`cmp golden` keeps renders of chosen pairs in the repository, without plaintext, and shows how they differ."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.golden_repository import FROM_THE_CHART, NUMBER, PASSWORD, SECRETS, make, seal
from tests.support.harness import snapshot
from tests.support.keys import RECIPIENT, make_key
from tests.support.leaks import find_plaintext

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

HEADER = "# Written by `cmp golden --update`, and compared by `cmp golden`; secrets are masked.\n"
SHOP_ON_DEV = (
    HEADER
    + """\
---
apiVersion: v1
data:
  own: "‹secret data.own›"
  password: "‹secret db.password›"
kind: Secret
metadata:
  name: login
---
apiVersion: v1
data:
  replicas: "2"
kind: ConfigMap
metadata:
  name: settings
---
apiVersion: v1
data:
  url: "postgres://shop:‹secret db.password›@db:‹secret db.port›/shop"
kind: ConfigMap
metadata:
  name: url
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: commented
"""
)
DEV, PROD, CALM = "golden/dev/shop.yaml", "golden/prod/shop.yaml", "golden/dev/calm.yaml"


class Keeper:
    """The repository with two golden files."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.root = make(folder, sandbox)
        ran = self.run("shop", "--update")
        assert (ran.stdout, ran.stderr, ran.code) == ("", "cmp: 2 of 2 golden files written, 0 removed\n", 0)

    def run(self, *argv: str, **env: str) -> Ran:
        return replace(self.sandbox, extra=env).run("golden", *argv, cwd=self.root)

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.root / name).read_text()


@pytest.fixture
def keeper(tmp_path: Path, sandbox: Sandbox) -> Keeper:
    return Keeper(tmp_path, sandbox)


def test_a_pair_is_chosen_by_writing_its_file_once(tmp_path: Path, sandbox: Sandbox) -> None:
    root = make(tmp_path, sandbox)
    before = snapshot(root)
    ran = sandbox.run("golden", "shop", "--cluster", "dev", "--update", cwd=root / "namespaces")
    assert (ran.stdout, ran.stderr, ran.code) == ("", "cmp: 1 of 1 golden files written, 0 removed\n", 0)
    assert snapshot(root) == {**before, DEV: SHOP_ON_DEV.encode()}
    ran = sandbox.run("golden", cwd=root)
    assert (ran.stdout, ran.stderr, ran.code) == ("", "cmp: 0 of 1 golden files differ\n", 0)


def test_no_plaintext_is_kept_and_a_number_neither(keeper: Keeper) -> None:
    assert find_plaintext([keeper.root / "golden"], [PASSWORD, NUMBER, FROM_THE_CHART]) == []


def test_a_difference_is_shown_with_the_command_that_accepts_it(keeper: Keeper) -> None:
    keeper.write("clusters/dev/shop/dev-values.yaml", "replicas: 5\n")
    ran = keeper.run()
    assert (ran.stdout, ran.stderr, ran.code) == (
        (
            f"--- {DEV}\n+++ {DEV} (rendered)\n@@ -10,7 +10,7 @@\n ---\n apiVersion: v1\n data:\n"
            '-  replicas: "2"\n+  replicas: "5"\n kind: ConfigMap\n metadata:\n   name: settings\n'
        ),
        "cmp: 1 of 2 golden files differ; if that is meant: cmp golden --update\n",
        1,
    )
    assert keeper.run("shop", "--cluster", "prod").code == 0
    assert keeper.run("shop", "--cluster", "dev").stderr.endswith("cmp golden shop --cluster dev --update\n")
    assert keeper.run("--update").stderr == "cmp: 1 of 2 golden files written, 0 removed\n"
    assert keeper.run().code == 0


def test_another_key_and_another_secret_change_nothing_that_is_kept(keeper: Keeper, test_tools_dir: str) -> None:
    other = make_key(keeper.folder, test_tools_dir)
    recipients = f"{RECIPIENT},{other.recipient}"
    seal(keeper.root, keeper.folder, keeper.sandbox, SECRETS.replace("horse", "zebra"), recipients)
    for env in ({}, {"SOPS_AGE_KEY_FILE": str(other.file)}):
        ran = keeper.run(**env)
        assert (ran.stdout, ran.stderr, ran.code) == ("", "cmp: 0 of 2 golden files differ\n", 0)


def test_plaintext_that_somebody_put_into_a_file_is_not_shown(keeper: Keeper) -> None:
    encoded = b64encode(PASSWORD.encode()).decode()
    keeper.write(DEV, SHOP_ON_DEV.replace("‹secret db.password›", encoded, 1).replace("‹secret db.port›", NUMBER))
    ran = keeper.run()
    assert ran.code == 1
    lines = {line for line in ran.stdout.splitlines() if line[:2] in ("- ", "+ ")}
    assert lines == {
        '-  password: "‹plaintext of secret db.password›"',
        '+  password: "‹secret db.password›"',
        '-  url: "postgres://shop:‹secret db.password›@db:‹plaintext of secret db.port›/shop"',
        '+  url: "postgres://shop:‹secret db.password›@db:‹secret db.port›/shop"',
    }


@pytest.mark.parametrize("end", ["\r\n", ""])
def test_line_ends_count(end: str, keeper: Keeper) -> None:
    (keeper.root / DEV).write_bytes(SHOP_ON_DEV.removesuffix("\n").encode() + end.encode())
    ran = keeper.run()
    assert (ran.code, ran.stdout.startswith(f"--- {DEV}\n")) == (1, True)


def test_a_file_that_is_missing_is_an_error_where_it_is_asked_for(keeper: Keeper) -> None:
    (keeper.root / DEV).unlink()
    assert keeper.run().code == 0  # nothing says any more that it was chosen
    ran = keeper.run("shop", "--cluster", "dev")
    assert (ran.stdout, ran.stderr, ran.code) == (
        "",
        (
            f"cmp: there is no golden file {DEV}\n"
            "cmp: 1 of 1 golden files differ; if that is meant: cmp golden shop --cluster dev --update\n"
        ),
        1,
    )
    assert keeper.run("calm").stderr.startswith(f"cmp: there is no golden file {CALM}\n")


def test_a_file_of_a_pair_that_is_no_more_is_an_error_until_it_is_removed(keeper: Keeper) -> None:
    (keeper.root / "clusters/prod/shop/prod-values.yaml").unlink()
    (keeper.root / "clusters/prod/shop").rmdir()
    keeper.write("golden/notes.yaml", "not ours")
    for argv in ((), ("shop",), ("--cluster", "prod")):
        ran = keeper.run(*argv)
        assert ran.code == 1
        assert ran.stderr.startswith(f"cmp: the golden file {PROD} belongs to no application on any cluster\n")
    assert keeper.run("calm", "--update").code == 0
    assert keeper.read(PROD)
    assert keeper.run("--update").stderr == "cmp: 0 of 2 golden files written, 1 removed\n"
    assert snapshot(keeper.root / "golden").keys() == {"dev/shop.yaml", "dev/calm.yaml", "notes.yaml"}


def test_a_pair_that_cannot_be_rendered_stops_no_other_and_keeps_its_file(keeper: Keeper) -> None:
    keeper.write("clusters/dev/shop/dev-values.yaml", "replicas: [\n")
    keeper.write("clusters/prod/shop/prod-values.yaml", "replicas: 9\n")
    ran = keeper.run()
    assert ran.code == 7
    assert '+  replicas: "9"\n' in ran.stdout
    assert "  where: application shop, cluster dev, phase helm, clusters/dev/shop/dev-values.yaml:1\n" in ran.stderr
    assert ran.stderr.endswith("cmp: 1 of 2 golden files differ; if that is meant: cmp golden --update\n")
    ran = keeper.run("--update")
    assert (ran.code, ran.stderr.splitlines()[-1]) == (7, "cmp: 1 of 2 golden files written, 0 removed")
    assert keeper.read(DEV) == SHOP_ON_DEV


def test_another_folder_is_kept_apart(keeper: Keeper) -> None:
    assert keeper.run("calm", "--dir", "kept/here/", "--update").code == 0
    assert (keeper.root / "kept/here/dev/calm.yaml").exists()
    keeper.write("namespaces/calm/plain.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n")
    ran = keeper.run("--dir", "kept/here/")
    assert ran.stderr.endswith("1 of 1 golden files differ; if that is meant: cmp golden --dir kept/here/ --update\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("shpo",), "cmp: there is no application shpo\n  hint: did you mean `shop`?\n"),
        (
            ("calm", "--cluster", "prod"),
            "cmp: application calm does not run on cluster prod\n  hint: known here: dev\n",
        ),
        (
            ("--dir", "none"),
            (
                "cmp: there are no golden files in none\n"
                "  hint: choose a pair: `cmp golden APP --cluster CLUSTER --update` writes its file\n"
            ),
        ),
        (
            ("--cluster", "mars"),
            (
                "cmp: there are no golden files of cluster mars in golden\n"
                "  hint: choose a pair: `cmp golden APP --cluster CLUSTER --update` writes its file\n"
            ),
        ),
        (
            ("--dir", "../out"),
            "cmp: --dir ../out is no folder below the root of the repository\n  hint: such as golden\n",
        ),
        (
            ("shop", "--dir", "values", "--update"),
            (
                "cmp: this is no golden file\n  where: values/dev/shop.yaml\n"
                "  hint: keep them in a folder of their own: --dir\n"
            ),
        ),
    ],
)
def test_what_is_not_there_or_not_ours_is_said(argv: tuple[str, ...], said: str, keeper: Keeper) -> None:
    keeper.write("values/dev/shop.yaml", "replicas: 1\n")
    ran = keeper.run(*argv)
    assert (ran.stdout, ran.stderr, ran.code) == ("", said, 2)
    assert keeper.read("values/dev/shop.yaml") == "replicas: 1\n"
