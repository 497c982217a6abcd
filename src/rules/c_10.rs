//! C-10 检查日反差: lower while people are there than at the same hours of other days.

use super::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-10"),
    title: ("检查日反差", "Better on inspection days"),
    inputs: &["hour: concentration", "visits (现场检查), as people state them"],
    condition: "median(hours of >= min_visits visits in w days) < r * median(the same hours of the days without visits among the last of_d), judged \
                on days with a visit",
    figures: &[ours("r", 6, 1), ours("min_visits", 3, 0), ours("w_d", 90, 0), ours("of_d", 30, 0), ours("min_hours", 20, 0)],
    window: "90 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::LowLevel],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
/// What several people state of one visit is one visit.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    if !view.visits.iter().any(|visit| visit.from < view.day.end() && view.day.start() < visit.to) {
        return;
    }
    let mut visits: Vec<(Moment, Moment)> = Vec::new();
    for visit in view.visits {
        match visits.last_mut() {
            Some((_, to)) if visit.from < *to => *to = visit.to.max(*to),
            _ => visits.push((visit.from, visit.to)),
        }
    }
    for series in view.pollutants() {
        let factor = series.factor();
        let (days, before) = (view.count(&RULE, "w_d", factor), view.count(&RULE, "of_d", factor));
        let values: BTreeMap<Hour, i64> = window.running(factor, days).collect();
        let (mut count, mut visited) = (0u32, BTreeMap::new());
        for (from, to) in &visits {
            // The last hour that is touched: a visit that ends on the hour does not touch the next.
            let of_visit = values.range(from.hour()..=Moment(to.0 - 1).hour());
            count += u32::from(of_visit.clone().next().is_some());
            visited.extend(of_visit.map(|(hour, value)| (*hour, *value)));
        }
        let times: BTreeSet<u8> = visited.keys().map(|hour| hour.of_day()).collect();
        let dates: BTreeSet<Day> = visited.keys().map(|hour| hour.day()).collect();
        let first = Day(view.day.0 - before as i32 + 1).hour(0);
        let usual = values.range(first..).filter(|(hour, _)| times.contains(&hour.of_day()) && !dates.contains(&hour.day()));
        let then: Vec<i64> = usual.map(|(_, value)| *value).collect();
        let now: Vec<i64> = visited.into_values().collect();
        if count < view.count(&RULE, "min_visits", factor) || (then.len() as u32) < view.count(&RULE, "min_hours", factor) {
            continue;
        }
        let (Some(now), Some(then)) = (median(&now).map(of_millionths), median(&then).map(of_millionths)) else { continue };
        // A figure beyond all measure makes nothing low.
        let lower = then.checked_mul(view.figure(&RULE, "r", factor)).is_some_and(|edge| now < edge);
        if !lower || view.is_low(series, then) {
            continue;
        }
        let words = (
            format!("{count}次现场检查期间中位值为{now}，其他日同时段为{then}"),
            format!("a median of {now} during {count} visits, and of {then} at the same hours of other days"),
        );
        hits.fire(view, &RULE, factor, None, RULE.severity, json!({"visits": count, "median": now, "usual": then}), words);
    }
}
