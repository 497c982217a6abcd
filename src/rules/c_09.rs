//! C-09 波动骤减: the records swing far less than in the week before, at nearly the same mean.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("C-09"),
    title: ("波动骤减", "Swing suddenly smaller"),
    inputs: &["minute: concentration"],
    condition: "stdev(records of the day)/stdev(of the w days before) < r and mean changes < mean_pct",
    figures: &[ours("r", 3, 1), ours("mean_pct", 30, 0), ours("min_days", 4, 0), ours("min_records", 144, 0), ours("w_d", 7, 0)],
    window: "24 h / 7 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::LowLevel, Guard::Resolution],
    time: TimeBase::Event,
    source: "vendor model list (range changed, slope or intercept changed); figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Score,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let Some(today) = window.today().series.get(&factor).and_then(|today| today.records) else { continue };
        let days = view.count(&RULE, "w_d", factor);
        // Day by day, so that what moves from one day to the next is no swing.
        let before: Vec<Records> = window.earlier(days).filter_map(|(_, profile)| profile.series.get(&factor)?.records).collect();
        if (before.len() as u32) < view.count(&RULE, "min_days", factor) || today.count < view.count(&RULE, "min_records", factor) {
            continue;
        }
        let (Some(variance), Some(mean)) = (today.variance(), today.mean()) else { continue };
        let variances: Vec<Decimal> = before.iter().filter_map(Records::variance).collect();
        let means: Vec<Decimal> = before.iter().filter_map(Records::mean).collect();
        let (Some(usual), Some(level)) = (average(&variances), average(&means)) else { continue };
        let r = view.figure(&RULE, "r", factor);
        let moved = (mean - level).abs() >= level.abs() * pct(view.figure(&RULE, "mean_pct", factor));
        // A figure beyond all measure makes nothing still.
        let still = usual.checked_mul(r * r).is_some_and(|edge| variance < edge);
        if !still || moved || usual.is_zero() || is_coarse_over(view, series, mean) {
            continue;
        }
        let severity = if view.is_low(series, mean) { Severity::Info } else { RULE.severity };
        let text = |variance: Decimal| root(variance).unwrap_or_default().round_dp(3).normalize();
        let (now, then) = (text(variance), text(usual));
        let words = (
            format!("标准偏差由前{days}日的{then}骤减为{now}，均值相近"),
            format!("a standard deviation of {now} after {then} in the {days} days before, at nearly the same mean"),
        );
        hits.fire(
            view,
            &RULE,
            factor,
            None,
            severity,
            json!({"stdev": now, "stdev_before": then, "mean": mean.round_dp(3), "mean_before": level.round_dp(3)}),
            words,
        );
    }
}
