//! A restart in the middle changes nothing that comes later: an engine that begins from what was written goes on as the one that
//! wrote it. Also: rule sets that move deadlines, and registers that change between a packet and its hour's end.

use crate::postgres::in_step;
use crate::world::{MN, OUTLET, SO2_DAY_80, at, city, frame_body, packet, registry};
use hj212d::domain::time::{Day, HOUR_MS, MINUTE_MS, Moment};
use hj212d::domain::{Mn, OutletDay, OutletId, RuleSet, Span, Status};
use hj212d::engine::{Body, DayRow, Engine, Entry, Pasts, Recalled, Recount, Reopened, Snapshot, StoredFrame, WriteSet};
use hj212d::message::{Event, Publication};
use hj212d::registry::{Files, peer_hash};
use std::collections::BTreeMap;

/// What a store would hold of the run.
#[derive(Default)]
struct Held {
    snapshot: Snapshot,
    days: BTreeMap<OutletDay, DayRow>,
    pasts: Pasts,
    frames: Vec<(Mn, StoredFrame)>,
    events: Vec<Event>,
    publications: Vec<Publication>,
    /// Restarts between two parts of an entry.
    breaks: usize,
}

impl Held {
    fn take(&mut self, entries: &[Entry], writes: &WriteSet) {
        for entry in entries {
            match &entry.body {
                Body::Frame { bytes, peer, gateway, .. } => {
                    let mn = Mn::new(MN).expect("short");
                    let peer = peer_hash(peer);
                    self.frames.push((mn, StoredFrame { mn, sequence: entry.sequence, at: entry.at, bytes: bytes.clone(), peer, chain: [0; 32] }));
                    self.snapshot.heard.insert(mn, (entry.at, gateway.clone()));
                }
                Body::Tick {} => self.snapshot.last_tick = Some(entry.at),
                Body::Survey(_) => self.snapshot.surveyed = entry.at,
                Body::RegistryVersion { files } => self.snapshot.registry = Some(files.clone()),
                Body::RuleSetVersion { text } => self.snapshot.rule_sets.push((entry.at, text.clone())),
                _ => {}
            }
            self.snapshot.began.get_or_insert(entry.at.day());
            self.snapshot.last_at = self.snapshot.last_at.max(Some(entry.at));
        }
        (self.snapshot.sequence, self.snapshot.now) = (writes.to, writes.now);
        self.snapshot.heads.extend(writes.chains.iter().map(|(mn, chain)| (*mn, chain.after)));
        self.days.extend(writes.days.iter().map(|(key, row)| (*key, row.clone())));
        self.pasts.put(writes);
        self.snapshot.neighbours_until = writes.neighbours_until.or(self.snapshot.neighbours_until);
        put::<OutletDay, Reopened>(&mut self.snapshot.reopened, &writes.reopened);
        put::<OutletId, Recount>(&mut self.snapshot.recounts, &writes.recounts);
        for (mn, silence) in &writes.silences {
            match silence {
                Some(silence) => drop(self.snapshot.silences.insert(*mn, silence.clone())),
                None => drop(self.snapshot.silences.remove(mn)),
            }
        }
        for outage in &writes.outages {
            self.snapshot.outages.retain(|known| known.from != outage.from);
            self.snapshot.outages.push(outage.clone());
        }
        for case in &writes.cases {
            self.snapshot.cases.retain(|known| known.id != case.id);
            self.snapshot.cases.push(case.clone());
        }
        self.snapshot.declarations.extend(writes.declarations.iter().cloned());
        self.snapshot.visits.extend(writes.visits.iter().cloned());
        self.snapshot.comparisons.extend(writes.comparisons.iter().cloned());
        self.events.extend(writes.events.iter().cloned());
        self.publications.extend(writes.publications.iter().cloned());
    }

