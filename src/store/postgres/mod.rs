//! The database of a server: PostgreSQL 15 or newer. Several processes may share one, each with a shard of its own: every table
//! carries the partition, and a process writes one of them.
//!
//! ```text
//! open     raise the epoch: whoever wrote the shard before cannot write any more
//! commit   BEGIN · move next_offset where the epoch is ours · the rows · COMMIT
//!                  └ no such row: another process has the shard → Fenced, nothing was written
//! lost     connect anew, wait for what the old connection still does, read the shard's row
//!            epoch not ours → Fenced · one commit further → it is there · else send the same write set again
//! ```
//!
//! A server that is away makes the engine wait, and with it the connections; nothing is answered meanwhile.

mod address;
mod months;
mod rows;
mod whole;

pub use address::{PgUrl, ServerHealth, Trouble};
pub use whole::{LinkStates, Surveyor};

use super::block::{self, Index, RawBlock, RawSealed};
use super::indexes::{HotBlock, Indexes};
use super::row::{StoredRow, link, mn_of, read_json, read_profile, read_version};
use super::sealed::{self, SEAL_ROWS, SealedHour};
use super::tables::{self, Tables, first_day, recount};
use super::{StoreError, Version};
use crate::docket::Case;
use crate::domain::time::{Day, Hour, Moment};
use crate::domain::{Comparison, Declaration, Mn, Outage, OutletDay, OutletId, Silence};
use crate::engine::{DayRow, Entry, Recalled, Recount, Reopened, Snapshot, Want, WriteSet};
use crate::link::{Debt, Settled};
use crate::message::Event;
use crate::rules::{Carry, Past};
use crate::telemetry::metric;
use address::{Pause, READER, unfit, within};
use metrics::gauge;
use months::{month_of, months_there};
use rows::{ROWS_PER_STATEMENT, number};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// The oldest server, as it numbers itself.
const SERVER_MIN: u32 = 150_000;
/// The writer's side of one shard of the database.
#[derive(Debug)]
pub struct PgStore {
    url: PgUrl,
    durable: bool,
    connection: PgConnection,
    partition: i64,
    /// Below zero: opened for reading.
    epoch: i64,
    next: u64,
    /// Commits of the shard so far: tells whether one whose outcome was lost is there.
    commits: i64,
    /// First days of the months that there are.
    months: BTreeSet<Day>,
    indexes: Indexes,
    ready: Option<Arc<AtomicBool>>,
}

/// One write set on its way, as often as it takes.
struct Sending<'s> {
    entries: &'s [Entry],
    writes: &'s WriteSet,
    loggers: Vec<(u32, Mn)>,
    block: Option<HotBlock>,
    index: Vec<u8>,
    bytes: Vec<u8>,
    months: BTreeSet<Day>,
    sent: i64,
}

impl PgStore {
    /// Opens a shard, makes it if need be, and raises its epoch: whoever wrote it before cannot write any more. Not `durable`:
    /// commits are reported before they are on the disk, and an answer means nothing; for measurements.
    ///
    /// # Errors
    /// The server cannot be reached or is too old, or the schema cannot be brought up to date.
    pub async fn open(url: &PgUrl, durable: bool) -> Result<Self, StoreError> {
        let mut connection = url.connect_writer(durable).await?;
        let version = connection.server_version_num().unwrap_or(0);
        if version < SERVER_MIN {
            return Err(unfit(format!("PostgreSQL 15 or newer is needed; the server says {version}")));
        }
        MIGRATIONS.run(&mut connection).await?;
        let partition = i64::from(url.shard());
        sqlx::query(
            "INSERT INTO shards (partition, epoch, next_offset, commits, engine_time) VALUES ($1, 0, 1, 0, 0) ON CONFLICT (partition) DO NOTHING",
        )
        .bind(partition)
        .execute(&mut connection)
        .await?;
        let row = sqlx::query("UPDATE shards SET epoch = epoch + 1 WHERE partition = $1 RETURNING epoch, next_offset, commits")
            .bind(partition)
            .fetch_one(&mut connection)
            .await?;
        Self::load(url, durable, connection, partition, &row).await
    }

