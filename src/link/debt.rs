//! A debt (待应答): we owe a logger an acknowledgement, and may pay only when its packet is durable.
//!
//! `Debt` is made in this file alone, when a link takes a packet that asks. It cannot be cloned, so nothing is answered
//! twice, and only the store calls [`Debt::settle`], after the commit (the house test holds it to that).

use serde::{Deserialize, Serialize};

/// One connection's number, counted by the process that accepted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub u64);

/// An acknowledgement owed.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a debt that is dropped is a logger that never gets its answer"]
pub struct Debt {
    connection: ConnectionId,
    answer: Box<[u8]>,
}

/// An acknowledgement that may be sent: its packet is durable.
#[derive(Debug, PartialEq, Eq)]
pub struct Settled {
    /// Where to.
    pub connection: ConnectionId,
    /// The framed answer.
    pub answer: Box<[u8]>,
}

impl Debt {
    pub(super) fn new(connection: ConnectionId, answer: Vec<u8>) -> Self {
        Self { connection, answer: answer.into_boxed_slice() }
    }

    /// Bytes that it holds while it waits.
    #[must_use]
    pub fn size(&self) -> usize {
        self.answer.len()
    }

    /// Turns the debt into an answer. Only for whoever has just made the packet durable.
    #[must_use]
    pub fn settle(self) -> Settled {
        Settled { connection: self.connection, answer: self.answer }
    }
}
