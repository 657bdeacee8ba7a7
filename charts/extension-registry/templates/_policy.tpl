{{/* Name of a policy. Argument: list of the root context and a suffix. */}}
{{- define "extension-registry.policyName" -}}
{{- $root := index . 0 -}}
{{ include "extension-registry.fullname" $root }}-{{ index . 1 }}
{{- end -}}

{{/* Header of a policy. Argument: list of the root context, a suffix of its name and, optionally, its kind. */}}
{{- define "extension-registry.policyHead" -}}
{{- $root := index . 0 -}}
apiVersion: admissionregistration.k8s.io/v1
kind: {{ if eq (len .) 3 }}{{ index . 2 }}{{ else }}ValidatingAdmissionPolicy{{ end }}
metadata:
  name: {{ include "extension-registry.policyName" . }}
  labels:
    {{- include "extension-registry.labels" $root | nindent 4 }}
  {{- include "extension-registry.policyKept" . | nindent 2 }}
{{- end -}}

{{/* User-scoped Secrets outlive the release, so the policies that protect them are kept as well. */}}
{{- define "extension-registry.policyKept" -}}
{{- if has (index . 1) (list "run-by" "run-templates" "run-integrity" "pipelines" "user-secrets" "user-secret-pods" "user-secret-requests" "operator-kinds") -}}
annotations:
  helm.sh/resource-policy: keep
{{- end -}}
{{- end -}}

{{/* Binding of a policy. An optional third element is the parameterNotFoundAction of a policy with the RunGate of the
     namespace as parameter, or "MutatingAdmissionPolicy" for a mutating policy. */}}
{{- define "extension-registry.policyBinding" -}}
{{- $root := index . 0 -}}
{{- $third := "" -}}
{{- if eq (len .) 3 }}{{ $third = index . 2 }}{{ end -}}
apiVersion: admissionregistration.k8s.io/v1
kind: {{ if eq $third "MutatingAdmissionPolicy" }}MutatingAdmissionPolicyBinding{{ else }}ValidatingAdmissionPolicyBinding{{ end }}
metadata:
  name: {{ include "extension-registry.policyName" . }}
  labels:
    {{- include "extension-registry.labels" $root | nindent 4 }}
  {{- include "extension-registry.policyKept" . | nindent 2 }}
spec:
  policyName: {{ include "extension-registry.policyName" . }}
{{- if ne $third "MutatingAdmissionPolicy" }}
  validationActions: [Deny]
{{- if $third }}
  paramRef:
    name: extension-registry
    parameterNotFoundAction: {{ $third }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "extension-registry.policyRunGate" -}}
paramKind:
  apiVersion: registry.fuseml.io/v1alpha1
  kind: RunGate
{{- end -}}

{{/* Match condition: the requester is the operator. */}}
{{- define "extension-registry.policyIsOperator" -}}
- name: is-the-operator
  expression: request.userInfo.username == '{{ include "extension-registry.account" . }}'
{{- end -}}

{{- define "extension-registry.policyIsNotOperator" -}}
- name: is-not-the-operator
  expression: request.userInfo.username != '{{ include "extension-registry.account" . }}'
{{- end -}}

{{/* Service accounts of the garbage collector and the namespace controller. */}}
{{- define "extension-registry.policyCollectors" -}}
['system:serviceaccount:kube-system:generic-garbage-collector', 'system:serviceaccount:kube-system:namespace-controller', 'system:kube-controller-manager']
{{- end -}}

{{/* Service accounts of the pipeline engine. */}}
{{- define "extension-registry.policyEngines" -}}
[{{ range $index, $account := .Values.engine.accounts }}{{ if $index }}, {{ end }}'{{ $account }}'{{ end }}]
{{- end -}}

{{/* Accounts of the engine's resolvers. */}}
{{- define "extension-registry.policyResolvers" -}}
[{{ range $index, $account := .Values.engine.resolvers }}{{ if $index }}, {{ end }}'{{ $account }}'{{ end }}]
{{- end -}}

{{/* Pattern of the name of a user-scoped Secret anywhere in a string. */}}
{{- define "extension-registry.policyUserSecretPattern" -}}
'(^|[^-.a-z0-9])ext-u-'
{{- end -}}

