//! Findings (判定): what a rule saw, how grave it is and how sure.

use super::limit::Grade;
use super::time::{Day, Moment};
use super::{FactorCode, OutletId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Clause, standard, page.
    pub text: String,
    /// How well it is known.
    pub grade: Grade,
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
    /// A sentence for a letter, Chinese.
    pub sentence_zh: String,
    /// The same, English.
    pub sentence_en: String,
    /// Where the rule comes from.
    pub source: Source,
}
