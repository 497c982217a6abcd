//! What the contractor did: marks in time, loggers back, equipment compared, and the cases that were opened.

use super::rates::{Tally, share};
use super::{Charge, Month};
use crate::docket::{Case, State};
use crate::domain::number::Ratio;
use crate::domain::time::{DAY_MS, Day, HOUR_MS, MINUTE_MS, Moment};
use crate::domain::{Comparison, Declaration, DeclarationKind, FactorCode, Mn, OutageScope, OutletId, ScoreItem, ScoreLine, Silence, Source, Stage};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Words, Chinese and English.
type Words = (String, String);

fn line(
    item: ScoreItem,
    (outlet, factor): (OutletId, Option<FactorCode>),
    measured: String,
    share: Option<Ratio>,
    deduction: Ratio,
    why: Words,
    source: &Source,
) -> ScoreLine {
    ScoreLine { item, outlet, factor, measured, share, deduction, why_zh: why.0, why_en: why.1, source: source.clone() }
}

fn words(zh: &str, en: &str) -> Words {
    (zh.to_owned(), en.to_owned())
}

fn nothing() -> Ratio {
    Ratio::whole(0)
}

/// The word of a kind.
fn word(kind: DeclarationKind) -> &'static str {
    DeclarationKind::ALL.iter().find(|(known, _)| *known == kind).map_or("", |(_, word)| word)
}

/// 标记填报: every declaration that begins in the month, in time or not.
pub(super) fn declarations(month: &Month<'_>, charges: &[Charge<'_>]) -> Vec<ScoreLine> {
    let mut lines = Vec::new();
    for charge in charges {
        let mut of_outlet: Vec<&Declaration> =
            month.declarations.iter().filter(|known| known.outlet == charge.id() && !known.withdrawn && charge.holds(known.from)).collect();
        of_outlet.sort_by_key(|known| (known.from, &known.id));
        lines.extend(of_outlet.into_iter().map(|known| declaration(month, known)));
    }
    lines
}

fn declaration(month: &Month<'_>, known: &Declaration) -> ScoreLine {
    let set = month.set;
    let due = known.from.day().end().plus_ms(i64::from(set.contractor_declaration_due_min.value) * MINUTE_MS);
    let entered = known.entered.unwrap_or(known.made_at);
    let last = known.to.plus_ms(-1).day();
    let after = entered > month.confirmed(known.from.day()) || known.changed.is_some_and(|changed| changed > month.confirmed(last));
    let (marks, why, source) = if after {
        let why = words("所属日确认后才填报或更改", "entered or changed after its day was confirmed");
        (set.contractor_declaration_after_marks.value, why, &set.contractor_declaration_after_marks.source)
    } else if entered > due {
        let why = (format!("应于{due}前填报"), format!("was due by {due}"));
        (set.contractor_declaration_late_marks.value, why, &set.contractor_declaration_due_min.source)
    } else {
        (Decimal::ZERO, words("按时填报，不扣分", "in time, nothing is deducted"), &set.contractor_declaration_due_min.source)
    };
    let changed = known.changed.map_or_else(String::new, |changed| format!("，更改 changed {changed}"));
    let measured = format!("标记 mark {} {}，{} – {}，录入 entered {entered}{changed}", known.id, word(known.mark), known.from, known.to);
    line(ScoreItem::Declarations, (known.outlet, known.factor), shortened(measured), None, Ratio::of(marks), why, source)
}

