//! Gateways and workers, real processes over a real Kafka and a real PostgreSQL: the same means as `serve`, whoever dies, and one chain for
//! each logger, whoever holds it.

use crate::kafka::{self, Broker, Seen};
use crate::postgres::{Server, recorded};
use crate::process::{Folder, Logger, Serve, deadline, entries_of, minute, passed, replayed};
use crate::world::{MN, SO2_DAY_80, city};
use hj212d::broker::{Cluster, Login};
use hj212d::domain::time::Moment;
use hj212d::domain::{Mn, shard_of};
use hj212d::engine::{Body, Entry, WriteSet};
use hj212d::message::Event;
use hj212d::pipeline::clock::ArrivalClock;
use hj212d::pipeline::replay::Replay;
use hj212d::pipeline::routing::{Route, route};
use hj212d::protocol::{frame, peek};
use hj212d::registry::{Files, Registry};
use hj212d::store::{DatabaseUrl, JournalWriter, Record};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A database server, a broker, and what processes are told of them.
pub struct Centre {
    pub server: Server,
    pub broker: Broker,
    pub folder: Folder,
    pub database: &'static str,
    partitions: u32,
}

impl Centre {
    pub fn new(database: &'static str, partitions: u32) -> Self {
        Self::with(database, partitions, Broker::start())
    }

    pub fn with(database: &'static str, partitions: u32, broker: Broker) -> Self {
        let server = Server::start();
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(server.database(database));
        Self { server, broker, folder: Folder::new(), database, partitions }
    }

    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = self.broker.environment().to_vec();
        environment.extend([
            ("HJ212D_DATA__DATABASE", self.server.address(self.database)),
            ("HJ212D_KAFKA__ALLOW_SINGLE_BROKER", "true".to_owned()),
            ("HJ212D_KAFKA__JOURNAL_PARTITIONS", self.partitions.to_string()),
            // As short as a broker allows.
            ("HJ212D_WORKER__SESSION", "6s".to_owned()),
        ]);
        environment
    }

    pub fn worker(&self, name: &str, extra: &[&str]) -> Serve {
        self.worker_with(name, extra, &[])
    }

    fn worker_with(&self, name: &str, extra: &[&str], more: &[(&'static str, String)]) -> Serve {
        let mut environment = self.environment();
        environment.extend(more.iter().cloned());
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Serve::worker(&self.folder.0.join(name), extra, &environment)
    }

    pub fn gateway(&self, name: &str, extra: &[&str]) -> Serve {
        let mut environment = self.environment();
        environment.push(("HJ212D_GATEWAY__NAME", name.to_owned()));
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Serve::gateway(extra, &environment)
    }

    /// The first worker, which puts a register in force.
    pub fn first_worker(&self, files: &Files, extra: &[&str]) -> Serve {
        let rows = self.folder.registry(files);
        self.worker("one", &[&["--registry", rows.to_str().expect("UTF-8")][..], extra].concat())
    }

    /// The first worker, a gateway that listens, and a logger at its door.
    fn begin(&self, files: &Files) -> (Serve, Serve, Logger) {
        let worker = self.first_worker(files, &DEMO);
        let gateway = self.gateway("g1", &DEMO).listens();
        let logger = Logger::connect(gateway.address).expect("connected");
        (worker, gateway, logger)
    }

    fn shards(&self) -> Vec<DatabaseUrl> {
        let url: DatabaseUrl = self.server.address(self.database).parse().expect("an address");
        (0..self.partitions).map(|shard| url.of_shard(shard)).collect()
    }

    /// The entries of each shard, in order.
    pub fn journals(&self) -> Vec<Vec<Entry>> {
        self.shards().iter().map(entries_of).collect()
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.journals().into_iter().flatten().collect()
    }

    /// How many records of each shard were taken.
    pub fn commits(&self) -> Vec<i64> {
        self.of_shards("SELECT next_offset - 1 FROM shards ORDER BY partition")
    }

    /// How often each shard was opened by an owner.
    fn epochs(&self) -> Vec<i64> {
        self.of_shards("SELECT epoch FROM shards ORDER BY partition")
    }

    fn of_shards(&self, question: &'static str) -> Vec<i64> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut connection = self.server.connect(self.database).await;
            sqlx::query_scalar(question).fetch_all(&mut connection).await.expect("read")
        })
    }

    /// Waits until a question to the database has this answer.
    pub fn wait_for_rows(&self, question: &'static str, answer: i64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let patience = deadline();
        runtime.block_on(async {
            let mut connection = self.server.connect(self.database).await;
            loop {
                let found: i64 = sqlx::query_scalar(question).fetch_one(&mut connection).await.expect("read");
                if found == answer {
                    return;
                }
                assert!(!passed(patience), "{question}: {found}");
            }
        });
    }

    /// Waits until the workers have taken all that lies in the journal; nobody may append any more.
    pub fn wait_until_taken(&self) {
        let partitions = i32::try_from(self.partitions).expect("small");
        let patience = deadline();
        while self.commits() != self.broker.ends("hj212.journal.v1", partitions) {
            assert!(!passed(patience), "{:?} of {:?} were taken", self.commits(), self.broker.ends("hj212.journal.v1", partitions));
        }
    }

    pub fn command(&self, arguments: &[&str], data: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hj212d"));
        command.args(arguments).arg("--data").arg(self.folder.0.join(data)).envs(self.environment());
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }
}

