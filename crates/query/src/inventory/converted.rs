//! Inventory of converted FuseML files.

use extension_registry_yaml::{self as yaml, Node};

use super::files::{self, Input};
use super::log::ReadLog;
use super::model::Inventory;
use super::settings::Settings;
use crate::Result;
use crate::convert::{self, ConvertOptions, Converted, NewSecret};

impl Inventory {
    /// Converts FuseML files, and returns the Secrets that the records reference.
    ///
    /// # Errors
    /// If a file cannot be read, or no file contains an object.
    pub fn convert(
        input: &Input<'_>,
        settings: Settings,
        options: &ConvertOptions<'_>,
        log: &mut ReadLog,
    ) -> Result<(Self, Vec<NewSecret>)> {
        let mut inventory = Self::empty(settings);
        let mut secrets = Vec::new();
        for text in files::read(input, &mut inventory.findings, log)? {
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
        inventory.check_not_empty(input)?;
        inventory.finish();
        Ok((inventory, secrets))
    }
}
