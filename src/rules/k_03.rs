//! K-03 变点: from one day on the mean is another.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-03"),
    title: ("变点", "Change of mean or spread"),
    inputs: &["hour series, 30 d"],
    condition: "one penalised change-point (BIC) in the mean of days, three days old, effect >= e sigma, no plant event beside it",
    figures: &[ours("e", 15, 1), ours("min_days", 14, 0), ours("w_d", 30, 0)],
    window: "30 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running, Guard::Settled],
    time: TimeBase::Event,
    source: "patents and papers name it; figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
/// One change in the means of the span's days, by least squares under the penalty of BIC; found while it is three days old. A change
/// within six hours of a start or stop is the plant's.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    const SIDE_MIN: usize = 3;
    for series in view.pollutants() {
        let factor = series.factor();
        let days: Vec<(Day, i64)> = window
            .series(factor, view.count(&RULE, "w_d", factor))
            .filter_map(|(day, profile, series)| {
                let (count, sum, _) = sums(series.measured.iter(profile.running).map(|(_, value)| value));
                (count >= 6).then(|| (day, (sum / count) as i64))
            })
            .collect();
        if (days.len() as u32) < view.count(&RULE, "min_days", factor) {
            continue;
        }
        let spread = |days: &[(Day, i64)]| {
            let (count, sum, squares) = sums(days.iter().map(|(_, value)| *value));
            // Squares about the mean, times the count.
            (squares * count - sum * sum) / count.max(1)
        };
        let whole = spread(&days);
        let best = (1..days.len()).map(|at| (spread(&days[..at]) + spread(&days[at..]), at)).min();
        let Some((rest, at)) = best.filter(|(_, at)| *at + SIDE_MIN == days.len()) else { continue };
        let side = |days: &[(Day, i64)]| {
            let (count, sum, _) = sums(days.iter().map(|(_, value)| *value));
            of_millionths((sum / count.max(1)) as i64)
        };
        let (before, after) = (side(&days[..at]), side(&days[at..]));
        let count = Decimal::from(days.len());
        let quotient =
            Decimal::from_i128_with_scale(whole / 1_000_000, 6).checked_div(Decimal::from_i128_with_scale(rest.max(1_000_000) / 1_000_000, 6));
        let gain = quotient.filter(|quotient| *quotient > Decimal::ONE).and_then(|quotient| Some(count * ln(quotient)?));
        let penalty = ln(count).map(|ln| ln * Decimal::TWO);
        let sigma = root(Decimal::from_i128_with_scale(rest / (days.len() as i128 - 2) / 1_000_000, 6)).unwrap_or_default();
        let effect = (after - before).abs() >= view.figure(&RULE, "e", factor) * sigma;
        let plant = window.days(SIDE_MIN as u32 + 1).any(|(_, profile)| profile.running != profile.steady);
        if gain.zip(penalty).is_some_and(|(gain, penalty)| gain > penalty) && effect && !plant {
            let (before, after) = (before.round_dp(3).normalize(), after.round_dp(3).normalize());
            let since = days[at].0;
            let words =
                (format!("自{since}起日均水平由{before}变为{after}"), format!("since {since} the level of the days is {after}, after {before}"));
            hits.fire(view, &RULE, factor, None, RULE.severity, json!({"since": since.to_string(), "before": before, "after": after}), words);
        }
    }
}
