//! The chart without a cluster: the objects that it renders, and the values that it rejects.

#[path = "support/rendered.rs"]
mod rendered;

use std::collections::BTreeSet;
use std::process::Command;

use extension_registry_e2e::operator;
use serde_json::{Value, json};

use rendered::{
    CERT_MANAGER, EVERYTHING, LIMITED, OUTSIDE, OWN_CERTIFICATE, arguments, chart, find_object,
    kinds, objects, set, verbs, webhooks,
};

#[test]
fn chart_passes_strict_lint() {
    for settings in [
        &[][..],
        &[LIMITED],
        &[CERT_MANAGER],
        &[OWN_CERTIFICATE],
        &[OUTSIDE],
        EVERYTHING,
    ] {
        chart(&["lint", "--strict"], settings).unwrap();
    }
}

#[test]
fn extra_variables_reach_operator_and_hook() {
    let objects = objects(&[
        "extraEnv[0].name=HTTPS_PROXY",
        "extraEnv[0].value=http://proxy:3128",
    ]);
    for kind in ["Deployment", "Job"] {
        let mut found = objects.iter().filter(|object| object["kind"] == kind);
        let container = &found.next().unwrap()["spec"]["template"]["spec"]["containers"][0];
        let variables = container["env"].as_array().unwrap();
        let expected = json!({"name": "HTTPS_PROXY", "value": "http://proxy:3128"});
        assert!(variables.contains(&expected), "{kind}: {variables:?}");
    }
}

/// The pages act with the token of their user: neither a role nor a token of the cluster is theirs.
#[test]
fn pages_have_no_permissions() {
    let name = "extension-registry-web";
    assert!(find_object(&objects(&[]), "Deployment", "system", name).is_null());
    let objects = objects(EVERYTHING);
    let bindings = objects.iter().filter(|object| {
        let kind = object["kind"].as_str().unwrap();
        kind.ends_with("RoleBinding")
    });
    for binding in bindings {
        assert!(!binding["subjects"].to_string().contains(name), "{binding}");
    }
    let account = find_object(&objects, "ServiceAccount", "system", name);
    assert_eq!(account["automountServiceAccountToken"], false);
    let pod = &find_object(&objects, "Deployment", "system", name)["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], name);
    assert_eq!(pod["automountServiceAccountToken"], false);
    let volumes = json!([{"name": "ca", "configMap": {"name": "kube-root-ca.crt"}}]);
    assert_eq!(pod["volumes"], volumes);
    let policy = find_object(&objects, "NetworkPolicy", "system", name);
    let from = &policy["spec"]["ingress"][0]["from"];
    assert_eq!(
        from[0]["namespaceSelector"]["matchLabels"]["team"],
        "ingress"
    );
}

#[test]
fn rejects_invalid_values_by_name() {
    for (setting, named) in [
        ("replcas=2", "replcas"),
        ("replicas=many", "/replicas"),
        ("web.enable=true", "enable"),
        ("webhook.enable=true", "enable"),
        ("webhook.url=http://127.0.0.1", "/webhook/url"),
        ("extraEnv[0].value=one", "/extraEnv/0"),
        ("inlineCredentials=keep", "/inlineCredentials"),
        ("namespaces={Alpha}", "/namespaces/0"),
        ("log.format=yaml", "/log/format"),
        ("unusedGraceSeconds=-1", "/unusedGraceSeconds"),
        ("webhook.caBundle=QQ==", "/webhook/certificateSecret"),
        (
            "webhook.certificateSecret=mine",
            "/webhook/certificateSecret",
        ),
        (
            "webhook.certManager.enabled=true,webhook.caBundle=QQ==,webhook.certificateSecret=mine",
            "/webhook/caBundle",
        ),
        (
            "networkPolicy.apiServerCIDRs={10.0.0.10}",
            "/networkPolicy/apiServerCIDRs/0",
        ),
    ] {
        let message = chart(&["template"], &[setting]).unwrap_err().to_string();
        assert!(message.contains(named), "{setting}: {message}");
    }
}

#[test]
fn disabled_features_render_no_objects() {
    let plain = objects(&[]);
    for kind in ["ServiceMonitor", "ConfigMap", "Certificate", "Issuer"] {
        assert!(!kinds(&plain).contains(kind), "{kind}");
        assert!(kinds(&objects(EVERYTHING)).contains(kind), "{kind}");
    }
    let without = objects(&[
        "webhook.enabled=false",
        "crds.install=false",
        "policies.enabled=false",
        "injection.enabled=false",
    ]);
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
        "CustomResourceDefinition",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ] {
        assert!(!kinds(&without).contains(kind), "{kind}");
    }
    assert!(
        !arguments(&without)
            .iter()
            .any(|argument| argument.contains("webhook"))
    );
}

