//! Entries and recalled days → one write set: the whole core in one call. Deterministic: the same journal gives the same
//! bytes, however it is cut into batches.
//!
//! Engine time is the largest stamp seen, never the wall clock. Timers fire at their own deadline, in the order of
//! (deadline, outlet, kind), before the first entry that is stamped later. The engine asks for nothing: when it needs a day
//! that is not resident it stops before the entry (or the timer) that needs it, and says which. After so many deadlines it stops as well,
//! for what was done so far to be committed.

mod cases;
mod day;
mod entries;
mod entry;
mod front_desk;
mod outcome;
mod publish;
mod recount;
mod silence;
mod timers;
mod verdicts;

pub use day::StoredDay;
pub use entry::{Body, CodecError, Entry, decode, decode_body, encode_body, encode_entry};
pub use front_desk::{FrontDesk, RECENT_MAX};
pub use outcome::{ChainWrite, DayRow, Link, Notice, Pasts, Recalled, Recount, Reopened, Snapshot, Step, StoredFrame, Want, WriteSet, link_of};
pub use silence::{Group, SURVEY_MS, groups_of, survey};

use crate::aggregation::{Marks, SeriesDay};
use crate::docket::{self, Case, Change, Docket};
use crate::domain::time::{Day, HOUR_MS, Hour, MINUTE_MS, Moment};
use crate::domain::{
    CaseEvent, CaseKind, Comparison, Declaration, Depth, Disposition, FactorCode, Finding, Mean, Medium, Mn, Neighbours, Outage, OutageScope,
    OutletDay, OutletId, ReadingKey, RuleId, RuleSet, Score, Severity, Shard, Silence, Span, Status, Visit, enter_fact,
};
use crate::link::{Admissions, Admitted};
use crate::message::{self, Evidence, EvidencePacket, EvidenceRange, Publication, Versions};
use crate::protocol::crc::CrcKind;
use crate::protocol::parts::{Arrival, Parts};
use crate::protocol::{CrcDialect, Packet, decode_frame, frame, inspect, peek};
use crate::registry::{Arrived, Files, Registry, Translation, peer_hash, statements};
use crate::rules::{self, Carry, DayView, Past, Profile, SeriesView};
use day::DayState;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Days that may be asked for at once.
const WANTS_MAX: usize = 64;
/// Deadlines that may pass in one step (ours: closing an hour or a day takes 1 to 7 ms, so that a step takes two seconds at most). What
/// they write is in memory until it is committed, and what was taken before them waits for its answer: a house that comes back to a
/// fleet whose hours have all ended commits in between.
const TIMERS_MAX: usize = 256;
/// Events about rejected bytes per minute of engine time; the rest is only journalled and counted.
const REJECTED_EVENTS_MAX: u32 = 60;

/// The next link of a logger's chain: SHA-256 of the link before, sequence, arrival, peer and bytes.
#[must_use]
pub fn chain_link(before: &Link, sequence: u64, at: Moment, peer: &str, bytes: &[u8]) -> Link {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(sequence.to_le_bytes());
    hash.update(at.0.to_le_bytes());
    hash.update((peer.len() as u32).to_le_bytes());
    hash.update(peer.as_bytes());
    hash.update(bytes);
    hash.finalize().into()
}

/// A repeat's link: what it refers to stands for its bytes.
#[must_use]
pub fn repeat_link(before: &Link, sequence: u64, at: Moment, peer: &str, of: u64) -> Link {
    chain_link(before, sequence, at, peer, &of.to_le_bytes())
}

/// A deadline. The order of the fields is the order in which timers fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    deadline: Moment,
    outlet: OutletId,
    kind: TimerKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TimerKind {
    CloseHour(Hour),
    Quiet(Day),
    Provisional(Day),
    Confirm(Day),
    Recount(Day),
    CaseDue(Uuid),
    Dawn(Day),
    Watch(Mn),
}

impl TimerKind {
    /// The day at which it looks.
    fn day(self) -> Option<Day> {
        match self {
            Self::CloseHour(hour) => Some(hour.day()),
            Self::Quiet(day) | Self::Provisional(day) | Self::Confirm(day) | Self::Recount(day) | Self::Dawn(day) => Some(day),
            Self::CaseDue(_) | Self::Watch(_) => None,
        }
    }
}

