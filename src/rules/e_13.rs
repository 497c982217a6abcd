//! E-13 超限标记矛盾: the mark of over-range without a high value, or a value above the range without the mark.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-13"),
    title: ("超限标记矛盾", "T flag without cause, or cause without T"),
    inputs: &["flag T", "range", "value"],
    condition: "flag T and value < 0.9*range, or value > range and flag N",
    figures: &[ours("r", 9, 1)],
    window: "1 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[Guard::Settled],
    time: TimeBase::Event,
    source: "HJ 212-2017 Table 8 meaning; figure set here",
    grade: Grade::M,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// A value above the range under a normal mark is B-08 as well.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in &view.series {
        let (Some(odd), Some(range)) = (series.odd(hour), series.range()) else { continue };
        let edge = range * view.figure(&RULE, "r", series.factor());
        if let Some(low) = odd.over_mark_low.filter(|low| *low < edge) {
            let words = (format!("标记超量程而数值仅{low}，量程{range}"), format!("marked as over range at {low}, the range is {range}"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"value": low, "range": range}), words);
        } else if odd.over_secs > 0 && view.is_settled(hour) {
            let words = (format!("数值超过量程{range}而标记正常"), format!("above the range of {range} under a normal mark"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"range": range}), words);
        }
    }
}
