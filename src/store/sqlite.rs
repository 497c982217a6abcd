//! The embedded database: SQLite, WAL, `synchronous=FULL`. One writer (the engine's thread), some readers.

use super::block::{self, Index};
use super::indexes::{HotBlock, Indexes, JournalHour, Walk};
use super::row::{link, mn_of, read_day, read_json, write_json};
use super::{Audit, StoreError, Version};
use crate::docket::Case;
use crate::domain::time::{Day, HOUR_MS, Hour, Moment};
use crate::domain::{Declaration, Depth, Mn, Outage, OutletDay, OutletId, RuleSet, Silence, Span};
use crate::engine::{Body, DayRow, Entry, Link, Recalled, Recount, Reopened, Snapshot, StoredFrame, Want, WriteSet, link_of, open_hours_reach_ms};
use crate::link::{Debt, Settled};
use crate::message::Event;
use crate::rules::Carry;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Row, Sqlite};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// The one shard of `serve`.
const PARTITION: i64 = 0;
/// Rows in one INSERT: below SQLite's limit of bound values.
const ROWS_PER_STATEMENT: usize = 500;
/// Sealed rows that one transaction writes: some milliseconds, in which answers wait.
const SEAL_ROWS: usize = 100;
/// How long an hour stays in hot blocks after its end: its open hours, and a restart, read them there.
const SEAL_AFTER_MS: i64 = 3 * HOUR_MS;

/// The writer's side of the database.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    writer: SqliteConnection,
    epoch: i64,
    next: u64,
    indexes: Indexes,
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .pragma("wal_autocheckpoint", "1000")
        .pragma("cache_size", "-65536")
        .disable_statement_logging()
}

fn number(value: u64) -> i64 {
    i64::try_from(value).expect("sequences stay below 2^63")
}

impl Store {
    /// Opens or makes the database and raises the epoch: whoever wrote before cannot write any more. Not `durable`: commits
    /// are not synced, and an answer means nothing; for measurements.
    ///
    /// # Errors
    /// The database cannot be opened, or its schema cannot be brought up to date.
    pub async fn open(path: &Path, durable: bool) -> Result<Self, StoreError> {
        let synchronous = if durable { SqliteSynchronous::Full } else { SqliteSynchronous::Off };
        let mut writer = options(path).synchronous(synchronous).connect().await?;
        MIGRATIONS.run(&mut writer).await?;
        sqlx::query("INSERT INTO shards (partition, epoch, next_offset, engine_time) VALUES ($1, 0, 1, 0) ON CONFLICT (partition) DO NOTHING")
            .bind(PARTITION)
            .execute(&mut writer)
            .await?;
        let row = sqlx::query("UPDATE shards SET epoch = epoch + 1 WHERE partition = $1 RETURNING epoch, next_offset")
            .bind(PARTITION)
            .fetch_one(&mut writer)
            .await?;
        Self::load(path, writer, row.get(0), row.get::<i64, _>(1).unsigned_abs()).await
    }

    /// Opens an existing database for reading only: whoever writes it goes on writing.
    ///
    /// # Errors
    /// The database cannot be opened or read.
    pub async fn read(path: &Path) -> Result<Self, StoreError> {
        let mut reader = options(path).read_only(true).create_if_missing(false).connect().await?;
        // One snapshot for everything that is read: a process that writes meanwhile changes nothing here.
        sqlx::query("BEGIN").execute(&mut reader).await?;
        let row = sqlx::query("SELECT next_offset FROM shards WHERE partition = $1").bind(PARTITION).fetch_one(&mut reader).await?;
        Self::load(path, reader, -1, row.get::<i64, _>(0).unsigned_abs()).await
    }

    /// Builds what is kept at hand.
    async fn load(path: &Path, mut writer: SqliteConnection, epoch: i64, next: u64) -> Result<Self, StoreError> {
        let mut indexes = Indexes::begin(next);
        for row in sqlx::query("SELECT id, mn, head FROM loggers").fetch_all(&mut writer).await? {
            if let (Some(mn), Some(head)) = (mn_of(row.get(1)), link(row.get(2))) {
                indexes.put_logger(row.get::<i64, _>(0) as u32, mn, head);
            }
        }
        for row in sqlx::query("SELECT first, first_at, last_at, loggers FROM blocks ORDER BY first").fetch_all(&mut writer).await? {
            let block = HotBlock { first: row.get::<i64, _>(0).unsigned_abs(), first_at: row.get(1), last_at: row.get(2) };
            indexes.put_block(block, &Index::read(row.get(3))?);
        }
        Ok(Self { path: path.to_owned(), writer, epoch, next, indexes })
    }

