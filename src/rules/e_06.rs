//! E-06 频繁校准: calibrated too often or too long in a day.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-06"),
    title: ("频繁校准", "Calibration too often"),
    inputs: &["C marks"],
    condition: "count(C blocks) > n per day or minutes in C > m per day",
    figures: &[ours("n", 2, 0), ours("m_min", 120, 0)],
    window: "1 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::High,
    guards: &[],
    time: TimeBase::Event,
    source: "vendor model list and rule catalogue name it without figure; figures set here",
    grade: Grade::S,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// A block that goes over the hour counts once.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for series in view.series.iter().filter(|_| view.is_gas()) {
        let (mut blocks, mut minutes, mut open) = (0, 0, false);
        for hour in 0..24u8 {
            minutes += series.marked(hour, Marker::CALIBRATION);
            let odd = series.odd(hour);
            blocks += odd.map_or(0, |odd| odd.calibrations - u32::from(open && odd.calibrates_first && odd.calibrations > 0));
            open = odd.is_some_and(|odd| odd.calibrates_last);
        }
        if blocks > view.count(&RULE, "n", series.factor()) || minutes > view.count(&RULE, "m_min", series.factor()) {
            let words = (format!("一日校准{blocks}次，共{minutes}分钟"), format!("{blocks} calibrations, {minutes} minutes in a day"));
            hits.fire(view, &RULE, series.factor(), None, RULE.severity, json!({"blocks": blocks, "minutes": minutes}), words);
        }
    }
}
