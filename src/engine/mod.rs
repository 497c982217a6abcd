//! Entries and recalled days → one write set: the whole core in one call. Deterministic: the same journal gives the same
//! bytes, however it is cut into batches.
//!
//! Engine time is the largest stamp seen, never the wall clock. Timers fire at their own deadline, in the order of
//! (deadline, outlet, kind), before the first entry that is stamped later. The engine asks for nothing: when it needs a day
//! that is not resident it stops before the entry (or the timer) that needs it, and says which.

mod day;
mod entry;
mod front_desk;
mod outcome;

pub use day::StoredDay;
pub use entry::{Body, CodecError, Entry, decode, encode};
pub use front_desk::{FrontDesk, RECENT_MAX};
pub use outcome::{ChainWrite, DayRow, Link, Notice, Recalled, Recount, Reopened, Snapshot, Step, StoredFrame, Want, WriteSet, link_of};

use crate::aggregation::{Marks, SeriesDay};
use crate::docket::{Case, Change, Docket};
use crate::domain::time::{Day, HOUR_MS, Hour, MINUTE_MS, Moment};
use crate::domain::{CaseEvent, Comparison, Declaration, Depth, Disposition, FactorCode, Finding, Mean, Medium, Mn, OutletDay, OutletId, ReadingKey, RuleSet, Span, Status};
use crate::link::{Admissions, Admitted};
use crate::message::{self, Evidence, EvidencePacket, EvidenceRange, Publication, Versions};
use crate::protocol::crc::CrcKind;
use crate::protocol::parts::{Arrival, Parts};
use crate::protocol::{CrcDialect, Packet, decode_frame, frame, inspect, peek};
use crate::registry::{Files, Registry, Translation, statements};
use crate::rules::{self, DayView};
use day::DayState;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Days that may be asked for at once.
const WANTS_MAX: usize = 64;
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
}

#[derive(Debug, Default)]
struct LoggerState {
    head: Link,
    parts: Parts,
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    registry: Arc<Registry>,
    admissions: Admissions,
    admitted_on: Day,
    accept_unknown: bool,
    rules: RuleSet,
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
    dockets: BTreeMap<(OutletId, FactorCode), Docket>,
    /// Where a case is.
    case_places: BTreeMap<Uuid, (OutletId, FactorCode)>,
    rejected: (i64, u32),
    /// Packets of days recalled for this step, while no entry was taken since.
    evidence: BTreeMap<OutletDay, Vec<StoredFrame>>,
    touched: BTreeSet<OutletDay>,
}

