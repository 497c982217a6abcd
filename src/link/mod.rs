//! One conversation with one logger, without sockets and clocks: bytes and the passing of time go in, deliveries come out.
//!
//! A link frames, decodes with what the register allows the sender, judges whether the packet may come in, and mints the
//! debt it is owed. It refuses to know what a value means. Nothing a logger sends travels beyond its own link as an error.
//!
//! ```text
//!            first frame            frame
//!   Quiet ───────────────▶ Talking ───────▶ Talking
//!     │ first_frame_ms        │ idle_ms, or junk_len_max bytes without a frame
//!     └──────────▶ Closed ◀───┘
//! ```
//!
//! A packet that stays unfinished for partial_ms is given up; the conversation goes on.

mod admission;
mod answer;
mod debt;

pub use admission::{Admission, Admissions, Admitted};
pub use debt::{ConnectionId, Debt, Settled};

use crate::domain::Mn;
use crate::protocol::frame::{FRAME_LEN_MAX, Frame, Framer, Piece};
use crate::protocol::peek;
use crate::protocol::quirk::QuirkSet;

/// Rejected bytes are kept up to this many; the rest is only counted.
pub const REJECTED_LEN_MAX: usize = 1100;

/// What a link allows its logger. All times are of the real, monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A connection without any frame is closed after this.
    pub first_frame_ms: u64,
    /// A connection without a byte is closed after this.
    pub idle_ms: u64,
    /// A packet that began must end within this, or is given up.
    pub partial_ms: u64,
    /// Bytes that are no packet, in a row, before the connection is closed.
    pub junk_len_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { first_frame_ms: 60_000, idle_ms: 7_200_000, partial_ms: 30_000, junk_len_max: 65_536 }
    }
}

/// Why a link wants its connection closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseReason {
    /// No frame within `first_frame_ms`.
    NoFrame,
    /// No byte within `idle_ms`.
    Idle,
    /// `junk_len_max` bytes of something else.
    NotHj212,
}

impl CloseReason {
    /// The name under which it is counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoFrame => "no_frame",
            Self::Idle => "idle",
            Self::NotHj212 => "not_hj212",
        }
    }
}

/// What one read brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// A packet for the journal, or for quarantine, with the debt it is owed.
    Frame {
        /// From `##` to the check.
        bytes: Box<[u8]>,
        /// The sender, where the packet names one that can be registered.
        mn: Option<Mn>,
        /// Whether it may come in.
        admitted: Admitted,
        /// The acknowledgement, to be paid once the packet is durable.
        debt: Option<Debt>,
    },
    /// Bytes that are no packet.
    Rejected {
        /// Up to [`REJECTED_LEN_MAX`] of them.
        bytes: Box<[u8]>,
        /// How many there were.
        len: usize,
        /// The reason's name.
        reason: &'static str,
        /// What was wrong, with the offending figures.
        detail: String,
        /// Whom the bytes claim to be from; not to be believed, only to be searched for.
        claimed: Option<Mn>,
    },
    /// Deviations of the framing that belong to the packet before.
    Noticed(QuirkSet),
    /// The connection shall be closed.
    Close(CloseReason),
}

/// The conversation.
#[derive(Debug)]
pub struct Link {
    connection: ConnectionId,
    limits: Limits,
    framer: Framer,
    pending: Vec<u8>,
    announced: answer::Announced,
    junk_len: usize,
    framed: bool,
    opened_ms: u64,
    heard_ms: u64,
    pending_since_ms: u64,
}

impl Link {
    /// A link over a connection that opened at `now_ms` of the monotonic clock.
    #[must_use]
    pub fn new(connection: ConnectionId, limits: Limits, now_ms: u64) -> Self {
        Self {
            connection,
            limits,
            framer: Framer::default(),
            pending: Vec::new(),
            announced: answer::Announced::default(),
            junk_len: 0,
            framed: false,
            opened_ms: now_ms,
            heard_ms: now_ms,
            pending_since_ms: now_ms,
        }
    }

