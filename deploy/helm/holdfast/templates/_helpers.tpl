{{- define "holdfast.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "holdfast.config" -}}
{{- $shared := dict "url" .Values.shared.url "prefix" (printf "holdfast-%s" .Release.Name) "advertise" "http://${env:POD_IP}:8000" -}}
{{- if .Values.shared.passwordSecret.name -}}
{{- $_ := set $shared "password" "${env:HOLDFAST_STORE_PASSWORD}" -}}
{{- end -}}
{{- $ours := dict "server" (dict "host" "0.0.0.0" "port" 8000 "drainDelay" .Values.drainDelay) "storage" (dict "shared" $shared) -}}
{{- mergeOverwrite (deepCopy .Values.config) $ours | toPrettyJson -}}
{{- end }}