const DEMO: [&str; 4] = ["--demo-time-scale", "60", "--demo-start", "2026-03-16"];

#[test]
fn a_gateway_answers_and_a_worker_makes_the_means() {
    let centre = Centre::new("walk", 4);
    let (worker, gateway, mut logger) = centre.begin(&city(6));
    gateway.wait_until_says("/readyz", "200");
    worker.wait_until_says("/readyz", "200");
    for number in 0..120 {
        let answer = logger.exchange(&minute(number)).expect("answered");
        assert!(answer.contains("CN=9014"), "{answer}");
    }
    worker.wait_for("hj212_means_published_total{span=\"hour\"}", |means| means >= 2.0);
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(worker.stop(), Some(0));
    let said = centre.command(&["verify"], "one");
    assert!(said.contains("the journal is as it was written"), "{said}");
    let said = centre.command(&["means", "S1-G1", "--day", "2026-03-14"], "one");
    assert!(said.contains("a21026"), "{said}");
}

/// The records that a gateway makes of a recorded entry.
fn records(at: Moment, body: &Body, registry: &Registry, shards: u32) -> Vec<Record> {
    let admitted = match body {
        Body::Frame { bytes, .. } => frame::whole(bytes).and_then(|found| Mn::new(peek(bytes, &found).mn()?)),
        _ => None,
    };
    let of = |shard: u32, key: String, body: &Body| Record::new(shard, key, at, admitted, body).expect("short");
    match (route(body, admitted, registry, shards), body) {
        (Route::One(shard, key), _) => vec![of(shard, key, body)],
        (Route::All, Body::RegistryVersion { files }) => {
            let parts = files.cut(shards).into_iter().map(|files| Body::RegistryVersion { files });
            (0..).zip(parts).map(|(shard, body)| of(shard, String::new(), &body)).collect()
        }
        (Route::All, _) => (0..shards).map(|shard| of(shard, String::new(), body)).collect(),
    }
}

/// A body without what names a place in the journal: with many shards there are many journals.
fn placeless(body: &Value) -> String {
    let mut body = body.clone();
    for list in ["packets", "packet_ranges"] {
        for packet in body[list].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            for place in ["sequence", "first", "last", "chain"] {
                packet.remove(place);
            }
        }
    }
    body.to_string()
}

/// What each outlet or case was said to be, in order: kind and body.
type Said = BTreeMap<(String, String), Vec<(String, String)>>;

fn said(events: &[Event]) -> Said {
    let mut said = Said::new();
    for event in events {
        let place = (event.topic.name().to_owned(), event.subject.clone());
        said.entry(place).or_default().push((event.kind.clone(), placeless(&event.data)));
    }
    said
}

const SHARDS: u32 = 12;

#[test]
fn two_gateways_and_three_workers_say_what_one_engine_says_of_one_recorded_journal() {
    let centre = Centre::new("equal", SHARDS);
    let journal = recorded();
    let mut expected: Vec<Event> = Vec::new();
    let mut take = |writes: &WriteSet| expected.extend(writes.events.iter().cloned());
    let mut replay = Replay::new(1000, false);
    for (at, body) in &journal {
        replay.entry(*at, body.clone(), &mut take);
    }
    replay.flush(&mut take);
    let expected = said(&expected);

    // Nobody else surveys: surveys are entries, and stand in the journal or do not.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut surveyor = runtime.block_on(centre.server.connect(centre.database));
    let locked = sqlx::query("SELECT pg_advisory_lock($1)").bind(0x7375_7276_6579_i64).execute(&mut surveyor);
    runtime.block_on(locked).expect("locked");

    let workers = ["one", "two", "three"].map(|name| centre.worker(name, &[]));
    workers.iter().for_each(|worker| drop(worker.line_with("worker ready")));
    runtime.block_on(async {
        let cluster = Cluster::new(&centre.broker.address(), &Login { security: "plaintext".to_owned(), ..Login::default() }, "");
        // The halves of two gateways that append, in turn: a gateway stamps arrivals itself, and these are stamped already.
        let mut gateways = [(); 2].map(|()| JournalWriter::new(cluster.clone(), Arc::default()));
        let Some((_, Body::RegistryVersion { files })) = journal.first() else { panic!("a register comes first") };
        let registry = Registry::parse(files).expect("no faults");
        for (turn, part) in journal.chunks(5000).enumerate() {
            let records = part.iter().flat_map(|(at, body)| records(*at, body, &registry, SHARDS)).map(|record| (record, None)).collect();
            let (sequences, _) = gateways[turn % 2].append(records).await;
            assert!(!sequences.contains(&0));
        }
    });
    for worker in &workers {
        worker.wait_until_says("/readyz", "200");
    }
    let mut found: Said = Said::new();
    for topic in ["hj212.means.hour.v1", "hj212.means.day.v1", "hj212.warnings.v1", "hj212.referrals.v1"] {
        let count: usize = expected.iter().filter(|((known, _), _)| known == topic).map(|(_, said)| said.len()).sum();
        let seen = centre.broker.read(topic, |seen| kafka::events(seen) >= count);
        for record in kafka::without_repeats(&seen) {
            let Seen { headers, .. } = record;
            let place = (topic.to_owned(), headers["ce_subject"].clone());
            found.entry(place).or_default().push((headers["ce_type"].clone(), placeless(&record.json())));
        }
        let of_topic =
            |said: &Said| said.iter().filter(|((known, _), _)| known == topic).map(|(place, said)| (place.clone(), said.clone())).collect::<Said>();
        let (expected, found) = (of_topic(&expected), of_topic(&found));
        assert!(count > 20, "{topic}: {count}");
        assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "{topic}");
        for (place, expected) in &expected {
            assert_eq!(&found[place], expected, "{place:?}");
        }
    }
    for worker in workers {
        assert_eq!(worker.stop(), Some(0));
    }
    runtime.block_on(surveyor.close()).expect("closed");
    let said = centre.command(&["verify"], "one");
    assert!(said.contains("the journal is as it was written"), "{said}");
}

