//! What a rule is: one constant that the program runs by, and from which `docs/rules.md` is printed.

use super::Runs;
use super::profile::Window;
use super::view::{DayView, Hits};
use crate::domain::{CaseKind, Confidence, Grade, RuleId, Severity};
use rust_decimal::Decimal;

/// One rule of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// `B-01`; file, fixture folder and heading follow it.
    pub id: RuleId,
    /// Chinese and English.
    pub title: (&'static str, &'static str),
    /// What must be there; without it the rule is not evaluable, which is not the same as clear.
    pub inputs: &'static [&'static str],
    /// When it fires, in the words of the figures below.
    pub condition: &'static str,
    /// Figures that decide, each of which can be set for all, a trade, an outlet, a factor.
    pub figures: &'static [RuleFigure],
    /// How far it looks back.
    pub window: &'static str,
    /// How grave a hit is, unless `severity_note` says otherwise.
    pub severity: Severity,
    /// When it is graver or milder.
    pub severity_note: &'static str,
    /// How sure.
    pub confidence: Confidence,
    /// What keeps it from firing falsely.
    pub guards: &'static [Guard],
    /// Which time it goes by.
    pub time: TimeBase,
    /// Where idea and figures come from.
    pub source: &'static str,
    /// How well that is known.
    pub grade: Grade,
    /// Which file it belongs to.
    pub kind: CaseKind,
    /// What it leads to.
    pub refer: Refer,
    /// What runs.
    pub run: Run,
}

impl Rule {
    /// Whether it runs unless a setting says otherwise: statistics (K) do not.
    #[must_use]
    pub fn runs_unasked(&self) -> bool {
        !self.id.as_str().starts_with("K-")
    }
}

/// A figure of a rule.
#[derive(Debug, Clone, Copy)]
pub struct RuleFigure {
    /// As the condition names it.
    pub name: &'static str,
    /// Its value unless a setting gives another.
    pub value: Decimal,
    /// Where it comes from.
    pub origin: FigureOrigin,
    /// It is shown and cannot be set: fixed in what an hour keeps of its records, or said by a figure of the rule set.
    pub fixed: bool,
}

impl RuleFigure {
    /// The same, not to be set.
    pub(super) const fn fixed(self) -> Self {
        Self { fixed: true, ..self }
    }
}

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureOrigin {
    /// It stands in the rule's source.
    Source,
    /// It is ours, a starting value.
    Ours,
}

/// What keeps a rule from firing falsely (suspicion-rules L).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// X1: running hours only.
    Running,
    /// X2: not while the receiver or the region is away.
    Survey,
    /// X3: not within an hour of a start, a stop, a calibration or a restart.
    Settled,
    /// X4: at levels near nothing it is a hint, or says nothing.
    LowLevel,
    /// X5: a coarse instrument repeats itself by nature.
    Resolution,
    /// X6: counts the cycles of slow analysers, not records.
    Cycles,
}

impl Guard {
    /// Its id and what it says, Chinese and English.
    #[must_use]
    pub const fn says(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Running => ("X1", "仅判定生产时段", "running hours only"),
            Self::Survey => ("X2", "平台或区域中断时不判", "not while the receiver or the region is away"),
            Self::Settled => ("X3", "启停、校准、重启后一小时内不判", "not within an hour of a start, a stop, a calibration or a restart"),
            Self::LowLevel => (
                "X4",
                "不高于限值5%或检出限5倍时仅提示或不判",
                "at 5 % of the limit or 5 times the detection limit, and below, it is a hint or says nothing",
            ),
            Self::Resolution => ("X5", "分辨率粗的仪器不判", "not where the printed resolution is one percent of the value or coarser"),
            Self::Cycles => ("X6", "按分析周期计数", "cycles of slow analysers are counted, not records"),
        }
    }
}

/// Which time a rule goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeBase {
    /// The time of the data: the order of arrival changes nothing.
    Event,
    /// The time and order of arrival.
    Arrival,
}

impl TimeBase {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Arrival => "arrival",
        }
    }
}

/// What a standing finding of a confirmed day leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refer {
    /// A case, by itself.
    Alone,
    /// Points; a case when there are enough of them.
    Score,
    /// Nothing: it is a note beside others.
    Note,
}

/// What runs.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// Each closed hour, when it closes and whenever its day is judged.
    Hour(fn(&DayView<'_>, u8, &mut Runs, &mut Hits)),
    /// The day, when it is published.
    Day(fn(&DayView<'_>, &mut Hits)),
    /// The day beside those before it, when it is confirmed.
    Span(fn(&DayView<'_>, &Window<'_>, &mut Hits)),
    /// The daily mean's own verdict, with the limit's row (`exceedance`).
    Limits,
    /// It does not run; says what is missing.
    Not(&'static str),
}

/// A figure as the source has it.
pub(super) const fn given(name: &'static str, mantissa: u32, scale: u8) -> RuleFigure {
    RuleFigure { name, value: Decimal::from_parts(mantissa, 0, 0, false, scale as u32), origin: FigureOrigin::Source, fixed: false }
}

/// A figure of ours.
pub(super) const fn ours(name: &'static str, mantissa: u32, scale: u8) -> RuleFigure {
    RuleFigure { name, value: Decimal::from_parts(mantissa, 0, 0, false, scale as u32), origin: FigureOrigin::Ours, fixed: false }
}