/// What a timer needs before it can fire: a day, with its packets or without, and with what the days before it left.
#[derive(Debug, Clone, Copy)]
struct Need {
    key: OutletDay,
    frames: bool,
    past: bool,
}

#[derive(Debug, Default)]
struct LoggerState {
    head: Link,
    parts: Parts,
    /// Its last packet, or the end of an outage of the receiver; 0: never heard.
    heard: Moment,
    /// A timer looks for it.
    watched: bool,
    /// By which gateway it came, by place.
    gateway: u16,
}

/// The place of a gateway's name among those that are known.
fn gateway_place(gateways: &mut Vec<String>, name: &str) -> u16 {
    let place = gateways.iter().position(|known| known == name).unwrap_or_else(|| {
        gateways.push(name.to_owned());
        gateways.len() - 1
    });
    u16::try_from(place).unwrap_or(u16::MAX)
}

/// Where the cases of one kind are: outlet, kind, family of factors.
type DocketPlace = (OutletId, CaseKind, FactorCode);

/// The engine.
#[derive(Debug)]
pub struct Engine {
    registry: Arc<Registry>,
    admissions: Admissions,
    admitted_on: Day,
    accept_unknown: bool,
    rules: RuleSet,
    /// Days that its rules of spans look back.
    reach: u32,
    finality: Finality,
    versions: Versions,
    now: Moment,
    sequence: u64,
    loggers: BTreeMap<Mn, LoggerState>,
    days: BTreeMap<OutletDay, DayState>,
    timers: BTreeSet<Timer>,
    /// Days that changed after they were computed.
    reopened: BTreeMap<OutletDay, Reopened>,
    /// Stored days that a changed register or statement asks for again.
    recounts: BTreeMap<OutletId, Recount>,
    /// The last instant given to a recount.
    recount_slot: Moment,
    marks: Marks,
    /// Day of the journal's first entry.
    began: Option<Day>,
    dockets: BTreeMap<DocketPlace, Docket>,
    /// Where a case is.
    case_places: BTreeMap<Uuid, DocketPlace>,
    silences: BTreeMap<Mn, Silence>,
    outages: Vec<Outage>,
    /// Gateways by which loggers came.
    gateways: Vec<String>,
    last_tick: Option<Moment>,
    /// The hour of the last entry.
    rooted: Hour,
    surveyed: Moment,
    /// The last day whose outlets were compared with each other.
    neighbours_until: Option<Day>,
    rejected: (i64, u32),
    /// Packets of days recalled for this step, while no entry was taken since.
    evidence: BTreeMap<OutletDay, Vec<StoredFrame>>,
    /// What the days before these left, from their recall until they are judged.
    pasts: BTreeMap<OutletDay, Past>,
    touched: BTreeSet<OutletDay>,
    /// Days whose deadlines passed in this step: their cells were looked at.
    opened: BTreeSet<OutletDay>,
}

