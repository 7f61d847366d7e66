"""Templates, paths and single values of helmfiles, as they are read before helmfile runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.engines.helmfile import options, releases, sources, template
from cmp.errors import ConfigError
from tests.support.helmfile import HelmfileRepository, chart, values
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox


def test_calls_are_found_in_actions_and_in_texts_for_later_with_their_lines() -> None:
    text = """\
exec: {{ .Values.exec }} {{ $x.exec }} {{ "exec" }} {{/* exec "a" */}}
{{- exec "a" (list "}}") -}}
{{ printf "%s" "\\"{{ exec }}" |
   readDir }}
{{`
 {{ envExec }}`}} {{if(readFile .x)}}{{end}}
"""
    assert [call[:2] for call in template.calls(text)] == [
        *(("exec", 2), ("exec", 3), ("readDir", 4), ("envExec", 6), ("readFile", 6)),
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{{ env "A_1" | default "B" }}', "A_1"),
        ("{{ `A` | env }}", "A"),
        ('{{ expandenv "A" }}', "A"),
        ('{{ "{{ env \\"A\\" }}" }}', "A"),
        ('{{ env (print "A" "B") }}', ""),
        ('{{ expandenv "$A" }}', ""),
        ("{{ .Values.name | env }}", ""),
    ],
)
def test_variables_are_named_where_their_names_are_literal(text: str, name: str) -> None:
    assert [call.name for call in template.calls(text)] == [name]


@pytest.mark.parametrize("text", ['{{ .env "A" }}', "{{ $env }}", '{{ "env" | quote }}', '{{ requiredEnv "A" }}'])
def test_what_is_no_variable_is_not_taken_for_one(text: str) -> None:
    assert [*template.calls(text)] == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{{ readFile "a" }}', '{{ ("x\\"\\n") }}'),
        ("{{ tpl (readFile `a`) . | quote }}", '{{ tpl (("x\\"\\n")) . | quote }}'),
        ('{{ readFile ("a") | trim }}', '{{ ("x\\"\\n") | trim }}'),
        ('{{ readFile (printf "%s" .Environment.Name) }}', '{{ ("x\\"\\n") }}'),
        ('{{ readFile "b" }}', '{{ (fail "readFile names b, and there is no such file") }}'),
        ("{{ readFile .x }}", "{{ readFile .x }}"),
        ('{{ "readFile \\"a\\"" }}', '{{ "readFile \\"a\\"" }}'),
        ('{{ .x.readFile "a" }}', '{{ .x.readFile "a" }}'),
        ('readFile "a" {{/* readFile "a" */}}', 'readFile "a" {{/* readFile "a" */}}'),
    ],
)
def test_files_stand_where_they_are_read(text: str, wanted: str) -> None:
    assert template.inlined(text, "a", {"a": 'x"\n'}.get) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a/{{ .Environment.Name }}/{{- $.Environment.Name -}}", "a/prod/prod"),
        ("{{`{{ .Environment.Name }}`}}", "prod"),
        ('{{ printf "%s-%s.yaml" .Environment.Name $.Environment.Name }}', '{{ "prod-prod.yaml" }}'),
        ('{{ printf "%s%s" .Environment.Name }}', '{{ printf "%s%s" .Environment.Name }}'),
        ("{{ .Environment.Names }}", "{{ .Environment.Names }}"),
    ],
)
def test_the_name_of_the_environment_is_known(text: str, wanted: str) -> None:
    assert template.with_environment(text, "prod") == wanted


def test_a_template_has_an_outline_of_the_same_lines() -> None:
    text = "a: {{ .x }}-b\n{{- range\n $y }}\n{{ .z }}: [{{/* c */}}]\n{{ end }}\n"
    assert template.without_actions(text) == "a: (template)-b\n\n\n(template): [(template)]\n\n"


def test_the_log_tells_what_was_rendered_and_nothing_can_end_it_early() -> None:
    lines = [f'x{n}: rendering result of "other.part.0":' if n == 3 else f"line {n}" for n in range(12)]
    numbered = "\n".join(f"{n:2d}: {line}" for n, line in enumerate(lines))
    moved = 'changing working directory to "/copy/sub"'
    log = f'{moved}\nrendering result of "../a.yaml.gotmpl.part.1":\n{numbered}\n\nmerged environment: x\n 0: no\n'
    assert list(releases.rendered_texts(log, "/copy")) == [("/copy/a.yaml.gotmpl", "\n".join(lines))]


# Paths that lead outside.


def found(folder: Path, files: dict[str, str]) -> sources.Sources:
    return sources.read(plant(folder, files), "apps/shop", "prod")


def test_what_lies_outside_is_found_from_file_to_file(tmp_path: Path) -> None:
    read = found(
        tmp_path,
        {
            "apps/shop/helmfile.d/a.yaml": "bases: [../../../common/base.yaml]\n",
            "apps/shop/v.yaml.gotmpl": '{{ readFile "../../common/{{ .Environment.Name }}.txt" }} ../other ../../\n',
            "common/base.yaml": "values: ['deep/*/v-?.yaml', ./../more/x.yaml]\n",
            "common/prod.txt": "../../secret/x\n",
            "more/x.yaml": "a: ../more/y-*.yaml\n",
            **{f"more/{name}.yaml": "" for name in ("y-1", "y-2", "z")},
            "secret/x": "",
            "apps/other/helmfile.yaml": "",
        },
    )
    assert read.outside == (
        *("apps/other", "common/base.yaml", "common/prod.txt"),
        *("more/x.yaml", "more/y-1.yaml", "more/y-2.yaml"),
    )


def test_charts_are_those_that_a_text_mentions(tmp_path: Path) -> None:
    read = found(
        tmp_path,
        {
            "apps/shop/helmfile.yaml": "releases: [{chart: ./charts/web}, {chart: ../../common/base}]\n",
            "apps/shop/charts/web/Chart.yaml": "",
            "apps/shop/charts/web/templates/a.yaml": "../../../../../secret\n",
            "apps/shop/charts/web/charts/inner/Chart.yaml": "",
            "apps/shop/charts/web-old/Chart.yaml": "",
            "common/base/Chart.yaml": "",
            "secret": "",
        },
    )
    assert read.charts == ("apps/shop/charts/web", "common/base")
    assert read.outside == ("common/base",)
    assert "apps/shop/charts/web/templates/a.yaml" not in read.files


def test_a_path_outside_that_only_rendering_tells(tmp_path: Path) -> None:
    files = {"apps/shop/helmfile.yaml.gotmpl": "a: 1\nvalues: ['../{{ .Values.x }}/a.yaml']\n"}
    with pytest.raises(ConfigError) as caught:
        found(tmp_path, files)
    assert caught.value.what == (
        "../{{ .Values.x }}/a.yaml leads outside the folder apps/shop, and where to is known only while rendering"
    )
    assert caught.value.file == "apps/shop/helmfile.yaml.gotmpl:2"


# Values that are set one by one.

SET = (
    *(("a.b", "1"), ("a.c", "01"), ("a.t", "TRUE"), ("a.n", "null"), ("a.f", "1.5"), ("a.z", "0"), ("m", "-3")),
    *(("list[1]", "x"), ("list[0]", "2"), ("deep.l[0].k", "v"), ("esc\\.aped.x", "y"), ("eq", "a=b"), ("empty", "")),
)


def test_they_have_the_keys_and_types_of_helmfile(sandbox: Sandbox) -> None:
    world = HelmfileRepository(sandbox)
    state = "releases: [{name: web, namespace: shop, chart: ./charts/web, values: [{v: {{ toJson .Values }}}]}]\n"
    world.write_app({**chart(), "helmfile.yaml.gotmpl": state})
    pairs = [f"{key}={value}" for key, value in SET]
    theirs = world.by_hand(*(text for pair in pairs for text in ("--state-values-set", pair)))
    ours = world.must(*(text for pair in pairs for text in ("--set", pair)))
    assert values(ours) == values(theirs)
    web = values(ours)["web"]
    assert isinstance(web, dict)
    assert web["v"]["list"] == [2, "x"]


def test_texts_stay_texts_and_commas_stay() -> None:
    assert options.nested([("a", "x,y")], [("b.c", "1"), ("b.d", "true")]) == {"a": "x,y", "b": {"c": "1", "d": "true"}}


@pytest.mark.parametrize("keys", [("a", "a.b"), ("a[0]", "a.b"), ("a", "a[0]"), ("a[99999]",)])
def test_keys_that_do_not_fit(keys: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="does not fit the values that other keys set"):
        options.nested([(key, "1") for key in keys], ())