    /// Opens an existing shard for reading only: whoever writes it goes on writing.
    ///
    /// # Errors
    /// The server cannot be reached, or has no such shard.
    pub async fn read(url: &PgUrl) -> Result<Self, StoreError> {
        let mut connection = url.connect(READER).await?;
        // One snapshot for everything that is read: a process that writes meanwhile changes nothing here.
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut connection).await?;
        let partition = i64::from(url.shard());
        let row = sqlx::query("SELECT -1::bigint, next_offset, commits FROM shards WHERE partition = $1")
            .bind(partition)
            .fetch_optional(&mut connection)
            .await?;
        let row = row.ok_or_else(|| unfit(format!("there is no shard {partition} in this database")))?;
        Self::load(url, true, connection, partition, &row).await
    }

    /// Builds what is kept at hand. `shard`: epoch, next sequence, commits.
    async fn load(url: &PgUrl, durable: bool, mut connection: PgConnection, partition: i64, shard: &PgRow) -> Result<Self, StoreError> {
        let next = shard.get::<i64, _>(1).unsigned_abs();
        let mut indexes = Indexes::begin(next);
        let rows = sqlx::query("SELECT id, mn, head FROM loggers WHERE partition = $1").bind(partition).fetch_all(&mut connection).await?;
        for row in rows {
            if let (Some(mn), Some(head)) = (mn_of(row.get(1)), link(row.get(2))) {
                indexes.put_logger(row.get::<i64, _>(0) as u32, mn, head);
            }
        }
        let rows = sqlx::query("SELECT first, first_at, last_at, loggers FROM blocks WHERE partition = $1 ORDER BY first")
            .bind(partition)
            .fetch_all(&mut connection)
            .await?;
        for row in rows {
            let block = HotBlock { first: row.get::<i64, _>(0).unsigned_abs(), first_at: row.get(1), last_at: row.get(2) };
            indexes.put_block(block, &Index::read(row.get(3))?);
        }
        let months = months_there(&mut connection).await?;
        let (epoch, commits) = (shard.get(0), shard.get(2));
        Ok(Self { url: url.clone(), durable, connection, partition, epoch, next, commits, months, indexes, ready: None })
    }

    /// Where the database is.
    #[must_use]
    pub fn url(&self) -> &PgUrl {
        &self.url
    }

    /// `ready` is told while the database is away, and when it is back.
    pub fn watch(&mut self, ready: Arc<AtomicBool>) {
        self.ready = Some(ready);
    }

    /// After a failure that may pass: pauses, and connects anew until there is a connection.
    ///
    /// # Errors
    /// The failure, where it is none that passes.
    async fn mend(&mut self, mut error: StoreError, pause: &mut Pause) -> Result<(), StoreError> {
        loop {
            // A reader's snapshot is lost with its connection.
            if !error.is_transient() || self.epoch < 0 {
                return Err(error);
            }
            self.tell(false);
            let rest = pause.longer();
            tracing::warn!(%error, pause_ms = rest.as_millis() as u64, "the database did not do it; everything waits, and it is asked again");
            tokio::time::sleep(rest).await;
            match self.url.connect_writer(self.durable).await {
                Ok(connection) => {
                    self.connection = connection;
                    self.tell(true);
                    return Ok(());
                }
                Err(again) => error = again,
            }
        }
    }

    fn tell(&self, ready: bool) {
        gauge!(metric::DATABASE_UP).set(f64::from(u8::from(ready)));
        if let Some(told) = &self.ready {
            told.store(ready, Ordering::Release);
        }
    }

    /// Declarations as last stated, those taken back included.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn declarations(&mut self) -> Result<Vec<Declaration>, StoreError> {
        let rows = sqlx::query("SELECT body FROM statements WHERE partition = $1 AND kind = 'declaration' ORDER BY key")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    /// Comparison results as last stated, those taken back included.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn comparisons(&mut self) -> Result<Vec<Comparison>, StoreError> {
        let rows = sqlx::query("SELECT body FROM statements WHERE partition = $1 AND kind = 'comparison' ORDER BY key")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    /// The newest published day of each outlet, and what it hands over.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn carries(&mut self) -> Result<BTreeMap<OutletId, (Day, Carry)>, StoreError> {
        let mut carries = BTreeMap::new();
        // The index has the outlets; of each only its newest row is read.
        let rows = sqlx::query(
            "SELECT o.outlet, newest.day, newest.carry FROM (SELECT DISTINCT outlet FROM hour_cells WHERE partition = $1) AS o \
             CROSS JOIN LATERAL (SELECT h.day, h.carry FROM hour_cells AS h WHERE h.partition = $1 AND h.outlet = o.outlet \
             AND h.carry IS NOT NULL ORDER BY h.day DESC LIMIT 1) AS newest",
        )
        .bind(self.partition)
        .fetch_all(&mut self.connection)
        .await?;
        for row in rows {
            if let Some(key) = key_of(&row) {
                carries.insert(key.outlet, (key.day, read_json(row.get(2))?));
            }
        }
        Ok(carries)
    }

    /// Hands days back: their rows, and every packet that may be about them.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged. A connection that is lost is no error: it is tried again.
    pub async fn recall(&mut self, wants: &[Want]) -> Result<Vec<Recalled>, StoreError> {
        let mut pause = Pause::new();
        loop {
            match within(tables::recall(self, wants)).await {
                Err(error) => self.mend(error, &mut pause).await?,
                recalled => return recalled,
            }
        }
    }

    /// Commits one step: its entries as a block, and every row of its write set. Only then are the debts settled.
    ///
    /// `sent` is the highest outbox row that the sinks have delivered; rows up to it are deleted in the same transaction. While
    /// the database is away this waits.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process has taken the shard: nothing may be answered, and this process must stop.
    pub async fn commit(&mut self, entries: &[Entry], writes: &WriteSet, debts: Vec<Debt>, sent: i64) -> Result<Vec<Settled>, StoreError> {
        assert_eq!(writes.from + 1, self.next, "a write set follows the one before it");
        let loggers = self.indexes.put_new_loggers(writes);
        let index = Index::of(entries, writes, |mn| self.indexes.id(mn).unwrap_or_default());
        let bytes = if entries.is_empty() { Vec::new() } else { block::compress_hot(entries)? };
        let days = writes.publications.iter().map(|publication| publication.start.day()).chain(writes.findings.iter().map(|finding| finding.day));
        let days: BTreeSet<Day> = days.collect();
        let months = days.into_iter().map(month_of).collect();
        let sending = Sending { entries, writes, loggers, block: HotBlock::of(entries), index: index.write(), bytes, months, sent };
        let mut pause = Pause::new();
        let (mut again, mut looked) = (false, false);
        while let Err(error) = within(self.send(&sending, again)).await {
            // Another shard has dropped a month that was there: it is made again, once.
            if error.lacks_a_month() && !std::mem::replace(&mut looked, true) {
                self.months.clear();
                continue;
            }
            self.mend(error, &mut pause).await?;
            again = true;
        }
        self.next = writes.to + 1;
        self.commits += 1;
        if let Some(block) = sending.block {
            self.indexes.put_block(block, &index);
        }
        self.indexes.put_late(entries, writes);
        Ok(debts.into_iter().map(Debt::settle).collect())
    }

    /// One try. `again`: one before it was cut off, and may have come through.
    async fn send(&mut self, sending: &Sending<'_>, again: bool) -> Result<(), StoreError> {
        if again && self.is_there().await? {
            return Ok(());
        }
        self.make_months(&sending.months).await?;
        let (partition, writes) = (self.partition, sending.writes);
        let mut transaction = self.connection.begin().await?;
        let moved = sqlx::query(
            "UPDATE shards SET next_offset = $1, engine_time = $2, commits = commits + 1 WHERE partition = $3 AND epoch = $4 AND next_offset = $5",
        )
        .bind(number(writes.to + 1))
        .bind(writes.now.0)
        .bind(partition)
        .bind(self.epoch)
        .bind(number(writes.from + 1))
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() == 0 {
            transaction.rollback().await?;
            return Err(StoreError::Fenced(self.epoch));
        }
        if let (Some(block), Some(last)) = (sending.block, sending.entries.last()) {
            sqlx::query("INSERT INTO blocks (partition, first, last, first_at, last_at, loggers, entries) VALUES ($1, $2, $3, $4, $5, $6, $7)")
                .bind(partition)
                .bind(number(block.first))
                .bind(number(last.sequence))
                .bind(block.first_at)
                .bind(block.last_at)
                .bind(&sending.index[..])
                .bind(&sending.bytes[..])
                .execute(&mut *transaction)
                .await?;
        }
        rows::write_loggers(&mut transaction, partition, &sending.loggers).await?;
        rows::write_gateways(&mut transaction, partition, writes).await?;
        rows::write_marks(&mut transaction, partition, sending, &self.indexes).await?;
        rows::write_versions(&mut transaction, partition, sending.entries).await?;
        rows::write_days(&mut transaction, partition, writes).await?;
        rows::write_silences(&mut transaction, partition, writes).await?;
        rows::write_recounts(&mut transaction, partition, writes).await?;
        rows::write_statements(&mut transaction, partition, writes).await?;
        rows::write_outputs(&mut transaction, partition, writes).await?;
        rows::write_cases(&mut transaction, partition, writes).await?;
        rows::write_events(&mut transaction, partition, writes).await?;
        if sending.sent > 0 {
            rows::forget_events(&mut transaction, partition, sending.sent).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Whether the commit that was cut off is there. Its row is locked until the server is done with it: this waits.
    async fn is_there(&mut self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT epoch, commits FROM shards WHERE partition = $1 FOR UPDATE").bind(self.partition);
        let Some(row) = row.fetch_optional(&mut self.connection).await? else { return Err(StoreError::Fenced(self.epoch)) };
        // After another process anything may stand there, and not what we sent.
        if row.get::<i64, _>(0) != self.epoch {
            return Err(StoreError::Fenced(self.epoch));
        }
        Ok(row.get::<i64, _>(1) == self.commits + 1)
    }

    /// Forgets events that the sinks have delivered: at the end of a run, when no commit follows.
    ///
    /// # Errors
    /// The database cannot be written; the events will be delivered again.
    pub async fn forget_delivered(&mut self, sent: i64) -> Result<(), StoreError> {
        rows::forget_events(&mut self.connection, self.partition, sent).await
    }

    // --- sealing ------------------------------------------------------------------------------------------------------

    /// The oldest whole hour that still lies in hot blocks, if it is old enough to be sealed.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn hour_to_seal(&mut self, now: Moment) -> Result<Option<Hour>, StoreError> {
        let oldest = sqlx::query_scalar("SELECT min(first_at) FROM blocks WHERE partition = $1").bind(self.partition);
        Ok(sealed::due(oldest.fetch_one(&mut self.connection).await?, now))
    }

    /// Reads and compresses an hour, one row for each logger. Needs only a reader: other threads may do it while the writer goes
    /// on, because nothing else touches the blocks of an hour that is over.
    ///
    /// # Errors
    /// The database cannot be read, or a block is damaged.
    pub async fn prepare_seal(url: &PgUrl, hour: Hour) -> Result<SealedHour, StoreError> {
        let mut reader = url.connect(READER).await?;
        let partition = i64::from(url.shard());
        let blocks = blocks_in(&mut reader, partition, hour.start(), Some(hour.end())).await?;
        sealed::prepare(hour, &blocks, sealed_in(&mut reader, partition, hour).await?)
    }

    /// Writes the next [`SEAL_ROWS`] rows of a prepared hour; after the last ones, drops its blocks. Says whether it is done.
    /// Rows and blocks may both be there for a while, also after a crash: what is there twice counts once.
    ///
    /// # Errors
    /// The database cannot be written; what was written stands, and the hour is prepared again.
    pub async fn seal(&mut self, sealed: &mut SealedHour) -> Result<bool, StoreError> {
        let part = sealed.rows.len().min(SEAL_ROWS);
        let mut pause = Pause::new();
        // What came through although its outcome was lost is written once more, and is the same.
        while let Err(error) = within(self.write_sealed(sealed, part)).await {
            self.mend(error, &mut pause).await?;
        }
        sealed.rows.drain(..part);
        if !sealed.rows.is_empty() {
            return Ok(false);
        }
        self.indexes.forget_sealed(sealed.hour.end(), sealed.last);
        Ok(true)
    }

    /// Writes the first `part` rows of an hour, and, if these are the last ones, what comes after them.
    async fn write_sealed(&mut self, sealed: &SealedHour, part: usize) -> Result<(), StoreError> {
        let partition = self.partition;
        self.make_months(&BTreeSet::from([month_of(sealed.hour.day())])).await?;
        let mut transaction = self.connection.begin().await?;
        let ours = sqlx::query("SELECT epoch FROM shards WHERE partition = $1 AND epoch = $2 FOR UPDATE").bind(partition).bind(self.epoch);
        if ours.fetch_optional(&mut *transaction).await?.is_none() {
            transaction.rollback().await?;
            return Err(StoreError::Fenced(self.epoch));
        }
        let rows = &sealed.rows[..part];
        if !rows.is_empty() {
            sqlx::query(
                "INSERT INTO sealed (partition, hour, logger, before, entries) \
                 SELECT $1, $2, t.* FROM UNNEST($3::bigint[], $4::bytea[], $5::bytea[]) AS t \
                 ON CONFLICT (partition, hour, logger) DO UPDATE SET before = excluded.before, entries = excluded.entries",
            )
            .bind(partition)
            .bind(sealed.hour.0)
            .bind(rows.iter().map(|(id, _, _)| i64::from(*id)).collect::<Vec<i64>>())
            .bind(rows.iter().map(|(_, before, _)| &before[..]).collect::<Vec<&[u8]>>())
            .bind(rows.iter().map(|(_, _, entries)| &entries[..]).collect::<Vec<&[u8]>>())
            .execute(&mut *transaction)
            .await?;
        }
        if part == sealed.rows.len() {
            let end = sealed.hour.end();
            sqlx::query(
                "UPDATE loggers AS l SET head = t.head FROM UNNEST($2::bigint[], $3::bytea[]) AS t (id, head) WHERE l.partition = $1 AND l.id = t.id",
            )
            .bind(partition)
            .bind(sealed.heads.iter().map(|(id, _)| i64::from(*id)).collect::<Vec<i64>>())
            .bind(sealed.heads.iter().map(|(_, head)| &head[..]).collect::<Vec<&[u8]>>())
            .execute(&mut *transaction)
            .await?;
            sqlx::query("DELETE FROM blocks WHERE partition = $1 AND last_at < $2").bind(partition).bind(end.0).execute(&mut *transaction).await?;
            // A block that reaches into the next hour stays; its part of this hour is sealed, and counts once.
            sqlx::query("UPDATE blocks SET first_at = $2 WHERE partition = $1 AND first_at < $2")
                .bind(partition)
                .bind(end.0)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// A reader for the sinks: its own connection to the same shard.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn outbox(url: &PgUrl) -> Result<PgOutbox, StoreError> {
        Ok(PgOutbox { reader: url.connect(READER).await?, partition: i64::from(url.shard()) })
    }
}

impl Tables for PgStore {
    fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    fn next(&self) -> u64 {
        self.next
    }

    async fn engine_time(&mut self) -> Result<Moment, StoreError> {
        let query = sqlx::query("SELECT engine_time FROM shards WHERE partition = $1").bind(self.partition);
        Ok(Moment(query.fetch_one(&mut self.connection).await?.get(0)))
    }

    async fn versions(&mut self) -> Result<Vec<Version>, StoreError> {
        let rows = sqlx::query("SELECT sequence, at, kind, content FROM versions WHERE partition = $1 ORDER BY sequence")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        rows.iter().map(|row| read_version(row.get(0), row.get(1), row.get(2), row.get(3))).collect()
    }

    async fn began(&mut self) -> Result<Option<Day>, StoreError> {
        let sealed = sqlx::query_scalar("SELECT min(hour) FROM sealed WHERE partition = $1").bind(self.partition);
        let sealed: Option<i64> = sealed.fetch_one(&mut self.connection).await?;
        let hot = sqlx::query_scalar("SELECT min(first_at) FROM blocks WHERE partition = $1").bind(self.partition);
        Ok(first_day(sealed, hot.fetch_one(&mut self.connection).await?))
    }

    async fn read_days(&mut self, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        let rows = sqlx::query("SELECT outlet, day, first, due FROM reopened WHERE partition = $1")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        for row in rows {
            if let Some(key) = key_of(&row) {
                snapshot.reopened.insert(key, Reopened { first: Moment(row.get(2)), due: Moment(row.get(3)) });
            }
        }
        // Some at a time: all documents of a large fleet at once are gigabytes.
        let open = sqlx::query("SELECT outlet, day FROM hour_cells WHERE partition = $1 AND NOT confirmed").bind(self.partition);
        let open = open.fetch_all(&mut self.connection).await?;
        let keys: Vec<OutletDay> = open.iter().filter_map(key_of).chain(snapshot.reopened.keys().copied()).collect();
        for keys in keys.chunks(ROWS_PER_STATEMENT) {
            let rows = sqlx::query(
                "SELECT outlet, day, body, cells, carry FROM hour_cells JOIN UNNEST($2::text[], $3::bigint[]) AS t (outlet, day) USING (outlet, day) \
                 WHERE partition = $1",
            )
            .bind(self.partition)
            .bind(keys.iter().map(|key| key.outlet.as_str()).collect::<Vec<&str>>())
            .bind(keys.iter().map(|key| i64::from(key.day.0)).collect::<Vec<i64>>());
            for row in rows.fetch_all(&mut self.connection).await? {
                if let Some(key) = key_of(&row) {
                    let mut day = day_of(&row)?;
                    day.cells.rest();
                    snapshot.days.insert(key, day);
                }
            }
        }
        let rows = sqlx::query(
            "SELECT o.outlet, o.day, b.carry FROM (SELECT outlet, day FROM hour_cells WHERE partition = $1 AND NOT confirmed \
             UNION SELECT outlet, day FROM reopened WHERE partition = $1) AS o \
             JOIN hour_cells AS b ON b.partition = $1 AND b.outlet = o.outlet AND b.day = o.day - 1 WHERE b.carry IS NOT NULL",
        )
        .bind(self.partition)
        .fetch_all(&mut self.connection)
        .await?;
        for row in rows {
            let Some(key) = key_of(&row) else { continue };
            let before = OutletDay { day: Day(key.day.0 - 1), ..key };
            if snapshot.days.contains_key(&key) && !snapshot.days.contains_key(&before) {
                snapshot.befores.insert(key, read_json(row.get(2))?);
            }
        }
        Ok(())
    }

    async fn cases(&mut self) -> Result<Vec<Case>, StoreError> {
        let rows =
            sqlx::query("SELECT body FROM cases WHERE partition = $1 ORDER BY id").bind(self.partition).fetch_all(&mut self.connection).await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    async fn silences(&mut self) -> Result<BTreeMap<Mn, Silence>, StoreError> {
        let mut silences = BTreeMap::new();
        let rows = sqlx::query("SELECT mn, body FROM silences WHERE partition = $1").bind(self.partition).fetch_all(&mut self.connection).await?;
        for row in rows {
            if let Some(mn) = mn_of(row.get(0)) {
                silences.insert(mn, read_json(row.get(1))?);
            }
        }
        Ok(silences)
    }

    async fn outages(&mut self) -> Result<Vec<Outage>, StoreError> {
        let rows = sqlx::query("SELECT body FROM outages WHERE partition = $1 ORDER BY began, scope, name")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    async fn recounts(&mut self) -> Result<BTreeMap<OutletId, Recount>, StoreError> {
        let rows = sqlx::query("SELECT outlet, next, last, depth, due FROM recounts WHERE partition = $1")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        let read = |row: &PgRow| Some((OutletId::new(row.get(0))?, recount(row.get(1), row.get(2), row.get(3), row.get(4))));
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn statements(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let rows = sqlx::query("SELECT kind, body FROM statements WHERE partition = $1 ORDER BY sequence, kind, key")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    async fn day_row(&mut self, key: OutletDay) -> Result<Option<DayRow>, StoreError> {
        let row = sqlx::query("SELECT body, cells, carry FROM hour_cells WHERE partition = $1 AND outlet = $2 AND day = $3")
            .bind(self.partition)
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .fetch_optional(&mut self.connection)
            .await?;
        row.as_ref().map(day_of).transpose()
    }

    async fn carry(&mut self, key: OutletDay) -> Result<Option<Carry>, StoreError> {
        let row = sqlx::query("SELECT carry FROM hour_cells WHERE partition = $1 AND outlet = $2 AND day = $3 AND carry IS NOT NULL")
            .bind(self.partition)
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .fetch_optional(&mut self.connection)
            .await?;
        row.map(|row| read_json(row.get(0))).transpose()
    }

    async fn past(&mut self, outlet: OutletId, first: Day, last: Day) -> Result<Past, StoreError> {
        let rows = sqlx::query("SELECT day, body FROM profiles WHERE partition = $1 AND outlet = $2 AND day BETWEEN $3 AND $4")
            .bind(self.partition)
            .bind(outlet.as_str())
            .bind(i64::from(first.0))
            .bind(i64::from(last.0))
            .fetch_all(&mut self.connection)
            .await?;
        let days = rows.iter().map(|row| read_profile(row.get(0), row.get(1))).collect::<Result<_, _>>()?;
        let seen = sqlx::query("SELECT body FROM neighbours WHERE partition = $1 AND outlet = $2 AND day = $3")
            .bind(self.partition)
            .bind(outlet.as_str())
            .bind(i64::from(last.0))
            .fetch_optional(&mut self.connection)
            .await?;
        Ok(Past { days, neighbours: seen.map_or_else(|| Ok(Vec::new()), |row| read_json(row.get(0)))? })
    }

    async fn neighbours_until(&mut self) -> Result<Option<Day>, StoreError> {
        let until = sqlx::query_scalar("SELECT neighbours_until FROM shards WHERE partition = $1").bind(self.partition);
        let until: Option<i64> = until.fetch_one(&mut self.connection).await?;
        Ok(until.map(|day| Day(day as i32)))
    }

    async fn late(&mut self, id: u32, day: Day, before: u64) -> Result<BTreeMap<u64, Hour>, StoreError> {
        let rows = sqlx::query("SELECT sequence, hour FROM late WHERE partition = $1 AND logger = $2 AND day = $3 AND sequence < $4")
            .bind(self.partition)
            .bind(i64::from(id))
            .bind(i64::from(day.0))
            .bind(number(before))
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows.iter().map(|row| (row.get::<i64, _>(0).unsigned_abs(), Hour(row.get(1)))).collect())
    }

    async fn sealed_of(&mut self, id: u32, hours: BTreeSet<Hour>) -> Result<Vec<RawSealed>, StoreError> {
        let rows = sqlx::query("SELECT logger, before, entries FROM sealed WHERE partition = $1 AND logger = $2 AND hour = ANY($3)")
            .bind(self.partition)
            .bind(i64::from(id))
            .bind(hours.into_iter().map(|hour| hour.0).collect::<Vec<i64>>())
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows.iter().map(raw_sealed).collect())
    }

    async fn sealed_in(&mut self, hour: Hour) -> Result<Vec<RawSealed>, StoreError> {
        sealed_in(&mut self.connection, self.partition, hour).await
    }

    async fn sealed_hours(&mut self) -> Result<BTreeSet<Hour>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT hour FROM sealed WHERE partition = $1").bind(self.partition).fetch_all(&mut self.connection).await?;
        Ok(rows.iter().map(|row| Hour(row.get(0))).collect())
    }

    async fn block_spans(&mut self) -> Result<Vec<(Moment, Moment)>, StoreError> {
        let rows =
            sqlx::query("SELECT first_at, last_at FROM blocks WHERE partition = $1").bind(self.partition).fetch_all(&mut self.connection).await?;
        Ok(rows.iter().map(|row| (Moment(row.get(0)), Moment(row.get(1)))).collect())
    }

    async fn blocks(&mut self, firsts: &[u64]) -> Result<Vec<RawBlock>, StoreError> {
        let rows = sqlx::query("SELECT loggers, entries FROM blocks WHERE partition = $1 AND first = ANY($2)")
            .bind(self.partition)
            .bind(firsts.iter().copied().map(number).collect::<Vec<i64>>())
            .fetch_all(&mut self.connection)
            .await?;
        Ok(rows.iter().map(raw_block).collect())
    }

    async fn blocks_in(&mut self, from: Moment, to: Option<Moment>) -> Result<Vec<RawBlock>, StoreError> {
        blocks_in(&mut self.connection, self.partition, from, to).await
    }
}

async fn blocks_in(reader: &mut PgConnection, partition: i64, from: Moment, to: Option<Moment>) -> Result<Vec<RawBlock>, StoreError> {
    let rows = sqlx::query("SELECT loggers, entries FROM blocks WHERE partition = $1 AND last_at >= $2 AND first_at < $3 ORDER BY first")
        .bind(partition)
        .bind(from.0)
        .bind(to.map_or(i64::MAX, |to| to.0))
        .fetch_all(reader)
        .await?;
    Ok(rows.iter().map(raw_block).collect())
}

async fn sealed_in(reader: &mut PgConnection, partition: i64, hour: Hour) -> Result<Vec<RawSealed>, StoreError> {
    let rows = sqlx::query("SELECT logger, before, entries FROM sealed WHERE partition = $1 AND hour = $2")
        .bind(partition)
        .bind(hour.0)
        .fetch_all(reader)
        .await?;
    Ok(rows.iter().map(raw_sealed).collect())
}

fn raw_block(row: &PgRow) -> RawBlock {
    RawBlock { loggers: row.get(0), entries: row.get(1) }
}

fn raw_sealed(row: &PgRow) -> RawSealed {
    RawSealed { id: row.get::<i64, _>(0) as u32, before: row.get(1), entries: row.get(2) }
}

/// The sinks' side: reads what waits to be delivered.
#[derive(Debug)]
pub struct PgOutbox {
    reader: PgConnection,
    partition: i64,
}

impl PgOutbox {
    /// The next rows after `after`, in order.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn next(&mut self, after: i64, limit: u32) -> Result<Vec<(i64, Event)>, StoreError> {
        let rows = sqlx::query("SELECT id, body FROM outbox WHERE partition = $1 AND id > $2 ORDER BY id LIMIT $3")
            .bind(self.partition)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&mut self.reader)
            .await?;
        rows.iter().map(|row| Ok((row.get(0), read_json(row.get(1))?))).collect()
    }

    /// How many rows wait.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting(&mut self) -> Result<u64, StoreError> {
        let count = sqlx::query("SELECT count(*) FROM outbox WHERE partition = $1").bind(self.partition);
        Ok(count.fetch_one(&mut self.reader).await?.get::<i64, _>(0).unsigned_abs())
    }
}

fn key_of(row: &PgRow) -> Option<OutletDay> {
    Some(OutletDay { outlet: OutletId::new(row.get(0))?, day: Day(row.get::<i64, _>(1) as i32) })
}

/// A day by its columns `body`, `cells`, `carry`.
fn day_of(row: &PgRow) -> Result<DayRow, StoreError> {
    StoredRow { document: row.get::<&[u8], _>("body"), cells: row.get("cells"), carry: row.get("carry") }.read()
}
