//! A day closes: its last hour, the provisional day, the confirmed one; meanwhile loggers send and wait for answers.
//! `cargo bench --bench day_close -- --outlets 100000 --spread 1400` (ten factors each, all rules; the preparation takes half an hour).
//! With `--folder DIR` the prepared day is kept there, or was kept there by an earlier run.
//!
//! The day is stored through engine and store as `serve` would, without rules and without sync. Then `serve` begins a minute before
//! the last hour closes, on both processors, and a hundred loggers beside it send as many packets as such a fleet does by the minute.
//! The deadlines are set so close to each other that the night is over within an hour.

#[path = "parts/city.rs"]
mod city;
#[path = "parts/server.rs"]
mod server;

use city::{frame, none, packet, registry};
use hj212d::domain::RuleSet;
use hj212d::domain::time::{HOUR_MS, MINUTE_MS, Moment};
use hj212d::engine::{Body, Engine, Entry, Recalled, Snapshot, Want, WriteSet};
use hj212d::store::Store;
use server::{Server, live, say};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

const BATCH: usize = 500;
/// Loggers that talk while the day closes.
const LIVE: usize = 100;

/// The day that closes.
fn day() -> Moment {
    Moment::parse_rfc3339("2026-03-14T00:00:00+08:00").expect("an instant")
}

/// Minutes after midnight: `serve` begins, the last hour closes, the day is published. The same spread lies over closing and publishing: each
/// outlet's day is published two minutes after its last hour is closed.
const BEGIN: u32 = 9;
const CLOSE: u32 = 10;
const PUBLISH: u32 = 12;
/// Seconds over which confirming is spread.
const CONFIRM_SPREAD: u32 = 1200;

/// The minute after midnight in which the first day is confirmed, when all are published.
fn confirm(spread: u32) -> u32 {
    PUBLISH + spread / 60 + 1
}

fn deadlines(mut rules: RuleSet, spread: u32) -> RuleSet {
    rules.hour_provisional_after_min.value = CLOSE;
    rules.day_provisional_after_min.value = PUBLISH;
    rules.day_confirmed_after_min.value = confirm(spread);
    (rules.spread_secs.value, rules.confirm_spread_secs.value) = (spread, CONFIRM_SPREAD);
    // The fleet sends once an hour; that it says nothing in between is no silence.
    rules.silence_min.value = 150;
    rules
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |word: &str| arguments.iter().skip_while(|known| *known != word).nth(1).cloned();
    let outlets = after("--outlets").map_or(10_000, |outlets| outlets.parse().expect("a number"));
    let spread = after("--spread").map_or(600, |secs| secs.parse().expect("seconds"));
    if let Some(folder) = after("--prepare") {
        return prepare(Path::new(&folder), outlets, spread);
    }
    let kept = after("--folder").map(PathBuf::from);
    let folder = kept.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("hj212d-day-close-{}", std::process::id())));
    std::fs::create_dir_all(&folder).expect("a folder");
    if !folder.join("hj212d.sqlite").exists() {
        // In a process of its own: its memory is not that of the bench.
        let own = std::env::current_exe().expect("this program");
        let prepared =
            Command::new(own).args(["--outlets", &outlets.to_string(), "--spread", &spread.to_string(), "--prepare"]).arg(&folder).status();
        assert!(prepared.is_ok_and(|status| status.success()), "the day is stored");
    }
    close(&folder, outlets, spread);
    if kept.is_none() {
        let _ = std::fs::remove_dir_all(&folder);
    }
}

/// What the store's thread is asked for.
enum Job {
    Commit(Vec<Entry>, Box<WriteSet>),
    Recall(Vec<Want>, mpsc::Sender<Vec<Recalled>>),
    Seal(Moment),
}

/// An engine, and the store in a thread beside it.
struct House {
    engine: Engine,
    sequence: u64,
    jobs: mpsc::SyncSender<Job>,
}

impl House {
    fn step(&mut self, at: Moment, bodies: Vec<Body>) {
        let mut entries: Vec<Entry> = (self.sequence + 1..).zip(bodies).map(|(sequence, body)| Entry { sequence, at, body }).collect();
        self.sequence += entries.len() as u64;
        let mut recalled = Vec::new();
        while !entries.is_empty() {
            let mut step = self.engine.step(&entries, std::mem::take(&mut recalled));
            // A day's row is written whole: only the last one counts.
            if at < day().plus_ms(23 * HOUR_MS) {
                step.writes.days.clear();
            }
            let rest = entries.split_off(step.taken);
            self.jobs.send(Job::Commit(entries, Box::new(step.writes))).expect("the store goes on");
            entries = rest;
            if !step.wants.is_empty() {
                let (sender, receiver) = mpsc::channel();
                self.jobs.send(Job::Recall(step.wants, sender)).expect("the store goes on");
                recalled = receiver.recv().expect("the store goes on");
            }
        }
    }
}

