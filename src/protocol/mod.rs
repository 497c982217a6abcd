//! Bytes ⇄ packets of HJ 212 in its three editions: HJ/T 212-2005, HJ 212-2017, HJ 212-2025.
//!
//! Bytes enter, packets leave, and the other way round. This module knows the standard and its dialects; it does not
//! know who is registered, what time it is, or what a value means. [`decode`] is one pure function: link, worker and
//! replay call it with the same bytes and get the same packet.

pub mod catalogue;
pub mod crc;
pub mod encode;
pub mod factor;
pub mod frame;
mod grammar;
pub mod inspect;
mod layout;
pub mod marker;
pub mod packet;
pub mod parts;
pub mod quirk;
mod scan;
pub mod sm4;
pub mod stamp;
pub mod upload;

use crc::CrcKind;
use frame::Frame;
pub use packet::{Edition, Packet, Pair, Part};
use quirk::{Quirk, QuirkSet};
use std::borrow::Cow;

/// Which check a logger's packets may carry besides the standard's. Said by the register, never guessed: a second
/// 16-bit try doubles the share of damaged packets that pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub enum CrcDialect {
    /// HJ 212-2017 Annex A only.
    #[default]
    Standard,
    /// CRC-16/MODBUS is accepted, too.
    Modbus,
    /// CRC-16/MODBUS with swapped bytes is accepted, too.
    ModbusSwapped,
}

impl CrcDialect {
    /// The register's word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Modbus => "modbus",
            Self::ModbusSwapped => "modbus_swapped",
        }
    }

    /// Reads the register's word; empty means the standard.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if word.is_empty() {
            return Some(Self::Standard);
        }
        [Self::Standard, Self::Modbus, Self::ModbusSwapped].into_iter().find(|dialect| dialect.name() == word)
    }
}

/// Why a frame cannot be read as a packet. The bytes are kept with this reason and counted under [`Refusal::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no frame at all.
    #[error("no frame: no ## with a length that leads to a check")]
    NotAFrame,
    /// The length leads nowhere and no closing && with a check was found.
    #[error("the length {declared} does not fit and no closing && with a check was found")]
    LengthWrong {
        /// As written.
        declared: u16,
    },
    /// The check fits no algorithm.
    #[error("check {printed:04X} printed, {computed:04X} computed over {len} bytes (length {declared} declared)")]
    CrcMismatch {
        /// As printed in the packet.
        printed: u16,
        /// By HJ 212-2017 Annex A.
        computed: u16,
        /// Bytes covered.
        len: usize,
        /// As declared.
        declared: u16,
    },
    /// The check is CRC-16/MODBUS, which this logger's register does not allow.
    #[error("check {printed:04X} is CRC-16/MODBUS, the standard's is {computed:04X}; the register may allow it for this logger")]
    CrcModbus {
        /// As printed.
        printed: u16,
        /// By Annex A.
        computed: u16,
    },
    /// The check is CRC-16/MODBUS with swapped bytes, which this logger's register does not allow.
    #[error(
        "check {printed:04X} is CRC-16/MODBUS with its bytes swapped, the standard's is {computed:04X}; the register may allow it for this logger"
    )]
    CrcModbusSwapped {
        /// As printed.
        printed: u16,
        /// By Annex A.
        computed: u16,
    },
    /// The check is right, but the header names no command.
    #[error("the header has no CN")]
    HeaderUnreadable,
}

impl Refusal {
    /// The reason's name, for counters and `decode --json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAFrame => "not_hj212",
            Self::LengthWrong { .. } => "length_wrong",
            Self::CrcMismatch { .. } => "crc_mismatch",
            Self::CrcModbus { .. } => "crc_modbus",
            Self::CrcModbusSwapped { .. } => "crc_modbus_swapped",
            Self::HeaderUnreadable => "header_unreadable",
        }
    }
}

/// Decodes the bytes of one frame (`##` to the check; a line end may follow).
///
/// # Errors
/// A [`Refusal`] when the bytes are no frame, the check does not fit, or the header names no command.
pub fn decode<'f>(bytes: &'f [u8], dialect: CrcDialect, keys: &[sm4::Key]) -> Result<Packet<'f>, Refusal> {
    let Some(frame) = frame::whole(bytes) else {
        let digits: Vec<u8> = bytes.iter().skip(2).take(4).copied().take_while(u8::is_ascii_digit).collect();
        let declared = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
        return Err(match declared {
            Some(declared) if bytes.starts_with(b"##") => Refusal::LengthWrong { declared },
            _ => Refusal::NotAFrame,
        });
    };
    decode_frame(bytes, &frame, dialect, keys)
}

