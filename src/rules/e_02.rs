//! E-02 停产未标记: it looks stopped and is not marked so.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-02"),
    title: ("停产未标记", "Looks stopped, not marked"),
    inputs: &["no stop mark", "O2, temperature, flow"],
    condition: "O2 >= m and velocity < r*median and temperature < ambient+dt (signs of them, and none against) for >= h",
    figures: &[ours("m_pct", 195, 1), ours("r", 2, 1), ours("dt_C", 15, 0), ours("h", 4, 0), given("signs", 3, 0)],
    window: "4 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "vendor model list (unit stopped not reported); figures set here",
    grade: Grade::S,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// All three signs, for hours.
fn run(view: &DayView<'_>, hour: u8, runs: &mut Runs, hits: &mut Hits) {
    let figure = |name| view.figure(&RULE, name, FactorCode::WHOLE);
    let (running, stands) = view.signs(hour, figure("m_pct"), figure("r"), figure("dt_C"));
    if !(view.is_gas() && view.is_running(hour) == Some(true) && running == 0 && stands >= view.count(&RULE, "signs", FactorCode::WHOLE)) {
        return runs.put(RULE.id, FactorCode::WHOLE, None);
    }
    let run = runs.extend(RULE.id, FactorCode::WHOLE, view.day.hour(hour), None, |_| true);
    if run.hours >= view.count(&RULE, "h", FactorCode::WHOLE) {
        let words = (format!("参数显示停产{}小时，未标记", run.hours), format!("stands by its parameters for {} hours, not marked", run.hours));
        hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"hours": run.hours}), words);
    }
}