/// Every minute of the first logger stands in the journal once; gives how many repeats of its packets there are.
fn expect_once(entries: &[Entry], numbers: std::ops::Range<i64>) -> usize {
    let mut frames: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    let mut repeats = 0;
    for entry in entries {
        match &entry.body {
            Body::Frame { bytes, .. } => *frames.entry(bytes.clone()).or_default() += 1,
            Body::Repeat { mn, .. } if mn.as_str() == MN => repeats += 1,
            _ => {}
        }
    }
    for number in numbers {
        assert_eq!(frames.get(minute(number).trim_ascii_end()), Some(&1), "minute {number}");
    }
    repeats
}

#[test]
fn two_gateways_that_hold_one_logger_make_one_chain_and_count_nothing_twice() {
    let centre = Centre::new("twice", 4);
    let worker = centre.first_worker(&city(6), &DEMO);
    let gateways = ["g1", "g2"].map(|name| centre.gateway(name, &DEMO).listens());
    let mut links = gateways.each_ref().map(|gateway| Logger::connect(gateway.address).expect("connected"));
    // Neither side knows that the other link is dead: what the logger had no answer for it sends by the new one.
    for number in 0..60 {
        assert!(links[0].exchange(&minute(number)).expect("answered").contains("CN=9014"));
        if number % 3 == 0 {
            assert!(links[1].exchange(&minute(number)).expect("answered").contains("CN=9014"), "the repeat is answered as well");
        }
    }
    for number in 60..120 {
        assert!(links[(number % 2) as usize].exchange(&minute(number)).expect("answered").contains("CN=9014"));
    }
    worker.wait_for("hj212_means_published_total{span=\"hour\"}", |means| means >= 2.0);
    gateways.into_iter().for_each(|gateway| assert_eq!(gateway.stop(), Some(0)));
    centre.wait_until_taken();
    assert_eq!(worker.stop(), Some(0));
    assert_eq!(expect_once(&centre.entries(), 0..120), 20);
    let said = centre.command(&["verify"], "one");
    assert!(said.contains("of 1 chains") && said.contains("the journal is as it was written"), "{said}");
}

#[test]
fn while_kafka_is_away_a_gateway_answers_nobody_and_reads_nothing() {
    let mut centre = Centre::new("away", 4);
    let (worker, gateway, mut logger) = centre.begin(&city(6));
    assert!(logger.exchange(&minute(0)).expect("answered").contains("CN=9014"));
    centre.broker.kill();
    logger.send(&minute(1)).expect("sent");
    gateway.wait_until_says("/readyz", "503");
    assert_eq!(gateway.metric("hj212_journal_up"), Some(0.0));
    // Nobody reads: the kernel's buffers are all that fills, until for a second not a byte more is taken.
    let mut other = TcpStream::connect(gateway.address).expect("the kernel takes it");
    other.set_write_timeout(Some(Duration::from_secs(1))).expect("set");
    let (packet, mut sent, patience) = (minute(2), 0_usize, deadline());
    loop {
        match other.write(&packet) {
            Ok(count) => sent += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(error) => panic!("{error}"),
        }
        assert!(!passed(patience) && sent < 64 * 1024 * 1024, "{sent} bytes were taken");
    }
    assert!(gateway.metric("hj212_intake_bytes ").unwrap_or_default() < 100_000.0, "a packet or two wait in memory, and no more");
    drop(other);
    centre.broker.start_again();
    assert!(logger.answer().expect("answered when it is durable").contains("CN=9014"));
    gateway.wait_until_says("/readyz", "200");
    assert!(logger.exchange(&minute(3)).expect("answered").contains("CN=9014"));
    assert_eq!(gateway.stop(), Some(0));
    centre.wait_until_taken();
    assert_eq!(worker.stop(), Some(0));
    expect_once(&centre.entries(), 0..2);
}

