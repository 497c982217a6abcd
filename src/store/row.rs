//! Documents in rows: JSON under zstd, and the cells of a day as bytes under zstd, the same in every database.

use super::block::BlockError;
use super::{StoreError, Version};
use crate::aggregation::Shelf;
use crate::domain::Mn;
use crate::domain::time::{Day, Moment};
use crate::engine::{Body, DayRow, Entry, Link};
use crate::rules::Profile;
use std::cell::RefCell;

/// Compression of a document: fast.
const LEVEL: i32 = 1;
/// Compression of a register or a rule set: there are few, and they are large.
const VERSION_LEVEL: i32 = 9;
/// The word of a register in its row.
const REGISTRY: &str = "registry";

/// A logger's name, which is bytes in every table.
pub(super) fn mn_of(bytes: &[u8]) -> Option<Mn> {
    std::str::from_utf8(bytes).ok().and_then(Mn::new)
}

pub(super) fn link(bytes: &[u8]) -> Option<Link> {
    bytes.try_into().ok()
}

/// A day's document, its cells, and what it hands over, as they are stored. In rows of older releases the cells are in the document.
pub(super) struct StoredRow<Bytes> {
    pub(super) document: Bytes,
    pub(super) cells: Option<Bytes>,
    pub(super) carry: Option<Bytes>,
}

impl StoredRow<Vec<u8>> {
    pub(super) fn of(row: &DayRow) -> Result<Self, StoreError> {
        let cells = row.cells.bytes().map(|cells| compress(&cells)).transpose()?;
        Ok(Self { document: write_json(row)?, cells, carry: row.carry.as_ref().map(write_json).transpose()? })
    }
}

impl StoredRow<&[u8]> {
    pub(super) fn read(self) -> Result<DayRow, StoreError> {
        let mut row: DayRow = read_json(self.document)?;
        if let Some(cells) = self.cells {
            row.cells = Shelf::at_rest(&zstd::decode_all(cells).map_err(BlockError::from)?)?;
        }
        row.carry = self.carry.map(read_json).transpose()?;
        Ok(row)
    }
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, BlockError> {
    thread_local! {
        // Some thousand documents an hour: making a context for each costs more than most of them.
        static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => {
                let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
                // What was damaged on the disk is found when it is read, not when it is looked at.
                compressor.include_checksum(true)?;
                slot.insert(compressor)
            }
        };
        Ok(compressor.compress(bytes)?)
    })
}

pub(super) fn write_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    Ok(compress(&serde_json::to_vec(value)?)?)
}

pub(super) fn read_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    Ok(serde_json::from_slice(&zstd::decode_all(bytes).map_err(BlockError::from)?)?)
}

/// What a day leaves for the rules of spans: few bytes, because many are read at once.
pub(super) fn write_profile(profile: &Profile) -> Result<Vec<u8>, StoreError> {
    Ok(postcard::to_allocvec(profile)?)
}

pub(super) fn read_profile(day: i64, bytes: &[u8]) -> Result<(Day, Profile), StoreError> {
    Ok((Day(day as i32), postcard::from_bytes(bytes)?))
}

/// Kind and content of the row of an entry that puts a register or a rule set in force.
pub(super) fn version_of(entry: &Entry) -> Result<Option<(&'static str, Vec<u8>)>, StoreError> {
    let (kind, content) = match &entry.body {
        Body::RegistryVersion { files } => (REGISTRY, serde_json::to_vec(files)?),
        Body::RuleSetVersion { text } => ("rule_set", text.clone().into_bytes()),
        _ => return Ok(None),
    };
    Ok(Some((kind, zstd::bulk::compress(&content, VERSION_LEVEL).map_err(BlockError::from)?)))
}

/// What such a row says.
pub(super) fn read_version(sequence: i64, at: i64, kind: &str, content: &[u8]) -> Result<Version, StoreError> {
    let content = zstd::decode_all(content).map_err(BlockError::from)?;
    Ok(Version { sequence: sequence.unsigned_abs(), at: Moment(at), registry: kind == REGISTRY, content })
}
