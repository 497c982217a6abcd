//! E-07 校准无零/跨信号: a calibration in which the instrument saw neither zero gas nor span gas.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("E-07"),
    title: ("校准无零/跨信号", "Calibration without the shape"),
    inputs: &["C block", "minute values"],
    condition: "C block with no plateau near zero (< 5% range) and none near a registered span gas (+-10%)",
    figures: &[ours("zero_pct", 5, 0), ours("span_tol_pct", 10, 0)],
    window: "block",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Medium,
    guards: &[],
    time: TimeBase::Event,
    source: "default here",
    grade: Grade::D,
    kind: CaseKind::SuspiciousMarker,
    refer: Refer::Score,
    run: Run::Hour(run),
};
/// By the smallest and largest value of the block; gas analysers only.
fn run(view: &DayView<'_>, hour: u8, _: &mut Runs, hits: &mut Hits) {
    for series in view.pollutants().filter(|series| series.code().starts_with("a2")) {
        let Some((low, high)) = calibration(series, hour) else { continue };
        let Some(range) = series.range() else {
            hits.missing(&RULE, "the registered range");
            continue;
        };
        let span = series.row.and_then(|row| row.span_gas);
        let tolerance = pct(view.figure(&RULE, "span_tol_pct", series.factor()));
        let zero = low.abs() < range * pct(view.figure(&RULE, "zero_pct", series.factor()));
        let spans = span.is_some_and(|span| off(high, span).is_some_and(|off| off <= tolerance));
        if !zero && !spans {
            let words =
                (format!("校准时段数值{low}至{high}，无零点或量程响应"), format!("{low} to {high} during calibration, neither zero nor span"));
            hits.fire(view, &RULE, series.factor(), Some(hour), RULE.severity, json!({"lowest": low, "highest": high, "span_gas": span}), words);
        }
    }
}