    /// What a restarted engine needs: versions, heads, open days, cases, and the packets of the hours that are still open.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn snapshot(&mut self) -> Result<Snapshot, StoreError> {
        let mut snapshot = Snapshot { sequence: self.next - 1, ..Snapshot::default() };
        snapshot.now = self.engine_time().await?;
        for version in self.versions().await? {
            if version.registry {
                snapshot.registry = Some(serde_json::from_slice(&version.content)?);
            } else {
                snapshot.rule_sets.push((version.at, String::from_utf8_lossy(&version.content).into_owned()));
            }
        }
        snapshot.heads = self.indexes.heads();
        for row in sqlx::query("SELECT outlet, day, first, due FROM reopened").fetch_all(&mut self.writer).await? {
            if let Some(key) = key_of(&row) {
                snapshot.reopened.insert(key, Reopened { first: Moment(row.get(2)), due: Moment(row.get(3)) });
                if let Some(day) = self.day_row(key).await? {
                    snapshot.days.insert(key, day);
                }
            }
        }
        for row in sqlx::query("SELECT outlet, day, row, carry FROM hour_cells WHERE confirmed = 0").fetch_all(&mut self.writer).await? {
            if let Some(key) = key_of(&row) {
                snapshot.days.insert(key, read_day(row.get(2), row.get(3))?);
            }
        }
        for key in snapshot.days.keys().copied().collect::<Vec<_>>() {
            let before = OutletDay { day: Day(key.day.0 - 1), ..key };
            if !snapshot.days.contains_key(&before)
                && let Some(carry) = self.carry(before).await?
            {
                snapshot.befores.insert(key, carry);
            }
        }
        snapshot.silences = self.silences().await?;
        snapshot.outages = self.outages().await?;
        for row in sqlx::query("SELECT outlet, next, last, depth, due FROM recounts").fetch_all(&mut self.writer).await? {
            let day = |at: usize| Day(row.get::<i64, _>(at) as i32);
            if let Some(outlet) = OutletId::new(row.get(0)) {
                let recount = Recount { next: day(1), last: day(2), depth: Depth::of(row.get(3)), due: Moment(row.get(4)) };
                snapshot.recounts.insert(outlet, recount);
            }
        }
        for row in sqlx::query("SELECT kind, body FROM statements ORDER BY sequence").fetch_all(&mut self.writer).await? {
            match row.get(0) {
                "declaration" => snapshot.declarations.push(read_json(row.get(1))?),
                _ => snapshot.comparisons.push(read_json(row.get(1))?),
            }
        }
        snapshot.began = self.began().await?;
        snapshot.cases = self.cases().await?;
        let reach = snapshot.rule_sets.iter().filter_map(|(_, text)| RuleSet::parse(text).ok()).map(|rules| open_hours_reach_ms(&rules)).max();
        let from = snapshot.now.plus_ms(-reach.unwrap_or_else(|| open_hours_reach_ms(&RuleSet::default())));
        let rows =
            sqlx::query("SELECT loggers, entries FROM blocks WHERE last_at >= $1 ORDER BY first").bind(from.0).fetch_all(&mut self.writer).await?;
        for row in rows {
            self.indexes.read_recent(&Index::read(row.get(0))?, block::expand(row.get(1))?, from, &mut snapshot);
        }
        snapshot.recent.sort_by_key(|frame| frame.sequence);
        Ok(snapshot)
    }

    /// Every register and rule set that was put in force, oldest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn versions(&mut self) -> Result<Vec<Version>, StoreError> {
        let rows = sqlx::query("SELECT sequence, at, kind, content FROM versions ORDER BY sequence").fetch_all(&mut self.writer).await?;
        let version = |row: &SqliteRow| {
            let content = zstd::decode_all(row.get::<&[u8], _>(3)).map_err(block::BlockError::from)?;
            Ok(Version {
                sequence: row.get::<i64, _>(0).unsigned_abs(),
                at: Moment(row.get(1)),
                registry: row.get::<&str, _>(2) == "registry",
                content,
            })
        };
        rows.iter().map(version).collect()
    }

    /// Engine time of the last commit.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn engine_time(&mut self) -> Result<Moment, StoreError> {
        let row = sqlx::query("SELECT engine_time FROM shards WHERE partition = $1").bind(PARTITION).fetch_one(&mut self.writer).await?;
        Ok(Moment(row.get(0)))
    }

    /// Declarations as last stated, those taken back included.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn declarations(&mut self) -> Result<Vec<Declaration>, StoreError> {
        let rows = sqlx::query("SELECT body FROM statements WHERE kind = 'declaration' ORDER BY key").fetch_all(&mut self.writer).await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    /// Every case as it stands.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn cases(&mut self) -> Result<Vec<Case>, StoreError> {
        let rows = sqlx::query("SELECT body FROM cases").fetch_all(&mut self.writer).await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    /// Loggers that are silent.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn silences(&mut self) -> Result<BTreeMap<Mn, Silence>, StoreError> {
        let mut silences = BTreeMap::new();
        for row in sqlx::query("SELECT mn, body FROM silences").fetch_all(&mut self.writer).await? {
            if let Some(mn) = mn_of(row.get(0)) {
                silences.insert(mn, read_json(row.get(1))?);
            }
        }
        Ok(silences)
    }

    /// Every outage as it was last stated, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn outages(&mut self) -> Result<Vec<Outage>, StoreError> {
        let rows = sqlx::query("SELECT body FROM outages ORDER BY began, scope, name").fetch_all(&mut self.writer).await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    /// The newest published day of each outlet, and what it hands over.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn carries(&mut self) -> Result<BTreeMap<OutletId, (Day, Carry)>, StoreError> {
        let mut carries = BTreeMap::new();
        // The index has the outlets; of each only its newest row is read.
        let outlets: Vec<String> = sqlx::query_scalar("SELECT DISTINCT outlet FROM hour_cells").fetch_all(&mut self.writer).await?;
        for outlet in outlets.iter().filter_map(|outlet| OutletId::new(outlet)) {
            let row = sqlx::query("SELECT day, carry FROM hour_cells WHERE outlet = $1 AND carry IS NOT NULL ORDER BY day DESC LIMIT 1")
                .bind(outlet.as_str())
                .fetch_optional(&mut self.writer)
                .await?;
            if let Some(row) = row {
                carries.insert(outlet, (Day(row.get::<i64, _>(0) as i32), read_json(row.get(1))?));
            }
        }
        Ok(carries)
    }

    /// Day of the journal's first entry.
    async fn began(&mut self) -> Result<Option<Day>, StoreError> {
        let sealed: Option<i64> = sqlx::query_scalar("SELECT min(key) >> 32 FROM sealed").fetch_one(&mut self.writer).await?;
        let hot: Option<i64> = sqlx::query_scalar("SELECT min(first_at) FROM blocks").fetch_one(&mut self.writer).await?;
        let days = [sealed.map(|hour| Hour(hour).start().day()), hot.map(|at| Moment(at).day())];
        Ok(days.into_iter().flatten().min())
    }

    /// What is kept of an outlet's day besides its packets.
    ///
    /// # Errors
    /// The database cannot be read, or the row is damaged.
    pub async fn day_row(&mut self, key: OutletDay) -> Result<Option<DayRow>, StoreError> {
        let row = sqlx::query("SELECT row, carry FROM hour_cells WHERE outlet = $1 AND day = $2")
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .fetch_optional(&mut self.writer)
            .await?;
        row.map(|row| read_day(row.get(0), row.get(1))).transpose()
    }

    /// What an outlet's day hands to the next.
    async fn carry(&mut self, key: OutletDay) -> Result<Option<Carry>, StoreError> {
        let row = sqlx::query("SELECT carry FROM hour_cells WHERE outlet = $1 AND day = $2")
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .fetch_optional(&mut self.writer)
            .await?;
        row.and_then(|row| row.get::<Option<Vec<u8>>, _>(0)).map(|carry| read_json(&carry)).transpose()
    }

    /// Hands days back: their rows, and every packet that may be about them.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn recall(&mut self, wants: &[Want]) -> Result<Vec<Recalled>, StoreError> {
        let mut recalled = Vec::with_capacity(wants.len());
        for want in wants {
            let row = self.day_row(want.key).await?;
            let mut frames: BTreeMap<u64, StoredFrame> = BTreeMap::new();
            for mn in want.loggers.iter().filter(|_| want.frames) {
                let Some(id) = self.indexes.id(*mn) else { continue };
                for frame in self.frames_about(id, want.key.day).await? {
                    frames.insert(frame.sequence, frame);
                }
            }
            let frames = want.frames.then(|| frames.into_values().collect());
            let before = self.carry(OutletDay { day: Day(want.key.day.0 - 1), ..want.key }).await?;
            recalled.push(Recalled { key: want.key, row, before, frames });
        }
        Ok(recalled)
    }

    /// A logger's packets that arrived on a day, and those that arrived on another and are about it.
    async fn frames_about(&mut self, id: u32, day: Day) -> Result<Vec<StoredFrame>, StoreError> {
        let mut frames = Vec::new();
        let mut late: BTreeMap<u64, Hour> = BTreeMap::new();
        // What came late in the last hours is at hand; the rest is read where it lies.
        let rows = sqlx::query("SELECT sequence, hour FROM late WHERE logger = $1 AND day = $2 AND sequence < $3")
            .bind(i64::from(id))
            .bind(i64::from(day.0))
            .bind(number(self.indexes.late_since()));
        for row in rows.fetch_all(&mut self.writer).await? {
            late.insert(row.get::<i64, _>(0).unsigned_abs(), Hour(row.get(1)));
        }
        frames.extend(self.indexes.late_of(id, day).cloned());
        let about = |frame: &StoredFrame| frame.at.day() == day || late.contains_key(&frame.sequence);
        let mut hours: BTreeSet<Hour> = (0..24).map(|hour| day.hour(hour)).collect();
        hours.extend(late.values());
        for hour in &hours {
            let row =
                sqlx::query("SELECT before, entries FROM sealed WHERE key = $1").bind(sealed_key(*hour, id)).fetch_optional(&mut self.writer).await?;
            let Some(row) = row else { continue };
            let before = link(row.get(0)).unwrap_or_default();
            frames.extend(self.indexes.frames_of(id, before, block::expand(row.get(1))?).into_iter().filter(about));
        }
        let wanted = |first_at: Moment, last_at: Moment| {
            let touches = |start: Moment, end: Moment| first_at < end && last_at >= start;
            touches(day.start(), day.end()) || late.values().any(|hour| touches(hour.start(), hour.end()))
        };
        for first in self.indexes.blocks_of(id, wanted) {
            let row = sqlx::query("SELECT loggers, entries FROM blocks WHERE first = $1").bind(number(first));
            let Some(row) = row.fetch_optional(&mut self.writer).await? else { continue };
            let mut split = block::by_logger(&Index::read(row.get(0))?, block::expand(row.get(1))?);
            if let Some((before, entries)) = split.remove(&id) {
                frames.extend(self.indexes.frames_of(id, before, entries).into_iter().filter(about));
            }
        }
        Ok(frames)
    }

    /// Commits one step: its entries as a block, and every row of its write set. Only then are the debts settled.
    ///
    /// `sent` is the highest outbox row that the sinks have delivered; rows up to it are deleted in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process has taken the database: nothing was written and nothing may be answered.
    pub async fn commit(&mut self, entries: &[Entry], writes: &WriteSet, debts: Vec<Debt>, sent: i64) -> Result<Vec<Settled>, StoreError> {
        assert_eq!(writes.from + 1, self.next, "a write set follows the one before it");
        let new_loggers = self.indexes.put_new_loggers(writes);
        let index = Index::of(entries, writes, |mn| self.indexes.id(mn).unwrap_or_default());
        let bytes = if entries.is_empty() { Vec::new() } else { block::compress_hot(entries)? };
        let (block, epoch) = (HotBlock::of(entries), self.epoch);
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let moved = sqlx::query("UPDATE shards SET next_offset = $1, engine_time = $2 WHERE partition = $3 AND epoch = $4 AND next_offset = $5")
            .bind(number(writes.to + 1))
            .bind(writes.now.0)
            .bind(PARTITION)
            .bind(epoch)
            .bind(number(writes.from + 1))
            .execute(&mut *transaction)
            .await?;
        if moved.rows_affected() == 0 {
            transaction.rollback().await?;
            return Err(StoreError::Fenced(epoch));
        }
        if let (Some(block), Some(last)) = (block, entries.last()) {
            sqlx::query("INSERT INTO blocks (first, last, first_at, last_at, loggers, entries) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(number(block.first))
                .bind(number(last.sequence))
                .bind(block.first_at)
                .bind(block.last_at)
                .bind(index.write())
                .bind(bytes)
                .execute(&mut *transaction)
                .await?;
        }
        write_loggers(&mut transaction, &new_loggers).await?;
        write_marks(&mut transaction, entries, writes, &self.indexes).await?;
        write_days(&mut transaction, writes).await?;
        write_recounts(&mut transaction, writes).await?;
        write_outputs(&mut transaction, writes).await?;
        if sent > 0 {
            sqlx::query("DELETE FROM outbox WHERE id <= $1").bind(sent).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        self.next = writes.to + 1;
        if let Some(block) = block {
            self.indexes.put_block(block, &index);
        }
        self.indexes.put_late(entries, writes);
        Ok(debts.into_iter().map(Debt::settle).collect())
    }

    /// Forgets events that the sinks have delivered: at the end of a run, when no commit follows.
    ///
    /// # Errors
    /// The database cannot be written; the events will be delivered again.
    pub async fn forget_delivered(&mut self, sent: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM outbox WHERE id <= $1").bind(sent).execute(&mut self.writer).await?;
        Ok(())
    }

    // --- sealing ------------------------------------------------------------------------------------------------------

    /// The oldest whole hour that still lies in hot blocks, if it is old enough to be sealed.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn hour_to_seal(&mut self, now: Moment) -> Result<Option<Hour>, StoreError> {
        let oldest: Option<i64> = sqlx::query_scalar("SELECT min(first_at) FROM blocks").fetch_one(&mut self.writer).await?;
        Ok(oldest.map(|oldest| Moment(oldest).hour()).filter(|hour| hour.end().plus_ms(SEAL_AFTER_MS) <= now))
    }

    /// Reads and compresses an hour, one row for each logger. Needs only a reader: other threads may do it while the writer goes
    /// on, because nothing else touches the blocks of an hour that is over.
    ///
    /// # Errors
    /// The database cannot be read, or a block is damaged.
    pub async fn prepare_seal(path: &Path, hour: Hour) -> Result<SealedHour, StoreError> {
        let mut reader = options(path).read_only(true).create_if_missing(false).connect().await?;
        let (start, end) = (hour.start(), hour.end());
        let rows = sqlx::query("SELECT loggers, entries FROM blocks WHERE first_at < $1 ORDER BY first").bind(end.0).fetch_all(&mut reader).await?;
        let mut loggers: BTreeMap<u32, (Link, Vec<Entry>)> = BTreeMap::new();
        for row in rows {
            for (id, (mut before, entries)) in block::by_logger(&Index::read(row.get(0))?, block::expand(row.get(1))?) {
                for entry in entries {
                    let after = link_of(&before, &entry);
                    if (start..end).contains(&entry.at) {
                        loggers.entry(id).or_insert_with(|| (before, Vec::new())).1.push(entry);
                    }
                    before = after;
                }
            }
        }
        let (low, high) = (sealed_key(hour, 0), sealed_key(hour, u32::MAX));
        let again: Vec<i64> =
            sqlx::query_scalar("SELECT key FROM sealed WHERE key BETWEEN $1 AND $2").bind(low).bind(high).fetch_all(&mut reader).await?;
        let mut sealed = SealedHour { hour, rows: Vec::with_capacity(loggers.len()), heads: Vec::with_capacity(loggers.len()), last: 0 };
        for (id, (before, entries)) in loggers {
            let key = sealed_key(hour, id);
            sealed.heads.push((id, entries.iter().fold(before, |head, entry| link_of(&head, entry))));
            sealed.last = entries.last().map_or(sealed.last, |entry| sealed.last.max(entry.sequence));
            // An hour that was sealed before (its stamps came back, or a crash came between) keeps what it has.
            if again.contains(&key) {
                let row = sqlx::query("SELECT before, entries FROM sealed WHERE key = $1").bind(key).fetch_one(&mut reader).await?;
                let mut merged: BTreeMap<u64, Entry> = block::expand(row.get(1))?.into_iter().map(|entry| (entry.sequence, entry)).collect();
                merged.extend(entries.into_iter().map(|entry| (entry.sequence, entry)));
                sealed.rows.push((key, link(row.get(0)).unwrap_or(before), block::compress_sealed(merged.values())?));
            } else {
                sealed.rows.push((key, before, block::compress_sealed(&entries)?));
            }
        }
        Ok(sealed)
    }

    /// Writes the next [`SEAL_ROWS`] rows of a prepared hour; after the last ones, drops its blocks. Says whether it is done.
    /// Rows and blocks may both be there for a while, also after a crash: what is there twice counts once.
    ///
    /// # Errors
    /// The database cannot be written; what was written stands, and the hour is prepared again.
    pub async fn seal(&mut self, sealed: &mut SealedHour) -> Result<bool, StoreError> {
        let rows: Vec<_> = sealed.rows.drain(..sealed.rows.len().min(SEAL_ROWS)).collect();
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let ours = sqlx::query("UPDATE shards SET epoch = epoch WHERE partition = $1 AND epoch = $2").bind(PARTITION).bind(self.epoch);
        if ours.execute(&mut *transaction).await?.rows_affected() == 0 {
            transaction.rollback().await?;
            return Err(StoreError::Fenced(self.epoch));
        }
        if !rows.is_empty() {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO sealed (key, before, entries) ");
            query.push_values(&rows, |mut row, (key, before, entries)| {
                row.push_bind(*key).push_bind(&before[..]).push_bind(&entries[..]);
            });
            query.build().execute(&mut *transaction).await?;
        }
        if !sealed.rows.is_empty() {
            transaction.commit().await?;
            return Ok(false);
        }
        let end = sealed.hour.end();
        for (id, head) in &sealed.heads {
            sqlx::query("UPDATE loggers SET head = $1 WHERE id = $2").bind(&head[..]).bind(i64::from(*id)).execute(&mut *transaction).await?;
        }
        sqlx::query("DELETE FROM blocks WHERE last_at < $1").bind(end.0).execute(&mut *transaction).await?;
        // A block that reaches into the next hour stays; its part of this hour is sealed, and counts once.
        sqlx::query("UPDATE blocks SET first_at = $1 WHERE first_at < $1").bind(end.0).execute(&mut *transaction).await?;
        transaction.commit().await?;
        self.indexes.forget_sealed(end, sealed.last);
        Ok(true)
    }

    /// Seals the oldest hour that is old enough, at once. Says which; `None` when nothing is.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn seal_hour(&mut self, now: Moment) -> Result<Option<Hour>, StoreError> {
        let Some(hour) = self.hour_to_seal(now).await? else { return Ok(None) };
        let mut sealed = Self::prepare_seal(&self.path, hour).await?;
        while !self.seal(&mut sealed).await? {}
        Ok(Some(hour))
    }

    // --- reading the journal ------------------------------------------------------------------------------------------

    /// The hours of arrival that the journal holds, in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn journal_hours(&mut self) -> Result<Vec<Hour>, StoreError> {
        let mut hours = BTreeSet::new();
        for row in sqlx::query("SELECT DISTINCT key >> 32 FROM sealed").fetch_all(&mut self.writer).await? {
            hours.insert(Hour(row.get(0)));
        }
        for row in sqlx::query("SELECT first_at, last_at FROM blocks").fetch_all(&mut self.writer).await? {
            let (first, last) = (Moment(row.get(0)).hour(), Moment(row.get(1)).hour());
            hours.extend((first.0..=last.0).map(Hour));
        }
        Ok(hours.into_iter().collect())
    }

    async fn journal_hour(&mut self, hour: Hour) -> Result<JournalHour, StoreError> {
        let mut journal = JournalHour::new();
        let (low, high) = (sealed_key(hour, 0), sealed_key(hour, u32::MAX));
        for row in sqlx::query("SELECT key, before, entries FROM sealed WHERE key BETWEEN $1 AND $2")
            .bind(low)
            .bind(high)
            .fetch_all(&mut self.writer)
            .await?
        {
            let id = (row.get::<i64, _>(0) & 0xFFFF_FFFF) as u32;
            let mut before = link(row.get(1));
            for entry in block::expand(row.get(2))? {
                journal.insert(entry.sequence, (id, before.take(), entry));
            }
        }
        let rows = sqlx::query("SELECT loggers, entries FROM blocks WHERE first_at < $1 AND last_at >= $2 ORDER BY first")
            .bind(hour.end().0)
            .bind(hour.start().0);
        for row in rows.fetch_all(&mut self.writer).await? {
            for (id, (before, entries)) in block::by_logger(&Index::read(row.get(0))?, block::expand(row.get(1))?) {
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

    /// The entries that arrived in an hour, by sequence.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn entries_of_hour(&mut self, hour: Hour) -> Result<Vec<Entry>, StoreError> {
        Ok(self.journal_hour(hour).await?.into_values().map(|(_, _, entry)| entry).collect())
    }

    /// Walks every chain from its beginning. `each` is told after each hour: the hour, the roots' input, entries so far.
    ///
    /// # Errors
    /// The database cannot be read. What does not fit is in the audit, not an error.
    pub async fn verify(&mut self, mut each: impl FnMut(Hour, &BTreeMap<Mn, Link>, &mut Audit)) -> Result<Audit, StoreError> {
        let mut walk = Walk::default();
        for hour in self.journal_hours().await? {
            let journal = self.journal_hour(hour).await?;
            walk.take(hour, journal, &self.indexes, &mut each);
        }
        Ok(walk.end(self.next, &self.indexes))
    }

    /// A reader for the sinks: its own connection to the same database.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub async fn outbox(path: &Path) -> Result<Outbox, StoreError> {
        Ok(Outbox { reader: options(path).read_only(true).create_if_missing(false).connect().await? })
    }

    /// Where the database lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// An hour, compressed, on its way into the database.
#[derive(Debug)]
pub struct SealedHour {
    hour: Hour,
    rows: Vec<(i64, Link, Vec<u8>)>,
    heads: Vec<(u32, Link)>,
    last: u64,
}

/// The sinks' side: reads what waits to be delivered.
#[derive(Debug)]
pub struct Outbox {
    reader: SqliteConnection,
}

impl Outbox {
    /// The next rows after `after`, in order.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn next(&mut self, after: i64, limit: u32) -> Result<Vec<(i64, Event)>, StoreError> {
        let rows =
            sqlx::query("SELECT id, body FROM outbox WHERE id > $1 ORDER BY id LIMIT $2").bind(after).bind(limit).fetch_all(&mut self.reader).await?;
        rows.iter().map(|row| Ok((row.get(0), read_json(row.get(1))?))).collect()
    }

    /// How many rows wait.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting(&mut self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT count(*) FROM outbox").fetch_one(&mut self.reader).await?;
        Ok(row.get::<i64, _>(0).unsigned_abs())
    }
}

