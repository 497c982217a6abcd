//! The configuration: a TOML file, overridden by `HJ212D_…` variables. Raw (as written) and checked are two types.

use crate::broker::{Cluster, Login};
use crate::disclosure::Calendar;
use crate::domain::time::{Day, Moment};
use crate::link::Limits;
use crate::listener::PeerLimits;
use crate::store::{DatabaseUrl, StoreError};
use crate::telemetry::LogFormat;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file as written.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Raw {
    /// Where loggers connect.
    pub listen: RawListen,
    /// Where data lie.
    pub data: RawData,
    /// The register.
    pub registry: RawRegistry,
    /// What waits for the engine.
    pub intake: RawIntake,
    /// Kafka.
    pub kafka: RawKafka,
    /// What a gateway is.
    pub gateway: RawGateway,
    /// What a worker is.
    pub worker: RawWorker,
    /// What the public is told.
    pub disclosure: RawDisclosure,
    /// Health and metrics.
    pub http: RawHttp,
    /// Logs.
    pub log: RawLog,
}

macro_rules! section {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[doc = $field_doc])+ pub $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

section! {
    /// `[listen]`
    RawListen {
        /// Address and port.
        address: String = "0.0.0.0:2120".to_owned(),
        /// Connections in all.
        connections_max: usize = 25_000,
        /// Connections of one address.
        connections_per_peer_max: usize = PeerLimits::default().connections_max,
        /// Bytes that one connection may send in a second.
        bytes_per_sec_max: usize = 1_000_000,
        /// Rejected and quarantined items of one address that are kept in a minute.
        kept_per_minute_max: u32 = PeerLimits::default().kept_per_minute_max,
        /// A connection without a packet is closed after this.
        first_frame: String = "60s".to_owned(),
        /// A silent connection is closed after this.
        idle: String = "2h".to_owned(),
        /// A packet that began must end within this, or is given up.
        partial: String = "30s".to_owned(),
        /// Bytes that are no packet, in a row, before a connection is closed.
        junk_len_max: usize = Limits::default().junk_len_max,
    }
}

/// Shards of a journal: each costs a thread, two connections and two clients in some worker.
const PARTITIONS_MAX: u32 = 4096;

/// Variables, less their prefix, that are [`Secret`]s: the database, Kafka's password.
const SECRETS: [&str; 2] = ["data__database", "kafka__password"];

/// A text that may hold a password: it is never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

section! {
    /// `[data]`
    RawData {
        /// Folder of the database and of the sink's files.
        path: PathBuf = PathBuf::from("data"),
        /// Another database than the file in `path`: sqlite:PATH or postgres://…; empty: the file.
        database: Secret = Secret::default(),
        /// Every commit reaches the disk before anything is answered.
        durable: bool = true,
        /// Whole months before this one whose means and findings a server keeps; 0: all.
        keep_months: u32 = 0,
    }
}

section! {
    /// `[registry]`
    RawRegistry {
        /// Folder of the CSV files; empty: the register in the database.
        path: String = String::new(),
        /// Take packets of unknown loggers as good.
        accept_unknown: bool = false,
    }
}

section! {
    /// `[intake]`
    RawIntake {
        /// Bytes that may wait for the engine; above it, connections stop reading.
        bytes_max: usize = 8 * 1024 * 1024,
        /// Time between ticks.
        tick: String = "5s".to_owned(),
    }
}

section! {
    /// `[kafka]`
    RawKafka {
        /// List of host:port; empty: events go to files in the data folder.
        brokers: String = String::new(),
        /// plaintext, ssl, sasl_plaintext or sasl_ssl.
        security: String = "plaintext".to_owned(),
        /// PEM file of the authorities; empty: the system's.
        authorities: String = String::new(),
        /// SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN.
        mechanism: String = "SCRAM-SHA-512".to_owned(),
        /// User.
        user: String = String::new(),
        /// Password.
        password: Secret = Secret::default(),
        /// Make the topics that are not there.
        make_topics: bool = true,
        /// Consumer group that reads the steps of cases; with `.workers` behind it, the group of the workers.
        group: String = "hj212d".to_owned(),
        /// Shards of the journal, when its topic is made: gateways and workers alone use it.
        journal_partitions: u32 = 64,
        /// A gateway may answer what one replica has.
        allow_single_broker: bool = false,
    }
}

section! {
    /// `[gateway]`
    RawGateway {
        /// Its name in entries; empty: the machine's.
        name: String = String::new(),
    }
}

section! {
    /// `[worker]`
    RawWorker {
        /// A name that outlives the process: who comes back under it within `session` finds its shards as they were; empty: shards move at once.
        instance: String = String::new(),
        /// A worker that is not heard for so long loses its shards.
        session: String = "10s".to_owned(),
    }
}

