//! Who may do what, as a table to read, and the API server's answer to each of its lines. It is the question that
//! `kubectl auth can-i` asks. Only roles are asked here: what a policy forbids on top is marked, and tested elsewhere.
#![expect(
    clippy::expect_used,
    reason = "the helpers of tests may do what tests may do"
)]

use std::fmt::Write;

use extension_registry_e2e::chart::RELEASE;
use extension_registry_e2e::cluster::Node;
use extension_registry_e2e::setup::{NAMESPACE, RECORDS_NAMESPACE};
use extension_registry_e2e::{Cluster, Options};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

const PROJECT: &str = "can-i";

/// Where: `project` is the people's namespace, `other` another one, `own` the operator's, `records` that of source
/// Secrets, `all` the whole cluster. A name after a slash is that of one object.
///
/// - operator: the account of the chart
/// - viewer, scientist, admin: the roles `view`, `edit`, `admin` in the project
/// - platform: the role of that name, in the cluster and in the records namespace
const TABLE: &str = "
verb              what                                           where    operator viewer scientist admin platform

# Secrets of projects: the operator writes and never reads. (policy: only those that it renders)
get               secrets                                        project  -        -      yes       yes   -
list              secrets                                        project  -        -      yes       yes   -
watch             secrets                                        project  -        -      yes       yes   -
patch             secrets                                        project  -        -      yes       yes   -
deletecollection  secrets                                        project  -        -      yes       yes   -
create            secrets                                        project  yes      -      yes       yes   -
update            secrets                                        project  yes      -      yes       yes   -
delete            secrets                                        project  yes      -      yes       yes   -
get               secrets                                        other    -        -      -         -     -
list              secrets                                        all      -        -      -         -     -
watch             secrets                                        all      -        -      -         -     -
patch             secrets                                        all      -        -      -         -     -
create            secrets                                        all      yes      -      -         -     -

# Its own keys, by name.
get               secrets/extension-registry-digest-key          own      yes      -      -         -     -
get               secrets/extension-registry-webhook-ca          own      yes      -      -         -     -
get               secrets/sh.helm.release.v1.extension-registry.v1  own   -        -      -         -     -
list              secrets                                        own      -        -      -         -     -
patch             secrets/extension-registry-digest-key          own      -        -      -         -     -

# What cluster records refer to, and what is sealed. (policy: the operator changes none)
get               secrets                                        records  yes      -      -         -     yes
list              secrets                                        records  yes      -      -         -     yes
watch             secrets                                        records  yes      -      -         -     yes
create            secrets                                        records  yes      -      -         -     yes
update            secrets                                        records  yes      -      -         -     yes
delete            secrets                                        records  yes      -      -         -     yes
patch             secrets                                        records  -        -      -         -     yes

# Workflows are for those who edit, records of a project for its admins, records of the cluster for the platform.
get               workflows.registry.fuseml.io                   project  yes      yes    yes       yes   -
create            workflows.registry.fuseml.io                   project  -        -      yes       yes   -
create            workflows.registry.fuseml.io                   own      yes      -      -         -     -
update            workflows.registry.fuseml.io                   project  -        -      yes       yes   -
patch             workflows.registry.fuseml.io                   project  -        -      yes       yes   -
delete            workflows.registry.fuseml.io                   project  -        -      yes       yes   -
create            workflows.registry.fuseml.io                   other    -        -      -         -     -
get               extensions.registry.fuseml.io                  project  yes      yes    yes       yes   -
create            extensions.registry.fuseml.io                  project  -        -      -         yes   -
patch             extensions.registry.fuseml.io                  project  -        -      -         yes   -
delete            extensions.registry.fuseml.io                  project  -        -      -         yes   -
get               clusterextensions.registry.fuseml.io           all      yes      -      -         -     yes
create            clusterextensions.registry.fuseml.io           all      -        -      -         -     yes
patch             clusterextensions.registry.fuseml.io           all      -        -      -         -     yes
delete            clusterextensions.registry.fuseml.io           all      -        -      -         -     yes

