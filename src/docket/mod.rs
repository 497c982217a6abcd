//! Findings → cases (案件). A case is (outlet, kind, family of factors, first day); findings on days close to each other are one episode.
//!
//! Rules move whether a case stands, people move its stage; neither does the other's part.
//!
//! ```text
//!                    standing finding, near day
//!                        ┌── Extended ──┐
//!   (none) ── Opened ──▶ Open ◀─────────┘           received → investigating → confirmed / rejected → rectified, penalised,
//!                        │  ▲ Revised                 transferred, published → written off (销号)
//!      no day stands any more  │ a day stands again        each step Progressed, the last one Closed; late: Overdue
//!                        ▼     │
//!                    Withdrawn ┘ Reopened           Closed ── a near day stands ──▶ Reopened (recurrence), received again
//! ```
//!
//! A rule never closes a case: decisions and write-off (销号) are people's.

mod legal;

pub use legal::{Article, articles, suggested_action};

use crate::domain::time::{DAY_MS, Day, Moment};
use crate::domain::{CaseEvent, CaseKind, Disposition, FactorCode, Finding, Happening, OutletId, RuleSet, Severity, Stage};
use crate::rules::NAMESPACE;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Lines of history that a case carries; older ones stand in its earlier events.
pub const HISTORY_MAX: usize = 200;

/// Why a statement about a case changes nothing: its number was said of the case before.
pub const SAID_ALREADY: &str = "said already";

/// Whether a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// 待办.
    Open,
    /// 撤回: a recount took every day back.
    Withdrawn,
    /// 销号: people have written it off.
    Closed,
}

/// What happened to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// 立案线索: the first day.
    Opened,
    /// 延续: another day.
    Extended,
    /// 修订: figures changed.
    Revised,
    /// 撤回.
    Withdrawn,
    /// 重启: a withdrawn case stands again, or one that was written off recurs.
    Reopened,
    /// 处置: people took a step.
    Progressed,
    /// 销号.
    Closed,
    /// 超期: a step was due and did not come.
    Overdue,
    /// 记事: a visit, a complaint, a work order, a result by hand.
    Noted,
}

impl Change {
    /// The last word of the event type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Extended => "extended",
            Self::Revised => "revised",
            Self::Withdrawn => "withdrawn",
            Self::Reopened => "reopened",
            Self::Progressed => "progressed",
            Self::Closed => "closed",
            Self::Overdue => "overdue",
            Self::Noted => "noted",
        }
    }

    /// What it means, Chinese and English.
    #[must_use]
    pub const fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::Opened => ("新增线索", "A new referral"),
            Self::Extended => ("线索延续", "The episode goes on"),
            Self::Revised => ("线索修订", "Figures were revised"),
            Self::Withdrawn => ("线索撤回：重新核算后不再成立", "Withdrawn: after a recount it no longer stands"),
            Self::Reopened => ("线索重启", "It stands again"),
            Self::Progressed => ("处置进展", "A step was taken"),
            Self::Closed => ("销号", "Written off"),
            Self::Overdue => ("超期未处置", "A step is overdue"),
            Self::Noted => ("案件记事", "Something was noted"),
        }
    }
}

