//! 运维机构赋分: what a contractor's month came to, point by point. A statement of the journal: it was computed outside, of stored rows,
//! and the event says what was entered. What can be checked without the rows is checked: the sums, and the lengths.

use super::declaration::{StatementFault, text_fault};
use super::finding::Source;
use super::number::Ratio;
use super::time::{Day, Moment};
use super::{FactorCode, OutletId};
use serde::{Deserialize, Serialize};

/// Lines that an entry carries; the items hold the sums of all.
pub const SCORE_LINES_MAX: usize = 800;
/// Longest score of the journal, in bytes of JSON: a message holds 1 MiB.
pub const SCORE_LEN_MAX: usize = 900_000;

/// What a contractor is scored by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScoreItem {
    /// 有效传输率.
    Transmission,
    /// 有效数据捕集率.
    Capture,
    /// 人工标记的及时性.
    Declarations,
    /// 断链响应.
    Gaps,
    /// 比对.
    Comparisons,
    /// 线索案件.
    Cases,
}

impl ScoreItem {
    /// Every item, in the order of a sheet.
    pub const ALL: [Self; 6] = [Self::Transmission, Self::Capture, Self::Declarations, Self::Gaps, Self::Comparisons, Self::Cases];

    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transmission => "transmission",
            Self::Capture => "capture",
            Self::Declarations => "declarations",
            Self::Gaps => "gaps",
            Self::Comparisons => "comparisons",
            Self::Cases => "cases",
        }
    }

    /// Chinese and English.
    #[must_use]
    pub const fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::Transmission => ("有效传输率", "effective transmission rate"),
            Self::Capture => ("有效数据捕集率", "capture rate"),
            Self::Declarations => ("标记填报", "declarations"),
            Self::Gaps => ("断链响应", "response to gaps"),
            Self::Comparisons => ("比对", "comparisons"),
            Self::Cases => ("线索案件", "cases"),
        }
    }
}

/// One line of the sheet: what was measured, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreLine {
    /// What it counts for.
    pub item: ScoreItem,
    /// Where.
    pub outlet: OutletId,
    /// What; none: the outlet as a whole.
    pub factor: Option<FactorCode>,
    /// The figures behind it, Chinese and English in one.
    pub measured: String,
    /// The most that it can cost: its share of the item; none: it has no share of its own.
    pub share: Option<Ratio>,
    /// What it costs.
    pub deduction: Ratio,
    /// Why, Chinese.
    pub why_zh: String,
    /// Why, English.
    pub why_en: String,
    /// Where the deciding figure comes from.
    pub source: Source,
}

/// An item of the sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemScore {
    /// Which.
    pub item: ScoreItem,
    /// Its full marks; 0: there was nothing to judge, and the item is left out.
    pub full: u32,
    /// What its lines cost, at most its full marks.
    pub deducted: Ratio,
    /// What is left.
    pub points: Ratio,
    /// Where its full marks come from.
    pub source: Source,
}

/// A contractor's month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// 运维机构, as the register names it.
    pub contractor: String,
    /// 单位名称.
    pub name: String,
    /// `2026-03`.
    pub month: String,
    /// Outlets that it maintained on a day of the month.
    pub outlets: u32,
    /// Engine time up to which hours were counted.
    #[serde(with = "super::time::instant_text")]
    pub counted_until: Moment,
    /// Whether every day of the month is over and confirmed.
    pub finished: bool,
    /// Full marks of the items that could be judged.
    pub full: u32,
    /// Points.
    pub points: Ratio,
    /// Share (%) of the full marks from which it passes.
    pub pass_pct: u32,
    /// Whether it does.
    pub passes: bool,
    /// One of each item.
    pub items: Vec<ItemScore>,
    /// Line by line, in the order of the items.
    pub lines: Vec<ScoreLine>,
    /// Lines that an entry has no room for.
    #[serde(default)]
    pub lines_left_out: u32,
    /// The register by which it was computed.
    pub registry: String,
    /// The rule set by which it was computed.
    pub rule_set: String,
}

