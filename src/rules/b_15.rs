//! B-15 pH异常: pH stands still, leaps, or cannot be.

use super::prelude::*;
use std::collections::BTreeSet;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-15"),
    title: ("pH异常", "pH stands still or leaps"),
    inputs: &["hour: w01001"],
    condition: "variance < v over hours (values different ones at most), or |difference of two hours| > d, or pH = 0, or outside 0..14",
    figures: &[given("v", 1, 2), given("d", 2, 0), ours("hours", 20, 0), ours("values", 3, 0)],
    window: "24 h / 1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Settled],
    time: TimeBase::Event,
    source: "rule catalogue (0.01; 2 per h); pH=0 invalid in open logger code",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Still: by the spread of a day's hours.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let Some(series) = view.of("w01001") else { return };
    let Some(value) = series.value(hour).filter(|_| view.is_settled(hour)) else { return };
    let flows = view.outlet.flow_factor.and_then(|factor| view.of_factor(factor)).and_then(|flow| flow.value(hour));
    if flows.is_some_and(|flow| flow.is_zero()) {
        return;
    }
    let mut fire = |zh: String, en: String| hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"value": value}), (zh, en));
    if value <= Decimal::ZERO || value > Decimal::from(14) {
        return fire(format!("pH为{value}"), format!("a pH of {value}"));
    }
    let before = hour.checked_sub(1).and_then(|before| series.value(before));
    if let Some(before) = before.filter(|before| (*before - value).abs() > view.figure(&RULE, "d", series.factor())) {
        return fire(format!("由{before}突变为{value}"), format!("from {before} to {value} within an hour"));
    }
    let hours: Vec<Decimal> = (0..24).filter_map(|hour| series.value(hour)).collect();
    let figure = |name| view.count(&RULE, name, series.factor()) as usize;
    if hour == 23 && hours.len() >= figure("hours") {
        let count = Decimal::from(hours.len());
        let mean = hours.iter().sum::<Decimal>() / count;
        let variance = hours.iter().map(|value| (value - mean) * (value - mean)).sum::<Decimal>() / count;
        let different = hours.iter().collect::<BTreeSet<_>>().len();
        if variance < view.figure(&RULE, "v", series.factor()) && different <= figure("values") {
            fire("全日几乎不变".to_owned(), "hardly moves all day".to_owned());
        }
    }
}