/// An office's own number may be long: a line holds what a statement's text may.
fn shortened(mut text: String) -> String {
    let mut end = text.len().min(crate::domain::STATEMENT_TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// 断链响应: every silence of a logger that touches the month, once, at the first of its outlets.
pub(super) fn gaps(month: &Month<'_>, contractor: &str, charges: &[Charge<'_>]) -> Vec<ScoreLine> {
    let mut silences: BTreeMap<(Mn, Moment), (&Charge<'_>, &Silence)> = BTreeMap::new();
    for charge in charges {
        for silence in &charge.outlet.silences {
            // A later day knows more of it.
            let known = silences.entry((silence.mn, silence.began.unwrap_or(silence.since))).or_insert((charge, silence));
            if known.0.id() == charge.id() {
                known.1 = silence;
            }
        }
    }
    let mut found: Vec<(&Charge<'_>, &Silence)> = silences.into_values().collect();
    found.sort_by_key(|(charge, silence)| (charge.id(), silence.since, silence.mn));
    found.into_iter().filter_map(|(charge, silence)| gap(month, contractor, charge, silence)).collect()
}

/// Steps of silence that cost points, `at` an instant.
fn steps(month: &Month<'_>, since: Moment, at: Moment) -> i64 {
    let free = i64::from(month.set.contractor_gap_free_h.value) * HOUR_MS;
    let step = i64::from(month.set.contractor_gap_step_h.value).max(1) * HOUR_MS;
    let beyond = (at.0 - since.0 - free).max(0);
    (beyond + step - 1) / step
}

fn gap(month: &Month<'_>, contractor: &str, charge: &Charge<'_>, silence: &Silence) -> Option<ScoreLine> {
    let set = month.set;
    // An outage of all that the contractor maintains is its own: the silence counts from its beginning.
    let own = |from: Moment, to: Moment| {
        month.outages.iter().any(|outage| outage.scope == OutageScope::Contractor && outage.name == contractor && outage.touches(from, to))
    };
    let since = silence.began.filter(|began| own(*began, silence.since)).unwrap_or(silence.since);
    let until = silence.until.unwrap_or(month.until);
    let parts = charge.parts(since, until);
    let (_, to) = *parts.last()?;
    let count: i64 = parts.iter().map(|(from, to)| steps(month, since, *to) - steps(month, since, *from)).sum();
    let stops: Vec<&Declaration> = month.declarations.iter().filter(|known| known.stops(charge.id())).collect();
    let by_contractor = format!("{} {contractor}", OutageScope::Contractor.name());
    let excuse = silence.excused.as_ref().filter(|excuse| **excuse != by_contractor);
    let (deduction, why) = match (excuse, covering(&stops, &parts)) {
        (Some(excuse), _) => (nothing(), (format!("属{excuse}中断，不计"), format!("explained by the outage of {excuse}, not counted"))),
        (None, Some(ids)) => {
            let ids = ids.join(", ");
            (nothing(), (format!("停运标记{ids}覆盖，不计"), format!("covered by the declared stop {ids}, not counted")))
        }
        (None, None) => {
            let free = set.contractor_gap_free_h.value;
            let cost = Ratio::whole(count).times(&Ratio::of(set.contractor_gap_step_marks.value));
            let step = set.contractor_gap_step_h.value;
            let why = if count == 0 {
                (format!("未超过{free}小时，不扣分"), format!("not beyond {free} h, nothing is deducted"))
            } else {
                (format!("超过{free}小时，本月{count}个{step}小时"), format!("beyond {free} h, {count} steps of {step} h in the month"))
            };
            (cost, why)
        }
    };
    let back = silence.until.map_or_else(|| "未恢复 not back".to_owned(), |until| format!("恢复 back {until}"));
    let minutes = (to.0 - since.0) / MINUTE_MS;
    let measured = format!("{}，断链自 silent since {since}，{back}，{minutes} 分钟 min", silence.mn);
    let why = (shortened(why.0), shortened(why.1));
    Some(line(ScoreItem::Gaps, (charge.id(), None), measured, None, deduction, why, &set.contractor_gap_free_h.source))
}

/// The declared stops that cover all of some parts of time, one after the other; none where they do not.
fn covering<'d>(stops: &[&'d Declaration], parts: &[(Moment, Moment)]) -> Option<Vec<&'d str>> {
    let mut ids: Vec<&str> = Vec::new();
    for (from, to) in parts {
        let mut at = *from;
        while at < *to {
            let next = stops.iter().filter(|stop| stop.from <= at && at < stop.to).max_by_key(|stop| (stop.to, &stop.id))?;
            at = next.to;
            if !ids.contains(&next.id.as_str()) {
                ids.push(&next.id);
            }
        }
    }
    Some(ids)
}

