//! The rows of the register, each with its period of validity, half-open.

use crate::domain::time::Moment;
use crate::domain::{FactorCode, Medium, Mn, OutletId, SiteId};
use crate::protocol::sm4::Key;
use crate::protocol::{CrcDialect, Edition};
use rust_decimal::Decimal;

/// `[from, to)`; no `to`: open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First instant in force.
    pub from: Moment,
    /// First instant no longer in force.
    pub to: Option<Moment>,
}

impl Validity {
    /// Whether the row is in force at an instant of event time.
    #[must_use]
    pub fn holds(&self, at: Moment) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

/// 排污单位.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Our name.
    pub id: SiteId,
    /// 单位名称.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// 行业.
    pub industry: String,
    /// 行政区.
    pub region: String,
    /// In force.
    pub validity: Validity,
}

/// Which end of its period a logger stamps (averaging-and-validity §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampLabel {
    /// As HJ 212-2017 table 4 has it.
    Start,
    /// Some old loggers.
    End,
}

/// 排放口 / 监测点.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlet {
    /// Our name.
    pub id: OutletId,
    /// Its site.
    pub site: SiteId,
    /// 排放口名称.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// What it discharges.
    pub medium: Medium,
    /// Trade of the limits.
    pub trade: String,
    /// Which end of a period DataTime marks.
    pub stamp_label: StampLabel,
    /// MinInterval: minutes that one 2051 record stands for.
    pub minute_interval: u8,
    /// RtdInterval: seconds that one 2011 sample stands for.
    pub real_interval_secs: u16,
    /// 基准含氧量 (%); none: nothing is converted.
    pub reference_oxygen: Option<Decimal>,
    /// The oxygen series of the same outlet.
    pub oxygen_factor: Option<FactorCode>,
    /// Oxygen of the oxidant: 21 for air (GB 18484-2020 3.20).
    pub oxidant_oxygen: Decimal,
    /// Whether converted hours of low confidence count for a verdict (drying furnaces run there).
    pub low_confidence_counts: bool,
    /// In force.
    pub validity: Validity,
}

/// 数采仪.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logger {
    /// 设备唯一标识.
    pub mn: Mn,
    /// Its site: the shard key.
    pub site: SiteId,
    /// 访问密码; empty accepts any. Never printed.
    pub password: String,
    /// Check dialect.
    pub dialect: CrcDialect,
    /// What it is expected to speak.
    pub edition: Edition,
    /// SM4 keys, the current one first.
    pub keys: Vec<Key>,
    /// In force.
    pub validity: Validity,
}

/// How a negative value of a series is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negative {
    /// Zero drift: a small one is zero, a larger one is invalid.
    Drift,
    /// Natural: temperatures, gauge pressures.
    Natural,
}

/// 排放口 × 因子, and how one logger names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesRow {
    /// Where.
    pub outlet: OutletId,
    /// What.
    pub factor: FactorCode,
    /// System code under which it comes; empty: any.
    pub st: String,
    /// Unit of our numbers.
    pub unit: String,
    /// Multiplies the wire's number into that unit.
    pub unit_factor: Decimal,
    /// Upper end of the measuring range; none: unknown.
    pub range_high: Option<Decimal>,
    /// Reading of negatives.
    pub negative: Negative,
    /// In force.
    pub validity: Validity,
}
