//! D-06 氧含量异常: an oxygen content that air does not have.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-06"),
    title: ("氧含量异常", "Oxygen impossible"),
    inputs: &["a19001"],
    condition: "O2 < lo or O2 > hi, or O2 >= m while outlet running by other signs",
    figures: &[ours("lo_pct", 0, 0), ours("hi_pct", 215, 1), ours("m_pct", 19, 0).fixed()],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Settled],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 16 (O2 says stop, others disagree); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// That the oxygen says stopped while the rest says running is D-07.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let Some(series) = view.oxygen().filter(|_| view.is_settled(hour)) else { return };
    let Some(value) = series.value(hour) else { return };
    if value < view.figure(&RULE, "lo_pct", series.factor()) || value > view.figure(&RULE, "hi_pct", series.factor()) {
        let words = (format!("氧含量{value}%"), format!("an oxygen content of {value} %"));
        hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"value": value}), words);
    }
}
