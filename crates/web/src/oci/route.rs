//! The paths of the protocol (distribution-spec, "Endpoints"; "extensions/README.md").

use extension_registry_packages::digest::Digest;
use extension_registry_packages::manifest::name;
use extension_registry_packages::repository::oci::names::repository_fault;
use http::StatusCode;
use percent_encoding::percent_decode_str;

use super::fault::Fault;

/// A request that this registry answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/v2/`.
    Base,
    /// `/v2/_catalog`.
    Catalog,
    /// `/v2/_oci/ext/discover`, of the registry or of a repository.
    Discover(Option<Name>),
    /// `/v2/_EXTENSION/packages/search`.
    Search,
    /// `/v2/NAME/manifests/REFERENCE`.
    Manifest(Name, String),
    /// `/v2/NAME/blobs/DIGEST`.
    Blob(Name, Digest),
    /// `/v2/NAME/tags/list`.
    Tags(Name),
    /// `/v2/NAME/referrers/DIGEST`.
    Referrers(Name, Digest),
}

/// Name of a package on the wire: `REPOSITORY/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) repository: String,
    pub(super) package: String,
}

impl Name {
    /// Parses a valid repository path. None if it has no slash, so that it cannot be that of a package.
    fn of(path: &str) -> Option<Self> {
        let (repository, package) = path.rsplit_once('/')?;
        let is_package = repository_fault(path).is_none() && name::fault(package).is_none();
        is_package.then(|| Self {
            repository: repository.to_owned(),
            package: package.to_owned(),
        })
    }

    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.repository, self.package)
    }
}

impl Route {
    /// Returns the package that a request is about.
    pub(super) fn package(&self) -> Option<&Name> {
        match self {
            Self::Base | Self::Catalog | Self::Search | Self::Discover(None) => None,
            Self::Discover(Some(name))
            | Self::Manifest(name, _)
            | Self::Blob(name, _)
            | Self::Tags(name)
            | Self::Referrers(name, _) => Some(name),
        }
    }

