{{- /*
One component with all that belongs to it, as several documents: a ServiceAccount and a Deployment,
and what its values ask for: ConfigMap (env), Service (port), autoscaler, disruption budget.
*/ -}}
{{- define "common.workload" -}}
---
{{ include "common.serviceAccount" . }}
{{- if .spec.env }}
---
{{ include "common.configMap" . }}
{{- end }}
---
{{ include "common.deployment" . }}
{{- if .spec.port }}
---
{{ include "common.service" . }}
{{- end }}
{{- if .spec.autoscaling }}
---
{{ include "common.autoscaler" . }}
{{- end }}
{{- if .spec.disruption }}
---
{{ include "common.disruptionBudget" . }}
{{- end }}
{{ end -}}

{{- /* 全コンポーネントをまとめて出力する。enabled: false のものは飛ばす。 */ -}}
{{- define "common.workloads" -}}
{{- range $name, $spec := .Values.services }}
{{- if ne (toString $spec.enabled) "false" }}
{{ include "common.workload" (dict "root" $ "name" $name "spec" $spec) }}
{{- end }}
{{- end }}
{{- end -}}
