//! The address of a server, connections to it, and which of their failures pass.

use crate::store::StoreError;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Row};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// A server that has vanished says nothing: after so long its connection is given up.
const PATIENCE: Duration = Duration::from_secs(300);
/// The same while connecting.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// The first pause before another try; each is twice the one before, up to the longest.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Settings of a writer's connection. One that was lost in the middle of a transaction holds the shard's row: the server ends it.
const WRITER: &[(&str, &str)] = &[
    ("default_transaction_isolation", "read committed"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("lock_timeout", "0"),
    ("statement_timeout", "0"),
    ("jit", "off"),
];
/// Settings of a reader's connection: it may hold a snapshot for long.
pub(super) const READER: &[(&str, &str)] = &[("idle_in_transaction_session_timeout", "0"), ("statement_timeout", "0"), ("jit", "off")];

/// Parameters that the address of a server may have.
const PARAMETERS: [&str; 11] =
    ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "hostaddr", "port", "user", "password", "dbname", "application_name"];

/// Where a server's database is, as whom, and which shard of it. A password stands in it, in `PGPASSWORD` or in a pgpass file; it is
/// never shown.
#[derive(Clone)]
pub struct PgUrl {
    options: Arc<PgConnectOptions>,
    shard: u32,
}

impl FromStr for PgUrl {
    type Err = StoreError;

    /// Reads `postgres://user:password@host:port/database?sslmode=verify-full`.
    fn from_str(url: &str) -> Result<Self, StoreError> {
        let mut parameters = url.split_once('?').map_or("", |(_, parameters)| parameters).split('&').filter(|pair| !pair.is_empty());
        // The text of an unknown one is not shown: it may be part of a password.
        if !parameters.all(|pair| PARAMETERS.contains(&pair.split('=').next().unwrap_or_default())) {
            return Err(unfit(format!("the address of the server has a parameter that is none of {}", PARAMETERS.join(", "))));
        }
        let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
        let named = options.get_application_name().is_some();
        Ok(Self { options: Arc::new(if named { options } else { options.application_name("hj212d") }), shard: 0 })
    }
}

impl fmt::Display for PgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (options, user) = (&self.options, self.options.get_username());
        let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |folder| folder.display().to_string());
        write!(f, "postgres://{user}@{host}:{}/{}", options.get_port(), options.get_database().unwrap_or(user))
    }
}

impl fmt::Debug for PgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PgUrl {
    /// The same database, another shard.
    #[must_use]
    pub fn of_shard(&self, shard: u32) -> Self {
        Self { shard, ..self.clone() }
    }

    /// Which shard; 0 where nothing else was said.
    #[must_use]
    pub fn shard(&self) -> u32 {
        self.shard
    }

    pub(super) async fn connect(&self, settings: &[(&str, &str)]) -> Result<PgConnection, StoreError> {
        let options = PgConnectOptions::clone(&self.options).options(settings.iter().copied());
        match tokio::time::timeout(CONNECT_PATIENCE, options.connect()).await {
            Ok(connection) => Ok(connection?),
            Err(_) => Err(timed_out()),
        }
    }

    /// Connects for writing. `durable`: no commit is reported before it is on the disk of the server.
    pub(super) async fn connect_writer(&self, durable: bool) -> Result<PgConnection, StoreError> {
        let mut connection = self.connect(WRITER).await?;
        // Only what is weaker than the disk is replaced: a server may ask for its standbys, too.
        let set = "SELECT set_config('synchronous_commit', CASE WHEN NOT $1 THEN 'off' WHEN current_setting('synchronous_commit') = 'off' \
                   THEN 'on' ELSE current_setting('synchronous_commit') END, false), current_setting('fsync'), current_setting('server_encoding')";
        let row = sqlx::query(set).bind(durable).fetch_one(&mut connection).await?;
        if durable && row.get::<&str, _>(1) == "off" {
            tracing::warn!("the database server runs with fsync = off: what is answered does not survive a power cut");
        }
        if row.get::<&str, _>(2) != "UTF8" {
            return Err(unfit(format!("the database must be encoded in UTF8, not in {}", row.get::<&str, _>(2))));
        }
        Ok(connection)
    }
}

/// How a server stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHealth {
    version: u32,
    fsync: bool,
    only_reads: bool,
    may_make: bool,
    utf8: bool,
}

