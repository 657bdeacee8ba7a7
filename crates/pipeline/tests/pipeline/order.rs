//! Order of steps, and codesets.

use serde_json::{Value, json};

use crate::support::{built, container, refused, same, task};

fn after(pipeline: &Value, step: &str) -> Value {
    task(pipeline, step)["runAfter"].clone()
}

#[test]
fn steps_run_in_written_order_by_default() {
    let output = built(
        "
steps:
  - {name: a, image: 'a:1'}
  - {name: b, image: 'b:1'}
  - {name: c, image: 'c:1', runAfter: []}
  - {name: d, image: 'd:1', runAfter: [b, c, b]}
",
    );
    let order = ["a", "b", "c", "d"].map(|step| after(&output.pipeline, step));
    assert_eq!(
        order,
        [Value::Null, json!(["a"]), Value::Null, json!(["b", "c"])]
    );
}

#[test]
fn spec_always_has_all_fields() {
    let output = built("steps: [{name: a, image: 'a:1'}]");
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_yaml_snapshot!("smallest_workflow", output.pipeline);
    });
}

#[test]
fn clones_codesets_before_steps_that_use_them() {
    let output = built(
        "
inputs:
  - {name: Code_1, type: codeset, description: the code}
  - {name: data, type: codeset, default: 'https://git.example.com/data.git'}
steps:
  - {name: clone-data, image: 'a:1'}
  - name: b
    image: 'b:1'
    inputs:
      - codeset: {name: '{{ inputs.Code_1 }}', path: /project}
      - codeset: {name: '{{inputs.data}}', path: /project/data}
      - {name: from, value: '{{ inputs.data }}'}
",
    );
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_yaml_snapshot!("codesets", output.pipeline);
    });
}

#[test]
fn warns_about_several_outputs_of_step() {
    let output = built(
        "
outputs:
  - {name: out}
  - {name: named, value: '{{ steps.a.outputs.out }}'}
steps:
  - {name: a, image: 'a:1', outputs: [{name: out}]}
  - {name: b, image: 'b:1', outputs: [{name: late}, {name: more}]}
",
    );
    same("notes_of_outputs", &output.notes.join("\n"));
    let results: Vec<_> = output.pipeline["spec"]["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| (result["name"].clone(), result["value"].clone()))
        .collect();
    assert_eq!(
        json!(results),
        json!([
            ["out", "$(tasks.a.results.out)"],
            ["named", "$(tasks.a.results.out)"]
        ])
    );
}

#[test]
fn truncates_step_name_for_tekton_prefix() {
    let name = "a".repeat(63);
    let output = built(&format!("steps: [{{name: {name}, image: 'a:1'}}]"));
    assert_eq!(container(&output.pipeline, &name)["name"], "a".repeat(58));
}

#[test]
fn rejects_outputs_of_running_steps_and_cycles() {
    let early = "
steps:
  - {name: a, image: 'a:1', args: ['{{ steps.b.outputs.out }}'], outputs: [{name: out}]}
  - {name: b, image: 'b:1', args: ['{{ steps.b.outputs.out }}'], outputs: [{name: out}], runAfter: []}
  - {name: c, image: 'c:1', args: ['{{ steps.a.outputs.out }}', '{{ steps.a.outputs.uot }}', '{{ steps.z.outputs.a }}'], runAfter: [b]}
";
    same("outputs_too_early", &refused(early));
    let cycle = "
steps:
  - {name: a, image: 'a:1', runAfter: [c, bb, a]}
  - {name: b, image: 'b:1'}
  - {name: c, image: 'c:1', args: ['{{ steps.a.outputs.out }}']}
  - {name: d, image: 'd:1'}
";
    same("cycle", &refused(cycle));
}
