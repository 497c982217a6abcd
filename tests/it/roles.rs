//! Gateways and workers, real processes over a real Kafka and a real PostgreSQL: the same means as `serve`, whoever dies, and one chain for
//! each logger, whoever holds it.

use crate::kafka::Broker;
use crate::kafka::Seen;
use crate::postgres::Server;
use crate::postgres::recorded;
use crate::process::{Folder, Logger, Serve, minute};
use crate::world::city;
use hj212d::broker::{Cluster, Login};
use hj212d::domain::time::Moment;
use hj212d::domain::{Mn, Shard};
use hj212d::engine::{Body, WriteSet};
use hj212d::message::Event;
use hj212d::pipeline::replay::Replay;
use hj212d::pipeline::routing::{Route, route};
use hj212d::protocol::{frame, peek};
use hj212d::registry::Registry;
use hj212d::store::{JournalWriter, Record};
use serde_json::Value;
use sqlx::Connection;
use std::collections::BTreeMap;
use std::process::Command;

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
        let server = Server::start();
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(server.database(database));
        Self { server, broker: Broker::start(), folder: Folder::new(), database, partitions }
    }

    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = self.broker.environment().to_vec();
        environment.extend([
            ("HJ212D_DATA__DATABASE", self.server.address(self.database)),
            ("HJ212D_KAFKA__ALLOW_SINGLE_BROKER", "true".to_owned()),
            ("HJ212D_KAFKA__JOURNAL_PARTITIONS", self.partitions.to_string()),
        ]);
        environment
    }

    pub fn worker(&self, name: &str, extra: &[&str]) -> Serve {
        let environment = self.environment();
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Serve::worker(&self.folder.0.join(name), extra, &environment)
    }

    pub fn gateway(&self, name: &str, extra: &[&str]) -> Serve {
        let mut environment = self.environment();
        environment.push(("HJ212D_GATEWAY__NAME", name.to_owned()));
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Serve::gateway(extra, &environment)
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
    let rows = centre.folder.registry(&city(6));
    let worker = centre.worker("one", &[&["--registry", rows.to_str().expect("UTF-8")][..], &DEMO].concat());
    let gateway = centre.gateway("g1", &DEMO).listens();
    gateway.wait_until_says("/readyz", "200");
    worker.wait_until_says("/readyz", "200");
    let mut logger = Logger::connect(gateway.address).expect("connected");
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
    let all = || (0..shards).filter_map(|number| Shard::new(number, shards));
    match (route(body, admitted, registry, shards), body) {
        (Route::One(shard, key), _) => vec![of(shard, key, body)],
        (Route::All, Body::RegistryVersion { files }) => {
            all().map(|shard| of(shard.number(), String::new(), &Body::RegistryVersion { files: files.cut(shard) })).collect()
        }
        (Route::All, _) => all().map(|shard| of(shard.number(), String::new(), body)).collect(),
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
        let mut gateways = [(); 2].map(|()| JournalWriter::new(cluster.clone(), std::sync::Arc::default()));
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
        let seen = centre.broker.read(topic, |seen| crate::kafka::events(seen) >= count);
        for record in crate::kafka::without_repeats(&seen) {
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
