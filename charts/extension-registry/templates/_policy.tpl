{{/* Head of a policy: list of root and the last part of its name. The binding denies. */}}
{{- define "extension-registry.policyName" -}}
{{- $root := index . 0 -}}
{{ include "extension-registry.fullname" $root }}-{{ index . 1 }}
{{- end -}}

{{- define "extension-registry.policyHead" -}}
{{- $root := index . 0 -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ include "extension-registry.policyName" . }}
  labels:
    {{- include "extension-registry.labels" $root | nindent 4 }}
{{- end -}}

{{/* The binding of a policy. A third element "params" hands it every Workflow of the namespace. */}}
{{- define "extension-registry.policyBinding" -}}
{{- $root := index . 0 -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "extension-registry.policyName" . }}
  labels:
    {{- include "extension-registry.labels" $root | nindent 4 }}
spec:
  policyName: {{ include "extension-registry.policyName" . }}
  validationActions: [Deny]
{{- if eq (len .) 3 }}
  paramRef:
    selector: {}
    parameterNotFoundAction: Allow
{{- end }}
{{- end -}}

{{/* Whether the operator asks: a match condition. */}}
{{- define "extension-registry.policyIsOperator" -}}
- name: is-the-operator
  expression: request.userInfo.username == '{{ include "extension-registry.account" . }}'
{{- end -}}

{{- define "extension-registry.policyIsNotOperator" -}}
- name: is-not-the-operator
  expression: request.userInfo.username != '{{ include "extension-registry.account" . }}'
{{- end -}}

{{/* The accounts of the controller manager that collect garbage and end namespaces. */}}
{{- define "extension-registry.policyCollectors" -}}
['system:serviceaccount:kube-system:generic-garbage-collector', 'system:serviceaccount:kube-system:namespace-controller', 'system:kube-controller-manager']
{{- end -}}

{{/* The accounts of the engine's controllers. */}}
{{- define "extension-registry.policyEngines" -}}
[{{ range $index, $account := .Values.engine.accounts }}{{ if $index }}, {{ end }}'{{ $account }}'{{ end }}]
{{- end -}}

{{/* The label of a Pipeline that is bound to credentials of one person, and of what comes of it; empty without one. To be
     written behind `object.` or `oldObject.` */}}
{{- define "extension-registry.policyPersonalLabel" -}}
metadata.?labels['registry.fuseml.io/personal'].orValue('')
{{- end -}}
