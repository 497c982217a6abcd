//! What happens to a packet between its link and the journal: an exact repeat of a recent one becomes a reference to it.
//!
//! A logger that gets no answer sends the same bytes again, three times ten seconds apart (HJ 212-2017 table 1). The desk
//! keeps the hashes of each logger's last packets for half an hour; beyond that a repeat is journalled in full, which changes nothing
//! either. What it remembers is less than what a restarted engine is given: so the same packets become the same entries.

use super::entry::Body;
use crate::domain::Mn;
use crate::domain::time::{MINUTE_MS, Moment};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};

/// Packets per logger that are remembered: some minutes of a busy one.
pub const RECENT_MAX: usize = 16;
/// How long.
const REMEMBERED_MS: i64 = 30 * MINUTE_MS;

/// A packet that is remembered.
#[derive(Debug, Clone, Copy)]
struct Known {
    hash: u64,
    at: Moment,
    sequence: u64,
}

/// Recent packets of each logger.
#[derive(Debug, Default)]
pub struct FrontDesk {
    recent: BTreeMap<Mn, VecDeque<Known>>,
    secret: u128,
}

impl FrontDesk {
    /// A desk whose hashes nobody can foresee who does not know `secret`: two packets that are taken for one cannot be made.
    #[must_use]
    pub fn new(secret: u128) -> Self {
        Self { recent: BTreeMap::new(), secret }
    }

    /// Takes an admitted packet that arrives now and will get `sequence`; gives the body to journal.
    pub fn receive(&mut self, mn: Mn, sequence: u64, at: Moment, frame: Body) -> Body {
        let Body::Frame { bytes, peer, .. } = &frame else { return frame };
        let hash = self.hash(bytes);
        let recent = self.recent.entry(mn).or_default();
        let same = |known: &&Known| known.hash == hash && at.0 - known.at.0 <= REMEMBERED_MS;
        if let Some(known) = recent.iter().find(same) {
            return Body::Repeat { of: known.sequence, mn, peer: peer.clone() };
        }
        push(recent, Known { hash, at, sequence });
        frame
    }

    /// Remembers a stored packet, after a restart.
    pub fn remember(&mut self, mn: Mn, sequence: u64, at: Moment, bytes: &[u8]) {
        let hash = self.hash(bytes);
        push(self.recent.entry(mn).or_default(), Known { hash, at, sequence });
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u128(self.secret);
        hasher.write(bytes);
        hasher.finish()
    }
}

fn push(recent: &mut VecDeque<Known>, known: Known) {
    if recent.len() == RECENT_MAX {
        recent.pop_front();
    }
    recent.push_back(known);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_of_the_same_logger_become_a_reference() {
        let mut desk = FrontDesk::new(1);
        let (one, other) = (Mn::new("M1").expect("short"), Mn::new("M2").expect("short"));
        let frame = |bytes: &[u8]| Body::Frame { bytes: bytes.to_vec(), peer: String::new(), gateway: String::new(), connection: 0 };
        let mut receive = |mn, sequence, bytes: &[u8]| desk.receive(mn, sequence, Moment(sequence as i64), frame(bytes));
        assert!(matches!(receive(one, 1, b"a"), Body::Frame { .. }));
        assert!(matches!(receive(one, 2, b"a"), Body::Repeat { of: 1, .. }));
        assert!(matches!(receive(other, 3, b"a"), Body::Frame { .. }), "another logger's packet is its own");
        for sequence in 4..4 + RECENT_MAX as u64 {
            receive(one, sequence, &sequence.to_le_bytes());
        }
        assert!(matches!(receive(one, 99, b"a"), Body::Frame { .. }), "forgotten after {RECENT_MAX} others");
        let late = Moment(99 + REMEMBERED_MS);
        assert!(matches!(desk.receive(one, 100, late, frame(b"a")), Body::Repeat { of: 99, .. }));
        assert!(matches!(desk.receive(one, 101, late.plus_ms(1), frame(b"a")), Body::Frame { .. }), "forgotten after half an hour");
    }
}
