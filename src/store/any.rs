//! Which database a store lies in: SQLite in a file, or PostgreSQL on a server. One enum, a match per verb; whoever uses a store
//! does not know which it is.

use super::postgres::{PgOutbox, PgStore, PgUrl};
use super::sealed::SealedHour;
use super::sqlite::{Outbox, Store};
use super::tables::{self, Tables};
use super::{Audit, StoreError, Version};
use crate::docket::Case;
use crate::domain::time::{Day, Hour, Moment};
use crate::domain::{Comparison, Declaration, Mn, Outage, OutletDay, OutletId, Silence};
use crate::engine::{DayRow, Entry, Link, Recalled, Snapshot, Want, WriteSet};
use crate::link::{Debt, Settled};
use crate::message::Event;
use crate::rules::Carry;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Where a database is. A password in it is never shown.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(PgUrl),
}

impl DatabaseUrl {
    /// The same database, another shard. A file has one.
    #[must_use]
    pub fn of_shard(&self, shard: u32) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(path.clone()),
            Self::Postgres(url) => Self::Postgres(url.of_shard(shard)),
        }
    }

    /// Which shard; 0 where nothing else was said.
    #[must_use]
    pub fn shard(&self) -> u32 {
        match self {
            Self::Sqlite(_) => 0,
            Self::Postgres(url) => url.shard(),
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    /// Reads `sqlite:PATH` or `postgres://user@host:port/database`.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        match text.split_once(':') {
            Some(("sqlite", path)) => Ok(Self::Sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.parse()?)),
            // The text is not shown: it may hold a password.
            _ => Err(sqlx::Error::Configuration("no address of a database; write sqlite:PATH or postgres://user@host:port/database".into()).into()),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}

impl From<&Path> for DatabaseUrl {
    fn from(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }
}

impl From<&PathBuf> for DatabaseUrl {
    fn from(path: &PathBuf) -> Self {
        Self::Sqlite(path.clone())
    }
}

impl From<&DatabaseUrl> for DatabaseUrl {
    fn from(url: &DatabaseUrl) -> Self {
        url.clone()
    }
}

/// The writer's side of a database, whichever it is.
#[derive(Debug)]
pub enum AnyStore {
    /// In a file.
    Sqlite(Box<Store>),
    /// On a server.
    Postgres(Box<PgStore>),
}

/// The same verb of either.
macro_rules! either {
    ($any:ident, $self:expr, $store:ident => $verb:expr) => {
        match $self {
            $any::Sqlite($store) => $verb,
            $any::Postgres($store) => $verb,
        }
    };
}

impl AnyStore {
    /// Opens or makes the database and raises the epoch: whoever wrote before cannot write any more. Not `durable`: commits
    /// are not synced, and an answer means nothing; for measurements.
    ///
    /// # Errors
    /// The database cannot be opened, or its schema cannot be brought up to date.
    pub async fn open(url: impl Into<DatabaseUrl>, durable: bool) -> Result<Self, StoreError> {
        Ok(match url.into() {
            DatabaseUrl::Sqlite(path) => Self::Sqlite(Box::new(Store::open(&path, durable).await?)),
            DatabaseUrl::Postgres(url) => Self::Postgres(Box::new(PgStore::open(&url, durable).await?)),
        })
    }

    /// Opens an existing database for reading only: whoever writes it goes on writing.
    ///
    /// # Errors
    /// The database cannot be opened or read.
    pub async fn read(url: impl Into<DatabaseUrl>) -> Result<Self, StoreError> {
        Ok(match url.into() {
            DatabaseUrl::Sqlite(path) => Self::Sqlite(Box::new(Store::read(&path).await?)),
            DatabaseUrl::Postgres(url) => Self::Postgres(Box::new(PgStore::read(&url).await?)),
        })
    }

