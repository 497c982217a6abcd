//! D-10 烟温异常: the flue is cold while the outlet runs.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-10"),
    title: ("烟温异常", "Flue cold while running"),
    inputs: &["a01012", "flow"],
    condition: "temperature < ambient+dt and velocity > r*median while O2 < o2_max, for >= n_h",
    figures: &[ours("dt_C", 5, 0), ours("r", 5, 1), given("o2_max_pct", 19, 0), ours("n_h", 4, 0)],
    window: "4 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "Henan case study 2022; figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// For hours; oxygen and velocity say that it runs.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let Some(series) = view.of("a01012") else { return };
    let edge = AMBIENT + view.figure(&RULE, "dt_C", series.factor());
    let cold = series.value(hour).filter(|value| *value < edge && view.is_steady(hour));
    let oxygen = view.oxygen().and_then(|oxygen| oxygen.value(hour)).is_some_and(|oxygen| oxygen < view.figure(&RULE, "o2_max_pct", series.factor()));
    let flows = flow_share(view, hour).is_some_and(|share| share > view.figure(&RULE, "r", series.factor()));
    let Some(value) = cold.filter(|_| oxygen && flows) else { return runs.put(RULE.id, series.factor(), None) };
    let run = runs.extend(RULE.id, series.factor(), view.day.hour(hour), None, |run| run.goes_on_at(view.day.hour(hour)));
    if run.hours >= view.count(&RULE, "n_h", series.factor()) {
        let words = (format!("生产中烟温仅{value}℃"), format!("a flue of {value} °C while running"));
        hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"temperature_c": value}), words);
    }
}
