//! Snapshots of complete pipelines.

use crate::support::built;

/// Completes a workflow around a step, with the outputs that it produces.
fn completed(step: &str) -> String {
    let outputs = [
        ("prediction-url", ", description: where the model is served"),
        ("mlflow-model-url", ""),
    ];
    let outputs = outputs
        .into_iter()
        .filter(|(name, _)| step.contains(&format!("outputs:\n      - name: {name}\n")))
        .map(|(name, more)| format!("{{name: {name}{more}}}"))
        .collect::<Vec<_>>()
        .join(", ");
    format!(
        "
description: Trains a model and serves it
inputs:
  - name: mlflow-codeset
    description: an MLFlow project
    type: codeset
  - name: predictor
    description: engine that serves the model
    default: auto
outputs: [{outputs}]
steps:
  - name: builder
    image: builder:1.0
    inputs:
      - codeset: {{name: '{{{{ inputs.mlflow-codeset }}}}', path: /project}}
    outputs:
      - name: mlflow-env
{step}
"
    )
}

macro_rules! snapshot {
    ($name:ident, $step:expr) => {
        #[test]
        fn $name() {
            let output = built(&completed($step));
            insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
                insta::assert_yaml_snapshot!(stringify!($name), output.pipeline);
            });
        }
    };
}

snapshot!(
    seed_explicit_reference,
    "
  - name: trainer
    image: '{{ steps.builder.outputs.mlflow-env }}'
    inputs:
      - codeset:
          name: '{{ inputs.mlflow-codeset }}'
          path: '/project'
    extensions:
      - name: mlflow-tracker
        extension: mlflow-0001
        service: mlflow-tracker
        endpoint: ingress
      - name: mlflow-storage
        extension: mlflow-0001
        service: mlflow-storage
        endpoint: ingress
    outputs:
      - name: mlflow-model-url
"
);

snapshot!(
    seed_product_and_range,
    "
  - name: trainer
    image: '{{ steps.builder.outputs.mlflow-env }}'
    outputs:
      - name: mlflow-model-url
        description: where the model is stored
  - name: predictor
    image: ghcr.io/fuseml/kfserving-predictor:0.1
    resources:
      requests: {cpu: '1', memory: 1Gi}
    inputs:
      - name: model
        value: '{{ steps.trainer.outputs.mlflow-model-url }}'
      - name: predictor
        value: '{{ inputs.predictor }}'
      - codeset:
          name: '{{ inputs.mlflow-codeset }}'
          path: '/project'
    extensions:
      - name: kfserving
        product: kfserving
        resource: kfserving-api
        version: '>=0.4.0'
    outputs:
      - name: prediction-url
"
);

snapshot!(
    seed_resource_only,
    "
  - name: trainer
    image: '{{ steps.builder.outputs.mlflow-env }}'
    inputs:
      - codeset:
          name: '{{ inputs.mlflow-codeset }}'
          path: '/project'
    extensions:
      - name: mlflow-tracker
        resource: mlflow-tracker
      - name: mlflow-storage
        resource: mlflow-storage
    outputs:
      - name: mlflow-model-url
"
);

snapshot!(
    seed_mapped_environment,
    "
  - name: trainer
    image: '{{ steps.builder.outputs.mlflow-env }}'
    inputs:
      - codeset:
          name: '{{ inputs.mlflow-codeset }}'
          path: '/project'
    extensions:
      - name: mlflow-tracker
        product: mlflow
        resource: mlflow-tracker
        endpoint: cluster
      - name: mlflow-storage
        product: mlflow
        resource: s3
        endpoint: cluster
        environment:
          - name: S3_ACCESS_KEY_ID
            configuration: AWS_ACCESS_KEY_ID
          - name: S3_SECRET_ACCESS_KEY
            configuration: AWS_SECRET_ACCESS_KEY
    outputs:
      - name: mlflow-model-url
"
);

snapshot!(
    seed_expressions_in_inputs,
    "
  - name: trainer
    image: '{{ steps.builder.outputs.mlflow-env }}'
    inputs:
      - codeset:
          name: '{{ inputs.mlflow-codeset }}'
          path: '/project'
      - name: s3_access_key
        value: '{{ extension.mlflow-storage.AWS_ACCESS_KEY_ID }}'
      - name: s3_secret_key
        value: '{{ extension.mlflow-storage.AWS_SECRET_ACCESS_KEY }}'
    extensions:
      - name: mlflow-tracker
        product: mlflow
        resource: mlflow-tracker
      - name: mlflow-storage
        product: mlflow
        resource: s3
    outputs:
      - name: mlflow-model-url
"
);

snapshot!(
    expressions_in_text_and_args,
    "
  - name: trainer
    image: '{{ steps.builder.outputs.mlflow-env }}'
    command: [sh, -c]
    args:
      - 'curl $(curl {{ extensions.kfserving.url }})/{{ inputs.predictor }} > /tmp/out'
      - '{{ extension.kfserving.token }}'
      - 'plain $(date) {{ .Values.a }} {{ inputs.predictor }}'
    inputs:
      - name: endpoint
        value: '{{ extension.kfserving.uri }}/v1/{{ inputs.predictor }}'
    env:
      - name: AUTHORIZATION
        value: 'Bearer {{ extension.kfserving.token }}'
      - name: PRICE
        value: '${{ extension.kfserving.cfg.KFSERVING_NAMESPACE }}'
      - name: REPOSITORY
        value: '{{ inputs.mlflow-codeset }}'
      - name: NODE
        valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
    extensions:
      - name: kfserving
        resource: kfserving-api
"
);

snapshot!(
    two_requirements_and_a_clash_settled_by_the_step,
    "
  - name: copy
    image: 'copy:1.0'
    env:
      - name: AWS_ACCESS_KEY_ID
        value: '{{ extension.from.AWS_ACCESS_KEY_ID }}'
      - name: AWS_SECRET_ACCESS_KEY
        value: own
      - name: SERVICE_BINDING_ROOT
        value: /var/run//bindings/
    extensions:
      - name: from
        resource: s3
      - name: to
        resource: mlflow-storage
"
);
