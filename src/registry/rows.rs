//! The rows of the register, each with its period of validity, half-open.

use crate::domain::time::{Day, Moment};
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

    /// Whether the two have an instant in common.
    #[must_use]
    pub fn overlaps(&self, other: Validity) -> bool {
        self.common(other).is_some()
    }

    /// The time that the two have in common.
    #[must_use]
    pub fn common(&self, other: Validity) -> Option<Self> {
        let from = self.from.max(other.from);
        let to = match (self.to, other.to) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        to.is_none_or(|to| from < to).then_some(Self { from, to })
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
    /// 列入重点排污单位名录之日; none: not listed, or not known.
    pub key_unit_from: Option<Day>,
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

impl StampLabel {
    /// The register's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
        }
    }

    /// Reads the word; empty: the start.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "start" | "" => Some(Self::Start),
            "end" => Some(Self::End),
            _ => None,
        }
    }
}

/// What the marks `F` and `B` of an outlet's loggers mean (averaging-and-validity §3.2): HJ 212-2017 table 8 and HJ 75-2017 use
/// the same letters for different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum MarkDialect {
    /// As most plants use them: `F` the source stopped, `B` the link is broken.
    #[default]
    Standard,
    /// HJ 75-2017: `F` the source stopped, `B` banked fire (闷炉).
    Hj75,
    /// The letter of HJ 212-2017: `F` the instrument stopped, which is invalid and no stop; `B` the link is broken.
    Instrument,
}

impl MarkDialect {
    /// The register's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Hj75 => "hj75",
            Self::Instrument => "hj212",
        }
    }

    /// Reads the word; empty: the standard.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "standard" | "" => Some(Self::Standard),
            "hj75" => Some(Self::Hj75),
            "hj212" => Some(Self::Instrument),
            _ => None,
        }
    }
}

/// Which comes first in a converted hour (averaging-and-validity §4.1): no standard says it, so the outlet does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum ConversionOrder {
    /// The means of value and oxygen, then the conversion (折算).
    #[default]
    MeanFirst,
    /// Each minute is converted, then the mean is taken.
    MinutesFirst,
}

impl ConversionOrder {
    /// The register's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MeanFirst => "mean_first",
            Self::MinutesFirst => "minutes_first",
        }
    }

    /// Reads the word; empty: the mean first.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "mean_first" | "" => Some(Self::MeanFirst),
            "minutes_first" => Some(Self::MinutesFirst),
            _ => None,
        }
    }
}

/// Whether an outlet must be networked (联网).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Networking {
    /// As its site's permit and listing say.
    #[default]
    Due,
    /// 免于安装: with a document.
    Exempt,
    /// 暂缓安装: manual results stand in.
    Deferred,
}

impl Networking {
    /// The register's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Exempt => "exempt",
            Self::Deferred => "deferred",
        }
    }

    /// Reads the word; empty: due.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "due" | "" => Some(Self::Due),
            "exempt" => Some(Self::Exempt),
            "deferred" => Some(Self::Deferred),
            _ => None,
        }
    }
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
    /// Product or process (产品 / 工艺), free text; empty: not said.
    pub label: String,
    /// The flow series: the volume of its hours weighs the means (§8.2) and makes amounts of them. `w00000` for water and
    /// `a00000` for gas, where the register names none.
    pub flow_factor: Option<FactorCode>,
    /// The series of the water's temperature, by which the figure in brackets holds (§8.4). `w01010` for water, none for gas,
    /// where the register names none.
    pub temperature_factor: Option<FactorCode>,
    /// Cross-section of the stack at the probe (烟道截面积), m²; none: not known.
    pub stack_area_m2: Option<Decimal>,
    /// How the marks `F` and `B` are read.
    pub marks: MarkDialect,
    /// Which comes first in a converted hour.
    pub conversion: ConversionOrder,
    /// CNs that its loggers are to send, out of 2011, 2051, 2061 and 2031; empty: nothing is expected.
    pub expects: Vec<String>,
    /// Whether it must be networked.
    pub networking: Networking,
    /// 进口: the monitored point of the same site at which comes in what is treated before this outlet; none: not said.
    pub inlet: Option<OutletId>,
    /// Whether it is the site's main outlet (主要排放口); none: not said.
    pub is_main: Option<bool>,
    /// In force.
    pub validity: Validity,
}

