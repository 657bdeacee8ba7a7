//! What follows the release: names that begin with the name of the record, and addresses of its Services.

use extension_registry_api::limits;
use extension_registry_core::projection::Address;

use crate::folder::Chart;
use crate::text::quoted;

/// An expression of a Go template, and how comments describe its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expression {
    pub(crate) code: String,
    pub(crate) shown: String,
}

impl Expression {
    /// Returns the expression as an argument of a function.
    pub(crate) fn argument(&self) -> String {
        if self.code.contains(' ') {
            format!("({})", self.code)
        } else {
            self.code.clone()
        }
    }
}

/// A host in the cluster.
pub(crate) enum Host {
    /// A Service of the release.
    Own(Expression),
    /// A Service whose name does not begin with the name of the release.
    Foreign(String),
    /// Possibly a Service; `minio.io` may be a public host.
    Unclear(String),
    /// Any other host.
    Elsewhere,
}

/// A release of the chart, with the name of the record.
pub(crate) struct Release<'r> {
    /// Prefixes of names with the expressions that replace them, the longest first.
    prefixes: Vec<(String, Expression)>,
    chart: Option<&'r Chart>,
}

impl<'r> Release<'r> {
    pub(crate) fn new(name: &str, chart: Option<&'r Chart>) -> Self {
        let mut prefixes = Vec::new();
        if let Some(chart) = chart
            && let Some(helper) = &chart.full_name
        {
            let full_name = Expression {
                code: format!("include {} .", quoted(helper)),
                shown: "<fullname>".to_owned(),
            };
            prefixes.push((full_name_of(name, &chart.name), full_name));
        }
        let release = Expression {
            code: ".Release.Name".to_owned(),
            shown: "<release>".to_owned(),
        };
        prefixes.push((name.to_owned(), release));
        Self { prefixes, chart }
    }

    /// Returns the expression for the name of the record.
    pub(crate) fn record(&self) -> &Expression {
        &self.prefixes[0].1
    }

    /// Returns the expression for a name that is, or begins with, the name of the release.
    pub(crate) fn name(&self, name: &str) -> Option<Expression> {
        let (prefix, rest) = self.split(name)?;
        let code = match rest {
            "" => prefix.code.clone(),
            rest => format!(
                "printf {} {}",
                quoted(&format!("%s{rest}")),
                prefix.argument()
            ),
        };
        let shown = format!("{}{rest}", prefix.shown);
        Some(Expression { code, shown })
    }

    fn split<'n>(&self, name: &'n str) -> Option<(&Expression, &'n str)> {
        self.prefixes.iter().find_map(|(prefix, expression)| {
            let rest = name.strip_prefix(&**prefix)?;
            (rest.is_empty() || rest.starts_with('-')).then_some((expression, rest))
        })
    }

    /// Classifies the host of an address. That of a Service of the release becomes an expression.
    pub(crate) fn host(&self, url: &str) -> Host {
        let Some(address) = Address::parse(url) else {
            return Host::Elsewhere;
        };
        let start = url.find("://").map_or(0, |end| end + 3);
        let (scheme, rest) = url.split_at(start);
        let host = address.host.trim_end_matches('.');
        let Some(rest) = rest.strip_prefix(host) else {
            return Host::Elsewhere;
        };
        let labels: Vec<&str> = host.split('.').collect();
        let (service, domain) = match labels.as_slice() {
            ["localhost"] => return Host::Elsewhere,
            [service] | [service, _, "svc"] => (*service, String::new()),
            [service, namespace] if self.split(service).is_some() => {
                return Host::Unclear(format!("{service}.{namespace}"));
            }
            [service, _, "svc", domain @ ..] => (*service, format!(".{}", domain.join("."))),
            _ => return Host::Elsewhere,
        };
        let Some((prefix, suffix)) = self.split(service) else {
            return Host::Foreign(service.to_owned());
        };
        let port = address.port.filter(|port| {
            let of_chart = self.chart.and_then(|chart| chart.service_port);
            suffix.is_empty() && !rest.starts_with('.') && of_chart == Some(*port)
        });
        let (port_format, port_code, rest) = match port {
            Some(port) => {
                let written = format!(":{port}");
                let rest = rest.strip_prefix(&*written).unwrap_or(rest);
                (":%v", " .Values.service.port", rest)
            }
            None => ("", "", rest),
        };
        let (scheme_format, rest_format) = (scheme.replace('%', "%%"), rest.replace('%', "%%"));
        let format = format!("{scheme_format}%s{suffix}.%s.svc{domain}{port_format}{rest_format}");
        let shown_port = if port.is_some() {
            ":<service.port>"
        } else {
            ""
        };
        Host::Own(Expression {
            code: format!(
                "printf {} {} .Release.Namespace{port_code}",
                quoted(&format),
                prefix.argument()
            ),
            shown: format!(
                "{scheme}{}{suffix}.<namespace>.svc{domain}{shown_port}{rest}",
                prefix.shown
            ),
        })
    }
}