#[test]
fn uninstall_keeps_crds_and_records_namespace() {
    let plain = objects(&[]);
    let kept: Vec<&Value> = plain
        .iter()
        .filter(|object| object["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep")
        .collect();
    let definitions = kept
        .iter()
        .filter(|object| object["kind"] == "CustomResourceDefinition");
    assert_eq!(definitions.count(), 6);
    assert!(kept.contains(&find_object(
        &plain,
        "Namespace",
        "",
        "extension-registry-records"
    )));
    // Braces in descriptions must not be evaluated by helm.
    let workflows = find_object(
        &plain,
        "CustomResourceDefinition",
        "",
        "workflows.registry.fuseml.io",
    );
    assert!(workflows.to_string().contains("{{"));
}

#[test]
fn project_secrets_are_written_and_never_read() {
    let plain = objects(&[]);
    let role = find_object(&plain, "ClusterRole", "", "extension-registry");
    assert_eq!(verbs(role, "secrets"), set(&["create", "delete", "update"]));
    assert_eq!(verbs(role, "workflows"), set(&["get", "list", "watch"]));
    assert_eq!(verbs(role, "workflows/status"), set(&["patch"]));
    let own = find_object(&plain, "Role", "system", "extension-registry-own");
    assert_eq!(verbs(own, "secrets"), set(&["create"]));
    let records = find_object(
        &plain,
        "Role",
        "extension-registry-records",
        "extension-registry-records",
    );
    assert_eq!(verbs(records, "secrets"), set(&["get", "list", "watch"]));
    for role in plain
        .iter()
        .filter(|object| object["kind"].as_str().unwrap().ends_with("Role"))
    {
        assert!(!role["rules"].to_string().contains('*'), "{role}");
    }
}

#[test]
fn permissions_are_limited_to_chosen_namespaces() {
    let limited = objects(&[LIMITED]);
    let cluster = find_object(&limited, "ClusterRole", "", "extension-registry");
    for resource in [
        "secrets",
        "workflows",
        "extensions",
        "pipelines",
        "extensionprojections",
    ] {
        assert_eq!(verbs(cluster, resource), set(&[]), "{resource}");
    }
    assert_eq!(
        verbs(cluster, "clusterextensions"),
        set(&["get", "list", "watch"])
    );
    for namespace in ["alpha", "beta"] {
        let role = find_object(&limited, "Role", namespace, "extension-registry");
        assert_eq!(verbs(role, "secrets"), set(&["create", "delete", "update"]));
        assert_eq!(
            find_object(&limited, "RoleBinding", namespace, "extension-registry")["subjects"][0]["namespace"],
            "system"
        );
    }
    assert!(arguments(&limited).contains(&"--namespaces=alpha,beta"));
}

#[test]
fn webhooks_use_service_or_url() {
    for (settings, outside) in [(&[][..], false), (&[OUTSIDE], true)] {
        let objects = objects(settings);
        let mut paths = BTreeSet::new();
        for webhook in webhooks(&objects) {
            let config = &webhook["clientConfig"];
            let path = if outside {
                assert!(config["service"].is_null());
                let url = config["url"].as_str().unwrap();
                url.strip_prefix("https://127.0.0.1:9443").unwrap()
            } else {
                assert_eq!(config["service"]["name"], "extension-registry-webhook");
                config["service"]["path"].as_str().unwrap()
            };
            paths.insert(path.to_owned());
            assert_eq!(webhook["failurePolicy"], "Fail");
            assert_eq!(webhook["matchConditions"].as_array().unwrap().len(), 1);
        }
        let all = [
            "/mutate/bindings",
            "/mutate/records",
            "/mutate/workflows",
            "/validate/bindings",
            "/validate/records",
            "/validate/workflows",
        ];
        assert_eq!(paths, set(&all));
    }
}

#[test]
fn certificate_has_one_source() {
    for (settings, secret, bundle, certificate, jobs) in [
        (
            &[][..],
            "extension-registry-webhook-certificate",
            None,
            0,
            2,
        ),
        (
            &[CERT_MANAGER],
            "extension-registry-webhook-certificate",
            None,
            1,
            0,
        ),
        (&[OWN_CERTIFICATE], "mine", Some("QQ=="), 0, 0),
    ] {
        let objects = objects(settings);
        let count = |kind| {
            objects
                .iter()
                .filter(|object| object["kind"] == kind)
                .count()
        };
        assert_eq!(count("Certificate"), certificate, "{settings:?}");
        assert_eq!(count("Job"), jobs, "{settings:?}");
        let deployment = find_object(&objects, "Deployment", "system", "extension-registry");
        let volumes = &deployment["spec"]["template"]["spec"]["volumes"];
        assert_eq!(volumes[0]["secret"]["secretName"], secret);
        // A Pod may be ready without caBundle only if a hook sets it later.
        let is_ready_before_trust = arguments(&objects).contains(&"--ready-before-trust");
        assert_eq!(is_ready_before_trust, jobs > 0, "{settings:?}");
        for webhook in webhooks(&objects) {
            assert_eq!(webhook["clientConfig"]["caBundle"].as_str(), bundle);
        }
    }
}

#[test]
fn only_the_hook_writes_webhook_configurations() {
    for settings in [&[][..], &[CERT_MANAGER], &[OWN_CERTIFICATE], EVERYTHING] {
        let objects = objects(settings);
        for object in &objects {
            let hook = &object["metadata"]["annotations"]["helm.sh/hook"];
            let grants = object["rules"]
                .to_string()
                .contains("webhookconfigurations");
            let is_hook_role = object["metadata"]["name"] == "extension-registry-certificate";
            assert!(!grants || (hook.is_string() && is_hook_role), "{object:#}");
            if is_hook_role {
                let metadata = &object["metadata"];
                let policy = &metadata["annotations"]["helm.sh/hook-delete-policy"];
                assert_eq!(policy, "before-hook-creation,hook-succeeded");
                assert_eq!(hook, "pre-install,pre-upgrade,post-install,post-upgrade");
                // Created before the Jobs, whose weight is 0.
                assert_eq!(metadata["annotations"]["helm.sh/hook-weight"], "-1");
            }
        }
    }
    let objects = objects(&[]);
    let role = find_object(
        &objects,
        "ClusterRole",
        "",
        "extension-registry-certificate",
    );
    let rules = json!([{
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
        "resourceNames": ["extension-registry"],
        "verbs": ["get", "patch"],
    }]);
    assert_eq!(role["rules"], rules);
    let own = find_object(&objects, "Role", "system", "extension-registry-certificate");
    assert_eq!(verbs(own, "secrets"), set(&["create"]));
}

#[test]
fn network_policy_admits_only_listed_peers() {
    let policy = |settings: &[&str]| {
        let objects = objects(settings);
        let policy = find_object(&objects, "NetworkPolicy", "system", "extension-registry");
        policy["spec"]["ingress"].clone()
    };
    let test = json!({"podSelector": {"matchLabels": {
        "app.kubernetes.io/name": "extension-registry",
        "app.kubernetes.io/instance": "extension-registry",
        "app.kubernetes.io/component": "test",
    }}});
    assert_eq!(
        policy(&[]),
        json!([
            {"ports": [{"port": "metrics"}], "from": [test]},
            {"ports": [{"port": "webhook"}]},
        ])
    );
    let monitoring = json!({"namespaceSelector": {"matchLabels": {"team": "monitoring"}}});
    let blocks = ["10.0.0.10/32", "2001:db8::1/128"].map(|cidr| json!({"ipBlock": {"cidr": cidr}}));
    assert_eq!(
        policy(EVERYTHING),
        json!([
            {"ports": [{"port": "metrics"}], "from": [test, monitoring]},
            {"ports": [{"port": "webhook"}], "from": blocks},
        ])
    );
    assert!(policy(&["networkPolicy.enabled=false"]).is_null());
}

#[test]
fn operator_accepts_rendered_arguments() {
    let help = |subcommand: &[&str]| {
        let mut command = Command::new(operator::program().unwrap());
        let output = command.args(subcommand).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let is_known = |help: &str, argument: &str| {
        let option = argument.split('=').next().unwrap();
        help.split([' ', '\n', '=']).any(|word| word == option)
    };
    let operator = help(&[]);
    for settings in [&[][..], &[LIMITED], EVERYTHING] {
        for argument in arguments(&objects(settings)) {
            assert!(is_known(&operator, argument), "{argument}");
        }
    }
    let issue = help(&["issue-certificate"]);
    let objects = objects(&[]);
    let jobs = objects.iter().filter(|object| object["kind"] == "Job");
    for job in jobs {
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        let arguments = container["args"].as_array().unwrap();
        assert_eq!(arguments[0], "issue-certificate");
        for argument in &arguments[1..] {
            assert!(is_known(&issue, argument.as_str().unwrap()), "{argument}");
        }
        let names = webhooks(&objects)
            .iter()
            .map(|webhook| webhook["name"].as_str().unwrap())
            .collect::<Vec<_>>()
            .join(",");
        assert!(arguments.contains(&json!(format!("--webhooks={names}"))));
    }
}
