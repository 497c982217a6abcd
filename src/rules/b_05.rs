//! B-05 水质恒值: a water analyser gives the same value cycle after cycle while the flow changes.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-05"),
    title: ("水质恒值", "Water analyser repeats"),
    inputs: &["hour: COD, NH3-N, TP, TN"],
    condition: "identical values for n analysis cycles while flow differs by > flow_pct",
    figures: &[given("n", 3, 0), ours("flow_pct", 5, 0)],
    window: "3 cycles",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Cycles],
    time: TimeBase::Event,
    source: "open logger code (3 cycles); flow condition set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// A value that a slow analyser holds within its cycle counts once (guard X6).
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    const ANALYSERS: [&str; 4] = ["w01018", "w21003", "w21011", "w21001"];
    for series in view.series.iter().filter(|series| ANALYSERS.contains(&series.code())) {
        let length = series.day.cycle_hours.max(1);
        if !(hour + 1).is_multiple_of(length) {
            continue;
        }
        let first = hour + 1 - length;
        let values: Vec<Decimal> = (first..=hour).filter_map(|hour| series.value(hour)).collect();
        let flow = view.outlet.flow_factor.and_then(|factor| view.of_factor(factor)).and_then(|flow| flow.value(first));
        let Some(value) = values.first().copied().filter(|value| !values.is_empty() && !value.is_zero()) else {
            runs.put(RULE.id, series.factor(), None);
            continue;
        };
        let at = view.day.hour(first);
        let Some(flow) = flow.filter(|flow| *flow > Decimal::ZERO) else {
            hits.missing(&RULE, "the hourly flow (w00000)");
            continue;
        };
        let run = runs.extend(RULE.id, series.factor(), at, Some(value), |run| run.value == Some(value));
        if run.hours == 1 {
            runs.put(RuleId::known("B-05.f"), series.factor(), Some(Streak { since: at, hours: 0, value: Some(flow) }));
            continue;
        }
        let began = runs.get(RuleId::known("B-05.f"), series.factor());
        let moved = began.and_then(|began| off(flow, began.value?)).is_some_and(|off| off > pct(view.figure(&RULE, "flow_pct", series.factor())));
        let moves = began.map_or(0, |began| began.hours) + u32::from(moved);
        runs.put(RuleId::known("B-05.f"), series.factor(), began.map(|began| Streak { hours: moves, ..began }));
        if run.hours >= view.count(&RULE, "n", series.factor()) && moves > 0 {
            let cycles = run.hours;
            let words = (format!("{cycles}个分析周期均为{value}，而流量有变化"), format!("{value} for {cycles} cycles while the flow changed"));
            let facts = json!({"value": value, "cycles": cycles, "since": run.since.start().to_string()});
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, facts, words);
        }
    }
}
