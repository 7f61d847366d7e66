"""CUE packages: the bare cue prints the same; tags, values, modules, walls; more in tests/fixtures/cue."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp import yamldoc
from cmp.engines.cue import sources
from cmp.model import Parameters
from tests.support import versions
from tests.support.harness import CHECKOUT
from tests.support.keys import RECIPIENT, encrypt, sops_tool
from tests.support.leaks import find_plaintext
from tests.support.trees import plant, request, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.go_yaml import GoYaml
    from tests.support.harness import Ran, Sandbox

CUE = versions.CUE[-1]
APP, DEV = "namespaces/shop", "clusters/dev/shop"
INVENTORY = "version: 1\nclusters: {dev: {env: test, zone: a}, prod: {env: live}}\n"
MODULE = 'module: "example.com/repo"\nlanguage: version: "v0.14.0"\n'
EMBED = "@extern(embed)\n\n"


def configmap(data: str = "", name: str = "a") -> str:
    return f'{{apiVersion: "v1", kind: "ConfigMap", metadata: name: "{name}", data: {{{data}}}}}'


def package(*objects: str, above: str = "", name: str = "shop") -> str:
    return f"package {name}\n{above}\nobjects: [\n" + "".join(f"{one},\n" for one in objects) + "]\n"


class Shop:
    """The application `shop`, a CUE package, rendered by the command line."""

    def __init__(self, sandbox: Sandbox, cue: str = CUE) -> None:
        self.sandbox, self.cue = sandbox, cue
        self.root = sandbox.folder / "repo"
        pin = f"tools: {{cue: {cue}}}\n" if cue != CUE else ""
        plant(self.root, {".git/HEAD": "", "cmp.yaml": f"{INVENTORY}{pin}", f"{DEV}/.keep": ""})

    def plant(self, files: Mapping[str, str]) -> None:
        plant(self.root, dict(files))

    def run(self, *argv: str) -> Ran:
        verb, *options = argv or ("render",)
        return self.sandbox.run(verb, "shop", "--cluster", "dev", *options, cwd=self.root)

    def must(self, *argv: str) -> str:
        ran = self.run(*argv)
        assert ran.code == 0, ran.stderr
        return ran.stdout

    def bare(self, *argv: str) -> str:
        """Return what the bare cue prints in the application's folder."""
        program = f"{self.sandbox.tools_dir}/cue/{self.cue}/cue"
        env = {"HOME": str(self.sandbox.folder), "CUE_REGISTRY": "none"}
        done = subprocess.run([program, *argv], cwd=self.root / APP, env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


@pytest.fixture(params=versions.CUE)
def shop(sandbox: Sandbox, request: pytest.FixtureRequest) -> Shop:
    return Shop(sandbox, request.param)


# The same package by hand: files, what cmp is told, and what the bare cue is told.


class Corner(NamedTuple):
    """A package, and the arguments that make the bare cue print it as cmp does without any."""

    files: Mapping[str, str]
    bare: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()
    expression: str = "objects"


TAGS = "cluster: string @tag(cluster)\nwho: {app: string @tag(app), env: string @tag(env), r: string @tag(release)}\n"
LAYERED = "values: {host: string, port: int | *80, deep: {...}, ...}\n"
CORNERS = {
    "a list": Corner({f"{APP}/a.cue": package(configmap(), configmap('x: "1"', "b"))}),
    "a map": Corner(
        {f"{APP}/a.cue": f"package shop\nobjects: {{z: {configmap()}, a: {configmap(name='b')}}}"},
        expression="[for one in objects {one}]",
    ),
    "tags": Corner(
        {f"{APP}/a.cue": package(configmap("c: cluster, w: who.app+who.env+who.r"), above=TAGS)},
        ("-t", "cluster=dev", "-t", "app=shop", "-t", "env=test", "-t", "release=shop"),
    ),
    "tags that are set": Corner(
        {f"{APP}/a.cue": package(configmap("c: cluster, w: who.app+who.env+who.r"), above=TAGS)},
        ("-t", "cluster=other", "-t", "app=shop", "-t", "env=a,b=c", "-t", "release=shop"),
        ("--set", "cluster=other", "--set-string", "env=a,b=c"),
    ),
    "values": Corner(
        {
            f"{APP}/a.cue": package(
                configmap('v: "\\(values.host):\\(values.port)", d: "\\(len(values.deep))"'), above=LAYERED
            ),
            f"{APP}/common-values-shop.yaml": "host: shop.example\ndeep: {a: 1}\n",
            f"{DEV}/dev-values-shop.yaml": "port: 8080\ndeep: {b: 2}\n",
        },
        (f"../../{APP}/common-values-shop.yaml", f"../../{DEV}/dev-values-shop.yaml", "-l", "values:"),
    ),
    "a module": Corner(
        {
            "cue.mod/module.cue": MODULE,
            "lib/k/k.cue": 'package k\n#Labelled: {metadata: {labels: team: "a", ...}, ...}\n',
            "namespaces/above.cue": 'package shop\n_above: "above"\n',
            f"{APP}/a.cue": package(
                f"k.#Labelled & {configmap('x: _above, y: below.z')}",
                above='import (\n"example.com/repo/lib/k"\n"example.com/repo/namespaces/shop/below"\n)\n',
            ),
            f"{APP}/below/b.cue": 'package below\nz: "below"\n',
        }
    ),
}


@pytest.mark.parametrize("name", CORNERS)
def test_the_bare_cue_prints_the_same(shop: Shop, name: str) -> None:
    corner = CORNERS[name]
    shop.plant(corner.files)
    by_hand = shop.bare("export", ".", *corner.bare, "-e", f"yaml.MarshalStream({corner.expression})", "--out", "text")
    assert shop.must("render", *corner.argv) == f"---\n{by_hand.removesuffix(chr(10))}"


SCALARS = """\
_texts: ["yes", "no", "on", "~", "null", "true", "0o17", "017", "0x1F", "1_000", "1e3", ".inf", "1:30", "2001-01-01",
"9007199254740993", "", " ", " a ", "a: b", "a #b", "#", "-", "- a", "?", "&a", "*a", "!a", "%a", "@a", "`a", "|", ">",
"'", "\\"", "\\\\", "{", "[", "a\\nb", "a\\nb\\n", "\\na\\n\\n", " a\\n b", "---", "--- a\\n---\\n",
"...", "<<", "=", "ひみつ", "😀", "\\u0085", "\\u2028", "\\u00a0", "a\\tb", "\\ta", "x: |\\n  y\\n", "trailing \\n",
"a\\r\\nb"]
_numbers: [0, -1, 9007199254740993, -9223372036854775808, 18446744073709551615, 1.5, 1.0, 0.1, 1e3, 1e-7, 1.30, 0x10,
1_000]
"""


def test_what_go_reads_is_what_cue_means(shop: Shop, go: GoYaml) -> None:
    data = 'texts: {for i, t in _texts {"k\\(i)": t}}, numbers: _numbers, bools: [true, false, null]'
    shop.plant({f"{APP}/a.cue": package(configmap(data), above=SCALARS)})
    answer = go.ask(shop.must().encode())
    assert answer.error == ""
    meant = json.loads(shop.bare("export", ".", "-e", "objects[0]", "--out", "json"))
    assert json.loads(answer.document) == meant
    assert json.loads(shop.must("render", "--output", "json")) == meant


def test_a_text_that_begins_with_a_line_break_keeps_it(shop: Shop) -> None:
    """The encoder of cue 0.14.1 loses it."""
    big = "123456789012345678901234567890"
    shop.plant({f"{APP}/a.cue": package(configmap(f't: "\\na\\n", n: {big}'), configmap("", "b"))})
    lossy = shop.bare("export", ".", "-e", "objects[0].data.t", "--out", "yaml")
    assert yamldoc.load_all(lossy.encode()) == ["a\n" if shop.cue == "0.14.1" else "\na\n"]
    first, second = yamldoc.load_all(shop.must().encode())
    assert isinstance(first, dict)
    assert first["data"] == {"t": "\na\n", "n": float(big)}
    assert second == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}, "data": {}}


