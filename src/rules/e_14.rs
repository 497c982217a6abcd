//! E-14 手工置数: values set by hand.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-14"),
    title: ("手工置数", "Hand-set values"),
    inputs: &["flag S"],
    condition: "any S value outside an approved test window",
    figures: &[],
    window: "1 record",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "HJ 212-2017 Table 8 meaning",
    grade: Grade::M,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// Outside an approved exemption.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in view.series.iter().filter(|series| series.day.exempt >> hour & 1 == 0) {
        let minutes = series.marked(hour, Marker::SET);
        if minutes > 0 {
            let words = (format!("{minutes}分钟为手工置数"), format!("{minutes} minutes of values set by hand"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"minutes": minutes}), words);
        }
    }
}
