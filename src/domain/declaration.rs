//! What people say about data: declarations (人工标记) with their proof, comparison results (比对监测), and when people were there
//! (现场检查). They are statements of the journal: said again under the same id, the later one holds.

use super::time::Moment;
use super::{FactorCode, OutletId};
use crate::protocol::marker::Marker;
use serde::{Deserialize, Serialize};

/// Longest text of a statement, in bytes: a reason, a document's reference, a name.
pub const STATEMENT_TEXT_MAX: usize = 1000;

/// What a person declares about a period (marker-rules 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclarationKind {
    /// 停运: the source does not run.
    Stop,
    /// 启炉 / 启动.
    StartUp,
    /// 停炉.
    ShutDown,
    /// 闷炉.
    BankedFire,
    /// 故障 of the monitoring equipment.
    Fault,
    /// 维护.
    Maintenance,
    /// 校准.
    Calibration,
    /// 通讯中断.
    LinkFailure,
}

impl DeclarationKind {
    /// All kinds with their words.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Stop, "stop"),
        (Self::StartUp, "start_up"),
        (Self::ShutDown, "shut_down"),
        (Self::BankedFire, "banked_fire"),
        (Self::Fault, "fault"),
        (Self::Maintenance, "maintenance"),
        (Self::Calibration, "calibration"),
        (Self::LinkFailure, "link_failure"),
    ];

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == text).map(|(kind, _)| *kind)
    }

    /// The mark under which its minutes are counted.
    #[must_use]
    pub const fn marker(self) -> Marker {
        match self {
            Self::Stop => Marker::STOPPED,
            Self::StartUp => Marker::START_UP,
            Self::ShutDown => Marker::SHUT_DOWN,
            Self::BankedFire => Marker::BANKED_FIRE,
            Self::Fault => Marker::FAULT,
            Self::Maintenance => Marker::MAINTENANCE,
            Self::Calibration => Marker::CALIBRATION,
            Self::LinkFailure => Marker::LINK_FAULT,
        }
    }
}

/// 人工标记: in its period the data of the outlet carry this mark, whatever the logger sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// The declarer's own number of it.
    pub id: String,
    /// Where.
    pub outlet: OutletId,
    /// What; none: every factor.
    #[serde(default)]
    pub factor: Option<FactorCode>,
    /// What is declared.
    pub mark: DeclarationKind,
    /// First instant.
    #[serde(with = "super::time::instant_text")]
    pub from: Moment,
    /// First instant no longer.
    #[serde(with = "super::time::instant_text")]
    pub to: Moment,
    /// 原因.
    pub reason: String,
    /// 佐证材料: reference of the proof.
    pub document: String,
    /// 填报人.
    pub author: String,
    /// 填报时间, as the declarer says.
    #[serde(with = "super::time::instant_text")]
    pub made_at: Moment,
    /// Taken back.
    #[serde(default)]
    pub withdrawn: bool,
    /// When it was first entered here; the engine says so, whatever the statement does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<Moment>,
    /// When it was last entered with another content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Moment>,
}

/// 比对结果: a check of the equipment against a reference. A failed one voids data (averaging-and-validity 3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The laboratory's own number of it.
    pub id: String,
    /// Where.
    pub outlet: OutletId,
    /// What was compared.
    pub factor: FactorCode,
    /// When.
    #[serde(with = "super::time::instant_text")]
    pub at: Moment,
    /// 合格.
    pub passed: bool,
    /// 方法.
    pub method: String,
    /// 参比值, as text.
    #[serde(default)]
    pub reference: String,
    /// 仪器值, as text.
    #[serde(default)]
    pub measured: String,
    /// 报告编号.
    pub document: String,
    /// 检测人 / 机构.
    pub author: String,
    /// Taken back.
    #[serde(default)]
    pub withdrawn: bool,
}

/// 现场检查: people were at an outlet. It changes no value; rules compare what was measured then with what was at other times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// The visitor's own number of it.
    pub id: String,
    /// Where.
    pub outlet: OutletId,
    /// First instant.
    #[serde(with = "super::time::instant_text")]
    pub from: Moment,
    /// First instant no longer.
    #[serde(with = "super::time::instant_text")]
    pub to: Moment,
    /// 检查单位 / 检查人.
    pub by: String,
    /// 检查记录: reference of the record.
    #[serde(default)]
    pub document: String,
    /// Taken back.
    #[serde(default)]
    pub withdrawn: bool,
}

/// Why a statement cannot be put in force: a column's name, and what is wrong.
pub type StatementFault = (&'static str, &'static str);

pub(super) fn text_fault(texts: &[(&'static str, &str, bool)]) -> Option<StatementFault> {
    texts.iter().find_map(|(column, text, required)| match text.len() {
        0 if *required => Some((*column, "empty")),
        len if len > STATEMENT_TEXT_MAX => Some((*column, "longer than 1000 bytes")),
        _ if text.contains('\0') => Some((*column, "holds U+0000")),
        _ => None,
    })
}

impl Declaration {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<StatementFault> {
        let texts = [("id", &self.id, true), ("reason", &self.reason, true), ("document", &self.document, false), ("author", &self.author, true)];
        text_fault(&texts.map(|(column, text, required)| (column, text.as_str(), required)))
            .or_else(|| (self.to <= self.from).then_some(("to", "not after from")))
    }

    /// Whether it says that an outlet is stopped as a whole (停运), and is not taken back.
    #[must_use]
    pub fn stops(&self, outlet: OutletId) -> bool {
        self.mark == DeclarationKind::Stop && self.factor.is_none() && self.outlet == outlet && !self.withdrawn
    }

    /// Whether it covers all of `[from, to)`.
    #[must_use]
    pub fn covers(&self, from: Moment, to: Moment) -> bool {
        self.from <= from && to <= self.to
    }
}

impl Comparison {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<StatementFault> {
        let texts = [
            ("id", &self.id, true),
            ("method", &self.method, false),
            ("reference", &self.reference, false),
            ("measured", &self.measured, false),
            ("document", &self.document, true),
            ("author", &self.author, true),
        ];
        text_fault(&texts.map(|(column, text, required)| (column, text.as_str(), required)))
    }
}

impl Visit {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<StatementFault> {
        let texts = [("id", &self.id, true), ("by", &self.by, true), ("document", &self.document, false)];
        text_fault(&texts.map(|(column, text, required)| (column, text.as_str(), required)))
            .or_else(|| (self.to <= self.from).then_some(("to", "not after from")))
            .or_else(|| (self.to.0 - self.from.0 > VISIT_MAX_MS).then_some(("to", "more than seven days after from")))
    }
}

/// No visit is longer.
const VISIT_MAX_MS: i64 = 7 * super::time::DAY_MS;
