"""No decrypted value is in what a render by cue says, starts or leaves, whatever fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.artifacts import toolstore
from cmp.secrets.redact import MASK
from tests.support import versions
from tests.support.leaking_application import APP, INLINE, SECRET_FILE, SHAPES, LeakingApplication, needles, seal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.harness import Sandbox

CUE = versions.CUE[-1]
MODULE = 'module: "example.com/repo"\nlanguage: version: "v0.14.0"\n'
OBJECT = '{apiVersion: "v1", kind: "Secret", metadata: name: "all", stringData: {%s}}'


class LeakingPackage(LeakingApplication):
    """That application as a CUE package."""

    def __init__(self, sandbox: Sandbox, sealed: Mapping[str, bytes], needles: Mapping[str, str]) -> None:
        real = sandbox.tools_dir
        super().__init__(sandbox, sealed, needles)
        (self.root / APP / "Chart.yaml").unlink()
        self.write({"cue.mod/module.cue": MODULE})
        (self.store / "cue").mkdir()
        (self.store / "cue" / CUE).symlink_to(f"{real}/cue/{CUE}")

    def package(self, text: str) -> None:
        """Make this the only file of the package."""
        self.write({f"{APP}/shop.cue": f"@extern(embed)\n\npackage shop\n{text}\n"})


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    return needles({})


@pytest.fixture(scope="module")
def sealed(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return seal(tmp_path_factory.mktemp("plain"), tools_dir)


@pytest.fixture
def world(sandbox: Sandbox, sealed: dict[str, bytes], known: dict[str, str]) -> LeakingPackage:
    return LeakingPackage(sandbox, sealed, known)


FIELD = "values: s: {{...}}\nobjects: [{{x: %s}} & {{x: 1}}]"
QUOTING = {
    "another type": "values: s: {shape}: bool\nobjects: []",
    "another text": 'values: s: {shape}: =~"^other$"\nobjects: []',
    "another value": 'values: s: {shape}: "another" | 1\nobjects: []',
    "a choice": 'values: s: {shape}: *"another" | "third"\nobjects: []',
    "a number": 'import "strconv"\nvalues: s: {{...}}\nobjects: [strconv.Atoi("x\\(values.s.{shape})")]',
    "a key": 'values: s: {{...}}\nobjects: [{{x: {{a: 1}}["\\(values.s.{shape})"]}}]',
    "base64": 'import "encoding/base64"\n' + FIELD % 'base64.Encode(null, "\\(values.s.{shape})")',
    "quoted": 'import "strconv"\n' + FIELD % 'strconv.Quote("\\(values.s.{shape})")',
}
OF_ALL = {
    "JSON": 'import "encoding/json"\n' + FIELD % "json.Marshal(values.s)",
    "indented JSON": 'import "encoding/json"\n' + FIELD % 'json.Indent(json.Marshal(values.s), "", " ")',
    "YAML": 'import "encoding/yaml"\n' + FIELD % "yaml.Marshal(values.s)",
}
SILENT = {
    "a length": 'import "strings"\nvalues: s: short: strings.MaxRunes(2)\nobjects: []',
    "a closed map": "values: s: close({{long: {{x: 1}}}})\nobjects: []",
    "not JSON": 'import "encoding/json"\nvalues: s: {{...}}\nobjects: [json.Unmarshal(values.s.sentence)]',
}
TELLING = ("pem", "sentence", "number", "japanese", "quotes", "special", "control")


@pytest.mark.parametrize("case", QUOTING)
def test_what_cue_quotes_of_a_secret_is_masked(world: LeakingPackage, case: str) -> None:
    masked = 0
    for shape in SHAPES if case == "another text" else TELLING:
        world.package(QUOTING[case].format(shape=shape))
        ran = world.run_checked()
        assert (ran.code, ran.stdout) == (7, ""), (shape, ran.stderr)
        masked += MASK in ran.stderr
    assert masked, "cue quotes nothing: the case shows nothing"


@pytest.mark.parametrize("case", OF_ALL)
def test_what_cue_makes_of_all_secrets_is_masked(world: LeakingPackage, case: str) -> None:
    world.package(OF_ALL[case].format())
    ran = world.run_checked()
    assert (ran.code, ran.stdout) == (7, "")
    assert MASK in ran.stderr, ran.stderr


@pytest.mark.parametrize("case", SILENT)
def test_what_cue_keeps_to_itself_stays_readable(world: LeakingPackage, case: str) -> None:
    world.package(SILENT[case].format())
    ran = world.run_checked()
    assert (ran.code, ran.stdout) == (7, "")
    assert f"{APP}/" in ran.stderr


def test_what_cue_quotes_of_an_embedded_file_is_masked(world: LeakingPackage) -> None:
    file = SECRET_FILE.removeprefix(f"{APP}/")
    world.package(f'_file: _ @embed(file="{file}",type=text)\n_file: "other"\nobjects: [{{x: _file}}]')
    ran = world.run_checked()
    assert (ran.code, ran.stdout) == (7, "")
    assert MASK in ran.stderr


def test_a_refusal_of_the_output_that_names_a_secret_is_masked(world: LeakingPackage) -> None:
    world.package('values: {...}\nobjects: [{"\\(values.inline)": 1, kind: values.inline}]')
    ran = world.run_checked()
    assert (ran.code, ran.stdout) == (8, "")


@pytest.mark.parametrize("options", [(), ("--output", "json"), ("--explain",)])
def test_secrets_are_on_stdout_and_nowhere_else(world: LeakingPackage, options: tuple[str, ...]) -> None:
    world.package("values: {...}\nobjects: [" + OBJECT % 'inline: values.inline, short: "\\(values.s.short)"' + "]")
    ran = world.run_checked("render", *options)
    assert ran.code == 0, ran.stderr
    assert INLINE in ran.stdout
    assert str(SHAPES["short"]) in ran.stdout


def test_what_a_broken_cue_says_is_masked(world: LeakingPackage) -> None:
    world.package("values: {...}\nobjects: []")
    store = world.store / "cue" / CUE
    store.unlink()
    store.mkdir()
    (store / "cue").write_text(
        '#!/bin/sh\nfor file; do case $file in *cmp-values*) cat "$file" >&2 ;; esac; done\nexit 1\n'
    )
    (store / "cue").chmod(0o755)
    toolstore.write(str(store), toolstore.describe(str(store / "cue"), "go", "recorder"))
    ran = world.run_checked()
    assert (ran.code, ran.stdout, MASK in ran.stderr) == (7, "", True)
