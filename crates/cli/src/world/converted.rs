//! A world of files that FuseML wrote.

use anyhow::Result;
use extension_registry_yaml::{self as yaml, Node};

use super::{World, files};
use crate::args::{FILES, Source};
use crate::convert::{self, Made, NewSecret, Wish};
use crate::finding::Finding;

impl World {
    /// Makes a world of FuseML's own files, and the Secrets that it refers to.
    pub(crate) fn convert(source: &Source, wish: &Wish<'_>) -> Result<(Self, Vec<NewSecret>)> {
        let mut world = Self {
            view: source.view.clone(),
            namespace: source.view.own_namespace(),
            ..Self::default()
        };
        let mut secrets = Vec::new();
        for text in files::read(&source.files, FILES, &mut world.findings)? {
            let (documents, faults) = yaml::parse_with_keys_as_written(&text.text);
            world.findings.extend(faults.into_iter().map(|fault| {
                Finding::error(fault.rule, &text.file, fault.at).says(fault.message, fault.hint)
            }));
            world.documents += documents
                .iter()
                .filter(|(value, _)| !value.is_null())
                .count();
            for (value, marks) in documents {
                let mut made = Made::default();
                convert::document(&text.file, Node::join(value, marks), wish, &mut made);
                world.findings.append(&mut made.findings);
                secrets.append(&mut made.secrets);
                for object in made.objects {
                    let (value, marks) = object.split();
                    world.add(&text.file, value, marks);
                }
            }
        }
        world.has_something(&source.files)?;
        world.sort();
        Ok((world, secrets))
    }
}