    /// Takes what one read brought. Outputs come in the order of the bytes.
    pub fn receive(&mut self, bytes: &[u8], now_ms: u64, admissions: &Admissions, out: &mut Vec<Output>) {
        self.heard_ms = now_ms;
        if self.pending.is_empty() {
            let done = self.walk(bytes, false, admissions, out);
            if done < bytes.len() {
                self.pending.extend_from_slice(&bytes[done..]);
                self.pending_since_ms = now_ms;
            }
            return;
        }
        let mut buffer = std::mem::take(&mut self.pending);
        buffer.extend_from_slice(bytes);
        let done = self.walk(&buffer, false, admissions, out);
        if done == buffer.len() {
            return; // The buffer is given back to the allocator: an idle connection holds none.
        }
        if done > 0 {
            buffer.drain(..done);
            self.pending_since_ms = now_ms;
        }
        debug_assert!(buffer.len() <= FRAME_LEN_MAX + bytes.len(), "the framer never waits for more than a frame");
        self.pending = buffer;
    }

    /// The peer will send no more: what is left is a packet without its line end, or damage.
    pub fn close(&mut self, admissions: &Admissions, out: &mut Vec<Output>) {
        let buffer = std::mem::take(&mut self.pending);
        self.walk(&buffer, true, admissions, out);
    }

    fn walk(&mut self, buffer: &[u8], closed: bool, admissions: &Admissions, out: &mut Vec<Output>) -> usize {
        let mut done = 0;
        loop {
            let rest = &buffer[done..];
            let progress = self.framer.next(rest, closed);
            if !progress.previous.is_empty() {
                out.push(Output::Noticed(progress.previous));
            }
            done += progress.consumed;
            match progress.piece {
                Some(Piece::Frame(frame)) => self.frame(rest, &frame, admissions, out),
                Some(Piece::Junk { span, reason }) => {
                    let junk = &rest[span];
                    self.junk_len = self.junk_len.saturating_add(junk.len());
                    out.push(rejected(junk, reason.name(), String::new(), None));
                    if self.junk_len > self.limits.junk_len_max {
                        out.push(Output::Close(CloseReason::NotHj212));
                        return buffer.len();
                    }
                }
                None if progress.consumed > 0 && done < buffer.len() => {}
                None => return done,
            }
        }
    }

    fn frame(&mut self, buffer: &[u8], frame: &Frame, admissions: &Admissions, out: &mut Vec<Output>) {
        self.junk_len = 0;
        self.framed = true;
        let bytes = &buffer[frame.span.clone()];
        let local =
            Frame { span: 0..bytes.len(), segment: frame.segment.start - frame.span.start..frame.segment.end - frame.span.start, ..frame.clone() };
        match admissions.read(bytes, &local) {
            Ok((packet, admitted)) => {
                let answer = (admitted == Admitted::Accepted).then(|| answer::answer(&packet, &mut self.announced)).flatten();
                let debt = answer.map(|answer| Debt::new(self.connection, answer));
                out.push(Output::Frame { mn: packet.mn().and_then(Mn::new), bytes: bytes.into(), admitted, debt });
            }
            Err(refusal) => {
                let claimed = peek(bytes, &local).mn().and_then(Mn::new);
                out.push(rejected(bytes, refusal.name(), refusal.to_string(), claimed));
            }
        }
    }

    /// When [`Link::timeout`] should next be called, on the monotonic clock.
    #[must_use]
    pub fn poll_timeout_ms(&self) -> u64 {
        let idle = self.heard_ms + self.limits.idle_ms;
        let first = if self.framed { u64::MAX } else { self.opened_ms + self.limits.first_frame_ms };
        let partial = if self.pending.is_empty() { u64::MAX } else { self.pending_since_ms + self.limits.partial_ms };
        idle.min(first).min(partial)
    }

