//! Files as code hosts name them: relative to the root of the repository.

use std::path::{Component, Path, PathBuf};

/// Where a file is.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// Path below the root, with `/` as separator.
    Inside(String),
    /// Absolute path.
    Outside(String),
    /// No file, such as standard input.
    None,
}

/// The directory that contains `.git`, or the working directory if there is none.
#[derive(Debug)]
pub struct Root {
    working: PathBuf,
    root: PathBuf,
}

impl Root {
    /// Returns the root of the repository that contains the working directory.
    #[must_use]
    pub fn of_working_directory() -> Self {
        Self::of(std::env::current_dir().unwrap_or_default())
    }

    fn of(working: PathBuf) -> Self {
        let mut above = working.ancestors();
        let root = above.find(|folder| folder.join(".git").exists());
        Self {
            root: root.unwrap_or(&working).to_owned(),
            working,
        }
    }

    /// Returns the place of a file. A relative path starts at the working directory.
    #[must_use]
    pub fn place(&self, file: &str) -> Place {
        if matches!(file, "" | "-") {
            return Place::None;
        }
        let path = plain(&self.working.join(file));
        match path.strip_prefix(&self.root) {
            Ok(inside) => Place::Inside(inside.display().to_string()),
            Err(_) => Place::Outside(path.display().to_string()),
        }
    }
}

/// Removes `.` and `..` from a path without following links.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{Place, Root};

    #[test]
    fn paths_are_relative_to_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let working = root.join("infra/records");
        std::fs::create_dir_all(&working).unwrap();
        let inside = |text: &str| Place::Inside(text.to_owned());
        // Without a repository, the working directory counts.
        let alone = Root::of(working.clone());
        assert_eq!(alone.place("./a.yaml"), inside("a.yaml"));
        assert!(matches!(alone.place("../a.yaml"), Place::Outside(_)));
        std::fs::write(root.join(".git"), "gitdir: elsewhere").unwrap();
        let repository = Root::of(working.clone());
        for (file, expected) in [
            ("a.yaml", inside("infra/records/a.yaml")),
            ("../b/./a.yaml", inside("infra/b/a.yaml")),
            ("../../a.yaml", inside("a.yaml")),
            (
                working.join("c.yaml").to_str().unwrap(),
                inside("infra/records/c.yaml"),
            ),
            (
                "/elsewhere/a.yaml",
                Place::Outside("/elsewhere/a.yaml".to_owned()),
            ),
            ("-", Place::None),
            ("", Place::None),
        ] {
            assert_eq!(repository.place(file), expected, "{file}");
        }
    }
}