/// One line of a case's history: a step or a happening, as it was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// Engine time.
    pub at: Moment,
    /// The office's number; empty for what the program noted.
    pub id: String,
    /// The step, if it is one.
    pub step: Option<Stage>,
    /// The happening, if it is one.
    pub happening: Option<Happening>,
    /// When it happened, if it was said.
    pub happened: Option<Moment>,
    /// Who.
    pub by: String,
    /// 文号.
    pub document: String,
    /// Words.
    pub note: String,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// UUID v5 of outlet, kind, factor and first day.
    pub id: Uuid,
    /// Rule that opened it.
    pub rule: String,
    /// What it is about.
    pub kind: CaseKind,
    /// Where.
    pub outlet: OutletId,
    /// Its family of factors, by the code of one of them.
    pub factor: FactorCode,
    /// The most points that spoke for it.
    #[serde(default)]
    pub score: u32,
    /// The day that opened it; the id keeps it, whatever comes.
    pub first_day: Day,
    /// Its state.
    pub state: State,
    /// How far people have taken it.
    pub stage: Stage,
    /// When the next step is due; none: nothing is.
    pub due: Option<Moment>,
    /// The step that is due did not come in time.
    pub overdue: bool,
    /// Counts the events of this case from 1: order per case.
    pub sequence: u32,
    /// Engine time of its opening.
    pub opened_at: Moment,
    /// Engine time of its writing-off.
    pub closed_at: Option<Moment>,
    /// The case before it, of the same outlet and factor, if that was written off not long ago.
    pub recurs: Option<Uuid>,
    /// The days it is about, with the ids of the findings that stand; an empty list is a day taken back.
    pub days: BTreeMap<Day, Vec<Uuid>>,
    /// The gravest finding.
    pub severity: Severity,
    /// What people said, oldest first; at most [`HISTORY_MAX`] lines.
    pub history: Vec<HistoryLine>,
}

/// The cases of one outlet and factor, in the order in which they were opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Docket {
    cases: Vec<Case>,
}

impl Docket {
    /// Puts a stored case back.
    pub fn restore(&mut self, case: Case) {
        self.cases.push(case);
        self.cases.sort_by_key(|case| (case.opened_at, case.first_day));
    }

    /// Whether a day belongs to a case, standing or taken back.
    #[must_use]
    pub fn knows(&self, day: Day) -> bool {
        self.cases.iter().any(|case| case.days.contains_key(&day))
    }

    /// Enters the confirmed findings of one rule and day. `changed` says that a figure differs from what was entered before.
    /// Returns the case that moved, and how.
    #[allow(clippy::too_many_arguments)] // What moves a case is that much; a struct for one call would hide it.
    pub fn enter(
        &mut self,
        day: Day,
        (outlet, kind, family): (OutletId, CaseKind, FactorCode),
        findings: &[Finding],
        score: u32,
        changed: bool,
        set: &RuleSet,
        now: Moment,
    ) -> Option<(Case, Change)> {
        let standing: Vec<&Finding> = findings.iter().filter(|finding| finding.standing).collect();
        let ids: Vec<Uuid> = standing.iter().map(|finding| finding.id).collect();
        if let Some(case) = self.cases.iter_mut().find(|case| case.days.contains_key(&day)) {
            let before = case.days.insert(day, ids.clone()).unwrap_or_default();
            let any = case.days.values().any(|ids| !ids.is_empty());
            let change = match (case.state, any) {
                // What people have written off stays so; that its figures changed is said.
                (State::Closed, _) if before != ids || changed => Change::Revised,
                (State::Open, false) => Change::Withdrawn,
                (State::Withdrawn, true) => Change::Reopened,
                (State::Open, true) if before.is_empty() && !ids.is_empty() => Change::Extended,
                (State::Open, true) if before != ids || (changed && !ids.is_empty()) => Change::Revised,
                _ => return None,
            };
            match change {
                Change::Withdrawn => (case.state, case.due) = (State::Withdrawn, None),
                Change::Reopened => case.stand_again(set, now),
                _ => {}
            }
            return Some((case.moved_by(&standing, score), change));
        }
        let first = standing.first()?;
        let gap = i64::from(set.episode_gap_days.value);
        let near = |known: &Day| (i64::from(known.0) - i64::from(day.0)).abs() <= gap;
        if let Some(case) = self.cases.iter_mut().rev().find(|case| case.days.keys().any(near)) {
            let change = if case.state == State::Open { Change::Extended } else { Change::Reopened };
            case.days.insert(day, ids);
            if change == Change::Reopened {
                case.stand_again(set, now);
            }
            return Some((case.moved_by(&standing, score), change));
        }
        let identity = format!("case|{}|{outlet}|{family}|{day}", kind.name());
        let since = |case: &Case| case.closed_at.is_some_and(|closed| now.0 - closed.0 <= i64::from(set.case_recurs_days.value) * DAY_MS);
        let recurs = self.cases.iter().rev().find(|case| case.state == State::Closed && since(case)).map(|case| case.id);
        let mut case = Case {
            id: Uuid::new_v5(&NAMESPACE, identity.as_bytes()),
            rule: first.rule.clone(),
            kind,
            outlet,
            factor: family,
            score,
            first_day: day,
            state: State::Open,
            stage: Stage::Received,
            due: due(kind, Stage::Received, set, now),
            overdue: false,
            sequence: 0,
            opened_at: now,
            closed_at: None,
            recurs,
            days: BTreeMap::from([(day, ids)]),
            severity: first.severity,
            history: Vec::new(),
        };
        let moved = case.moved(&standing);
        self.cases.push(case);
        Some((moved, Change::Opened))
    }

