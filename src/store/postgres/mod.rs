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

pub use address::{PgUrl, ServerHealth, Trouble};

use super::block::{self, Index};
use super::indexes::{HotBlock, Indexes, JournalHour, Walk};
use super::row::{link, mn_of, read_day, read_json};
use super::{Audit, StoreError, Version};
use crate::docket::Case;
use crate::domain::time::{Day, HOUR_MS, Hour, Moment};
use crate::domain::{Declaration, Depth, Mn, Outage, OutletDay, OutletId, RuleSet, Silence};
use crate::engine::{DayRow, Entry, Link, Recalled, Recount, Reopened, Snapshot, StoredFrame, Want, WriteSet, link_of, open_hours_reach_ms};
use crate::link::{Debt, Settled};
use crate::message::Event;
use crate::rules::Carry;
use crate::telemetry::metric;
use address::{Pause, READER, unfit, within};
use metrics::gauge;
use months::{month_of, months_there};
use rows::number;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// The oldest server, as it numbers itself.
const SERVER_MIN: u32 = 150_000;
/// Hot blocks read at once.
const BLOCKS_PER_READ: usize = 64;
/// Sealed rows that one transaction writes: some milliseconds, in which answers wait.
const SEAL_ROWS: usize = 100;
/// How long an hour stays in hot blocks after its end: its open hours, and a restart, read them there.
const SEAL_AFTER_MS: i64 = 3 * HOUR_MS;

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
    pub async fn open(url: &PgUrl, partition: u32, durable: bool) -> Result<Self, StoreError> {
        let mut connection = url.connect_writer(durable).await?;
        let version = connection.server_version_num().unwrap_or(0);
        if version < SERVER_MIN {
            return Err(unfit(format!("PostgreSQL 15 or newer is needed; the server says {version}")));
        }
        MIGRATIONS.run(&mut connection).await?;
        let partition = i64::from(partition);
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
    pub async fn read(url: &PgUrl, partition: u32) -> Result<Self, StoreError> {
        let mut connection = url.connect(READER).await?;
        // One snapshot for everything that is read: a process that writes meanwhile changes nothing here.
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut connection).await?;
        let partition = i64::from(partition);
        let row = sqlx::query("SELECT -1::bigint, next_offset, commits FROM shards WHERE partition = $1")
            .bind(partition)
            .fetch_optional(&mut connection)
            .await?;
        let row = row.ok_or_else(|| unfit(format!("there is no shard {partition} in this database")))?;
        Self::load(url, true, connection, partition, &row).await
    }

    /// Whether the database has this shard.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn exists(url: &PgUrl, partition: u32) -> Result<bool, StoreError> {
        let mut connection = url.connect(READER).await?;
        let tables: bool = sqlx::query_scalar("SELECT to_regclass('shards') IS NOT NULL").fetch_one(&mut connection).await?;
        if !tables {
            return Ok(false);
        }
        let shard = sqlx::query("SELECT epoch FROM shards WHERE partition = $1").bind(i64::from(partition));
        Ok(shard.fetch_optional(&mut connection).await?.is_some())
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

    /// Which shard of it.
    #[must_use]
    pub fn partition(&self) -> u32 {
        self.partition as u32
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
        self.read_days(&mut snapshot).await?;
        self.read_states(&mut snapshot).await?;
        snapshot.began = self.began().await?;
        snapshot.cases = self.cases().await?;
        let reach = snapshot.rule_sets.iter().filter_map(|(_, text)| RuleSet::parse(text).ok()).map(|rules| open_hours_reach_ms(&rules)).max();
        let from = snapshot.now.plus_ms(-reach.unwrap_or_else(|| open_hours_reach_ms(&RuleSet::default())));
        let rows = sqlx::query("SELECT loggers, entries FROM blocks WHERE partition = $1 AND last_at >= $2 ORDER BY first")
            .bind(self.partition)
            .bind(from.0)
            .fetch_all(&mut self.connection)
            .await?;
        for row in rows {
            self.indexes.read_recent(&Index::read(row.get(0))?, block::expand(row.get(1))?, from, &mut snapshot);
        }
        snapshot.recent.sort_by_key(|frame| frame.sequence);
        Ok(snapshot)
    }

    /// Days that are not confirmed or were reopened, and what the day before each hands over.
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
        let open = "SELECT outlet, day, body, carry FROM hour_cells WHERE partition = $1 AND NOT confirmed";
        let reopened = "SELECT outlet, day, body, carry FROM hour_cells JOIN reopened USING (partition, outlet, day) WHERE partition = $1";
        for days in [open, reopened] {
            for row in sqlx::query(days).bind(self.partition).fetch_all(&mut self.connection).await? {
                if let Some(key) = key_of(&row) {
                    snapshot.days.insert(key, read_day(row.get(2), row.get(3))?);
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

    /// Silences, outages, recounts and statements in force.
    async fn read_states(&mut self, snapshot: &mut Snapshot) -> Result<(), StoreError> {
        snapshot.silences = self.silences().await?;
        snapshot.outages = self.outages().await?;
        let rows = sqlx::query("SELECT outlet, next, last, depth, due FROM recounts WHERE partition = $1")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        for row in rows {
            let day = |at: usize| Day(row.get::<i64, _>(at) as i32);
            if let Some(outlet) = OutletId::new(row.get(0)) {
                let recount = Recount { next: day(1), last: day(2), depth: Depth::of(row.get(3)), due: Moment(row.get(4)) };
                snapshot.recounts.insert(outlet, recount);
            }
        }
        let rows = sqlx::query("SELECT kind, body FROM statements WHERE partition = $1 ORDER BY sequence, kind, key")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        for row in rows {
            match row.get(0) {
                "declaration" => snapshot.declarations.push(read_json(row.get(1))?),
                _ => snapshot.comparisons.push(read_json(row.get(1))?),
            }
        }
        Ok(())
    }

    /// Every register and rule set that was put in force, oldest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn versions(&mut self) -> Result<Vec<Version>, StoreError> {
        let rows = sqlx::query("SELECT sequence, at, kind, content FROM versions WHERE partition = $1 ORDER BY sequence")
            .bind(self.partition)
            .fetch_all(&mut self.connection)
            .await?;
        let version = |row: &PgRow| {
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
        let query = sqlx::query("SELECT engine_time FROM shards WHERE partition = $1").bind(self.partition);
        Ok(Moment(query.fetch_one(&mut self.connection).await?.get(0)))
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

    /// Every case as it stands.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn cases(&mut self) -> Result<Vec<Case>, StoreError> {
        let rows =
            sqlx::query("SELECT body FROM cases WHERE partition = $1 ORDER BY id").bind(self.partition).fetch_all(&mut self.connection).await?;
        rows.iter().map(|row| read_json(row.get(0))).collect()
    }

    /// Loggers that are silent.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn silences(&mut self) -> Result<BTreeMap<Mn, Silence>, StoreError> {
        let mut silences = BTreeMap::new();
        let rows = sqlx::query("SELECT mn, body FROM silences WHERE partition = $1").bind(self.partition).fetch_all(&mut self.connection).await?;
        for row in rows {
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
        let rows = sqlx::query("SELECT body FROM outages WHERE partition = $1 ORDER BY began, scope, name")
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

    /// Day of the journal's first entry.
    async fn began(&mut self) -> Result<Option<Day>, StoreError> {
        let sealed = sqlx::query_scalar("SELECT min(hour) FROM sealed WHERE partition = $1").bind(self.partition);
        let sealed: Option<i64> = sealed.fetch_one(&mut self.connection).await?;
        let hot = sqlx::query_scalar("SELECT min(first_at) FROM blocks WHERE partition = $1").bind(self.partition);
        let hot: Option<i64> = hot.fetch_one(&mut self.connection).await?;
        let days = [sealed.map(|hour| Hour(hour).start().day()), hot.map(|at| Moment(at).day())];
        Ok(days.into_iter().flatten().min())
    }

    /// What is kept of an outlet's day besides its packets.
    ///
    /// # Errors
    /// The database cannot be read, or the row is damaged.
    pub async fn day_row(&mut self, key: OutletDay) -> Result<Option<DayRow>, StoreError> {
        let row = sqlx::query("SELECT body, carry FROM hour_cells WHERE partition = $1 AND outlet = $2 AND day = $3")
            .bind(self.partition)
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .fetch_optional(&mut self.connection)
            .await?;
        row.map(|row| read_day(row.get(0), row.get(1))).transpose()
    }

    /// What an outlet's day hands to the next.
    async fn carry(&mut self, key: OutletDay) -> Result<Option<Carry>, StoreError> {
        let row = sqlx::query("SELECT carry FROM hour_cells WHERE partition = $1 AND outlet = $2 AND day = $3 AND carry IS NOT NULL")
            .bind(self.partition)
            .bind(key.outlet.as_str())
            .bind(i64::from(key.day.0))
            .fetch_optional(&mut self.connection)
            .await?;
        row.map(|row| read_json(row.get(0))).transpose()
    }

    /// Hands days back: their rows, and every packet that may be about them.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged. A connection that is lost is no error: it is tried again.
    pub async fn recall(&mut self, wants: &[Want]) -> Result<Vec<Recalled>, StoreError> {
        let mut pause = Pause::new();
        loop {
            match within(self.recall_once(wants)).await {
                Err(error) => self.mend(error, &mut pause).await?,
                recalled => return recalled,
            }
        }
    }

    async fn recall_once(&mut self, wants: &[Want]) -> Result<Vec<Recalled>, StoreError> {
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
        let mut late: BTreeMap<u64, Hour> = BTreeMap::new();
        // What came late in the last hours is at hand; the rest is read where it lies.
        let rows = sqlx::query("SELECT sequence, hour FROM late WHERE partition = $1 AND logger = $2 AND day = $3 AND sequence < $4")
            .bind(self.partition)
            .bind(i64::from(id))
            .bind(i64::from(day.0))
            .bind(number(self.indexes.late_since()))
            .fetch_all(&mut self.connection)
            .await?;
        for row in rows {
            late.insert(row.get::<i64, _>(0).unsigned_abs(), Hour(row.get(1)));
        }
        let mut frames: Vec<StoredFrame> = self.indexes.late_of(id, day).cloned().collect();
        let about = |frame: &StoredFrame| frame.at.day() == day || late.contains_key(&frame.sequence);
        let hours: BTreeSet<i64> = (0..24).map(|hour| day.hour(hour)).chain(late.values().copied()).map(|hour| hour.0).collect();
        let rows = sqlx::query("SELECT before, entries FROM sealed WHERE partition = $1 AND logger = $2 AND hour = ANY($3)")
            .bind(self.partition)
            .bind(i64::from(id))
            .bind(Vec::from_iter(hours))
            .fetch_all(&mut self.connection)
            .await?;
        for row in rows {
            let before = link(row.get(0)).unwrap_or_default();
            frames.extend(self.indexes.frames_of(id, before, block::expand(row.get(1))?).into_iter().filter(about));
        }
        let wanted = |first_at: Moment, last_at: Moment| {
            let touches = |start: Moment, end: Moment| first_at < end && last_at >= start;
            touches(day.start(), day.end()) || late.values().any(|hour| touches(hour.start(), hour.end()))
        };
        let firsts: Vec<i64> = self.indexes.blocks_of(id, wanted).into_iter().map(number).collect();
        for firsts in firsts.chunks(BLOCKS_PER_READ) {
            let rows = sqlx::query("SELECT loggers, entries FROM blocks WHERE partition = $1 AND first = ANY($2)")
                .bind(self.partition)
                .bind(firsts)
                .fetch_all(&mut self.connection)
                .await?;
            for row in rows {
                let mut split = block::by_logger(&Index::read(row.get(0))?, block::expand(row.get(1))?);
                if let Some((before, entries)) = split.remove(&id) {
                    frames.extend(self.indexes.frames_of(id, before, entries).into_iter().filter(about));
                }
            }
        }
        Ok(frames)
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
        let mut again = false;
        while let Err(error) = within(self.send(&sending, again)).await {
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
        let oldest: Option<i64> = oldest.fetch_one(&mut self.connection).await?;
        Ok(oldest.map(|oldest| Moment(oldest).hour()).filter(|hour| hour.end().plus_ms(SEAL_AFTER_MS) <= now))
    }

    /// Reads and compresses an hour, one row for each logger. Needs only a reader: other threads may do it while the writer goes
    /// on, because nothing else touches the blocks of an hour that is over.
    ///
    /// # Errors
    /// The database cannot be read, or a block is damaged.
    pub async fn prepare_seal(url: &PgUrl, partition: u32, hour: Hour) -> Result<PgSealedHour, StoreError> {
        let mut reader = url.connect(READER).await?;
        let partition = i64::from(partition);
        let (start, end) = (hour.start(), hour.end());
        let rows = sqlx::query("SELECT loggers, entries FROM blocks WHERE partition = $1 AND first_at < $2 ORDER BY first")
            .bind(partition)
            .bind(end.0)
            .fetch_all(&mut reader)
            .await?;
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
        let rows = sqlx::query("SELECT logger, before, entries FROM sealed WHERE partition = $1 AND hour = $2")
            .bind(partition)
            .bind(hour.0)
            .fetch_all(&mut reader)
            .await?;
        let again: BTreeMap<u32, PgRow> = rows.into_iter().map(|row| (row.get::<i64, _>(0) as u32, row)).collect();
        let mut sealed = PgSealedHour { hour, rows: Vec::with_capacity(loggers.len()), heads: Vec::with_capacity(loggers.len()), last: 0 };
        for (id, (before, entries)) in loggers {
            sealed.heads.push((id, entries.iter().fold(before, |head, entry| link_of(&head, entry))));
            sealed.last = entries.last().map_or(sealed.last, |entry| sealed.last.max(entry.sequence));
            // An hour that was sealed before (its stamps came back, or a crash came between) keeps what it has.
            if let Some(row) = again.get(&id) {
                let mut merged: BTreeMap<u64, Entry> = block::expand(row.get(2))?.into_iter().map(|entry| (entry.sequence, entry)).collect();
                merged.extend(entries.into_iter().map(|entry| (entry.sequence, entry)));
                sealed.rows.push((id, link(row.get(1)).unwrap_or(before), block::compress_sealed(merged.values())?));
            } else {
                sealed.rows.push((id, before, block::compress_sealed(&entries)?));
            }
        }
        Ok(sealed)
    }

    /// Writes the next [`SEAL_ROWS`] rows of a prepared hour; after the last ones, drops its blocks. Says whether it is done.
    /// Rows and blocks may both be there for a while, also after a crash: what is there twice counts once.
    ///
    /// # Errors
    /// The database cannot be written; what was written stands, and the hour is prepared again.
    pub async fn seal(&mut self, sealed: &mut PgSealedHour) -> Result<bool, StoreError> {
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
    async fn write_sealed(&mut self, sealed: &PgSealedHour, part: usize) -> Result<(), StoreError> {
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

    /// Seals the oldest hour that is old enough, at once. Says which; `None` when nothing is.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn seal_hour(&mut self, now: Moment) -> Result<Option<Hour>, StoreError> {
        let Some(hour) = self.hour_to_seal(now).await? else { return Ok(None) };
        let mut sealed = Self::prepare_seal(&self.url, self.partition(), hour).await?;
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
        let rows = sqlx::query("SELECT DISTINCT hour FROM sealed WHERE partition = $1").bind(self.partition).fetch_all(&mut self.connection).await?;
        for row in rows {
            hours.insert(Hour(row.get(0)));
        }
        let rows =
            sqlx::query("SELECT first_at, last_at FROM blocks WHERE partition = $1").bind(self.partition).fetch_all(&mut self.connection).await?;
        for row in rows {
            let (first, last) = (Moment(row.get(0)).hour(), Moment(row.get(1)).hour());
            hours.extend((first.0..=last.0).map(Hour));
        }
        Ok(hours.into_iter().collect())
    }

    async fn journal_hour(&mut self, hour: Hour) -> Result<JournalHour, StoreError> {
        let mut journal = JournalHour::new();
        let rows = sqlx::query("SELECT logger, before, entries FROM sealed WHERE partition = $1 AND hour = $2")
            .bind(self.partition)
            .bind(hour.0)
            .fetch_all(&mut self.connection)
            .await?;
        for row in rows {
            let id = row.get::<i64, _>(0) as u32;
            let mut before = link(row.get(1));
            for entry in block::expand(row.get(2))? {
                journal.insert(entry.sequence, (id, before.take(), entry));
            }
        }
        let rows = sqlx::query("SELECT loggers, entries FROM blocks WHERE partition = $1 AND first_at < $2 AND last_at >= $3 ORDER BY first")
            .bind(self.partition)
            .bind(hour.end().0)
            .bind(hour.start().0)
            .fetch_all(&mut self.connection)
            .await?;
        for row in rows {
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

    /// A reader for the sinks: its own connection to the same shard.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn outbox(url: &PgUrl, partition: u32) -> Result<PgOutbox, StoreError> {
        Ok(PgOutbox { reader: url.connect(READER).await?, partition: i64::from(partition) })
    }
}

/// An hour, compressed, on its way into the database.
#[derive(Debug)]
pub struct PgSealedHour {
    hour: Hour,
    rows: Vec<(u32, Link, Vec<u8>)>,
    heads: Vec<(u32, Link)>,
    last: u64,
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
