"""No decrypted value is in what a run says, starts or leaves, whatever fails."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.secrets.redact import MASK
from tests.support.leaking_application import (
    APP,
    EXPRESSIONS,
    HELMS,
    INLINE,
    SHAPES,
    WEAK,
    LeakingApplication,
    needles,
    printed_by_helm,
    seal,
)

if TYPE_CHECKING:
    from tests.support.harness import Sandbox


@pytest.fixture(scope="module")
def known(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return needles(printed_by_helm(tmp_path_factory.mktemp("by-hand"), tools_dir))


@pytest.fixture(scope="module")
def sealed(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return seal(tmp_path_factory.mktemp("plain"), tools_dir)


@pytest.fixture
def world(sandbox: Sandbox, sealed: dict[str, bytes], known: dict[str, str]) -> LeakingApplication:
    return LeakingApplication(sandbox, sealed, known)


EACH = """\
{{{{- $said := "" }}}}
{{{{- range $name, $value := .Values.s }}}}{{{{- with $value }}}}
{{{{- $said = printf "%s\\n%s=[%s]=%s" $said $name ({expression}) $name }}}}
{{{{- end }}}}{{{{- end }}}}
{{{{- fail $said }}}}
"""
NOT_TAKEN = {"a number": {"number", "large", "negative"}}  # int64 of the others is nothing


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_whatever_a_chart_makes_of_a_secret_is_masked(world: LeakingApplication, name: str, helm: str) -> None:
    world.template(EACH.format(expression=EXPRESSIONS[name]))
    ran = world.run_checked(helm=helm)
    assert (ran.code, ran.stdout) == (7, "")
    shown = dict(re.findall(r"(?s)\b(\w+)=\[(.*?)\]=\1\b", ran.stderr))
    expected = NOT_TAKEN.get(name, SHAPES.keys())
    assert {shape for shape, text in shown.items() if MASK in text} >= set(expected), ran.stderr


QUOTED_BY_HELM = {
    "required": "{{ required .Values.s.url .Values.missing }}",
    "required, a format": "{{ required .Values.s.special .Values.missing }}",
    "a map": '{{ fail (printf "%v" .Values) }}',
    "a map in Go syntax": '{{ fail (printf "%#v" .Values) }}',
    "a map in TOML": "{{ fail (toToml .Values) }}",
    "a map in JSON": "{{ fail (toPrettyJson .Values) }}",
    "a missing template": "{{ include .Values.s.url . }}",
    "tpl of what is no template": "{{ tpl (printf `{{ %s` .Values.s.long) . }}",
    "fail inside tpl": "{{ tpl `{{ fail .Values.s.quotes }}` . }}",
    "no regular expression": "{{ mustRegexMatch (printf `(%s` .Values.s.short) `x` }}",
    "no duration": "{{ mustDateModify .Values.s.spaces now }}",
    "no date": "{{ mustToDate `2006-01-02` .Values.s.japanese }}",
    "no URL": "{{ urlParse (printf `%%zz%s` .Values.s.quotes) }}",
    "no YAML": "{{ fail (toString (fromYaml (printf `*%s: x` .Values.s.short))) }}",
    "nothing to range over": "{{ range .Values.s.short }}{{ end }}",
    "a value that is cut off": "{{ fail (trunc 30 .Values.s.long) }}",
    "the end of a value": "{{ fail (trunc -30 .Values.s.url) }}",
    "a line of a key": '{{ fail (index (splitList "\\n" .Values.s.pem) 1) }}',
    "a file": "{{ fail (.Files.Get `files/token.key`) }}",
    "a file in base64": "{{ fail (.Files.Get `files/token.key` | b64enc) }}",
    "a file for a Secret": "{{ fail ((.Files.Glob `files/*`).AsSecrets) }}",
    "a file for a ConfigMap": "{{ fail ((.Files.Glob `files/*`).AsConfig) }}",
    "an unknown anchor": "a: *{{ .Values.s.short }}\n",
}
SILENT_IN_HELM = {
    "a wrong type": "{{ upper .Values.s }}",
    "a field of a text": "{{ .Values.s.short.deep.er }}",
    "no version": "{{ semver .Values.s.url }}",
    "no number": "{{ mustFromJson .Values.s.special }}",
    "no map": "{{ index .Values.s.long .Values.s.short }}",
    "no function": "{{ call .Values.s.url }}",
    "other types": "{{ if gt .Values.s.short 1 }}{{ end }}",
    "an unknown tag": "a: !{{ .Values.s.short }} 1\nb: {{ .Values.s.special }}",
    "a text for an object": "{{ .Values.s.pem }}\n",
    "a list for an object": "- {{ .Values.s.short }}\n",
    "a list for a kind": "apiVersion: {{ .Values.s.url | quote }}\nkind: [{{ .Values.s.short }}]\n",
}


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("case", QUOTED_BY_HELM)
def test_an_error_of_helm_that_quotes_a_secret_is_masked(world: LeakingApplication, case: str, helm: str) -> None:
    world.template(QUOTED_BY_HELM[case])
    ran = world.run_checked(helm=helm)
    assert (ran.code, ran.stdout) == (7, "")
    assert MASK in ran.stderr, ran.stderr


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("case", SILENT_IN_HELM)
def test_an_error_of_helm_that_quotes_nothing_stays_readable(world: LeakingApplication, case: str, helm: str) -> None:
    world.template(SILENT_IN_HELM[case])
    ran = world.run_checked(helm=helm)
    assert (ran.code, ran.stdout) == (7, "")
    assert f"helm {helm}: " in ran.stderr
    assert "templates/all.yaml" in ran.stderr


ENDPOINT = "db.example:5432/x"  # a part of one secret
COMPOSED = '{{ fail (printf "no route to db.%s:5432/x" "example") }}'
LIBRARY = f'{{{{- define "lib.endpoint" }}}}{ENDPOINT}{{{{ end }}}}\n'
IN_CLEAR = {
    "in values": ({f"{APP}/common-values.yaml": f"endpoint: {ENDPOINT}\n"}, "{{ fail .Values.endpoint }}"),
    "in a template": ({}, f'{{{{ fail "no route to {ENDPOINT}" }}}}'),
    "in a chart of the tree": (
        {
            "lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 1.0.0\n",
            "lib/templates/_endpoint.tpl": LIBRARY,
            f"{APP}/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
            "dependencies: [{name: lib, version: 1.0.0, repository: file://../../lib}]\n",
        },
        '{{ fail (include "lib.endpoint" .) }}',
    ),
}


@pytest.mark.parametrize("where", IN_CLEAR)
def test_a_part_of_a_secret_that_stands_in_clear_is_readable(world: LeakingApplication, where: str) -> None:
    files, template = IN_CLEAR[where]
    world.write(files)
    world.template(template)
    ran = world.run_checked()
    assert (ran.code, ENDPOINT in ran.stderr) == (7, True), ran.stderr


def test_a_part_of_a_secret_that_stands_nowhere_in_clear_is_masked(world: LeakingApplication) -> None:
    world.template(COMPOSED)
    ran = world.run_checked()
    assert (ran.code, f"no route to {MASK}" in ran.stderr) == (7, True), ran.stderr


OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
HEAD = "apiVersion: v1\nkind: ConfigMap\n"
SECRET_NAME = 'metadata: {name: "{{ .Values.s.short }}"}\n'
REFUSED = {
    "a key twice": OBJECT + "data:\n  {{ .Values.s.short }}: 1\n  {{ .Values.s.short }}: 2\n",
    "a key like a field": OBJECT + "{{ .Values.s.short }}: 1\n{{ .Values.s.short }}: 2\n",
    "the same object twice": f"{HEAD}{SECRET_NAME}---\n{HEAD}{SECRET_NAME}data: {{x: other}}\n",
    "no version": f"kind: ConfigMap\n{SECRET_NAME}",
    "no name": 'apiVersion: v1\nkind: "{{ .Values.s.short }}"\n',
    "ciphertext": f"{HEAD}{SECRET_NAME}data: {{x: 'ENC[AES256_GCM,data:x]'}}\n",
    "a list": f"{HEAD}{SECRET_NAME}items: [{{{{ .Values.s.short }}}}]\n",
}


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_of_the_output_that_names_a_secret_is_masked(world: LeakingApplication, case: str, helm: str) -> None:
    world.template(REFUSED[case])
    ran = world.run_checked(helm=helm)
    assert (ran.code, ran.stdout) == (8, "")
    assert MASK in ran.stderr, ran.stderr


NO_MATCH = {"pattern": "no{7}"}
SCHEMA = {
    **{name: NO_MATCH if isinstance(value, str) else {"maximum": -1e30} for name, value in SHAPES.items()},
    "float": {"multipleOf": 7},
}


@pytest.mark.parametrize("helm", HELMS)
def test_the_findings_of_a_schema_are_masked(world: LeakingApplication, helm: str) -> None:
    world.template(OBJECT)
    world.write({f"{APP}/values.schema.json": json.dumps({"properties": {"s": {"properties": SCHEMA}}})})
    ran = world.run_checked(helm=helm)
    assert (ran.code, ran.stdout) == (7, "")
    assert ran.stderr.count(MASK) == (0 if helm == "3.14.4" else len(SHAPES))  # the old library quotes no value


class Way(NamedTuple):
    """A program in the place of a tool, and how a run with it ends; `$real` is the tool."""

    tool: str
    script: str
    code: int
    masks: bool = True


READ_VALUES = """\
for argument; do case $argument in /dev/fd/*) cat "$argument" ;; esac; done"""
PRINTED = "printf '%s\\n' --- 'apiVersion: v1' 'kind: Secret' 'metadata: {name: x}'"
WAYS = {
    "helm complains": Way("helm", f"({READ_VALUES}) >&2; exit 1", 7),
    "helm warns": Way("helm", f"({READ_VALUES}) >&2; {PRINTED}", 0),
    "helm warns at length": Way("helm", f"({READ_VALUES}) | tr '\\n' ' ' >&2; {PRINTED}", 0),
    "helm prints garbage": Way("helm", f"{PRINTED}; ({READ_VALUES}) | sed 's/^/x: *&/'", 8, masks=False),
    "helm logs on stdout": Way("helm", f"({READ_VALUES}) | sed 's/^/WARNING: /'; {PRINTED}", 0),
    "helm logs one long line": Way(
        "helm", f"({READ_VALUES}) | sed -n 's/.* long: /WARNING: {'x' * 150} /p'; {PRINTED}", 0
    ),
    "helm is killed": Way("helm", f"({READ_VALUES}) >&2; kill -9 $$", 7, masks=False),
    "sops complains": Way("sops", '"$real" "$@" >&2; exit 1', 6, masks=False),
    "sops fails after all": Way("sops", '"$real" "$@"; exit 1', 6, masks=False),
    "sops is killed": Way("sops", '"$real" "$@" >&2; kill -9 $$', 6, masks=False),
    "sops prints a list": Way("sops", '"$real" "$@" | sed \'s/^/- /\'', 7, masks=False),
    "sops prints what is no YAML": Way("sops", '"$real" "$@" | sed \'s/short: /short: */\'', 7),
    "sops prints one line": Way("sops", "\"$real\" \"$@\" | tr '\\n' ' '", 7, masks=False),
}


