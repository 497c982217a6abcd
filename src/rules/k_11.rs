//! K-11 缺数非随机: data are missing more often after high values.

use super::prelude::*;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId::known("K-11"),
    title: ("缺数非随机", "Missing not at random"),
    inputs: &["missing indicator, preceding value/limit"],
    condition: "odds ratio of a gap after a five-minute value > high*limit against below > o with p < 0.01, of >= min_gaps gaps",
    figures: &[ours("o", 3, 0), ours("high", 8, 1), ours("min_gaps", 5, 0), ours("w_d", 180, 0)],
    window: "180 d",
    severity: Severity::Warn,
    severity_note: "",
    confidence: Confidence::Low,
    guards: &[Guard::Survey],
    time: TimeBase::Event,
    source: "Henan study 2022 idea; figure set here",
    grade: Grade::P,
    kind: CaseKind::AbnormalData,
    refer: Refer::Note,
    run: Run::Span(run),
};
fn run(view: &DayView<'_>, window: &Window<'_>, hits: &mut Hits) {
    for series in view.pollutants() {
        let factor = series.factor();
        let mut sums = [0u64; 4];
        for (.., of) in window.series(factor, view.count(&RULE, "w_d", factor)) {
            for (sum, more) in sums.iter_mut().zip(of.missing) {
                *sum += u64::from(more);
            }
        }
        let [gaps_high, high, gaps_low, low] = sums;
        if gaps_high < u64::from(view.count(&RULE, "min_gaps", factor)) {
            continue;
        }
        // Half is added to each, so that none divides by zero.
        let plus = |count: u64| Decimal::from(count) + Decimal::new(5, 1);
        let (a, b, c, d) = (plus(gaps_high), plus(high - gaps_high), plus(gaps_low), plus(low - gaps_low));
        let Some(odds) = (a * d).checked_div(b * c) else { continue };
        let Some(error) = root(Decimal::ONE / a + Decimal::ONE / b + Decimal::ONE / c + Decimal::ONE / d) else { continue };
        if odds > view.figure(&RULE, "o", factor) && ln(odds).is_some_and(|ln| ln > Z_99 * error) {
            let odds = odds.round_dp(1).normalize();
            let words = (
                format!("高值之后缺数的几率为其他时候的{odds}倍（{gaps_high}次对{gaps_low}次）"),
                format!("after high values data are missing {odds} times as often as after others ({gaps_high} against {gaps_low} times)"),
            );
            hits.fire(
                view,
                &RULE,
                factor,
                None,
                RULE.severity,
                json!({"odds_ratio": odds, "gaps_after_high": gaps_high, "high": high, "gaps_after_low": gaps_low, "low": low}),
                words,
            );
        }
    }
}

/// Gaps of the day's course after a value above eight tenths of the limit, and such values; the same of the others.
pub(super) fn missing(view: &DayView<'_>, series: &SeriesView<'_>) -> [u16; 4] {
    let Some((values, limit)) = judged_course(view, series) else { return [0; 4] };
    let edge = i128::from(limit) * i128::from(milli(view.figure(&RULE, "high", series.factor())));
    let slots = slots(view, Some(series));
    let mut counts = [0u16; 4];
    for slot in 0..slots.len() - 1 {
        let Some(value) = values[slot].filter(|_| slots[slot + 1] != Slot::Excused) else { continue };
        let place = if i128::from(value) * 1000 > edge { 0 } else { 2 };
        counts[place] += u16::from(slots[slot + 1] == Slot::Nothing);
        counts[place + 1] += 1;
    }
    counts
}