def test_a_number_that_no_float_holds_is_argocds_business(shop: Shop, go: GoYaml) -> None:
    shop.plant({f"{APP}/a.cue": package(configmap("n: 123456789012345678901234567890"))})
    printed = shop.must()
    assert '"n": 123456789012345678901234567890\n' in printed
    assert '"n":1.2345678901234568e+29' in go.ask(printed.encode()).document


# What a package declares, before cue runs


def scan(tmp_path: Path, files: Mapping[str, str]) -> sources.Sources:
    return sources.read(plant(tmp_path, dict(files)), APP)


def test_tags_are_those_of_the_folder_and_of_folders_above(tmp_path: Path) -> None:
    files = {
        "a.cue": "x: string @tag(root)",
        "namespaces/a.cue": "x: string @tag(above,short=a|b)",
        f"{APP}/a.cue": 'x: string @tag( own , type=int)\n// @tag(comment)\nu: "http://x" @tag(behind)\n',
        f"{APP}/b/c.cue": "y: string @tag(below)",
        "other/a.cue": "z: string @tag(other)",
        f"{APP}/a.txt": "@tag(text)",
    }
    assert scan(tmp_path, files).tags == {"root", "above", "own", "behind", "below"}


def test_the_module_is_the_limit(tmp_path: Path) -> None:
    files = {
        "a.cue": "x: string @tag(root)",
        "namespaces/cue.mod/module.cue": MODULE,
        "namespaces/cue.mod/pkg/x/x.cue": "x: string @tag(vendored)",
        "namespaces/a.cue": "x: string @tag(above)",
        f"{APP}/cue.mod.cue": "x: string @tag(own)",
    }
    assert scan(tmp_path, files).tags == {"above", "own"}


