//! What one address may do: so many connections, so many items a minute that are no good packet.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Addresses that are remembered although they have no connection.
const REMEMBERED_MAX: usize = 10_000;

/// Limits of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerLimits {
    /// Connections at a time. Many loggers may share one address (APN gateways), so the default is high.
    pub connections_max: usize,
    /// Rejected and quarantined items a minute that are journalled; beyond, they are only counted.
    pub kept_per_minute_max: u32,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self { connections_max: 4096, kept_per_minute_max: 120 }
    }
}

#[derive(Debug, Default)]
struct Peer {
    connections: usize,
    minute: u64,
    kept: u32,
    spoken: BTreeMap<&'static str, u64>,
}

/// The addresses that are connected now.
#[derive(Debug)]
pub(crate) struct Peers {
    limits: PeerLimits,
    peers: BTreeMap<IpAddr, Peer>,
}

impl Peers {
    pub(super) fn new(limits: PeerLimits) -> Self {
        Self { limits, peers: BTreeMap::new() }
    }

    /// Counts a connection in, unless the address has too many.
    pub(super) fn admit(&mut self, address: IpAddr) -> bool {
        let peer = self.peers.entry(address).or_default();
        if peer.connections >= self.limits.connections_max {
            return false;
        }
        peer.connections += 1;
        true
    }

    pub(super) fn leave(&mut self, address: IpAddr) {
        if let Some(peer) = self.peers.get_mut(&address) {
            peer.connections -= 1;
        }
        // An address that left keeps its budget for the minute; with very many of them the oldest minutes go.
        if self.peers.len() > REMEMBERED_MAX {
            let newest = self.peers.values().map(|peer| peer.minute).max().unwrap_or_default();
            self.peers.retain(|_, peer| peer.connections > 0 || peer.minute == newest);
        }
    }

    /// Whether a reason may be logged again: once a minute for each address.
    pub(super) fn may_speak(&mut self, address: IpAddr, reason: &'static str, now_ms: u64) -> bool {
        let spoken = &mut self.peers.entry(address).or_default().spoken;
        let minute = now_ms / 60_000 + 1;
        spoken.insert(reason, minute) != Some(minute)
    }

    /// Whether one more item of no use may be kept in this minute.
    pub(super) fn may_keep(&mut self, address: IpAddr, now_ms: u64) -> bool {
        let peer = self.peers.entry(address).or_default();
        if peer.minute != now_ms / 60_000 {
            (peer.minute, peer.kept) = (now_ms / 60_000, 0);
        }
        peer.kept += 1;
        peer.kept <= self.limits.kept_per_minute_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_connections_and_its_budget() {
        let mut peers = Peers::new(PeerLimits { connections_max: 2, kept_per_minute_max: 1 });
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        assert!(peers.admit(one) && peers.admit(one) && !peers.admit(one) && peers.admit(other));
        peers.leave(one);
        assert!(peers.admit(one));
        assert!(peers.may_speak(one, "crc_mismatch", 0) && !peers.may_speak(one, "crc_mismatch", 1) && peers.may_speak(one, "not_hj212", 1));
        assert!(peers.may_speak(one, "crc_mismatch", 60_000));
        assert!(peers.may_keep(one, 0) && !peers.may_keep(one, 59_999) && peers.may_keep(one, 60_000));
    }
}
