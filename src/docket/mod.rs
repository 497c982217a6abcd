//! Findings → cases (案件). A case is (outlet, kind, factor, first day); findings on days close to each other are one episode.
//!
//! ```text
//!                    standing finding, near day
//!                        ┌── Extended ──┐
//!   (none) ── Opened ──▶ Open ◀─────────┘
//!                        │  ▲ Revised: its figures changed, or one of several days no longer stands
//!                        │  └──┐
//!      no day stands any more  │ a day stands again
//!                        ▼     │
//!                    Withdrawn ┘ Reopened
//! ```
//!
//! A rule never closes a case: decisions and write-off (销号) are people's.

use crate::domain::time::{Day, Moment};
use crate::domain::{FactorCode, Finding, OutletId, Severity};
use crate::rules::NAMESPACE;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Whether a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// 待办.
    Open,
    /// 撤回: a recount took every day back.
    Withdrawn,
}

/// What happened to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// 重启: a withdrawn case stands again.
    Reopened,
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
        }
    }
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// UUID v5 of outlet, kind, factor and first day.
    pub id: Uuid,
    /// Rule that opened it.
    pub rule: String,
    /// Where.
    pub outlet: OutletId,
    /// What.
    pub factor: FactorCode,
    /// The day that opened it; the id keeps it, whatever comes.
    pub first_day: Day,
    /// Its state.
    pub state: State,
    /// Counts the events of this case from 1: order per case.
    pub sequence: u32,
    /// Engine time of its opening.
    pub opened_at: Moment,
    /// The days it is about, with the ids of the findings that stand; an empty list is a day taken back.
    pub days: BTreeMap<Day, Vec<Uuid>>,
    /// The gravest finding.
    pub severity: Severity,
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
    pub fn enter(&mut self, day: Day, findings: &[Finding], changed: bool, gap_days: u32, now: Moment) -> Option<(Case, Change)> {
        let standing: Vec<&Finding> = findings.iter().filter(|finding| finding.standing).collect();
        let ids: Vec<Uuid> = standing.iter().map(|finding| finding.id).collect();
        if let Some(case) = self.cases.iter_mut().find(|case| case.days.contains_key(&day)) {
            let before = case.days.insert(day, ids.clone()).unwrap_or_default();
            let any = case.days.values().any(|ids| !ids.is_empty());
            let change = match (case.state, any) {
                (State::Open, false) => Change::Withdrawn,
                (State::Withdrawn, true) => Change::Reopened,
                (State::Open, true) if before.is_empty() && !ids.is_empty() => Change::Extended,
                (State::Open, true) if before != ids || (changed && !ids.is_empty()) => Change::Revised,
                _ => return None,
            };
            case.state = if any { State::Open } else { State::Withdrawn };
            return Some((case.moved(&standing), change));
        }
        let first = standing.first()?;
        let gap = i64::from(gap_days);
        let near = |known: &Day| (i64::from(known.0) - i64::from(day.0)).abs() <= gap;
        if let Some(case) = self.cases.iter_mut().rev().find(|case| case.days.keys().any(near)) {
            let change = if case.state == State::Open { Change::Extended } else { Change::Reopened };
            case.days.insert(day, ids);
            case.state = State::Open;
            return Some((case.moved(&standing), change));
        }
        let identity = format!("case|{}|{}|{}|{}", first.rule, first.outlet, first.factor, day);
        let mut case = Case {
            id: Uuid::new_v5(&NAMESPACE, identity.as_bytes()),
            rule: first.rule.clone(),
            outlet: first.outlet,
            factor: first.factor,
            first_day: day,
            state: State::Open,
            sequence: 0,
            opened_at: now,
            days: BTreeMap::from([(day, ids)]),
            severity: first.severity,
        };
        let moved = case.moved(&standing);
        self.cases.push(case);
        Some((moved, Change::Opened))
    }
}

impl Case {
    fn moved(&mut self, standing: &[&Finding]) -> Case {
        self.sequence += 1;
        self.severity = standing.iter().map(|finding| finding.severity).fold(self.severity, Severity::max);
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Confidence, Grade, Source};

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
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
            docket.enter(at, &[finding(at, standing)], changed, 1, at.end()).map(|(case, change)| (case.first_day.to_string(), case.sequence, change))
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