def test_embedded_files_are_found_and_those_outside_the_folder_are_copied(tmp_path: Path) -> None:
    names = ("a.json", "d/b.json", "d/c.yaml", "d/e/f.json", "g.json", "h.json")
    here = ('_ @embed(file="a.json")', "_ @embed(glob=d/*.json)", "_ @embed(file=./g.json,type=text)")
    below = ('_ @embed(glob="*/f.json")', '_ @embed(file="gone.json")', '_ @embed(file="../h.json")')
    files = {
        **{f"{APP}/{name}": "{}" for name in names},
        f"{APP}/a.cue": "x: " + "\ny: ".join(here),
        f"{APP}/d/d.cue": "x: " + "\ny: ".join(below),
        "namespaces/above.cue": 'x: _ @embed(file="all.json")\na: _ @embed(file="/etc/passwd")',
        "namespaces/all.json": "{}",
    }
    assert scan(tmp_path, files).embedded == {
        f"{APP}/a.json": (),
        f"{APP}/d/b.json": (),
        f"{APP}/g.json": (),
        f"{APP}/d/e/f.json": (),
        "namespaces/all.json": ("namespaces/all.json",),
    }


def test_what_is_known_of_the_cluster_is_part_of_the_instance(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"cmp.yaml": INVENTORY, f"{APP}/a.cue": "package shop\n", f"{DEV}/.keep": ""})
    asked = request(parameters=Parameters(release="till"))
    assert resolve(tree, asked).placeholders == {
        "app": "shop",
        "cluster": "dev",
        "env": "test",
        "zone": "a",
        "release": "till",
        "namespace": "shop",
    }


def test_the_example_of_the_documentation_renders(shop: Shop) -> None:
    text = (CHECKOUT / "docs" / "cue.md").read_text().partition("## A complete example")[2]
    files = dict(re.findall(r"```\w+\n(?:#|//) (\S+)\n(.*?)```", text, re.DOTALL))
    shop.plant(files)
    ran = shop.sandbox.run("render", "web", "--cluster", "prod-cluster", cwd=shop.root)
    assert (ran.code, len(files)) == (0, 4), ran.stderr
    assert "cluster: prod-cluster\nspec:\n  replicas: 3\n" in ran.stdout
    assert "host: web.example.com\n" in ran.stdout


# Doors and walls


def test_the_parameter_chooses_the_version(shop: Shop) -> None:
    shop.plant({f"{APP}/a.cue": package(configmap())})
    missing = shop.run("render", "--cue-version", "0.9.2")
    assert missing.code == 4
    installed = ", ".join(versions.CUE)
    assert missing.first_line == f"cmp: cue 0.9.2 is not installed (pinned in --cue-version); installed: {installed}"
    where = "the defaults of cmp" if shop.cue == CUE else "cmp.yaml:3"
    assert f"cue {shop.cue}  ({where})" in shop.run("render", "--explain").stderr


def test_other_commands_know_it(shop: Shop) -> None:
    shop.plant({f"{APP}/a.cue": package(configmap())})
    doctor = shop.sandbox.run("doctor", cwd=shop.root)
    assert doctor.code == 0
    assert f"cue {shop.cue}" in doctor.stdout
    values = shop.run("values")
    assert (values.code, values.first_line) == (3, "cmp: cue renders this application, and there are no Helm values")


def test_nothing_of_the_user_is_read_or_written(shop: Shop) -> None:
    shop.plant(
        {
            f"{APP}/a.cue": package(configmap(), above='import "github.com/acme/x@v0"\n_x: x'),
            "cue.mod/module.cue": MODULE,
        }
    )
    cached = shop.sandbox.home / ".cache/cue/mod/extract/github.com/acme/x@v0.1.0/x.cue"
    cached.parent.mkdir(parents=True)
    cached.write_text("package x\n")
    before = sorted(shop.sandbox.home.rglob("*"))
    shop.sandbox.extra |= {"CUE_REGISTRY": "127.0.0.1:9", "CUE_CACHE_DIR": str(shop.sandbox.home / ".cache/cue")}
    ran = shop.run()
    assert (ran.code, ran.stdout) == (7, "")
    assert "cannot find module providing package github.com/acme/x@v0" in ran.first_line
    assert sorted(shop.sandbox.home.rglob("*")) == before


