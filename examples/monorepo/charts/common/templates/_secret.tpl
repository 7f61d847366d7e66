{{- /* spec: 鍵と値の対。値は SOPS で暗号化した values ファイルから来る。 */ -}}
{{- define "common.secret" -}}
apiVersion: v1
kind: Secret
metadata:
  {{- include "common.metadata" . | nindent 2 }}
type: Opaque
data:
  {{- range $key, $value := .spec }}
  {{ $key }}: {{ required (printf "%s.%s が空です" $.name $key) $value | toString | b64enc | quote }}
  {{- end }}
{{- end -}}
