//! Checks step by step whether a registry can be used.

use std::net::SocketAddr;
use std::time::Duration;

use super::Oci;
use super::names::{fallback_tag, version};
use super::scope::Scope;
use crate::{Error, Result};
use extension_registry_core::diagnostic::Note;
use extension_registry_package_format::digest::Digest;
use extension_registry_package_transport::transport::Call;

/// Timeout for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// A step and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The step.
    pub step: Step,
    /// The result.
    pub outcome: Outcome,
    /// What was observed.
    pub detail: Note,
    /// What to do; empty if there is nothing to do.
    pub advice: String,
    /// Class of the failure; None if the step did not fail.
    pub class: Option<Class>,
}

/// Class of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The registry is unreachable.
    Network,
    /// The server does not respond like a registry.
    Protocol,
    /// The credentials were rejected.
    Credentials,
}

impl Class {
    /// Returns its number, from which exit codes are derived.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Network => 1,
            Self::Protocol => 2,
            Self::Credentials => 3,
        }
    }
}

/// A step of the check, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The host name resolves.
    Dns,
    /// An address accepts connections.
    Tcp,
    /// The certificate is trusted.
    Tls,
    /// `/v2/` responds like a registry.
    Base,
    /// The credentials are accepted.
    Auth,
    /// Tags can be listed.
    Tags,
    /// Advertised extensions.
    Discover,
    /// Support of the referrers API.
    Referrers,
}

impl Step {
    /// Returns its name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Base => "/v2/",
            Self::Auth => "auth",
            Self::Tags => "list tags",
            Self::Discover => "discover",
            Self::Referrers => "referrers",
        }
    }
}

/// Result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// It was not tried: an earlier step failed, or it does not apply to this registry.
    Skipped,
}

/// Results of the steps so far.
#[derive(Default)]
struct Report(Vec<Check>);

impl Report {
    fn pass(&mut self, step: Step, detail: impl Into<String>) {
        self.add(step, Outcome::Pass, detail);
    }

    fn skip(&mut self, step: Step, detail: &str) {
        self.add(step, Outcome::Skipped, detail);
    }

    fn add(&mut self, step: Step, outcome: Outcome, detail: impl Into<String>) {
        self.0.push(Check {
            step,
            outcome,
            detail: Note::new(detail),
            advice: String::new(),
            class: None,
        });
    }

    fn fail(&mut self, step: Step, class: Class, detail: Note, advice: &str) {
        self.0.push(Check {
            step,
            outcome: Outcome::Fail,
            detail,
            advice: advice.to_owned(),
            class: Some(class),
        });
    }

    /// Marks the remaining steps as skipped.
    fn end(mut self) -> Vec<Check> {
        let all = [
            Step::Dns,
            Step::Tcp,
            Step::Tls,
            Step::Base,
            Step::Auth,
            Step::Tags,
            Step::Discover,
            Step::Referrers,
        ];
        for step in all {
            if !self.0.iter().any(|check| check.step == step) {
                self.skip(step, "an earlier step failed");
            }
        }
        self.0
    }
}

impl Oci {
    /// Runs the steps in order. A failed step skips those that depend on it.
    pub async fn check(&self) -> Vec<Check> {
        let mut report = Report::default();
        let Some(addresses) = self.check_name(&mut report).await else {
            return report.end();
        };
        if !check_connection(&mut report, &addresses).await || !self.check_base(&mut report).await {
            return report.end();
        }
        self.check_tags(&mut report).await;
        self.check_discover(&mut report).await;
        self.check_referrers(&mut report).await;
        report.end()
    }

    async fn check_name(&self, report: &mut Report) -> Option<Vec<SocketAddr>> {
        let base = &self.client.base;
        let host = base.host_str()?.trim_matches(['[', ']']);
        let port = base.port_or_known_default()?;
        match tokio::net::lookup_host((host, port)).await {
            Ok(addresses) => {
                let addresses: Vec<SocketAddr> = addresses.collect();
                let texts: Vec<String> = addresses.iter().map(|one| one.ip().to_string()).collect();
                report.pass(
                    Step::Dns,
                    format!("{host} resolves to {}", texts.join(", ")),
                );
                Some(addresses)
            }
            Err(error) => {
                let advice =
                    "check the spelling of `registry`, and the DNS settings of this machine";
                let detail = Note::new(format!("{host}: {error}"));
                report.fail(Step::Dns, Class::Network, detail, advice);
                None
            }
        }
    }