#[test]
fn a_gateway_says_why_it_does_not_begin() {
    let centre = Centre::new("named", 2);
    let refuse = |settings: &[(&str, String)]| {
        let mut gateway = Command::new(env!("CARGO_BIN_EXE_hj212d"));
        gateway.arg("gateway").env("HJ212D_LISTEN__ADDRESS", "127.0.0.1:0").env("HJ212D_HTTP__ADDRESS", "127.0.0.1:0");
        let output = gateway.envs(settings.iter().cloned()).output().expect("it runs and ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = refuse(&[]);
    assert!(code == Some(78) && said.contains("kafka.brokers"), "{said}");
    let (code, said) = refuse(&centre.broker.environment());
    assert!(code == Some(69) && said.contains("min.insync.replicas") && said.contains("kafka.allow_single_broker"), "{said}");
    // What may pass, or be mended meanwhile, is waited for, and said.
    let environment = [("HJ212D_KAFKA__MAKE_TOPICS", "false"), ("HJ212D_KAFKA__BROKERS", &Broker::start().address())];
    let unmade = Serve::gateway(&[], &environment);
    let said = unmade.line_with("hj212d::daemon::gateway");
    assert!(said.contains("hj212.journal.v1 is not there") || said.contains("cannot be looked at"), "{said}");
    assert!(unmade.get("/readyz").starts_with("HTTP/1.1 503"));
    assert_eq!(unmade.stop(), Some(0));
    let guarded = Broker::guarded("0042");
    let authorities = guarded.folder.0.join("authority.pem").display().to_string();
    let environment = [
        ("HJ212D_KAFKA__BROKERS", guarded.address()),
        ("HJ212D_KAFKA__SECURITY", "sasl_ssl".to_owned()),
        ("HJ212D_KAFKA__AUTHORITIES", authorities),
        ("HJ212D_KAFKA__USER", "hj212d".to_owned()),
        ("HJ212D_KAFKA__PASSWORD", "falsches-geheimnis".to_owned()),
    ];
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = Serve::gateway(&[], &environment);
    let said = refused.line_with("uthentication");
    assert!(!said.contains("geheimnis"), "{said}");
    assert_eq!(refused.stop(), Some(0));
}

#[test]
fn a_record_that_is_no_entry_stops_nobody_and_a_hole_stops_its_shard_alone() {
    let centre = Centre::new("hole", 4);
    let (worker, gateway, mut logger) = centre.begin(&city(6));
    let shard = i32::try_from(shard_of("S1", 4)).expect("small");
    for poison in [&b""[..], b"\0", b"no entry", &[1; 40], &[2; 4000], &[0xff; 100_000]] {
        centre.broker.write_to("hj212.journal.v1", shard, poison);
        assert!(logger.exchange(&minute(0)).expect("answered").contains("CN=9014"));
    }
    worker.wait_for("hj212_rejected_total{reason=\"no_entry\"}", |count| count >= 6.0);
    let rejected = centre.broker.read("hj212.rejected.v1", |seen| kafka::events(seen) >= 6);
    assert!(rejected.iter().any(|record| record.json()["peer"].as_str().is_some_and(|peer| peer.starts_with("hj212.journal.v1/"))));
    assert_eq!(worker.stop(), Some(0));
    let before = centre.commits();

    // Records of one shard go before they were taken.
    for number in 1..20 {
        assert!(logger.exchange(&minute(number)).expect("answered").contains("CN=9014"));
    }
    let end = centre.broker.ends("hj212.journal.v1", 4)[shard as usize];
    centre.broker.drop_before("hj212.journal.v1", shard, end - 5);
    let worker = centre.worker("one", &DEMO);
    let said = worker.line_with("a shard stands still");
    assert!(
        said.contains(&format!("a hole in the journal: shard {shard} goes on with record ")) && said.contains(&format!("has {} to", end - 5)),
        "{said}"
    );
    // The others go on, and the process says that something is wrong.
    let others = || centre.commits().iter().zip(&before).enumerate().all(|(number, (now, before))| number == shard as usize || now > before);
    let patience = deadline();
    while !others() {
        assert!(!passed(patience), "{:?} {before:?}", centre.commits());
    }
    assert!(worker.get("/readyz").starts_with("HTTP/1.1 503"));
    assert_eq!(centre.commits()[shard as usize], before[shard as usize], "nothing is read past a hole");
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(worker.stop(), Some(0));
}

/// What every table holds, as a sum of its rows' hashes; but the epoch of a shard, which every new owner raises, and the outbox, whose
/// rows go when they have left.
async fn contents(connection: &mut PgConnection) -> BTreeMap<String, Option<String>> {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') \
                  AND NOT relispartition AND relname <> 'outbox'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *connection).await.expect("read");
    let mut contents = BTreeMap::new();
    for table in tables {
        let sum = AssertSqlSafe(format!("SELECT sum(hashtextextended((to_jsonb(t) - 'epoch')::text, 0))::text FROM {table} t"));
        let sum = sqlx::query_scalar(sum).fetch_one(&mut *connection).await.expect("read");
        contents.insert(table, sum);
    }
    contents
}

#[test]
fn a_worker_that_was_stopped_in_its_transaction_writes_no_row_when_it_comes_back() {
    let centre = Centre::new("frozen", 2);
    let (frozen, gateway, mut logger) = centre.begin(&city(6));
    for number in 0..60 {
        assert!(logger.exchange(&minute(number)).expect("answered").contains("CN=9014"));
    }
    let other = centre.worker("two", &DEMO);
    other.wait_for("hj212_shards", |shards| shards == 1.0);
    frozen.wait_for("hj212_shards", |shards| shards == 1.0);
    let ours =
        |worker: &Serve, shard: i64| worker.metric(&format!("hj212_engine_time_seconds{{shard=\"{shard}\"}}")).is_some_and(|time| !time.is_nan());
    let shard = (0..2).find(|shard| ours(&frozen, *shard)).expect("one of the two");

    // It is stopped while its commit waits for a row: then its transaction is open, and stays so.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut holder = runtime.block_on(centre.server.connect(centre.database));
    let mut looker = runtime.block_on(centre.server.connect(centre.database));
    runtime.block_on(async {
        let mut transaction = holder.begin().await.expect("begun");
        sqlx::query("SELECT epoch FROM shards WHERE partition = $1 FOR UPDATE").bind(shard).execute(&mut *transaction).await.expect("locked");
        let patience = deadline();
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE shards%'";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut looker).await.expect("read") == 0 {
            assert!(!passed(patience), "no commit came");
        }
        frozen.signal("STOP");
        transaction.commit().await.expect("let go");
    });
    // After its session, and when the server has ended its transaction, the other worker has its shard.
    other.wait_for("hj212_shards", |shards| shards == 2.0);
    other.wait_until_says("/readyz", "200");
    for number in 60..90 {
        assert!(logger.exchange(&minute(number)).expect("answered").contains("CN=9014"));
    }
    assert_eq!(gateway.stop(), Some(0));
    centre.wait_until_taken();
    let before = runtime.block_on(contents(&mut looker));
    assert!(before.len() > 10 && before["blocks"].is_some(), "{before:?}");
    let waiting = |looker: &mut PgConnection| -> BTreeSet<(i64, i64)> {
        let ids = sqlx::query_as("SELECT partition, id FROM outbox").fetch_all(looker);
        runtime.block_on(ids).expect("read").into_iter().collect()
    };
    let events = waiting(&mut looker);
    frozen.signal("CONT");
    let said = frozen.line_with("another process has taken the shard");
    assert!(said.contains(&format!("\"shard\":{shard}")), "{said}");
    // It is a member like any other again.
    frozen.wait_for("hj212_shards", |shards| shards == 1.0);
    frozen.wait_until_says("/readyz", "200");
    assert_eq!(runtime.block_on(contents(&mut looker)), before, "it has written nothing");
    assert!(waiting(&mut looker).is_subset(&events), "nor any event");
    for worker in [frozen, other] {
        assert_eq!(worker.stop(), Some(0));
    }
    expect_once(&centre.entries(), 0..90);
    let said = centre.command(&["verify"], "one");
    assert!(said.contains("the journal is as it was written"), "{said}");
}

#[test]
fn three_brokers_lose_a_leader_under_load_and_nothing_else_and_two_missing_replicas_answer_nobody() {
    let mut centre = Centre::with("leader", 4, Broker::three());
    let (worker, gateway, mut logger) = centre.begin(&city(6));
    let mut longest = Duration::ZERO;
    let mut exchange = |number: i64| {
        let asked = deadline();
        let answer = logger.exchange(&minute(number)).expect("answered");
        longest = longest.max(deadline() - asked);
        assert!(answer.contains("CN=9014"), "{answer}");
    };
    (0..200).for_each(&mut exchange);
    let shard = i32::try_from(shard_of("S1", 4)).expect("small");
    let leader = centre.broker.leader_of("hj212.journal.v1", shard);
    centre.broker.kill_node(leader);
    (200..600).for_each(&mut exchange);
    println!("the longest silence of a gateway when the leader of its partition was killed: {longest:?}");
    // One of three replicas is not enough.
    centre.broker.kill_node((leader + 1) % 3);
    logger.send(&minute(600)).expect("sent");
    gateway.wait_until_says("/readyz", "503");
    centre.broker.start_again();
    assert!(logger.answer().expect("answered when two have it").contains("CN=9014"));
    gateway.wait_until_says("/readyz", "200");
    worker.wait_until_says("/readyz", "200");
    assert_eq!(gateway.stop(), Some(0));
    centre.wait_until_taken();
    assert_eq!(worker.stop(), Some(0));
    expect_once(&centre.entries(), 0..601);
}

/// Keeps loggers heard, each by a connection of its own, until it is told to stop.
struct Heard {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u32>>,
}

impl Heard {
    fn begin(address: SocketAddr, loggers: impl Iterator<Item = u64>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let speak = |number: u64| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let mut logger = Logger::connect(address).expect("connected");
                let (mut sent, packets) = (0, crate::kills::packets(number));
                for (_, packet) in packets.iter().cycle() {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    // Who loses its connection comes back, as loggers do: one that stayed away would be silent by itself.
                    match logger.exchange(packet) {
                        Ok(_) => sent += 1,
                        Err(_) => match Logger::connect(address) {
                            Ok(again) => logger = again,
                            Err(_) => break,
                        },
                    }
                }
                sent
            })
        };
        let threads = loggers.map(speak).collect();
        Self { stop, threads }
    }

    fn end(self) -> u32 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().map(|thread| thread.join().expect("it ends")).sum()
    }
}

