//! One replica works at a time: the holder of a Lease.
//!
//! Clocks are never compared. A replica measures with its own monotonic clock for how long it has
//! seen the Lease unchanged; only then is the holder taken for gone. So a holder whose clock is wrong
//! neither loses the Lease nor keeps it for ever.

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

/// How long others wait for a holder that is silent.
const DURATION: Duration = Duration::from_secs(15);

/// A holder that could not renew for so long gives up, before others may take over.
const GIVE_UP: Duration = Duration::from_secs(10);

/// How often the Lease is renewed, or looked at.
const PERIOD: Duration = Duration::from_secs(2);

/// Tells two starts of one replica apart.
///
/// # Errors
/// When the system gives no random bytes.
pub(crate) fn nonce() -> Result<String, getrandom::Error> {
    getrandom::u64().map(|number| format!("{number:016x}"))
}

/// A candidate for the Lease.
pub(crate) struct Candidate {
    api: Api<Lease>,
    me: String,
    seen: Option<Seen>,
}

/// The Lease as it was seen, and since when it looks so.
struct Seen {
    lease: Lease,
    since: Instant,
}

/// What to do about the Lease.
#[derive(Debug, PartialEq, Eq)]
enum Move {
    /// Take it, or keep it.
    Hold,
    /// Somebody else has it.
    Wait,
}

/// The rule. `unchanged` is for how long the Lease has looked like this.
fn decide(spec: &LeaseSpec, me: &str, unchanged: Duration) -> Move {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let seconds = spec
        .lease_duration_seconds
        .and_then(|seconds| u64::try_from(seconds).ok());
    let duration = seconds.map_or(DURATION, Duration::from_secs);
    if holder.is_empty() || holder == me || unchanged > duration {
        Move::Hold
    } else {
        Move::Wait
    }
}

impl Candidate {
    /// A candidate for the Lease of this namespace. `me` differs for each start of a replica.
    pub(crate) fn new(client: Client, namespace: &str, me: String) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            me,
            seen: None,
        }
    }

    /// Waits until this replica holds the Lease; `false` when the token was cancelled first.
    pub(crate) async fn acquire(&mut self, stop: &CancellationToken) -> bool {
        tracing::info!(lease = LEASE, "waiting for the turn to lead");
        loop {
            match self.attempt().await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the Lease is out of reach"),
            }
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = stop.cancelled() => return false,
            }
        }
    }

    /// Renews the Lease until the token is cancelled (`true`), or until it is lost (`false`).
    pub(crate) async fn keep(&mut self, stop: &CancellationToken) -> bool {
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = stop.cancelled() => return true,
            }
            let begun = Instant::now();
            let left = GIVE_UP.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(left, self.attempt()).await {
                Ok(Ok(true)) => renewed = begun,
                Ok(Ok(false)) | Err(_) => return false,
                Ok(Err(error)) => tracing::warn!(%error, "the Lease was not renewed"),
            }
            if renewed.elapsed() > GIVE_UP {
                return false;
            }
        }
    }

    /// Lets go of the Lease, so that the next replica need not wait. Call it when all work is done.
    pub(crate) async fn release(mut self) {
        let Some(Seen { mut lease, .. }) = self.seen.take() else {
            return;
        };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(&self.me) {
            return;
        }
        spec.holder_identity = None;
        if let Err(error) = self
            .api
            .replace(LEASE, &PostParams::default(), &lease)
            .await
        {
            tracing::debug!(%error, "the Lease was not given back, it ends by itself");
        }
    }

    /// Looks at the Lease and takes or renews it where that is right. Whether it is held now.
    async fn attempt(&mut self) -> Result<bool, Error> {
        let Some(lease) = self.look().await? else {
            let lease = Lease {
                metadata: ObjectMeta {
                    name: Some(LEASE.to_owned()),
                    ..ObjectMeta::default()
                },
                spec: Some(self.held(&LeaseSpec::default())),
            };
            let created = self.api.create(&PostParams::default(), &lease).await;
            return self.written(created);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let unchanged = self.observe(&lease);
        if decide(&spec, &self.me, unchanged) == Move::Wait {
            return Ok(false);
        }
        // With the resource version read: of two candidates one loses.
        let wanted = Lease {
            spec: Some(self.held(&spec)),
            ..lease
        };
        let replaced = self
            .api
            .replace(LEASE, &PostParams::default(), &wanted)
            .await;
        self.written(replaced)
    }

    async fn look(&self) -> Result<Option<Lease>, Error> {
        self.api
            .get_opt(LEASE)
            .await
            .map_err(|error| Error::api("read Lease extension-registry", &error))
    }

    /// For how long the Lease has looked like this.
    fn observe(&mut self, lease: &Lease) -> Duration {
        match &self.seen {
            Some(seen)
                if seen.lease.metadata.resource_version == lease.metadata.resource_version =>
            {
                seen.since.elapsed()
            }
            _ => {
                self.seen = Some(Seen {
                    lease: lease.clone(),
                    since: Instant::now(),
                });
                Duration::ZERO
            }
        }
    }

    fn written(&mut self, result: Result<Lease, kube::Error>) -> Result<bool, Error> {
        match result {
            Ok(lease) => {
                self.seen = Some(Seen {
                    lease,
                    since: Instant::now(),
                });
                Ok(true)
            }
            Err(error) if code(&error) == 409 => Err(Error::race(
                "write Lease extension-registry",
                "another replica was faster",
            )),
            Err(error) => Err(Error::api("write Lease extension-registry", &error)),
        }
    }

    fn held(&self, before: &LeaseSpec) -> LeaseSpec {
        let now = Some(MicroTime(Timestamp::now()));
        let is_mine = before.holder_identity.as_deref() == Some(&self.me);
        let transitions = before.lease_transitions.unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.me.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: if is_mine {
                before.acquire_time.clone()
            } else {
                now.clone()
            },
            renew_time: now,
            lease_transitions: Some(if is_mine {
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

    use super::{Move, decide};

    fn held_by(holder: &str, seconds: i32) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(seconds),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn a_lease_is_taken_when_free_mine_or_silent_for_too_long() {
        let second = Duration::from_secs(1);
        assert_eq!(
            decide(&LeaseSpec::default(), "a", Duration::ZERO),
            Move::Hold
        );
        assert_eq!(decide(&held_by("", 15), "a", Duration::ZERO), Move::Hold);
        assert_eq!(decide(&held_by("a", 15), "a", 60 * second), Move::Hold);
        assert_eq!(decide(&held_by("b", 15), "a", 15 * second), Move::Wait);
        assert_eq!(decide(&held_by("b", 15), "a", 16 * second), Move::Hold);
        assert_eq!(decide(&held_by("b", 60), "a", 16 * second), Move::Wait);
        assert_eq!(decide(&held_by("b", -1), "a", 14 * second), Move::Wait);
    }
}
