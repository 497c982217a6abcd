//! B-10 贴限: the hours crowd below the limit, and none lies above it.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("B-10"),
    title: ("贴限", "Hugging the limit"),
    inputs: &["hour: converted value", "limit"],
    condition: "share of running hours with value in [lo*limit, limit] >= p, and share in (limit, (2-lo)*limit] <= q",
    figures: &[ours("p_pct", 60, 0), ours("lo", 9, 1), ours("q_pct", 1, 0), ours("min_hours", 120, 0), ours("w_d", 7, 0)],
    window: "7 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "list of 18 situations, no. 12 (threshold not visible); 2026 journal paper names it; figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let Some((limit, row)) = view.lowest(factor, Basis::Hour).or_else(|| view.lowest(factor, Basis::Day)) else { continue };
        let (lo, days) = (view.figure(&RULE, "lo", factor), view.count(&RULE, "w_d", factor));
        let edges = (millionths(limit * lo), millionths(limit), millionths(limit * (Decimal::TWO - lo)));
        let (Some(low), Some(limit_at), Some(high)) = edges else { continue };
        let values: Vec<i64> = window.judged(factor, days, row.converted).map(|(_, value)| value).collect();
        let all = values.len();
        if all < view.count(&RULE, "min_hours", factor) as usize || !window.today().series.contains_key(&factor) {
            continue;
        }
        let below = values.iter().filter(|value| (low..=limit_at).contains(*value)).count();
        let above = values.iter().filter(|value| **value > limit_at && **value <= high).count();
        let share = |count: usize| Decimal::from(count * 100) / Decimal::from(all);
        if share(below) >= view.figure(&RULE, "p_pct", factor) && share(above) <= view.figure(&RULE, "q_pct", factor) {
            let words = (
                format!("{days}日{all}个生产小时中{below}个在限值{limit}的{}%以内，超过的{above}个", (Decimal::ONE - lo) * Decimal::ONE_HUNDRED),
                format!("of {all} running hours of {days} days {below} lie just below the limit of {limit}, and {above} just above it"),
            );
            hits.fire(
                view,
                &RULE,
                factor,
                None,
                RULE.severity,
                json!({"hours": all, "just_below": below, "just_above": above, "limit": limit, "of_days": days}),
                words,
            );
        }
    }
}