@pytest.mark.parametrize("door", ["render", "generate"])
@pytest.mark.parametrize("case", WAYS)
def test_what_a_broken_tool_says_is_masked(world: LeakingApplication, case: str, door: str) -> None:
    way = WAYS[case]
    world.template(OBJECT)
    world.install(way.tool, f'#!/bin/sh\nreal=$(dirname "$0")/real\n{way.script}\n')
    ran = world.generate_checked() if door == "generate" else world.run_checked()
    assert ran.code == way.code, ran.stderr
    assert (MASK in ran.stderr) is way.masks, ran.stderr
    assert (ran.stdout == "") is (way.code != 0)


def test_a_file_that_was_changed_by_hand_is_not_quoted(world: LeakingApplication) -> None:
    world.template(OBJECT)
    text = (world.root / WEAK).read_text()
    world.write({WEAK: re.sub(r"(?m)^ +short: .*\n", "", text)})
    ran = world.run_checked()
    assert (ran.code, ran.stdout) == (6, "")
    assert ran.first_line == "cmp: this file was changed after sops encrypted it (MAC mismatch)"


def test_a_value_may_not_be_set_below_a_secret(world: LeakingApplication) -> None:
    world.template(OBJECT)
    ran = world.run_checked("render", "--set", "s.short.deep=1")
    assert (ran.code, ran.stdout) == (7, "")
    assert "interface conversion" in ran.stderr


