{{/* Full name of the release, a prefix of all objects. */}}
{{- define "extension-registry.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "extension-registry.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "extension-registry.labels" -}}
{{ include "extension-registry.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Namespace of the Secrets that cluster-scoped records refer to. */}}
{{- define "extension-registry.recordsNamespace" -}}
{{- .Values.recordsNamespace.name -}}
{{- end -}}

{{- define "extension-registry.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "extension-registry.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is required if serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* User name of the operator's ServiceAccount. */}}
{{- define "extension-registry.account" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "extension-registry.serviceAccount" . }}
{{- end -}}

{{/* The operator's ServiceAccount as the subject of a binding. */}}
{{- define "extension-registry.subject" -}}
- kind: ServiceAccount
  name: {{ include "extension-registry.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "extension-registry.webhookService" -}}
{{ include "extension-registry.fullname" . }}-webhook
{{- end -}}

{{/* Host name or IP address that the API server uses to call the webhook. */}}
{{- define "extension-registry.webhookHost" -}}
{{- if .Values.webhook.url -}}
{{ get (urlParse .Values.webhook.url) "hostname" }}
{{- else -}}
{{ include "extension-registry.webhookService" . }}.{{ .Release.Namespace }}.svc
{{- end -}}
{{- end -}}

{{/* Name of the Secret with the serving certificate. */}}
{{- define "extension-registry.certificateSecret" -}}
{{- default (printf "%s-webhook-certificate" (include "extension-registry.fullname" .)) .Values.webhook.certificateSecret -}}
{{- end -}}

{{/* Not empty if a hook Job issues the serving certificate. */}}
{{- define "extension-registry.certificateJob" -}}
{{- if and .Values.webhook.enabled (not .Values.webhook.certManager.enabled) (not .Values.webhook.caBundle) -}}
true
{{- end -}}
{{- end -}}

{{- define "extension-registry.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{/* Pod security context of Pods that run the operator image. */}}
{{- define "extension-registry.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "extension-registry.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Scheduling constraints of these Pods. */}}
{{- define "extension-registry.scheduling" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
