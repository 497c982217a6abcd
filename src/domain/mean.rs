//! Means (均值) of an hour or a day, and how much they may be believed.

use super::FactorCode;
use super::number::Ratio;
use super::time::Moment;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The period of a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// 小时.
    Hour,
    /// 自然日.
    Day,
}

/// Which value was averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 实测值, standard dry.
    Measured,
    /// 折算值, at the reference oxygen.
    Converted,
}

impl Kind {
    /// Chinese and English.
    #[must_use]
    pub const fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::Measured => ("实测", "measured"),
            Self::Converted => ("折算", "converted"),
        }
    }
}

/// How final a mean is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// 暂定: before 13:00 of the next day.
    Provisional,
    /// 确认: at 13:00 of the next day, or first published after it.
    Confirmed,
    /// 修订: changed after it was confirmed.
    Revised,
}

/// What an hour was computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Minute records (CN 2051).
    Minutes,
    /// Real-time samples (CN 2011), where no minutes came.
    Samples,
    /// The logger's own hour record (CN 2061), unverified, where fewer than 45 minutes came.
    Reported,
    /// Nothing came.
    Nothing,
}

/// The five classes of an hour (averaging-and-validity §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HourClass {
    /// 有效: enough minutes marked N.
    Valid,
    /// 停运: enough minutes marked F.
    Stop,
    /// More than 15 minutes marked F beside a stopped hour.
    StopEdge,
    /// 缺失: too few minutes received.
    Missing,
    /// 无效.
    Invalid,
}

impl HourClass {
    /// Chinese and English.
    #[must_use]
    pub const fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::Valid => ("有效", "valid"),
            Self::Stop => ("停运", "stop"),
            Self::StopEdge => ("停运边缘", "stop edge"),
            Self::Missing => ("缺失", "missing"),
            Self::Invalid => ("无效", "invalid"),
        }
    }
}

/// What the note of a mean says in Chinese; its word says it in English.
#[must_use]
pub fn note_zh(note: &str) -> &'static str {
    match note {
        "exempt" => "豁免",
        "exempt_pending_review" => "启停炉、闷炉，待审豁免",
        "exempt_hours_left_out" => "已扣除豁免小时",
        "zero_flow" => "无流量",
        "no_discharge" => "当日无排放",
        "unweighted" => "无流量数据，未加权",
        "low_confidence" => "含氧量偏高，可信度低",
        "not_converted" => "含氧量过高，不折算",
        "no_oxygen" => "有效含氧量不足",
        "missing" => "缺失",
        _ => "",
    }
}

/// One published mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mean {
    /// What.
    pub factor: FactorCode,
    /// Hour or day.
    pub span: Span,
    /// First instant of the period.
    pub start: Moment,
    /// Measured or converted.
    pub kind: Kind,
    /// The exact mean; none: not valid, the reason is in `note`.
    pub value: Option<Ratio>,
    /// Whether the mean counts for a verdict.
    pub valid: bool,
    /// Mean of what is valid, when that is not enough for a valid mean. Shown, never judged.
    pub indicative: Option<Ratio>,
    /// Mean of all numbers whatever their mark (影子均值); suspicion only.
    pub shadow: Option<Ratio>,
    /// Valid minutes of an hour, valid hours of a gas day, used cycles of a water day.
    pub count: u32,
    /// What `count` would be if all were valid: 60, 24, or the cycles that are due.
    pub due: u32,
    /// Class of an hour.
    pub class: Option<HourClass>,
    /// What it was computed from.
    pub origin: Option<Origin>,
    /// The mean of converted minutes, beside the converted mean of minutes (rule 5): a cross-check, rounded to six decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_check: Option<Decimal>,
    /// Why there is no value, or why it counts for less: `low_confidence`, `not_converted`, `no_oxygen`, `unweighted` …
    pub note: Option<String>,
    /// 水量 (m³) that weighed a water day, or that passed in the period of a flow series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Ratio>,
    /// What the logger itself reports for the period (2061, 2031), and whether it says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
    /// Other readings of the same values, by name. Shown, never judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Beside>,
}

/// The logger's own figure beside ours (averaging-and-validity §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// As sent.
    pub value: Decimal,
    /// Theirs over ours, less one, in percent; none where we have none.
    pub difference_pct: Option<Ratio>,
    /// Within one unit of the last digit, or the tolerated share, whichever is larger.
    pub agrees: Option<bool>,
}

/// Another reading of the same values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// `arithmetic`, `interval_weighted`, `min`, `max`, `median` …
    pub name: String,
    /// Its figure.
    pub value: Ratio,
}