/// Whose word counts where two loggers report the same series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Role {
    /// 主用.
    #[default]
    Main,
    /// 备用: counts only where the main one says nothing.
    Standby,
}

impl Role {
    /// The register's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Standby => "standby",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "main" => Some(Self::Main),
            "standby" => Some(Self::Standby),
            _ => None,
        }
    }

    /// The higher one wins: 1 main, 0 standby.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Main => 1,
            Self::Standby => 0,
        }
    }
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
    /// Main or standby.
    pub role: Role,
    /// The logger that stood in its place before it (更换).
    pub replaces: Option<Mn>,
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

impl Negative {
    /// The register's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Natural => "natural",
        }
    }

    /// Reads the word; empty: drift.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "drift" | "" => Some(Self::Drift),
            "natural" => Some(Self::Natural),
            _ => None,
        }
    }
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
    /// The one code under which it comes; none: its own, and those of 2005 that mean it.
    pub wire: Option<FactorCode>,
    /// Unit of our numbers.
    pub unit: String,
    /// Multiplies the wire's number into that unit.
    pub unit_factor: Decimal,
    /// Upper end of the measuring range; none: unknown.
    pub range_high: Option<Decimal>,
    /// Reading of negatives.
    pub negative: Negative,
    /// Hours for which one value of a sampling analyser stands: 1, 2 or 4 (§8.1).
    pub cycle_hours: u8,
    /// 检出限, in our unit; none: not known.
    pub detection_limit: Option<Decimal>,
    /// 标气 / 标样 of the span check, in our unit; none: not known.
    pub span_gas: Option<Decimal>,
    /// Registered slope (斜率) of the instrument; none: not known.
    pub slope: Option<Decimal>,
    /// Registered intercept (截距); none: not known.
    pub intercept: Option<Decimal>,
    /// In force.
    pub validity: Validity,
}

/// 排污许可证.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// Whose.
    pub site: SiteId,
    /// 许可证编号.
    pub number: String,
    /// Reference of the document; empty: not said.
    pub document: String,
    /// 发证日期.
    pub issued: Day,
    /// In force.
    pub validity: Validity,
}

/// 运维单位: who maintains the monitoring equipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contractor {
    /// Our name.
    pub id: String,
    /// 单位名称.
    pub name: String,
    /// Where.
    pub site: SiteId,
    /// Which outlet of it; none: all.
    pub outlet: Option<OutletId>,
    /// Reference of the contract; empty: not said.
    pub document: String,
    /// In force.
    pub validity: Validity,
}

/// Why hours are exempt (averaging-and-validity §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExemptionKind {
    /// 启炉 / 启动.
    StartUp,
    /// 停炉.
    ShutDown,
    /// 故障.
    Fault,
    /// 烘炉.
    FurnaceDrying,
    /// 闷炉.
    BankedFire,
    /// Anything else that the document says.
    Other,
}

impl ExemptionKind {
    const ALL: [Self; 6] = [Self::StartUp, Self::ShutDown, Self::Fault, Self::FurnaceDrying, Self::BankedFire, Self::Other];

    /// The register's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartUp => "start_up",
            Self::ShutDown => "shut_down",
            Self::Fault => "fault",
            Self::FurnaceDrying => "furnace_drying",
            Self::BankedFire => "banked_fire",
            Self::Other => "other",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }
}

/// 豁免: an approved period whose data give no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exemption {
    /// Where.
    pub outlet: OutletId,
    /// What; none: every factor.
    pub factor: Option<FactorCode>,
    /// Why.
    pub kind: ExemptionKind,
    /// Reference of the approval (批准文件).
    pub document: String,
    /// 批准单位.
    pub approved_by: String,
    /// 批准日期.
    pub approved_on: Day,
    /// When; it always ends.
    pub validity: Validity,
}

/// 限产: an ordered period of less output, in which stricter limits may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// Where.
    pub outlet: OutletId,
    /// What it is called: the alert, the order.
    pub name: String,
    /// Reference of the order; empty: not said.
    pub document: String,
    /// When; it always ends.
    pub validity: Validity,
}