/// What each shard's journal replays to, by topic.
pub fn replayed_shards(centre: &Centre) -> BTreeMap<String, Vec<Event>> {
    let mut topics: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for entries in centre.journals() {
        for (topic, events) in replayed(&entries) {
            topics.entry(topic).or_default().extend(events);
        }
    }
    // What is said of a gateway, an outage or an hour's root has one key for several shards, and no order among them.
    topics.retain(|topic, _| topic.contains("means") || topic.contains("referrals") || topic.contains("warnings"));
    topics
}

/// The clock runs so fast that an hour takes six seconds.
fn fast(origin: &str) -> [&str; 6] {
    ["--demo-time-scale", "600", "--demo-start", "2026-03-16", "--demo-origin", origin]
}

#[test]
fn workers_an_hour_behind_accuse_nobody_and_say_the_same_when_they_have_caught_up() {
    let centre = Centre::new("behind", 4);
    let origin = ArrivalClock::wall().now().to_string();
    let worker = centre.first_worker(&city(6), &fast(&origin));
    let gateway = centre.gateway("g1", &fast(&origin)).listens();
    let heard = Heard::begin(gateway.address, 1..=6);
    worker.wait_for("hj212_packets_total{fate=\"accepted\"}", |count| count >= 100.0);
    let began = worker.metric("hj212_engine_time_seconds").expect("a time");
    assert_eq!(worker.stop(), Some(0));
    // Nobody judges for more than an hour of the loggers' time; they are answered all the same.
    let patience = deadline();
    let scaled = || ArrivalClock::scaled(Moment::parse_rfc3339(&origin).expect("an instant"), start(), 600).now().0 as f64 / 1000.0;
    while scaled() < began + 4200.0 {
        assert!(!passed(patience));
        std::thread::yield_now();
    }
    let workers = ["one", "two"].map(|name| centre.worker(name, &fast(&origin)));
    let caught_up = |worker: &Serve| worker.wait_for("hj212_engine_time_seconds", |time| scaled() - time < 600.0);
    for worker in &workers {
        caught_up(worker);
    }
    for worker in &workers {
        assert_eq!(worker.sum("hj212_silent_loggers"), 0.0);
    }
    centre.wait_for_rows("SELECT count(*) FROM silences", 0);
    let answered = heard.end();
    assert!(answered > 300, "{answered}");
    assert_eq!(gateway.stop(), Some(0));
    centre.wait_until_taken();
    workers.into_iter().for_each(|worker| assert_eq!(worker.stop(), Some(0)));
    let expected = replayed_shards(&centre);
    let accused = expected.values().flatten().filter(|event| findings(&event.data).any(|finding| finding["rule"] == "A-03")).count();
    assert_eq!(accused, 0, "nobody was silent");
    // What the stopped workers left in the outbox leaves with the next one.
    let last = centre.worker("one", &fast(&origin));
    kafka::expect_delivered(&centre.broker, &expected);
    assert_eq!(last.stop(), Some(0));
}

