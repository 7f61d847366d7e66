{{- /*
Every template of this chart takes one dictionary:
  root  the caller's top-level context ($)
  name  the component, for example "api"
  spec  the component's own values
*/ -}}

{{- define "common.fullname" -}}
{{- printf "%s-%s" .root.Release.Name .name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "common.image" -}}
{{- $defaults := .root.Values.common.image -}}
{{- printf "%s/%s:%s" $defaults.registry (required (printf "%s: image.repository が必要です" .name) .spec.image.repository) (.spec.image.tag | default .root.Chart.AppVersion | toString) -}}
{{- end -}}

{{- define "common.metadata" -}}
name: {{ include "common.fullname" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "common.labels" . | nindent 2 }}
{{- end -}}
