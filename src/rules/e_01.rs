//! E-01 标停未停: marked as stopped, but it looks as if it ran.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-01"),
    title: ("标停未停", "Marked stopped, looks running"),
    inputs: &["F mark or stop mark", "O2, temperature, flow, concentrations, load"],
    condition: "stop mark and at least signs of: O2 < m, velocity > r*median, temperature > ambient+dt, SO2 or NOx > k*LOD",
    figures: &[ours("m_pct", 17, 0), ours("r", 5, 1), ours("dt_C", 30, 0), ours("k", 5, 0), given("signs", 2, 0)],
    window: "1 h",
    severity: Severity::Critical,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 13; rule catalogue; 2026 journal paper; figures set here",
    grade: Grade::S,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Two signs at least: oxygen, flue temperature, velocity, a pollutant well above its detection limit.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    // In the first hour of a stop the flue is still warm.
    let stop_began = hour.checked_sub(1).is_some_and(|before| view.is_running(before) != Some(true));
    if view.is_running(hour) != Some(false) || !view.is_gas() || !stop_began {
        return;
    }
    let figure = |name| view.figure(&RULE, name, FactorCode::WHOLE);
    let (mut runs, stands) = view.signs(hour, figure("m_pct"), figure("r"), figure("dt_C"));
    for code in ["a21026", "a21002"] {
        let Some(series) = view.of(code) else { continue };
        let Some(limit) = series.row.and_then(|row| row.detection_limit) else { continue };
        runs += u32::from(series.cell(hour).and_then(raw_mean).is_some_and(|value| value > limit * figure("k")));
    }
    if runs + stands == 0 {
        return hits.missing(&RULE, "oxygen, flue temperature, velocity");
    }
    if runs >= view.count(&RULE, "signs", FactorCode::WHOLE) {
        let words = (format!("标记停运，但有{runs}项参数显示在产"), format!("marked as stopped, {runs} parameters say that it runs"));
        hits.fire(view, &RULE, FactorCode::WHOLE, Some(hour), RULE.severity, json!({"signs": runs, "against": stands}), words);
    }
}