/// The findings of an event: a warning is one, a referral has them.
fn findings(body: &Value) -> impl Iterator<Item = &Value> {
    body["findings"].as_array().into_iter().flatten().chain(body["rule"].is_string().then_some(body))
}

/// The instant at which the demonstration's clock begins.
fn start() -> Moment {
    Moment::parse_rfc3339("2026-03-16T00:00:00+08:00").expect("an instant")
}

#[test]
fn a_region_that_is_cut_off_is_one_outage_for_every_shard_and_a_logger_alone_is_referred() {
    let centre = Centre::new("region", 4);
    let mut files = city(16);
    let sites = files.0.get_mut("sites.csv").expect("a file");
    *sites = sites.replace("P1号企业,Works P1,waste,示例区", "P1号企业,Works P1,waste,断网区");
    let rows = centre.folder.registry(&files);
    let origin = ArrivalClock::wall().now().to_string();
    let register = ["--registry", rows.to_str().expect("UTF-8")];
    let workers = ["one", "two"].map(|name| centre.worker(name, &[&register[..], &fast(&origin)].concat()));
    let gateway = centre.gateway("g1", &fast(&origin)).listens();
    // Loggers 1 to 4 are the region that is cut off; 16 is silent alone.
    let (rest, cut) = (Heard::begin(gateway.address, 5..=15), Heard::begin(gateway.address, [1, 2, 3, 4, 16].into_iter()));
    let accepted = || workers.iter().map(|worker| worker.sum("hj212_packets_total{fate=\"accepted\"}")).sum::<f64>();
    let patience = deadline();
    while accepted() < 500.0 {
        assert!(!passed(patience));
    }
    cut.end();
    centre.broker.read("hj212.links.v1", |seen| seen.iter().any(|record| record.headers["ce_type"] == "hj212.outage.region"));
    let silent_outlets = |seen: &[Seen]| -> BTreeSet<String> {
        let bodies = seen.iter().map(Seen::json).filter(|body| findings(body).any(|finding| finding["rule"] == "A-03"));
        bodies.map(|body| body["outlet"]["id"].as_str().expect("a referral has an outlet").to_owned()).collect()
    };
    let referred = centre.broker.read("hj212.referrals.v1", |seen| !silent_outlets(seen).is_empty());
    rest.end();
    assert_eq!(gateway.stop(), Some(0));
    centre.wait_until_taken();
    workers.into_iter().for_each(|worker| assert_eq!(worker.stop(), Some(0)));
    let outages: Vec<(String, String)> =
        replayed_all(&centre).into_iter().filter(|event| event.kind == "hj212.outage.region").map(|event| (event.kind, event.subject)).collect();
    assert_eq!(outages, [("hj212.outage.region".to_owned(), "region 断网区".to_owned())], "one of the shards says so, and says it once");
    assert_eq!(silent_outlets(&referred), BTreeSet::from(["C16".to_owned()]), "the region's outlets are excused");
    let said = centre.command(&["links"], "one");
    assert!(said.contains("断网区"), "{said}");
}

