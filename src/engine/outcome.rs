//! What a step asks for and what it gives: recalled days in, one write set out.

use super::entry::{Body, Entry};
use crate::aggregation::Shelf;
use crate::docket::Case;
use crate::domain::time::{Day, Moment};
use crate::domain::{Comparison, Declaration, Depth, Fact, FactorCode, Finding, Mn, Neighbour, Outage, OutletDay, OutletId, Record, Silence, Visit};
use crate::message::{Event, Publication};
use crate::rules::{Carry, Past, Profile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A link of a logger's hash chain.
pub type Link = [u8; 32];

/// An outlet's day that the engine needs back, and the loggers that may have spoken of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    /// Which day of which outlet.
    pub key: OutletDay,
    /// Whose packets.
    pub loggers: Vec<Mn>,
    /// Whether its row is wanted, and what the day before hands over; not of a day that is known.
    pub row: bool,
    /// Whether its packets are wanted.
    pub frames: bool,
    /// How many days before it rules of spans look at, where they are wanted; its own profile comes with them.
    pub past: Option<u32>,
}

impl Want {
    /// What so many days before a day left, and what it left itself; nothing else.
    #[must_use]
    pub fn of_past(key: OutletDay, days: u32) -> Self {
        Self { key, loggers: Vec::new(), row: false, frames: false, past: Some(days) }
    }
}

/// A stored packet, handed back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFrame {
    /// Who sent it.
    pub mn: Mn,
    /// Position in the journal.
    pub sequence: u64,
    /// Arrival.
    pub at: Moment,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// A hash of the address from which it came.
    pub peer: u32,
    /// Its link in the chain.
    pub chain: Link,
}

/// The past of one outlet's day: its row, if one was written, and every packet that may be about it, by sequence, if wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// Which.
    pub key: OutletDay,
    /// What was known of it; none: nothing, or it was not wanted.
    pub row: Option<DayRow>,
    /// What the day before hands over, if it was published.
    pub before: Option<Carry>,
    /// Its packets; none: they were not wanted.
    pub frames: Option<Vec<StoredFrame>>,
    /// What it and the days before it left, and what it shows beside other outlets; none: it was not wanted.
    pub past: Option<Past>,
}

/// What is kept of a day besides its packets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayRow {
    /// Cells of the closed hours, by factor. A store keeps their bytes beside the document; older documents hold them.
    #[serde(default, skip_serializing)]
    pub cells: Shelf,
    /// Revision and digest of what was last published: places 0–23 the hours, 24 the day.
    pub published: BTreeMap<u8, (u32, u64)>,
    /// What the loggers themselves report for the day (CN 2031), by factor.
    #[serde(default)]
    pub reported: BTreeMap<FactorCode, Record>,
    /// Whether the day was published as confirmed.
    pub confirmed: bool,
    /// Findings as last stated.
    pub findings: BTreeMap<Uuid, Finding>,
    /// The day was begun because the outlet stands in the register, whether anything came or not.
    #[serde(default)]
    pub expected: bool,
    /// What was said besides values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// Silences of its loggers that touch the day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Silence>,
    /// What it hands to the next day, once it was published.
    #[serde(skip)]
    pub carry: Option<Carry>,
}

impl DayRow {
    /// Whether anything came: a day may be there because its outlet stands in the register.
    #[must_use]
    pub fn has_data(&self) -> bool {
        !self.cells.is_empty() || !self.reported.is_empty() || !self.published.is_empty()
    }
}

/// A day that changed after it was computed, and waits until it is quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reopened {
    /// The first change.
    pub first: Moment,
    /// When it is computed if nothing else comes.
    pub due: Moment,
}

/// An outlet's days that are to be computed again, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recount {
    /// The next one.
    pub next: Day,
    /// The last one.
    pub last: Day,
    /// From what.
    pub depth: Depth,
    /// When the next one is computed.
    pub due: Moment,
}

impl Recount {
    /// Days that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        u64::try_from(self.last.0 - self.next.0 + 1).unwrap_or(0)
    }
}