{{/* Not empty if a MutatingAdmissionPolicy stamps identities. */}}
{{- define "extension-registry.policyMutates" -}}
{{- $stamp := .Values.policies.stampIdentity -}}
{{- if not .Values.policies.enabled -}}
{{- else if eq $stamp "auto" -}}
{{- if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}true{{- end -}}
{{- else if eq $stamp "always" -}}true{{- end -}}
{{- end -}}

{{/* The user on whose behalf an object acts. Argument: object or oldObject. */}}
{{- define "extension-registry.policyBehalf" -}}
{{ . }}.metadata.?annotations['registry.fuseml.io/on-behalf-of'].orValue('')
{{- end -}}

{{/* Variables for the identity stamp of an object. Argument: list of the annotation and an expression that is true if
     this request sets the stamp. `annotation` contains the user, `annotation-groups` the groups, one per line. */}}
{{- define "extension-registry.policyStamp" -}}
{{- $annotation := index . 0 -}}
- name: annotations
  expression: "object.metadata.?annotations.orValue({})"
- name: oldAnnotations
  expression: "oldObject == null ? {} : oldObject.metadata.?annotations.orValue({})"
- name: behalf
  expression: "{{ include "extension-registry.policyBehalf" "object" }}"
- name: moves
  expression: >-
    {{ index . 1 }}
- name: user
  expression: "variables.annotations[?'registry.fuseml.io/{{ $annotation }}'].orValue('')"
- name: groups
  expression: "variables.annotations[?'registry.fuseml.io/{{ $annotation }}-groups'].orValue('')"
- name: oldUser
  expression: "variables.oldAnnotations[?'registry.fuseml.io/{{ $annotation }}'].orValue('')"
- name: oldGroups
  expression: "variables.oldAnnotations[?'registry.fuseml.io/{{ $annotation }}-groups'].orValue('')"
{{- end -}}

{{/* Mutation that writes the stamp. An object without a stamp that gets none is not modified. It is a JSON patch, so that
     a value of the wrong type in another field still reaches schema validation. */}}
{{- define "extension-registry.policyStampMutation" -}}
- patchType: JSONPatch
  jsonPatch:
    expression: >-
      variables.newUser == '' && variables.user == '' && variables.groups == '' ? []
      : (has(object.metadata.annotations) ? [] : [JSONPatch{op: 'add', path: '/metadata/annotations', value: {}}])
      + [JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('registry.fuseml.io/{{ . }}'), value: variables.newUser},
      JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('registry.fuseml.io/{{ . }}-groups'), value: variables.newGroups}]
{{- end -}}

{{- define "extension-registry.policyStampValues" -}}
- name: newUser
  expression: "!variables.moves ? variables.oldUser : variables.behalf == '' ? request.userInfo.username : variables.behalf"
# A group with a line break in its name would be read as two groups.
- name: newGroups
  expression: >-
    !variables.moves ? variables.oldGroups
    : variables.behalf in ['', request.userInfo.username]
    ? request.userInfo.?groups.orValue([]).filter(group, !group.contains('\n')).join('\n') : ''
{{- end -}}

{{/* Validations of a stamp: it names the requester, or a user that the requester may impersonate. */}}
{{- define "extension-registry.policyStampValidations" -}}
- expression: "variables.moves || variables.user == variables.oldUser && variables.groups == variables.oldGroups || variables.user == '' && variables.groups == ''"
  message: "metadata.annotations: registry.fuseml.io/{{ . }} and registry.fuseml.io/{{ . }}-groups cannot be changed; hint: do not change these annotations"
- expression: >-
    !variables.moves || variables.user in ['', request.userInfo.username] || variables.user == variables.behalf
  messageExpression: >-
    'metadata.annotations: registry.fuseml.io/{{ . }} must name the requester `' + request.userInfo.username
    + '`; hint: remove the annotation, or set registry.fuseml.io/on-behalf-of to act on behalf of another user'
- expression: >-
    !variables.moves || variables.groups == '' || (variables.user == request.userInfo.username
    && variables.groups.split('\n').all(group, group in request.userInfo.?groups.orValue([])))
  message: "metadata.annotations: registry.fuseml.io/{{ . }}-groups may only list groups of the requester; hint: remove the annotation"
- expression: >-
    !variables.moves || variables.behalf in ['', request.userInfo.username]
    || (variables.behalf.startsWith('system:serviceaccount:') && size(variables.behalf.split(':')) == 4
    ? authorizer.group('').resource('serviceaccounts').namespace(variables.behalf.split(':')[2]).name(variables.behalf.split(':')[3]).check('impersonate').allowed()
    : authorizer.group('').resource('users').name(variables.behalf).check('impersonate').allowed())
  messageExpression: >-
    'metadata.annotations[registry.fuseml.io/on-behalf-of]: `' + request.userInfo.username + '` may not impersonate `'
    + variables.behalf + '`; hint: remove the annotation, or have an administrator grant the verb `impersonate` on that user'
{{- end -}}