impl Engine {
    /// An engine at the beginning of a journal, or where a snapshot left it.
    ///
    /// # Panics
    /// When a stored rule set or register cannot be read any more.
    #[must_use]
    pub fn new(snapshot: Snapshot, accept_unknown: bool) -> Self {
        // What was put in force could be read then. If it cannot now, no verdict may be made: this stops the house.
        let read = |text: &str| RuleSet::parse(text).expect("a stored rule set can be read");
        let rule_sets = snapshot.rule_sets.iter().map(|(at, text)| (*at, read(text)));
        // One that names what does not exist was refused when it came, and is so again.
        let rule_sets: Vec<(Moment, RuleSet)> = rule_sets.filter(|(_, set)| rules::settings_fault(set).is_none()).collect();
        let finality = Finality::of(&rule_sets, snapshot.began);
        let rules = rule_sets.into_iter().next_back().map_or_else(RuleSet::default, |(_, rules)| rules);
        let registry =
            snapshot.registry.as_ref().map_or_else(Registry::default, |files| Registry::parse(files).expect("the stored register can be read"));
        let versions = Versions { rule_set: rules.version(), registry: registry.version().to_owned() };
        let admissions = registry.admissions(snapshot.now, accept_unknown);
        let mut engine = Self {
            admissions,
            admitted_on: snapshot.now.day(),
            accept_unknown,
            registry: Arc::new(registry),
            reach: rules::reach(&rules),
            rules,
            finality,
            versions,
            now: snapshot.now,
            sequence: snapshot.sequence,
            loggers: snapshot.heads.into_iter().map(|(mn, head)| (mn, LoggerState { head, ..LoggerState::default() })).collect(),
            days: BTreeMap::new(),
            timers: BTreeSet::new(),
            reopened: BTreeMap::new(),
            recount_slot: snapshot.recounts.values().map(|recount| recount.due).max().unwrap_or_default(),
            recounts: BTreeMap::new(),
            marks: Marks::default(),
            began: snapshot.began,
            dockets: BTreeMap::new(),
            case_places: BTreeMap::new(),
            silences: snapshot.silences,
            outages: snapshot.outages,
            gateways: Vec::new(),
            last_tick: snapshot.last_tick,
            rooted: snapshot.last_at.unwrap_or(snapshot.now).hour(),
            surveyed: snapshot.surveyed,
            neighbours_until: snapshot.neighbours_until,
            rejected: (0, 0),
            evidence: BTreeMap::new(),
            pasts: BTreeMap::new(),
            touched: BTreeSet::new(),
            opened: BTreeSet::new(),
        };
        for case in snapshot.cases {
            engine.set_case_timer(&case);
            let place = (case.outlet, case.kind, case.factor);
            engine.case_places.insert(case.id, place);
            engine.dockets.entry(place).or_default().restore(case);
        }
        let mut befores = snapshot.befores;
        for (key, row) in snapshot.days {
            engine.days.insert(key, DayState { prior: befores.remove(&key), prior_known: true, ..DayState::from_row(row) });
            engine.day(key);
            engine.set_day_timers(key);
            if engine.days.get(&key).is_some_and(|state| state.row.expected) {
                engine.set_next_hour_timer(key);
            }
        }
        engine.set_dawns();
        for (key, reopened) in snapshot.reopened {
            engine.day(key);
            engine.timers.insert(Timer { deadline: reopened.due, outlet: key.outlet, kind: TimerKind::Quiet(key.day) });
            engine.reopened.insert(key, reopened);
        }
        for (outlet, recount) in snapshot.recounts {
            engine.timers.insert(Timer { deadline: recount.due, outlet, kind: TimerKind::Recount(recount.next) });
            engine.recounts.insert(outlet, recount);
        }
        for declaration in snapshot.declarations {
            engine.marks.declare(declaration);
        }
        for comparison in snapshot.comparisons {
            engine.marks.restore(comparison);
        }
        for visit in snapshot.visits {
            engine.marks.visit(visit);
        }
        for frame in snapshot.recent {
            let Some(translation) = engine.translate(&frame) else { continue };
            for fact in &translation.facts {
                let key = OutletDay { outlet: fact.outlet, day: fact.at.day() };
                if let Some(state) = engine.days.get_mut(&key) {
                    enter_fact(&mut state.row.facts, fact);
                }
            }
            for reading in &translation.readings {
                // The day's own record is in its row since it came.
                if engine.is_closed(reading.outlet, reading.hour) || reading.key == ReadingKey::Day {
                    continue;
                }
                let key = OutletDay { outlet: reading.outlet, day: reading.hour.day() };
                engine.day(key).known = true;
                engine.day(key).enter(reading);
                engine.set_day_timers(key);
                engine.day(key).timed.insert(reading.hour.of_day());
                engine.set_hour_timer(reading.outlet, reading.hour);
            }
        }
        engine.hear_again(snapshot.heard);
        engine
    }