    /// Takes a step. The error says why it cannot be taken.
    ///
    /// # Errors
    /// The case is not here, or the step does not follow on its stage.
    pub fn dispose(&mut self, step: &Disposition, set: &RuleSet, now: Moment) -> Result<(Case, Change), &'static str> {
        let case = self.cases.iter_mut().find(|case| case.id == step.case).ok_or("no such case")?;
        if case.history.iter().any(|line| line.id == step.id && line.step == Some(step.step)) {
            return Err(SAID_ALREADY);
        }
        if !case.stage.may_become(step.step) {
            return Err("the step does not follow on the stage of the case");
        }
        case.stage = step.step;
        case.overdue = false;
        case.due = if case.state == State::Withdrawn { None } else { due(case.kind, step.step, set, now) };
        case.note(HistoryLine {
            at: now,
            id: step.id.clone(),
            step: Some(step.step),
            happening: None,
            happened: None,
            by: step.by.clone(),
            document: step.document.clone(),
            note: step.note.clone(),
        });
        if step.step != Stage::WrittenOff {
            return Ok((case.moved(&[]), Change::Progressed));
        }
        (case.state, case.closed_at) = (State::Closed, Some(now));
        Ok((case.moved(&[]), Change::Closed))
    }

    /// Notes what happened about a case.
    ///
    /// # Errors
    /// The case is not here.
    pub fn happened(&mut self, event: &CaseEvent, now: Moment) -> Result<(Case, Change), &'static str> {
        let case = self.cases.iter_mut().find(|case| case.id == event.case).ok_or("no such case")?;
        if case.history.iter().any(|line| line.id == event.id && line.happening == Some(event.what)) {
            return Err(SAID_ALREADY);
        }
        case.note(HistoryLine {
            at: now,
            id: event.id.clone(),
            step: None,
            happening: Some(event.what),
            happened: Some(event.happened),
            by: event.by.clone(),
            document: event.document.clone(),
            note: event.note.clone(),
        });
        Ok((case.moved(&[]), Change::Noted))
    }

    /// The step of a case was due at this instant. None: it came, or the case needs none any more.
    pub fn fall_due(&mut self, id: Uuid, at: Moment) -> Option<(Case, Change)> {
        let case = self.cases.iter_mut().find(|case| case.id == id)?;
        if case.due != Some(at) || case.overdue {
            return None;
        }
        case.overdue = true;
        Some((case.moved(&[]), Change::Overdue))
    }
}

/// The family of a factor: what one pollutant is called by its parts belongs together, and so do the parameters of a flue. A missing
/// link is the outlet's, whichever factor shows it.
#[must_use]
pub fn family(kind: CaseKind, factor: FactorCode) -> FactorCode {
    if matches!(kind, CaseKind::MissingLink | CaseKind::Networking) {
        return FactorCode::WHOLE;
    }
    let code = match factor.as_str() {
        "a21003" | "a21004" => "a21002",
        code if code == "a00000" || code == "a19001" || code.starts_with("a010") => "a01",
        _ => return factor,
    };
    FactorCode::known(code)
}

