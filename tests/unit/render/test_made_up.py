"""Functions that make values up are found wherever a render may reach them, and in no other text."""

from __future__ import annotations

import pytest

from cmp.engines.protocol import Needs
from cmp.render import chart_texts, made_up
from tests.support.monorepos import git_tree
from tests.support.remote_schemas import pack

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
NEEDS = Needs(tools={}, chart_folders=("web",))


def packed(template: str) -> bytes:
    """Return a packed chart with one template."""
    return pack({"dep/Chart.yaml": CHART.encode(), "dep/templates/a.yaml": template.encode()})


def may_be(template: str, *, path: str = "web/templates/a.yaml", layer: str = "", archive: bytes = b"") -> bool:
    tree = git_tree({"web/Chart.yaml": CHART, path: template})
    archives = [archive] if archive else []
    charts = chart_texts.files(tree, NEEDS, archives, is_wanted=lambda name: "/templates/" in name or "values" in name)
    return made_up.may_be([*charts, ("layer.yaml", layer.encode())])


@pytest.mark.parametrize(
    "action",
    [
        "{{ randAlphaNum 12 | quote }}",
        '{{- $ca := genCA "x" 365 -}}',
        "{{ uuidv4 }}",
        '{{ now | date "2006" }}',
        '{{ htpasswd "a" "b" }}',
        "{{ keys .Values.a | first }}",
        "{{ range values .Values.a }}{{ . }}{{ end }}",
        '{{ getHostByName "x" }}',
        '{{ "a" | bcrypt }}',
        '{{ encryptAES "k" "v" }}',
        '{{ shuffle "abc" }}',
        '{{ genSelfSignedCertWithKey "a" nil nil 1 $k }}',
    ],
)
def test_a_template_that_calls_one_may_make_values_up(action: str) -> None:
    assert may_be(f"data: {action}\n")


@pytest.mark.parametrize(
    "text",
    [
        "values: [a]\nkeys: [b]\nnow: {{ .Values.now }}\n",
        '{{ .Values.keys }} {{ index .Values "values" }} {{ $.date }}',
        "{{ toYaml .Values.randInt }}",
        "# randAlphaNum outside of an action\n",
        "{{ $values := 1 }}{{ $values }}",
        "{{ .Values.uuid | trunc 8 }}",
    ],
)
def test_the_words_alone_are_no_calls(text: str) -> None:
    assert not may_be(text)


def test_values_may_reach_tpl() -> None:
    assert may_be("a: b\n", layer="token: '{{ randAlpha 4 }}'\n")
    assert may_be("token: '{{ randAlpha 4 }}'\n", path="web/values.yaml")
    assert not may_be("token: '{{ randAlpha 4 }}'\n", path="web/README.md")


def test_packed_charts_are_looked_into() -> None:
    assert may_be("a: b\n", archive=packed("{{ uuidv4 }}"))
    assert not may_be("a: b\n", archive=packed("a: b"))


def uses(text: str) -> list[tuple[str, int]]:
    return [(use.function, use.line) for use in made_up.uses([("web/templates/a.yaml", text.encode())])]


def test_each_call_has_its_name_file_and_line() -> None:
    text = 'a: {{ randAlphaNum 12 | quote }}\nb: x\nc: {{- $ca := genCA "x" 365 }}\n  d: {{ now | date "2006" }}\n'
    assert uses(text) == [("randAlphaNum", 1), ("genCA", 3), ("now", 4)]
    long = "{{- dict\n  `now`\n  (uuidv4)\n}}"
    assert uses(long) == [("uuidv4", 3)], "an action of several lines"


@pytest.mark.parametrize(
    "text",
    [
        '{{ .Values.start | date "2006" }}',
        "{{ keys .Values.a | sortAlpha | first }}",
        "{{ len (keys .Values.a) }}",
        '{{ required "keys and values of now" .Values.a }}',
        "{{/* randAlphaNum */}}",
        "randAlphaNum",
    ],
)
def test_what_makes_nothing_up_is_not_told(text: str) -> None:
    assert uses(text) == []


def test_the_sentence_names_a_few_calls() -> None:
    text = "".join(f"a{number}: {{{{ uuidv4 }}}}\n" for number in range(5))
    found = made_up.uses([("web/templates/a.yaml", text.encode())])
    assert made_up.warning(found) == (
        "each render may make up other values, so that no two are the same: uuidv4 (web/templates/a.yaml:1), "
        "uuidv4 (web/templates/a.yaml:2), uuidv4 (web/templates/a.yaml:3) and 2 more"
    )
