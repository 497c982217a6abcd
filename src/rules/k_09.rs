//! K-09 自相关过低: records without memory, or with too much of it.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-09"),
    title: ("自相关过低", "Noise without memory"),
    inputs: &["minute values"],
    condition: "lag-1 autocorrelation < a while cv > c (random numbers), or > 0.999 (formula output)",
    figures: &[ours("a", 1, 1), ours("c", 1, 2), ours("hi", 999, 3), ours("min_records", 144, 0)],
    window: "24 h",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Resolution],
    time: TimeBase::Event,
    source: "vendor model list (random numbers, formula output); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Day(run),
};
fn run(view: &DayView<'_>, hits: &mut Hits) {
    for series in view.pollutants().filter(|_| view.is_gas()) {
        let factor = series.factor();
        let Some((variation, lag, count, mean)) = day_memory(view, series) else { continue };
        let c = view.figure(&RULE, "c", factor);
        let random = lag < view.figure(&RULE, "a", factor) && variation > c * c;
        let formula = lag > view.figure(&RULE, "hi", factor);
        if count < view.count(&RULE, "min_records", factor) || !(random || formula) || is_coarse_over(view, series, mean) {
            continue;
        }
        let words = if random {
            (
                format!("{count}个数据前后无关联（自相关系数{lag}）"),
                format!("{count} records without regard to the one before (autocorrelation of {lag})"),
            )
        } else {
            (format!("{count}个数据变化过于平滑（自相关系数{lag}）"), format!("{count} records as smooth as a formula (autocorrelation of {lag})"))
        };
        hits.fire(view, &RULE, factor, None, RULE.severity, json!({"autocorrelation": lag, "records": count, "random": random}), words);
    }
}
