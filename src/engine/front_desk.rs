//! What happens to a packet between its link and the journal: an exact repeat of a recent one becomes a reference to it.
//!
//! A logger that gets no answer sends the same bytes again, three times ten seconds apart (HJ 212-2017 table 1). The desk
//! keeps the hashes of each logger's last packets; beyond that a repeat is journalled in full, which changes nothing either.

use super::entry::Body;
use crate::domain::Mn;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, VecDeque};

/// Packets per logger that are remembered: some minutes of a busy one.
pub const RECENT_MAX: usize = 16;

/// Recent packets of each logger.
#[derive(Debug, Default)]
pub struct FrontDesk {
    recent: BTreeMap<Mn, VecDeque<([u8; 16], u64)>>,
}

impl FrontDesk {
    /// Takes an admitted packet that will get `sequence`; gives the body to journal.
    pub fn receive(&mut self, mn: Mn, sequence: u64, bytes: Vec<u8>, peer: String, gateway: String, connection: u64) -> Body {
        let hash = hash(&bytes);
        let recent = self.recent.entry(mn).or_default();
        if let Some((_, of)) = recent.iter().find(|(known, _)| *known == hash) {
            return Body::Repeat { of: *of, mn, peer };
        }
        remember(recent, hash, sequence);
        Body::Frame { bytes, peer, gateway, connection }
    }

    /// Remembers a stored packet, after a restart.
    pub fn remember(&mut self, mn: Mn, sequence: u64, bytes: &[u8]) {
        remember(self.recent.entry(mn).or_default(), hash(bytes), sequence);
    }
}

fn hash(bytes: &[u8]) -> [u8; 16] {
    Sha256::digest(bytes).first_chunk::<16>().copied().unwrap_or_default()
}

fn remember(recent: &mut VecDeque<([u8; 16], u64)>, hash: [u8; 16], sequence: u64) {
    if recent.len() == RECENT_MAX {
        recent.pop_front();
    }
    recent.push_back((hash, sequence));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_of_the_same_logger_become_a_reference() {
        let mut desk = FrontDesk::default();
        let (one, other) = (Mn::new("M1").expect("short"), Mn::new("M2").expect("short"));
        let mut receive = |mn, sequence, bytes: &[u8]| desk.receive(mn, sequence, bytes.to_vec(), String::new(), String::new(), 0);
        assert!(matches!(receive(one, 1, b"a"), Body::Frame { .. }));
        assert!(matches!(receive(one, 2, b"a"), Body::Repeat { of: 1, .. }));
        assert!(matches!(receive(other, 3, b"a"), Body::Frame { .. }), "another logger's packet is its own");
        for sequence in 4..4 + RECENT_MAX as u64 {
            receive(one, sequence, &sequence.to_le_bytes());
        }
        assert!(matches!(receive(one, 99, b"a"), Body::Frame { .. }), "forgotten after {RECENT_MAX} others");
    }
}