    /// What a restarted engine is given: days that are not confirmed, and the packets of the last hours.
    fn restart(&self) -> Snapshot {
        let open = |key: &OutletDay, row: &DayRow| !row.confirmed || self.snapshot.reopened.contains_key(key);
        let recent = |frame: &StoredFrame| frame.at >= self.snapshot.now.plus_ms(-3 * HOUR_MS);
        let before = |key: &OutletDay| self.days.get(&OutletDay { day: Day(key.day.0 - 1), ..*key }).and_then(|row| row.carry.clone());
        let mut heard = self.snapshot.heard.clone();
        heard.retain(|_, (at, _)| *at >= self.snapshot.now.plus_ms(-3 * HOUR_MS));
        Snapshot {
            befores: self.days.keys().filter_map(|key| Some((*key, before(key)?))).collect(),
            heard,
            days: self.days.iter().filter(|(key, row)| open(key, row)).map(|(key, row)| (*key, row.clone())).collect(),
            recent: self.frames.iter().map(|(_, frame)| frame).filter(|frame| recent(frame)).cloned().collect(),
            ..self.snapshot.clone()
        }
    }
}

fn put<K: Ord + Copy, V: Copy>(held: &mut BTreeMap<K, V>, written: &BTreeMap<K, Option<V>>) {
    for (key, value) in written {
        match value {
            Some(value) => drop(held.insert(*key, *value)),
            None => drop(held.remove(key)),
        }
    }
}

/// Runs a journal, and begins anew from what was written before each of the instants.
fn run(journal: &[(Moment, Body)], restarts: &[Moment]) -> Held {
    run_on(journal, restarts, false)
}

/// The same; `broken`: also once in the middle of every entry before whose deadlines a step ends: they want days of the past, or are many.
fn run_on(journal: &[(Moment, Body)], restarts: &[Moment], broken: bool) -> Held {
    let mut held = Held::default();
    let mut engine = Engine::new(Snapshot::default(), false);
    let mut restarts = restarts.iter().copied().peekable();
    for (number, (at, body)) in journal.iter().enumerate() {
        if restarts.next_if(|restart| restart <= at).is_some() {
            engine = Engine::new(held.restart(), false);
        }
        let entries = [Entry { sequence: number as u64 + 1, at: *at, body: body.clone() }];
        let mut rest = &entries[..];
        let mut recalled = Vec::new();
        let mut breaks = broken;
        while !rest.is_empty() {
            let step = engine.step(rest, std::mem::take(&mut recalled));
            held.take(&rest[..step.taken], &step.writes);
            rest = &rest[step.taken..];
            if step.taken == 0 && std::mem::take(&mut breaks) {
                engine = Engine::new(held.restart(), false);
                held.breaks += 1;
                continue;
            }
            recalled = step
                .wants
                .iter()
                .map(|want| {
                    let frames = want.frames.then(|| held.frames.iter().map(|(_, frame)| frame.clone()).collect());
                    let before =
                        held.days.get(&OutletDay { day: Day(want.key.day.0 - 1), ..want.key }).filter(|_| want.row).and_then(|row| row.carry.clone());
                    let past = want.past.map(|days| held.pasts.past(want.key, days));
                    let row = held.days.get(&want.key).filter(|_| want.row).cloned();
                    Recalled { key: want.key, row, before, frames, past }
                })
                .collect();
        }
    }
    held
}

fn same_events(whole: &Held, other: &Held, what: &str) {
    for (one, other) in whole.events.iter().zip(&other.events) {
        assert_eq!(one, other, "{what}");
    }
    assert_eq!(whole.events.len(), other.events.len(), "{what}");
}

fn start() -> Moment {
    at("2026-03-14 00:00:00")
}

/// The register, a packet an hour or a minute, and a tick in every five minutes until the end.
fn journal(files: &Files, packets: Vec<(Moment, Body)>, more: Vec<(Moment, Body)>, days: i64) -> Vec<(Moment, Body)> {
    let mut journal = vec![(start().plus_ms(-1), Body::RegistryVersion { files: files.clone() })];
    journal.extend(packets);
    journal.extend(more);
    journal.extend((0..days * 288).map(|tick| (start().plus_ms(tick * 5 * MINUTE_MS + 17), Body::Tick {})));
    journal.sort_by_key(|(at, _)| *at);
    journal
}

