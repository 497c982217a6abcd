//! E-15 错标: a fault is marked while the plant stands.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-15"),
    title: ("错标", "Mark of the wrong kind"),
    inputs: &["fault or accident mark in a stop period"],
    condition: "D or accident mark while plant state is stop",
    figures: &[],
    window: "1 h",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "provincial question-and-answer on marking (fault not to be marked in stop)",
    grade: Grade::P,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Note,
    run: Run::Hour(run),
};
/// A question-and-answer of a province: no fault is marked in a stop.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    let stopped = view.series.iter().filter(|series| series.class(hour) == HourClass::Stop).count();
    if stopped * 2 < view.series.len() || stopped == 0 {
        return;
    }
    let least = view.set.hour_minutes_min.value;
    for series in view.series.iter().filter(|series| series.marked(hour, Marker::FAULT) >= least) {
        let words = ("停运时段标记故障".to_owned(), "a fault marked during a stop".to_owned());
        hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({}), words);
    }
}
