//! B-02 半月波动小于5%: the hours of half a month differ by next to nothing.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-02"),
    title: ("半月波动小于5%", "Hardly any change in half a month"),
    inputs: &["hour: concentration, velocity, O2"],
    condition: "(max-min)/mean < p over >= min_hours running hours of w days",
    figures: &[given("p_pct", 5, 0), ours("min_hours", 240, 0), given("w_d", 15, 0)],
    window: "15 d",
    severity: Severity::High,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::LowLevel, Guard::Resolution],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 3; (max-min)/mean is the reading used here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    let judged = |series: &&SeriesView<'_>| series.is_pollutant() || matches!(series.code(), "a01011" | "a19001");
    for series in view.series.iter().filter(judged) {
        let factor = series.factor();
        let days = view.count(&RULE, "w_d", factor);
        let values: Vec<i64> = window.running(factor, days).map(|(_, value)| value).collect();
        let (Some(low), Some(high)) = (values.iter().min(), values.iter().max()) else { continue };
        if values.len() < view.count(&RULE, "min_hours", factor) as usize || *low < 0 || !window.today().series.contains_key(&factor) {
            continue;
        }
        let (count, sum, _) = sums(values.iter().copied());
        if i128::from(high - low) * count * 1000 >= sum * i128::from(per_mille(view.figure(&RULE, "p_pct", factor))) {
            continue;
        }
        let mean = of_millionths((sum / count) as i64).round_dp(6);
        if is_coarse_over(view, series, mean) {
            continue;
        }
        let severity = if view.is_low(series, mean) { Severity::Info } else { RULE.severity };
        let (low, high) = (of_millionths(*low), of_millionths(*high));
        let words = (
            format!("{days}日{count}个生产小时仅在{low}至{high}之间变化"),
            format!("{count} running hours of {days} days lie between {low} and {high}"),
        );
        hits.fire(view, &RULE, factor, None, severity, json!({"min": low, "max": high, "hours": count as i64, "of_days": days}), words);
    }
}
