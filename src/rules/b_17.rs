//! B-17 湿度可疑: a moisture that few flues have, for hours.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-17"),
    title: ("湿度可疑", "Doubtful moisture"),
    inputs: &["hour: a01014"],
    condition: "running and (humidity <= lo or humidity > hi; wet scrubber: < wet_lo) for >= n_h",
    figures: &[ours("lo_pct", 5, 1), ours("hi_pct", 40, 0), ours("wet_lo_pct", 6, 0).fixed(), ours("n_h", 4, 0)],
    window: "4 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// The figure for wet scrubbers is for a setting by outlet: the register does not name the scrubber.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let Some(series) = view.of("a01014") else { return };
    let odd = |value: &Decimal| *value <= view.figure(&RULE, "lo_pct", series.factor()) || *value > view.figure(&RULE, "hi_pct", series.factor());
    let Some(value) = series.value(hour).filter(|value| view.is_steady(hour) && odd(value)) else {
        return runs.put(RULE.id, series.factor(), None);
    };
    let run = runs.extend(RULE.id, series.factor(), view.day.hour(hour), None, |run| run.goes_on_at(view.day.hour(hour)));
    if run.hours >= view.count(&RULE, "n_h", series.factor()) {
        let words = (format!("湿度{value}%"), format!("a moisture of {value} %"));
        hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"value": value}), words);
    }
}