/// How Kafka is used.
#[derive(Debug, Clone)]
pub struct Kafka {
    /// Where.
    pub cluster: Cluster,
    /// Make the topics that are not there.
    pub make_topics: bool,
    /// Consumer group of the steps of cases.
    pub group: String,
    /// Shards of the journal, when its topic is made.
    pub journal_partitions: u32,
    /// A gateway may answer what one replica has.
    pub allow_single_broker: bool,
}

impl RawKafka {
    fn checked(self) -> Result<Option<Kafka>, ConfigError> {
        if self.brokers.is_empty() {
            return Ok(None);
        }
        let one_of = |key, value: &str, expected: &'static str| {
            let fault = || ConfigError::Value { key, value: value.to_owned(), expected };
            if expected.split(", ").any(|word| word == value) { Ok(()) } else { Err(fault()) }
        };
        one_of("kafka.security", &self.security, "plaintext, ssl, sasl_plaintext, sasl_ssl")?;
        one_of("kafka.mechanism", &self.mechanism, "SCRAM-SHA-256, SCRAM-SHA-512, PLAIN")?;
        let login = Login { security: self.security, authorities: self.authorities, mechanism: self.mechanism, user: self.user };
        let cluster = Cluster::new(&self.brokers, &login, &self.password.0);
        if self.journal_partitions == 0 || self.journal_partitions > PARTITIONS_MAX {
            return Err(ConfigError::Value {
                key: "kafka.journal_partitions",
                value: self.journal_partitions.to_string(),
                expected: "a number from 1 to 4096",
            });
        }
        Ok(Some(Kafka {
            cluster,
            make_topics: self.make_topics,
            group: self.group,
            journal_partitions: self.journal_partitions,
            allow_single_broker: self.allow_single_broker,
        }))
    }
}

section! {
    /// `[disclosure]`
    RawDisclosure {
        /// Folder that is disclosed from; empty: nobody watches for what is due.
        folder: String = String::new(),
        /// First day that is to be disclosed; empty: the first day after the first document of the journal.
        since: String = String::new(),
        /// Working days after the day on which a day is confirmed.
        working_days: u32 = Calendar::default().working_days,
        /// Weekdays that are not worked.
        holidays: Vec<String> = Vec::new(),
        /// Days of weekends that are.
        workdays: Vec<String> = Vec::new(),
    }
}

/// Working days that a disclosure may be given at most.
const WORKING_DAYS_MAX: u32 = 60;

/// What the public is told, and by when.
#[derive(Debug, Clone, Default)]
pub struct DisclosureSettings {
    /// Folder that is disclosed from.
    pub folder: Option<PathBuf>,
    /// First day that is to be disclosed.
    pub since: Option<Day>,
    /// Working days.
    pub calendar: Calendar,
}

impl RawDisclosure {
    fn checked(self) -> Result<DisclosureSettings, ConfigError> {
        let days = |key: &'static str, texts: &[String]| -> Result<BTreeSet<Day>, ConfigError> {
            let wrong = |value: &String| ConfigError::Value { key, value: value.clone(), expected: "write days: [\"2026-10-01\", \"2026-10-02\"]" };
            texts.iter().map(|text| Day::parse(text).ok_or_else(|| wrong(text))).collect()
        };
        let (holidays, workdays) = (days("disclosure.holidays", &self.holidays)?, days("disclosure.workdays", &self.workdays)?);
        if let Some(both) = holidays.intersection(&workdays).next() {
            let expected = "a day is a holiday or worked, and not both";
            return Err(ConfigError::Value { key: "disclosure.workdays", value: both.to_string(), expected });
        }
        if !(1..=WORKING_DAYS_MAX).contains(&self.working_days) {
            let value = self.working_days.to_string();
            return Err(ConfigError::Value { key: "disclosure.working_days", value, expected: "a number from 1 to 60" });
        }
        let since = (!self.since.is_empty()).then(|| Day::parse(&self.since));
        let since = match since {
            Some(None) => return Err(ConfigError::Value { key: "disclosure.since", value: self.since, expected: "write a day, 2026-03-14" }),
            day => day.flatten(),
        };
        let folder = (!self.folder.is_empty()).then(|| PathBuf::from(self.folder));
        Ok(DisclosureSettings { folder, since, calendar: Calendar { holidays, workdays, working_days: self.working_days } })
    }
}

section! {
    /// `[http]`
    RawHttp {
        /// Address and port of health and metrics.
        address: String = "127.0.0.1:2121".to_owned(),
        /// Connections at a time; further ones wait.
        connections_max: usize = 64,
    }
}

section! {
    /// `[log]`
    RawLog {
        /// text or json.
        format: LogFormat = LogFormat::Text,
        /// A tracing filter.
        filter: String = "info".to_owned(),
    }
}