{{/* Lists of names of Secrets that the containers of a Pod use. Argument: object or oldObject. */}}
{{- define "extension-registry.policyPodSecrets" -}}
([{{ . }}.spec.?volumes.orValue([]).map(volume, volume.?secret.?secretName.orValue(''))]
+ {{ . }}.spec.?volumes.orValue([]).map(volume, volume.?projected.?sources.orValue([]).map(source, source.?secret.?name.orValue('')))
+ ({{ . }}.spec.?containers.orValue([]) + {{ . }}.spec.?initContainers.orValue([])).map(container,
container.?env.orValue([]).map(variable, variable.?valueFrom.?secretKeyRef.?name.orValue(''))
+ container.?envFrom.orValue([]).map(source, source.?secretRef.?name.orValue('')))
+ {{ . }}.spec.?ephemeralContainers.orValue([]).map(container,
container.?env.orValue([]).map(variable, variable.?valueFrom.?secretKeyRef.?name.orValue(''))
+ container.?envFrom.orValue([]).map(source, source.?secretRef.?name.orValue(''))))
{{- end -}}

{{/* Whether a container of a Pod uses a user-scoped Secret. Argument: object or oldObject. */}}
{{- define "extension-registry.policyPodIsUserScoped" -}}
{{ include "extension-registry.policyPodSecrets" . }}.exists(list, list.exists(name, name.startsWith('ext-u-')))
{{- end -}}

{{/* Not empty if a MutatingAdmissionPolicy injects bindings. */}}
{{- define "extension-registry.policyInjects" -}}
{{- $enabled := toString .Values.injection.enabled -}}
{{- if eq $enabled "auto" -}}
{{- if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}true{{- end -}}
{{- else if eq $enabled "true" -}}true{{- end -}}
{{- end -}}

{{/* Pods that request bindings. The API server evaluates all match conditions for every Pod, so this is a single one. */}}
{{- define "extension-registry.policyInjectionMatch" -}}
matchConstraints:
  resourceRules:
    - apiGroups: [""]
      apiVersions: [v1]
      operations: [CREATE]
      resources: [pods]
matchConditions:
  {{- include "extension-registry.policyRequestsBindings" . | nindent 2 }}
{{- end -}}

{{- define "extension-registry.policyRequestsBindings" -}}
- name: requests-bindings
  expression: "object.metadata.?annotations['registry.fuseml.io/bind'].orValue('') != ''"
{{- end -}}

{{/* Variable for the bindings that an object requests. Lists are split into one part more than is allowed, so that their
     length does not matter for the cost. */}}
{{- define "extension-registry.policyBindingNames" -}}
- name: names
  expression: "object.metadata.annotations['registry.fuseml.io/bind'].split(',', 33).map(name, name.trim()).filter(name, name != '')"
{{- end -}}

{{/* Variables for the bindings that a Pod requests, and the containers to bind. */}}
{{- define "extension-registry.policyInjectionVariables" -}}
{{ include "extension-registry.policyBindingNames" . }}
# Names that no ExtensionBinding can have. They would refer to Secrets of workflows.
- name: invalid
  expression: "variables.names.filter(name, !name.matches('^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$') || name.matches('^u-|-[0-9a-f]{16}$'))"
- name: repeated
  expression: "variables.names.filter(name, !variables.names.exists_one(other, other == name))"
- name: only
  expression: "object.metadata.annotations[?'registry.fuseml.io/bind-containers'].orValue('').split(',', 33).map(name, name.trim()).filter(name, name != '')"
- name: chosen
  expression: >-
    object.spec.containers.map(container, container.name).filter(name, size(variables.only) > 0 ? name in variables.only
    : 'tekton.dev/taskRun' in object.metadata.?labels.orValue({}) ? name.startsWith('step-')
    : !('workflows.argoproj.io/workflow' in object.metadata.?labels.orValue({})) || name == 'main')
{{- end -}}

{{/* Patches that add a list to an object that lacks it. Argument: list of the object, its path and the name of the list. */}}
{{- define "extension-registry.policyAddList" -}}
(has({{ index . 0 }}.{{ index . 2 }}) ? [] : [JSONPatch{op: 'add', path: {{ index . 1 }} + '/{{ index . 2 }}', value: []}])
{{- end -}}
