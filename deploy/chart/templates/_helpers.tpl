{{- define "pointsman.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "pointsman.pull" -}}
image: {{ include "pointsman.image" . }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- end -}}

{{- define "pointsman.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- with . }}
  add: [{{ join ", " . }}]
{{- end }}
{{- end -}}

{{/* The socket of one speaker: the first is "gobgp", the further ones "gobgp-1" and so on. */}}
{{- define "pointsman.speaker" -}}
{{- if . }}gobgp-{{ . }}{{ else }}gobgp{{ end -}}
{{- end -}}

{{- define "pointsman.http" -}}
--http={{ if .exposed }}{{ else }}127.0.0.1{{ end }}:{{ .port }}
{{- end -}}
