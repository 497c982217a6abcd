//! Finds where a packet begins and ends (HJ 212-2017 6.3.1, table 2) before anybody asks what it says.
//!
//! The length leads: ciphertext of the 2025 edition may hold `##`, `&&` and CR LF. When the length does not fit, the
//! closing `&&` with its check decides, so a wrong length costs at most the packet that lied. Damage never spreads:
//! every byte is given out exactly once, as part of a frame or as junk with a reason.
//!
//! ```text
//!            bytes        "##" + digits          length fits, or && + check fits
//!   between ──────▶ head ──────────────▶ body ──────────────────────────────────▶ Frame ─▶ between
//!      ▲                                  │ neither, and no more bytes would help
//!      └────────────── Junk ◀─────────────┘
//! ```

use super::crc::{self, CrcKind};
use super::quirk::{Quirk, QuirkSet};
use memchr::memmem;
use std::ops::Range;

/// The largest data segment that is read. The standard allows 1024; senders with 1,703 and receivers with 9,999 are known.
pub const SEGMENT_LEN_MAX: usize = 8192;
/// The largest frame: `##`, four digits, segment, `;` twice, four digits of the check.
pub const FRAME_LEN_MAX: usize = SEGMENT_LEN_MAX + 12;

/// A packet's place in the bytes that were handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// From `##` to the last digit of the check; the line end is not part of it.
    pub span: Range<usize>,
    /// The data segment.
    pub segment: Range<usize>,
    /// The length as written.
    pub declared: u16,
    /// The check as written.
    pub printed_crc: u16,
    /// Which algorithm gives that value over the segment as received.
    pub crc: CrcKind,
    /// Deviations of the framing.
    pub quirks: QuirkSet,
}

/// Why bytes were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JunkReason {
    /// No `##` with a length: not this protocol.
    NotHj212,
    /// A head whose length leads nowhere, and no closing `&&` with a check.
    LengthWrong,
    /// A length above [`SEGMENT_LEN_MAX`] without a closing `&&` inside it.
    TooLong,
}

impl JunkReason {
    /// The name under which it is counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotHj212 => "not_hj212",
            Self::LengthWrong => "length_wrong",
            Self::TooLong => "too_long",
        }
    }
}

/// What stands next in the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A packet.
    Frame(Frame),
    /// Bytes that are none.
    Junk {
        /// Where.
        span: Range<usize>,
        /// Why.
        reason: JunkReason,
    },
}

/// One step through the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes are done with; spans lie within them.
    pub consumed: usize,
    /// What they held; `None`: more bytes are needed.
    pub piece: Option<Piece>,
    /// How the previous frame ended, seen only now.
    pub previous: QuirkSet,
}

/// Walks through the bytes of one connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Framer {
    after_frame: bool,
}

impl Framer {
    /// Takes the next step. `buffer` starts with the first byte not yet consumed; `closed` says that no more will come.
    pub fn next(&mut self, buffer: &[u8], closed: bool) -> Progress {
        let blank = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0)).count();
        let rest = &buffer[blank..];
        let mut previous = QuirkSet::default();
        if self.after_frame && !buffer.is_empty() {
            previous.insert_if(buffer[0] == b'#', Quirk::LineEndMissing);
            previous.insert_if(buffer[0] == b'\n', Quirk::LineFeedOnly);
            // With its line end seen, the packet before is over.
            self.after_frame = blank == 0 && buffer[0] != b'#';
        }
        if rest.is_empty() {
            return Progress { consumed: blank, piece: None, previous };
        }
        let Some(head) = find_head(rest) else {
            // Nothing here starts a packet, except that the last byte may be the first `#`.
            let keep = usize::from(rest.ends_with(b"#") && !closed);
            let junk = blank..buffer.len() - keep;
            return self.junk(junk, JunkReason::NotHj212, buffer, previous);
        };
        if head > 0 {
            return self.junk(blank..blank + head, JunkReason::NotHj212, buffer, previous);
        }
        match read(rest, closed) {
            Reading::More => Progress { consumed: blank, piece: None, previous },
            Reading::Junk(len, reason) => {
                self.after_frame = false;
                Progress { consumed: blank + len, piece: Some(Piece::Junk { span: blank..blank + len, reason }), previous }
            }
            Reading::Frame(mut frame) => {
                self.after_frame = true;
                frame.span = blank + frame.span.start..blank + frame.span.end;
                frame.segment = blank + frame.segment.start..blank + frame.segment.end;
                Progress { consumed: frame.span.end, piece: Some(Piece::Frame(frame)), previous }
            }
        }
    }

    /// A few characters between a check and its line end (`**` of some dialects) belong to the packet before them.
    fn junk(&mut self, span: Range<usize>, reason: JunkReason, buffer: &[u8], mut previous: QuirkSet) -> Progress {
        if span.is_empty() {
            return Progress { consumed: span.end, piece: None, previous };
        }
        let first_line = &buffer[span.start..span.end];
        let short_tail = self.after_frame
            && span.start == 0
            && first_line.len() <= 10
            && first_line.trim_ascii_end().iter().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_alphanumeric());
        self.after_frame = false;
        if short_tail {
            previous.insert(Quirk::TextAfterCrc);
            return Progress { consumed: span.end, piece: None, previous };
        }
        Progress { consumed: span.end, piece: Some(Piece::Junk { span, reason }), previous }
    }
}