FAILS = "{{ fail (toJson .Values) }}"
BUG = """\
from cmp.render.output.guard import Guard
def admit(self, piece):
    raise ValueError(piece.text)
Guard.admit = admit
"""
NO_MASK = """\
from cmp.secrets import disguises
def fail(value):
    raise ValueError(value)
disguises.disguises = fail
"""
NO_LIBYAML = "import sys; sys.modules['yaml._yaml'] = None"


def test_a_bug_is_reported_without_what_it_stumbled_over(world: LeakingApplication) -> None:
    world.template(OBJECT + "data: {x: {{ .Values.s.short }}}\n")
    ran = world.run_checked(**world.patched(BUG))
    assert (ran.code, ran.stdout) == (70, "")
    assert ran.first_line.startswith("cmp: internal error: ValueError at ")


def test_a_bug_shows_its_traceback_on_demand_and_still_no_secret(world: LeakingApplication) -> None:
    world.template(OBJECT + "data: {x: {{ .Values.s.short }}}\n")
    ran = world.run_checked(**world.patched(BUG), CMP_DEBUG="1")
    assert (ran.code, ran.stdout) == (70, "")
    assert ran.stderr.startswith("Traceback (most recent call last):\n")
    assert MASK in ran.stderr
    assert "\ncmp: internal error: ValueError at " in ran.stderr


