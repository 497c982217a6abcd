//! The engine without network and database: entries from a list, recalls from memory. `replay` and the tests run this;
//! it is the same engine that `serve` runs, and gives the same outputs.

use crate::domain::time::{Day, Moment};
use crate::domain::{Mn, OutletDay};
use crate::engine::{Body, DayRow, Engine, Entry, FrontDesk, Link, Pasts, Recalled, Snapshot, StoredFrame, Want, WriteSet};
use crate::link::{Admissions, Admitted};
use crate::protocol::{Refusal, frame};
use crate::registry::peer_hash;
use crate::rules::neighbours::Neighbourhood;
use std::collections::{BTreeMap, BTreeSet};

/// What a store would hold, as far as the engine asks for it back.
#[derive(Debug, Default)]
struct Shelf {
    frames: BTreeMap<Mn, Vec<StoredFrame>>,
    late: BTreeSet<(Mn, i32, u64)>,
    days: BTreeMap<OutletDay, DayRow>,
    pasts: Pasts,
}

impl Shelf {
    fn put(&mut self, entries: &[Entry], writes: &WriteSet) {
        let find = |sequence: u64| entries.get(usize::try_from(sequence - writes.from - 1).ok()?);
        for (mn, chain) in &writes.chains {
            for (sequence, link) in chain.links(find) {
                if let Some(Entry { at, body: Body::Frame { bytes, peer, .. }, .. }) = find(sequence) {
                    let peer = peer_hash(peer);
                    let frame = StoredFrame { mn: *mn, sequence, at: *at, bytes: bytes.clone(), peer, chain: link };
                    self.frames.entry(*mn).or_default().push(frame);
                }
            }
        }
        self.late.extend(writes.late.iter().copied());
        self.days.extend(writes.days.iter().map(|(key, row)| (*key, row.clone())));
        self.pasts.put(writes);
    }

    fn recall(&self, want: &Want) -> Recalled {
        let day = want.key.day;
        let row = self.days.get(&want.key).filter(|_| want.row).cloned();
        let before = self.days.get(&OutletDay { day: Day(day.0 - 1), ..want.key }).filter(|_| want.row).and_then(|row| row.carry.clone());
        let past = want.past.map(|days| self.pasts.past(want.key, days));
        if !want.frames {
            return Recalled { key: want.key, row, before, frames: None, past };
        }
        let mut frames: Vec<StoredFrame> = Vec::new();
        for mn in &want.loggers {
            let about = |frame: &&StoredFrame| frame.at.day() == day || self.late.contains(&(*mn, day.0, frame.sequence));
            frames.extend(self.frames.get(mn).into_iter().flatten().filter(about).cloned());
        }
        frames.sort_by_key(|frame| frame.sequence);
        Recalled { key: want.key, row, before, frames: Some(frames), past }
    }
}

/// A run over a journal.
#[derive(Debug)]
pub struct Replay {
    engine: Engine,
    shelf: Shelf,
    desk: FrontDesk,
    batch: Vec<Entry>,
    batch_len: usize,
    last_link: BTreeMap<Mn, Link>,
}

impl Replay {
    /// A run that gives the engine `batch_len` entries at a time. The size changes no output.
    #[must_use]
    pub fn new(batch_len: usize, accept_unknown: bool) -> Self {
        Self {
            engine: Engine::new(Snapshot::default(), accept_unknown),
            shelf: Shelf::default(),
            desk: FrontDesk::new(0),
            batch: Vec::new(),
            batch_len: batch_len.max(1),
            last_link: BTreeMap::new(),
        }
    }

    /// The engine, to be looked at.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The last link of each chain.
    #[must_use]
    pub fn heads(&self) -> &BTreeMap<Mn, Link> {
        &self.last_link
    }

    /// Appends an entry as the journal holds it; `out` gets every write set.
    pub fn entry(&mut self, at: Moment, body: Body, out: &mut impl FnMut(&WriteSet)) {
        let sequence = self.engine.sequence() + self.batch.len() as u64 + 1;
        // A new register changes who may come in: what stands before it must be taken first.
        let versions = matches!(body, Body::RegistryVersion { .. });
        self.batch.push(Entry { sequence, at, body });
        if self.batch.len() >= self.batch_len || versions {
            self.flush(out);
        }
    }

