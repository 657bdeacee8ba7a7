{{/* Command-line arguments of the operator. */}}
{{- define "extension-registry.arguments" -}}
- --namespace={{ .Release.Namespace }}
- --records-namespace={{ include "extension-registry.recordsNamespace" . }}
{{- with .Values.zone }}
- --zone={{ . }}
{{- end }}
{{- with .Values.namespaces }}
- --namespaces={{ join "," . }}
{{- end }}
- --unused-grace-seconds={{ int64 .Values.unusedGraceSeconds }}
- --resync-seconds={{ int64 .Values.resyncSeconds }}
- --concurrency={{ int64 .Values.concurrency }}
- --listen=0.0.0.0:8080
- --log-format={{ .Values.log.format }}
{{- if not .Values.policies.enabled }}
- --ignore-authors
{{- end }}
{{- if .Values.leaderElection.enabled }}
- --leader-elect
{{- end }}
{{- if .Values.webhook.enabled }}
- --webhook-listen=0.0.0.0:9443
- --webhook-certificate=/etc/extension-registry/certificate
{{- if include "extension-registry.certificateJob" . }}
# The hook that sets caBundle runs only after the Pods are ready.
- --ready-before-trust
{{- end }}
- --inline-credentials={{ .Values.inlineCredentials }}
{{- end }}
{{- end -}}
