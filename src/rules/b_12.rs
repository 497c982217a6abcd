//! B-12 长期波动小于量程2%: the hours of a week keep within two percent of the instrument's range.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-12"),
    title: ("长期波动小于量程2%", "Spread under 2 % of range"),
    inputs: &["hour: concentration", "range"],
    condition: "max-min < 0.02*range, and < own_pct of the highest, over >= min_hours running hours of w days",
    figures: &[given("p_pct_range", 2, 0), ours("own_pct", 30, 0), ours("min_hours", 120, 0), ours("w_d", 7, 0)],
    window: "7 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::LowLevel],
    time: TimeBase::Event,
    source: "on-site inspection guide item (2% of range); a rule catalogue says 1%; window set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let Some(range) = series.range() else {
            hits.missing(&RULE, "the range (series.csv)");
            continue;
        };
        let (Some(most), days) = (millionths(range * pct(view.figure(&RULE, "p_pct_range", factor))), view.count(&RULE, "w_d", factor)) else {
            continue;
        };
        let values: Vec<i64> = window.running(factor, days).map(|(_, value)| value).collect();
        let (Some(low), Some(high)) = (values.iter().min(), values.iter().max()) else { continue };
        // A wide range alone is no evidence: the hours keep close to their own level as well.
        let close = i128::from(high - low) * 1000 < i128::from(*high) * i128::from(per_mille(view.figure(&RULE, "own_pct", factor)));
        if values.len() < view.count(&RULE, "min_hours", factor) as usize
            || high - low >= most
            || !close
            || !window.today().series.contains_key(&factor)
        {
            continue;
        }
        let (low, high, count) = (of_millionths(*low), of_millionths(*high), values.len());
        let severity = if view.is_low(series, high) { Severity::Info } else { RULE.severity };
        let words = (
            format!("{days}日{count}个生产小时仅在{low}至{high}之间变化，量程{range}"),
            format!("{count} running hours of {days} days lie between {low} and {high}, of a range of {range}"),
        );
        hits.fire(view, &RULE, factor, None, severity, json!({"min": low, "max": high, "range": range, "hours": count, "of_days": days}), words);
    }
}
