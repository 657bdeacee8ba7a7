//! Free TCP ports for programs that bind them later.

use std::collections::hash_map::RandomState;
use std::env;
use std::fs::{self, File};
use std::hash::BuildHasher;
use std::net::{IpAddr, TcpListener};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use crate::cache;

/// Ports that systems by default assign neither to outgoing connections nor to servers without a fixed port, so that none
/// of them is taken before its program binds it.
const PORTS: Range<u16> = 15_000..30_000;

/// Locks of the ports that this process has reserved. Other processes respect them until this one exits.
static RESERVED: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// Returns distinct ports that are free on this address, and reserves them for this process.
pub(crate) fn free<const COUNT: usize>(address: IpAddr) -> Result<[u16; COUNT]> {
    let folder = cache::folder().unwrap_or_else(|_| env::temp_dir().join("extension-registry"));
    let folder = folder.join("ports");
    fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create {}", folder.display()))?;
    let mut reserved = RESERVED.lock().unwrap_or_else(PoisonError::into_inner);
    // Concurrent processes start their search at different ports.
    let size = u64::from(PORTS.end - PORTS.start);
    let first = RandomState::new().hash_one(address) % size;
    let mut candidates = (0..size)
        .map(|step| (first + step) % size)
        .filter_map(|offset| Some(PORTS.start + u16::try_from(offset).ok()?));
    let mut ports = [0; COUNT];
    for port in &mut ports {
        *port = loop {
            let Some(candidate) = candidates.next() else {
                bail!("no free port on {address}");
            };
            let path = folder.join(candidate.to_string());
            let lock = File::create(&path)
                .with_context(|| format!("failed to create {}", path.display()))?;
            if lock.try_lock().is_ok() && TcpListener::bind((address, candidate)).is_ok() {
                reserved.push(lock);
                break candidate;
            }
        };
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn ports_differ() {
        let [a, b, c] = free(Ipv4Addr::LOCALHOST.into()).unwrap();
        assert!(a != b && b != c && a != c);
    }
}
