//! Permissions of all accounts after the installation of the chart, as `kubectl auth can-i` reports them.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::{NAMESPACE as OWN, RECORDS_NAMESPACE as RECORDS};
use extension_registry_e2e::{Cluster, Installed, Options};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

/// The columns, as in [`TABLE`], with the groups that an API server would add.
const USERS: [(&str, &[&str]); 5] = [
    (
        "system:serviceaccount:extension-registry:extension-registry",
        &[
            "system:serviceaccounts",
            "system:serviceaccounts:extension-registry",
            "system:authenticated",
        ],
    ),
    ("scientist", &["system:authenticated"]),
    ("admin", &["system:authenticated"]),
    ("viewer", &["system:authenticated"]),
    ("platform", &["system:authenticated"]),
];

/// `-n` is a namespace; `*` checks the whole cluster. A cell is `y` for yes and `.` for no.
const TABLE: &str = "
# verb             what                                             -n        operator scientist admin viewer platform
# Secrets of a project: the operator writes and never reads. A patch would read.
get                secrets                                          alpha     .        y         y     .      .
get                secrets/ext-any                                  alpha     .        y         y     .      .
list               secrets                                          alpha     .        y         y     .      .
watch              secrets                                          alpha     .        y         y     .      .
patch              secrets                                          alpha     .        y         y     .      .
deletecollection   secrets                                          alpha     .        y         y     .      .
create             secrets                                          alpha     y        y         y     .      .
update             secrets                                          alpha     y        y         y     .      .
delete             secrets                                          alpha     y        y         y     .      .
get                secrets                                          kube-system .      .         .     .      .
patch              secrets                                          kube-system .      .         .     .      .
list               secrets                                          *         .        .         .     .      .
watch              secrets                                          *         .        .         .     .      .
patch              secrets                                          *         .        .         .     .      .
deletecollection   secrets                                          *         .        .         .     .      .
# Its own namespace: its keys by name, and no other. Its Pods mount the serving certificate.
get                secrets/extension-registry-digest-key            OWN       y        .         .     .      .
get                secrets/extension-registry-sealing-keys          OWN       y        .         .     .      .
get                secrets/extension-registry-webhook-certificate   OWN       .        .         .     .      .
get                secrets/sh.helm.release.v1.extension-registry.v1 OWN       .        .         .     .      .
get                secrets                                          OWN       .        .         .     .      .
list               secrets                                          OWN       .        .         .     .      .
watch              secrets                                          OWN       .        .         .     .      .
patch              secrets/extension-registry-digest-key            OWN       .        .         .     .      .
create             workflows.registry.fuseml.io                    OWN       y        .         .     .      .
# Secrets of cluster records.
get                secrets                                          RECORDS   y        .         .     .      y
list               secrets                                          RECORDS   y        .         .     .      y
watch              secrets                                          RECORDS   y        .         .     .      y
create             secrets                                          RECORDS   y        .         .     .      y
patch              secrets                                          RECORDS   .        .         .     .      y
deletecollection   secrets                                          RECORDS   .        .         .     .      .
# Our kinds.
create             workflows.registry.fuseml.io                     alpha     .        y         y     .      .
delete             workflows.registry.fuseml.io                     alpha     .        y         y     .      .
# Bindings: the operator reads them, and patches their status.
create             extensionbindings.registry.fuseml.io             alpha     .        y         y     .      .
update             extensionbindings.registry.fuseml.io             alpha     .        y         y     .      .
patch              extensionbindings.registry.fuseml.io             alpha     .        y         y     .      .
delete             extensionbindings.registry.fuseml.io             alpha     .        y         y     .      .
deletecollection   extensionbindings.registry.fuseml.io             alpha     .        y         y     .      .
get                extensionbindings.registry.fuseml.io             alpha     y        y         y     y      .
list               extensionbindings.registry.fuseml.io             *         y        .         .     .      .
get                extensionbindings.registry.fuseml.io             beta      y        .         .     .      .
update             extensionbindings.registry.fuseml.io//status     alpha     .        .         .     .      .
patch              extensionbindings.registry.fuseml.io//status     alpha     y        .         .     .      .
patch              extensionbindings.registry.fuseml.io//finalizers alpha     .        .         .     .      .
create             extensions.registry.fuseml.io                    alpha     .        .         y     .      .
update             extensions.registry.fuseml.io                    alpha     .        .         y     .      .
create             clusterextensions.registry.fuseml.io             *         .        .         .     .      y
delete             clusterextensions.registry.fuseml.io             *         .        .         .     .      y
create             extensionprojections.registry.fuseml.io          alpha     y        .         .     .      .
delete             extensionprojections.registry.fuseml.io          alpha     y        .         y     .      .
create             rungates.registry.fuseml.io                      alpha     y        .         .     .      .
patch              rungates.registry.fuseml.io                      alpha     y        .         .     .      .
delete             rungates.registry.fuseml.io                      alpha     y        .         .     .      .
update             rungates.registry.fuseml.io                      alpha     .        .         .     .      .
deletecollection   rungates.registry.fuseml.io                      alpha     .        .         .     .      .
patch              rungates.registry.fuseml.io//status              alpha     .        .         .     .      .
get                rungates.registry.fuseml.io                      alpha     y        y         y     y      .
list               rungates.registry.fuseml.io                      *         y        .         .     .      .
get                workflows.registry.fuseml.io                     alpha     y        y         y     y      .
get                extensions.registry.fuseml.io                    alpha     y        y         y     y      .
get                extensionprojections.registry.fuseml.io          alpha     y        y         y     y      .
# A RoleBinding grants no access to cluster records; that requires a ClusterRoleBinding.
get                clusterextensions.registry.fuseml.io             *         y        .         .     .      y
get                workflows.registry.fuseml.io                     beta      y        .         .     .      .
create             workflows.registry.fuseml.io                     beta      .        .         .     .      .
# To change a record whose sealed values another user supplied.
get                extensions.registry.fuseml.io//values            alpha     .        .         .     .      y
get                clusterextensions.registry.fuseml.io//values     *         .        .         .     .      y
# Statuses are the operator's, and it only patches them.
update             workflows.registry.fuseml.io//status             alpha     .        .         .     .      .
patch              workflows.registry.fuseml.io//status             alpha     y        .         .     .      .
patch              extensions.registry.fuseml.io//status            alpha     y        .         .     .      .
patch              clusterextensions.registry.fuseml.io//status     *         y        .         .     .      .
patch              extensionprojections.registry.fuseml.io//status  alpha     y        .         .     .      .
patch              workflows.registry.fuseml.io                     alpha     .        y         y     .      .
patch              clusterextensions.registry.fuseml.io             *         .        .         .     .      y
# The engine. Its own chart decides who may run.
create             pipelineruns.tekton.dev                          alpha     .        .         .     .      .
get                pipelineruns.tekton.dev                          alpha     y        .         .     .      .
patch              pipelineruns.tekton.dev                          alpha     y        .         .     .      .
delete             pipelineruns.tekton.dev                          alpha     .        .         .     .      .
patch              pipelineruns.tekton.dev//status                  alpha     .        .         .     .      .
create             taskruns.tekton.dev                              alpha     .        .         .     .      .
create             pipelines.tekton.dev                             alpha     y        .         .     .      .
patch              pipelines.tekton.dev                             alpha     y        .         .     .      .
delete             pipelines.tekton.dev                             alpha     .        .         .     .      .
# Ways to more power.
create             pods                                             alpha     .        y         y     .      .
create             pods                                             OWN       .        .         .     .      .
create             pods//exec                                       alpha     .        y         y     .      .
create             serviceaccounts//token                           alpha     .        y         y     .      .
create             serviceaccounts//token                           OWN       .        .         .     .      .
create             roles.rbac.authorization.k8s.io                  alpha     .        .         y     .      .
create             rolebindings.rbac.authorization.k8s.io           alpha     .        .         y     .      .
create             clusterroles.rbac.authorization.k8s.io           *         .        .         .     .      .
create             clusterrolebindings.rbac.authorization.k8s.io    *         .        .         .     .      .
impersonate        users                                            *         .        .         .     .      .
impersonate        groups                                           *         .        .         .     .      .
impersonate        serviceaccounts                                  OWN       .        .         .     .      .
create             subjectaccessreviews.authorization.k8s.io        *         y        .         .     .      .
create             tokenreviews.authentication.k8s.io               *         .        .         .     .      .
# Webhook configurations: a hook of the chart writes them, with an account that is gone afterwards.
get                mutatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  * . . . . .
get                validatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  * . . . . .
list               mutatingwebhookconfigurations.admissionregistration.k8s.io                     * . . . . .
list               validatingwebhookconfigurations.admissionregistration.k8s.io                     * . . . . .
watch              mutatingwebhookconfigurations.admissionregistration.k8s.io                     * . . . . .
watch              validatingwebhookconfigurations.admissionregistration.k8s.io                     * . . . . .
create             mutatingwebhookconfigurations.admissionregistration.k8s.io                     * . . . . .
create             validatingwebhookconfigurations.admissionregistration.k8s.io                     * . . . . .
update             mutatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  * . . . . .
update             validatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  * . . . . .
patch              mutatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  * . . . . .
patch              validatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  * . . . . .
delete             mutatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  * . . . . .
delete             validatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  * . . . . .
deletecollection   mutatingwebhookconfigurations.admissionregistration.k8s.io                     * . . . . .
deletecollection   validatingwebhookconfigurations.admissionregistration.k8s.io                     * . . . . .
patch              validatingadmissionpolicies.admissionregistration.k8s.io                        * . . . . .
delete             validatingadmissionpolicies.admissionregistration.k8s.io                        * . . . . .
patch              customresourcedefinitions.apiextensions.k8s.io                                  * . . . . .
";

