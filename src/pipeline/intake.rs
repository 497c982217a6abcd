//! The open batch: what has arrived and waits for the engine. Connections append, the engine's thread takes all of it at once.
//!
//! Capacity: `limit` bytes. Who waits when it is full: connections stop reading, and TCP makes the loggers wait.

use crate::domain::Mn;
use crate::domain::time::Moment;
use crate::engine::Body;
use crate::link::Debt;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// Entries that one step takes at most: the index of a block counts loggers with 16 bits.
pub const BATCH_ENTRIES_MAX: usize = 20_000;

/// One thing that arrived.
#[derive(Debug)]
pub struct Arrived {
    /// When.
    pub at: Moment,
    /// What.
    pub item: Item,
    /// What is owed for it.
    pub debt: Option<Debt>,
}

/// What can arrive.
#[derive(Debug)]
pub enum Item {
    /// An admitted packet of a logger that the register may know.
    Packet {
        /// Who sent it.
        mn: Mn,
        /// The bytes.
        bytes: Vec<u8>,
        /// Address of the peer.
        peer: Arc<str>,
        /// The connection.
        connection: u64,
    },
    /// Any other entry.
    Entry(Body),
    /// An entry that a person or another system appends, and who is told its sequence once it is durable.
    Append(Box<Body>, usize, oneshot::Sender<u64>),
}

impl Item {
    fn size(&self) -> usize {
        match self {
            Self::Packet { bytes, .. } => bytes.len() + 64,
            Self::Entry(Body::Frame { bytes, .. } | Body::Rejected { bytes, .. }) => bytes.len() + 128,
            Self::Entry(_) => 128,
            Self::Append(_, bytes, _) => bytes + 128,
        }
    }
}

#[derive(Debug, Default)]
struct Open {
    items: VecDeque<Arrived>,
    bytes: usize,
    peak: usize,
    last: Moment,
    closed: bool,
}

/// The open batch, shared.
#[derive(Debug)]
pub struct Intake {
    open: Mutex<Open>,
    filled: Condvar,
    taken: Notify,
    limit: usize,
    /// Nothing is read while this is false.
    open_while: Arc<AtomicBool>,
}

impl Intake {
    /// An empty one that holds `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::open_while(limit, Arc::new(AtomicBool::new(true)))
    }

    /// An empty one that counts as full while `ready` is false, whatever waits.
    #[must_use]
    pub fn open_while(limit: usize, ready: Arc<AtomicBool>) -> Self {
        Self { open: Mutex::new(Open::default()), filled: Condvar::new(), taken: Notify::new(), limit, open_while: ready }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// No stamp will be earlier than this: a journal that exists goes on where it ended, whatever the clock says.
    pub fn not_before(&self, at: Moment) {
        let mut open = self.lock();
        open.last = open.last.max(at);
    }

    /// Appends. Stamps never go back: arrival order is journal order.
    pub fn push(&self, now: Moment, item: Item, debt: Option<Debt>) {
        let mut open = self.lock();
        let at = now.max(open.last);
        open.last = at;
        open.bytes += item.size() + debt.as_ref().map_or(0, Debt::size);
        open.peak = open.peak.max(open.bytes);
        open.items.push_back(Arrived { at, item, debt });
        drop(open);
        self.filled.notify_one();
    }

    /// Whether connections should stop reading.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes() > self.limit || !self.open_while.load(Ordering::Acquire)
    }

    /// Bytes that wait.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The most bytes that waited since this was last asked: between two batches nothing waits.
    #[must_use]
    pub fn peak(&self) -> usize {
        let mut open = self.lock();
        let bytes = open.bytes;
        std::mem::replace(&mut open.peak, bytes)
    }

    /// Waits until there is room.
    pub async fn room(&self) {
        loop {
            let taken = self.taken.notified();
            if !self.is_full() {
                return;
            }
            taken.await;
        }
    }

    /// No more will be pushed: `take` gives what is left, and then nothing.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// Takes what waits, up to [`BATCH_ENTRIES_MAX`]. Waits up to `patience` for something. `None`: closed and empty.
    #[must_use]
    pub fn take(&self, patience: Duration) -> Option<Vec<Arrived>> {
        let mut open = self.lock();
        if open.items.is_empty() && !open.closed {
            open = self.filled.wait_timeout(open, patience).unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        if open.items.is_empty() && open.closed {
            return None;
        }
        let batch: Vec<Arrived> = if open.items.len() <= BATCH_ENTRIES_MAX {
            open.bytes = 0;
            std::mem::take(&mut open.items).into()
        } else {
            let batch: Vec<Arrived> = open.items.drain(..BATCH_ENTRIES_MAX).collect();
            let size: usize = batch.iter().map(|arrived| arrived.item.size() + arrived.debt.as_ref().map_or(0, Debt::size)).sum();
            open.bytes = open.bytes.saturating_sub(size);
            batch
        };
        drop(open);
        self.taken.notify_waiters();
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_never_go_back_and_a_full_batch_says_so() {
        let intake = Intake::new(200);
        intake.push(Moment(10), Item::Entry(Body::Tick {}), None);
        assert!(!intake.is_full());
        intake.push(Moment(5), Item::Entry(Body::Tick {}), None);
        assert!(intake.is_full());
        let batch = intake.take(Duration::ZERO).expect("two");
        assert_eq!(batch.iter().map(|arrived| arrived.at).collect::<Vec<_>>(), [Moment(10), Moment(10)]);
        assert!(!intake.is_full());
        intake.close();
        assert!(intake.take(Duration::ZERO).is_none());
    }

    #[test]
    fn nothing_is_read_while_nothing_can_be_kept() {
        let ready = Arc::new(AtomicBool::new(true));
        let intake = Intake::open_while(200, Arc::clone(&ready));
        assert!(!intake.is_full());
        ready.store(false, Ordering::Release);
        assert!(intake.is_full());
    }
}
