//! Entries of the journal. Everything that can change an output is one of these; nothing else reaches the engine.

use crate::domain::time::{Day, Moment};
use crate::domain::{CaseEvent, Comparison, Declaration, Depth, Disposition, Mn, Neighbours, OutletId, Score, Survey, Visit};
use crate::registry::Files;
use serde::{Deserialize, Serialize};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the journal, from 1, without holes.
    pub sequence: u64,
    /// Arrival. Engine time is the largest stamp seen.
    pub at: Moment,
    /// What came.
    pub body: Body,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Body {
    /// A packet as it came, from `##` to the check.
    Frame {
        /// The bytes; latin-1 in JSON, so that every byte is one character.
        #[serde(with = "latin1")]
        bytes: Vec<u8>,
        /// Address of the peer.
        peer: String,
        /// Which connection of which gateway.
        gateway: String,
        /// The connection's number.
        connection: u64,
    },
    /// The same bytes as an entry in store: kept as a reference.
    Repeat {
        /// The entry.
        of: u64,
        /// Who sent it.
        mn: Mn,
        /// Address of the peer.
        peer: String,
    },
    /// Bytes that are no packet.
    Rejected {
        /// The reason's name.
        reason: String,
        /// What was wrong.
        detail: String,
        /// As many as are kept.
        #[serde(with = "latin1")]
        bytes: Vec<u8>,
        /// How many there were.
        len: u64,
        /// Address of the peer.
        peer: String,
    },
    /// A connection was accepted.
    LinkUp {
        /// Gateway.
        gateway: String,
        /// Number.
        connection: u64,
        /// Address.
        peer: String,
    },
    /// A connection ended.
    LinkDown {
        /// Gateway.
        gateway: String,
        /// Number.
        connection: u64,
        /// Address.
        peer: String,
        /// `peer`, `idle`, `shutdown` …
        reason: String,
    },
    /// A register is in force from here on.
    RegistryVersion {
        /// Its files.
        files: Files,
    },
    /// A rule set is in force from here on.
    RuleSetVersion {
        /// The document.
        text: String,
    },
    /// 人工标记: a person's mark over a period, with its proof.
    Declaration(Declaration),
    /// 比对结果: a check of the equipment.
    Comparison(Comparison),
    /// 现场检查: people were at an outlet.
    Visit(Visit),
    /// 处置: a step of a case.
    Disposition(Disposition),
    /// What happened about a case: a visit, a complaint, a work order, a result by hand.
    Event(CaseEvent),
    /// An outlet's day is to be computed again.
    Recount {
        /// Where.
        outlet: OutletId,
        /// When.
        #[serde(with = "crate::domain::time::day_text")]
        day: Day,
        /// From what.
        #[serde(default = "deepest")]
        depth: Depth,
    },
    /// 断链核查: which outages stand, by a comparison of all outlets.
    Survey(Survey),
    /// 邻点比对: what an outlet's day shows beside other outlets.
    Neighbours(Neighbours),
    /// Every outlet's day was compared with the others', and what was seen stands before this.
    NeighboursDone {
        /// The day.
        #[serde(with = "crate::domain::time::day_text")]
        day: Day,
    },
    /// 运维机构赋分: what a contractor's month came to, computed of stored rows.
    Score(Box<Score>),
    /// Time passes.
    Tick {},
}

fn deepest() -> Depth {
    Depth::Readings
}

mod latin1 {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&bytes.iter().copied().map(char::from).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<_, _>>().map_err(|_| serde::de::Error::custom("a character above U+00FF"))
    }
}

/// The bytes of a block of entries are damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("damaged block of entries at byte {0}")]
pub struct CodecError(usize);