const BINDINGS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: alpha, name: scientist}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: scientist}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: alpha, name: admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: admin}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: alpha, name: viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: viewer}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: platform}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: extension-registry-platform}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: platform}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: RECORDS, name: platform}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: extension-registry-platform}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: platform}]
";

/// CRDs of cert-manager that accept any fields, for the objects of the chart.
const CERT_MANAGER: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: issuers.cert-manager.io}
spec:
  group: cert-manager.io
  scope: Namespaced
  names: {kind: Issuer, plural: issuers}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: certificates.cert-manager.io}
spec:
  group: cert-manager.io
  scope: Namespaced
  names: {kind: Certificate, plural: certificates}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
";

#[tokio::test(flavor = "multi_thread")]
async fn accounts_have_exactly_the_listed_permissions() {
    let cluster = Cluster::start(Options {
        node: Node::None,
        ..Options::default()
    })
    .await
    .unwrap();
    Installed::with_webhook(&cluster, &[]).unwrap();
    cluster.create_namespace("alpha").unwrap();
    cluster
        .apply(&BINDINGS.replace("RECORDS", RECORDS))
        .unwrap();
    // The roles `view`, `edit` and `admin` aggregate those of the chart with a delay.
    let start = Instant::now();
    let wrong = loop {
        let wrong = wrong_cells(&cluster, rows()).await;
        if wrong.is_empty() || start.elapsed() > Duration::from_mins(2) {
            break wrong;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert!(wrong.is_empty(), "{wrong}");
    println!("{} rows, {:?}", rows().count(), start.elapsed());
    operator_cannot_write_webhook_configurations(&cluster).await;
    cluster.stop().await.unwrap();
}

/// Checks all sources of the certificate.
async fn operator_cannot_write_webhook_configurations(cluster: &Cluster) {
    cluster.apply(CERT_MANAGER).unwrap();
    cluster
        .kubectl_run(&[
            "wait",
            "--for=condition=Established",
            "crd",
            "--all",
            "--timeout=120s",
        ])
        .unwrap();
    let webhook_rows = || rows().filter(|row| row[1].contains("webhookconfigurations"));
    assert_eq!(webhook_rows().count(), 16);
    let sources = [
        ("a hook Job", "webhook.url="),
        ("cert-manager", "webhook.certManager.enabled=true"),
    ];
    for (source, setting) in sources {
        cluster
            .install_chart(&[setting.split_once('=').unwrap()])
            .unwrap();
        let wrong = wrong_cells(cluster, webhook_rows()).await;
        assert!(wrong.is_empty(), "certificate from {source}: {wrong}");
    }
}

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect())
}

