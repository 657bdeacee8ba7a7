//! Reads and writes POMs: metadata of native packages for Maven tools, and the only description of foreign
//! packages.

use extension_registry_core::version::VersionRange;

use crate::files::ending;
use crate::range::{from_maven, to_maven};
use crate::xml::{self, Element, Writer};
use extension_registry_package_format::manifest::{
    Dependency, From, Kind, Manifest, Metadata, Packaging,
};

/// Attributes of the root element (Maven, "POM reference").
const ATTRIBUTES: &str = concat!(
    " xmlns=\"http://maven.apache.org/POM/4.0.0\"",
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
    " xsi:schemaLocation=\"http://maven.apache.org/POM/4.0.0 http://maven.apache.org/xsd/maven-4.0.0.xsd\"",
);

/// Formats the POM of a native package.
#[must_use]
pub fn write(group: &str, manifest: &Manifest) -> Vec<u8> {
    let metadata = &manifest.metadata;
    let mut writer = Writer::start();
    writer.root("project", ATTRIBUTES, |project| {
        project.leaf("modelVersion", "4.0.0");
        project.leaf("groupId", group);
        project.leaf("artifactId", &manifest.name);
        project.leaf("version", &manifest.version.to_string());
        project.leaf("packaging", ending(&manifest.packaging));
        project.leaf("name", &manifest.name);
        project.leaf_of("description", Some(&manifest.description));
        project.leaf_of("url", metadata.homepage.as_deref());
        project.within("licenses", |licenses| {
            licenses.within("license", |license| {
                license.leaf_of("name", metadata.license.as_deref());
            });
        });
        project.within("developers", |developers| {
            for name in manifest.author.iter().chain(&metadata.maintainers) {
                developers.within("developer", |developer| developer.leaf("name", name));
            }
        });
        project.within("scm", |scm| {
            scm.leaf_of("url", metadata.repository.as_deref());
        });
        project.within("properties", |properties| {
            properties.leaf("fuseml.type", manifest.kind.name());
            properties.leaf("fuseml.packaging", manifest.packaging.name());
        });
        project.within("dependencies", |list| {
            for dependency in &manifest.dependencies {
                // Maven would misread a range that it cannot express, so the dependency is omitted.
                if let Some(range) = to_maven(&dependency.range) {
                    list.within("dependency", |one| {
                        write_dependency(one, group, dependency, &range);
                    });
                }
            }
        });
    });
    writer.finish()
}

fn write_dependency(writer: &mut Writer, group: &str, dependency: &Dependency, range: &str) {
    writer.leaf("groupId", group);
    writer.leaf("artifactId", &dependency.name);
    writer.leaf("version", range);
    writer.leaf("type", ending(&Packaging::Bundle));
    if dependency.optional {
        writer.leaf("optional", "true");
    }
}

/// A foreign package, as described by its POM.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// The manifest, as far as the POM describes it.
    pub manifest: Manifest,
    /// File extension of its content.
    pub ending: String,
}

/// Parses the POM of this version of this package.
///
/// # Errors
/// Returns a reason if it is not valid, or describes another package.
pub fn read(bytes: &[u8], name: &str, version: &semver::Version) -> Result<Foreign, String> {
    let project = xml::read(bytes, "project")?;
    let parent = project.child("parent");
    let inherited = |field: &str| project.get(field).or_else(|| parent?.get(field));
    let own = version.to_string();
    for (field, expected) in [("artifactId", name), ("version", own.as_str())] {
        let found = inherited(field).unwrap_or_default();
        // Placeholders are filled in by the build and cannot be compared.
        if found != expected && !found.contains("${") {
            return Err(format!("expected {field} `{expected}`, got `{found}`"));
        }
    }
    let group = inherited("groupId").unwrap_or_default();
    let packaging = project.get("packaging").unwrap_or("jar");
    let property = |field: &str| project.child("properties")?.get(field);
    let mut manifest = Manifest::minimal(name, version.clone());
    manifest.kind = property("fuseml.type").map(Kind::of).unwrap_or_default();
    manifest.packaging = match property("fuseml.packaging") {
        Some(packaging) => Packaging::of(packaging),
        None => from_ending(packaging),
    };
    project
        .get("description")
        .unwrap_or_default()
        .clone_into(&mut manifest.description);
    let names = |list: &[Element]| -> Vec<String> {
        let names = list
            .iter()
            .filter_map(|one| one.get("name").map(str::to_owned));
        names.collect()
    };
    manifest.metadata = Metadata {
        homepage: project.get("url").map(str::to_owned),
        repository: project
            .child("scm")
            .and_then(|scm| scm.get("url"))
            .map(str::to_owned),
        license: Some(names(project.list("licenses")).join(" AND "))
            .filter(|text| !text.is_empty()),
        maintainers: names(project.list("developers")),
    };
    let dependencies = project.list("dependencies").iter();
    manifest.dependencies = dependencies
        .filter_map(|element| dependency(element, group, &own))
        .collect();
    Ok(Foreign {
        manifest,
        ending: file_ending(packaging).to_owned(),
    })
}

