//! What the rules cost: an engine alone, ten factors an outlet, a record in ten minutes, values that move.
//! `cargo bench --bench rules` compares all rules with none over a day of 1,000 outlets and three hours of 10,000, and three hours of
//! 1,000, 10,000 and 100,000 outlets with each other.

use hj212d::domain::OutletDay;
use hj212d::domain::time::{HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{Grade, RuleId, RuleSet, RuleSetting, Source};
use hj212d::engine::{Body, DayRow, Engine, Entry, Pasts, Recalled, Snapshot, Want};
use hj212d::protocol::encode::Segment;
use hj212d::registry::Files;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const FACTORS: [(&str, u64, u64); 10] = [
    ("a34013", 800, 300),
    ("a21026", 3000, 900),
    ("a21002", 9000, 2000),
    ("a21024", 1500, 400),
    ("a21005", 2000, 700),
    ("a19001", 900, 150),
    ("a01011", 1500, 200),
    ("a01012", 14000, 600),
    ("a01014", 1200, 200),
    ("a00000", 30000, 3000),
];
const BATCH: usize = 500;

fn registry(outlets: usize, interval_min: i64) -> Files {
    let mut rows: BTreeMap<String, String> = BTreeMap::from([
        ("sites.csv".to_owned(), "site,name,name_en,industry,region,valid_from,valid_to\nS1,Site,Site,,,2020-01-01,\n".to_owned()),
        ("outlets.csv".to_owned(), "outlet,site,name,name_en,medium,trade,stamp_label,minute_interval_min,real_interval_secs,ref_o2_pct,oxygen_factor,oxidant_o2_pct,low_confidence_counts,valid_from,valid_to,expects\n".to_owned()),
        ("loggers.csv".to_owned(), "mn,site,password,crc,edition,sm4_keys,role,valid_from,valid_to\n".to_owned()),
        ("series.csv".to_owned(), "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,valid_from,valid_to\n".to_owned()),
        ("limits.csv".to_owned(), "outlet,factor,limit_type,limit,unit,basis,ref_o2_pct,converted,standard,source,grade,note,valid_from,valid_to\n".to_owned()),
    ]);
    let mut add = |file: &str, line: String| rows.get_mut(file).expect("one of the five").push_str(&line);
    for number in 0..outlets {
        add("outlets.csv", format!("O{number},S1,{number},,gas,,start,{interval_min},30,11,a19001,21,no,2020-01-01,,2051;2061\n"));
        add("loggers.csv", format!("{number:024X},S1,123456,standard,2017,,main,2020-01-01,\n"));
        for (factor, ..) in FACTORS {
            let range = if factor == "a00000" { "1000" } else { "400" };
            add("series.csv", format!("O{number},{factor},{number:024X},31,,mg/m3,,{range},drift,2020-01-01,\n"));
        }
        for (factor, limit) in [("a21026", 80), ("a21002", 250), ("a34013", 20), ("a21024", 50), ("a21005", 80)] {
            for (basis, times) in [("day", 1), ("hour", 2)] {
                add("limits.csv", format!("O{number},{factor},max,{},mg/m3,{basis},11,yes,standard {basis},source,D,,2020-01-01,\n", limit * times));
            }
        }
    }
    Files(rows)
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ (value >> 27)
}

fn packet(cn: &str, logger: usize, from: Moment, length_ms: i64) -> Vec<u8> {
    let (qn, mn) = (from.plus_ms(length_ms + 1000).wire_ms(), format!("{logger:024X}"));
    let factor = |(at, (code, base, swing)): (usize, (&str, u64, u64))| {
        let value = base + mix(logger as u64 * 31 + from.0 as u64 / 60_000 + at as u64 * 977) % swing;
        let text = |value: u64| format!("{}.{:02}", value / 100, value % 100);
        format!(";{code}-Min={},{code}-Avg={},{code}-Max={},{code}-Flag=N", text(value - 5), text(value), text(value + 7))
    };
    let area = format!("DataTime={}{}", from.wire(), FACTORS.into_iter().enumerate().map(factor).collect::<String>());
    let segment = Segment { qn: Some(&qn), st: "31", cn, pw: Some("123456"), mn: Some(&mn), flag: Some(5), area: &area, ..Segment::default() };
    let mut bytes = segment.frame();
    bytes.truncate(bytes.len() - 2);
    bytes
}

fn none() -> RuleSet {
    let setting = RuleSetting {
        rule: RuleId::new("*").expect("short"),
        trade: None,
        outlet: None,
        factor: None,
        runs: Some(false),
        figures: BTreeMap::new(),
        source: Source { text: "a bench".to_owned(), grade: Grade::D },
    };
    RuleSet { rules: vec![setting], ..RuleSet::default() }
}

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

fn frame(bytes: Vec<u8>) -> Body {
    Body::Frame { bytes, peer: "192.0.2.1:4000".to_owned(), gateway: "bench".to_owned(), connection: 1 }
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
