//! Maven repositories for tests.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; not every test needs all of it"
)]

use std::path::{Path, PathBuf};

use crate::contract::Bench;
use crate::file_server::FileServer;
use crate::shelf::{OF_MAVEN, put};
use extension_registry_package_repository::maven::{Maven, Place, Settings};
use extension_registry_package_transport::credentials::Credentials;
use extension_registry_package_transport::transport::{self, Transport};
use extension_registry_package_trust::signature::{Format, Signature};

pub(crate) const GROUP: &str = "io.fuseml.extensions";

pub(crate) fn transport() -> Transport {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Transport::new(transport::Settings::default()).unwrap()
}

pub(crate) fn local(root: &Path) -> Maven {
    let settings = Settings {
        id: "central".to_owned(),
        place: Place::Folder(root.to_owned()),
        group: GROUP.to_owned(),
        names: Vec::new(),
    };
    Maven::new(settings, None, Credentials::Anonymous).unwrap()
}

pub(crate) fn remote_of(server: &FileServer, names: &[&str]) -> Maven {
    with(server, names, Credentials::Anonymous)
}

pub(crate) fn with(server: &FileServer, names: &[&str], credentials: Credentials) -> Maven {
    let settings = Settings {
        id: "central".to_owned(),
        place: Place::Http(server.url.clone()),
        group: GROUP.to_owned(),
        names: names.iter().map(|&name| name.to_owned()).collect(),
    };
    Maven::new(settings, Some(transport()), credentials).unwrap()
}

/// Where the packages are, below a root.
pub(crate) fn packages(root: &Path) -> PathBuf {
    root.join("io/fuseml/extensions")
}

/// A server of files with nothing in it, and a repository there.
pub(crate) async fn remote(bench: &Bench, names: &[&str]) -> (Maven, FileServer) {
    let server = FileServer::start(&bench.target("repository")).await;
    (remote_of(&server, names), server)
}

pub(crate) fn signature(text: &str) -> Signature {
    Signature {
        format: Format::Minisign,
        payload: b"a statement".to_vec(),
        signature: text.as_bytes().to_vec(),
    }
}

/// Packages as `mvn deploy:deploy-file` leaves them: 1.0.0, 1.10.0 and 1.9.0 in this order, a `.nar`.
pub(crate) fn made_by_maven(root: &Path) {
    let artifact = packages(root).join("camel");
    for version in ["1.0.0", "1.10.0", "1.9.0"] {
        let folder = artifact.join(version);
        let pom = crate::shelf::pom(GROUP, "camel", version, "nar");
        put(
            &folder,
            &format!("camel-{version}.pom"),
            pom.as_bytes(),
            OF_MAVEN,
        );
        let content = format!("content of {version}");
        put(
            &folder,
            &format!("camel-{version}.nar"),
            content.as_bytes(),
            OF_MAVEN,
        );
    }
    let metadata = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata>\n\
        <groupId>io.fuseml.extensions</groupId><artifactId>camel</artifactId>\n\
        <versioning><release>1.9.0</release><versions><version>1.0.0</version>\n\
        <version>1.10.0</version><version>1.9.0</version>\n\
        <version>2.0.0-SNAPSHOT</version><version>old</version></versions>\n\
        <lastUpdated>20261101120000</lastUpdated></versioning></metadata>";
    put(
        &artifact,
        "maven-metadata.xml",
        metadata.as_bytes(),
        OF_MAVEN,
    );
}
