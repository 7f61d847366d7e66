{{- define "proxy.name" -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "proxy.selector" -}}
app.kubernetes.io/name: ingress-proxy
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "proxy.labels" -}}
{{ include "proxy.selector" . }}
helm.sh/chart: ingress-proxy-{{ .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "proxy.metadata" -}}
name: {{ include "proxy.name" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "proxy.labels" . | nindent 2 }}
{{- end -}}
