{{- define "common.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "common.metadata" . | nindent 2 }}
spec:
  {{- if not .spec.autoscaling }}
  replicas: {{ .spec.replicas | default 1 }}
  {{- end }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "common.labels" . | nindent 8 }}
      {{- with .spec.env }}
      annotations:
        # 設定が変わったら Pod を入れ替える
        checksum/config: {{ toJson . | sha256sum }}
      {{- end }}
    spec:
      {{- include "common.podSpec" . | nindent 6 }}
{{- end -}}
