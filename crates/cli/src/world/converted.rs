//! A world of files that FuseML wrote.

use anyhow::Result;
use extension_registry_yaml::{self as yaml, Node};

use super::{World, files};
use crate::args::{FILES, Source};
use crate::convert::{self, Made, NewSecret, Wish};

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
            let read = yaml::parse_with_keys_as_written(&text.text);
            for (value, marks) in world.parsed(&text.file, read) {
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
