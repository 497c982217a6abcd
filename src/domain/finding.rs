//! Findings (判定): what a rule saw, how grave it is and how sure.

use super::limit::Grade;
use super::time::{Day, Moment};
use super::{FactorCode, OutletId, RuleId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// 提示.
    Info,
    /// 一般.
    Warn,
    /// 严重.
    High,
    /// 特别严重.
    Critical,
}

/// How sure. Separate from severity on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// 低.
    Low,
    /// 中.
    Medium,
    /// 高.
    High,
}

/// Where a rule or a figure comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Source {
    /// Clause, standard, page.
    pub text: String,
    /// How well it is known.
    pub grade: Grade,
}

/// What a case is about: the files that an enforcement office keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// 超标排放.
    Exceedance,
    /// 断链缺数: data do not come.
    MissingLink,
    /// 可疑标记: marks that may hide an exceedance.
    SuspiciousMarker,
    /// 数据异常.
    AbnormalData,
    /// 未按规定联网.
    Networking,
}

impl CaseKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Exceedance, Self::MissingLink, Self::SuspiciousMarker, Self::AbnormalData, Self::Networking];

    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exceedance => "exceedance",
            Self::MissingLink => "missing_link",
            Self::SuspiciousMarker => "suspicious_marker",
            Self::AbnormalData => "abnormal_data",
            Self::Networking => "networking",
        }
    }

    /// Chinese and English.
    #[must_use]
    pub const fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::Exceedance => ("超标排放", "exceedance"),
            Self::MissingLink => ("断链缺数", "missing link"),
            Self::SuspiciousMarker => ("可疑标记", "suspicious marker"),
            Self::AbnormalData => ("数据异常", "abnormal data"),
            Self::Networking => ("未按规定联网", "not networked as required"),
        }
    }
}

/// What one person may set about a rule: for all, a trade, an outlet, a factor. The most particular setting wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSetting {
    /// Which rule; `*` all of them.
    pub rule: RuleId,
    /// Only outlets whose trade begins with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade: Option<String>,
    /// Only this outlet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlet: Option<OutletId>,
    /// Only this factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<FactorCode>,
    /// Whether it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<bool>,
    /// Figures by name.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub figures: std::collections::BTreeMap<String, Decimal>,
    /// Who says so, and why.
    pub source: Source,
}

/// One hour (or one thing of the day) in which a rule fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Hit {
    /// Hour of the day; none: the day as a whole.
    pub hour: Option<u8>,
    /// How grave.
    pub severity: Severity,
    /// The values compared.
    pub facts: serde_json::Value,
    /// In words, Chinese.
    pub zh: String,
    /// In words, English.
    pub en: String,
}

/// One finding. Its id is derived from what it is about, so finding it again finds the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// UUID v5 of rule, outlet, factor, basis and period.
    pub id: Uuid,
    /// Rule id, `J-02`.
    pub rule: String,
    /// Where.
    pub outlet: OutletId,
    /// What.
    pub factor: FactorCode,
    /// The day it is about.
    pub day: Day,
    /// How grave.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Whether it still holds.
    pub standing: bool,
    /// Counts the versions of this finding from 1.
    pub revision: u32,
    /// Whether the mean behind it was confirmed.
    pub confirmed: bool,
    /// Engine time of this version.
    pub at: Moment,
    /// The figures: value, limit, multiple …
    pub facts: serde_json::Value,
    /// When it fired, by hour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<Hit>,
    /// A sentence for a letter, Chinese.
    pub sentence_zh: String,
    /// The same, English.
    pub sentence_en: String,
    /// Where the rule comes from.
    pub source: Source,
}