    /// After a restart: who was heard when. A logger that was not heard for hours is silent, and known as such.
    fn hear_again(&mut self, heard: BTreeMap<Mn, (Moment, String)>) {
        let receiver = self.outages.iter().filter(|outage| outage.scope == OutageScope::Receiver);
        let back = receiver.filter_map(|outage| outage.to).max().unwrap_or_default();
        for (mn, (at, gateway)) in heard {
            let at = at.max(back);
            let Some(logger) = self.loggers.get_mut(&mn) else { continue };
            (logger.heard, logger.gateway, logger.watched) = (at, gateway_place(&mut self.gateways, &gateway), true);
            self.timers.insert(Timer { deadline: at.max(self.now), outlet: OutletId::known(""), kind: TimerKind::Watch(mn) });
        }
        for silence in self.silences.values() {
            if let Some(logger) = self.loggers.get_mut(&silence.mn) {
                (logger.heard, logger.watched) = (silence.since, false);
                self.timers.retain(|timer| timer.kind != TimerKind::Watch(silence.mn));
            }
        }
    }

    /// Last sequence taken.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Engine time.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// The versions in force.
    #[must_use]
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The register in force.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The register in force, to be held by others.
    #[must_use]
    pub fn shared_registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// The table that links need.
    #[must_use]
    pub fn admissions(&self) -> &Admissions {
        &self.admissions
    }

    /// Resident days, timers and reopened days, for gauges.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.days.len(), self.timers.len(), self.reopened.len())
    }

    /// Loggers that are silent, and outages that go on; with several shards, those that this one says.
    #[must_use]
    pub fn silent(&self) -> (usize, usize) {
        (self.silences.len(), self.outages.iter().filter(|outage| outage.to.is_none() && self.says(outage)).count())
    }

    /// Stored days that are still to be computed again.
    #[must_use]
    pub fn recounts_left(&self) -> u64 {
        self.recounts.values().map(Recount::left).sum()
    }

    /// The rule set in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The day whose outlets are to be compared with each other now; none while there is none.
    #[must_use]
    pub fn neighbours_due(&self) -> Option<Day> {
        let confirmed = |day: Day| {
            let [_, _, after, _, spread] = self.finality.figures(day);
            day.end().plus_ms(after + spread)
        };
        rules::neighbours::due(&self.rules, self.now, self.neighbours_until, self.began, confirmed)
    }

    /// Takes entries until a timer needs a day that is not resident, or enough deadlines have passed for one step. `recalled` are the
    /// days that the last step asked for.
    pub fn step(&mut self, entries: &[Entry], recalled: Vec<Recalled>) -> Step {
        let mut writes = WriteSet { from: self.sequence, ..WriteSet::default() };
        for day in recalled {
            self.make_full(day);
        }
        let mut wants = Vec::new();
        let (mut taken, mut fires_left) = (0, TIMERS_MAX);
        for entry in entries {
            assert_eq!(entry.sequence, self.sequence + 1, "the journal has no holes");
            let until = self.now.max(entry.at);
            self.look_for_gap(until, &mut writes);
            if let Some(asked) = self.run_timers(until, &mut fires_left, &mut writes) {
                wants = asked;
                break;
            }
            self.leave_root(until, &mut writes);
            self.apply(entry, until, &mut writes);
            taken += 1;
        }
        self.evidence.clear();
        // A day may want its past first, and then, by what it shows, its packets.
        if wants.is_empty() {
            self.pasts.clear();
        }
        self.shrink(&writes);
        writes.to = self.sequence;
        writes.now = self.now;
        Step { writes, taken, wants }
    }
}

