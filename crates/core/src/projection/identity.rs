//! Identity of a projection, and the name of its Secret.

use sha2::{Digest, Sha256};

use crate::record::{Name, RecordKey};

/// Identity of a rendered Secret. Two choices in one namespace share a Secret if and only if
/// their identities are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The record.
    pub record: RecordKey,
    /// The service.
    pub service: Name,
    /// Type of the binding: the resource, or else the product. It is part of the
    /// identity because the type of a Secret is immutable.
    pub binding_type: Name,
    /// The endpoint, if the service has any.
    pub endpoint: Option<Name>,
    /// The credentials, if the service has any.
    pub credentials: Option<Name>,
    /// The user, if the choice depended on one.
    pub user: Option<Name>,
}

/// Name prefix of every rendered Secret.
pub const RENDERED_PREFIX: &str = "ext-";

/// Name suffix of the Secret with the environment variables of a binding.
pub const ENVIRONMENT_SUFFIX: &str = ".env";

/// Returns the name of the Secret with the files of a binding, and of its projection. Names of bindings are
/// restricted so that it never equals [`Identity::name`].
#[must_use]
pub fn binding_secret(binding: &str) -> String {
    format!("{RENDERED_PREFIX}{binding}")
}

/// Returns the name of the Secret with the environment variables of a binding.
#[must_use]
pub fn binding_environment_secret(binding: &str) -> String {
    format!("{RENDERED_PREFIX}{binding}{ENVIRONMENT_SUFFIX}")
}

const SLUG_LENGTH: usize = 40;
const HASH_LENGTH: usize = 16;

impl Identity {
    /// Returns the name of the Secret and of the projection: `ext-<slug>-<16 hex>`, or `ext-u-…` for a
    /// Secret of one user. The hash covers every part with its length, so that distinct identities have
    /// distinct inputs. It has 16 digits because tenants who choose names could find collisions of 8.
    #[must_use]
    pub fn name(&self) -> String {
        let mut hash = Sha256::new();
        let namespace = self.record.namespace.as_deref();
        let parts = [
            Some(self.record.kind().as_str()),
            namespace,
            Some(&*self.record.name),
            Some(&*self.service),
            Some(&*self.binding_type),
            self.endpoint.as_deref(),
            self.credentials.as_deref(),
            self.user.as_deref(),
        ];
        for part in parts {
            match part {
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text.as_bytes());
                }
                None => hash.update([0]),
            }
        }
        let digest = hash.finalize();
        let hex = hex::encode(&digest[..HASH_LENGTH / 2]);
        let user = if self.user.is_some() { "u-" } else { "" };
        let slug = slug(&self.record.name, &self.service);
        format!("{RENDERED_PREFIX}{user}{slug}-{hex}")
    }
}

/// Readable part: record and service, truncated to fit a DNS label.
fn slug(record: &str, service: &str) -> String {
    let text = if record == service {
        record.to_owned()
    } else {
        format!("{record}-{service}")
    };
    let mut slug = String::new();
    for character in text.chars().map(|character| character.to_ascii_lowercase()) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == SLUG_LENGTH {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "x".to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;
    use crate::record::RecordKey;

    fn identity() -> Identity {
        Identity {
            record: RecordKey::cluster("mlflow-0001"),
            service: "mlflow-store".into(),
            binding_type: "s3".into(),
            endpoint: Some("cluster".into()),
            credentials: Some("default-s3-account".into()),
            user: None,
        }
    }

    #[test]
    fn names_are_readable_stable_dns_labels() {
        assert_eq!(
            identity().name(),
            "ext-mlflow-0001-mlflow-store-2d71ca439d7c5f47"
        );
        let long = Identity {
            service: "API.V2+x".repeat(20).into(),
            ..identity()
        };
        let name = long.name();
        assert!(name.len() <= 63, "{name}");
        assert!(
            name.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{name}"
        );
        let odd = Identity {
            record: RecordKey::cluster("+++"),
            service: "+++".into(),
            ..identity()
        };
        assert!(odd.name().starts_with("ext-x-"), "{}", odd.name());
    }

    #[test]
    fn hash_covers_every_part_unambiguously() {
        let base = identity();
        let others = [
            Identity {
                record: RecordKey::project("a", "mlflow-0001"),
                ..identity()
            },
            Identity {
                record: RecordKey::cluster("mlflow-0002"),
                ..identity()
            },
            Identity {
                service: "other".into(),
                ..identity()
            },
            Identity {
                binding_type: "s4".into(),
                ..identity()
            },
            Identity {
                endpoint: None,
                ..identity()
            },
            Identity {
                endpoint: Some("".into()),
                ..identity()
            },
            Identity {
                endpoint: Some("clusterd".into()),
                credentials: Some("efault-s3-account".into()),
                ..identity()
            },
            Identity {
                credentials: None,
                ..identity()
            },
            Identity {
                user: Some("ada".into()),
                ..identity()
            },
        ];
        let mut names: Vec<String> = others.iter().chain([&base]).map(Identity::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), others.len() + 1);
    }
}
