{{/*
What no schema can say, because it lies between two values: refused with one line that names the key. Included by the
ConfigMap, so that it is always rendered.
*/}}
{{- define "vgate.check" -}}
{{- $gateway := include "vgate.gateway.config" . | fromYaml }}
{{- include "vgate.check.name" . }}
{{- include "vgate.check.engine" . }}
{{- include "vgate.check.server" (dict "config" $gateway "values" .Values.gateway "where" "config" "of" "gateway") }}
{{- include "vgate.check.gateway" (dict "root" . "config" $gateway) }}
{{- include "vgate.check.env" (dict "root" . "component" "gateway" "values" .Values.gateway "config" $gateway) }}
{{- include "vgate.check.secrets" (dict "value" .Values.config "path" "config" "name" "") }}
{{- include "vgate.check.effect" . }}
{{- include "vgate.check.keys" . }}
{{- include "vgate.check.files" (dict "root" . "component" "gateway" "text" (toYaml (list $gateway .Values.apiKeys.keys))) }}
{{- if .Values.workers.enabled }}
  {{- $workers := include "vgate.workers.config" . | fromYaml }}
  {{- include "vgate.check.server" (dict "config" $workers "values" .Values.workers "where" "workers.config" "of" "workers") }}
  {{- include "vgate.check.secrets" (dict "value" .Values.workers.config "path" "workers.config" "name" "") }}
  {{- include "vgate.check.files" (dict "root" . "component" "workers" "text" (toYaml $workers)) }}
  {{- include "vgate.check.workers" (dict "root" . "config" $workers) }}
  {{- include "vgate.check.env" (dict "root" . "component" "workers" "values" .Values.workers "config" $workers) }}
{{- end }}
{{- end }}

{{/* Helm takes release names with dots and digits first; Kubernetes takes no such Service, when half of the release is there. */}}
{{- define "vgate.check.name" -}}
{{- $full := include "vgate.fullname" . }}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $full) }}
  {{- fail (printf "release name %s: no Service may be called %s; set fullnameOverride" .Release.Name $full) }}
{{- end }}
{{- end }}

{{- define "vgate.check.engine" -}}
{{- $said := include "vgate.config.base" (dict "from" .Values.config "where" "config") | fromYaml }}
{{- if .Values.workers.enabled }}
  {{- if not (has (default "upstream" (index $said "engine")) (list "upstream")) }}
    {{- fail (printf "config.engine = %v: is upstream where workers.enabled is true; an engine of the gateway's own needs workers.enabled=false" $said.engine) }}
  {{- end }}
  {{- range list "engine.workers" "engine.workers_file" "engine.workers_dns" }}
    {{- if hasKey $said . }}
      {{- fail (printf "config.%s: the chart says it where workers.enabled is true; with workers of your own set workers.enabled=false" .) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Of either server: what the probes, ports and times that the chart writes rely on. Of {config, values, where, of}. */}}
{{- define "vgate.check.server" -}}
{{- if has (index .config "server.host") (list "127.0.0.1" "localhost" "::1") }}
  {{- fail (printf "%s.server.host = %v: nothing outside the pod could reach it; allowed: 0.0.0.0, ::" .where (index .config "server.host")) }}
{{- end }}
{{- if not (empty (index .config "server.tls.client_ca_file")) }}
  {{- fail (printf "%s.server.tls.client_ca_file: Kubernetes' probes show no certificate, so the pod would never be ready" .where) }}
{{- end }}
{{- if and (index .config "server.tls.cert_file") (not .values.tlsSecret) }}
  {{- fail (printf "%s.server.tls.cert_file: name the Secret of the certificate in gateway.tlsSecret instead; workers speak plain HTTP" .where) }}
{{- end }}
{{- $exempt := index .config "security.exempt_paths" }}
{{- if kindIs "slice" $exempt }}
  {{- range list "/health" "/ready" "/metrics" }}
    {{- if not (has . $exempt) }}
      {{- fail (printf "%s.security.exempt_paths: must hold %s, for probes and Prometheus send no key" $.where .) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- include "vgate.check.times" . }}
{{- include "vgate.check.scaling" . }}
{{- end }}

{{- define "vgate.check.times" -}}
{{- $needed := include "vgate.stopSeconds" . | int }}
{{- if le (include "vgate.terminationGrace" . | int) $needed }}
  {{- fail (printf "%s.terminationGracePeriodSeconds = %v: must be more than %d, preStopSeconds and %s.server's drain_delay_s and shutdown_grace_s together" .of .values.terminationGracePeriodSeconds $needed .where) }}
{{- end }}
{{- $load := index .config "engine.start_timeout_s" }}
{{- if and $load (lt (float64 .values.startupSeconds) (float64 $load)) }}
  {{- fail (printf "%s.startupSeconds = %v: must be at least %s.engine.start_timeout_s = %v" .of .values.startupSeconds .where $load) }}
{{- end }}
{{- end }}

