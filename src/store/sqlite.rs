//! The embedded database: SQLite, WAL, `synchronous=FULL`. One writer (the engine's thread), some readers.

use super::block::{self, Index, RawBlock, RawSealed};
use super::indexes::{HotBlock, Indexes};
use super::row::{StoredRow, link, mn_of, read_json, read_profile, read_version, version_of, write_json, write_profile};
use super::sealed::{self, SEAL_ROWS, SealedHour};
use super::tables::{Tables, first_day, recount};
use super::{StoreError, Version};
use crate::docket::Case;
use crate::domain::time::{Day, Hour, Moment};
use crate::domain::{Comparison, Declaration, Mn, Outage, OutletDay, OutletId, Silence, Span};
use crate::engine::{DayRow, Entry, Recount, Reopened, Snapshot, WriteSet};
use crate::link::{Debt, Settled};
use crate::message::Event;
use crate::rules::{Carry, Past};
use futures_util::TryStreamExt;
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

    /// Declarations as last stated, those taken back included.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn declarations(&mut self) -> Result<Vec<Declaration>, StoreError> {
        let rows = sqlx::query("SELECT body FROM statements WHERE kind = 'declaration' ORDER BY key").fetch_all(&mut self.writer).await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    /// Comparison results as last stated, those taken back included.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn comparisons(&mut self) -> Result<Vec<Comparison>, StoreError> {
        let rows = sqlx::query("SELECT body FROM statements WHERE kind = 'comparison' ORDER BY key").fetch_all(&mut self.writer).await?;
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
        Ok(sealed::due(sqlx::query_scalar("SELECT min(first_at) FROM blocks").fetch_one(&mut self.writer).await?, now))
    }

    /// Reads and compresses an hour, one row for each logger. Needs only a reader: other threads may do it while the writer goes
    /// on, because nothing else touches the blocks of an hour that is over.
    ///
    /// # Errors
    /// The database cannot be read, or a block is damaged.
    pub async fn prepare_seal(path: &Path, hour: Hour) -> Result<SealedHour, StoreError> {
        let mut reader = options(path).read_only(true).create_if_missing(false).connect().await?;
        let blocks = blocks_in(&mut reader, hour.start(), Some(hour.end())).await?;
        sealed::prepare(hour, &blocks, sealed_in(&mut reader, hour).await?)
    }

    /// Writes the next [`SEAL_ROWS`] rows of a prepared hour; after the last ones, drops its blocks. Says whether it is done.
    /// Rows and blocks may both be there for a while, also after a crash: what is there twice counts once.
    ///
    /// # Errors
    /// The database cannot be written; what was written stands, and the hour is prepared again.
    pub async fn seal(&mut self, sealed: &mut SealedHour) -> Result<bool, StoreError> {
        let part = sealed.rows.len().min(SEAL_ROWS);
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let ours = sqlx::query("UPDATE shards SET epoch = epoch WHERE partition = $1 AND epoch = $2").bind(PARTITION).bind(self.epoch);
        if ours.execute(&mut *transaction).await?.rows_affected() == 0 {
            transaction.rollback().await?;
            return Err(StoreError::Fenced(self.epoch));
        }
        if part > 0 {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO sealed (key, before, entries) ");
            query.push_values(&sealed.rows[..part], |mut row, (id, before, entries)| {
                row.push_bind(sealed_key(sealed.hour, *id)).push_bind(&before[..]).push_bind(&entries[..]);
            });
            query.build().execute(&mut *transaction).await?;
        }
        if part < sealed.rows.len() {
            transaction.commit().await?;
            sealed.rows.drain(..part);
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
        sealed.rows.clear();
        self.indexes.forget_sealed(end, sealed.last);
        Ok(true)
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

impl Tables for Store {
    fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    fn next(&self) -> u64 {
        self.next
    }

    async fn engine_time(&mut self) -> Result<Moment, StoreError> {
        let row = sqlx::query("SELECT engine_time FROM shards WHERE partition = $1").bind(PARTITION).fetch_one(&mut self.writer).await?;
        Ok(Moment(row.get(0)))
    }

    async fn versions(&mut self) -> Result<Vec<Version>, StoreError> {
        let rows = sqlx::query("SELECT sequence, at, kind, content FROM versions ORDER BY sequence").fetch_all(&mut self.writer).await?;
        rows.iter().map(|row| read_version(row.get(0), row.get(1), row.get(2), row.get(3))).collect()
    }

    async fn began(&mut self) -> Result<Option<Day>, StoreError> {
        let sealed: Option<i64> = sqlx::query_scalar("SELECT min(key) >> 32 FROM sealed").fetch_one(&mut self.writer).await?;
        let hot: Option<i64> = sqlx::query_scalar("SELECT min(first_at) FROM blocks").fetch_one(&mut self.writer).await?;
        Ok(first_day(sealed, hot))
    }

    async fn read_days(&mut self, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        for row in sqlx::query("SELECT outlet, day, first, due FROM reopened").fetch_all(&mut self.writer).await? {
            if let Some(key) = key_of(&row) {
                snapshot.reopened.insert(key, Reopened { first: Moment(row.get(2)), due: Moment(row.get(3)) });
            }
        }
        // Row by row: all documents of a large fleet at once are gigabytes.
        let mut open = sqlx::query(
            "SELECT o.outlet, o.day, d.row, d.cells, d.carry, b.carry AS before \
             FROM (SELECT outlet, day FROM hour_cells WHERE confirmed = 0 UNION SELECT outlet, day FROM reopened) AS o \
             JOIN hour_cells AS d ON d.outlet = o.outlet AND d.day = o.day \
             LEFT JOIN hour_cells AS b ON b.outlet = o.outlet AND b.day = o.day - 1",
        )
        .fetch(&mut self.writer);
        while let Some(row) = open.try_next().await? {
            let Some(key) = key_of(&row) else { continue };
            let mut day = day_of(&row)?;
            day.cells.rest();
            snapshot.days.insert(key, day);
            if let Some(before) = row.get::<Option<&[u8]>, _>("before") {
                snapshot.befores.insert(key, read_json(before)?);
            }
        }
        // The day before that is resident itself hands over what it has then.
        let days = &snapshot.days;
        snapshot.befores.retain(|key, _| !days.contains_key(&OutletDay { day: Day(key.day.0 - 1), ..*key }));
        Ok(())
    }

    async fn cases(&mut self) -> Result<Vec<Case>, StoreError> {
        let rows = sqlx::query("SELECT body FROM cases").fetch_all(&mut self.writer).await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    async fn silences(&mut self) -> Result<BTreeMap<Mn, Silence>, StoreError> {
        let mut silences = BTreeMap::new();
        for row in sqlx::query("SELECT mn, body FROM silences").fetch_all(&mut self.writer).await? {
            if let Some(mn) = mn_of(row.get(0)) {
                silences.insert(mn, read_json(row.get(1))?);
            }
        }
        Ok(silences)
    }

    async fn outages(&mut self) -> Result<Vec<Outage>, StoreError> {
        let rows = sqlx::query("SELECT body FROM outages ORDER BY began, scope, name").fetch_all(&mut self.writer).await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    async fn recounts(&mut self) -> Result<BTreeMap<OutletId, Recount>, StoreError> {
        let rows = sqlx::query("SELECT outlet, next, last, depth, due FROM recounts").fetch_all(&mut self.writer).await?;
        let read = |row: &SqliteRow| Some((OutletId::new(row.get(0))?, recount(row.get(1), row.get(2), row.get(3), row.get(4))));
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn statements(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let rows = sqlx::query("SELECT kind, body FROM statements ORDER BY sequence").fetch_all(&mut self.writer).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    async fn day_row(&mut self, key: OutletDay) -> Result<Option<DayRow>, StoreError> {
        let row = sqlx::query("SELECT row, cells, carry FROM hour_cells WHERE outlet = $1 AND day = $2")
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .fetch_optional(&mut self.writer)
            .await?;
        row.as_ref().map(day_of).transpose()
    }

    async fn carry(&mut self, key: OutletDay) -> Result<Option<Carry>, StoreError> {
        let row = sqlx::query("SELECT carry FROM hour_cells WHERE outlet = $1 AND day = $2 AND carry IS NOT NULL")
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .fetch_optional(&mut self.writer)
            .await?;
        row.map(|row| read_json(row.get(0))).transpose()
    }

    async fn past(&mut self, outlet: OutletId, first: Day, last: Day) -> Result<Past, StoreError> {
        let rows = sqlx::query("SELECT day, body FROM profiles WHERE outlet = $1 AND day BETWEEN $2 AND $3")
            .bind(outlet.as_str())
            .bind(i64::from(first.0))
            .bind(i64::from(last.0))
            .fetch_all(&mut self.writer)
            .await?;
        let days = rows.iter().map(|row| read_profile(row.get(0), row.get(1))).collect::<Result<_, _>>()?;
        let seen = sqlx::query("SELECT body FROM neighbours WHERE outlet = $1 AND day = $2").bind(outlet.as_str()).bind(i64::from(last.0));
        let seen = seen.fetch_optional(&mut self.writer).await?;
        Ok(Past { days, neighbours: seen.map_or_else(|| Ok(Vec::new()), |row| read_json(row.get(0)))? })
    }

    async fn neighbours_until(&mut self) -> Result<Option<Day>, StoreError> {
        let until = sqlx::query_scalar("SELECT neighbours_until FROM shards WHERE partition = $1").bind(PARTITION);
        let until: Option<i64> = until.fetch_one(&mut self.writer).await?;
        Ok(until.map(|day| Day(day as i32)))
    }

    async fn late(&mut self, id: u32, day: Day, before: u64) -> Result<BTreeMap<u64, Hour>, StoreError> {
        let rows = sqlx::query("SELECT sequence, hour FROM late WHERE logger = $1 AND day = $2 AND sequence < $3")
            .bind(i64::from(id))
            .bind(i64::from(day.0))
            .bind(number(before))
            .fetch_all(&mut self.writer)
            .await?;
        Ok(rows.iter().map(|row| (row.get::<i64, _>(0).unsigned_abs(), Hour(row.get(1)))).collect())
    }

    async fn sealed_of(&mut self, id: u32, hours: BTreeSet<Hour>) -> Result<Vec<RawSealed>, StoreError> {
        let mut sealed = Vec::new();
        for hour in hours {
            let row = sqlx::query("SELECT key, before, entries FROM sealed WHERE key = $1").bind(sealed_key(hour, id));
            sealed.extend(row.fetch_optional(&mut self.writer).await?.map(|row| raw_sealed(&row)));
        }
        Ok(sealed)
    }

    async fn sealed_in(&mut self, hour: Hour) -> Result<Vec<RawSealed>, StoreError> {
        sealed_in(&mut self.writer, hour).await
    }

    async fn sealed_hours(&mut self) -> Result<BTreeSet<Hour>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT key >> 32 FROM sealed").fetch_all(&mut self.writer).await?;
        Ok(rows.iter().map(|row| Hour(row.get(0))).collect())
    }

    async fn block_spans(&mut self) -> Result<Vec<(Moment, Moment)>, StoreError> {
        let rows = sqlx::query("SELECT first_at, last_at FROM blocks").fetch_all(&mut self.writer).await?;
        Ok(rows.iter().map(|row| (Moment(row.get(0)), Moment(row.get(1)))).collect())
    }

    async fn blocks(&mut self, firsts: &[u64]) -> Result<Vec<RawBlock>, StoreError> {
        let mut blocks = Vec::with_capacity(firsts.len());
        for first in firsts {
            let row = sqlx::query("SELECT loggers, entries FROM blocks WHERE first = $1").bind(number(*first));
            blocks.extend(row.fetch_optional(&mut self.writer).await?.map(|row| raw_block(&row)));
        }
        Ok(blocks)
    }

    async fn blocks_in(&mut self, from: Moment, to: Option<Moment>) -> Result<Vec<RawBlock>, StoreError> {
        blocks_in(&mut self.writer, from, to).await
    }
}

async fn blocks_in(reader: &mut SqliteConnection, from: Moment, to: Option<Moment>) -> Result<Vec<RawBlock>, StoreError> {
    let rows = sqlx::query("SELECT loggers, entries FROM blocks WHERE last_at >= $1 AND first_at < $2 ORDER BY first")
        .bind(from.0)
        .bind(to.map_or(i64::MAX, |to| to.0))
        .fetch_all(reader)
        .await?;
    Ok(rows.iter().map(raw_block).collect())
}

async fn sealed_in(reader: &mut SqliteConnection, hour: Hour) -> Result<Vec<RawSealed>, StoreError> {
    let rows = sqlx::query("SELECT key, before, entries FROM sealed WHERE key BETWEEN $1 AND $2")
        .bind(sealed_key(hour, 0))
        .bind(sealed_key(hour, u32::MAX))
        .fetch_all(reader)
        .await?;
    Ok(rows.iter().map(raw_sealed).collect())
}

fn raw_block(row: &SqliteRow) -> RawBlock {
    RawBlock { loggers: row.get(0), entries: row.get(1) }
}

fn raw_sealed(row: &SqliteRow) -> RawSealed {
    RawSealed { id: (row.get::<i64, _>(0) & 0xFFFF_FFFF) as u32, before: row.get(1), entries: row.get(2) }
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
        let Some((kind, content)) = version_of(entry)? else { continue };
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

/// A day by its columns `row`, `cells`, `carry`.
fn day_of(row: &SqliteRow) -> Result<DayRow, StoreError> {
    StoredRow { document: row.get::<&[u8], _>("row"), cells: row.get("cells"), carry: row.get("carry") }.read()
}

async fn write_days(connection: &mut SqliteConnection, writes: &WriteSet) -> Result<(), StoreError> {
    for (key, row) in &writes.days {
        let stored = StoredRow::of(row)?;
        sqlx::query(
            "INSERT INTO hour_cells (outlet, day, confirmed, row, cells, carry) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (outlet, day) DO UPDATE \
             SET confirmed = excluded.confirmed, row = excluded.row, cells = excluded.cells, carry = excluded.carry",
        )
        .bind(key.outlet.as_str())
        .bind(i64::from(key.day.0))
        .bind(i64::from(row.confirmed))
        .bind(stored.document)
        .bind(stored.cells)
        .bind(stored.carry)
        .execute(&mut *connection)
        .await?;
    }
    for (key, profile) in &writes.profiles {
        sqlx::query("INSERT OR REPLACE INTO profiles (outlet, day, body) VALUES ($1, $2, $3)")
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .bind(write_profile(profile)?)
            .execute(&mut *connection)
            .await?;
    }
    for (key, seen) in &writes.neighbours {
        sqlx::query("INSERT OR REPLACE INTO neighbours (outlet, day, body) VALUES ($1, $2, $3)")
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .bind(write_json(seen)?)
            .execute(&mut *connection)
            .await?;
    }
    if let Some(day) = writes.neighbours_until {
        let until = sqlx::query("UPDATE shards SET neighbours_until = $1 WHERE partition = $2").bind(i64::from(day.0)).bind(PARTITION);
        until.execute(&mut *connection).await?;
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
    let visits = writes.visits.iter().map(|visit| Ok(("visit", visit.id.clone(), write_json(visit)?)));
    for statement in declarations.chain(comparisons).chain(visits) {
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
