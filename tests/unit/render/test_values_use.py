"""The keys of values that nothing reads: each template is also rendered by the real helm without those keys."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmp.render.values_use.charts import ChartUse, Texts, hint, strings, use_of
from tests.support import property_examples
from tests.support.trees import plant
from tests.support.versions import HELM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    Values = dict[str, object]

ROOT = "apiVersion: v2\nname: top\nversion: 1.0.0\n"
SUB = "apiVersion: v2\nname: sub\nversion: 1.0.0\n"
VALUES: Values = {
    "a": {
        "b": {"c": "1", "typo": "2"},
        "d": "3",
        "t": "{{ $.Values.z.q }}{{ $.Values.y }}",
        "l": [{"m": "4", "n": "5"}],
    },
    "z": {"q": "6", "r": "7"},
    "y": "8",
    "k": "b",
    "global": {"g": "9", "h": "10"},
    "sub": {"s": "11", "t": "12", "global": {"g": "13"}, "enabled": True},
}
HELPERS = """\
{{- define "print" }}{{ .a | default dict | toJson }}{{ end }}
{{- define "only" }}{{ .Values.a.b.c }}{{ end }}
{{- define "of" }}{{ .context.Values.a.d }}{{ .value.c }}{{ end }}
{{- define "tpl" }}{{ tpl (.value | toString) .context }}{{ end }}
{{- define "wrapped" }}{{ $c := merge (dict "Relative" .at) .context -}}
{{ tpl (cat "{{- with $.Relative -}}" .value "{{- end }}") $c }}{{ end }}
{{- define "loop" }}{{ if .n }}{{ include "loop" (dict "n" (rest .n) "all" .all) }}{{ else -}}
{{ .all.d }}{{ end }}{{ end }}
{{- define "set" }}{{ $_ := set .result "x" .from.c }}{{ end }}
{{- define "quoted" }}{{ "{{" }} .Values.y }}{{ end }}
"""
# A template, and the leaves of VALUES that nothing reads where it is the only one; None: nobody can tell.
NONE_OF_A = {"a.b.c", "a.b.typo", "a.d", "a.t", "a.l"}
OTHERS = {"z.q", "z.r", "y", "k", "global.g", "global.h", "sub.s", "sub.t", "sub.global.g"}
ALL = NONE_OF_A | OTHERS
CASES: dict[str, tuple[str, set[str] | None]] = {
    "nothing": ("x: 1", ALL),
    "a leaf": ("x: {{ .Values.a.b.c }}", ALL - {"a.b.c"}),
    "a leaf of the first context": (
        "{{ with .Values.k }}x: {{ $.Values.a.b.c }}{{ . }}{{ end }}",
        ALL - {"a.b.c", "k"},
    ),
    "a comment": ("{{/* .Values.a.b.c */}}x: 1", ALL),
    "a text": ('x: {{ ".Values.a.b.c" }}', ALL),
    "a map that is printed": ("x: {{ toJson .Values.a.b }}", ALL - {"a.b.c", "a.b.typo"}),
    "a map that is tested": ("{{ if .Values.a.b }}x: 1{{ end }}", ALL - {"a.b.c", "a.b.typo"}),
    "a map that may be empty": ("x: {{ (.Values.a.b | default dict).c }}", ALL - {"a.b.c"}),
    "a map or another": ("x: {{ (.Values.a.b | default .Values.z).c }}", ALL - {"a.b.c", "a.b.typo", "z.q", "z.r"}),
    "with": ("{{ with .Values.a.b }}x: {{ .c }}{{ end }}", ALL - {"a.b.c", "a.b.typo"}),
    "range": ("{{ range $k, $v := .Values.a.b }}{{ $k }}: {{ $v }}\n{{ end }}", ALL - {"a.b.c", "a.b.typo"}),
    "a list": ("{{ range .Values.a.l }}x: {{ .m }}{{ end }}", ALL - {"a.l"}),
    "all values printed": ("x: {{ toJson .Values }}", None),
    "the whole context printed": ("x: {{ toJson . | len }}", None),
    "the whole context walked through": (
        "{{ range $k, $v := $ }}{{ if eq $k `Values` }}x: {{ len $v }}{{ end }}{{ end }}",
        None,
    ),
    "a variable": ("{{ $a := .Values.a }}x: {{ $a.b.c }}", ALL - {"a.b.c"}),
    "a variable in a loop": (
        "{{ $x := .Values.z }}{{ range until 2 }}{{ $x.q }}{{ $x = $.Values.a }}{{ end }}x: {{ $x.d }}",
        ALL - {"z.q", "a.d"},
    ),
    "a variable that is not used": ("{{ $a := .Values.a.b }}x: 1", ALL),
    "index": ('x: {{ index .Values "a" "b" "c" }}', ALL - {"a.b.c"}),
    "index of the context": ('x: {{ index . "Values" "a" "b" "c" }}', ALL - {"a.b.c"}),
    "index by a value": ("x: {{ toJson (index .Values.a .Values.k) }}", ALL - NONE_OF_A - {"k"}),
    "get": ('x: {{ get .Values.a.b "c" }}', ALL - {"a.b.c"}),
    "get of the context": ('x: {{ get (get . "Values") "y" }}', ALL - {"y"}),
    "an escaped key": (r'x: {{ get .Values.a.b "\x63" }}', ALL - {"a.b.c"}),
    "dig": ('x: {{ dig "b" "c" "none" .Values.a }}', ALL - {"a.b.c"}),
    "pluck": ('x: {{ pluck "c" .Values.a.b | first }}', ALL - {"a.b.c"}),
    "pluck tested": ('{{ if pluck "typo" .Values.a.b }}x: 1{{ end }}', ALL - {"a.b.typo"}),
    "hasKey": ('x: {{ hasKey .Values.a.b "typo" }}', ALL - {"a.b.typo"}),
    "keys": ("x: {{ keys .Values.a.b | sortAlpha | join `.` }}", ALL - {"a.b.c", "a.b.typo"}),
    "omit": ('x: {{ omit .Values.a.b "c" | toJson }}', ALL - {"a.b.c", "a.b.typo"}),
    "ternary": ("x: {{ (ternary .Values.a.b .Values.z true).c }}", ALL - {"a.b.c", "a.b.typo", "z.q", "z.r"}),
    "merged": ("x: {{ (merge (dict) .Values.a.b .Values.z).c }}", ALL - {"a.b.c", "z.q"} | {"z.q"}),
    "merged into values": (
        "{{ $_ := merge .Values.z .Values.a.b }}x: {{ .Values.z.typo }}",
        ALL - {"a.b.c", "a.b.typo"},
    ),
    "a map that is set": (
        '{{ $x := dict }}{{ $_ := set $x "v" .Values.a.b }}x: {{ toJson $x.v }}',
        ALL - {"a.b.c", "a.b.typo"},
    ),
    "values that are set": (
        '{{ $_ := set .Values "k" .Values.a.b }}x: {{ .Values.k.typo }}',
        ALL - {"a.b.c", "a.b.typo", "k"},
    ),
    "a map made of values": ('{{ $x := dict "v" .Values.a.b }}x: {{ $x.v.c }}', ALL - {"a.b.c"}),
    "a list made of values": ("{{ range list .Values.a.b .Values.z }}x{{ .c }}: 1\n{{ end }}", ALL - {"a.b.c"}),
    "a list that grows": (
        "{{ $l := list }}{{ range until 3 }}{{ $l = append $l $.Values.a.b }}{{ end }}x: {{ (first $l).c }}",
        ALL - {"a.b.c"},
    ),
    "include": ('x: {{ include "only" . }}', ALL - {"a.b.c"}),
    "include of a part": ('x: {{ include "print" .Values | quote }}', ALL - NONE_OF_A),
    "include with a map": ('x: {{ include "of" (dict "value" .Values.a.b "context" $) }}', ALL - {"a.b.c", "a.d"}),
    "include that calls itself": ('x: {{ include "loop" (dict "n" (list 1 2) "all" .Values.a) }}', ALL - {"a.d"}),
    "include that sets": (
        '{{ $r := dict }}{{ include "set" (dict "result" $r "from" .Values.a.b) }}x: {{ $r.x }}',
        ALL - {"a.b.c"},
    ),
    "include by a made up name": ('x: {{ include (printf "%s%s" "on" "ly") . }}', ALL - {"a.b.c"}),
    "template": ('x: {{ template "only" . }}', ALL - {"a.b.c"}),
    "a block": ('x: {{ block "own" .Values.a.b }}{{ .c }}{{ end }}', ALL - {"a.b.c"}),
    "tpl of a value": ("x: {{ tpl .Values.a.t . }}", ALL - {"a.t", "z.q", "y"}),
    "tpl of a literal": ('x: {{ tpl "{{ .Values.z.q }}" . }}', ALL - {"z.q"}),
    "tpl of a literal that is made up": ('x: {{ tpl (printf "{{ .Values.%s }}" "y") . }}', None),
    "tpl in a helper": ('x: {{ include "tpl" (dict "value" .Values.a.t "context" $) }}', ALL - {"a.t", "z.q", "y"}),
    "tpl in two parts": (
        'x: {{ include "wrapped" (dict "value" .Values.a.t "at" .Values.a.b "context" $) }}',
        ALL - {"a.t", "z.q", "y", "a.b.c", "a.b.typo"},
    ),
    "tpl of what a helper prints": ('x: {{ tpl (include "quoted" .) . }}', None),
    "tpl of a file": ('x: {{ tpl (.Files.Get "extra.txt") . }}', ALL - {"a.d", "z.q", "y"}),
    "a checksum": ('x: {{ include (print $.Template.BasePath "/NOTES.txt") . | sha256sum }}', ALL),
    "global": ("x: {{ .Values.global.g }}", ALL - {"global.g", "sub.global.g"}),
    "values of a subchart": ("x: {{ .Values.sub.s }}", ALL - {"sub.s"}),
    "values of a subchart, by its context": ("x: {{ .Subcharts.sub.Values.s }}", ALL - {"sub.s"}),
    "else": ("{{ if false }}{{ else if .Values.y }}{{ else }}x: {{ .Values.a.d }}{{ end }}", ALL - {"y", "a.d"}),
    "a method": ("x: {{ .Capabilities.APIVersions.Has .Values.y }}", ALL - {"y"}),
    "and": ("{{ if and .Values.a.b .Values.a.b.c }}x: 1{{ end }}", ALL - {"a.b.c", "a.b.typo"}),
    "nested": ("x: {{ ((.Values.a).b).c }}", ALL - {"a.b.c"}),
    "required": ('x: {{ (required "a" .Values.a.b).c }}', ALL - {"a.b.c", "a.b.typo"}),
    "trimmed": ("x: a{{- .Values.y -}}\n{{- /* a */ -}}", ALL - {"y"}),
}


def chart(*templates: str) -> dict[str, str]:
    """Return a chart with a subchart, both of which read only what the templates read."""
    return {
        "Chart.yaml": ROOT + "dependencies: [{name: sub, version: 1.0.0, condition: sub.enabled}]\n",
        "values.yaml": json.dumps(VALUES),
        "extra.txt": "{{ .Values.a.d }}",
        "templates/_helpers.tpl": HELPERS,
        "templates/NOTES.txt": "thanks\n",
        "charts/sub/Chart.yaml": SUB,
        **{f"templates/{number}.yaml": f"{text}\n" for number, text in enumerate(templates)},
    }


def used(files: Mapping[str, str], *texts: str, are_hidden: bool = False) -> ChartUse | None:
    return use_of({path: text.encode() for path, text in files.items()}, lambda: Texts(texts, are_hidden))


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    else:
        yield path


def unread_leaves(use: ChartUse, values: Values) -> set[tuple[str, ...]]:
    return {leaf for leaf in leaves(values) if use.unread(leaf)}


def without(values: Values, gone: set[tuple[str, ...]], path: tuple[str, ...] = ()) -> Values:
    """Return values without some keys; a map that loses its last one goes, too, if nothing reads it."""
    return {
        key: without(item, gone, (*path, key)) if isinstance(item, dict) else item
        for key, item in values.items()
        if (*path, key) not in gone
    }


def rendered(helm: str, folder: Path, values: Values) -> tuple[int, bytes]:
    (folder / "values.yaml").write_text(json.dumps(values))
    ran = subprocess.run(
        [helm, "template", "x", str(folder)], env={"HOME": str(folder)}, check=False, capture_output=True
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize("case", CASES)
def test_a_key_is_unread_where_no_template_can_read_it(case: str) -> None:
    template, wanted = CASES[case]
    use = used(chart(template))
    assert (use and {".".join(leaf) for leaf in unread_leaves(use, VALUES)}) == wanted


@pytest.mark.parametrize("case", [case for case, (_, wanted) in CASES.items() if wanted is not None])
def test_helm_renders_the_same_without_what_nothing_reads(case: str, tools_dir: str, tmp_path: Path) -> None:
    files = chart(CASES[case][0])
    plant(tmp_path, files)
    use = used(files)
    assert use is not None
    helm = f"{tools_dir}/helm/{HELM[-1]}/helm"
    code, printed = rendered(helm, tmp_path, VALUES)
    assert code == 0
    assert rendered(helm, tmp_path, without(VALUES, {(*key,) for key in map(use.unread, leaves(VALUES)) if key})) == (
        0,
        printed,
    )


@settings(
    max_examples=property_examples.examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=st.sets(st.sampled_from(sorted(CASES)), min_size=2, max_size=6))
def test_helm_renders_the_same_without_what_several_templates_do_not_read(
    drawn: set[str], tools_dir: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = chart(*(CASES[case][0] for case in sorted(drawn)))
    use = used(files)
    if use is None:
        return
    folder = tmp_path_factory.mktemp("chart")
    plant(folder, files)
    helm = f"{tools_dir}/helm/{HELM[-1]}/helm"
    printed = rendered(helm, folder, VALUES)
    assert rendered(helm, folder, without(VALUES, unread_leaves(use, VALUES))) == printed


# What is no template


def test_values_of_the_user_are_templates_too() -> None:
    template = "x: {{ tpl (.Values.own | default `none`) . }}"
    files = chart(template)
    (before, after, hidden) = (used(files), used(files, "{{ .Values.a.d }}"), used(files, are_hidden=True))
    assert before
    assert before.unread(("a", "d")) == ("a",)
    assert after
    assert after.unread(("a", "d")) is None
    assert hidden is None, "an encrypted text may be a template"
    assert [*strings({"a": ["{{ x }}", 1, {"{{ k }}": "b"}]})] == ["{{ x }}", "{{ k }}"]


def test_chart_yaml_reads_conditions_tags_and_imports() -> None:
    dependency = (
        "{name: sub, version: 1.0.0, condition: 'on.sub,on.too', tags: [t], import-values: [e, {child: c, parent: p}]}"
    )
    use = used({**chart("x: 1"), "Chart.yaml": ROOT + f"dependencies: [{dependency}]\n"})
    assert use
    read = [("on", "sub"), ("on", "too"), ("tags", "t"), ("sub", "exports", "e", "x"), ("sub", "c", "x"), ("sub",)]
    assert [use.unread(path) for path in read] == [None] * len(read)
    assert use.unread(("on", "typo")) == ("on", "typo")
    assert use.unread(("sub", "exports", "other", "x")) == ("sub", "exports", "other")


def test_values_below_an_alias_are_those_of_the_subchart() -> None:
    declared = (
        ROOT + "dependencies: [{name: sub, version: 1.0.0, alias: one}, {name: sub, version: 1.0.0, alias: two}]\n"
    )
    files = {
        **chart("x: 1"),
        "Chart.yaml": declared,
        "charts/sub/templates/a.yaml": "x: {{ .Values.s }}{{ .Values.global.g }}\n",
    }
    use = used(files)
    assert use
    assert [use.unread((name, "s")) for name in ("one", "two", "sub")] == [None, None, ("sub",)]
    assert use.unread(("one", "typo")) == ("one", "typo")
    assert [use.unread(path) for path in [("global", "g"), ("one", "global", "g"), ("sub", "global", "g")]] == [
        None,
        None,
        ("sub",),
    ]
    assert use.unread(("global", "typo")) == ("global", "typo")


def test_a_helper_of_a_library_reads_the_values_of_the_chart_that_calls_it() -> None:
    files = {
        **chart('x: {{ include "lib.name" . }}'),
        "charts/sub/Chart.yaml": SUB + "type: library\n",
        "charts/sub/templates/_lib.tpl": '{{ define "lib.name" }}{{ .Values.nameOverride }}{{ end }}',
    }
    use = used(files)
    assert use
    assert use.unread(("nameOverride",)) is None


@pytest.mark.parametrize(
    "files",
    [
        {"Chart.yaml": ROOT + "dependencies: [{name: gone, version: 1.0.0}]\n"},
        {"templates/bad.yaml": "{{ if }"},
        {"templates/bad.yaml": "{{ if .Values.a }}"},
        {"templates/bad.yaml": '{{ include "of another chart" . }}'},
        {"templates/bomb.yaml": "{{ $x := dict }}" + "{{ $x = dict `a` $x `b` $x }}" * 60 + "{{ toJson $x }}"},
        {"templates/loop.yaml": '{{ define "l" }}{{ include "l" (dict "a" .) }}{{ end }}{{ include "l" . }}'},
        {"values.yaml": "a: ['{{'", "templates/tpl.yaml": "{{ tpl .Values.a . }}"},
    ],
)
def test_nobody_can_tell(files: dict[str, str]) -> None:
    assert used({**chart("x: 1"), **files}) is None


# Schemas, and the key that is meant


@pytest.mark.parametrize(
    ("schema", "is_unread", "is_unknown"),
    [
        ({"properties": {"replicas": {}}}, True, True),
        ({"properties": {"typo": {}}}, True, False),
        ({"type": "object"}, True, False),
        ({}, True, False),
        ({"properties": {"replicas": {}}, "additionalProperties": False}, False, False),
        ({"properties": {"typo": {}}, "required": ["typo"]}, False, False),
        ({"patternProperties": {"^t": {}}}, False, False),
        ({"minProperties": 1}, False, False),
        ({"$ref": "#/definitions/x"}, False, False),
    ],
)
def test_a_schema_may_know_a_key(schema: object, is_unread: bool, is_unknown: bool) -> None:  # noqa: FBT001
    use = used({**chart("x: 1"), "values.schema.json": json.dumps(schema)})
    assert use
    assert (use.unread(("typo",)) is not None, use.is_unknown(("typo",))) == (is_unread, is_unknown)


def test_the_key_that_is_meant_is_a_read_one_beside_it() -> None:
    use = used(
        {
            **chart("x: {{ .Values.replicaCount }}{{ .Values.image.tag }}"),
            "values.schema.json": '{"properties": {"replicaCount": {}}}',
        }
    )
    assert use
    assert hint(("replicaCout",), [use]) == "values.schema.json does not know it; did you mean `replicaCount`?"
    assert hint(("image", "tagg"), [use]) == "values.schema.json does not know it; did you mean `tag`?"
    assert hint(("zzz",), [use]) == "values.schema.json does not know it"
