{{/* All webhooks by phase, with their names and resources. */}}
{{- define "extension-registry.webhooks" -}}
mutate:
  workflows: [workflows]
  bindings: [extensionbindings]
  records: [extensions, clusterextensions]
validate:
  workflows: [workflows]
  bindings: [extensionbindings]
  records: [extensions, clusterextensions]
{{- end -}}

{{/* Comma-separated names of all webhooks. */}}
{{- define "extension-registry.webhookNames" -}}
{{- $names := list -}}
{{- range $phase, $webhooks := include "extension-registry.webhooks" . | fromYaml -}}
{{- range $name := keys $webhooks | sortAlpha -}}
{{- $names = append $names (printf "%s-%s.registry.fuseml.io" $phase $name) -}}
{{- end -}}
{{- end -}}
{{- join "," $names -}}
{{- end -}}

{{/* A webhook. Argument: list of the root context, phase, name and resources. */}}
{{- define "extension-registry.webhook" -}}
{{- $root := index . 0 -}}
{{- $phase := index . 1 -}}
{{- $path := printf "/%s/%s" $phase (index . 2) -}}
name: {{ $phase }}-{{ index . 2 }}.registry.fuseml.io
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
{{- with $root.Values.webhook.caBundle }}
  caBundle: {{ . }}
{{- end }}
rules:
  - apiGroups: [registry.fuseml.io]
    apiVersions: [v1alpha1]
    operations: [CREATE, UPDATE]
    resources: [{{ join ", " (index . 3) }}]
matchConditions:
  # Labels, finalizers and owners can change while the webhook is down, so that objects can always be deleted. An update
  # without changes calls the webhook, so that `kubectl replace` seals values that were stored without it. So does a
  # server-side apply of a file from which a field was removed that another manager owns: only managedFields change then.
  - name: not-only-labels-finalizers-or-owners
    expression: >-
      oldObject == null
      || object.?spec != oldObject.?spec
      || object.metadata.?annotations.orValue({}) != oldObject.metadata.?annotations.orValue({})
      || (object.metadata.?labels.orValue({}) == oldObject.metadata.?labels.orValue({})
      && object.metadata.?finalizers.orValue([]) == oldObject.metadata.?finalizers.orValue([])
      && object.metadata.?ownerReferences.orValue([]) == oldObject.metadata.?ownerReferences.orValue([]))
      || oldObject.metadata.?managedFields.orValue([]).exists(before, before.?operation.orValue('') == 'Apply'
      && before.?manager.orValue('') == request.?options.?fieldManager.orValue('')
      && !object.metadata.?managedFields.orValue([]).exists(after, after.?operation.orValue('') == 'Apply'
      && after.?manager.orValue('') == before.?manager.orValue('')
      && after.?fieldsV1[?'f:spec'] == before.?fieldsV1[?'f:spec']))
admissionReviewVersions: [v1]
failurePolicy: Fail
matchPolicy: Equivalent
timeoutSeconds: {{ $root.Values.webhook.timeoutSeconds }}
{{- with $root.Values.namespaces }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: In
      values:
        {{- range append . $root.Release.Namespace | uniq }}
        - {{ . }}
        {{- end }}
{{- end }}
sideEffects: None
{{- if eq $phase "mutate" }}
reinvocationPolicy: IfNeeded
{{- end }}
{{- end -}}

{{/* Labels and annotations of the certificate hooks. Argument: list of the root context, hook events and weight. */}}
{{- define "extension-registry.certificateHook" -}}
labels:
  {{- include "extension-registry.labels" (index . 0) | nindent 2 }}
  app.kubernetes.io/component: certificate
annotations:
  helm.sh/hook: {{ index . 1 }}
  helm.sh/hook-weight: {{ index . 2 | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
  helm.sh/hook-output-log-policy: hook-failed
{{- end -}}
