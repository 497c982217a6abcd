//! What a store keeps at hand beside its database: who the loggers are, the heads of their chains, which hot blocks hold whose
//! entries, and the packets that came late in the last hours. Knows no database.

use super::Audit;
use super::block::{self, Index};
use crate::domain::Mn;
use crate::domain::time::{Day, Hour, Moment};
use crate::engine::{Body, Entry, Link, Snapshot, StoredFrame, WriteSet, link_of};
use crate::registry::peer_hash;
use std::collections::BTreeMap;

/// Bytes of late packets at hand.
const LATE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// The entries of an hour by sequence, each with the id of its logger (0: nobody's) and, for the first of each logger, the
/// stored head before it.
pub(super) type JournalHour = BTreeMap<u64, (u32, Option<Link>, Entry)>;

/// Where a hot block lies in sequence and time.
#[derive(Debug, Clone, Copy)]
pub(super) struct HotBlock {
    pub(super) first: u64,
    pub(super) first_at: i64,
    pub(super) last_at: i64,
}

impl HotBlock {
    /// The block that these entries will be; none for no entries.
    pub(super) fn of(entries: &[Entry]) -> Option<Self> {
        let stamps = || entries.iter().map(|entry| entry.at.0);
        Some(Self { first: entries.first()?.sequence, first_at: stamps().min()?, last_at: stamps().max()? })
    }
}

/// Loggers, chain heads, hot blocks and late packets.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    ids: BTreeMap<Mn, u32>,
    names: BTreeMap<u32, Mn>,
    /// Chain heads: of the sealed hours from their table, of the hot blocks from their indexes.
    heads: BTreeMap<u32, Link>,
    /// Hot blocks that hold entries of a logger.
    hot: BTreeMap<u32, Vec<HotBlock>>,
    late: LateFrames,
}

impl Indexes {
    /// Empty ones, for a journal that goes on with sequence `next`.
    pub(super) fn begin(next: u64) -> Self {
        Self { late: LateFrames { since: next, ..LateFrames::default() }, ..Self::default() }
    }

    pub(super) fn put_logger(&mut self, id: u32, mn: Mn, head: Link) {
        self.ids.insert(mn, id);
        self.names.insert(id, mn);
        self.heads.insert(id, head);
    }

    /// Gives an id to each logger that this step met first.
    pub(super) fn put_new_loggers(&mut self, writes: &WriteSet) -> Vec<(u32, Mn)> {
        let known = self.names.keys().last().copied().unwrap_or(0);
        let new: Vec<Mn> = writes.chains.keys().filter(|mn| !self.ids.contains_key(*mn)).copied().collect();
        let new: Vec<(u32, Mn)> = (known + 1..).zip(new).collect();
        for (id, mn) in &new {
            self.ids.insert(*mn, *id);
            self.names.insert(*id, *mn);
        }
        new
    }

    pub(super) fn id(&self, mn: Mn) -> Option<u32> {
        self.ids.get(&mn).copied()
    }

    /// A logger as a person calls it.
    fn name(&self, id: u32) -> &str {
        self.names.get(&id).map_or("?", Mn::as_str)
    }

    /// Chain heads by logger.
    pub(super) fn heads(&self) -> BTreeMap<Mn, Link> {
        self.named(&self.heads)
    }

    fn named(&self, heads: &BTreeMap<u32, Link>) -> BTreeMap<Mn, Link> {
        heads.iter().filter_map(|(id, head)| Some((*self.names.get(id)?, *head))).collect()
    }

    pub(super) fn put_block(&mut self, block: HotBlock, index: &Index) {
        for (id, _, after) in &index.loggers {
            self.heads.insert(*id, *after);
            self.hot.entry(*id).or_default().push(block);
        }
        if index.places.contains(&block::NOBODY) {
            self.hot.entry(0).or_default().push(block);
        }
    }

    /// The first sequences of a logger's hot blocks that may hold what is wanted: arrived first and last.
    pub(super) fn blocks_of(&self, id: u32, wanted: impl Fn(Moment, Moment) -> bool) -> Vec<u64> {
        let blocks = self.hot.get(&id).into_iter().flatten();
        blocks.filter(|block| wanted(Moment(block.first_at), Moment(block.last_at))).map(|block| block.first).collect()
    }

    /// A logger's packets among entries whose chain stood at `before`.
    pub(super) fn frames_of(&self, id: u32, before: Link, entries: Vec<Entry>) -> Vec<StoredFrame> {
        let Some(mn) = self.names.get(&id).copied() else { return Vec::new() };
        let mut head = before;
        let mut frames = Vec::with_capacity(entries.len());
        for entry in entries {
            head = link_of(&head, &entry);
            if let Body::Frame { bytes, peer, .. } = entry.body {
                frames.push(StoredFrame { mn, sequence: entry.sequence, at: entry.at, bytes, peer: peer_hash(&peer), chain: head });
            }
        }
        frames
    }

    /// Enters what a restarted engine needs of a hot block: who was heard when, the last tick and survey, the packets since `from`.
    pub(super) fn read_recent(&self, block: BTreeMap<u32, (Link, Vec<Entry>)>, from: Moment, snapshot: &mut Snapshot) {
        for (id, (before, entries)) in block {
            for entry in &entries {
                match (&entry.body, self.names.get(&id)) {
                    (Body::Frame { gateway, .. }, Some(mn)) => drop(snapshot.heard.insert(*mn, (entry.at, gateway.clone()))),
                    (Body::Repeat { .. }, Some(mn)) => snapshot.heard.entry(*mn).or_default().0 = entry.at,
                    (Body::Tick {}, _) => snapshot.last_tick = snapshot.last_tick.max(Some(entry.at)),
                    (Body::Survey(_), _) => snapshot.surveyed = snapshot.surveyed.max(entry.at),
                    _ => {}
                }
            }
            snapshot.recent.extend(self.frames_of(id, before, entries).into_iter().filter(|frame| frame.at >= from));
        }
    }