/// 比对: every pollutant that ran in the month, compared in time and passed, or not.
pub(super) fn comparisons(month: &Month<'_>, charges: &[Charge<'_>], tallies: &[Tally]) -> Vec<ScoreLine> {
    let running = |tally: &Tally| -> Vec<FactorCode> {
        tally.series.iter().filter(|(_, known)| known.hours.all > known.hours.stop).map(|(factor, _)| *factor).collect()
    };
    let series: Vec<(&Charge<'_>, FactorCode)> =
        charges.iter().zip(tallies).flat_map(|(charge, tally)| running(tally).into_iter().map(move |factor| (charge, factor))).collect();
    let share = share(month.set.contractor_comparison_marks.value, series.len());
    series.into_iter().map(|(charge, factor)| comparison(month, charge, factor, &share)).collect()
}

fn comparison(month: &Month<'_>, charge: &Charge<'_>, factor: FactorCode, share: &Ratio) -> ScoreLine {
    let set = month.set;
    let mut checks: Vec<&Comparison> = month
        .comparisons
        .iter()
        .filter(|check| check.outlet == charge.id() && check.factor == factor && !check.withdrawn && check.at < charge.to)
        .collect();
    checks.sort_by_key(|check| (check.at, check.passed));
    let of_month: Vec<&Comparison> = checks.iter().filter(|check| charge.holds(check.at)).copied().collect();
    let rows = month.registry.loggers_of(charge.id()).into_iter();
    let installed = rows.filter_map(|mn| month.registry.series(mn, charge.id(), factor, charge.from)).map(|row| row.validity.from).min();
    // Nobody owes what was before its contract, its instrument or this house.
    let begins = charge.since.max(month.began).max(installed.unwrap_or(charge.from));
    let anchor = checks.last().map_or(begins, |check| check.at.max(begins));
    let due = anchor.plus_ms(i64::from(set.contractor_comparison_days.value) * DAY_MS);
    let failed = of_month.iter().filter(|check| !check.passed).count();
    let measured = match checks.last() {
        None => format!("无比对 never compared，应于 due by {}", due.day()),
        Some(last) => {
            let passed = if last.passed { "合格 passed" } else { "不合格 failed" };
            format!(
                "最近比对 last {} {passed}，本月 of the month {}，其中不合格 failed {failed}，应于 due by {}",
                last.at.day(),
                of_month.len(),
                due.day()
            )
        }
    };
    let (deduction, why, source) = if due < charge.to {
        let why = (format!("比对已逾期，应于{}前", due.day()), format!("overdue, was due by {}", due.day()));
        (share.clone(), why, &set.contractor_comparison_days.source)
    } else if of_month.last().is_some_and(|last| !last.passed) {
        (share.clone(), words("不合格，本月未再合格", "failed, and not passed again in the month"), &set.contractor_comparison_marks.source)
    } else if failed > 0 {
        let part = Ratio::whole(i64::from(set.contractor_comparison_mended_pct.value)).divided(&Ratio::whole(100));
        let cost = part.map_or_else(nothing, |part| share.times(&part));
        (cost, words("曾不合格，本月内复测合格", "failed, and passed again in the month"), &set.contractor_comparison_mended_pct.source)
    } else {
        (nothing(), words("按期且合格，不扣分", "in time and passed, nothing is deducted"), &set.contractor_comparison_days.source)
    };
    line(ScoreItem::Comparisons, (charge.id(), Some(factor)), measured, Some(share.clone()), deduction, why, source)
}

/// 线索案件: every case whose first day is of the month; what people rejected or a recount took back costs nothing.
pub(super) fn cases(month: &Month<'_>, charges: &[Charge<'_>]) -> Vec<ScoreLine> {
    let mut lines = Vec::new();
    for charge in charges {
        let in_charge = |day: Day| charge.days.contains(&day) && charge.holds(day.start());
        let mut of_outlet: Vec<&Case> = month.cases.iter().filter(|case| case.outlet == charge.id() && in_charge(case.first_day)).collect();
        of_outlet.sort_by_key(|case| (case.first_day, case.kind, case.factor, case.id));
        lines.extend(of_outlet.into_iter().map(|case| case_line(month, case)));
    }
    lines
}