/// When the step after a stage is due.
fn due(kind: CaseKind, stage: Stage, set: &RuleSet, now: Moment) -> Option<Moment> {
    let usual = [set.case_take_up_days.value, set.case_decide_days.value, set.case_write_off_days.value];
    let [take_up, decide, write_off] = set.case_days_by_kind.value.get(&kind).copied().unwrap_or(usual);
    let days = match stage {
        Stage::Received => take_up,
        Stage::Investigating => decide,
        Stage::WrittenOff => return None,
        _ => write_off,
    };
    Some(now.plus_ms(i64::from(days) * DAY_MS))
}

impl Case {
    fn moved_by(&mut self, standing: &[&Finding], score: u32) -> Case {
        self.score = self.score.max(score);
        self.moved(standing)
    }

    fn moved(&mut self, standing: &[&Finding]) -> Case {
        self.sequence += 1;
        self.severity = standing.iter().map(|finding| finding.severity).fold(self.severity, Severity::max);
        self.clone()
    }

    /// It is for people to take up again, whatever they had decided.
    fn stand_again(&mut self, set: &RuleSet, now: Moment) {
        (self.state, self.stage, self.overdue, self.closed_at) = (State::Open, Stage::Received, false, None);
        self.due = due(self.kind, Stage::Received, set, now);
    }

    fn note(&mut self, line: HistoryLine) {
        if self.history.len() == HISTORY_MAX {
            self.history.remove(0);
        }
        self.history.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Confidence, Grade, Source};

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn place() -> (OutletId, CaseKind, FactorCode) {
        (OutletId::known("S003-G1"), CaseKind::Exceedance, FactorCode::known("a21026"))
    }

    fn finding(at: Day, standing: bool) -> Finding {
        Finding {
            id: Uuid::new_v5(&NAMESPACE, at.to_string().as_bytes()),
            rule: "J-02".to_owned(),
            outlet: OutletId::new("S003-G1").expect("short"),
            factor: FactorCode::new("a21026").expect("short"),
            day: at,
            severity: Severity::Critical,
            confidence: Confidence::High,
            standing,
            revision: 1,
            confirmed: true,
            at: at.end(),
            facts: serde_json::Value::Null,
            hits: Vec::new(),
            sentence_zh: String::new(),
            sentence_en: String::new(),
            source: Source { text: "test".to_owned(), grade: Grade::D },
        }
    }

    #[test]
    fn a_case_opens_extends_revises_withdraws_and_reopens() {
        let mut docket = Docket::default();
        let mut play = |text: &str, standing: bool, changed: bool| {
            let at = day(text);
            docket
                .enter(at, place(), &[finding(at, standing)], 0, changed, &RuleSet::default(), at.end())
                .map(|(case, change)| (case.first_day.to_string(), case.sequence, change))
        };
        let first = "2026-03-14".to_owned();
        assert_eq!(play("2026-03-14", true, true), Some((first.clone(), 1, Change::Opened)));
        assert_eq!(play("2026-03-14", true, false), None, "the same again changes nothing");
        assert_eq!(play("2026-03-15", true, true), Some((first.clone(), 2, Change::Extended)));
        assert_eq!(play("2026-03-15", true, true), Some((first.clone(), 3, Change::Revised)));
        assert_eq!(play("2026-03-15", false, true), Some((first.clone(), 4, Change::Revised)), "one of two days taken back");
        assert_eq!(play("2026-03-14", false, true), Some((first.clone(), 5, Change::Withdrawn)));
        assert_eq!(play("2026-03-14", true, true), Some((first, 6, Change::Reopened)));
        assert_eq!(play("2026-03-20", true, true), Some(("2026-03-20".to_owned(), 1, Change::Opened)), "too far away for one episode");
        assert_eq!(play("2026-03-25", false, true), None, "no case of a day that is fine");
    }
}
