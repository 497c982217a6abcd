//! SIGKILL of `serve`, of its database server and of Kafka under load, again and again: what was answered is in the journal once, and the means are those of an
//! undisturbed run. Slow; it stands last in the test command.

use crate::kafka::{Broker, expect_delivered};
use crate::postgres::Server;
use crate::process::{Folder, Logger, Serve, deadline, entries_of, journal, passed, published, replayed};
use crate::roles::{Centre, replayed_shards};
use crate::world::{city, mn};
use hj212d::domain::time::{MINUTE_MS, Moment};
use hj212d::engine::{Body, Entry, WriteSet};
use hj212d::message::Event;
use hj212d::pipeline::clock::ArrivalClock;
use hj212d::pipeline::replay::Replay;
use hj212d::protocol::encode::Segment;
use hj212d::registry::Files;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

const ROUNDS: u64 = 20;
pub const LOGGERS: u64 = 8;
pub const MINUTES: i64 = 24 * 60;
/// Packets of one logger without an answer at a time.
const WINDOW: usize = 8;

pub fn start() -> Moment {
    Moment::parse_rfc3339("2026-03-14T00:00:00+08:00").expect("an instant")
}

/// The packets of one logger's day, with their QNs.
pub fn packets(logger: u64) -> Vec<(String, Vec<u8>)> {
    let packet = |minute: i64| {
        let from = start().plus_ms(minute * MINUTE_MS);
        let qn = from.plus_ms(MINUTE_MS + logger as i64).wire_ms();
        let value = 60 + (minute * 7 + logger as i64 * 13) % 60;
        let area = format!("DataTime={};a21026-Avg={value}.{},a21026-Flag=N;a19001-Avg=11.{},a19001-Flag=N", from.wire(), minute % 10, minute % 7);
        let mn = mn(logger);
        let segment =
            Segment { qn: Some(&qn), st: "31", cn: "2051", pw: Some("123456"), mn: Some(&mn), flag: Some(5), area: &area, ..Segment::default() };
        (qn.clone(), segment.frame())
    };
    (0..MINUTES).map(packet).collect()
}

/// What the loggers' threads share.
pub struct Load {
    /// Where the program listens now; none while it is down.
    pub address: Mutex<Option<SocketAddr>>,
    pub answered: AtomicU64,
}