    /// Parses the path of a request. `extension` is the name of our extension, if it is enabled.
    ///
    /// A component of a repository name begins with a letter or digit, so no path of a package begins with `_`.
    pub(super) fn parse(path: &str, extension: Option<&str>) -> Result<Self, Fault> {
        let rest = path.strip_prefix("/v2").ok_or_else(Fault::unsupported)?;
        if rest.is_empty() || rest == "/" {
            return Ok(Self::Base);
        }
        let rest = rest.strip_prefix('/').ok_or_else(Fault::unsupported)?;
        let mut parts = Vec::new();
        for part in rest.split('/') {
            let part = percent_decode_str(part).decode_utf8();
            parts.push(part.map_err(|_| invalid_name())?.into_owned());
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if let ["_catalog"] = parts.as_slice() {
            return Ok(Self::Catalog);
        }
        if let ["_oci", "ext", "discover"] = parts.as_slice() {
            return Ok(Self::Discover(None));
        }
        if let [first, "packages", "search"] = parts.as_slice()
            && Some(*first) == extension
        {
            return Ok(Self::Search);
        }
        if let Some(route) = of_package(&parts)? {
            return Ok(route);
        }
        if parts.iter().any(|part| part.starts_with('_')) {
            return Err(Fault::unknown_extension());
        }
        Err(Fault::unsupported())
    }
}

/// Parses a path that ends like one of a repository; None for other paths.
fn of_package(parts: &[&str]) -> Result<Option<Route>, Fault> {
    if let [path @ .., "_oci", "ext", "discover"] = parts {
        return Ok(Some(Route::Discover(Some(name_of(path)?))));
    }
    let [path @ .., kind, last] = parts else {
        return Ok(None);
    };
    let is_known =
        matches!(*kind, "manifests" | "blobs" | "referrers") || (*kind, *last) == ("tags", "list");
    let is_extension = path.iter().any(|part| part.starts_with('_'));
    if !is_known || path.is_empty() || is_extension {
        return Ok(None);
    }
    let name = name_of(path)?;
    Ok(Some(match *kind {
        "manifests" => Route::Manifest(name, (*last).to_owned()),
        "blobs" => Route::Blob(name, digest(last)?),
        "referrers" => Route::Referrers(name, digest(last)?),
        _ => Route::Tags(name),
    }))
}

fn name_of(path: &[&str]) -> Result<Name, Fault> {
    let path = path.join("/");
    if repository_fault(&path).is_some() {
        return Err(invalid_name());
    }
    Name::of(&path).ok_or_else(|| Fault::unknown_name(&path))
}

fn invalid_name() -> Fault {
    let message = "invalid repository name: expected REPOSITORY/NAME in lowercase letters, digits and single separators";
    Fault::new(StatusCode::BAD_REQUEST, "NAME_INVALID", message)
}

/// Parses a digest. No blob of this registry has another algorithm than SHA-256.
pub(super) fn digest(text: &str) -> Result<Digest, Fault> {
    let digest = text.strip_prefix("sha256:").and_then(|hex| {
        let is_lower = !hex.bytes().any(|byte| byte.is_ascii_uppercase());
        hex.parse().ok().filter(|_| is_lower)
    });
    digest.ok_or_else(|| {
        let message = "invalid digest: expected `sha256:` and 64 hexadecimal digits";
        Fault::new(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXTENSION: Option<&str> = Some("_fuseml");

    fn status(path: &str) -> u16 {
        let fault = Route::parse(path, EXTENSION).unwrap_err();
        fault.status.as_u16()
    }

    #[test]
    fn parses_every_endpoint() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let name = || Name {
            repository: "team".to_owned(),
            package: "mlflow".to_owned(),
        };
        let hex: Digest = digest.parse().unwrap();
        for (path, route) in [
            ("/v2", Route::Base),
            ("/v2/", Route::Base),
            ("/v2/_catalog", Route::Catalog),
            ("/v2/_oci/ext/discover", Route::Discover(None)),
            ("/v2/_fuseml/packages/search", Route::Search),
            (
                "/v2/team/mlflow/_oci/ext/discover",
                Route::Discover(Some(name())),
            ),
            ("/v2/team/mlflow/tags/list", Route::Tags(name())),
            (
                "/v2/team/mlflow/manifests/1.2.0",
                Route::Manifest(name(), "1.2.0".to_owned()),
            ),
            (
                &format!("/v2/team/mlflow/blobs/{digest}"),
                Route::Blob(name(), hex),
            ),
            (
                &format!("/v2/team/mlflow/blobs/{}", digest.replace(':', "%3A")),
                Route::Blob(name(), hex),
            ),
            (
                &format!("/v2/team/mlflow/referrers/{digest}"),
                Route::Referrers(name(), hex),
            ),
        ] {
            assert_eq!(Route::parse(path, EXTENSION), Ok(route), "{path}");
        }
    }

    #[test]
    fn rejects_other_paths() {
        for (path, code) in [
            ("/v2/_other/x/y", 404),
            ("/v2/_fuseml/other/search", 404),
            ("/v2/team/mlflow/_zot/ext/search", 404),
            ("/v2/team/_x/manifests/1.0.0", 404),
            ("/v2/Team/mlflow/manifests/1.0.0", 400),
            ("/v2/team/..%2f..%2fmlflow/manifests/1.0.0", 400),
            ("/v2/team//mlflow/manifests/1.0.0", 400),
            ("/v2/mlflow/manifests/1.0.0", 404),
            ("/v2/team/mlflow/blobs/sha512:ab", 400),
            ("/v2/team/mlflow/blobs/uploads", 400),
            ("/v2/team/mlflow", 405),
            ("/v2x", 405),
        ] {
            assert_eq!(status(path), code, "{path}");
        }
        let search = Route::parse("/v2/_fuseml/packages/search", None);
        assert_eq!(search, Err(Fault::unknown_extension()));
    }

    proptest! {
        /// The expression of the specification for repository names.
        #[test]
        fn no_repository_name_reaches_an_extension(
            path in "[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,6}){0,3}(/[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,6}){0,3}){0,4}",
            tail in prop::sample::select(vec!["manifests/1.0.0", "tags/list", "manifests/_x"]),
        ) {
            let whole = format!("/v2/{path}/{tail}");
            prop_assert!(!whole.starts_with("/v2/_"));
            let route = Route::parse(&whole, EXTENSION);
            let is_extension = matches!(route, Ok(Route::Search | Route::Catalog | Route::Discover(_) | Route::Base));
            prop_assert!(!is_extension, "{whole}: {route:?}");
            prop_assert_ne!(route, Err(Fault::unknown_extension()), "{}", whole);
        }

        #[test]
        fn any_path_is_parsed(path in "(/v2)?(/[_a-zA-Z0-9.%:-]{0,12}){0,6}") {
            if let Ok(Route::Manifest(name, _) | Route::Tags(name)) = Route::parse(&path, EXTENSION) {
                let path = name.path();
                prop_assert!(repository_fault(&path).is_none());
                prop_assert!(!path.split('/').any(|part| part.starts_with('_')));
            }
        }
    }
}