{{- define "vgate.check.scaling" -}}
{{- $scaling := .values.autoscaling }}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) }}
  {{- fail (printf "%s.autoscaling.minReplicas = %v: must be at most maxReplicas = %v" .of $scaling.minReplicas $scaling.maxReplicas) }}
{{- end }}
{{- end }}

{{/* Of a variable that is there twice Kubernetes' patches lose one, sooner or later. Of {root, component, values, config}. */}}
{{- define "vgate.check.env" -}}
{{- $names := list }}
{{- range include "vgate.env" . | fromYamlArray }}
  {{- if has .name $names }}
    {{- fail (printf "%s.env: %s is there already, in the list or by the chart" $.component .name) }}
  {{- end }}
  {{- $names = append $names .name }}
  {{- include "vgate.check.secrets" (dict "value" .value "path" (printf "%s.env.%s" $.component .name) "name" .name) }}
{{- end }}
{{- end }}

{{/* Of {root, config}. */}}
{{- define "vgate.check.gateway" -}}
{{- $values := .root.Values.gateway }}
{{- if and $values.autoscaling.enabled (not (dig "requests" "cpu" "" (default dict $values.resources))) }}
  {{- fail "gateway.resources.requests.cpu: gateway.autoscaling needs it, for it goes by a share of it" }}
{{- end }}
{{- if and $values.modelCache.persistent (or $values.autoscaling.enabled (gt (int $values.replicas) 1)) }}
  {{- fail "gateway.modelCache.persistent = true: one volume is for one gateway; set gateway.replicas=1, or leave the models to workers" }}
{{- end }}
{{- if and $values.modelCache.enabled $values.modelCache.persistent (ne $values.updateStrategy "Recreate") }}
  {{- fail "gateway.updateStrategy = RollingUpdate: must be Recreate with gateway.modelCache.persistent, for the old pod holds the volume that the new one waits for" }}
{{- end }}
{{- if and .root.Values.admin.enabled (ne (toString (default "127.0.0.1" (index .config "admin.host"))) "127.0.0.1") }}
  {{- fail (printf "config.admin.host = %v: must be 127.0.0.1; kubectl port-forward reaches it there, and its token travels unencrypted" (index .config "admin.host")) }}
{{- end }}
{{- end }}

{{/* Of {root, config}. */}}
{{- define "vgate.check.workers" -}}
{{- $values := .root.Values.workers }}
{{- if and (eq $values.discovery "list") (ne $values.autoscaling.kind "none") }}
  {{- fail "workers.discovery = list: with workers.autoscaling must be dns, for a list does not grow" }}
{{- end }}
{{- if eq (toString (index .config "engine")) "upstream" }}
  {{- fail "workers.config.engine = upstream: workers make the tokens; allowed: vllm, dry_run, ..." }}
{{- end }}
{{- end }}