/// Everything that the shards' journals replay to.
fn replayed_all(centre: &Centre) -> Vec<Event> {
    centre.journals().iter().flat_map(|entries| replayed(entries).into_values().flatten()).collect()
}

#[test]
fn statements_steps_and_a_new_register_reach_every_role() {
    let centre = Centre::new("said", 4);
    // A city whose first outlet has a limit, too.
    let city = |outlets: u64| {
        let mut files = city(outlets);
        files.0.get_mut("limits.csv").expect("a file").push_str(&format!("{SO2_DAY_80}\n"));
        files
    };
    let (worker, gateway, mut logger) = centre.begin(&city(6));
    for number in 0..24 * 60 {
        assert!(logger.exchange(&minute(number)).expect("answered").contains("CN=9014"));
    }
    // A step of a case finds the case's shard, whatever its key; one of nobody's case is refused by the engine.
    let opened = centre.broker.read("hj212.referrals.v1", |seen| !seen.is_empty());
    let case = opened[0].json()["case"].as_str().expect("a case").to_owned();
    let step = |id: &str, case: &str| {
        serde_json::json!({"kind": "disposition", "id": id, "case": case, "step": "investigating", "by": "一中队"}).to_string()
    };
    let (known, unknown) = (step("D-1", &case), step("D-2", "00000000-0000-0000-0000-000000000000"));
    centre.broker.write("hj212.dispositions.v1", &[("any key", Some(known.as_bytes())), ("k", Some(unknown.as_bytes())), ("k", Some(b"none"))]);
    centre.broker.read("hj212.referrals.v1", |seen| seen.iter().any(|record| record.json()["stage"] == "investigating"));
    centre.broker.read("hj212.deadletters.v1", |seen| kafka::events(seen) >= 2);
    let said = centre.command(&["cases"], "one");
    assert!(said.contains(&case), "{said}");

    // A mark goes to its outlet's shard and takes the day's exceedance back.
    let marks = centre.folder.0.join("marks.csv");
    let columns = "id,outlet,mark,from,to,reason,document,author,made_at";
    let mark = "M-1,S1-G1,fault,2026-03-14T00:00:00+08:00,2026-03-15T00:00:00+08:00,更换采样泵,照片 1,运维甲,2026-03-16T00:00:00+08:00";
    std::fs::write(&marks, format!("{columns}\n{mark}\n")).expect("written");
    let said = centre.command(&["declarations", "import", marks.to_str().expect("UTF-8")], "one");
    assert!(!said.contains("no daemon"), "{said}");
    centre.broker.read("hj212.referrals.v1", |seen| seen.iter().any(|record| record.headers["ce_type"] == "hj212.referral.withdrawn"));

    // A logger that the register does not have is let in after it has, by gateways that run.
    let newcomer = crate::kills::packets(9).remove(0).1;
    let mut other = Logger::connect(gateway.address).expect("connected");
    other.send(&newcomer).expect("sent");
    let larger = centre.folder.registry(&city(9));
    let said = centre.command(&["registry", "import", larger.to_str().expect("UTF-8"), "--yes"], "one");
    assert!(said.contains("is in force"), "{said}");
    gateway.line_with("the register in force");
    let answer = other.exchange(&newcomer).unwrap_or_else(|error| panic!("{error}: {}", gateway.lines().join("\n")));
    assert!(answer.contains("CN=9014"), "{answer}");
    // What reaches from one site into another cannot be cut.
    let mut files = city(9);
    let loggers = files.0.get_mut("loggers.csv").expect("a file");
    *loggers = loggers.replace(&format!("{},P3,", crate::world::mn(9)), &format!("{},P1,", crate::world::mn(9)));
    let wrong = centre.folder.registry(&files);
    let mut import = Command::new(env!("CARGO_BIN_EXE_hj212d"));
    import.args(["registry", "import"]).arg(&wrong).arg("--yes").arg("--data").arg(centre.folder.0.join("one")).envs(centre.environment());
    let output = import.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("which stands in another site"), "{said}");
    let said = centre.command(&["registry", "log"], "one");
    assert_eq!(said.lines().count(), 2, "{said}");
    let said = centre.command(&["links"], "one");
    assert!(said.contains("S1-G1"), "{said}");
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(worker.stop(), Some(0));
    // Without a worker nothing is appended past the journal.
    let mut late = Command::new(env!("CARGO_BIN_EXE_hj212d"));
    late.args(["registry", "import"]).arg(&larger).arg("--yes").arg("--data").arg(centre.folder.0.join("one")).envs(centre.environment());
    let said = String::from_utf8_lossy(&late.output().expect("it runs").stderr).into_owned();
    assert!(said.contains("workers write this database"), "{said}");
}