    /// Keeps the late packets of a step that was committed.
    pub(super) fn put_late(&mut self, entries: &[Entry], writes: &WriteSet) {
        let find = |sequence: u64| entries.get(usize::try_from(sequence - writes.from - 1).ok()?);
        let mut by_logger = writes.late.clone();
        by_logger.sort_unstable();
        for late in by_logger.chunk_by(|one, other| one.0 == other.0) {
            let mn = late[0].0;
            let (Some(id), Some(chain)) = (self.ids.get(&mn).copied(), writes.chains.get(&mn)) else { continue };
            let links = chain.links(find);
            for (_, day, sequence) in late {
                if let (Some(Entry { at, body: Body::Frame { bytes, peer, .. }, .. }), Some(chain)) = (find(*sequence), links.get(sequence)) {
                    let peer = peer_hash(peer);
                    let frame = StoredFrame { mn, sequence: *sequence, at: *at, bytes: bytes.clone(), peer, chain: *chain };
                    self.late.put(id, *day, frame, writes.to + 1);
                }
            }
        }
    }

    /// From this sequence on every late packet is at hand.
    pub(super) fn late_since(&self) -> u64 {
        self.late.since
    }

    /// Late packets at hand about a day.
    pub(super) fn late_of(&self, id: u32, day: Day) -> impl Iterator<Item = &StoredFrame> {
        let since = self.late.since;
        self.late.frames.get(&(id, day.0)).into_iter().flatten().filter(move |frame| frame.sequence >= since)
    }

    /// Lets go of what an hour that ended at `end` held, up to sequence `last`: it is sealed.
    pub(super) fn forget_sealed(&mut self, end: Moment, last: u64) {
        for blocks in self.hot.values_mut() {
            blocks.retain(|block| block.last_at >= end.0);
        }
        self.hot.retain(|_, blocks| !blocks.is_empty());
        self.late.forget_before(last + 1);
    }
}

/// Packets about another day than that of their arrival, as long as they lie in hot blocks: a back-fill is recalled minutes after
/// it came, and a hot block holds many loggers. Capacity: `LATE_BYTES_MAX`; when it is full all are let go of, and read from
/// their blocks instead.
#[derive(Debug, Default)]
struct LateFrames {
    frames: BTreeMap<(u32, i32), Vec<StoredFrame>>,
    bytes: usize,
    /// From this sequence on every late packet is here.
    since: u64,
}

impl LateFrames {
    /// `next` is the first sequence after this commit.
    fn put(&mut self, id: u32, day: i32, frame: StoredFrame, next: u64) {
        self.bytes += frame.bytes.len() + 128;
        if self.bytes > LATE_BYTES_MAX {
            *self = Self { since: next, ..Self::default() };
            return;
        }
        self.frames.entry((id, day)).or_default().push(frame);
    }

    /// Lets go of what is sealed: the packets below sequence `kept`.
    fn forget_before(&mut self, kept: u64) {
        self.since = self.since.max(kept);
        for frames in self.frames.values_mut() {
            frames.retain(|frame| frame.sequence >= kept);
        }
        self.frames.retain(|_, frames| !frames.is_empty());
        self.bytes = self.frames.values().flatten().map(|frame| frame.bytes.len() + 128).sum();
    }
}

/// A walk over every chain, hour by hour from the journal's beginning.
#[derive(Debug, Default)]
pub(super) struct Walk {
    audit: Audit,
    heads: BTreeMap<u32, Link>,
    /// The last sequence that was seen.
    last: u64,
}

impl Walk {
    /// Takes the next hour; `each` is told the heads after it.
    pub(super) fn take(&mut self, hour: Hour, journal: JournalHour, indexes: &Indexes, each: &mut impl FnMut(Hour, &BTreeMap<Mn, Link>, &mut Audit)) {
        for (sequence, (id, stored, entry)) in journal {
            if sequence != self.last + 1 {
                self.audit.faults.push(format!("sequence {} to {} is missing", self.last + 1, sequence - 1));
            }
            self.last = sequence;
            self.audit.entries += 1;
            if id == 0 {
                continue;
            }
            let head = self.heads.entry(id).or_default();
            if stored.is_some_and(|stored| stored != *head) {
                self.audit.faults.push(format!("logger {}: the chain is broken before sequence {sequence}", indexes.name(id)));
            }
            *head = link_of(head, &entry);
            self.audit.links += 1;
        }
        each(hour, &indexes.named(&self.heads), &mut self.audit);
    }

    /// Compares the ends of the chains with what the store has at hand; `next` is the shard's next sequence.
    pub(super) fn end(mut self, next: u64, indexes: &Indexes) -> Audit {
        if self.last + 1 != next {
            self.audit.faults.push(format!("the journal ends at {}, the shard says {}", self.last, next - 1));
        }
        for (id, head) in &indexes.heads {
            if self.heads.get(id).copied().unwrap_or_default() != *head {
                self.audit.faults.push(format!("logger {}: the last link is not the stored head", indexes.name(*id)));
            }
            self.audit.chains += 1;
        }
        self.audit
    }
}