/// The digest that a confirmed day of the same figures would have.
fn confirmed_digest(shown: &[u8]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(shown);
    hash.update([Status::Confirmed as u8]);
    hash.finalize().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// New versions of a day's findings beside the old ones: which changed, and which no longer hold.
fn compare_findings(
    mut before: BTreeMap<uuid::Uuid, Finding>,
    found: Vec<Finding>,
    confirmed: bool,
    now: Moment,
) -> (Vec<Finding>, BTreeSet<uuid::Uuid>) {
    let mut findings = Vec::new();
    let mut changed = BTreeSet::new();
    for mut finding in found {
        match before.remove(&finding.id) {
            None if !finding.standing => continue,
            None => drop(changed.insert(finding.id)),
            Some(known) => {
                let same = known.standing == finding.standing
                    && known.facts == finding.facts
                    && known.hits == finding.hits
                    && known.confirmed == finding.confirmed;
                // What fell once and still does not stand is no news, confirmed or not.
                if same || (!known.standing && !finding.standing) {
                    finding = known;
                } else {
                    finding.revision = known.revision + 1;
                    changed.insert(finding.id);
                }
            }
        }
        findings.push(finding);
    }
    // A finding that the rules no longer speak of (the day lost its validity, the limit its force) does not stand any more.
    for (id, mut known) in before {
        if known.standing {
            known.standing = false;
            known.revision += 1;
            known.confirmed = confirmed;
            known.at = now;
            known.sentence_zh = format!("经重新核算，此前判定不再成立：{}", known.sentence_zh);
            known.sentence_en = format!("After a recount this no longer stands: {}", known.sentence_en);
            changed.insert(id);
        }
        findings.push(known);
    }
    (findings, changed)
}

/// A day's share of a window, in 65536ths: FNV-1a, well mixed, and the same wherever the journal is read.
fn share_of(key: OutletDay) -> u16 {
    let bytes = key.outlet.as_str().bytes().chain(key.day.0.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    ((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 48) as u16
}

/// When hours close and days are published: the figures of the rule set in force when the day began. A rule set that changes them
/// counts from the next day on, so that no deadline moves once it stands.
#[derive(Debug, Clone)]
struct Finality(BTreeMap<Day, [i64; 5]>);

impl Finality {
    /// Every rule set of the journal, by the day from which its deadlines count: the journal's first day, or the day after its entry.
    fn of(rule_sets: &[(Moment, RuleSet)], began: Option<Day>) -> Self {
        let mut finality = Self(BTreeMap::from([(Day(i32::MIN), Self::figures_of(&RuleSet::default()))]));
        for (at, rules) in rule_sets {
            finality.put(*at, rules, began);
        }
        finality
    }

    /// Milliseconds: an hour is closed, a day provisional, confirmed, the spread, and that of confirmations.
    fn figures_of(rules: &RuleSet) -> [i64; 5] {
        let minutes = [&rules.hour_provisional_after_min, &rules.day_provisional_after_min, &rules.day_confirmed_after_min];
        let [hour, provisional, confirmed] = minutes.map(|minutes| i64::from(minutes.value) * MINUTE_MS);
        let [spread, confirm] = [&rules.spread_secs, &rules.confirm_spread_secs].map(|secs| i64::from(secs.value) * 1000);
        [hour, provisional, confirmed, spread, confirm]
    }

    fn put(&mut self, at: Moment, rules: &RuleSet, began: Option<Day>) {
        let first = began.is_none_or(|began| at.day() <= began);
        self.0.insert(if first { Day(i32::MIN) } else { at.day().next() }, Self::figures_of(rules));
    }

    fn figures(&self, day: Day) -> [i64; 5] {
        self.0.range(..=day).next_back().map_or([0; 5], |(_, figures)| *figures)
    }

    fn close(&self, outlet: OutletId, hour: Hour) -> Moment {
        let key = OutletDay { outlet, day: hour.day() };
        let [after, _, _, spread, _] = self.figures(key.day);
        hour.end().plus_ms(after + share(key, spread))
    }

    fn dawn(&self, key: OutletDay) -> Moment {
        let [_, _, _, spread, _] = self.figures(key.day);
        key.day.start().plus_ms(share(key, spread))
    }

    fn provisional(&self, key: OutletDay) -> Moment {
        let [_, after, _, spread, _] = self.figures(key.day);
        key.day.end().plus_ms(after + share(key, spread))
    }

    fn confirm(&self, key: OutletDay) -> Moment {
        let [_, _, after, _, spread] = self.figures(key.day);
        key.day.end().plus_ms(after + share(key, spread))
    }
}

/// A day's own share of the spread behind each deadline: a city's hours do not close in one instant.
fn share(key: OutletDay, spread_ms: i64) -> i64 {
    (spread_ms * i64::from(share_of(key))) >> 16
}

/// How far back open hours can reach: what a restart must read again.
#[must_use]
pub fn open_hours_reach_ms(rules: &RuleSet) -> i64 {
    let minutes = i64::from(rules.hour_provisional_after_min.value) + i64::from(rules.future_accept_min.value);
    2 * HOUR_MS + minutes * MINUTE_MS + i64::from(rules.spread_secs.value) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregation::Shelf;

    #[test]
    fn confirmations_have_a_spread_of_their_own() {
        let day = Day::parse("2026-03-14").expect("a day");
        let key = OutletDay { outlet: OutletId::known("S1-G1"), day };
        let mut rules = RuleSet::default();
        rules.confirm_spread_secs.value = 3600;
        let (usual, wide) = (Finality::of(&[], None), Finality::of(&[(day.start(), rules)], None));
        let share = (3_600_000 * i64::from(share_of(key))) >> 16;
        assert!(share > 20_000, "the outlet's share says something: {share}");
        assert_eq!(wide.confirm(key), day.end().plus_ms(13 * HOUR_MS + share));
        assert_eq!((wide.provisional(key), wide.dawn(key)), (usual.provisional(key), usual.dawn(key)));
        assert_eq!(wide.close(key.outlet, day.hour(5)), usual.close(key.outlet, day.hour(5)));
    }

    #[test]
    fn what_a_step_looked_at_rests_at_its_end() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/sample-city");
        let names = ["sites", "outlets", "loggers", "series", "limits"].map(|name| format!("{name}.csv"));
        let files = names.map(|name| (name.clone(), std::fs::read_to_string(folder.join(&name)).expect("a file of the sample city")));
        let start = Day::parse("2026-03-14").expect("a day").start();
        let mut bodies = vec![(start, Body::RegistryVersion { files: Files(files.into_iter().collect()) })];
        for hour in 1..=38 {
            let end = start.plus_ms(hour * HOUR_MS);
            let area = format!("DataTime={};a21026-Avg=90,a21026-Flag=N;a19001-Avg=11,a19001-Flag=N", end.plus_ms(-HOUR_MS).wire());
            let (qn, mn) = (end.plus_ms(5_000).wire_ms(), "010000A8900016F000169D03");
            let segment = crate::protocol::encode::Segment {
                qn: Some(&qn),
                st: "31",
                cn: "2061",
                pw: Some("123456"),
                mn: Some(mn),
                flag: Some(5),
                area: &area,
                ..Default::default()
            };
            let bytes = segment.frame().trim_ascii_end().to_vec();
            bodies.push((end.plus_ms(5_000), Body::Frame { bytes, peer: "192.0.2.1:4000".to_owned(), gateway: "test".to_owned(), connection: 1 }));
            bodies.push((end.plus_ms(11 * MINUTE_MS), Body::Tick {}));
        }
        let mut engine = Engine::new(Snapshot::default(), false);
        let (mut recalled, mut seen) = (Vec::new(), 0);
        for (sequence, (at, body)) in (1..).zip(bodies) {
            let entry = Entry { sequence, at, body };
            loop {
                let step = engine.step(std::slice::from_ref(&entry), std::mem::take(&mut recalled));
                let cells = engine.days.values().map(|state| &state.row.cells);
                // A day whose packets were asked for is looked at again as soon as they are there.
                assert!(cells.clone().all(Shelf::rests) || !step.wants.is_empty(), "entry {sequence} left cells open");
                seen = seen.max(cells.filter(|cells| !cells.is_empty()).count());
                if step.taken == 1 {
                    break;
                }
                let answer = |want: Want| Recalled {
                    key: want.key,
                    row: None,
                    before: None,
                    frames: want.frames.then(Vec::new),
                    past: want.past.map(|_| Past::default()),
                };
                recalled = step.wants.into_iter().map(answer).collect();
            }
        }
        assert!(engine.now > start.plus_ms(37 * HOUR_MS + 1), "the first day is confirmed");
        assert_eq!(seen, 2, "the day before waits while today goes on");
    }
}
