//! B-14 恒值微波动: a constant with noise laid on it.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-14"),
    title: ("恒值微波动", "Constant with a tremor"),
    inputs: &["minute: concentration"],
    condition: "cv over the day < c and lag-1 autocorrelation < a (noise laid on a constant), of >= min_records",
    figures: &[ours("c", 5, 3), ours("a", 2, 1), ours("min_records", 144, 0)],
    window: "24 h",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::LowLevel, Guard::Resolution],
    time: TimeBase::Event,
    source: "vendor model list (constant micro-fluctuation, random numbers, formula output); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Day(run),
};
/// The records of the day's running hours under a normal mark, whatever their length.
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let Some((variation, lag, count, mean)) = day_memory(view, series) else { continue };
        let least = view.count(&RULE, "min_records", factor);
        let c = view.figure(&RULE, "c", factor);
        if count < least || variation >= c * c || lag >= view.figure(&RULE, "a", factor) || is_coarse_over(view, series, mean) {
            continue;
        }
        let severity = if view.is_low(series, mean) { Severity::Info } else { RULE.severity };
        let mean = mean.round_dp(3).normalize();
        let cv = root(variation).unwrap_or_default().round_dp(5).normalize();
        let words = (
            format!("{count}个数据围绕{mean}微小波动（变异系数{cv}），且前后无关联"),
            format!("{count} records tremble about {mean} (coefficient of variation {cv}), each without regard to the one before"),
        );
        hits.fire(view, &RULE, factor, None, severity, json!({"mean": mean, "cv": cv, "autocorrelation": lag, "records": count}), words);
    }
}
