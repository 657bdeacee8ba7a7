//! The subcommand `issue-certificate`: issues the webhook's serving certificate and sets `caBundle`.
//!
//! A Helm hook Job runs it with its own service account, so that the operator needs no permissions on webhook
//! configurations. The command is idempotent: it ensures a Secret with a valid certificate, and the CA certificates in
//! `caBundle`. The private key of a CA exists only in memory while it signs.

mod certificate;
mod trust;

use std::time::{Duration, Instant};

use extension_registry_runtime::error::{Error, code};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;

use crate::issue::certificate::IssuedCertificate;
use crate::issue::trust::Webhooks;
use crate::serving::probe::{self, Reachability};

/// Secret in which the operator stored its CA up to version 0.1.
const LEGACY_SECRET: &str = "extension-registry-webhook-ca";

/// Keys of the Secret.
const CA_BUNDLE: &str = "ca.crt";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// Time during which errors are retried without `--wait-seconds`. The API server may not have seen the role of the hook
/// yet.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Arguments of `issue-certificate`.
#[derive(Clone, Debug, clap::Args)]
pub struct IssueArgs {
    /// Namespace of the Secret and of the operator
    #[arg(long)]
    pub namespace: String,

    /// Secret for the certificate, its key and the CA certificates
    #[arg(long)]
    pub secret: String,

    /// Host name or IP address that the API server uses to call the webhook
    #[arg(long)]
    pub host: String,

    /// Name of the two webhook configurations whose `caBundle` to set
    #[arg(long)]
    pub configuration: String,

    /// Comma-separated names of the webhooks in these configurations
    #[arg(long, value_delimiter = ',', required = true)]
    pub webhooks: Vec<String>,

    /// Seconds to wait until the API server can reach the webhook; 0 disables waiting
    #[arg(long, default_value_t = 0)]
    pub wait_seconds: u64,
}

/// Issues a certificate unless the Secret contains a valid one, sets `caBundle` and, with `--wait-seconds`, waits for
/// the webhook.
///
/// # Errors
/// If requests still fail, or the API server cannot reach the webhook, when the time is up.
pub async fn run(args: IssueArgs, client: Client, stop: CancellationToken) -> anyhow::Result<()> {
    let timeout = match args.wait_seconds {
        0 => RETRY_TIMEOUT,
        seconds => Duration::from_secs(seconds),
    };
    let deadline = Instant::now() + timeout;
    while let Err(error) = attempt(&args, &client).await {
        if stop.is_cancelled() || Instant::now() >= deadline {
            return Err(error.into());
        }
        tracing::warn!(%error, "failed to set up the certificate, retrying");
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    Ok(())
}

async fn attempt(args: &IssueArgs, client: &Client) -> Result<(), Error> {
    let secrets = SecretClient {
        api: Api::namespaced(client.clone(), &args.namespace),
        namespace: &args.namespace,
    };
    let stored = secrets.read(&args.secret).await?;
    let current = stored
        .as_ref()
        .filter(|secret| is_current(secret, &args.host));
    let (ca_bundle, renewed) = if let Some(secret) = current {
        (entry(secret, CA_BUNDLE).to_owned(), None)
    } else {
        let legacy = secrets.read(LEGACY_SECRET).await?;
        let known = stored.as_ref().or(legacy.as_ref());
        let known = known.map_or(&[][..], |secret| entry(secret, CA_BUNDLE));
        let issued = certificate::issue(&args.host, Timestamp::now().as_second())
            .map_err(|error| Error::internal("issue a certificate", &error))?;
        let ca_bundle = certificate::ca_bundle(&issued.ca, known).into_bytes();
        let secret = with_certificate(stored, &args.secret, issued, &ca_bundle);
        (ca_bundle, Some(secret))
    };
    // Set caBundle first, so that no replica serves an untrusted certificate.
    let webhooks = Webhooks {
        configuration: &args.configuration,
        names: &args.webhooks,
    };
    let exists = trust::set(client, webhooks, &ca_bundle).await?;
    if let Some(secret) = renewed {
        secrets.write(&args.secret, &secret).await?;
        tracing::info!(secret = args.secret, host = args.host, "certificate issued");
    }
    secrets.delete(LEGACY_SECRET).await?;
    if args.wait_seconds == 0 {
        return Ok(());
    }
    let missing = match probe::run(client, &args.namespace).await? {
        Reachability::Reached => return Ok(()),
        Reachability::Untrusted => "the API server does not trust the certificate yet",
        Reachability::NotCalled if exists => "the API server is not calling the webhook yet",
        Reachability::NotCalled => "webhook configurations not found",
    };
    Err(Error::internal("reach the webhook", &missing))
}

/// Returns whether the Secret contains a certificate for the host that does not need renewal.
fn is_current(secret: &Secret, host: &str) -> bool {
    let now = Timestamp::now().as_second();
    let [ca_bundle, chain, key] = [CA_BUNDLE, CERTIFICATE, KEY].map(|name| entry(secret, name));
    certificate::is_current(ca_bundle, chain, key, host, now)
}

/// Returns the value of a key of a Secret; empty if it does not exist.
fn entry<'s>(secret: &'s Secret, name: &str) -> &'s [u8] {
    let data = secret.data.as_ref();
    data.and_then(|data| data.get(name))
        .map_or(&[], |bytes| &bytes.0)
}

/// Returns the Secret to write. It keeps the resource version of the stored one, so that of two concurrent runs one
/// fails and retries.
fn with_certificate(
    stored: Option<Secret>,
    name: &str,
    issued: IssuedCertificate,
    ca_bundle: &[u8],
) -> Secret {
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
        (CA_BUNDLE, ca_bundle.to_vec()),
        (CERTIFICATE, issued.certificate.into_bytes()),
        (KEY, issued.key.into_bytes()),
    ];
    let entries = entries.map(|(name, bytes)| (name.to_owned(), ByteString(bytes)));
    secret.data = Some(entries.into());
    secret
}

/// Client for the Secrets of the namespace.
struct SecretClient<'a> {
    api: Api<Secret>,
    namespace: &'a str,
}

impl SecretClient<'_> {
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
                tracing::info!(secret = name, "deleted legacy Secret");
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
