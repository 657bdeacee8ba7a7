//! Leader election with a Lease.
//!
//! Clocks of replicas are never compared. Each replica measures with its own monotonic clock how long
//! the Lease has been unchanged and takes it over once that exceeds the lease duration. A holder with a
//! wrong clock therefore neither loses the Lease nor keeps it forever.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, code};

/// Name of the Lease.
const LEASE: &str = "extension-registry";

/// Time after which other replicas take over a Lease that was not renewed.
const LEASE_DURATION: Duration = Duration::from_secs(15);

/// Time after which the holder stops if it cannot renew. Shorter than [`LEASE_DURATION`].
const RENEW_DEADLINE: Duration = Duration::from_secs(10);

/// Interval between attempts to acquire or renew the Lease.
const RETRY_PERIOD: Duration = Duration::from_secs(2);

/// Returns a random suffix that distinguishes two processes of one replica.
///
/// # Errors
/// If the system provides no random bytes.
pub fn nonce() -> Result<String, getrandom::Error> {
    getrandom::u64().map(|number| format!("{number:016x}"))
}

/// Acquires, renews and releases the Lease.
pub struct LeaderElector {
    api: Api<Lease>,
    identity: String,
    observed: Option<ObservedLease>,
}

/// The last observed version of the Lease.
struct ObservedLease {
    lease: Lease,
    since: Instant,
}

/// What to do about the Lease.
#[derive(Debug, PartialEq, Eq)]
enum LeaseAction {
    /// Acquire or renew it.
    Hold,
    /// Wait, because another replica holds it.
    Wait,
}

/// Decides whether to hold a Lease that has been unchanged for a duration.
fn decide(spec: &LeaseSpec, identity: &str, unchanged: Duration) -> LeaseAction {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let seconds = spec
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok());
    let duration = seconds.map_or(LEASE_DURATION, Duration::from_secs);
    if holder.is_empty() || holder == identity || unchanged > duration {
        LeaseAction::Hold
    } else {
        LeaseAction::Wait
    }
}

impl LeaderElector {
    /// Creates an elector for the Lease of a namespace. The identity must be unique to this process.
    #[must_use]
    pub fn new(client: Client, namespace: &str, identity: String) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            identity,
            observed: None,
        }
    }

    /// Waits until this replica holds the Lease; returns `false` if the token is cancelled first.
    pub async fn acquire(&mut self, stop: &CancellationToken) -> bool {
        tracing::info!(lease = LEASE, "waiting to acquire the leader lease");
        loop {
            match self.attempt().await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, "failed to acquire the leader lease, retrying");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_PERIOD) => {}
                () = stop.cancelled() => return false,
            }
        }
    }

    /// Renews the Lease until the token is cancelled (`true`) or the Lease is lost (`false`).
    pub async fn renew(&mut self, stop: &CancellationToken) -> bool {
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep(RETRY_PERIOD) => {}
                () = stop.cancelled() => return true,
            }
            let begun = Instant::now();
            let left = RENEW_DEADLINE.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(left, self.attempt()).await {
                Ok(Ok(true)) => renewed = begun,
                Ok(Ok(false)) | Err(_) => return false,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "failed to renew the leader lease, retrying");
                }
            }
            if renewed.elapsed() > RENEW_DEADLINE {
                return false;
            }
        }
    }

    /// Releases the Lease, so that another replica takes over at once. Call it after the last write.
    pub async fn release(mut self) {
        let Some(ObservedLease { mut lease, .. }) = self.observed.take() else {
            return;
        };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(&self.identity) {
            return;
        }
        spec.holder_identity = None;
        if let Err(error) = self
            .api
            .replace(LEASE, &PostParams::default(), &lease)
            .await
        {
            tracing::debug!(%error, "failed to release the leader lease; it will expire");
        }
    }

    /// Reads the Lease and acquires or renews it if allowed. Returns whether it is held afterwards.
    async fn attempt(&mut self) -> Result<bool, Error> {
        let Some(lease) = self.fetch().await? else {
            let lease = Lease {
                metadata: ObjectMeta {
                    name: Some(LEASE.to_owned()),
                    ..ObjectMeta::default()
                },
                spec: Some(self.held_spec(&LeaseSpec::default())),
            };
            let created = self.api.create(&PostParams::default(), &lease).await;
            return self.record_write(created);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let unchanged = self.observe(&lease);
        if decide(&spec, &self.identity, unchanged) == LeaseAction::Wait {
            return Ok(false);
        }
        // The resource version makes all but one of several concurrent writers fail.
        let desired = Lease {
            spec: Some(self.held_spec(&spec)),
            ..lease
        };
        let replaced = self
            .api
            .replace(LEASE, &PostParams::default(), &desired)
            .await;
        self.record_write(replaced)
    }

    async fn fetch(&self) -> Result<Option<Lease>, Error> {
        self.api
            .get_opt(LEASE)
            .await
            .map_err(|error| Error::api("get Lease extension-registry", &error))
    }

    /// Records the version of the Lease and returns for how long it has been unchanged.
    fn observe(&mut self, lease: &Lease) -> Duration {
        match &self.observed {
            Some(observed)
                if observed.lease.metadata.resource_version == lease.metadata.resource_version =>
            {
                observed.since.elapsed()
            }
            _ => {
                self.observed = Some(ObservedLease {
                    lease: lease.clone(),
                    since: Instant::now(),
                });
                Duration::ZERO
            }
        }
    }

    fn record_write(&mut self, result: Result<Lease, kube::Error>) -> Result<bool, Error> {
        match result {
            Ok(lease) => {
                self.observed = Some(ObservedLease {
                    lease,
                    since: Instant::now(),
                });
                Ok(true)
            }
            Err(error) if code(&error) == 409 => Err(Error::race(
                "write Lease extension-registry",
                "another replica wrote it first",
            )),
            Err(error) => Err(Error::api("write Lease extension-registry", &error)),
        }
    }

    fn held_spec(&self, before: &LeaseSpec) -> LeaseSpec {
        let now = Some(MicroTime(Timestamp::now()));
        let is_held = before.holder_identity.as_deref() == Some(&self.identity);
        let transitions = before.lease_transitions.unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
            acquire_time: if is_held {
                before.acquire_time.clone()
            } else {
                now.clone()
            },
            renew_time: now,
            lease_transitions: Some(if is_held {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
            ..LeaseSpec::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use k8s_openapi::api::coordination::v1::LeaseSpec;

    use super::{LeaseAction, decide};

    fn held_by(holder: &str, seconds: i32) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(seconds),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn holds_lease_if_free_own_or_expired() {
        let second = Duration::from_secs(1);
        assert_eq!(
            decide(&LeaseSpec::default(), "a", Duration::ZERO),
            LeaseAction::Hold
        );
        assert_eq!(
            decide(&held_by("", 15), "a", Duration::ZERO),
            LeaseAction::Hold
        );
        assert_eq!(
            decide(&held_by("a", 15), "a", 60 * second),
            LeaseAction::Hold
        );
        assert_eq!(
            decide(&held_by("b", 15), "a", 15 * second),
            LeaseAction::Wait
        );
        assert_eq!(
            decide(&held_by("b", 15), "a", 16 * second),
            LeaseAction::Hold
        );
        assert_eq!(
            decide(&held_by("b", 60), "a", 16 * second),
            LeaseAction::Wait
        );
        assert_eq!(
            decide(&held_by("b", -1), "a", 14 * second),
            LeaseAction::Wait
        );
    }
}
