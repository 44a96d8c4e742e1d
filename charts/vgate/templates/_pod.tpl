{{/* The pod of a server. Of {root, component, values, config}: "gateway" or "workers" and what goes with it. */}}
{{- define "vgate.pod" -}}
metadata:
  labels:
    {{- include "vgate.selector" . | nindent 4 }}
    {{- with .values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Another configuration or another key is another pod.
    checksum/config: {{ toYaml .config | sha256sum | quote }}
    {{- with include "vgate.secret.read" . }}
    checksum/secret: {{ sha256sum . | quote }}
    {{- end }}
    {{- with .values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "vgate.serviceAccount.name" .root | quote }}
  automountServiceAccountToken: false
  # Variables such as VGATE_REDIS_PORT, which Kubernetes makes of Services' names, would be taken for settings.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "vgate.terminationGrace" . }}
  securityContext:
    {{- include "vgate.podSecurity" .root | nindent 4 }}
  {{- with .values.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with .values.runtimeClassName }}
  runtimeClassName: {{ . | quote }}
  {{- end }}
  {{- with .values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .values.topologySpread.enabled }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: {{ .values.topologySpread.topologyKey | quote }}
      whenUnsatisfiable: {{ .values.topologySpread.whenUnsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "vgate.selector" . | nindent 10 }}
  {{- end }}
  containers:
    - name: vgate
      {{- include "vgate.container" . | nindent 6 }}
  volumes:
    {{- include "vgate.volumes" . | nindent 4 }}
{{- end }}

{{- define "vgate.podSecurity" -}}
runAsNonRoot: true
{{- range $name, $id := .Values.podSecurity }}
{{- with $id }}
{{ $name }}: {{ int64 . }}
{{- end }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "vgate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "vgate.container" -}}
image: {{ include "vgate.image" (dict "root" .root "image" .values.image) | quote }}
imagePullPolicy: {{ .values.image.pullPolicy }}
# As the images' entrypoint, but without their arguments, which would be stronger than the file.
command: [python3, -m, vgate.serve]
env:
  {{- include "vgate.env" . | nindent 2 }}
ports:
  - name: http
    containerPort: {{ index .config "server.port" | int }}
    protocol: TCP
{{- include "vgate.probes" . }}
lifecycle:
  preStop:
    # The pod leaves its Services as this begins, for it is no longer ready; SIGTERM comes when everybody knows.
    sleep:
      seconds: {{ .values.preStopSeconds }}
securityContext:
  {{- include "vgate.containerSecurity" . | nindent 2 }}
{{- with .values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - {name: config, mountPath: /etc/vgate/config, readOnly: true}
  {{- if include "vgate.secret.mounted" . }}
  - {name: secrets, mountPath: /etc/vgate/secrets, readOnly: true}
  {{- end }}
  {{- if .values.tlsSecret }}
  - {name: tls, mountPath: /etc/vgate/tls, readOnly: true}
  {{- end }}
  - {name: tmp, mountPath: /tmp}
  {{- if .values.modelCache.enabled }}
  - {name: models, mountPath: /var/lib/vgate}
  {{- end }}
  {{- if .values.shmSize }}
  - {name: shm, mountPath: /dev/shm}
  {{- end }}
{{- end }}

{{/*
While a model loads, only /ready says how far it is, and nothing else looks at the pod; so it may take startupSeconds.
A gateway is not to be restarted because its workers load: it has started when it answers.
*/}}
{{- define "vgate.probes" -}}
{{- $upstream := eq (toString (index .config "engine")) "upstream" }}
{{- $scheme := ternary "HTTPS" "HTTP" (not (empty .values.tlsSecret)) }}
startupProbe:
  httpGet: {path: {{ ternary "/health" "/ready" $upstream }}, port: http, scheme: {{ $scheme }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: {{ div (add (int .values.startupSeconds) 4) 5 }}
readinessProbe:
  httpGet: {path: /ready, port: http, scheme: {{ $scheme }}}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
# An engine that has died is restarted by V-Gate, and /health stays good meanwhile: a restart here would load it anew.
livenessProbe:
  httpGet: {path: /health, port: http, scheme: {{ $scheme }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{- define "vgate.env" -}}
- {name: VGATE_CONFIG_PATH, value: /etc/vgate/config/vgate.yaml}
# The images set these two, and a variable is stronger than the file.
- {name: VGATE_SERVER__HOST, value: {{ index .config "server.host" | quote }}}
- {name: VGATE_SERVER__PORT, value: {{ index .config "server.port" | int | quote }}}
{{- if eq .component "gateway" }}
{{- if .root.Values.apiKeys.enabled }}
- name: VGATE_SECURITY__API_KEYS
  valueFrom:
    secretKeyRef: {name: {{ include "vgate.secret.name" .root | quote }}, key: api-keys}
{{- end }}
{{- range list "cache" "limits" }}
{{- if include "vgate.usesRedis" (dict "config" $.config "group" .) }}
- name: {{ printf "VGATE_%s__URL" (upper .) }}
  {{- if $.root.Values.redis.enabled }}
  value: {{ include "vgate.redis.url" $.root }}
  {{- else }}
  valueFrom:
    secretKeyRef: {name: {{ include "vgate.secret.name" $.root | quote }}, key: redis-url}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if .values.modelCache.enabled }}
# Whatever writes beside its home (vLLM, Triton, Hugging Face) writes there; the root file system is read-only.
- {name: HOME, value: /var/lib/vgate}
- {name: HF_HOME, value: /var/lib/vgate/huggingface}
{{- if .root.Values.huggingFace.enabled }}
- name: HF_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ include "vgate.secret.name" .root | quote }}, key: hf-token}
{{- end }}
{{- else }}
- {name: HOME, value: /tmp}
{{- end }}
{{- with .values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* 288 is 0440: readable for the pod's group, fsGroup. */}}
{{- define "vgate.volumes" -}}
- name: config
  configMap:
    name: {{ printf "%s-%s" (include "vgate.fullname" .root) .component | quote }}
{{- with include "vgate.secret.mounted" . }}
- name: secrets
  secret:
    secretName: {{ include "vgate.secret.name" $.root | quote }}
    defaultMode: 288
    items:
      {{- range fromYamlArray . }}
      - {key: {{ . | quote }}, path: {{ . | quote }}}
      {{- end }}
{{- end }}
{{- with .values.tlsSecret }}
- name: tls
  secret:
    secretName: {{ . | quote }}
    defaultMode: 288
{{- end }}
- name: tmp
  emptyDir: {sizeLimit: {{ .values.tmpSize }}}
{{- with .values.shmSize }}
- name: shm
  emptyDir: {medium: Memory, sizeLimit: {{ . }}}
{{- end }}
{{- if .values.modelCache.enabled }}
{{- if not .values.modelCache.persistent }}
- name: models
  emptyDir: {sizeLimit: {{ .values.modelCache.size }}}
{{- else if eq .component "gateway" }}
- name: models
  persistentVolumeClaim:
    claimName: {{ include "vgate.fullname" .root }}-models
{{- end }}
{{- end }}
{{- end }}
