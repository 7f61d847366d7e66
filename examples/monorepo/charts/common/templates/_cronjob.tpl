{{- define "common.cronJob" -}}
---
{{ include "common.serviceAccount" . }}
{{- if .spec.env }}
---
{{ include "common.configMap" . }}
{{- end }}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  {{- include "common.metadata" . | nindent 2 }}
spec:
  schedule: {{ .spec.schedule | quote }}
  timeZone: {{ .spec.timeZone | default "Asia/Tokyo" }}
  concurrencyPolicy: Forbid
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: {{ .spec.backoffLimit | default 2 }}
      template:
        metadata:
          labels:
            {{- include "common.labels" . | nindent 12 }}
        spec:
          restartPolicy: Never
          {{- include "common.podSpec" . | nindent 10 }}
{{ end -}}