impl Score {
    /// The sheet of these lines. `full`: the full marks of each item and where they come from; an item that could not be judged has none.
    #[must_use]
    pub fn items_of(full: &[(ScoreItem, u32, Source)], lines: &[ScoreLine]) -> Vec<ItemScore> {
        let item = |(item, full, source): &(ScoreItem, u32, Source)| {
            let cost = Ratio::sum(lines.iter().filter(|line| line.item == *item).map(|line| &line.deduction));
            let most = Ratio::whole(i64::from(*full));
            let deducted = cost.min(most.clone());
            let points = most.minus(&deducted);
            ItemScore { item: *item, full: *full, deducted, points, source: source.clone() }
        };
        full.iter().map(item).collect()
    }

    /// Whether so many points of the full marks pass.
    #[must_use]
    pub fn reaches(points: &Ratio, full: u32, pass_pct: u32) -> bool {
        points.times(&Ratio::whole(100)) >= Ratio::whole(i64::from(full) * i64::from(pass_pct))
    }

    /// The same for the journal: what costs points goes first where there is no room for every line.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        let all = self.lines.len();
        if all > SCORE_LINES_MAX {
            self.lines.retain(|line| !line.deduction.is_zero());
            self.lines.truncate(SCORE_LINES_MAX);
        }
        while self.len() > SCORE_LEN_MAX && !self.lines.is_empty() {
            self.lines.truncate(self.lines.len() * 3 / 4);
        }
        self.lines_left_out = (all - self.lines.len()) as u32;
        self
    }

    fn len(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |text| text.len())
    }

    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<StatementFault> {
        let head = [("contractor", self.contractor.as_str(), true), ("name", self.name.as_str(), false)];
        let month = self.month.len() == 7 && Day::parse(&format!("{}-01", self.month)).is_some();
        text_fault(&head).or_else(|| {
            let of_lines = |line: &ScoreLine| {
                let texts = [("measured", &line.measured), ("why_zh", &line.why_zh), ("why_en", &line.why_en), ("source", &line.source.text)];
                text_fault(&texts.map(|(column, text)| (column, text.as_str(), true)))
            };
            let faults = [
                (!month).then_some(("month", "no month; write 2026-03")),
                (!self.finished).then_some(("finished", "its days are not confirmed yet")),
                (self.lines.len() > SCORE_LINES_MAX).then_some(("lines", "more than 800")),
                (!self.adds_up()).then_some(("points", "the lines do not add up to the points")),
                (self.len() > SCORE_LEN_MAX).then_some(("lines", "longer than 900000 bytes")),
            ];
            faults.into_iter().flatten().next().or_else(|| self.lines.iter().find_map(of_lines))
        })
    }

    fn adds_up(&self) -> bool {
        let full: Vec<(ScoreItem, u32, Source)> = self.items.iter().map(|item| (item.item, item.full, item.source.clone())).collect();
        let known: Vec<ScoreItem> = full.iter().map(|(item, ..)| *item).collect();
        let cut = self.lines_left_out > 0;
        let of_lines = Self::items_of(&full, &self.lines);
        let fits = |(said, computed): (&ItemScore, &ItemScore)| {
            let whole = said.points.plus(&said.deducted) == Ratio::whole(i64::from(said.full));
            whole && !said.points.is_negative() && (said.deducted == computed.deducted || (cut && said.deducted > computed.deducted))
        };
        let sum = Ratio::sum(self.items.iter().map(|item| &item.points));
        known == ScoreItem::ALL
            && self.items.iter().zip(&of_lines).all(fits)
            && !self.lines.iter().any(|line| line.deduction.is_negative())
            && self.items.iter().map(|item| u64::from(item.full)).sum::<u64>() == u64::from(self.full)
            && sum == self.points
            && self.passes == Self::reaches(&self.points, self.full, self.pass_pct)
    }
}
