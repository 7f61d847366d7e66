{{- /* spec: host, className, tls (Secret の名前, 省略可), routes: path -> component */ -}}
{{- define "common.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "common.metadata" . | nindent 2 }}
spec:
  ingressClassName: {{ .spec.className | default "edge" }}
  {{- with .spec.tls }}
  tls:
    - hosts: [{{ $.spec.host | quote }}]
      secretName: {{ . }}
  {{- end }}
  rules:
    - host: {{ required "ingress.host はクラスタごとに指定してください" .spec.host | quote }}
      http:
        paths:
          {{- range $path, $component := .spec.routes }}
          - path: {{ $path }}
            pathType: Prefix
            backend:
              service:
                name: {{ include "common.fullname" (dict "root" $.root "name" $component) }}
                port: {name: http}
          {{- end }}
{{- end -}}
