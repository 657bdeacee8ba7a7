//! Inventory of converted FuseML files.

use anyhow::Result;
use extension_registry_yaml::{self as yaml, Node};

use super::{Inventory, files};
use crate::args::{FILES, Source};
use crate::convert::{self, ConvertOptions, Converted, NewSecret};

impl Inventory {
    /// Converts FuseML files, and returns the Secrets that the records reference.
    pub(crate) fn convert(
        source: &Source,
        options: &ConvertOptions<'_>,
    ) -> Result<(Self, Vec<NewSecret>)> {
        let mut inventory = Self {
            view: source.view.clone(),
            namespace: source.view.own_namespace(),
            ..Self::default()
        };
        let mut secrets = Vec::new();
        for text in files::read(&source.files, FILES, &mut inventory.findings)? {
            let read = yaml::parse_with_keys_as_written(&text.text);
            for (value, marks) in inventory.parsed(&text.file, read) {
                let mut converted = Converted::default();
                convert::document(
                    &text.file,
                    Node::join(value, marks),
                    options,
                    &mut converted,
                );
                inventory.findings.append(&mut converted.findings);
                secrets.append(&mut converted.secrets);
                for object in converted.objects {
                    let (value, marks) = object.split();
                    inventory.add(&text.file, value, marks);
                }
            }
        }
        inventory.check_not_empty(&source.files)?;
        inventory.sort();
        Ok((inventory, secrets))
    }
}