/// Describes a package of which only name, version and file are known.
#[must_use]
pub fn unknown(name: &str, version: &semver::Version, ending: &str) -> Foreign {
    let mut manifest = Manifest::minimal(name, version.clone());
    manifest.packaging = from_ending(ending);
    Foreign {
        manifest,
        ending: ending.to_owned(),
    }
}

fn from_ending(ending: &str) -> Packaging {
    match ending {
        "tar.gz" | "tgz" => Packaging::Bundle,
        "yaml" | "yml" => Packaging::Template,
        other => Packaging::Unsupported(other.to_owned()),
    }
}

/// Returns the file extension of a Maven packaging: several are stored as `.jar` (Maven, "Default artifact
/// handlers").
fn file_ending(packaging: &str) -> &str {
    match packaging {
        "bundle" | "ejb" | "eclipse-plugin" | "maven-plugin" | "test-jar" => "jar",
        other => other,
    }
}

/// Converts a runtime dependency; those for building and testing are skipped. A dependency of another group
/// keeps the group in its name, so that it is not confused with a package of this group.
fn dependency(element: &Element, group: &str, version: &str) -> Option<Dependency> {
    if matches!(
        element.get("scope"),
        Some("test" | "provided" | "system" | "import")
    ) {
        return None;
    }
    let own = |text: &str| {
        text.replace("${project.version}", version)
            .replace("${project.groupId}", group)
    };
    let of = own(element.get("groupId").unwrap_or(group));
    let name = own(element.get("artifactId")?);
    let range = element.get("version").map(own);
    let range: VersionRange = from_maven(range.as_deref())?;
    Some(Dependency {
        name: if of == group {
            name
        } else {
            format!("{of}:{name}")
        },
        kind: None,
        range,
        optional: element.get("optional") == Some("true"),
        from: From::Same,
    })
}

#[cfg(test)]
mod tests {
    use super::read;
    use extension_registry_package_format::manifest::Packaging;

    const POM: &str = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">
      <parent><groupId>org.other</groupId><version>1.2.0</version></parent>
      <artifactId>tool</artifactId><packaging>nar</packaging>
      <description>a &amp; b</description>
      <licenses><license><name>Apache-2.0</name></license></licenses>
      <dependencies>
        <dependency><groupId>org.other</groupId><artifactId>base</artifactId><version>[1.0,2.0)</version></dependency>
        <dependency><groupId>junit</groupId><artifactId>junit</artifactId><scope>test</scope></dependency>
        <dependency><groupId>com.x</groupId><artifactId>y</artifactId><version>3</version><optional>true</optional></dependency>
        <dependency><groupId>${project.groupId}</groupId><artifactId>z</artifactId><version>[${project.version}]</version></dependency>
      </dependencies></project>";

    #[test]
    fn reads_foreign_package_from_pom() {
        let version = "1.2.0".parse().unwrap();
        let foreign = read(POM.as_bytes(), "tool", &version).unwrap();
        let manifest = foreign.manifest;
        assert_eq!(foreign.ending, "nar");
        assert_eq!(manifest.packaging, Packaging::Unsupported("nar".to_owned()));
        assert_eq!(manifest.description, "a & b");
        assert_eq!(manifest.metadata.license.as_deref(), Some("Apache-2.0"));
        let error: Vec<String> = manifest
            .dependencies
            .iter()
            .map(|one| format!("{} {} {}", one.name, one.range, one.optional))
            .collect();
        assert_eq!(
            error,
            ["base >=1.0, <2.0 false", "com.x:y * true", "z =1.2.0 false"]
        );
    }

    #[test]
    fn rejects_pom_of_another_package() {
        let version = "1.3.0".parse().unwrap();
        let error = read(POM.as_bytes(), "tool", &version).unwrap_err();
        assert!(
            error.contains("`1.2.0`") && error.contains("1.3.0"),
            "{error}"
        );
        let error = read(POM.as_bytes(), "other", &"1.2.0".parse().unwrap()).unwrap_err();
        assert!(error.contains("`tool`"), "{error}");
    }
}