/// Loggers that this step met first. Their heads stand in the indexes of the blocks until an hour is sealed.
async fn write_loggers(connection: &mut SqliteConnection, new: &[(u32, Mn)]) -> Result<(), StoreError> {
    for rows in new.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO loggers (id, mn, head) ");
        query.push_values(rows, |mut row, (id, mn)| {
            row.push_bind(i64::from(*id)).push_bind(mn.as_str().as_bytes()).push_bind(&[0u8; 32][..]);
        });
        query.push(" ON CONFLICT (id) DO NOTHING");
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_marks(connection: &mut SqliteConnection, entries: &[Entry], writes: &WriteSet, indexes: &Indexes) -> Result<(), StoreError> {
    for rows in writes.late.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO late (logger, day, sequence, hour) ");
        query.push_values(rows, |mut row, (mn, day, sequence)| {
            let hour = entries[(sequence - writes.from - 1) as usize].at.hour();
            row.push_bind(i64::from(indexes.id(*mn).unwrap_or_default())).push_bind(i64::from(*day)).push_bind(number(*sequence)).push_bind(hour.0);
        });
        query.push(" ON CONFLICT DO NOTHING");
        query.build().execute(&mut *connection).await?;
    }
    for rows in writes.quarantine.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO quarantine (sequence, reason) ");
        query.push_values(rows, |mut row, (sequence, reason)| {
            row.push_bind(number(*sequence)).push_bind(*reason);
        });
        query.build().execute(&mut *connection).await?;
    }
    for entry in entries {
        let (kind, content) = match &entry.body {
            Body::RegistryVersion { files } => ("registry", serde_json::to_vec(files)?),
            Body::RuleSetVersion { text } => ("rule_set", text.clone().into_bytes()),
            _ => continue,
        };
        let content = zstd::bulk::compress(&content, 9).map_err(block::BlockError::from)?;
        sqlx::query("INSERT INTO versions (sequence, at, kind, content) VALUES ($1, $2, $3, $4)")
            .bind(number(entry.sequence))
            .bind(entry.at.0)
            .bind(kind)
            .bind(content)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn write_days(connection: &mut SqliteConnection, writes: &WriteSet) -> Result<(), StoreError> {
    for (key, row) in &writes.days {
        sqlx::query(
            "INSERT INTO hour_cells (outlet, day, confirmed, row, carry) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (outlet, day) DO UPDATE SET confirmed = excluded.confirmed, row = excluded.row, carry = excluded.carry",
        )
        .bind(key.outlet.as_str())
        .bind(i64::from(key.day.0))
        .bind(i64::from(row.confirmed))
        .bind(write_json(row)?)
        .bind(row.carry.as_ref().map(write_json).transpose()?)
        .execute(&mut *connection)
        .await?;
    }
    for (mn, silence) in &writes.silences {
        let mn = mn.as_str().as_bytes().to_vec();
        match silence {
            None => sqlx::query("DELETE FROM silences WHERE mn = $1").bind(mn).execute(&mut *connection).await?,
            Some(silence) => {
                let body = write_json(silence)?;
                sqlx::query("INSERT OR REPLACE INTO silences (mn, body) VALUES ($1, $2)").bind(mn).bind(body).execute(&mut *connection).await?
            }
        };
    }
    for outage in &writes.outages {
        sqlx::query("INSERT OR REPLACE INTO outages (scope, name, began, body) VALUES ($1, $2, $3, $4)")
            .bind(outage.scope.name())
            .bind(outage.name.clone())
            .bind(outage.from.0)
            .bind(write_json(outage)?)
            .execute(&mut *connection)
            .await?;
    }
    for (key, reopened) in &writes.reopened {
        let query = match reopened {
            Some(reopened) => sqlx::query(
                "INSERT INTO reopened (outlet, day, first, due) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (outlet, day) DO UPDATE SET first = excluded.first, due = excluded.due",
            )
            .bind(key.outlet.as_str().to_owned())
            .bind(i64::from(key.day.0))
            .bind(reopened.first.0)
            .bind(reopened.due.0),
            None => {
                sqlx::query("DELETE FROM reopened WHERE outlet = $1 AND day = $2").bind(key.outlet.as_str().to_owned()).bind(i64::from(key.day.0))
            }
        };
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_recounts(connection: &mut SqliteConnection, writes: &WriteSet) -> Result<(), StoreError> {
    for (outlet, recount) in &writes.recounts {
        match recount {
            None => sqlx::query("DELETE FROM recounts WHERE outlet = $1").bind(outlet.as_str().to_owned()).execute(&mut *connection).await?,
            Some(recount) => {
                sqlx::query("INSERT OR REPLACE INTO recounts (outlet, next, last, depth, due) VALUES ($1, $2, $3, $4, $5)")
                    .bind(outlet.as_str().to_owned())
                    .bind(i64::from(recount.next.0))
                    .bind(i64::from(recount.last.0))
                    .bind(recount.depth.name())
                    .bind(recount.due.0)
                    .execute(&mut *connection)
                    .await?
            }
        };
    }
    let declarations = writes.declarations.iter().map(|declaration| Ok(("declaration", declaration.id.clone(), write_json(declaration)?)));
    let comparisons = writes.comparisons.iter().map(|comparison| {
        let key = format!("{}|{}|{}", comparison.outlet, comparison.factor, comparison.id);
        Ok(("comparison", key, write_json(comparison)?))
    });
    for statement in declarations.chain(comparisons) {
        let (kind, key, body) = statement.map_err(|error: StoreError| error)?;
        sqlx::query("INSERT OR REPLACE INTO statements (kind, key, sequence, body) VALUES ($1, $2, $3, $4)")
            .bind(kind)
            .bind(key)
            .bind(number(writes.to))
            .bind(body)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn write_outputs(connection: &mut SqliteConnection, writes: &WriteSet) -> Result<(), StoreError> {
    for rows in writes.publications.chunks(ROWS_PER_STATEMENT) {
        let bodies: Vec<Vec<u8>> = rows.iter().map(write_json).collect::<Result<_, _>>()?;
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO means (outlet, start, span, revision, body) ");
        query.push_values(rows.iter().zip(bodies), |mut row, (publication, body)| {
            let span = if publication.span == Span::Hour { "hour" } else { "day" };
            row.push_bind(publication.outlet.as_str())
                .push_bind(publication.start.0)
                .push_bind(span)
                .push_bind(i64::from(publication.revision))
                .push_bind(body);
        });
        query.build().execute(&mut *connection).await?;
    }
    for finding in &writes.findings {
        sqlx::query("INSERT INTO findings (id, revision, outlet, day, body) VALUES ($1, $2, $3, $4, $5)")
            .bind(&finding.id.as_bytes()[..])
            .bind(i64::from(finding.revision))
            .bind(finding.outlet.as_str())
            .bind(i64::from(finding.day.0))
            .bind(write_json(finding)?)
            .execute(&mut *connection)
            .await?;
    }
    for case in &writes.cases {
        let body = write_json(case)?;
        sqlx::query("INSERT INTO cases (id, outlet, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET body = excluded.body")
            .bind(&case.id.as_bytes()[..])
            .bind(case.outlet.as_str())
            .bind(&body[..])
            .execute(&mut *connection)
            .await?;
        sqlx::query("INSERT INTO case_events (id, sequence, body) VALUES ($1, $2, $3)")
            .bind(&case.id.as_bytes()[..])
            .bind(i64::from(case.sequence))
            .bind(&body[..])
            .execute(&mut *connection)
            .await?;
    }
    for rows in writes.events.chunks(ROWS_PER_STATEMENT) {
        let bodies: Vec<Vec<u8>> = rows.iter().map(write_json).collect::<Result<_, _>>()?;
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO outbox (topic, key, body) ");
        query.push_values(rows.iter().zip(bodies), |mut row, (event, body)| {
            row.push_bind(event.topic.name()).push_bind(&event.key).push_bind(body);
        });
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

fn sealed_key(hour: Hour, id: u32) -> i64 {
    hour.0 << 32 | i64::from(id)
}

fn key_of(row: &SqliteRow) -> Option<OutletDay> {
    Some(OutletDay { outlet: OutletId::new(row.get(0))?, day: Day(row.get::<i64, _>(1) as i32) })
}
