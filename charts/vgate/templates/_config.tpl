{{/*
What a V-Gate reads at VGATE_CONFIG_PATH. Values carry it as users write it: nested (`server: {port: 8000}`), dotted
(`server.port: 8000`), or both. It is rendered dotted, since only so a group's option (`cache: redis`) and its keys
(`cache.ttl_s: 60`) can stand in one file.
*/}}

{{/* Sections as V-Gate's own `flatten` reads them. Of {from, prefix, into, where}; fills `into`. */}}
{{- define "vgate.flatten" -}}
{{- range $key, $value := .from }}
  {{- $name := printf "%s%s" $.prefix $key }}
  {{- if and (kindIs "map" $value) $value (ne $key "extra_args") }}
    {{- include "vgate.flatten" (dict "from" $value "prefix" (printf "%s." $name) "into" $.into "where" $.where) }}
  {{- else if hasKey $.into $name }}
    {{- fail (printf "%s: %s is there twice, nested and dotted" $.where $name) }}
  {{- else }}
    {{- $_ := set $.into $name $value }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What the chart itself must know of a server: these stand in every file. Of {from, where}. */}}
{{- define "vgate.config.base" -}}
{{- $said := dict }}
{{- include "vgate.flatten" (dict "from" .from "prefix" "" "into" $said "where" .where) }}
{{- range $key, $value := dict "server.host" "0.0.0.0" "server.port" 8000 "server.drain_delay_s" 5 "server.shutdown_grace_s" 30 }}
  {{- if not (hasKey $said $key) }}
    {{- $_ := set $said $key $value }}
  {{- end }}
{{- end }}
{{- toYaml $said }}
{{- end }}

{{/*
Settings that other values make. Said in config too, and otherwise, one would be lost without a word: refused; nothing of it
is shown, for it may be secret. Of {config, settings, where, by}; changes `config`.
*/}}
{{- define "vgate.config.say" -}}
{{- range $key, $value := .settings }}
  {{- if and (hasKey $.config $key) (ne (toJson (index $.config $key)) (toJson $value)) }}
    {{- fail (printf "%s.%s: %s says otherwise; take one of them out" $.where $key $.by) }}
  {{- end }}
  {{- $_ := set $.config $key $value }}
{{- end }}
{{- end }}

{{- define "vgate.gateway.config" -}}
{{- $config := include "vgate.config.base" (dict "from" .Values.config "where" "config") | fromYaml }}
{{- if .Values.workers.enabled }}
  {{- $_ := set $config "engine" "upstream" }}
  {{- include "vgate.gateway.workers" (dict "root" . "config" $config) }}
{{- end }}
{{- if .Values.apiKeys.enabled }}
  {{- include "vgate.config.say" (dict "config" $config "settings" (dict "security" "keys") "where" "config" "by" "apiKeys.enabled") }}
{{- end }}
{{- if .Values.admin.enabled }}
  {{- $settings := dict "admin" "http" "admin.token_file" "/etc/vgate/secrets/admin-token" }}
  {{- include "vgate.config.say" (dict "config" $config "settings" $settings "where" "config" "by" "admin.enabled") }}
{{- end }}
{{- if .Values.gateway.tlsSecret }}
  {{- $settings := dict "server.tls.cert_file" "/etc/vgate/tls/tls.crt" "server.tls.key_file" "/etc/vgate/tls/tls.key" }}
  {{- include "vgate.config.say" (dict "config" $config "settings" $settings "where" "config" "by" "gateway.tlsSecret") }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* Where the gateways find the workers. Of {root, config}; changes `config`. */}}
{{- define "vgate.gateway.workers" -}}
{{- $port := include "vgate.workers.port" .root }}
{{- $service := include "vgate.workers.name" .root }}
{{- $key := ternary (dict "key_file" "/etc/vgate/secrets/worker-key") (dict) .root.Values.workerKey.enabled }}
{{- if eq .root.Values.workers.discovery "list" }}
  {{- $list := list }}
  {{- range $i := until (int .root.Values.workers.replicas) }}
    {{- $url := printf "http://%s-%d.%s:%s" $service $i $service $port }}
    {{- $list = append $list (merge (dict "name" (printf "worker-%d" $i) "url" $url) $key) }}
  {{- end }}
  {{- $_ := set .config "engine.workers" $list }}
{{- else }}
  {{- $_ := set .config "engine.workers_dns" (printf "%s:%s" $service $port) }}
  {{- $most := ternary .root.Values.workers.replicas .root.Values.workers.autoscaling.maxReplicas (eq .root.Values.workers.autoscaling.kind "none") }}
  {{- if not (hasKey .config "engine.dns.max_workers") }}
    {{- $_ := set .config "engine.dns.max_workers" (max 64 $most) }}
  {{- end }}
  {{- range $name, $value := $key }}
    {{- $settings := dict (printf "engine.dns.%s" $name) $value }}
    {{- include "vgate.config.say" (dict "config" $.config "settings" $settings "where" "config" "by" "workerKey.enabled") }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "vgate.workers.config" -}}
{{- $config := include "vgate.config.base" (dict "from" .Values.workers.config "where" "workers.config") | fromYaml }}
{{- if .Values.workerKey.enabled }}
  {{- $keys := list (dict "name" "gateway" "key_file" "/etc/vgate/secrets/worker-key") }}
  {{- $settings := dict "security" "keys" "security.api_keys" $keys "security.rate_limiting.enabled" false }}
  {{- include "vgate.config.say" (dict "config" $config "settings" $settings "where" "workers.config" "by" "workerKey.enabled") }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- define "vgate.workers.port" -}}
{{- $config := include "vgate.config.base" (dict "from" .Values.workers.config "where" "workers.config") | fromYaml }}
{{- index $config "server.port" | int }}
{{- end }}

{{/* "redis" where this group keeps its things there. Of {config, group}. */}}
{{- define "vgate.usesRedis" -}}
{{- if eq (toString (index .config .group)) "redis" }}redis{{ end }}
{{- end }}

{{- define "vgate.redis.url" -}}
redis://{{ include "vgate.redis.name" . }}:6379/0
{{- end }}

{{/* Seconds that a pod takes to end whose streams take all the time that they may. Of {config, values}. */}}
{{- define "vgate.stopSeconds" -}}
{{- $delay := ceil (index .config "server.drain_delay_s") }}
{{- $grace := ceil (index .config "server.shutdown_grace_s") }}
{{- add (int .values.preStopSeconds) (int64 $delay) (int64 $grace) }}
{{- end }}

{{/* Seconds from the pod's end being decided to its being killed. Of {config, values}. */}}
{{- define "vgate.terminationGrace" -}}
{{- default (add (include "vgate.stopSeconds" . | int) 15) .values.terminationGracePeriodSeconds | int }}
{{- end }}
