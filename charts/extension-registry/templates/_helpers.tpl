{{/* Name of the release's objects. */}}
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

{{/* Namespace of the Secrets that cluster records refer to. */}}
{{- define "extension-registry.recordsNamespace" -}}
{{- .Values.recordsNamespace.name -}}
{{- end -}}

{{- define "extension-registry.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "extension-registry.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* User name of the operator's service account. */}}
{{- define "extension-registry.account" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "extension-registry.serviceAccount" . }}
{{- end -}}

{{/* The operator's account, as subject of a binding. */}}
{{- define "extension-registry.subject" -}}
- kind: ServiceAccount
  name: {{ include "extension-registry.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "extension-registry.webhookService" -}}
{{ include "extension-registry.fullname" . }}-webhook
{{- end -}}

{{- define "extension-registry.webhookHost" -}}
{{ include "extension-registry.webhookService" . }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{- define "extension-registry.certificateSecret" -}}
{{ include "extension-registry.fullname" . }}-webhook-certificate
{{- end -}}
