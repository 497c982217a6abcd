//! What the rules cost: an engine alone, ten factors an outlet, a record in ten minutes, values that move.
//! `cargo bench --bench rules` compares all rules with none over a day of 1,000 outlets and three hours of 10,000, and three hours of
//! 1,000, 10,000 and 100,000 outlets with each other.

#[path = "parts/city.rs"]
mod city;

use city::{FACTORS, frame, none, packet, registry};
use hj212d::domain::time::{HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{OutletDay, RuleSet};
use hj212d::engine::{Body, DayRow, Engine, Entry, Pasts, Recalled, Snapshot, Want};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const BATCH: usize = 500;

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// An engine, and what it may ask for back: rows of the last days and profiles, without packets.
struct Driver {
    engine: Engine,
    sequence: u64,
    rows: BTreeMap<OutletDay, DayRow>,
    pasts: Pasts,
    keeps: bool,
    findings: usize,
}

impl Driver {
    fn new(keeps: bool) -> Self {
        let engine = Engine::new(Snapshot::default(), false);
        Self { engine, sequence: 0, rows: BTreeMap::new(), pasts: Pasts::default(), keeps, findings: 0 }
    }

    /// Takes entries of one instant; gives the time that the engine took.
    #[allow(clippy::disallowed_methods)] // A bench measures.
    fn step(&mut self, at: Moment, bodies: Vec<Body>) -> Duration {
        let first = self.sequence + 1;
        let entries: Vec<Entry> = (first..).zip(bodies).map(|(sequence, body)| Entry { sequence, at, body }).collect();
        self.sequence += entries.len() as u64;
        let (mut rest, mut recalled, mut spent) = (&entries[..], Vec::new(), Duration::ZERO);
        while !rest.is_empty() {
            let began = Instant::now();
            let step = self.engine.step(rest, std::mem::take(&mut recalled));
            spent += began.elapsed();
            self.findings += step.writes.findings.len();
            if self.keeps {
                self.pasts.put(&step.writes);
                self.rows.extend(step.writes.days);
                self.rows.retain(|key, _| key.day.0 + 3 > at.day().0);
            }
            rest = &rest[step.taken..];
            recalled = step.wants.iter().map(|want| self.recall(want)).collect();
        }
        spent
    }

    fn recall(&self, want: &Want) -> Recalled {
        let row = self.rows.get(&want.key).filter(|_| want.row).cloned();
        let past = want.past.map(|days| self.pasts.past(want.key, days));
        Recalled { key: want.key, row, before: None, frames: want.frames.then(Vec::new), past }
    }
}

/// The bench's first day.
fn start() -> Moment {
    Moment::parse_rfc3339("2026-03-14T00:00:00+08:00").expect("an instant")
}

/// Microseconds of the engine a packet, and resident bytes a series at the end.
fn run(outlets: usize, hours: i64, rules: &RuleSet) -> (f64, f64, usize) {
    let before = resident_kib();
    let (mut driver, mut spent) = (Driver::new(hours > 24), Duration::ZERO);
    driver.step(start(), vec![Body::RegistryVersion { files: registry(outlets, 10) }, Body::RuleSetVersion { text: rules.text() }]);
    for ten in 1..=hours * 6 {
        let now = start().plus_ms(ten * 10 * MINUTE_MS);
        for first in (0..outlets).step_by(BATCH) {
            let loggers = first..(first + BATCH).min(outlets);
            let packets = loggers.map(|logger| frame(packet("2051", logger, now.plus_ms(-10 * MINUTE_MS), 10 * MINUTE_MS)));
            spent += driver.step(now.plus_ms(1000), packets.collect());
        }
        // Time goes on second by second, as it does where the hours of a city close one after the other.
        for second in 2..25 {
            spent += driver.step(now.plus_ms(second * 1000), vec![Body::Tick {}]);
        }
    }
    let end = start().plus_ms(hours * HOUR_MS + if hours > 23 { 30 } else { 10 } * MINUTE_MS);
    for second in -1200..25 {
        spent += driver.step(end.plus_ms(second * 1000), vec![Body::Tick {}]);
    }
    let bytes = (resident_kib().saturating_sub(before)) as f64 * 1024.0 / (outlets * FACTORS.len()) as f64;
    let packets = outlets as f64 * (hours * 6) as f64;
    (spent.as_secs_f64() * 1e6 / packets, bytes, driver.findings)
}

/// What confirming a day costs: microseconds of the engine an outlet, by the days that lie behind it, with all rules or with none, and the
/// bytes of a day's profile. Hour records until the last day, five-minute records on it.
fn confirm(outlets: usize, days_before: i64, rules: &RuleSet) -> (f64, usize, usize) {
    let mut driver = Driver::new(true);
    driver.step(start(), vec![Body::RegistryVersion { files: registry(outlets, 5) }, Body::RuleSetVersion { text: rules.text() }]);
    let records = |cn: &str, now: Moment, length_ms: i64| -> Vec<Body> {
        (0..outlets).map(|logger| frame(packet(cn, logger, now.plus_ms(-length_ms), length_ms))).collect()
    };
    for hour in 1..=days_before * 24 {
        let now = start().plus_ms(hour * HOUR_MS);
        driver.step(now.plus_ms(1000), records("2061", now, HOUR_MS));
    }
    let last = start().plus_ms(days_before * 24 * HOUR_MS);
    for five in 1..=24 * 12 {
        let now = last.plus_ms(five * 5 * MINUTE_MS);
        driver.step(now.plus_ms(1000), records("2051", now, 5 * MINUTE_MS));
    }
    // The next morning: what was published at half past midnight is confirmed at one o'clock.
    let morning = last.plus_ms(24 * HOUR_MS);
    for minute in 1..13 * 60 {
        driver.step(morning.plus_ms(minute * MINUTE_MS), vec![Body::Tick {}]);
    }
    let spent = driver.step(morning.plus_ms(13 * HOUR_MS + 25_000), vec![Body::Tick {}]);
    let profile = driver.pasts.profiles.values().next_back().map_or(0, |profile| postcard::to_allocvec(profile).map_or(0, |bytes| bytes.len()));
    (spent.as_secs_f64() * 1e6 / outlets as f64, profile, driver.findings)
}

/// One run in a process of its own, so that its memory is its own: outlets, hours, whether rules run.
fn apart(outlets: usize, hours: i64, rules: bool) -> (f64, f64, usize) {
    let program = std::env::current_exe().expect("this program");
    let run = std::process::Command::new(program).args(["--one", &outlets.to_string(), &hours.to_string(), &rules.to_string()]).output();
    let said = String::from_utf8(run.expect("it runs").stdout).expect("UTF-8");
    let mut words = said.split_whitespace();
    let mut number = || words.next().and_then(|word| word.parse::<f64>().ok()).expect("three numbers");
    (number(), number(), number() as usize)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--one") {
        let rules = if arguments[at + 3] == "true" { RuleSet::default() } else { none() };
        let (micros, bytes, findings) = run(arguments[at + 1].parse().expect("outlets"), arguments[at + 2].parse().expect("hours"), &rules);
        return println!("{micros} {bytes} {findings}");
    }
    if arguments.iter().any(|argument| argument == "--confirm") {
        println!("a day is confirmed, ten factors, five-minute records; microseconds of the engine an outlet:");
        for (outlets, days) in [(200, 0), (200, 7), (60, 30), (30, 90)] {
            let ((off, ..), (on, bytes, findings)) = (confirm(outlets, days, &none()), confirm(outlets, days, &RuleSet::default()));
            println!("{days:>3} days before it: {off:.0} without rules, {on:.0} with all; a profile of {bytes} bytes, {findings} findings stated");
        }
        return;
    }
    for (outlets, hours, what) in [(1_000, 24, "a day, published,"), (10_000, 3, "three hours")] {
        println!("{what} of {outlets} outlets, ten factors, six packets an hour:");
        let (off, bytes_off, _) = apart(outlets, hours, false);
        let (on, bytes, findings) = apart(outlets, hours, true);
        println!("no rules: {off:.2} us a packet, {bytes_off:.0} bytes a series");
        println!("all rules: {on:.2} us a packet, {:.2} times as much, {bytes:.0} bytes a series; {findings} findings stated", on / off);
    }
    println!("three hours, all rules:");
    let mut first = None;
    for outlets in [1_000, 10_000, 100_000] {
        let (micros, bytes, _) = apart(outlets, 3, true);
        let first = *first.get_or_insert(micros);
        println!("{outlets:>7} outlets: {micros:.2} us a packet, {:.2} times the first; {bytes:.0} bytes a series", micros / first);
    }
}