# The ledger and the statuses are the operator's.
get               extensionprojections.registry.fuseml.io        project  yes      yes    yes       yes   -
create            extensionprojections.registry.fuseml.io        project  yes      -      -         -     -
patch             extensionprojections.registry.fuseml.io        project  yes      -      -         -     -
update            extensionprojections.registry.fuseml.io        project  -        -      -         -     -
delete            extensionprojections.registry.fuseml.io        project  yes      -      -         -     -
patch             extensionprojections.registry.fuseml.io:status project  yes      -      -         -     -
patch             workflows.registry.fuseml.io:status            project  yes      -      -         -     -
update            workflows.registry.fuseml.io:status            project  -        -      -         -     -
patch             extensions.registry.fuseml.io:status           project  yes      -      -         -     -
patch             clusterextensions.registry.fuseml.io:status    all      yes      -      -         -     -

# The operator writes Pipelines and runs nothing. (policies: who may run what)
get               pipelines.tekton.dev                           project  yes      -      yes       yes   -
create            pipelines.tekton.dev                           project  yes      -      yes       yes   -
patch             pipelines.tekton.dev                           project  yes      -      yes       yes   -
delete            pipelines.tekton.dev                           project  -        -      yes       yes   -
create            pipelineruns.tekton.dev                        project  -        -      yes       yes   -
create            taskruns.tekton.dev                            project  -        -      yes       yes   -
create            pods                                           project  -        -      yes       yes   -
create            pods:exec                                      project  -        -      yes       yes   -
patch             pods:ephemeralcontainers                       project  -        -      -         -     -
get               pods                                           project  -        yes    yes       yes   -
get               pods:log                                       project  -        yes    yes       yes   -
get               configmaps                                     project  -        yes    yes       yes   -

# Acting as another, and handing out rights. An account of the project is anybody's who edits there.
impersonate       users                                          all      -        -      -         -     -
impersonate       groups                                         all      -        -      -         -     -
impersonate       serviceaccounts                                project  -        -      yes       yes   -
impersonate       serviceaccounts/extension-registry             own      -        -      -         -     -
create            serviceaccounts:token                          project  -        -      yes       yes   -
create            serviceaccounts:token                          own      -        -      -         -     -
create            roles.rbac.authorization.k8s.io                project  -        -      -         yes   -
create            rolebindings.rbac.authorization.k8s.io         project  -        -      -         yes   -
escalate          roles.rbac.authorization.k8s.io                project  -        -      -         -     -
bind              clusterroles.rbac.authorization.k8s.io         all      -        -      -         -     -
create            subjectaccessreviews.authorization.k8s.io      all      yes      -      -         -     -
create            tokenreviews.authentication.k8s.io             all      -        -      -         -     -

# The doors: the operator keeps the authority of its own webhook there, and cannot open them.
patch             mutatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry    all  yes - - - -
patch             validatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  all  yes - - - -
patch             mutatingwebhookconfigurations.admissionregistration.k8s.io/another               all  -   - - - -
delete            validatingwebhookconfigurations.admissionregistration.k8s.io/extension-registry  all  -   - - - -
patch             validatingadmissionpolicies.admissionregistration.k8s.io                         all  -   - - - -
delete            validatingadmissionpolicybindings.admissionregistration.k8s.io                   all  -   - - - -
patch             customresourcedefinitions.apiextensions.k8s.io                                   all  -   - - - -

# The rest of what it needs.
create            events.events.k8s.io                           project  yes      -      yes       yes   -
update            leases.coordination.k8s.io/extension-registry  own      yes      -      -         -     -
update            leases.coordination.k8s.io/another             own      -        -      -         -     -
get               nodes                                          all      -        -      -         -     -
list              namespaces                                     all      -        -      -         -     -
";

/// As Tekton's own release extends the roles, and what makes the people of the table.
const PEOPLE: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tekton-aggregate-edit
  labels:
    rbac.authorization.k8s.io/aggregate-to-edit: 'true'
    rbac.authorization.k8s.io/aggregate-to-admin: 'true'