def test_a_link_out_of_the_tree_is_refused_where_it_is_copied(shop: Shop) -> None:
    (shop.sandbox.folder / "outside.json").write_text('{"a": "outside"}')
    embeds = EMBED + package(configmap("a: _x.a"), above='_x: _ @embed(file="out.json")')
    shop.plant({"cue.mod/module.cue": MODULE, f"{APP}/a.cue": embeds, f"{APP}/out.json": "-> ../../../outside.json"})
    ran = shop.run()
    assert (ran.code, ran.first_line) == (3, "cmp: this path leads outside the source tree")


def test_a_link_out_of_the_tree_leads_nowhere_elsewhere(shop: Shop) -> None:
    (shop.sandbox.folder / "outside.json").write_text('{"a": "outside"}')
    shop.plant(
        {
            "cue.mod/module.cue": MODULE,
            "lib/k/k.cue": f'{EMBED}package k\nx: _ @embed(file="out.json")\n',
            "lib/k/out.json": "-> ../../../outside.json",
            f"{APP}/a.cue": package(configmap("a: k.x.a"), above='import "example.com/repo/lib/k"\n'),
        }
    )
    ran = shop.run()
    assert (ran.code, ran.first_line) == (3, "cmp: this path leads outside the source tree")
    assert json.loads(shop.bare("export", ".", "-e", "objects[0].data.a")) == "outside"


def test_a_module_of_another_folder_is_refused(shop: Shop) -> None:
    """Cue 0.17.1 would take it, from outside the repository too, and nothing would tell a change in it."""
    replaced = 'deps: "other.example/lib@v0": {v: "v0.0.1", replaceWith: "../../lib"}\n'
    used = package(configmap("a: lib.a"), above='import "other.example/lib@v0:lib"\n')
    shop.plant({"cue.mod/module.cue": MODULE, "cue.mod/local-module.cue": replaced, f"{APP}/a.cue": used})
    ran = shop.run()
    assert (ran.code, ran.stderr.splitlines()) == (
        3,
        [
            "cmp: this file takes modules from other folders, which no render follows",
            "  where: application shop, cluster dev, cue.mod/local-module.cue",
            "  hint: copy their packages to cue.mod/pkg, or into the module, and remove the file from Git",
        ],
    )


TOOL = """\
package shop
import (
	"encoding/yaml"
	"tool/cli"
	"tool/exec"
)
command: dump: print: cli.Print & {text: yaml.MarshalStream(objects)}
command: run: {
	told: exec.Run & {cmd: ["/bin/sh", "-c", "echo kind: ConfigMap && cat $FILE"], env: FILE: file, stdout: string}
	file: string @tag(file)
	print: cli.Print & {text: "apiVersion: v1\\nmetadata: {name: a}\\n" + told.stdout}
}
"""