    /// Time has passed. A packet that did not end is given up, and what stands behind it in the same bytes is read; a
    /// connection that has been silent for too long shall be closed.
    pub fn timeout(&mut self, now_ms: u64, admissions: &Admissions, out: &mut Vec<Output>) {
        if !self.pending.is_empty() && now_ms >= self.pending_since_ms + self.limits.partial_ms {
            self.close(admissions, out);
        }
        if !self.framed && now_ms >= self.opened_ms + self.limits.first_frame_ms {
            out.push(Output::Close(CloseReason::NoFrame));
        } else if now_ms >= self.heard_ms + self.limits.idle_ms {
            out.push(Output::Close(CloseReason::Idle));
        }
    }

    /// Bytes of a packet that has not ended yet.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }
}

fn rejected(bytes: &[u8], reason: &'static str, detail: String, claimed: Option<Mn>) -> Output {
    Output::Rejected { bytes: bytes[..bytes.len().min(REJECTED_LEN_MAX)].into(), len: bytes.len(), reason, detail, claimed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::encode;

    fn closes(link: &mut Link, now_ms: u64) -> Option<CloseReason> {
        let mut out = Vec::new();
        link.timeout(now_ms, &Admissions::default(), &mut out);
        out.into_iter().find_map(|output| if let Output::Close(reason) = output { Some(reason) } else { None })
    }

    #[test]
    fn a_connection_must_send_a_packet_and_may_then_be_silent_for_long() {
        let limits = Limits::default();
        let mut link = Link::new(ConnectionId(1), limits, 1_000);
        assert_eq!(link.poll_timeout_ms(), 1_000 + limits.first_frame_ms);
        assert_eq!(closes(&mut link, 1_000 + limits.first_frame_ms - 1), None);
        assert_eq!(closes(&mut link, 1_000 + limits.first_frame_ms), Some(CloseReason::NoFrame));
        let mut link = Link::new(ConnectionId(1), limits, 1_000);
        link.receive(&encode::frame(b"ST=32;CN=2011;MN=M;CP=&&&&"), 2_000, &Admissions::default(), &mut Vec::new());
        assert_eq!(closes(&mut link, 2_000 + limits.idle_ms - 1), None);
        assert_eq!(closes(&mut link, 2_000 + limits.idle_ms), Some(CloseReason::Idle));
    }

    #[test]
    fn a_packet_that_does_not_end_is_given_up_and_the_good_ones_behind_it_are_read() {
        let limits = Limits::default();
        let mut link = Link::new(ConnectionId(1), limits, 0);
        let mut out = Vec::new();
        // A length of 8000 with nothing that ends it; the good packet behind it has no line end, and its own length leads.
        link.receive(b"##8000QN=1;ST=32;CN=2011", 0, &Admissions::default(), &mut out);
        assert!(out.is_empty() && link.pending_len() > 0);
        link.timeout(limits.partial_ms, &Admissions::default(), &mut out);
        assert!(matches!(&out[..], [Output::Rejected { reason: "length_wrong", .. }]), "{out:?}");
        assert_eq!(link.pending_len(), 0);
        out.clear();
        link.receive(&encode::frame(b"ST=32;CN=2011;MN=M;CP=&&&&"), limits.partial_ms, &Admissions::default(), &mut out);
        assert!(matches!(&out[..], [Output::Frame { .. }]), "the conversation goes on: {out:?}");
    }

    #[test]
    fn too_much_that_is_no_packet_closes_the_connection() {
        let limits = Limits { junk_len_max: 1_000, ..Limits::default() };
        let mut link = Link::new(ConnectionId(1), limits, 0);
        let mut out = Vec::new();
        for _ in 0..30 {
            link.receive(b"GET / HTTP/1.1 and so on and so forth\r\n", 0, &Admissions::default(), &mut out);
        }
        assert!(out.contains(&Output::Close(CloseReason::NotHj212)));
    }
}
