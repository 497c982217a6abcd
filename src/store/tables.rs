//! What a database is asked for, and what is made of its answers. The questions are each database's own; what follows from the
//! answers is the same for both and stands here: snapshots, recalled days, the journal by hours, the walk over the chains.

use super::block::{RawBlock, RawSealed};
use super::indexes::{Indexes, JournalHour, Walk};
use super::row::read_json;
use super::{Audit, StoreError, Version};
use crate::docket::Case;
use crate::domain::time::{Day, Hour, Moment};
use crate::domain::{Depth, Mn, Outage, OutletDay, OutletId, RuleSet, Silence};
use crate::engine::{DayRow, Entry, Link, Recalled, Recount, Snapshot, StoredFrame, Want, open_hours_reach_ms};
use crate::rules::{Carry, Past};
use std::collections::{BTreeMap, BTreeSet};

/// Hot blocks read at once.
const BLOCKS_PER_READ: usize = 64;

/// The questions. Every answer is of the one shard.
pub(super) trait Tables {
    /// What is kept at hand.
    fn indexes(&self) -> &Indexes;
    /// The next sequence.
    fn next(&self) -> u64;
    async fn engine_time(&mut self) -> Result<Moment, StoreError>;
    /// Every register and rule set, oldest first.
    async fn versions(&mut self) -> Result<Vec<Version>, StoreError>;
    /// Day of the journal's first entry.
    async fn began(&mut self) -> Result<Option<Day>, StoreError>;
    /// Days that are not confirmed or were reopened, and what the day before each hands over.
    async fn read_days(&mut self, snapshot: &mut Snapshot) -> Result<(), StoreError>;
    async fn cases(&mut self) -> Result<Vec<Case>, StoreError>;
    async fn silences(&mut self) -> Result<BTreeMap<Mn, Silence>, StoreError>;
    async fn outages(&mut self) -> Result<Vec<Outage>, StoreError>;
    async fn recounts(&mut self) -> Result<BTreeMap<OutletId, Recount>, StoreError>;
    /// Declarations, comparisons and visits as last stated, by their kind's word, in the order in which they were.
    async fn statements(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
    async fn day_row(&mut self, key: OutletDay) -> Result<Option<DayRow>, StoreError>;
    /// What an outlet's day hands to the next.
    async fn carry(&mut self, key: OutletDay) -> Result<Option<Carry>, StoreError>;
    /// What an outlet's days from the first to the last left for the rules of spans, and what the last one shows beside other outlets.
    async fn past(&mut self, outlet: OutletId, first: Day, last: Day) -> Result<Past, StoreError>;
    /// The last day whose outlets were compared with each other.
    async fn neighbours_until(&mut self) -> Result<Option<Day>, StoreError>;
    /// Packets of a logger about a day, that arrived on another and lie before a sequence: where each lies.
    async fn late(&mut self, id: u32, day: Day, before: u64) -> Result<BTreeMap<u64, Hour>, StoreError>;
    /// A logger's sealed hours, those of `hours` that there are.
    async fn sealed_of(&mut self, id: u32, hours: BTreeSet<Hour>) -> Result<Vec<RawSealed>, StoreError>;
    /// Every logger's sealed hour.
    async fn sealed_in(&mut self, hour: Hour) -> Result<Vec<RawSealed>, StoreError>;
    /// The hours that are sealed, of whomever.
    async fn sealed_hours(&mut self) -> Result<BTreeSet<Hour>, StoreError>;
    /// First and last instant of each hot block.
    async fn block_spans(&mut self) -> Result<Vec<(Moment, Moment)>, StoreError>;
    /// Hot blocks by their first sequences.
    async fn blocks(&mut self, firsts: &[u64]) -> Result<Vec<RawBlock>, StoreError>;
    /// Hot blocks that touch `[from, to)`, in order; none: to the end.
    async fn blocks_in(&mut self, from: Moment, to: Option<Moment>) -> Result<Vec<RawBlock>, StoreError>;
}

/// The day of a journal's first entry, by its first sealed hour and the first instant of its hot blocks.
pub(super) fn first_day(sealed: Option<i64>, hot: Option<i64>) -> Option<Day> {
    [sealed.map(|hour| Hour(hour).day()), hot.map(|at| Moment(at).day())].into_iter().flatten().min()
}

/// A recount's row.
pub(super) fn recount(next: i64, last: i64, depth: &str, due: i64) -> Recount {
    Recount { next: Day(next as i32), last: Day(last as i32), depth: Depth::of(depth), due: Moment(due) }
}

pub(super) async fn snapshot(tables: &mut impl Tables) -> Result<Snapshot, StoreError> {
    let mut snapshot = Snapshot { sequence: tables.next() - 1, ..Snapshot::default() };
    snapshot.now = tables.engine_time().await?;
    for version in tables.versions().await? {
        if version.registry {
            snapshot.registry = Some(serde_json::from_slice(&version.content)?);
        } else {
            snapshot.rule_sets.push((version.at, String::from_utf8_lossy(&version.content).into_owned()));
        }
    }
    snapshot.heads = tables.indexes().heads();
    tables.read_days(&mut snapshot).await?;
    snapshot.silences = tables.silences().await?;
    snapshot.outages = tables.outages().await?;
    snapshot.recounts = tables.recounts().await?;
    for (kind, body) in tables.statements().await? {
        match kind.as_str() {
            "declaration" => snapshot.declarations.push(read_json(&body)?),
            "visit" => snapshot.visits.push(read_json(&body)?),
            _ => snapshot.comparisons.push(read_json(&body)?),
        }
    }
    snapshot.began = tables.began().await?;
    snapshot.neighbours_until = tables.neighbours_until().await?;
    snapshot.cases = tables.cases().await?;
    snapshot.last_at = tables.block_spans().await?.into_iter().map(|(_, last)| last).max();
    let reach = snapshot.rule_sets.iter().filter_map(|(_, text)| RuleSet::parse(text).ok()).map(|rules| open_hours_reach_ms(&rules)).max();
    let from = snapshot.now.plus_ms(-reach.unwrap_or_else(|| open_hours_reach_ms(&RuleSet::default())));
    for block in tables.blocks_in(from, None).await? {
        tables.indexes().read_recent(block.by_logger()?, from, &mut snapshot);
    }
    snapshot.recent.sort_by_key(|frame| frame.sequence);
    Ok(snapshot)
}

pub(super) async fn recall(tables: &mut impl Tables, wants: &[Want]) -> Result<Vec<Recalled>, StoreError> {
    let mut recalled = Vec::with_capacity(wants.len());
    for want in wants {
        let row = if want.row { tables.day_row(want.key).await? } else { None };
        let mut frames: BTreeMap<u64, StoredFrame> = BTreeMap::new();
        for mn in want.loggers.iter().filter(|_| want.frames) {
            let Some(id) = tables.indexes().id(*mn) else { continue };
            for frame in frames_about(tables, id, want.key.day).await? {
                frames.insert(frame.sequence, frame);
            }
        }
        let frames = want.frames.then(|| frames.into_values().collect());
        let day_before = OutletDay { day: Day(want.key.day.0 - 1), ..want.key };
        let before = if want.row { tables.carry(day_before).await? } else { None };
        let past = match want.past {
            Some(days) => Some(tables.past(want.key.outlet, Day(want.key.day.0 - days as i32), want.key.day).await?),
            None => None,
        };
        recalled.push(Recalled { key: want.key, row, before, frames, past });
    }
    Ok(recalled)
}

/// A logger's packets that arrived on a day, and those that arrived on another and are about it.
async fn frames_about(tables: &mut impl Tables, id: u32, day: Day) -> Result<Vec<StoredFrame>, StoreError> {
    // What came late in the last hours is at hand; the rest is read where it lies.
    let since = tables.indexes().late_since();
    let late = tables.late(id, day, since).await?;
    let mut frames: Vec<StoredFrame> = tables.indexes().late_of(id, day).cloned().collect();
    let about = |frame: &StoredFrame| frame.at.day() == day || late.contains_key(&frame.sequence);
    let hours: BTreeSet<Hour> = (0..24).map(|hour| day.hour(hour)).chain(late.values().copied()).collect();
    for hour in tables.sealed_of(id, hours).await? {
        let before = hour.before().unwrap_or_default();
        frames.extend(tables.indexes().frames_of(id, before, hour.entries()?).into_iter().filter(about));
    }
    let wanted = |first_at: Moment, last_at: Moment| {
        let touches = |start: Moment, end: Moment| first_at < end && last_at >= start;
        touches(day.start(), day.end()) || late.values().any(|hour| touches(hour.start(), hour.end()))
    };
    let firsts = tables.indexes().blocks_of(id, wanted);
    for firsts in firsts.chunks(BLOCKS_PER_READ) {
        for block in tables.blocks(firsts).await? {
            if let Some((before, entries)) = block.by_logger()?.remove(&id) {
                frames.extend(tables.indexes().frames_of(id, before, entries).into_iter().filter(about));
            }
        }
    }
    Ok(frames)
}

/// The hours of arrival that the journal holds, in order.
pub(super) async fn journal_hours(tables: &mut impl Tables) -> Result<Vec<Hour>, StoreError> {
    let mut hours = tables.sealed_hours().await?;
    for (first, last) in tables.block_spans().await? {
        hours.extend((first.hour().0..=last.hour().0).map(Hour));
    }
    Ok(hours.into_iter().collect())
}

async fn journal_hour(tables: &mut impl Tables, hour: Hour) -> Result<JournalHour, StoreError> {
    let mut journal = JournalHour::new();
    for sealed in tables.sealed_in(hour).await? {
        let mut before = sealed.before();
        for entry in sealed.entries()? {
            journal.insert(entry.sequence, (sealed.id, before.take(), entry));
        }
    }
    for block in tables.blocks_in(hour.start(), Some(hour.end())).await? {
        for (id, (before, entries)) in block.by_logger()? {
            let mut before = Some(before);
            for entry in entries {
                let stored = before.take();
                if entry.at.hour() == hour {
                    journal.entry(entry.sequence).or_insert((id, stored, entry));
                }
            }
        }
    }
    Ok(journal)
}

pub(super) async fn entries_of_hour(tables: &mut impl Tables, hour: Hour) -> Result<Vec<Entry>, StoreError> {
    Ok(journal_hour(tables, hour).await?.into_values().map(|(_, _, entry)| entry).collect())
}

pub(super) async fn verify(tables: &mut impl Tables, mut each: impl FnMut(Hour, &BTreeMap<Mn, Link>, &mut Audit)) -> Result<Audit, StoreError> {
    let mut walk = Walk::default();
    for hour in journal_hours(tables).await? {
        let journal = journal_hour(tables, hour).await?;
        walk.take(hour, journal, tables.indexes(), &mut each);
    }
    Ok(walk.end(tables.next(), tables.indexes()))
}