class TestCommand:
    """`cue cmd`, which runs programs."""

    @pytest.fixture
    def shop(self, sandbox: Sandbox) -> Shop:
        shop = Shop(sandbox)
        shop.plant({f"{APP}/a.cue": package(configmap('c: "\\(cluster)"'), above="cluster: string @tag(cluster)")})
        shop.plant({f"{APP}/a_tool.cue": TOOL, f"{APP}/cmp-app.yaml": "cue: {command: dump}\n"})
        return shop

    def allow(self, shop: Shop, *, is_allowed: bool) -> None:
        policy = shop.sandbox.folder / "policy.yaml"
        policy.write_text(f"version: 1\ncue: {{cmd: {str(is_allowed).lower()}}}\n")
        shop.sandbox.extra["CMP_POLICY"] = str(policy)

    def test_it_prints_the_objects_where_the_policy_allows_it(self, shop: Shop) -> None:
        self.allow(shop, is_allowed=True)
        ran = shop.run()
        assert ran.code == 0, ran.stderr
        assert "metadata:\n  name: a\ndata:\n  c: dev\n" in ran.stdout

    def test_values_files_do_not_reach_it_and_that_is_said(self, shop: Shop) -> None:
        self.allow(shop, is_allowed=True)
        shop.plant({f"{DEV}/dev-values-shop.yaml": "a: 1\n"})
        told = f"cmp: warning: cue: a command reads no values files: nothing uses {DEV}/dev-values-shop.yaml"
        assert shop.run().first_line == told

    def test_a_policy_that_says_no_is_named(self, shop: Shop) -> None:
        self.allow(shop, is_allowed=False)
        ran = shop.run()
        assert (ran.code, ran.stdout) == (3, "")
        policy = shop.sandbox.extra["CMP_POLICY"]
        assert ran.stderr == (
            "cmp: cue cmd dump is not allowed\n"
            "  where: application shop, cluster dev, phase policy\n"
            f"  hint: an administrator sets cue.cmd to true in {policy}; an author does without it\n"
        )

    def test_its_programs_stay_behind_the_wall(self, shop: Shop) -> None:
        self.allow(shop, is_allowed=True)
        shop.plant({f"{APP}/more.yaml": "data: {x: inside}\n"})
        (shop.sandbox.folder / "outside.yaml").write_text("data: {x: outside}\n")
        (shop.root / APP / "cmp-app.yaml").write_text("cue: {command: run}\n")
        inside = shop.run("render", "--set", "file=more.yaml")
        assert (inside.code, "x: inside" in inside.stdout) == (0, True), inside.stderr
        outside = shop.run("render", "--set", f"file={shop.sandbox.folder}/outside.yaml")
        assert (outside.code, outside.stdout) == (7, "")
        assert "outside.yaml: Permission denied" in outside.stderr

    def test_a_command_must_be_a_name(self, shop: Shop) -> None:
        self.allow(shop, is_allowed=True)
        (shop.root / APP / "cmp-app.yaml").write_text("cue: {command: --help}\n")
        ran = shop.run()
        assert (ran.code, ran.first_line) == (3, "cmp: cue.command is not the name of a command")


def test_layers_with_strange_names_are_only_files(shop: Shop) -> None:
    names = ("-l-values.yaml", "a:b=c-values.yaml", "x values.cue-values.yaml", "json:-values.yaml", "店-values.yaml")
    shop.plant({f"{APP}/a.cue": package(configmap('"all": "\\(len(values))"'), above="values: {...}")})
    shop.plant({f"{DEV}/{name}": f"k{number}: {number}\n" for number, name in enumerate(names)})
    assert f'all: "{len(names)}"' in shop.must()
    shop.plant({f"{DEV}/店-values.yaml": "k0: x\n"})
    ran = shop.run()
    assert (ran.code, ran.first_line) == (
        7,
        f'cmp: cue {shop.cue}: values.k0: conflicting values 0 and "x" (mismatched types int and string)',
    )
    assert f"{DEV}/店-values.yaml:1:5" in ran.stderr


def test_nothing_decrypted_is_left(shop: Shop, tools_dir: str, tmp_path: Path) -> None:
    tool = sops_tool(tools_dir)
    layer = encrypt(tool, tmp_path / "v.yaml", "password: unique-layer-7Yb2\n", "--age", RECIPIENT)
    embedded = encrypt(tool, tmp_path / "k.json", '{"key": "unique-embed-8Zc3"}', "--age", RECIPIENT)
    shop.plant({"cue.mod/module.cue": MODULE})
    text = EMBED + package(configmap("p: values.password, k: _k.key"), above='values: _\n_k: _ @embed(file="k.json")')
    shop.plant({f"{APP}/a.cue": text})
    (shop.root / APP / "common-values-shop.secret.yaml").write_bytes(layer)
    (shop.root / APP / "k.json").write_bytes(embedded)
    printed = shop.must()
    assert "unique-layer-7Yb2" in printed
    assert "unique-embed-8Zc3" in printed
    assert find_plaintext([shop.sandbox.folder], ["unique-layer-7Yb2", "unique-embed-8Zc3"]) == []
    assert list(shop.sandbox.tmp.iterdir()) == []


def test_empty_layers_are_no_layers(shop: Shop) -> None:
    shop.plant({f"{APP}/a.cue": package(configmap(), above="values: {a: 1}")})
    for number, text in enumerate(("", "# a\n", "---\n", "---\n# a\n...\n", "\n \n")):
        shop.plant({f"{DEV}/{number}-values.yaml": text})
    shop.must()


def test_every_object_is_there(shop: Shop) -> None:
    shop.plant({f"{APP}/a.cue": package(configmap(), configmap('t: "x\\n\\n"', "b"))})
    printed = yamldoc.load_all(shop.must().encode())
    assert [one["metadata"]["name"] for one in printed if isinstance(one, dict)] == ["a", "b"]
    assert '"t": |+\n    x\n\n' in shop.must()