/// Writes an entry behind what stands in `block`. A block is one entry after the other.
///
/// ```text
/// entry = sequence:u64 at:i64 length:u32 tag:u8 body
/// tag 1 = Frame: connection:u64 peer:u8+text gateway:u8+text bytes
/// tag 0 = any other: JSON
/// ```
pub fn encode_entry(entry: &Entry, block: &mut Vec<u8>) {
    block.extend_from_slice(&entry.sequence.to_le_bytes());
    block.extend_from_slice(&entry.at.0.to_le_bytes());
    let length_at = block.len();
    block.extend_from_slice(&[0; 4]);
    encode_body(&entry.body, block);
    let length = (block.len() - length_at - 4) as u32;
    block[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

/// Writes an entry's tag and body behind what stands in `block`.
pub fn encode_body(body: &Body, block: &mut Vec<u8>) {
    match body {
        Body::Frame { bytes, peer, gateway, connection } if peer.len() < 256 && gateway.len() < 256 => {
            block.push(1);
            block.extend_from_slice(&connection.to_le_bytes());
            for text in [peer, gateway] {
                block.push(text.len() as u8);
                block.extend_from_slice(text.as_bytes());
            }
            block.extend_from_slice(bytes);
        }
        body => {
            block.push(0);
            block.extend_from_slice(&serde_json::to_vec(body).expect("a body serialises"));
        }
    }
}

/// Reads a tag and a body; none: they are damaged.
#[must_use]
pub fn decode_body(bytes: &[u8]) -> Option<Body> {
    match bytes.split_first()? {
        (1, frame) => frame_body(frame),
        (0, json) => serde_json::from_slice(json).ok(),
        _ => None,
    }
}

/// Reads a block back.
///
/// # Errors
/// Where the block is damaged.
pub fn decode(block: &[u8]) -> Result<Vec<Entry>, CodecError> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < block.len() {
        let damaged = CodecError(at);
        let head = block.get(at..at + HEAD).ok_or_else(|| damaged.clone())?;
        let sequence = u64::from_le_bytes(head[..8].try_into().map_err(|_| damaged.clone())?);
        let stamp = i64::from_le_bytes(head[8..16].try_into().map_err(|_| damaged.clone())?);
        let length = u32::from_le_bytes(head[16..].try_into().map_err(|_| damaged.clone())?) as usize;
        let body = block.get(at + HEAD..at + HEAD + length).ok_or_else(|| damaged.clone())?;
        let body = decode_body(body).ok_or(damaged)?;
        entries.push(Entry { sequence, at: Moment(stamp), body });
        at += HEAD + length;
    }
    Ok(entries)
}

/// Bytes before an entry's tag.
const HEAD: usize = 20;

fn frame_body(frame: &[u8]) -> Option<Body> {
    let (connection, mut rest) = frame.split_first_chunk::<8>()?;
    let mut text = || {
        let (&len, after) = rest.split_first()?;
        let text = std::str::from_utf8(after.get(..usize::from(len))?).ok()?.to_owned();
        rest = &after[usize::from(len)..];
        Some(text)
    };
    let (peer, gateway) = (text()?, text()?);
    Some(Body::Frame { bytes: rest.to_vec(), peer, gateway, connection: u64::from_le_bytes(*connection) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_the_block_byte_by_byte() {
        let frame = Body::Frame { bytes: (0..=255).collect(), peer: "192.0.2.7:4001".to_owned(), gateway: "g1".to_owned(), connection: 9 };
        let rejected =
            Body::Rejected { reason: "not_hj212".to_owned(), detail: String::new(), bytes: vec![0, 255, b'#'], len: 3, peer: String::new() };
        let bodies = [frame, rejected, Body::Tick {}];
        let entries: Vec<Entry> = (7..).zip(bodies).map(|(sequence, body)| Entry { sequence, at: Moment(1_000 + sequence as i64), body }).collect();
        let mut block = Vec::new();
        entries.iter().for_each(|entry| encode_entry(entry, &mut block));
        assert_eq!(decode(&block), Ok(entries.clone()));
        for cut in 1..block.len() {
            if let Ok(read) = decode(&block[..cut]) {
                assert!(read.len() < entries.len(), "a cut block never reads as the whole");
            }
        }
        for entry in &entries {
            let json = serde_json::to_string(&entry.body).expect("JSON");
            assert_eq!(serde_json::from_str::<Body>(&json).expect("the same"), entry.body);
        }
    }
}