impl PgUrl {
    /// Looks at the server.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn health(&self) -> Result<ServerHealth, StoreError> {
        let mut connection = self.connect(READER).await?;
        let row = sqlx::query(
            "SELECT current_setting('server_version_num')::int, current_setting('fsync') = 'on', pg_is_in_recovery(), \
             has_schema_privilege(current_schema(), 'CREATE'), current_setting('server_encoding') = 'UTF8'",
        )
        .fetch_one(&mut connection)
        .await?;
        let version = row.get::<i32, _>(0).unsigned_abs();
        Ok(ServerHealth { version, fsync: row.get(1), only_reads: row.get(2), may_make: row.get(3), utf8: row.get(4) })
    }
}

/// What is wrong, Chinese and English, and how it is mended.
pub type Trouble = (String, String, (&'static str, &'static str));

impl ServerHealth {
    /// What is wrong with the server.
    #[must_use]
    pub fn faults(&self) -> Vec<Trouble> {
        let say = |zh: String, en: String, mend| (zh, en, mend);
        let version = || {
            let mend = ("升级服务器", "upgrade the server");
            say(
                format!("服务器版本 {}，需 15 及以上", self.version / 10_000),
                format!("the server is version {}, 15 is needed", self.version / 10_000),
                mend,
            )
        };
        let of = |zh: &str, en: &str, mend| say(zh.to_owned(), en.to_owned(), mend);
        let all = [
            (self.version < super::SERVER_MIN).then(version),
            (!self.fsync).then(|| {
                of(
                    "服务器 fsync = off：断电会丢失已应答的数据",
                    "the server runs with fsync = off: a power cut loses what was answered",
                    ("设 fsync = on", "set fsync = on"),
                )
            }),
            self.only_reads
                .then(|| of("该服务器是只读备库", "the server is a standby that only reads", ("地址指向主库", "give the primary's address"))),
            (!self.may_make).then(|| {
                of(
                    "该用户不能建表",
                    "this user may not make tables",
                    ("GRANT CREATE ON SCHEMA public TO 用户", "GRANT CREATE ON SCHEMA public TO the user"),
                )
            }),
            (!self.utf8).then(|| {
                of("数据库编码不是 UTF8", "the database is not encoded in UTF8", ("以 --encoding=UTF8 建库", "make it with --encoding=UTF8"))
            }),
        ];
        all.into_iter().flatten().collect()
    }
}

pub(super) fn unfit(what: String) -> StoreError {
    StoreError::Database(sqlx::Error::Configuration(what.into()))
}

fn timed_out() -> StoreError {
    StoreError::Database(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))
}

/// Waits for the database, but not for ever.
pub(super) async fn within<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(timed_out()))
}

impl StoreError {
    /// Whether the same may succeed later: the connection was lost, the server is not up or not the writer of its cluster, or
    /// two transactions were in each other's way.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let Self::Database(error) = self else { return false };
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed => true,
            sqlx::Error::Database(error) => error.code().is_some_and(|code| passes(&code)),
            _ => false,
        }
    }

    /// Whether a row has no part of its table to go to (SQLSTATE 23514).
    pub(super) fn lacks_a_month(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == "23514"))
    }
}

/// Whether what an SQLSTATE says passes: class 08 (the connection), serialization failure, deadlock, too many connections, a server
/// that only reads, a statement that somebody cancelled, idle time-outs, shut down, crashed, starting up.
fn passes(code: &str) -> bool {
    code.starts_with("08") || matches!(code, "40001" | "40P01" | "53300" | "25006" | "57014" | "25P03" | "57P05" | "57P01" | "57P02" | "57P03")
}

/// The time before another try.
#[derive(Debug)]
pub(super) struct Pause(Duration);

impl Pause {
    pub(super) fn new() -> Self {
        Self(PAUSE_MIN)
    }

    pub(super) fn longer(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(PAUSE_MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url: PgUrl = "postgres://hj212:ge%40heim@db.example:5433/monitoring?sslmode=require".parse().expect("an address");
        assert_eq!(format!("{url} {url:?}"), ["postgres://hj212@db.example:5433/monitoring"; 2].join(" "));
        let wrong = "postgres://hj212@db.example/monitoring?pasword=geheim".parse::<PgUrl>().expect_err("no such parameter").to_string();
        assert!(!wrong.contains("geheim") && wrong.contains("sslmode"), "{wrong}");
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let mut pause = Pause::new();
        let pauses: Vec<u128> = (0..8).map(|_| pause.longer().as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }
}
