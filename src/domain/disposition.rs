//! What people do about a case (处置), and what belongs to one without moving it: visits, complaints, work orders, results by
//! hand. Both are statements of the journal. A rule never takes one of these steps.

use super::declaration::{StatementFault, text_fault};
use super::time::Moment;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A step of a case, and the stage it is in after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// 待办: referred, nobody has taken it up. The stage in which every case begins; no step leads to it.
    Received,
    /// 调查中.
    Investigating,
    /// 认定: the violation is confirmed.
    Confirmed,
    /// 不予认定: it is rejected, with its reason.
    Rejected,
    /// 整改完成.
    Rectified,
    /// 行政处罚.
    Penalised,
    /// 移送公安.
    TransferredPolice,
    /// 移送市场监管.
    TransferredMarket,
    /// 信息公开.
    Published,
    /// 销号: written off. Nothing is due any more.
    WrittenOff,
}

impl Stage {
    /// Every stage, with its word, Chinese and English.
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 10] = [
        (Self::Received, "received", "待办", "received"),
        (Self::Investigating, "investigating", "调查中", "under investigation"),
        (Self::Confirmed, "confirmed", "认定违法", "confirmed"),
        (Self::Rejected, "rejected", "不予认定", "rejected"),
        (Self::Rectified, "rectified", "整改完成", "rectified"),
        (Self::Penalised, "penalised", "行政处罚", "penalised"),
        (Self::TransferredPolice, "transferred_police", "移送公安机关", "transferred to the police"),
        (Self::TransferredMarket, "transferred_market", "移送市场监管部门", "transferred to market supervision"),
        (Self::Published, "published", "信息公开", "published"),
        (Self::WrittenOff, "written_off", "销号", "written off"),
    ];

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word, ..)| *word == text).map(|(stage, ..)| *stage)
    }

    /// Chinese and English.
    #[must_use]
    pub fn says(self) -> (&'static str, &'static str) {
        Self::ALL.iter().find(|(stage, ..)| *stage == self).map_or(("", ""), |(_, _, zh, en)| (*zh, *en))
    }

    /// Whether a step may follow. A case is decided before it is penalised, and ends in one way: written off.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use Stage::{
            Confirmed, Investigating, Penalised, Published, Received, Rectified, Rejected, TransferredMarket, TransferredPolice, WrittenOff,
        };
        match next {
            Received => false,
            Investigating => matches!(self, Received),
            Confirmed | Rejected => matches!(self, Received | Investigating),
            Rectified => matches!(self, Confirmed | Penalised | TransferredPolice | TransferredMarket | Published),
            Penalised => matches!(self, Confirmed | Rectified),
            TransferredPolice | TransferredMarket => matches!(self, Confirmed | Rectified | Penalised),
            Published => matches!(self, Confirmed | Rectified | Penalised | TransferredPolice | TransferredMarket),
            WrittenOff => matches!(self, Rejected | Rectified | Penalised | TransferredPolice | TransferredMarket | Published),
        }
    }
}

/// 处置: a step of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disposition {
    /// The office's own number of it.
    pub id: String,
    /// Which case.
    pub case: Uuid,
    /// The stage that it leads to.
    pub step: Stage,
    /// 经办人 / 单位.
    pub by: String,
    /// 文号.
    #[serde(default)]
    pub document: String,
    /// 说明.
    #[serde(default)]
    pub note: String,
}

/// What belongs to a case without moving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// 投诉举报.
    Complaint,
    /// 现场检查.
    Visit,
    /// 工单.
    WorkOrder,
    /// 手工监测结果.
    ManualResult,
}

impl Happening {
    /// All of them with their words.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Complaint, "complaint"), (Self::Visit, "visit"), (Self::WorkOrder, "work_order"), (Self::ManualResult, "manual_result")];

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == text).map(|(what, _)| *what)
    }
}

/// Something that happened about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseEvent {
    /// The office's own number of it.
    pub id: String,
    /// Which case.
    pub case: Uuid,
    /// What.
    pub what: Happening,
    /// When it happened.
    #[serde(with = "super::time::instant_text")]
    #[schemars(with = "String")]
    pub happened: Moment,
    /// Who says so.
    pub by: String,
    /// 文号.
    #[serde(default)]
    pub document: String,
    /// What was seen or measured.
    #[serde(default)]
    pub note: String,
}

/// What may be said of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(title = "hj212.disposition")]
pub enum CaseStatement {
    /// 处置: a step.
    Disposition(Disposition),
    /// What belongs to a case without moving it.
    Event(CaseEvent),
}

impl Disposition {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<StatementFault> {
        text_fault(&[("id", &self.id, true), ("by", &self.by, true), ("document", &self.document, false), ("note", &self.note, false)])
    }
}

impl CaseEvent {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<StatementFault> {
        text_fault(&[("id", &self.id, true), ("by", &self.by, true), ("document", &self.document, false), ("note", &self.note, false)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_can_be_reached_and_only_writing_off_ends_a_case() {
        for (stage, word, ..) in Stage::ALL {
            assert_eq!(Stage::parse(word), Some(stage));
            assert_eq!(serde_json::to_value(stage).expect("a word"), word);
            let reached = Stage::ALL.iter().any(|(from, ..)| from.may_become(stage));
            assert_eq!(reached, stage != Stage::Received, "{word}");
            let ends = !Stage::ALL.iter().any(|(to, ..)| stage.may_become(*to));
            assert_eq!(ends, stage == Stage::WrittenOff, "{word}");
        }
        assert!(!Stage::Received.may_become(Stage::Penalised), "nobody is penalised for what nobody confirmed");
        assert!(!Stage::Rejected.may_become(Stage::Penalised));
    }
}
