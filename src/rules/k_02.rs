//! K-02 指数加权均值: the weighted mean of the last days leaves its band.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-02"),
    title: ("指数加权均值", "EWMA"),
    inputs: &["residual as of K-01"],
    condition: "|z| of daily mean residuals > L*sqrt(lambda/(2-lambda)) sigma, first on this day",
    figures: &[ours("L", 3, 0), ours("lambda", 2, 1), ours("min_days", 14, 0), ours("w_d", 30, 0)],
    window: "30 d base",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "QAL3 products offer EWMA; textbook values",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let Some((days, sigma)) = residuals(view, window, &RULE, factor) else { continue };
        let (lambda, width) = (view.figure(&RULE, "lambda", factor).min(Decimal::ONE), view.figure(&RULE, "L", factor));
        let Some(band) = lambda.checked_div(Decimal::TWO - lambda).and_then(root).map(|root| width * root * sigma) else { continue };
        let (mut mean, mut crossed) = (Decimal::ZERO, false);
        for (day, residual) in &days {
            let before = mean.abs() > band;
            mean = (lambda * residual + (Decimal::ONE - lambda) * mean).round_dp(9);
            crossed = *day == view.day && !before && mean.abs() > band;
        }
        if crossed {
            let (mean, band) = (mean.round_dp(3).normalize(), band.round_dp(3).normalize());
            let words = (
                format!("近日加权平均偏差{mean}，超出控制限±{band}"),
                format!("the weighted mean of the departures of the last days is {mean}, beyond its band of ±{band}"),
            );
            hits.fire(view, &RULE, factor, None, RULE.severity, json!({"mean": mean, "band": band, "days": days.len()}), words);
        }
    }
}
