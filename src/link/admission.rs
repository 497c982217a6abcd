//! What a link must know of the register to take a packet: password, check dialect and keys per logger. Handed in as a
//! plain table, so that the link needs no register and the engine judges a packet the same way.

use crate::domain::Mn;
use crate::protocol::crc::CrcKind;
use crate::protocol::frame::Frame;
use crate::protocol::sm4::Key;
use crate::protocol::{CrcDialect, Packet, Refusal, decode_frame, peek};
use std::collections::BTreeMap;

/// One logger's row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admission {
    /// 访问密码; empty accepts any.
    pub password: String,
    /// Which check it may use besides the standard's.
    pub dialect: CrcDialect,
    /// SM4 keys, the current one first.
    pub keys: Vec<Key>,
}

/// All loggers that are registered now.
#[derive(Debug, Clone, Default)]
pub struct Admissions {
    /// By MN.
    pub loggers: BTreeMap<Mn, Admission>,
    /// Setting: take packets of unknown loggers as good (they are journalled and answered, and have no readings).
    pub accept_unknown: bool,
}

/// Whether a readable packet may enter the journal, or is kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Admitted {
    /// It may.
    Accepted,
    /// Nobody registered this MN.
    UnknownMn,
    /// PW is not the register's.
    WrongPassword,
}

impl Admitted {
    /// The name under which a quarantined packet is counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::UnknownMn => "unknown_mn",
            Self::WrongPassword => "wrong_password",
        }
    }
}

impl Admissions {
    /// The row of a logger.
    #[must_use]
    pub fn find(&self, mn: &str) -> Option<&Admission> {
        self.loggers.get(mn)
    }

    /// Decodes a frame with what the register allows its sender, and judges whether it may come in.
    ///
    /// # Errors
    /// The refusal, when the check does not fit by anything this sender is allowed.
    pub fn read<'f>(&self, bytes: &'f [u8], frame: &Frame) -> Result<(Packet<'f>, Admitted), Refusal> {
        let packet = if frame.crc == CrcKind::Standard && bytes.is_ascii() {
            decode_frame(bytes, frame, CrcDialect::Standard, &[])?
        } else {
            let claimed = peek(bytes, frame);
            let row = claimed.mn().and_then(|mn| self.find(mn));
            let (dialect, keys) = row.map_or((CrcDialect::Standard, &[][..]), |row| (row.dialect, &row.keys));
            decode_frame(bytes, frame, dialect, keys)?
        };
        let admitted = self.judge(&packet);
        Ok((packet, admitted))
    }

    fn judge(&self, packet: &Packet<'_>) -> Admitted {
        match packet.mn().and_then(|mn| self.find(mn)) {
            None if self.accept_unknown && packet.mn().is_some_and(|mn| !mn.is_empty() && Mn::new(mn).is_some()) => Admitted::Accepted,
            None => Admitted::UnknownMn,
            Some(row) if row.password.is_empty() || packet.pw() == Some(row.password.as_str()) => Admitted::Accepted,
            Some(_) => Admitted::WrongPassword,
        }
    }
}