impl Engine {
    /// An engine at the beginning of a journal, or where a snapshot left it.
    ///
    /// # Panics
    /// When a stored rule set or register cannot be read any more.
    #[must_use]
    pub fn new(snapshot: Snapshot, accept_unknown: bool) -> Self {
        // What was put in force could be read then. If it cannot now, no verdict may be made: this stops the house.
        let rules = snapshot.rule_set.as_deref().map_or_else(RuleSet::default, |text| RuleSet::parse(text).expect("the stored rule set can be read"));
        let registry =
            snapshot.registry.as_ref().map_or_else(Registry::default, |files| Registry::parse(files).expect("the stored register can be read"));
        let versions = Versions { rule_set: rules.version(), registry: registry.version().to_owned() };
        let admissions = registry.admissions(snapshot.now, accept_unknown);
        let mut engine = Self {
            admissions,
            admitted_on: snapshot.now.day(),
            accept_unknown,
            registry: Arc::new(registry),
            rules,
            versions,
            now: snapshot.now,
            sequence: snapshot.sequence,
            loggers: snapshot.heads.into_iter().map(|(mn, head)| (mn, LoggerState { head, parts: Parts::default() })).collect(),
            days: BTreeMap::new(),
            timers: BTreeSet::new(),
            reopened: BTreeMap::new(),
            recount_slot: snapshot.recounts.values().map(|recount| recount.due).max().unwrap_or_default(),
            recounts: BTreeMap::new(),
            marks: Marks::default(),
            began: snapshot.began,
            dockets: BTreeMap::new(),
            case_places: BTreeMap::new(),
            rejected: (0, 0),
            evidence: BTreeMap::new(),
            touched: BTreeSet::new(),
        };
        for case in snapshot.cases {
            engine.set_case_timer(&case);
            engine.case_places.insert(case.id, (case.outlet, case.factor));
            engine.dockets.entry((case.outlet, case.factor)).or_default().restore(case);
        }
        for (key, row) in snapshot.days {
            engine.days.insert(key, DayState::from_row(row));
            engine.set_day_timers(key);
        }
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
            let medium = engine.medium(comparison.outlet, comparison.at);
            engine.marks.compare(comparison, medium);
        }
        for frame in snapshot.recent {
            let Some(translation) = engine.translate(&frame.bytes, frame.at, frame.sequence) else { continue };
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
        engine
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

    /// Stored days that are still to be computed again.
    #[must_use]
    pub fn recounts_left(&self) -> u64 {
        self.recounts.values().map(Recount::left).sum()
    }

    /// Declarations and comparison results in force.
    #[must_use]
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The figures in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Takes entries until a timer needs a day that is not resident. `recalled` are the days that the last step asked for.
    pub fn step(&mut self, entries: &[Entry], recalled: Vec<Recalled>) -> Step {
        let mut writes = WriteSet { from: self.sequence, ..WriteSet::default() };
        for day in recalled {
            self.make_full(day);
        }
        let mut wants = Vec::new();
        let mut taken = 0;
        for entry in entries {
            assert_eq!(entry.sequence, self.sequence + 1, "the journal has no holes");
            let until = self.now.max(entry.at);
            wants = self.run_timers(until, &mut writes);
            if !wants.is_empty() {
                break;
            }
            self.apply(entry, until, &mut writes);
            taken += 1;
        }
        self.evidence.clear();
        self.shrink();
        writes.to = self.sequence;
        writes.now = self.now;
        Step { writes, taken, wants }
    }

    // --- time ---------------------------------------------------------------------------------------------------------

    fn run_timers(&mut self, until: Moment, writes: &mut WriteSet) -> Vec<Want> {
        while let Some(timer) = self.timers.first().copied().filter(|timer| timer.deadline < until) {
            if !self.fire(timer, writes) {
                let due = self.timers.iter().take_while(|timer| timer.deadline < until).copied().collect::<Vec<_>>();
                let mut keys: BTreeMap<OutletDay, bool> = BTreeMap::new();
                for (key, frames) in due.into_iter().filter_map(|timer| self.needed_by(timer)).take(WANTS_MAX) {
                    *keys.entry(key).or_default() |= frames;
                }
                return keys.into_iter().map(|(key, frames)| Want { key, loggers: self.registry.loggers_of(key.outlet), frames }).collect();
            }
            self.timers.remove(&timer);
        }
        self.advance(until, writes);
        if self.now.day() != self.admitted_on {
            self.renew_admissions(writes);
        }
        Vec::new()
    }

    /// Time goes on; an hour that ended leaves its root.
    fn advance(&mut self, until: Moment, writes: &mut WriteSet) {
        let (before, hour) = (self.now.hour(), until.hour());
        if hour > before && !self.loggers.is_empty() {
            self.state_root(before, hour, writes);
        }
        self.now = self.now.max(until);
    }

    /// The root of the hour that ended: one event, also when several hours passed without an entry.
    fn state_root(&mut self, before: Hour, until: Hour, writes: &mut WriteSet) {
        let mut hash = Sha256::new();
        for (mn, logger) in &self.loggers {
            hash.update(mn.as_str().as_bytes());
            hash.update([0]);
            hash.update(logger.head);
        }
        let root: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        writes.events.push(message::root(before.start(), &root, self.loggers.len(), until.start(), self.sequence));
    }

    fn renew_admissions(&mut self, writes: &mut WriteSet) {
        self.admissions = self.registry.admissions(self.now, self.accept_unknown);
        self.admitted_on = self.now.day();
        writes.admissions_changed = true;
    }

    /// Which day a timer needs before it can fire, and whether with its packets.
    fn needed_by(&self, timer: Timer) -> Option<(OutletDay, bool)> {
        let (day, confirms) = match timer.kind {
            TimerKind::CloseHour(_) | TimerKind::CaseDue(_) => return None,
            TimerKind::Quiet(day) => (day, confirm_deadline(OutletDay { outlet: timer.outlet, day }, &self.rules) <= timer.deadline),
            // What was reopened is computed when it is quiet; the day is published as it is known.
            TimerKind::Provisional(day) => {
                let key = OutletDay { outlet: timer.outlet, day };
                return self.days.get(&key).is_some_and(|state| !state.known).then_some((key, false));
            }
            TimerKind::Confirm(day) => (day, true),
            TimerKind::Recount(day) => {
                let key = OutletDay { outlet: timer.outlet, day };
                let deep =
                    self.recounts.get(&timer.outlet).is_some_and(|recount| recount.depth == Depth::Readings) || self.reopened.contains_key(&key);
                let here = self.days.get(&key).is_some_and(|state| if deep { state.full } else { state.known });
                let evidence = confirm_deadline(key, &self.rules) <= timer.deadline && !self.evidence.contains_key(&key);
                return (!here || (evidence && self.may_refer(key))).then_some((key, deep || here));
            }
        };
        let key = OutletDay { outlet: timer.outlet, day };
        let state = self.days.get(&key)?;
        if self.reopened.contains_key(&key) && !state.full {
            return Some((key, true));
        }
        (confirms && !self.evidence.contains_key(&key) && self.may_refer(key)).then_some((key, true))
    }

    /// Whether confirming the day may move a case, so that its packets are wanted as evidence.
    fn may_refer(&self, key: OutletDay) -> bool {
        let Some(state) = self.days.get(&key) else { return false };
        let factors = || self.registry.factors(key.outlet).chain(state.row.findings.values().map(|finding| finding.factor));
        factors().any(|factor| self.dockets.get(&(key.outlet, factor)).is_some_and(|docket| docket.knows(key.day)))
            || self.reopened.contains_key(&key)
            || {
                let means = self.day_means(key);
                rules::day_exceeds(&self.view(key, &means, true))
            }
    }

    /// Fires, unless a day is wanted first.
    fn fire(&mut self, timer: Timer, writes: &mut WriteSet) -> bool {
        if self.needed_by(timer).is_some() {
            return false;
        }
        self.advance(timer.deadline, writes);
        match timer.kind {
            TimerKind::CloseHour(hour) => self.close_hour(timer.outlet, hour, writes),
            TimerKind::Provisional(day) => {
                let key = OutletDay { outlet: timer.outlet, day };
                self.publish_day(key, writes);
            }
            TimerKind::Quiet(day) | TimerKind::Confirm(day) => {
                let key = OutletDay { outlet: timer.outlet, day };
                let confirms = matches!(timer.kind, TimerKind::Confirm(_));
                let reopened = self.reopened.contains_key(&key);
                if reopened {
                    self.recompute(key, writes);
                }
                if confirms || (reopened && self.is_past(provisional_deadline(key, &self.rules))) {
                    self.publish_day(key, writes);
                }
                self.touched.insert(key);
            }
            TimerKind::Recount(day) => self.recount_day(OutletDay { outlet: timer.outlet, day }, writes),
            TimerKind::CaseDue(id) => self.case_due(id, timer.deadline, writes),
        }
        true
    }

    /// Strictly past: a timer at this deadline has fired.
    fn is_past(&self, deadline: Moment) -> bool {
        deadline < self.now
    }

    fn is_closed(&self, outlet: OutletId, hour: Hour) -> bool {
        self.is_past(close_deadline(outlet, hour, &self.rules))
    }

    fn set_hour_timer(&mut self, outlet: OutletId, hour: Hour) {
        let deadline = close_deadline(outlet, hour, &self.rules);
        self.timers.insert(Timer { deadline, outlet, kind: TimerKind::CloseHour(hour) });
    }

    fn set_day_timers(&mut self, key: OutletDay) {
        for (deadline, kind) in [
            (provisional_deadline(key, &self.rules), TimerKind::Provisional(key.day)),
            (confirm_deadline(key, &self.rules), TimerKind::Confirm(key.day)),
        ] {
            if !self.is_past(deadline) {
                self.timers.insert(Timer { deadline, outlet: key.outlet, kind });
            }
        }
    }

    /// When a reopened day publishes: when nothing has come for `quiet_secs`, at the latest `quiet_max_secs` after it was
    /// reopened. Each day has a share of its own of the window over which all that are reopened now are spread: a region that
    /// comes back at once is computed one day after the other, between the answers.
    fn due(&self, key: OutletDay, first: Moment) -> Moment {
        let (quiet_ms, max_ms) = (i64::from(self.rules.quiet_secs.value) * 1000, i64::from(self.rules.quiet_max_secs.value) * 1000);
        let window = (self.reopened.len() as i64 * i64::from(self.rules.quiet_pace_ms.value)).min((max_ms - quiet_ms).max(0));
        let share = |window: i64| (window * i64::from(share_of(key))) >> 16;
        self.now.plus_ms(quiet_ms + share(window)).min(first.plus_ms(max_ms / 2 + share(max_ms / 2)))
    }

    // --- entries ------------------------------------------------------------------------------------------------------

    fn apply(&mut self, entry: &Entry, until: Moment, writes: &mut WriteSet) {
        debug_assert_eq!(self.now, until);
        self.began.get_or_insert(entry.at.day());
        match &entry.body {
            Body::Frame { bytes, peer, .. } => {
                self.take_frame(entry, bytes, peer, writes);
            }
            Body::Repeat { of, mn, peer } => {
                self.extend_chain(*mn, entry, |before| repeat_link(before, entry.sequence, entry.at, peer, *of), writes);
                writes.note(Notice::Repeat, 1);
            }
            Body::Rejected { reason, detail, len, peer, .. } => self.state_rejected(reason, detail, peer, *len, entry.sequence, writes),
            Body::LinkUp { gateway, connection, peer } => {
                writes.events.push(message::link(true, gateway, *connection, peer, "", self.now, entry.sequence));
            }
            Body::LinkDown { gateway, connection, peer, reason } => {
                writes.events.push(message::link(false, gateway, *connection, peer, reason, self.now, entry.sequence));
            }
            Body::RegistryVersion { files } => self.put_registry(files, writes),
            Body::RuleSetVersion { text } => match RuleSet::parse(text) {
                Ok(rules) => {
                    self.versions.rule_set = rules.version();
                    self.rules = rules;
                }
                Err(_) => writes.note(Notice::BadVersion, 1),
            },
            Body::Declaration(declaration) => self.declare(declaration, writes),
            Body::Comparison(comparison) => self.compare(comparison, writes),
            Body::Disposition(step) => self.dispose(step, writes),
            Body::Event(event) => self.happened(event, writes),
            Body::Recount { outlet, day, depth } => {
                if self.registry.outlet(*outlet, day.start()).is_some() {
                    self.recount(*outlet, *day, *day, *depth, writes);
                } else {
                    writes.note(Notice::BadVersion, 1);
                }
            }
            Body::Tick {} => {}
        }
        self.sequence = entry.sequence;
        self.evidence.clear();
    }

    fn put_registry(&mut self, files: &Files, writes: &mut WriteSet) {
        match Registry::parse(files) {
            Ok(registry) => {
                let differences = self.registry.differences(&registry);
                let first = self.versions.registry == Registry::default().version();
                self.versions.registry = registry.version().to_owned();
                self.registry = Arc::new(registry);
                // Before the first register nothing was computed.
                for difference in differences.into_iter().filter(|_| !first) {
                    let last = difference.to.map_or(self.now, |to| to.plus_ms(-1));
                    self.recount(difference.outlet, difference.from.day(), last.day(), difference.depth, writes);
                }
                for (key, state) in &mut self.days {
                    state.reporters = day::reporters(&self.registry, *key);
                }
                self.renew_admissions(writes);
            }
            Err(_) => writes.note(Notice::BadVersion, 1),
        }
    }

    fn take_frame(&mut self, entry: &Entry, bytes: &[u8], peer: &str, writes: &mut WriteSet) {
        let read = frame::whole(bytes).and_then(|found| self.admissions.read(bytes, &found).ok());
        let Some((packet, admitted)) = read else {
            writes.note(Notice::Unreadable, 1);
            return;
        };
        let mn = packet.mn().and_then(Mn::new);
        let (Admitted::Accepted, Some(mn)) = (admitted, mn) else {
            let reason = if admitted == Admitted::Accepted { Admitted::UnknownMn.name() } else { admitted.name() };
            writes.quarantine.push((entry.sequence, reason));
            writes.note(Notice::Quarantined(reason), 1);
            let detail = format!("CN {} of MN {}", packet.cn().unwrap_or_default(), packet.mn().unwrap_or_default());
            self.state_rejected(reason, &detail, peer, bytes.len() as u64, entry.sequence, writes);
            return;
        };
        let translation = self.registry.translate(&packet, entry.at, entry.sequence, &self.rules);
        writes.note(Notice::Accepted, 1);
        for quirk in inspect::quirks(&packet).iter() {
            writes.note(Notice::Quirk(quirk.name()), 1);
        }
        self.extend_chain(mn, entry, |before| chain_link(before, entry.sequence, entry.at, peer, bytes), writes);
        if packet.announces_parts() || packet.pnum().is_some() {
            let (arrival, lost) = self.loggers.entry(mn).or_default().parts.take(&packet);
            match arrival {
                Arrival::Complete { .. } => writes.note(Notice::Parts("complete"), 1),
                Arrival::Doubled => writes.note(Notice::Parts("doubled"), 1),
                Arrival::Whole | Arrival::Waiting { .. } => {}
            }
            if lost.is_some() {
                writes.note(Notice::Parts("lost"), 1);
            }
        }
        self.take_readings(mn, entry, &translation, writes);
    }

    fn take_readings(&mut self, mn: Mn, entry: &Entry, translation: &Translation, writes: &mut WriteSet) {
        for (reason, count) in &translation.unusable {
            writes.note(Notice::Unusable(reason.name()), u64::from(*count));
        }
        writes.note(Notice::Readings, translation.readings.len() as u64);
        // A packet's readings are nearly always of one outlet and one hour: what concerns the hour is done once.
        for group in translation.readings.chunk_by(|one, other| one.outlet == other.outlet && one.hour == other.hour) {
            let (outlet, hour, of_day) = (group[0].outlet, group[0].hour, group[0].key == ReadingKey::Day);
            let key = OutletDay { outlet, day: hour.day() };
            if key.day != entry.at.day() {
                writes.late.push((mn, key.day.0, entry.sequence));
                writes.note(Notice::Late, 1);
            }
            // The logger's own day record comes after its day: it is beside the means, and opens nothing before the day is published.
            if if of_day { self.is_past(provisional_deadline(key, &self.rules)) } else { self.is_closed(outlet, hour) } {
                // The packet is in the journal: the day is recalled and computed again when it is quiet.
                self.reopen(key, writes);
                continue;
            }
            let new = !self.days.contains_key(&key);
            let state = self.day(key);
            state.known = true;
            for reading in group {
                state.enter(reading);
            }
            if !of_day && state.timed.insert(hour.of_day()) {
                self.set_hour_timer(outlet, hour);
            }
            if new {
                self.set_day_timers(key);
            }
            if of_day {
                self.write_row(key, writes);
            }
        }
    }

    fn reopen(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let before = self.reopened.get(&key).copied();
        let first = before.map_or(self.now, |reopened| reopened.first);
        let reopened = Reopened { first, due: self.due(key, first) };
        let timer = |due| Timer { deadline: due, outlet: key.outlet, kind: TimerKind::Quiet(key.day) };
        if let Some(before) = before {
            self.timers.remove(&timer(before.due));
        }
        self.timers.insert(timer(reopened.due));
        self.reopened.insert(key, reopened);
        writes.reopened.insert(key, Some(reopened));
        self.day(key).full = false;
        self.touched.insert(key);
    }

    fn close_again(&mut self, key: OutletDay, writes: &mut WriteSet) {
        if let Some(reopened) = self.reopened.remove(&key) {
            self.timers.remove(&Timer { deadline: reopened.due, outlet: key.outlet, kind: TimerKind::Quiet(key.day) });
            writes.reopened.insert(key, None);
        }
    }

    fn medium(&self, outlet: OutletId, at: Moment) -> Medium {
        self.registry.outlet(outlet, at).map_or(Medium::Gas, |outlet| outlet.medium)
    }

    fn declare(&mut self, declaration: &Declaration, writes: &mut WriteSet) {
        if statements::fault(declaration.fault(), declaration.outlet, declaration.factor, &self.registry).is_some() {
            return writes.note(Notice::Statement("refused"), 1);
        }
        writes.note(Notice::Statement("declaration"), 1);
        writes.declarations.push(declaration.clone());
        let periods = self.marks.declare(declaration.clone());
        self.recount_periods(periods, writes);
    }

    fn compare(&mut self, comparison: &Comparison, writes: &mut WriteSet) {
        if statements::fault(comparison.fault(), comparison.outlet, Some(comparison.factor), &self.registry).is_some() {
            return writes.note(Notice::Statement("refused"), 1);
        }
        writes.note(Notice::Statement("comparison"), 1);
        writes.comparisons.push(comparison.clone());
        let periods = self.marks.compare(comparison.clone(), self.medium(comparison.outlet, comparison.at));
        self.recount_periods(periods, writes);
    }

    fn recount_periods(&mut self, periods: Vec<(OutletId, Moment, Moment)>, writes: &mut WriteSet) {
        for (outlet, from, to) in periods {
            let last = self.now.min(Moment(to.0.saturating_sub(1)));
            self.recount(outlet, from.day(), last.day(), Depth::Readings, writes);
        }
    }

    /// Asks for stored days again, one after the other. Days that no entry can be about are left out.
    fn recount(&mut self, outlet: OutletId, first: Day, last: Day, depth: Depth, writes: &mut WriteSet) {
        let Some(began) = self.began else { return };
        let reach = i32::try_from(self.rules.late_accept_hours.value / 24 + 1).unwrap_or(0);
        let (first, last) = (Day(first.0.max(began.0.saturating_sub(reach))), last.min(self.now.day()));
        if first > last {
            return;
        }
        let timer = |recount: &Recount| Timer { deadline: recount.due, outlet, kind: TimerKind::Recount(recount.next) };
        let recount = match self.recounts.get(&outlet).copied() {
            Some(known) => {
                self.timers.remove(&timer(&known));
                Recount { next: known.next.min(first), last: known.last.max(last), depth: known.depth.max(depth), due: known.due }
            }
            None => Recount { next: first, last, depth, due: self.next_slot(0) },
        };
        self.timers.insert(timer(&recount));
        self.recounts.insert(outlet, recount);
        writes.recounts.insert(outlet, Some(recount));
    }

    /// The instant for the next day of a recount: as much later as the day before it held records, so that the work takes a
    /// like share of the time whatever the days hold.
    fn next_slot(&mut self, records: usize) -> Moment {
        let by_work = i64::try_from(records).unwrap_or(0) * i64::from(self.rules.recount_pace_us.value) / 1000;
        let pace = by_work.max(i64::from(self.rules.recount_pace_ms.value));
        self.recount_slot = self.recount_slot.max(self.now).plus_ms(pace);
        self.recount_slot
    }

    /// Computes a stored day again, and gives the next one of its outlet a slot.
    fn recount_day(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let Some(recount) = self.recounts.get(&key.outlet).copied() else { return };
        let records = self.days.get(&key).map_or(0, DayState::records);
        if recount.depth == Depth::Readings || self.reopened.contains_key(&key) {
            self.recompute(key, writes);
        } else if recount.depth == Depth::Means {
            for hour in (0..24).map(|hour| key.day.hour(hour)).filter(|hour| self.is_closed(key.outlet, *hour)).collect::<Vec<_>>() {
                self.publish_hour(key, hour, writes);
            }
            self.write_row(key, writes);
        }
        if self.is_past(provisional_deadline(key, &self.rules)) {
            self.publish_day(key, writes);
        }
        self.touched.insert(key);
        writes.note(Notice::Recounted, 1);
        if key.day >= recount.last {
            self.recounts.remove(&key.outlet);
            writes.recounts.insert(key.outlet, None);
            return;
        }
        let recount = Recount { next: Day(key.day.0 + 1), due: self.next_slot(records), ..recount };
        self.timers.insert(Timer { deadline: recount.due, outlet: key.outlet, kind: TimerKind::Recount(recount.next) });
        self.recounts.insert(key.outlet, recount);
        writes.recounts.insert(key.outlet, Some(recount));
    }

    fn extend_chain(&mut self, mn: Mn, entry: &Entry, link: impl FnOnce(&Link) -> Link, writes: &mut WriteSet) {
        let logger = self.loggers.entry(mn).or_default();
        let before = logger.head;
        logger.head = link(&before);
        let chain = writes.chains.entry(mn).or_insert_with(|| ChainWrite { before, after: before, sequences: Vec::new() });
        chain.after = logger.head;
        chain.sequences.push(entry.sequence);
    }

    fn state_rejected(&mut self, reason: &str, detail: &str, peer: &str, len: u64, sequence: u64, writes: &mut WriteSet) {
        let minute = self.now.0.div_euclid(MINUTE_MS);
        if self.rejected.0 != minute {
            self.rejected = (minute, 0);
        }
        self.rejected.1 += 1;
        if self.rejected.1 <= REJECTED_EVENTS_MAX {
            writes.events.push(message::rejected(reason, detail, peer, len, self.now, sequence));
        }
    }

    // --- days ---------------------------------------------------------------------------------------------------------

    fn day(&mut self, key: OutletDay) -> &mut DayState {
        let registry = &self.registry;
        let state = self.days.entry(key).or_default();
        if state.reporters.is_empty() {
            state.reporters = day::reporters(registry, key);
        }
        state
    }

    /// A packet of a chain: it was admitted when it arrived, whatever the register says of its sender now.
    fn reread<'f>(&self, bytes: &'f [u8]) -> Option<Packet<'f>> {
        let found = frame::whole(bytes)?;
        let keys = peek(bytes, &found).mn().map(|mn| self.registry.keys_ever(mn)).unwrap_or_default();
        let dialect = match found.crc {
            CrcKind::Modbus => CrcDialect::Modbus,
            CrcKind::ModbusSwapped => CrcDialect::ModbusSwapped,
            CrcKind::Standard | CrcKind::Mismatch => CrcDialect::Standard,
        };
        decode_frame(bytes, &found, dialect, &keys).ok()
    }

    fn translate(&self, bytes: &[u8], at: Moment, sequence: u64) -> Option<Translation> {
        Some(self.registry.translate(&self.reread(bytes)?, at, sequence, &self.rules))
    }

    /// A recalled day: its row, and, if they were wanted, every record from its packets, by the register and rules in force now.
    fn make_full(&mut self, recalled: Recalled) {
        let Recalled { key, row, frames } = recalled;
        if let Some(row) = row {
            // A day that was let go of comes back with what was published and found.
            if self.days.get(&key).is_none_or(|state| !state.known) {
                self.days.insert(key, DayState::from_row(row));
            }
        }
        self.set_day_timers(key);
        self.day(key).known = true;
        self.touched.insert(key);
        let Some(frames) = frames else { return };
        let mut books = DayState::default();
        for frame in &frames {
            let Some(translation) = self.translate(&frame.bytes, frame.at, frame.sequence) else { continue };
            for reading in translation.readings.iter().filter(|reading| reading.outlet == key.outlet && reading.hour.day() == key.day) {
                books.enter(reading);
            }
        }
        let state = self.day(key);
        state.books = books.books;
        state.row.reported = books.row.reported;
        state.full = true;
        self.evidence.insert(key, frames);
    }

    /// Lets go of what a touched day no longer needs.
    fn shrink(&mut self) {
        for key in std::mem::take(&mut self.touched) {
            let over = self.is_past(confirm_deadline(key, &self.rules));
            let Some(state) = self.days.get_mut(&key) else { continue };
            if over && !self.reopened.contains_key(&key) {
                self.days.remove(&key);
                continue;
            }
            state.full = false;
            let (now, rules) = (self.now, &self.rules);
            state.books.retain(|hour, _| close_deadline(key.outlet, key.day.hour(*hour), rules) >= now);
        }
    }

    fn close_hour(&mut self, outlet: OutletId, hour: Hour, writes: &mut WriteSet) {
        let key = OutletDay { outlet, day: hour.day() };
        let Some(mut state) = self.days.remove(&key) else { return };
        state.compute(key, hour.of_day(), &self.registry, &self.marks, &self.rules);
        if !state.full {
            state.books.remove(&hour.of_day());
        }
        self.days.insert(key, state);
        self.publish_hour(key, hour, writes);
        self.write_row(key, writes);
    }

    /// All closed hours of a reopened day, from its records; publishes those that differ.
    fn recompute(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let Some(mut state) = self.days.remove(&key) else { return };
        let closed: Vec<u8> = (0..24).filter(|hour| self.is_closed(key.outlet, key.day.hour(*hour))).collect();
        for hour in &closed {
            state.compute(key, *hour, &self.registry, &self.marks, &self.rules);
        }
        self.days.insert(key, state);
        self.close_again(key, writes);
        for hour in closed {
            self.publish_hour(key, key.day.hour(hour), writes);
        }
        self.write_row(key, writes);
    }

    fn write_row(&self, key: OutletDay, writes: &mut WriteSet) {
        if let Some(state) = self.days.get(&key).filter(|state| !state.is_blank()) {
            writes.days.insert(key, state.to_row());
        }
    }

    fn hour_means(&self, key: OutletDay, hour: Hour) -> Vec<Mean> {
        self.series_days(key, hour.start()).iter().flat_map(|series| series.hour_means(hour.of_day())).collect()
    }

    fn day_means(&self, key: OutletDay) -> Vec<Mean> {
        self.series_days(key, key.day.start()).iter().flat_map(SeriesDay::day_means).collect()
    }

    fn series_days(&self, key: OutletDay, at: Moment) -> Vec<SeriesDay<'_>> {
        self.days.get(&key).map(|state| state.series_days(key, at, &self.registry, &self.rules)).unwrap_or_default()
    }

    fn publish_hour(&mut self, key: OutletDay, hour: Hour, writes: &mut WriteSet) {
        let means = self.hour_means(key, hour);
        let confirmed = self.days.get(&key).is_some_and(|state| state.row.confirmed);
        let status = if confirmed { Status::Revised } else { Status::Provisional };
        self.publish(key, hour.of_day(), Span::Hour, hour.start(), status, means, writes);
    }

    /// Publishes the day and judges it. The first publication after 13:00 is the confirmed one.
    fn publish_day(&mut self, key: OutletDay, writes: &mut WriteSet) {
        let Some(state) = self.days.get_mut(&key) else { return };
        let confirms = confirm_deadline(key, &self.rules) <= self.now;
        let status = match (confirms, state.row.confirmed) {
            (false, _) => Status::Provisional,
            (true, false) => Status::Confirmed,
            (true, true) => Status::Revised,
        };
        if state.is_blank() {
            return;
        }
        state.row.confirmed = confirms;
        let means = self.day_means(key);
        self.publish(key, 24, Span::Day, key.day.start(), status, means.clone(), writes);
        self.judge(key, &means, confirms, writes);
        self.write_row(key, writes);
    }

    #[allow(clippy::too_many_arguments)] // One publication has that many parts; a struct for one call would hide them.
    fn publish(&mut self, key: OutletDay, place: u8, span: Span, start: Moment, status: Status, means: Vec<Mean>, writes: &mut WriteSet) {
        let site = self.registry.outlet(key.outlet, start).map(|outlet| outlet.site);
        let Some(state) = self.days.get_mut(&key) else { return };
        let before = state.row.published.get(&place).copied();
        if means.is_empty() && before.is_none() {
            return;
        }
        let shown = serde_json::to_vec(&means).expect("means serialise");
        // The status is part of a day's digest: a confirmation is news even when no figure moved.
        let mut hash = Sha256::new();
        hash.update(&shown);
        hash.update([if span == Span::Day { status as u8 } else { 0 }]);
        let digest = hash.finalize().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let revised = status == Status::Revised && span == Span::Day;
        let same_figures = before.is_some_and(|(_, known)| known == digest);
        if same_figures || (revised && before.is_some_and(|(_, known)| known == confirmed_digest(&shown))) {
            return;
        }
        let revision = before.map_or(1, |(revision, _)| revision + 1);
        state.row.published.insert(place, (revision, digest));
        let publication =
            Publication { outlet: key.outlet, site, span, start, revision, status, at: self.now, versions: self.versions.clone(), means };
        writes.events.push(message::means(&publication, self.sequence));
        writes.note(Notice::Published(if span == Span::Hour { "hour" } else { "day" }), 1);
        writes.publications.push(publication);
    }

    // --- verdicts -----------------------------------------------------------------------------------------------------

    fn view<'v>(&'v self, key: OutletDay, means: &'v [Mean], confirmed: bool) -> DayView<'v> {
        DayView { registry: &self.registry, set: &self.rules, outlet: key.outlet, day: key.day, means, confirmed, now: self.now }
    }

    fn judge(&mut self, key: OutletDay, means: &[Mean], confirmed: bool, writes: &mut WriteSet) {
        let found = rules::judge_day(&self.view(key, means, confirmed));
        let Some(state) = self.days.get_mut(&key) else { return };
        let before = std::mem::take(&mut state.row.findings);
        let (findings, changed) = compare_findings(before, found, confirmed, self.now);
        state.row.findings = findings.iter().map(|finding| (finding.id, finding.clone())).collect();
        let site = self.registry.outlet(key.outlet, key.day.start()).map(|outlet| outlet.site);
        for finding in findings.iter().filter(|finding| changed.contains(&finding.id)) {
            writes.findings.push(finding.clone());
            writes.note(Notice::Finding, 1);
            if !confirmed {
                writes.events.push(message::warning(finding, site, &self.versions, self.sequence));
            }
        }
        if !confirmed {
            return;
        }
        let factors: BTreeSet<FactorCode> = findings.iter().map(|finding| finding.factor).collect();
        for factor in factors {
            let of_factor: Vec<Finding> = findings.iter().filter(|finding| finding.factor == factor).cloned().collect();
            let moved = of_factor.iter().any(|finding| changed.contains(&finding.id));
            let docket = self.dockets.entry((key.outlet, factor)).or_default();
            if let Some((case, change)) = docket.enter(key.day, &of_factor, moved, &self.rules, self.now) {
                self.set_case_timer(&case);
                self.case_places.insert(case.id, (case.outlet, case.factor));
                self.refer(key, &case, change, &of_factor, means, writes);
                writes.cases.push(case);
            }
        }
        self.dockets.retain(|_, docket| *docket != Docket::default());
    }

    fn refer(&self, key: OutletDay, case: &Case, change: Change, findings: &[Finding], means: &[Mean], writes: &mut WriteSet) {
        let day_means: Vec<Mean> = means.iter().filter(|mean| mean.factor == case.factor).cloned().collect();
        let hours = (0..24).flat_map(|hour| self.hour_means(key, key.day.hour(hour)));
        let hour_means: Vec<Mean> = hours.filter(|mean| mean.factor == case.factor).collect();
        let referral = message::Referral {
            case,
            change,
            day: key.day,
            findings,
            day_means: &day_means,
            hour_means: &hour_means,
            evidence: self.evidence_of(key, case.factor),
            versions: &self.versions,
            registry: &self.registry,
        };
        writes.events.push(message::referral(&referral, self.now, self.sequence));
        writes.note(Notice::Referral(change.name()), 1);
    }

    // --- cases --------------------------------------------------------------------------------------------------------

    /// The instant at which the next step of a case is overdue. A timer that no longer fits finds the case otherwise, and does nothing.
    fn set_case_timer(&mut self, case: &Case) {
        if let Some(due) = case.due.filter(|_| !case.overdue) {
            self.timers.insert(Timer { deadline: due, outlet: case.outlet, kind: TimerKind::CaseDue(case.id) });
        }
    }

    fn dispose(&mut self, step: &Disposition, writes: &mut WriteSet) {
        let moved = match step.fault() {
            Some((column, _)) => Err(column),
            None => self.docket_of(step.case).and_then(|(docket, rules, now)| docket.dispose(step, rules, now)),
        };
        self.case_moved(moved, writes);
    }

    fn happened(&mut self, event: &CaseEvent, writes: &mut WriteSet) {
        let moved = match event.fault() {
            Some((column, _)) => Err(column),
            None => self.docket_of(event.case).and_then(|(docket, _, now)| docket.happened(event, now)),
        };
        self.case_moved(moved, writes);
    }

    fn case_due(&mut self, id: Uuid, at: Moment, writes: &mut WriteSet) {
        let moved = self.docket_of(id).ok().and_then(|(docket, _, _)| docket.fall_due(id, at));
        if moved.is_some() {
            self.case_moved(moved.ok_or("not due"), writes);
        }
    }

    fn docket_of(&mut self, id: Uuid) -> Result<(&mut Docket, &RuleSet, Moment), &'static str> {
        let place = self.case_places.get(&id).ok_or("no such case")?;
        Ok((self.dockets.get_mut(place).ok_or("no such case")?, &self.rules, self.now))
    }

    fn case_moved(&mut self, moved: Result<(Case, Change), &'static str>, writes: &mut WriteSet) {
        let Ok((case, change)) = moved else { return writes.note(Notice::Statement("refused"), 1) };
        self.set_case_timer(&case);
        writes.events.push(message::case_moved(&case, change, &self.registry, &self.versions, self.now, self.sequence));
        writes.note(Notice::Referral(change.name()), 1);
        writes.cases.push(case);
    }

    /// A case by its id.
    #[must_use]
    pub fn case(&self, id: Uuid) -> Option<&Case> {
        self.dockets.get(self.case_places.get(&id)?)?.case(id)
    }

    /// The packets of the highest hours, and the ranges of all packets about the day.
    fn evidence_of(&self, key: OutletDay, factor: FactorCode) -> Evidence {
        let (Some(state), Some(frames)) = (self.days.get(&key), self.evidence.get(&key)) else { return Evidence::default() };
        let mut peaks: Vec<(rust_decimal::Decimal, u64)> = state
            .cells
            .get(&factor)
            .into_iter()
            .flat_map(|cells| cells.iter().flatten())
            .filter_map(|cell| Some((cell.max?, cell.peak?.sequence)))
            .collect();
        peaks.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        let mut sequences: Vec<u64> = peaks.into_iter().map(|(_, sequence)| sequence).collect();
        sequences.dedup();
        sequences.truncate(message::PACKETS_MAX);
        let mut evidence = Evidence::default();
        let mut ranges: BTreeMap<Mn, EvidenceRange> = BTreeMap::new();
        for stored in frames {
            let Some(packet) = self.reread(&stored.bytes) else { continue };
            if !self.registry.days_of(&packet, stored.at, &self.rules).contains(&key) {
                continue;
            }
            let chain: String = stored.chain.iter().map(|byte| format!("{byte:02x}")).collect();
            if sequences.contains(&stored.sequence) {
                let (arrived, segment) = (stored.at.to_string(), packet.masked());
                evidence.packets.push(EvidencePacket { logger: stored.mn, sequence: stored.sequence, arrived, chain: chain.clone(), segment });
            }
            let range = ranges.entry(stored.mn).or_insert_with(|| EvidenceRange {
                logger: stored.mn,
                first: stored.sequence,
                last: stored.sequence,
                count: 0,
                chain: String::new(),
            });
            range.last = stored.sequence;
            range.count += 1;
            range.chain = chain;
        }
        evidence.ranges = ranges.into_values().collect();
        evidence
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
                let same = known.standing == finding.standing && known.facts == finding.facts && known.confirmed == finding.confirmed;
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

/// A day's own delay behind each deadline, of at most `spread_secs`: a city's hours do not close in one instant.
fn spread_ms(key: OutletDay, rules: &RuleSet) -> i64 {
    (i64::from(rules.spread_secs.value) * 1000 * i64::from(share_of(key))) >> 16
}

fn close_deadline(outlet: OutletId, hour: Hour, rules: &RuleSet) -> Moment {
    let delay = i64::from(rules.hour_provisional_after_min.value) * MINUTE_MS;
    hour.end().plus_ms(delay + spread_ms(OutletDay { outlet, day: hour.day() }, rules))
}

fn provisional_deadline(key: OutletDay, rules: &RuleSet) -> Moment {
    key.day.end().plus_ms(i64::from(rules.day_provisional_after_min.value) * MINUTE_MS + spread_ms(key, rules))
}

fn confirm_deadline(key: OutletDay, rules: &RuleSet) -> Moment {
    key.day.end().plus_ms(i64::from(rules.day_confirmed_after_min.value) * MINUTE_MS + spread_ms(key, rules))
}

/// How far back open hours can reach: what a restart must read again.
#[must_use]
pub fn open_hours_reach_ms(rules: &RuleSet) -> i64 {
    let minutes = rules.hour_provisional_after_min.value + rules.future_accept_min.value;
    2 * HOUR_MS + i64::from(minutes) * MINUTE_MS + i64::from(rules.spread_secs.value) * 1000
}