    /// Whether a daemon or a command has ever written there.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn exists(url: impl Into<DatabaseUrl>) -> Result<bool, StoreError> {
        Ok(!Self::shards(url).await?.is_empty())
    }

    /// Every shard of a database that was ever written, in order.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn shards(url: impl Into<DatabaseUrl>) -> Result<Vec<DatabaseUrl>, StoreError> {
        let url = url.into();
        let numbers = match &url {
            DatabaseUrl::Sqlite(path) => Vec::from_iter(path.is_file().then_some(0)),
            DatabaseUrl::Postgres(server) => server.shards().await?,
        };
        Ok(numbers.into_iter().map(|number| url.of_shard(number)).collect())
    }

    /// A reader for the sinks: its own connection to the same database.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub async fn outbox(url: impl Into<DatabaseUrl>) -> Result<AnyOutbox, StoreError> {
        Ok(match url.into() {
            DatabaseUrl::Sqlite(path) => AnyOutbox::Sqlite(Box::new(Store::outbox(&path).await?)),
            DatabaseUrl::Postgres(url) => AnyOutbox::Postgres(Box::new(PgStore::outbox(&url).await?)),
        })
    }

    /// Where the database is.
    #[must_use]
    pub fn url(&self) -> DatabaseUrl {
        match self {
            Self::Sqlite(store) => DatabaseUrl::Sqlite(store.path().to_owned()),
            Self::Postgres(store) => DatabaseUrl::Postgres(store.url().clone()),
        }
    }

    /// `ready` is told while the database is away, and when it is back. A file is never away.
    pub fn watch(&mut self, ready: Arc<AtomicBool>) {
        if let Self::Postgres(store) = self {
            store.watch(ready);
        }
    }

    /// What a restarted engine needs: versions, heads, open days, cases, and the packets of the hours that are still open.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn snapshot(&mut self) -> Result<Snapshot, StoreError> {
        either!(AnyStore, self, store => tables::snapshot(&mut **store).await)
    }

    /// Every register and rule set that was put in force, oldest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn versions(&mut self) -> Result<Vec<Version>, StoreError> {
        either!(AnyStore, self, store => store.versions().await)
    }

    /// Engine time of the last commit.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn engine_time(&mut self) -> Result<Moment, StoreError> {
        either!(AnyStore, self, store => store.engine_time().await)
    }

    /// Declarations as last stated, those taken back included.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn declarations(&mut self) -> Result<Vec<Declaration>, StoreError> {
        either!(AnyStore, self, store => store.declarations().await)
    }

    /// Comparison results as last stated, those taken back included.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn comparisons(&mut self) -> Result<Vec<Comparison>, StoreError> {
        either!(AnyStore, self, store => store.comparisons().await)
    }

    /// Every case as it stands.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn cases(&mut self) -> Result<Vec<Case>, StoreError> {
        either!(AnyStore, self, store => store.cases().await)
    }

    /// Loggers that are silent.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn silences(&mut self) -> Result<BTreeMap<Mn, Silence>, StoreError> {
        either!(AnyStore, self, store => store.silences().await)
    }

    /// Every outage as it was last stated, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn outages(&mut self) -> Result<Vec<Outage>, StoreError> {
        either!(AnyStore, self, store => store.outages().await)
    }

    /// The newest published day of each outlet, and what it hands over.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn carries(&mut self) -> Result<BTreeMap<OutletId, (Day, Carry)>, StoreError> {
        either!(AnyStore, self, store => store.carries().await)
    }

    /// What is kept of an outlet's day besides its packets.
    ///
    /// # Errors
    /// The database cannot be read, or the row is damaged.
    pub async fn day_row(&mut self, key: OutletDay) -> Result<Option<DayRow>, StoreError> {
        either!(AnyStore, self, store => store.day_row(key).await)
    }

    /// Hands days back: their rows, and every packet that may be about them.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn recall(&mut self, wants: &[Want]) -> Result<Vec<Recalled>, StoreError> {
        match self {
            Self::Sqlite(store) => tables::recall(&mut **store, wants).await,
            Self::Postgres(store) => store.recall(wants).await,
        }
    }

    /// Commits one step: its entries as a block, and every row of its write set. Only then are the debts settled.
    ///
    /// `sent` is the highest outbox row that the sinks have delivered; rows up to it are deleted in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process has taken the database: nothing may be answered, and this process must stop.
    pub async fn commit(&mut self, entries: &[Entry], writes: &WriteSet, debts: Vec<Debt>, sent: i64) -> Result<Vec<Settled>, StoreError> {
        either!(AnyStore, self, store => store.commit(entries, writes, debts, sent).await)
    }

    /// Forgets events that the sinks have delivered: at the end of a run, when no commit follows.
    ///
    /// # Errors
    /// The database cannot be written; the events will be delivered again.
    pub async fn forget_delivered(&mut self, sent: i64) -> Result<(), StoreError> {
        either!(AnyStore, self, store => store.forget_delivered(sent).await)
    }

    /// The oldest whole hour that still lies in hot blocks, if it is old enough to be sealed.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn hour_to_seal(&mut self, now: Moment) -> Result<Option<Hour>, StoreError> {
        either!(AnyStore, self, store => store.hour_to_seal(now).await)
    }

    /// Reads and compresses an hour, one row for each logger. Needs only a reader: other threads may do it while the writer goes on.
    ///
    /// # Errors
    /// The database cannot be read, or a block is damaged.
    pub async fn prepare_seal(url: impl Into<DatabaseUrl>, hour: Hour) -> Result<SealedHour, StoreError> {
        match url.into() {
            DatabaseUrl::Sqlite(path) => Store::prepare_seal(&path, hour).await,
            DatabaseUrl::Postgres(url) => PgStore::prepare_seal(&url, hour).await,
        }
    }

    /// Writes the next rows of a prepared hour; after the last ones, drops its blocks. Says whether it is done.
    ///
    /// # Errors
    /// The database cannot be written; what was written stands, and the hour is prepared again.
    pub async fn seal(&mut self, sealed: &mut SealedHour) -> Result<bool, StoreError> {
        either!(AnyStore, self, store => store.seal(sealed).await)
    }

    /// Seals the oldest hour that is old enough, at once. Says which; `None` when nothing is.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub async fn seal_hour(&mut self, now: Moment) -> Result<Option<Hour>, StoreError> {
        let Some(hour) = self.hour_to_seal(now).await? else { return Ok(None) };
        let mut sealed = Self::prepare_seal(self.url(), hour).await?;
        while !self.seal(&mut sealed).await? {}
        Ok(Some(hour))
    }

    /// Makes the parts of the tables that the next months need; a file has no such parts. To be called once a day.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn make_months_ahead(&mut self, now: Moment) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(store) => store.make_months_ahead(now).await,
        }
    }

    /// Drops the parts of outputs that lie more than `keep` months back; a file has no such parts. To be called once a day.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn drop_old_months(&mut self, now: Moment, keep: u32) -> Result<Vec<Day>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(store) => store.drop_old_months(now, keep).await,
        }
    }

    /// The hours of arrival that the journal holds, in order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn journal_hours(&mut self) -> Result<Vec<Hour>, StoreError> {
        either!(AnyStore, self, store => tables::journal_hours(&mut **store).await)
    }

    /// The entries that arrived in an hour, by sequence.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn entries_of_hour(&mut self, hour: Hour) -> Result<Vec<Entry>, StoreError> {
        either!(AnyStore, self, store => tables::entries_of_hour(&mut **store, hour).await)
    }

    /// Walks every chain from its beginning. `each` is told after each hour: the hour, the roots' input, entries so far.
    ///
    /// # Errors
    /// The database cannot be read. What does not fit is in the audit, not an error.
    pub async fn verify(&mut self, each: impl FnMut(Hour, &BTreeMap<Mn, Link>, &mut Audit)) -> Result<Audit, StoreError> {
        either!(AnyStore, self, store => tables::verify(&mut **store, each).await)
    }
}

