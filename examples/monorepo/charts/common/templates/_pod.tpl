{{- define "common.container" -}}
- name: {{ .name }}
  image: {{ include "common.image" . | quote }}
  imagePullPolicy: {{ .root.Values.common.image.pullPolicy }}
  {{- with .spec.command }}
  command:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .spec.args }}
  args:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if or .spec.env .spec.secretEnv }}
  envFrom:
    {{- if .spec.env }}
    - configMapRef:
        name: {{ include "common.fullname" . }}
    {{- end }}
    {{- range .spec.secretEnv }}
    - secretRef:
        name: {{ printf "%s-%s" $.root.Release.Name . }}
    {{- end }}
  {{- end }}
  {{- with .spec.port }}
  ports:
    - name: http
      containerPort: {{ . }}
  {{- end }}
  {{- if and .spec.port (not .spec.withoutProbes) }}
  {{- $probes := merge (deepCopy (.spec.probes | default dict)) .root.Values.common.probes }}
  livenessProbe:
    httpGet: {path: {{ $probes.path }}, port: http}
    initialDelaySeconds: {{ $probes.initialDelaySeconds }}
    periodSeconds: {{ $probes.periodSeconds }}
  readinessProbe:
    httpGet: {path: {{ $probes.path }}, port: http}
    periodSeconds: {{ $probes.periodSeconds }}
  {{- end }}
  resources:
    {{- toYaml (.spec.resources | default .root.Values.common.resources) | nindent 4 }}
  securityContext:
    {{- toYaml .root.Values.common.containerSecurityContext | nindent 4 }}
  {{- with .spec.volumeMounts }}
  volumeMounts:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "common.podSpec" -}}
serviceAccountName: {{ include "common.fullname" . }}
automountServiceAccountToken: false
{{- with .root.Values.common.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- toYaml .root.Values.common.podSecurityContext | nindent 2 }}
containers:
  {{- include "common.container" . | nindent 2 }}
{{- with .spec.volumes }}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .spec.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