    /// TLS, `/v2/` and the credentials are checked by one request; its result tells how far it got.
    async fn check_base(&self, report: &mut Report) -> bool {
        let client = &self.client;
        let is_plain = client.base.scheme() == "http";
        let call = Call::get(client.url("/v2/"));
        let sent = client.transport.send(&call).await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => {
                let (step, class) = if is_plain {
                    (Step::Base, Class::Protocol)
                } else {
                    (Step::Tls, Class::Network)
                };
                let advice = if is_plain {
                    "if the server uses TLS, prefix `registry` with `https://`"
                } else {
                    "if its certificate is from a private CA, set `ca` for the repository; if it uses unencrypted http, set `insecure = true`"
                };
                report.fail(step, class, Note::of(&error), advice);
                return false;
            }
        };
        if is_plain {
            report.skip(Step::Tls, "the registry uses http");
        } else {
            report.pass(Step::Tls, "the certificate is trusted");
        }
        let status = answer.status();
        if !(status.is_success() || matches!(status.as_u16(), 401 | 403)) {
            let advice = "check the host and port: the server might not be a registry";
            let detail = Note::new(format!("the server responded with {status}"));
            report.fail(Step::Base, Class::Protocol, detail, advice);
            return false;
        }
        report.pass(Step::Base, format!("the server responded with {status}"));
        let asks = !status.is_success();
        let outcome = client.call(call, &Scope::registry(), "authenticate").await;
        let refusal = match outcome {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(client.refused(answer, "authenticate").await),
            Err(error) => Some(error),
        };
        if let Some(error) = refusal {
            self.fail(report, Step::Auth, &error);
            return false;
        }
        let detail = match (asks, client.authority.is_anonymous()) {
            (false, _) => "the registry requires no credentials",
            (true, true) => "anonymous access is allowed, with a token",
            (true, false) => "the credentials are accepted",
        };
        report.pass(Step::Auth, detail);
        true
    }

    async fn check_tags(&self, report: &mut Report) {
        let path = self.probed();
        match self.tag_names(&path).await {
            Ok(tags) => {
                let versions = tags.iter().filter(|tag| version(tag).is_some()).count();
                let detail = format!(
                    "{path}: {} tags, of which {versions} are versions",
                    tags.len()
                );
                report.pass(Step::Tags, detail);
            }
            Err(error) => self.fail(report, Step::Tags, &error),
        }
    }

    async fn check_discover(&self, report: &mut Report) {
        match self.client.discover(None).await {
            Ok(extensions) if extensions.is_empty() => {
                report.pass(
                    Step::Discover,
                    "the registry advertises no extensions, which is common",
                );
            }
            Ok(extensions) => {
                let names = extensions.iter().map(|extension| extension.name.as_str());
                let names: Vec<&str> = names.collect();
                report.pass(Step::Discover, names.join(", "));
            }
            Err(error) => self.fail(report, Step::Discover, &error),
        }
    }

    async fn check_referrers(&self, report: &mut Report) {
        match self.supports_referrers().await {
            Ok(true) => report.pass(Step::Referrers, "the referrers API is supported"),
            Ok(false) => {
                let tag = fallback_tag(Digest::of(b""));
                let start = tag.split_at(11).0;
                report.pass(
                    Step::Referrers,
                    format!("the referrers API is not supported: signatures are stored under tags `{start}…`"),
                );
            }
            Err(error) => self.fail(report, Step::Referrers, &error),
        }
    }

    /// A denial needs other credentials, whatever was requested.
    fn fail(&self, report: &mut Report, step: Step, error: &Error) {
        let (class, advice) = match error {
            Error::Denied { .. } => (Class::Credentials, self.client.authority.advice()),
            _ => (Class::Protocol, "contact the administrator of the registry"),
        };
        report.fail(step, class, Note::of(error), advice);
    }

    /// Returns the repository that is queried if any would do.
    pub(super) fn probed(&self) -> String {
        let named = self.settings.names.iter().find_map(|name| self.path(name));
        named.unwrap_or_else(|| self.below(super::names::INDEX))
    }

    /// Returns whether the registry supports the referrers API.
    pub(super) async fn supports_referrers(&self) -> Result<bool> {
        let client = &self.client;
        let path = self.probed();
        let digest = Digest::of(super::model::EMPTY_BYTES);
        let url = client.url(&format!("/v2/{path}/referrers/{}", digest.oci()));
        let what = format!("list referrers in {path}");
        let answer = client
            .call(Call::get(url), &Scope::pull(&path), &what)
            .await?;
        match answer.status().as_u16() {
            200 => Ok(true),
            401 | 403 => Err(client.refused(answer, &what).await),
            // A registry may report a missing repository for the referrers API too.
            404 => {
                let faults = super::client::faults(answer).await;
                Ok(faults.iter().any(|fault| fault.code == "NAME_UNKNOWN"))
            }
            _ => Ok(false),
        }
    }
}

async fn check_connection(report: &mut Report, addresses: &[SocketAddr]) -> bool {
    let mut last = "the host name has no address".to_owned();
    for address in addresses {
        let connecting = tokio::net::TcpStream::connect(address);
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(Ok(_)) => {
                report.pass(Step::Tcp, format!("{address} accepts connections"));
                return true;
            }
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address}: no response within {CONNECT:?}"),
        }
    }
    let advice = "check that the registry is running and not blocked by a firewall; this check does not use a proxy";
    report.fail(Step::Tcp, Class::Network, Note::new(last), advice);
    false
}