/// What days left, as a store holds it: for whoever runs an engine without one.
#[derive(Debug, Clone, Default)]
pub struct Pasts {
    /// Profiles of judged days.
    pub profiles: BTreeMap<OutletDay, Profile>,
    neighbours: BTreeMap<OutletDay, Vec<Neighbour>>,
}

impl Pasts {
    /// Takes what a step left.
    pub fn put(&mut self, writes: &WriteSet) {
        self.profiles.extend(writes.profiles.iter().map(|(key, profile)| (*key, profile.clone())));
        self.neighbours.extend(writes.neighbours.iter().map(|(key, seen)| (*key, seen.clone())));
    }

    /// What is recalled beside a day: so many days before it, and itself.
    #[must_use]
    pub fn past(&self, key: OutletDay, days: u32) -> Past {
        let first = OutletDay { day: Day(key.day.0 - i32::try_from(days).unwrap_or(i32::MAX)), ..key };
        let days = self.profiles.range(first..=key).map(|(key, profile)| (key.day, profile.clone())).collect();
        Past { days, neighbours: self.neighbours.get(&key).cloned().unwrap_or_default() }
    }
}

/// What one logger added to its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainWrite {
    /// The head before this step.
    pub before: Link,
    /// The head after it.
    pub after: Link,
    /// The entries that it made.
    pub sequences: Vec<u64>,
}

