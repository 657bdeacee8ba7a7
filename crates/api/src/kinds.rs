//! The two kinds of record. They differ only in scope, so both wrap [`ExtensionSpec`].

use std::fmt::Debug;

use extension_registry_core::record::RecordKey;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{CustomResource, Resource, ResourceExt};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::extension::{ExtensionSpec, ExtensionStatus};

/// Annotation in which a client-side apply stores the whole object, including values.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A record of either kind.
pub trait RecordObject:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
    /// Returns the spec, which both kinds share.
    fn spec(&self) -> &ExtensionSpec;

    /// Returns the status, which both kinds share.
    fn status(&self) -> Option<&ExtensionStatus>;

    /// Returns the key of the record.
    fn key(&self) -> RecordKey {
        RecordKey {
            namespace: self.namespace().map(Into::into),
            name: self.name_any().into(),
        }
    }
}

/// Removes metadata that the operator never reads. Call it on every object of a store: the annotation
/// of a client-side apply holds the values of the record in plain text, which `{:?}` would print.
pub fn strip(metadata: &mut ObjectMeta) {
    metadata.managed_fields = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove(LAST_APPLIED);
    }
}

macro_rules! record_kind {
    ($spec:ident, $object:ident, $kind:literal, $short:literal, $doc:literal, [$($extra:tt)*]) => {
        #[derive(CustomResource, JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
        #[kube(
            group = "registry.fuseml.io",
            version = "v1alpha1",
            kind = $kind,
            shortname = $short,
            category = "registry",
            doc = $doc,
            status = "ExtensionStatus",
            derive = "PartialEq",
            selectable = ".spec.product",
            selectable = ".spec.zone",
            printcolumn(name = "Product", type_ = "string", json_path = ".spec.product"),
            printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
            printcolumn(name = "Zone", type_ = "string", json_path = ".spec.zone"),
            printcolumn(name = "Services", type_ = "string", json_path = ".status.summary.services"),
            printcolumn(name = "Consumers", type_ = "integer", json_path = ".status.consumers"),
            printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
            printcolumn(
                name = "Reason",
                type_ = "string",
                json_path = ".status.conditions[?(@.type=='Ready')].reason",
                priority = "1"
            ),
            printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
            validation = Rule::new("self.metadata.name.size() <= 63").message("record names must not exceed 63 characters: choose a shorter name"),
            $($extra)*
        )]
        #[serde(transparent)]
        #[expect(missing_docs, reason = "a doc comment would replace the description of the shared spec")]
        pub struct $spec(pub ExtensionSpec);

        impl RecordObject for $object {
            fn spec(&self) -> &ExtensionSpec {
                &self.spec.0
            }

            fn status(&self) -> Option<&ExtensionStatus> {
                self.status.as_ref()
            }
        }
    };
}

record_kind!(
    ClusterExtensionSpec,
    ClusterExtension,
    "ClusterExtension",
    "cext",
    "A third-party tool that workflows in all projects can use, subject to its `access` lists.",
    []
);

record_kind!(
    NamespacedExtensionSpec,
    Extension,
    "Extension",
    "ext",
    "A third-party tool of one project. It takes precedence over cluster-scoped records that match the same requirement.",
    [
        namespaced,
        validation = Rule::new("!has(self.spec.shadowable)").message("`shadowable` is valid only for a ClusterExtension: remove it; an Extension is never shadowed"),
    ]
);
