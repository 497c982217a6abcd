//! What concerns all shards of a database: which there are, where a case is, what a survey compares, and who makes it.

use super::PgUrl;
use super::address::READER;
use crate::domain::time::{Day, Moment};
use crate::domain::{Mn, Outage, RuleSet, Silence};
use crate::store::row::{mn_of, read_json};
use crate::store::{BlockError, StoreError};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

/// Key of the lock of whoever makes the surveys: "survey".
const SURVEY_LOCK: i64 = 0x7375_7276_6579;

/// What a survey compares: the loggers of all shards.
#[derive(Debug, Default)]
pub struct LinkStates {
    /// Engine time of each shard.
    pub engine_times: Vec<Moment>,
    /// Every logger that has a chain, and the gateway by which it was last heard.
    pub loggers: Vec<(Mn, String)>,
    /// Who is silent.
    pub silences: Vec<Silence>,
    /// Outages that go on.
    pub standing: Vec<Outage>,
    /// The rule set in force.
    pub rules: RuleSet,
    /// The last day whose outlets were compared with each other in every shard.
    pub neighbours_until: Option<Day>,
    /// Whether any day has left a profile.
    pub has_profiles: bool,
}

impl PgUrl {
    /// The shards that were ever written, by number.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn shards(&self) -> Result<Vec<u32>, StoreError> {
        let mut connection = self.connect(READER).await?;
        let tables: bool = sqlx::query_scalar("SELECT to_regclass('shards') IS NOT NULL").fetch_one(&mut connection).await?;
        if !tables {
            return Ok(Vec::new());
        }
        let numbers: Vec<i64> = sqlx::query_scalar("SELECT partition FROM shards ORDER BY partition").fetch_all(&mut connection).await?;
        Ok(numbers.into_iter().map(|number| number as u32).collect())
    }

    /// In which shard a case is.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn shard_of_case(&self, case: Uuid) -> Result<Option<u32>, StoreError> {
        let mut connection = self.connect(READER).await?;
        let number = sqlx::query_scalar("SELECT partition FROM cases WHERE id = $1").bind(&case.as_bytes()[..]);
        Ok(number.fetch_optional(&mut connection).await?.map(|number: i64| number as u32))
    }

    /// Stored days of all shards that are still to be computed again.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn recounts_left(&self) -> Result<u64, StoreError> {
        let mut connection = self.connect(READER).await?;
        let days = sqlx::query_scalar("SELECT coalesce(sum(last - next + 1), 0)::bigint FROM recounts");
        Ok(days.fetch_one(&mut connection).await.map(i64::unsigned_abs)?)
    }

    /// Who may make the surveys, when [`Surveyor::is_the_one`].
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn surveyor(&self) -> Result<Surveyor, StoreError> {
        Ok(Surveyor { connection: self.connect(READER).await?, locked: false })
    }
}

/// Who makes the surveys: one process of all, by a lock that goes with its connection.
#[derive(Debug)]
pub struct Surveyor {
    connection: PgConnection,
    locked: bool,
}

impl Surveyor {
    /// Whether this process is the one; it is from the moment when no other is.
    ///
    /// # Errors
    /// The server cannot be reached any more, and a lock is gone with it.
    pub async fn is_the_one(&mut self) -> Result<bool, StoreError> {
        if !self.locked {
            let taking = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(SURVEY_LOCK);
            self.locked = taking.fetch_one(&mut self.connection).await?;
        }
        Ok(self.locked)
    }

    /// How the links of all shards stand. While nobody is silent and no outage goes on, the loggers are not read.
    ///
    /// # Errors
    /// The server cannot be reached any more, and the lock is gone with it; or a row is damaged.
    pub async fn look(&mut self) -> Result<LinkStates, StoreError> {
        let reader = &mut self.connection;
        let mut states = LinkStates::default();
        let shards: Vec<(i64, Option<i64>)> = sqlx::query_as("SELECT engine_time, neighbours_until FROM shards").fetch_all(&mut *reader).await?;
        states.engine_times = shards.iter().map(|(time, _)| Moment(*time)).collect();
        states.neighbours_until = shards.iter().filter_map(|(_, until)| *until).min().map(|day| Day(day as i32));
        states.has_profiles = sqlx::query_scalar("SELECT EXISTS (SELECT FROM profiles)").fetch_one(&mut *reader).await?;
        for row in sqlx::query("SELECT body FROM silences ORDER BY mn").fetch_all(&mut *reader).await? {
            states.silences.push(read_json(row.get(0))?);
        }
        // Every shard has the same ones, but for what it has not taken yet.
        let ahead = "SELECT partition FROM shards ORDER BY engine_time DESC, partition LIMIT 1";
        let outages = format!("SELECT body FROM outages WHERE partition = ({ahead}) ORDER BY scope, name, began");
        for row in sqlx::query(AssertSqlSafe(outages)).fetch_all(&mut *reader).await? {
            let outage: Outage = read_json(row.get(0))?;
            states.standing.extend(Some(outage).filter(|outage| outage.to.is_none()));
        }
        let newest = sqlx::query("SELECT content FROM versions WHERE kind = 'rule_set' ORDER BY at DESC, sequence DESC LIMIT 1");
        if let Some(row) = newest.fetch_optional(&mut *reader).await? {
            let content = zstd::decode_all(row.get::<&[u8], _>(0)).map_err(BlockError::from)?;
            states.rules = RuleSet::parse(&String::from_utf8_lossy(&content)).unwrap_or_default();
        }
        if !states.silences.is_empty() || !states.standing.is_empty() {
            let rows = sqlx::query("SELECT mn, gateway FROM loggers").fetch_all(&mut *reader).await?;
            states.loggers = rows.iter().filter_map(|row| Some((mn_of(row.get(0))?, row.get(1)))).collect();
        }
        Ok(states)
    }
}