/// Returns the full name of a release, as the helper that `helm create` writes.
fn full_name_of(release: &str, chart: &str) -> String {
    let full_name = if release.contains(chart) {
        release.to_owned()
    } else {
        format!("{release}-{chart}")
    };
    let full_name: String = full_name.chars().take(limits::NAME).collect();
    full_name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Host, Release, full_name_of};
    use crate::Chart;

    fn chart() -> Chart {
        Chart {
            name: "minio".to_owned(),
            full_name: Some("minio.fullname".to_owned()),
            service_port: Some(9000),
            ..Chart::default()
        }
    }

    #[test]
    fn names_that_begin_with_the_release_follow_it() {
        let chart = chart();
        let (without, with) = (
            Release::new("store", None),
            Release::new("store", Some(&chart)),
        );
        for (name, expected, expected_with_helper) in [
            ("store", ".Release.Name", ".Release.Name"),
            (
                "store-minio",
                r#"printf "%s-minio" .Release.Name"#,
                r#"include "minio.fullname" ."#,
            ),
            (
                "store-minio-auth",
                r#"printf "%s-minio-auth" .Release.Name"#,
                r#"printf "%s-auth" (include "minio.fullname" .)"#,
            ),
            (
                "store-auth",
                r#"printf "%s-auth" .Release.Name"#,
                r#"printf "%s-auth" .Release.Name"#,
            ),
            ("stores", "", ""),
            ("minio", "", ""),
        ] {
            let code = |release: &Release<'_>| {
                let expression = release.name(name);
                expression
                    .map(|expression| expression.code)
                    .unwrap_or_default()
            };
            assert_eq!(code(&without), expected, "{name}");
            assert_eq!(code(&with), expected_with_helper, "{name}");
        }
    }

    #[test]
    fn addresses_of_own_services_follow_the_release() {
        let chart = chart();
        let release = Release::new("store", Some(&chart));
        let shown = |url: &str| match release.host(url) {
            Host::Own(expression) => expression.shown,
            Host::Foreign(service) => format!("foreign {service}"),
            Host::Unclear(host) => format!("unclear {host}"),
            Host::Elsewhere => "elsewhere".to_owned(),
        };
        for (url, expected) in [
            (
                "http://store:80/a?b#c",
                "http://<release>.<namespace>.svc:80/a?b#c",
            ),
            ("store:5432", "<release>.<namespace>.svc:5432"),
            (
                "https://store.tools.svc",
                "https://<release>.<namespace>.svc",
            ),
            (
                "http://store.tools.svc.",
                "http://<release>.<namespace>.svc.",
            ),
            (
                "http://store.tools.svc.cluster.local/",
                "http://<release>.<namespace>.svc.cluster.local/",
            ),
            (
                "http://store-minio:9000/a",
                "http://<fullname>.<namespace>.svc:<service.port>/a",
            ),
            // The value is the port of the main Service.
            (
                "http://store-minio-console:9000",
                "http://<fullname>-console.<namespace>.svc:9000",
            ),
            ("http://minio:9000", "foreign minio"),
            ("http://minio.tools.svc:9000", "foreign minio"),
            ("http://store.io", "unclear store.io"),
            ("http://minio.io", "elsewhere"),
            ("http://store.example.org", "elsewhere"),
            ("http://a.store.tools.svc", "elsewhere"),
            ("http://localhost:80", "elsewhere"),
            ("http://10.0.0.1", "elsewhere"),
            ("http://[::1]:80", "elsewhere"),
            ("http://{{ x }}", "elsewhere"),
            ("", "elsewhere"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
    }

    #[test]
    fn address_is_quoted_for_printf() {
        let release = Release::new("store", None);
        let Host::Own(expression) = release.host(r#"http://store/%7B{{"`x\y`"}}"#) else {
            panic!("not an address of the release");
        };
        assert_eq!(
            expression.code,
            r#"printf "http://%s.%s.svc/%%7B{{\"`x\\y`\"}}" .Release.Name .Release.Namespace"#
        );
    }

    #[test]
    fn full_name_is_that_of_helm_create() {
        assert_eq!(full_name_of("store", "minio"), "store-minio");
        assert_eq!(full_name_of("my-minio", "minio"), "my-minio");
        let long = full_name_of(&"a".repeat(50), &format!("{}-b", "é".repeat(11)));
        assert_eq!(long.chars().count(), 62);
    }
}
