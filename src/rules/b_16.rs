//! B-16 流速可疑: a velocity that few ducts have.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-16"),
    title: ("流速可疑", "Doubtful velocity"),
    inputs: &["hour: a01011"],
    condition: "running and (velocity < lo or velocity > hi)",
    figures: &[given("lo_m_s", 5, 0), given("hi_m_s", 30, 0)],
    window: "1 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "rule catalogue; low-velocity ducts exist, keep per outlet",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// Low ducts exist: set the figures by outlet.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let Some(series) = view.of("a01011").filter(|_| view.is_steady(hour)) else { return };
    let Some(value) = series.value(hour) else { return };
    if value < view.figure(&RULE, "lo_m_s", series.factor()) || value > view.figure(&RULE, "hi_m_s", series.factor()) {
        let words = (format!("流速{value}"), format!("a velocity of {value}"));
        hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"value": value}), words);
    }
}
