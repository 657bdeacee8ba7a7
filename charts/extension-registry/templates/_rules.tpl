{{/* Rules for namespaced kinds, in a ClusterRole or in a Role of each managed namespace. */}}
{{- define "extension-registry.rules.namespaced" -}}
- apiGroups: [registry.fuseml.io]
  resources: [extensions, workflows, extensionbindings]
  verbs: [get, list, watch]
- apiGroups: [registry.fuseml.io]
  resources: [extensions/status, workflows/status, extensionbindings/status]
  verbs: [patch]
- apiGroups: [registry.fuseml.io]
  resources: [extensionprojections]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [registry.fuseml.io]
  resources: [extensionprojections/status]
  verbs: [patch]
- apiGroups: [registry.fuseml.io]
  resources: [rungates]
  verbs: [get, list, watch, create, patch, delete]
# The garbage collector deletes Pipelines with their workflow.
- apiGroups: [tekton.dev]
  resources: [pipelines]
  verbs: [get, list, watch, create, patch]
# Runs are annotated with their bindings.
- apiGroups: [tekton.dev]
  resources: [pipelineruns]
  verbs: [get, list, watch, patch]
# Secrets are written as a whole and never read. `patch` is not granted, because its response contains the whole object.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, update, delete]
{{ include "extension-registry.rules.events" . }}
{{- end -}}

{{- define "extension-registry.rules.events" -}}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* Rules for cluster-scoped kinds. */}}
{{- define "extension-registry.rules.cluster" -}}
- apiGroups: [registry.fuseml.io]
  resources: [clusterextensions]
  verbs: [get, list, watch]
- apiGroups: [registry.fuseml.io]
  resources: [clusterextensions/status]
  verbs: [patch]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end -}}

{{/* Binding of the operator's ServiceAccount. Argument: list of the root context, kind of the binding, kind of the role,
     name and namespace. */}}
{{- define "extension-registry.binding" -}}
{{- $root := index . 0 -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ index . 1 }}
metadata:
  name: {{ index . 3 }}
  {{- with index . 4 }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "extension-registry.labels" $root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ index . 2 }}
  name: {{ index . 3 }}
subjects:
  {{- include "extension-registry.subject" $root | nindent 2 }}
{{- end -}}