rules:
  - apiGroups: [tekton.dev]
    resources: [tasks, taskruns, pipelines, pipelineruns]
    verbs: [create, delete, deletecollection, get, list, patch, update, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: can-i, name: viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: viewer}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: can-i, name: scientist}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: scientist}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: can-i, name: admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: admin}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: platform}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: extension-registry-platform}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: platform}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: extension-registry-records, name: platform}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: extension-registry-platform}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: platform}]
";

#[tokio::test(flavor = "multi_thread")]
async fn roles_allow_what_the_table_says() {
    let options = Options {
        node: Node::None,
        ..Options::default()
    };
    // Of our own: the roles of a given cluster are somebody else's too.
    let cluster = Cluster::start(options).await.unwrap();
    // The values as they come, so with the webhook.
    cluster.install_chart(&[]).unwrap();
    cluster.create_namespace(PROJECT).unwrap();
    cluster.apply(PEOPLE).unwrap();
    aggregated(&cluster).await;

    let mut lines = TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let people: Vec<&str> = lines.next().unwrap().split_whitespace().skip(3).collect();
    let mut wrong = String::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [verb, what, place, answers @ ..] = words.as_slice() else {
            unreachable!("a line of the table is too short: {line}");
        };
        assert_eq!(answers.len(), people.len(), "{line}");
        for (who, expected) in people.iter().zip(answers) {
            let answer = if may(&cluster, who, verb, what, place).await {
                "yes"
            } else {
                "-"
            };
            if answer != *expected {
                writeln!(wrong, "{who}: {verb} {what} in {place}: {answer}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "not as in the table:\n{wrong}");
    cluster.stop().await.unwrap();
}

/// A controller adds the chart's rules to `view`, `edit` and `admin` a moment later.
async fn aggregated(cluster: &Cluster) {
    for _ in 0..100 {
        let workflows = "workflows.registry.fuseml.io";
        let extensions = "extensions.registry.fuseml.io";
        if may(cluster, "viewer", "get", workflows, "project").await
            && may(
                cluster,
                "scientist",
                "create",
                "taskruns.tekton.dev",
                "project",
            )
            .await
            && may(cluster, "scientist", "create", workflows, "project").await
            && may(cluster, "admin", "create", extensions, "project").await
            && may(cluster, "admin", "create", "taskruns.tekton.dev", "project").await
            && may(cluster, "platform", "get", "secrets", "records").await
        {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn may(cluster: &Cluster, who: &str, verb: &str, what: &str, place: &str) -> bool {
    let (what, name) = what
        .split_once('/')
        .map_or((what, None), |(what, name)| (what, Some(name.to_owned())));
    let (what, subresource) = what
        .split_once(':')
        .map_or((what, None), |(what, part)| (what, Some(part.to_owned())));
    let (resource, group) = what.split_once('.').unwrap_or((what, ""));
    let namespace = match place {
        "project" => Some(PROJECT),
        "other" => Some("default"),
        "own" => Some(NAMESPACE),
        "records" => Some(RECORDS_NAMESPACE),
        _ => None,
    };
    let mut groups = vec!["system:authenticated".to_owned()];
    let user = if who == "operator" {
        groups.push("system:serviceaccounts".to_owned());
        groups.push(format!("system:serviceaccounts:{NAMESPACE}"));
        format!("system:serviceaccount:{NAMESPACE}:{RELEASE}")
    } else {
        who.to_owned()
    };
    let question = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user),
            groups: Some(groups),
            resource_attributes: Some(ResourceAttributes {
                group: Some(group.to_owned()),
                name,
                namespace: namespace.map(str::to_owned),
                resource: Some(resource.to_owned()),
                subresource,
                verb: Some(verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    Api::<SubjectAccessReview>::all(cluster.client())
        .create(&PostParams::default(), &question)
        .await
        .expect("the API server answers")
        .status
        .is_some_and(|status| status.allowed)
}