fn case_line(month: &Month<'_>, case: &Case) -> ScoreLine {
    let set = month.set;
    let marks = set.contractor_case_opened_marks.value.get(&case.kind).copied().unwrap_or_default();
    let overdue = case.overdue && case.state == State::Open;
    let (cost, why) = match case.state {
        State::Withdrawn => (Decimal::ZERO, words("重新核算后撤回，不计", "withdrawn after a recount, not counted")),
        _ if is_rejected(case) => (Decimal::ZERO, words("不予认定，不计", "rejected by the office, not counted")),
        _ if marks.is_zero() => (Decimal::ZERO, words("该类案件不由运维机构承担", "cases of this kind are not the contractor's")),
        _ if overdue => (marks + set.contractor_case_overdue_marks.value, words("新增案件，且超期未处置", "opened, and its step is overdue")),
        _ => (marks, words("新增案件", "opened")),
    };
    let (kind, stage) = (case.kind.says(), case.stage.says());
    // Cases move on after the month: the line says when it looked.
    let measured =
        format!("案件 case {}，{} {}，{} 起 since，截至 as of {}：{} {}", case.id, kind.0, kind.1, case.first_day, month.until, stage.0, stage.1);
    let factor = (case.factor != FactorCode::WHOLE).then_some(case.factor);
    line(ScoreItem::Cases, (case.outlet, factor), measured, None, Ratio::of(cost), why, &set.contractor_case_opened_marks.source)
}

/// Whether people rejected it, and it did not stand again since.
fn is_rejected(case: &Case) -> bool {
    let decided = || case.history.iter().rev().filter_map(|line| line.step).find(|step| *step != Stage::WrittenOff);
    match case.stage {
        Stage::WrittenOff => decided() == Some(Stage::Rejected),
        stage => stage == Stage::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docket::HistoryLine;

    #[test]
    fn stops_that_follow_on_each_other_cover_what_they_cover_together() {
        let stop = |id: &str, from: i64, to: i64| Declaration {
            id: id.to_owned(),
            outlet: OutletId::known("S1"),
            factor: None,
            mark: DeclarationKind::Stop,
            from: Moment(from),
            to: Moment(to),
            reason: String::new(),
            document: String::new(),
            author: String::new(),
            made_at: Moment(from),
            withdrawn: false,
            entered: None,
            changed: None,
        };
        let (first, second, late) = (stop("A", 0, 50), stop("B", 50, 100), stop("C", 51, 100));
        let part = [(Moment(10), Moment(90))];
        assert_eq!(covering(&[&first, &second], &part), Some(vec!["A", "B"]));
        assert_eq!(covering(&[&first, &late], &part), None, "between them is nothing");
        assert_eq!(covering(&[&second], &[(Moment(60), Moment(70))]), Some(vec!["B"]));
    }

    #[test]
    fn a_case_that_stands_again_after_a_rejection_is_no_longer_rejected() {
        let step = |stage: Stage| HistoryLine {
            at: Moment(0),
            id: String::new(),
            step: Some(stage),
            happening: None,
            happened: None,
            by: String::new(),
            document: String::new(),
            note: String::new(),
        };
        let case = |stage: Stage, steps: &[Stage]| Case {
            id: uuid::Uuid::nil(),
            rule: "E-03".to_owned(),
            kind: crate::domain::CaseKind::SuspiciousMarker,
            outlet: OutletId::known("S1"),
            factor: FactorCode::WHOLE,
            score: 0,
            first_day: Day(0),
            state: State::Open,
            stage,
            due: None,
            overdue: false,
            sequence: 1,
            opened_at: Moment(0),
            closed_at: None,
            recurs: None,
            days: std::collections::BTreeMap::new(),
            severity: crate::domain::Severity::High,
            history: steps.iter().copied().map(step).collect(),
        };
        use Stage::{Confirmed, Received, Rejected, WrittenOff};
        assert!(is_rejected(&case(Rejected, &[Rejected])));
        assert!(is_rejected(&case(WrittenOff, &[Rejected, WrittenOff])));
        // A finding of a later day opened it again.
        assert!(!is_rejected(&case(Received, &[Rejected, WrittenOff])));
        assert!(!is_rejected(&case(WrittenOff, &[Rejected, WrittenOff, Confirmed, WrittenOff])));
    }
}
