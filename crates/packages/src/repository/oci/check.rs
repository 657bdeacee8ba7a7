//! Whether a registry can be worked with, step by step (seed 003, `test-oci`).

use std::net::SocketAddr;
use std::time::Duration;

use super::Oci;
use super::names::{fallback_tag, version};
use super::scope::Scope;
use crate::digest::Digest;
use crate::repository::{Error, Result};
use crate::transport::Call;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// A step, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which step.
    pub step: Step,
    /// What came of it.
    pub outcome: Outcome,
    /// What was seen.
    pub detail: String,
    /// What to do; empty where there is nothing to be done.
    pub advice: String,
    /// What kind of failure it is; None where it is none.
    pub class: Option<Class>,
}

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The registry cannot be reached.
    Network,
    /// It does not answer as a registry does.
    Protocol,
    /// It does not let these credentials do it.
    Credentials,
}

impl Class {
    /// Its number. Exit codes are made of it.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Network => 1,
            Self::Protocol => 2,
            Self::Credentials => 3,
        }
    }
}

/// A step of the check, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The name has addresses.
    Dns,
    /// One of them takes connections.
    Tcp,
    /// It shows a certificate that is trusted.
    Tls,
    /// `/v2/` answers as a registry does.
    Base,
    /// It takes the credentials.
    Auth,
    /// Tags can be listed.
    Tags,
    /// Which extensions it advertises.
    Discover,
    /// Whether it keeps referrers.
    Referrers,
}

impl Step {
    /// Its name in output.
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

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Pass,
    /// It does not.
    Fail,
    /// It was not tried: an earlier one failed, or it does not belong to this registry.
    Skipped,
}

/// Steps, as they are done.
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
            detail: detail.into(),
            advice: String::new(),
            class: None,
        });
    }

    fn fail(&mut self, step: Step, class: Class, detail: impl Into<String>, advice: &str) {
        self.0.push(Check {
            step,
            outcome: Outcome::Fail,
            detail: detail.into(),
            advice: advice.to_owned(),
            class: Some(class),
        });
    }

    /// The rest was not tried.
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
    /// Tries one thing after the other. A step that fails ends those that need it.
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
                report.pass(Step::Dns, format!("{host} is {}", texts.join(", ")));
                Some(addresses)
            }
            Err(error) => {
                let advice =
                    "look at the spelling of `registry`, and at the name servers of this machine";
                let detail = format!("{host}: {error}");
                report.fail(Step::Dns, Class::Network, detail, advice);
                None
            }
        }
    }

    /// TLS, `/v2/` and the credentials are one request: what it comes to tells how far it got.
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
                    "if the server speaks TLS, write `https://` before the registry"
                } else {
                    "if its certificate is of an authority of your own, add that to the repository; if it speaks plain http, set `insecure = true`"
                };
                report.fail(step, class, error.to_string(), advice);
                return false;
            }
        };
        if is_plain {
            report.skip(Step::Tls, "the registry is asked over http");
        } else {
            report.pass(Step::Tls, "the certificate is trusted");
        }
        let status = answer.status();
        if !(status.is_success() || matches!(status.as_u16(), 401 | 403)) {
            let advice = "this may be no registry: look at host and port";
            let detail = format!("it answers {status}");
            report.fail(Step::Base, Class::Protocol, detail, advice);
            return false;
        }
        report.pass(Step::Base, format!("it answers {status}"));
        let asks = !status.is_success();
        let outcome = client
            .call(call, &Scope::registry(), "take the credentials")
            .await;
        let refusal = match outcome {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(client.refused(answer, "take the credentials").await),
            Err(error) => Some(error),
        };
        if let Some(error) = refusal {
            self.fail(report, Step::Auth, &error);
            return false;
        }
        let detail = match (asks, client.authority.is_anonymous()) {
            (false, _) => "it asks for no credentials here",
            (true, true) => "it lets everybody in, with a token of its service",
            (true, false) => "it takes the credentials",
        };
        report.pass(Step::Auth, detail);
        true
    }

    async fn check_tags(&self, report: &mut Report) {
        let path = self.probed();
        match self.tag_names(&path).await {
            Ok(tags) => {
                let versions = tags.iter().filter(|tag| version(tag).is_some()).count();
                let detail = format!("{path}: {} tags, {versions} of them versions", tags.len());
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
                    "it advertises no extensions, as most registries",
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
        match self.keeps_referrers().await {
            Ok(true) => report.pass(Step::Referrers, "the registry keeps referrers"),
            Ok(false) => {
                let tag = fallback_tag(Digest::of(b""));
                let start = tag.split_at(11).0;
                report.pass(
                    Step::Referrers,
                    format!("the registry keeps none: signatures are kept under tags `{start}…`"),
                );
            }
            Err(error) => self.fail(report, Step::Referrers, &error),
        }
    }

    /// Whoever is refused needs other credentials, whatever was asked.
    fn fail(&self, report: &mut Report, step: Step, error: &Error) {
        let (class, advice) = match error {
            Error::Denied { .. } => (Class::Credentials, self.client.authority.advice()),
            _ => (Class::Protocol, "ask whoever runs the registry"),
        };
        report.fail(step, class, error.to_string(), advice);
    }

    /// The repository that is asked where any would do.
    pub(super) fn probed(&self) -> String {
        let named = self.settings.names.iter().find_map(|name| self.path(name));
        named.unwrap_or_else(|| self.below(super::index::NAME))
    }

    /// Whether the registry answers for referrers.
    pub(super) async fn keeps_referrers(&self) -> Result<bool> {
        let client = &self.client;
        let path = self.probed();
        let digest = Digest::of(super::model::EMPTY_BYTES);
        let url = client.url(&format!("/v2/{path}/referrers/{}", digest.oci()));
        let what = format!("list what refers to something of {path}");
        let answer = client
            .call(Call::get(url), &Scope::pull(&path), &what)
            .await?;
        match answer.status().as_u16() {
            200 => Ok(true),
            401 | 403 => Err(client.refused(answer, &what).await),
            // A repository that is not there yet says nothing of others.
            404 => {
                let faults = super::client::faults(answer).await;
                Ok(faults.iter().any(|fault| fault.code == "NAME_UNKNOWN"))
            }
            _ => Ok(false),
        }
    }
}

async fn check_connection(report: &mut Report, addresses: &[SocketAddr]) -> bool {
    let mut last = "it has no address".to_owned();
    for address in addresses {
        let connecting = tokio::net::TcpStream::connect(address);
        match tokio::time::timeout(CONNECT, connecting).await {
            Ok(Ok(_)) => {
                report.pass(Step::Tcp, format!("{address} takes connections"));
                return true;
            }
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address}: no answer within {CONNECT:?}"),
        }
    }
    let advice =
        "see that the registry runs, and that no firewall stands between; a proxy is not used here";
    report.fail(Step::Tcp, Class::Network, last, advice);
    false
}