fn minutes(days: i64) -> Vec<(Moment, Body)> {
    let minute = |minute: i64| {
        let from = start().plus_ms(minute * MINUTE_MS);
        let sent = from.plus_ms(MINUTE_MS + 300);
        (sent, frame_body(&packet("2051", sent, from, &format!("a21026-Avg={},a21026-Flag=N;a19001-Avg=11,a19001-Flag=N", 80 + minute % 13))))
    };
    (0..days * 24 * 60).map(minute).collect()
}

#[test]
fn a_restart_between_the_provisional_and_the_confirmed_day_of_a_slow_analyser_keeps_its_verdict() {
    let limit = "S1-G1,w01018,max,50,mg/L,day,,no,GB 18918-2002 1A,GB 18918-2002 table 1,P,,2020-01-01,";
    let mut files = registry("", &[limit]);
    let outlets = files.0.get_mut("outlets.csv").expect("a file");
    *outlets = outlets.replace(",gas,waste,start,1,30,,,21,", ",water,municipal,start,10,30,,,,");
    let mut series = "outlet,factor,mn,st,wire_code,unit,unit_factor,range_high,negative,cycle_hours,valid_from,valid_to\n".to_owned();
    series.push_str(&format!("S1-G1,w01018,{MN},32,,mg/L,,,natural,4,2020-01-01,\nS1-G1,w00000,{MN},32,,L/s,,,natural,1,2020-01-01,\n"));
    files.0.insert("series.csv".to_owned(), series);
    let hour = |hour: i64| {
        let from = start().plus_ms(hour * HOUR_MS);
        let sent = from.plus_ms(HOUR_MS + 900);
        let value = if hour % 4 == 0 { "w01018-Avg=60,w01018-Flag=N;" } else { "" };
        (sent, frame_body(&packet("2061", sent, from, &format!("{value}w00000-Cou=100,w00000-Flag=N"))))
    };
    let journal = journal(&files, (0..24).map(hour).collect(), Vec::new(), 2);
    let (whole, restarted) = (run(&journal, &[]), run(&journal, &[at("2026-03-15 03:00:00")]));
    assert!(whole.events.iter().any(|event| event.kind == "hj212.referral.opened"));
    assert_eq!(restarted.events, whole.events);
}

#[test]
fn restarts_at_any_time_change_no_event() {
    let files = registry("11", &[SO2_DAY_80]);
    let mut other = files.clone();
    let series = other.0.get_mut("series.csv").expect("a file");
    *series = series.replace(&format!("a21026,{MN},31,,mg/m3,,1000"), &format!("a21026,{MN},31,,mg/m3,,90"));
    let mut rules = RuleSet::default();
    rules.day_confirmed_after_min.value = 840;
    rules.hour_provisional_after_min.value = 20;
    let more = vec![
        (at("2026-03-14 10:05:00"), Body::RegistryVersion { files: other }),
        (at("2026-03-15 10:00:00"), Body::RuleSetVersion { text: rules.text() }),
        (at("2026-03-15 14:00:00"), in_step(OUTLET, "2026-03-14", "乙厂")),
        (at("2026-03-15 14:00:00"), Body::NeighboursDone { day: start().day() }),
        (at("2026-03-16 12:00:00"), Body::RegistryVersion { files: files.clone() }),
    ];
    let journal = journal(&files, minutes(2), more, 5);
    let whole = run(&journal, &[]);
    for restarts in [
        vec![at("2026-03-14 10:06:00")],
        vec![at("2026-03-14 12:34:00"), at("2026-03-15 00:10:00"), at("2026-03-15 10:01:00")],
        vec![at("2026-03-15 12:59:00"), at("2026-03-15 13:20:00"), at("2026-03-16 00:31:00"), at("2026-03-16 12:00:01")],
        (0..100).map(|number| start().plus_ms(number * 61 * MINUTE_MS)).collect(),
    ] {
        let restarted = run(&journal, &restarts);
        same_events(&whole, &restarted, &format!("{restarts:?}"));
    }
}

