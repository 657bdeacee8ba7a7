{{/* Where the API server finds a webhook: list of root and path. The operator writes caBundle, which an upgrade leaves alone. */}}
{{- define "extension-registry.clientConfig" -}}
{{- $root := index . 0 -}}
{{- $path := index . 1 -}}
clientConfig:
{{- if $root.Values.webhook.url }}
  url: {{ printf "%s%s" $root.Values.webhook.url $path | quote }}
{{- else }}
  service:
    name: {{ include "extension-registry.webhookService" $root }}
    namespace: {{ $root.Release.Namespace }}
    path: {{ $path }}
    port: 443
{{- end }}
{{- end -}}

{{/* What both webhooks of a kind have in common. */}}
{{- define "extension-registry.webhookCommon" -}}
admissionReviewVersions: [v1]
failurePolicy: Fail
matchPolicy: Equivalent
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
{{- with .Values.namespaces }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: In
      values:
        {{- range append . $.Release.Namespace | uniq }}
        - {{ . }}
        {{- end }}
{{- end }}
{{- end -}}

{{- define "extension-registry.webhookRule" -}}
rules:
  - apiGroups: [registry.fuseml.io]
    apiVersions: [v1alpha1]
    operations: [CREATE, UPDATE]
    resources: [{{ join ", " . }}]
{{- end -}}

{{- define "extension-registry.webhookAnnotations" -}}
{{- if .Values.webhook.certManager.enabled }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "extension-registry.certificateSecret" . }}
{{- end }}
{{- end -}}
