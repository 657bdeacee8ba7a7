//! The subcommand `issue-certificate`: the webhook's serving certificate, and the trust of the API server in it.
//!
//! A Helm hook Job runs it with an account of its own, so that the operator needs no permission on webhook
//! configurations. Every run makes the same state: a Secret with a current certificate, and its authorities in
//! `caBundle`. The private key of an authority exists only while it signs.

mod certificate;
mod trust;

use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, code};
use crate::issue::certificate::Issued;
use crate::serving::probe::{self, Reach};

/// Secret in which operators up to version 0.1 kept authorities with their keys.
const FORMER_SECRET: &str = "extension-registry-webhook-ca";

/// Entries of the Secret.
const AUTHORITIES: &str = "ca.crt";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// Errors are retried for this long where nothing waits longer: the hook's role may be newer than the API server's copy
/// of it.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);

/// Arguments of `issue-certificate`.
#[derive(Clone, Debug, clap::Args)]
pub struct IssueArgs {
    /// Namespace of the Secret and of the operator
    #[arg(long)]
    pub namespace: String,

    /// Secret for the certificate, its key and the authorities to trust
    #[arg(long)]
    pub secret: String,

    /// Host name or IP address by which the API server calls the webhook
    #[arg(long)]
    pub host: String,

    /// Name of the two webhook configurations whose `caBundle` to set
    #[arg(long)]
    pub configuration: String,

    /// Names of the webhooks in these configurations, separated by commas
    #[arg(long, value_delimiter = ',', required = true)]
    pub webhooks: Vec<String>,

    /// Seconds to wait until the API server reaches the webhook; 0 does not wait
    #[arg(long, default_value_t = 0)]
    pub wait_seconds: u64,
}

/// Issues the certificate where the Secret holds no current one, sets `caBundle`, and waits for the webhook where
/// that is asked for.
///
/// # Errors
/// When the API server keeps refusing, or does not reach the webhook in time.
pub async fn run(args: IssueArgs, client: Client, stop: CancellationToken) -> anyhow::Result<()> {
    let patience = match args.wait_seconds {
        0 => PATIENCE,
        seconds => Duration::from_secs(seconds),
    };
    let deadline = Instant::now() + patience;
    while let Err(error) = attempt(&args, &client).await {
        if stop.is_cancelled() || Instant::now() >= deadline {
            return Err(error.into());
        }
        tracing::warn!(%error, "failed, retrying");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn attempt(args: &IssueArgs, client: &Client) -> Result<(), Error> {
    let secrets = Secrets {
        api: Api::namespaced(client.clone(), &args.namespace),
        namespace: &args.namespace,
    };
    let stored = secrets.read(&args.secret).await?;
    let current = stored
        .as_ref()
        .filter(|secret| is_current(secret, &args.host));
    let (authorities, renewed) = if let Some(secret) = current {
        (entry(secret, AUTHORITIES).to_owned(), None)
    } else {
        let former = secrets.read(FORMER_SECRET).await?;
        let known = stored.as_ref().or(former.as_ref());
        let known = known.map_or(&[][..], |secret| entry(secret, AUTHORITIES));
        let issued = certificate::issue(&args.host, Timestamp::now().as_second())
            .map_err(|error| Error::internal("issue a certificate", &error))?;
        let authorities = certificate::bundle(&issued.authority, known).into_bytes();
        let secret = filled(stored, &args.secret, issued, &authorities);
        (authorities, Some(secret))
    };
    // Trusted before a replica can serve it.
    let exists = trust::set(client, args, &authorities).await?;
    if let Some(secret) = renewed {
        secrets.write(&args.secret, &secret).await?;
        tracing::info!(secret = args.secret, host = args.host, "certificate issued");
    }
    secrets.delete(FORMER_SECRET).await?;
    if args.wait_seconds == 0 {
        return Ok(());
    }
    let missing = match probe::run(client, &args.namespace).await? {
        Reach::Reached => return Ok(()),
        Reach::Untrusted => "the API server does not trust the certificate yet",
        Reach::NotCalled if exists => "the API server does not call the webhook yet",
        Reach::NotCalled => "the webhook configurations do not exist",
    };
    Err(Error::internal("reach the webhook", &missing))
}

/// Whether the Secret holds a certificate for the host that need not be renewed.
fn is_current(secret: &Secret, host: &str) -> bool {
    let now = Timestamp::now().as_second();
    let [authorities, chain, key] = [AUTHORITIES, CERTIFICATE, KEY].map(|name| entry(secret, name));
    certificate::is_current(authorities, chain, key, host, now)
}

/// An entry of a Secret; empty where it does not exist.
fn entry<'s>(secret: &'s Secret, name: &str) -> &'s [u8] {
    let data = secret.data.as_ref();
    data.and_then(|data| data.get(name))
        .map_or(&[], |bytes| &bytes.0)
}

/// The Secret to write in place of the stored one, with its resource version: of two runs at a time one fails and
/// starts over.
fn filled(stored: Option<Secret>, name: &str, issued: Issued, authorities: &[u8]) -> Secret {
    let mut secret = stored.unwrap_or_else(|| Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        type_: Some("kubernetes.io/tls".to_owned()),
        ..Secret::default()
    });
    secret.metadata.managed_fields = None;
    let entries = [
        (AUTHORITIES, authorities.to_vec()),
        (CERTIFICATE, issued.certificate.into_bytes()),
        (KEY, issued.key.into_bytes()),
    ];
    let entries = entries.map(|(name, bytes)| (name.to_owned(), ByteString(bytes)));
    secret.data = Some(entries.into());
    secret
}

/// The Secrets of the namespace.
struct Secrets<'a> {
    api: Api<Secret>,
    namespace: &'a str,
}

impl Secrets<'_> {
    async fn read(&self, name: &str) -> Result<Option<Secret>, Error> {
        let read = self.api.get_opt(name).await;
        read.map_err(|error| self.failed("read", name, &error))
    }

    async fn write(&self, name: &str, secret: &Secret) -> Result<(), Error> {
        let parameters = PostParams::default();
        let written = if secret.metadata.resource_version.is_some() {
            self.api.replace(name, &parameters, secret).await
        } else {
            self.api.create(&parameters, secret).await
        };
        written
            .map(drop)
            .map_err(|error| self.failed("write", name, &error))
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        match self.api.delete(name, &DeleteParams::default()).await {
            Ok(_) => {
                tracing::info!(secret = name, "deleted: no version uses it any more");
                Ok(())
            }
            Err(error) if code(&error) == 404 => Ok(()),
            Err(error) => Err(self.failed("delete", name, &error)),
        }
    }

    fn failed(&self, verb: &str, name: &str, error: &kube::Error) -> Error {
        Error::secret(format!("{verb} Secret {}/{name}", self.namespace), error)
    }
}