/// The configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where loggers connect.
    pub listen: SocketAddr,
    /// Connections in all.
    pub connections_max: usize,
    /// Per address.
    pub peer: PeerLimits,
    /// Per link.
    pub link: Limits,
    /// Per connection and second.
    pub bytes_per_sec_max: usize,
    /// Folder of the data.
    pub data: PathBuf,
    /// Another database than the file in `data`.
    pub server: Option<DatabaseUrl>,
    /// Every commit reaches the disk before anything is answered.
    pub durable: bool,
    /// Whole months before this one whose means and findings a server keeps; 0: all.
    pub keep_months: u32,
    /// Where events go instead of files, and where steps of cases come from.
    pub kafka: Option<Kafka>,
    /// Folder of the register's files.
    pub registry: Option<PathBuf>,
    /// Take packets of unknown loggers as good.
    pub accept_unknown: bool,
    /// Bytes that may wait.
    pub intake_bytes_max: usize,
    /// Time between ticks.
    pub tick: Duration,
    /// Name of a gateway in entries.
    pub gateway: String,
    /// A worker's name in its group; empty: none that outlives it.
    pub instance: String,
    /// A worker that is not heard for so long loses its shards.
    pub session: Duration,
    /// What the public is told, and by when.
    pub disclosure: DisclosureSettings,
    /// Health and metrics.
    pub http: SocketAddr,
    /// Connections to them.
    pub http_connections_max: usize,
    /// Log format.
    pub log_format: LogFormat,
    /// Log filter.
    pub log_filter: String,
}

/// The configuration is wrong; nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is no TOML of ours; the message names line and column.
    #[error("{path}: {message}")]
    Toml {
        /// Which.
        path: PathBuf,
        /// What, where.
        message: String,
    },
    /// A variable is wrong.
    #[error("{0}; variables are written HJ212D_LISTEN__ADDRESS=…")]
    Variable(Box<figment::Error>),
    /// The address of the database is none.
    #[error("data.database: {0}")]
    Database(StoreError),
    /// A value makes no sense.
    #[error("{key} = {value:?}: {expected}")]
    Value {
        /// Key.
        key: &'static str,
        /// As written.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl Config {
    /// Reads the file, if one is given, and the variables; checks everything.
    ///
    /// # Errors
    /// Names the line of the file, or the variable, or the key, and what is wrong with it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Raw::default()));
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File { path: path.to_owned(), error })?;
            // Once for the message with its line, once for the merge.
            toml::from_str::<Raw>(&text).map_err(|error| ConfigError::Toml { path: path.to_owned(), message: error.to_string() })?;
            figment = figment.merge(Toml::string(&text));
        }
        // Figment reads a variable as a number where it can, and would make 42 of a password 0042: secrets are taken as they stand.
        let others = Env::prefixed("HJ212D_").filter(|key| !SECRETS.iter().any(|secret| key == *secret)).split("__");
        let mut raw: Raw = figment.merge(others).extract().map_err(|error| ConfigError::Variable(Box::new(error)))?;
        for (name, place) in SECRETS.into_iter().zip([&mut raw.data.database, &mut raw.kafka.password]) {
            if let Ok(value) = std::env::var(format!("HJ212D_{}", name.to_uppercase())) {
                *place = Secret(value);
            }
        }
        Self::check(raw)
    }

    fn check(raw: Raw) -> Result<Self, ConfigError> {
        let link = Limits {
            first_frame_ms: duration("listen.first_frame", &raw.listen.first_frame)?.as_millis() as u64,
            idle_ms: duration("listen.idle", &raw.listen.idle)?.as_millis() as u64,
            partial_ms: duration("listen.partial", &raw.listen.partial)?.as_millis() as u64,
            junk_len_max: raw.listen.junk_len_max,
        };
        for (key, value) in [
            ("listen.connections_max", raw.listen.connections_max),
            ("listen.connections_per_peer_max", raw.listen.connections_per_peer_max),
            ("listen.bytes_per_sec_max", raw.listen.bytes_per_sec_max),
            ("intake.bytes_max", raw.intake.bytes_max),
            ("http.connections_max", raw.http.connections_max),
        ] {
            if value == 0 {
                return Err(ConfigError::Value { key, value: value.to_string(), expected: "a number above 0" });
            }
        }
        Ok(Self {
            listen: address("listen.address", &raw.listen.address)?,
            connections_max: raw.listen.connections_max,
            peer: PeerLimits { connections_max: raw.listen.connections_per_peer_max, kept_per_minute_max: raw.listen.kept_per_minute_max },
            link,
            bytes_per_sec_max: raw.listen.bytes_per_sec_max,
            server: (!raw.data.database.0.is_empty()).then(|| raw.data.database.0.parse()).transpose().map_err(ConfigError::Database)?,
            data: raw.data.path,
            kafka: raw.kafka.checked()?,
            durable: raw.data.durable,
            keep_months: raw.data.keep_months,
            registry: (!raw.registry.path.is_empty()).then(|| PathBuf::from(raw.registry.path)),
            accept_unknown: raw.registry.accept_unknown,
            intake_bytes_max: raw.intake.bytes_max,
            tick: duration("intake.tick", &raw.intake.tick)?,
            gateway: if raw.gateway.name.is_empty() { host_name() } else { raw.gateway.name },
            instance: raw.worker.instance,
            session: duration("worker.session", &raw.worker.session)?,
            disclosure: raw.disclosure.checked()?,
            http: address("http.address", &raw.http.address)?,
            http_connections_max: raw.http.connections_max,
            log_format: raw.log.format,
            log_filter: raw.log.filter,
        })
    }

    /// Where the local socket lies.
    #[must_use]
    pub fn local_socket(&self) -> PathBuf {
        self.data.join(crate::http::local::SOCKET)
    }

    /// The database: the server's, or the file in the data folder.
    #[must_use]
    pub fn database(&self) -> DatabaseUrl {
        self.server.clone().unwrap_or_else(|| DatabaseUrl::Sqlite(self.data.join("hj212d.sqlite")))
    }
}

