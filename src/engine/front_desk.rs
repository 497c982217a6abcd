//! What happens to a packet between its link and the journal: an exact repeat of a recent one becomes a reference to it.
//!
//! A logger that gets no answer sends the same bytes again, three times ten seconds apart (HJ 212-2017 table 1). The desk
//! keeps the hashes of each logger's last packets; beyond that a repeat is journalled in full, which changes nothing either.

use super::entry::Body;
use crate::domain::Mn;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};

/// Packets per logger that are remembered: some minutes of a busy one.
pub const RECENT_MAX: usize = 16;

/// Recent packets of each logger.
#[derive(Debug, Default)]
pub struct FrontDesk {
    recent: BTreeMap<Mn, VecDeque<(u64, u64)>>,
    secret: u128,
}

impl FrontDesk {
    /// A desk whose hashes nobody can foresee who does not know `secret`: two packets that are taken for one cannot be made.
    #[must_use]
    pub fn new(secret: u128) -> Self {
        Self { recent: BTreeMap::new(), secret }
    }

    /// Takes an admitted packet that will get `sequence`; gives the body to journal.
    pub fn receive(&mut self, mn: Mn, sequence: u64, bytes: Vec<u8>, peer: String, gateway: String, connection: u64) -> Body {
        let hash = self.hash(&bytes);
        let recent = self.recent.entry(mn).or_default();
        if let Some((_, of)) = recent.iter().find(|(known, _)| *known == hash) {
            return Body::Repeat { of: *of, mn, peer };
        }
        push(recent, hash, sequence);
        Body::Frame { bytes, peer, gateway, connection }
    }

    /// Remembers a stored packet, after a restart.
    pub fn remember(&mut self, mn: Mn, sequence: u64, bytes: &[u8]) {
        let hash = self.hash(bytes);
        push(self.recent.entry(mn).or_default(), hash, sequence);
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u128(self.secret);
        hasher.write(bytes);
        hasher.finish()
    }
}

fn push(recent: &mut VecDeque<(u64, u64)>, hash: u64, sequence: u64) {
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
        let mut desk = FrontDesk::new(1);
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
