//! An hour of arrival on its way from hot blocks into one row for each logger. Knows no database.

use super::StoreError;
use super::block::{self, RawBlock, RawSealed};
use crate::domain::time::{HOUR_MS, Hour, Moment};
use crate::engine::{Entry, Link, link_of};
use std::collections::BTreeMap;

/// Sealed rows that one transaction writes: some milliseconds, in which answers wait.
pub(super) const SEAL_ROWS: usize = 100;
/// How long an hour stays in hot blocks after its end: its open hours, and a restart, read them there.
const SEAL_AFTER_MS: i64 = 3 * HOUR_MS;

/// An hour, compressed, on its way into the database for which it was prepared.
#[derive(Debug)]
pub struct SealedHour {
    pub(super) hour: Hour,
    /// What is still to be written: logger, head before, entries.
    pub(super) rows: Vec<(u32, Link, Vec<u8>)>,
    /// The heads at the end of the hour.
    pub(super) heads: Vec<(u32, Link)>,
    /// The last sequence in it.
    pub(super) last: u64,
}

/// The hour that comes next, if it is old enough: `oldest` is the first instant that lies in a hot block.
pub(super) fn due(oldest: Option<i64>, now: Moment) -> Option<Hour> {
    oldest.map(|oldest| Moment(oldest).hour()).filter(|hour| hour.end().plus_ms(SEAL_AFTER_MS) <= now)
}

/// Collects an hour's entries from the blocks that touch it, and compresses them. `again`: what was sealed of it before, because
/// its stamps came back or a crash came between; it keeps what it has.
pub(super) fn prepare(hour: Hour, blocks: &[RawBlock], again: Vec<RawSealed>) -> Result<SealedHour, StoreError> {
    let within = hour.start()..hour.end();
    let mut loggers: BTreeMap<u32, (Link, Vec<Entry>)> = BTreeMap::new();
    for block in blocks {
        for (id, (mut before, entries)) in block.by_logger()? {
            for entry in entries {
                let after = link_of(&before, &entry);
                if within.contains(&entry.at) {
                    loggers.entry(id).or_insert_with(|| (before, Vec::new())).1.push(entry);
                }
                before = after;
            }
        }
    }
    let mut again: BTreeMap<u32, RawSealed> = again.into_iter().map(|row| (row.id, row)).collect();
    let mut sealed = SealedHour { hour, rows: Vec::with_capacity(loggers.len()), heads: Vec::with_capacity(loggers.len()), last: 0 };
    for (id, (before, entries)) in loggers {
        sealed.heads.push((id, entries.iter().fold(before, |head, entry| link_of(&head, entry))));
        sealed.last = entries.last().map_or(sealed.last, |entry| sealed.last.max(entry.sequence));
        let row = match again.remove(&id) {
            None => (id, before, block::compress_sealed(&entries)?),
            Some(known) => {
                let all = known.entries()?.into_iter().chain(entries);
                let merged: BTreeMap<u64, Entry> = all.map(|entry| (entry.sequence, entry)).collect();
                (id, known.before().unwrap_or(before), block::compress_sealed(merged.values())?)
            }
        };
        sealed.rows.push(row);
    }
    Ok(sealed)
}
