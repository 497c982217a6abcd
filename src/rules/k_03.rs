//! K-03 变点: from one day on the mean, or the spread, is another.

use super::prelude::*;

/// Days that a change must have lasted.
const SIDE_MIN: usize = 3;
/// Hours that make a day.
const HOURS_MIN: i128 = 6;
const ALL_HOURS: u32 = (1 << 24) - 1;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-03"),
    title: ("变点", "Change of mean or spread"),
    inputs: &["hour series, 30 d"],
    condition: "one penalised change-point (BIC) in the means of days, or in the logs of the variances of their hours, three days old, effect >= e sigma; \
                the outlet ran through the days before and after it",
    figures: &[ours("e", 15, 1), ours("min_days", 14, 0), ours("w_d", 30, 0)],
    window: "30 d",
    severity: Severity::Info,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Running],
    time: TimeBase::Event,
    source: "patents and papers name it; figures set here",
    grade: Grade::S,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
/// One change in the days of the span, by least squares under the penalty of BIC; found while it is three days old. A change beside a
/// stop is the plant's.
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let least = view.count(&RULE, "min_days", factor) as usize;
        let e = view.figure(&RULE, "e", factor);
        let whole = |day: Day| window.days(SIDE_MIN as u32 + 1).any(|(known, profile)| known == day && profile.running == ALL_HOURS);
        let changed = |value: &dyn Fn(i128, i128, i128) -> Option<i64>| -> Option<(Day, Decimal, Decimal)> {
            let days = window.series(factor, view.count(&RULE, "w_d", factor)).filter_map(|(day, profile, series)| {
                let (count, sum, squares) = sums(series.measured.iter(profile.running).map(|(_, value)| value));
                (count >= HOURS_MIN).then(|| value(count, sum, squares)).flatten().map(|value| (day, value))
            });
            let days: Vec<(Day, i64)> = days.collect();
            if days.len() < least {
                return None;
            }
            let (at, before, after) = change(&days, e)?;
            (whole(days[at - 1].0) && whole(days[at].0)).then_some((days[at].0, before, after))
        };
        let level = changed(&|count, sum, _| i64::try_from(sum / count).ok());
        // The logarithm of the variance: of hours that all are the same there is none.
        let spread = changed(&|count, sum, squares| {
            let variance = (squares * count - sum * sum) / (count * count);
            let variance = Decimal::try_from_i128_with_scale(variance, 12).ok().filter(|variance| !variance.is_zero())?;
            millionths(ln(variance)?)
        });
        let (since, mut facts, words) = if let Some((since, before, after)) = level {
            let (before, after) = (before.round_dp(3).normalize(), after.round_dp(3).normalize());
            let words =
                (format!("自{since}起日均水平由{before}变为{after}"), format!("since {since} the level of the days is {after}, after {before}"));
            (since, json!({"before": before, "after": after}), words)
        } else if let Some((since, before, after)) = spread {
            // Half the difference of the logarithms of variances is that of deviations.
            let Some(times) = power(((after - before) / Decimal::TWO).round_dp(6)) else { continue };
            let words = (
                format!("自{since}起逐时波动为此前的{times}倍"),
                format!("since {since} the hours spread {times} times as widely as in the days before"),
            );
            (since, json!({"spread_times": times}), words)
        } else {
            continue;
        };
        facts["since"] = json!(since.to_string());
        hits.fire(view, &RULE, factor, None, RULE.severity, facts, words);
    }
}

/// The one change of a row of days, if it is three days old, large and likely enough: its place, and the means before and after it.
fn change(days: &[(Day, i64)], e: Decimal) -> Option<(usize, Decimal, Decimal)> {
    // Squares about the mean.
    let spread = |days: &[(Day, i64)]| {
        let (count, sum, squares) = sums(days.iter().map(|(_, value)| *value));
        (squares * count - sum * sum) / count.max(1)
    };
    let whole = spread(days);
    let (rest, at) =
        (1..days.len()).map(|at| (spread(&days[..at]) + spread(&days[at..]), at)).min().filter(|(_, at)| *at + SIDE_MIN == days.len())?;
    let side = |days: &[(Day, i64)]| {
        let (count, sum, _) = sums(days.iter().map(|(_, value)| *value));
        of_millionths((sum / count.max(1)) as i64)
    };
    let (before, after) = (side(&days[..at]), side(&days[at..]));
    let count = Decimal::from(days.len());
    let square = |value: i128| Decimal::from_i128_with_scale(value / 1_000_000, 6);
    let quotient = square(whole).checked_div(square(rest.max(1_000_000))).filter(|quotient| *quotient > Decimal::ONE)?;
    let (gain, penalty) = (count * ln(quotient)?, ln(count)? * Decimal::TWO);
    let sigma = root(square(rest / (days.len() as i128 - 2))).unwrap_or_default();
    (gain > penalty && (after - before).abs() >= e * sigma).then_some((at, before, after))
}
