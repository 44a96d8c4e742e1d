{{/* The release's name, short enough for what Kubernetes appends to the names of a StatefulSet's pods (63 in all). */}}
{{- define "vgate.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- regexReplaceAll "-+$" (default $full .Values.fullnameOverride | trunc 43) "" -}}
{{- end }}

{{- define "vgate.workers.name" -}}
{{ include "vgate.fullname" . }}-workers
{{- end }}

{{- define "vgate.redis.name" -}}
{{ include "vgate.fullname" . }}-redis
{{- end }}

{{- define "vgate.secret.name" -}}
{{ default (include "vgate.fullname" .) .Values.secret.existing }}
{{- end }}

{{- define "vgate.serviceAccount.name" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "vgate.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{/* What a selector asks for. Of {root, component}. */}}
{{- define "vgate.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Of {root, component}. */}}
{{- define "vgate.labels" -}}
{{ include "vgate.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* name, namespace and labels of an object. Of {root, component, name}. */}}
{{- define "vgate.metadata" -}}
name: {{ .name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "vgate.labels" . | nindent 2 }}
{{- end }}

{{/* Of {root, image}. */}}
{{- define "vgate.image" -}}
{{- $tagged := printf "%s:%s" .image.repository (default .root.Chart.AppVersion .image.tag) -}}
{{ ternary (printf "%s@%s" $tagged .image.digest) $tagged (not (empty .image.digest)) }}
{{- end }}