async fn wrong_cells(cluster: &Cluster, rows: impl Iterator<Item = Vec<&'static str>>) -> String {
    let mut wrong = String::new();
    for row in rows {
        let [verb, what, namespace, cells @ ..] = row.as_slice() else {
            continue;
        };
        assert_eq!(cells.len(), USERS.len(), "{row:?}");
        for (cell, (user, groups)) in cells.iter().zip(USERS) {
            assert!(["y", "."].contains(cell), "{row:?}");
            let may = is_allowed(cluster, user, groups, verb, what, namespace).await;
            if may != (*cell == "y") {
                let verb_phrase = if may { "may" } else { "may not" };
                let _ = writeln!(wrong, "{user} {verb_phrase} {verb} {what} -n {namespace}");
            }
        }
    }
    wrong
}

/// Checks a permission like `kubectl auth can-i`, without starting a process for each of some hundred cells.
async fn is_allowed(
    cluster: &Cluster,
    user: &str,
    groups: &[&str],
    verb: &str,
    what: &str,
    namespace: &str,
) -> bool {
    let (what, subresource) = what.split_once("//").unwrap_or((what, ""));
    let (resource, name) = what.split_once('/').unwrap_or((what, ""));
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let namespace = match namespace {
        "*" => "",
        "OWN" => OWN,
        "RECORDS" => RECORDS,
        named => named,
    };
    let review = serde_json::from_value(json!({
        "spec": {"user": user, "groups": groups, "resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "subresource": subresource,
            "name": name, "namespace": namespace,
        }},
    }))
    .unwrap();
    let verb_phrase = Api::<SubjectAccessReview>::all(cluster.client())
        .create(&PostParams::default(), &review)
        .await
        .unwrap();
    verb_phrase.status.unwrap().allowed
}