/// The sinks' side: reads what waits to be delivered.
#[derive(Debug)]
pub enum AnyOutbox {
    /// In a file.
    Sqlite(Box<Outbox>),
    /// On a server.
    Postgres(Box<PgOutbox>),
}

impl AnyOutbox {
    /// The next rows after `after`, in order.
    ///
    /// # Errors
    /// The database cannot be read, or a row is damaged.
    pub async fn next(&mut self, after: i64, limit: u32) -> Result<Vec<(i64, Event)>, StoreError> {
        either!(AnyOutbox, self, outbox => outbox.next(after, limit).await)
    }

    /// How many rows wait.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting(&mut self) -> Result<u64, StoreError> {
        either!(AnyOutbox, self, outbox => outbox.waiting().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_file_or_a_server_and_shows_no_password() {
        let shown = |text: &str| text.parse::<DatabaseUrl>().expect("an address").to_string();
        assert_eq!(shown("sqlite:data/hj212d.sqlite"), "data/hj212d.sqlite");
        assert_eq!(shown("sqlite:///var/lib/hj212d/hj212d.sqlite"), "/var/lib/hj212d/hj212d.sqlite");
        assert_eq!(shown("postgres://hj212:geheim@db.example:5432/monitoring"), "postgres://hj212@db.example:5432/monitoring");
        let wrong = "mysql://hj212:geheim@db.example/monitoring".parse::<DatabaseUrl>().expect_err("another database").to_string();
        assert!(!wrong.contains("geheim"), "{wrong}");
    }
}