/// The day until a minute before its last hour closes.
#[allow(clippy::disallowed_methods)] // A bench measures.
fn prepare(folder: &Path, outlets: usize, spread: u32) {
    let (jobs, todo) = mpsc::sync_channel::<Job>(4);
    let data = folder.join("hj212d.sqlite");
    let store = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut store = Store::open(&data, false).await.expect("a database");
            for job in todo {
                match job {
                    Job::Commit(entries, writes) => drop(store.commit(&entries, &writes, Vec::new(), i64::MAX).await.expect("committed")),
                    Job::Recall(wants, reply) => reply.send(store.recall(&wants).await.expect("recalled")).expect("the engine waits"),
                    Job::Seal(until) => drop(store.seal_hour(until).await.expect("sealed")),
                }
            }
        });
    });
    let began = Instant::now();
    let mut house = House { engine: Engine::new(Snapshot::default(), false), sequence: 0, jobs };
    let quiet = deadlines(none(), spread);
    house.step(day(), vec![Body::RegistryVersion { files: registry(outlets, 1) }, Body::RuleSetVersion { text: quiet.text() }]);
    for hour in 1..=24 {
        let now = day().plus_ms(hour * HOUR_MS);
        for first in (0..outlets).step_by(BATCH) {
            let loggers = first..(first + BATCH).min(outlets);
            let packets = loggers.map(|logger| frame(packet("2061", logger, now.plus_ms(-HOUR_MS), HOUR_MS)));
            house.step(now.plus_ms(1000), packets.collect());
        }
        // Time goes on second by second while the hour's outlets close.
        let seconds = if hour < 24 { i64::from(CLOSE) * 60..i64::from(CLOSE * 60 + spread) + 2 } else { 0..0 };
        for second in seconds {
            house.step(now.plus_ms(second * 1000), vec![Body::Tick {}]);
        }
        house.jobs.send(Job::Seal(now)).expect("the store goes on");
        eprintln!("hour {hour} of 24 stored after {:.0} s", began.elapsed().as_secs_f64());
    }
    let ready = day().plus_ms(24 * HOUR_MS + i64::from(BEGIN) * MINUTE_MS - 1000);
    house.step(ready, vec![Body::RuleSetVersion { text: deadlines(RuleSet::default(), spread).text() }]);
    drop(house);
    store.join().expect("the store ends well");
}

/// `serve`, and what it costs minute by minute.
#[allow(clippy::disallowed_methods)] // A bench measures.
fn close(folder: &Path, outlets: usize, spread: u32) {
    let data = folder.display().to_string();
    let size = std::fs::metadata(folder.join("hj212d.sqlite")).map_or(0, |file| file.len());
    println!("{outlets} outlets: a day of hour records of ten factors is {:.1} GB of database", size as f64 / 1e9);
    let began = Instant::now();
    let start = day().plus_ms(24 * HOUR_MS + i64::from(BEGIN) * MINUTE_MS).to_string();
    let serve = Server::role("0,1", &start, &["serve", "--data", &data], &[], "listening for data loggers");
    println!("ready {:.1} s after its start, resident {:.0} MB", began.elapsed().as_secs_f64(), serve.resident() as f64 / 1e6);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // The fleet by the minute: so long between two packets of one of the hundred.
    let pause = Duration::from_secs_f64(60.0 * LIVE as f64 / outlets as f64);
    let mut peak = 0;
    for minute in BEGIN..=confirm(spread) + CONFIRM_SPREAD / 60 {
        let (cpu, began) = (serve.cpu(), Instant::now());
        let waits = runtime.block_on(live(serve.address, Duration::from_secs(60), pause, by_the_minute));
        peak = peak.max(serve.resident());
        let what = match minute {
            ..CLOSE => "before",
            _ if minute < confirm(spread) => "hours close, days are published",
            _ => "days are confirmed",
        };
        // Where answers are late the minute lasts until they are there.
        let share = (serve.cpu() - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
        say(&format!("00:{minute:02} {what}, {:.1} s of CPU a minute, {:.0} MB", share * 60.0, serve.resident() as f64 / 1e6), waits);
    }
    println!("resident at most {:.0} MB", peak as f64 / 1e6);
}

/// The record of the minute before, under another QN each time: no repeat, and no memory.
#[allow(clippy::disallowed_methods)] // A bench measures.
fn by_the_minute(logger: usize, count: u64) -> Vec<u8> {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let minute = i64::from(BEGIN) - 1 + BEGAN.get_or_init(Instant::now).elapsed().as_secs() as i64 / 60;
    let from = day().plus_ms(24 * HOUR_MS + minute * MINUTE_MS + count as i64 % 1000);
    let mut bytes = packet("2051", logger, from, MINUTE_MS);
    bytes.extend_from_slice(b"\r\n");
    bytes
}