#[test]
fn a_command_appends_nothing_to_the_one_shard_that_workers_may_have() {
    let folder = Folder::new();
    let data = folder.0.join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let files = city(3);
    crate::score::House::play(&data, crate::world::at("2026-03-14 00:00:00"), Some(files.cut(1).remove(0)), Vec::new());
    let before = crate::process::journal(&data);
    let mut import = Command::new(env!("CARGO_BIN_EXE_hj212d"));
    import.args(["registry", "import"]).arg(folder.registry(&city(4))).arg("--yes").arg("--data").arg(&data);
    let said = String::from_utf8_lossy(&import.output().expect("it runs").stderr).into_owned();
    assert!(said.contains("workers write this database"), "{said}");
    assert_eq!(crate::process::journal(&data), before);
}

#[test]
fn a_worker_with_a_name_finds_its_shards_as_they_were_and_one_without_gives_them_away_at_once() {
    let centre = Centre::new("statically", 4);
    let rows = centre.folder.registry(&city(6));
    // Longer than a test waits: whatever moves did not move because a session was over.
    let session = ("HJ212D_WORKER__SESSION", "300s".to_owned());
    let unnamed = |name: &str, extra: &[&str]| centre.worker_with(name, extra, slice::from_ref(&session));
    let one = unnamed("one", &[&["--registry", rows.to_str().expect("UTF-8")][..], &DEMO].concat());
    let two = unnamed("two", &DEMO);
    for worker in [&one, &two] {
        worker.wait_for("hj212_shards", |shards| shards == 2.0);
    }
    assert_eq!(one.stop(), Some(0));
    two.wait_for("hj212_shards", |shards| shards == 4.0);
    two.wait_until_says("/readyz", "200");
    assert_eq!(two.stop(), Some(0));

    let named = |name: &str| centre.worker_with(name, &DEMO, &[session.clone(), ("HJ212D_WORKER__INSTANCE", name.to_owned())]);
    let one = named("one");
    let two = named("two");
    one.wait_for("hj212_shards", |shards| shards == 2.0);
    two.wait_for("hj212_shards", |shards| shards == 2.0);
    let ours = |worker: &Serve| {
        worker.wait_until_says("/readyz", "200");
        let has = |shard: &usize| worker.metric(&format!("hj212_engine_time_seconds{{shard=\"{shard}\"}}")).is_some_and(|time| !time.is_nan());
        (0..4).filter(has).collect::<Vec<usize>>()
    };
    let (before, others, epochs) = (ours(&one), ours(&two), centre.epochs());
    assert_eq!(one.stop(), Some(0));
    let one = named("one");
    one.wait_for("hj212_shards", |shards| shards == 2.0);
    assert_eq!((ours(&one), ours(&two)), (before.clone(), others));
    // Its own were opened again; of the other worker's none was, not even for a moment.
    let raised: Vec<i64> = (0..4).map(|shard| epochs[shard] + i64::from(before.contains(&shard))).collect();
    assert_eq!(centre.epochs(), raised);
    for worker in [one, two] {
        assert_eq!(worker.stop(), Some(0));
    }
}

#[test]
fn a_worker_ends_when_it_is_told_to_though_its_database_is_away() {
    let centre = Centre::new("gone", 2);
    let (worker, gateway, mut logger) = centre.begin(&city(6));
    worker.wait_until_says("/readyz", "200");
    centre.server.kill();
    assert!(logger.exchange(&minute(0)).expect("answered").contains("CN=9014"), "a gateway needs no database");
    worker.wait_until_says("/readyz", "503");
    assert_eq!(worker.stop(), Some(0));
    // What was answered is in the journal, for the next one.
    centre.server.start_again();
    let worker = centre.worker("one", &DEMO);
    worker.wait_until_says("/readyz", "200");
    assert_eq!(gateway.stop(), Some(0));
    centre.wait_until_taken();
    assert_eq!(worker.stop(), Some(0));
    expect_once(&centre.entries(), 0..1);
}
