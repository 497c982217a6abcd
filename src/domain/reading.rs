//! A reading (监测值): one value of one series, as one packet said it.

use super::time::{Hour, Moment};
use super::{FactorCode, OutletId};
use crate::protocol::marker::Marker;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Where a reading came from. Of two readings for one period the main logger's wins, then the higher QN, then the later sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PacketRef {
    /// 1 from a main logger, 0 from a standby one (备用数采仪).
    #[serde(default)]
    pub rank: u8,
    /// 请求编码 as milliseconds since the epoch; 0 where the packet has none.
    pub qn: i64,
    /// Position in the journal.
    pub sequence: u64,
}

/// Which period a reading stands for, inside its hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReadingKey {
    /// CN 2051: the minute of the hour at which the period starts.
    Minute(u8),
    /// CN 2011: the second of the hour.
    Sample(u16),
    /// CN 2061: the hour itself.
    Hour,
    /// CN 2031: the day; kept with its first hour.
    Day,
    /// CN 2111 of 2025: the minute of the hour at which five minutes of furnace temperature start.
    Five(u8),
}

/// How `-Min`, `-Avg` and `-Max` of a record stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Order {
    /// Not all three were sent as numbers.
    #[default]
    Unsaid,
    /// Min ≤ Avg ≤ Max.
    Ascending,
    /// All three are the same.
    Flat,
    /// Anything else.
    Wrong,
}

/// What the packet said of one period. Values keep their written scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Measured value (实测值): `-Avg` of a period, `-Rtd` of a moment. None: not sent, or no number.
    pub measured: Option<Decimal>,
    /// Converted value as the logger reports it (`-ZsAvg`, `-ZsRtd`).
    pub converted: Option<Decimal>,
    /// 累计值 of the period (`-Cou`), as sent and in the standard's own unit whatever the register's: m³ of a flow. None of a moment.
    #[serde(default)]
    pub total: Option<Decimal>,
    /// 数据标记.
    pub marker: Marker,
    /// Order of the three figures of the period.
    #[serde(default)]
    pub order: Order,
    /// Sent as a back-fill (补传, `RF=1`).
    #[serde(default)]
    pub refill: bool,
    /// Seconds from the start of the period to the packet's arrival.
    #[serde(default)]
    pub delay_secs: i32,
    /// A hash of the address from which it came; 0: not known.
    #[serde(default)]
    pub peer: u32,
    /// Which packet said so.
    pub from: PacketRef,
}

/// One reading on its way to its hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Where.
    pub outlet: OutletId,
    /// What.
    pub factor: FactorCode,
    /// The hour it belongs to.
    pub hour: Hour,
    /// Which part of the hour.
    pub key: ReadingKey,
    /// What was said.
    pub record: Record,
    /// Start of the period, or the moment.
    pub at: Moment,
}

/// Why a packet's values do not become readings, or one of them does not. The packet is kept all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnusableReason {
    /// No `DataTime`, or no time.
    NoTime,
    /// A minute record that is not on its grid (rule H-02).
    OffGrid,
    /// Later than the packet's arrival by more than the setting allows.
    Future,
    /// Older than the late window (168 h).
    TooLate,
    /// The register has no series for this code on this logger.
    UnknownSeries,
    /// Not a decimal number.
    NotNumber,
    /// An absurd number.
    Absurd,
}

impl UnusableReason {
    /// The name under which it is counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoTime => "no_time",
            Self::OffGrid => "off_grid",
            Self::Future => "future",
            Self::TooLate => "too_late",
            Self::UnknownSeries => "unknown_series",
            Self::NotNumber => "not_number",
            Self::Absurd => "absurd",
        }
    }
}

impl Serialize for Marker {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for Marker {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Marker::of(&String::deserialize(deserializer)?))
    }
}