def test_a_bug_in_the_masking_withholds_the_message(world: LeakingApplication) -> None:
    world.template(FAILS)
    ran = world.run_checked(**world.patched(NO_MASK))
    assert (ran.code, ran.stdout) == (7, "")
    withheld = f"{MASK} (a bug in cmp: what is secret in this message cannot be told, so it is withheld)"
    assert ran.stderr == f"cmp: {withheld}\n  where: {withheld}\n"


@pytest.mark.parametrize("template", [OBJECT, FAILS])
def test_without_libyaml_nothing_leaks(world: LeakingApplication, template: str) -> None:
    world.template(template)
    ran = world.run_checked(**world.patched(NO_LIBYAML))
    assert (ran.code, ran.stdout) == (4, "")
    assert "libyaml" in ran.first_line


EVERYTHING = """\
apiVersion: v1
kind: Secret
metadata: {name: all}
stringData:
  all: {{ toJson .Values.s | quote }}
  inline: {{ .Values.inline }}
"""


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("options", [(), ("--output", "json"), ("--explain",)])
def test_secrets_are_on_stdout_and_nowhere_else(world: LeakingApplication, options: tuple[str, ...], helm: str) -> None:
    world.template(EVERYTHING)
    ran = world.run_checked("render", *options, helm=helm)
    assert ran.code == 0, ran.stderr
    assert INLINE in ran.stdout
    assert "q7Zk2p" in ran.stdout


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("options", [(), ("--explain",), ("--format", "json"), ("--explain", "--format", "json")])
def test_values_shows_the_mask_in_place_of_each_secret(
    world: LeakingApplication, options: tuple[str, ...], helm: str
) -> None:
    world.template(FAILS)
    ran = world.run_checked("values", *options, helm=helm)
    assert (ran.code, ran.stderr) == (0, "")
    assert world.leaks_in(ran.stdout) == []
    assert ran.stdout.count(MASK) == len(SHAPES) + 2  # and those of sub and of the stronger layer


def test_values_masks_a_secret_also_where_another_layer_repeats_it(world: LeakingApplication) -> None:
    world.write({f"{APP}/common-values.yaml": f"again: {SHAPES['short']}\nlong: '{'x' * 90} {INLINE}'\n"})
    argv = ("values", "shop", "--cluster", "dev", "--explain")
    ran = world.sandbox.run(*argv, cwd=world.root)
    assert (ran.code, ran.stderr) == (0, "")
    assert world.leaks_in(ran.stdout) == []
    assert f'again: "{MASK}"  # {APP}/common-values.yaml:1; nothing reads `again`\n' in ran.stdout


def test_the_search_finds_a_leak(world: LeakingApplication) -> None:
    assert world.leaks_in(f"it was {INLINE}!") == [f"inline: {INLINE}"]
    with pytest.raises(AssertionError):
        world.check(f"cmp: {SHAPES['japanese']}")
    (world.sandbox.folder / "left").write_text(json.dumps(SHAPES["japanese"]))
    with pytest.raises(AssertionError):
        world.check("")


def test_what_programs_are_given_is_seen(world: LeakingApplication) -> None:
    world.template(OBJECT)
    world.run_checked()
    seen = b"".join(path.read_bytes() for path in world.store.rglob("*.seen"))
    assert b"\0template\0.\0--name-template\0shop\0" in seen
    assert b"\0decrypt\0--input-type\0yaml\0" in seen
    assert b"SOPS_AGE_KEY_FILE=" in seen
