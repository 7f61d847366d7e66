{{- define "path" -}}{{ .Values.path | trimPrefix "/" }}{{- end -}}
