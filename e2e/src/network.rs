//! Addresses of a cluster, distinct from those of other clusters on the machine.

use std::net::Ipv4Addr;

/// A block of 16 times 256 addresses: the link to the node, then Services, then Pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    index: u8,
}

impl Network {
    /// Returns one of 256 networks.
    pub(crate) fn new(index: u8) -> Self {
        Self { index }
    }

    /// Returns the name of the machine's interface to the node. The kernel rejects duplicate names, so
    /// clusters cannot share a network.
    pub(crate) fn interface(self) -> String {
        format!("er-node-{}", self.index)
    }

    /// Returns all addresses.
    pub(crate) fn block(self) -> String {
        format!("{}/20", self.address(0, 0))
    }

    /// Returns the address of the machine for the node.
    pub(crate) fn host(self) -> Ipv4Addr {
        self.address(0, 1)
    }

    /// Returns the address of the node for the machine.
    pub(crate) fn node(self) -> Ipv4Addr {
        self.address(0, 2)
    }

    /// Returns the address of the Service `kubernetes`.
    pub(crate) fn first_service(self) -> Ipv4Addr {
        self.address(1, 1)
    }

    pub(crate) fn services(self) -> String {
        format!("{}/24", self.address(1, 0))
    }

    pub(crate) fn pods(self) -> String {
        format!("{}/23", self.address(2, 0))
    }

    /// Returns the common first two octets, and the third octet of the first address.
    pub(crate) fn prefix(self) -> (String, u8) {
        let [first, second, third, _] = self.address(0, 0).octets();
        (format!("{first}.{second}"), third)
    }

    fn address(self, third: u8, fourth: u8) -> Ipv4Addr {
        Ipv4Addr::new(
            10,
            200 + self.index / 16,
            self.index % 16 * 16 + third,
            fourth,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_do_not_overlap() {
        let network = Network::new(17);
        assert_eq!(network.pods(), "10.201.18.0/23");
        assert_eq!(network.prefix(), ("10.201".to_owned(), 16));
        assert_eq!(Network::new(255).services(), "10.215.241.0/24");
    }
}
