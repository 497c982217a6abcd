//! D-20 零流量仍有监测值: a value under a normal mark although nothing flowed.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("D-20"),
    title: ("零流量仍有监测值", "Analyser value when there is no water"),
    inputs: &["w00000 volume = 0", "pollutant value"],
    condition: "value reported as N while hourly volume = 0",
    figures: &[],
    window: "1 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "HJ 356-2019 zero flow invalid recalled; confirmed in a 2018 paper",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// What stands in the pipe is no discharge.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    if !view.is_dry(hour) {
        return;
    }
    for series in view.pollutants() {
        let normal = series.marked(hour, Marker::NORMAL) > 0;
        if let Some(value) = series.value(hour).filter(|value| normal && *value > Decimal::ZERO) {
            let words = (format!("流量为0而监测值为{value}"), format!("{value} while nothing flowed"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"value": value}), words);
        }
    }
}