    /// Appends a sign of time, and the survey that follows on it when there is something to say, and what a day shows between outlets:
    /// what the daemon does every few seconds. A journal that was written by a daemon has its own.
    pub fn tick(&mut self, at: Moment, out: &mut impl FnMut(&WriteSet)) {
        self.entry(at, Body::Tick {}, out);
        self.flush(out);
        if let Some(survey) = self.engine.survey() {
            self.entry(at, Body::Survey(survey), out);
            self.flush(out);
        }
        if let Some(day) = self.engine.neighbours_due() {
            for body in self.neighbours(day) {
                self.entry(at, body, out);
            }
            self.flush(out);
        }
    }

    /// What a day shows between outlets.
    fn neighbours(&self, day: Day) -> Vec<Body> {
        let mut all = Neighbourhood::new(self.engine.registry(), self.engine.rules(), day);
        let (first, second) = all.reach();
        for outlet in all.outlets() {
            all.look(outlet, &self.shelf.pasts.past(OutletDay { outlet, day }, first));
        }
        for outlet in all.pair() {
            all.look_again(outlet, &self.shelf.pasts.past(OutletDay { outlet, day }, second));
        }
        all.found().into_iter().map(Body::Neighbours).chain([Body::NeighboursDone { day }]).collect()
    }

    /// Appends bytes as a link would deliver them: a packet, a repeat, or something rejected.
    pub fn packet(&mut self, at: Moment, bytes: &[u8], out: &mut impl FnMut(&WriteSet)) {
        let bytes = bytes.trim_ascii_end();
        let body = self.deliver(at, bytes);
        self.entry(at, body, out);
    }

    fn deliver(&mut self, at: Moment, bytes: &[u8]) -> Body {
        let rejected = |reason: &str, detail: String| Body::Rejected {
            reason: reason.to_owned(),
            detail,
            bytes: bytes[..bytes.len().min(crate::link::REJECTED_LEN_MAX)].to_vec(),
            len: bytes.len() as u64,
            peer: PEER.to_owned(),
        };
        let Some(found) = frame::whole(bytes) else {
            let refusal = crate::protocol::decode(bytes, crate::protocol::CrcDialect::Standard, &[]).err().unwrap_or(Refusal::NotAFrame);
            return rejected(refusal.name(), refusal.to_string());
        };
        let sequence = self.engine.sequence() + self.batch.len() as u64 + 1;
        let frame = Body::Frame { bytes: bytes.to_vec(), peer: PEER.to_owned(), gateway: PEER.to_owned(), connection: 0 };
        match self.admissions().read(bytes, &found) {
            Err(refusal) => rejected(refusal.name(), refusal.to_string()),
            Ok((packet, Admitted::Accepted)) => match packet.mn().and_then(Mn::new) {
                Some(mn) => self.desk.receive(mn, sequence, at.max(self.engine.now()), frame),
                None => frame,
            },
            Ok(_) => frame,
        }
    }

    fn admissions(&self) -> &Admissions {
        self.engine.admissions()
    }

    /// Takes what is still waiting.
    pub fn flush(&mut self, out: &mut impl FnMut(&WriteSet)) {
        let batch = std::mem::take(&mut self.batch);
        let mut rest = &batch[..];
        let mut recalled: Vec<Recalled> = Vec::new();
        while !rest.is_empty() {
            let step = self.engine.step(rest, std::mem::take(&mut recalled));
            self.shelf.put(&rest[..step.taken], &step.writes);
            self.last_link.extend(step.writes.chains.iter().map(|(mn, chain)| (*mn, chain.after)));
            out(&step.writes);
            rest = &rest[step.taken..];
            recalled = step.wants.iter().map(|want| self.shelf.recall(want)).collect();
        }
    }
}

/// Peer and gateway of replayed packets.
const PEER: &str = "replay";
