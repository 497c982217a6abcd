//! K-07 限值处密度断崖: the hours break off at the limit.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-07"),
    title: ("限值处密度断崖", "Density falls off a cliff at the limit"),
    inputs: &["valid hours"],
    condition: "log of the number of hours in (L, (1+band)*L] over that in ((1-band)*L, L] below -t with p < 0.01, of >= n_min hours",
    figures: &[ours("t", 7, 1), ours("n_min", 500, 0), ours("band", 1, 1), ours("w_d", 90, 0)],
    window: "90 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "bunching test used in economics of compliance; figure set here",
    grade: Grade::D,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
/// The numbers of hours in equal bands below and above the limit; the logarithm of their quotient against its standard error.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let Some((limit, row)) = view.lowest(factor, Basis::Hour).or_else(|| view.lowest(factor, Basis::Day)) else { continue };
        let band = limit * view.figure(&RULE, "band", factor);
        let (Some(at), Some(band)) = (millionths(limit), millionths(band)) else { continue };
        let values: Vec<i64> = window.judged(factor, view.count(&RULE, "w_d", factor), row.converted).map(|(_, value)| value).collect();
        if (values.len() as u32) < view.count(&RULE, "n_min", factor) {
            continue;
        }
        let below = values.iter().filter(|value| **value > at - band && **value <= at).count();
        let above = values.iter().filter(|value| **value > at && **value <= at + band).count();
        // Half an hour is added to each, so that none has a logarithm.
        let half = Decimal::new(5, 1);
        let (one, other) = (Decimal::from(above) + half, Decimal::from(below) + half);
        let Some(difference) = one.checked_div(other).and_then(ln) else { continue };
        let Some(error) = root(Decimal::ONE / one + Decimal::ONE / other) else { continue };
        let certain = difference < -Z_99 * error;
        if difference < -view.figure(&RULE, "t", factor) && certain {
            let words = (
                format!("限值{limit}以下有{below}小时，以上仅{above}小时"),
                format!("{below} hours stand just below the limit of {limit}, and {above} just above it"),
            );
            hits.fire(
                view,
                &RULE,
                factor,
                None,
                RULE.severity,
                json!({"below": below, "above": above, "hours": values.len(), "log_difference": difference.round_dp(3)}),
                words,
            );
        }
    }
}
