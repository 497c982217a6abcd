//! How entries lie in a row: hot blocks (one per commit) and sealed hours (one per logger and hour).

use crate::domain::Mn;
use crate::engine::{self, CodecError, Entry, Link, WriteSet};
use std::collections::BTreeMap;

/// Compression of a hot block: fast.
const HOT_LEVEL: i32 = 1;
/// Compression of a sealed hour: small.
const SEALED_LEVEL: i32 = 9;
/// Entries of so many bytes make a part, and are compressed on their own: however much a logger sends, what was written can be read.
const PART_LEN: usize = 64 * 1024 * 1024;
/// A part of more than this is damage, not data: parts end with the entry that fills them, and no entry has more than 256 MiB.
const PART_LEN_MAX: u64 = 512 * 1024 * 1024;

/// Bytes that should hold entries, and do not.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// zstd.
    #[error("cannot decompress: {0}")]
    Compression(#[from] std::io::Error),
    /// The entries.
    #[error(transparent)]
    Entries(#[from] CodecError),
    /// The index of loggers.
    #[error("damaged index of loggers")]
    Index,
}

/// Whose entries a block holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Index {
    /// Logger id, its chain's head before the block, and after it.
    pub(super) loggers: Vec<(u32, Link, Link)>,
    /// For each entry the place of its logger in `loggers`; `NOBODY` for none.
    pub(super) places: Vec<u16>,
}

/// Bytes of a logger in an index: id and two links.
const ROW: usize = 4 + 32 + 32;
pub(super) const NOBODY: u16 = u16::MAX;

impl Index {
    /// The index of a step's entries. A step has fewer than 65,535 loggers: the pipeline caps its batches.
    pub(super) fn of(entries: &[Entry], writes: &WriteSet, id_of: impl Fn(Mn) -> u32) -> Self {
        let mut index = Self { loggers: Vec::with_capacity(writes.chains.len()), places: vec![NOBODY; entries.len()] };
        for (mn, chain) in &writes.chains {
            let place = index.loggers.len() as u16;
            index.loggers.push((id_of(*mn), chain.before, chain.after));
            for sequence in &chain.sequences {
                index.places[(sequence - writes.from - 1) as usize] = place;
            }
        }
        index
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 + self.loggers.len() * ROW + self.places.len() * 2);
        bytes.extend_from_slice(&(self.loggers.len() as u16).to_le_bytes());
        for (id, before, after) in &self.loggers {
            bytes.extend_from_slice(&id.to_le_bytes());
            bytes.extend_from_slice(before);
            bytes.extend_from_slice(after);
        }
        for place in &self.places {
            bytes.extend_from_slice(&place.to_le_bytes());
        }
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, BlockError> {
        let (count, rest) = bytes.split_first_chunk::<2>().ok_or(BlockError::Index)?;
        let count = usize::from(u16::from_le_bytes(*count));
        let (loggers, places) = rest.split_at_checked(count * ROW).ok_or(BlockError::Index)?;
        let logger = |row: &[u8; ROW]| {
            let (id, heads) = row.split_first_chunk::<4>()?;
            Some((u32::from_le_bytes(*id), *heads.first_chunk::<32>()?, *heads.last_chunk::<32>()?))
        };
        let loggers = loggers.as_chunks::<ROW>().0.iter().map(logger).collect::<Option<Vec<_>>>().ok_or(BlockError::Index)?;
        let places: Vec<u16> = places.as_chunks::<2>().0.iter().map(|place| u16::from_le_bytes(*place)).collect();
        Ok(Self { loggers, places })
    }
}

pub(super) fn compress_hot(entries: &[Entry]) -> Result<Vec<u8>, BlockError> {
    compress(entries, HOT_LEVEL, PART_LEN)
}

pub(super) fn compress_sealed<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Vec<u8>, BlockError> {
    compress(entries, SEALED_LEVEL, PART_LEN)
}

/// One part after the other, each a zstd frame.
fn compress<'e>(entries: impl IntoIterator<Item = &'e Entry>, level: i32, part_len: usize) -> Result<Vec<u8>, BlockError> {
    let (mut parts, mut part) = (Vec::new(), Vec::new());
    for entry in entries {
        engine::encode_entry(entry, &mut part);
        if part.len() >= part_len {
            parts.append(&mut zstd::bulk::compress(&part, level)?);
            part.clear();
        }
    }
    if !part.is_empty() || parts.is_empty() {
        parts.append(&mut zstd::bulk::compress(&part, level)?);
    }
    Ok(parts)
}

fn expand(mut bytes: &[u8]) -> Result<Vec<Entry>, BlockError> {
    let (mut entries, mut part) = (Vec::new(), Vec::new());
    while !bytes.is_empty() {
        part.clear();
        let decoder = zstd::stream::read::Decoder::with_buffer(&mut bytes)?.single_frame();
        std::io::Read::read_to_end(&mut std::io::Read::take(decoder, PART_LEN_MAX), &mut part)?;
        entries.append(&mut engine::decode(&part)?);
    }
    Ok(entries)
}

/// The entries of each logger in a block with its head before; place 0 of the map is nobody's.
fn by_logger(index: &Index, entries: Vec<Entry>) -> BTreeMap<u32, (Link, Vec<Entry>)> {
    let mut split: BTreeMap<u32, (Link, Vec<Entry>)> = BTreeMap::new();
    for (entry, place) in entries.into_iter().zip(&index.places) {
        let (id, before) = if *place == NOBODY {
            (0, [0; 32])
        } else {
            index.loggers.get(usize::from(*place)).map_or((0, [0; 32]), |(id, before, _)| (*id, *before))
        };
        split.entry(id).or_insert_with(|| (before, Vec::new())).1.push(entry);
    }
    split
}

/// A hot block as it lies in its row: the index and the entries, neither opened yet.
#[derive(Debug)]
pub(super) struct RawBlock {
    pub(super) loggers: Vec<u8>,
    pub(super) entries: Vec<u8>,
}

impl RawBlock {
    /// The entries of each logger with its head before; place 0 is nobody's.
    pub(super) fn by_logger(&self) -> Result<BTreeMap<u32, (Link, Vec<Entry>)>, BlockError> {
        Ok(by_logger(&Index::read(&self.loggers)?, expand(&self.entries)?))
    }
}

/// A logger's sealed hour as it lies in its row.
#[derive(Debug)]
pub(super) struct RawSealed {
    pub(super) id: u32,
    pub(super) before: Vec<u8>,
    pub(super) entries: Vec<u8>,
}

impl RawSealed {
    /// The head before it, if it is one.
    pub(super) fn before(&self) -> Option<Link> {
        self.before[..].try_into().ok()
    }

    pub(super) fn entries(&self) -> Result<Vec<Entry>, BlockError> {
        expand(&self.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Moment;
    use crate::engine::Body;

    fn entries(count: u64) -> Vec<Entry> {
        (1..=count).map(|sequence| Entry { sequence, at: Moment(sequence as i64), body: Body::Tick {} }).collect()
    }

    #[test]
    fn what_was_written_in_many_parts_is_read_as_one() {
        for count in [0, 1, 100] {
            let entries = entries(count);
            for part_len in [1, 100, PART_LEN] {
                let written = compress(&entries, HOT_LEVEL, part_len).expect("compressed");
                assert_eq!(expand(&written).expect("read"), entries, "{count} entries in parts of {part_len} bytes");
            }
        }
    }

    #[test]
    fn a_part_that_is_cut_off_is_damage() {
        let written = compress(&entries(100), HOT_LEVEL, 100).expect("compressed");
        assert!(expand(&written[..written.len() - 1]).is_err());
    }
}
