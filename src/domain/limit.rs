//! Limits (限值) as the register holds them, each with where it comes from.

use super::time::Moment;
use serde::{Deserialize, Serialize};

/// On which mean a limit is judged. A daily limit never judges an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// 小时均值.
    Hour,
    /// 日均值, natural day.
    Day,
    /// 5 min 均值 (furnace temperature).
    #[serde(rename = "5min")]
    FiveMinutes,
}

impl Basis {
    /// In Chinese; its word says it in English.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Hour => "小时均值",
            Self::Day => "日均值",
            Self::FiveMinutes => "5分钟均值",
        }
    }
}

/// Which side is forbidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitType {
    /// Above is an exceedance; equal complies.
    Max,
    /// Below is one (pH, furnace temperature).
    Min,
}

impl LimitType {
    /// In Chinese; its word says it in English.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Max => "上限",
            Self::Min => "下限",
        }
    }
}

/// How well a figure is known: the reference's grades, carried into the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Grade {
    /// Official text seen.
    P,
    /// HJ 212-2017 as read in full.
    C,
    /// Seen as a restatement, press page or working program.
    S,
    /// Recalled, text not seen: verify before enforcement use.
    M,
    /// Decided by this project, no source.
    D,
}

impl Grade {
    /// Reads the letter.
    #[must_use]
    pub fn parse(letter: &str) -> Option<Self> {
        Some(match letter {
            "P" => Self::P,
            "C" => Self::C,
            "S" => Self::S,
            "M" => Self::M,
            "D" => Self::D,
            _ => return None,
        })
    }

    /// What the letter means, Chinese and English.
    #[must_use]
    pub const fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::P => ("已见正式文本", "official text seen"),
            Self::C => ("HJ 212-2017 全文", "HJ 212-2017 read in full"),
            Self::S => ("见于转述", "seen in a restatement"),
            Self::M => ("凭记忆，执法使用前须核实", "recalled, verify before enforcement use"),
            Self::D => ("本系统设定", "set by this system"),
        }
    }
}

/// One limit row in force for one series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// Which side is forbidden.
    pub limit_type: LimitType,
    /// The figure as the source writes it; its decimals decide what is marginal.
    pub limit: String,
    /// Unit of the figure.
    pub unit: String,
    /// On which mean it is judged.
    pub basis: Basis,
    /// Whether the converted value (折算值) decides.
    pub converted: bool,
    /// Standard and table.
    pub standard: String,
    /// Where the figure was read.
    pub source: String,
    /// How well it is known.
    pub grade: Grade,
    /// What the source adds.
    pub note: String,
    /// First instant in force.
    pub valid_from: Moment,
    /// First instant no longer in force; none: open.
    pub valid_to: Option<Moment>,
    /// The figure in brackets, the 8 of `5(8)`: in force instead of `limit` at a water temperature of 12 °C or less
    /// (GB 18918-2002 table 1). None: one figure holds at every temperature.
    #[serde(default)]
    pub cold: Option<String>,
    /// Holds only while the outlet's output is restricted (限产), instead of its other rows of this basis and side.
    #[serde(default)]
    pub restricted: bool,
}
