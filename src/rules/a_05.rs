//! A-05 日有效小时不足: a day that cannot be judged for want of valid hours.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("A-05"),
    title: ("日有效小时不足", "Day without enough valid hours"),
    inputs: &["hour class"],
    condition: "gas: valid < 20 and stop hours < 5; water: valid/due < 0.75",
    figures: &[given("gas_hours", 20, 0), given("water_ratio", 75, 2)],
    window: "1 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "HJ 212-2017 D.2 (20 h); HJ 356-2019 75% recalled",
    grade: Grade::S,
    kind: CaseKind::MissingLink,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// By pollutant with a daily limit; once for the outlet when nothing came.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    if view.closed < 24 || view.prior.ever.is_none() {
        return;
    }
    if view.stopped.count_ones() + view.count(&RULE, "gas_hours", FactorCode::WHOLE) > 24 {
        return;
    }
    if view.series.is_empty() {
        let words = ("全日无数据".to_owned(), "no data all day".to_owned());
        return hits.fire(view, &RULE, FactorCode::WHOLE, None, RULE.severity, json!({"valid_hours": 0}), words);
    }
    for series in view.pollutants().filter(|series| view.limits(series.factor(), Basis::Day).next().is_some()) {
        let hours = view.hours_of(series);
        let (valid, stop) = (hours.valid, hours.stop);
        let (enough, due) = if view.is_gas() {
            let least = view.count(&RULE, "gas_hours", series.factor());
            (valid >= least || stop + least > 24, 24 - stop)
        } else {
            let cycles = series.day.cycles();
            let due = cycles.iter().filter(|cycle| matches!(cycle.fate, Fate::Used(_) | Fate::Unused)).count() as u32;
            let used = cycles.iter().filter(|cycle| matches!(cycle.fate, Fate::Used(_))).count() as u32;
            (due == 0 || Decimal::from(used) >= view.figure(&RULE, "water_ratio", series.factor()) * Decimal::from(due), due)
        };
        if !enough {
            let words = (format!("有效小时{valid}个，停运{stop}个，应有{due}个"), format!("{valid} valid hours, {stop} stopped, {due} due"));
            let facts = json!({"valid_hours": valid, "stop_hours": stop, "due": due});
            hits.fire(view, &RULE, series.factor(), None, RULE.severity, facts, words);
        }
    }
}
