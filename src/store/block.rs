//! How entries lie in a row: hot blocks (one per commit) and sealed hours (one per logger and hour).

use crate::domain::Mn;
use crate::engine::{self, CodecError, Entry, Link, WriteSet};
use std::collections::BTreeMap;

/// Compression of a hot block: fast.
const HOT_LEVEL: i32 = 1;
/// Compression of a sealed hour: small.
const SEALED_LEVEL: i32 = 9;
/// A block of more than this is damage, not data.
const BLOCK_LEN_MAX: usize = 512 * 1024 * 1024;

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
    Ok(zstd::bulk::compress(&engine::encode(entries), HOT_LEVEL)?)
}

pub(super) fn compress_sealed<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Vec<u8>, BlockError> {
    Ok(zstd::bulk::compress(&engine::encode(entries), SEALED_LEVEL)?)
}

fn expand(bytes: &[u8]) -> Result<Vec<Entry>, BlockError> {
    let mut block = Vec::new();
    let mut decoder = zstd::stream::read::Decoder::new(bytes)?;
    let mut limited = std::io::Read::take(&mut decoder, BLOCK_LEN_MAX as u64);
    std::io::Read::read_to_end(&mut limited, &mut block)?;
    Ok(engine::decode(&block)?)
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