/// Decodes a frame whose place in `bytes` is known already.
///
/// # Errors
/// As [`decode`].
pub fn decode_frame<'f>(bytes: &'f [u8], frame: &Frame, dialect: CrcDialect, keys: &[sm4::Key]) -> Result<Packet<'f>, Refusal> {
    let segment = packet::segment_of(frame, bytes);
    let mut quirks = frame.quirks;
    // A value of two equal bytes is its own swap.
    let palindrome = frame.printed_crc == frame.printed_crc.swap_bytes();
    let packet = match (frame.crc, dialect) {
        // One ciphertext in 256 fits the check by chance: with a key at hand, what is no text is tried as ciphertext first.
        (CrcKind::Standard, _) if !keys.is_empty() && std::str::from_utf8(segment).is_err() => {
            decrypted(segment, frame, quirks, keys).unwrap_or_else(|| plain(segment, quirks))
        }
        (CrcKind::Standard, _) => plain(segment, quirks),
        (CrcKind::Modbus, CrcDialect::Modbus) => {
            quirks.insert(Quirk::CrcModbus);
            plain(segment, quirks)
        }
        (kind, CrcDialect::ModbusSwapped) if kind == CrcKind::ModbusSwapped || (kind == CrcKind::Modbus && palindrome) => {
            quirks.insert(Quirk::CrcModbusSwapped);
            plain(segment, quirks)
        }
        _ => decrypted(segment, frame, quirks, keys).ok_or_else(|| mismatch(segment, frame))?,
    };
    if packet.cn().is_none_or(str::is_empty) {
        return Err(Refusal::HeaderUnreadable);
    }
    Ok(packet)
}

/// What can be read of a packet whose check does not fit: only to look its sender up in the register, never to use it.
#[must_use]
pub fn peek<'f>(bytes: &'f [u8], frame: &Frame) -> Packet<'f> {
    plain(packet::segment_of(frame, bytes), frame.quirks)
}

fn plain(segment: &[u8], mut quirks: QuirkSet) -> Packet<'_> {
    let text = packet::text_of(segment, &mut quirks);
    Packet::read(text, quirks, None)
}

/// Tries each key: the check of HJ 212-2025 is over the plaintext (Annex A.2), so the right key shows itself.
fn decrypted<'f>(segment: &'f [u8], frame: &Frame, mut quirks: QuirkSet, keys: &[sm4::Key]) -> Option<Packet<'f>> {
    if keys.is_empty() {
        return None;
    }
    let open = memchr::memmem::find(segment, b"CP=&&")? + 5;
    let close = segment.len().checked_sub(2).filter(|&close| close >= open && segment.ends_with(b"&&"))?;
    let listed = hex_list(&segment[open..close]);
    let wire = listed.clone().unwrap_or_else(|| segment[open..close].to_vec());
    for key in keys {
        let mut area = wire.clone();
        key.decrypt(&mut area);
        let opened = [&segment[..open], &area, b"&&"].concat();
        if crc::standard(&opened) == frame.printed_crc {
            quirks.insert(Quirk::Sm4Encrypted);
            quirks.insert_if(listed.is_some(), Quirk::Sm4AsHexList);
            let text = packet::text_of(&opened, &mut quirks).into_owned();
            return Some(Packet::read(Cow::Owned(text), quirks, Some(key.id().to_owned())));
        }
    }
    None
}

/// `{0xE4,0x3E,…}tail`: the standard's printed form, which some senders write literally.
fn hex_list(area: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(area).ok()?.strip_prefix('{')?;
    let (list, tail) = text.split_once('}')?;
    let mut bytes = Vec::with_capacity(list.len() / 5 + tail.len());
    for number in list.split(',') {
        let digits = number.trim().strip_prefix("0x").or_else(|| number.trim().strip_prefix("0X"))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    bytes.extend_from_slice(tail.as_bytes());
    Some(bytes)
}

fn mismatch(segment: &[u8], frame: &Frame) -> Refusal {
    let (printed, computed) = (frame.printed_crc, crc::standard(segment));
    match frame.crc {
        CrcKind::Modbus => Refusal::CrcModbus { printed, computed },
        CrcKind::ModbusSwapped => Refusal::CrcModbusSwapped { printed, computed },
        _ => Refusal::CrcMismatch { printed, computed, len: segment.len(), declared: frame.declared },
    }
}
