//! B-11 长期检出限附近: nearly all hours of half a month lie at the detection limit.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-11"),
    title: ("长期检出限附近", "Long time at the detection limit"),
    inputs: &["hour: concentration", "LOD"],
    condition: "value <= k*LOD for >= p of >= min_hours running hours of w days",
    figures: &[ours("k", 15, 1), ours("p_pct", 95, 0), ours("min_hours", 240, 0), ours("w_d", 15, 0)],
    window: "15 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::LowLevel],
    time: TimeBase::Event,
    source: "on-site inspection guide item; figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let Some(lod) = series.row.and_then(|row| row.detection_limit) else {
            hits.missing(&RULE, "the detection limit (series.csv)");
            continue;
        };
        let edge = lod * view.figure(&RULE, "k", factor);
        let (Some(most), days) = (millionths(edge), view.count(&RULE, "w_d", factor)) else { continue };
        let values: Vec<i64> = window.running(factor, days).map(|(_, value)| value).collect();
        let (all, low) = (values.len(), values.iter().filter(|value| **value <= most).count());
        if all < view.count(&RULE, "min_hours", factor) as usize || !window.today().series.contains_key(&factor) {
            continue;
        }
        if Decimal::from(low * 100) >= view.figure(&RULE, "p_pct", factor) * Decimal::from(all) {
            // X4, by the limit alone: at the detection limit everything is low.
            let clean = view.any_limit(factor).is_some_and(|limit| edge * Decimal::from(20) <= limit);
            let severity = if clean { Severity::Info } else { RULE.severity };
            let words = (
                format!("{days}日{all}个生产小时中{low}个不高于{}（检出限{lod}）", edge.normalize()),
                format!("of {all} running hours of {days} days {low} are {} or less (detection limit {lod})", edge.normalize()),
            );
            hits.fire(view, &RULE, factor, None, severity, json!({"hours": all, "low": low, "detection_limit": lod, "of_days": days}), words);
        }
    }
}
