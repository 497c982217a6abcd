//! Documents in rows: JSON under zstd, the same bytes in every database.

use super::block::BlockError;
use super::{StoreError, Version};
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

/// A day's row, and what it hands over.
pub(super) fn read_day(row: &[u8], carry: Option<&[u8]>) -> Result<DayRow, StoreError> {
    let mut row: DayRow = read_json(row)?;
    row.carry = carry.map(read_json).transpose()?;
    Ok(row)
}

pub(super) fn write_json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    thread_local! {
        // Some thousand documents an hour: making a context for each costs more than most of them.
        static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    }
    let text = serde_json::to_vec(value)?;
    let compressed = COMPRESSOR.with_borrow_mut(|slot| match slot {
        Some(compressor) => compressor.compress(&text),
        None => slot.insert(zstd::bulk::Compressor::new(LEVEL)?).compress(&text),
    });
    Ok(compressed.map_err(BlockError::from)?)
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
