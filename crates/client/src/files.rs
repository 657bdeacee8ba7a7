//! Finds and reads kubeconfig files.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use extension_registry_core::diagnostic::Failure;
use extension_registry_yaml::decode;

use crate::kubeconfig::Kubeconfig;

/// Where kubeconfig files are searched.
#[derive(Clone, Debug)]
pub(crate) enum Files {
    /// One file, which must exist.
    One(PathBuf),
    /// Files of `KUBECONFIG`; those that do not exist are ignored.
    Listed(Vec<PathBuf>),
    /// The default file, which may not exist.
    Default(PathBuf),
}

impl Files {
    /// Returns the files, as kubectl finds them: the path of a flag, `KUBECONFIG`, or `~/.kube/config`.
    pub(crate) fn find(
        path: Option<&Path>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Failure> {
        // As kubectl, an empty flag counts as none.
        if let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) {
            return Ok(Self::One(path.to_owned()));
        }
        let listed = variable("KUBECONFIG").unwrap_or_default();
        if !listed.is_empty() {
            let mut paths: Vec<PathBuf> = Vec::new();
            for path in std::env::split_paths(&listed) {
                if !path.as_os_str().is_empty() && !paths.contains(&path) {
                    paths.push(path);
                }
            }
            return Ok(Self::Listed(paths));
        }
        match variable("HOME").filter(|home| !home.is_empty()) {
            Some(home) => Ok(Self::Default(Path::new(&home).join(".kube/config"))),
            None => Err(Failure::new(
                "no kubeconfig found: HOME and KUBECONFIG are not set",
            )),
        }
    }

    fn paths(&self) -> &[PathBuf] {
        match self {
            Self::One(path) | Self::Default(path) => std::slice::from_ref(path),
            Self::Listed(paths) => paths,
        }
    }

    /// Reads and merges the files. None if no file exists and none is required.
    pub(crate) fn read(&self) -> Result<Option<Kubeconfig>, Failure> {
        let mut merged: Option<Kubeconfig> = None;
        for path in self.paths() {
            match read(path) {
                Ok(kubeconfig) => match &mut merged {
                    Some(merged) => merged.merge(kubeconfig),
                    None => merged = Some(kubeconfig),
                },
                Err(ReadError::Missing) if !matches!(self, Self::One(_)) => {}
                Err(error) => return Err(error.failure(path)),
            }
        }
        Ok(merged)
    }

    /// Returns the error of files of which none exists.
    pub(crate) fn missing(&self) -> Failure {
        match self.paths() {
            [path] => ReadError::Missing.failure(path),
            [] => Failure::new("KUBECONFIG contains no path"),
            paths => {
                let paths: Vec<String> = paths
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                Failure::new(format!(
                    "none of the files in KUBECONFIG exists: {}",
                    paths.join(", ")
                ))
            }
        }
    }
}

enum ReadError {
    Missing,
    Io(std::io::Error),
    Content(Failure),
}

impl ReadError {
    fn failure(self, path: &Path) -> Failure {
        let path = path.display();
        match self {
            Self::Missing => {
                let error = std::io::Error::from_raw_os_error(2);
                Failure::new(format!("failed to read {path}: {error}"))
            }
            Self::Io(error) => Failure::new(format!("failed to read {path}: {error}")),
            Self::Content(failure) => {
                Failure::new(format!("failed to parse {path}")).caused_by(failure)
            }
        }
    }
}

fn read(path: &Path) -> Result<Kubeconfig, ReadError> {
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => ReadError::Missing,
        _ => ReadError::Io(error),
    })?;
    let text = decode(&bytes).map_err(|_| {
        ReadError::Content(
            Failure::new("the file is neither UTF-8 nor UTF-16 text").hint("save it as UTF-8"),
        )
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Kubeconfig::parse(&text, folder).map_err(ReadError::Content)
}
