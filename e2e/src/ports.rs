//! Free TCP ports.

use std::net::{IpAddr, TcpListener};

use anyhow::{Context, Result};

/// Returns distinct ports that are currently free on this address.
pub(crate) fn free<const COUNT: usize>(address: IpAddr) -> Result<[u16; COUNT]> {
    let mut ports = [0; COUNT];
    let mut listeners = Vec::with_capacity(COUNT);
    for port in &mut ports {
        let listener = TcpListener::bind((address, 0))
            .with_context(|| format!("no free port on {address}"))?;
        *port = listener
            .local_addr()
            .context("a listener has no address")?
            .port();
        listeners.push(listener);
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