/// Sends a day, in order, with up to `WINDOW` packets unanswered; after a break everything unanswered goes out again.
pub fn send_day(logger: u64, load: &Load) -> BTreeSet<String> {
    let mut waiting: VecDeque<(String, Vec<u8>)> = packets(logger).into();
    let mut open: VecDeque<(String, Vec<u8>)> = VecDeque::new();
    let mut answered = BTreeSet::new();
    while !(waiting.is_empty() && open.is_empty()) {
        let address = *load.address.lock().expect("no panic");
        let Some(mut link) = address.and_then(|address| Logger::connect(address).ok()) else {
            std::thread::yield_now();
            continue;
        };
        let mut sent = open.iter().try_for_each(|(_, bytes)| link.send(bytes)).is_ok();
        while sent && !(waiting.is_empty() && open.is_empty()) {
            while open.len() < WINDOW && sent {
                let Some(packet) = waiting.pop_front() else { break };
                sent = link.send(&packet.1).is_ok();
                open.push_back(packet);
            }
            let Ok(answer) = link.answer() else { break };
            let qn = answer.strip_prefix("QN=").and_then(|rest| rest.get(..17)).expect("an answer has the QN").to_owned();
            open.retain(|(known, _)| *known != qn);
            answered.insert(qn);
            load.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
    answered
}

/// Every logger's day, each from a thread of its own.
fn send_days(load: &Arc<Load>) -> Vec<JoinHandle<(String, BTreeSet<String>)>> {
    let send = |logger| {
        let load = Arc::clone(load);
        std::thread::spawn(move || (mn(logger), send_day(logger, &load)))
    };
    (1..=LOGGERS).map(send).collect()
}

/// The QNs of each logger that were answered.
type Answered = BTreeMap<String, BTreeSet<String>>;

/// Every packet was answered in the end, and stands in the journal once; gives how many repeats stand there, too.
fn expect_stored_once(entries: &[Entry], answered: &Answered) -> u64 {
    let mut stored: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut repeats = 0;
    for entry in entries {
        match &entry.body {
            Body::Frame { bytes, .. } => {
                let text = String::from_utf8_lossy(bytes);
                let field = |name: &str| text.split(name).nth(1).and_then(|rest| rest.split(';').next()).unwrap_or_default().to_owned();
                *stored.entry((field("MN="), field("QN="))).or_default() += 1;
            }
            Body::Repeat { .. } => repeats += 1,
            _ => {}
        }
    }
    for (mn, qns) in answered {
        assert_eq!(qns.len() as i64, MINUTES, "{mn}");
        for qn in qns {
            assert_eq!(stored.get(&(mn.clone(), qn.clone())), Some(&1), "{mn} {qn}");
        }
    }
    assert_eq!(stored.len() as u64, LOGGERS * MINUTES as u64);
    repeats
}

/// The newest means of each outlet and period.
pub fn newest<'e>(events: impl Iterator<Item = &'e Event>) -> BTreeMap<(String, String, String), String> {
    let mut newest: BTreeMap<_, (u64, String)> = BTreeMap::new();
    for event in events.filter(|event| event.kind.starts_with("hj212.mean")) {
        let text = |name: &str| event.data[name].as_str().unwrap_or_default().to_owned();
        let revision = event.data["revision"].as_u64().unwrap_or_default();
        let place = newest.entry((text("outlet"), text("span"), text("start"))).or_default();
        if revision > place.0 {
            *place = (revision, event.data["means"].to_string());
        }
    }
    newest.into_iter().map(|(key, (_, means))| (key, means)).collect()
}

/// Names the database server.
const DATABASE: &str = "HJ212D_DATA__DATABASE";

/// A data folder and a register.
struct House {
    folder: Folder,
    files: Files,
    rows: PathBuf,
    /// When the first run began: the clock of the demonstration goes on from there.
    origin: String,
    /// What else the program is told: where its database and its brokers are.
    environment: Vec<(&'static str, String)>,
}

impl House {
    fn new(environment: Vec<(&'static str, String)>) -> Self {
        let (folder, files) = (Folder::new(), city(LOGGERS));
        let rows = folder.registry(&files);
        Self { folder, files, rows, origin: ArrivalClock::wall().now().to_string(), environment }
    }

    fn data(&self) -> PathBuf {
        self.folder.0.join("data")
    }

    fn environment(&self) -> Vec<(&'static str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    fn serve(&self) -> Serve {
        let demo = ["--demo-time-scale", "60", "--demo-start", "2026-03-16", "--demo-origin", &self.origin];
        Serve::start(&self.data(), &self.rows, &demo, &self.environment())
    }

    fn entries(&self) -> Vec<Entry> {
        match self.environment.iter().find(|(name, _)| *name == DATABASE) {
            None => journal(&self.data()),
            Some((_, url)) => entries_of(&url.parse().expect("an address")),
        }
    }
}

/// The events of a run that nobody disturbs.
fn calm(files: &Files) -> Vec<Event> {
    let mut calm: Vec<Event> = Vec::new();
    let mut take = |writes: &WriteSet| calm.extend(writes.events.iter().cloned());
    let mut replay = Replay::new(1000, false);
    let arrival = start().plus_ms(2 * 24 * 60 * MINUTE_MS);
    replay.entry(arrival, Body::RegistryVersion { files: files.clone() }, &mut take);
    for (number, (_, bytes)) in (1..=LOGGERS).flat_map(packets).enumerate() {
        replay.packet(arrival.plus_ms(number as i64), &bytes, &mut take);
    }
    replay.entry(arrival.plus_ms(60 * MINUTE_MS), Body::Tick {}, &mut take);
    replay.flush(&mut take);
    calm
}

/// Sends every logger's day, and strikes in so many rounds, each at a number of answers; what is in flight then is as chance has
/// it. `strike` gives the program back if it still runs; `out` the events that left the house, by topic.
fn expect_unharmed(
    house: &House,
    rounds: u64,
    mut strike: impl FnMut(u64, Serve) -> Option<Serve>,
    out: impl FnOnce(&House) -> BTreeMap<String, Vec<Event>>,
) {
    let load = Arc::new(Load { address: Mutex::new(None), answered: AtomicU64::new(0) });
    let senders = send_days(&load);
    let total = LOGGERS * MINUTES as u64;
    let share = total / (rounds + 1);
    let mut running: Option<Serve> = None;
    for round in 0..rounds {
        let serve = running.take().unwrap_or_else(|| house.serve());
        *load.address.lock().expect("no panic") = Some(serve.address);
        let until = (round + 1) * share - (round * 7919) % (share / 2);
        let (mut said, patience) = (Vec::new(), deadline());
        while load.answered.load(Ordering::Relaxed) < until {
            said.extend(serve.lines());
            assert!(!passed(patience), "round {round}: fewer than {until} answers; the program said:\n{}", said.join("\n"));
            std::thread::yield_now();
        }
        let address = serve.address;
        running = strike(round, serve);
        if running.is_none() {
            load.address.lock().expect("no panic").take_if(|known| *known == address);
        }
    }
    let serve = running.take().unwrap_or_else(|| house.serve());
    *load.address.lock().expect("no panic") = Some(serve.address);
    let answered: Answered = senders.into_iter().map(|sender| sender.join().expect("the sender ends")).collect();
    // Registered outlets have today, and yesterday until it is confirmed, always: what is waited for is what came late, what it asks
    // for again, and that no other day stays; one outlet of the register has no logger here.
    serve.wait_for("hj212_reopened_books", |days| days == 0.0);
    serve.wait_for("hj212_recounts_left", |days| days == 0.0);
    serve.wait_for("hj212_resident_books", |days| days <= 2.0 * (LOGGERS + 1) as f64);
    serve.wait_for("hj212_outbox_rows", |rows| rows == 0.0);
    assert_eq!(serve.stop(), Some(0));

    let repeats = expect_stored_once(&house.entries(), &answered);
    // The means are those of a run that nobody disturbed.
    let calm = calm(&house.files);
    let out = out(house);
    let (disturbed, undisturbed) = (newest(out.values().flatten()), newest(calm.iter()));
    assert_eq!(undisturbed.len() as u64, LOGGERS * 25, "24 hours and a day for each outlet");
    assert_eq!(disturbed, undisturbed, "after {rounds} strikes and {repeats} repeats");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_hj212d"));
    verify.arg("verify").arg("--data").arg(house.data()).envs(house.environment());
    assert!(verify.status().expect("it runs").success(), "the chains are whole");
}

#[test]
fn twenty_kills_lose_nothing_answered_and_double_nothing() {
    let strike = |_, serve: Serve| {
        serve.kill();
        None
    };
    expect_unharmed(&House::new(Vec::new()), ROUNDS, strike, |house| published(&house.data()));
}

#[test]
fn twenty_kills_of_the_program_and_its_database_server_lose_nothing_answered_and_double_nothing() {
    let server = Server::start();
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(server.database("killed"));
    let house = House::new(vec![(DATABASE, server.address("killed"))]);
    let strike = |round, serve: Serve| {
        if round % 2 == 0 {
            serve.kill();
            return None;
        }
        server.kill();
        // The loggers wait, and whoever asks is told.
        serve.wait_until_says("/readyz", "503");
        server.start_again();
        serve.wait_until_says("/readyz", "200");
        Some(serve)
    };
    expect_unharmed(&house, ROUNDS, strike, |house| published(&house.data()));
}

#[test]
fn kills_of_the_program_and_of_kafka_lose_nothing_and_every_event_arrives_once_for_whoever_drops_repeats() {
    let broker = RefCell::new(Broker::start());
    let house = House::new(broker.borrow().environment().to_vec());
    let strike = |round, serve: Serve| {
        if round % 2 == 0 {
            serve.kill();
            return None;
        }
        // Loggers are answered as before; what should leave waits.
        broker.borrow_mut().kill();
        broker.borrow_mut().start_again();
        Some(serve)
    };
    // A broker needs some seconds to look after an end that was not its own: six rounds here, as many as the variable says elsewhere.
    let rounds = std::env::var("HJ212_TEST_KAFKA_ROUNDS").map_or(6, |text| text.parse().expect("HJ212_TEST_KAFKA_ROUNDS is a number"));
    expect_unharmed(&house, rounds, strike, |house| {
        let expected = replayed(&house.entries());
        expect_delivered(&broker.borrow(), &expected);
        expected
    });
}

#[test]
fn kills_of_worker_gateway_database_and_kafka_lose_nothing_and_every_referral_arrives_once_in_order() {
    const SHARDS: u32 = 4;
    let centre = RefCell::new(Centre::new("roles", SHARDS));
    let origin = ArrivalClock::wall().now().to_string();
    let demo = ["--demo-time-scale", "60", "--demo-start", "2026-03-16", "--demo-origin", &origin];
    let files = city(LOGGERS);
    let first = centre.borrow().first_worker(&files, &demo);
    let mut workers = [Some(first), Some(centre.borrow().worker("two", &demo))];
    let mut gateways = ["g1", "g2"].map(|name| Some(centre.borrow().gateway(name, &demo).listens()));
    let load = Arc::new(Load { address: Mutex::new(None), answered: AtomicU64::new(0) });
    let senders = send_days(&load);
    let address_of = |gateways: &[Option<Serve>; 2], turn: u64| gateways[turn as usize % 2].as_ref().map(|gateway| gateway.address);
    // Four kinds of strikes: one of each here, as many as the variable says elsewhere.
    let rounds: u64 = std::env::var("HJ212_TEST_KAFKA_ROUNDS").map_or(4, |text| text.parse().expect("HJ212_TEST_KAFKA_ROUNDS is a number"));
    let total = LOGGERS * MINUTES as u64;
    let share = total / (rounds + 1);
    for round in 0..rounds {
        *load.address.lock().expect("no panic") = address_of(&gateways, round);
        let (until, patience) = ((round + 1) * share - (round * 7919) % (share / 2), deadline());
        while load.answered.load(Ordering::Relaxed) < until {
            assert!(!passed(patience), "round {round}: fewer than {until} answers");
            std::thread::yield_now();
        }
        let who = (round / 4) as usize % 2;
        match round % 4 {
            0 => {
                workers[who].take().expect("it runs").kill();
                workers[who] = Some(centre.borrow().worker(["one", "two"][who], &demo));
            }
            1 => {
                // The one that the loggers hold.
                let place = round as usize % 2;
                gateways[place].take().expect("it runs").kill();
                *load.address.lock().expect("no panic") = address_of(&gateways, round + 1);
                gateways[place] = Some(centre.borrow().gateway(["g1", "g2"][place], &demo).listens());
            }
            2 => {
                centre.borrow().server.kill();
                centre.borrow().server.start_again();
            }
            _ => {
                centre.borrow_mut().broker.kill();
                centre.borrow_mut().broker.start_again();
            }
        }
    }
    *load.address.lock().expect("no panic") = address_of(&gateways, rounds);
    let answered: Answered = senders.into_iter().map(|sender| sender.join().expect("the sender ends")).collect();
    let centre = centre.into_inner();
    centre.wait_for_rows("SELECT count(*) FROM reopened", 0);
    centre.wait_for_rows("SELECT count(*) FROM recounts", 0);
    // Delivered rows go with the next commit: while ticks come there is one.
    centre.wait_for_rows("SELECT count(*) FROM outbox", 0);
    gateways.into_iter().flatten().for_each(|gateway| assert_eq!(gateway.stop(), Some(0)));
    centre.wait_until_taken();
    workers.into_iter().flatten().for_each(|worker| assert_eq!(worker.stop(), Some(0)));

    expect_stored_once(&centre.entries(), &answered);
    let expected = replayed_shards(&centre);
    assert!(expected["hj212.referrals.v1"].iter().any(|event| event.kind == "hj212.referral.opened"));
    expect_delivered(&centre.broker, &expected);
    assert_eq!(newest(expected.values().flatten()), newest(calm(&files).iter()), "after {rounds} strikes");
    let said = centre.command(&["verify"], "one");
    assert!(said.contains("the journal is as it was written"), "{said}");
}
