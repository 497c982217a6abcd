//! K-01 累积和: small departures in one direction add up.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-01"),
    title: ("累积和", "CUSUM on residuals"),
    inputs: &["residual of the hours against the median of their hour of the day"],
    condition: "the sum of daily mean residuals S+ or S- passes h*sigma with slack k*sigma on this day",
    figures: &[ours("h", 5, 0), ours("k", 5, 1), ours("min_days", 14, 0), ours("w_d", 30, 0)],
    window: "30 d base",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "EN 14181 QAL3 uses CUSUM or Shewhart charts; k=0.5, h=5 textbook values",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
/// The residual of an hour is its distance from the median of its hour of the day; those of a day make one mean, and what is summed up
/// are means of days.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let Some((days, sigma)) = residuals(view, window, &RULE, factor) else { continue };
        let (k, h) = (view.figure(&RULE, "k", factor) * sigma, view.figure(&RULE, "h", factor) * sigma);
        let (mut up, mut down) = (Decimal::ZERO, Decimal::ZERO);
        let mut crossed = false;
        for (day, residual) in &days {
            let before = up.max(down) > h;
            up = (up + residual - k).max(Decimal::ZERO);
            down = (down - residual - k).max(Decimal::ZERO);
            crossed = *day == view.day && !before && up.max(down) > h;
        }
        if crossed {
            let (sum, way) = if up > down { (up, ("偏高", "above")) } else { (down, ("偏低", "below")) };
            let sum = (sum / sigma).round_dp(1).normalize();
            let words = (
                format!("连日{}于同时段中位数，累积偏差达{sum}倍标准差", way.0),
                format!("day after day {} the median of the same hours: the departures add up to {sum} standard deviations", way.1),
            );
            hits.fire(view, &RULE, factor, None, RULE.severity, json!({"sum_sigma": sum, "sigma": sigma.round_dp(4), "days": days.len()}), words);
        }
    }
}
