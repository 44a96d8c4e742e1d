{{/* What the chart's own Secret holds. */}}
{{- define "vgate.secret.data" -}}
{{- $data := dict }}
{{- with .Values.apiKeys.keys }}{{ $_ := set $data "api-keys" (toYaml .) }}{{ end }}
{{- with .Values.admin.token }}{{ $_ := set $data "admin-token" . }}{{ end }}
{{- with .Values.workerKey.value }}{{ $_ := set $data "worker-key" . }}{{ end }}
{{- with .Values.redis.url }}{{ $_ := set $data "redis-url" . }}{{ end }}
{{- with .Values.huggingFace.token }}{{ $_ := set $data "hf-token" . }}{{ end }}
{{- range $name, $content := .Values.secret.files }}{{ $_ := set $data $name $content }}{{ end }}
{{- if $data }}{{ toYaml $data }}{{ end }}
{{- end }}

{{/* Whether a pod keeps models, and so may have to fetch them. */}}
{{- define "vgate.modelCache" -}}
{{- if or .Values.gateway.modelCache.enabled (and .Values.workers.enabled .Values.workers.modelCache.enabled) }}yes{{ end }}
{{- end }}

{{/* Which keys of it the pods read: what asks for each, and the value that would make it. */}}
{{- define "vgate.secret.needed" -}}
{{- $needed := dict }}
{{- if .Values.apiKeys.enabled }}{{ $_ := set $needed "api-keys" (dict "by" "apiKeys.enabled" "value" "apiKeys.keys") }}{{ end }}
{{- if .Values.admin.enabled }}{{ $_ := set $needed "admin-token" (dict "by" "admin.enabled" "value" "admin.token") }}{{ end }}
{{- if and .Values.workerKey.enabled .Values.workers.enabled }}{{ $_ := set $needed "worker-key" (dict "by" "workerKey.enabled" "value" "workerKey.value") }}{{ end }}
{{- if .Values.huggingFace.enabled }}{{ $_ := set $needed "hf-token" (dict "by" "huggingFace.enabled" "value" "huggingFace.token") }}{{ end }}
{{- $config := include "vgate.gateway.config" . | fromYaml }}
{{- range list "cache" "limits" }}
  {{- if and (include "vgate.usesRedis" (dict "config" $config "group" .)) (not $.Values.redis.enabled) }}
    {{- $_ := set $needed "redis-url" (dict "by" (printf "config.%s = redis" .) "value" "redis.url, redis.enabled=true") }}
  {{- end }}
{{- end }}
{{- range .Values.gateway.secretFiles }}{{ $_ := set $needed . (dict "by" (printf "gateway.secretFiles, %s" .) "value" (printf "secret.files.%s" .)) }}{{ end }}
{{- if $needed }}{{ toYaml $needed }}{{ end }}
{{- end }}

{{/* Of what the chart's own Secret holds, that which this pod reads: changed, the pod is another. Of {root, component}. */}}
{{- define "vgate.secret.read" -}}
{{- $data := include "vgate.secret.data" .root | fromYaml }}
{{- $files := include "vgate.secret.mounted" . | fromYamlArray }}
{{- $variables := ternary (list "api-keys" "redis-url" "hf-token") (list "hf-token") (eq .component "gateway") }}
{{- $read := dict }}
{{- range concat $files $variables }}
  {{- if hasKey $data . }}{{ $_ := set $read . (index $data .) }}{{ end }}
{{- end }}
{{- if $read }}{{ toYaml $read }}{{ end }}
{{- end }}

{{/* The keys that a gateway's or a worker's pod has as files, in /etc/vgate/secrets. Of {root, component}. */}}
{{- define "vgate.secret.mounted" -}}
{{- $files := list }}
{{- $gateway := eq .component "gateway" }}
{{- if and $gateway .root.Values.admin.enabled }}{{ $files = append $files "admin-token" }}{{ end }}
{{- if and .root.Values.workerKey.enabled .root.Values.workers.enabled }}{{ $files = append $files "worker-key" }}{{ end }}
{{- if $gateway }}{{ $files = concat $files .root.Values.gateway.secretFiles }}{{ end }}
{{- if $files }}{{ toYaml (uniq $files) }}{{ end }}
{{- end }}