/// The machine's name.
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn address(key: &'static str, value: &str) -> Result<SocketAddr, ConfigError> {
    value.parse().map_err(|_| ConfigError::Value { key, value: value.to_owned(), expected: "write an address and a port, 0.0.0.0:2120" })
}

fn duration(key: &'static str, value: &str) -> Result<Duration, ConfigError> {
    let wrong = || ConfigError::Value { key, value: value.to_owned(), expected: "write a time above zero: 500ms, 30s, 5m or 2h" };
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = value.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(ms).filter(|ms| *ms > 0).map(Duration::from_millis).ok_or_else(wrong)
}

/// Reads an instant of a command line: RFC 3339, or Beijing time; a date is its first instant.
///
/// # Errors
/// What should be written instead.
pub fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse_local(text).ok_or_else(|| format!("{text:?} is no instant; write \"2026-03-14 08:00\", 2026-03-14T08:00:00+08:00 or 2026-03-14"))
}

/// Reads a day of a command line.
///
/// # Errors
/// What should be written instead.
pub fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| format!("{text:?} is no day; write 2026-03-14"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let file = std::env::temp_dir().join(format!("hj212d-config-{}-{}.toml", std::process::id(), text.len()));
        std::fs::write(&file, text).expect("a temporary file");
        let result = Config::load(Some(&file));
        std::fs::remove_file(&file).expect("it is there");
        result
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = load("[listen]\naddress = \"127.0.0.1:0\"\nadress = \"x\"\n").expect_err("a misspelt key").to_string();
        assert!(error.contains("line 3") && error.contains("adress"), "{error}");
    }

    #[test]
    fn values_are_checked_by_key() {
        let error = load("[intake]\ntick = \"5 minutes\"\n").expect_err("no time").to_string();
        assert!(error.starts_with("intake.tick = \"5 minutes\""), "{error}");
        assert_eq!(load("[listen]\nidle = \"90m\"\n").expect("fine").link.idle_ms, 5_400_000);
    }

    #[test]
    fn a_calendar_is_checked_by_key() {
        let wrong = |text: &str| load(&format!("[disclosure]\n{text}\n")).expect_err("no calendar").to_string();
        assert!(wrong("holidays = [\"1.10.2026\"]").starts_with("disclosure.holidays = \"1.10.2026\""));
        assert!(wrong("holidays = [\"2026-10-01\"]\nworkdays = [\"2026-10-01\"]").contains("and not both"));
        assert!(wrong("working_days = 0").starts_with("disclosure.working_days"));
        assert!(wrong("since = \"March\"").starts_with("disclosure.since"));
        let config = load("[disclosure]\nholidays = [\"2026-10-01\"]\nsince = \"2026-09-01\"\n").expect("fine").disclosure;
        assert_eq!((config.since, config.calendar.holidays.len()), (Day::parse("2026-09-01"), 1));
    }

    #[test]
    fn the_shipped_file_is_the_defaults_told_as_a_story() {
        let shipped: Raw = toml::from_str(include_str!("../../deploy/hj212d.toml")).expect("the shipped file");
        let mut defaults = Raw::default();
        defaults.registry.path = shipped.registry.path.clone();
        defaults.data.path = shipped.data.path.clone();
        assert_eq!(serde_json::to_value(&shipped).expect("JSON"), serde_json::to_value(&defaults).expect("JSON"));
    }
}