/// Something worth counting. The core notices; the shell speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// A packet was accepted, by CN class.
    Accepted,
    /// An exact repeat.
    Repeat,
    /// Kept apart, by reason.
    Quarantined(&'static str),
    /// A deviation, by name.
    Quirk(&'static str),
    /// Values that made no reading, by reason.
    Unusable(&'static str),
    /// Readings taken.
    Readings,
    /// Readings about another day than that of their arrival.
    Late,
    /// A split message: `complete`, `doubled`, `lost`.
    Parts(&'static str),
    /// Means published, by span.
    Published(&'static str),
    /// Findings stated.
    Finding,
    /// Referrals made, by change.
    Referral(&'static str),
    /// A frame that the engine cannot read although a link did.
    Unreadable,
    /// A rule set or register that could not be read; the old one stays in force.
    BadVersion,
    /// A statement: `declaration`, `comparison`, `visit`, `score`, `neighbours`, or `refused`.
    Statement(&'static str),
    /// A stored day was computed again.
    Recounted,
    /// An outage began (or, of the receiver, was over), by scope.
    Outage(&'static str),
}

/// Everything that one step writes, in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WriteSet {
    /// Last sequence before the step.
    pub from: u64,
    /// Last sequence taken.
    pub to: u64,
    /// Engine time after it.
    pub now: Moment,
    /// Chains that grew.
    pub chains: BTreeMap<Mn, ChainWrite>,
    /// Packets about another day than that of their arrival: logger, day, sequence.
    pub late: Vec<(Mn, i32, u64)>,
    /// Entries kept apart, with the reason.
    pub quarantine: Vec<(u64, &'static str)>,
    /// Days whose row changed.
    pub days: BTreeMap<OutletDay, DayRow>,
    /// What judged days leave for the rules of spans.
    pub profiles: BTreeMap<OutletDay, Profile>,
    /// What days show beside other outlets.
    pub neighbours: BTreeMap<OutletDay, Vec<Neighbour>>,
    /// The last day whose outlets were compared with each other, when it moved.
    pub neighbours_until: Option<Day>,
    /// Days that were reopened, or closed again.
    pub reopened: BTreeMap<OutletDay, Option<Reopened>>,
    /// Means published.
    pub publications: Vec<Publication>,
    /// Recounts that began, went on, or (none) ended.
    pub recounts: BTreeMap<OutletId, Option<Recount>>,
    /// Declarations put in force.
    pub declarations: Vec<Declaration>,
    /// Comparison results put in force.
    pub comparisons: Vec<Comparison>,
    /// Visits put in force.
    pub visits: Vec<Visit>,
    /// Silences that began or changed, or (none) ended.
    pub silences: BTreeMap<Mn, Option<Silence>>,
    /// Outages that began or ended.
    pub outages: Vec<Outage>,
    /// Loggers that are heard by another gateway than before, or for the first time.
    pub gateways: BTreeMap<Mn, String>,
    /// Findings stated.
    pub findings: Vec<Finding>,
    /// Cases that moved.
    pub cases: Vec<Case>,
    /// Events for the outbox, in order.
    pub events: Vec<Event>,
    /// Counts.
    pub notices: BTreeMap<Notice, u64>,
    /// A version was put in force: the table that links hold must be made anew.
    pub admissions_changed: bool,
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What to write.
    pub writes: WriteSet,
    /// How many of the entries were taken. Fewer than given: recall `wants` after committing, then step again with the rest.
    pub taken: usize,
    /// What must be recalled before the next entry; nothing where a step ended because it was long enough.
    pub wants: Vec<Want>,
}

impl WriteSet {
    pub(super) fn note(&mut self, notice: Notice, count: u64) {
        *self.notices.entry(notice).or_default() += count;
    }
}

/// What a restarted engine is given.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Last committed sequence.
    pub sequence: u64,
    /// Engine time then.
    pub now: Moment,
    /// The register in force.
    pub registry: Option<crate::registry::Files>,
    /// Every rule set that was put in force, oldest first: the last one is.
    pub rule_sets: Vec<(Moment, String)>,
    /// Chain heads.
    pub heads: BTreeMap<Mn, Link>,
    /// Rows of the days that are not confirmed yet, and of those that were reopened.
    pub days: BTreeMap<OutletDay, DayRow>,
    /// Reopened days.
    pub reopened: BTreeMap<OutletDay, Reopened>,
    /// Recounts that are not done.
    pub recounts: BTreeMap<OutletId, Recount>,
    /// Declarations in force.
    pub declarations: Vec<Declaration>,
    /// Comparison results in force.
    pub comparisons: Vec<Comparison>,
    /// Visits in force.
    pub visits: Vec<Visit>,
    /// Day of the journal's first entry.
    pub began: Option<Day>,
    /// Cases.
    pub cases: Vec<Case>,
    /// What the day before each of `days` hands over.
    pub befores: BTreeMap<OutletDay, Carry>,
    /// Loggers that are silent.
    pub silences: BTreeMap<Mn, Silence>,
    /// Outages of the last days.
    pub outages: Vec<Outage>,
    /// Last packet of each logger that was heard in the last hours, and its gateway.
    pub heard: BTreeMap<Mn, (Moment, String)>,
    /// The last tick.
    pub last_tick: Option<Moment>,
    /// The last survey.
    pub surveyed: Moment,
    /// The last day whose outlets were compared with each other.
    pub neighbours_until: Option<Day>,
    /// The largest stamp of an entry: deadlines may have moved engine time on.
    pub last_at: Option<Moment>,
    /// Packets of the hours that are still open (two hours back are enough), by sequence.
    pub recent: Vec<StoredFrame>,
}

impl ChainWrite {
    /// The link of every entry that this step added, by sequence. `find` gives the entry of a sequence.
    pub fn links<'e>(&self, find: impl Fn(u64) -> Option<&'e Entry>) -> BTreeMap<u64, Link> {
        let mut head = self.before;
        let mut links = BTreeMap::new();
        for sequence in &self.sequences {
            let Some(entry) = find(*sequence) else { continue };
            head = link_of(&head, entry);
            links.insert(*sequence, head);
        }
        links
    }
}

/// The link that an entry adds to its logger's chain.
#[must_use]
pub fn link_of(before: &Link, entry: &Entry) -> Link {
    match &entry.body {
        Body::Frame { bytes, peer, .. } => super::chain_link(before, entry.sequence, entry.at, peer, bytes),
        Body::Repeat { of, peer, .. } => super::repeat_link(before, entry.sequence, entry.at, peer, *of),
        _ => *before,
    }
}