{{/* Nothing secret in a ConfigMap or a pod's own lines, by names and by URLs as vgate.config.secrets has it. Of {value, path, name}: a setting, where it stands and what it is called. */}}
{{- define "vgate.check.secrets" -}}
{{- if kindIs "map" .value }}
  {{- range $key, $inner := .value }}
    {{- include "vgate.check.secrets" (dict "value" $inner "path" (printf "%s.%s" $.path $key) "name" (last (splitList "." $key))) }}
  {{- end }}
{{- else if kindIs "slice" .value }}
  {{- range $i, $inner := .value }}
    {{- include "vgate.check.secrets" (dict "value" $inner "path" (printf "%s[%d]" $.path $i) "name" $.name) }}
  {{- end }}
{{- else if not (empty .value) }}
  {{- $named := regexMatch "(?i)(key|passw|passphrase|pwd|secret|credential|authorization|bearer|cookie|^hash$|token$|(access|api|auth|hf)_?tokens$)" .name }}
  {{- $place := regexMatch "(?i)(^num_|_(file|env)$|^(bos|eos|pad|unk|sep|cls|mask)_token$)" .name }}
  {{- $header := regexMatch "(^|\\.)headers(\\.|\\[|$)" .path }}
  {{- $url := regexMatch "^[A-Za-z][A-Za-z0-9+.-]*://[^/]*@" (toString .value) }}
  {{- if and (not (kindIs "bool" .value)) (or (and $named (not $place)) $header $url) }}
    {{- fail (printf "%s: is secret and would lie open in the cluster; give it by the Secret: apiKeys, admin, workerKey, redis, secret.files, or gateway.env with a secretKeyRef" .path) }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What is read from /etc/vgate/secrets lies there. Of {root, component, text}. */}}
{{- define "vgate.check.files" -}}
{{- $there := include "vgate.secret.mounted" . | fromYamlArray }}
{{- range regexFindAll "/etc/vgate/secrets/[A-Za-z0-9_.-]+" .text -1 }}
  {{- if not (has (base .) $there) }}
    {{- fail (printf "%s: no such file there; name %s in gateway.secretFiles" . (base .)) }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What stands in values has an effect: an API key that is given and not asked for would be an open door. */}}
{{- define "vgate.check.effect" -}}
{{- if and .Values.redis.enabled .Values.redis.url }}
  {{- fail "redis.url: has no effect with redis.enabled=true; take one of them out" }}
{{- end }}
{{- if and .Values.workerKey.enabled (not .Values.workers.enabled) }}
  {{- fail "workerKey.enabled = true: has no effect with workers.enabled=false" }}
{{- end }}
{{- if and .Values.huggingFace.enabled (not (include "vgate.modelCache" .)) }}
  {{- fail "huggingFace.enabled = true: has no effect where no modelCache is enabled" }}
{{- end }}
{{- include "vgate.check.memory" .Values.redis }}
{{- $config := include "vgate.gateway.config" . | fromYaml }}
{{- $used := list }}
{{- range list "cache" "limits" }}{{ $used = append $used (include "vgate.usesRedis" (dict "config" $config "group" .)) }}{{ end }}
{{- if and .Values.redis.enabled (not (has "redis" $used)) }}
  {{- fail "redis.enabled = true: has no effect without config.cache: redis or config.limits: redis" }}
{{- end }}
{{- $needed := include "vgate.secret.needed" . | fromYaml }}
{{- $ways := dict "api-keys" "apiKeys.keys: has no effect without apiKeys.enabled=true" }}
{{- $_ := set $ways "admin-token" "admin.token: has no effect without admin.enabled=true" }}
{{- $_ := set $ways "worker-key" "workerKey.value: has no effect without workerKey.enabled=true" }}
{{- $_ := set $ways "hf-token" "huggingFace.token: has no effect without huggingFace.enabled=true" }}
{{- $_ := set $ways "redis-url" "redis.url: has no effect without config.cache: redis or config.limits: redis" }}
{{- range $key, $_ := include "vgate.secret.data" . | fromYaml }}
  {{- if not (hasKey $needed $key) }}
    {{- fail (default (printf "secret.files.%s: has no effect without gateway.secretFiles naming it" $key) (index $ways $key)) }}
  {{- end }}
{{- end }}
{{- end }}

{{/* A Redis that may keep more than its pod may have is killed when it is full. Of values.redis. */}}
{{- define "vgate.check.memory" -}}
{{- $limit := toString (dig "limits" "memory" "" (default dict .resources)) }}
{{- if regexMatch "^[0-9]+(Ki|Mi|Gi)$" $limit }}
  {{- $kib := dict "kb" 1 "mb" 1024 "gb" 1048576 "Ki" 1 "Mi" 1024 "Gi" 1048576 }}
  {{- $size := mul (regexFind "^[0-9]+" .maxmemory | int64) (index $kib (regexFind "[a-z]+$" .maxmemory)) }}
  {{- if ge $size (mul (regexFind "^[0-9]+" $limit | int64) (index $kib (regexFind "[A-Za-z]+$" $limit))) }}
    {{- fail (printf "redis.maxmemory = %s: must be less than redis.resources.limits.memory = %s" .maxmemory $limit) }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What is switched on has its key in the Secret, as far as the chart makes it. */}}
{{- define "vgate.check.keys" -}}
{{- $made := include "vgate.secret.data" . | fromYaml }}
{{- if and .Values.secret.existing $made }}
  {{- fail (printf "secret.existing = %s: the values of it are in that Secret then; take out %s" .Values.secret.existing (keys $made | sortAlpha | join ", ")) }}
{{- end }}
{{- if gt (len (toYaml .Values.apiKeys.keys)) 130000 }}
  {{- fail (printf "apiKeys.keys: %d keys are more than a variable of a pod can hold, 128 KiB" (len .Values.apiKeys.keys)) }}
{{- end }}
{{- if not .Values.secret.existing }}
  {{- range $key, $needs := include "vgate.secret.needed" . | fromYaml }}
    {{- if not (hasKey $made $key) }}
      {{- fail (printf "%s: needs %s, or the key %s in the Secret that secret.existing names" $needs.by $needs.value $key) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
