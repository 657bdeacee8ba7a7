//! Texts of a workflow, and the expressions that they may contain.

use extension_registry_api::workflow::WorkflowSpec;

use crate::spec::step_field;

/// Expressions that a text may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// All expressions: step inputs, variables, arguments.
    All,
    /// Expressions that the engine substitutes: the image.
    Engine,
    /// Exactly one input of type codeset.
    Codeset,
    /// Exactly one output of a step.
    Output,
    /// None: commands, defaults, paths.
    Nothing(&'static str),
}

/// A text and its field.
#[derive(Clone, Debug)]
pub(crate) struct Text<'s> {
    pub(crate) field: String,
    /// Index of the step.
    pub(crate) step: Option<usize>,
    pub(crate) allowed: Allowed,
    pub(crate) content: &'s str,
}

/// Returns all texts, in workflow order.
pub(crate) fn texts(spec: &WorkflowSpec) -> Vec<Text<'_>> {
    let mut texts = Vec::new();
    let mut add = |field: String, step, allowed, content| {
        texts.push(Text {
            field,
            step,
            allowed,
            content,
        });
    };
    for (index, input) in spec.inputs.iter().enumerate() {
        if let Some(default) = &input.default {
            add(
                format!("spec.inputs[{index}].default"),
                None,
                Allowed::Nothing("the default of an input"),
                default,
            );
        }
    }
    for (index, output) in spec.outputs.iter().enumerate() {
        if let Some(value) = &output.value {
            add(
                format!("spec.outputs[{index}].value"),
                None,
                Allowed::Output,
                value,
            );
        }
    }
    for (index, step) in spec.steps.iter().enumerate() {
        let field = step_field(index);
        add(
            format!("{field}.image"),
            Some(index),
            Allowed::Engine,
            &step.image,
        );
        for (position, text) in step.command.iter().enumerate() {
            add(
                format!("{field}.command[{position}]"),
                Some(index),
                Allowed::Nothing("`command`"),
                text,
            );
        }
        for (position, text) in step.args.iter().enumerate() {
            add(
                format!("{field}.args[{position}]"),
                Some(index),
                Allowed::All,
                text,
            );
        }
        for (position, input) in step.inputs.iter().enumerate() {
            let field = format!("{field}.inputs[{position}]");
            if let Some(value) = &input.value {
                add(format!("{field}.value"), Some(index), Allowed::All, value);
            }
            if let Some(codeset) = &input.codeset {
                add(
                    format!("{field}.codeset.name"),
                    Some(index),
                    Allowed::Codeset,
                    &codeset.name,
                );
                let nothing = Allowed::Nothing("the path of a codeset");
                add(
                    format!("{field}.codeset.path"),
                    Some(index),
                    nothing,
                    &codeset.path,
                );
            }
        }
        for (position, variable) in step.env.iter().enumerate() {
            if let Some(value) = &variable.value {
                add(
                    format!("{field}.env[{position}].value"),
                    Some(index),
                    Allowed::All,
                    value,
                );
            }
        }
    }
    texts
}
