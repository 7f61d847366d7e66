"""Which files of a chart's folder can have an effect: those that no template can read cannot."""

from __future__ import annotations

import pytest

from cmp.artifacts.charts.file_access import is_part, may_read_others


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Chart.yaml", True),
        ("values.schema.json", True),
        ("templates/a/b.txt", True),
        ("charts/x.tgz", True),
        ("crds/a.yaml", True),
        (".helmignore", True),
        ("README.md", False),
        ("common-values.yaml", False),
        ("files/a.txt", False),
        ("sub/templates/a.yaml", False),
    ],
)
def test_parts(path: str, expected: bool) -> None:  # noqa: FBT001
    assert is_part(path) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ .Files.Get `a` }}",
        '{{ index . "Files" }}',
        "{{ include (printf `%s` .Values.name) . }}",
        '{{ include "not.here" . }}',
        '{{ template "not.here" $ }}',
        "{{ toYaml . }}",
        "{{- toYaml . | nindent 2 -}}",
        "{{ with .Values }}{{ toYaml $ }}{{ end }}",
        "{{ range $key, $value := . }}{{ $value }}{{ end }}",
        "{{ range . }}{{ end }}",
        "{{ . }}",
        "{{ $all := . }}{{ toYaml $all }}",
        '{{ define "x" }}{{ toJson . }}{{ end }}',
        "{{ with .Values.x }}{{ end }}{{ toYaml . }}",
        '{{ omit . "Values" | toYaml }}',
        '{{ printf "%v" . }}',
    ],
)
def test_what_may_read_other_files(text: str) -> None:
    assert may_read_others([text.encode()])


@pytest.mark.parametrize(
    "text",
    [
        "a: 1",
        "{{ .Values.a }}",
        "{{ with .Values.a }}{{ toYaml . | nindent 2 }}{{ end }}",
        "{{ range .Values.list }}- {{ . | quote }}{{ end }}",
        "{{- range $name, $value := .Values.map }}{{ $name }}: {{ $value }}{{ end }}",
        '{{ define "here" }}{{ .Chart.Name }}{{ end }}{{ include "here" . }}{{ template "here" $ }}',
        '{{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum }}',
        "{{ tpl .Values.text . }}",
        "{{ toYaml .Values.a }}",
        '{{ printf "%s.%s" .Values.a "." }}',
        "{{/* toYaml . */}}",
        "{{ with .Values.a }}{{ if .b }}x{{ end }}{{ toYaml . }}{{ end }}",
        '{{ include "here" (dict "root" . "name" .Values.a) }}{{ define "here" }}{{ .name }}{{ end }}',
    ],
)
def test_what_reads_no_other_file(text: str) -> None:
    assert not may_read_others([text.encode()])
