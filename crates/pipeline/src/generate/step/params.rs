//! Parameters of a task, and the texts that reference them.

use extension_registry_api::workflow::{Step, WorkflowSpec};
use extension_registry_core::expression::{Segment, Template};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::expansion::Expansion;
use crate::generate::codeset::params_of;
use crate::names::{input_variable, unique, variable_part};
use crate::spec::{find_input, is_codeset};

/// Parameters that a step requires. They are passed explicitly, because not every engine propagates
/// parameters of the pipeline to its tasks.
pub(super) struct Params<'w> {
    spec: &'w WorkflowSpec,
    step: &'w Step,
    engine: &'w dyn Engine,
    passed: Vec<Passed>,
    texts: Vec<(String, String)>,
}

struct Passed {
    /// The preferred name.
    preferred: String,
    name: String,
    value: String,
}

impl<'w> Params<'w> {
    pub(super) fn new(spec: &'w WorkflowSpec, engine: &'w dyn Engine, step: &'w Step) -> Self {
        Self {
            spec,
            step,
            engine,
            passed: Vec::new(),
            texts: Vec::new(),
        }
    }

    /// Converts a text in which only the engine substitutes references.
    pub(super) fn reference(&mut self, text: &str) -> String {
        let Ok(template) = Template::parse(text) else {
            return text.to_owned();
        };
        let mut filled = String::new();
        for (segment, source) in template.segments.iter().zip(template.sources()) {
            match self.param_of(segment) {
                Some(param) => filled.push_str(&self.engine.param(&param)),
                None => filled.push_str(source),
            }
        }
        filled
    }

    /// Converts the value of a variable, or an argument.
    ///
    /// If the text also contains an expression of an extension, parameters are passed through a variable:
    /// their values could otherwise end in `$` or contain an unclosed `$(`, and so change the meaning of the
    /// text that follows.
    pub(super) fn text(&mut self, text: &str) -> String {
        let Ok(template) = Template::parse(text) else {
            return text.to_owned();
        };
        if !template.segments.iter().any(is_extension) {
            return self.reference(text);
        }
        let mut expansion = Expansion::default();
        for (segment, source) in template.segments.iter().zip(template.sources()) {
            match segment {
                Segment::Text(text) => expansion.text(text),
                Segment::Extension { .. } => expansion.opaque(source),
                Segment::Input { .. } | Segment::Output { .. } => match self.param_of(segment) {
                    Some(param) => {
                        let variable = self.variable_of(&param);
                        expansion.reference(&variable);
                    }
                    None => expansion.text(source),
                },
            }
        }
        expansion.finish()
    }

    /// Converts the value of an input of the step. Literal text is passed as a parameter with the input's name.
    pub(super) fn input(&mut self, name: &str, text: &str) -> String {
        let Ok(template) = Template::parse(text) else {
            return text.to_owned();
        };
        if template.segments.iter().any(is_extension) {
            return self.text(text);
        }
        let mut passed = String::new();
        for (segment, source) in template.segments.iter().zip(template.sources()) {
            match self.passed_for(segment) {
                Some((_, value)) => passed.push_str(&value),
                None => passed.push_str(source),
            }
        }
        let param = self.add(name, passed);
        self.engine.param(&param)
    }

    /// Returns parameters with their values, and variables that contain parameters.
    pub(super) fn finish(self) -> (Vec<(String, String)>, Vec<Value>) {
        let Self {
            passed,
            texts,
            engine,
            ..
        } = self;
        let texts = texts
            .into_iter()
            .map(|(variable, param)| json!({"name": variable, "value": engine.param(&param)}))
            .collect();
        (
            passed
                .into_iter()
                .map(|param| (param.name, param.value))
                .collect(),
            texts,
        )
    }

    fn param_of(&mut self, segment: &Segment<'_>) -> Option<String> {
        let (name, value) = self.passed_for(segment)?;
        Some(self.add(&name, value))
    }

    /// Returns the preferred parameter name for this expression, and its value.
    fn passed_for(&self, segment: &Segment<'_>) -> Option<(String, String)> {
        match *segment {
            Segment::Input { name, .. } => {
                let name = match find_input(self.spec, name) {
                    Some(input) if is_codeset(input) => {
                        let [url, _] = params_of(name);
                        url
                    }
                    _ => name.to_owned(),
                };
                let value = self.engine.param(&name);
                Some((name, value))
            }
            Segment::Output { step, output, .. } => {
                Some((format!("{step}-{output}"), self.engine.output(step, output)))
            }
            Segment::Text(_) | Segment::Extension { .. } => None,
        }
    }

    /// Adds a parameter for `value`. It has the name of a parameter of the pipeline only if it passes that
    /// parameter on; otherwise the engine might substitute the pipeline's.
    fn add(&mut self, name: &str, value: String) -> String {
        if let Some(known) = self
            .passed
            .iter()
            .find(|known| known.preferred == name && known.value == value)
        {
            return known.name.clone();
        }
        let base = self.engine.param_name(name);
        let free = unique(&base, '-', usize::MAX, |candidate| {
            self.passed.iter().any(|known| known.name == candidate)
                || (self.is_pipeline_param(candidate) && value != self.engine.param(candidate))
        });
        self.passed.push(Passed {
            preferred: name.to_owned(),
            name: free.clone(),
            value,
        });
        free
    }

    fn is_pipeline_param(&self, name: &str) -> bool {
        self.spec.inputs.iter().any(|input| {
            if is_codeset(input) {
                params_of(&input.name).iter().any(|param| param == name)
            } else {
                input.name == name
            }
        })
    }

    /// Returns the variable for a parameter. The prefix `FUSEML_` avoids conflicts with variables of extensions.
    fn variable_of(&mut self, param: &str) -> String {
        if let Some((variable, _)) = self.texts.iter().find(|(_, known)| known == param) {
            return variable.clone();
        }
        let preferred = format!("FUSEML_PARAM_{}", variable_part(param));
        let step = self.step;
        let variable = unique(&preferred, '_', usize::MAX, |candidate| {
            self.texts.iter().any(|(known, _)| known == candidate)
                || step.env.iter().any(|own| own.name == candidate)
                || step
                    .inputs
                    .iter()
                    .filter_map(|input| input.name.as_deref())
                    .any(|input| input_variable(input) == candidate)
        });
        self.texts.push((variable.clone(), param.to_owned()));
        variable
    }
}

fn is_extension(segment: &Segment<'_>) -> bool {
    matches!(segment, Segment::Extension { .. })
}