/// Reads exactly one frame that fills `bytes` (a line end may follow).
#[must_use]
pub fn whole(bytes: &[u8]) -> Option<Frame> {
    match read(bytes, true) {
        Reading::Frame(frame) if bytes[frame.span.end..].trim_ascii().is_empty() => Some(frame),
        _ => None,
    }
}

enum Reading {
    More,
    Frame(Frame),
    Junk(usize, JunkReason),
}

/// `bytes` starts with `##`.
fn read(bytes: &[u8], closed: bool) -> Reading {
    if !bytes.starts_with(b"##") {
        return Reading::Junk(bytes.len(), JunkReason::NotHj212);
    }
    let digits = bytes[2..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let digits_end = 2 + digits;
    if digits < 4 && digits_end == bytes.len() && !closed {
        return Reading::More;
    }
    if digits == 0 {
        return Reading::Junk(to_next_head(bytes), JunkReason::NotHj212);
    }
    let declared = bytes[2..digits_end].iter().fold(0u16, |length, digit| length * 10 + u16::from(digit - b'0'));
    let mut quirks = QuirkSet::default();
    quirks.insert_if(digits != 4, Quirk::LengthNotFourDigits);
    let start = digits_end;
    let end = start + usize::from(declared);

    let plausible = usize::from(declared) <= SEGMENT_LEN_MAX;
    let described = if plausible { at_length(bytes, start, end, declared, quirks) } else { None };
    if let Some(frame) = &described
        && frame.crc == CrcKind::Standard
    {
        return Reading::Frame(frame.clone());
    }
    // A line end or another head shows that the packet is all here, whatever its length says.
    let head = next_head(bytes);
    let ended = closed || head.is_some() || memchr::memchr(b'\n', &bytes[start.min(bytes.len())..]).is_some();
    let closing = if ended { at_closing(bytes, start, declared, digits, quirks, closed) } else { None };
    if let Some(frame) = &closing
        && frame.crc == CrcKind::Standard
    {
        return Reading::Frame(frame.clone());
    }
    // No check fits. The length is believed, unless it would swallow a packet whose own check does.
    let swallows = |frame: &Frame| head.is_some_and(|head| head < frame.span.end && is_sound(&bytes[head..]));
    if let Some(frame) = described
        && ends_like_a_frame(bytes, &frame)
        && !swallows(&frame)
    {
        return Reading::Frame(frame);
    }
    if let Some(frame) = closing {
        return Reading::Frame(frame);
    }
    let complete = bytes.len() >= end + 4;
    if !closed && ((plausible && !complete) || (!ended && bytes.len() < FRAME_LEN_MAX)) {
        return Reading::More;
    }
    let reason = if plausible { JunkReason::LengthWrong } else { JunkReason::TooLong };
    Reading::Junk(to_next_head(bytes), reason)
}

/// Whether a packet starts here whose length and check are right.
fn is_sound(bytes: &[u8]) -> bool {
    let Some(digits) = bytes.get(2..6).filter(|digits| digits.iter().all(u8::is_ascii_digit)) else { return false };
    let declared = digits.iter().fold(0u16, |length, digit| length * 10 + u16::from(digit - b'0'));
    at_length(bytes, 6, 6 + usize::from(declared), declared, QuirkSet::default()).is_some_and(|frame| frame.crc == CrcKind::Standard)
}

/// The frame that the length describes, if four hex digits stand where it says.
fn at_length(bytes: &[u8], start: usize, end: usize, declared: u16, quirks: QuirkSet) -> Option<Frame> {
    let printed = bytes.get(end..end + 4)?;
    let printed_crc = hex(printed)?;
    Some(finish(bytes, start..end, end..end + 4, declared, printed_crc, quirks))
}

/// A frame whose check does not fit is believed to end here when its area is closed, and a line end, the next packet or
/// nothing yet follows the check.
fn ends_like_a_frame(bytes: &[u8], frame: &Frame) -> bool {
    bytes[frame.segment.clone()].trim_ascii_end().ends_with(b"&")
        && matches!(bytes.get(frame.span.end), None | Some(b'\r' | b'\n' | b'#' | b' ' | b'*'))
}

/// The frame whose closing `&&` is followed by a check and a line end, another head, or (`end_counts`) the end of the bytes.
/// With several, the first whose check is the standard's; else the first.
fn at_closing(bytes: &[u8], start: usize, declared: u16, digits: usize, quirks: QuirkSet, end_counts: bool) -> Option<Frame> {
    let limit = next_head(bytes).unwrap_or(bytes.len()).min(start + SEGMENT_LEN_MAX + 8);
    let mut fallback = None;
    let finder = memmem::Finder::new(b"&&");
    let mut from = start.min(limit);
    while let Some(at) = finder.find(&bytes[from..limit]) {
        let mut check = from + at + 2;
        from = from + at + 1;
        let mut quirks = quirks;
        check += usize::from(bytes.get(check) == Some(&b';'));
        let closing = check;
        let width = bytes[check..].iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if width == 0 {
            continue;
        }
        let after = &bytes[check + width..];
        let ended = after.starts_with(b"\r") || after.starts_with(b"\n") || after.starts_with(b"##") || (after.is_empty() && end_counts);
        if !ended {
            continue;
        }
        let mut value = 0u16;
        for digit in &bytes[check..check + width] {
            value = value << 4 | u16::from(nibble(*digit)?);
        }
        quirks.insert_if(width < 4, Quirk::CrcShort);
        let segment = start..closing;
        let written = usize::from(declared);
        if written != segment.len() {
            let quirk = if written == segment.len() + 6 {
                Quirk::LengthCountsTrailer
            } else if std::str::from_utf8(&bytes[segment.clone()]).is_ok_and(|text| text.chars().count() == written) {
                Quirk::LengthCountsCharacters
            } else {
                Quirk::LengthWrong
            };
            quirks.insert(quirk);
        }
        quirks.insert_if(digits != 4, Quirk::LengthNotFourDigits);
        let frame = finish(bytes, segment, check..check + width, declared, value, quirks);
        if frame.crc == CrcKind::Standard {
            return Some(frame);
        }
        fallback.get_or_insert(frame);
    }
    fallback
}

/// `##0079;QN=…&&;F001` of one dialect: length and check cover both `;`, which are no part of the segment.
fn inside_semicolons(bytes: &[u8], covered: Range<usize>) -> Range<usize> {
    let start = covered.start + usize::from(bytes[covered.clone()].starts_with(b";"));
    let end = covered.end - usize::from(start < covered.end && bytes[start..covered.end].ends_with(b"&;"));
    start..end
}

fn finish(bytes: &[u8], covered: Range<usize>, check: Range<usize>, declared: u16, printed_crc: u16, mut quirks: QuirkSet) -> Frame {
    let printed = &bytes[check.clone()];
    quirks.insert_if(printed.iter().any(u8::is_ascii_lowercase), Quirk::CrcLowerCase);
    quirks.insert_if(covered.len() > 1024, Quirk::SegmentOver1024);
    let crc = crc::kind_of(&bytes[covered.clone()], printed_crc);
    let segment = inside_semicolons(bytes, covered.clone());
    quirks.insert_if(segment != covered, Quirk::SemicolonAroundSegment);
    Frame { span: 0..check.end, segment, declared, printed_crc, crc, quirks }
}

/// The position of the next `##` that is not followed by another `#`.
fn find_head(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memmem::find(&bytes[from..], b"##") {
        let at = from + at;
        if bytes.get(at + 2) == Some(&b'#') {
            from = at + 1;
        } else {
            return Some(at);
        }
    }
    None
}

/// The position of a later `##` that is followed by a digit.
fn next_head(bytes: &[u8]) -> Option<usize> {
    memmem::find_iter(&bytes[2..], b"##").map(|at| at + 2).find(|at| bytes.get(at + 2).is_some_and(u8::is_ascii_digit))
}

/// How much of a given-up packet to consume: up to the next head, else through the line end, else everything but a `#`.
fn to_next_head(bytes: &[u8]) -> usize {
    if let Some(at) = next_head(bytes) {
        return at;
    }
    if let Some(at) = memchr::memchr(b'\n', bytes) {
        return at + 1;
    }
    let keep = usize::from(bytes.len() > 2 && bytes.ends_with(b"#"));
    bytes.len() - keep
}

fn hex(digits: &[u8]) -> Option<u16> {
    let mut value = 0u16;
    for digit in digits {
        value = value << 4 | u16::from(nibble(*digit)?);
    }
    Some(value)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