#[test]
fn restarts_between_the_parts_of_an_entry_change_no_event() {
    let files = registry("11", &[SO2_DAY_80]);
    let mut rules = RuleSet::default();
    rules.hour_provisional_after_min.value = 2;
    rules.day_confirmed_after_min.value = 13 * 60 + 4;
    let mut journal = journal(&files, minutes(2), vec![(start().plus_ms(-1), Body::RuleSetVersion { text: rules.text() })], 4);
    // Nothing comes in the first minutes of an hour: one hour is closed and a day confirmed, which wants the past, before the next
    // entry, and engine time is in an hour that has no entry yet.
    journal.retain(|(at, _)| *at <= start() || at.0.rem_euclid(HOUR_MS) >= 6 * MINUTE_MS);
    let (whole, broken) = (run(&journal, &[]), run_on(&journal, &[], true));
    assert!(broken.breaks >= 2, "{} restarts", broken.breaks);
    same_events(&whole, &broken, "restarts in the middle");
}

/// Three hundred outlets close their hour between two entries, hour by hour, although nothing comes of any but one.
#[test]
fn restarts_between_more_deadlines_than_one_step_takes_change_no_event() {
    let mut journal = journal(&city(300), minutes(1), Vec::new(), 2);
    journal.retain(|(at, _)| *at <= start() || !(10 * MINUTE_MS..11 * MINUTE_MS).contains(&at.0.rem_euclid(HOUR_MS)));
    let (whole, broken) = (run(&journal, &[]), run_on(&journal, &[], true));
    assert!(broken.breaks >= 36, "{} restarts: an hour of all is too much for one step", broken.breaks);
    same_events(&whole, &broken, "restarts in the middle");
}

#[test]
fn a_rule_set_that_moves_the_deadlines_counts_from_the_next_day_and_every_day_is_confirmed_once() {
    let files = registry("11", &[SO2_DAY_80]);
    let mut rules = RuleSet::default();
    rules.day_confirmed_after_min.value = 840;
    let more = vec![(at("2026-03-15 10:00:00"), Body::RuleSetVersion { text: rules.text() })];
    let held = run(&journal(&files, minutes(3), more, 5), &[]);
    let confirmed: Vec<String> = held
        .publications
        .iter()
        .filter(|known| known.span == Span::Day && known.status == Status::Confirmed)
        .map(|known| format!("{} {}", known.start.day(), &known.at.to_string()[..16]))
        .collect();
    assert_eq!(confirmed, ["2026-03-14 2026-03-15T13:00", "2026-03-15 2026-03-16T13:00", "2026-03-16 2026-03-17T14:00"]);
}

#[test]
fn an_hour_whose_packets_came_before_its_row_of_the_register_is_closed_all_the_same() {
    let files = registry("11", &[SO2_DAY_80]);
    let mut without = files.clone();
    let series = without.0.get_mut("series.csv").expect("a file");
    *series = series.lines().filter(|line| !line.contains("a21026")).collect::<Vec<_>>().join("\n") + "\n";
    without.0.insert("limits.csv".to_owned(), registry("11", &[]).0["limits.csv"].clone());
    // The row comes at 10:05, when the packets of the ninth hour are all there and nothing more is said.
    let packets = minutes(1).into_iter().filter(|(sent, _)| *sent < at("2026-03-14 10:01:00")).collect();
    let more = vec![(at("2026-03-14 10:05:00"), Body::RegistryVersion { files })];
    let held = run(&journal(&without, packets, more, 2), &[]);
    let hour = held.publications.iter().rfind(|known| known.span == Span::Hour && known.start == start().plus_ms(9 * HOUR_MS)).expect("published");
    assert!(hour.means.iter().any(|mean| mean.factor.as_str() == "a21026" && mean.valid), "{hour:?}");
}
